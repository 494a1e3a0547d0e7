/* All of ntsctl: as a function and, when it is built, as a program. */
#include "tests/unit/agent/ctl/fake_agent.h"

#include "agent/ctl/program.h"
#include "agent/ctl/report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#define WORDS_MAX 10

struct result {
	int status;
	char *out, *errors;
};

static void result_free(struct result *r)
{
	free(r->out);
	free(r->errors);
}

/* Splits a copy of `line` at spaces. */
static int split(char *line, char *words[WORDS_MAX + 1])
{
	int count = 0;

	for (char *w = strtok(line, " "); w != NULL; w = strtok(NULL, " ")) {
		assert_in_range(count, 0, WORDS_MAX - 1);
		words[count++] = w;
	}
	words[count] = NULL;
	return count;
}

static struct result run(const char *line)
{
	struct result r = {0};
	size_t out_size, errors_size;
	FILE *out = open_memstream(&r.out, &out_size);
	FILE *errors = open_memstream(&r.errors, &errors_size);
	char *copy = strdup(line), *words[WORDS_MAX + 1];
	int count = split(copy, words);

	r.status = ctl_main(count, words, out, errors);
	fclose(out);
	fclose(errors);
	free(copy);
	return r;
}

/* Starts an agent that answers with the example; NTSAGENT_STATUS is its path.
 */
static void start_example(struct fake_agent *a)
{
	char *json = read_file(HERE "snapshot.json");

	agent_start(a, (const char *const[]){json}, 1);
	setenv("NTSAGENT_STATUS", a->path, 1);
	free(json);
}

static void end_example(struct fake_agent *a)
{
	unsetenv("NTSAGENT_STATUS");
	agent_end(a);
}

static const struct {
	const char *line, *file;
} asked[] = {
    {"ntsctl", "status.txt"},
    {"ntsctl status --csv", "status.csv"},
    {"ntsctl status --json", "status.json"},
    {"ntsctl sources", "sources.txt"},
    {"ntsctl sources -v", "sources-v.txt"},
    {"ntsctl -n sources", "sources-n.txt"},
    {"ntsctl sources --json", "sources.json"},
    {"ntsctl sourcestats", "sourcestats.txt"},
    {"ntsctl --csv sourcestats", "sourcestats.csv"},
    {"ntsctl tracking", "tracking.txt"},
    {"ntsctl -N authdata", "authdata.txt"},
    {"ntsctl activity", "activity.txt"},
    {"ntsctl help", "help.txt"},
    {"ntsctl -h sources", "help.txt"},
};

static void each_command_prints_its_report(void **state)
{
	struct fake_agent a;

	(void)state;
	start_example(&a);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		struct result r = run(asked[i].line);
		char path[128], *expected;

		snprintf(path, sizeof(path), HERE "expected/%s", asked[i].file);
		expected = read_file(path);
		assert_string_equal(r.errors, "");
		assert_string_equal(r.out, expected);
		assert_int_equal(r.status, EXIT_OK);
		free(expected);
		result_free(&r);
	}
	end_example(&a);
}

