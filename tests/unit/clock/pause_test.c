/* Did the clock stand still, or is one server wrong? */
#include "clock/pause.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define POLL_NS (64 * NS_PER_S)
#define MINUTE_NS (60 * NS_PER_S)

/* One answer a second: the sources answer one after the other. */
struct hearing {
	struct pause pause;
	int64_t now_s;
};

static enum pause_verdict hear(
    struct hearing *h, unsigned source, int64_t lag_ns, uint64_t voters)
{
	struct pause_answer v = {
	    .first = {++h->now_s * NS_PER_S},
	    .lag_ns = lag_ns,
	    .bound_ns = NS_PER_MS,
	};

	return pause_judge(&h->pause, source, v, POLL_NS, voters);
}

static void a_majority_of_the_voters_must_say_so(void **state)
{
	struct hearing h = {.now_s = 0};

	(void)state;
	assert_int_equal(hear(&h, 0, 0, 0x7), PAUSE_NONE);
	assert_int_equal(hear(&h, 0, MINUTE_NS, 0x7), PAUSE_DOUBT);
	assert_int_equal(hear(&h, 0, MINUTE_NS, 0x7), PAUSE_DOUBT);
	assert_int_equal(hear(&h, 2, MINUTE_NS, 0x7), PAUSE_FOUND);
	/* Then the count begins again. */
	for (unsigned i = 0; i < SOURCES_MAX; i++)
		assert_int_equal(h.pause.voices[i].strikes, 0);
	assert_int_equal(hear(&h, 1, MINUTE_NS, 0x7), PAUSE_DOUBT);
}

static void two_of_four_are_no_majority(void **state)
{
	struct hearing h = {.now_s = 0};

	(void)state;
	assert_int_equal(hear(&h, 0, MINUTE_NS, 0xf), PAUSE_DOUBT);
	assert_int_equal(hear(&h, 1, MINUTE_NS, 0xf), PAUSE_DOUBT);
	assert_int_equal(hear(&h, 3, MINUTE_NS, 0xf), PAUSE_FOUND);
}

static void both_of_two_must_say_so(void **state)
{
	struct hearing h = {.now_s = 0};

	(void)state;
	assert_int_equal(hear(&h, 0, MINUTE_NS, 0x3), PAUSE_DOUBT);
	assert_int_equal(hear(&h, 1, 0, 0x3), PAUSE_NONE);
	assert_int_equal(hear(&h, 0, MINUTE_NS, 0x3), PAUSE_NONE);
	assert_int_equal(hear(&h, 1, MINUTE_NS, 0x3), PAUSE_FOUND);
}

/* An answer from before the first report of the lag proves nothing. */
static void only_later_answers_count_against_a_pause(void **state)
{
	struct hearing h = {.now_s = 0};

	(void)state;
	assert_int_equal(hear(&h, 1, 0, 0x7), PAUSE_NONE);
	assert_int_equal(hear(&h, 2, 0, 0x7), PAUSE_NONE);
	assert_int_equal(hear(&h, 0, MINUTE_NS, 0x7), PAUSE_DOUBT);
	/* One of three is not enough, two are. */
	assert_int_equal(hear(&h, 1, 0, 0x7), PAUSE_NONE);
	assert_int_equal(hear(&h, 0, MINUTE_NS, 0x7), PAUSE_DOUBT);
	assert_int_equal(hear(&h, 2, 0, 0x7), PAUSE_NONE);
	assert_int_equal(hear(&h, 0, MINUTE_NS, 0x7), PAUSE_NONE);
}

static void an_answer_of_the_same_instant_is_not_later(void **state)
{
	struct hearing h = {.now_s = 0};

	(void)state;
	assert_int_equal(hear(&h, 1, 0, 0x3), PAUSE_NONE);
	h.now_s--;
	assert_int_equal(hear(&h, 0, MINUTE_NS, 0x3), PAUSE_DOUBT);
}

