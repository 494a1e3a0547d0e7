#include "agent/engine/engine.h"

#include "agent/engine/commands.h"
#include "agent/engine/sources.h"
#include "tests/unit/agent/engine/world.h"
#include "tests/unit/agent/engine/little_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void a_wrong_clock_is_stepped_within_seconds(void **state)
{
	struct world *w = world_new(1, 100 * NS_PER_S, 0);

	(void)state;
	world_start(w);
	world_run(w, NS_PER_S);
	assert_true(w->engine.sources[0].count.good >= 1);
	world_run(w, 3500 * NS_PER_MS);
	assert_int_equal(w->steps, 1);
	assert_true(world_within(w, NS_PER_MS));
	assert_true(world_tracking(w).synchronised);
	assert_true(w->status.synchronised);
	world_end(w);
}

static void a_small_error_is_slewed_not_stepped(void **state)
{
	struct world *w = world_new(1, -20 * NS_PER_MS, 0);

	(void)state;
	world_start(w);
	world_run(w, 30 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_true(world_within(w, 100 * NS_PER_US));
	world_end(w);
}

static void a_frequency_error_is_learnt(void **state)
{
	struct world *w = world_new(1, 50 * NS_PER_MS, 80);

	(void)state;
	world_start(w);
	world_run(w, 1200 * NS_PER_S);
	assert_true(world_within(w, 10 * NS_PER_US));
	assert_true(fabs(w->keeper.base_freq_ppm + 80) < 0.5);
	world_end(w);
}

static void a_falseticker_among_three_is_outvoted(void **state)
{
	struct world *w = world_new(3, NS_PER_MS, 5);

	(void)state;
	w->peer_error_ns[1] = 500 * NS_PER_MS;
	world_start(w);
	world_run(w, 120 * NS_PER_S);
	assert_int_equal(world_view(w, 1).state, SELECT_FALSETICKER);
	assert_true(world_within(w, 100 * NS_PER_US));
	assert_true(world_tracking(w).selected != 1);
	world_end(w);
}

static void two_sources_that_disagree_do_not_move_the_clock(void **state)
{
	struct world *w = world_new(2, 0, 0);

	(void)state;
	w->peer_error_ns[1] = 500 * NS_PER_MS;
	world_start(w);
	world_run(w, 120 * NS_PER_S);
	assert_false(world_tracking(w).synchronised);
	assert_true(world_tracking(w).reason[0] != '\0');
	assert_true(world_within(w, NS_PER_MS));
	world_end(w);
}

static void a_source_without_keys_does_not_delay_the_others(void **state)
{
	struct world *w = world_new(2, 3 * NS_PER_S, 0);

	(void)state;
	w->keys_fail[0] = true;
	world_start(w);
	world_run(w, 5 * NS_PER_S);
	assert_int_equal(w->steps, 1);
	assert_true(world_within(w, NS_PER_MS));
	assert_string_equal(w->engine.sources[0].failure, "certificate");
	world_end(w);
}

static void with_no_clock_the_agent_only_measures(void **state)
{
	struct world *w = world_new(1, 2 * NS_PER_S, 0);

	(void)state;
	w->options.no_clock = true;
	w->options.no_clock_reason = "--no-clock";
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_true(w->freq_ppm == 0);
	assert_int_equal(world_error(w), 2 * NS_PER_S);
	assert_int_equal(world_view(w, 0).state, SELECT_SELECTED);
	assert_true(
	    llabs(world_tracking(w).offset_ns + 2 * NS_PER_S) < NS_PER_MS);
	assert_int_equal(w->saves, 0);
	assert_false(world_logged(w, "refused"));
	world_end(w);
}

/* What the keeper tells the service manager. */
static void with_no_clock_the_keeper_hears_only_of_changes(void **state)
{
	struct world *w = world_new(1, 0, 10);

	(void)state;
	w->options.no_clock = true;
	world_start(w);
	world_run(w, 1800 * NS_PER_S);
	assert_true(world_synchronised(w));
	assert_true(world_tracking(w).updates > 20);
	assert_true(w->commands >= 1 && w->commands <= 2);
	assert_true(world_logged(w, "measured: "));
	world_end(w);
}

static void a_foreign_step_is_undone_once(void **state)
{
	struct world *w = world_new(1, 0, 10);

	(void)state;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	w->wall += 7 * NS_PER_S;
	world_run(w, 400 * NS_PER_S);
	assert_true(world_within(w, 100 * NS_PER_US));
	assert_int_equal(w->steps, 1);
	world_end(w);
}

static void silence_grows_the_bound_and_keeps_the_frequency(void **state)
{
	struct world *w = world_new(1, 0, 25);
	struct tracking before, after;
	double freq_ppm;

	(void)state;
	world_start(w);
	world_run(w, 3600 * NS_PER_S);
	before = world_tracking(w);
	freq_ppm = w->keeper.base_freq_ppm;
	w->silent[0] = true;
	world_run(w, 3600 * NS_PER_S);
	after = world_tracking(w);
	assert_true(after.root_dispersion_ns > before.root_dispersion_ns);
	assert_true(fabs(w->keeper.base_freq_ppm - freq_ppm) < 0.01);
	assert_true(llabs(world_error(w)) <= after.root_delay_ns / 2 +
						 after.root_dispersion_ns +
						 llabs(after.offset_ns));
	w->silent[0] = false;
	world_run(w, 600 * NS_PER_S);
	assert_true(world_within(w, 100 * NS_PER_US));
	assert_int_equal(w->steps, 0);
	world_end(w);
}

/* A request that was under way when the clock was stepped back has a stamp from
 * before the step and an answer from after it. */
static void a_step_back_does_not_spoil_an_exchange_under_way(void **state)
{
	(void)state;
	for (int64_t way_ms = 20; way_ms <= 440; way_ms += 20) {
		struct world *w = world_new(3, 100 * NS_PER_S, 10);

		w->way_ns[1] = way_ms * NS_PER_MS;
		w->keys_fail[2] = true;
		world_start(w);
		world_run(w, 120 * NS_PER_S);
		assert_int_equal(w->steps, 1);
		assert_true(world_within(w, NS_PER_MS));
		assert_true(world_view(w, 1).state != SELECT_FALSETICKER);
		assert_true(world_tracking(w).synchronised);
		world_end(w);
	}
}

static void a_clock_at_1970_follows_a_server_in_2040(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	w->now = INT64_C(2208988800) * NS_PER_S; /* 2040-01-01 */
	w->wall = 1000 * NS_PER_S;
	world_start(w);
	world_run(w, 30 * NS_PER_S);
	assert_true(world_within(w, NS_PER_MS));
	world_end(w);
}

static void an_error_beyond_refuse_threshold_is_explained(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	w->wall += 5000 * NS_PER_S;
	world_run(w, 60 * NS_PER_S);
	assert_true(world_tracking(w).refused);
	assert_non_null(strstr(world_tracking(w).reason, "refuse-threshold"));
	assert_false(w->status.synchronised);
	assert_int_equal(w->steps, 0);
	world_end(w);
}

static void a_steady_source_keeps_to_its_poll_interval(void **state)
{
	struct world *w = world_new(1, 0, 3);
	unsigned before;

	(void)state;
	w->config.sources[0].minpoll = w->config.sources[0].maxpoll = 6;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	before = w->requests;
	world_run(w, 6400 * NS_PER_S);
	assert_in_range(w->requests - before, 97, 103);
	world_end(w);
}

/* A request that leaves is nothing to look at, its answer is, and so is one
 * that is lost. */
static void a_request_alone_is_not_noticed(void **state)
{
	struct world *w = world_running(1, 3600 * NS_PER_S);
	struct engine *e = &w->engine;
	unsigned requests = w->requests;

	(void)state;
	assert_true(engine_take_noticed(e));
	w->silent[0] = true;
	while (w->requests == requests)
		world_run(w, NS_PER_S / 8);
	assert_false(engine_take_noticed(e));
	world_run(w, 30 * NS_PER_S);
	assert_true(e->sources[0].count.lost > 0);
	assert_true(engine_take_noticed(e));
	assert_false(engine_take_noticed(e));
	w->silent[0] = false;
	world_run(w, 300 * NS_PER_S);
	assert_true(engine_take_noticed(e));
	world_end(w);
}

static void set_once_ends_when_the_clock_is_right(void **state)
{
	int64_t offsets[] = {20 * NS_PER_MS, 30 * NS_PER_S};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
		struct world *w = world_new(1, offsets[i], 0);

		w->options.once = true;
		world_start(w);
		world_run(w, 60 * NS_PER_S);
		assert_int_equal(w->engine.end, ENGINE_DONE);
		assert_true(world_within(w, NS_PER_MS));
		assert_true(w->engine.now.mono.ns - w->engine.started.mono.ns <
			    20 * NS_PER_S);
		world_end(w);
	}
}

