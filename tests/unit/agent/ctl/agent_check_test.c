/* How `ntsctl check` finds ntsagentd and what it passes on. */
#include "agent/ctl/agent_check.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void assert_arguments(const struct options *o, const char *expected)
{
	const char *arguments[AGENT_CHECK_ARGUMENTS_MAX];
	char line[200] = "";

	agent_check_arguments(o, "/sbin/ntsagentd", arguments);
	for (int i = 0; arguments[i]; i++) {
		strcat(line, i > 0 ? " " : "");
		strcat(line, arguments[i]);
	}
	assert_string_equal(line, expected);
}

static void the_options_are_passed_on(void **state)
{
	struct options o = {.command = "check"};

	(void)state;
	assert_arguments(&o, "/sbin/ntsagentd --check");
	o.live = true;
	assert_arguments(&o, "/sbin/ntsagentd --check --live");
	o.output = OUTPUT_JSON;
	o.config = "/x.conf";
	o.limit = "20";
	assert_arguments(
	    &o, "/sbin/ntsagentd --check --live --json -f /x.conf -t 20");
}

struct folders {
	char top[64], near[80], far[80];
};

static void put_program(const char *folder, mode_t mode)
{
	char path[120];
	FILE *f;

	snprintf(path, sizeof(path), "%s/ntsagentd", folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static int setup(void **state)
{
	struct folders *d = calloc(1, sizeof(*d));

	strcpy(d->top, P_tmpdir "/ntsagent-ctl-XXXXXX");
	assert_non_null(mkdtemp(d->top));
	snprintf(d->near, sizeof(d->near), "%s/near", d->top);
	snprintf(d->far, sizeof(d->far), "%s/far", d->top);
	assert_int_equal(mkdir(d->near, 0755), 0);
	assert_int_equal(mkdir(d->far, 0755), 0);
	*state = d;
	return 0;
}

static void clear(const char *folder)
{
	char path[120];

	snprintf(path, sizeof(path), "%s/ntsagentd", folder);
	unlink(path);
	rmdir(folder);
}

static int teardown(void **state)
{
	struct folders *d = *state;

	clear(d->near);
	clear(d->far);
	rmdir(d->top);
	free(d);
	return 0;
}

static void the_program_next_to_this_one_comes_first(void **state)
{
	const struct folders *d = *state;
	char self[120], expected[120], found[AGENT_CHECK_PATH_MAX];

	snprintf(self, sizeof(self), "%s/ntsctl", d->near);
	assert_false(agent_check_find(self, d->far, found));
	put_program(d->far, 0755);
	assert_true(agent_check_find(self, d->far, found));
	snprintf(expected, sizeof(expected), "%s/ntsagentd", d->far);
	assert_string_equal(found, expected);
	/* A file that nobody may execute is not the program. */
	put_program(d->near, 0644);
	assert_true(agent_check_find(self, d->far, found));
	assert_string_equal(found, expected);
	put_program(d->near, 0755);
	assert_true(agent_check_find(self, d->far, found));
	snprintf(expected, sizeof(expected), "%s/ntsagentd", d->near);
	assert_string_equal(found, expected);
	/* Without /proc it is not known where this program is. */
	assert_true(agent_check_find("", d->far, found));
	snprintf(expected, sizeof(expected), "%s/ntsagentd", d->far);
	assert_string_equal(found, expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_options_are_passed_on),
	    cmocka_unit_test_setup_teardown(
		the_program_next_to_this_one_comes_first, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
