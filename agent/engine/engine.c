#include "agent/engine/engine.h"

#include "agent/engine/commands.h"
#include "agent/engine/disturbance.h"
#include "agent/engine/duplicates.h"
#include "agent/engine/leap_second.h"
#include "agent/engine/report.h"
#include "agent/engine/samples.h"
#include "agent/engine/saving.h"
#include "agent/engine/sources.h"
#include "agent/engine/wrong_clock.h"

#include <stdio.h>
#include <stdlib.h>

#define SAVE_FIRST_NS (300 * NS_PER_S)
/* After this many overdue answers in a row the resolver counts as dead. */
#define RESOLVER_STRIKES 3

static void start_source(struct engine *e, unsigned i)
{
	source_init(&e->sources[i], &e->config->sources[i], e->now.mono);
	source_spread_start(&e->sources[i], engine_random(e));
}

/* -q without a drift file. */
static bool keeps_freq(const struct engine *e)
{
	return e->options->once && e->start_freq_sd_ppm >= FREQ_SD_UNKNOWN_PPM;
}

static bool allocate(struct engine *e, const struct engine_start *start)
{
	struct source_options flags[SOURCES_MAX];
	struct steering_config steering = e->config->steering;

	e->sources = calloc(e->source_count, sizeof(*e->sources));
	for (unsigned i = 0; i < e->source_count; i++)
		flags[i] = e->config->sources[i].options;
	steering.max_freq_ppm = e->config->max_freq_ppm;
	e->steering = steering_new(&steering, flags, e->source_count,
	    start->freq_ppm, start->freq_sd_ppm);
	if (e->sources && e->steering) {
		if (keeps_freq(e))
			steering_keep_freq(e->steering);
		return true;
	}
	free(e->sources);
	steering_free(e->steering);
	return false;
}

bool engine_init(struct engine *e, const struct config *config,
    const struct run_options *options, const struct engine_start *start,
    const struct engine_ports *ports, struct clock_reading now)
{
	*e = (struct engine){
	    .config = config,
	    .options = options,
	    .ports = *ports,
	    .source_count = config->source_count,
	    .started = now,
	    .now = now,
	    .woke = now,
	    .save_at = mono_after(now.mono, SAVE_FIRST_NS),
	    .save_samples_at = mono_after(now.mono, SAMPLES_FIRST_NS),
	    .decide_at = MONO_NEVER,
	    .wall_minus_mono_ns = now.wall.ns - now.mono.ns,
	    .boot_minus_mono_ns = now.boot_ns - now.mono.ns,
	    .last_selected = -1,
	    .good_freq_ppm = start->clock.freq_ppm,
	    .start_freq_sd_ppm = start->freq_sd_ppm,
	};
	if (!allocate(e, start))
		return false;
	for (unsigned i = 0; i < config->source_count; i++)
		start_source(e, i);
	timescale_init(&e->timescale, &start->clock);
	wrong_clock_init(e, start->earliest_ns);
	engine_report_surplus(e);
	return true;
}

void engine_free(struct engine *e, struct clock_reading now)
{
	e->now = now;
	engine_save_clock(e);
	engine_saving_end(e);
	for (unsigned i = 0; i < e->source_count; i++)
		source_end(&e->sources[i]);
	free(e->sources);
	steering_free(e->steering);
	e->sources = NULL;
	e->steering = NULL;
}

void engine_on_saved(struct engine *e, unsigned slot,
    const struct saved_keys *keys, unsigned left, struct clock_reading now)
{
	source_saved(&e->sources[slot], keys, left, now, engine_random(e));
	/* Its line for the log. */
	engine_carry_out(e, slot, ACTION_NOTHING);
	engine_mark_duplicates(e);
}

void engine_on_known_address(
    struct engine *e, unsigned slot, const struct endpoint *address)
{
	source_known_address(&e->sources[slot], address);
}

void engine_set_log(
    struct engine *e, bool (*log)(void *self, const struct log_record *r))
{
	e->ports.log = log;
}

