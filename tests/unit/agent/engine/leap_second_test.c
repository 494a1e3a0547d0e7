/* Leap seconds in the small world; tests/unit/clock/leap_test.c has the rules.
 */
#include "agent/engine/leap_second.h"
#include "tests/unit/agent/engine/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define DAY_S INT64_C(86400)
/* 2029-01-01 00:00:00 */
#define MIDNIGHT_S INT64_C(1861920000)
#define MIDNIGHT_NS (MIDNIGHT_S * NS_PER_S)

/* A world that is synchronised ten minutes after `now_s`. The first `announce`
 * servers announce a leap second. */
static struct world *eve_from(
    unsigned sources, unsigned announce, enum leap leap, int64_t now_s)
{
	struct world *w = world_new(sources, 0, 37);

	w->now = w->wall = now_s * NS_PER_S;
	for (unsigned i = 0; i < announce; i++)
		w->peers[i].leap = (uint8_t)leap;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	return w;
}

static struct world *eve(unsigned sources, unsigned announce, enum leap leap)
{
	return eve_from(sources, announce, leap, MIDNIGHT_S - 7200);
}

static void run_until(struct world *w, int64_t after_midnight_ns)
{
	world_run(w, MIDNIGHT_NS + after_midnight_ns - w->now);
}

/* The leap second happens to the kernel and to the servers; `w->now` goes on
 * without it. */
static void leap(struct world *w, int64_t leap_ns)
{
	w->wall += leap_ns;
	for (unsigned i = 0; i < w->config.source_count; i++)
		w->peer_error_ns[i] += leap_ns;
}

static int64_t added(const struct world *w)
{
	return timescale_added_ns(&w->engine.timescale, (struct wall){w->wall});
}

static void a_majority_arms_the_kernel(void **state)
{
	struct world *w = eve(3, 2, LEAP_INSERT);

	(void)state;
	assert_int_equal(w->status.leap, LEAP_INSERT);
	world_end(w);
	w = eve(3, 1, LEAP_INSERT);
	assert_int_equal(w->status.leap, LEAP_NONE);
	world_end(w);
	/* Half of the sources is not a majority. */
	w = eve(2, 1, LEAP_DELETE);
	assert_int_equal(w->status.leap, LEAP_NONE);
	world_end(w);
}

static void another_day_arms_nothing(void **state)
{
	struct world *w =
	    eve_from(3, 3, LEAP_INSERT, MIDNIGHT_S - 7200 - DAY_S);

	(void)state;
	assert_int_equal(w->status.leap, LEAP_NONE);
	world_end(w);
	/* The end of October. */
	w = eve_from(3, 3, LEAP_INSERT, MIDNIGHT_S - 7200 - 61 * DAY_S);
	assert_int_equal(w->status.leap, LEAP_NONE);
	world_end(w);
}

static void a_turned_vote_disarms(void **state)
{
	struct world *w = eve(3, 3, LEAP_INSERT);

	(void)state;
	assert_int_equal(w->status.leap, LEAP_INSERT);
	w->peers[0].leap = w->peers[1].leap = LEAP_NONE;
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(w->status.leap, LEAP_NONE);
	assert_int_equal(w->engine.leap.armed, LEAP_NONE);
	world_end(w);
}

static void a_leap_second_that_was_armed_is_not_a_jump(void **state)
{
	(void)state;
	for (int sign = -1; sign <= 1; sign += 2) {
		enum leap kind = sign < 0 ? LEAP_INSERT : LEAP_DELETE;
		struct world *w = eve(3, 3, kind);
		int64_t moment_ns = sign < 0 ? 0 : -NS_PER_S;
		int64_t added_ns;
		unsigned before;

		run_until(w, moment_ns - NS_PER_MS);
		before = world_view(w, 0).samples;
		added_ns = added(w);
		assert_true(before > 8);
		world_advance(w, NS_PER_MS);
		leap(w, sign * NS_PER_S);
		for (unsigned i = 0; i < 3; i++)
			w->peers[i].leap = LEAP_NONE;
		world_advance(w, NS_PER_S / 10);
		engine_on_timer(&w->engine, world_reading(w));
		/* The jump includes what the base frequency adds in a second,
		 * because the time of the estimate jumps, too. */
		added_ns += (int64_t)(w->freq_ppm * (0.1e3 + sign * 1e3));
		assert_true(llabs(added(w) - added_ns) < NS_PER_US);
		assert_true(world_logged(w,
		    sign < 0
			? "leap second inserted: the clock went from 00:00:00 "
			  "back to 23:59:59 UTC"
			: "leap second left out: the clock went from 23:59:59 "
			  "at once to 00:00:00 UTC"));
		for (int i = 0; i < 60; i++) {
			world_run(w, 10 * NS_PER_S);
			assert_true(llabs(world_error(w) - sign * NS_PER_S) <
				    2 * NS_PER_US);
		}
		assert_true(world_view(w, 0).samples >= before);
		assert_int_equal(w->steps, 0);
		assert_true(w->status.synchronised);
		assert_int_equal(w->status.leap, LEAP_NONE);
		world_end(w);
	}
}

