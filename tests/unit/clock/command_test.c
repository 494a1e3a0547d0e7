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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_verdict_has_its_own_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
