/* All of ntsctl: as a function and, when it is built, as a program. */
#include "tests/unit/agent/ctl/captured.h"
#include "tests/unit/agent/ctl/fake_agent.h"

#include "agent/ctl/program.h"
#include "agent/ctl/report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>

/* Without a program: what they were called with. */
static int fake_import(int argc, char **argv, FILE *out, FILE *errors)
{
	(void)errors;
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs("usage: ntsctl import", out);
		return EXIT_OK;
	}
	for (int i = 0; i < argc; i++)
		fprintf(out, "%s;", argv[i]);
	return EXIT_REFUSED;
}

static enum exit_status fake_compare(
    const struct options *o, const struct view *v, FILE *errors)
{
	(void)errors;
	fprintf(v->out, "compare for %s", o->duration);
	return EXIT_REFUSED;
}

static enum exit_status fake_graph(
    const struct options *o, const struct view *v, FILE *errors)
{
	(void)errors;
	fprintf(v->out, "graph of %s", o->argc > 0 ? o->argv[0] : "nothing");
	return EXIT_REFUSED;
}

static enum exit_status fake_watch(
    const struct options *o, const struct view *v, FILE *errors)
{
	(void)errors;
	fprintf(v->out, "watch each %s", o->argc > 0 ? o->argv[0] : "second");
	return EXIT_REFUSED;
}

static const struct ctl_tools fakes = {
    fake_import, fake_compare, fake_graph, fake_watch};

static int ntsctl(int argc, char **argv, FILE *out, FILE *errors)
{
	return ctl_main(&fakes, argc, argv, out, errors);
}

static struct captured run(const char *line)
{
	return captured_run(ntsctl, line);
}

static const struct {
	const char *line, *out;
} elsewhere[] = {
    {"ntsctl import", "import;"},
    {"ntsctl import --check -o x FILE", "import;--check;-o;x;FILE;"},
    {"ntsctl -n import FILE", "import;FILE;"},
    {"ntsctl compare --for 10s", "compare for 10s"},
    {"ntsctl graph bound", "graph of bound"},
    {"ntsctl watch", "watch each second"},
    {"ntsctl watch 5", "watch each 5"},
};

static void commands_of_other_programs_get_their_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++) {
		struct captured r = run(elsewhere[i].line);

		assert_string_equal(r.out, elsewhere[i].out);
		assert_int_equal(r.status, EXIT_REFUSED);
		captured_free(&r);
	}
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
    {"ntsctl metrics", "metrics.openmetrics"},
    {"ntsctl metrics openmetrics", "metrics.openmetrics"},
    {"ntsctl metrics prometheus", "metrics.prometheus"},
    {"ntsctl help", "help.txt"},
    {"ntsctl -h", "help.txt"},
    {"ntsctl selectdata", "selectdata.txt"},
    {"ntsctl selectdata -v", "selectdata-v.txt"},
    {"ntsctl -n selectdata", "selectdata-n.txt"},
    {"ntsctl selectdata --csv", "selectdata.csv"},
    {"ntsctl selectdata --json", "selectdata.json"},
    {"ntsctl ntpdata", "ntpdata.txt"},
    {"ntsctl ntpdata fd77:3:0::1", "ntpdata-one.txt"},
    {"ntsctl ntpdata --csv", "ntpdata.csv"},
    {"ntsctl ntpdata ntpserver --json", "ntpdata-one.json"},
    {"ntsctl -c sources", "chronyc-sources.csv"},
    {"ntsctl -c -a -N sources", "chronyc-sources-N.csv"},
    {"ntsctl -c tracking", "chronyc-tracking.csv"},
    {"ntsctl -c -n selectdata", "chronyc-selectdata.csv"},
    /* What has no effect there is no mistake. */
    {"ntsctl -a -N -n -v status", "status.txt"},
};

static void each_command_prints_its_report(void **state)
{
	struct fake_agent a;

	(void)state;
	agent_start_example(&a);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		struct captured r = run(asked[i].line);
		char path[128];

		snprintf(path, sizeof(path), HERE "expected/%s", asked[i].file);
		assert_string_equal(r.errors, "");
		assert_is_file(r.out, path);
		assert_int_equal(r.status, EXIT_OK);
		captured_free(&r);
	}
	agent_end_for_all(&a);
}

