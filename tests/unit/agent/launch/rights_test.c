/* Whether the agent may set the clock, for all that it may be and be told. */
#include "agent/launch/rights.h"

#include "agent/host/privileges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SETS NULL
#define NOT_ROOT "not started as root and without CAP_SYS_TIME"

/* clang-format off */
static const struct row {
	bool root, sys_time;
	bool no_clock, single, foreground, once;
	/* What the agent says when it does not start; NULL: it starts. */
	const char *refused;
	/* Why it only measures; NULL: it sets the clock. */
	const char *reason;
} rows[] = {
	/* root sys_time no_clock single fg once */
	{1, 1, 0, 0, 0, 0, NULL, SETS},
	{0, 1, 0, 0, 0, 0, NULL, SETS},
	{0, 1, 0, 0, 0, 1, NULL, SETS},
	{1, 1, 1, 0, 0, 0, NULL, "given"},
	{0, 0, 1, 0, 0, 0, NULL, "given"},
	{0, 0, 1, 0, 0, 1, NULL, "given"},
	{1, 0, 1, 0, 0, 0, NULL, "given"},
	/* Without the right. */
	{0, 0, 0, 0, 0, 0, NULL, NOT_ROOT},
	{0, 0, 0, 0, 0, 1, "the clock cannot be set: " NOT_ROOT, NULL},
	{1, 0, 0, 0, 0, 0, "CAP_SYS_TIME is missing (a container?)", NULL},
	{1, 0, 0, 0, 0, 1, "CAP_SYS_TIME is missing (a container?)", NULL},
	/* One process. */
	{1, 1, 0, 1, 0, 0, "--single-process is for tests", NULL},
	{1, 0, 0, 1, 0, 0, "--single-process is for tests", NULL},
	{1, 0, 0, 1, 1, 0, NULL, SETS},
	{1, 1, 0, 1, 1, 0, NULL, SETS},
	{1, 1, 1, 1, 0, 0, NULL, "given"},
	{0, 0, 0, 1, 0, 0, NULL, NOT_ROOT},
	{0, 1, 0, 1, 0, 0, NULL, SETS},
};
/* clang-format on */

static void check(const struct row *row, size_t number)
{
	const struct rights rights = {row->root, row->sys_time};
	struct run_options run = {
	    .no_clock = row->no_clock,
	    .no_clock_reason = row->no_clock ? "given" : NULL,
	    .single_process = row->single,
	    .foreground = row->foreground,
	    .once = row->once,
	};
	char why[RIGHTS_TEXT_MAX];
	bool starts = rights_decide(rights, &run, why);

	if (starts != !row->refused ||
	    (row->refused ? !strstr(why, row->refused) : why[0] != '\0'))
		fail_msg("row %zu: %d \"%s\"", number, starts, why);
	if (!starts)
		return;
	assert_int_equal(run.no_clock, row->reason != NULL);
	if (row->reason)
		assert_string_equal(run.no_clock_reason, row->reason);
}

static void each_case_is_decided(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(&rows[i], i);
}

static void the_rights_are_those_of_the_process(void **state)
{
	struct rights rights = rights_read();

	(void)state;
	assert_int_equal(rights.root, geteuid() == 0);
	assert_int_equal(rights.sys_time, privileges_have_sys_time());
}

static void only_who_has_no_rights_is_a_demo(void **state)
{
	(void)state;
	assert_true(rights_of_a_demo((struct rights){false, false}));
	assert_false(rights_of_a_demo((struct rights){true, false}));
	assert_false(rights_of_a_demo((struct rights){false, true}));
	assert_false(rights_of_a_demo((struct rights){true, true}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_case_is_decided),
	    cmocka_unit_test(only_who_has_no_rights_is_a_demo),
	    cmocka_unit_test(the_rights_are_those_of_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
