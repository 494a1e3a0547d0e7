#include "agent/engine/engine.h"

#include "agent/engine/disturbance.h"
#include "agent/engine/pauses.h"
#include "agent/engine/leap_second.h"
#include "agent/engine/report.h"
#include "agent/engine/saving.h"
#include "agent/engine/duplicates.h"
#include "agent/engine/overdue.h"
#include "agent/engine/sources.h"
#include "agent/engine/wrong_clock.h"
#include "base/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reading error of our own clock: two readings of a vDSO clock. */
#define LOCAL_PRECISION_NS 100
/* REALTIME against MONOTONIC: what two readings that a busy machine pulled
 * apart may differ by without anybody having set the clock. */
#define JUMP_NS (20 * NS_PER_MS)
/* What the precision of two clocks may take off the delay of a short path. */
#define DELAY_NOISE_NS (100 * NS_PER_US)
/* A keeper that does not answer so long hangs. */
#define KEEPER_TIMEOUT_NS (5 * NS_PER_S)
/* 16 s: what the kernel and timedatectl(1) take for unsynchronised. */
#define DISCLAIMED_NS (16 * NS_PER_S)
#define SAVE_EVERY_NS (3600 * NS_PER_S)
#define SAVE_FIRST_NS (300 * NS_PER_S)
/* The steering may wait this long for sources that are still on their way; then
 * it must be asked again, whether or not another sample comes. */
#define ASK_AGAIN_NS (3 * NS_PER_S + 100 * NS_PER_MS)
/* A package that renews the system's certificates reaches a fleet at once. */
#define DISTRUST_SPREAD_NS (300 * NS_PER_S)
/* A source asks for at most this many things in a row. */
#define ACTIONS_MAX 8

static uint32_t random_u32(struct engine *e)
{
	uint32_t r;

	e->ports.random(e->ports.self, &r, sizeof(r));
	return r;
}

static void log_news(struct source *s)
{
	char line[SOURCE_LINE_MAX];
	enum log_level level;

	if (source_log_line(s, &level, line, sizeof(line)))
		log_line(level, "%s", line);
}

static void ask_for_keys(struct engine *e, unsigned i)
{
	struct ke_request request;

	source_ke_request(
	    &e->sources[i], i, e->config->ke_timeout_ms, e->now.mono, &request);
	e->ports.ask(e->ports.self, &request);
}

static void send_request(struct engine *e, unsigned i)
{
	struct source *s = &e->sources[i];
	uint8_t packet[NTS_PACKET_MAX];
	struct writer w = writer_of(packet, sizeof(packet));
	struct nts_fresh fresh;
	int err;

	e->ports.random(e->ports.self, &fresh, sizeof(fresh));
	if (!source_request(s, &fresh, e->now.mono, random_u32(e), &w))
		return;
	err = e->ports.send(e->ports.self, i, source_address(s), w.base, w.len);
	if (err < 0)
		source_unsent(s, -err, e->now.mono);
	steering_set_reach(e->steering, i, s->reach);
}

void engine_carry_out(struct engine *e, unsigned i, enum source_action action)
{
	switch (action) {
	case ACTION_NOTHING:
		break;
	case ACTION_KEYS:
		e->ports.close(e->ports.self, i);
		ask_for_keys(e, i);
		break;
	case ACTION_SEND:
		send_request(e, i);
		break;
	case ACTION_CLOSE:
		e->ports.close(e->ports.self, i);
		/* Whoever may not be asked any more has no vote either. */
		if (e->sources[i].stage == STAGE_RESTING) {
			steering_forget(e->steering, i);
			engine_saving_drop(e, i);
		}
		break;
	}
	log_news(&e->sources[i]);
}

static void run_source(struct engine *e, unsigned i)
{
	struct source *s = &e->sources[i];
	unsigned address = s->address;

	for (int n = 0; n < ACTIONS_MAX; n++) {
		enum source_action action =
		    source_timer(s, e->now.mono, random_u32(e));

		engine_carry_out(e, i, action);
		if (action == ACTION_NOTHING)
			break;
	}
	if (s->address != address)
		engine_mark_duplicates(e);
}

