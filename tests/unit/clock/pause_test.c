/* Has the clock stood still, or is one server wrong? */
#include "clock/pause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define POLL_NS (64 * NS_PER_S)
#define MINUTE_NS (60 * NS_PER_S)

static int64_t now_s;

static enum pause_verdict hear(
    struct pause *l, unsigned source, int64_t lag_ns, uint64_t voters)
{
	struct pause_voice v = {
	    .first = {++now_s * NS_PER_S},
	    .lag_ns = lag_ns,
	    .bound_ns = NS_PER_MS,
	};

	return pause_judge(l, source, v, POLL_NS, voters);
}

static void most_must_say_so(void **state)
{
	struct pause l = {0};

	(void)state;
	assert_int_equal(hear(&l, 0, 0, 0x7), PAUSE_NONE);
	assert_int_equal(hear(&l, 0, MINUTE_NS, 0x7), PAUSE_DOUBT);
	assert_int_equal(hear(&l, 0, MINUTE_NS, 0x7), PAUSE_DOUBT);
	assert_int_equal(hear(&l, 2, MINUTE_NS, 0x7), PAUSE_FOUND);
	assert_int_equal(hear(&l, 1, MINUTE_NS, 0x7), PAUSE_DOUBT);
}

static void both_of_two_must(void **state)
{
	struct pause l = {0};

	(void)state;
	assert_int_equal(hear(&l, 0, MINUTE_NS, 0x3), PAUSE_DOUBT);
	assert_int_equal(hear(&l, 1, 0, 0x3), PAUSE_NONE);
	assert_int_equal(hear(&l, 0, MINUTE_NS, 0x3), PAUSE_NONE);
	assert_int_equal(hear(&l, 1, MINUTE_NS, 0x3), PAUSE_FOUND);
}

static void whoever_is_alone_must_say_it_three_times(void **state)
{
	struct pause l = {0};

	(void)state;
	assert_int_equal(hear(&l, 5, MINUTE_NS, 0x20), PAUSE_DOUBT);
	assert_int_equal(hear(&l, 5, MINUTE_NS, 0x20), PAUSE_DOUBT);
	/* Two wild answers are not the same one twice. */
	assert_int_equal(hear(&l, 5, 2 * MINUTE_NS, 0x20), PAUSE_DOUBT);
	assert_int_equal(hear(&l, 5, 2 * MINUTE_NS, 0x20), PAUSE_DOUBT);
	assert_int_equal(hear(&l, 5, 2 * MINUTE_NS, 0x20), PAUSE_FOUND);
}

/* Nor is anybody without a vote heard, however often. */
static void no_source_is_held_back_for_long(void **state)
{
	struct pause l = {0};

	(void)state;
	for (unsigned i = 0; i < PAUSE_STRIKES; i++)
		assert_int_equal(hear(&l, 0, MINUTE_NS, 0x7), PAUSE_DOUBT);
	assert_int_equal(hear(&l, 0, MINUTE_NS, 0x7), PAUSE_NONE);
	assert_int_equal(hear(&l, 3, MINUTE_NS, 0x7), PAUSE_DOUBT);
}

static void those_who_say_otherwise_do_not_help(void **state)
{
	struct pause l = {0};

	(void)state;
	assert_int_equal(hear(&l, 0, MINUTE_NS, 0x7), PAUSE_DOUBT);
	assert_int_equal(hear(&l, 1, 2 * MINUTE_NS, 0x7), PAUSE_DOUBT);
	assert_int_equal(
	    hear(&l, 2, 2 * MINUTE_NS + NS_PER_MS, 0x7), PAUSE_FOUND);
}

static void a_clock_that_is_ahead_has_not_stood_still(void **state)
{
	struct pause l = {0};

	(void)state;
	assert_int_equal(hear(&l, 0, -MINUTE_NS, 0x1), PAUSE_NONE);
}

/* A slow oscillator may lose 6.4 ms in a poll of 64 s. */
static void nor_has_one_that_runs_badly(void **state)
{
	struct pause l = {0};
	struct pause_voice v = {.lag_ns = 90 * NS_PER_MS, .bound_ns = 0};

	(void)state;
	assert_int_equal(
	    hear(&l, 0, PAUSE_LEAST_NS - NS_PER_MS, 0x1), PAUSE_NONE);
	assert_int_equal(
	    hear(&l, 0, PAUSE_LEAST_NS + NS_PER_MS, 0x1), PAUSE_DOUBT);
	assert_int_equal(
	    pause_judge(&l, 0, v, 1024 * NS_PER_S, 0x1), PAUSE_NONE);
	v.bound_ns = v.lag_ns;
	assert_int_equal(pause_judge(&l, 0, v, NS_PER_S, 0x1), PAUSE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(most_must_say_so),
	    cmocka_unit_test(both_of_two_must),
	    cmocka_unit_test(whoever_is_alone_must_say_it_three_times),
	    cmocka_unit_test(no_source_is_held_back_for_long),
	    cmocka_unit_test(those_who_say_otherwise_do_not_help),
	    cmocka_unit_test(a_clock_that_is_ahead_has_not_stood_still),
	    cmocka_unit_test(nor_has_one_that_runs_badly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
