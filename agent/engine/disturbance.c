#include "agent/engine/disturbance.h"

#include "agent/engine/sources.h"
#include "agent/engine/wrong_clock.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Between two bursts because of another program's frequency. */
#define MEDDLED_APART_NS (256 * NS_PER_S)

/* A disturbance that comes again and again must not make us ask and log all the
 * time: so many bursts and lines at once, and then one each BURST_APART_NS. */
#define BURSTS 8
#define BURST_APART_NS (256 * NS_PER_S)

/* After this the frequency is known from this machine. */
#define FREQ_KNOWN_NS (300 * NS_PER_S)

static bool burst_is_left(const struct engine *e)
{
	return e->bursts_paid.ns - e->now.mono.ns <=
	       (BURSTS - 1) * BURST_APART_NS;
}

static bool take_burst(struct engine *e)
{
	if (mono_due(e->bursts_paid, e->now.mono))
		e->bursts_paid = e->now.mono;
	if (!burst_is_left(e))
		return false;
	e->bursts_paid = mono_after(e->bursts_paid, BURST_APART_NS);
	return true;
}

/* Samples from before say nothing about the clock of now. */
static void measure_again(struct engine *e, bool burst)
{
	for (unsigned i = 0; i < e->source_count; i++) {
		steering_forget(e->steering, i);
		e->ports.close(e->ports.self, i);
		if (!burst)
			continue;
		source_jumped(&e->sources[i], e->now.mono);
		engine_carry_out(e, i, source_recheck(&e->sources[i]));
	}
	bootstrap_forget(&e->bootstrap);
	e->noticed = true;
	e->tracked_at = (struct mono){0};
	e->pause = (struct pause){0};
	steering_allow_step(e->steering);
}

/* The end of a line about a disturbance. */
static const char *again(const struct engine *e)
{
	return burst_is_left(e) ? ""
				: "; it happens again and again: one line in "
				  "256 s at most from now on";
}

static void note_line(struct engine *e, bool last)
{
	e->disturbed.said_at = e->now.mono;
	e->disturbed.last_line = last;
}

/* Logs the disturbance, and keeps it for `ntsctl tracking`. False: it is one of
 * too many, so it has no line and must have no burst. */
