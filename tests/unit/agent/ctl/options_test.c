#include "tests/unit/agent/ctl/example.h"

#include "agent/ctl/options.h"

#define WORDS_MAX 8

/* Splits `line` at spaces, in place. */
static bool parse(char *line, struct options *out, char *why)
{
	static char *words[WORDS_MAX + 1];
	int count = 0;

	for (char *w = strtok(line, " "); w != NULL; w = strtok(NULL, " ")) {
		assert_in_range(count, 0, WORDS_MAX - 1);
		words[count++] = w;
	}
	words[count] = NULL;
	return options_parse(out, count, words, "/default.sock", why);
}

static void nothing_means_status(void **state)
{
	char line[] = "ntsctl", why[OPTIONS_ERROR_MAX];
	struct options o;

	(void)state;
	assert_true(parse(line, &o, why));
	assert_string_equal(o.command, "status");
	assert_string_equal(o.socket, "/default.sock");
	assert_int_equal(o.output, OUTPUT_TEXT);
	assert_false(o.numeric || o.verbose);
	assert_int_equal(o.argc, 0);
}

static void options_may_stand_anywhere(void **state)
{
	static const char *const lines[] = {
	    "ntsctl -n -v -s /x --json sources",
	    "ntsctl sources -n -v -s /x --json",
	    "ntsctl -nva sources --socket=/x --json",
	    "ntsctl --numeric --verbose sources --json --socket /x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char *line = strdup(lines[i]), why[OPTIONS_ERROR_MAX];
		struct options o;

		assert_true(parse(line, &o, why));
		assert_string_equal(o.command, "sources");
		assert_string_equal(o.socket, "/x");
		assert_true(o.numeric && o.verbose);
		assert_int_equal(o.output, OUTPUT_JSON);
		assert_int_equal(o.argc, 0);
		free(line);
	}
}

static void the_options_of_check_are_kept(void **state)
{
	char line[] = "ntsctl check --live --config /x.conf -t 20";
	char bare[] = "ntsctl check", why[OPTIONS_ERROR_MAX];
	struct options o;

	(void)state;
	assert_true(parse(line, &o, why));
	assert_true(o.live);
	assert_string_equal(o.config, "/x.conf");
	assert_string_equal(o.limit, "20");
	assert_true(parse(bare, &o, why));
	assert_false(o.live);
	assert_null(o.config);
	assert_null(o.limit);
}

static void the_last_of_two_opposites_counts(void **state)
{
	char line[] = "ntsctl -n --json authdata -N --csv";
	char why[OPTIONS_ERROR_MAX];
	struct options o;

	(void)state;
	assert_true(parse(line, &o, why));
	assert_false(o.numeric);
	assert_int_equal(o.output, OUTPUT_CSV);
	/* But one format is enough. */
	assert_false(options_fit(&o, why));
	assert_string_equal(why, "authdata: either --json or --csv or -c");
}

static void arguments_are_the_commands(void **state)
{
	char line[] = "ntsctl waitsync 6 -v 0.1 0", why[OPTIONS_ERROR_MAX];
	struct options o;

	(void)state;
	assert_true(parse(line, &o, why));
	assert_string_equal(o.command, "waitsync");
	assert_int_equal(o.argc, 3);
	assert_string_equal(o.argv[0], "6");
	assert_string_equal(o.argv[2], "0");
}

static void help_beats_the_command(void **state)
{
	char help[] = "ntsctl sources -h x", version[] = "ntsctl --version y";
	char why[OPTIONS_ERROR_MAX];
	struct options o;

	(void)state;
	assert_true(parse(help, &o, why));
	assert_string_equal(o.command, "help");
	assert_int_equal(o.argc, 0);
	assert_true(o.help);
	assert_true(parse(version, &o, why));
	assert_string_equal(o.command, "version");
	/* The word after it is no host. */
	assert_false(o.help);
}

static void what_is_not_known_is_named(void **state)
{
	static const struct {
		const char *line, *why;
	} cases[] = {
	    {"ntsctl -q", "option -q is not known"},
	    {"ntsctl -nq sources", "option -q is not known"},
	    {"ntsctl --quick", "option --quick is not known"},
	    {"ntsctl sources -s", "option -s needs an argument"},
	    {"ntsctl sources --socket", "option -s needs an argument"},
	    {"ntsctl --json=1", "option --json=1 is not known"},
	    {"ntsctl sources --jsno",
		"option --jsno is not known: did you mean '--json'"},
	    {"ntsctl events --sorce x",
		"option --sorce is not known: did you mean '--source'"},
	    {"ntsctl compare --for", "option --for needs an argument"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *line = strdup(cases[i].line), why[OPTIONS_ERROR_MAX];
		struct options o;

		assert_false(parse(line, &o, why));
		assert_string_equal(why, cases[i].why);
		free(line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_means_status),
	    cmocka_unit_test(options_may_stand_anywhere),
	    cmocka_unit_test(the_options_of_check_are_kept),
	    cmocka_unit_test(the_last_of_two_opposites_counts),
	    cmocka_unit_test(arguments_are_the_commands),
	    cmocka_unit_test(help_beats_the_command),
	    cmocka_unit_test(what_is_not_known_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
