#include "agent/source/checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/page.h"

static const char *result_name(enum check_result result)
{
	static const char *const names[] = {
	    [CHECK_TAKE] = "take",
	    [CHECK_IGNORE] = "ignore",
	    [CHECK_HOLD] = "hold",
	    [CHECK_DROP] = "drop",
	};

	return names[result];
}

static void the_table_in_the_design_is_the_list(void **state)
{
	static char table[16384];
	size_t len;

	(void)state;
	len = (size_t)snprintf(table, sizeof(table),
	    "| check | where it stands | result | what is wrong |\n"
	    "|---|---|---|---|\n");
	for (int i = 0; i < ANSWER_CHECK_COUNT; i++) {
		struct check_facts c = check_facts((enum answer_check)i);

		len += (size_t)snprintf(table + len, sizeof(table) - len,
		    "| %s | %s | %s | %s |\n", c.name, c.where,
		    result_name(c.result), c.text);
	}
	assert_true(len < sizeof(table));
	assert_page_has("DESIGN.md", "checks", table);
}

static void each_check_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < ANSWER_CHECK_COUNT; i++)
		for (int k = 0; k < i; k++)
			assert_string_not_equal(
			    check_facts((enum answer_check)i).name,
			    check_facts((enum answer_check)k).name);
}

static void each_check_is_in_the_manual(void **state)
{
	static char page[131072];
	FILE *f = fopen("man/ntsctl.8", "r");
	const char *part;

	(void)state;
	assert_non_null(f);
	page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
	fclose(f);
	part = strstr(page, ".Ss checks of a source\n");
	assert_non_null(part);
	for (int i = 0; i < ANSWER_CHECK_COUNT; i++) {
		char entry[64];

		snprintf(entry, sizeof(entry), "\n.It Va %s\n",
		    check_facts((enum answer_check)i).name);
		part = strstr(part, entry);
		if (!part)
			fail_msg(
			    "man/ntsctl.8 lacks, or has elsewhere: %s", entry);
	}
}

/* What nts/ finds wrong with an answer has a check, and nothing else has. */
static void each_error_of_an_answer_has_its_check(void **state)
{
	(void)state;
	for (int err = 0; err < NTS_ERR_COUNT; err++) {
		enum answer_check check = check_of_error((enum nts_err)err);
		bool of_answer = err >= NTP_SHORT && err <= NTP_KISS_OTHER;

		assert_int_equal(check != ANSWER_CHECK_COUNT, of_answer);
		if (!of_answer)
			continue;
		assert_int_equal(check_facts(check).error, err);
		assert_string_equal(
		    check_facts(check).text, nts_err_text((enum nts_err)err));
	}
}

/* Without an authenticator an answer decides nothing; after it, it ends the
 * wait. */
static void what_is_not_authentic_is_ignored(void **state)
{
	(void)state;
	for (int i = 0; i < ANSWER_CHECK_COUNT; i++)
		assert_int_equal(
		    check_facts((enum answer_check)i).result == CHECK_IGNORE,
		    i <= CHECK_TAG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_table_in_the_design_is_the_list),
	    cmocka_unit_test(each_check_has_a_name_of_its_own),
	    cmocka_unit_test(each_check_is_in_the_manual),
	    cmocka_unit_test(each_error_of_an_answer_has_its_check),
	    cmocka_unit_test(what_is_not_authentic_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
