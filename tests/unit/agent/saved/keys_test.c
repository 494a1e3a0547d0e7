/* Keys that were written can be read, and no other bytes can. */
#include "agent/saved/keys.h"

#include "nts/digest.h"
#include "tests/unit/agent/saved/saved.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#define VERSION_AT 9 /* its low byte, after the magic */

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

/* Gives changed bytes a right checksum. */
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

static enum saved_keys_result read_it(struct file *f)
{
	return saved_keys_read(&f->got, f->bytes, f->len);
}

static void assert_wiped(const struct saved_keys *k)
{
	static const struct saved_keys none;

	assert_memory_equal(k, &none, sizeof(none));
}

static void written_keys_are_read(void **state)
{
	struct file *f = *state;

	assert_int_equal(read_it(f), SAVED_KEYS_OK);
	assert_memory_equal(&f->got, &f->keys, sizeof(f->got));
}

static void the_largest_keys_fit(void **state)
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

static void every_flipped_bit_is_detected(void **state)
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

static void every_cut_is_detected(void **state)
{
	struct file *f = *state;
	size_t whole = f->len;

	for (f->len = 0; f->len < whole; f->len++)
		if (read_it(f) != SAVED_KEYS_DAMAGED)
			fail_msg("%zu bytes", f->len);
	/* And so is a byte too many. */
	f->len = whole + 1;
	assert_int_equal(read_it(f), SAVED_KEYS_DAMAGED);
}

/* Each length is checked against what is left. */
static void every_cut_with_a_right_checksum_is_detected(void **state)
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

static void another_version_is_reported(void **state)
{
	struct file *f = *state;

	f->bytes[VERSION_AT]++;
	seal_again(f);
	assert_int_equal(read_it(f), SAVED_KEYS_VERSION);
	assert_wiped(&f->got);
}

typedef void alter(struct saved_keys *k);

/* clang-format off */
static void no_host(struct saved_keys *k) { k->host[0] = '\0'; }
static void no_name(struct saved_keys *k) { k->name[0] = '\0'; }
static void no_port(struct saved_keys *k) { k->ke_port = 0; }
static void odd_family(struct saved_keys *k) { k->family = FAMILY_IPV6 + 1; }
static void far_address(struct saved_keys *k) { k->address = 2; }
static void no_address(struct saved_keys *k) { k->answer.address_count = 0; }
static void no_cookie(struct saved_keys *k) { k->answer.cookie_count = 0; }
static void empty_cookie(struct saved_keys *k) { k->answer.cookies[3].len = 0; }
static void odd_aead(struct saved_keys *k) { k->answer.aead = 16; }
static void no_peer(struct saved_keys *k) { k->answer.facts.peer.port = 0; }
static void escape(struct saved_keys *k) { k->answer.facts.tls[0] = '\x1b'; }
static void no_date(struct saved_keys *k) { k->answer.facts.not_after = INT64_MAX; }
static void saved_before_1970(struct saved_keys *k) { k->saved_s = -1; }
static void saved_too_late(struct saved_keys *k) { k->saved_s = INT64_MAX / NS_PER_S + 1; }
static void keyed_too_late(struct saved_keys *k) { k->keyed_s = INT64_MAX / NS_PER_S + 1; }
static void keyed_too_early(struct saved_keys *k) { k->keyed_s = -INT64_MAX / NS_PER_S - 1; }
static void a_failure(struct saved_keys *k) { k->answer.stage = KE_STAGE_TLS; }
static void last_family(struct saved_keys *k) { k->family = FAMILY_IPV6; }
static void first_address(struct saved_keys *k) { k->address = 0; }
static void saved_in_1970(struct saved_keys *k) { k->saved_s = 0; }
static void saved_last(struct saved_keys *k) { k->saved_s = INT64_MAX / NS_PER_S; }
static void keyed_last(struct saved_keys *k) { k->keyed_s = INT64_MAX / NS_PER_S; }
static void keyed_first(struct saved_keys *k) { k->keyed_s = -INT64_MAX / NS_PER_S; }
/* clang-format on */

