#include "nts/aead.h"
#include "tests/unit/nts/gcm_siv.h"
#include "tests/unit/nts/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static size_t unhex(const char *hex, uint8_t *out)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned value;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
		out[i] = (uint8_t)value;
	}
	return n;
}

static enum aead_id algorithm(void **state)
{
	return *(const enum aead_id *)*state;
}

/* RFC 8452 C.1: key 01, nonce 03. */
static void gcm_siv_gives_the_vectors_of_rfc_8452(void **state)
{
	static const struct {
		const char *plain, *ad, *sealed;
	} cases[] = {
	    {"", "", "dc20e2d83f25705bb49e439eca56de25"},
	    {"0100000000000000", "",
		"b5d839330ac7b786578782fff6013b815b287c22493a364c"},
	    {"01000000000000000000000000000000", "",
		"743f7c8077ab25f8624e2e948579cf77"
		"303aaf90f6fe21199c6068577437a0c4"},
	    {"0200000000000000", "01",
		"1e6daba35669f4273b0a1a2560969cdf790d99759abd1508"},
	    {"02000000000000000000000000000000", "01",
		"e2b0c5da79a901c1745f700525cb335b"
		"8f8936ec039e4e4bb97ebd8c4457441f"},
	};
	uint8_t key[16] = {1}, nonce[12] = {3};
	enum aead_id id = algorithm(state);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t plain[16], ad[16], want[32], got[32], back[16];
		size_t len = unhex(cases[i].plain, plain);
		size_t ad_len = unhex(cases[i].ad, ad);

		assert_int_equal(unhex(cases[i].sealed, want), len + 16);
		assert_true(
		    aead_seal(id, key, nonce, 12, ad, ad_len, plain, len, got));
		assert_memory_equal(got, want, len + 16);
		assert_true(aead_open(
		    id, key, nonce, 12, ad, ad_len, want, len + 16, back));
		assert_memory_equal(back, plain, len);
	}
}

/* RFC 5297 A.2 without its second component: NTS has two (RFC 8915 5.6). The
 * expected value comes from a second implementation, which reproduces A.2. */
static void siv_gives_a_known_answer_for_two_components(void **state)
{
	uint8_t key[32], ad[40], nonce[16], plain[47], want[63], got[63];

	(void)state;
	unhex("7f7e7d7c7b7a79787776757473727170"
	      "404142434445464748494a4b4c4d4e4f",
	    key);
	unhex("00112233445566778899aabbccddeeffdeaddadadeaddada"
	      "ffeeddccbbaa99887766554433221100",
	    ad);
	unhex("09f911029d74e35bd84156c5635688c0", nonce);
	unhex("7468697320697320736f6d6520706c61696e7465787420746f20656e637279"
	      "7074207573696e67205349562d414553",
	    plain);
	unhex("85825e22e90cf2ddda2c548dc7c1b6310dcdaca0cebf9dc6cb90583f5bf150"
	      "6e02cd48832b00e4e598b2b22a53e6199d4df0c1666a35a0433b250dc134d7"
	      "76",
	    want);
	assert_true(aead_seal(AEAD_AES_SIV_CMAC_256, key, nonce, sizeof(nonce),
	    ad, sizeof(ad), plain, sizeof(plain), got));
	assert_memory_equal(got, want, sizeof(want));
}

/* The expected values come from other implementations, written with AES alone.
 * All bytes of the key are 7, the 48 bytes of the associated data are 1, all
 * bytes of the nonce are 2, all bytes of the plaintext are 3. The plaintext of
 * a request is empty; S2V changes its method at 16 bytes. */
