/* Frequency, slew, step or refusal: what is done about an error. */
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
    .refuse_start = 1,
};

static struct discipline_input input(int64_t offset_ns)
{
	return (struct discipline_input){
	    .offset_ns = offset_ns,
	    .freq_ppm = 12.5,
	    .interval_s = 64,
	    .round_s = 64,
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

/* A slew is never too fast, never too far, and always ends. */
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
		double ppm;

		in.round_s = exp(chance_between(&c, -3, 12));
		in.offset_sd_ns = exp(chance_between(&c, 0, 24));
		/* Larger offsets do not fit into a day: see below. */
		if (llabs(in.offset_ns) > 43 * NS_PER_S)
			continue;
		assert_true(discipline_decide(&d, &in, &cmd));
		assert_int_equal(cmd.slew_ns, in.offset_ns);
		assert_int_equal(cmd.step_ns, 0);
		if (in.offset_ns == 0)
			continue;
		assert_true(cmd.slew_duration_ns > 0);
		ppm = 1e6 * fabs((double)cmd.slew_ns) /
		      (double)cmd.slew_duration_ns;
		assert_true(ppm <= config.max_slew_ppm);
		/* An offset that fits is gone well before the next update. */
		if (fabs((double)in.offset_ns) < 1e3 * in.round_s)
			assert_true((double)cmd.slew_duration_ns <=
				    fmax(in.round_s * 1e9 / 2, 5e8) + 1);
	}
}

/* An eighth of the round for an offset that is certain, half of it for one that
 * is noise, a part that depends on both in between; at least half a second, at
 * most 32 s or 128 s, and as long as max-slew (500 ppm, with a margin of 0.1 %)
 * needs. */
static void a_slew_of_what_may_be_noise_takes_longer(void **state)
{
	static const struct {
		double round_s, sd_ns;
		int64_t offset_ns, duration_ns;
	} rows[] = {
	    {64, 0, 1000, 8 * NS_PER_S},
	    {64, 0, -1000, 8 * NS_PER_S},
	    {64, 500, -1000, 8 * NS_PER_S},
	    {64, 750, 1000, 18 * NS_PER_S},
	    {64, 750, -1000, 18 * NS_PER_S},
	    {64, 1000, 1000, 32 * NS_PER_S},
	    {64, 1e9, 1000, 32 * NS_PER_S},
	    {1, 0, 1000, NS_PER_S / 2},
	    {4, 0, 1000, NS_PER_S / 2},
	    {4, 1e9, 1000, 2 * NS_PER_S},
	    {8, 0, 1000, NS_PER_S},
	    {256, 0, 1000, 32 * NS_PER_S},
	    {256, 1e9, 1000, 128 * NS_PER_S},
	    {1024, 0, 1000, 32 * NS_PER_S},
	    {1024, 1e9, 1000, 128 * NS_PER_S},
	    {64, 0, 4 * NS_PER_MS, INT64_C(8008000000)},
	    {64, 0, -5 * NS_PER_MS, INT64_C(10010000000)},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct discipline d = fresh(16);
		struct discipline_input in = input(rows[i].offset_ns);
		struct clock_command cmd;

		in.round_s = rows[i].round_s;
		in.offset_sd_ns = rows[i].sd_ns;
		assert_true(discipline_decide(&d, &in, &cmd));
		assert_in_range(cmd.slew_duration_ns, rows[i].duration_ns - 2,
		    rows[i].duration_ns + 2);
	}
}

/* A young estimate is surer of itself than it should be. */
static void the_first_slews_take_half_of_the_round(void **state)
{
	(void)state;
	for (uint64_t updates = 3; updates < 20; updates++) {
		struct discipline d = fresh(updates);
		struct discipline_input in = input(1000);
		struct clock_command cmd;

		assert_true(discipline_decide(&d, &in, &cmd));
		assert_int_equal(
		    cmd.slew_duration_ns, (updates < 16 ? 32 : 8) * NS_PER_S);
	}
}

/* What no sample shows is corrected slowly, and as much more quickly as samples
 * show the rest. */
