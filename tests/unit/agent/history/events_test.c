/* The ring of events. */
#include "agent/history/events.h"

#include "agent/history/rings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static int setup(void **state)
{
	struct history_file *f = malloc(history_size(1));

	assert_non_null(f);
	history_init(f, 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void an_event_has_time_kind_source_and_text(void **state)
{
	struct history_file *f = *state;
	const struct history_event *e = &f->events[0];

	history_add_event(f, 77, HISTORY_STEP, "ntp1", "by %d s", 3);
	assert_int_equal(f->head.events, 1);
	assert_int_equal(e->time_ns, 77);
	assert_string_equal(history_event_name(e->kind), "step");
	assert_string_equal(e->source, "ntp1");
	assert_string_equal(e->text, "by 3 s");
}

static void the_newest_takes_the_place_of_the_oldest(void **state)
{
	struct history_file *f = *state;

	for (int i = 0; i < HISTORY_EVENTS + 2; i++)
		history_add_event(f, i, HISTORY_STEP, "", "%s",
		    i == 1 ? "a much longer text than the others" : "text");
	assert_int_equal(f->head.events, HISTORY_EVENTS + 2);
	assert_int_equal(f->events[1].time_ns, HISTORY_EVENTS + 1);
	assert_int_equal(f->events[2].time_ns, 2);
	/* Nothing is left of the older text. */
	for (size_t i = strlen("text"); i < HISTORY_TEXT_MAX; i++)
		assert_int_equal(f->events[1].text[i], 0);
}

static void words_from_the_network_cannot_control_a_terminal(void **state)
{
	struct history_file *f = *state;

	history_add_event(
	    f, 1, HISTORY_KEYS, "a\nb", "\"CN=\x1b[31m\xc3\xa4\x7f\" ~");
	assert_string_equal(f->events[0].source, "a?b");
	assert_string_equal(f->events[0].text, "\"CN=?[31m???\" ~");
}

static void a_text_that_is_too_long_ends_in_dots(void **state)
{
	struct history_file *f = *state;
	char text[2 * HISTORY_TEXT_MAX];

	memset(text, 'x', sizeof(text));
	text[HISTORY_TEXT_MAX - 1] = '\0';
	history_add_event(f, 1, HISTORY_KEYS, "", "%s", text);
	assert_string_equal(f->events[0].text, text);
	text[HISTORY_TEXT_MAX - 1] = 'x';
	text[HISTORY_TEXT_MAX] = '\0';
	history_add_event(f, 1, HISTORY_KEYS, "", "%s", text);
	assert_int_equal(strlen(f->events[1].text), HISTORY_TEXT_MAX - 1);
	assert_string_equal(
	    f->events[1].text + HISTORY_TEXT_MAX - 1 - 4, "x...");
}

static void a_kind_of_a_newer_agent_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(
	    history_event_name(HISTORY_EVENT_KIND_COUNT), "unknown");
}

static void the_file_lies_next_to_the_status_socket(void **state)
{
	char path[HISTORY_PATH_MAX];

	(void)state;
	history_path("/run/ntsagent/status.sock", path);
	assert_string_equal(path, "/run/ntsagent/history");
	history_path("/tmp/a.sock", path);
	assert_string_equal(path, "/tmp/a.sock.history");
	history_path("status.sock", path);
	assert_string_equal(path, "status.sock.history");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_event_has_time_kind_source_and_text),
	    TEST(the_newest_takes_the_place_of_the_oldest),
	    TEST(words_from_the_network_cannot_control_a_terminal),
	    TEST(a_text_that_is_too_long_ends_in_dots),
	    TEST(a_kind_of_a_newer_agent_has_a_name),
	    TEST(the_file_lies_next_to_the_status_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