static void the_only_voter_must_say_it_three_times(void **state)
{
	struct hearing h = {.now_s = 0};

	(void)state;
	assert_int_equal(hear(&h, 5, MINUTE_NS, 0x20), PAUSE_DOUBT);
	assert_int_equal(hear(&h, 5, MINUTE_NS, 0x20), PAUSE_DOUBT);
	/* Another lag starts the count again. */
	assert_int_equal(hear(&h, 5, 2 * MINUTE_NS, 0x20), PAUSE_DOUBT);
	assert_int_equal(hear(&h, 5, 2 * MINUTE_NS, 0x20), PAUSE_DOUBT);
	assert_int_equal(hear(&h, 5, 2 * MINUTE_NS, 0x20), PAUSE_FOUND);
}

static void no_source_is_held_back_for_long(void **state)
{
	struct hearing h = {.now_s = 0};

	(void)state;
	for (unsigned i = 0; i < PAUSE_STRIKES; i++)
		assert_int_equal(hear(&h, 0, MINUTE_NS, 0x7), PAUSE_DOUBT);
	assert_int_equal(hear(&h, 0, MINUTE_NS, 0x7), PAUSE_NONE);
	/* A source without a vote is held back as well, but does not count. */
	assert_int_equal(hear(&h, 3, MINUTE_NS, 0x7), PAUSE_DOUBT);
}

static void different_lags_do_not_add_up(void **state)
{
	struct hearing h = {.now_s = 0};

	(void)state;
	assert_int_equal(hear(&h, 0, MINUTE_NS, 0x7), PAUSE_DOUBT);
	assert_int_equal(hear(&h, 1, 2 * MINUTE_NS, 0x7), PAUSE_DOUBT);
	/* Equal within both bounds. */
	assert_int_equal(
	    hear(&h, 2, 2 * MINUTE_NS + 2 * NS_PER_MS + 1, 0x7), PAUSE_DOUBT);
	assert_int_equal(
	    hear(&h, 2, 2 * MINUTE_NS + 2 * NS_PER_MS, 0x7), PAUSE_FOUND);
}

static void a_clock_that_is_ahead_did_not_stand_still(void **state)
{
	struct hearing h = {.now_s = 0};

	(void)state;
	assert_int_equal(hear(&h, 0, -MINUTE_NS, 0x1), PAUSE_NONE);
}

/* `doubt`: the lag is longer than 20 ms and, even at the end of its bound, than
 * what 100 ppm lose in the time since the last look. */
static void a_bad_oscillator_did_not_stand_still(void **state)
{
	static const struct {
		int64_t lag_ns, bound_ns, since_ns;
		bool doubt;
	} rows[] = {
	    {PAUSE_MIN_NS, 0, NS_PER_S, false},
	    {PAUSE_MIN_NS + 1, 0, NS_PER_S, true},
	    {90 * NS_PER_MS, 0, 1024 * NS_PER_S, false},
	    {100 * NS_PER_MS - 1, 0, 1000 * NS_PER_S, false},
	    {100 * NS_PER_MS + 1, 0, 1000 * NS_PER_S, true},
	    {90 * NS_PER_MS, 90 * NS_PER_MS, NS_PER_S, false},
	    {90 * NS_PER_MS, 89 * NS_PER_MS, NS_PER_S, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pause p = {0};
		struct pause_answer v = {
		    .lag_ns = rows[i].lag_ns, .bound_ns = rows[i].bound_ns};

		if ((pause_judge(&p, 0, v, rows[i].since_ns, 0x1) ==
			PAUSE_DOUBT) != rows[i].doubt)
			fail_msg("row %zu", i);
	}
}

/* The lag of a clock that loses `ppm` since the last poll, as each source sees
 * it in its answers, one second apart. */
static enum pause_verdict hear_ramp(
    struct hearing *h, unsigned source, double ppm, uint64_t voters)
{
	int64_t since_ns = POLL_NS + (h->now_s + 1) * NS_PER_S;
	struct pause_answer v = {
	    .first = {++h->now_s * NS_PER_S},
	    .at = {h->now_s * NS_PER_S},
	    .lag_ns = (int64_t)(ppm * 1e-6 * (double)since_ns),
	    .bound_ns = 5 * NS_PER_MS,
	    .noise_ns = 20 * NS_PER_US,
	};

	return pause_judge(&h->pause, source, v, since_ns, voters);
}

static void a_lag_that_grows_is_no_pause(void **state)
{
	static const double ppm[] = {450, 1000, 2000, 20000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ppm); i++) {
		struct hearing one = {.now_s = 0}, three = {.now_s = 0};

		assert_int_equal(hear_ramp(&one, 0, ppm[i], 1), PAUSE_DOUBT);
		for (unsigned k = 0; k < 9; k++)
			assert_int_equal(
			    hear_ramp(&one, 0, ppm[i], 1), PAUSE_NONE);
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(
			    hear_ramp(&three, k, ppm[i], 7), PAUSE_DOUBT);
		for (unsigned k = 0; k < 9; k++)
			assert_int_equal(
			    hear_ramp(&three, k % 3, ppm[i], 7), PAUSE_NONE);
	}
}

