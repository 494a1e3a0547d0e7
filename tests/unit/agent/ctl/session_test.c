/* ntsctl under the name chronyc. */
#include "agent/ctl/session.h"

#include "agent/ctl/program.h"
#include "tests/unit/agent/ctl/captured.h"
#include "tests/unit/agent/ctl/fake_agent.h"

/* The words are separated by '|', so that one may hold spaces. */
static struct captured run(const char *line, const char *input)
{
	struct captured r;
	FILE *in = fmemopen(NULL, strlen(input) + 1, "w+");
	char *copy = strdup(line), *words[WORDS_MAX + 1];
	int count = split_words(copy, "|", words);

	fputs(input, in);
	fputc('\n', in);
	rewind(in);
	captured_begin(&r);
	r.status = session_main(count, words, in, r.to_out, r.to_errors);
	captured_end(&r);
	fclose(in);
	free(copy);
	return r;
}

static void the_name_decides(void **state)
{
	(void)state;
	assert_true(session_is_chronyc("chronyc"));
	assert_true(session_is_chronyc("/usr/bin/chronyc"));
	assert_false(session_is_chronyc("ntsctl"));
	assert_false(session_is_chronyc("/usr/bin/chronyc/ntsctl"));
	assert_false(session_is_chronyc(NULL));
}

static const struct {
	const char *line, *input;
	int status;
	const char *out;
} calls[] = {
    {"chronyc|-c|activity", "", 0, "2,0,0,0,1\n"},
    {"chronyc|-c|-a|activity", "", 0, "2,0,0,0,1\n"},
    {"chronyc|activity -c", "", 0,
	"200 OK\n2 sources online\n0 sources offline\n0 sources doing "
	"burst (return to online)\n0 sources doing burst (return to "
	"offline)\n1 sources with unknown address\n"},
    {"chronyc|-c|sourcename|10.77.3.1", "", 0, "ntpserver\n"},
    {"chronyc|-c|-m|sourcename 10.77.3.1|sourcename fd77:3:0::1", "", 0,
	"ntpserver\nntpserver-ipv6\n"},
    {"chronyc|-m|sourcename 192.0.2.1|sourcename 10.77.3.1", "", 1,
	"503 No such source\n"},
    {"chronyc|-e|-c|activity", "", 0, "2,0,0,0,1\n.\n"},
    {"chronyc|-c", "activity\n\n# comment\n  activity  \n", 0,
	"2,0,0,0,1\n2,0,0,0,1\n"},
    {"chronyc|-c", "activity\nexit\nactivity\n", 0, "2,0,0,0,1\n"},
    {"chronyc|-c", "nonsense\nactivity\n", 0, "2,0,0,0,1\n"},
    {"chronyc|-c", "nonsense\n# a comment succeeds\n", 0, ""},
    {"chronyc|-c|waitsync|1", "", 0, "1,0A4D0301,0.000001250,0.004\n"},
    {"chronyc|waitsync|1|0.000001", "", 1,
	"try: 1, refid: 0A4D0301, correction: 0.000001250, skew: "
	"0.004\n"},
    {"chronyc|-c|ntpdata|nobody", "", 1, "503 No such source\n"},
    {"chronyc|-f|/x|-c|sourcename|10.77.3.1", "", 0, "ntpserver\n"},
    {"chronyc|rtcdata", "", 1, "513 RTC driver not running\n"},
    {"chronyc|-c|smoothing", "", 1, "505 Facility not enabled in daemon\n"},
    {"chronyc|settime|12:00", "", 1, "505 Facility not enabled in daemon\n"},
    {"chronyc|rekey", "", 0, "200 OK\n"},
    {"chronyc|accheck|192.0.2.1", "", 0, "209 Access denied\n"},
    {"chronyc|dns|-n", "", 0, ""},
    {"chronyc|dns|?", "", 1, ""},
    {"chronyc|online|x|y", "", 1, ""},
    {"chronyc|dns|-46", "", 0, ""},
    {"chronyc|dns|-x", "", 1, ""},
    {"chronyc|dns", "", 1, ""},
    {"chronyc|timeout|2000", "", 0, ""},
    {"chronyc|timeout|99", "", 1, ""},
    {"chronyc|timeout", "", 1, ""},
    {"chronyc|-e", "exit\n", 0, ".\n"},
    {"chronyc|nonsense", "", 1, ""},
    {"chronyc|offline|192.0.2.9", "", 1, "503 No such source\n"},
    {"chronyc|burst", "", 1, ""},
    {"chronyc|burst|4", "", 1, ""},
    {"chronyc|reload", "", 1, ""},
    {"chronyc|makestep|x|1", "", 1, ""},
    {"chronyc|-v", "", 0, "chronyc (ntsagent) version " NTSAGENT_VERSION "\n"},
    {"chronyc|--version", "", 0,
	"chronyc (ntsagent) version " NTSAGENT_VERSION "\n"},
    {"chronyc|-h|other.example.net|-c|activity", "", 1,
	"506 Cannot talk to daemon\n"},
    {"chronyc|-h|other.example.net,localhost|-c|activity", "", 0,
	"2,0,0,0,1\n"},
    {"chronyc|-h|/run/chrony/chronyd.sock|-c|activity", "", 0, "2,0,0,0,1\n"},
    {"chronyc|-h|/nonexistent|-c|activity", "", 1,
	"506 Cannot talk to daemon\n"},
    {"chronyc|-h|/nonexistent|-c|waitsync|2|0|0|0.1", "", 1,
	"506 Cannot talk to daemon\n506 Cannot talk to daemon\n"},
    {"chronyc|-4|-6|-d|-f|-w|-p|323|-u|root|-c|activity", "", 0, "2,0,0,0,1\n"},
};

