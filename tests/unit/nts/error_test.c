#include "nts/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

/* An administrator reads the sentence inside another one. */
static void every_error_has_a_name_and_a_sentence(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NTS_ERR_COUNT; i++) {
		const char *name = nts_err_name((enum nts_err)i);
		const char *text = nts_err_text((enum nts_err)i);

		assert_true(strncmp(name, "NTS_", 4) == 0 ||
			    strncmp(name, "NTP_", 4) == 0);
		assert_true(strlen(text) > 5);
		assert_int_not_equal(text[strlen(text) - 1], '.');
		assert_null(strchr(text, '\n'));
	}
}

static void no_two_errors_have_the_same_sentence(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NTS_ERR_COUNT; i++)
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(nts_err_text((enum nts_err)i),
			    nts_err_text((enum nts_err)k));
}

static void a_number_out_of_range_has_a_name_and_a_sentence(void **state)
{
	(void)state;
	assert_string_equal(nts_err_name(NTS_ERR_COUNT), "UNKNOWN");
	assert_non_null(nts_err_text(NTS_ERR_COUNT));
	assert_string_equal(nts_err_name((enum nts_err)4000000), "UNKNOWN");
}

static void names_are_those_of_the_constants(void **state)
{
	(void)state;
	assert_string_equal(nts_err_name(NTS_OK), "NTS_OK");
	assert_string_equal(nts_err_name(NTP_NAK), "NTP_NAK");
	assert_string_equal(nts_err_name(NTS_CRYPTO), "NTS_CRYPTO");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_error_has_a_name_and_a_sentence),
	    cmocka_unit_test(no_two_errors_have_the_same_sentence),
	    cmocka_unit_test(a_number_out_of_range_has_a_name_and_a_sentence),
	    cmocka_unit_test(names_are_those_of_the_constants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
