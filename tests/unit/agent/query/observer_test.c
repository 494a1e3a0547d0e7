/* What the observer writes into the history, in the small world. */
#include "agent/query/observer.h"

#include "agent/engine/adopt.h"
#include "agent/engine/disturbance.h"
#include "agent/engine/saving.h"
#include "agent/engine/sources.h"
#include "agent/history/rings.h"
#include "agent/query/status.h"
#include "tests/unit/agent/engine/world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define CELL_NS (HISTORY_FINE_S * NS_PER_S)

struct watched {
	struct world *world;
	struct history_file *file;
	struct observer observer;
	int64_t started;
};

static struct watched *watch(struct world *world)
{
	struct watched *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->world = world;
	w->file = malloc(history_size(4));
	assert_non_null(w->file);
	history_init(w->file, 4);
	w->started = world->now;
	observer_start(&w->observer, w->file, &world->engine);
	return w;
}

static void end(struct watched *w)
{
	world_end(w->world);
	free(w->file);
	free(w);
}

static void look(struct watched *w)
{
	uint64_t cell = 1 + (uint64_t)((w->world->now - w->started) / CELL_NS);

	observer_look(
	    &w->observer, &w->world->engine, cell, world_reading(w->world));
}

/* Looks each second. */
static void run(struct watched *w, int seconds)
{
	while (seconds-- > 0) {
		world_run(w->world, NS_PER_S);
		look(w);
	}
}

static unsigned count(const struct watched *w, enum history_event_kind kind)
{
	unsigned n = 0;

	for (uint64_t i = 0; i < w->file->head.events; i++)
		n += w->file->events[i].kind == kind;
	return n;
}

/* The last event of this kind. */
static const struct history_event *event(
    const struct watched *w, enum history_event_kind kind)
{
	for (uint64_t i = w->file->head.events; i-- > 0;)
		if (w->file->events[i].kind == kind)
			return &w->file->events[i];
	fail_msg("no event %s", history_event_name(kind));
	return NULL;
}

