/* The table of leap seconds, line by line. */
#include "clock/leap_table.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* 2015-07-01 and 2017-01-01. */
#define FIRST_S INT64_C(1435708800)
#define SECOND_S INT64_C(1483228800)

static const char *const table[] = {
    "#\tcomment\n",
    "#$\t3960835200\n",
    "#@\t3991593600\n",
    "\n",
    "3644697600\t36\t# 1 Jul 2015\n",
    "3692217600 37 # 1 Jan 2017\n",
    "#h\t16edd0f0 3666784f\n",
};

static void the_entry_of_the_time_counts(void **state)
{
	static const struct {
		int64_t now_s;
		bool known;
		int tai_s;
	} rows[] = {
	    {FIRST_S - 1, false, 0},
	    {FIRST_S, true, 36},
	    {SECOND_S - 1, true, 36},
	    {SECOND_S, true, 37},
	    {SECOND_S + 1000000000, true, 37},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int backward = 0; backward < 2; backward++) {
			struct leap_table t = {.known = false};
			size_t n = ARRAY_LEN(table);

			for (size_t k = 0; k < n; k++)
				assert_true(leap_table_line(&t,
				    table[backward ? n - 1 - k : k],
				    rows[i].now_s));
			assert_int_equal(t.known, rows[i].known);
			assert_int_equal(t.tai_s, rows[i].tai_s);
			assert_int_equal(t.expires_s, 1782604800);
		}
}

static void what_is_no_table_is_refused(void **state)
{
	static const char *const lines[] = {"TZif2", "3692217600\n",
	    "3692217600 x\n", "3692217600 37 38\n", "-5 37\n", "#@ x\n", "#@\n",
	    "3692217600 100001\n", "99999999999999999999 37\n", "1 -1\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct leap_table t = {.known = false};

		if (leap_table_line(&t, lines[i], INT64_MAX))
			fail_msg("row %zu", i);
		assert_false(t.known);
		assert_int_equal(t.expires_s, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_entry_of_the_time_counts),
	    cmocka_unit_test(what_is_no_table_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
