/* The history file and its events, as ntsctl reads them. */
#include "agent/ctl/history/read.h"

#include "agent/ctl/history/events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/agent/ctl/history/made_history.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
	char dir[32], socket[64], path[64];
	struct history_file *made;
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	snprintf(p->dir, sizeof(p->dir), "history-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->socket, sizeof(p->socket), "%s/status.sock", p->dir);
	snprintf(p->path, sizeof(p->path), "%s/history", p->dir);
	p->made = made_history();
	made_events(p->made);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	unlink(p->path);
	assert_int_equal(rmdir(p->dir), 0);
	free(p->made);
	free(p);
	return 0;
}

static void store(const struct place *p, size_t len)
{
	FILE *f = fopen(p->path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p->made, 1, len, f), len);
	fclose(f);
}

static void store_all(const struct place *p)
{
	store(p, history_size(p->made->head.sources));
}

static void a_good_file_is_read(void **state)
{
	struct place *p = *state;
	char why[HISTORY_ERROR_MAX], names[64];
	struct history_file *f;

	store_all(p);
	f = history_read(p->socket, why);
	assert_non_null(f);
	assert_memory_equal(f, p->made, history_size(4));
	assert_int_equal(history_find(f, "far"), 1);
	assert_int_equal(history_find(f, ""), -1);
	history_names(f, names, sizeof(names));
	assert_string_equal(names, "near, far");
	free(f);
}

static void assert_refused(struct place *p, const char *part)
{
	char why[HISTORY_ERROR_MAX] = "";

	assert_null(history_read(p->socket, why));
	if (!strstr(why, part))
		fail_msg("'%s' is not in: %s", part, why);
}

static void without_a_file_it_says_what_to_do(void **state)
{
	assert_refused(*state, "ntsagentd is not running, or its log says why");
}

static void what_is_no_history_is_refused(void **state)
{
	struct place *p = *state;

	store(p, 100);
	assert_refused(p, "is not a history of ntsagentd");
	store(p, history_size(4) - 1);
	assert_refused(p, "is damaged");
	p->made->head.version++;
	store_all(p);
	assert_refused(p, "another version of ntsagentd: update ntsctl");
	p->made->head.version--;
	p->made->head.sources = 5;
	store(p, history_size(4));
	assert_refused(p, "is damaged");
	p->made->head.sources = 4;
	p->made->head.cell = 0;
	store_all(p);
	assert_refused(p, "is damaged");
	p->made->head.cell = UINT64_MAX;
	store_all(p);
	assert_refused(p, "is damaged");
	p->made->head.magic[0] = 'X';
	store_all(p);
	assert_refused(p, "is not a history");
}

static void a_pipe_in_its_place_is_not_waited_for(void **state)
{
	struct place *p = *state;

	assert_int_equal(mkfifo(p->path, 0600), 0);
	assert_refused(p, "is not a history of ntsagentd");
}

static void texts_end_and_are_harmless(void **state)
{
	struct place *p = *state;
	struct history_file *f = p->made;

	memset(f->events[0].text, 0x1b, sizeof(f->events[0].text));
	memset(f->events[511].source, 'x', sizeof(f->events[511].source));
	memset(f->sources[3].name, 0x80, sizeof(f->sources[3].name));
	memset(f->head.stages[15], 'x', sizeof(f->head.stages[15]));
	assert_null(history_judge(f, history_size(4)));
	assert_int_equal(strlen(f->events[0].text), HISTORY_TEXT_MAX - 1);
	assert_int_equal(f->events[0].text[0], '?');
	assert_int_equal(strlen(f->events[511].source), SOURCE_NAME_MAX - 1);
	assert_int_equal(strlen(f->sources[3].name), SOURCE_NAME_MAX - 1);
	assert_int_equal(
	    strlen(f->head.stages[15]), HISTORY_STAGE_NAME_MAX - 1);
}

/* The agent was killed in the middle of a write. */
static void an_odd_sequence_ends_the_wait(void **state)
{
	struct place *p = *state;
	char why[HISTORY_ERROR_MAX];
	struct history_file *f;

	p->made->head.sequence = 7;
	store_all(p);
	f = history_read(p->socket, why);
	assert_non_null(f);
	free(f);
}

/* Events. */

#define LINE_MAX_BYTES 640