/* A few answers say less than the frequency that somebody set. */
static void set_once_leaves_an_unknown_frequency_alone(void **state)
{
	static const double found_ppm[] = {12, 600};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(found_ppm); i++) {
		const double is_ppm = found_ppm[i / 2];
		const bool once = i % 2;
		struct world *w = world_new(1, 20 * NS_PER_MS, 1 - is_ppm);

		w->options.once = once;
		w->freq_ppm = w->start.freq_ppm = is_ppm;
		world_start(w);
		world_run(w, 60 * NS_PER_S);
		assert_int_equal(w->freq_ppm == is_ppm, once);
		engine_save_clock(&w->engine);
		assert_int_equal(
		    w->saved.freq_sd_ppm >= FREQ_SD_UNKNOWN_PPM, once);
		world_end(w);
	}
}

/* A program that was killed has left its slew. */
static void set_once_ends_a_frequency_that_is_certainly_wrong(void **state)
{
	struct world *w = world_new(1, 20 * NS_PER_MS, 1);

	(void)state;
	w->options.once = true;
	w->freq_ppm = w->start.freq_ppm = -83333;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->engine.end, ENGINE_DONE);
	assert_true(fabs(w->freq_ppm) < 10);
	world_end(w);
}

static void a_timeout_ends_what_cannot_be_done(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	w->options.once = true;
	w->options.timeout_s = 10;
	w->keys_fail[0] = true;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->engine.end, ENGINE_TIMEOUT);
	assert_in_range(w->engine.now.mono.ns - w->engine.started.mono.ns,
	    10 * NS_PER_S, 10 * NS_PER_S + NS_PER_MS);
	world_end(w);
}

