/* Time does not go on as it should: the machine sleeps, a virtual machine
 * stands still, or another program sets the clock or its frequency. */
#include "agent/engine/disturbance.h"

#include "clock/steering/restore.h"
#include "tests/unit/agent/engine/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The machine sleeps for a night; its hardware clock is right. */
static void after_a_sleep_the_clock_is_right_within_seconds(void **state)
{
	struct world *w = world_running(3, 3600 * NS_PER_S);
	uint64_t good = w->engine.sources[0].count.good;

	(void)state;
	world_forget_log(w);
	world_suspend(w, 8 * 3600 * NS_PER_S, 0);
	engine_on_timer(&w->engine, world_reading(w));
	world_run(w, 5 * NS_PER_S);
	assert_true(world_logged(w, "was suspended for 28800.0 s"));
	assert_false(world_logged(w, "from outside"));
	assert_true(w->engine.sources[0].count.good > good);
	assert_true(world_synchronised(w));
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_true(world_within(w, 50 * NS_PER_US));
	world_end(w);
}

static void a_bad_hardware_clock_is_stepped_once(void **state)
{
	struct world *w = world_running(3, 3600 * NS_PER_S);

	(void)state;
	world_suspend(w, 3600 * NS_PER_S, 700 * NS_PER_MS);
	world_run(w, 30 * NS_PER_S);
	assert_int_equal(w->steps, 1);
	assert_true(world_within(w, NS_PER_MS));
	assert_true(world_synchronised(w));
	world_end(w);
}

/* A sleep ends the waits of sources that the network has failed. */
static void a_sleep_ends_waits_for_the_network(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	w->keys_fail[0] = true;
	w->fail_stage = KE_STAGE_CONNECT;
	world_start(w);
	world_run(w, 3600 * NS_PER_S);
	w->keys_fail[0] = false;
	world_suspend(w, 60 * NS_PER_S, 0);
	engine_on_timer(&w->engine, world_reading(w));
	world_run(w, 2 * NS_PER_S);
	assert_true(w->engine.sources[0].count.good > 0);
	world_end(w);
}

/* Seconds from the first request until the clock is right within a millisecond.
 */
static double recovery_s(struct world *w)
{
	unsigned requests = w->requests;
	int64_t from = 0;

	for (int i = 0; i < 3000; i++) {
		world_run(w, NS_PER_S / 10);
		if (from == 0 && w->requests > requests)
			from = w->now;
		if (llabs(world_error(w)) < NS_PER_MS)
			return (double)(w->now - from) * 1e-9;
	}
	return INFINITY;
}

/* No clock of the machine shows the pause; the servers do. */
static void a_pause_is_over_seconds_after_the_first_answer(void **state)
{
	const double wanted_s[] = {8, 4, 4};

	(void)state;
	for (unsigned n = 1; n <= 3; n++) {
		struct world *w = world_new(n, NS_PER_MS, 20);

		world_start(w);
		world_run(w, 3600 * NS_PER_S);
		world_forget_log(w);
		world_pause(w, 60 * NS_PER_S);
		assert_true(recovery_s(w) < wanted_s[n - 1]);
		world_run(w, 10 * NS_PER_S);
		assert_true(world_logged(w, "has lost 60.000 s at once"));
		assert_int_equal(w->steps, 1);
		assert_true(world_synchronised(w));
		world_end(w);
	}
}

/* A single server is asked three times before it is believed. */
static void a_pause_in_doubt_counts_in_the_bound(void **state)
{
	struct world *w = world_running(1, 3600 * NS_PER_S);
	const struct engine *e = &w->engine;
	unsigned doubts = 0;

	(void)state;
	world_pause(w, 10 * NS_PER_S);
	while (llabs(world_error(w)) > NS_PER_S) {
		world_run(w, NS_PER_S / 10);
		if (e->pause.voices[0].strikes == 0)
			continue;
		doubts++;
		assert_true(
		    e->order.command.max_error_ns >= llabs(world_error(w)));
		assert_true(world_tracking(w).root_dispersion_ns >=
			    llabs(world_error(w)));
	}
	assert_true(doubts > 10);
	world_run(w, 60 * NS_PER_S);
	assert_true(e->order.command.max_error_ns < NS_PER_S);
	world_end(w);
}

