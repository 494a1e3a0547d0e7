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

	if (k->clock.look(k->clock.self, &k->found) == 0)
		k->became_ppm = k->found.freq_ppm;
	k->base_freq_ppm = k->became_ppm;
	add_change(r, at, at)->freq_ppm = k->became_ppm;
	return 0;
}

static double first_freq(const struct keeper *k, const double *saved_freq_ppm)
{
	double found_ppm = k->found.freq_ppm;

	if (saved_freq_ppm && freq_sane(k, *saved_freq_ppm))
		return *saved_freq_ppm;
	if (!freq_sane(k, found_ppm))
		return 0;
	return k->limits.keeps_freq || fabs(found_ppm) <= KEEPER_BELIEVED_PPM
		   ? found_ppm
		   : 0;
}

/* Sets the frequency even if it is set already: this shows whether we have the
 * right to, and ends the slews of other programs. Nobody knows yet whether the
 * clock is right. */
static int take_over(
    struct keeper *k, const double *saved_freq_ppm, struct keeper_report *r)
{
	const struct kernel_status unknown = {
	    .leap = LEAP_NONE,
	    .max_error_ns = KEEPER_UNKNOWN_NS,
	    .est_error_ns = KEEPER_UNKNOWN_NS,
	};
	int err = k->clock.look(k->clock.self, &k->found);

	if (err)
		return err;
	k->base_freq_ppm = first_freq(k, saved_freq_ppm);
	err = set_freq(k, k->base_freq_ppm, r);
	return err ? err : k->clock.set_status(k->clock.self, &unknown);
}

int keeper_start(struct keeper *k, const struct keeper_limits *limits,
    const struct clock_ops *clock, const double *saved_freq_ppm,
    struct keeper_report *report)
{
	int err;

	*k = (struct keeper){
	    .limits = *limits,
	    .clock = *clock,
	    .start_window_end = MONO_NEVER,
	};
	*report = (struct keeper_report){.verdict = KEEPER_OK};
	if (limits->no_clock)
		return start_measuring(k, report);
	err = take_over(k, saved_freq_ppm, report);
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
	if (!(fabs((double)c->slew_ns) <= most_ns + 1))
		return KEEPER_SLEW_LIMIT;
	return fabs(total_of(c)) > CLOCK_FREQ_MAX_PPM ? KEEPER_FREQ_LIMIT
						      : KEEPER_OK;
}

static bool in_start_window(const struct keeper *k, struct mono now)
{
	if (k->limits.start_steps < 0)
		return true;
	return k->steps_used < k->limits.start_steps &&
	       !mono_due(k->start_window_end, now);
}

static int64_t sum(int64_t a, int64_t b)
{
	int64_t all;

	return __builtin_add_overflow(a, b, &all) ? INT64_MAX : all;
}

static int64_t size_of(int64_t step_ns)
{
	if (step_ns == INT64_MIN)
		return INT64_MAX;
	return step_ns < 0 ? -step_ns : step_ns;
}

/* Does the step exceed what is left of `share` steps of the largest size? */
static bool exceeds(
    const struct keeper *k, int64_t share, int64_t used_ns, int64_t step_ns)
{
	int64_t most_ns;

	if (k->limits.refuse_step_ns == 0)
		return false;
	if (__builtin_mul_overflow(k->limits.refuse_step_ns, share, &most_ns))
		most_ns = INT64_MAX;
	return used_ns > most_ns || size_of(step_ns) > most_ns - used_ns;
}

static const struct keeper_step *recent(const struct keeper *k, unsigned i)
{
	return &k->recent[(k->oldest + i) % KEEPER_DAY_STEPS];
}

/* Is there room for this step in the budgets of the day and of the life? */
static bool in_budget(const struct keeper *k, int64_t step_ns, struct mono now)
{
	int64_t day_ns = 0;
	unsigned count = 0;

	for (unsigned i = 0; i < k->recent_count; i++) {
		const struct keeper_step *s = recent(k, i);

		if (mono_due(mono_after(s->at, KEEPER_DAY_NS), now))
			continue;
		count++;
		day_ns = sum(day_ns, s->size_ns);
	}
	return count < KEEPER_DAY_STEPS &&
	       !exceeds(k, KEEPER_DAY_SHARE, day_ns, step_ns) &&
	       !exceeds(k, KEEPER_LIFE_SHARE, k->life_ns, step_ns);
}

/* The keeper cannot see that the clock stood still. So this step must lead no
 * further than the steps that were allowed since the last one. A clock that was
 * never right needs no such step: makestep sets it. */