static void mistakes_are_one_sentence_and_status_2(void **state)
{
	static const struct {
		const char *line, *errors;
	} cases[] = {
	    {"ntsctl source",
		"ntsctl: there is no command 'source'; see: ntsctl help\n"},
	    {"ntsctl -q", "ntsctl: option -q is not known; see: ntsctl help\n"},
	    {"ntsctl sources x",
		"ntsctl: sources takes no arguments; see: ntsctl help\n"},
	    {"ntsctl waitsync 1 2 3 4 5",
		"ntsctl: waitsync takes [TRIES [MAXCORRECTION [MAXSKEW "
		"[INTERVAL]]]]; see: ntsctl help\n"},
	    {"ntsctl waitsync soon",
		"ntsctl: waitsync: tries has to be a number from 0 to "
		"2147483647, not 'soon'; see: ntsctl help\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct result r = run(cases[i].line);

		assert_int_equal(r.status, EXIT_USAGE);
		assert_string_equal(r.out, "");
		assert_string_equal(r.errors, cases[i].errors);
		result_free(&r);
	}
}

static void without_an_agent_the_status_is_3(void **state)
{
	static const char *const commands[] = {"", "status", "sources",
	    "sourcestats", "tracking", "authdata", "activity"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		char line[80];
		struct result r;

		snprintf(line, sizeof(line), "ntsctl -s /nonexistent/sock %s",
		    commands[i]);
		r = run(line);
		assert_int_equal(r.status, EXIT_NO_STATUS);
		assert_string_equal(r.out, "");
		assert_string_equal(r.errors,
		    "ntsctl: ntsagentd is not running: nothing listens on "
		    "/nonexistent/sock; start it with: systemctl start "
		    "ntsagent\n");
		result_free(&r);
	}
}

static void a_newer_agent_is_named(void **state)
{
	struct fake_agent a;
	char line[128];
	struct result r;

	(void)state;
	agent_start(&a, (const char *const[]){"{\"schema\": 2}"}, 1);
	snprintf(line, sizeof(line), "ntsctl -s %s sources", a.path);
	r = run(line);
	agent_end(&a);
	assert_int_equal(r.status, EXIT_NO_STATUS);
	assert_contains(r.errors, "its schema is 2 and this ntsctl knows 1");
	assert_ptr_equal(
	    strchr(r.errors, '\n'), r.errors + strlen(r.errors) - 1);
	result_free(&r);
}

static void a_full_disk_is_no_success(void **state)
{
	char *words[] = {strdup("ntsctl"), strdup("sources"), NULL};
	FILE *full = fopen("/dev/full", "w"), *errors;
	struct fake_agent a;
	char *said = NULL;
	size_t size;

	(void)state;
	start_example(&a);
	errors = open_memstream(&said, &size);
	assert_int_equal(ctl_main(2, words, full, errors), EXIT_NO_STATUS);
	fclose(errors);
	fclose(full);
	end_example(&a);
	assert_string_equal(
	    said, "ntsctl: cannot write the output: No space left on device\n");
	free(said);
	free(words[0]);
	free(words[1]);
}

/* Every command and every long option of the help is in `text`. */
static void assert_knows_all(const char *help, const char *text)
{
	for (const char *line = strchr(help, '\n'); line != NULL;
	     line = strchr(line + 1, '\n')) {
		char word[32];

		if (sscanf(line + 1, "  %31[a-z]", word) == 1 &&
		    strncmp(line + 1, "   ", 3) != 0)
			assert_contains(text, word);
		if (sscanf(line + 1, "  -%*[a-zA-Z], --%31[a-z]", word) == 1)
			assert_contains(text, word);
		if (sscanf(line + 1, "  --%31[a-z]", word) == 1)
			assert_contains(text, word);
	}
}

static void manual_and_completions_know_every_command(void **state)
{
	static const char *const files[] = {"man/ntsctl.8",
	    "etc/completions/ntsctl.bash", "etc/completions/_ntsctl"};
	struct result help = run("ntsctl help");

	(void)state;
	assert_int_equal(help.status, EXIT_OK);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char *text = read_file(files[i]);

		assert_knows_all(help.out, text);
		free(text);
	}
	result_free(&help);
}

/* Every column of a table is documented in the manual. */
static void manual_knows_every_member(void **state)
{
	static const char *const reports[] = {"ntsctl status --csv",
	    "ntsctl sources --csv", "ntsctl sourcestats --csv",
	    "ntsctl tracking --csv", "ntsctl authdata --csv",
	    "ntsctl activity --csv", "ntsctl waitsync 1 --csv"};
	char *manual = read_file("man/ntsctl.8");
	struct fake_agent a;

	(void)state;
	start_example(&a);
	for (size_t i = 0; i < ARRAY_LEN(reports); i++) {
		struct result r = run(reports[i]);
		char *heading = line_of(r.out, 0);

		for (char *key = strtok(heading, ","); key != NULL;
		     key = strtok(NULL, ",")) {
			const char *dot = strrchr(key, '.');
			char entry[64];

			snprintf(entry, sizeof(entry), ".It Va %s\n",
			    dot == NULL ? key : dot + 1);
			assert_contains(manual, entry);
		}
		free(heading);
		result_free(&r);
	}
	end_example(&a);
	free(manual);
}