static void sleep_an_hour(struct world *w)
{
	world_suspend(w, 3600 * NS_PER_S, 0);
}

static void pause_a_minute(struct world *w)
{
	world_pause(w, 60 * NS_PER_S);
}

static void set_the_clock(struct world *w)
{
	w->wall += 2 * NS_PER_S;
}

/* The oscillator may be cold, or that of another host. A program that sets the
 * clock does not change the oscillator. */
static void after_a_sleep_or_a_pause_the_drift_is_uncertain(void **state)
{
	static const struct {
		void (*happens)(struct world *w);
		const char *log;
		double awake_s;
	} rows[] = {
	    {sleep_an_hour, "was suspended", 0},
	    {pause_a_minute, "has lost 60.000 s", 0},
	    {set_the_clock, "from outside", 86400},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct drift_learned l = {.awake_s = 86400};
		struct world *w = world_running(3, 600 * NS_PER_S);

		l.period[0].lag[0].windows = 340;
		steering_restore_drift(w->engine.steering, &l);
		rows[i].happens(w);
		world_run(w, 300 * NS_PER_S);
		assert_true(world_logged(w, rows[i].log));
		steering_copy_drift(w->engine.steering, &l);
		assert_true(l.awake_s == rows[i].awake_s);
		assert_true(l.period[0].lag[0].windows == 340);
		world_end(w);
	}
}

/* A clock that is ahead has not stood still: it is slewed. */
static void servers_that_fall_behind_are_not_a_pause(void **state)
{
	struct world *w = world_running(3, 3600 * NS_PER_S);

	(void)state;
	world_forget_log(w);
	world_pause(w, -60 * NS_PER_S);
	world_run(w, 300 * NS_PER_S);
	assert_false(world_logged(w, "at once"));
	assert_int_equal(w->steps, 0);
	world_end(w);
}

