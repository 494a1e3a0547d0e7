/* The sentences of the keeper's verdicts. */
#include "clock/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void each_verdict_has_its_own_sentence(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KEEPER_VERDICT_COUNT; i++) {
		const char *text = keeper_verdict_text((enum keeper_verdict)i);

		assert_true(strlen(text) > 3);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(
			    text, keeper_verdict_text((enum keeper_verdict)k));
	}
	assert_string_equal(keeper_verdict_text(KEEPER_OK), "done");
	assert_string_equal(
	    keeper_verdict_text(KEEPER_VERDICT_COUNT), "unknown");
}

static void a_refusal_is_not_any_answer(void **state)
{
	unsigned count = 0;

	(void)state;
	for (unsigned i = 0; i < KEEPER_VERDICT_COUNT; i++)
		count += keeper_refused((enum keeper_verdict)i);
	assert_int_equal(count, 7);
	assert_false(keeper_refused(KEEPER_OK));
	assert_false(keeper_refused(KEEPER_NO_CLOCK));
	assert_true(keeper_refused(KEEPER_BAD_COMMAND));
	assert_true(keeper_refused(KEEPER_STEP_BUDGET));
	assert_false(keeper_refused(KEEPER_KERNEL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_verdict_has_its_own_sentence),
	    cmocka_unit_test(a_refusal_is_not_any_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