static bool tell(struct engine *e, enum log_level level, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
static bool tell(struct engine *e, enum log_level level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(e->disturbed.text, sizeof(e->disturbed.text), fmt, args);
	va_end(args);
	e->disturbed.at = e->now.mono;
	if (!take_burst(e))
		return false;
	note_line(e, false);
	engine_say(
	    e, level, "%s: measuring again%s", e->disturbed.text, again(e));
	return true;
}

/* "perhaps by chronyd (pid 1)", or `otherwise`. */
struct culprit {
	const char *before, *name;
};

static struct culprit culprit(struct engine *e, const char *otherwise)
{
	const char *rival = e->ports.rival(e->ports.self);

	return (struct culprit){
	    rival ? ", perhaps by " : otherwise, rival ? rival : ""};
}

/* The kernel's word and the explanation for it may come in either order. */
void engine_clock_was_set(struct engine *e)
{
	e->clock_set.told = true;
}

void engine_explain_set(struct engine *e)
{
	if (e->clock_set.told)
		e->clock_set.told = false;
	else
		e->clock_set.explained = true;
}

/* Two readings of a coarse clock differ by its steps, too. */
static bool is_seen(const struct engine *e, int64_t step_ns)
{
	return llabs(step_ns) >= SET_SEEN_NS + 2 * e->granularity_ns;
}

bool engine_is_foreign_step(struct engine *e, int64_t jump_ns)
{
	bool moved = jump_ns > JUMP_NS || jump_ns < -JUMP_NS;
	bool told = e->clock_set.told;
	bool explained = told && e->clock_set.explained && !is_seen(e, jump_ns);

	if (told)
		e->clock_set.told = e->clock_set.explained = false;
	else if (moved)
		e->clock_set.explained = true;
	return moved || (told && !explained);
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
	struct culprit by =
	    culprit(e, " (an administrator or another program set it)");
	bool burst;

	if (!is_seen(e, jump_ns))
		burst = tell(e, LOG_LEVEL_WARNING,
		    "the clock was set from outside, to almost the same time%s"
		    "%s",
		    by.before, by.name);
	else
		burst = tell(e, LOG_LEVEL_WARNING,
		    "the clock was moved by %+.*f s from outside%s%s",
		    llabs(jump_ns) > JUMP_NS ? 3 : 6, s_of_ns(jump_ns),
		    by.before, by.name);
	foreign_step(e, jump_ns);
	/* An administrator has corrected the pause by hand. */
	if (e->bootstrap.pause_ns > 0)
		bootstrap_end(&e->bootstrap);
	measure_again(e, burst);
}

/* Writes what the keeper has found into e->disturbed. */
static void describe_meddling(struct engine *e, const struct keeper_report *r)
{
	struct culprit by = culprit(
	    e, r->verdict == KEEPER_SLEW_FOUND
		   ? ""
		   : " (an administrator or another program changed that)");
	char *text = e->disturbed.text;
	const size_t size = sizeof(e->disturbed.text);

	if (r->verdict == KEEPER_OVERTAKEN)
		snprintf(text, size,
		    "the keeper was stopped, or had no processor, and did not "
		    "end a slew in time: the guard has ended it");
	else if (r->verdict == KEEPER_SLEW_FOUND)
		snprintf(text, size,
		    "the kernel was slewing the clock for another program, "
		    "with %+.6f s to go%s%s: put right",
		    s_of_ns(r->found_slew_ns), by.before, by.name);
	else
		snprintf(text, size,
		    "the clock ran at %+.3f ppm, not at the %+.3f ppm that it "
		    "was set to%s%s: put right",
		    r->found_freq_ppm, r->changes[0].freq_ppm, by.before,
		    by.name);
	e->disturbed.at = e->now.mono;
}

/* A program that does it again and again gets a few lines and then none. */
static void report_meddling(struct engine *e, const struct keeper_report *r)
{
	const char *text = e->disturbed.text;
	struct mono now = e->now.mono;
	enum log_budget_answer answer;
	bool last;

	describe_meddling(e, r);
	/* Between two changes all is well, which has no line, but counts. */
	last = log_budget_well(&e->meddling, now) == BUDGET_LAST_LINE;
	answer = log_budget_trouble(&e->meddling, text, now, now);
	if (answer == BUDGET_NONE && !last)
		return;
	last |= answer == BUDGET_LAST_LINE;
	note_line(e, last);
	engine_say(e, LOG_LEVEL_WARNING, "%s%s", text,
	    last ? "; it happens again and again: no more lines until it has "
		   "not happened for an hour"
		 : "");
}

/* When the clock changed is not known, and the samples since are wrong by it. A
 * program that does it all the time must not make us ask all the time. */
void engine_meddled(struct engine *e, const struct keeper_report *report)
{
	if (report->change_count == 0)
		return;
	report_meddling(e, report);
	if (!mono_due(e->meddled_at, e->now.mono))
		return;
	e->meddled_at = mono_after(e->now.mono, MEDDLED_APART_NS);
	measure_again(e, true);
}

/* After a sleep, the machine may be in another network. */
void engine_woke_up(struct engine *e, int64_t slept_ns, int64_t jump_ns)
{
	bool burst =
	    tell(e, LOG_LEVEL_NOTICE, "the machine was suspended for %.*f s",
		slept_ns < NS_PER_S ? 3 : 1, s_of_ns(slept_ns));

	e->wall_minus_mono_ns += slept_ns;
	foreign_step(e, jump_ns);
	measure_again(e, burst);
	steering_woke_up(e->steering, false);
	engine_retry_early(e, RETRY_NETWORK, NULL, e->now);
}

/* CLOCK_BOOTTIME goes on while the machine sleeps, CLOCK_MONOTONIC does not.
 * What would count as a jump of another program is a sleep. */
int64_t engine_slept(struct engine *e, struct clock_reading now)
{
	int64_t gap_ns = now.boot_ns - now.mono.ns - e->boot_minus_mono_ns;

	if (now.boot_ns == 0 || gap_ns <= JUMP_NS)
		return 0;
	e->boot_minus_mono_ns += gap_ns;
	return gap_ns;
}

/* The sources, one bit each, that have answered recently and agree. Ignore the
 * others: their offsets are wrong anyway. */
static uint64_t voters(const struct engine *e)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < e->source_count; i++) {
		enum select_state state = steering_source_state(e->steering, i);

		if (e->sources[i].reach != 0 &&
		    (state == SELECT_SELECTED || state == SELECT_COMBINED))
			bits |= UINT64_C(1) << i;
	}
	return bits;
}