/* The path of ntsctl in the build folder; false when it is not built. */
static bool find_program(char *path, size_t size)
{
	char *tests;

	snprintf(path, size, "%s", program_invocation_name);
	tests = strstr(path, "/tests/unit/");
	if (tests == NULL)
		return false;
	snprintf(tests, size - (size_t)(tests - path), "/ntsctl");
	return access(path, X_OK) == 0;
}

static int run_program(char *path, const char *line, const char *out_path)
{
	char *copy = strdup(line), *words[WORDS_MAX + 1];
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open(out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		split(copy, words);
		dup2(fd, STDOUT_FILENO);
		execv(path, words);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	free(copy);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void the_program_does_the_same(void **state)
{
	char program[4096], out_path[80];
	struct fake_agent a;

	(void)state;
	if (!find_program(program, sizeof(program)))
		skip();
	start_example(&a);
	snprintf(out_path, sizeof(out_path), "%s/out", a.folder);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		char path[128], *expected, *text;

		assert_int_equal(
		    run_program(program, asked[i].line, out_path), EXIT_OK);
		snprintf(path, sizeof(path), HERE "expected/%s", asked[i].file);
		expected = read_file(path);
		text = read_file(out_path);
		assert_string_equal(text, expected);
		free(text);
		free(expected);
	}
	assert_int_equal(
	    run_program(program, "ntsctl nonsense", out_path), EXIT_USAGE);
	unlink(out_path);
	end_example(&a);
}

static void the_version_is_a_line(void **state)
{
	struct result r = run("ntsctl --version");

	(void)state;
	assert_string_equal(r.out, "ntsctl (ntsagent) " NTSAGENT_VERSION "\n");
	assert_int_equal(r.status, EXIT_OK);
	result_free(&r);
}

static void too_many_arguments_are_refused(void **state)
{
	static const char *const lines[] = {"status x", "sources x",
	    "sourcestats x", "tracking x", "authdata x", "activity x",
	    "waitsync 1 2 3 4 5", "retry x y", "burst x y", "offline x y",
	    "online x y", "step x", "makestep x", "reload x", "help x",
	    "version x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char line[80];
		struct result r;

		snprintf(line, sizeof(line), "ntsctl -s /nonexistent/sock %s",
		    lines[i]);
		r = run(line);
		assert_int_equal(r.status, EXIT_USAGE);
		assert_contains(r.errors, " takes ");
		result_free(&r);
	}
}

/* Without a buffer the error comes before the last flush, which succeeds. */
static void an_earlier_write_error_is_not_forgotten(void **state)
{
	char *words[] = {strdup("ntsctl"), strdup("help"), NULL};
	FILE *full = fopen("/dev/full", "w"), *errors;
	char *said = NULL;
	size_t size;

	(void)state;
	setvbuf(full, NULL, _IONBF, 0);
	errors = open_memstream(&said, &size);
	assert_int_equal(ctl_main(2, words, full, errors), EXIT_NO_STATUS);
	fclose(errors);
	fclose(full);
	assert_string_equal(said, "ntsctl: cannot write the output\n");
	free(said);
	free(words[0]);
	free(words[1]);
}

/* What ntsctl prints on a terminal with so many columns; the caller frees it.
 */
static char *on_terminal(const char *command, unsigned short columns)
{
	const struct winsize size = {.ws_row = 24, .ws_col = columns};
	char *words[] = {strdup("ntsctl"), strdup(command), NULL};
	char *text = calloc(1, 8192);
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	size_t len = 0;
	ssize_t n;
	FILE *out;

	assert_true(text && master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
	out = fopen(ptsname(master), "w");
	assert_non_null(out);
	(void)ctl_main(2, words, out, stderr);
	fflush(out);
	assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
	while (len < 8191 && (n = read(master, text + len, 8191 - len)) > 0)
		len += (size_t)n;
	fclose(out);
	close(master);
	free(words[0]);
	free(words[1]);
	return text;
}

static size_t longest_line(const char *text)
{
	size_t longest = 0;

	for (; *text != '\0'; text += strcspn(text, "\n") + 1) {
		size_t len = strcspn(text, "\r\n");

		longest = len > longest ? len : longest;
		if (text[strcspn(text, "\n")] == '\0')
			break;
	}
	return longest;
}

static void sentences_fit_the_terminal(void **state)
{
	/* Some word begins in each of the last ten columns. */
	static const struct {
		unsigned short columns, least, most;
	} cases[] = {{60, 51, 60}, {100, 91, 100}, {0, 71, 80}, {20, 31, 40},
	    {40, 31, 40}, {41, 31, 41}};
	struct fake_agent a;

	(void)state;
	start_example(&a);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = on_terminal("status", cases[i].columns);

		assert_in_range(
		    longest_line(text), cases[i].least, cases[i].most);
		free(text);
	}
	end_example(&a);
}

static void a_terminal_has_colours_unless_they_are_unwanted(void **state)
{
	static const struct {
		const char *no_color;
		bool colours;
	} cases[] = {{NULL, true}, {"", true}, {"1", false}};
	struct fake_agent a;

	(void)state;
	start_example(&a);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text;

		unsetenv("NO_COLOR");
		if (cases[i].no_color)
			setenv("NO_COLOR", cases[i].no_color, 1);
		text = on_terminal("sources", 80);
		assert_int_equal(
		    strstr(text, "\033[32m") != NULL, cases[i].colours);
		assert_contains(text, "`ntsctl` says what is wrong");
		free(text);
	}
	unsetenv("NO_COLOR");
	end_example(&a);
}