void engine_hurry(struct engine *e, uint64_t sources)
{
	for (unsigned i = 0; i < e->source_count; i++)
		if (sources >> i & 1)
			source_hurry(&e->sources[i], e->now.mono);
}

void engine_recheck(struct engine *e, unsigned i, struct wall now)
{
	enum source_action action = source_recheck_dates(&e->sources[i], now);

	if (action != ACTION_NOTHING) {
		steering_forget(e->steering, i);
		engine_saving_drop(e, i);
	}
	engine_carry_out(e, i, action);
}

void engine_distrust(struct engine *e, struct clock_reading now)
{
	e->now = now;
	for (unsigned i = 0; i < e->source_count; i++) {
		double share = (double)random_u32(e) / UINT32_MAX;
		int64_t wait_ns = (int64_t)(share * (double)DISTRUST_SPREAD_NS);

		source_distrust(
		    &e->sources[i], now.mono, mono_after(now.mono, wait_ns));
	}
}

/* From now on no certificate is taken without its dates, and no time from a
 * source whose one was, or fitted a wrong clock alone. */
static void check_dates(struct engine *e)
{
	bootstrap_end(&e->bootstrap);
	for (unsigned i = 0; i < e->source_count; i++) {
		struct source *s = &e->sources[i];

		engine_recheck(e, i, e->now.wall);
		if (s->stage == STAGE_RESTING)
			(void)source_retry_early(s, RETRY_TRUST, e->now.mono);
	}
}

static const char *source_name(const struct engine *e, int i)
{
	return i >= 0 ? e->config->sources[i].name : "none";
}

static void say_synchronised(const struct engine *e, const struct tracking *t)
{
	int64_t bound_ns = t->root_delay_ns / 2 + t->root_dispersion_ns;

	log_notice("%s: the clock %s %.6f s %s, known to %.6f s",
	    e->options->no_clock ? "measured" : "synchronised",
	    e->slewing ? "is being slewed, it was" : "is",
	    fabs(s_of_ns(t->offset_ns)), t->offset_ns < 0 ? "fast" : "slow",
	    s_of_ns(bound_ns));
}

static void log_tracking(struct engine *e, const struct tracking *t)
{
	/* Which of two equals leads is no news; that there is one, is. */
	if (t->selected != e->last_selected && t->selected >= 0)
		log_line(
		    e->last_selected < 0 ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
		    "selected source %s", source_name(e, t->selected));
	if (strcmp(t->reason, e->last_reason) != 0 && t->reason[0])
		log_warning("clock not steered: %s", t->reason);
	if (t->synchronised && !e->last_synchronised)
		say_synchronised(e, t);
	else if (!t->synchronised && e->last_synchronised)
		log_warning("not synchronised any more");
	e->last_selected = t->selected;
	e->last_synchronised = t->synchronised;
	if (t->synchronised && !e->ever_synchronised) {
		e->ever_synchronised = true;
		check_dates(e);
	}
	snprintf(e->last_reason, sizeof(e->last_reason), "%s", t->reason);
}

static void look_at_tracking(struct engine *e)
{
	struct tracking t;

	steering_tracking(e->steering, &e->timescale, e->now.wall, &t);
	log_tracking(e, &t);
	engine_leap_look(e);
	engine_report_votes(e);
}

static void print_only(struct engine *e)
{
	struct tracking t;

	steering_tracking(e->steering, &e->timescale, e->now.wall, &t);
	printf("%+.9f s +- %.9f s (positive: the local clock is slow)\n",
	    s_of_ns(t.offset_ns),
	    s_of_ns(t.root_delay_ns / 2 + t.root_dispersion_ns));
	fflush(stdout);
	e->end = ENGINE_DONE;
}