/* Another program takes a second off: that is a foreign step. */
static void a_second_at_another_time_is_a_jump(void **state)
{
	struct world *w = eve(3, 3, LEAP_INSERT);

	(void)state;
	run_until(w, -1800 * NS_PER_S);
	w->wall -= NS_PER_S;
	world_run(w, 30 * NS_PER_S);
	assert_int_equal(w->steps, 1);
	assert_true(world_within(w, NS_PER_MS));
	world_end(w);
}

/* Six hours before the leap second, the third server smears it. */
/* RFC 8633 3.7.1/2 */
static void a_smearing_server_is_named(void **state)
{
	struct world *w =
	    eve_from(3, 2, LEAP_INSERT, MIDNIGHT_S - 6 * 3600 - 600);

	(void)state;
	w->peer_error_ns[2] = -250 * NS_PER_MS;
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(w->engine.leap.smearers, 4);
	assert_non_null(
	    strstr(engine_leap_reason(&w->engine, 2), "around a leap second"));
	assert_null(engine_leap_reason(&w->engine, 0));
	assert_true(world_logged(w, " differs from the others"));
	/* Two days later the season is over. */
	w->peer_error_ns[2] = 0;
	world_run(w, INT64_C(2) * 86400 * NS_PER_S);
	assert_int_equal(w->engine.leap.smearers, 0);
	world_end(w);
}

/* One source smears and one does not: neither has a majority. */
static void of_two_servers_the_one_that_smears_is_found(void **state)
{
	struct world *w =
	    eve_from(2, 1, LEAP_INSERT, MIDNIGHT_S - 6 * 3600 - 600);

	(void)state;
	w->peer_error_ns[1] = -250 * NS_PER_MS;
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(w->engine.leap.smearers, 2);
	world_end(w);
}

/* On a day without a leap second the same difference is an error. */
static void a_falseticker_without_a_leap_second_does_not_smear(void **state)
{
	struct world *w =
	    eve_from(3, 2, LEAP_NONE, MIDNIGHT_S - 6 * 3600 - 600);

	(void)state;
	w->peer_error_ns[2] = -250 * NS_PER_MS;
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(w->engine.leap.smearers, 0);
	world_end(w);
}

static void a_leap_second_in_a_slew_is_followed(void **state)
{
	struct world *w = world_new(3, 0, 37);

	(void)state;
	w->now = w->wall = (MIDNIGHT_S - 7200) * NS_PER_S;
	w->config.steering.max_slew_ppm = 200;
	for (unsigned i = 0; i < 3; i++) {
		w->peers[i].leap = LEAP_INSERT;
		w->config.sources[i].minpoll = w->config.sources[i].maxpoll = 4;
	}
	world_start(w);
	run_until(w, -60 * NS_PER_S);
	/* Too little for a jump. The slew starts after three answers and takes
	 * 75 s. */
	w->wall += 15 * NS_PER_MS;
	run_until(w, -NS_PER_MS);
	assert_true(w->keeper.slewing);
	assert_int_equal(w->status.leap, LEAP_INSERT);
	world_advance(w, NS_PER_MS);
	leap(w, -NS_PER_S);
	world_run(w, 200 * NS_PER_S);
	assert_true(llabs(world_error(w) + NS_PER_S) < 20 * NS_PER_US);
	assert_int_equal(w->steps, 0);
	world_end(w);
}