static const struct {
	const char *line, *errors;
} mistakes[] = {
    {"ntsctl source",
	"ntsctl: there is no command 'source': did you mean 'sources'; "
	"see: ntsctl help\n"},
    {"ntsctl frobnicate",
	"ntsctl: there is no command 'frobnicate'; see: ntsctl help\n"},
    {"ntsctl -h elsewhere tracking",
	"ntsctl: -h is the help: ntsctl asks the agent of this machine "
	"only; for another one: ssh HOST ntsctl; see: ntsctl help\n"},
    {"ntsctl -c status",
	"ntsctl: chronyc has no CSV of status: use --csv; see: ntsctl "
	"help\n"},
    {"ntsctl -c metrics",
	"ntsctl: chronyc has no CSV of metrics; see: ntsctl help\n"},
    {"ntsctl -c sourcename",
	"ntsctl: sourcename takes one address; see: ntsctl help\n"},
    {"ntsctl -q", "ntsctl: option -q is not known; see: ntsctl help\n"},
    /* Its first byte is a negative char. */
    {"ntsctl -\303\251",
	"ntsctl: option -\303 is not known; see: ntsctl help\n"},
    {"ntsctl sources --jsno",
	"ntsctl: option --jsno is not known: did you mean '--json'; see: "
	"ntsctl help\n"},
    {"ntsctl sources x",
	"ntsctl: sources takes no arguments; see: ntsctl help\n"},
    {"ntsctl metrics xml",
	"ntsctl: metrics: the format is openmetrics or prometheus, not "
	"'xml'; see: ntsctl help\n"},
    {"ntsctl metrics prometheus 2",
	"ntsctl: metrics takes [openmetrics|prometheus]; see: ntsctl "
	"help\n"},
    {"ntsctl check now",
	"ntsctl: check takes no arguments; see: ntsctl help\n"},
    {"ntsctl check --live -f /etc/x.conf",
	"ntsctl: -f is for events; check judges another configuration "
	"with --config FILE; see: ntsctl help\n"},
    {"ntsctl check --csv",
	"ntsctl: --csv is not for check; see: ntsctl help\n"},
    {"ntsctl --live sources",
	"ntsctl: --live is not for sources; see: ntsctl help\n"},
    {"ntsctl -t 5 waitsync 1",
	"ntsctl: --limit is not for waitsync; see: ntsctl help\n"},
    {"ntsctl graph --since 6h",
	"ntsctl: --since is not for graph; see: ntsctl help\n"},
    {"ntsctl tracking -f",
	"ntsctl: --follow is not for tracking; see: ntsctl help\n"},
    {"ntsctl --json watch",
	"ntsctl: --json is not for watch; see: ntsctl help\n"},
    {"ntsctl --csv retry",
	"ntsctl: --csv is not for retry; see: ntsctl help\n"},
    {"ntsctl waitsync 1 2 3 4 5",
	"ntsctl: waitsync takes [TRIES [MAXCORRECTION [MAXSKEW "
	"[INTERVAL]]]]; see: ntsctl help\n"},
    {"ntsctl compare x",
	"ntsctl: compare takes no arguments; see: ntsctl help\n"},
    {"ntsctl compare --for",
	"ntsctl: option --for needs an argument; see: ntsctl help\n"},
    {"ntsctl waitsync soon",
	"ntsctl: waitsync: tries has to be a number from 0 to "
	"2147483647, not 'soon'; see: ntsctl help\n"},
};

static void mistakes_are_one_sentence_and_status_2(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
		struct captured r = run(mistakes[i].line);

		assert_int_equal(r.status, EXIT_USAGE);
		assert_string_equal(r.out, "");
		assert_string_equal(r.errors, mistakes[i].errors);
		captured_free(&r);
	}
}

static void without_an_agent_the_status_is_3(void **state)
{
	static const char *const commands[] = {"", "status", "sources",
	    "sourcestats", "tracking", "authdata", "activity", "selectdata",
	    "ntpdata", "sourcename 10.77.3.1", "-c sources"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		char line[80];
		struct captured r;

		snprintf(line, sizeof(line), "ntsctl -s /nonexistent/sock %s",
		    commands[i]);
		r = run(line);
		assert_int_equal(r.status, EXIT_NO_STATUS);
		assert_string_equal(r.out, "");
		assert_string_equal(r.errors,
		    "ntsctl: ntsagentd is not running: nothing listens on "
		    "/nonexistent/sock (an option or NTSAGENT_STATUS says so; "
		    "the usual socket is /run/ntsagent/status.sock); start it "
		    "as root: systemctl restart ntsagent; if that fails: "
		    "ntsagentd --check-config, journalctl -u ntsagent\n");
		captured_free(&r);
	}
}

