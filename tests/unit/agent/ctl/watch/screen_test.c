/* The picture of ntsctl watch: compared with files in expected/, which a person
 * has looked at, and in every size. */
#include "agent/ctl/watch/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/ctl/print/text.h"
#include "tests/unit/agent/ctl/example.h"
#include "tests/unit/agent/ctl/history/made_history.h"

#define ESCAPE '\x1b'

struct shown {
	struct snapshot status;
	struct history_file *history;
	struct screen screen;
	char *out;
};

/* The history has two of the sources of the example. */
static struct shown shown_new(unsigned width, unsigned height)
{
	struct shown s = {.history = made_history()};

	s.status = snapshot_of(example());
	made_events(s.history);
	s.screen = (struct screen){
	    .why = "",
	    .now_s = MADE_NOW_S,
	    .interval_s = 1,
	    .width = width,
	    .height = height,
	    .full = height > 0,
	    .unicode = true,
	};
	return s;
}

static void draw(struct shown *s)
{
	size_t size;
	FILE *out;

	free(s->out);
	snprintf(s->history->sources[0].name, SOURCE_NAME_MAX, "%s",
	    s->status.sources[0].name);
	s->out = NULL;
	out = open_memstream(&s->out, &size);
	assert_non_null(out);
	s->screen.status = &s->status;
	s->screen.history = s->history;
	screen_put(&s->screen, out);
	fclose(out);
}

static void shown_free(struct shown *s)
{
	snapshot_free(&s->status);
	free(s->history);
	free(s->out);
}

/* Without escape sequences and carriage returns. */
static void strip(char *text)
{
	char *to = text;

	for (const char *c = text; *c; c++) {
		if (*c == ESCAPE) {
			while (*c && !(*c >= 'A' && *c <= 'z' && *c != '['))
				c++;
			continue;
		}
		if (*c != '\r')
			*to++ = *c;
	}
	*to = '\0';
}

static void pictures_are_as_expected(void **state)
{
	static const struct {
		const char *file;
		unsigned width, height;
		bool ascii;
	} goldens[] = {
	    {"watch-80x24.txt", 80, 24, false},
	    {"watch-200x60.txt", 200, 60, false},
	    {"watch-40x10.txt", 40, 10, false},
	    {"watch-ascii.txt", 80, 24, true},
	    {"watch-plain.txt", 80, 0, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
		struct shown s = shown_new(goldens[i].width, goldens[i].height);
		char path[128];

		s.screen.unicode = !goldens[i].ascii;
		draw(&s);
		strip(s.out);
		snprintf(
		    path, sizeof(path), HERE "expected/%s", goldens[i].file);
		assert_is_file(s.out, path);
		shown_free(&s);
	}
}

/* Exactly so many lines, and none is too wide. */
static void assert_fits(char *text, unsigned width, unsigned height)
{
	unsigned lines = 0;

	strip(text);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (text_width(line) > width)
			fail_msg("%u x %u: %s", width, height, line);
		lines++;
	}
	/* strtok() leaves out empty lines. */
	assert_true(lines <= height);
}

static unsigned count_of(const char *text, char c)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == c;
	return n;
}

static void every_size_is_filled_and_not_more(void **state)
{
	(void)state;
	for (unsigned height = 1; height < 70; height += 3)
		for (unsigned width = 1; width < 250; width += 13) {
			struct shown s = shown_new(width, height);

			draw(&s);
			assert_int_equal(count_of(s.out, '\n'), height - 1);
			assert_fits(s.out, width, height);
			shown_free(&s);
		}
}

static void many_sources_leave_room_for_events(void **state)
{
	struct shown s = shown_new(80, 24);
	struct status_source many[64];

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		many[i] = s.status.sources[0];
	/* The one that is in trouble is not among those that are left out. */
	many[62] = s.status.sources[2];
	free(s.status.sources);
	s.status.sources = malloc(sizeof(many));
	assert_non_null(s.status.sources);
	memcpy(s.status.sources, many, sizeof(many));
	s.status.source_count = 64;
	draw(&s);
	assert_non_null(strstr(s.out, " more: ntsctl sources"));
	assert_non_null(strstr(s.out, "\n? backup "));
	assert_null(strstr(strstr(s.out, "? backup ") + 1, "? backup "));
	assert_non_null(strstr(s.out, "silence: no answer"));
	assert_non_null(strstr(s.out, "q: quit"));
	shown_free(&s);
}