static void two_smearing_servers_get_one_line(void **state)
{
	struct world *w =
	    eve_from(5, 3, LEAP_INSERT, MIDNIGHT_S - 6 * 3600 - 600);

	(void)state;
	w->peer_error_ns[3] = w->peer_error_ns[4] = -250 * NS_PER_MS;
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(w->engine.leap.smearers, 8 | 16);
	assert_true(world_logged(w, "d, e differ from the others"));
	world_end(w);
}

/* Six hours before, one of three servers smears the leap second. */
static void any_source_may_be_the_one_that_smears(void **state)
{
	static const char *const lines[] = {"second a differs from",
	    "second b differs from", "second c differs from"};

	(void)state;
	for (unsigned smears = 0; smears < 3; smears++) {
		struct world *w = world_new(3, 0, 37);

		w->now = w->wall = (MIDNIGHT_S - 6 * 3600 - 600) * NS_PER_S;
		for (unsigned i = 0; i < 3; i++)
			w->peers[i].leap =
			    i == smears ? LEAP_NONE : LEAP_INSERT;
		world_start(w);
		world_run(w, 600 * NS_PER_S);
		w->peer_error_ns[smears] = -250 * NS_PER_MS;
		world_run(w, 600 * NS_PER_S);
		assert_int_equal(w->engine.leap.smearers, 1 << smears);
		assert_true(world_logged(w, lines[smears]));
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(
			    engine_leap_reason(&w->engine, i) != NULL,
			    i == smears);
		world_end(w);
	}
}

/* Whatever happens later in that second is a foreign step. */
static void a_leap_second_is_executed_once(void **state)
{
	struct world *w = eve(3, 3, LEAP_INSERT);

	(void)state;
	run_until(w, -NS_PER_MS);
	world_forget_log(w);
	world_advance(w, NS_PER_MS);
	leap(w, -NS_PER_S);
	for (unsigned i = 0; i < 3; i++)
		w->peers[i].leap = LEAP_NONE;
	world_advance(w, NS_PER_S / 10);
	engine_on_timer(&w->engine, world_reading(w));
	assert_true(w->engine.leap.executed);
	assert_true(world_logged(w, "leap second inserted"));
	assert_false(world_logged(w, "from outside"));
	w->wall -= NS_PER_S;
	engine_on_timer(&w->engine, world_reading(w));
	assert_true(world_logged(w, "moved by -1.000 s from outside"));
	/* The kernel is disarmed without a line. */
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->engine.leap.armed, LEAP_NONE);
	assert_false(w->engine.leap.executed);
	assert_false(world_logged(w, "after all"));
	world_end(w);
}

/* Before its first tick after midnight, the kernel shows the next day. */
static void a_kernel_that_comes_late_to_midnight_is_no_jump(void **state)
{
	(void)state;
	for (int sign = -1; sign <= 1; sign += 2) {
		struct world *w =
		    eve(3, 3, sign < 0 ? LEAP_INSERT : LEAP_DELETE);
		int64_t moment_ns = sign < 0 ? 0 : -NS_PER_S;

		run_until(w, moment_ns - NS_PER_MS);
		world_forget_log(w);
		world_advance(w, 4 * NS_PER_MS);
		engine_on_timer(&w->engine, world_reading(w));
		world_advance(w, NS_PER_MS);
		leap(w, sign * NS_PER_S);
		engine_on_timer(&w->engine, world_reading(w));
		assert_true(world_logged(w, "leap second "));
		assert_false(world_logged(w, "after all"));
		assert_false(world_logged(w, "from outside"));
		assert_true(
		    llabs(world_error(w) - sign * NS_PER_S) < 20 * NS_PER_US);
		assert_int_equal(w->steps, 0);
		world_end(w);
	}
}

/* An order comes too late, or its bound is too large for Linux: the engine
 * believes what the keeper reports, not what it has ordered. */
