/* The whole command on files in the form of the programs' packages. */
#include "agent/ctl/import/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/agent/ctl/captured.h"
#include "tests/unit/read_file.h"

#define HERE "tests/unit/agent/ctl/import/"

/* The first word is "import". */
static struct captured run(const char *line)
{
	return captured_run(import_run, line);
}

/* The report names the files as the command line does. */
static void go_to_inputs(char **back)
{
	*back = getcwd(NULL, 0);
	assert_non_null(*back);
	assert_int_equal(chdir(HERE "inputs"), 0);
}

static void go_back(char *back)
{
	assert_int_equal(chdir(back), 0);
	free(back);
}

static const struct {
	const char *file;
	int status;
} inputs[] = {
    {"user.chrony.conf", IMPORT_PART},
    {"pasted.chrony.conf", IMPORT_PART},
    {"rhel.chrony.conf", IMPORT_PART},
    {"debian.chrony.conf", IMPORT_PART},
    {"ubuntu.chrony.conf", IMPORT_PART},
    {"everything.chrony.conf", IMPORT_PART},
    {"whole.chrony.conf", IMPORT_WHOLE},
    {"ntpsec.ntp.conf", IMPORT_PART},
    {"openbsd.ntpd.conf", IMPORT_PART},
    {"peers.ntp.toml", IMPORT_PART},
    {"debian.ntp.toml", IMPORT_PART},
    {"inline.ntp.toml", IMPORT_PART},
    {"timesyncd.conf", IMPORT_PART},
};

static void check_one(const char *file, int status)
{
	struct captured report, made;
	char line[128], path[128], *back;

	go_to_inputs(&back);
	snprintf(line, sizeof(line), "import --check %s", file);
	report = run(line);
	snprintf(line, sizeof(line), "import %s", file);
	made = run(line);
	go_back(back);
	snprintf(path, sizeof(path), HERE "expected/%s.report", file);
	assert_is_file(report.out, path);
	snprintf(path, sizeof(path), HERE "expected/%s.out", file);
	assert_is_file(made.out, path);
	assert_string_equal(report.errors, "");
	assert_int_equal(report.status, status);
	assert_int_equal(made.status, status);
	captured_free(&report);
	captured_free(&made);
}

static void each_file_gives_its_configuration_and_its_report(void **state)
{
	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(inputs); k++)
		check_one(inputs[k].file, inputs[k].status);
}

static void mistakes_are_one_sentence_and_status_2(void **state)
{
	static const struct {
		const char *line, *errors;
	} cases[] = {
	    {"import", "a file is missing"},
	    {"import a.conf b.conf", "one file, please"},
	    {"import --what", "option --what is not known"},
	    {"import --chek x",
		"option --chek is not known: did you mean '--check'"},
	    {"import -x", "option -x is not known"},
	    {"import -o", "option -o needs a value"},
	    {"import --format", "option --format needs a value"},
	    {"import a.conf", "the name does not say whose file a.conf is; "
			      "give --format"},
	    {"import --format chronyd x", "--format is chrony, ntpd-rs, ntpd "
					  "or timesyncd, not 'chronyd'"},
	    {"import --with-state ntp.toml",
		"ntpd-rs has no drift file for --with-state"},
	    {"import --check -o x chrony.conf",
		"--check writes nothing: leave out --output and "
		"--with-state"},
	};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		struct captured r = run(cases[k].line);
		char expected[256];

		snprintf(expected, sizeof(expected),
		    "ntsctl: import: %s; see: ntsctl import --help\n",
		    cases[k].errors);
		assert_string_equal(r.errors, expected);
		assert_string_equal(r.out, "");
		assert_int_equal(r.status, IMPORT_USAGE);
		captured_free(&r);
	}
}

/* A folder of its own. */
static int make_folder(void **state)
{
	char *folder = strdup("/tmp/import-XXXXXX");

	*state = folder;
	return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
	char command[64];
	int result;

	snprintf(command, sizeof(command), "rm -rf %s", (char *)*state);
	result = system(command);
	free(*state);
	return result;
}