static void the_verdict_comes_first(void **state)
{
	struct shown s = shown_new(80, 24);

	(void)state;
	/* An offset is positive if the clock is fast. */
	s.status.clock.synchronised = true;
	s.status.clock.refused = false;
	s.status.clock.offset_ns = (struct field_int){.known = true, .n = 1500};
	draw(&s);
	strip(s.out);
	assert_int_equal(strncmp(s.out, "RIGHT: 1.5 us fast", 18), 0);
	s.status.clock.synchronised = false;
	s.status.clock.state = "lost";
	s.status.clock.reason = "no server answers";
	draw(&s);
	strip(s.out);
	assert_int_equal(
	    strncmp(s.out, "NOT SYNCHRONISED (lost): no server answers\n", 43),
	    0);
	shown_free(&s);
}

/* A terminal erases the last column when \x1b[K follows it. */
static void the_last_column_is_not_erased(void **state)
{
	struct shown s = shown_new(80, 24);
	const char *cut;

	(void)state;
	s.screen.width = 60;
	draw(&s);
	cut = strstr(s.out, "\xe2\x80\xa6");
	assert_non_null(cut);
	assert_int_equal(strncmp(cut + 3, "\r\n", 2), 0);
	/* A shorter line is still erased to its end. */
	assert_non_null(strstr(s.out, "ntsagentd ends\x1b[K\r\n"));
	/* The last line fills the screen. */
	assert_null(strstr(s.out, "\x1b[J"));
	shown_free(&s);
}

/* A server in trouble is what the administrator looks for. One that is only
 * measured is none. */
static void a_silence_of_all_is_not_called_right(void **state)
{
	struct shown s = shown_new(80, 24);

	(void)state;
	s.screen.colour = true;
	s.status.source_count = 2;
	s.status.sources[0].reach.n = 0;
	s.status.sources[0].last_rx_s.x = 86400;
	draw(&s);
	assert_non_null(strstr(s.out, "\x1b[1;32mRIGHT: 1.25 us slow"));
	s.status.clock.offset_ns.n = 80000000;
	draw(&s);
	assert_non_null(strstr(s.out, "mBEING CORRECTED: 80 ms fast"));
	s.status.clock.offset_ns.n = -1250;
	s.status.sources[1].reach.n = 0;
	s.status.sources[1].last_rx_s.known = false;
	draw(&s);
	assert_non_null(
	    strstr(s.out, "\x1b[1;31mNO ANSWER FOR 24 h: 1.25 us slow"));
	shown_free(&s);
}

static void a_silence_by_order_is_called_so(void **state)
{
	struct shown s = shown_new(80, 24);
	char offline[] = "offline";

	(void)state;
	s.screen.colour = true;
	s.status.source_count = 2;
	for (unsigned i = 0; i < 2; i++)
		s.status.sources[i].reach.n = 0;
	s.status.sources[0].failure = offline;
	draw(&s);
	assert_non_null(strstr(s.out, "mNO ANSWER FOR "));
	s.status.sources[1].failure = offline;
	draw(&s);
	assert_null(strstr(s.out, "NO ANSWER"));
	assert_non_null(
	    strstr(s.out, "\x1b[1;31mNO SERVER ASKED: 1.25 us slow"));
	shown_free(&s);
}

static void trouble_is_red(void **state)
{
	struct shown s = shown_new(80, 24);
	struct status_source *bad = &s.status.sources[2];

	(void)state;
	s.screen.colour = true;
	draw(&s);
	assert_non_null(strstr(s.out, "\x1b[31m? backup "));
	bad->failure = "";
	bad->state = "noselect";
	draw(&s);
	assert_non_null(strstr(s.out, "\x1b[2m? backup "));
	shown_free(&s);
}

/* What an older agent, or one that has just started, does not say. */
static void unknown_is_a_question_mark(void **state)
{
	struct shown s = shown_new(120, 24);

	(void)state;
	s.status.sources[0].adjusted_offset_ns.known = false;
	s.status.sources[0].error_ns.known = false;
	s.status.sources[0].delay_ns.known = false;
	s.status.source_count = 1;
	draw(&s);
	assert_non_null(strstr(s.out, "        ?        ?        ?"));
	shown_free(&s);
}