static enum keeper_verdict check_pause(
    const struct keeper *k, const struct clock_command *c, struct mono now)
{
	int64_t steps;

	if (c->step_ns < 0)
		return KEEPER_BAD_COMMAND;
	if (!k->ever_synchronised)
		return KEEPER_STEP_FORBIDDEN;
	if (in_start_window(k, now) || k->limits.refuse_step_ns == 0)
		return KEEPER_OK;
	if (!mono_due(k->next_step, now))
		return KEEPER_STEP_FORBIDDEN;
	steps = 1 + (now.ns - k->next_step.ns) / KEEPER_STEP_GAP_NS;
	if ((c->step_ns - 1) / steps >= k->limits.refuse_step_ns)
		return KEEPER_STEP_LIMIT;
	return !mono_due(k->next_pause, now) ||
		       exceeds(k, KEEPER_PAUSE_SHARE, k->paused_ns, c->step_ns)
		   ? KEEPER_STEP_BUDGET
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
		return c->bootstrap ? KEEPER_BAD_COMMAND : KEEPER_OK;
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
	    size_of(c->step_ns) > k->limits.refuse_step_ns)
		return KEEPER_STEP_LIMIT;
	if (!mono_due(k->next_step, now))
		return KEEPER_STEP_FORBIDDEN;
	return in_budget(k, c->step_ns, now) ? KEEPER_OK : KEEPER_STEP_BUDGET;
}