static void what_the_keeper_reports_is_believed(void **state)
{
	const struct clock_command c = {
	    .synchronised = true, .leap = LEAP_INSERT};
	struct world *w = eve(3, 0, LEAP_NONE);

	(void)state;
	engine_leap_armed(&w->engine, &c, LEAP_NONE);
	assert_int_equal(w->engine.leap.armed, LEAP_NONE);
	assert_false(world_logged(w, "a leap second is inserted"));
	engine_leap_armed(&w->engine, &c, LEAP_INSERT);
	assert_int_equal(w->engine.leap.armed, LEAP_INSERT);
	assert_true(world_logged(w, "a leap second is inserted"));
	world_end(w);
}

/* The sentence has the true cause: the sources, or the clock. */
static void a_second_that_is_disarmed_has_its_cause(void **state)
{
	const struct clock_command c = {
	    .synchronised = true, .leap = LEAP_INSERT};
	struct world *w = eve(3, 3, LEAP_INSERT);

	(void)state;
	world_forget_log(w);
	engine_leap_armed(&w->engine, &c, LEAP_NONE);
	assert_true(world_logged(w, "although the sources announce it"));
	assert_false(world_logged(w, "do not announce it"));
	world_end(w);
	w = eve(3, 0, LEAP_NONE);
	engine_leap_armed(&w->engine, &c, LEAP_INSERT);
	world_forget_log(w);
	engine_leap_armed(&w->engine, &c, LEAP_NONE);
	assert_true(world_logged(w, "do not announce it any more"));
	assert_false(world_logged(w, "although"));
	world_end(w);
}

/* For the keeper, the leap second of this week is over. */
static void what_a_real_keeper_did_not_arm_is_not_armed(void **state)
{
	struct world *w = eve(3, 3, LEAP_INSERT);

	(void)state;
	assert_int_equal(w->engine.leap.armed, LEAP_INSERT);
	world_forget_log(w);
	w->keeper.leap_until = (struct mono){w->mono};
	world_run(w, 100 * NS_PER_S);
	assert_int_equal(w->status.leap, LEAP_NONE);
	assert_int_equal(w->engine.leap.armed, LEAP_NONE);
	assert_true(world_logged(w, "although the sources announce it"));
	world_end(w);
}

/* leapsecmode = slew: an agent that does not know the time does nothing. */
static void an_agent_without_the_time_plans_no_leap_second(void **state)
{
	struct clock_command c = {.synchronised = true};
	struct world *w = eve(3, 3, LEAP_INSERT);

	(void)state;
	w->config.steering.leap_mode = LEAP_MODE_SLEW;
	engine_leap_armed(&w->engine, &c, LEAP_NONE);
	assert_int_equal(w->engine.leap.armed, LEAP_INSERT);
	c.synchronised = false;
	engine_leap_armed(&w->engine, &c, LEAP_NONE);
	assert_int_equal(w->engine.leap.armed, LEAP_NONE);
	world_end(w);
}

/* Half a second later it does not come any more. */
static void a_leap_second_that_never_comes_is_reported(void **state)
{
	struct world *w = eve(3, 3, LEAP_INSERT);

	(void)state;
	run_until(w, -NS_PER_MS);
	world_forget_log(w);
	world_run(w, 120 * NS_PER_S);
	assert_false(world_logged(w, "after all"));
	assert_true(
	    world_logged(w, "the kernel did not execute the leap second"));
	w->wall -= NS_PER_S;
	engine_on_timer(&w->engine, world_reading(w));
	assert_true(world_logged(w, "moved by -1.000 s from outside"));
	world_end(w);
}

/* Such an order would disarm the kernel. */
static void no_order_goes_to_a_kernel_that_is_about_to_leap(void **state)
{
	static const struct {
		int64_t at_ms, wait_ms;
	} rows[] = {{-4000, 0}, {-3001, 0}, {-3000, 3500}, {0, 500}, {4, 496},
	    {499, 1}, {500, 0}, {60000, 0}};
	struct world *w = eve(3, 3, LEAP_INSERT);
	struct engine *e = &w->engine;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		e->now.wall.ns = MIDNIGHT_NS + rows[i].at_ms * NS_PER_MS;
		assert_int_equal(engine_leap_wait_ns(e, e->now.wall),
		    rows[i].wait_ms * NS_PER_MS);
	}
	e->now.wall.ns = MIDNIGHT_NS;
	e->leap.executed = true;
	assert_int_equal(engine_leap_wait_ns(e, e->now.wall), 0);
	e->leap.executed = false;
	e->leap.armed = LEAP_NONE;
	assert_int_equal(engine_leap_wait_ns(e, e->now.wall), 0);
	e->leap.armed = LEAP_INSERT;
	e->leap.ours = true;
	assert_int_equal(engine_leap_wait_ns(e, e->now.wall), 0);
	world_end(w);
}

