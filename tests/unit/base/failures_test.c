#include "base/failures.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdbool.h>

static bool is_word(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if (!islower((unsigned char)*c) && *c != '-')
			return false;
	return *text != '\0';
}

static void each_word_leads_back_to_its_failure(void **state)
{
	(void)state;
	for (int i = 0; i < FAILURE_COUNT; i++) {
		const char *word = failure_word((enum failure)i);

		assert_true(is_word(word));
		assert_int_equal(failure_of_word(word), i);
	}
}

static void another_word_is_no_failure(void **state)
{
	static const char *const words[] = {"", "dnsx", "dn", "done", "DNS"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		assert_int_equal(failure_of_word(words[i]), FAILURE_COUNT);
	assert_string_equal(failure_word(FAILURE_COUNT), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_word_leads_back_to_its_failure),
	    cmocka_unit_test(another_word_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
