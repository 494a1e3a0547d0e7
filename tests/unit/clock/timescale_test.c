/* The ledger against the same arithmetic in long doubles. */
#include "base/check.h"
#include "clock/timescale.h"

#include "tests/unit/clock/chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START_NS (INT64_C(1800000000) * NS_PER_S)

/* An oscillator and a wall clock in long doubles, relative to START_NS. */
struct ideal {
	long double osc_ns, wall_ns, freq;
};

static void ideal_run(struct ideal *i, long double osc_ns)
{
	i->osc_ns += osc_ns;
	i->wall_ns += osc_ns * (1 + i->freq);
}

static struct wall ideal_wall(const struct ideal *i)
{
	return (struct wall){START_NS + (int64_t)roundl(i->wall_ns)};
}

static int64_t osc_error_ns(const struct timescale *t, const struct ideal *i)
{
	int64_t osc = timescale_osc(t, ideal_wall(i)).ns - START_NS;

	return llabs(osc - (int64_t)roundl(i->osc_ns));
}

static void start(struct timescale *t, struct ideal *i, double freq_ppm)
{
	const struct clock_change c = {.at = {START_NS}, .freq_ppm = freq_ppm};

	*i = (struct ideal){.freq = freq_ppm * 1e-6L};
	timescale_init(t, &c);
}

static void change(
    struct timescale *t, struct ideal *i, int64_t step_ns, double freq_ppm)
{
	const struct clock_change c = {
	    .at = ideal_wall(i), .step_ns = step_ns, .freq_ppm = freq_ppm};

	timescale_change(t, &c);
	i->wall_ns = (long double)(c.at.ns - START_NS + step_ns);
	i->freq = freq_ppm * 1e-6L;
}

static void test_starts_equal(void **state)
{
	struct timescale t;
	struct ideal i;

	(void)state;
	start(&t, &i, 70);
	assert_int_equal(
	    timescale_osc(&t, (struct wall){START_NS}).ns, START_NS);
	assert_int_equal(timescale_added_ns(&t, (struct wall){START_NS}), 0);
}

/* A start that steps: both scales begin just after the step. */
static void test_starts_after_a_step(void **state)
{
	const struct clock_change c = {
	    .at = {START_NS}, .step_ns = 5 * NS_PER_S, .freq_ppm = 3};
	const struct wall after = {START_NS + 5 * NS_PER_S};
	struct timescale t;

	(void)state;
	timescale_init(&t, &c);
	assert_int_equal(timescale_osc(&t, after).ns, after.ns);
	assert_int_equal(t.change[t.first].wall.ns, after.ns);
}

static void test_frequency_is_taken_off(void **state)
{
	struct timescale t;
	struct ideal i;

	(void)state;
	start(&t, &i, 100);
	/* A clock that is made 100 ppm faster gains 100 us in a second. */
	assert_int_equal(
	    timescale_added_ns(&t, (struct wall){START_NS + NS_PER_S + 100000}),
	    100000);
}

/* Thousands of slews and steps: rounding errors must not add up. */
static void test_long_ledger_does_not_drift(void **state)
{
	struct chance chance = {1};
	struct timescale t;
	struct ideal i;

	(void)state;
	start(&t, &i, 0);
	for (int n = 0; n < 20000; n++) {
		long double whole;
		int64_t step_ns;

		ideal_run(&i, roundl(chance_between(&chance, 1e6, 4e11)));
		/* A change is reported at a whole nanosecond. */
		whole = roundl(i.wall_ns);
		i.osc_ns += (whole - i.wall_ns) / (1 + i.freq);
		i.wall_ns = whole;
		assert_in_range(osc_error_ns(&t, &i), 0, 2);
		step_ns = n % 50 == 0
			      ? (int64_t)chance_between(&chance, -2e9, 2e9)
			      : 0;
		change(&t, &i, step_ns, chance_between(&chance, -500, 500));
	}
}

/* A stamp from before a change is converted with the older frequency. */
static void test_old_stamps_use_the_old_frequency(void **state)
{
	struct timescale t;
	struct ideal i;
	struct wall stamp;
	struct osc before;

	(void)state;
	start(&t, &i, 40);
	ideal_run(&i, 5e9L);
	stamp = ideal_wall(&i);
	before = timescale_osc(&t, stamp);
	ideal_run(&i, 1e6L);
	change(&t, &i, 0, -80000);
	assert_int_equal(timescale_osc(&t, stamp).ns, before.ns);
	for (int n = 0; n < TIMESCALE_CHANGES - 2; n++) {
		ideal_run(&i, 1e6L);
		change(&t, &i, 0, n);
	}
	assert_int_equal(timescale_osc(&t, stamp).ns, before.ns);
}

/* The ledger keeps the latest TIMESCALE_CHANGES changes. A stamp older than all
 * of them is converted with the frequency of the oldest. */
