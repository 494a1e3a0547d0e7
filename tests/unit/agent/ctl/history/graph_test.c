/* ntsctl graph: what it draws, compared with files in expected/; a person has
 * looked at them. */
#include "agent/ctl/history/graph.h"

#include "tests/unit/agent/ctl/captured.h"
#include "tests/unit/agent/ctl/history/made_history.h"
#include "tests/unit/read_file.h"

#include <sys/stat.h>
#include <unistd.h>

#define EXPECTED "tests/unit/agent/ctl/expected/graph-"

static struct captured show_as(struct graph_options o, int64_t now_s,
    bool unicode, unsigned width, enum output output)
{
	struct history_file *f = made_history();
	struct captured s;
	struct view v = {.width = width, .output = output};

	captured_begin(&s);
	v.out = s.to_out;
	s.status = (int)graph_show(&o, f, now_s, 12, unicode, &v, s.to_errors);
	captured_end(&s);
	free(f);
	return s;
}

static struct captured show_at(
    struct graph_options o, int64_t now_s, bool unicode, unsigned width)
{
	return show_as(o, now_s, unicode, width, OUTPUT_TEXT);
}

static struct captured show(struct graph_options o, bool unicode)
{
	return show_at(o, MADE_NOW_S, unicode, 80);
}

static const struct golden {
	const char *file;
	struct graph_options options;
	bool ascii;
} goldens[] = {
    {"offset.txt", {.value = NULL}, false},
    {"offset-ascii.txt", {.value = "offset"}, true},
    {"offset-far.txt", {.value = "offset", .source = "far"}, false},
    {"bound-10m.txt", {.value = "bound", .last = "10m"}, false},
    {"frequency.txt", {.value = "frequency", .last = "2h"}, true},
    {"delay.txt", {.value = "delay", .source = "near", .last = "1h"}, false},
    {"stage.txt", {.value = "stage"}, false},
    {"stage-ascii.txt", {.value = "stage", .source = "near"}, true},
    {"error.txt", {.value = "error"}, false},
    {"offset.svg", {.value = "offset", .svg = "-"}, false},
    {"stage.svg", {.value = "stage", .svg = "-"}, false},
};

static void pictures_are_as_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
		const struct golden *g = &goldens[i];
		struct captured s = show(g->options, !g->ascii);
		char path[128];

		assert_int_equal(s.status, EXIT_OK);
		assert_string_equal(s.errors, "");
		snprintf(path, sizeof(path), EXPECTED "%s", g->file);
		assert_is_file(s.out, path);
		captured_free(&s);
	}
}

static struct captured numbers_of(struct graph_options o, enum output output)
{
	return show_as(o, MADE_NOW_S, false, 80, output);
}

