#include "agent/engine/commands.h"

#include "agent/engine/disturbance.h"
#include "agent/engine/duplicates.h"
#include "agent/engine/leap_second.h"
#include "agent/engine/report.h"
#include "agent/engine/saving.h"
#include "agent/engine/sources.h"
#include "agent/engine/wrong_clock.h"
#include "agent/saved/trouble.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A keeper that does not answer for this long hangs: a busy machine may leave
 * it without a processor for seconds. */
#define KEEPER_TIMEOUT_NS (15 * NS_PER_S)
/* Root distance from which the kernel and timedatectl(1) say "not
 * synchronised". */
#define DISCLAIMED_NS (16 * NS_PER_S)
#define SAVE_EVERY_NS (3600 * NS_PER_S)

static void give_command(struct engine *e, const struct clock_command *command)
{
	struct keeper_message m = {
	    .kind = KEEPER_MESSAGE_COMMAND,
	    .serial = ++e->serial,
	    .command = *command,
	};

	e->order.serial = m.serial;
	e->order.command = *command;
	e->order.pending = true;
	e->order.answer_by = mono_after(e->now.mono, KEEPER_TIMEOUT_NS);
	e->ports.command(e->ports.self, &m);
}

void engine_order_step(struct engine *e, const struct clock_command *command)
{
	e->step.under_way = true;
	give_command(e, command);
}

/* A command was refused: then the clock is not known to be right, and the
 * kernel must not say that it is. Once, until a command is carried out. */
static void disclaim(struct engine *e)
{
	const struct clock_command command = {
	    .freq_ppm = e->good_freq_ppm,
	    .max_error_ns = DISCLAIMED_NS,
	    .est_error_ns = DISCLAIMED_NS,
	};

	if (e->order.disclaimed)
		return;
	e->order.disclaimed = true;
	give_command(e, &command);
}

/* -Q: the offset is all that was asked for. */
static void measure_only(struct engine *e)
{
	struct tracking t;

	steering_tracking(e->steering, &e->timescale, e->now.wall, &t);
	e->measured_offset_ns = t.offset_ns;
	e->measured_bound_ns = t.root_delay_ns / 2 + t.root_dispersion_ns;
	e->end = ENGINE_DONE;
}

void engine_look_at_tracking(struct engine *e)
{
	if (engine_report_tracking(e))
		engine_check_dates(e);
}

/* With --no-clock the keeper only tells the service manager whether the clock
 * is synchronised. */
static bool keeper_must_know(
    const struct engine *e, const struct clock_command *c)
{
	return !e->options->no_clock || e->options->once || e->serial == 0 ||
	       c->synchronised != e->order.command.synchronised;
}

/* What the keeper would answer. */
static void go_on_without_clock(struct engine *e, const struct clock_command *c)
{
	const struct keeper_report r = {
	    .serial = e->order.serial,
	    .verdict = KEEPER_NO_CLOCK,
	};

	e->order.command = *c;
	e->order.pending = true;
	engine_take_report(e, &r);
	engine_look_at_tracking(e);
}

static bool may_command(const struct engine *e)
{
	return !e->order.pending && e->end == ENGINE_RUNS;
}

/* No command: the steering may need another turn. */
static void look_again(struct engine *e)
{
	if (steering_is_busy(e->steering))
		e->decide_at = e->now.mono;
	engine_look_at_tracking(e);
}

/* leapsecmode = step. If the step is not possible, the steering slews. */
static bool step_over_leap(struct engine *e, struct clock_command *command)
{
	int64_t offset_ns;
	bool due = e->leap.step_due;

	e->leap.step_due = false;
	return due && steering_step(e->steering, &e->timescale, e->now.wall,
			  command, &offset_ns) == STEERING_ORDER_GIVEN;
}

void engine_steer(struct engine *e)
{
	int64_t leap_wait_ns = engine_leap_wait_ns(e, e->now.wall);
	struct clock_command command;

	e->noticed = true;
	if (!may_command(e))
		return;
	if (step_over_leap(e, &command)) {
		give_command(e, &command);
		return;
	}
	if (leap_wait_ns > 0) {
		e->decide_at = mono_after(e->now.mono, leap_wait_ns);
		return;
	}
	if (wrong_clock_holds(e)) {
		e->decide_at = e->bootstrap.hold_until;
		return;
	}
	if (!steering_update(e->steering, &e->timescale, e->now.wall, &command))
		look_again(e);
	else if (e->options->print_only)
		measure_only(e);
	else if (keeper_must_know(e, &command))
		give_command(e, &command);
	else
		go_on_without_clock(e, &command);
	engine_hurry(e, steering_witnesses_wanted(e->steering));
}

