#include "clock/kernel/keeper.h"

#include "clock/leap.h"

#include <math.h>

/* Time to the next try when the kernel would not end a slew. */
#define SLEW_RETRY_NS NS_PER_S
/* The kernel rounds a rate to 2^-16 ppm, so a tiny rate becomes wrong by any
 * factor. A slew ends after this many of its durations at the latest. */
#define SLEW_STRETCH_MAX 2.0
/* Frequencies are equal within it: well above the kernel's 2^-16 ppm, well
 * below any change that matters. */
#define FREQ_EQUAL_PPM 1e-4

static double total_of(const struct clock_command *c)
{
	if (c->slew_ns == 0)
		return c->freq_ppm;
	return c->freq_ppm +
	       1e6 * (double)c->slew_ns / (double)c->slew_duration_ns;
}

/* A change to the kernel clock, made between two readings of it. Its time is
 * taken as the middle, so a delay of this process between the readings makes
 * it wrong by half of the delay at most. */
static struct clock_change *add_change(
    struct keeper_report *r, struct wall before, struct wall after)
{
	struct clock_change *c = &r->changes[r->change_count++];

	*c = (struct clock_change){
	    .at = {before.ns + (after.ns - before.ns) / 2},
	};
	return c;
}

static int set_freq(struct keeper *k, double freq_ppm, struct keeper_report *r)
{
	struct wall before = k->clock.now(k->clock.self);
	double became_ppm;
	int err = k->clock.set_freq(k->clock.self, freq_ppm, &became_ppm);

	if (err)
		return err;
	add_change(r, before, k->clock.now(k->clock.self))->freq_ppm =
	    became_ppm;
	k->became_ppm = became_ppm;
	return 0;
}

static int step(struct keeper *k, int64_t step_ns, struct keeper_report *r)
{
	struct wall before = k->clock.now(k->clock.self);
	int err = k->clock.step(k->clock.self, step_ns);
	struct clock_change *change;

	if (err)
		return err;
	change = add_change(r, before, before);
	change->step_ns = step_ns;
	change->freq_ppm = k->became_ppm;
	return 0;
}

static bool freq_sane(const struct keeper *k, double freq_ppm)
{
	return isfinite(freq_ppm) && fabs(freq_ppm) <= k->limits.max_freq_ppm;
}

static int start_measuring(struct keeper *k, struct keeper_report *r)
{
	struct wall at = k->clock.now(k->clock.self);

	if (k->clock.get_freq(k->clock.self, &k->became_ppm) != 0)
		k->became_ppm = 0;
	k->base_freq_ppm = k->became_ppm;
	add_change(r, at, at)->freq_ppm = k->became_ppm;
	return 0;
}

int keeper_start(struct keeper *k, const struct keeper_limits *limits,
    const struct clock_ops *clock, const double *saved_freq_ppm,
    struct keeper_report *report)
{
	double freq_ppm;
	int err;

	*k = (struct keeper){
	    .limits = *limits,
	    .clock = *clock,
	    .start_window_end = MONO_NEVER,
	};
	*report = (struct keeper_report){.verdict = KEEPER_OK};
	if (limits->no_clock)
		return start_measuring(k, report);
	err = clock->get_freq(clock->self, &freq_ppm);
	if (!err) {
		if (saved_freq_ppm && freq_sane(k, *saved_freq_ppm))
			k->base_freq_ppm = *saved_freq_ppm;
		else if (freq_sane(k, freq_ppm))
			k->base_freq_ppm = freq_ppm;
		/* Set it even if it is set already: this shows whether we have
		 * the right to, and ends what another program left running in
		 * the kernel. */
		err = set_freq(k, k->base_freq_ppm, report);
	}
	if (err) {
		report->verdict = KEEPER_KERNEL;
		report->sys_errno = -err;
	}
	return err;
}

static enum keeper_verdict check_slew(
    const struct keeper *k, const struct clock_command *c)
{
	double most_ns;

	if (c->slew_ns == 0)
		return KEEPER_OK;
	if (c->slew_duration_ns <= 0 ||
	    c->slew_duration_ns > KEEPER_SLEW_DURATION_MAX_NS)
		return KEEPER_BAD_COMMAND;
	/* The engine rounds durations to whole nanoseconds: allow one. */
	most_ns = k->limits.max_slew_ppm * 1e-6 * (double)c->slew_duration_ns;
	if (fabs((double)c->slew_ns) > most_ns + 1)
		return KEEPER_SLEW_LIMIT;
	return fabs(total_of(c)) > KEEPER_TOTAL_MAX_PPM ? KEEPER_FREQ_LIMIT
							: KEEPER_OK;
}