static void a_guess_is_slewed_slowly(void **state)
{
	static const struct {
		int64_t offset_ns, guess_ns, duration_ns;
	} rows[] = {
	    {1000, 0, 8 * NS_PER_S},
	    {1000, 1000, 256 * NS_PER_S},
	    {-1000, -1000, 256 * NS_PER_S},
	    {1000, -1000, 256 * NS_PER_S},
	    {1000, 5000, 256 * NS_PER_S},
	    {1000, 250, 64 * NS_PER_S},
	    {1000, 10, 8 * NS_PER_S},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct discipline d = fresh(16);
		struct discipline_input in = input(rows[i].offset_ns);
		struct clock_command cmd;

		in.guess_ns = rows[i].guess_ns;
		assert_true(discipline_decide(&d, &in, &cmd));
		assert_int_equal(cmd.slew_duration_ns, rows[i].duration_ns);
	}
}

/* makestep and refuse-threshold: after so many updates, and with or without a
 * permission, an offset of so much is stepped, slewed or refused. */
static void test_steps_slews_and_refusals(void **state)
{
	enum result { STEP, SLEW, REFUSE };
	static const struct {
		int updates_limit;
		uint64_t updates;
		bool allowed;
		int64_t offset_ns, refuse_ns;
		enum result result;
	} rows[] = {
	    /* The threshold is 1 s; an offset of just that is slewed. */
	    {3, 0, false, NS_PER_S, 100 * NS_PER_S, SLEW},
	    {3, 0, false, NS_PER_S + 1, 100 * NS_PER_S, STEP},
	    {3, 0, false, -NS_PER_S, 100 * NS_PER_S, SLEW},
	    {3, 0, false, -NS_PER_S - 1, 100 * NS_PER_S, STEP},
	    {3, 2, false, 2 * NS_PER_S, 100 * NS_PER_S, STEP},
	    {3, 3, false, 2 * NS_PER_S, 100 * NS_PER_S, SLEW},
	    {3, 3, true, 2 * NS_PER_S, 100 * NS_PER_S, STEP},
	    {3, 3, true, NS_PER_S, 100 * NS_PER_S, SLEW},
	    {0, 0, false, 2 * NS_PER_S, 100 * NS_PER_S, SLEW},
	    {0, 0, true, 2 * NS_PER_S, 100 * NS_PER_S, STEP},
	    {-1, 1000, false, 2 * NS_PER_S, 100 * NS_PER_S, STEP},
	    /* The first update may correct anything. */
	    {3, 0, false, 1000 * NS_PER_S, 100 * NS_PER_S, STEP},
	    {3, 1, false, 100 * NS_PER_S, 100 * NS_PER_S, STEP},
	    {3, 1, false, 100 * NS_PER_S + 1, 100 * NS_PER_S, REFUSE},
	    {3, 1, false, -100 * NS_PER_S - 1, 100 * NS_PER_S, REFUSE},
	    {3, 9, false, 100 * NS_PER_S + 1, 100 * NS_PER_S, REFUSE},
	    {3, 9, true, 100 * NS_PER_S + 1, 100 * NS_PER_S, REFUSE},
	    /* makestep without a limit is not overridden. */
	    {-1, 9, false, 100 * NS_PER_S + 1, 100 * NS_PER_S, STEP},
	    {-1, 9, false, -9000 * NS_PER_S, 100 * NS_PER_S, STEP},
	    /* ... where it steps: this offset is below its threshold. */
	    {-1, 9, false, NS_PER_S, NS_PER_S / 2, REFUSE},
	    {3, 9, false, 100 * NS_PER_S + 1, 0, SLEW},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct discipline d = fresh(rows[i].updates);
		struct discipline_input in = input(rows[i].offset_ns);
		struct clock_command cmd = {.step_ns = 0};
		enum result result;

		d.config.makestep_updates = rows[i].updates_limit;
		d.config.refuse_threshold_ns = rows[i].refuse_ns;
		d.step_allowed = rows[i].allowed;
		result = !discipline_decide(&d, &in, &cmd) ? REFUSE
			 : cmd.step_ns != 0		   ? STEP
							   : SLEW;
		if (result != rows[i].result)
			fail_msg("row %zu: %d", i, (int)result);
		assert_int_equal(d.refused, result == REFUSE);
		assert_int_equal(d.refusals, result == REFUSE);
		assert_int_equal(d.pending, result != REFUSE);
	}
}

