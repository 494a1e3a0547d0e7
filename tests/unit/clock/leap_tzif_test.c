/* Leap seconds out of TZif files, which the test makes. */
#include "clock/leap_tzif.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define FILE_MAX 1024
#define NOW_S INT64_C(1800000000)

struct leap_record {
	int64_t at_s;
	int32_t correction;
};

struct file {
	size_t len;
	unsigned char bytes[FILE_MAX];
};

static void put(struct file *f, int64_t n, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		f->bytes[f->len++] =
		    (unsigned char)((uint64_t)n >> 8 * (len - 1 - i));
}

/* One header and its data, with parts that the reader must skip. */
static void put_block(struct file *f, char version, unsigned time_len,
    const struct leap_record *leaps, unsigned count)
{
	memcpy(f->bytes + f->len, "TZif", 4);
	f->len += 4;
	put(f, version, 1);
	f->len += 15;
	put(f, 1, 4);	  /* UT indicators */
	put(f, 1, 4);	  /* standard indicators */
	put(f, count, 4); /* leap seconds */
	put(f, 2, 4);	  /* transitions */
	put(f, 1, 4);	  /* types */
	put(f, 4, 4);	  /* characters */
	f->len += 2 * (time_len + 1) + 6 + 4;
	for (unsigned i = 0; i < count; i++) {
		put(f, leaps[i].at_s, time_len);
		put(f, leaps[i].correction, 4);
	}
	f->len += 2;
}

static struct file file_of(
    char version, const struct leap_record *leaps, unsigned count)
{
	struct file f = {.len = 0};

	put_block(&f, version, 4, leaps, count);
	if (version >= '2') {
		/* The first block counts for old programs only. */
		f.len = 0;
		put_block(&f, version, 4, leaps, 0);
		put_block(&f, version, 8, leaps, count);
	}
	return f;
}

/* The first two, and the last one of 2017-01-01. */
static const struct leap_record right[] = {
    {78796800, 1},
    {94694401, 2},
    {1483228826, 27},
};

static void the_table_says_what_is_true_now(void **state)
{
	static const struct {
		int64_t now_s;
		int tai_s;
		int64_t since_s;
	} rows[] = {
	    {NOW_S, 37, 1483228824},
	    {78796800, 11, 78796800},
	    {94694399, 11, 78796800},
	    {94694400, 12, 94694400},
	};

	(void)state;
	for (char version = '1'; version <= '4'; version++) {
		/* Version 1 has a zero byte. */
		struct file f =
		    file_of(version == '1' ? '\0' : version, right, 3);

		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			struct leap_table t = {.tai_s = -1};

			assert_true(
			    leap_tzif_read(&t, f.bytes, f.len, rows[i].now_s));
			assert_int_equal(t.tai_s, rows[i].tai_s);
			assert_int_equal(t.since_s, rows[i].since_s);
			assert_int_equal(t.expires_s, 0);
		}
	}
}

/* A last record with the correction of the one before it. */
static void the_table_may_expire(void **state)
{
	const struct leap_record leaps[] = {
	    right[0], right[1], {1900000002, 2}};
	struct file f = file_of('4', leaps, 3);
	struct leap_table t;

	(void)state;
	assert_true(leap_tzif_read(&t, f.bytes, f.len, NOW_S));
	assert_int_equal(t.tai_s, 12);
	assert_int_equal(t.expires_s, 1900000000);
}

static void nonsense_is_refused(void **state)
{
	static const struct leap_record bad[][2] = {
	    {{94694401, 1}, {94694401, 2}},
	    {{94694401, 1}, {78796800, 2}},
	    {{-5, 1}, {78796800, 2}},
	    {{78796800, 1}, {94694401, 1001}},
	    {{78796800, 1}, {94694401, -1001}},
	    /* Nothing is known of now. */
	    {{1900000000, 1}, {1910000001, 2}},
	};
	struct leap_table t = {.tai_s = -1};
	struct file f = file_of('2', right, 0);

	(void)state;
	/* UTC, and not right/UTC. */
	assert_false(leap_tzif_read(&t, f.bytes, f.len, NOW_S));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		f = file_of('2', bad[i], 2);
		if (leap_tzif_read(&t, f.bytes, f.len, NOW_S))
			fail_msg("row %zu is taken", i);
	}
	assert_int_equal(t.tai_s, -1);
}

/* Counts that lie, and files that end too early. */
static void every_prefix_and_every_count_is_refused(void **state)
{
	(void)state;
	for (char version = '1'; version <= '2'; version++) {
		struct file f = file_of(version, right, 3);
		struct leap_table t;

		for (size_t len = 0; len < f.len; len++) {
			unsigned char part[FILE_MAX];

			memcpy(part, f.bytes, len);
			assert_false(leap_tzif_read(&t, part, len, NOW_S));
		}
		for (size_t at = 20; at < 44; at += 4) {
			struct file huge = f;

			memset(huge.bytes + at, 0xff, 4);
			assert_false(
			    leap_tzif_read(&t, huge.bytes, f.len, NOW_S));
		}
		f.bytes[0] = 'x';
		assert_false(leap_tzif_read(&t, f.bytes, f.len, NOW_S));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_table_says_what_is_true_now),
	    cmocka_unit_test(the_table_may_expire),
	    cmocka_unit_test(nonsense_is_refused),
	    cmocka_unit_test(every_prefix_and_every_count_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