static void give_command(struct engine *e, const struct clock_command *command)
{
	struct keeper_message m = {
	    .kind = KEEPER_MESSAGE_COMMAND,
	    .serial = e->command_serial = ++e->serial,
	    .command = *command,
	};

	e->last_command = *command;
	e->command_pending = true;
	e->command_by = mono_after(e->now.mono, KEEPER_TIMEOUT_NS);
	e->ports.command(e->ports.self, &m);
}

void engine_step(struct engine *e, const struct clock_command *command)
{
	e->step_ordered = true;
	give_command(e, command);
}

/* What was to be done was refused: then the clock is not known to be right, and
 * the kernel must not say that it is. Said once, until a command is taken. */
static void disclaim(struct engine *e)
{
	const struct clock_command command = {
	    .freq_ppm = e->good_freq_ppm,
	    .max_error_ns = DISCLAIMED_NS,
	    .est_error_ns = DISCLAIMED_NS,
	};

	if (e->disclaimed)
		return;
	e->disclaimed = true;
	give_command(e, &command);
}

static void steer(struct engine *e)
{
	struct clock_command command;

	if (e->command_pending || e->end != ENGINE_RUNS)
		return;
	if (wrong_clock_holds(e)) {
		e->steer_at = e->bootstrap.hold_until;
		return;
	}
	if (!steering_update(e->steering, &e->timescale, e->now.wall, &command))
		look_at_tracking(e);
	else if (e->options->print_only)
		print_only(e);
	else
		give_command(e, &command);
}

/* A clock that is too wrong to check certificates by. */
static void set_by_agreement(struct engine *e)
{
	struct clock_command command;

	if (e->command_pending || e->end != ENGINE_RUNS)
		return;
	if (wrong_clock_decide(e, &command))
		give_command(e, &command);
	else if (wrong_clock_refuted(e))
		check_dates(e);
}

static void save(struct engine *e)
{
	struct keeper_message m = {.kind = KEEPER_MESSAGE_SAVE};
	struct tracking t;

	e->save_at = mono_after(e->now.mono, SAVE_EVERY_NS);
	steering_tracking(e->steering, &e->timescale, e->now.wall, &t);
	if (e->options->no_clock || !t.synchronised)
		return;
	m.serial = ++e->serial;
	m.freq_ppm = t.freq_ppm;
	m.freq_sd_ppm = t.skew_ppm;
	m.good_time_s = e->now.wall.ns / NS_PER_S;
	e->ports.command(e->ports.self, &m);
}

static void start_source(struct engine *e, unsigned i)
{
	source_init(&e->sources[i], &e->config->sources[i], e->now.mono);
	source_spread_start(&e->sources[i], random_u32(e));
}

bool engine_init(struct engine *e, const struct config *config,
    const struct run_options *options, const struct engine_start *start,
    const struct engine_ports *ports, struct clock_reading now)
{
	struct source_options flags[SOURCES_MAX];
	struct steering_config steering = config->steering;

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
	    .steer_at = MONO_NEVER,
	    .wall_minus_mono_ns = now.wall.ns - now.mono.ns,
	    .boot_minus_mono_ns = now.boot_ns - now.mono.ns,
	    .last_selected = -1,
	    .good_freq_ppm = start->clock.freq_ppm,
	};
	e->sources = calloc(config->source_count, sizeof(*e->sources));
	for (unsigned i = 0; i < config->source_count; i++)
		flags[i] = config->sources[i].options;
	steering.max_freq_ppm = config->max_freq_ppm;
	e->steering = steering_new(&steering, flags, config->source_count,
	    start->freq_ppm, start->freq_sd_ppm);
	if (!e->sources || !e->steering) {
		free(e->sources);
		steering_free(e->steering);
		return false;
	}
	for (unsigned i = 0; i < config->source_count; i++)
		start_source(e, i);
	timescale_init(&e->timescale, &start->clock);
	wrong_clock_init(e, start->earliest_ns);
	return true;
}

