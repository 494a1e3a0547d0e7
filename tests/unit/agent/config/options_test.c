/* Tables of good and bad command lines. */
#include "agent/config/options.h"

#include "agent/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGS_MAX 8

/* The path is borrowed from argv, so it is compared here. */
static bool parse(struct options *o, const char *const args[ARGS_MAX],
    bool *other_config, char error[OPTIONS_TEXT_MAX])
{
	char *argv[ARGS_MAX + 2] = {strdup("ntsagentd")};
	int argc = 1;
	bool ok;

	*other_config = false;
	for (; argc <= ARGS_MAX && args[argc - 1]; argc++)
		argv[argc] = strdup(args[argc - 1]);
	*error = '\0';
	ok = options_parse(o, argc, argv, error);
	if (ok && strcmp(o->config_path, CONFIG_DEFAULT_PATH) != 0) {
		assert_string_equal(o->config_path, "/x.conf");
		*other_config = true;
	}
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	return ok;
}

struct row {
	const char *args[ARGS_MAX];
	struct options expected;
	bool other_config; /* /x.conf */
};

/* clang-format off */
static const struct row rows[] = {
	{{NULL}, {.task = TASK_RUN}, false},
	{{"-n"}, {.run = {.foreground = true}}, false},
	{{"--foreground"}, {.run = {.foreground = true}}, false},
	{{"-f", "/x.conf"}, {.debug = false}, true},
	{{"-f/x.conf"}, {.debug = false}, true},
	{{"--config", "/x.conf"}, {.debug = false}, true},
	{{"--config=/x.conf", "-d"}, {.debug = true}, true},
	{{"--check-config"}, {.task = TASK_CHECK_CONFIG}, false},
	{{"--check"}, {.task = TASK_CHECK}, false},
	{{"--check", "--live", "--json", "-t", "20", "-f", "/x.conf"},
	 {.task = TASK_CHECK, .live = true, .json = true,
	  .run = {.timeout_s = 20}}, true},
	{{"-V"}, {.task = TASK_VERSION}, false},
	{{"--version"}, {.task = TASK_VERSION}, false},
	{{"-h"}, {.task = TASK_HELP}, false},
	{{"--help"}, {.task = TASK_HELP}, false},
	{{"-x"}, {.run = {.no_clock = true,
			  .no_clock_reason = "--no-clock"}}, false},
	{{"--no-clock"}, {.run = {.no_clock = true,
			  .no_clock_reason = "--no-clock"}}, false},
	{{"-q"}, {.run = {.once = true, .foreground = true}}, false},
	{{"-Q"}, {.run = {.print_only = true, .foreground = true,
			  .no_clock = true, .no_clock_reason = "-Q"}}, false},
	{{"-xQ"}, {.run = {.print_only = true, .foreground = true,
			   .no_clock = true,
			   .no_clock_reason = "--no-clock"}}, false},
	{{"-q", "-t", "30"}, {.run = {.once = true, .foreground = true,
				      .timeout_s = 30}}, false},
	{{"--once", "--max-bound", "500ms"},
	 {.run = {.once = true, .foreground = true,
		  .max_bound_ns = 500000000}}, false},
	{{"-qx", "--max-bound=0.5"},
	 {.run = {.once = true, .foreground = true, .no_clock = true,
		  .no_clock_reason = "--no-clock",
		  .max_bound_ns = 500000000}}, false},
	{{"-nt1"}, {.run = {.foreground = true, .timeout_s = 1}}, false},
	{{"--single-process"}, {.run = {.single_process = true}}, false},
	{{"-n", "-d", "-x", "--single-process"},
	 {.debug = true, .run = {.foreground = true, .no_clock = true,
		 .no_clock_reason = "--no-clock", .single_process = true}},
	 false},
};

