#include "nts/aead.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#define BLOCK 16

static const struct algorithm {
	enum aead_id id;
	size_t key_len, nonce_len;
	const char *name, *ecb, *ctr;
} algorithms[] = {
    {AEAD_AES_128_GCM_SIV, 16, 12, "AES-128-GCM-SIV", "", ""},
    {AEAD_AES_SIV_CMAC_256, 32, 16, "AES-SIV-CMAC-256", "AES-128-ECB",
	"AES-128-CTR"},
    {AEAD_AES_SIV_CMAC_512, 64, 16, "AES-SIV-CMAC-512", "AES-256-ECB",
	"AES-256-CTR"},
};

static const struct algorithm *find(enum aead_id id)
{
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
		if (algorithms[i].id == id)
			return &algorithms[i];
	return NULL;
}

size_t aead_key_len(enum aead_id id)
{
	const struct algorithm *a = find(id);

	return a ? a->key_len : 0;
}

size_t aead_nonce_len(enum aead_id id)
{
	const struct algorithm *a = find(id);

	return a ? a->nonce_len : 0;
}

const char *aead_name(enum aead_id id)
{
	const struct algorithm *a = find(id);

	return a ? a->name : "none";
}

/*
 * What OpenSSL looks up by name is kept: to look it up again for each packet
 * costs more than the packet. Between two calls the contexts have a key of
 * zeros, so that no secret outlives its call.
 */
static struct library {
	EVP_CIPHER_CTX *ecb, *ctr;
	EVP_CIPHER *gcm_siv;
} libraries[ARRAY_LEN(algorithms)];

static const uint8_t no_key[AEAD_KEY_MAX];
static const uint8_t zeros[BLOCK];

static struct library *library_of(const struct algorithm *a)
{
	return &libraries[a - algorithms];
}

/* A context that encrypts whole blocks: nothing is ever padded, since no last
 * block is asked for. */
static EVP_CIPHER_CTX *new_context(const char *name)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	EVP_CIPHER_CTX *ctx = cipher ? EVP_CIPHER_CTX_new() : NULL;
	bool ok =
	    ctx && EVP_EncryptInit_ex2(ctx, cipher, no_key, zeros, NULL) == 1;

	EVP_CIPHER_free(cipher);
	if (ok)
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

/* Takes the key out of a context. */
static void forget_key(EVP_CIPHER_CTX **ctx)
{
	if (!*ctx || EVP_EncryptInit_ex2(*ctx, NULL, no_key, zeros, NULL) == 1)
		return;
	EVP_CIPHER_CTX_free(*ctx);
	*ctx = NULL;
}

static bool encrypt(
    EVP_CIPHER_CTX *ctx, const uint8_t *in, size_t len, uint8_t *out)
{
	int n = 0;

	return EVP_EncryptUpdate(ctx, out, &n, in, (int)len) == 1 &&
	       (size_t)n == len;
}

static void xor_block(uint8_t a[BLOCK], const uint8_t b[BLOCK])
{
	for (size_t i = 0; i < BLOCK; i++)
		a[i] ^= b[i];
}

/* RFC 5297 2.3: multiplication by x in GF(2^128). */
static void dbl(uint8_t b[BLOCK])
{
	uint8_t carry = b[0] >> 7;

	for (size_t i = 0; i + 1 < BLOCK; i++)
		b[i] = (uint8_t)(b[i] << 1 | b[i + 1] >> 7);
	b[BLOCK - 1] = (uint8_t)(b[BLOCK - 1] << 1);
	/* The timing must not depend on key material. */
	b[BLOCK - 1] ^= (uint8_t)(0x87 & -(int)carry);
}

/*
 * One CMAC key (NIST SP 800-38B), used for all components of S2V. It is built
 * from single blocks, because OpenSSL's CMAC costs twice as much for a message
 * that is as short as a request.
 */
struct cmac {
	EVP_CIPHER_CTX *ecb;
	/* What the last block is combined with, if it is whole, and if not. */
	uint8_t whole[BLOCK], part[BLOCK];
	bool ok;
};

/* In place: a copy of `whole` and `part` must not stay on the stack. */
static void cmac_open(
    struct cmac *m, const struct algorithm *a, const uint8_t *key)
{
	struct library *l = library_of(a);

	if (!l->ecb)
		l->ecb = new_context(a->ecb);
	*m = (struct cmac){.ecb = l->ecb};
	m->ok = m->ecb &&
		EVP_EncryptInit_ex2(m->ecb, NULL, key, zeros, NULL) == 1 &&
		encrypt(m->ecb, zeros, BLOCK, m->whole);
	dbl(m->whole);
	memcpy(m->part, m->whole, BLOCK);
	dbl(m->part);
}