void engine_free(struct engine *e, struct clock_reading now)
{
	e->now = now;
	save(e);
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
	source_saved(&e->sources[slot], keys, left, now, random_u32(e));
	log_news(&e->sources[slot]);
	engine_mark_duplicates(e);
}

static struct mono timeout_at(const struct engine *e)
{
	if (e->options->timeout_s <= 0 ||
	    !(e->options->once || e->options->print_only))
		return MONO_NEVER;
	return mono_after(e->started.mono, e->options->timeout_s * NS_PER_S);
}

struct mono engine_deadline(const struct engine *e)
{
	struct mono next =
	    mono_earlier(e->steer_at, mono_earlier(e->save_at, timeout_at(e)));

	if (e->command_pending)
		next = mono_earlier(next, e->command_by);
	next = mono_earlier(next, overdue_deadline(e));
	for (unsigned i = 0; i < e->source_count; i++)
		next = mono_earlier(next, source_deadline(&e->sources[i]));
	return next;
}

/* A request sent before a step has its answer after it; no ledger can tell on
 * which side of the step its stamp was read. */
static void ask_again(struct engine *e)
{
	for (unsigned i = 0; i < e->source_count; i++) {
		e->ports.close(e->ports.self, i);
		source_repeat(&e->sources[i], e->now.mono);
	}
}

/* Every event starts here: take the time, and see whether it is still ours. */
static void wake(struct engine *e, struct clock_reading now)
{
	int64_t slept_ns = engine_slept(e, now);
	int64_t jump_ns =
	    now.wall.ns - now.mono.ns - e->wall_minus_mono_ns - slept_ns;
	struct wall before = e->woke.wall;

	e->now = e->woke = now;
	/* Our own step is on its way through the keeper. */
	if (e->command_pending && e->last_command.step_ns != 0)
		jump_ns = 0;
	if (slept_ns > 0)
		engine_woke_up(e, slept_ns, jump_ns);
	else if (engine_leap_executed(e, before, jump_ns, JUMP_NS))
		ask_again(e);
	else if (jump_ns > JUMP_NS || jump_ns < -JUMP_NS)
		engine_jumped(e, jump_ns);
	else
		/* Follow the reading noise, so that it cannot add up. */
		e->wall_minus_mono_ns += jump_ns / 8;
}

void engine_on_timer(struct engine *e, struct clock_reading now)
{
	bool heard_nothing = false;

	wake(e, now);
	overdue_turn(e, now);
	for (unsigned i = 0; i < e->source_count; i++) {
		uint64_t lost = e->sources[i].count.lost;

		run_source(e, i);
		heard_nothing |= e->sources[i].count.lost != lost;
	}
	set_by_agreement(e);
	if (heard_nothing || mono_due(e->steer_at, now.mono)) {
		e->steer_at = MONO_NEVER;
		steer(e);
	}
	if (mono_due(e->save_at, now.mono))
		save(e);
	engine_saving_turn(e);
	if (mono_due(timeout_at(e), now.mono) && e->end == ENGINE_RUNS)
		e->end = ENGINE_TIMEOUT;
	if (e->command_pending && mono_due(e->command_by, now.mono)) {
		log_error("the keeper does not answer any more: ending");
		e->end = ENGINE_STUCK;
	}
}

void engine_on_keys(
    struct engine *e, const struct ke_answer *answer, struct clock_reading now)
{
	struct source *s;

	wake(e, now);
	e->resolver_strikes = 0;
	if (answer->source >= e->source_count)
		return;
	s = &e->sources[answer->source];
	s->dates_may_wait = wrong_clock_may_leave_dates(e, answer->source);
	engine_carry_out(
	    e, answer->source, source_keys(s, answer, now, random_u32(e)));
	if (s->stage == STAGE_UNDATED_KEYING)
		wrong_clock_suspected(e, s);
	engine_mark_duplicates(e);
	run_source(e, answer->source);
}