static void put(const char *folder, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static char *get(const char *folder, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return read_file(path);
}

/* `fmt` has "%s" for the folder, once or several times. */
static struct captured run_in(const char *folder, const char *fmt)
{
	char line[512] = "";
	size_t len = 0;

	for (; *fmt && len < sizeof(line) - 1; fmt++) {
		if (fmt[0] == '%' && fmt[1] == 's') {
			len += (size_t)snprintf(
			    line + len, sizeof(line) - len, "%s", folder);
			fmt++;
		} else
			line[len++] = *fmt;
	}
	return run(line);
}

#define GOOD "server a.example.com nts iburst\nmakestep 1 3\n"

static void a_file_is_written_once_and_replaced_by_force_alone(void **state)
{
	const char *folder = *state;
	struct captured r;
	struct stat st;
	char path[128], *text, *again;

	umask(077);
	put(folder, "chrony.conf", GOOD);
	r = run_in(folder, "import %s/chrony.conf -o %s/new.conf");
	assert_int_equal(r.status, IMPORT_WHOLE);
	assert_string_equal(r.out, "");
	captured_free(&r);
	snprintf(path, sizeof(path), "%s/new.conf", folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	text = get(folder, "new.conf");
	assert_non_null(strstr(text, "\n[source a.example.com]\n"));

	put(folder, "chrony.conf", "server b.example.com nts iburst\n");
	r = run_in(folder, "import %s/chrony.conf -o %s/new.conf");
	assert_int_equal(r.status, IMPORT_FAILED);
	assert_non_null(strstr(r.errors, "new.conf exists; --force replaces"));
	captured_free(&r);
	again = get(folder, "new.conf");
	assert_string_equal(text, again);
	free(again);

	r = run_in(folder, "import --force %s/chrony.conf -o %s/new.conf");
	assert_int_equal(r.status, IMPORT_WHOLE);
	captured_free(&r);
	again = get(folder, "new.conf");
	assert_non_null(strstr(again, "\n[source b.example.com]\n"));
	free(again);
	free(text);
}

static unsigned names_in(const char *folder)
{
	char command[128], count[16] = "";
	FILE *f;

	snprintf(command, sizeof(command), "ls -A %s | wc -l", folder);
	f = popen(command, "r");
	assert_non_null(f);
	assert_non_null(fgets(count, sizeof(count), f));
	pclose(f);
	return (unsigned)strtoul(count, NULL, 10);
}

static void what_fails_leaves_nothing_behind(void **state)
{
	static const struct {
		const char *line, *part;
	} cases[] = {
	    {"import %s/none.chrony", "cannot read"},
	    {"import --format chrony %s", "Is a directory"},
	    {"import %s/chrony.conf -o %s/no/x.conf", "cannot create a file"},
	    {"import %s/chrony.conf -o /dev/full/x", "cannot create a file"},
	    {"import --with-state=%s/drift %s/chrony.conf -o %s/y",
		"is no drift file of chrony"},
	};
	const char *folder = *state;
	char text[256];

	snprintf(text, sizeof(text), GOOD "driftfile %s/their.drift\n", folder);
	put(folder, "chrony.conf", text);
	put(folder, "their.drift", "nonsense\n");
	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		struct captured r = run_in(folder, cases[k].line);

		assert_int_equal(r.status, IMPORT_FAILED);
		if (!strstr(r.errors, cases[k].part))
			fail_msg("%s: %s", cases[k].line, r.errors);
		captured_free(&r);
	}
	/* The last case has written y, and no drift. */
	assert_int_equal(names_in(folder), 3);
}

static void output_that_cannot_be_written_is_status_3(void **state)
{
	char name[] = "import", *path, *argv[] = {name, NULL, NULL};
	FILE *full = fopen("/dev/full", "we"), *errors = tmpfile();
	const char *folder = *state;

	assert_non_null(full);
	put(folder, "chrony.conf", GOOD);
	assert_true(asprintf(&path, "%s/chrony.conf", folder) > 0);
	argv[1] = path;
	assert_int_equal(import_run(2, argv, full, errors), IMPORT_FAILED);
	fclose(full);
	fclose(errors);
	free(path);
}

static void files_that_a_file_names_are_read(void **state)
{
	const char *folder = *state;
	struct captured r;
	char text[512];

	snprintf(text, sizeof(text),
	    "confdir %1$s\nsourcedir %1$s\ninclude %1$s/*.inc\n"
	    "include %1$s/chrony.conf\n",
	    folder);
	put(folder, "chrony.conf", "makestep 5 5\n");
	put(folder, "main.chrony", text);
	put(folder, "b.conf", "server b.example.com nts iburst\n");
	put(folder, "a.conf", "server a.example.com nts iburst\n");
	put(folder, ".hidden.conf", "server hidden.example.com nts\n");
	put(folder, "c.sources",
	    "server c.example.com nts iburst\nmakestep 9 9\n");
	put(folder, "d.inc", "server d.example.com nts iburst\n");
	r = run_in(folder, "import %s/main.chrony");
	assert_int_equal(r.status, IMPORT_PART);
	assert_non_null(strstr(r.errors, "c.sources:2: no equivalent: makestep "
					 "9 9: chronyd takes only servers"));
	assert_non_null(strstr(r.out, "makestep = 5s 5\n"));
	assert_null(strstr(r.out, "hidden"));
	assert_true(strstr(r.out, "[source a.") < strstr(r.out, "[source b."));
	assert_true(strstr(r.out, "[source b.") < strstr(r.out, "[source c."));
	assert_true(strstr(r.out, "[source c.") < strstr(r.out, "[source d."));
	captured_free(&r);
}

static void a_file_that_includes_itself_ends(void **state)
{
	const char *folder = *state;
	struct captured r;
	char text[128];

	snprintf(text, sizeof(text), "include %s/chrony.conf\n", folder);
	put(folder, "chrony.conf", text);
	r = run_in(folder, "import %s/chrony.conf");
	assert_int_equal(r.status, IMPORT_PART);
	assert_non_null(strstr(r.errors, "no equivalent: include"));
	captured_free(&r);
}

/* Three files that name all three: 3 to the power of 10. */
static void files_that_include_each_other_end(void **state)
{
	const char *folder = *state;
	struct captured r;
	char text[128];

	snprintf(text, sizeof(text), "confdir %s\n", folder);
	put(folder, "chrony.conf", text);
	put(folder, "b.conf", text);
	put(folder, "c.conf", text);
	r = run_in(folder, "import %s/chrony.conf");
	assert_int_equal(r.status, IMPORT_PART);
	assert_non_null(strstr(r.errors, "not read: more than 200 files"));
	assert_in_range(strlen(r.errors), 100, 100000);
	captured_free(&r);
}

/* No byte that moves the cursor, or that reorders what is printed. U+009B
 * begins a sequence for a terminal, too. */
static bool is_harmless(const char *text)
{
	return !strchr(text, '\x1b') && !strstr(text, "\xc2\x9b") &&
	       !strstr(text, "\xe2\x80\xae");
}

static void foreign_words_do_not_control_the_terminal(void **state)
{
	static const char *const commands[] = {
	    "import %s/chrony.conf",
	    "import --check %s/chrony.conf",
	    "import --with-state=%s/drift %s/chrony.conf",
	};
	static const char *const lines[] = {
	    "driftfile /x\x1b[2J",
	    "driftfile /etc/passwd/\xc2\x9b"
	    "2J",
	    "ntstrustedcerts /x\xc2\x9b"
	    "2J.pem",
	    "ntstrustedcerts /x\xe2\x80\xaemep",
	    "logdir /x\x1b[2J",
	    "server a\x1b[2J nts",
	    "include /x\x1b[2J",
	};
	const char *folder = *state;
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		for (size_t k = 0; k < ARRAY_LEN(commands); k++) {
			struct captured r;

			snprintf(text, sizeof(text), GOOD "%s\n", lines[i]);
			put(folder, "chrony.conf", text);
			r = run_in(folder, commands[k]);
			assert_true(is_harmless(r.out));
			assert_true(is_harmless(r.errors));
			captured_free(&r);
		}
}

static void the_drift_is_taken_over(void **state)
{
	const char *folder = *state;
	struct captured r;
	char text[256], *drift;

	snprintf(text, sizeof(text),
	    GOOD "driftfile %s/their.drift interval "
		 "60\n",
	    folder);
	put(folder, "chrony.conf", text);
	r = run_in(folder, "import --with-state=%s/drift %s/chrony.conf");
	assert_int_equal(r.status, IMPORT_WHOLE);
	assert_non_null(strstr(r.errors, "no drift is taken over"));
	captured_free(&r);
	put(folder, "their.drift", "x 1\n");
	r = run_in(folder, "import --with-state=%s/drift %s/chrony.conf");
	assert_int_equal(r.status, IMPORT_FAILED);
	captured_free(&r);
	put(folder, "their.drift",
	    "            -6.921000             0.581000\n");
	r = run_in(folder, "import --with-state=%s/drift %s/chrony.conf");
	assert_int_equal(r.status, IMPORT_WHOLE);
	captured_free(&r);
	drift = get(folder, "drift");
	assert_string_equal(
	    drift, "           -6.921000             0.581000\n");
	free(drift);
}

static void drop_ins_are_read(void **state)
{
	static const struct {
		const char *file, *folder, *first, *second, *line;
	} cases[] = {
	    {"timesyncd.conf", "timesyncd.conf.d", "NTP=a.example.com\n",
		"NTP=b.example.com\n", "import %s/timesyncd.conf"},
	    {"ntp.conf", "ntp.d", "server a.example.com\n",
		"server b.example.com\n", "import %s/ntp.conf"},
	};
	const char *folder = *state;

	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		char path[128];
		struct captured r;

		put(folder, cases[k].file, cases[k].first);
		snprintf(path, sizeof(path), "%s/%s", folder, cases[k].folder);
		assert_int_equal(mkdir(path, 0755), 0);
		put(path, "x.conf", cases[k].second);
		put(path, "x.not", "nonsense\n");
		r = run_in(folder, cases[k].line);
		assert_non_null(strstr(r.out, "a.example.com"));
		assert_non_null(strstr(r.out, "b.example.com"));
		assert_null(strstr(r.errors, "nonsense"));
		captured_free(&r);
	}
}

