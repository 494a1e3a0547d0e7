#include "agent/check/remarks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void lines_are_sorted_by_weight(void **state)
{
	struct remarks r;
	const char *words;

	(void)state;
	assert_true(remarks_begin(&r));
	fputs("warning: 1 source: more is better\n"
	      "/etc/x.conf:3: prefer = maybe: expected yes or no\n"
	      "\n"
	      "error: cannot read /etc/ca.pem\n"
	      "  /etc/ca.pem belongs to root:root and has the mode 0000\n"
	      "note: nothing is wrong\n"
	      "warning: a line without an end",
	    r.file);
	assert_true(remarks_read(&r));
	assert_int_equal(r.count, 6);
	assert_int_equal(r.errors, 2);
	assert_int_equal(r.warnings, 2);
	assert_string_equal(remarks_worst(&r),
	    "/etc/x.conf:3: prefer = maybe: expected yes or no");
	assert_int_equal(remark_kind(r.lines[0], &words), REMARK_WARNING);
	assert_string_equal(words, "1 source: more is better");
	assert_int_equal(remark_kind(r.lines[2], &words), REMARK_ERROR);
	assert_string_equal(words, "cannot read /etc/ca.pem");
	assert_int_equal(remark_kind(r.lines[3], &words), REMARK_DETAIL);
	assert_string_equal(
	    words, "/etc/ca.pem belongs to root:root and has the mode 0000");
	assert_int_equal(remark_kind(r.lines[4], &words), REMARK_NOTE);
	assert_string_equal(words, "nothing is wrong");
	assert_int_equal(remark_kind(r.lines[5], &words), REMARK_WARNING);
	assert_string_equal(words, "a line without an end");
	remarks_end(&r);
}

static void without_errors_the_first_warning_is_the_worst(void **state)
{
	struct remarks r;

	(void)state;
	assert_true(remarks_begin(&r));
	fputs("warning: a\nwarning: b\n", r.file);
	assert_true(remarks_read(&r));
	assert_string_equal(remarks_worst(&r), "a");
	remarks_end(&r);
	assert_true(remarks_begin(&r));
	assert_true(remarks_read(&r));
	assert_string_equal(remarks_worst(&r), "");
	assert_int_equal(r.errors + r.warnings + r.count, 0);
	remarks_end(&r);
}

/* A child with other rights writes to it. */
static void the_file_has_a_descriptor(void **state)
{
	struct remarks r;

	(void)state;
	assert_true(remarks_begin(&r));
	assert_true(fileno(r.file) >= 0);
	remarks_end(&r);
	/* A second end is harmless. */
	remarks_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_are_sorted_by_weight),
	    cmocka_unit_test(without_errors_the_first_warning_is_the_worst),
	    cmocka_unit_test(the_file_has_a_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