/* The cells as they are stored, the oldest first; the last one ends now. */
static void the_numbers_of_a_picture_are_printed(void **state)
{
	static const struct {
		struct graph_options options;
		enum output output;
		const char *out;
	} cases[] = {
	    {{.value = "offset", .last = "1m"}, OUTPUT_CSV,
		"time_ns,source,state,answers,min_ns,mean_ns,max_ns\n"
		"1799999955000000000,,synchronised,,-19700,-19700,-19700\n"
		"1799999970000000000,,synchronised,,-19800,-19800,-19800\n"
		"1799999985000000000,,synchronised,,-19900,-19900,-19900\n"
		"1800000000000000000,,synchronised,,-20000,-20000,-20000\n"},
	    {{.value = "frequency", .last = "1m"}, OUTPUT_CSV,
		"time_ns,source,state,answers,min_ppm,mean_ppm,max_ppm\n"
		"1799999955000000000,,synchronised,,-12.5,-12.5,-12.5\n"
		"1799999970000000000,,synchronised,,-12.5,-12.5,-12.5\n"
		"1799999985000000000,,synchronised,,-12.5,-12.5,-12.5\n"
		"1800000000000000000,,synchronised,,-12.5,-12.5,-12.5\n"},
	    {{.value = "delay", .source = "far", .last = "61s"}, OUTPUT_CSV,
		"time_ns,source,state,answers,min_ns,mean_ns,max_ns\n"
		"1799999940000000000,far,polling,1,,,\n"
		"1799999955000000000,far,polling,1,,,\n"
		"1799999970000000000,far,polling,1,,,\n"
		"1799999985000000000,far,polling,1,,,\n"
		"1800000000000000000,far,polling,1,450000,450000,450000\n"},
	    {{.value = "stage", .source = "near", .last = "1m"}, OUTPUT_JSON,
		"{\"time_ns\": 1799999955000000000, \"source\": \"near\", "
		"\"state\": \"offline\", \"answers\": 0}\n"
		"{\"time_ns\": 1799999970000000000, \"source\": \"near\", "
		"\"state\": \"offline\", \"answers\": 0}\n"
		"{\"time_ns\": 1799999985000000000, \"source\": \"near\", "
		"\"state\": \"offline\", \"answers\": 0}\n"
		"{\"time_ns\": 1800000000000000000, \"source\": \"near\", "
		"\"state\": \"offline\", \"answers\": 0}\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct captured s =
		    numbers_of(cases[i].options, cases[i].output);

		assert_int_equal(s.status, EXIT_OK);
		assert_string_equal(s.out, cases[i].out);
		captured_free(&s);
	}
}

static unsigned lines_with(const char *text, const char *part)
{
	unsigned count = 0;

	for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
		count++;
	return count;
}

/* Away for 40 minutes, and 15 minutes without knowing the bound. */
static void what_is_not_known_is_null(void **state)
{
	struct captured s =
	    numbers_of((struct graph_options){.value = "bound"}, OUTPUT_JSON);

	(void)state;
	assert_int_equal(lines_with(s.out, "\n"), MADE_CELLS);
	assert_int_equal(lines_with(s.out, "\"state\": null"), 159);
	assert_int_equal(
	    lines_with(s.out, "\"state\": \"unsynchronised\""), 59);
	assert_int_equal(lines_with(s.out, "\"mean_ns\": null"), 159 + 59);
	captured_free(&s);
}

/* Each source in turn; 30 days have cells of half an hour. */
static void a_month_has_half_hours(void **state)
{
	struct captured s =
	    numbers_of((struct graph_options){.value = "stage", .last = "30d"},
		OUTPUT_CSV);

	(void)state;
	assert_int_equal(lines_with(s.out, "\n"), 1 + 2 * HISTORY_COARSE);
	assert_int_equal(lines_with(s.out, ",near,"), HISTORY_COARSE);
	captured_free(&s);
}

static void numbers_and_svg_exclude_each_other(void **state)
{
	struct captured s = numbers_of(
	    (struct graph_options){.value = "bound", .svg = "-"}, OUTPUT_JSON);

	(void)state;
	assert_int_equal(s.status, EXIT_USAGE);
	assert_string_equal(s.out, "");
	captured_free(&s);
}

static void the_manual_knows_each_column(void **state)
{
	static const char *const values[] = {"offset", "frequency", "stage"};
	char *manual = read_file("man/ntsctl-tools.8");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct captured s = numbers_of(
		    (struct graph_options){.value = values[i]}, OUTPUT_CSV);
		char entry[64];

		*strchr(s.out, '\n') = '\0';
		for (char *key = strtok(s.out, ","); key;
		     key = strtok(NULL, ",")) {
			snprintf(entry, sizeof(entry), ".It Va %s\n", key);
			assert_non_null(strstr(manual, entry));
		}
		captured_free(&s);
	}
	free(manual);
}

