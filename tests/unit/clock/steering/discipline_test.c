/* What is done about an error of the clock, and what is not. */
#include "clock/steering/discipline.h"

#include "tests/unit/clock/chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* 2024-06-30 12:00 UTC, 2024-12-31 00:00 UTC, 2024-03-31 12:00 UTC */
#define JUNE (INT64_C(1719748800) * NS_PER_S)
#define DECEMBER (INT64_C(1735603200) * NS_PER_S)
#define MARCH (INT64_C(1711886400) * NS_PER_S)

static const struct steering_config config = {
    .makestep_threshold_ns = NS_PER_S,
    .makestep_updates = 3,
    .max_slew_ppm = 500,
    .refuse_threshold_ns = 100 * NS_PER_S,
};

static struct discipline_input input(int64_t offset_ns)
{
	return (struct discipline_input){
	    .offset_ns = offset_ns,
	    .freq_ppm = 12.5,
	    .interval_s = 64,
	    .synchronised = true,
	    .now = {MARCH},
	    .max_error_ns = 5 * NS_PER_MS,
	    .est_error_ns = 1000,
	};
}

static struct discipline fresh(uint64_t updates)
{
	struct discipline d;

	discipline_init(&d, &config);
	d.updates = updates;
	return d;
}

/* Never faster than allowed, never past the mark, never without an end. */
static void test_slews_are_bounded(void **state)
{
	struct chance c = {4};

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct discipline d = fresh(10);
		struct discipline_input in =
		    input((int64_t)(chance_normal(&c) *
				    exp(chance_between(&c, 0, 24))));
		struct clock_command cmd;

		in.interval_s = exp(chance_between(&c, -3, 12));
		/* What fits into a day; for more see below. */
		if (llabs(in.offset_ns) > 43 * NS_PER_S)
			continue;
		assert_true(discipline_decide(&d, &in, &cmd));
		assert_int_equal(cmd.slew_ns, in.offset_ns);
		assert_int_equal(cmd.step_ns, 0);
		if (in.offset_ns == 0)
			continue;
		assert_true(cmd.slew_duration_ns > 0);
		double ppm = 1e6 * fabs((double)cmd.slew_ns) /
			     (double)cmd.slew_duration_ns;
		assert_true(ppm <= config.max_slew_ppm);
		/* An offset that fits is gone well before the next update. */
		if (fabs((double)in.offset_ns) < 1e3 * in.interval_s)
			assert_true((double)cmd.slew_duration_ns <=
				    fmax(in.interval_s * 1e9 / 8, 5e8) + 1);
	}
}

/* A clock that is wrong by a century, and may not step: no number overflows,
 * and what is ordered is what fits into a day. */
static void test_hopeless_offsets_are_slewed_in_parts(void **state)
{
	(void)state;
	for (int sign = -1; sign <= 1; sign += 2) {
		struct discipline d = fresh(10);
		struct discipline_input in =
		    input(sign * INT64_C(3200000000) * NS_PER_S);
		struct clock_command cmd;

		d.config.refuse_threshold_ns = 0;
		assert_true(discipline_decide(&d, &in, &cmd));
		assert_true(sign * cmd.slew_ns > 40 * NS_PER_S);
		assert_true(sign * cmd.slew_ns < 44 * NS_PER_S);
		assert_true(
		    llabs(cmd.slew_duration_ns - 86400 * NS_PER_S) < NS_PER_MS);
		assert_true(cmd.max_error_ns > INT64_C(3200000000) * NS_PER_S);
	}
}

static void test_steps_only_in_the_start_window(void **state)
{
	struct discipline d = fresh(0);
	struct discipline_input in = input(-5 * NS_PER_S);
	struct clock_command cmd;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(discipline_decide(&d, &in, &cmd));
		assert_int_equal(cmd.step_ns, in.offset_ns);
		assert_int_equal(cmd.slew_ns, 0);
		assert_int_equal(cmd.slew_duration_ns, 0);
		discipline_applied(&d, KEEPER_OK);
	}
	assert_int_equal(d.steps, 3);
	assert_int_equal(d.last_step_ns, in.offset_ns);
	assert_true(discipline_decide(&d, &in, &cmd));
	assert_int_equal(cmd.step_ns, 0);
	assert_int_equal(cmd.slew_ns, in.offset_ns);
}

static void test_small_offsets_are_slewed_even_at_start(void **state)
{
	struct discipline d = fresh(0);
	struct discipline_input in = input(NS_PER_S);
	struct clock_command cmd;

	(void)state;
	assert_true(discipline_decide(&d, &in, &cmd));
	assert_int_equal(cmd.step_ns, 0);
	assert_int_equal(cmd.slew_ns, NS_PER_S);
}