/* These two characters take four columns. */
static void the_program_knows_how_wide_characters_are(void **state)
{
	char program[4096], out_path[80], *json, *text, *line;
	json_t *tree;
	struct fake_agent a;

	(void)state;
	if (!find_program(program, sizeof(program)))
		skip();
	tree = example();
	set_text(example_source(tree, 0), "name", "\xe6\x97\xb6\xe9\x97\xb4");
	json = json_dumps(tree, 0);
	json_decref(tree);
	agent_start(&a, (const char *const[]){json}, 1);
	setenv("NTSAGENT_STATUS", a.path, 1);
	snprintf(out_path, sizeof(out_path), "%s/out", a.folder);
	assert_int_equal(
	    run_program(program, "ntsctl sources", out_path), EXIT_OK);
	text = read_file(out_path);
	line = line_of(text, 2);
	assert_string_equal(line,
	    "^* \xe6\x97\xb6\xe9\x97\xb4                          1   4   377"
	    "     6   -117us[ -124us] +/-  524us");
	free(line);
	free(text);
	free(json);
	unlink(out_path);
	end_example(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_command_prints_its_report),
	    cmocka_unit_test(mistakes_are_one_sentence_and_status_2),
	    cmocka_unit_test(without_an_agent_the_status_is_3),
	    cmocka_unit_test(a_newer_agent_is_named),
	    cmocka_unit_test(a_full_disk_is_no_success),
	    cmocka_unit_test(manual_and_completions_know_every_command),
	    cmocka_unit_test(manual_knows_every_member),
	    cmocka_unit_test(the_program_does_the_same),
	    cmocka_unit_test(the_version_is_a_line),
	    cmocka_unit_test(too_many_arguments_are_refused),
	    cmocka_unit_test(an_earlier_write_error_is_not_forgotten),
	    cmocka_unit_test(sentences_fit_the_terminal),
	    cmocka_unit_test(a_terminal_has_colours_unless_they_are_unwanted),
	    cmocka_unit_test(the_program_knows_how_wide_characters_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
