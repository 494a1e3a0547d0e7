/*
 * The metrics have lines for checks and causes that have not occurred, so
 * ntsctl knows their words. This compares them with those of the agent.
 */
#include "agent/ctl/metrics/special.h"
#include "agent/source/checks.h"
#include "agent/source/messages.h"
#include "base/failures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void each_check_of_the_agent_has_a_series(void **state)
{
	(void)state;
	for (int i = 0; i < ANSWER_CHECK_COUNT; i++) {
		assert_non_null(special_checks[i]);
		assert_string_equal(
		    special_checks[i], check_facts((enum answer_check)i).name);
	}
	assert_null(special_checks[ANSWER_CHECK_COUNT]);
}

/* The number of the first series of this family; -1: none. */
static double value_of(family_fn *put, const struct snapshot *s)
{
	static const struct family f = {"f", "", SERIES_COUNTER, false};
	char *text = NULL, *space;
	double value = -1;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	put(out, &f, s, 0, "x");
	fclose(out);
	space = strrchr(text, ' ');
	if (space)
		value = strtod(space, NULL);
	free(text);
	return value;
}

/* All checks of NTS, RFC 8915, but for the NAK. */
static void each_check_of_nts_is_an_authentication_failure(void **state)
{
	(void)state;
	for (int i = 0; i < ANSWER_CHECK_COUNT; i++) {
		const struct check_facts facts =
		    check_facts((enum answer_check)i);
		bool expected = facts.result == CHECK_IGNORE &&
				strncmp(facts.where, "RFC 8915", 8) == 0 &&
				i != CHECK_NAK;
		struct status_source source = {0};
		struct snapshot s = {.source_count = 1, .sources = &source};
		double value;

		source.checks.known = true;
		source.checks.count = 1;
		source.checks.item[0] = (struct field_count){facts.name, 5};
		value = value_of(put_authentication_failures, &s);
		if ((value > 4.9) != expected)
			fail_msg("%s: %f", facts.name, value);
	}
}

/* Whatever fails in a key exchange is a cause that has a series. */
static void each_failure_of_a_key_exchange_has_a_series(void **state)
{
	(void)state;
	for (int i = 0; i < KE_STAGE_DONE; i++)
		assert_in_range(failure_of_stage((enum ke_stage)i),
		    FAILURE_START, FAILURE_CRASH);
	assert_in_range(FAILURE_CLOCK, FAILURE_START, FAILURE_CRASH);
	assert_int_equal(FAILURE_START, 0);
	assert_int_equal(FAILURE_BIND, FAILURE_CRASH + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_check_of_the_agent_has_a_series),
	    cmocka_unit_test(each_check_of_nts_is_an_authentication_failure),
	    cmocka_unit_test(each_failure_of_a_key_exchange_has_a_series),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