static const struct {
	enum aead_id id;
	size_t len;
	const char *sealed;
} known[] = {
    {AEAD_AES_SIV_CMAC_256, 0, "332ce156f98adce6c3dfa974fe9ec687"},
    {AEAD_AES_SIV_CMAC_256, 8,
	"6372f57110570762372ed49071b5c813c706873018037ef1"},
    {AEAD_AES_SIV_CMAC_256, 15,
	"cc7d6229dc0250a9a3a73cdacdb3a3e8"
	"209b2b1165e2413fd710771c5e512e"},
    {AEAD_AES_SIV_CMAC_256, 16,
	"6a6f1e101abc023817afc5733f25c99e"
	"d2799549ef733b038577bf8f98dd6636"},
    {AEAD_AES_SIV_CMAC_256, 17,
	"9282d697bbbe06d119316f50ac80390f"
	"a777d439e761fc2e84b0c7d5d11845581f"},
    {AEAD_AES_SIV_CMAC_256, 40,
	"780732cb02ddd1402831495e9b2ba716"
	"abfe544a1ab341b3d68bea4ac4987a5b"
	"1bda5742b5da755dd9b1a16eb77e085812381736fdbde198"},
    {AEAD_AES_SIV_CMAC_512, 0, "3d79c0f09b1a3cb92520769526833592"},
    {AEAD_AES_SIV_CMAC_512, 15,
	"8cd649b1fe82afee8c8c63f9accdd29d"
	"7f294a687de8d94b162ba2cef5ea5d"},
    {AEAD_AES_SIV_CMAC_512, 16,
	"a87f2b0baa8815baaa7c9d07105aa60a"
	"f7ee0f536a1491eb9666fa99c72ceefc"},
    {AEAD_AES_SIV_CMAC_512, 40,
	"c629b392963043d266004f45d5d0fcd0"
	"2139ab720597815af8b066e23f6df4e2"
	"4b221e21d288a81bcf1f499b6b843ed0dac891e8f97314f0"},
    {AEAD_AES_128_GCM_SIV, 0, "8b49004a90565bd6f092aadd62ec073c"},
    {AEAD_AES_128_GCM_SIV, 8,
	"5b6cbafd62e32be24de412969cf85c1e05340baff8ce5967"},
    {AEAD_AES_128_GCM_SIV, 40,
	"966639d5ee4756d4e592b8cb3d94203c"
	"edbd2171fc9712a9921b18ecc31b52a1"
	"6fd9aa6f63476009f1ad0d35e9548ceaabece7ece6233f3b"},
};

static void known_answers_are_reproduced(void **state)
{
	enum aead_id id = algorithm(state);
	uint8_t key[AEAD_KEY_MAX], ad[48], nonce[16], plain[40];

	memset(key, 7, sizeof(key));
	memset(ad, 1, sizeof(ad));
	memset(nonce, 2, sizeof(nonce));
	memset(plain, 3, sizeof(plain));
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		uint8_t want[56], got[56], back[40];
		size_t len = known[i].len;

		if (known[i].id != id)
			continue;
		assert_int_equal(unhex(known[i].sealed, want), len + 16);
		assert_true(aead_seal(id, key, nonce, aead_nonce_len(id), ad,
		    sizeof(ad), len ? plain : NULL, len, got));
		assert_memory_equal(got, want, len + 16);
		assert_true(aead_open(id, key, nonce, aead_nonce_len(id), ad,
		    sizeof(ad), want, len + 16, back));
		assert_memory_equal(back, plain, len);
	}
}

struct message {
	uint8_t key[AEAD_KEY_MAX], nonce[32], ad[200], plain[200];
	uint8_t sealed[216];
	size_t nonce_len, ad_len, len;
};

static struct message random_message(struct rng *d, enum aead_id id)
{
	struct message m;

	rng_bytes(d, (uint8_t *)&m, sizeof(m));
	m.nonce_len = id == AEAD_AES_128_GCM_SIV ? 12 : 1 + rng_below(d, 32);
	m.ad_len = 1 + rng_below(d, sizeof(m.ad));
	m.len = rng_below(d, sizeof(m.plain) + 1);
	assert_true(aead_seal(id, m.key, m.nonce, m.nonce_len, m.ad, m.ad_len,
	    m.plain, m.len, m.sealed));
	return m;
}

static bool opens(enum aead_id id, const struct message *m, uint8_t *plain)
{
	return aead_open(id, m->key, m->nonce, m->nonce_len, m->ad, m->ad_len,
	    m->sealed, m->len + AEAD_TAG_LEN, plain);
}