static void a_decision_waits_until_the_kernel_has_leapt(void **state)
{
	struct world *w = eve(3, 3, LEAP_INSERT);
	unsigned before;
	int64_t left_ns;

	(void)state;
	run_until(w, -NS_PER_MS);
	world_advance(w, 4 * NS_PER_MS);
	before = w->commands;
	w->engine.decide_at.ns = 0;
	engine_on_timer(&w->engine, world_reading(w));
	assert_int_equal(w->commands, before);
	left_ns = w->engine.decide_at.ns - w->engine.now.mono.ns;
	assert_true(llabs(left_ns - 497 * NS_PER_MS) < NS_PER_US);
	world_end(w);
}

static void each_change_of_what_is_armed_has_a_line(void **state)
{
	static const struct {
		enum leap kernel;
		const char *line;
	} table[] = {
	    {LEAP_NONE, NULL},
	    {LEAP_INSERT, "is inserted at the end of today"},
	    {LEAP_INSERT, NULL},
	    {LEAP_NONE, "no leap second at the end"},
	    {LEAP_DELETE, "is left out at the end of today"},
	    {LEAP_NONE, "no leap second at the end"},
	};
	const struct clock_command c = {.synchronised = true};
	struct world *w = world_running(1, 60 * NS_PER_S);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		world_forget_log(w);
		engine_leap_armed(&w->engine, &c, table[i].kernel);
		assert_int_equal(w->engine.leap.armed, table[i].kernel);
		if (table[i].line)
			assert_true(world_logged(w, table[i].line));
		else
			assert_string_equal(w->log, "");
	}
	world_end(w);
}

/* The season begins thirteen hours before. What a server announced before it
 * lost its own time does not count. */
static void only_a_usable_source_announces_a_leap_second(void **state)
{
	(void)state;
	for (int usable = 0; usable < 2; usable++) {
		struct world *w =
		    eve_from(3, 1, LEAP_INSERT, MIDNIGHT_S - 14 * 3600);

		assert_false(w->engine.leap.announced);
		if (!usable)
			w->peers[0].stratum = 16;
		run_until(w, -12 * 3600 * NS_PER_S);
		assert_int_equal(world_view(w, 0).leap, LEAP_INSERT);
		assert_int_equal(
		    world_view(w, 0).state == SELECT_UNSYNCED, !usable);
		assert_int_equal(w->engine.leap.announced, usable);
		world_end(w);
	}
}

/* It ends at the leap second, and the smearing goes on for half a day. */
static void an_announcement_counts_for_25_hours(void **state)
{
	static const struct {
		bool announced;
		int64_t age_ns;
		uint64_t smearers;
	} table[] = {
	    {false, 0, 0},
	    {true, 0, 4},
	    {true, 25 * 3600 * NS_PER_S - 1, 4},
	    {true, 25 * 3600 * NS_PER_S, 0},
	};
	struct world *w =
	    eve_from(3, 0, LEAP_NONE, MIDNIGHT_S - 6 * 3600 - 600);
	struct engine *e = &w->engine;

	(void)state;
	w->peer_error_ns[2] = -250 * NS_PER_MS;
	world_run(w, 600 * NS_PER_S);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		e->leap.smearers = 0;
		e->leap.announced = table[i].announced;
		e->leap.announced_at =
		    mono_after(e->now.mono, -table[i].age_ns);
		engine_leap_look(e);
		assert_int_equal(e->leap.smearers, table[i].smearers);
	}
	world_end(w);
}