static void lines_are_answered_as_chronyc_does(void **state)
{
	struct fake_agent a;

	(void)state;
	agent_start_example(&a);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		struct captured r = run(calls[i].line, calls[i].input);

		if (strcmp(r.out, calls[i].out) != 0 ||
		    r.status != calls[i].status)
			fail_msg("%s: %d %s%s", calls[i].line, r.status, r.out,
			    r.errors);
		captured_free(&r);
	}
	agent_end_for_all(&a);
}

static void what_goes_wrong_is_said_on_the_errors(void **state)
{
	static const struct {
		const char *line, *errors;
	} rows[] = {
	    {"chronyc|nonsense", "Unrecognized command\n"},
	    {"chronyc|sorces",
		"Unrecognized command\nchronyc: did you mean 'sources'?\n"},
	    {"chronyc|allow|10.0.0.0/8",
		"chronyc: allow: this agent is a client and serves no time\n"},
	    {"chronyc|burst|4", "Invalid syntax for burst command\n"},
	    {"chronyc|makestep|1", "Bad syntax for makestep command\n"},
	    {"chronyc|reload|x", "Invalid syntax for reload command\n"},
	    {"chronyc|reset|x", "Invalid syntax for reset command\n"},
	    {"chronyc|reset", "Invalid syntax for reset command\n"},
	    {"chronyc|sourcename", "Could not read address\n"},
	    {"chronyc|-h|elsewhere|tracking",
		"chronyc: ntsctl asks the agent of this machine only; for "
		"another one: ssh HOST ntsctl\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct captured r = run(rows[i].line, "");

		assert_string_equal(r.errors, rows[i].errors);
		assert_int_equal(r.status, 1);
		captured_free(&r);
	}
}

/* Without an agent, with arguments that are refused, and with a name that no
 * order can carry. */
static void every_error_begins_with_chronyc(void **state)
{
	static const char long_name[] =
	    "refresh|a-name-that-is-longer-than-any-source-may-have-and-"
	    "therefore-cannot-be-a-part-of-an-order-to-the-agent-at-all-ever";
	static const char *const lines[] = {"tracking", "online", "offline|x",
	    "burst|4/8", "burst|4/8|x", "burst|1/100000000000000000000",
	    "makestep", "makestep|1|3", "dump", "dump|x", "makestep|1|3|4",
	    "reload|sources", "reset|sources", "refresh|x", "reselect|x",
	    "waitsync|1", "-c|waitsync|1", long_name};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char line[256];
		struct captured r;

		snprintf(
		    line, sizeof(line), "chronyc|-h|/nonexistent|%s", lines[i]);
		r = run(line, "");

		if (strncmp(r.errors, "chronyc: ", 9) != 0 ||
		    strstr(r.errors, "\nntsctl: ") ||
		    strstr(r.errors, "too many"))
			fail_msg("%s: %s", lines[i], r.errors);
		captured_free(&r);
	}
}

static void names_are_hosts_and_csv_has_addresses(void **state)
{
	static const struct {
		const char *line, *first;
	} rows[] = {
	    {"chronyc|-c|authdata", "10.77.3.1,"},
	    {"chronyc|-c|-n|authdata", "10.77.3.1,"},
	    {"chronyc|-c|-N|authdata", "office.example,"},
	    {"chronyc|-c|-n|-N|authdata", "office.example,"},
	};
	json_t *tree = example();
	struct fake_agent a;
	char *json;

	(void)state;
	set_text(example_source(tree, 0), "name", "office");
	set_text(example_source(tree, 0), "host", "office.example");
	json = json_dumps(tree, 0);
	json_decref(tree);
	agent_start_for_all(&a, json);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct captured r = run(rows[i].line, "");

		assert_memory_equal(
		    r.out, rows[i].first, strlen(rows[i].first));
		captured_free(&r);
	}
	agent_end_for_all(&a);
	free(json);
}

static void a_long_line_is_refused(void **state)
{
	char line[4200] = "chronyc|";
	struct captured r;

	(void)state;
	memset(line + 8, 'x', 4000);
	r = run(line, "");
	assert_string_equal(r.errors, "Command too long\n");
	assert_int_equal(r.status, 1);
	captured_free(&r);
}

static void a_full_disk_is_an_error(void **state)
{
	char program[] = "chronyc", csv[] = "-c", activity[] = "activity";
	char *argv[] = {program, csv, activity, NULL};
	FILE *out = fopen("/dev/full", "w"), *in = fopen("/dev/null", "r");
	struct fake_agent a;

	(void)state;
	agent_start_example(&a);
	assert_int_equal(session_main(3, argv, in, out, stderr), 1);
	fclose(out);
	fclose(in);
	agent_end_for_all(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_name_decides),
	    cmocka_unit_test(lines_are_answered_as_chronyc_does),
	    cmocka_unit_test(what_goes_wrong_is_said_on_the_errors),
	    cmocka_unit_test(every_error_begins_with_chronyc),
	    cmocka_unit_test(names_are_hosts_and_csv_has_addresses),
	    cmocka_unit_test(a_long_line_is_refused),
	    cmocka_unit_test(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
