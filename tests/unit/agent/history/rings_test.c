/* The rings of the history: what is kept, thinned and forgotten. */
#include "agent/history/rings.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define PLACES 3

static int setup(void **state)
{
	struct history_file *f = malloc(history_size(PLACES));

	assert_non_null(f);
	memset(f, 0xff, history_size(PLACES));
	history_init(f, PLACES);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void put(struct history_file *f, uint64_t cell, double offset)
{
	const double values[HISTORY_CLOCK_VALUES] = {offset, NAN, 1, 2};

	history_advance(f, cell);
	history_put_clock(f, true, values);
}

static bool configured(const void *self, const char *name)
{
	return strstr(self, name) != NULL;
}

static int place(struct history_file *f, const char *name, const char *all)
{
	return history_place(f, name, configured, all);
}

static void a_new_history_knows_nothing(void **state)
{
	const struct history_file *f = *state;

	assert_memory_equal(f->head.magic, HISTORY_MAGIC, HISTORY_MAGIC_LEN);
	assert_int_equal(f->head.size, history_size(PLACES));
	assert_int_equal(f->head.cell, 1);
	assert_int_equal(f->head.sequence % 2, 0);
	for (unsigned i = 0; i < HISTORY_FINE; i++)
		assert_int_equal(f->clock.marks.fine[i], 0);
}

static void the_sequence_is_odd_while_something_changes(void **state)
{
	struct history_file *f = *state;

	history_begin(f);
	assert_int_equal(f->head.sequence, 1);
	history_end(f);
	assert_int_equal(f->head.sequence, 2);
}

static void unknown_is_not_zero(void **state)
{
	struct history_file *f = *state;

	put(f, 5, 0);
	assert_true(f->clock.series[HISTORY_CLOCK_OFFSET].fine[5] == 0);
	assert_true(isnan(f->clock.series[HISTORY_CLOCK_BOUND].fine[5]));
	assert_true(isnan(f->clock.series[HISTORY_CLOCK_BOUND].coarse[0].mean));
	put(f, 6, INFINITY);
	assert_true(isnan(f->clock.series[HISTORY_CLOCK_OFFSET].fine[6]));
}

static void half_an_hour_keeps_min_mean_and_max(void **state)
{
	struct history_file *f = *state;
	const struct history_span *s =
	    &f->clock.series[HISTORY_CLOCK_OFFSET].coarse[2];

	put(f, 240, 10);
	put(f, 241, -20);
	put(f, 359, 40);
	put(f, 360, 1000); /* the next half hour */
	assert_true(s->min == -20 && s->mean == 10 && s->max == 40);
	assert_int_equal(
	    f->clock.marks.coarse[2], HISTORY_PRESENT | HISTORY_GOOD);
}

static void a_lost_clock_makes_the_half_hour_lost(void **state)
{
	struct history_file *f = *state;
	const double values[HISTORY_CLOCK_VALUES] = {1, 1, 1, 1};

	put(f, 240, 10);
	history_advance(f, 241);
	history_put_clock(f, false, values);
	put(f, 242, 10);
	assert_int_equal(f->clock.marks.coarse[2], HISTORY_PRESENT);
}

static void cells_that_passed_are_a_gap(void **state)
{
	struct history_file *f = *state;

	put(f, 10, 1);
	put(f, 10 + HISTORY_FINE, 2); /* the same place, a day later */
	assert_int_not_equal(f->clock.marks.fine[10], 0);
	put(f, 10 + 2 * HISTORY_FINE - 1, 3);
	assert_int_equal(f->clock.marks.fine[11], 0);
	assert_int_equal(
	    f->clock.marks.fine[10], HISTORY_PRESENT | HISTORY_GOOD);
	put(f, 10 + 2 * HISTORY_FINE, 4);
	assert_true(f->clock.series[0].fine[10] == 4);
}

/* What is older than the ring is not taken for what is new. */
static void a_long_gap_clears_all(void **state)
{
	struct history_file *f = *state;
	uint64_t later = 1000 + 40 * (uint64_t)HISTORY_FINE;

	for (uint64_t cell = 100; cell < 1000; cell++)
		put(f, cell, 1);
	history_advance(f, later);
	for (unsigned i = 0; i < HISTORY_FINE; i++)
		assert_int_equal(f->clock.marks.fine[i], 0);
	for (unsigned i = 0; i < HISTORY_COARSE; i++)
		assert_int_equal(f->clock.marks.coarse[i], 0);
}

/* The coarse cell that goes on is not cleared. */
static void a_short_gap_keeps_the_half_hour(void **state)
{
	struct history_file *f = *state;

	put(f, 240, 1);
	put(f, 300, 3);
	assert_true(f->clock.series[0].coarse[2].mean == 2);
	put(f, 370, 3);
	assert_int_not_equal(f->clock.marks.coarse[2], 0);
	assert_int_equal(f->clock.marks.coarse[4], 0);
}

static void time_does_not_go_back(void **state)
{
	struct history_file *f = *state;

	put(f, 100, 1);
	history_advance(f, 50);
	assert_int_equal(f->head.cell, 100);
	assert_int_not_equal(f->clock.marks.fine[100], 0);
}

static void a_cell_without_a_sample_has_a_stage_alone(void **state)
{
	struct history_file *f = *state;
	const double values[HISTORY_SOURCE_VALUES] = {-5, 70};
	int at = place(f, "a", "a");
	const struct history_source *s = &f->sources[at];

	history_advance(f, 7);
	history_put_source(f, at, 4, false, NULL);
	assert_int_equal(s->marks.fine[7], HISTORY_PRESENT | 4);
	assert_true(isnan(s->series[HISTORY_SOURCE_OFFSET].fine[7]));
	history_put_source(f, at, 2, true, values);
	/* What is known of the cell stays. */
	history_put_source(f, at, 2, true, NULL);
	assert_true(s->series[HISTORY_SOURCE_OFFSET].fine[7] == -5);
	assert_true(s->series[HISTORY_SOURCE_DELAY].coarse[0].max == 70);
	assert_int_equal(s->marks.fine[7], HISTORY_PRESENT | HISTORY_GOOD | 2);
}

static void the_stage_of_half_an_hour_is_that_of_most_cells(void **state)
{
	struct history_file *f = *state;
	int at = place(f, "a", "a");

	for (uint64_t cell = 120; cell < 160; cell++) {
		history_advance(f, cell);
		history_put_source(f, at, cell < 130 ? 1 : 2, true, NULL);
	}
	assert_int_equal(
	    f->sources[at].marks.coarse[1], HISTORY_PRESENT | HISTORY_GOOD | 2);
}

static void a_source_keeps_its_place(void **state)
{
	struct history_file *f = *state;
	int a = place(f, "a", "a b c"), b = place(f, "b", "a b c");

	assert_int_not_equal(a, b);
	assert_int_equal(place(f, "b", "a b c"), b);
	assert_int_equal(place(f, "a", "a b c"), a);
}

static void a_new_source_takes_the_place_of_the_one_that_is_gone_longest(
    void **state)
{
	struct history_file *f = *state;
	int a = place(f, "a", "a b c"), b = place(f, "b", "a b c");

	assert_true(place(f, "c", "a b c") >= 0);
	history_advance(f, 10);
	history_put_source(f, b, 2, true, NULL);
	history_advance(f, 20);
	history_put_source(f, a, 2, true, NULL);
	history_advance(f, 25);
	assert_int_equal(place(f, "d", "c d"), b);
	assert_string_equal(f->sources[b].name, "d");
	assert_int_equal(f->sources[b].marks.fine[10], 0);
	assert_int_equal(place(f, "e", "a c d e"), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_new_history_knows_nothing),
	    TEST(the_sequence_is_odd_while_something_changes),
	    TEST(unknown_is_not_zero),
	    TEST(half_an_hour_keeps_min_mean_and_max),
	    TEST(a_lost_clock_makes_the_half_hour_lost),
	    TEST(cells_that_passed_are_a_gap),
	    TEST(a_long_gap_clears_all),
	    TEST(a_short_gap_keeps_the_half_hour),
	    TEST(time_does_not_go_back),
	    TEST(a_cell_without_a_sample_has_a_stage_alone),
	    TEST(the_stage_of_half_an_hour_is_that_of_most_cells),
	    TEST(a_source_keeps_its_place),
	    TEST(a_new_source_takes_the_place_of_the_one_that_is_gone_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
