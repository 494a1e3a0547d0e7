/* Columns, scales and times of a picture. */
#include "agent/ctl/history/series.h"

#include "agent/ctl/history/scale.h"
#include "agent/ctl/history/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/agent/ctl/history/made_history.h"

static struct series series;

static void make(const struct history_file *f, int place,
    enum series_value value, int64_t length_s, unsigned count)
{
	series_make(&series, f, place, value, MADE_NOW_S, length_s, count);
}

static void a_column_for_each_cell(void **state)
{
	struct history_file *f = made_history();

	(void)state;
	make(f, -1, SERIES_OFFSET, 600, 40);
	assert_int_equal(series.count, 40);
	for (unsigned i = 0; i < 40; i++) {
		const struct series_column *c = &series.columns[i];
		uint64_t cell = MADE_NEWEST - 39 + i;

		assert_true(c->known && c->joined == (i > 0));
		assert_true(c->mean == (double)f->clock.series[0].fine[cell]);
	}
	assert_int_equal(series.to_s, MADE_NOW_S);
	assert_int_equal(series.from_s, MADE_NOW_S - 600);
	free(f);
}

static void many_cells_make_one_column(void **state)
{
	struct history_file *f = made_history();

	(void)state;
	make(f, -1, SERIES_OFFSET, 600, 2);
	/* Cells 1961 to 1980, each 100 ns more than the last one. */
	assert_true(series.columns[0].max - series.columns[0].min == 1900);
	assert_true(series.columns[0].mean ==
		    (series.columns[0].max + series.columns[0].min) / 2);
	assert_true(series.columns[1].joined);
	free(f);
}

static void more_columns_than_cells_leave_some_empty(void **state)
{
	struct history_file *f = made_history();
	unsigned known = 0;

	(void)state;
	make(f, -1, SERIES_OFFSET, 600, 100);
	for (unsigned i = 0; i < 100; i++) {
		known += series.columns[i].known;
		assert_int_not_equal(series.columns[i].mark, 0);
	}
	assert_int_equal(known, 40);
	free(f);
}

/* 9600 s to 7200 s ago: absent. 3900 s to 3000 s ago: not known. */
static void a_gap_breaks_the_line(void **state)
{
	struct history_file *f = made_history();
	unsigned breaks = 0, absent = 0, unknown = 0;

	(void)state;
	make(f, -1, SERIES_OFFSET, 4 * 3600, 960);
	for (unsigned i = 0; i < series.count; i++) {
		const struct series_column *c = &series.columns[i];

		breaks += c->known && !c->joined;
		absent += c->mark == 0;
		unknown += c->mark != 0 && !c->known;
	}
	assert_int_equal(breaks, 3); /* the first column, and after each gap */
	assert_int_equal(absent, 159);
	assert_int_equal(unknown, 59);
	free(f);
}

static void a_source_that_answers_is_joined_between_its_samples(void **state)
{
	struct history_file *f = made_history();
	unsigned known = 0, breaks = 0;

	(void)state;
	make(f, 1, SERIES_DELAY, 4 * 3600, 960);
	for (unsigned i = 0; i < series.count; i++) {
		known += series.columns[i].known;
		breaks += series.columns[i].known && !series.columns[i].joined;
	}
	/* Once in 8 cells; silent from 12000 s to 10000 s ago. */
	assert_true(known > 70 && known < 90);
	assert_int_equal(breaks, 3);
	free(f);
}

static void an_agent_that_was_killed_leaves_the_end_empty(void **state)
{
	struct history_file *f = made_history();

	(void)state;
	series_make(&series, f, -1, SERIES_BOUND, MADE_NOW_S + 300, 600, 40);
	assert_true(series.columns[19].known);
	for (unsigned i = 20; i < 40; i++)
		assert_int_equal(series.columns[i].mark, 0);
	free(f);
}

/* It fills its cells when it wakes. */
static void an_agent_that_sleeps_leaves_no_end_empty(void **state)
{
	struct history_file *f = made_history();

	(void)state;
	series_make(
	    &series, f, -1, SERIES_BOUND, MADE_NOW_S + HISTORY_LATE_S, 600, 40);
	assert_true(series.columns[39].known);
	series_make(&series, f, -1, SERIES_BOUND,
	    MADE_NOW_S + HISTORY_LATE_S + 1, 600, 40);
	assert_false(series.columns[39].known);
	free(f);
}