/* One line for each server, also when it still smears or smears again. */
static void a_server_that_smears_is_named_once(void **state)
{
	struct world *w =
	    eve_from(3, 2, LEAP_INSERT, MIDNIGHT_S - 6 * 3600 - 600);

	(void)state;
	w->peer_error_ns[2] = -250 * NS_PER_MS;
	world_run(w, 600 * NS_PER_S);
	assert_true(world_logged(w, "c differs"));
	world_forget_log(w);
	world_run(w, 600 * NS_PER_S);
	assert_false(world_logged(w, "differs"));
	w->peer_error_ns[2] = 0;
	world_run(w, 600 * NS_PER_S);
	w->peer_error_ns[2] = -250 * NS_PER_MS;
	world_run(w, 600 * NS_PER_S);
	assert_false(world_logged(w, "differs"));
	assert_int_equal(w->engine.leap.smearers, 4);
	world_end(w);
}

/* With leapsecmode = ignore the kernel is not armed. The servers show the leap
 * second, and the clock is slewed after them. */
/* RFC 8633 3.7.1/1 */
static void an_ignored_leap_second_is_slewed(void **state)
{
	struct world *w = world_new(3, 0, 37);

	(void)state;
	w->config.steering.leap_mode = LEAP_MODE_IGNORE;
	w->now = w->wall = (MIDNIGHT_S - 7200) * NS_PER_S;
	for (unsigned i = 0; i < 3; i++)
		w->peers[i].leap = LEAP_INSERT;
	world_start(w);
	run_until(w, -NS_PER_MS);
	assert_true(world_synchronised(w));
	assert_int_equal(w->status.leap, LEAP_NONE);
	assert_int_equal(w->engine.leap.armed, LEAP_NONE);
	for (unsigned i = 0; i < 3; i++) {
		w->peers[i].leap = LEAP_NONE;
		w->peer_error_ns[i] -= NS_PER_S;
	}
	run_until(w, 900 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_in_range(llabs(world_error(w) + NS_PER_S), 0, 100 * NS_PER_US);
	assert_true(world_synchronised(w));
	world_end(w);
}

/* A world that runs to a millisecond before the leap second, with `mode`. */
static struct world *eve_with(enum leap_mode mode, enum leap kind)
{
	struct world *w = world_new(3, 0, 37);
	int64_t due_ns = kind == LEAP_INSERT ? 0 : -NS_PER_S;

	w->config.steering.leap_mode = mode;
	w->now = w->wall = (MIDNIGHT_S - 7200) * NS_PER_S;
	for (unsigned i = 0; i < 3; i++)
		w->peers[i].leap = (uint8_t)kind;
	world_start(w);
	run_until(w, due_ns - NS_PER_MS);
	assert_true(world_synchronised(w));
	/* The kernel is not told. */
	assert_int_equal(w->status.leap, LEAP_NONE);
	assert_int_equal(w->engine.leap.armed, kind);
	assert_true(world_logged(w, "at the end of today (UTC): a majority"));
	return w;
}

/* The agent begins at the leap second itself, and asks nobody. */
static void the_agent_corrects_a_leap_second_itself(void **state)
{
	static const struct {
		enum leap_mode mode;
		enum leap kind;
		int64_t takes_ns;
		unsigned steps;
		const char *line;
	} rows[] = {
	    {LEAP_MODE_SLEW, LEAP_INSERT, 22 * NS_PER_S, 0,
		"leap second inserted: the clock is slewed by minus one"},
	    {LEAP_MODE_SLEW, LEAP_DELETE, 22 * NS_PER_S, 0,
		"leap second left out: the clock is slewed by one"},
	    {LEAP_MODE_STEP, LEAP_INSERT, NS_PER_S / 2, 1,
		"leap second inserted: the clock is stepped by minus one"},
	    {LEAP_MODE_STEP, LEAP_DELETE, NS_PER_S / 2, 1,
		"leap second left out: the clock is stepped by one"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = eve_with(rows[i].mode, rows[i].kind);
		bool insert = rows[i].kind == LEAP_INSERT;
		int64_t leap_ns = insert ? -NS_PER_S : NS_PER_S;
		unsigned before = world_view(w, 0).samples;

		for (unsigned k = 0; k < 3; k++)
			w->silent[k] = true;
		world_run(w, rows[i].takes_ns);
		assert_int_equal(world_view(w, 0).samples, before);
		assert_true(world_logged(w, rows[i].line));
		assert_int_equal(w->steps, rows[i].steps);
		assert_in_range(
		    llabs(world_error(w) - leap_ns), 0, 100 * NS_PER_US);
		/* Then the servers have moved, too, and no jump is seen. */
		for (unsigned k = 0; k < 3; k++) {
			w->silent[k] = false;
			w->peers[k].leap = LEAP_NONE;
			w->peer_error_ns[k] += leap_ns;
		}
		world_run(w, 1200 * NS_PER_S);
		assert_in_range(
		    llabs(world_error(w) - leap_ns), 0, 100 * NS_PER_US);
		assert_int_equal(w->steps, rows[i].steps);
		assert_true(world_synchronised(w));
		assert_int_equal(w->engine.leap.armed, LEAP_NONE);
		assert_false(world_logged(w, "from outside"));
		assert_false(world_logged(w, "after all"));
		assert_false(world_logged(w, "majority of the sources: it is"));
		world_end(w);
	}
}

/* A step that the keeper refuses is slewed. */
static void a_refused_step_over_a_leap_second_is_slewed(void **state)
{
	struct world *w = eve_with(LEAP_MODE_STEP, LEAP_INSERT);

	(void)state;
	w->refusal = KEEPER_STEP_BUDGET;
	world_run(w, NS_PER_S);
	w->refusal = KEEPER_OK;
	for (unsigned k = 0; k < 3; k++)
		w->peer_error_ns[k] -= NS_PER_S;
	world_run(w, 300 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_in_range(llabs(world_error(w) + NS_PER_S), 0, 100 * NS_PER_US);
	world_end(w);
}

/* Servers that smear do not announce it, so nothing is done. */
static void smeared_servers_plan_nothing(void **state)
{
	struct world *w = world_new(3, 0, 37);

	(void)state;
	w->config.steering.leap_mode = LEAP_MODE_SLEW;
	w->now = w->wall = (MIDNIGHT_S - 7200) * NS_PER_S;
	w->peers[0].leap = LEAP_INSERT;
	world_start(w);
	run_until(w, NS_PER_S);
	assert_int_equal(w->engine.leap.armed, LEAP_NONE);
	assert_false(world_logged(w, "leap second"));
	assert_in_range(llabs(world_error(w)), 0, 100 * NS_PER_US);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_majority_arms_the_kernel),
	    cmocka_unit_test(an_ignored_leap_second_is_slewed),
	    cmocka_unit_test(the_agent_corrects_a_leap_second_itself),
	    cmocka_unit_test(a_refused_step_over_a_leap_second_is_slewed),
	    cmocka_unit_test(smeared_servers_plan_nothing),
	    cmocka_unit_test(another_day_arms_nothing),
	    cmocka_unit_test(a_turned_vote_disarms),
	    cmocka_unit_test(a_leap_second_that_was_armed_is_not_a_jump),
	    cmocka_unit_test(a_second_at_another_time_is_a_jump),
	    cmocka_unit_test(a_smearing_server_is_named),
	    cmocka_unit_test(of_two_servers_the_one_that_smears_is_found),
	    cmocka_unit_test(
		a_falseticker_without_a_leap_second_does_not_smear),
	    cmocka_unit_test(a_leap_second_in_a_slew_is_followed),
	    cmocka_unit_test(two_smearing_servers_get_one_line),
	    cmocka_unit_test(any_source_may_be_the_one_that_smears),
	    cmocka_unit_test(a_leap_second_is_executed_once),
	    cmocka_unit_test(a_kernel_that_comes_late_to_midnight_is_no_jump),
	    cmocka_unit_test(what_the_keeper_reports_is_believed),
	    cmocka_unit_test(a_second_that_is_disarmed_has_its_cause),
	    cmocka_unit_test(what_a_real_keeper_did_not_arm_is_not_armed),
	    cmocka_unit_test(an_agent_without_the_time_plans_no_leap_second),
	    cmocka_unit_test(a_leap_second_that_never_comes_is_reported),
	    cmocka_unit_test(no_order_goes_to_a_kernel_that_is_about_to_leap),
	    cmocka_unit_test(a_decision_waits_until_the_kernel_has_leapt),
	    cmocka_unit_test(each_change_of_what_is_armed_has_a_line),
	    cmocka_unit_test(only_a_usable_source_announces_a_leap_second),
	    cmocka_unit_test(an_announcement_counts_for_25_hours),
	    cmocka_unit_test(a_server_that_smears_is_named_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