static void assert_text(
    const struct watched *w, enum history_event_kind kind, const char *part)
{
	const char *text = event(w, kind)->text;

	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

static struct watched *started(unsigned sources, int64_t offset_ns)
{
	struct world *world = world_new(sources, offset_ns, 3);

	world_start(world);
	return watch(world);
}

static void a_start_is_told_in_order(void **state)
{
	static const enum history_event_kind kinds[] = {HISTORY_START,
	    HISTORY_KEYS, HISTORY_STAGE_CHANGED, HISTORY_SELECTED,
	    HISTORY_SYNC};
	struct watched *w = started(1, 0);

	(void)state;
	run(w, 60);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		assert_int_equal(w->file->events[i].kind, kinds[i]);
	assert_text(w, HISTORY_START, "started with 1 source");
	assert_text(w, HISTORY_KEYS, "certificate \"");
	assert_text(w, HISTORY_STAGE_CHANGED, "polling after start");
	assert_string_equal(
	    event(w, HISTORY_KEYS)->source, w->world->config.sources[0].name);
	assert_int_equal(count(w, HISTORY_SELECTED), 1);
	assert_int_equal(count(w, HISTORY_SYNC), 1);
	assert_int_equal(count(w, HISTORY_ALARM), 0);
	assert_int_equal(count(w, HISTORY_TROUBLE), 0);
	assert_string_equal(w->file->head.stages[STAGE_POLLING], "polling");
	end(w);
}

/* Worlds of which each has another bound. */
static void a_bound_is_never_rounded_down(void **state)
{
	(void)state;
	for (int64_t i = 0; i < 20; i++) {
		struct watched *w = started(1, i * 1000 * NS_PER_US);
		struct tracking t;
		const char *at;
		double bound_s;

		while (count(w, HISTORY_SYNC) == 0)
			run(w, 1);
		steering_tracking(w->world->engine.steering,
		    &w->world->engine.timescale, world_reading(w->world).wall,
		    &t);
		at = strstr(event(w, HISTORY_SYNC)->text, "at most ");
		assert_non_null(at);
		bound_s = strtod(at + strlen("at most "), NULL);
		assert_true(bound_s > s_of_ns(status_bound_ns(&t)) - 1e-9);
		assert_true(bound_s < s_of_ns(status_bound_ns(&t)) + 2e-6);
		end(w);
	}
}

/* Of an offset, and of the frequency of the oscillator. */
static void positive_means_that_the_clock_is_fast(void **state)
{
	struct world *world = world_new(1, 5 * NS_PER_MS, 3);
	const struct history_file *f;
	struct watched *w;

	(void)state;
	world->options.no_clock = true;
	world_start(world);
	w = watch(world);
	f = w->file;
	for (int i = 0; i < 14 && w->world->engine.sources[0].count.good == 0;
	     i++)
		run(w, 1);
	assert_int_equal(f->head.cell, 1);
	assert_true(f->sources[0].series[HISTORY_SOURCE_OFFSET].fine[1] > 1e6f);
	assert_true(f->clock.series[HISTORY_CLOCK_OFFSET].fine[1] > 1e6f);
	run(w, 600);
	/* The oscillator runs 3 ppm fast. */
	assert_true(fabs((double)w->file->clock.series[HISTORY_CLOCK_FREQUENCY]
			     .fine[w->file->head.cell] -
			 3) < 0.5);
	end(w);
}

static void a_step_says_how_far_and_where(void **state)
{
	struct watched *w = started(1, 5 * NS_PER_S);

	(void)state;
	run(w, 60);
	assert_int_equal(count(w, HISTORY_STEP), w->world->steps);
	assert_int_equal(w->world->steps, 1);
	assert_text(w, HISTORY_STEP, "stepped back by 5.00");
	end(w);
}

static void (*command_of_world)(void *self, const struct keeper_message *m);
static struct watched *looker;

static void command_and_look(void *self, const struct keeper_message *m)
{
	command_of_world(self, m);
	look(looker);
}

/* The kernel's clock is stepped before the engine hears of it. */
static void a_look_before_the_report_hides_no_step(void **state)
{
	struct watched *w = started(1, -3 * NS_PER_S);

	(void)state;
	looker = w;
	command_of_world = w->world->engine.ports.command;
	w->world->engine.ports.command = command_and_look;
	run(w, 60);
	assert_int_equal(count(w, HISTORY_STEP), 1);
	assert_text(w, HISTORY_STEP, "stepped forward by 2.9999");
	end(w);
}

static void nothing_is_known_before_the_first_sample(void **state)
{
	struct watched *w = started(1, 0);
	const struct history_clock *c = &w->file->clock;

	(void)state;
	w->world->no_resolver = true;
	run(w, 20);
	assert_int_equal(c->marks.fine[1], HISTORY_PRESENT);
	for (unsigned v = 0; v < HISTORY_CLOCK_VALUES; v++)
		assert_true(isnan(c->series[v].fine[1]));
	assert_true(isnan(w->file->sources[0].series[0].fine[1]));
	end(w);
}

static void silence_is_one_event_until_it_is_over(void **state)
{
	struct watched *w = watch(world_running(2, 300 * NS_PER_S));

	(void)state;
	run(w, 10);
	w->world->silent[0] = true;
	run(w, 600);
	assert_int_equal(count(w, HISTORY_TROUBLE), 1);
	assert_text(w, HISTORY_TROUBLE, "silence: ");
	assert_string_equal(event(w, HISTORY_TROUBLE)->source,
	    w->world->config.sources[0].name);
	w->world->silent[0] = false;
	run(w, 600);
	assert_int_equal(count(w, HISTORY_WELL), 1);
	assert_int_equal(count(w, HISTORY_TROUBLE), 1);
	end(w);
}

/* However often it is tried again. */
static void keys_that_fail_are_one_event(void **state)
{
	struct watched *w = started(2, 0);

	(void)state;
	w->world->keys_fail[1] = true;
	run(w, 900);
	assert_true(w->world->asks > 5);
	assert_int_equal(count(w, HISTORY_KEYS_FAILED), 1);
	assert_text(w, HISTORY_KEYS_FAILED, "certificate: ");
	assert_int_equal(count(w, HISTORY_STAGE_CHANGED), 2);
	w->world->keys_fail[1] = false;
	run(w, 1200);
	assert_int_equal(count(w, HISTORY_WELL), 1);
	end(w);
}

static void each_crash_is_an_event(void **state)
{
	struct watched *w = started(1, 0);

	(void)state;
	w->world->jobs_crash[0] = true;
	/* The loop looks after each; two may come within a second. */
	for (int i = 0; i < 1200; i++) {
		world_run(w->world, NS_PER_S / 4);
		look(w);
	}
	assert_true(count(w, HISTORY_CRASH) >= 2);
	assert_int_equal(
	    count(w, HISTORY_CRASH), w->world->engine.sources[0].count.crashes);
	assert_text(w, HISTORY_CRASH, "since the start");
	assert_int_equal(count(w, HISTORY_KEYS_FAILED), 0);
	end(w);
}

static void another_address_of_a_pool_is_an_event(void **state)
{
	struct world *world = world_new(5, 0, 0);
	struct watched *w;
	int dead;

	(void)state;
	world_make_pool(world, 4);
	world_start(world);
	world_run(world, 60 * NS_PER_S);
	w = watch(world);
	run(w, 10);
	assert_int_equal(count(w, HISTORY_REPLACED), 0);
	dead = world_server_of(world, 1);
	world->silent[dead] = true;
	run(w, 600);
	assert_int_equal(count(w, HISTORY_REPLACED), 1);
	assert_string_equal(event(w, HISTORY_REPLACED)->source, "p#2");
	assert_text(
	    w, HISTORY_REPLACED, "192.0.2.5 takes the place of 192.0.2.2");
	end(w);
}

static void a_falseticker_is_outvoted_and_comes_back(void **state)
{
	struct watched *w = watch(world_running(4, 300 * NS_PER_S));

	(void)state;
	run(w, 10);
	w->world->peer_error_ns[2] = 200 * NS_PER_MS;
	run(w, 600);
	assert_int_equal(count(w, HISTORY_OUTVOTED), 1);
	assert_string_equal(event(w, HISTORY_OUTVOTED)->source,
	    w->world->config.sources[2].name);
	w->world->peer_error_ns[2] = 0;
	run(w, 2000);
	assert_int_equal(count(w, HISTORY_AGREES), 1);
	end(w);
}

/* After the last event of too many, an hour without trouble is one. */
static void a_source_that_is_steady_again_is_an_event(void **state)
{
	struct watched *w = watch(world_running(2, 300 * NS_PER_S));

	(void)state;
	run(w, 10);
	for (int i = 0; i < 8; i++) {
		w->world->silent[1] = true;
		run(w, 400);
		w->world->silent[1] = false;
		run(w, 400);
	}
	assert_true(w->observer.sources[1].troubles.muted);
	assert_int_equal(count(w, HISTORY_TROUBLE) + count(w, HISTORY_WELL),
	    BUDGET_LINES_MAX);
	run(w, 2 * 3600);
	assert_false(w->observer.sources[1].troubles.muted);
	assert_int_equal(count(w, HISTORY_TROUBLE) + count(w, HISTORY_WELL),
	    BUDGET_LINES_MAX + 1);
	end(w);
}

static void change_sides(struct watched *w)
{
	for (int i = 0; i < 8; i++) {
		w->world->peer_error_ns[2] = 200 * NS_PER_MS;
		run(w, 1500);
		w->world->peer_error_ns[2] = 0;
		run(w, 1500);
	}
	assert_true(w->observer.sources[2].votes.muted);
}

static void one_that_agrees_for_long_after_many_changes_is_an_event(
    void **state)
{
	struct watched *w = watch(world_running(4, 300 * NS_PER_S));
	unsigned before;

	(void)state;
	run(w, 10);
	change_sides(w);
	before = count(w, HISTORY_AGREES);
	run(w, 2 * 3600);
	assert_int_equal(count(w, HISTORY_AGREES), before + 1);
	end(w);
}

static void one_that_stays_outvoted_after_many_changes_is_an_event(void **state)
{
	struct watched *w = watch(world_running(4, 300 * NS_PER_S));
	unsigned before;

	(void)state;
	run(w, 10);
	change_sides(w);
	before = count(w, HISTORY_OUTVOTED);
	w->world->peer_error_ns[2] = 200 * NS_PER_MS;
	run(w, 2 * 3600);
	assert_int_equal(count(w, HISTORY_OUTVOTED), before + 1);
	end(w);
}

static void a_jump_is_a_disturbance(void **state)
{
	struct watched *w = watch(world_running(2, 300 * NS_PER_S));

	(void)state;
	run(w, 10);
	w->world->wall += 2 * NS_PER_S;
	run(w, 120);
	assert_int_equal(count(w, HISTORY_DISTURBED), 1);
	end(w);
}

/* Another program sets the frequency all the time. */
static void a_rival_makes_a_few_events(void **state)
{
	struct watched *w = watch(world_running(2, 3600 * NS_PER_S));
	struct engine *e = &w->world->engine;
	struct keeper_report r = {
	    .verdict = KEEPER_FREQ_CHANGED, .change_count = 1};

	(void)state;
	run(w, 10);
	for (int i = 0; i < 900; i++) {
		r.changes[0] = (struct clock_change){
		    {w->world->wall}, 0, w->world->freq_ppm};
		engine_meddled(e, &r);
		assert_int_equal(e->disturbed.at.ns, e->now.mono.ns);
		run(w, 4);
	}
	assert_in_range(count(w, HISTORY_DISTURBED), 2, BUDGET_LINES_MAX);
	assert_text(w, HISTORY_DISTURBED, "again and again: no more events");
	end(w);
}

static void an_order_changes_the_stage(void **state)
{
	struct watched *w = watch(world_running(2, 300 * NS_PER_S));

	(void)state;
	run(w, 10);
	engine_take_offline(&w->world->engine, 1);
	run(w, 20);
	assert_text(w, HISTORY_STAGE_CHANGED, "offline-keyed after polling");
	assert_int_equal(
	    w->file->sources[1].marks.fine[w->file->head.cell] & HISTORY_STAGE,
	    STAGE_OFFLINE_KEYED);
	assert_int_equal(
	    w->file->sources[1].marks.fine[w->file->head.cell] & HISTORY_GOOD,
	    0);
	end(w);
}

/* Every server says that the clock is a day wrong. */
static void an_alarm_has_its_reason(void **state)
{
	struct watched *w = watch(world_running(1, 300 * NS_PER_S));

	(void)state;
	run(w, 10);
	w->world->peer_error_ns[0] = 86400 * NS_PER_S;
	run(w, 600);
	assert_int_equal(count(w, HISTORY_LOST), 1);
	assert_int_equal(count(w, HISTORY_ALARM), 1);
	assert_text(w, HISTORY_ALARM, "refuse-threshold");
	end(w);
}

/* The number in its reason changes with each sample. */
static void an_alarm_that_lasts_is_one_event(void **state)
{
	struct watched *w = watch(world_running(1, 300 * NS_PER_S));
	char first[sizeof(w->observer.alarm)];

	(void)state;
	run(w, 10);
	w->world->peer_error_ns[0] = 86400 * NS_PER_S;
	run(w, 600);
	strcpy(first, world_tracking(w->world).reason);
	w->world->osc_ppm += 100;
	run(w, 7200);
	assert_string_not_equal(world_tracking(w->world).reason, first);
	assert_int_equal(count(w, HISTORY_ALARM), 1);
	end(w);
}

static void more_sources_than_places_are_told_once(void **state)
{
	struct world *world = world_new(5, 0, 0);
	struct watched *w;

	(void)state;
	world_start(world);
	w = watch(world);
	run(w, 60);
	assert_int_equal(w->observer.sources[4].place, -1);
	assert_true(w->observer.told_full);
	end(w);
}

/* At the start, and when they are read again. */
static void files_that_are_not_used_are_counted(void **state)
{
	struct world *world = world_new(1, 0, 3);
	struct watched *w;

	(void)state;
	world->config.unused_file_count = 1;
	world_start(world);
	w = watch(world);
	assert_text(
	    w, HISTORY_START, "with 1 source; 1 file of sources.d is not used");
	world->config.unused_file_count = 2;
	w->observer.config = NULL;
	run(w, 1);
	assert_text(w, HISTORY_RELOAD,
	    "read again: 1 source; 2 files of sources.d are not used");
	end(w);
}

static void what_is_not_saved_is_an_event_and_so_is_its_end(void **state)
{
	struct watched *w = started(1, 0);
	struct engine *e = &w->world->engine;

	(void)state;
	run(w, 5);
	engine_saving_result(e, UNSAVED_KEYS, "no space is left");
	run(w, 1);
	assert_text(w, HISTORY_TROUBLE,
	    "keys do not survive a restart: no space is left; ");
	assert_int_equal(count(w, HISTORY_WELL), 0);
	engine_saving_result(e, UNSAVED_KEYS, "");
	run(w, 1);
	assert_text(w, HISTORY_WELL, "the keys can be saved again");
	run(w, 5);
	assert_int_equal(count(w, HISTORY_TROUBLE), 1);
	assert_int_equal(count(w, HISTORY_WELL), 1);
	end(w);
}

static void the_end_is_the_last_event(void **state)
{
	struct watched *w = started(1, 0);

	(void)state;
	run(w, 5);
	observer_end(&w->observer, world_reading(w->world));
	assert_int_equal(
	    w->file->events[w->file->head.events - 1].kind, HISTORY_END);
	assert_int_equal(w->file->head.sequence % 2, 0);
	end(w);
}

static void without_a_file_nothing_is_watched(void **state)
{
	struct world *world = world_new(1, 0, 0);
	struct observer o;

	(void)state;
	world_start(world);
	observer_start(&o, NULL, &world->engine);
	observer_look(&o, &world->engine, 5, world_reading(world));
	observer_end(&o, world_reading(world));
	world_end(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_start_is_told_in_order),
	    cmocka_unit_test(a_bound_is_never_rounded_down),
	    cmocka_unit_test(positive_means_that_the_clock_is_fast),
	    cmocka_unit_test(a_step_says_how_far_and_where),
	    cmocka_unit_test(a_look_before_the_report_hides_no_step),
	    cmocka_unit_test(nothing_is_known_before_the_first_sample),
	    cmocka_unit_test(silence_is_one_event_until_it_is_over),
	    cmocka_unit_test(keys_that_fail_are_one_event),
	    cmocka_unit_test(each_crash_is_an_event),
	    cmocka_unit_test(another_address_of_a_pool_is_an_event),
	    cmocka_unit_test(a_falseticker_is_outvoted_and_comes_back),
	    cmocka_unit_test(a_source_that_is_steady_again_is_an_event),
	    cmocka_unit_test(
		one_that_agrees_for_long_after_many_changes_is_an_event),
	    cmocka_unit_test(
		one_that_stays_outvoted_after_many_changes_is_an_event),
	    cmocka_unit_test(a_jump_is_a_disturbance),
	    cmocka_unit_test(a_rival_makes_a_few_events),
	    cmocka_unit_test(an_order_changes_the_stage),
	    cmocka_unit_test(an_alarm_has_its_reason),
	    cmocka_unit_test(an_alarm_that_lasts_is_one_event),
	    cmocka_unit_test(more_sources_than_places_are_told_once),
	    cmocka_unit_test(files_that_are_not_used_are_counted),
	    cmocka_unit_test(what_is_not_saved_is_an_event_and_so_is_its_end),
	    cmocka_unit_test(the_end_is_the_last_event),
	    cmocka_unit_test(without_a_file_nothing_is_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