static void more_than_a_day_comes_from_the_half_hours(void **state)
{
	struct history_file *f = made_history();
	unsigned newest = MADE_NEWEST / HISTORY_PER_COARSE;

	(void)state;
	f->clock.marks.coarse[newest] = HISTORY_PRESENT;
	f->clock.series[HISTORY_CLOCK_OFFSET].coarse[newest] =
	    (struct history_span){-1, 2, 3};
	make(f, -1, SERIES_OFFSET, 2 * 86400, 96);
	assert_true(series.columns[95].known);
	assert_true(series.columns[95].min == -1 &&
		    series.columns[95].mean == 2 &&
		    series.columns[95].max == 3);
	assert_false(series.columns[94].known);
	free(f);
}

static void what_is_older_than_the_ring_is_not_there(void **state)
{
	struct history_file *f = made_history();

	(void)state;
	f->head.cell += HISTORY_FINE;
	make(f, -1, SERIES_OFFSET, 86400, 1440);
	/* The cells are the same places of the ring, a day later. */
	assert_true(series.columns[1439].known);
	f->head.cell = 100;
	make(f, -1, SERIES_OFFSET, 86400, 1440);
	assert_int_equal(series.columns[0].mark, 0);
	free(f);
}

static void every_value_has_a_word(void **state)
{
	(void)state;
	for (int i = 0; i < SERIES_VALUES; i++)
		assert_int_equal(
		    series_find(series_word((enum series_value)i)), i);
	assert_int_equal(series_find("skew"), SERIES_VALUES);
}

/* Scales. */

static struct scale scale(
    double min, double max, enum series_value value, unsigned ticks)
{
	struct series s = {.any = true, .min = min, .max = max};

	return scale_of(&s, value, ticks);
}

static void assert_ticks(
    const struct scale *s, const char *first, const char *last)
{
	char text[SCALE_TEXT_MAX];

	scale_text(s, 0, text);
	assert_string_equal(text, first);
	scale_text(s, s->ticks - 1, text);
	assert_string_equal(text, last);
}