static bool can_be_written(struct file *f, alter *what)
{
	struct writer w = writer_of(f->bytes, sizeof(f->bytes));
	struct saved_keys k = f->keys;

	what(&k);
	saved_keys_write(&k, &w);
	f->len = w.len;
	return w.ok;
}

static void invalid_keys_are_not_written(void **state)
{
	static alter *const bad[] = {no_host, no_name, no_port, odd_family,
	    far_address, no_address, no_cookie, empty_cookie, odd_aead, no_peer,
	    escape, no_date, saved_before_1970, saved_too_late, keyed_too_late,
	    keyed_too_early, a_failure};
	static alter *const good[] = {last_family, first_address, saved_in_1970,
	    saved_last, keyed_last, keyed_first};
	struct file *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (can_be_written(f, bad[i]))
			fail_msg("bad %zu", i);
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!can_be_written(f, good[i]) || read_it(f) != SAVED_KEYS_OK)
			fail_msg("good %zu", i);
}

/* The digest does not fit after the keys. */
static void keys_that_do_not_fit_are_not_written(void **state)
{
	struct file *f = *state;

	for (size_t room = f->len - DIGEST_LEN - 1; room < f->len; room++) {
		struct writer w = writer_of(f->bytes, room);

		saved_keys_write(&f->keys, &w);
		assert_false(w.ok);
	}
}

/* Lengths and counts that no writer writes, with a right checksum. */
static void bad_lengths_are_damage(void **state)
{
	enum { NAME = 10, HOST = NAME + 2 + 6 };
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {
	    {NAME, 1},	    /* a name of 256 bytes more */
	    {NAME + 1, 64}, /* a name as long as its field */
	    {NAME + 2, 0},  /* a NUL in the name */
	    {HOST, 1},	    /* a host as long as its field */
	    {HOST + 3, 0},  /* a NUL in the host */
	};
	struct file *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		encode(f);
		assert_int_not_equal(f->bytes[rows[i].at], rows[i].value);
		f->bytes[rows[i].at] = rows[i].value;
		seal_again(f);
		if (read_it(f) != SAVED_KEYS_DAMAGED)
			fail_msg("row %zu", i);
	}
}

typedef void change(struct file *f);

/* clang-format off */
static void nothing(struct file *f) { (void)f; }
static void name(struct file *f) { strcpy(f->source.name, "other"); }
static void host(struct file *f) { strcpy(f->source.host, "evil.example.net"); }
static void ke_port(struct file *f) { f->source.ke_port++; }
static void ntp_port(struct file *f) { f->source.ntp_port++; }
static void family(struct file *f) { f->source.family = FAMILY_IPV6; }
static void binding(struct file *f) { f->keys.binding[31] ^= 1; }
static void expires(struct file *f) { f->keys.answer.facts.not_after = SAVED_NOW_S + 100; }
static void expires_late(struct file *f) { f->keys.answer.facts.not_after = SAVED_NOW_S + SAVED_KEYS_AGE_MAX_S; }
static void host_and_binding(struct file *f) { host(f); binding(f); }
static void binding_and_expires(struct file *f) { binding(f); expires(f); }
/* clang-format on */

#define WEEK_S SAVED_KEYS_AGE_MAX_S

/* May the keys be used? What changed since they were saved, how many seconds
 * later the clock is, and the answer. */