/* A monitoring system reads the text, a person the sentence. */
static void without_an_agent_the_metrics_say_so(void **state)
{
	struct captured r =
	    run("ntsctl -s /nonexistent/sock metrics prometheus");

	(void)state;
	assert_int_equal(r.status, EXIT_NO_STATUS);
	assert_contains(r.out, "\nntsagent_up 0\n");
	assert_contains(r.errors, "ntsctl: ntsagentd is not running: ");
	captured_free(&r);
}

static void a_newer_agent_is_named(void **state)
{
	struct fake_agent a;
	char line[128];
	struct captured r;

	(void)state;
	agent_start(&a, (const char *const[]){"{\"schema\": 3}"}, 1);
	snprintf(line, sizeof(line), "ntsctl -s %s sources", a.path);
	r = run(line);
	agent_end(&a);
	assert_int_equal(r.status, EXIT_NO_STATUS);
	assert_contains(r.errors, "its schema is 3 and this ntsctl knows 2");
	assert_ptr_equal(
	    strchr(r.errors, '\n'), r.errors + strlen(r.errors) - 1);
	captured_free(&r);
}

/* How often `text` is in what the command prints of two sources of a pool. */
static unsigned times_of_pool(const char *command, const char *text)
{
	json_t *tree = example();
	char *json, line[128];
	struct fake_agent a;
	struct captured r;
	unsigned count = 0;

	for (unsigned i = 0; i < 2; i++)
		json_object_set_new(
		    example_source(tree, i), "pool", json_string("lan"));
	json = json_dumps(tree, 0);
	json_decref(tree);
	agent_start(&a, (const char *const[]){json}, 1);
	snprintf(line, sizeof(line), "ntsctl -s %s %s", a.path, command);
	r = run(line);
	agent_end(&a);
	assert_int_equal(r.status, EXIT_OK);
	for (const char *at = r.out; (at = strstr(at, text)); at++)
		count++;
	captured_free(&r);
	free(json);
	return count;
}

static void the_name_of_a_pool_means_all_its_sources(void **state)
{
	(void)state;
	assert_int_equal(times_of_pool("ntpdata lan", "Remote address"), 2);
	assert_int_equal(times_of_pool("ntpdata lan", "\n\nRemote address"), 1);
	assert_int_equal(times_of_pool("ntpdata lan --json", "\"host\""), 2);
	assert_int_equal(times_of_pool("-c ntpdata lan", "\n"), 2);
	assert_int_equal(times_of_pool("sourcename lan", "ntpserver\n"), 1);
}

static void a_full_disk_is_no_success(void **state)
{
	char *words[] = {strdup("ntsctl"), strdup("sources"), NULL};
	FILE *full = fopen("/dev/full", "w"), *errors;
	struct fake_agent a;
	char *said = NULL;
	size_t size;

	(void)state;
	agent_start_example(&a);
	errors = open_memstream(&said, &size);
	assert_int_equal(ntsctl(2, words, full, errors), EXIT_NO_STATUS);
	fclose(errors);
	fclose(full);
	agent_end_for_all(&a);
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

/* The two pages of ntsctl: the second one has the options of the commands that
 * people use. */
static char *read_manuals(void)
{
	char *first = read_file("man/ntsctl.8");
	char *second = read_file("man/ntsctl-tools.8"), *both;

	assert_true(asprintf(&both, "%s%s", first, second) > 0);
	free(second);
	free(first);
	return both;
}

static void manual_and_completions_know_every_command(void **state)
{
	static const char *const files[] = {"etc/completions/ntsctl.bash",
	    "etc/completions/_ntsctl", "etc/completions/ntsctl.fish"};
	struct captured help = run("ntsctl help");
	char *manuals = read_manuals();

	(void)state;
	assert_int_equal(help.status, EXIT_OK);
	assert_knows_all(help.out, manuals);
	free(manuals);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char *text = read_file(files[i]);

		assert_knows_all(help.out, text);
		free(text);
	}
	captured_free(&help);
}

