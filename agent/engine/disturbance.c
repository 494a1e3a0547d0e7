#include "agent/engine/disturbance.h"

#include "agent/engine/sources.h"
#include "agent/engine/wrong_clock.h"
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

/* BOOTTIME against MONOTONIC: a sleep, however short. */
#define SLEPT_NS (100 * NS_PER_MS)

/* Between two bursts because of another program's frequency. */
#define MEDDLED_APART_NS (256 * NS_PER_S)

/* Samples from before say nothing about now. */
static void measure_anew(struct engine *e)
{
	for (unsigned i = 0; i < e->source_count; i++) {
		steering_forget(e->steering, i);
		e->ports.close(e->ports.self, i);
		source_jumped(&e->sources[i], e->now.mono);
		engine_carry_out(e, i, source_recheck(&e->sources[i]));
	}
	bootstrap_forget(&e->bootstrap);
	e->pause = (struct pause){0};
	steering_allow_step(e->steering);
}

/* For the log, and for `ntsctl tracking` afterwards. */
static void tell(struct engine *e, enum log_level level, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
static void tell(struct engine *e, enum log_level level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(e->disturbed.text, sizeof(e->disturbed.text), fmt, args);
	va_end(args);
	e->disturbed.at = e->now.mono;
	log_line(level, "%s: measuring anew", e->disturbed.text);
}

static void say_moved(struct engine *e, int64_t jump_ns)
{
	const char *rival = e->ports.rival(e->ports.self);

	tell(e, LOG_LEVEL_WARNING,
	    "the clock was moved by %+.3f s from outside%s%s", s_of_ns(jump_ns),
	    rival ? ", perhaps by "
		  : " (an administrator or another program "
		    "set it)",
	    rival ? rival : "");
}

static void foreign_step(struct engine *e, int64_t jump_ns)
{
	if (jump_ns == 0)
		return;
	timescale_foreign_step(
	    &e->timescale, (struct wall){e->now.wall.ns - jump_ns}, jump_ns);
	e->wall_minus_mono_ns += jump_ns;
}

void engine_jumped(struct engine *e, int64_t jump_ns)
{
	say_moved(e, jump_ns);
	foreign_step(e, jump_ns);
	/* Whoever set it knows better how long it stood still. */
	if (e->bootstrap.pause_ns > 0)
		bootstrap_end(&e->bootstrap);
	measure_anew(e);
}

/* A program that does it all the time is told of in a few lines. */
static void say_meddled(struct engine *e, const struct keeper_report *r)
{
	const char *rival = e->ports.rival(e->ports.self);
	char *text = e->disturbed.text;
	enum log_budget_answer verdict;

	snprintf(text, sizeof(e->disturbed.text),
	    "the clock ran at %+.3f ppm, not at the %+.3f ppm that it was set "
	    "to%s%s: put right",
	    r->found_freq_ppm, r->changes[0].freq_ppm,
	    rival ? ", perhaps by "
		  : " (an administrator or another program "
		    "changed that)",
	    rival ? rival : "");
	e->disturbed.at = e->now.mono;
	(void)log_budget_well(&e->meddling, e->now.mono);
	verdict =
	    log_budget_trouble(&e->meddling, text, e->now.mono, e->now.mono);
	if (verdict != BUDGET_NONE)
		log_warning("%s%s", text,
		    verdict == BUDGET_LAST_LINE
			? "; it happens again and again: nothing more is said "
			  "until it has not happened for an hour"
			: "");
}

/* Nobody knows since when: up to KEEPER_LOOK_NS of that frequency are in what
 * was measured. A program that does it all the time must not make us ask all
 * the time. */
void engine_meddled(struct engine *e, const struct keeper_report *report)
{
	if (report->change_count == 0)
		return;
	say_meddled(e, report);
	if (!mono_due(e->meddled_at, e->now.mono))
		return;
	e->meddled_at = mono_after(e->now.mono, MEDDLED_APART_NS);
	measure_anew(e);
}

/* What the clocks show goes on without a jump, and so does the ledger. */
void engine_stood_still(struct engine *e, int64_t lag_ns)
{
	tell(e, LOG_LEVEL_WARNING,
	    "the clock has lost %.3f s at once, as the servers say (was the "
	    "machine paused, moved or restored?)",
	    s_of_ns(lag_ns));
	measure_anew(e);
	wrong_clock_paused(e, lag_ns);
}

/* The network may be another one, too. */
void engine_woke_up(struct engine *e, int64_t slept_ns, int64_t jump_ns)
{
	tell(e, LOG_LEVEL_NOTICE, "the machine was suspended for %.1f s",
	    s_of_ns(slept_ns));
	e->wall_minus_mono_ns += slept_ns;
	foreign_step(e, jump_ns);
	measure_anew(e);
	engine_retry_early(e, RETRY_NETWORK, NULL, e->now);
}

/* CLOCK_BOOTTIME goes on while the machine sleeps, CLOCK_MONOTONIC does not. */
int64_t engine_slept(struct engine *e, struct clock_reading now)
{
	int64_t gap_ns = now.boot_ns - now.mono.ns - e->boot_minus_mono_ns;

	if (now.boot_ns == 0 || gap_ns < SLEPT_NS)
		return 0;
	e->boot_minus_mono_ns += gap_ns;
	return gap_ns;
}