/* The other sources send one request, not one at each of its polls. */
static void one_server_that_jumps_is_not_a_pause(void **state)
{
	struct world *w = world_running(3, 3600 * NS_PER_S);
	unsigned before = w->requests, each_hour;

	(void)state;
	world_run(w, 3600 * NS_PER_S);
	each_hour = w->requests - before;
	before = w->requests;
	w->peer_error_ns[1] = 60 * NS_PER_S;
	world_run(w, 3600 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_true(world_within(w, NS_PER_MS));
	assert_true(w->requests - before < each_hour + 12);
	world_end(w);
}

/* Another program sets the frequency. The keeper looks as it always does. */
static void meddle(struct world *w)
{
	struct keeper_report r;

	w->freq_ppm += 300;
	world_run(w, KEEPER_LOOK_NS);
	/* A command may have set it right by accident. */
	if (keeper_look(&w->keeper, &r))
		engine_on_report(&w->engine, &r, world_reading(w));
}

static void a_foreign_frequency_is_corrected(void **state)
{
	struct world *w = world_running(3, 3600 * NS_PER_S);

	(void)state;
	world_forget_log(w);
	w->rival = "chronyd (pid 7)";
	for (int i = 0; i < 32 && w->engine.meddling.spent <= 0; i++) {
		meddle(w);
		world_run(w, 6 * NS_PER_S);
	}
	assert_true(w->engine.meddling.spent > 0);
	assert_true(world_logged(w, "put right"));
	/* A later line may say that the servers see a jump of the frequency. */
	assert_true(world_logged(w, "perhaps by chronyd (pid 7): put right"));
	/* The slew that corrects what the clock ran away ends. */
	world_run(w, 128 * NS_PER_S);
	assert_true(world_within(w, NS_PER_MS));
	assert_true(fabs(w->freq_ppm + 20) < 5);
	assert_true(world_synchronised(w));
	assert_int_equal(w->steps, 0);
	world_end(w);
}

static void a_rival_causes_no_storm_of_requests_or_lines(void **state)
{
	struct world *w = world_running(3, 3600 * NS_PER_S);
	unsigned before = w->requests, lines = 0, last = 0;

	(void)state;
	for (int i = 0; i < 900; i++) {
		world_forget_log(w);
		meddle(w);
		lines += world_logged(w, "put right");
		last += world_logged(w, "again: no more lines until");
	}
	assert_true(w->engine.meddling.spent <= BUDGET_LINES_MAX);
	assert_in_range(lines, 2, BUDGET_LINES_MAX);
	assert_int_equal(last, 1);
	/* An hour, three sources: no more than one request in eight seconds
	 * for each. */
	assert_true(w->requests - before <= 3 * 3600 / 8);
	world_end(w);
}

static void a_program_that_may_have_set_the_clock_is_named(void **state)
{
	struct world *w = world_running(3, 3600 * NS_PER_S);

	(void)state;
	w->rival = "chronyd (pid 7)";
	world_forget_log(w);
	w->wall += 5 * NS_PER_S;
	world_run(w, 70 * NS_PER_S);
	assert_true(world_logged(
	    w, "moved by +5.000 s from outside, perhaps by chronyd"));
	assert_int_equal(w->steps, 1);
	world_end(w);
}

static void without_a_rival_no_program_is_named(void **state)
{
	struct world *w = world_running(3, 3600 * NS_PER_S);

	(void)state;
	world_forget_log(w);
	w->wall -= 5 * NS_PER_S;
	world_run(w, 70 * NS_PER_S);
	assert_false(world_logged(w, "perhaps by"));
	assert_int_equal(w->steps, 1);
	assert_true(world_within(w, NS_PER_MS));
	world_end(w);
}

static void only_sources_that_have_not_spoken_are_asked_about_a_pause(
    void **state)
{
	struct world *w = world_running(3, 3600 * NS_PER_S);
	const struct source *s = w->engine.sources;
	int64_t before_ns[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		before_ns[i] = s[i].poll_at.ns;
	w->engine.pause.voices[1].strikes = 1;
	engine_ask_about_pause(&w->engine, 0, NS_PER_S);
	assert_int_equal(s[0].poll_at.ns, before_ns[0]);
	assert_int_equal(s[1].poll_at.ns, before_ns[1]);
	assert_true(s[2].poll_at.ns < before_ns[2]);
	/* One of three is not enough for the bound. */
	assert_int_equal(world_tracking(w).suspected_ns, 0);
	w->engine.pause.voices[0].strikes = 1;
	engine_ask_about_pause(&w->engine, 0, NS_PER_S);
	assert_int_equal(world_tracking(w).suspected_ns, NS_PER_S);
	world_end(w);
}

/* A suspend that is broken off, or ends at once, is not another program's. */
static void a_short_sleep_is_no_step_of_another_program(void **state)
{
	struct world *w = world_running(3, 3600 * NS_PER_S);

	(void)state;
	world_forget_log(w);
	world_suspend(w, 30 * NS_PER_MS, 0);
	engine_on_timer(&w->engine, world_reading(w));
	assert_true(world_logged(w, "was suspended for 0.030 s"));
	assert_false(world_logged(w, "from outside"));
	world_end(w);
}

static void a_sleep_is_as_long_as_a_jump(void **state)
{
	static const struct {
		int64_t gap_ns, slept_ns;
		bool boot;
	} table[] = {
	    {JUMP_NS, 0, true},
	    {JUMP_NS + 1, JUMP_NS + 1, true},
	    {NS_PER_S, NS_PER_S, true},
	    /* A machine without CLOCK_BOOTTIME, as a simulator is. */
	    {NS_PER_S, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct world *w = world_running(1, 60 * NS_PER_S);
		struct clock_reading now = world_reading(w);

		now.boot_ns += table[i].gap_ns;
		if (!table[i].boot)
			now.boot_ns = 0;
		assert_int_equal(
		    engine_slept(&w->engine, now), table[i].slept_ns);
		/* The next call does not tell it again. */
		assert_int_equal(engine_slept(&w->engine, now), 0);
		world_end(w);
	}
}

/* The kernel says that the clock was set: a step of any size is found, but the
 * agent's own one and what is explained already are not another program's. */
static void a_set_clock_is_found_whatever_the_size_of_the_step(void **state)
{
	static const struct {
		int64_t step_ns;
		bool told, explained, found;
		const char *says;
	} rows[] = {
	    {3 * NS_PER_MS, true, false, true, "moved by +0.003000 s"},
	    {-250 * NS_PER_US, true, true, true, "moved by -0.000250 s"},
	    {0, true, false, true, "to almost the same time"},
	    {0, true, true, false, ""},
	    {3 * NS_PER_MS, false, false, false, ""},
	    {-JUMP_NS - NS_PER_US, false, true, true, "moved by -0.020 s"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = world_running(2, 3600 * NS_PER_S);

		if (rows[i].explained)
			engine_explain_set(&w->engine);
		w->wall += rows[i].step_ns;
		if (rows[i].told)
			engine_clock_was_set(&w->engine);
		engine_on_timer(&w->engine, world_reading(w));
		if (world_logged(w, "from outside") != rows[i].found)
			fail_msg("row %zu", i);
		if (rows[i].found)
			assert_true(world_logged(w, rows[i].says));
		world_end(w);
	}
}

/* The kernel's word for a step may come before the step is known, or after. */
static void the_kernels_word_and_its_reason_come_in_either_order(void **state)
{
	(void)state;
	for (int word_first = 0; word_first < 2; word_first++) {
		struct world *w = world_running(2, 3600 * NS_PER_S);

		if (word_first)
			engine_clock_was_set(&w->engine);
		engine_explain_set(&w->engine);
		if (!word_first)
			engine_clock_was_set(&w->engine);
		engine_on_timer(&w->engine, world_reading(w));
		assert_false(world_logged(w, "from outside"));
		/* The next one has no reason. */
		engine_clock_was_set(&w->engine);
		engine_on_timer(&w->engine, world_reading(w));
		assert_true(world_logged(w, "from outside"));
		world_end(w);
	}
}

/* A clock that is disturbed again and again causes neither a storm of packets
 * nor one of lines. */
static void disturbances_without_end_cause_no_storm(void **state)
{
	struct world *w = world_running(1, 3600 * NS_PER_S);
	unsigned first = 0, lines = 0;
	bool last = false;

	(void)state;
	for (int i = 0; i < 20; i++) {
		world_forget_log(w);
		engine_stood_still(&w->engine, 30 * NS_PER_MS);
		lines += world_logged(w, "has lost 0.030 s at once");
		last |= world_logged(w, "one line in 256 s at most");
		if (i == 8)
			first = w->requests;
		engine_on_timer(&w->engine, world_reading(w));
	}
	assert_true(last);
	assert_int_equal(lines, 8);
	/* The bursts are spent. */
	assert_true(w->requests - first <= 1);
	/* The next one is allowed later. */
	w->engine.now.mono.ns += 256 * NS_PER_S + 1;
	w->engine.sources[0].poll_at = MONO_NEVER;
	engine_stood_still(&w->engine, 30 * NS_PER_MS);
	assert_int_equal(
	    w->engine.sources[0].poll_at.ns, w->engine.now.mono.ns);
	w->engine.sources[0].poll_at = MONO_NEVER;
	engine_stood_still(&w->engine, 30 * NS_PER_MS);
	assert_int_equal(w->engine.sources[0].poll_at.ns, MONO_NEVER.ns);
	world_end(w);
}

/* With --no-clock, the end of a slew of chronyd looks like a pause. */
static void a_clock_that_is_not_ours_may_be_steered(void **state)
{
	struct world *w = world_running(1, 3600 * NS_PER_S);

	(void)state;
	w->options.no_clock = true;
	engine_stood_still(&w->engine, 188 * NS_PER_MS);
	assert_true(world_logged(w,
	    "the clock is 0.188 s behind what was expected of it, as the "
	    "servers say (does another program steer it? was the machine "
	    "paused"));
	world_end(w);
}

static void a_foreign_slew_is_told(void **state)
{
	struct world *w = world_running(2, 3600 * NS_PER_S);
	struct keeper_report r = {.verdict = KEEPER_SLEW_FOUND,
	    .change_count = 1,
	    .found_slew_ns = 1500 * NS_PER_MS};
	unsigned closes = w->closes;

	(void)state;
	r.changes[0] = (struct clock_change){{w->wall}, 0, w->freq_ppm};
	engine_on_report(&w->engine, &r, world_reading(w));
	assert_true(world_logged(w, "slewing the clock for another program, "
				    "with +1.500000 s to go"));
	assert_int_equal(w->closes, closes + 2);
	world_end(w);
}

/* The keeper lived on; nobody else is blamed. */
static void a_slew_that_the_guard_has_ended_is_told(void **state)
{
	struct world *w = world_running(2, 3600 * NS_PER_S);
	struct keeper_report r = {
	    .verdict = KEEPER_OVERTAKEN, .change_count = 1};
	unsigned closes = w->closes;

	(void)state;
	w->engine.order.slewing = true;
	r.changes[0] = (struct clock_change){{w->wall}, 0, w->freq_ppm};
	engine_on_report(&w->engine, &r, world_reading(w));
	assert_true(world_logged(w, "did not end a slew in time"));
	assert_false(world_logged(w, "another program"));
	assert_false(w->engine.order.slewing);
	assert_int_equal(w->closes, closes + 2);
	world_end(w);
}

/* A burst for a foreign frequency makes the next one wait. */
static void bursts_for_a_foreign_frequency_are_256_seconds_apart(void **state)
{
	struct world *w = world_running(2, 3600 * NS_PER_S);
	struct keeper_report r = {.verdict = KEEPER_FREQ_CHANGED};
	unsigned closes = w->closes;

	(void)state;
	/* It could not be set back: that is no change. */
	engine_meddled(&w->engine, &r);
	assert_int_equal(w->closes, closes);
	r.change_count = 1;
	r.changes[0] = (struct clock_change){{w->wall}, 0, w->freq_ppm};
	engine_meddled(&w->engine, &r);
	assert_int_equal(w->closes, closes + 2);
	assert_int_equal(w->engine.disturbed.at.ns, w->engine.now.mono.ns);
	w->engine.now.mono.ns += 256 * NS_PER_S - 1;
	engine_meddled(&w->engine, &r);
	assert_int_equal(w->closes, closes + 2);
	w->engine.now.mono.ns++;
	engine_meddled(&w->engine, &r);
	assert_int_equal(w->closes, closes + 4);
	world_end(w);
}

/* Only after a pause an administrator makes the agreement needless. */
static void a_clock_that_is_set_by_hand_ends_the_agreement_about_a_pause(
    void **state)
{
	(void)state;
	for (int paused = 0; paused < 2; paused++) {
		struct world *w = world_new(3, 0, 0);

		w->config.bootstrap = BOOTSTRAP_QUORUM;
		w->no_resolver = true;
		world_start(w);
		world_run(w, NS_PER_S);
		if (paused)
			assert_true(bootstrap_reopen(&w->engine.bootstrap,
			    NS_PER_S, world_reading(w).mono));
		w->wall += 5 * NS_PER_S;
		engine_on_timer(&w->engine, world_reading(w));
		assert_true(world_logged(w, "from outside"));
		assert_int_equal(bootstrap_open(&w->engine.bootstrap), !paused);
		world_end(w);
	}
}

/* The bound is that of the sample and that of the clock. */
static void a_voice_about_a_pause_has_the_bounds_of_both(void **state)
{
	struct world *w = world_running(3, 3600 * NS_PER_S);
	struct tracking t = world_tracking(w);
	struct sample m = {
	    .at = t.updated,
	    .offset_ns =
		60 * NS_PER_S + timescale_added_ns(&w->engine.timescale,
				    (struct wall){w->wall}),
	    .delay_ns = 2 * NS_PER_MS,
	    .dispersion_ns = NS_PER_MS,
	};
	int64_t lag_ns = 0;
	const struct pause_answer *voice = &w->engine.pause.voices[1];

	(void)state;
	w->engine.now = world_reading(w);
	assert_int_equal(
	    engine_judge_pause(&w->engine, 1, &m, &lag_ns), PAUSE_DOUBT);
	assert_true(llabs(lag_ns - 60 * NS_PER_S) < NS_PER_MS);
	assert_int_equal(voice->lag_ns, lag_ns);
	assert_int_equal(voice->bound_ns,
	    2 * NS_PER_MS + t.root_delay_ns / 2 + t.root_dispersion_ns);
	assert_int_equal(voice->first.ns, w->engine.now.mono.ns);
	/* Half of the delay above the shortest one, and the dispersion. */
	assert_in_range(voice->noise_ns, NS_PER_MS + 1, 2 * NS_PER_MS);
	world_end(w);
}

/* The ledger follows what the hardware clock got wrong in the sleep. */
/* A virtual machine moves to another host. */
static void a_jump_of_the_frequency_has_a_line(void **state)
{
	static const struct {
		double by_ppm;
		const char *line;
	} rows[] = {
	    {-300, "the clock has become slower by about "},
	    {300, "the clock has become faster by about "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = world_running(3, 3600 * NS_PER_S);

		w->osc_ppm += rows[i].by_ppm;
		world_run(w, 900 * NS_PER_S);
		assert_true(world_logged(w, rows[i].line));
		assert_non_null(
		    strstr(w->engine.disturbed.text, "ppm at once"));
		assert_false(world_logged(w, "has lost"));
		world_end(w);
	}
}

/* The frequency of a new machine is hardly known in the first minutes. */
static void a_start_has_no_jump_of_the_frequency(void **state)
{
	struct world *w = world_new(3, 0, 20);

	(void)state;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_true(world_synchronised(w));
	w->osc_ppm += 400;
	world_run(w, 200 * NS_PER_S);
	assert_false(world_logged(w, "ppm at once"));
	world_end(w);
}

static void a_jump_in_a_sleep_is_entered_in_the_ledger(void **state)
{
	static const int64_t wrong_ns[] = {0, 700 * NS_PER_MS, -NS_PER_S};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong_ns); i++) {
		struct world *w = world_running(1, 600 * NS_PER_S);
		const struct timescale *ledger = &w->engine.timescale;
		int64_t before_ns =
		    timescale_added_ns(ledger, (struct wall){w->wall});
		int64_t added_ns;

		world_suspend(w, 60 * NS_PER_S, wrong_ns[i]);
		engine_on_timer(&w->engine, world_reading(w));
		added_ns = timescale_added_ns(ledger, (struct wall){w->wall}) -
			   before_ns;
		/* The frequency adds 20 ppm in the sleep. */
		assert_true(llabs(added_ns - wrong_ns[i]) < 2 * NS_PER_MS);
		world_forget_log(w);
		engine_on_timer(&w->engine, world_reading(w));
		assert_string_equal(w->log, "");
		world_end(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(after_a_sleep_the_clock_is_right_within_seconds),
	    cmocka_unit_test(a_bad_hardware_clock_is_stepped_once),
	    cmocka_unit_test(a_sleep_ends_waits_for_the_network),
	    cmocka_unit_test(a_pause_is_over_seconds_after_the_first_answer),
	    cmocka_unit_test(a_pause_in_doubt_counts_in_the_bound),
	    cmocka_unit_test(after_a_sleep_or_a_pause_the_drift_is_uncertain),
	    cmocka_unit_test(servers_that_fall_behind_are_not_a_pause),
	    cmocka_unit_test(one_server_that_jumps_is_not_a_pause),
	    cmocka_unit_test(a_jump_of_the_frequency_has_a_line),
	    cmocka_unit_test(a_start_has_no_jump_of_the_frequency),
	    cmocka_unit_test(a_foreign_frequency_is_corrected),
	    cmocka_unit_test(a_rival_causes_no_storm_of_requests_or_lines),
	    cmocka_unit_test(a_program_that_may_have_set_the_clock_is_named),
	    cmocka_unit_test(without_a_rival_no_program_is_named),
	    cmocka_unit_test(
		only_sources_that_have_not_spoken_are_asked_about_a_pause),
	    cmocka_unit_test(a_short_sleep_is_no_step_of_another_program),
	    cmocka_unit_test(a_sleep_is_as_long_as_a_jump),
	    cmocka_unit_test(
		a_set_clock_is_found_whatever_the_size_of_the_step),
	    cmocka_unit_test(
		the_kernels_word_and_its_reason_come_in_either_order),
	    cmocka_unit_test(disturbances_without_end_cause_no_storm),
	    cmocka_unit_test(a_clock_that_is_not_ours_may_be_steered),
	    cmocka_unit_test(a_foreign_slew_is_told),
	    cmocka_unit_test(a_slew_that_the_guard_has_ended_is_told),
	    cmocka_unit_test(
		bursts_for_a_foreign_frequency_are_256_seconds_apart),
	    cmocka_unit_test(
		a_clock_that_is_set_by_hand_ends_the_agreement_about_a_pause),
	    cmocka_unit_test(a_voice_about_a_pause_has_the_bounds_of_both),
	    cmocka_unit_test(a_jump_in_a_sleep_is_entered_in_the_ledger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