static bool in_start_window(const struct keeper *k, struct mono now)
{
	if (k->limits.start_steps < 0)
		return true;
	return k->steps_used < k->limits.start_steps &&
	       !mono_due(k->start_window_end, now);
}

/* The keeper cannot see that the clock stood still. So this step must lead no
 * further than the steps that were allowed since the last one. */
static enum keeper_verdict check_pause(
    const struct keeper *k, const struct clock_command *c, struct mono now)
{
	int64_t steps;

	if (c->step_ns < 0)
		return KEEPER_BAD_COMMAND;
	if (in_start_window(k, now) || k->limits.refuse_step_ns == 0)
		return KEEPER_OK;
	if (!mono_due(k->next_step, now))
		return KEEPER_STEP_FORBIDDEN;
	steps = 1 + (now.ns - k->next_step.ns) / KEEPER_STEP_GAP_NS;
	return (c->step_ns - 1) / steps >= k->limits.refuse_step_ns
		   ? KEEPER_STEP_LIMIT
		   : KEEPER_OK;
}

static enum keeper_verdict check_bootstrap(const struct keeper *k,
    const struct clock_command *c, int64_t becomes_ns, struct mono now)
{
	if (c->synchronised || c->slew_ns != 0)
		return KEEPER_BAD_COMMAND;
	if (!k->limits.bootstrap)
		return KEEPER_STEP_FORBIDDEN;
	if (c->pause)
		return check_pause(k, c, now);
	if (k->bootstrap_over)
		return KEEPER_STEP_FORBIDDEN;
	return becomes_ns < k->limits.earliest_ns ? KEEPER_STEP_EARLY
						  : KEEPER_OK;
}

static enum keeper_verdict check_step(
    const struct keeper *k, const struct clock_command *c, struct mono now)
{
	int64_t becomes_ns;

	if (c->step_ns == 0)
		return c->bootstrap || c->pause ? KEEPER_BAD_COMMAND
						: KEEPER_OK;
	/* Not before 1970, and not after 2262, where int64 ends. */
	if (__builtin_add_overflow(
		k->clock.now(k->clock.self).ns, c->step_ns, &becomes_ns) ||
	    becomes_ns < 0)
		return KEEPER_BAD_COMMAND;
	if (c->bootstrap)
		return check_bootstrap(k, c, becomes_ns, now);
	if (in_start_window(k, now))
		return KEEPER_OK;
	if (k->limits.refuse_step_ns > 0 &&
	    (c->step_ns > k->limits.refuse_step_ns ||
		c->step_ns < -k->limits.refuse_step_ns))
		return KEEPER_STEP_LIMIT;
	return mono_due(k->next_step, now) ? KEEPER_OK : KEEPER_STEP_FORBIDDEN;
}

static enum keeper_verdict check(
    const struct keeper *k, const struct clock_command *c, struct mono now)
{
	enum keeper_verdict v;

	if (!isfinite(c->freq_ppm) || c->max_error_ns < 0 ||
	    c->est_error_ns < 0 || (unsigned)c->leap > LEAP_UNKNOWN)
		return KEEPER_BAD_COMMAND;
	if (!freq_sane(k, c->freq_ppm))
		return KEEPER_FREQ_LIMIT;
	v = check_slew(k, c);
	return v != KEEPER_OK ? v : check_step(k, c, now);
}

/* What the running slew has added so far, ns. CLOCK_MONOTONIC runs at the same
 * frequency as CLOCK_REALTIME, so the oscillator's time is the elapsed time
 * divided by (1 + total), and the rate is relative to the oscillator. */
static int64_t slew_done(const struct keeper *k, struct mono now)
{
	double rate = (k->became_ppm - k->base_freq_ppm) * 1e-6;
	double elapsed_ns = (double)(now.ns - k->slew_start.ns);

	return llround(elapsed_ns * rate / (1 + k->became_ppm * 1e-6));
}

/* The time after which slew_done() is `slew_ns`, at the rate that the kernel
 * really took. */
static int64_t slew_time(
    const struct keeper *k, int64_t slew_ns, int64_t duration_ns)
{
	double rate = (k->became_ppm - k->base_freq_ppm) * 1e-6;
	double time_ns = (double)slew_ns * (1 + k->became_ppm * 1e-6) / rate;
	double most_ns = SLEW_STRETCH_MAX * (double)duration_ns;

	if (!(time_ns > 0))
		return duration_ns;
	return llround(fmin(time_ns, most_ns));
}

static int change_step(struct keeper *k, const struct clock_command *c,
    struct mono now, struct keeper_report *r)
{
	int err;

