#include "agent/engine/commands.h"

#include "agent/engine/disturbance.h"
#include "agent/engine/leap_second.h"
#include "agent/engine/report.h"
#include "agent/engine/sources.h"
#include "agent/engine/wrong_clock.h"

#include <string.h>

/* A keeper that does not answer for this long hangs. */
#define KEEPER_TIMEOUT_NS (5 * NS_PER_S)
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

static bool may_command(const struct engine *e)
{
	return !e->order.pending && e->end == ENGINE_RUNS;
}

void engine_steer(struct engine *e)
{
	struct clock_command command;

	if (!may_command(e))
		return;
	if (wrong_clock_holds(e)) {
		e->decide_at = e->bootstrap.hold_until;
		return;
	}
	if (!steering_update(e->steering, &e->timescale, e->now.wall, &command))
		engine_look_at_tracking(e);
	else if (e->options->print_only)
		measure_only(e);
	else
		give_command(e, &command);
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
		    "the keeper refused a clock adjustment: %s",
		    keeper_verdict_text((enum keeper_verdict)r->verdict));
}

static void carried_out(struct engine *e)
{
	const struct clock_command *c = &e->order.command;

	e->good_freq_ppm = c->freq_ppm;
	engine_leap_armed(e, c);
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
		carried_out(e);
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

void engine_take_report(struct engine *e, const struct keeper_report *r)
{
	take_changes(e, r);
	if (r->serial != 0 && e->order.pending &&
	    r->serial == e->order.serial) {
		e->order.pending = false;
		if (!ordered_step_refused(e, r))
			take_answer(e, r);
	} else if (r->verdict == KEEPER_FREQ_CHANGED) {
		engine_meddled(e, r);
	} else if (r->serial == 0) {
		e->order.slewing = false;
	}
}
