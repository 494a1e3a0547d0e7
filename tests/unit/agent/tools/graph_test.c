#include "agent/tools/graph.h"

#include "tests/unit/agent/ctl/captured.h"

#include <string.h>

/* The words are judged first, also where there is no agent. */
static void the_words_of_the_command_line_arrive(void **state)
{
	char value[] = "offste", *argv[] = {value};
	struct options o = {.command = "graph",
	    .socket = "/nonexistent/status.sock",
	    .argc = 1,
	    .argv = argv};
	struct view v = {.output = OUTPUT_TEXT, .width = 80};
	struct captured c;

	(void)state;
	captured_begin(&c);
	v.out = c.to_out;
	assert_int_equal(graph_command(&o, &v, c.to_errors), EXIT_USAGE);
	o.argc = 0;
	o.last = "1y";
	assert_int_equal(graph_command(&o, &v, c.to_errors), EXIT_USAGE);
	o.last = "10m";
	assert_int_equal(graph_command(&o, &v, c.to_errors), EXIT_NO_STATUS);
	captured_end(&c);
	assert_non_null(strstr(c.errors, "there is no value 'offste'"));
	assert_non_null(strstr(c.errors, "1y"));
	captured_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_words_of_the_command_line_arrive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