/* Where the agent did not run or did not know, nothing is drawn. */
static void a_gap_is_empty(void **state)
{
	struct captured s =
	    show((struct graph_options){.value = "bound"}, false);
	const char *line = strchr(s.out, '\n');
	unsigned stars = 0, blanks = 0;

	(void)state;
	/* The value is the same all the time: one row has the graph. */
	while (line && !strchr(line, '*'))
		line = strchr(line + 1, '\n');
	for (line = strchr(s.out, '*'); line && *line != '\n'; line++) {
		stars += *line == '*';
		blanks += *line == ' ';
	}
	/* 40 and 15 minutes of 6 hours in 69 columns. */
	assert_true(stars >= 57 && stars <= 61);
	assert_true(blanks >= 8 && blanks <= 11);
	captured_free(&s);
}

static void what_is_not_known_is_said_and_not_drawn(void **state)
{
	struct captured s =
	    show((struct graph_options){.value = "error"}, false);

	(void)state;
	assert_non_null(strstr(s.out, "nothing is known of this time\n"));
	assert_null(strstr(s.out, "0 ns"));
	captured_free(&s);
}

/* Also as a picture. */
static void without_sources_there_are_no_stages(void **state)
{
	static const char *const svg[] = {NULL, "-"};
	struct history_file *f = made_history();

	(void)state;
	memset(f->sources, 0, 4 * sizeof(f->sources[0]));
	for (size_t i = 0; i < ARRAY_LEN(svg); i++) {
		const struct graph_options o = {
		    .value = "stage", .svg = svg[i]};
		char *text = NULL;
		size_t size;
		struct view v = {
		    .out = open_memstream(&text, &size), .width = 80};

		assert_non_null(v.out);
		assert_int_equal(
		    graph_show(&o, f, MADE_NOW_S, 12, true, &v, stderr),
		    EXIT_OK);
		fclose(v.out);
		assert_non_null(strstr(
		    text, svg[i] ? "</svg>" : "no source has a history"));
		free(text);
	}
	free(f);
}