void engine_set_by_agreement(struct engine *e)
{
	struct clock_command command;

	if (!may_command(e))
		return;
	if (wrong_clock_decide(e, &command))
		give_command(e, &command);
	else if (wrong_clock_refuted(e))
		engine_check_dates(e);
}

/* -q, -Q, --max-bound. */

static bool runs_once(const struct engine *e)
{
	return e->options->once || e->options->print_only;
}

struct mono engine_once_until(const struct engine *e)
{
	if (e->options->timeout_s <= 0 || !runs_once(e))
		return MONO_NEVER;
	return mono_after(e->started.mono, e->options->timeout_s * NS_PER_S);
}

/* The keeper has carried out a command that sets the clock, and nothing is left
 * to be slewed. */
static bool is_set(const struct engine *e)
{
	const struct engine_order *o = &e->order;

	return o->serial > 0 && !o->pending && !o->slewing &&
	       o->command.synchronised && !o->command.bootstrap &&
	       (o->last_verdict == KEEPER_OK ||
		   o->last_verdict == KEEPER_NO_CLOCK);
}

/* How many servers may vote, and how many of them say that the clock is, or
 * certainly is not, within --max-bound. */
struct opinion {
	unsigned servers, within, beyond;
};

static struct opinion hear_opinion(const struct engine *e)
{
	const int64_t limit_ns = e->options->max_bound_ns;
	uint64_t servers = 0, within = 0, beyond = 0;
	unsigned server[SOURCES_MAX];

	engine_servers(e, server);
	for (unsigned i = 0; i < e->source_count; i++) {
		const uint64_t bit = UINT64_C(1) << server[i];
		struct source_view v;
		int64_t off_ns;

		if (e->config->sources[i].options.noselect)
			continue;
		servers |= bit;
		steering_source_view(
		    e->steering, i, &e->timescale, e->now.wall, &v);
		if (!engine_source_agrees(v.state))
			continue;
		off_ns = llabs(v.last_offset_ns);
		within |= off_ns <= limit_ns - v.bound_ns ? bit : 0;
		beyond |= off_ns - v.bound_ns > limit_ns ? bit : 0;
	}
	return (struct opinion){
	    .servers = (unsigned)__builtin_popcountll(servers),
	    .within = (unsigned)__builtin_popcountll(within),
	    .beyond = (unsigned)__builtin_popcountll(beyond),
	};
}

/* If the clock is left alone, no later answer makes it right. */
static void judge_bound(struct engine *e)
{
	const struct opinion o = hear_opinion(e);
	const double limit_s = s_of_ns(e->options->max_bound_ns);

	if (2 * o.within > o.servers && is_set(e)) {
		engine_say(e, LOG_LEVEL_NOTICE,
		    "%u of %u servers agree that the clock is right within %g "
		    "s",
		    o.within, o.servers, limit_s);
		e->end = ENGINE_DONE;
	} else if (2 * o.beyond > o.servers && e->options->no_clock) {
		engine_say(e, LOG_LEVEL_ERROR,
		    "%u of %u servers agree that the clock is not right within "
		    "%g s",
		    o.beyond, o.servers, limit_s);
		e->end = ENGINE_BEYOND;
	}
}

static void give_up(struct engine *e)
{
	const int limit_s = e->options->timeout_s;
	struct tracking t;

	steering_tracking(e->steering, &e->timescale, e->now.wall, &t);
	if (e->options->max_bound_ns > 0) {
		const struct opinion o = hear_opinion(e);

		engine_say(e, LOG_LEVEL_ERROR,
		    "after %d s, %u of %u servers agree that the clock is "
		    "right within %g s, and a majority is needed%s%s",
		    limit_s, o.within, o.servers,
		    s_of_ns(e->options->max_bound_ns), t.reason[0] ? ": " : "",
		    t.reason);
	} else {
		engine_say(e, LOG_LEVEL_ERROR,
		    "the clock could not be %s in "
		    "%d s%s%s",
		    e->options->once ? "set" : "measured", limit_s,
		    t.reason[0] ? ": " : "", t.reason);
	}
	e->end = ENGINE_TIMEOUT;
}

void engine_once_look(struct engine *e)
{
	if (!runs_once(e) || e->end != ENGINE_RUNS)
		return;
	if (e->options->max_bound_ns > 0)
		judge_bound(e);
	else if (e->options->once && is_set(e))
		e->end = ENGINE_DONE;
	if (e->end == ENGINE_RUNS &&
	    mono_due(engine_once_until(e), e->now.mono))
		give_up(e);
}

void engine_save_clock(struct engine *e)
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
	/* The frequency that was left alone is known no better than before. */
	if (e->options->once)
		m.freq_sd_ppm = fmax(t.skew_ppm, e->start_freq_sd_ppm);
	m.good_time_s = e->now.wall.ns / NS_PER_S;
	e->ports.command(e->ports.self, &m);
}