static void cmac_close(struct cmac *m, const struct algorithm *a)
{
	forget_key(&library_of(a)->ecb);
	OPENSSL_cleanse(m, sizeof(*m));
}

/* Whole blocks. */
static void chain(
    struct cmac *m, uint8_t state[BLOCK], const uint8_t *bytes, size_t len)
{
	for (size_t at = 0; at < len; at += BLOCK) {
		xor_block(state, bytes + at);
		m->ok = m->ok && encrypt(m->ecb, state, BLOCK, state);
	}
}

/* Of a message in two parts: whole blocks, and at most two blocks more. */
static void cmac_of_parts(struct cmac *m, const uint8_t *blocks,
    size_t blocks_len, const uint8_t *end, size_t end_len, uint8_t out[BLOCK])
{
	size_t before = end_len > BLOCK ? BLOCK : 0, rest = end_len - before;
	uint8_t state[BLOCK] = {0}, last[BLOCK] = {0};

	if (rest > 0)
		memcpy(last, end + before, rest);
	if (rest < BLOCK)
		last[rest] = 0x80;
	xor_block(last, rest < BLOCK ? m->part : m->whole);
	chain(m, state, blocks, blocks_len);
	chain(m, state, end, before);
	chain(m, state, last, BLOCK);
	memcpy(out, state, BLOCK);
	OPENSSL_cleanse(state, sizeof(state));
	OPENSSL_cleanse(last, sizeof(last));
}

static void cmac_of(
    struct cmac *m, const uint8_t *bytes, size_t len, uint8_t out[BLOCK])
{
	size_t whole = len > 0 ? (len - 1) / BLOCK * BLOCK : 0;

	cmac_of_parts(
	    m, bytes, whole, len > 0 ? bytes + whole : zeros, len - whole, out);
}

/* RFC 5297 2.4: combines the last component with d in its last block, or pads
 * it if it is shorter than a block. */
static void s2v_last(struct cmac *m, uint8_t d[BLOCK], const uint8_t *plain,
    size_t len, uint8_t out[BLOCK])
{
	size_t before = len > BLOCK ? (len - BLOCK) / BLOCK * BLOCK : 0;
	size_t rest = len - before;
	uint8_t end[2 * BLOCK] = {0};

	if (rest > 0)
		memcpy(end, plain + before, rest);
	if (len < BLOCK) {
		dbl(d);
		end[rest] = 0x80;
		rest = BLOCK;
	}
	xor_block(&end[rest - BLOCK], d);
	cmac_of_parts(m, plain, before, end, rest, out);
	OPENSSL_cleanse(end, sizeof(end));
}

/* The parameters of both directions. S2V gets the associated data, the nonce
 * and the plaintext, in this order (RFC 5297 section 3, RFC 8915 5.6). */
struct siv {
	const struct algorithm *a;
	const uint8_t *key, *nonce, *ad;
	size_t nonce_len, ad_len;
};

static bool s2v(
    const struct siv *s, const uint8_t *plain, size_t len, uint8_t tag[BLOCK])
{
	uint8_t d[BLOCK] = {0}, t[BLOCK] = {0};
	struct cmac m;
	bool ok;

	cmac_open(&m, s->a, s->key);
	cmac_of(&m, d, BLOCK, d);
	dbl(d);
	cmac_of(&m, s->ad, s->ad_len, t);
	xor_block(d, t);
	dbl(d);
	cmac_of(&m, s->nonce, s->nonce_len, t);
	xor_block(d, t);
	s2v_last(&m, d, plain, len, tag);
	OPENSSL_cleanse(d, sizeof(d));
	OPENSSL_cleanse(t, sizeof(t));
	ok = m.ok;
	cmac_close(&m, s->a);
	return ok;
}

static bool ctr(const struct siv *s, const uint8_t tag[BLOCK],
    const uint8_t *in, size_t len, uint8_t *out)
{
	struct library *l = library_of(s->a);
	uint8_t counter[BLOCK];
	bool ok;

	if (len == 0)
		return true;
	if (len > INT32_MAX)
		return false;
	memcpy(counter, tag, BLOCK);
	/* RFC 5297 2.5: clears two bits, so that 32-bit counters suffice. */
	counter[8] &= 0x7f;
	counter[12] &= 0x7f;
	if (!l->ctr)
		l->ctr = new_context(s->a->ctr);
	if (!l->ctr)
		return false;
	ok = EVP_EncryptInit_ex2(l->ctr, NULL, s->key + s->a->key_len / 2,
		 counter, NULL) == 1 &&
	     encrypt(l->ctr, in, len, out);
	forget_key(&l->ctr);
	return ok;
}