static void an_exchange_that_the_resolver_does_not_answer_fails(void **state)
{
	struct world *w = world_new(2, 0, 0);
	struct source *s;

	(void)state;
	w->no_resolver = true;
	world_start(w);
	s = w->engine.sources;
	world_run(w, 12 * NS_PER_S);
	assert_int_equal(s[0].stage, STAGE_KEYING);
	world_run(w, 4 * NS_PER_S);
	assert_string_equal(s[0].failure, "start");
	assert_non_null(
	    strstr(s[0].reason, "resolver process does not answer"));
	/* Two overdue sources are one strike. */
	assert_int_equal(w->engine.resolver_strikes, 1);
	w->no_resolver = false;
	world_run(w, 25 * NS_PER_S);
	assert_true(s[0].count.good > 0 && s[1].count.good > 0);
	assert_int_equal(w->engine.resolver_strikes, 0);
	assert_int_equal(w->engine.end, ENGINE_RUNS);
	world_end(w);
}

static void a_resolver_that_hangs_ends_the_agent(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	w->no_resolver = true;
	world_start(w);
	world_run(w, 120 * NS_PER_S);
	assert_int_equal(w->engine.end, ENGINE_STUCK);
	assert_int_equal(w->engine.resolver_strikes, 3);
	assert_true(
	    world_logged(w, "the resolver does not answer any more: ending"));
	assert_in_range(w->engine.now.mono.ns - w->engine.started.mono.ns,
	    45 * NS_PER_S, 60 * NS_PER_S);
	world_end(w);
}

/* A source that has keys keeps polling. */
static void keys_stay_in_use_while_the_resolver_hangs(void **state)
{
	struct world *w = world_new(1, 0, 0);
	struct source *s;
	uint64_t good;

	(void)state;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	w->no_resolver = true;
	s = &w->engine.sources[0];
	s->keys_wanted = true;
	s->keys_not_before = (struct mono){w->mono};
	good = s->count.good;
	for (unsigned i = 0; i < 128 && w->engine.resolver_strikes == 0; i++)
		world_run(w, NS_PER_S);
	assert_int_equal(w->engine.resolver_strikes, 1);
	assert_int_equal(s->stage, STAGE_POLLING);
	w->no_resolver = false;
	world_run(w, 300 * NS_PER_S);
	assert_true(s->count.good > good);
	assert_int_equal(w->engine.end, ENGINE_RUNS);
	world_end(w);
}