/* OpenSSL's own CMAC, with the half of the key that S2V takes. */
static void cmac_of(enum aead_id id, const uint8_t *key, const uint8_t *bytes,
    size_t len, uint8_t out[16])
{
	const size_t key_len = aead_key_len(id) / 2;
	char cipher[] = "AES-128-CBC";
	OSSL_PARAM params[2] = {OSSL_PARAM_END, OSSL_PARAM_END};
	size_t out_len;

	memcpy(cipher + 4, key_len == 16 ? "128" : "256", 3);
	params[0] =
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0);
	assert_non_null(EVP_Q_mac(NULL, "CMAC", NULL, NULL, params, key,
	    key_len, bytes, len, out, 16, &out_len));
	assert_int_equal(out_len, 16);
}

static void double_and_add(uint8_t d[16], const uint8_t with[16])
{
	uint8_t carry = d[0] >> 7;

	for (size_t i = 0; i < 16; i++)
		d[i] = (uint8_t)(d[i] << 1 | (i < 15 ? d[i + 1] >> 7 : 0));
	d[15] ^= carry ? 0x87 : 0;
	for (size_t i = 0; i < 16; i++)
		d[i] ^= with[i];
}

/* RFC 5297 2.4, over a nonce that is the first 16 bytes of `bytes`, with the
 * same bytes as associated data and as plaintext. */
static void expected_tag(enum aead_id id, const uint8_t *key,
    const uint8_t *bytes, size_t ad_len, size_t len, uint8_t tag[16])
{
	uint8_t d[16] = {0}, t[16], last[128] = {0};

	cmac_of(id, key, d, 16, d);
	cmac_of(id, key, bytes, ad_len, t);
	double_and_add(d, t);
	cmac_of(id, key, bytes, 16, t);
	double_and_add(d, t);
	memcpy(last, bytes, len);
	if (len < 16) {
		last[len] = 0x80;
		double_and_add(d, last);
		cmac_of(id, key, d, 16, tag);
		return;
	}
	for (size_t i = 0; i < 16; i++)
		last[len - 16 + i] ^= d[i];
	cmac_of(id, key, last, len, tag);
}

static void siv_is_that_of_the_cmac_of_openssl_for_all_lengths(void **state)
{
	enum aead_id id = algorithm(state);
	struct rng r = {7};
	uint8_t key[AEAD_KEY_MAX], bytes[128], sealed[128 + 16], tag[16];

	rng_bytes(&r, key, sizeof(key));
	rng_bytes(&r, bytes, sizeof(bytes));
	for (size_t len = 0; len <= 80; len++) {
		size_t ad_len = (len * 7) % 81;

		expected_tag(id, key, bytes, ad_len, len, tag);
		assert_true(aead_seal(
		    id, key, bytes, 16, bytes, ad_len, bytes, len, sealed));
		assert_memory_equal(sealed, tag, 16);
	}
}

static void sealed_data_opens(void **state)
{
	enum aead_id id = algorithm(state);
	struct rng d = {11};

	for (int i = 0; i < 300; i++) {
		struct message m = random_message(&d, id);
		uint8_t plain[200];

		assert_true(opens(id, &m, plain));
		assert_memory_equal(plain, m.plain, m.len);
	}
}

static void flip(struct rng *d, uint8_t *bytes, size_t len)
{
	bytes[rng_below(d, len)] ^= (uint8_t)(1u << rng_below(d, 8));
}

/* A flipped bit anywhere fails, and the plaintext is wiped. */
static void a_flipped_bit_is_detected(void **state)
{
	enum aead_id id = algorithm(state);
	struct rng d = {12};

	for (int i = 0; i < 400; i++) {
		struct message m = random_message(&d, id);
		uint8_t plain[200], zeros[200] = {0};

		switch (i % 4) {
		case 0:
			/* SIV's second half encrypts the plaintext only. */
			flip(&d, m.key, aead_key_len(id) / (m.len ? 1 : 2));
			break;
		case 1:
			flip(&d, m.nonce, m.nonce_len);
			break;
		case 2:
			flip(&d, m.ad, m.ad_len);
			break;
		default:
			flip(&d, m.sealed, m.len + AEAD_TAG_LEN);
		}
		memset(plain, 0xee, sizeof(plain));
		assert_false(opens(id, &m, plain));
		assert_memory_equal(plain, zeros, m.len);
	}
}