/* The name of the file says more than those of its folders. */
static void a_folder_named_like_a_program_misleads_nobody(void **state)
{
	char folder[128];
	struct captured r;

	snprintf(folder, sizeof(folder), "%s/from-chrony", (char *)*state);
	assert_int_equal(mkdir(folder, 0755), 0);
	put(folder, "ntp.conf", "tos minsane 2\nserver a.example.com nts\n");
	r = run_in(folder, "import --check %s/ntp.conf");
	assert_non_null(strstr(r.out, "minsources = 2 in [clock]"));
	assert_null(strstr(r.out, "no equivalent"));
	captured_free(&r);
	put(folder, "site.conf", GOOD);
	r = run_in(folder, "import --check %s/site.conf");
	assert_int_equal(r.status, IMPORT_WHOLE);
	captured_free(&r);
}

/* What it does not say stands in chrony.conf. */
static void a_file_of_servers_decides_nothing_else(void **state)
{
	const char *folder = *state;
	struct captured r;

	put(folder, "lan.sources", "server a.example.com nts iburst\n");
	r = run_in(folder, "import %s/lan.sources");
	assert_int_equal(r.status, IMPORT_WHOLE);
	assert_non_null(strstr(r.out, "[source a.example.com]"));
	assert_null(strstr(r.out, "makestep"));
	assert_null(strstr(r.out, "[clock]"));
	assert_non_null(strstr(r.errors, "note: this is a file of servers"));
	captured_free(&r);
	put(folder, "lan.sources", GOOD);
	r = run_in(folder, "import %s/lan.sources");
	assert_int_equal(r.status, IMPORT_PART);
	assert_non_null(strstr(r.errors, "lan.sources:2: no equivalent"));
	captured_free(&r);
}