static int64_t lag_of(const struct engine *e, const struct sample *m)
{
	struct wall now = e->now.wall;

	return m->offset_ns - timescale_added_ns(&e->timescale, now) -
	       steering_offset_ns(e->steering, &e->timescale, now);
}

/* How sure the lag is. */
static void add_bounds(const struct engine *e, unsigned source,
    const struct steering_error *error, const struct sample *m,
    struct pause_answer *out)
{
	struct source_view v;

	steering_source_view(
	    e->steering, source, &e->timescale, e->now.wall, &v);
	out->bound_ns = sample_distance_ns(m) + error->bound_ns;
	out->noise_ns =
	    (m->delay_ns > v.min_delay_ns ? m->delay_ns - v.min_delay_ns : 0) /
		2 +
	    m->dispersion_ns;
}

enum pause_verdict engine_judge_pause(
    struct engine *e, unsigned source, const struct sample *m, int64_t *lag_ns)
{
	uint64_t bits = voters(e);
	struct pause_answer voice = {.first = e->now.mono, .at = e->now.mono};
	struct steering_error error = {.offset_ns = 0};

	if (!e->last_synchronised || !(bits >> source & 1))
		return PAUSE_NONE;
	voice.lag_ns = *lag_ns = lag_of(e, m);
	/* Nearly all answers show no lag: then nobody asks how sure it is. */
	if (voice.lag_ns > PAUSE_MIN_NS) {
		error = steering_error(e->steering, &e->timescale, e->now.wall);
		add_bounds(e, source, &error, m, &voice);
	}
	return pause_judge(
	    &e->pause, source, voice, m->at.ns - error.updated.ns, bits);
}

/* With --no-clock, the corrections of another program are not known. */
static const char *or_steered(const struct engine *e)
{
	return e->options->no_clock ? "does another program steer it? " : "";
}

/* The frequency is unknown at a start, and a wrong guess of it is no jump. */
void engine_look_for_freq_jump(struct engine *e)
{
	double by_ppm = steering_take_freq_jump(e->steering);

	if (by_ppm == 0 || !e->ever_synchronised ||
	    !mono_due(mono_after(e->started.mono, FREQ_KNOWN_NS), e->now.mono))
		return;
	snprintf(e->disturbed.text, sizeof(e->disturbed.text),
	    "the clock has become %s by about %.0f ppm at once, as the servers "
	    "say (%swas the machine moved?)",
	    by_ppm > 0 ? "slower" : "faster", fabs(by_ppm), or_steered(e));
	e->disturbed.at = e->now.mono;
	if (take_burst(e))
		engine_say(
		    e, LOG_LEVEL_WARNING, "%s%s", e->disturbed.text, again(e));
}

/* No clock of the machine has jumped, so the ledger needs no correction. The
 * end of another program's slew looks like a pause. */
void engine_stood_still(struct engine *e, int64_t lag_ns)
{
	bool burst = tell(e, LOG_LEVEL_WARNING,
	    "the clock %s %.3f s %s, as the servers say (%swas the "
	    "machine paused, moved or restored?)",
	    e->options->no_clock ? "is" : "has lost", s_of_ns(lag_ns),
	    e->options->no_clock ? "behind what was expected of it" : "at once",
	    or_steered(e));

	measure_again(e, burst);
	steering_woke_up(e->steering, true);
	wrong_clock_paused(e, lag_ns);
}

void engine_ask_about_pause(struct engine *e, unsigned source, int64_t lag_ns)
{
	uint64_t bits = voters(e), others = 0;
	unsigned with = 0;

	for (unsigned i = 0; i < e->source_count; i++) {
		if (e->pause.voices[i].strikes > 0)
			with += (unsigned)(bits >> i & 1);
		else if (i != source)
			others |= UINT64_C(1) << i;
	}
	/* One server of many must not make the bound useless. */
	if (2 * with >= (unsigned)__builtin_popcountll(bits))
		steering_suspect_pause(e->steering, lag_ns);
	engine_hurry(e, others);
}