	if (c->step_ns == 0)
		return 0;
	err = step(k, c->step_ns, r);
	if (err)
		return err;
	/* The bootstrap step of a start does not use up a step of the start
	 * window; the step after a pause does. */
	k->steps_used += !c->bootstrap || c->pause;
	k->bootstrap_over |= c->bootstrap;
	k->next_step = mono_after(now, KEEPER_STEP_GAP_NS);
	return 0;
}

static int change_freq(struct keeper *k, const struct clock_command *c,
    struct mono now, struct keeper_report *r)
{
	int64_t done_ns = k->slewing ? slew_done(k, now) : 0;
	int err = set_freq(k, total_of(c), r);

	if (err)
		return err; /* an older slew goes on and ends on time */
	r->slew_done_ns = done_ns;
	k->base_freq_ppm = c->freq_ppm;
	k->slewing = c->slew_ns != 0;
	k->slew_ns = c->slew_ns;
	k->slew_start = now;
	if (k->slewing)
		k->slew_end = mono_after(
		    now, slew_time(k, c->slew_ns, c->slew_duration_ns));
	return 0;
}

/* On any other day a leap second would be a step of one second that escapes
 * the limits of steps. */
static enum leap leap_today(const struct keeper *k, enum leap wanted)
{
	struct wall now = k->clock.now(k->clock.self);

	return leap_day(now) ? wanted : LEAP_NONE;
}

static int act(struct keeper *k, const struct clock_command *c, struct mono now,
    struct keeper_report *r)
{
	struct kernel_status status = {
	    .synchronised = c->synchronised,
	    .leap = leap_today(k, c->leap),
	    .max_error_ns = c->max_error_ns,
	    .est_error_ns = c->est_error_ns,
	};
	int err = change_step(k, c, now, r);

	if (!err)
		err = change_freq(k, c, now, r);
	/* Must come last: a step makes the kernel forget its status. */
	if (!err)
		err = k->clock.set_status(k->clock.self, &status);
	k->bootstrap_over |= !err && c->synchronised;
	return err;
}

void keeper_apply(struct keeper *k, const struct clock_command *command,
    uint32_t serial, struct mono now, struct keeper_report *report)
{
	enum keeper_verdict verdict = KEEPER_NO_CLOCK;
	int err;

	*report = (struct keeper_report){.serial = serial};
	if (!k->limits.no_clock)
		verdict = check(k, command, now);
	if (verdict == KEEPER_OK) {
		if (k->start_window_end.ns == MONO_NEVER.ns) {
			k->start_window_end =
			    mono_after(now, KEEPER_START_WINDOW_NS);
			k->next_step = now;
		}
		err = act(k, command, now, report);
		if (err) {
			verdict = KEEPER_KERNEL;
			report->sys_errno = -err;
		}
	}
	report->verdict = verdict;
}

struct mono keeper_deadline(const struct keeper *k)
{
	return k->slewing ? k->slew_end : MONO_NEVER;
}

static void end_slew(struct keeper *k, struct mono now, struct keeper_report *r)
{
	int64_t done_ns = slew_done(k, now);
	int err = set_freq(k, k->base_freq_ppm, r);

	if (err) {
		r->verdict = KEEPER_KERNEL;
		r->sys_errno = -err;
		k->slew_end = mono_after(now, SLEW_RETRY_NS);
		return;
	}
	r->slew_done_ns = done_ns;
	k->slewing = false;
}

bool keeper_tick(
    struct keeper *k, struct mono now, struct keeper_report *report)
{
	*report = (struct keeper_report){.verdict = KEEPER_OK};
	if (!k->slewing || !mono_due(k->slew_end, now))
		return false;
	end_slew(k, now, report);
	return true;
}

bool keeper_look(struct keeper *k, struct keeper_report *report)
{
	double freq_ppm;
	int err;

	*report = (struct keeper_report){.verdict = KEEPER_FREQ_CHANGED};
	if (k->limits.no_clock ||
	    k->clock.get_freq(k->clock.self, &freq_ppm) != 0 ||
	    fabs(freq_ppm - k->became_ppm) <= FREQ_EQUAL_PPM)
		return false;
	report->found_freq_ppm = freq_ppm;
	err = set_freq(k, k->became_ppm, report);
	if (err) {
		report->verdict = KEEPER_KERNEL;
		report->sys_errno = -err;
	}
	return true;
}

void keeper_stop(struct keeper *k, struct mono now)
{
	struct keeper_report unused = {.verdict = KEEPER_OK};

	if (k->slewing)
		end_slew(k, now, &unused);
}