static void a_shortened_message_does_not_open(void **state)
{
	enum aead_id id = algorithm(state);
	struct rng d = {13};
	struct message m = random_message(&d, id);
	uint8_t plain[200];

	for (size_t len = 0; len < m.len + AEAD_TAG_LEN; len++)
		assert_false(aead_open(id, m.key, m.nonce, m.nonce_len, m.ad,
		    m.ad_len, m.sealed, len, plain));
}

/* RFC 8915 5.6: packet and nonce are two components of S2V. */
static void packet_and_nonce_are_separate_components(void **state)
{
	const uint8_t joined[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	uint8_t key[64] = {0}, a[16], b[16];
	enum aead_id id = algorithm(state);

	assert_true(aead_seal(id, key, joined + 4, 4, joined, 4, NULL, 0, a));
	assert_true(aead_seal(id, key, joined + 5, 3, joined, 5, NULL, 0, b));
	assert_memory_not_equal(a, b, sizeof(a));
}

/* OpenSSL's GCM-SIV always reads twelve bytes. */
static void a_nonce_of_a_wrong_length_is_refused(void **state)
{
	enum aead_id id = algorithm(state);
	uint8_t key[16] = {0}, nonce[32] = {0}, sealed[24], plain[8];
	const uint8_t zeros[8] = {0};

	for (size_t len = 0; len <= sizeof(nonce); len++) {
		memset(plain, 1, sizeof(plain));
		assert_int_equal(aead_seal(id, key, nonce, len, key, 16, plain,
				     sizeof(plain), sealed),
		    len == 12);
		if (len == 12)
			continue;
		assert_false(aead_open(id, key, nonce, len, key, 16, sealed,
		    sizeof(sealed), plain));
		assert_memory_equal(plain, zeros, sizeof(plain));
	}
}

static void an_empty_nonce_is_refused(void **state)
{
	enum aead_id id = algorithm(state);
	uint8_t key[64] = {0}, sealed[16] = {0}, none[1];

	assert_false(
	    aead_seal(id, key, key, 0, key, sizeof(key), NULL, 0, sealed));
	assert_false(aead_open(
	    id, key, key, 0, key, sizeof(key), sealed, sizeof(sealed), none));
}

static void an_unknown_algorithm_fails(void **state)
{
	uint8_t key[64] = {0}, sealed[24] = {0}, plain[8];

	(void)state;
	for (int id = -1; id < 70; id++) {
		if (aead_key_len((enum aead_id)id) > 0)
			continue;
		assert_int_equal(aead_nonce_len((enum aead_id)id), 0);
		assert_string_equal(aead_name((enum aead_id)id), "none");
		assert_false(aead_seal(
		    (enum aead_id)id, key, key, 16, key, 16, NULL, 0, sealed));
		assert_false(aead_open((enum aead_id)id, key, key, 16, key, 16,
		    sealed, sizeof(sealed), plain));
	}
}

static void lengths_and_names_are_correct(void **state)
{
	(void)state;
	assert_int_equal(aead_key_len(AEAD_AES_SIV_CMAC_256), 32);
	assert_int_equal(aead_key_len(AEAD_AES_SIV_CMAC_512), 64);
	assert_int_equal(aead_key_len(AEAD_AES_128_GCM_SIV), 16);
	assert_int_equal(aead_nonce_len(AEAD_AES_SIV_CMAC_256), 16);
	assert_int_equal(aead_nonce_len(AEAD_AES_SIV_CMAC_512), 16);
	assert_int_equal(aead_nonce_len(AEAD_AES_128_GCM_SIV), 12);
	assert_string_equal(
	    aead_name(AEAD_AES_SIV_CMAC_256), "AES-SIV-CMAC-256");
	assert_string_equal(
	    aead_name(AEAD_AES_SIV_CMAC_512), "AES-SIV-CMAC-512");
	assert_string_equal(aead_name(AEAD_AES_128_GCM_SIV), "AES-128-GCM-SIV");
}

/* RFC 8915 5.1: every server has AEAD 15. */
static void siv_is_always_available(void **state)
{
	enum aead_id ids[AEAD_COUNT];
	size_t count = aead_available(ids);

	(void)state;
	assert_in_range(count, 2, 3);
	assert_int_equal(ids[count - 2], AEAD_AES_SIV_CMAC_256);
	assert_int_equal(ids[count - 1], AEAD_AES_SIV_CMAC_512);
	if (count == 3)
		assert_int_equal(ids[0], AEAD_AES_128_GCM_SIV);
}

static void a_faulty_gcm_siv_is_not_available(void **state)
{
	static const enum gcm_siv_fault faults[] = {GCM_SIV_NO_TAG,
	    GCM_SIV_ANY_TAG, GCM_SIV_WRONG_TAG, GCM_SIV_WRONG_TEXT};
	enum aead_id ids[AEAD_COUNT];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		gcm_siv_break(faults[i]);
		assert_int_equal(aead_available(ids), 2);
		assert_int_equal(ids[0], AEAD_AES_SIV_CMAC_256);
		assert_int_equal(ids[1], AEAD_AES_SIV_CMAC_512);
		gcm_siv_break(GCM_SIV_CORRECT);
		assert_int_equal(aead_available(ids), 3);
		assert_int_equal(ids[0], AEAD_AES_128_GCM_SIV);
	}
}

