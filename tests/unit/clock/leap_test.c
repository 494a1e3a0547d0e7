/* When a leap second is due, executed, or smeared. */
#include "base/check.h"
#include "clock/leap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#define HOUR_S INT64_C(3600)
#define DAY_S (24 * HOUR_S)
/* 2029-01-01 00:00:00 UTC, the end of a leap day. */
#define MIDNIGHT_S INT64_C(1861920000)
#define TOLERANCE_NS (20 * NS_PER_MS)

static struct wall wall_s(int64_t s)
{
	return (struct wall){s * NS_PER_S};
}

/* Of 2027 and 2028, a leap year; the last rows are the only two days. */
static void only_two_days_a_year_may_have_one(void **state)
{
	static const struct {
		int64_t date_s;
		bool leap;
	} days[] = {
	    {1800000000, false},		     /* 15 January 2027 */
	    {1806451200, false},		     /* 31 March */
	    {1814227200, false},		     /* 29 June */
	    {1814313599, false}, {1814313600, true}, /* 30 June */
	    {1814399999, true}, {1814400000, false}, /* 1 July */
	    {1816905600, false},		     /* 30 July */
	    {1822176000, false},		     /* 29 September */
	    {1827532800, false},		     /* 30 November */
	    {1830124800, false},		     /* 30 December */
	    {1830211199, false}, {1830211200, true}, /* 31 December */
	    {1830297599, true}, {1830297600, false}, /* 1 January */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(days); i++)
		if (leap_day(wall_s(days[i].date_s)) != days[i].leap)
			fail_msg("%lld", (long long)days[i].date_s);
}

/* 290 years, those before 1970 and the year 2100 included. */
static void the_calendar_is_that_of_the_c_library(void **state)
{
	const int64_t first_s = -60 * 365 * DAY_S;
	unsigned leap_days = 0;

	(void)state;
	for (int64_t day = 0; day < 290 * 365; day++)
		for (int64_t s = 0; s < DAY_S; s += DAY_S - 1) {
			time_t at = first_s + day * DAY_S + s;
			struct tm utc;
			bool leap;

			assert_non_null(gmtime_r(&at, &utc));
			leap = (utc.tm_mon == 5 && utc.tm_mday == 30) ||
			       (utc.tm_mon == 11 && utc.tm_mday == 31);
			leap_days += leap;
			if (leap_day(wall_s(at)) != leap)
				fail_msg("%lld", (long long)at);
		}
	assert_in_range(leap_days, 4 * 289, 4 * 291);
}

static void an_inserted_second_repeats_the_last_one(void **state)
{
	(void)state;
	for (int64_t before_s = -DAY_S; before_s < 0; before_s += HOUR_S) {
		struct wall before = wall_s(MIDNIGHT_S + before_s);

		assert_int_equal(
		    leap_time(LEAP_INSERT, before).ns, MIDNIGHT_S * NS_PER_S);
		assert_int_equal(leap_time(LEAP_DELETE, before).ns,
		    (MIDNIGHT_S - 1) * NS_PER_S);
	}
}