static bool siv_seal(const struct siv *s, const uint8_t *plain,
    size_t plain_len, uint8_t *sealed)
{
	uint8_t tag[BLOCK];

	/* RFC 5297 2.6 */
	if (!s2v(s, plain, plain_len, tag) ||
	    !ctr(s, tag, plain, plain_len, sealed + BLOCK))
		return false;
	memcpy(sealed, tag, BLOCK);
	return true;
}

static bool siv_open(const struct siv *s, const uint8_t *sealed,
    size_t sealed_len, uint8_t *plain)
{
	size_t len = sealed_len - BLOCK;
	uint8_t tag[BLOCK];
	bool ok;

	/* RFC 5297 2.7 */
	ok = ctr(s, sealed, sealed + BLOCK, len, plain) &&
	     s2v(s, plain, len, tag) && CRYPTO_memcmp(tag, sealed, BLOCK) == 0;
	/* For a forgery, this is the tag that would be accepted. */
	OPENSSL_cleanse(tag, sizeof(tag));
	return ok;
}

/* OpenSSL's GCM-SIV demands a pointer for a length of zero, too. */
static const uint8_t empty[1];

/* NULL: the library has none. */
static const EVP_CIPHER *gcm_siv(const struct siv *s)
{
	struct library *l = library_of(s->a);

	if (!l->gcm_siv)
		l->gcm_siv = EVP_CIPHER_fetch(NULL, s->a->name, NULL);
	return l->gcm_siv;
}

