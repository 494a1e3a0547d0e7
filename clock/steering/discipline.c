#include "clock/steering/discipline.h"

#include "clock/leap.h"

#include <math.h>

/*
 * A slew that takes the share f of the time between updates adds f / 3 of the
 * square of its offset to the mean square error of the clock. What is no more
 * than noise may take long, and then disturbs intervals that programs measure
 * only a little. So f is such that the slew adds a share of the variance that
 * the clock has anyway, within limits. In the first updates the offset is
 * mostly noise, whatever the young estimate says of itself.
 */
#define SLEW_ADDS (1.0 / 6)
#define SLEW_LONG_SHARE 0.5
#define SLEW_LONG_MAX_S 128.0
#define SLEW_SHORT_SHARE 0.125
#define SLEW_SHORT_MAX_S 32.0
#define SLEW_MIN_S 0.5
#define SLEW_YOUNG_UPDATES 16
#define SLEW_DAY_S 86400.0
/* An offset that no sample shows is corrected over so many intervals. In a
 * silence they are a fifth of it, so this takes about as long again. */
#define SLEW_GUESS_INTERVALS 4
/* Durations are rounded and the keeper is strict: stay a little below
 * max-slew. */
#define SLEW_MARGIN 1.001
/* s/s: the base frequency leaves no room for a slew. */
#define SLEW_LEAST 1e-6
/* A frequency counts as beyond the limit when it is larger by this many
 * standard deviations and this much, so that noise does not decide. */
#define BEYOND_DEVIATIONS 3
#define BEYOND_PPM 1.0
/* A frequency that is to stay is replaced when it is wrong by this many
 * standard deviations of the measured one. */
#define KEEP_DEVIATIONS 5

void discipline_init(struct discipline *d, const struct steering_config *config)
{
	*d = (struct discipline){.config = *config};
}

static int64_t magnitude(int64_t ns)
{
	return ns < 0 ? -ns : ns;
}

static bool in_start_window(const struct discipline *d)
{
	return steering_config_always_steps(&d->config) ||
	       d->updates < (uint64_t)d->config.makestep_updates;
}

static bool must_step(const struct discipline *d, int64_t offset_ns)
{
	return (in_start_window(d) || d->step_allowed) &&
	       magnitude(offset_ns) > d->config.makestep_threshold_ns;
}

bool discipline_refuses(const struct discipline *d, int64_t offset_ns)
{
	bool always_steps =
	    steering_config_always_steps(&d->config) && must_step(d, offset_ns);

	return d->config.refuse_threshold_ns > 0 && !always_steps &&
	       magnitude(offset_ns) > d->config.refuse_threshold_ns;
}

/* The first updates may correct any offset: that is what a start is for. */
static bool beyond_refusal(const struct discipline *d, int64_t offset_ns)
{
	return d->updates >= d->config.refuse_start &&
	       discipline_refuses(d, offset_ns);
}

/* How fast a slew in this direction may be, on top of the base frequency. */
static double room(const struct discipline *d, double freq_ppm, int64_t slew_ns)
{
	double most = slew_ns > 0 ? CLOCK_FREQ_MAX_PPM - freq_ppm
				  : CLOCK_FREQ_MAX_PPM + freq_ppm;

	return fmin(d->config.max_slew_ppm, most) * 1e-6 / SLEW_MARGIN;
}

/* A guess about a silence is no reason for a quick slew. */
static double guess_s(const struct discipline_input *in)
{
	double share = fabs((double)in->guess_ns / (double)in->offset_ns);

	return fmin(share, 1) * SLEW_GUESS_INTERVALS * in->interval_s;
}

/* How long a slew of the whole offset should take. */
static double wanted_s(
    const struct discipline *d, const struct discipline_input *in)
{
	double most = fmin(in->round_s * SLEW_LONG_SHARE, SLEW_LONG_MAX_S);
	double least = fmin(in->round_s * SLEW_SHORT_SHARE, SLEW_SHORT_MAX_S);
	double ratio = in->offset_sd_ns / (double)in->offset_ns;

	if (d->updates < SLEW_YOUNG_UPDATES)
		least = most;
	return fmax(fmax(fmax(least, SLEW_MIN_S), guess_s(in)),
	    fmin(most, 3 * SLEW_ADDS * ratio * ratio * in->round_s));
}