static void test_the_ledger_forgets_the_oldest_change(void **state)
{
	struct timescale t;
	struct ideal i;

	(void)state;
	start(&t, &i, 0);
	for (int n = 1; n < 5 * TIMESCALE_CHANGES; n++) {
		int64_t oldest_s =
		    n < TIMESCALE_CHANGES ? 0 : n - TIMESCALE_CHANGES + 1;
		const struct clock_change c = {.at = {START_NS + n * NS_PER_S},
		    .step_ns = 0,
		    .freq_ppm = n};
		struct wall oldest;

		timescale_change(&t, &c);
		assert_int_equal(
		    t.count, n < TIMESCALE_CHANGES ? n + 1 : TIMESCALE_CHANGES);
		oldest = t.change[t.first].wall;
		assert_int_equal(oldest.ns, START_NS + oldest_s * NS_PER_S);
		/* A second of the wall clock earlier, at so many ppm. */
		assert_in_range(
		    t.change[t.first].osc.ns -
			timescale_osc(&t, (struct wall){oldest.ns - NS_PER_S})
			    .ns,
		    (int64_t)(1e9 / (1 + 1e-6 * (double)oldest_s)),
		    (int64_t)(1e9 / (1 + 1e-6 * (double)oldest_s)) + 1);
	}
}

static void test_time_goes_on_through_a_step(void **state)
{
	static const int64_t steps_ns[] = {-3600 * NS_PER_S, -1, 1, NS_PER_S};

	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(steps_ns); n++) {
		struct timescale t;
		struct ideal i;
		struct osc before;
		struct osc after;

		start(&t, &i, 12);
		ideal_run(&i, 1e9L);
		before = timescale_osc(&t, ideal_wall(&i));
		change(&t, &i, steps_ns[n], 12);
		after = timescale_osc(&t, ideal_wall(&i));
		assert_in_range(after.ns - before.ns + 1, 0, 2);
	}
}

static void test_foreign_step_is_entered_like_our_own(void **state)
{
	struct timescale t;
	struct ideal i;
	const int64_t jump_ns = -7 * NS_PER_S;
	struct wall before;
	struct osc osc;
	int64_t added_ns;
	struct wall after;

	(void)state;
	start(&t, &i, 25);
	ideal_run(&i, 3e9L);
	before = ideal_wall(&i);
	osc = timescale_osc(&t, before);
	added_ns = timescale_added_ns(&t, before);

	timescale_foreign_step(&t, before, jump_ns);
	after = (struct wall){before.ns + jump_ns};
	assert_int_equal(timescale_osc(&t, after).ns, osc.ns);
	assert_int_equal(timescale_added_ns(&t, after), added_ns + jump_ns);
	/* The frequency stays. */
	after.ns += NS_PER_S + 25000;
	assert_in_range(
	    timescale_osc(&t, after).ns - osc.ns, NS_PER_S - 1, NS_PER_S + 1);
}

/* The oscillator's scale loses what it counts in a second of the wall clock at
 * the base frequency, whatever the slew. */
static void test_a_leap_second_is_one_of_the_wall_clock(void **state)
{
	const double total_ppm[] = {250, -40000, 50000};

	(void)state;
	for (unsigned n = 0; n < 3; n++) {
		struct timescale t;
		struct ideal i;
		struct wall before;
		struct wall after;
		struct osc osc;
		int64_t second_ns;

		start(&t, &i, total_ppm[n]);
		ideal_run(&i, 3e9L);
		before = ideal_wall(&i);
		after = (struct wall){before.ns - NS_PER_S};
		osc = timescale_osc(&t, before);

		timescale_leap(&t, before, -NS_PER_S, 250);
		/* 10^9 / 1.00025 */
		assert_in_range(osc.ns - timescale_osc(&t, after).ns,
		    INT64_C(999750062), INT64_C(999750063));
		/* The frequency stays. */
		second_ns = NS_PER_S + (int64_t)(total_ppm[n] * 1e3);
		after.ns += second_ns;
		assert_in_range(timescale_osc(&t, after).ns - osc.ns + 10,
		    249938 + 8, 249938 + 12);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_starts_equal),
	    cmocka_unit_test(test_starts_after_a_step),
	    cmocka_unit_test(test_frequency_is_taken_off),
	    cmocka_unit_test(test_long_ledger_does_not_drift),
	    cmocka_unit_test(test_old_stamps_use_the_old_frequency),
	    cmocka_unit_test(test_the_ledger_forgets_the_oldest_change),
	    cmocka_unit_test(test_time_goes_on_through_a_step),
	    cmocka_unit_test(test_foreign_step_is_entered_like_our_own),
	    cmocka_unit_test(test_a_leap_second_is_one_of_the_wall_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
