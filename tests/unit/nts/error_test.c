#include "base/check.h"
#include "nts/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static const char *const names[] = {
#define X(name, sentence) [name] = #name,
    NTS_ERRORS(X)
#undef X
};

/* The sentence is part of longer messages, so it has no full stop. */
static void every_error_has_a_name_and_a_sentence(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NTS_ERR_COUNT; i++) {
		const char *name = names[i];
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

static void a_number_out_of_range_has_a_sentence(void **state)
{
	(void)state;
	assert_string_equal(nts_err_text(NTS_ERR_COUNT), "an unknown error");
	assert_string_equal(
	    nts_err_text((enum nts_err)4000000), "an unknown error");
}

static void only_kiss_codes_are_kiss_codes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NTS_ERR_COUNT; i++) {
		const char *name = names[i];

		assert_int_equal(nts_err_is_kiss((enum nts_err)i),
		    strncmp(name, "NTP_KISS_", 9) == 0);
	}
}

/* Adds text to a page that has room for 65535 characters. */
PRINTF_LIKE(2, 3)
static void add(char page[65536], const char *fmt, ...)
{
	size_t used = strlen(page);
	va_list args;

	va_start(args, fmt);
	vsnprintf(page + used, 65536 - used, fmt, args);
	va_end(args);
}

static void the_list_in_the_readme_is_the_list_of_the_code(void **state)
{
	static char page[65536], list[65536];
	FILE *f = fopen("nts/README.md", "r");
	const char *found;

	(void)state;
	assert_non_null(f);
	assert_true(fread(page, 1, sizeof(page) - 1, f) > 0);
	fclose(f);
	add(list, "\n| error | sentence |\n|---|---|\n");
	for (unsigned i = 0; i < NTS_ERR_COUNT; i++)
		add(list, "| `%s` | %s |\n", names[i],
		    nts_err_text((enum nts_err)i));
	/* The table ends the page, so that it cannot have more rows. */
	found = strstr(page, list);
	if (!found || found[strlen(list)])
		fail_msg("nts/README.md must have:%s", list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_error_has_a_name_and_a_sentence),
	    cmocka_unit_test(no_two_errors_have_the_same_sentence),
	    cmocka_unit_test(a_number_out_of_range_has_a_sentence),
	    cmocka_unit_test(only_kiss_codes_are_kiss_codes),
	    cmocka_unit_test(the_list_in_the_readme_is_the_list_of_the_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