/* Less is how far two readings on a busy machine may be apart. */
static void a_jump_of_more_than_twenty_milliseconds_is_a_foreign_step(
    void **state)
{
	static const struct {
		int64_t jump_ns;
		bool found;
	} rows[] = {
	    {20 * NS_PER_MS, false},
	    {-20 * NS_PER_MS, false},
	    {20 * NS_PER_MS + 1, true},
	    {-20 * NS_PER_MS - 1, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = world_running(1, 600 * NS_PER_S);

		w->wall =
		    w->mono + w->engine.wall_minus_mono_ns + rows[i].jump_ns;
		engine_on_timer(&w->engine, world_reading(w));
		assert_int_equal(
		    world_logged(w, "from outside"), rows[i].found);
		world_end(w);
	}
}

/* Each event may read the clocks a little further apart: 60 ms in all here. */
static void reading_noise_does_not_add_up(void **state)
{
	struct world *w = world_running(1, 600 * NS_PER_S);

	(void)state;
	for (int i = 0; i < 60; i++) {
		w->wall += NS_PER_MS;
		engine_on_timer(&w->engine, world_reading(w));
	}
	assert_false(world_logged(w, "from outside"));
	world_end(w);
}

/* The sources are overdue one after the other, all within ten seconds. */
static void one_strike_counts_in_each_ke_timeout(void **state)
{
	struct world *w = world_new(4, 0, 0);
	int64_t overdue_ns;

	(void)state;
	w->no_resolver = true;
	world_start(w);
	world_run(w, NS_PER_S);
	overdue_ns = w->config.ke_timeout_ms * NS_PER_MS + RESOLVER_MARGIN_NS;
	for (int64_t i = 0; i < 4; i++)
		w->engine.sources[i].asked_at =
		    mono_after((struct mono){w->mono}, i * 3 * NS_PER_S);
	world_run(w, overdue_ns - NS_PER_MS);
	assert_int_equal(w->engine.resolver_strikes, 0);
	world_run(w, 2 * NS_PER_MS);
	assert_int_equal(w->engine.resolver_strikes, 1);
	world_run(w, 9990 * NS_PER_MS);
	assert_int_equal(w->engine.resolver_strikes, 1);
	assert_int_equal(w->engine.end, ENGINE_RUNS);
	world_end(w);
}

static void an_answer_for_no_source_is_ignored(void **state)
{
	struct world *w = world_running(1, 60 * NS_PER_S);
	struct ke_answer a = {.source = UINT32_MAX};

	(void)state;
	engine_on_keys(&w->engine, &a, world_reading(w));
	assert_int_equal(w->engine.sources[0].count.exchanges, 1);
	world_end(w);
}

/* Our own step is on its way through the keeper: the clock has jumped, and its
 * report comes later. */
static void our_own_step_is_not_a_jump_from_outside(void **state)
{
	static const int64_t steps_ns[] = {5 * NS_PER_S, -5 * NS_PER_S};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps_ns); i++) {
		struct world *w = world_new(1, -steps_ns[i], 0);

		world_start(w);
		w->keeper_hangs = true;
		while (w->commands == 0)
			world_run(w, NS_PER_MS);
		w->keeper_hangs = false;
		keeper_apply(&w->keeper, &w->command, w->engine.order.serial,
		    (struct mono){w->mono}, &w->reports[w->report_count++]);
		assert_int_equal(w->steps, 1);
		engine_on_timer(&w->engine, world_reading(w));
		engine_on_timer(&w->engine, world_reading(w));
		world_run(w, 60 * NS_PER_S);
		assert_string_equal(w->engine.disturbed.text, "");
		assert_false(world_logged(w, "from outside"));
		assert_true(world_within(w, NS_PER_MS));
		world_end(w);
	}
}

/* After a step every source asks again; a new frequency is no reason. */
static void only_a_step_interrupts_the_exchanges(void **state)
{
	static const int64_t steps_ns[] = {0, NS_PER_S};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps_ns); i++) {
		struct world *w = world_running(2, 600 * NS_PER_S);
		struct keeper_report r = {
		    .verdict = KEEPER_OK,
		    .change_count = 1,
		    .changes[0] = {{w->wall}, steps_ns[i], w->freq_ppm},
		};
		unsigned closes = w->closes;

		w->wall += steps_ns[i];
		engine_on_report(&w->engine, &r, world_reading(w));
		assert_int_equal(w->closes - closes, steps_ns[i] ? 2 : 0);
		assert_string_equal(w->engine.disturbed.text, "");
		world_end(w);
	}
}