static bool gcm_siv_seal(const struct siv *s, const uint8_t *plain,
    size_t plain_len, uint8_t *sealed)
{
	const EVP_CIPHER *cipher = gcm_siv(s);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, last = 0;
	bool ok;

	ok = cipher && ctx && plain_len <= INT32_MAX &&
	     s->ad_len <= INT32_MAX &&
	     EVP_EncryptInit_ex2(ctx, cipher, s->key, s->nonce, NULL) == 1 &&
	     EVP_EncryptUpdate(ctx, NULL, &n, s->ad, (int)s->ad_len) == 1 &&
	     EVP_EncryptUpdate(ctx, sealed, &n, plain_len ? plain : empty,
		 (int)plain_len) == 1 &&
	     (size_t)n == plain_len &&
	     EVP_EncryptFinal_ex(ctx, sealed + plain_len, &last) == 1 &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN,
		 sealed + plain_len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* OpenSSL ignores a tag that is set after the data. Only EVP_DecryptFinal_ex()
 * says whether the tag is right. */
static bool gcm_siv_open(const struct siv *s, const uint8_t *sealed,
    size_t sealed_len, uint8_t *plain)
{
	const EVP_CIPHER *cipher = gcm_siv(s);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	size_t len = sealed_len - AEAD_TAG_LEN;
	uint8_t tag[AEAD_TAG_LEN], unused[AEAD_TAG_LEN];
	int n = 0, last = 0;
	bool ok;

	memcpy(tag, sealed + len, sizeof(tag));
	ok = cipher && ctx && len <= INT32_MAX && s->ad_len <= INT32_MAX &&
	     EVP_DecryptInit_ex2(ctx, cipher, s->key, s->nonce, NULL) == 1 &&
	     EVP_CIPHER_CTX_ctrl(
		 ctx, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) == 1 &&
	     EVP_DecryptUpdate(ctx, NULL, &n, s->ad, (int)s->ad_len) == 1 &&
	     EVP_DecryptUpdate(ctx, len ? plain : unused, &n,
		 len ? sealed : empty, (int)len) == 1 &&
	     (size_t)n == len && EVP_DecryptFinal_ex(ctx, unused, &last) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

/* SIV takes a nonce of any length; an empty one gives no protection. OpenSSL's
 * GCM-SIV reads twelve bytes, even behind the end of a shorter nonce. */
static bool nonce_fits(const struct algorithm *a, size_t nonce_len)
{
	if (a && a->id == AEAD_AES_128_GCM_SIV)
		return nonce_len == a->nonce_len;
	return a && nonce_len > 0;
}

bool aead_seal(enum aead_id id, const uint8_t *key, const uint8_t *nonce,
    size_t nonce_len, const uint8_t *ad, size_t ad_len, const uint8_t *plain,
    size_t plain_len, uint8_t *sealed)
{
	struct siv s = {find(id), key, nonce, ad, nonce_len, ad_len};
	bool ok;

	if (!nonce_fits(s.a, nonce_len))
		return false;
	if (id == AEAD_AES_128_GCM_SIV)
		ok = gcm_siv_seal(&s, plain, plain_len, sealed);
	else
		ok = siv_seal(&s, plain, plain_len, sealed);
	ERR_clear_error();
	return ok;
}

bool aead_open(enum aead_id id, const uint8_t *key, const uint8_t *nonce,
    size_t nonce_len, const uint8_t *ad, size_t ad_len, const uint8_t *sealed,
    size_t sealed_len, uint8_t *plain)
{
	struct siv s = {find(id), key, nonce, ad, nonce_len, ad_len};
	bool ok = nonce_fits(s.a, nonce_len);

	if (sealed_len < AEAD_TAG_LEN)
		return false;
	if (id == AEAD_AES_128_GCM_SIV)
		ok = ok && gcm_siv_open(&s, sealed, sealed_len, plain);
	else
		ok = ok && siv_open(&s, sealed, sealed_len, plain);
	if (!ok && sealed_len > AEAD_TAG_LEN)
		OPENSSL_cleanse(plain, sealed_len - AEAD_TAG_LEN);
	ERR_clear_error();
	return ok;
}

/*
 * The tags of an empty plaintext, as in every NTS request. All bytes of the key
 * are 7, the 48 bytes of the associated data are 1, all bytes of the nonce are
 * 2. A library with the fault reports success and an all-zero tag.
 */
static const struct {
	enum aead_id id;
	uint8_t tag[AEAD_TAG_LEN];
} known[] = {
    {AEAD_AES_128_GCM_SIV, {0x8b, 0x49, 0x00, 0x4a, 0x90, 0x56, 0x5b, 0xd6,
			       0xf0, 0x92, 0xaa, 0xdd, 0x62, 0xec, 0x07, 0x3c}},
    {AEAD_AES_SIV_CMAC_256,
	{0x33, 0x2c, 0xe1, 0x56, 0xf9, 0x8a, 0xdc, 0xe6, 0xc3, 0xdf, 0xa9, 0x74,
	    0xfe, 0x9e, 0xc6, 0x87}},
    {AEAD_AES_SIV_CMAC_512,
	{0x3d, 0x79, 0xc0, 0xf0, 0x9b, 0x1a, 0x3c, 0xb9, 0x25, 0x20, 0x76, 0x95,
	    0x26, 0x83, 0x35, 0x92}},
};

static bool round_trip(enum aead_id id, const uint8_t *key,
    const uint8_t *nonce, const uint8_t *ad, size_t ad_len)
{
	static const uint8_t plain[20] = "nineteen characters";
	uint8_t sealed[sizeof(plain) + AEAD_TAG_LEN], back[sizeof(plain)];
	size_t n = aead_nonce_len(id);

	if (!aead_seal(
		id, key, nonce, n, ad, ad_len, plain, sizeof(plain), sealed) ||
	    !aead_open(
		id, key, nonce, n, ad, ad_len, sealed, sizeof(sealed), back) ||
	    memcmp(plain, back, sizeof(plain)) != 0)
		return false;
	sealed[3] ^= 1;
	return !aead_open(
	    id, key, nonce, n, ad, ad_len, sealed, sizeof(sealed), back);
}

static bool self_test(enum aead_id id, const uint8_t want[AEAD_TAG_LEN])
{
	uint8_t key[AEAD_KEY_MAX], ad[48], nonce[AEAD_NONCE_MAX];
	uint8_t tag[AEAD_TAG_LEN] = {0}, none[1];

	memset(key, 7, sizeof(key));
	memset(ad, 1, sizeof(ad));
	memset(nonce, 2, sizeof(nonce));
	return aead_seal(id, key, nonce, aead_nonce_len(id), ad, sizeof(ad),
		   NULL, 0, tag) &&
	       memcmp(tag, want, sizeof(tag)) == 0 &&
	       aead_open(id, key, nonce, aead_nonce_len(id), ad, sizeof(ad),
		   tag, sizeof(tag), none) &&
	       round_trip(id, key, nonce, ad, sizeof(ad));
}

bool aead_fips_mode(void)
{
	return EVP_default_properties_is_fips_enabled(NULL) == 1;
}

static void forget(struct library *l)
{
	EVP_CIPHER_CTX_free(l->ecb);
	EVP_CIPHER_CTX_free(l->ctr);
	EVP_CIPHER_free(l->gcm_siv);
	*l = (struct library){.ecb = NULL};
}

size_t aead_available(enum aead_id out[AEAD_COUNT])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(libraries); i++)
		forget(&libraries[i]);
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (self_test(known[i].id, known[i].tag))
			out[n++] = known[i].id;
	return n;
}