/* The end of a sentence says what to do. */
static void a_long_reason_is_not_cut(void **state)
{
	struct shown s = shown_new(40, 24);
	struct snapshot *status = &s.status;

	(void)state;
	status->clock.synchronised = false;
	status->clock.state = "lost";
	status->clock.reason = "one two three four five six seven eight";
	draw(&s);
	strip(s.out);
	assert_non_null(strstr(s.out, "NOT SYNCHRONISED (lost): one two three\n"
				      "four five six seven eight\n"));
	/* The rest of a small screen has its place. */
	s.screen.height = 10;
	status->clock.reason = "thirty-eight-characters-make-one-line1 "
			       "thirty-eight-characters-make-one-line2 "
			       "thirty-eight-characters-make-one-line3 "
			       "thirty-eight-characters-make-one-line4 "
			       "thirty-eight-characters-make-one-line5";
	draw(&s);
	strip(s.out);
	assert_non_null(strstr(s.out, "line4\n"));
	assert_null(strstr(s.out, "line5"));
	assert_non_null(strstr(s.out, "source"));
	assert_non_null(strstr(s.out, "q: quit"));
	shown_free(&s);
}

static void without_a_status_it_says_why(void **state)
{
	struct shown s = shown_new(80, 24);
	size_t size;
	FILE *out;

	(void)state;
	s.screen.why = "ntsagentd is not running";
	out = open_memstream(&s.out, &size);
	assert_non_null(out);
	screen_put(&s.screen, out);
	fclose(out);
	assert_int_equal(count_of(s.out, '\n'), 23);
	strip(s.out);
	assert_int_equal(
	    strncmp(s.out, "NO STATUS: ntsagentd is not running\n", 36), 0);
	shown_free(&s);
}

static void assert_in_manual(const char *section, const char *word)
{
	char entry[64];

	snprintf(entry, sizeof(entry), "\n.It %s\n", word);
	if (!strstr(section, entry))
		fail_msg("'%s' is not in man/ntsctl-tools.8, WATCH", word);
}

/* The titles are those of the table in the source. */
static void the_manual_has_each_column_and_verdict(void **state)
{
	static const char *const others[] = {"source", "last hour", "RIGHT",
	    "MEASURED", "BEING CORRECTED", "NO ANSWER FOR", "NO SERVER ASKED",
	    "NOT SYNCHRONISED", "NO STATUS"};
	char *source = read_file("agent/ctl/watch/screen.c");
	char *screen = read_file("agent/ctl/watch/screen.c");
	char *manual = read_file("man/ntsctl-tools.8");
	char *section = strstr(manual, "\n.Sh WATCH\n"), title[32];
	char *at = strstr(source, "} cells[] = {"), *end;
	unsigned count = 0;

	(void)state;
	assert_true(section && at);
	*strstr(section, "\n.Sh CHECK\n") = '\0';
	end = strstr(at, "};");
	*end = '\0';
	for (; (at = strstr(at, "{\"")); at++, count++) {
		assert_int_equal(sscanf(at, "{\"%31[^\"]", title), 1);
		assert_in_manual(section, title);
	}
	assert_int_equal(count, 8);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		assert_in_manual(section, others[i]);
		assert_non_null(strstr(screen, others[i]));
	}
	free(manual);
	free(screen);
	free(source);
}

static int set_locale(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pictures_are_as_expected),
	    cmocka_unit_test(every_size_is_filled_and_not_more),
	    cmocka_unit_test(many_sources_leave_room_for_events),
	    cmocka_unit_test(the_verdict_comes_first),
	    cmocka_unit_test(the_last_column_is_not_erased),
	    cmocka_unit_test(a_silence_of_all_is_not_called_right),
	    cmocka_unit_test(a_silence_by_order_is_called_so),
	    cmocka_unit_test(trouble_is_red),
	    cmocka_unit_test(unknown_is_a_question_mark),
	    cmocka_unit_test(a_long_reason_is_not_cut),
	    cmocka_unit_test(without_a_status_it_says_why),
	    cmocka_unit_test(the_manual_has_each_column_and_verdict),
	};

	return cmocka_run_group_tests(tests, set_locale, NULL);
}