/* maxchange of chronyd: the threshold holds after so many updates. */
static void test_refusals_begin_after_some_updates(void **state)
{
	static const struct {
		unsigned start;
		uint64_t updates;
		bool refused;
	} rows[] = {{0, 0, true}, {1, 0, false}, {1, 1, true}, {3, 2, false},
	    {3, 3, true}, {3, 4, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct discipline d = fresh(rows[i].updates);
		struct discipline_input in = input(200 * NS_PER_S);
		struct clock_command cmd;

		d.config.refuse_start = rows[i].start;
		assert_int_equal(
		    discipline_decide(&d, &in, &cmd), !rows[i].refused);
		assert_int_equal(d.refusals, rows[i].refused);
		/* A decision without a new sample repeats the refusal. */
		in.silent = true;
		assert_int_equal(
		    discipline_decide(&d, &in, &cmd), !rows[i].refused);
		assert_int_equal(d.refusals, rows[i].refused);
	}
}

/* What the configuration allows, but never more than the kernel takes. */
static void test_the_frequency_is_bounded(void **state)
{
	static const struct {
		double most_ppm, wanted_ppm, got_ppm;
		double beyond_ppm;
	} rows[] = {{0, 99999, 99999, 0}, {0, 100002, 100000, 100000},
	    {0, -100002, -100000, 100000}, {100, 99, 99, 0},
	    /* It may be noise. */
	    {100, 101, 100, 0}, {100, 101.1, 100, 100},
	    {100, -101.1, -100, 100}, {900, 8960, 900, 900}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct discipline d = fresh(9);
		struct discipline_input in = input(0);
		struct clock_command cmd;

		d.config.max_freq_ppm = rows[i].most_ppm;
		in.freq_ppm = rows[i].wanted_ppm;
		assert_true(discipline_decide(&d, &in, &cmd));
		assert_true(cmd.freq_ppm == rows[i].got_ppm);
		assert_true(d.beyond_ppm == rows[i].beyond_ppm);
		assert_int_equal(cmd.slew_ns, 0);
		assert_int_equal(cmd.slew_duration_ns, 0);
	}
}

/* What the clock runs away until the next decision is part of the errors. */
static void an_unmet_frequency_is_part_of_the_errors(void **state)
{
	struct discipline d = fresh(9);
	struct discipline_input in = input(0);
	struct clock_command met, unmet;

	(void)state;
	in.interval_s = 16;
	in.freq_ppm = 100;
	assert_true(discipline_decide(&d, &in, &met));
	d.config.max_freq_ppm = 90;
	assert_true(discipline_decide(&d, &in, &unmet));
	assert_int_equal(unmet.max_error_ns, met.max_error_ns + 160000);
	assert_int_equal(unmet.est_error_ns, met.est_error_ns + 160000);
	/* It is over when the frequency fits, not by noise. */
	in.freq_ppm = 90.5;
	assert_true(discipline_decide(&d, &in, &unmet));
	assert_true(d.beyond_ppm == 90);
	in.freq_ppm = 89;
	assert_true(discipline_decide(&d, &in, &unmet));
	assert_true(d.beyond_ppm == 0);
}

/* With -q and no drift file: only a frequency that is certainly wrong is
 * replaced. */
static void a_frequency_is_left_alone_unless_it_is_certainly_wrong(void **state)
{
	static const struct {
		bool keeps;
		double wanted_ppm, got_ppm;
	} rows[] = {{false, 15, 15}, {true, 15, 12}, {true, -37, 12},
	    {true, 62, 12}, {true, 62.1, 62.1}, {true, -38.1, -38.1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct discipline d = fresh(0);
		struct discipline_input in = input(0);
		struct clock_command cmd;

		d.keeps_freq = rows[i].keeps;
		in.base_freq_ppm = 12;
		in.freq_sd_ppm = 10;
		in.freq_ppm = rows[i].wanted_ppm;
		assert_true(discipline_decide(&d, &in, &cmd));
		assert_true(cmd.freq_ppm == rows[i].got_ppm);
	}
}

/* Base frequency and slew stay within what Linux can do. */
static void a_slew_leaves_room_for_the_base_frequency(void **state)
{
	static const struct {
		double freq_ppm;
		int64_t offset_ns;
		double most_ppm; /* of the slew */
	} rows[] = {
	    {99000, NS_PER_S, 1000},
	    {-99000, -NS_PER_S, 1000},
	    {99000, -NS_PER_S, 50000},
	    {100000, NS_PER_S, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct discipline d = fresh(16);
		struct discipline_input in = input(rows[i].offset_ns);
		struct clock_command cmd;
		double slew_ppm;

		d.config.max_slew_ppm = 50000;
		d.config.makestep_updates = 0;
		in.freq_ppm = rows[i].freq_ppm;
		assert_true(discipline_decide(&d, &in, &cmd));
		slew_ppm = cmd.slew_ns == 0
			       ? 0
			       : fabs(1e6 * (double)cmd.slew_ns /
				      (double)cmd.slew_duration_ns);
		assert_true(slew_ppm <= rows[i].most_ppm);
		assert_true(slew_ppm >= rows[i].most_ppm * 0.99);
	}
}

/* What each verdict on a step counts as. */
static void test_verdicts_count(void **state)
{
	static const struct {
		enum keeper_verdict verdict;
		unsigned updates, steps;
		bool allowed;
	} rows[] = {
	    {KEEPER_OK, 1, 1, false},
	    {KEEPER_NO_CLOCK, 1, 0, true},
	    {KEEPER_STEP_LIMIT, 0, 0, true},
	    {KEEPER_STEP_BUDGET, 0, 0, false},
	    {KEEPER_KERNEL, 0, 0, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct discipline d = fresh(0);
		struct discipline_input in = input(-5 * NS_PER_S);
		struct clock_command cmd;

		d.step_allowed = true;
		assert_true(discipline_decide(&d, &in, &cmd));
		discipline_applied(&d, rows[i].verdict);
		assert_int_equal(d.updates, rows[i].updates);
		assert_int_equal(d.steps, rows[i].steps);
		assert_int_equal(
		    d.last_step_ns, rows[i].steps ? in.offset_ns : 0);
		assert_int_equal(d.step_allowed, rows[i].allowed);
		assert_false(d.pending);
	}
}

/* A clock that is wrong by a century and must not step: no number overflows,
 * and the slew is as much as fits into a day. */
static void test_huge_offsets_are_slewed_in_parts(void **state)
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
	/* A second verdict on one command changes nothing. */
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
	/* The permission does not lift refuse-threshold. */
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
	/* The first update may correct any offset. */
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
	/* The offset that is still to be slewed is part of the bound. */
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
	for (size_t i = 0; i < ARRAY_LEN(days); i++)
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
	    cmocka_unit_test(a_slew_of_what_may_be_noise_takes_longer),
	    cmocka_unit_test(the_first_slews_take_half_of_the_round),
	    cmocka_unit_test(a_guess_is_slewed_slowly),
	    cmocka_unit_test(test_steps_slews_and_refusals),
	    cmocka_unit_test(test_refusals_begin_after_some_updates),
	    cmocka_unit_test(test_the_frequency_is_bounded),
	    cmocka_unit_test(an_unmet_frequency_is_part_of_the_errors),
	    cmocka_unit_test(
		a_frequency_is_left_alone_unless_it_is_certainly_wrong),
	    cmocka_unit_test(a_slew_leaves_room_for_the_base_frequency),
	    cmocka_unit_test(test_verdicts_count),
	    cmocka_unit_test(test_huge_offsets_are_slewed_in_parts),
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