void engine_set_saving(struct engine *e,
    void (*save_keys)(void *self, unsigned slot, struct saved_keys *keys),
    void (*save_samples)(void *self))
{
	e->ports.save_keys = save_keys;
	e->ports.save_samples = save_samples;
}

void engine_set_granularity(struct engine *e, int64_t granularity_ns)
{
	e->granularity_ns = granularity_ns;
	if (granularity_ns > 0)
		engine_say(e, LOG_LEVEL_WARNING,
		    "the clock of this machine counts in steps of %.3f ms (see "
		    "/sys/devices/system/clocksource): its time is not known "
		    "better than that",
		    s_of_ns(granularity_ns) * 1e3);
}

bool engine_awaits_keeper(const struct engine *e)
{
	return e->order.pending;
}

struct mono engine_deadline(const struct engine *e)
{
	struct mono next = mono_earlier(
	    e->decide_at, mono_earlier(e->save_at, engine_once_until(e)));

	if (e->order.pending)
		next = mono_earlier(next, e->order.answer_by);
	next = mono_earlier(next, engine_overdue_at(e));
	next = mono_earlier(next, engine_leap_deadline(e));
	for (unsigned i = 0; i < e->source_count; i++)
		next = mono_earlier(next, source_deadline(&e->sources[i]));
	return next;
}

/* Every event starts here: takes the time, and looks whether the clocks went on
 * as they should. */
static void wake(struct engine *e, struct clock_reading now)
{
	int64_t slept_ns = engine_slept(e, now);
	int64_t jump_ns =
	    now.wall.ns - now.mono.ns - e->wall_minus_mono_ns - slept_ns;
	struct wall before = e->woke.wall;
	bool own_step = e->order.pending && e->order.command.step_ns != 0;

	e->now = e->woke = now;
	/* Our own step is on its way through the keeper. */
	if (own_step)
		jump_ns = 0;
	if (slept_ns > 0) {
		engine_explain_set(e);
		engine_woke_up(e, slept_ns, jump_ns);
	} else if (engine_leap_executed(e, before, jump_ns, JUMP_NS)) {
		engine_explain_set(e);
		engine_ask_again(e);
	} else if (!own_step && engine_is_foreign_step(e, jump_ns)) {
		engine_jumped(e, jump_ns);
	} else {
		/* Follow the reading noise, so that it cannot add up. */
		e->wall_minus_mono_ns += jump_ns / 8;
	}
	if (engine_leap_pass(e))
		e->decide_at = now.mono;
}

/* Fails the exchange in the resolver's place. If its answer comes after all, it
 * is late and is ignored. */
static void fail_exchange(
    struct engine *e, unsigned i, struct clock_reading now)
{
	struct ke_answer a = {
	    .source = i,
	    .serial = e->sources[i].serial,
	    .stage = KE_STAGE_START,
	};

	snprintf(a.text, sizeof(a.text),
	    "the resolver process does not answer: it is stopped or hangs; if "
	    "that goes on, the agent ends by itself");
	engine_on_keys(e, &a, now);
}

/* One strike per ke-timeout, however many sources are overdue. */
static void count_strike(struct engine *e, unsigned before, struct mono now)
{
	e->resolver_strikes = before;
	if (before > 0 && !mono_due(e->strike_after, now))
		return;
	e->resolver_strikes++;
	e->strike_after = mono_after(now, e->config->ke_timeout_ms * NS_PER_MS);
	if (e->resolver_strikes < RESOLVER_STRIKES)
		return;
	engine_say(e, LOG_LEVEL_ERROR,
	    "the resolver does not answer any more: ending");
	e->end = ENGINE_STUCK;
}

static void fail_overdue(struct engine *e, struct clock_reading now)
{
	uint64_t overdue = engine_overdue(e, now.mono);
	/* An answer sets the strikes back, also one in the resolver's place. */
	unsigned before = e->resolver_strikes;

	for (unsigned i = 0; i < e->source_count; i++)
		if (overdue >> i & 1)
			fail_exchange(e, i, now);
	if (overdue)
		count_strike(e, before, now.mono);
}

