/* How ntsctl finds other programs, and what it passes on. */
#include "agent/ctl/elsewhere.h"

#include "tests/unit/agent/ctl/captured.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void assert_arguments(const struct options *o, const char *expected)
{
	const char *arguments[ELSEWHERE_ARGUMENTS_MAX];
	char line[200] = "";

	if (strcmp(o->command, "check") == 0)
		elsewhere_check_arguments(o, "/sbin/ntsagentd", arguments);
	else
		elsewhere_report_arguments(o, "/tools", arguments);
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

static void so_are_those_of_compare(void **state)
{
	struct options o = {.command = "compare", .socket = "/s"};

	(void)state;
	assert_arguments(&o, "/tools compare -s /s");
	o.output = OUTPUT_CSV;
	o.chronyd = "127.0.0.1:323";
	o.duration = "10s";
	assert_arguments(
	    &o, "/tools compare -s /s --csv --chronyd 127.0.0.1:323 --for 10s");
	o.output = OUTPUT_JSON;
	o.chronyd = o.duration = NULL;
	assert_arguments(&o, "/tools compare -s /s --json");
}

static void so_are_those_of_graph(void **state)
{
	char value[] = "-bound", *argv[] = {value};
	struct options o = {.command = "graph", .socket = "/s"};

	(void)state;
	assert_arguments(&o, "/tools graph -s /s");
	o.source = "a.example";
	o.last = "30d";
	o.svg = "-";
	o.output = OUTPUT_CSV;
	o.argc = 1;
	o.argv = argv;
	assert_arguments(&o, "/tools graph -s /s --csv --source a.example "
			     "--last 30d --svg - -- -bound");
}

static void so_is_that_of_watch(void **state)
{
	char interval[] = "0.5", *argv[] = {interval};
	struct options o = {.command = "watch", .socket = "/s"};

	(void)state;
	assert_arguments(&o, "/tools watch -s /s");
	o.argc = 1;
	o.argv = argv;
	assert_arguments(&o, "/tools watch -s /s -- 0.5");
}

/* The test is not next to ntsctl-tools. */
static void a_program_that_is_missing_is_named(void **state)
{
	const struct options o = {.command = "compare", .socket = "/s"};
	struct view v = {.output = OUTPUT_TEXT, .width = 80};
	char word[] = "import", *argv[] = {word, NULL};
	struct captured c;

	(void)state;
	captured_begin(&c);
	v.out = c.to_out;
	assert_int_equal(
	    elsewhere_import(1, argv, c.to_out, c.to_errors), EXIT_NO_STATUS);
	assert_int_equal(elsewhere_report(&o, &v, c.to_errors), EXIT_NO_STATUS);
	captured_end(&c);
	assert_string_equal(c.errors,
	    "ntsctl: cannot execute " NTSAGENT_LIBEXECDIR
	    "/ntsctl-tools, which has the command import: No such file or "
	    "directory; install the package ntsagent-tools\n"
	    "ntsctl: cannot execute " NTSAGENT_LIBEXECDIR
	    "/ntsctl-tools, which has the command compare: No such file or "
	    "directory; install the package ntsagent-tools\n");
	captured_free(&c);
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
	char self[120], expected[120], found[ELSEWHERE_PATH_MAX];

	snprintf(self, sizeof(self), "%s/ntsctl", d->near);
	assert_false(elsewhere_find(self, "ntsagentd", d->far, found));
	put_program(d->far, 0755);
	assert_true(elsewhere_find(self, "ntsagentd", d->far, found));
	snprintf(expected, sizeof(expected), "%s/ntsagentd", d->far);
	assert_string_equal(found, expected);
	/* A file that nobody may execute is not the program. */
	put_program(d->near, 0644);
	assert_true(elsewhere_find(self, "ntsagentd", d->far, found));
	assert_string_equal(found, expected);
	put_program(d->near, 0755);
	assert_true(elsewhere_find(self, "ntsagentd", d->far, found));
	snprintf(expected, sizeof(expected), "%s/ntsagentd", d->near);
	assert_string_equal(found, expected);
	/* Without /proc it is not known where this program is. */
	assert_true(elsewhere_find("", "ntsagentd", d->far, found));
	snprintf(expected, sizeof(expected), "%s/ntsagentd", d->far);
	assert_string_equal(found, expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_options_are_passed_on),
	    cmocka_unit_test(so_are_those_of_compare),
	    cmocka_unit_test(so_are_those_of_graph),
	    cmocka_unit_test(so_is_that_of_watch),
	    cmocka_unit_test(a_program_that_is_missing_is_named),
	    cmocka_unit_test_setup_teardown(
		the_program_next_to_this_one_comes_first, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