/* False: the times contradict each other, as when the clock was set between the
 * stamps or the server claims to have thought longer than the answer took. */
static bool sample_of(const struct engine *e, const struct datagram *d,
    const struct ntp_answer *a, struct sample *out, int64_t *excess_ns)
{
	struct osc t1 = timescale_osc(&e->timescale, d->tx);
	struct osc t4 = timescale_osc(&e->timescale, d->rx);
	struct wall pivot = wrong_clock_pivot(e, d->slot);
	int64_t t2 = ntp_to_wall(a->header.receive, pivot).ns;
	int64_t t3 = ntp_to_wall(a->header.transmit, pivot).ns;
	int64_t delay_ns = (t4.ns - t1.ns) - (t3 - t2);

	*excess_ns = -delay_ns;
	if (delay_ns < -DELAY_NOISE_NS)
		return false;
	*out = (struct sample){
	    .at = {t1.ns + (t4.ns - t1.ns) / 2},
	    /* RFC 5905 section 8; halves before the sum, which may be large */
	    .offset_ns = (t2 - t1.ns) / 2 + (t3 - t4.ns) / 2,
	    .delay_ns = delay_ns > 1 ? delay_ns : 1,
	    /* A round trip of less than nothing: some stamp is off by that
	     * much, as one that a server predicts. */
	    .dispersion_ns = a->precision_ns + LOCAL_PRECISION_NS +
			     (delay_ns < 0 ? -delay_ns : 0),
	    .root_delay_ns = a->root_delay_ns,
	    .root_dispersion_ns = a->root_dispersion_ns,
	    .tx_stamp = d->tx_kind,
	    .rx_stamp = d->rx_kind,
	    .leap = (enum leap)a->header.leap,
	    .stratum = a->header.stratum,
	};
	return true;
}

/* What one source says twice and nothing explains concerns all: either the
 * clock has changed, which they can tell, or the source has. */
static void ask_the_others(struct engine *e, unsigned i)
{
	if (steering_outliers(e->steering, i) == 2)
		engine_hurry(e, ~(UINT64_C(1) << i));
}

static void take_sample(struct engine *e, unsigned i, const struct datagram *d,
    const struct ntp_answer *a)
{
	struct source *s = &e->sources[i];
	int64_t excess_ns;
	struct sample m;

	if (!sample_of(e, d, a, &m, &excess_ns)) {
		source_contradicts(s, excess_ns, e->now.mono);
		return;
	}
	source_stamped(s, d->tx_kind, d->rx_kind);
	if (m.delay_ns > s->config->max_delay_ns) {
		source_too_slow(s, m.delay_ns, e->now.mono);
		return;
	}
	if (!wrong_clock_believes(e, i, &m, random_u32(e)))
		return;
	if (engine_pause_holds(e, i, &m, random_u32(e)))
		return;
	if (!s->heard)
		e->steer_at = mono_after(e->now.mono, ASK_AGAIN_NS);
	engine_notice_duplicate(e, i);
	steering_add(e->steering, i, &m);
	source_sampled(s, m.delay_ns,
	    steering_poll_vote(e->steering, i, ldexp(1, s->pace.poll_log2_s)),
	    e->now.mono, random_u32(e));
	ask_the_others(e, i);
}

void engine_on_datagram(
    struct engine *e, const struct datagram *d, struct clock_reading now)
{
	struct source *s = &e->sources[d->slot];
	struct ntp_answer answer;
	enum source_action action;
	bool sample_ok;

	wake(e, now);
	if (d->error) {
		source_send_failed(s, d->error, now.mono);
		run_source(e, d->slot);
		return;
	}
	action = source_datagram(
	    s, d->bytes, d->len, now.mono, random_u32(e), &answer, &sample_ok);
	if (sample_ok)
		take_sample(e, d->slot, d, &answer);
	steering_set_reach(e->steering, d->slot, s->reach);
	steering_set_unsynced(e->steering, d->slot, s->unsynchronised);
	engine_carry_out(e, d->slot, action);
	if (!sample_ok)
		return;
	set_by_agreement(e);
	steer(e);
}