/* True: some request was lost. */
static bool run_sources(struct engine *e)
{
	bool any_lost = false;

	for (unsigned i = 0; i < e->source_count; i++) {
		uint64_t lost = e->sources[i].count.lost;

		engine_run_source(e, i);
		any_lost |= e->sources[i].count.lost != lost;
	}
	return any_lost;
}

void engine_on_timer(struct engine *e, struct clock_reading now)
{
	bool any_lost;

	wake(e, now);
	fail_overdue(e, now);
	any_lost = run_sources(e);
	engine_ask_waiting(e);
	engine_set_by_agreement(e);
	if (any_lost || mono_due(e->decide_at, now.mono)) {
		e->decide_at = MONO_NEVER;
		engine_steer(e);
	}
	if (mono_due(e->save_at, now.mono))
		engine_save_clock(e);
	engine_saving_turn(e);
	engine_once_look(e);
	if (e->order.pending && mono_due(e->order.answer_by, now.mono)) {
		engine_say(e, LOG_LEVEL_ERROR,
		    "the keeper does not answer any more: ending");
		e->end = ENGINE_STUCK;
	}
}

bool engine_take_noticed(struct engine *e)
{
	bool noticed = e->noticed;

	e->noticed = false;
	return noticed;
}

/* A full server closes a connection in the middle of the handshake. */
static void put_off_others(struct engine *e, const struct ke_answer *answer)
{
	if (answer->stage != KE_STAGE_TLS)
		return;
	for (unsigned i = 0; i < e->source_count; i++)
		source_put_off(&e->sources[i], e->now.mono, engine_random(e));
}

void engine_on_keys(
    struct engine *e, const struct ke_answer *answer, struct clock_reading now)
{
	struct endpoint before;
	struct source *s;
	bool had;

	wake(e, now);
	e->resolver_strikes = 0;
	if (answer->source >= e->source_count)
		return;
	s = &e->sources[answer->source];
	had = s->address_count > 0 && (s->config->member > 0 || s->replacing);
	before = *source_address(s);
	source_dates_may_wait(
	    s, wrong_clock_may_leave_dates(e, answer->source));
	engine_carry_out(
	    e, answer->source, source_keys(s, answer, now, engine_random(e)));
	put_off_others(e, answer);
	engine_pool_moved(e, answer->source, had, &before);
	if (answer->crash_signal != 0)
		engine_saving_crashed(e);
	if (s->stage == STAGE_UNDATED_KEYING)
		wrong_clock_suspected(e, s);
	engine_mark_duplicates(e);
	engine_run_source(e, answer->source);
	engine_ask_waiting(e);
}

void engine_on_datagram(
    struct engine *e, const struct datagram *d, struct clock_reading now)
{
	struct source *s = &e->sources[d->slot];
	const uint64_t valid = s->count.valid;
	struct ntp_answer answer;
	enum source_action action;
	bool sample_ok;

	wake(e, now);
	if (d->error) {
		source_refused(s, d->error, now.mono);
		return;
	}
	action = source_datagram(s, d->bytes, d->len, now.mono,
	    engine_random(e), &answer, &sample_ok);
	if (sample_ok)
		engine_take_sample(e, d, &answer);
	steering_set_reach(e->steering, d->slot, s->reach);
	steering_set_unsynced(e->steering, d->slot, s->unsynchronised);
	engine_carry_out(e, d->slot, action);
	if (sample_ok) {
		engine_set_by_agreement(e);
		engine_steer(e);
	}
	if (s->count.valid != valid)
		engine_carry_out(e, d->slot, engine_pool_vote(e, d->slot));
	if (sample_ok)
		engine_once_look(e);
}

void engine_on_report(struct engine *e, const struct keeper_report *report,
    struct clock_reading now)
{
	e->now = now;
	engine_take_report(e, report);
	wake(e, now);
	if (!e->order.command.bootstrap)
		engine_look_at_tracking(e);
	engine_once_look(e);
}