/* Each command has a help of its own, which names only options that exist. */
static void each_command_has_a_help(void **state)
{
	struct captured all = run("ntsctl help");
	unsigned count = 0;
	char name[32];

	(void)state;
	for (const char *line = all.out; line; line = strchr(line, '\n')) {
		static const char *const forms[][2] = {{"ntsctl ", " --help"},
		    {"ntsctl help ", ""}, {"ntsctl -h ", ""}};
		char usage[64], words[64];

		line += *line == '\n';
		if (strncmp(line, "  ", 2) != 0 ||
		    sscanf(line + 2, "%31[a-z]", name) != 1)
			continue;
		snprintf(usage, sizeof(usage), "usage: ntsctl %s",
		    strcmp(name, "help") == 0 ? "[OPTION]" : name);
		for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
			struct captured one;

			snprintf(words, sizeof(words), "%s%s%s", forms[i][0],
			    name, forms[i][1]);
			one = run(words);
			assert_int_equal(one.status, EXIT_OK);
			assert_string_equal(one.errors, "");
			if (strncmp(one.out, usage, strlen(usage)) != 0)
				fail_msg("%s: %s", words, one.out);
			captured_free(&one);
		}
		count++;
	}
	assert_true(count >= 30);
	captured_free(&all);
}

/* An option is shown for the commands that heed it. */
static void a_help_has_the_options_of_its_command(void **state)
{
	static const struct {
		const char *command, *has, *has_not;
	} rows[] = {
	    {"ntsctl help graph", "--last TIME", "--follow"},
	    {"ntsctl help events", "--follow", "--last TIME"},
	    {"ntsctl help sources", "--chronyc", "--live"},
	    {"ntsctl help check", "--live", "--csv"},
	    {"ntsctl help retry", "Only root", "--json"},
	    {"ntsctl help metrics", "--socket", "--json"},
	    {"ntsctl help watch", "See ntsctl(8) and ntsctl-tools(8).",
		"--json"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct captured h = run(rows[i].command);

		assert_contains(h.out, rows[i].has);
		assert_null(strstr(h.out, rows[i].has_not));
		captured_free(&h);
	}
}

/* A typing mistake is not a machine. */
static void a_help_of_no_command_says_which_was_meant(void **state)
{
	static const char *const lines[] = {
	    "ntsctl grpah --help", "ntsctl help grpah", "ntsctl -h grpah"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct captured h = run(lines[i]);

		assert_int_equal(h.status, EXIT_USAGE);
		assert_contains(h.errors, "did you mean 'graph'");
		captured_free(&h);
	}
}

/* Every column of a table is documented in the manual. */
static void manual_knows_every_member(void **state)
{
	static const char *const reports[] = {"ntsctl status --csv",
	    "ntsctl sources --csv", "ntsctl sourcestats --csv",
	    "ntsctl tracking --csv", "ntsctl authdata --csv",
	    "ntsctl activity --csv", "ntsctl waitsync 1 --csv",
	    "ntsctl selectdata --csv", "ntsctl ntpdata --csv"};
	char *manual = read_file("man/ntsctl.8");
	struct fake_agent a;

	(void)state;
	agent_start_example(&a);
	for (size_t i = 0; i < ARRAY_LEN(reports); i++) {
		struct captured r = run(reports[i]);
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
		captured_free(&r);
	}
	agent_end_for_all(&a);
	free(manual);
}

/* Those of `o` and of all that is in it. The causes of failures and the names
 * of checks have tests of their own. */
static unsigned look_up(json_t *o, const char *manual)
{
	unsigned count = 0;

	for (void *i = json_object_iter(o); i;
	     i = json_object_iter_next(o, i)) {
		const char *name = json_object_iter_key(i);
		char entry[64];

		snprintf(entry, sizeof(entry), ".It Va %s\n", name);
		if (!strstr(manual, entry))
			fail_msg("'%s' is not in man/ntsctl.8", name);
		count++;
		if (strcmp(name, "checks") != 0 &&
		    strcmp(name, "failures") != 0)
			count += look_up(json_object_iter_value(i), manual);
	}
	for (size_t i = 0; i < json_array_size(o); i++)
		count += look_up(json_array_get(o, i), manual);
	return count;
}

/* Of what the agent writes, also what only `status --json` prints. */
static void manual_knows_every_member_of_the_status(void **state)
{
	char *manual = read_file("man/ntsctl.8");
	json_t *o = json_load_file(
	    "tests/unit/agent/query/expected/fast.json", 0, NULL);

	(void)state;
	assert_non_null(o);
	assert_true(look_up(o, manual) > 120);
	json_decref(o);
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

		split_words(copy, " ", words);
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
	agent_start_example(&a);
	snprintf(out_path, sizeof(out_path), "%s/out", a.folder);
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		char path[128], *text;

		assert_int_equal(
		    run_program(program, asked[i].line, out_path), EXIT_OK);
		snprintf(path, sizeof(path), HERE "expected/%s", asked[i].file);
		text = read_file(out_path);
		assert_is_file(text, path);
		free(text);
	}
	assert_int_equal(
	    run_program(program, "ntsctl nonsense", out_path), EXIT_USAGE);
	unlink(out_path);
	agent_end_for_all(&a);
}