/* A reader of a FIFO without a writer would wait for ever. */
static void a_fifo_that_a_file_names_is_not_read(void **state)
{
	const char *folder = *state;
	char text[512], path[128];
	struct captured r;

	snprintf(path, sizeof(path), "%s/fifo.conf", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(text, sizeof(text),
	    GOOD "include %s\nconfdir %s\ndriftfile %s\n", path, folder, path);
	put(folder, "chrony", text);
	alarm(10);
	r = run_in(folder, "import %s/chrony");
	assert_int_equal(r.status, IMPORT_PART);
	assert_non_null(
	    strstr(r.errors, "chrony:3: not read: cannot read /tmp/import-"));
	assert_non_null(
	    strstr(r.errors, "chrony:4: not read: cannot read /tmp/import-"));
	captured_free(&r);
	r = run_in(folder, "import --with-state=%s/drift %s/chrony");
	alarm(0);
	assert_int_equal(r.status, IMPORT_FAILED);
	assert_non_null(
	    strstr(r.errors, "/fifo.conf: Operation not supported\n"));
	captured_free(&r);
}

/* To open a device may do things, such as to arm a watchdog. */
static void a_device_that_a_file_names_is_not_opened(void **state)
{
	const char *folder = *state;
	struct captured r;

	put(folder, "chrony", GOOD "include /dev/null\ninclude /dev/zero\n");
	alarm(10);
	r = run_in(folder, "import %s/chrony");
	alarm(0);
	assert_int_equal(r.status, IMPORT_PART);
	assert_non_null(strstr(r.errors,
	    "chrony:3: not read: cannot read /dev/null: Operation not "
	    "supported\n"));
	assert_non_null(strstr(r.errors,
	    "chrony:4: not read: cannot read /dev/zero: Operation not "
	    "supported\n"));
	captured_free(&r);
}

static void force_replaces_nothing_but_a_file(void **state)
{
	const char *folder = *state;
	char path[128];
	struct captured r;
	struct stat st;

	put(folder, "chrony.conf", GOOD);
	snprintf(path, sizeof(path), "%s/fifo", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	r = run_in(folder, "import --force -o %s/fifo %s/chrony.conf");
	assert_int_equal(r.status, IMPORT_FAILED);
	assert_non_null(strstr(r.errors, "/fifo: Operation not supported\n"));
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	captured_free(&r);
	snprintf(path, sizeof(path), "%s/link", folder);
	assert_int_equal(symlink("fifo", path), 0);
	r = run_in(folder, "import --force -o %s/link %s/chrony.conf");
	assert_int_equal(r.status, IMPORT_FAILED);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	captured_free(&r);
}

#define IN_FOLDER(test)                                                        \
	cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_file_gives_its_configuration_and_its_report),
	    cmocka_unit_test(mistakes_are_one_sentence_and_status_2),
	    IN_FOLDER(a_file_is_written_once_and_replaced_by_force_alone),
	    IN_FOLDER(what_fails_leaves_nothing_behind),
	    IN_FOLDER(output_that_cannot_be_written_is_status_3),
	    IN_FOLDER(files_that_a_file_names_are_read),
	    IN_FOLDER(a_file_that_includes_itself_ends),
	    IN_FOLDER(files_that_include_each_other_end),
	    IN_FOLDER(foreign_words_do_not_control_the_terminal),
	    IN_FOLDER(the_drift_is_taken_over),
	    IN_FOLDER(drop_ins_are_read),
	    IN_FOLDER(a_file_of_servers_decides_nothing_else),
	    IN_FOLDER(a_folder_named_like_a_program_misleads_nobody),
	    IN_FOLDER(a_fifo_that_a_file_names_is_not_read),
	    IN_FOLDER(a_device_that_a_file_names_is_not_opened),
	    IN_FOLDER(force_replaces_nothing_but_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