/* Between two answers the lag grows by less than the queues explain, and since
 * the first one by more. The queue of the first one counts, too. */
static void a_slow_ramp_shows_against_the_first_answer(void **state)
{
	static const struct {
		int64_t first_noise_ms;
		enum pause_verdict third;
	} rows[] = {{10, PAUSE_NONE}, {30, PAUSE_DOUBT}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct hearing h = {.now_s = 0};
		enum pause_verdict v = PAUSE_NONE;

		for (int64_t k = 0; k < 3; k++) {
			struct pause_answer a = {
			    .first = {++h.now_s * NS_PER_S},
			    .at = {h.now_s * NS_PER_S},
			    .lag_ns = (200 + k * 15) * NS_PER_MS,
			    .bound_ns = 20 * NS_PER_MS,
			    .noise_ns = k == 0
					    ? rows[i].first_noise_ms * NS_PER_MS
					    : 10 * NS_PER_MS,
			};

			v = pause_judge(&h.pause, 0, a, POLL_NS, 3);
			if (k < 2)
				assert_int_equal(v, PAUSE_DOUBT);
		}
		assert_int_equal(v, rows[i].third);
	}
}

/* 150 ms are lost, and the frequency has changed by 100 ppm: the growth does
 * not explain the lag. */
static void a_pause_with_a_new_frequency_is_a_pause(void **state)
{
	struct hearing h = {.now_s = 0};
	enum pause_verdict v = PAUSE_NONE;

	(void)state;
	for (int64_t k = 0; k < 3; k++) {
		struct pause_answer a = {
		    .first = {++h.now_s * NS_PER_S},
		    .at = {h.now_s * NS_PER_S},
		    .lag_ns = 150 * NS_PER_MS + k * 300 * NS_PER_US,
		    .bound_ns = NS_PER_MS,
		    .noise_ns = 20 * NS_PER_US,
		};

		v = pause_judge(&h.pause, 0, a, POLL_NS, 1);
	}
	assert_int_equal(v, PAUSE_FOUND);
}

/* Without a second answer the lag may be a ramp. */
static void a_majority_waits_for_a_second_answer(void **state)
{
	struct hearing h = {.now_s = 0};

	(void)state;
	assert_int_equal(hear(&h, 0, 50 * NS_PER_MS, 0x7), PAUSE_DOUBT);
	assert_int_equal(hear(&h, 1, 50 * NS_PER_MS, 0x7), PAUSE_DOUBT);
	assert_int_equal(hear(&h, 0, 50 * NS_PER_MS, 0x7), PAUSE_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_lag_that_grows_is_no_pause),
	    cmocka_unit_test(a_slow_ramp_shows_against_the_first_answer),
	    cmocka_unit_test(a_pause_with_a_new_frequency_is_a_pause),
	    cmocka_unit_test(a_majority_waits_for_a_second_answer),
	    cmocka_unit_test(a_majority_of_the_voters_must_say_so),
	    cmocka_unit_test(two_of_four_are_no_majority),
	    cmocka_unit_test(both_of_two_must_say_so),
	    cmocka_unit_test(only_later_answers_count_against_a_pause),
	    cmocka_unit_test(an_answer_of_the_same_instant_is_not_later),
	    cmocka_unit_test(the_only_voter_must_say_it_three_times),
	    cmocka_unit_test(no_source_is_held_back_for_long),
	    cmocka_unit_test(different_lags_do_not_add_up),
	    cmocka_unit_test(a_clock_that_is_ahead_did_not_stand_still),
	    cmocka_unit_test(a_bad_oscillator_did_not_stand_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
