/* The history over a restart of the agent, with a real file and folder. */
#include "agent/loop/history_file.h"

#include "agent/history/rings.h"
#include "agent/saved/sealed_file.h"
#include "tests/unit/agent/engine/world.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/agent/saved/made_folder.h"
#include "tests/unit/agent/saved/test_key.h"
#include "tests/unit/log_text.h"

#define PLACES 4

struct restart {
	char dir[32];
	struct saved_folder folder;
	struct world *world;
	struct history_keeper keeper;
};

static int empty_file(size_t size)
{
	FILE *f = tmpfile();
	int fd;

	assert_non_null(f);
	fd = dup(fileno(f));
	fclose(f);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

static void open_history(struct restart *r)
{
	r->world->engine.now = world_reading(r->world);
	history_file_open(&r->keeper, empty_file(history_size(PLACES)),
	    &r->folder, &r->world->engine);
}

static int setup(void **state)
{
	struct restart *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	snprintf(r->dir, sizeof(r->dir), "history-XXXXXX");
	made_folder_open(&r->folder, r->dir);
	r->folder.seal = &test_key;
	r->world = world_new(2, 0, 0);
	world_start(r->world);
	open_history(r);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct restart *r = *state;

	history_file_close(&r->keeper);
	world_end(r->world);
	made_folder_drop(&r->folder, r->dir);
	free(r);
	return 0;
}

static void turn(struct restart *r)
{
	history_file_turn(
	    &r->keeper, &r->world->engine, world_reading(r->world));
}

/* A number of seconds that is no whole number of cells: the clock of the world
 * is slewed, so that it may be a little late. */
static void run(struct restart *r, int seconds)
{
	for (; seconds > 0; seconds -= 5) {
		world_run(r->world, 5 * NS_PER_S);
		turn(r);
	}
}

/* Ends the agent, lets time pass, and starts it again. */
static void restart(struct restart *r, int64_t away_s, int64_t wrong_ns)
{
	history_file_end(&r->keeper, world_reading(r->world));
	history_file_close(&r->keeper);
	world_advance(r->world, away_s * NS_PER_S);
	r->world->wall += wrong_ns;
	world_restart(r->world, true);
	open_history(r);
}

static const struct history_clock *clock_of(const struct restart *r)
{
	return &r->keeper.file->clock;
}

static bool has_cell(const struct restart *r, uint64_t cell)
{
	return clock_of(r)->marks.fine[cell % HISTORY_FINE] != 0;
}

static void a_cell_is_fifteen_seconds(void **state)
{
	struct restart *r = *state;

	turn(r);
	assert_int_equal(r->keeper.file->head.cell, 1);
	run(r, 155);
	assert_int_equal(r->keeper.file->head.cell, 11);
	for (uint64_t cell = 1; cell <= 11; cell++)
		assert_true(has_cell(r, cell));
}

/* The agent has work at other times: a cell alone wakes it rarely. */
static void the_history_alone_wakes_the_loop_once_a_minute(void **state)
{
	struct restart *r = *state;
	struct clock_reading now = world_reading(r->world);
	struct mono due;

	/* The first look is due at once. */
	assert_int_equal(
	    history_file_deadline(&r->keeper, now).ns, now.mono.ns);
	turn(r);
	due = history_file_deadline(&r->keeper, now);
	assert_int_equal(due.ns, now.mono.ns + HISTORY_LATE_S * NS_PER_S);
	world_advance(r->world, 61 * NS_PER_S);
	now = world_reading(r->world);
	assert_int_equal(
	    history_file_deadline(&r->keeper, now).ns, now.mono.ns);
	history_file_wake(&r->keeper, &r->world->engine, now);
	turn(r);
	due = history_file_deadline(&r->keeper, now);
	assert_int_equal(due.ns, now.mono.ns + (HISTORY_LATE_S - 1) * NS_PER_S);
}

static float value_of(
    const struct restart *r, enum history_clock_value value, uint64_t cell)
{
	return clock_of(r)->series[value].fine[cell % HISTORY_FINE];
}

static void advance_to_cell(struct restart *r, uint64_t cell)
{
	const struct history_keeper *k = &r->keeper;
	int64_t at_ns = k->base_ns + (int64_t)(cell - k->base_cell) *
					 HISTORY_FINE_S * NS_PER_S;
	int64_t left_ns;

	while ((left_ns = at_ns - world_reading(r->world).boot_ns) > 0)
		world_advance(r->world, left_ns);
}

/* What a cell would have had if the loop had been awake at its beginning. */
static void cells_of_a_sleep_are_filled_at_its_end(void **state)
{
	struct restart *r = *state;
	struct clock_reading now;
	float awake, slept;

	run(r, 155);
	assert_true(r->world->engine.ever_synchronised);
	assert_int_equal(r->keeper.file->head.cell, 11);
	/* Awake: cell 12 begins, and the engine is as it was. */
	advance_to_cell(r, 12);
	turn(r);
	awake = value_of(r, HISTORY_CLOCK_BOUND, 12);
	r->keeper.file->head.cell = 11;
	world_advance(r->world, 47 * NS_PER_S);
	now = world_reading(r->world);
	history_file_wake(&r->keeper, &r->world->engine, now);
	assert_int_equal(r->keeper.file->head.cell, 14);
	slept = value_of(r, HISTORY_CLOCK_BOUND, 12);
	assert_true(fabsf(slept - awake) < 1e-6F * awake);
	assert_true(value_of(r, HISTORY_CLOCK_BOUND, 14) > slept);
	turn(r);
	for (uint64_t cell = 1; cell <= 15; cell++)
		assert_true(has_cell(r, cell));
}

/* A machine that slept did not know anything. */
static void cells_of_a_suspend_stay_empty(void **state)
{
	struct restart *r = *state;

	run(r, 155);
	world_advance(
	    r->world, (HISTORY_LATE_S + 2 * HISTORY_FINE_S) * NS_PER_S);
	history_file_wake(
	    &r->keeper, &r->world->engine, world_reading(r->world));
	turn(r);
	assert_int_equal(r->keeper.file->head.cell, 17);
	assert_true(has_cell(r, 11) && has_cell(r, 17));
	for (uint64_t cell = 12; cell < 17; cell++)
		assert_false(has_cell(r, cell));
}

static void a_restart_leaves_a_gap_as_long_as_it_took(void **state)
{
	struct restart *r = *state;

	run(r, 155);
	restart(r, 302, 0);
	turn(r);
	assert_true(has_cell(r, 5) && has_cell(r, 11));
	/* 302 s are 20 cells; the present one is not that of the end. */
	assert_int_equal(r->keeper.file->head.cell, 11 + 20 + 1);
	for (uint64_t cell = 12; cell < 32; cell++)
		assert_false(has_cell(r, cell));
	assert_true(has_cell(r, 32));
	assert_string_equal(
	    r->keeper.file->sources[0].name, r->world->config.sources[0].name);
}

/* The configured sources keep their history, if there are more saved ones than
 * places. */
static void a_configured_source_has_a_place_first(void **state)
{
	struct restart *r = *state;
	struct history_source *s = r->keeper.file->sources;

	run(r, 60);
	/* All places but the last one have sources that are gone. */
	s[PLACES - 1] = s[0];
	for (int i = 0; i < PLACES - 1; i++)
		snprintf(s[i].name, sizeof(s[i].name), "gone %d", i);
	history_file_end(&r->keeper, world_reading(r->world));
	history_file_close(&r->keeper);
	world_restart(r->world, true);
	r->world->engine.now = world_reading(r->world);
	history_file_open(&r->keeper, empty_file(history_size(2)), &r->folder,
	    &r->world->engine);
	assert_int_equal(r->keeper.file->head.sources, 2);
	s = r->keeper.file->sources;
	assert_string_equal(s[0].name, r->world->config.sources[0].name);
	assert_int_not_equal(s[0].marks.fine[3], 0);
	/* The other place goes to a configured source, too. */
	assert_string_equal(s[1].name, r->world->config.sources[1].name);
	assert_int_equal(s[1].marks.fine[3], 0);
}

static void events_go_on(void **state)
{
	struct restart *r = *state;
	uint64_t before;

	run(r, 60);
	before = r->keeper.file->head.events;
	assert_true(before > 1);
	restart(r, 10, 0);
	/* The end, and the start. */
	assert_int_equal(r->keeper.file->head.events, before + 2);
	assert_int_equal(r->keeper.file->events[0].kind, HISTORY_START);
	assert_int_equal(r->keeper.file->events[before].kind, HISTORY_END);
	assert_int_equal(
	    r->keeper.file->events[before + 1].kind, HISTORY_START);
}

/* The machine has no battery: its clock starts in the past. */
static void the_first_step_tells_how_long_it_was_away(void **state)
{
	struct restart *r = *state;

	run(r, 155);
	restart(r, 300, -86400 * NS_PER_S);
	turn(r);
	assert_int_equal(r->keeper.file->head.cell, 12);
	r->world->wall += 86400 * NS_PER_S;
	turn(r);
	run(r, 15);
	/* What the clock was behind, and not the 300 s, which it hid. */
	assert_true(r->keeper.file->head.cell - 12 - 5760 <= 1);
}

/* After the first synchronisation a step moves nothing. */
static void a_step_moves_nothing(void **state)
{
	struct restart *r = *state;

	run(r, 155);
	assert_true(r->world->engine.ever_synchronised);
	r->world->wall += 86400 * NS_PER_S;
	run(r, 15);
	assert_int_equal(r->keeper.file->head.cell, 12);
}

static void spoil(struct restart *r)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", r->dir, HISTORY_FILE_NAME);
	f = fopen(path, "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, 100, SEEK_SET), 0);
	assert_int_equal(fputs("spoiled", f) >= 0, 1);
	fclose(f);
}

static void assert_begins_again(struct restart *r, const char *part)
{
	struct log_text log;
	const char *text;

	log_text_begin(&log);
	open_history(r);
	text = log_text_end(&log);
	assert_non_null(strstr(text, part));
	assert_non_null(strstr(text, "the history begins again\n"));
	/* One sentence. */
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_int_equal(r->keeper.file->head.cell, 1);
	assert_int_equal(r->keeper.file->head.events, 1);
}

static void a_broken_seal_costs_the_history_and_one_line(void **state)
{
	struct restart *r = *state;

	run(r, 60);
	history_file_end(&r->keeper, world_reading(r->world));
	history_file_close(&r->keeper);
	spoil(r);
	assert_begins_again(r, "has a broken seal");
}

static void a_damaged_file_costs_the_history_and_one_line(void **state)
{
	static const struct seal_label label = {"history", ""};
	struct restart *r = *state;

	history_file_close(&r->keeper);
	assert_int_equal(sealed_file_replace(&r->folder, HISTORY_FILE_NAME,
			     label, "NTSAHIST and nonsense", 21),
	    0);
	assert_begins_again(r, "is damaged or of another version");
}

static bool saved(const struct restart *r)
{
	return faccessat(r->folder.fd, HISTORY_FILE_NAME, F_OK, 0) == 0;
}

static void it_is_saved_once_an_hour(void **state)
{
	struct restart *r = *state;

	turn(r);
	history_file_save(&r->keeper, world_reading(r->world));
	assert_false(saved(r));
	world_advance(r->world, 3600 * NS_PER_S);
	history_file_save(&r->keeper, world_reading(r->world));
	assert_true(saved(r));
	assert_int_equal(unlinkat(r->folder.fd, HISTORY_FILE_NAME, 0), 0);
	history_file_save(&r->keeper, world_reading(r->world));
	assert_false(saved(r));
}

static void a_disk_that_fails_is_told_and_tried_again(void **state)
{
	struct restart *r = *state;

	turn(r);
	/* Nothing can take the place of a folder. */
	assert_int_equal(
	    mkdirat(r->folder.fd, HISTORY_FILE_NAME ".new", 0700), 0);
	world_advance(r->world, 3600 * NS_PER_S);
	history_file_save(&r->keeper, world_reading(r->world));
	assert_non_null(strstr(r->keeper.trouble, "cannot write "));
	assert_non_null(strstr(r->keeper.trouble, HISTORY_FILE_NAME));
	assert_int_equal(
	    unlinkat(r->folder.fd, HISTORY_FILE_NAME ".new", AT_REMOVEDIR), 0);
	/* With the samples, and not an hour later. */
	history_file_save(&r->keeper, world_reading(r->world));
	assert_string_equal(r->keeper.trouble, "");
	assert_true(saved(r));
}

static void a_file_that_is_too_short_is_not_used(void **state)
{
	struct restart *r = *state;
	struct history_keeper other;
	struct clock_reading now = world_reading(r->world);

	history_file_open(
	    &other, empty_file(history_size(1) - 1), NULL, &r->world->engine);
	assert_null(other.file);
	history_file_turn(&other, &r->world->engine, now);
	history_file_save(&other, now);
	history_file_end(&other, now);
	assert_int_equal(history_file_deadline(&other, now).ns, MONO_NEVER.ns);
	history_file_close(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_cell_is_fifteen_seconds),
	    TEST(the_history_alone_wakes_the_loop_once_a_minute),
	    TEST(cells_of_a_sleep_are_filled_at_its_end),
	    TEST(cells_of_a_suspend_stay_empty),
	    TEST(a_restart_leaves_a_gap_as_long_as_it_took),
	    TEST(a_configured_source_has_a_place_first),
	    TEST(events_go_on),
	    TEST(the_first_step_tells_how_long_it_was_away),
	    TEST(a_step_moves_nothing),
	    TEST(a_broken_seal_costs_the_history_and_one_line),
	    TEST(a_damaged_file_costs_the_history_and_one_line),
	    TEST(it_is_saved_once_an_hour),
	    TEST(a_disk_that_fails_is_told_and_tried_again),
	    TEST(a_file_that_is_too_short_is_not_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