/* On a terminal, the text goes on below the time. */
static void long_events_are_wrapped_on_a_terminal(void **state)
{
	struct place *p = *state;
	struct view v = {.terminal = true, .width = 66};
	char why[HISTORY_ERROR_MAX], *text = NULL;
	struct history_file *f;
	size_t size;

	made_event(p->made, 50, HISTORY_WELL, "long.example.net", "over");
	store_all(p);
	f = history_read(p->socket, why);
	assert_non_null(f);
	v.out = open_memstream(&text, &size);
	assert_true(events_print(f, 0, 0, NULL, &v));
	fclose(v.out);
	free(f);
	assert_non_null(strstr(text,
	    "2027-01-15 06:00:00  -                start\n"
	    "                     ntsagentd 1.0 started with 2 sources\n"));
	assert_non_null(strstr(text,
	    "2027-01-15 07:59:10  long.example.net well           over\n"));
	free(text);
}

static char *printed(const struct place *p, struct events_options o,
    enum output output, enum exit_status expected)
{
	char *text = NULL;
	size_t size;
	struct view v = {.out = open_memstream(&text, &size), .output = output};

	assert_non_null(v.out);
	o.socket = p->socket;
	assert_int_equal(events_run(&o, &v, v.out), expected);
	fclose(v.out);
	return text;
}

static void assert_printed(const struct place *p, struct events_options o,
    enum output output, const char *expected)
{
	char *text = printed(p, o, output, EXIT_OK);

	assert_string_equal(text, expected);
	free(text);
}

static void events_are_lines_the_newest_last(void **state)
{
	struct place *p = *state;

	store_all(p);
	assert_printed(p, (struct events_options){.since = NULL}, OUTPUT_TEXT,
	    "2027-01-15 05:20:00  -            end            ntsagentd ends\n"
	    "2027-01-15 06:00:00  -            start          ntsagentd 1.0 "
	    "started with 2 sources\n"
	    "2027-01-15 06:00:01  near         keys           new keys from "
	    "192.0.2.1:4460: certificate \"CN=near, Inc.\"\n"
	    "2027-01-15 07:59:00  far          trouble        silence: no "
	    "answer from 192.0.2.2:123\n");
}

static void events_can_be_chosen(void **state)
{
	struct place *p = *state;

	store_all(p);
	assert_printed(p,
	    (struct events_options){.since = "2027-01-15 06:00:01"},
	    OUTPUT_JSON,
	    "{\"time_ns\": 1799992801000000000, \"source\": \"near\", "
	    "\"event\": \"keys\", \"text\": \"new keys from 192.0.2.1:4460: "
	    "certificate \\\"CN=near, Inc.\\\"\"}\n"
	    "{\"time_ns\": 1799999940000000000, \"source\": \"far\", "
	    "\"event\": \"trouble\", \"text\": \"silence: no answer from "
	    "192.0.2.2:123\"}\n");
	assert_printed(p, (struct events_options){.source = "near"}, OUTPUT_CSV,
	    "time_ns,source,event,text\n1799992801000000000,near,keys,"
	    "\"new keys from 192.0.2.1:4460: certificate \"\"CN=near, "
	    "Inc.\"\"\"\n");
}

/* The name of a pool means all its sources. */
static void events_of_a_pool_can_be_chosen(void **state)
{
	struct place *p = *state;

	snprintf(p->made->sources[2].name, SOURCE_NAME_MAX, "lan#1");
	made_event(p->made, 50, HISTORY_WELL, "rack#1", "one");
	made_event(p->made, 40, HISTORY_WELL, "rack", "another source");
	made_event(p->made, 30, HISTORY_WELL, "rack#12", "two");
	made_event(p->made, 20, HISTORY_WELL, "racks", "not one of them");
	store_all(p);
	assert_printed(p, (struct events_options){.source = "rack"}, OUTPUT_CSV,
	    "time_ns,source,event,text\n"
	    "1799999950000000000,rack#1,well,one\n"
	    "1799999960000000000,rack,well,another source\n"
	    "1799999970000000000,rack#12,well,two\n");
	/* It has no events yet. */
	assert_printed(p, (struct events_options){.source = "lan"}, OUTPUT_CSV,
	    "time_ns,source,event,text\n");
	free(printed(p, (struct events_options){.source = "rac"}, OUTPUT_CSV,
	    EXIT_USAGE));
}