static void test_a_refused_command_does_not_count(void **state)
{
	struct discipline d = fresh(0);
	struct discipline_input in = input(5 * NS_PER_S);
	struct clock_command cmd;

	(void)state;
	assert_true(discipline_decide(&d, &in, &cmd));
	discipline_applied(&d, KEEPER_STEP_FORBIDDEN);
	assert_int_equal(d.updates, 0);
	assert_int_equal(d.steps, 0);
	/* A verdict nobody waits for changes nothing. */
	discipline_applied(&d, KEEPER_OK);
	assert_int_equal(d.updates, 0);
}

static void test_steps_always_when_so_configured(void **state)
{
	struct discipline d = fresh(1000);
	struct discipline_input in = input(2 * NS_PER_S);
	struct clock_command cmd;

	(void)state;
	d.config.makestep_updates = -1;
	assert_true(discipline_decide(&d, &in, &cmd));
	assert_int_equal(cmd.step_ns, in.offset_ns);
	d.config.makestep_updates = 0;
	d.updates = 0;
	assert_true(discipline_decide(&d, &in, &cmd));
	assert_int_equal(cmd.step_ns, 0);
}

static void test_one_step_after_a_jump(void **state)
{
	struct discipline d = fresh(50);
	struct discipline_input in = input(60 * NS_PER_S);
	struct clock_command cmd;

	(void)state;
	d.step_allowed = true;
	assert_true(discipline_decide(&d, &in, &cmd));
	assert_int_equal(cmd.step_ns, in.offset_ns);
	discipline_applied(&d, KEEPER_OK);
	assert_true(discipline_decide(&d, &in, &cmd));
	assert_int_equal(cmd.step_ns, 0);
	/* ... and not beyond the threshold. */
	d.step_allowed = true;
	in.offset_ns = 101 * NS_PER_S;
	assert_false(discipline_decide(&d, &in, &cmd));
}

static void test_refusal_and_return(void **state)
{
	struct discipline d = fresh(0);
	struct discipline_input in = input(-200 * NS_PER_S);
	struct clock_command cmd = {.freq_ppm = 99};

	(void)state;
	/* The first update may be as large as it must. */
	assert_true(discipline_decide(&d, &in, &cmd));
	discipline_applied(&d, KEEPER_OK);
	cmd.freq_ppm = 99;
	assert_false(discipline_decide(&d, &in, &cmd));
	assert_true(d.refused);
	assert_int_equal(d.refused_ns, in.offset_ns);
	assert_true(cmd.freq_ppm > 98);
	in.offset_ns = 1000;
	assert_true(discipline_decide(&d, &in, &cmd));
	assert_false(d.refused);
	assert_int_equal(d.refused_ns, 0);
}

static void test_status_is_passed_on(void **state)
{
	struct discipline d = fresh(9);
	struct discipline_input in = input(-3 * NS_PER_MS);
	struct clock_command cmd;

	(void)state;
	assert_true(discipline_decide(&d, &in, &cmd));
	assert_true(cmd.synchronised);
	assert_true(fabs(cmd.freq_ppm - 12.5) < 1e-12);
	/* What is still to be slewed is part of the bound. */
	assert_int_equal(cmd.max_error_ns, 8 * NS_PER_MS);
	assert_int_equal(cmd.est_error_ns, 1000);
}

static void test_leap_only_on_its_day(void **state)
{
	static const struct {
		int64_t now;
		bool due;
	} days[] = {{JUNE, true}, {DECEMBER, true}, {DECEMBER - 1, false},
	    {DECEMBER + 86400 * NS_PER_S - 1, true},
	    {DECEMBER + 86400 * NS_PER_S, false}, {MARCH, false}};

	(void)state;
	for (size_t i = 0; i < sizeof days / sizeof days[0]; i++)
		for (int leap = LEAP_NONE; leap <= LEAP_UNKNOWN; leap++) {
			struct discipline d = fresh(9);
			struct discipline_input in = input(0);
			struct clock_command cmd;
			bool real = leap == LEAP_INSERT || leap == LEAP_DELETE;

			in.now.ns = days[i].now;
			in.leap = (enum leap)leap;
			assert_true(discipline_decide(&d, &in, &cmd));
			assert_int_equal(
			    cmd.leap, days[i].due && real ? leap : LEAP_NONE);
			in.synchronised = false;
			assert_true(discipline_decide(&d, &in, &cmd));
			assert_int_equal(cmd.leap, LEAP_NONE);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_slews_are_bounded),
	    cmocka_unit_test(test_hopeless_offsets_are_slewed_in_parts),
	    cmocka_unit_test(test_steps_only_in_the_start_window),
	    cmocka_unit_test(test_small_offsets_are_slewed_even_at_start),
	    cmocka_unit_test(test_a_refused_command_does_not_count),
	    cmocka_unit_test(test_steps_always_when_so_configured),
	    cmocka_unit_test(test_one_step_after_a_jump),
	    cmocka_unit_test(test_refusal_and_return),
	    cmocka_unit_test(test_status_is_passed_on),
	    cmocka_unit_test(test_leap_only_on_its_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