/* Orders as much as fits into SLEW_DAY_S; the next update orders the rest. */
static void set_slew(const struct discipline *d,
    const struct discipline_input *in, struct clock_command *c)
{
	double offset_ns = (double)in->offset_ns;
	double max_slew = room(d, c->freq_ppm, in->offset_ns);
	double most_ns = max_slew * SLEW_DAY_S * 1e9;
	double least_s;

	if (in->offset_ns == 0 || max_slew < SLEW_LEAST)
		return;
	c->slew_ns = in->offset_ns;
	if (fabs(offset_ns) > most_ns)
		c->slew_ns = (int64_t)copysign(most_ns, offset_ns);
	least_s = fabs((double)c->slew_ns) * 1e-9 / max_slew;
	c->slew_duration_ns =
	    (int64_t)ceil(fmax(wanted_s(d, in), least_s) * 1e9);
}

enum leap discipline_leap_due(enum leap announced, struct wall now)
{
	bool any = announced == LEAP_INSERT || announced == LEAP_DELETE;

	return any && leap_day(now) ? announced : LEAP_NONE;
}

enum leap discipline_arms(
    const struct discipline *d, enum leap announced, struct wall now)
{
	/* RFC 8633 3.7.1/1: the kernel leaps at midnight. The other modes are
	 * for servers that smear, and for administrators who choose them. */
	return d->config.leap_mode == LEAP_MODE_SYSTEM
		   ? discipline_leap_due(announced, now)
		   : LEAP_NONE;
}

static void set_status(const struct discipline *d,
    const struct discipline_input *in, int64_t left_ns, struct clock_command *c)
{
	c->synchronised = in->synchronised;
	c->leap = in->synchronised ? discipline_arms(d, in->leap, in->now)
				   : LEAP_NONE;
	c->max_error_ns = in->max_error_ns + magnitude(left_ns);
	c->est_error_ns = in->est_error_ns;
}

static double most_ppm(const struct discipline *d)
{
	return d->config.max_freq_ppm > 0
		   ? fmin(d->config.max_freq_ppm, CLOCK_FREQ_MAX_PPM)
		   : CLOCK_FREQ_MAX_PPM;
}

/* A few seconds of measuring say less about the frequency than the program that
 * set it knew. */
static bool stays(const struct discipline *d, const struct discipline_input *in)
{
	return d->keeps_freq && fabs(in->freq_ppm - in->base_freq_ppm) <=
				    KEEP_DEVIATIONS * in->freq_sd_ppm;
}

/* What the clock may be set to of the frequency that it needs, ppm. */
static double limited(struct discipline *d, const struct discipline_input *in)
{
	double most = most_ppm(d);
	double beyond = fabs(in->freq_ppm) - most;

	if (stays(d, in))
		return in->base_freq_ppm;
	if (beyond > BEYOND_DEVIATIONS * in->freq_sd_ppm + BEYOND_PPM)
		d->beyond_ppm = most;
	else if (beyond <= 0)
		d->beyond_ppm = 0;
	return fmin(fmax(in->freq_ppm, -most), most);
}

/* What the clock runs away until the next decision, because its frequency is
 * limited. */
static int64_t unmet_ns(
    const struct discipline_input *in, const struct clock_command *c)
{
	return (int64_t)(fabs(in->freq_ppm - c->freq_ppm) * 1e-6 *
			 in->interval_s * 1e9);
}

bool discipline_decide(struct discipline *d, const struct discipline_input *in,
    struct clock_command *command)
{
	struct clock_command c = {.freq_ppm = limited(d, in)};

	d->refused = beyond_refusal(d, in->offset_ns);
	d->refused_ns = d->refused ? in->offset_ns : 0;
	d->refusals += d->refused && !in->silent;
	if (d->refused)
		return false;
	if (must_step(d, in->offset_ns))
		c.step_ns = in->offset_ns;
	else
		set_slew(d, in, &c);
	set_status(d, in, in->offset_ns - c.step_ns, &c);
	c.max_error_ns += unmet_ns(in, &c);
	c.est_error_ns += unmet_ns(in, &c);
	d->pending = true;
	d->pending_step_ns = c.step_ns;
	d->pending_silent = in->silent;
	*command = c;
	return true;
}

void discipline_applied(struct discipline *d, enum keeper_verdict verdict)
{
	if (!d->pending)
		return;
	d->pending = false;
	/* The next update slews. */
	if (verdict == KEEPER_STEP_BUDGET)
		d->step_allowed = false;
	if (verdict != KEEPER_OK && verdict != KEEPER_NO_CLOCK)
		return;
	d->updates += !d->pending_silent;
	if (verdict == KEEPER_NO_CLOCK)
		return;
	d->step_allowed = false;
	if (d->pending_step_ns != 0) {
		d->steps++;
		d->last_step_ns = d->pending_step_ns;
	}
}