static void the_version_names_the_libraries(void **state)
{
	struct captured r = run("ntsctl --version");

	(void)state;
	assert_ptr_equal(strstr(r.out, "ntsctl (ntsagent) " NTSAGENT_VERSION
				       "\nLibraries: jansson-2."),
	    r.out);
	assert_int_equal(r.status, EXIT_OK);
	captured_free(&r);
}

static void too_many_arguments_are_refused(void **state)
{
	static const char *const lines[] = {"status x", "sources x",
	    "sourcestats x", "tracking x", "authdata x", "activity x",
	    "waitsync 1 2 3 4 5", "retry x y", "burst x y", "offline x y",
	    "online x y", "step x", "makestep 1 2 3", "reload x", "help x y",
	    "version x", "selectdata x", "ntpdata x y", "sourcename x y",
	    "refresh x y", "reselect x", "reset x", "dump x", "onoffline x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char line[80];
		struct captured r;

		snprintf(line, sizeof(line), "ntsctl -s /nonexistent/sock %s",
		    lines[i]);
		r = run(line);
		assert_int_equal(r.status, EXIT_USAGE);
		assert_contains(r.errors, " takes ");
		captured_free(&r);
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
	assert_int_equal(ntsctl(2, words, full, errors), EXIT_NO_STATUS);
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
	(void)ntsctl(2, words, out, stderr);
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
	agent_start_example(&a);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = on_terminal("status", cases[i].columns);

		assert_in_range(
		    longest_line(text), cases[i].least, cases[i].most);
		free(text);
	}
	agent_end_for_all(&a);
}

static void a_terminal_has_colours_unless_they_are_unwanted(void **state)
{
	static const struct {
		const char *no_color, *term;
		bool colours;
	} cases[] = {
	    {NULL, "xterm", true},
	    {"", "xterm", true},
	    {"1", "xterm", false},
	    /* It would print the sequences. */
	    {NULL, "dumb", false},
	    {NULL, "", false},
	};
	struct fake_agent a;

	(void)state;
	agent_start_example(&a);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text;

		unsetenv("NO_COLOR");
		if (cases[i].no_color)
			setenv("NO_COLOR", cases[i].no_color, 1);
		setenv("TERM", cases[i].term, 1);
		text = on_terminal("sources", 80);
		assert_int_equal(
		    strstr(text, "\033[32m") != NULL, cases[i].colours);
		assert_contains(text, "`ntsctl` says what is wrong");
		free(text);
	}
	unsetenv("NO_COLOR");
	agent_end_for_all(&a);
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
	agent_end_for_all(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_command_prints_its_report),
	    cmocka_unit_test(commands_of_other_programs_get_their_words),
	    cmocka_unit_test(mistakes_are_one_sentence_and_status_2),
	    cmocka_unit_test(without_an_agent_the_status_is_3),
	    cmocka_unit_test(without_an_agent_the_metrics_say_so),
	    cmocka_unit_test(a_newer_agent_is_named),
	    cmocka_unit_test(the_name_of_a_pool_means_all_its_sources),
	    cmocka_unit_test(a_full_disk_is_no_success),
	    cmocka_unit_test(manual_and_completions_know_every_command),
	    cmocka_unit_test(each_command_has_a_help),
	    cmocka_unit_test(a_help_has_the_options_of_its_command),
	    cmocka_unit_test(a_help_of_no_command_says_which_was_meant),
	    cmocka_unit_test(manual_knows_every_member),
	    cmocka_unit_test(manual_knows_every_member_of_the_status),
	    cmocka_unit_test(the_program_does_the_same),
	    cmocka_unit_test(the_version_names_the_libraries),
	    cmocka_unit_test(too_many_arguments_are_refused),
	    cmocka_unit_test(an_earlier_write_error_is_not_forgotten),
	    cmocka_unit_test(sentences_fit_the_terminal),
	    cmocka_unit_test(a_terminal_has_colours_unless_they_are_unwanted),
	    cmocka_unit_test(the_program_knows_how_wide_characters_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