static void a_full_ring_begins_with_its_oldest_event(void **state)
{
	struct place *p = *state;
	char *text;

	for (int i = 0; i < HISTORY_EVENTS; i++)
		made_event(
		    p->made, 600 - i, HISTORY_STEP, "", i ? "x" : "first");
	store_all(p);
	text = printed(
	    p, (struct events_options){.since = NULL}, OUTPUT_TEXT, EXIT_OK);
	assert_ptr_equal(strstr(text, "step           first\n"),
	    text + strlen("2027-01-15 07:50:00  -            "));
	free(text);
}

static void a_wrong_time_is_named(void **state)
{
	char *text =
	    printed(*state, (struct events_options){.since = "yesterday"},
		OUTPUT_TEXT, EXIT_USAGE);

	assert_non_null(strstr(text, "not 'yesterday'"));
	free(text);
	text = printed(*state, (struct events_options){.since = "2026-02-30"},
	    OUTPUT_TEXT, EXIT_USAGE);
	assert_non_null(strstr(text, "a time of UTC that exists"));
	assert_non_null(strstr(text, "not '2026-02-30'"));
	free(text);
}

/* Not silence: the name may be misspelt. */
static void a_source_that_is_not_there_is_named(void **state)
{
	struct place *p = *state;
	char *text;

	made_event(p->made, 40, HISTORY_WELL, "gone", "over");
	store_all(p);
	text = printed(p, (struct events_options){.source = "fra"}, OUTPUT_TEXT,
	    EXIT_USAGE);
	assert_string_equal(text,
	    "ntsctl: there is no source 'fra' in the history; there are: near, "
	    "far\n");
	free(text);
	/* It is not configured any more, or has no event. */
	assert_printed(p, (struct events_options){.source = "gone"}, OUTPUT_CSV,
	    "time_ns,source,event,text\n1799999960000000000,gone,well,over\n");
	assert_printed(p,
	    (struct events_options){
		.source = "near", .since = "2027-01-15 07:59:59"},
	    OUTPUT_TEXT, "");
}

/* Reads lines of the child until this one comes. */
static void wait_line(FILE *in, const char *part)
{
	char line[LINE_MAX_BYTES];

	do {
		if (!fgets(line, sizeof(line), in))
			fail_msg("'%s' did not come", part);
	} while (!strstr(line, part));
}

/* It goes on over a restart of the agent, tells nothing twice, and ends with
 * its reader. */
static void follow_goes_on(void **state)
{
	struct place *p = *state;
	char line[LINE_MAX_BYTES];
	int fds[2], status;
	FILE *in;
	pid_t pid;

	store_all(p);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		const struct events_options o = {
		    .socket = p->socket, .follow = true};
		struct view v = {.out = fdopen(fds[1], "w")};

		close(fds[0]);
		alarm(20);
		_exit((int)events_run(&o, &v, stderr));
	}
	close(fds[1]);
	in = fdopen(fds[0], "r");
	assert_non_null(in);
	wait_line(in, "far          trouble");
	made_event(p->made, 50, HISTORY_WELL, "far", "over");
	store_all(p);
	wait_line(in, "far          well");
	/* The agent starts again, and has lost the two oldest events. */
	memmove(p->made->events, p->made->events + 2,
	    3 * sizeof(p->made->events[0]));
	p->made->head.events = 3;
	made_event(p->made, 40, HISTORY_START, "", "started again");
	store_all(p);
	assert_non_null(fgets(line, sizeof(line), in));
	assert_non_null(strstr(line, "started again"));
	/* As `grep -m 1` does: it ends without a further event. */
	fclose(in);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_NO_STATUS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_good_file_is_read),
	    TEST(without_a_file_it_says_what_to_do),
	    TEST(what_is_no_history_is_refused),
	    TEST(a_pipe_in_its_place_is_not_waited_for),
	    TEST(texts_end_and_are_harmless),
	    TEST(an_odd_sequence_ends_the_wait),
	    TEST(events_are_lines_the_newest_last),
	    TEST(long_events_are_wrapped_on_a_terminal),
	    TEST(events_can_be_chosen),
	    TEST(events_of_a_pool_can_be_chosen),
	    TEST(a_full_ring_begins_with_its_oldest_event),
	    TEST(a_wrong_time_is_named),
	    TEST(a_source_that_is_not_there_is_named),
	    TEST(follow_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