/* Times in ns around midnight. `before` is a reading ten seconds earlier. */
static void it_is_executed_at_its_time_by_its_size(void **state)
{
	const int64_t s = NS_PER_S, t = TOLERANCE_NS;
	const struct {
		enum leap armed;
		int64_t day_s, after, jump;
		bool executed;
	} rows[] = {
	    {LEAP_INSERT, 0, 0, -s, true},
	    {LEAP_INSERT, 0, 60 * s, -s, true},
	    {LEAP_DELETE, 0, 60 * s, s, true},
	    /* The size, to the tolerance. */
	    {LEAP_INSERT, 0, 60 * s, -s + t, true},
	    {LEAP_INSERT, 0, 60 * s, -s + t + 1, false},
	    {LEAP_INSERT, 0, 60 * s, -s - t, true},
	    {LEAP_INSERT, 0, 60 * s, -s - t - 1, false},
	    {LEAP_DELETE, 0, 60 * s, s - t, true},
	    {LEAP_DELETE, 0, 60 * s, s - t - 1, false},
	    /* The time: an inserted second takes the clock back to -1 s. */
	    {LEAP_INSERT, 0, -s - t, -s, true},
	    {LEAP_INSERT, 0, -s - t - 1, -s, false},
	    /* A deleted one takes it from -1 s to 0. */
	    {LEAP_DELETE, 0, -t, s, true},
	    {LEAP_DELETE, 0, -t - 1, s, false},
	    /* The other direction, none, and another day. */
	    {LEAP_INSERT, 0, 60 * s, s, false},
	    {LEAP_DELETE, 0, 60 * s, -s, false},
	    {LEAP_NONE, 0, 60 * s, -s, false},
	    {LEAP_UNKNOWN, 0, 60 * s, s, false},
	    {LEAP_INSERT, -DAY_S, 60 * s, -s, false},
	    {LEAP_INSERT, DAY_S, 60 * s, -s, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t midnight_s = MIDNIGHT_S + rows[i].day_s;
		struct wall after = {midnight_s * s + rows[i].after};

		if (leap_executed(rows[i].armed, wall_s(midnight_s - 10), after,
			rows[i].jump, t) != rows[i].executed)
			fail_msg("row %zu", i);
	}
}

static void servers_may_smear_from_noon_to_noon(void **state)
{
	static const struct {
		int64_t after_s;
		bool season;
	} rows[] = {
	    {-24 * HOUR_S, false},
	    {-13 * HOUR_S - 1, false},
	    {-13 * HOUR_S, true},
	    {-1, true},
	    {0, true},
	    {13 * HOUR_S - 1, true},
	    {13 * HOUR_S, false},
	    {24 * HOUR_S, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(
		    leap_smear_time(wall_s(MIDNIGHT_S + rows[i].after_s)),
		    rows[i].season);
}

#define MS NS_PER_MS
#define VIEW(usable, agrees, leap, offset, bound)                              \
	{                                                                      \
		"", usable, agrees, leap, offset, bound                        \
	}

/* The bounds are 1 ms and 2 ms: together 3 ms. */
static void a_smearing_source_differs_by_up_to_a_second(void **state)
{
	static const struct {
		int64_t offset_ns;
		bool smears;
	} rows[] = {
	    {100 * MS, false},
	    {103 * MS, false},
	    {103 * MS + 1, true},
	    {97 * MS, false},
	    {97 * MS - 1, true},
	    {1103 * MS, true},
	    {1103 * MS + 1, false},
	    {-903 * MS, true},
	    {-903 * MS - 1, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct leap_view v[] = {
		    VIEW(true, true, LEAP_INSERT, 5000 * MS, 3 * MS),
		    VIEW(true, true, LEAP_NONE, 100 * MS, 1 * MS),
		    VIEW(true, false, LEAP_NONE, rows[i].offset_ns, 2 * MS),
		};

		assert_int_equal(
		    leap_smears(v, ARRAY_LEN(v), 2), rows[i].smears);
		/* A source that agrees, or is unusable, does not smear. */
		v[2].usable = false;
		assert_false(leap_smears(v, ARRAY_LEN(v), 2));
		v[2].usable = v[2].agrees = true;
		assert_false(leap_smears(v, ARRAY_LEN(v), 2));
	}
}

static void without_a_majority_those_that_announce_are_right(void **state)
{
	struct leap_view v[] = {
	    VIEW(true, false, LEAP_NONE, 500 * MS, 1 * MS),
	    VIEW(true, false, LEAP_INSERT, 0, 5 * MS),
	    VIEW(false, true, LEAP_DELETE, 500 * MS, 1 * MS),
	};

	(void)state;
	assert_true(leap_smears(v, ARRAY_LEN(v), 0));
	assert_false(leap_smears(v, ARRAY_LEN(v), 1));
	v[1].leap = LEAP_DELETE;
	assert_true(leap_smears(v, ARRAY_LEN(v), 0));
	v[1].leap = LEAP_UNKNOWN;
	assert_false(leap_smears(v, ARRAY_LEN(v), 0));
}

static void any_usable_source_announces(void **state)
{
	static const struct {
		bool usable;
		enum leap leap;
		bool announced;
	} rows[] = {
	    {true, LEAP_INSERT, true},
	    {true, LEAP_DELETE, true},
	    {true, LEAP_NONE, false},
	    {true, LEAP_UNKNOWN, false},
	    {false, LEAP_INSERT, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct leap_view v[] = {
		    VIEW(true, true, LEAP_NONE, 0, MS),
		    VIEW(rows[i].usable, false, rows[i].leap, 0, MS),
		};

		assert_int_equal(
		    leap_announced(v, ARRAY_LEN(v)), rows[i].announced);
	}
	assert_false(leap_announced(NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_two_days_a_year_may_have_one),
	    cmocka_unit_test(the_calendar_is_that_of_the_c_library),
	    cmocka_unit_test(an_inserted_second_repeats_the_last_one),
	    cmocka_unit_test(it_is_executed_at_its_time_by_its_size),
	    cmocka_unit_test(servers_may_smear_from_noon_to_noon),
	    cmocka_unit_test(a_smearing_source_differs_by_up_to_a_second),
	    cmocka_unit_test(without_a_majority_those_that_announce_are_right),
	    cmocka_unit_test(any_usable_source_announces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