static void scales_are_round(void **state)
{
	static const struct {
		double min, max;
		enum series_value value;
		const char *first, *last;
	} rows[] = {
	    {-19e3, 20e3, SERIES_OFFSET, "-20 us", "+20 us"},
	    {1e3, 7e3, SERIES_OFFSET, "0 us", "8 us"},
	    {140e3, 150e3, SERIES_BOUND, "0 us", "150 us"},
	    {-12.51, -12.49, SERIES_FREQUENCY, "-12.510 ppm", "-12.490 ppm"},
	    {5, 5, SERIES_FREQUENCY, "4.995 ppm", "5.005 ppm"},
	    {0, 0, SERIES_OFFSET, "-5 ns", "+5 ns"},
	    {0, 0, SERIES_DELAY, "0 ns", "6 ns"},
	    {-3e9, 100, SERIES_OFFSET, "-3 s", "+1 s"},
	    {0, 2.5e6, SERIES_DELAY, "0 ms", "3 ms"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scale s =
		    scale(rows[i].min, rows[i].max, rows[i].value, 5);

		assert_true(s.low <= rows[i].min && s.high >= rows[i].max);
		assert_ticks(&s, rows[i].first, rows[i].last);
	}
}

/* A small number next to a large axis is not 0. */
static void numbers_have_their_own_unit(void **state)
{
	static const struct {
		enum series_value value;
		double number;
		const char *text;
	} rows[] = {
	    {SERIES_OFFSET, 14234, "+14.2 us"},
	    {SERIES_OFFSET, -813.4, "-813 ns"},
	    {SERIES_OFFSET, -0.2, "0 ns"},
	    {SERIES_OFFSET, 999.6, "+1.00 us"},
	    {SERIES_BOUND, 999600, "1.00 ms"},
	    {SERIES_BOUND, 999400, "999 us"},
	    {SERIES_DELAY, 9.996e6, "10.0 ms"},
	    {SERIES_DELAY, 3.25e9, "3.25 s"},
	    {SERIES_DELAY, 4e12, "4000 s"},
	    {SERIES_FREQUENCY, -12.5, "-12.500 ppm"},
	    {SERIES_FREQUENCY, -0.0004, "0.000 ppm"},
	};
	char text[SCALE_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scale_number(rows[i].value, rows[i].number, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void any_numbers_give_a_scale(void **state)
{
	(void)state;
	for (double size = 1e-30; size < 1e37; size *= 17)
		for (int i = -3; i < 4; i++) {
			struct scale s = scale(size * i, size * (i + 2),
			    SERIES_OFFSET, 1 + (unsigned)(i + 3) * 5);

			assert_true(s.ticks >= 2 && s.ticks <= SCALE_TICKS_MAX);
			assert_true(s.low < s.high && isfinite(s.step));
		}
}

static void places_stay_within_the_scale(void **state)
{
	struct scale s = scale(0, 100, SERIES_BOUND, 3);

	(void)state;
	assert_true(scale_at(&s, 50) == 0.5);
	assert_true(scale_at(&s, -10) == 0 && scale_at(&s, 1000) == 1);
}

/* Lengths and times. */

static void lengths_have_a_unit(void **state)
{
	static const struct {
		const char *text;
		int64_t s;
	} good[] = {{"90", 90}, {"90s", 90}, {"10m", 600}, {"6h", 21600},
	    {"30d", 2592000}, {"2w", 1209600}};
	static const char *const bad[] = {"", "m", "0", "-5m", "5x", "5mm",
	    " 5m", "1.5h", "9999999999", "999999999w", "12345678901234567890"};
	int64_t s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(when_parse_length(good[i].text, &s));
		assert_int_equal(s, good[i].s);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(when_parse_length(bad[i], &s));
}

static void times_are_utc(void **state)
{
	static const struct {
		const char *text;
		int64_t s;
	} good[] = {
	    {"1h", MADE_NOW_S - 3600},
	    {"2027-01-15", MADE_NOW_S - 8 * 3600},
	    {"2027-01-15 08:00", MADE_NOW_S},
	    {"2027-01-15T08:00:30Z", MADE_NOW_S + 30},
	    {"2027-01-15 08:00:30 UTC", MADE_NOW_S + 30},
	};
	static const char *const bad[] = {"yesterday", "2027-13-01",
	    "2027-02-29", "2027-02-30 12:00", "2027-04-31T12:00:00Z",
	    "2027-01-15 25:00", "2027-01-15 08:00 CET"};
	char text[WHEN_TEXT_MAX];
	int64_t s;

	(void)state;
	setenv("TZ", "Asia/Kolkata", 1);
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(when_parse(good[i].text, MADE_NOW_S, &s));
		assert_int_equal(s, good[i].s);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(when_parse(bad[i], MADE_NOW_S, &s));
	when_text(MADE_NOW_S + 5, text);
	assert_string_equal(text, "2027-01-15 08:00:05");
	when_text(INT64_MAX, text);
	assert_string_equal(text, "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_column_for_each_cell),
	    cmocka_unit_test(many_cells_make_one_column),
	    cmocka_unit_test(more_columns_than_cells_leave_some_empty),
	    cmocka_unit_test(a_gap_breaks_the_line),
	    cmocka_unit_test(
		a_source_that_answers_is_joined_between_its_samples),
	    cmocka_unit_test(an_agent_that_was_killed_leaves_the_end_empty),
	    cmocka_unit_test(an_agent_that_sleeps_leaves_no_end_empty),
	    cmocka_unit_test(more_than_a_day_comes_from_the_half_hours),
	    cmocka_unit_test(what_is_older_than_the_ring_is_not_there),
	    cmocka_unit_test(every_value_has_a_word),
	    cmocka_unit_test(scales_are_round),
	    cmocka_unit_test(numbers_have_their_own_unit),
	    cmocka_unit_test(any_numbers_give_a_scale),
	    cmocka_unit_test(places_stay_within_the_scale),
	    cmocka_unit_test(lengths_have_a_unit),
	    cmocka_unit_test(times_are_utc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