static void a_wrong_argument_is_named(void **state)
{
	static const struct {
		struct graph_options options;
		const char *part;
	} wrong[] = {
	    {{.value = "skew"}, "there is no value 'skew'"},
	    {{.last = "5x"}, "not '5x'"},
	    {{.last = "31d"}, "from 1m to 30d"},
	    {{.last = "59s"}, "from 1m to 30d"},
	    {{.source = "none"}, "there are: near, far"},
	    {{.value = "bound", .source = "far"}, "leave --source out"},
	    {{.value = "delay"}, "--source takes one of: near, far"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct captured s = show(wrong[i].options, true);

		assert_int_equal(s.status, EXIT_USAGE);
		assert_string_equal(s.out, "");
		if (!strstr(s.errors, wrong[i].part))
			fail_msg("%s is not in: %s", wrong[i].part, s.errors);
		captured_free(&s);
	}
}

static void an_agent_that_hangs_is_told(void **state)
{
	struct captured s = show_at((struct graph_options){.value = "bound"},
	    MADE_NOW_S + 120, true, 80);

	(void)state;
	assert_non_null(strstr(s.errors, "has written nothing for 120 s"));
	captured_free(&s);
}

static void any_width_gives_lines_that_fit(void **state)
{
	(void)state;
	for (unsigned width = 1; width < 2500; width += width < 300 ? 7 : 700)
		for (int64_t ago = -100000; ago < 100000000; ago += 9999999) {
			struct captured s =
			    show_at((struct graph_options){.value = "stage"},
				MADE_NOW_S + ago, false, width);

			assert_int_equal(s.status, EXIT_OK);
			captured_free(&s);
			s = show_at((struct graph_options){.last = "30d"},
			    MADE_NOW_S + ago, true, width);
			assert_int_equal(s.status, EXIT_OK);
			captured_free(&s);
		}
}

static void a_picture_that_cannot_be_written_is_an_error(void **state)
{
	struct captured s =
	    show((struct graph_options){.svg = "/nowhere/a.svg"}, true);

	(void)state;
	assert_int_equal(s.status, EXIT_NO_STATUS);
	assert_non_null(
	    strstr(s.errors, "cannot write /nowhere/a.svg: No such"));
	captured_free(&s);
	s = show((struct graph_options){.svg = "/dev/full"}, true);
	assert_int_equal(s.status, EXIT_NO_STATUS);
	assert_non_null(strstr(s.errors, "cannot write /dev/full: No space"));
	captured_free(&s);
}

/* Root may write into the folder of another user, who may put a link there. */
static void a_picture_is_not_written_through_a_link(void **state)
{
	char folder[] = "/tmp/graph.XXXXXX", link[40], target[40];
	struct captured s;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(link, sizeof(link), "%s/a.svg", folder);
	snprintf(target, sizeof(target), "%s/b", folder);
	assert_int_equal(symlink("b", link), 0);
	s = show((struct graph_options){.svg = link}, true);
	assert_int_equal(s.status, EXIT_NO_STATUS);
	assert_non_null(
	    strstr(s.errors, "a.svg: it is a link: name the file itself"));
	captured_free(&s);
	assert_int_not_equal(stat(target, &st), 0);
	assert_int_equal(unlink(link), 0);
	s = show((struct graph_options){.svg = link}, true);
	assert_int_equal(s.status, EXIT_OK);
	captured_free(&s);
	assert_int_equal(stat(link, &st), 0);
	assert_true(st.st_size > 0);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(rmdir(folder), 0);
}

/* Each tag that opens is closed, in the right order. */
static void assert_well_formed(const char *text)
{
	char stack[16][16];
	int depth = 0;

	while ((text = strchr(text, '<'))) {
		const char *end = strchr(text, '>');
		char name[16] = "";

		assert_non_null(end);
		if (text[1] == '/') {
			assert_true(depth > 0);
			assert_int_equal(sscanf(text + 2, "%15[a-z]", name), 1);
			assert_string_equal(stack[--depth], name);
		} else if (end[-1] != '/') {
			assert_true(depth < 16);
			assert_int_equal(
			    sscanf(text + 1, "%15[a-z]", stack[depth++]), 1);
		}
		text = end;
	}
	assert_int_equal(depth, 0);
}

static void svg_is_well_formed_with_any_name(void **state)
{
	static const char *const values[] = {"offset", "delay", "stage"};
	struct history_file *f = made_history();

	(void)state;
	snprintf(f->sources[0].name, SOURCE_NAME_MAX, "<a href=\"x\">&'</a>");
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		const struct graph_options o = {.value = values[i],
		    .source = f->sources[0].name,
		    .svg = "-"};
		char *text = NULL;
		size_t size;
		struct view v = {.out = open_memstream(&text, &size)};

		assert_non_null(v.out);
		assert_int_equal(
		    graph_show(&o, f, MADE_NOW_S, 12, true, &v, stderr),
		    EXIT_OK);
		fclose(v.out);
		assert_well_formed(text);
		assert_non_null(
		    strstr(text, "&lt;a href=&quot;x&quot;&gt;&amp;"));
		assert_null(strstr(text, "nan"));
		assert_null(strstr(text, "inf"));
		free(text);
	}
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pictures_are_as_expected),
	    cmocka_unit_test(the_numbers_of_a_picture_are_printed),
	    cmocka_unit_test(what_is_not_known_is_null),
	    cmocka_unit_test(a_month_has_half_hours),
	    cmocka_unit_test(numbers_and_svg_exclude_each_other),
	    cmocka_unit_test(the_manual_knows_each_column),
	    cmocka_unit_test(a_gap_is_empty),
	    cmocka_unit_test(what_is_not_known_is_said_and_not_drawn),
	    cmocka_unit_test(without_sources_there_are_no_stages),
	    cmocka_unit_test(a_wrong_argument_is_named),
	    cmocka_unit_test(an_agent_that_hangs_is_told),
	    cmocka_unit_test(any_width_gives_lines_that_fit),
	    cmocka_unit_test(a_picture_that_cannot_be_written_is_an_error),
	    cmocka_unit_test(a_picture_is_not_written_through_a_link),
	    cmocka_unit_test(svg_is_well_formed_with_any_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