/* Without a provider the library has no algorithm. */
static void a_failing_library_is_reported(void **state)
{
	enum aead_id id = algorithm(state), ids[AEAD_COUNT];
	uint8_t key[AEAD_KEY_MAX] = {7}, sealed[24], plain[8] = {3};
	size_t n = aead_nonce_len(id);
	bool ok;

	assert_true(EVP_set_default_properties(NULL, "provider=nobody"));
	assert_int_equal(aead_available(ids), 0);
	ok = aead_seal(id, key, key, n, key, 16, plain, 8, sealed);
	assert_false(ok);
	gcm_siv_break(GCM_SIV_CORRECT);
	assert_true(aead_seal(id, key, key, n, key, 16, plain, 8, sealed));
	assert_true(EVP_set_default_properties(NULL, "provider=nobody"));
	assert_int_equal(aead_available(ids), 0);
	ok = aead_open(id, key, key, n, key, 16, sealed, sizeof(sealed), plain);
	gcm_siv_break(GCM_SIV_CORRECT);
	assert_false(ok);
	assert_true(
	    aead_open(id, key, key, n, key, 16, sealed, sizeof(sealed), plain));
	assert_int_equal(plain[0], 3);
}

/* A library that has no algorithm any more gives those that are kept. */
static void nothing_is_looked_up_again(void **state)
{
	enum aead_id id = algorithm(state), ids[AEAD_COUNT];
	uint8_t key[AEAD_KEY_MAX] = {7}, sealed[24], plain[8] = {3};
	size_t n = aead_nonce_len(id);
	bool sealed_again, opened;

	assert_in_range(aead_available(ids), 2, 3);
	assert_true(EVP_set_default_properties(NULL, "provider=nobody"));
	sealed_again = aead_seal(id, key, key, n, key, 16, plain, 8, sealed);
	opened = sealed_again && aead_open(id, key, key, n, key, 16, sealed,
				     sizeof(sealed), plain);
	gcm_siv_break(GCM_SIV_CORRECT);
	assert_true(sealed_again);
	assert_true(opened);
	assert_int_equal(plain[0], 3);
}

/* A request is sealed between two clock readings. The limit is ten times the
 * time of a slow machine, so that a build with sanitizers passes it, too. */
static void sealing_a_request_is_fast(void **state)
{
	enum aead_id id = algorithm(state);
	uint8_t key[64] = {1}, ad[188] = {2}, tag[16];
	struct timespec a, b;
	double us;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (int i = 0; i < 1000; i++)
		assert_true(aead_seal(id, key, ad, aead_nonce_len(id), ad,
		    sizeof(ad), NULL, 0, tag));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	us = ((double)(b.tv_sec - a.tv_sec) * 1e9 +
		 (double)(b.tv_nsec - a.tv_nsec)) /
	     1e6;
	print_message("%s: %.1f us\n", aead_name(id), us);
	assert_true(us < 500);
}

#define WITH(test, id)                                                         \
	{                                                                      \
#test " " #id, test, NULL, NULL, &(id)                         \
	}
#define WITH_EACH(test)                                                        \
	WITH(test, siv_256), WITH(test, siv_512), WITH(test, gcm_siv)

