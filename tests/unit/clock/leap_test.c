#include "clock/leap.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define DAY_S INT64_C(86400)
/* 2029-01-01 00:00:00 */
#define MIDNIGHT_NS (INT64_C(1861920000) * NS_PER_S)
#define TOLERANCE_NS (20 * NS_PER_MS)

static struct wall at(int64_t after_midnight_ns)
{
	return (struct wall){MIDNIGHT_NS + after_midnight_ns};
}

static bool executed(
    enum leap armed, int64_t before_ns, int64_t after_ns, int64_t jump_ns)
{
	return leap_executed(
	    armed, at(before_ns), at(after_ns), jump_ns, TOLERANCE_NS);
}

static void only_the_armed_leap_second_at_midnight_is_executed(void **state)
{
	const int64_t s = NS_PER_S;

	(void)state;
	/* Woken within the repeated second, and a minute later. */
	assert_true(executed(LEAP_INSERT, -s / 2, -s * 3 / 4, -s));
	assert_true(executed(LEAP_INSERT, -10 * s, 60 * s, -s));
	assert_true(executed(LEAP_DELETE, -10 * s, s / 10, s));
	assert_true(executed(LEAP_DELETE, -10 * s, 60 * s, s));
	/* A second too early, of another size, not armed, on another day. */
	assert_false(executed(LEAP_INSERT, -10 * s, -3 * s, -s));
	assert_false(executed(LEAP_INSERT, -10 * s, 60 * s, -s * 11 / 10));
	assert_false(executed(LEAP_INSERT, -10 * s, 60 * s, s));
	assert_false(executed(LEAP_DELETE, -10 * s, 60 * s, -s));
	assert_false(executed(LEAP_NONE, -10 * s, 60 * s, -s));
	assert_false(executed(LEAP_UNKNOWN, -10 * s, 60 * s, -s));
	assert_false(executed(LEAP_INSERT, 10 * s, 60 * s, -s));
	assert_false(
	    executed(LEAP_INSERT, -10 * s + DAY_S * s, 60 * s + DAY_S * s, -s));
}

static void the_moment_is_midnight_or_a_second_before(void **state)
{
	(void)state;
	assert_int_equal(
	    leap_moment(LEAP_INSERT, at(-NS_PER_S)).ns, MIDNIGHT_NS);
	assert_int_equal(leap_moment(LEAP_DELETE, at(-5 * NS_PER_S)).ns,
	    MIDNIGHT_NS - NS_PER_S);
}

static void the_season_lasts_from_noon_to_noon(void **state)
{
	const int64_t hour = 3600 * NS_PER_S;

	(void)state;
	assert_true(leap_season(at(-12 * hour)));
	assert_true(leap_season(at(0)));
	assert_true(leap_season(at(12 * hour)));
	assert_false(leap_season(at(-14 * hour)));
	assert_false(leap_season(at(14 * hour)));
	assert_false(leap_season(at(-36 * hour)));
	assert_false(leap_season(at(-24 * 30 * hour)));
}

static void smearing_is_a_clear_difference_of_less_than_a_second(void **state)
{
	struct leap_view v[] = {
	    {"a", true, true, LEAP_INSERT, 0, NS_PER_MS},
	    {"b", true, false, LEAP_NONE, 300 * NS_PER_MS, NS_PER_MS},
	    {"c", true, false, LEAP_NONE, 1 * NS_PER_MS, NS_PER_MS},
	    {"d", true, false, LEAP_NONE, 1500 * NS_PER_MS, NS_PER_MS},
	    {"e", false, false, LEAP_NONE, 300 * NS_PER_MS, NS_PER_MS},
	    {"f", true, false, LEAP_NONE, -NS_PER_S, NS_PER_MS},
	};
	const bool smears[] = {false, true, false, false, false, true};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(v); i++)
		assert_int_equal(leap_smears(v, ARRAY_LEN(v), i), smears[i]);
	assert_true(leap_announced(v, ARRAY_LEN(v)));
	v[0].leap = LEAP_NONE;
	assert_false(leap_announced(v, ARRAY_LEN(v)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		only_the_armed_leap_second_at_midnight_is_executed),
	    cmocka_unit_test(the_moment_is_midnight_or_a_second_before),
	    cmocka_unit_test(the_season_lasts_from_noon_to_noon),
	    cmocka_unit_test(
		smearing_is_a_clear_difference_of_less_than_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
