/* An engine that hangs is found; a machine that slept is none. */
#include "agent/keeper/watchdog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TIMEOUT_NS (60 * NS_PER_S)
#define PERIOD_S 10

static struct mono at(int64_t s)
{
	return (struct mono){s * NS_PER_S};
}

static void an_engine_that_answers_is_asked_for_ever(void **state)
{
	struct watchdog w = watchdog_of(TIMEOUT_NS, at(0));

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(watchdog_deadline(&w).ns, at(i * PERIOD_S).ns);
		assert_int_equal(
		    watchdog_tick(&w, at(i * PERIOD_S)), WATCHDOG_ASK);
		assert_int_equal(
		    watchdog_tick(&w, at(i * PERIOD_S + 9)), WATCHDOG_WAIT);
		assert_true(watchdog_heard(&w, w.serial));
	}
}

static void three_questions_without_an_answer_are_a_hang(void **state)
{
	struct watchdog w = watchdog_of(TIMEOUT_NS, at(0));

	(void)state;
	for (int i = 0; i < WATCHDOG_UNANSWERED_MAX; i++)
		assert_int_equal(
		    watchdog_tick(&w, at(i * PERIOD_S)), WATCHDOG_ASK);
	assert_int_equal(watchdog_tick(&w, at(29)), WATCHDOG_WAIT);
	assert_int_equal(watchdog_tick(&w, at(30)), WATCHDOG_HANGS);
	assert_int_equal(watchdog_patience_ns(&w), at(30).ns);
}

/* An engine that was slow answers the first question first. */
static void any_question_that_waits_may_be_answered(void **state)
{
	struct watchdog w = watchdog_of(TIMEOUT_NS, at(0));

	(void)state;
	for (int i = 0; i < WATCHDOG_UNANSWERED_MAX; i++)
		assert_int_equal(
		    watchdog_tick(&w, at(i * PERIOD_S)), WATCHDOG_ASK);
	assert_false(watchdog_heard(&w, w.serial + 1));
	assert_false(watchdog_heard(&w, w.serial - WATCHDOG_UNANSWERED_MAX));
	assert_true(watchdog_heard(&w, w.serial - 2));
	assert_int_equal(watchdog_tick(&w, at(30)), WATCHDOG_ASK);
	/* The later answers come for questions that wait no more. */
	assert_false(watchdog_heard(&w, w.serial - 1));
	assert_true(watchdog_heard(&w, w.serial));
	assert_false(watchdog_heard(&w, w.serial));
}

static void an_answer_without_a_question_counts_for_nothing(void **state)
{
	struct watchdog w = watchdog_of(TIMEOUT_NS, at(0));

	(void)state;
	assert_false(watchdog_heard(&w, 0));
	assert_false(watchdog_heard(&w, 1));
	assert_false(watchdog_heard(&w, UINT32_MAX));
}

/* Whatever the monotonic clock did meanwhile: the engine slept, too, and has
 * time to answer. */
static void a_machine_that_slept_is_no_hang(void **state)
{
	static const int64_t slept_s[] = {0, 15, 3600, 1000000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(slept_s); i++) {
		struct watchdog w = watchdog_of(TIMEOUT_NS, at(0));
		int64_t woke_s = PERIOD_S + slept_s[i];

		assert_int_equal(watchdog_tick(&w, at(0)), WATCHDOG_ASK);
		assert_int_equal(watchdog_tick(&w, at(woke_s)), WATCHDOG_ASK);
		assert_int_equal(
		    watchdog_tick(&w, at(woke_s + 9)), WATCHDOG_WAIT);
		assert_int_equal(
		    watchdog_tick(&w, at(woke_s + 10)), WATCHDOG_ASK);
		assert_int_equal(
		    watchdog_tick(&w, at(woke_s + 19)), WATCHDOG_WAIT);
		assert_true(watchdog_heard(&w, w.serial));
	}
}

static void without_a_manager_nobody_asks(void **state)
{
	struct watchdog w = watchdog_of(0, at(5));

	(void)state;
	assert_int_equal(watchdog_deadline(&w).ns, MONO_NEVER.ns);
	assert_int_equal(watchdog_tick(&w, at(1000000)), WATCHDOG_WAIT);
}

static void no_question_has_the_serial_0(void **state)
{
	struct watchdog w = watchdog_of(TIMEOUT_NS, at(0));

	(void)state;
	w.serial = UINT32_MAX;
	assert_int_equal(watchdog_tick(&w, at(0)), WATCHDOG_ASK);
	assert_int_equal(w.serial, 1);
	assert_true(watchdog_heard(&w, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_engine_that_answers_is_asked_for_ever),
	    cmocka_unit_test(three_questions_without_an_answer_are_a_hang),
	    cmocka_unit_test(any_question_that_waits_may_be_answered),
	    cmocka_unit_test(an_answer_without_a_question_counts_for_nothing),
	    cmocka_unit_test(a_machine_that_slept_is_no_hang),
	    cmocka_unit_test(without_a_manager_nobody_asks),
	    cmocka_unit_test(no_question_has_the_serial_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