static void fips_mode_is_that_of_the_library(void **state)
{
	(void)state;
	assert_false(aead_fips_mode());
	assert_int_equal(EVP_default_properties_enable_fips(NULL, 1), 1);
	assert_true(aead_fips_mode());
	assert_int_equal(EVP_default_properties_enable_fips(NULL, 0), 1);
	assert_false(aead_fips_mode());
}

/* A sanitizer has a heap of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TESTS_OF_THE_HEAP
#else
#define TESTS_OF_THE_HEAP                                                      \
	WITH(no_key_stays_in_the_heap, siv_256),                               \
	    WITH(no_key_stays_in_the_heap, siv_512),

/* Does the heap contain these bytes? */
static bool in_heap(const uint8_t *bytes, size_t len)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	const uint8_t *heap = NULL;
	char line[512];
	size_t size = 0;
	void *low, *high;

	assert_non_null(maps);
	while (!heap && fgets(line, sizeof(line), maps))
		if (strstr(line, "[heap]") &&
		    sscanf(line, "%p-%p", &low, &high) == 2) {
			heap = low;
			size = (size_t)((const uint8_t *)high - heap);
		}
	assert_int_equal(fclose(maps), 0);
	return heap && memmem(heap, size, bytes, len);
}

/* On most processors the key schedule begins with the key itself, so a context
 * that still has its key shows it. */
static void no_key_stays_in_the_heap(void **state)
{
	enum aead_id id = algorithm(state);
	size_t half = aead_key_len(id) / 2;
	uint8_t key[64], nonce[16] = {1}, plain[40] = {2}, out[56];
	uint8_t *copy;
	bool found;

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(0xc3 ^ (i * 37 + (size_t)id));
	copy = malloc(half);
	assert_non_null(copy);
	memcpy(copy, key, half);
	found = in_heap(key, half);
	OPENSSL_cleanse(copy, half);
	free(copy);
	assert_true(found); /* or the search below shows nothing */
	assert_true(aead_seal(
	    id, key, nonce, sizeof(nonce), NULL, 0, plain, sizeof(plain), out));
	assert_true(aead_open(
	    id, key, nonce, sizeof(nonce), NULL, 0, out, sizeof(out), plain));
	assert_false(in_heap(key, half));
	assert_false(in_heap(key + half, half));
}
#endif

int main(void)
{
	enum aead_id siv_256 = AEAD_AES_SIV_CMAC_256;
	enum aead_id siv_512 = AEAD_AES_SIV_CMAC_512;
	enum aead_id gcm_siv = AEAD_AES_128_GCM_SIV;
	const struct CMUnitTest tests[] = {
	    WITH(gcm_siv_gives_the_vectors_of_rfc_8452, gcm_siv),
	    cmocka_unit_test(fips_mode_is_that_of_the_library),
	    cmocka_unit_test(siv_gives_a_known_answer_for_two_components),
	    WITH(siv_is_that_of_the_cmac_of_openssl_for_all_lengths, siv_256),
	    WITH(siv_is_that_of_the_cmac_of_openssl_for_all_lengths, siv_512),
	    WITH_EACH(known_answers_are_reproduced),
	    WITH_EACH(sealed_data_opens), WITH_EACH(a_flipped_bit_is_detected),
	    WITH_EACH(a_shortened_message_does_not_open),
	    WITH(packet_and_nonce_are_separate_components, siv_256),
	    WITH(packet_and_nonce_are_separate_components, siv_512),
	    WITH(a_nonce_of_a_wrong_length_is_refused, gcm_siv),
	    WITH_EACH(an_empty_nonce_is_refused),
	    cmocka_unit_test(an_unknown_algorithm_fails),
	    cmocka_unit_test(lengths_and_names_are_correct),
	    cmocka_unit_test(siv_is_always_available),
	    cmocka_unit_test(a_faulty_gcm_siv_is_not_available),
	    WITH_EACH(a_failing_library_is_reported),
	    WITH(nothing_is_looked_up_again, siv_256),
	    WITH(nothing_is_looked_up_again, siv_512),
	    WITH_EACH(sealing_a_request_is_fast), TESTS_OF_THE_HEAP};

	return cmocka_run_group_tests(tests, gcm_siv_load, gcm_siv_unload);
}