static void only_the_options_q_have_a_timeout(void **state)
{
	static const struct {
		bool once, print_only;
		int timeout_s;
		enum engine_end end;
	} table[] = {
	    {true, false, 10, ENGINE_TIMEOUT},
	    {false, true, 10, ENGINE_TIMEOUT},
	    {false, false, 10, ENGINE_RUNS},
	    {true, false, 0, ENGINE_RUNS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct world *w = world_new(1, 0, 0);

		w->options.once = table[i].once;
		w->options.print_only = table[i].print_only;
		w->options.timeout_s = table[i].timeout_s;
		w->keys_fail[0] = true;
		world_start(w);
		world_run(w, 9 * NS_PER_S);
		assert_int_equal(w->engine.end, ENGINE_RUNS);
		world_run(w, 2 * NS_PER_S);
		assert_int_equal(w->engine.end, table[i].end);
		world_end(w);
	}
}

/* The network refuses the request: it is not waited for long. */
static void a_refused_request_is_known_soon(void **state)
{
	struct world *w = world_running(1, 600 * NS_PER_S);
	struct source *s = &w->engine.sources[0];
	struct datagram d = {.slot = 0, .error = ECONNREFUSED};
	uint64_t lost = s->count.lost;

	(void)state;
	w->silent[0] = true;
	while (!s->pending.open)
		world_run(w, 100 * NS_PER_MS);
	engine_on_datagram(&w->engine, &d, world_reading(w));
	assert_int_equal(s->count.lost, lost);
	world_run(w, 150 * NS_PER_MS);
	assert_int_equal(s->count.lost, lost + 1);
	assert_true(s->reason[0] != '\0');
	world_end(w);
}

/* Anybody can send one. In a silence, when the steering decides without
 * samples, it must not lead to a command. */
static void a_datagram_that_is_not_authentic_decides_nothing(void **state)
{
	struct world *w = world_running(3, 600 * NS_PER_S);
	struct datagram d = {.slot = 0, .len = 48};
	unsigned commands;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		w->silent[i] = true;
	world_run(w, 7200 * NS_PER_S);
	commands = w->commands;
	for (unsigned i = 0; i < 20; i++) {
		world_advance(w, NS_PER_MS);
		engine_on_datagram(&w->engine, &d, world_reading(w));
		world_deliver_reports(w);
	}
	assert_int_equal(w->commands, commands);
	world_end(w);
}

/* A server that says so itself has no vote. */
static void a_server_that_is_not_synchronised_loses_its_vote(void **state)
{
	struct world *w = world_running(3, 600 * NS_PER_S);

	(void)state;
	assert_true(world_view(w, 1).state != SELECT_UNSYNCED);
	w->peers[1].leap = LEAP_UNKNOWN;
	world_run(w, 1800 * NS_PER_S);
	assert_int_equal(world_view(w, 1).state, SELECT_UNSYNCED);
	assert_true(world_synchronised(w));
	w->peers[1].leap = LEAP_NONE;
	world_run(w, 1800 * NS_PER_S);
	assert_true(world_view(w, 1).state != SELECT_UNSYNCED);
	world_end(w);
}

/* The clock is set when the slew has ended, and when the keeper has said so. */
static void set_once_waits_for_the_end_of_the_slew(void **state)
{
	struct world *w = world_new(1, 20 * NS_PER_MS, 0);

	(void)state;
	w->options.once = true;
	world_start(w);
	while (w->commands == 0)
		world_run(w, NS_PER_MS);
	assert_true(w->engine.order.slewing);
	assert_int_equal(w->engine.end, ENGINE_RUNS);
	while (w->engine.order.slewing)
		world_run(w, NS_PER_MS);
	assert_int_equal(w->engine.end, ENGINE_DONE);
	world_end(w);
}

static void set_once_does_not_end_by_a_refusal(void **state)
{
	static const struct {
		enum keeper_verdict verdict;
		enum engine_end end;
	} table[] = {
	    {KEEPER_NO_CLOCK, ENGINE_DONE},
	    {KEEPER_SLEW_LIMIT, ENGINE_RUNS},
	    {KEEPER_KERNEL, ENGINE_RUNS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct world *w = world_new(1, 20 * NS_PER_MS, 0);

		w->options.once = true;
		w->refusal = table[i].verdict;
		world_start(w);
		world_run(w, 10 * NS_PER_S);
		assert_true(w->commands > 0);
		assert_int_equal(w->engine.end, table[i].end);
		world_end(w);
	}
}

static bool init_fails(void *self, size_t memory)
{
	static struct engine e;
	struct world *w = self;
	const struct engine_ports ports = {.self = w};
	size_t before;
	bool failed;

	little_memory_begin(memory);
	before = little_memory_used();
	failed = !engine_init(
	    &e, &w->config, &w->options, &w->start, &ports, world_reading(w));
	return failed && little_memory_used() <= before;
}

static bool init_fails_without_sources(void *self)
{
	return init_fails(self, 100000);
}

static bool init_fails_without_steering(void *self)
{
	return init_fails(self, SOURCES_MAX * sizeof(struct source) + 250000);
}

static void without_memory_the_engine_does_not_start(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	for (unsigned i = 1; i < SOURCES_MAX; i++)
		w->config.sources[i] = w->config.sources[0];
	w->config.source_count = SOURCES_MAX;
	if (LITTLE_MEMORY_WORKS) {
		assert_true(little_memory_holds(init_fails_without_sources, w));
		assert_true(
		    little_memory_holds(init_fails_without_steering, w));
	}
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_wrong_clock_is_stepped_within_seconds),
	    cmocka_unit_test(a_small_error_is_slewed_not_stepped),
	    cmocka_unit_test(a_frequency_error_is_learnt),
	    cmocka_unit_test(a_falseticker_among_three_is_outvoted),
	    cmocka_unit_test(two_sources_that_disagree_do_not_move_the_clock),
	    cmocka_unit_test(a_source_without_keys_does_not_delay_the_others),
	    cmocka_unit_test(with_no_clock_the_agent_only_measures),
	    cmocka_unit_test(with_no_clock_the_keeper_hears_only_of_changes),
	    cmocka_unit_test(a_foreign_step_is_undone_once),
	    cmocka_unit_test(silence_grows_the_bound_and_keeps_the_frequency),
	    cmocka_unit_test(a_step_back_does_not_spoil_an_exchange_under_way),
	    cmocka_unit_test(a_clock_at_1970_follows_a_server_in_2040),
	    cmocka_unit_test(an_error_beyond_refuse_threshold_is_explained),
	    cmocka_unit_test(a_steady_source_keeps_to_its_poll_interval),
	    cmocka_unit_test(a_request_alone_is_not_noticed),
	    cmocka_unit_test(set_once_ends_when_the_clock_is_right),
	    cmocka_unit_test(set_once_leaves_an_unknown_frequency_alone),
	    cmocka_unit_test(set_once_ends_a_frequency_that_is_certainly_wrong),
	    cmocka_unit_test(a_timeout_ends_what_cannot_be_done),
	    cmocka_unit_test(
		an_exchange_that_the_resolver_does_not_answer_fails),
	    cmocka_unit_test(a_resolver_that_hangs_ends_the_agent),
	    cmocka_unit_test(keys_stay_in_use_while_the_resolver_hangs),
	    cmocka_unit_test(
		a_jump_of_more_than_twenty_milliseconds_is_a_foreign_step),
	    cmocka_unit_test(reading_noise_does_not_add_up),
	    cmocka_unit_test(one_strike_counts_in_each_ke_timeout),
	    cmocka_unit_test(an_answer_for_no_source_is_ignored),
	    cmocka_unit_test(our_own_step_is_not_a_jump_from_outside),
	    cmocka_unit_test(only_a_step_interrupts_the_exchanges),
	    cmocka_unit_test(only_the_options_q_have_a_timeout),
	    cmocka_unit_test(a_refused_request_is_known_soon),
	    cmocka_unit_test(a_datagram_that_is_not_authentic_decides_nothing),
	    cmocka_unit_test(a_server_that_is_not_synchronised_loses_its_vote),
	    cmocka_unit_test(set_once_waits_for_the_end_of_the_slew),
	    cmocka_unit_test(set_once_does_not_end_by_a_refusal),
	    cmocka_unit_test(without_memory_the_engine_does_not_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