static void report_refusal(struct engine *e, const struct keeper_report *r)
{
	if (r->verdict == KEEPER_KERNEL)
		engine_say(e, LOG_LEVEL_ERROR,
		    "the kernel refused a clock adjustment: %s",
		    strerror(r->sys_errno));
	else
		engine_say(e, LOG_LEVEL_ERROR,
		    "the keeper refused a clock adjustment: %s%s",
		    keeper_verdict_text((enum keeper_verdict)r->verdict),
		    e->order.command.pause
			? "; a restart of the agent sets the clock"
			: "");
}

static void carried_out(struct engine *e, const struct keeper_report *r)
{
	const struct clock_command *c = &e->order.command;

	e->good_freq_ppm = c->freq_ppm;
	engine_leap_armed(e, c, (enum leap)r->leap);
	if (c->synchronised)
		e->order.disclaimed = false;
	if (c->synchronised && wrong_clock_pause_over(e))
		engine_check_dates(e);
	if (c->bootstrap)
		wrong_clock_report_step(e);
	else if (c->step_ns != 0)
		engine_say(e, LOG_LEVEL_NOTICE,
		    "the clock was stepped by %+.9f s", s_of_ns(c->step_ns));
}

static void take_verdict(struct engine *e, const struct keeper_report *r)
{
	bool same = e->order.last_verdict == r->verdict;

	e->order.last_verdict = r->verdict;
	if (r->verdict == KEEPER_NO_CLOCK)
		return;
	if (r->verdict == KEEPER_OK) {
		carried_out(e, r);
		return;
	}
	if (!same)
		report_refusal(e, r);
	disclaim(e);
}

/* True: the limits forbid a step that an administrator ordered. That is no
 * reason to doubt the clock, and a slew under way goes on. */
static bool ordered_step_refused(
    struct engine *e, const struct keeper_report *r)
{
	if (!e->step.under_way)
		return false;
	e->step.under_way = false;
	e->step.answered = true;
	e->step.verdict = r->verdict;
	if (r->verdict != KEEPER_STEP_FORBIDDEN &&
	    r->verdict != KEEPER_STEP_LIMIT && r->verdict != KEEPER_STEP_BUDGET)
		return false;
	steering_step_refused(e->steering);
	return true;
}

static void take_changes(struct engine *e, const struct keeper_report *r)
{
	for (uint32_t i = 0; i < r->change_count; i++) {
		timescale_change(&e->timescale, &r->changes[i]);
		e->wall_minus_mono_ns += r->changes[i].step_ns;
		if (r->changes[i].step_ns == 0)
			continue;
		engine_explain_set(e);
		engine_ask_again(e);
	}
}

/* The agreement, not the steering, has decided a bootstrap step. */
static void take_answer(struct engine *e, const struct keeper_report *r)
{
	bool bootstrap = e->order.command.bootstrap;

	e->order.slewing =
	    r->verdict == KEEPER_OK && e->order.command.slew_ns != 0;
	if (!bootstrap)
		steering_applied(e->steering, (enum keeper_verdict)r->verdict);
	take_verdict(e, r);
	if (bootstrap)
		engine_check_dates(e);
}

static void take_steps(struct engine *e, const struct keeper_report *r)
{
	if (r->steps == e->order.steps)
		return;
	e->order.steps = r->steps;
	e->order.last_step_ns = 0;
	for (uint32_t i = 0; i < r->change_count; i++)
		e->order.last_step_ns += r->changes[i].step_ns;
}

static void take_saver_answer(struct engine *e, const struct keeper_report *r)
{
	char trouble[SAVED_TROUBLE_MAX];

	saver_trouble(trouble, e->config, r->sys_errno);
	engine_saving_result(e, UNSAVED_CLOCK, trouble);
}

void engine_take_report(struct engine *e, const struct keeper_report *r)
{
	if (r->verdict == KEEPER_SAVED) {
		take_saver_answer(e, r);
		return;
	}
	take_steps(e, r);
	e->order.refused = r->refused;
	take_changes(e, r);
	if (r->serial != 0 && e->order.pending &&
	    r->serial == e->order.serial) {
		e->order.pending = false;
		if (!ordered_step_refused(e, r))
			take_answer(e, r);
	} else if (r->verdict == KEEPER_FREQ_CHANGED ||
		   r->verdict == KEEPER_SLEW_FOUND) {
		engine_meddled(e, r);
	} else if (r->verdict == KEEPER_OVERTAKEN) {
		e->order.slewing = false;
		engine_meddled(e, r);
	} else if (r->serial == 0) {
		e->order.slewing = false;
	}
	if (e->leap.step_due)
		e->decide_at = e->now.mono;
}