static void log_refusal(const struct keeper_report *r)
{
	if (r->verdict == KEEPER_KERNEL)
		log_error("the kernel refused a clock adjustment: %s",
		    strerror(r->sys_errno));
	else
		log_error("the keeper refused a clock adjustment: %s",
		    keeper_verdict_text((enum keeper_verdict)r->verdict));
}

static void take_verdict(struct engine *e, const struct keeper_report *r)
{
	bool same = e->last_verdict == r->verdict;

	e->last_verdict = r->verdict;
	if (r->verdict == KEEPER_NO_CLOCK)
		return;
	if (r->verdict != KEEPER_OK) {
		if (!same)
			log_refusal(r);
		disclaim(e);
		return;
	}
	e->good_freq_ppm = e->last_command.freq_ppm;
	engine_leap_armed(e, &e->last_command);
	if (e->last_command.synchronised)
		e->disclaimed = false;
	if (e->last_command.synchronised && wrong_clock_pause_over(e))
		check_dates(e);
	if (e->last_command.bootstrap)
		wrong_clock_log_step(e);
	else if (e->last_command.step_ns != 0)
		log_notice("the clock was stepped by %+.9f s",
		    s_of_ns(e->last_command.step_ns));
}

/* That the limits forbid a step which somebody ordered is no reason to doubt
 * the clock. A slew under way goes on. */
static bool ordered_step_refused(
    struct engine *e, const struct keeper_report *r)
{
	if (!e->step_ordered)
		return false;
	e->step_ordered = false;
	e->step_answered = true;
	e->step_verdict = r->verdict;
	if (r->verdict != KEEPER_STEP_FORBIDDEN &&
	    r->verdict != KEEPER_STEP_LIMIT)
		return false;
	steering_step_refused(e->steering);
	return true;
}

static void take_changes(struct engine *e, const struct keeper_report *r)
{
	for (uint32_t i = 0; i < r->change_count; i++) {
		timescale_change(&e->timescale, &r->changes[i]);
		e->wall_minus_mono_ns += r->changes[i].step_ns;
		if (r->changes[i].step_ns != 0)
			ask_again(e);
	}
}

/* -q: the clock is set when nothing is left to be slewed. */
static void end_when_set(struct engine *e, const struct keeper_report *r)
{
	if (!e->options->once || e->slewing || e->command_pending ||
	    e->last_command.bootstrap)
		return;
	if (r->verdict == KEEPER_OK || r->verdict == KEEPER_NO_CLOCK)
		e->end = ENGINE_DONE;
}

/* The steering knows nothing of a bootstrap step, which is none of its own. */
static void take_answer(struct engine *e, const struct keeper_report *r)
{
	bool bootstrap = e->last_command.bootstrap;

	e->slewing = r->verdict == KEEPER_OK && e->last_command.slew_ns != 0;
	if (!bootstrap)
		steering_applied(e->steering, (enum keeper_verdict)r->verdict);
	take_verdict(e, r);
	if (bootstrap)
		check_dates(e);
}

void engine_on_report(struct engine *e, const struct keeper_report *report,
    struct clock_reading now)
{
	e->now = now;
	take_changes(e, report);
	if (report->serial != 0 && e->command_pending &&
	    report->serial == e->command_serial) {
		e->command_pending = false;
		if (!ordered_step_refused(e, report))
			take_answer(e, report);
	} else if (report->verdict == KEEPER_MEDDLED) {
		engine_meddled(e, report);
	} else if (report->serial == 0) {
		e->slewing = false;
	}
	wake(e, now);
	if (!e->last_command.bootstrap)
		look_at_tracking(e);
	end_when_set(e, report);
}