static enum keeper_verdict check(
    const struct keeper *k, const struct clock_command *c, struct mono now)
{
	enum keeper_verdict v;

	if (!isfinite(c->freq_ppm) || c->max_error_ns < 0 ||
	    c->est_error_ns < 0 || (unsigned)c->leap > LEAP_UNKNOWN ||
	    (c->pause && !c->bootstrap))
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

static void spend_pause(struct keeper *k, int64_t size_ns, struct mono now)
{
	k->paused_ns = sum(k->paused_ns, size_ns);
	k->next_pause = mono_after(now, KEEPER_PAUSE_GAP_NS);
}

static void spend_step(struct keeper *k, int64_t size_ns, struct mono now)
{
	k->life_ns = sum(k->life_ns, size_ns);
	if (k->recent_count == KEEPER_DAY_STEPS) {
		k->oldest = (k->oldest + 1) % KEEPER_DAY_STEPS;
		k->recent_count--;
	}
	k->recent[(k->oldest + k->recent_count) % KEEPER_DAY_STEPS] =
	    (struct keeper_step){.at = now, .size_ns = size_ns};
	k->recent_count++;
}

/* A step of the start window has its own count, and the bootstrap step of a
 * start comes once. */
static void spend(
    struct keeper *k, const struct clock_command *c, struct mono now)
{
	if (c->bootstrap && !c->pause)
		return;
	if (in_start_window(k, now))
		k->steps_used++;
	else if (c->pause)
		spend_pause(k, size_of(c->step_ns), now);
	else
		spend_step(k, size_of(c->step_ns), now);
}

/* Is the leap second that was armed so near that nothing may change? */
static bool leap_is_near(const struct keeper *k, struct mono now)
{
	struct mono from = mono_after(k->leap_until, -LEAP_FIXED_BEFORE_NS);
	struct mono until = mono_after(k->leap_until, LEAP_FIXED_AFTER_NS);

	return k->leap_known && mono_due(from, now) && !mono_due(until, now);
}

/* Had the clock reached the leap second before it was stepped? Reads the clock:
 * the keeper's `now` is older, and does not advance while the machine sleeps.
 */
static bool leap_was_reached(const struct keeper *k, int64_t step_ns)
{
	int64_t before_ns;

	return __builtin_sub_overflow(
		   k->clock.now(k->clock.self).ns, step_ns, &before_ns) ||
	       before_ns >= k->leap_at.ns - LEAP_FIXED_BEFORE_NS;
}

/* A step moves the end of the day, and makes the kernel forget the second. One
 * that the kernel may have executed already counts as executed. */
static void move_leap(struct keeper *k, int64_t step_ns, struct mono now)
{
	int64_t until_ns;

	k->leap = LEAP_NONE;
	if (!k->leap_known || mono_due(k->leap_until, now))
		return;
	if (leap_was_reached(k, step_ns) ||
	    __builtin_sub_overflow(k->leap_until.ns, step_ns, &until_ns))
		until_ns = now.ns;
	k->leap_until.ns = until_ns;
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
	k->steps++;
	spend(k, c, now);
	k->bootstrap_over |= c->bootstrap;
	k->next_step = mono_after(now, KEEPER_STEP_GAP_NS);
	move_leap(k, c->step_ns, now);
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

/* Has the leap second of this day been due? */
static bool leap_is_over(const struct keeper *k, struct mono now)
{
	return k->leap_known && mono_due(k->leap_until, now) &&
	       !mono_due(mono_after(k->leap_until, KEEPER_LEAP_REST_NS), now);
}

/* On any other day a leap second would be a step of one second that escapes
 * the limits of steps. The step of the command comes first, because it can lead
 * to another day. A deleted second is due earlier than an inserted one. */
static void set_leap(struct keeper *k, const struct clock_command *c,
    struct mono now, struct kernel_status *status)
{
	bool good = c->synchronised && c->max_error_ns <= KERNEL_GOOD_ERROR_NS;
	bool arms = c->leap == LEAP_INSERT || c->leap == LEAP_DELETE;
	struct wall at = k->clock.now(k->clock.self);
	bool allowed = good && arms && leap_day(at) && !leap_is_over(k, now);
	int64_t left_ns = allowed ? leap_time(c->leap, at).ns - at.ns : 0;

	if (leap_is_near(k, now) ||
	    (allowed && left_ns <= LEAP_FIXED_BEFORE_NS)) {
		status->leap_stays = true;
		status->leap = good ? k->leap : LEAP_NONE;
	} else if (allowed) {
		k->leap_known = true;
		k->leap_until = mono_after(now, left_ns);
		k->leap_at = (struct wall){at.ns + left_ns};
		status->leap = c->leap;
	}
}

static int act(struct keeper *k, const struct clock_command *c, struct mono now,
    struct keeper_report *r)
{
	struct kernel_status status = {
	    .synchronised = c->synchronised,
	    .max_error_ns = c->max_error_ns,
	    .est_error_ns = c->est_error_ns,
	};
	int err = change_step(k, c, now, r);

	if (!err)
		err = change_freq(k, c, now, r);
	/* Must come last: a step makes the kernel forget its status. */
	if (!err) {
		set_leap(k, c, now, &status);
		err = k->clock.set_status(k->clock.self, &status);
		if (!err)
			k->leap = status.leap;
	}
	k->bootstrap_over |= !err && c->synchronised;
	k->ever_synchronised |= !err && c->synchronised;
	return err;
}

/* What the keeper has counted and armed. */
static void count_in(const struct keeper *k, struct keeper_report *r)
{
	r->steps = k->steps;
	r->refused = k->refused;
	r->leap = (uint16_t)k->leap;
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
	k->refused += keeper_refused(verdict);
	count_in(k, report);
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
	count_in(k, report);
	return true;
}

/* KEEPER_OK: nobody else has touched the clock. */
static enum keeper_verdict disturbed(
    const struct keeper *k, const struct kernel_found *found)
{
	if (fabs(found->freq_ppm - k->became_ppm) > FREQ_EQUAL_PPM)
		return KEEPER_FREQ_CHANGED;
	return found->adjtime_ns != 0 || found->offset_ns != 0 || found->loop
		   ? KEEPER_SLEW_FOUND
		   : KEEPER_OK;
}

/* The engine need not be asked: another program, or a machine that slept over
 * midnight, can leave a leap second armed that would come at the end of another
 * day. One that is being executed belongs to the day before. */
static void look_at_leap(struct keeper *k, const struct kernel_found *found)
{
	struct wall at = k->clock.now(k->clock.self);
	struct wall day = {at.ns - LEAP_FIXED_AFTER_NS};

	if (found->leap == LEAP_NONE) {
		k->leap = LEAP_NONE;
	} else if (!leap_day(day) && k->clock.disarm(k->clock.self) == 0) {
		k->disarmed += k->leap == LEAP_NONE;
		k->leap = LEAP_NONE;
	}
}

bool keeper_look(struct keeper *k, struct keeper_report *report)
{
	struct kernel_found found;
	int err;

	*report = (struct keeper_report){.verdict = KEEPER_OK};
	if (k->limits.no_clock || k->clock.look(k->clock.self, &found) != 0)
		return false;
	look_at_leap(k, &found);
	report->verdict = disturbed(k, &found);
	if (report->verdict == KEEPER_OK)
		return false;
	count_in(k, report);
	report->found_freq_ppm = found.freq_ppm;
	report->found_slew_ns = found.adjtime_ns + found.offset_ns;
	err = set_freq(k, k->became_ppm, report);
	if (err) {
		report->verdict = KEEPER_KERNEL;
		report->sys_errno = -err;
	}
	return true;
}

void keeper_overtaken(struct keeper *k, struct keeper_report *report)
{
	int err;

	*report = (struct keeper_report){.verdict = KEEPER_OVERTAKEN};
	err = set_freq(k, k->base_freq_ppm, report);
	if (err) {
		report->verdict = KEEPER_KERNEL;
		report->sys_errno = -err;
	}
	k->slewing = false;
	count_in(k, report);
}

void keeper_stop(struct keeper *k, struct mono now)
{
	struct keeper_report unused = {.verdict = KEEPER_OK};

	if (k->slewing)
		end_slew(k, now, &unused);
}