static void only_keys_of_this_source_trust_and_time_are_used(void **state)
{
	/* clang-format off */
	static const struct {
		change *what;
		int64_t later_s;
		enum saved_keys_result result;
	} rows[] = {
		{nothing, 0, SAVED_KEYS_OK},
		{name, 0, SAVED_KEYS_FOREIGN},
		{host, 0, SAVED_KEYS_FOREIGN},
		{ke_port, 0, SAVED_KEYS_FOREIGN},
		{ntp_port, 0, SAVED_KEYS_FOREIGN},
		{family, 0, SAVED_KEYS_FOREIGN},
		{binding, 0, SAVED_KEYS_TRUST},
		{nothing, WEEK_S, SAVED_KEYS_OK},
		{nothing, WEEK_S + 1, SAVED_KEYS_OLD},
		{expires, 100, SAVED_KEYS_OK},
		{expires, 101, SAVED_KEYS_EXPIRED},
		{expires_late, WEEK_S, SAVED_KEYS_OK},
		/* A clock before the time of saving cannot tell the age. */
		{nothing, -1, SAVED_KEYS_OK},
		{nothing, -SAVED_NOW_S, SAVED_KEYS_OK},
		{expires, -SAVED_NOW_S, SAVED_KEYS_OK},
		/* The first of several reasons counts. */
		{host_and_binding, WEEK_S + 1, SAVED_KEYS_FOREIGN},
		{binding_and_expires, WEEK_S + 1, SAVED_KEYS_TRUST},
		{expires, WEEK_S + 1, SAVED_KEYS_OLD},
	};
	/* clang-format on */
	struct file *f = *state;
	const struct source_config source = f->source;
	const struct saved_keys keys = f->keys;
	uint8_t same[SAVED_KEYS_BINDING_LEN];

	memcpy(same, keys.binding, sizeof(same));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t now_s = SAVED_NOW_S + rows[i].later_s;

		f->source = source;
		f->keys = keys;
		rows[i].what(f);
		if (saved_keys_judge(&f->keys, &f->source, same,
			(struct wall){now_s * NS_PER_S}) != rows[i].result)
			fail_msg("row %zu", i);
	}
}

static void every_result_has_a_text(void **state)
{
	(void)state;
	for (int i = 0; i < SAVED_KEYS_RESULT_COUNT; i++)
		assert_true(strlen(saved_keys_result_text(
				(enum saved_keys_result)i)) > 0);
	assert_string_equal(
	    saved_keys_result_text(SAVED_KEYS_DAMAGED), "is damaged");
}

static void the_older_half_of_the_cookies_stays(void **state)
{
	static uint8_t bytes[SAVED_KEYS_BYTES_MAX];
	struct file *f = *state;

	memcpy(bytes, f->bytes, f->len);
	for (uint32_t n = 1; n <= NTS_COOKIES; n++) {
		struct saved_keys k = f->keys;

		k.answer.cookie_count = n;
		saved_keys_split(&k, &f->got);
		/* Nothing after `got` is changed. */
		assert_memory_equal(f->bytes, bytes, f->len);
		assert_int_equal(k.answer.cookie_count, n - n / 2);
		assert_int_equal(f->got.answer.cookie_count, n / 2);
		assert_int_equal(k.answer.cookies[0].bytes[0], 1);
		/* The oldest cookie of `rest` follows the newest of `k`. */
		if (n > 1)
			assert_int_equal(
			    f->got.answer.cookies[0].bytes[0], n - n / 2 + 1);
		/* Each cookie is in one of the two only. */
		for (uint32_t i = k.answer.cookie_count; i < NTS_COOKIES; i++)
			assert_int_equal(k.answer.cookies[i].len, 0);
		for (uint32_t i = n / 2; i < NTS_COOKIES; i++)
			assert_int_equal(f->got.answer.cookies[i].len, 0);
	}
}

static void every_source_has_a_safe_file_name(void **state)
{
	static const char *const rows[][2] = {
	    {"ntpserver", "ntpserver.ntskeys"},
	    {"ntp-1_a.example", "ntp-1_a.example.ntskeys"},
	    {"azAZ09", "azAZ09.ntskeys"},
	    {"`{@[/:", "%60%7B%40%5B%2F%3A.ntskeys"}, /* next to these */
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
	    TEST(written_keys_are_read),
	    TEST(the_largest_keys_fit),
	    TEST(every_flipped_bit_is_detected),
	    TEST(every_cut_is_detected),
	    TEST(every_cut_with_a_right_checksum_is_detected),
	    TEST(another_version_is_reported),
	    TEST(invalid_keys_are_not_written),
	    TEST(keys_that_do_not_fit_are_not_written),
	    TEST(bad_lengths_are_damage),
	    TEST(every_result_has_a_text),
	    TEST(only_keys_of_this_source_trust_and_time_are_used),
	    TEST(the_older_half_of_the_cookies_stays),
	    TEST(every_source_has_a_safe_file_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
