/* What is written is read again, and nothing else is. */
#include "agent/saved/keys.h"

#include "nts/digest.h"
#include "tests/unit/agent/saved/saved.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#define VERSION_AT 9 /* the low byte, behind the magic */

struct file {
	struct source_config source;
	struct saved_keys keys, got;
	uint8_t bytes[SAVED_KEYS_BYTES_MAX];
	size_t len;
};

static void encode(struct file *f)
{
	struct writer w = writer_of(f->bytes, sizeof(f->bytes));

	saved_keys_write(&f->keys, &w);
	assert_true(w.ok);
	f->len = w.len;
}

/* What was changed gets a right checksum. */
static void seal_again(struct file *f)
{
	size_t body = f->len - DIGEST_LEN;

	assert_true(digest_of(f->bytes, body, f->bytes + body));
}

static int setup(void **state)
{
	struct file *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->source = saved_source("office");
	f->keys = saved_keys_of(&f->source, 5);
	encode(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static enum saved_keys_verdict read_it(struct file *f)
{
	return saved_keys_read(&f->got, f->bytes, f->len);
}

static void assert_wiped(const struct saved_keys *k)
{
	static const struct saved_keys none;

	assert_memory_equal(k, &none, sizeof(none));
}

static void what_is_written_is_read(void **state)
{
	struct file *f = *state;

	assert_int_equal(read_it(f), SAVED_KEYS_OK);
	assert_memory_equal(&f->got, &f->keys, sizeof(f->got));
}

static void the_largest_fits(void **state)
{
	struct file *f = *state;
	struct saved_keys *k = &f->keys;
	struct ke_answer *a = &k->answer;

	a->aead = AEAD_AES_SIV_CMAC_512;
	a->have_other_keys = 1;
	memset(&a->keys, 3, sizeof(a->keys));
	memset(&a->other_keys, 4, sizeof(a->other_keys));
	for (unsigned i = 0; i < NTS_COOKIES; i++) {
		a->cookies[i].len = NTS_COOKIE_MAX;
		memset(a->cookies[i].bytes, (int)i, NTS_COOKIE_MAX);
	}
	for (unsigned i = 0; i < KE_ADDRESSES_MAX; i++)
		a->addresses[i] = a->addresses[1];
	a->address_count = KE_ADDRESSES_MAX;
	memset(k->name, 'n', sizeof(k->name) - 1);
	memset(k->host, 'h', sizeof(k->host) - 1);
	memset(a->facts.subject, 's', sizeof(a->facts.subject) - 1);
	memset(a->facts.tls, 't', sizeof(a->facts.tls) - 1);
	memset(a->ntp_server, 'p', sizeof(a->ntp_server) - 1);
	encode(f);
	assert_int_equal(read_it(f), SAVED_KEYS_OK);
	assert_memory_equal(&f->got, k, sizeof(f->got));
}

static void any_bit_flipped_is_seen(void **state)
{
	struct file *f = *state;

	for (size_t bit = 0; bit < 8 * f->len; bit++) {
		uint8_t mask = (uint8_t)(1u << bit % 8);

		f->bytes[bit / 8] ^= mask;
		if (read_it(f) != SAVED_KEYS_DAMAGED)
			fail_msg("bit %zu", bit);
		f->bytes[bit / 8] ^= mask;
	}
	assert_wiped(&f->got);
	assert_int_equal(read_it(f), SAVED_KEYS_OK);
}

static void any_cut_is_seen(void **state)
{
	struct file *f = *state;
	size_t whole = f->len;

	for (f->len = 0; f->len < whole; f->len++)
		if (read_it(f) != SAVED_KEYS_DAMAGED)
			fail_msg("%zu bytes", f->len);
	/* And so is something behind it. */
	f->len = whole + 1;
	assert_int_equal(read_it(f), SAVED_KEYS_DAMAGED);
}

/* A cut with a right checksum: each length is judged by what is there. */
static void any_cut_with_a_right_checksum_is_seen(void **state)
{
	struct file *f = *state;
	size_t whole = f->len;

	for (size_t len = DIGEST_LEN; len < whole; len++) {
		encode(f);
		f->len = len;
		seal_again(f);
		if (read_it(f) == SAVED_KEYS_OK)
			fail_msg("%zu bytes", len);
	}
}

static void another_version_is_told(void **state)
{
	struct file *f = *state;

	f->bytes[VERSION_AT]++;
	seal_again(f);
	assert_int_equal(read_it(f), SAVED_KEYS_VERSION);
	assert_wiped(&f->got);
}

typedef void spoil(struct saved_keys *k);

/* clang-format off */
static void no_host(struct saved_keys *k) { k->host[0] = '\0'; }
static void no_name(struct saved_keys *k) { k->name[0] = '\0'; }
static void no_port(struct saved_keys *k) { k->ke_port = 0; }
static void odd_family(struct saved_keys *k) { k->family = 3; }
static void far_address(struct saved_keys *k) { k->address = 2; }
static void no_address(struct saved_keys *k) { k->answer.address_count = 0; }
static void no_cookie(struct saved_keys *k) { k->answer.cookie_count = 0; }
static void empty_cookie(struct saved_keys *k) { k->answer.cookies[3].len = 0; }
static void odd_aead(struct saved_keys *k) { k->answer.aead = 16; }
static void no_peer(struct saved_keys *k) { k->answer.facts.peer.port = 0; }
static void escape(struct saved_keys *k) { k->answer.facts.tls[0] = '\x1b'; }
static void no_date(struct saved_keys *k) { k->answer.facts.not_after = INT64_MAX; }
static void far_date(struct saved_keys *k) { k->saved_s = INT64_MAX / 1000; }
static void past_date(struct saved_keys *k) { k->keyed_s = INT64_MIN / 1000; }
static void a_failure(struct saved_keys *k) { k->answer.stage = KE_STAGE_TLS; }
/* clang-format on */

static void nonsense_is_not_written(void **state)
{
	static spoil *const spoils[] = {no_host, no_name, no_port, odd_family,
	    far_address, no_address, no_cookie, empty_cookie, odd_aead, no_peer,
	    escape, no_date, far_date, past_date, a_failure};
	struct file *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(spoils); i++) {
		struct writer w = writer_of(f->bytes, sizeof(f->bytes));
		struct saved_keys k = f->keys;

		spoils[i](&k);
		saved_keys_write(&k, &w);
		if (w.ok)
			fail_msg("spoil %zu", i);
	}
}

static enum saved_keys_verdict judge(
    const struct file *f, uint8_t binding, int64_t later_s)
{
	uint8_t bytes[SAVED_KEYS_BINDING_LEN];

	memset(bytes, binding, sizeof(bytes));
	return saved_keys_judge(&f->keys, &f->source, bytes,
	    (struct wall){(SAVED_NOW_S + later_s) * NS_PER_S});
}

static void only_its_own_source_may_use_it(void **state)
{
	struct file *f = *state;
	const struct source_config mine = f->source;

	assert_int_equal(judge(f, 5, 0), SAVED_KEYS_OK);
	snprintf(f->source.host, sizeof(f->source.host), "evil.example.net");
	assert_int_equal(judge(f, 5, 0), SAVED_KEYS_FOREIGN);
	f->source = mine;
	f->source.ke_port++;
	assert_int_equal(judge(f, 5, 0), SAVED_KEYS_FOREIGN);
	f->source = mine;
	f->source.ntp_port++;
	assert_int_equal(judge(f, 5, 0), SAVED_KEYS_FOREIGN);
	f->source = mine;
	f->source.family = FAMILY_IPV6;
	assert_int_equal(judge(f, 5, 0), SAVED_KEYS_FOREIGN);
	f->source = mine;
	snprintf(f->source.name, sizeof(f->source.name), "other");
	assert_int_equal(judge(f, 5, 0), SAVED_KEYS_FOREIGN);
}

static void another_trust_is_another_world(void **state)
{
	assert_int_equal(judge(*state, 6, 0), SAVED_KEYS_TRUST);
}

static void keys_grow_old(void **state)
{
	struct file *f = *state;

	assert_int_equal(judge(f, 5, SAVED_KEYS_AGE_MAX_S), SAVED_KEYS_OK);
	assert_int_equal(judge(f, 5, SAVED_KEYS_AGE_MAX_S + 1), SAVED_KEYS_OLD);
	f->keys.answer.facts.not_after = SAVED_NOW_S + 100;
	assert_int_equal(judge(f, 5, 100), SAVED_KEYS_OK);
	assert_int_equal(judge(f, 5, 101), SAVED_KEYS_EXPIRED);
	/* A clock that was lost is no judge. */
	assert_int_equal(judge(f, 5, -SAVED_NOW_S), SAVED_KEYS_OK);
}

static void half_of_the_cookies_stay(void **state)
{
	struct file *f = *state;

	for (uint32_t n = 1; n <= NTS_COOKIES; n++) {
		struct saved_keys k = f->keys;

		k.answer.cookie_count = n;
		saved_keys_split(&k, &f->got);
		assert_int_equal(k.answer.cookie_count, n - n / 2);
		assert_int_equal(f->got.answer.cookie_count, n / 2);
		assert_int_equal(k.answer.cookies[0].bytes[0], 1);
		/* The oldest of the rest follows the newest of these. */
		if (n > 1)
			assert_int_equal(
			    f->got.answer.cookies[0].bytes[0], n - n / 2 + 1);
		/* No copy is left behind. */
		for (uint32_t i = k.answer.cookie_count; i < NTS_COOKIES; i++)
			assert_int_equal(k.answer.cookies[i].len, 0);
		for (uint32_t i = n / 2; i < NTS_COOKIES; i++)
			assert_int_equal(f->got.answer.cookies[i].len, 0);
	}
}

static void names_are_fit_for_a_file_system(void **state)
{
	static const char *const rows[][2] = {
	    {"ntpserver", "ntpserver.ntskeys"},
	    {"ntp-1_a.example", "ntp-1_a.example.ntskeys"},
	    {"..", "%2E..ntskeys"},
	    {".hidden", "%2Ehidden.ntskeys"},
	    {"a/b", "a%2Fb.ntskeys"},
	    {"2001:db8::1%eth0", "2001%3Adb8%3A%3A1%25eth0.ntskeys"},
	    {"a%2Fb", "a%252Fb.ntskeys"},
	};
	char longest[SOURCE_NAME_MAX], name[SAVED_KEYS_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		saved_keys_file_name(rows[i][0], name);
		assert_string_equal(name, rows[i][1]);
	}
	memset(longest, ':', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	saved_keys_file_name(longest, name);
	assert_int_equal(strlen(name),
	    3 * (sizeof(longest) - 1) + strlen(SAVED_KEYS_SUFFIX));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(what_is_written_is_read),
	    TEST(the_largest_fits),
	    TEST(any_bit_flipped_is_seen),
	    TEST(any_cut_is_seen),
	    TEST(any_cut_with_a_right_checksum_is_seen),
	    TEST(another_version_is_told),
	    TEST(nonsense_is_not_written),
	    TEST(only_its_own_source_may_use_it),
	    TEST(another_trust_is_another_world),
	    TEST(keys_grow_old),
	    TEST(half_of_the_cookies_stay),
	    TEST(names_are_fit_for_a_file_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