static const struct {
	const char *args[ARGS_MAX];
	const char *says; /* a part of the sentence */
} bad_rows[] = {
	{{"-nz"}, "-z"},
	{{"--nonsense"}, "--nonsense"},
	{{"--foreground=yes"}, "--foreground=yes"},
	{{"--check-config=yes"}, "--check-config=yes: unknown option, or one"},
	{{"-z"}, "unknown option -z (try --help)"},
	{{"-f"}, "-f needs a value"},
	{{"--config"}, "--config needs a value"},
	{{"-t"}, "-t needs a value"},
	{{"-t", "x"}, "\"x\""},
	{{"-t", "0"}, "\"0\""},
	{{"-t", "-5"}, "\"-5\""},
	{{"-t", "5s"}, "\"5s\""},
	{{"-t", "99999999999"}, "\"99999999999\""},
	{{"-q", "-Q"}, "-Q"},
	{{"--live"}, "--live needs --check"},
	{{"--check-config", "--json"}, "--json needs --check"},
	{{"--max-bound", "1s"}, "--max-bound needs --once"},
	{{"-Q", "--max-bound", "1s"}, "--max-bound needs --once"},
	{{"--max-bound"}, "--max-bound needs a value"},
	{{"-q", "--max-bound", "0"}, "not \"0\""},
	{{"-q", "--max-bound", "-1"}, "not \"-1\""},
	{{"-q", "--max-bound", "1 week"}, "not \"1 week\""},
	{{"-q", "--max-bound", "2d"}, "not \"2d\""},
	{{"server"}, "\"server\""},
	{{"-n", "pool.example"}, "\"pool.example\""},
	{{"--check-config", "/x"}, "\"/x\": -f FILE names the configuration"},
};
/* clang-format on */

static void good_command_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct options *e = &rows[i].expected;
		char error[OPTIONS_TEXT_MAX];
		struct options o;
		bool other_config;

		if (!parse(&o, rows[i].args, &other_config, error))
			fail_msg("row %zu: %s", i, error);
		assert_int_equal(o.task, e->task);
		assert_int_equal(o.debug, e->debug);
		assert_int_equal(o.live, e->live);
		assert_int_equal(o.json, e->json);
		assert_int_equal(o.run.foreground, e->run.foreground);
		assert_int_equal(o.run.no_clock, e->run.no_clock);
		assert_int_equal(o.run.single_process, e->run.single_process);
		assert_int_equal(o.run.once, e->run.once);
		assert_int_equal(o.run.print_only, e->run.print_only);
		assert_int_equal(o.run.timeout_s, e->run.timeout_s);
		assert_int_equal(o.run.max_bound_ns, e->run.max_bound_ns);
		if (e->run.no_clock_reason)
			assert_string_equal(
			    o.run.no_clock_reason, e->run.no_clock_reason);
		else
			assert_null(o.run.no_clock_reason);
		assert_int_equal(other_config, rows[i].other_config);
	}
}

/* The caller prints the error; getopt prints nothing itself. */
static void bad_command_lines(void **state)
{
	FILE *f = tmpfile();
	int saved_fd = dup(STDERR_FILENO);

	(void)state;
	assert_non_null(f);
	for (size_t i = 0; i < ARRAY_LEN(bad_rows); i++) {
		char error[OPTIONS_TEXT_MAX];
		struct options o;
		bool other_config, good;

		fflush(stderr);
		assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
		good = parse(&o, bad_rows[i].args, &other_config, error);
		fflush(stderr);
		assert_true(dup2(saved_fd, STDERR_FILENO) >= 0);
		if (good)
			fail_msg("row %zu was taken", i);
		if (!strstr(error, bad_rows[i].says))
			fail_msg("row %zu says: %s", i, error);
	}
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	assert_int_equal(ftell(f), 0);
	fclose(f);
	close(saved_fd);
}

/* The help has every option and fits a terminal. */
static void the_help_has_every_option(void **state)
{
	static const char *const all[] = {"-f,", "--config", "--check-config",
	    "-n,", "--foreground", "-x,", "--no-clock", "-q,", "--once",
	    "--max-bound", "--check ", "--live", "--json", "-Q", "-t ", "-d",
	    "exit status:", "--single-process", "-V,", "--version", "-h,",
	    "--help"};
	char *text, *line;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	assert_non_null(f);
	options_print_help(f);
	assert_int_equal(fclose(f), 0);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		assert_non_null(strstr(text, all[i]));
	for (line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") < 80);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_command_lines),
	    cmocka_unit_test(bad_command_lines),
	    cmocka_unit_test(the_help_has_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
