#include "clock/steering/drift_bound.h"

#include <math.h>

static const double lag_s[DRIFT_LAGS] = {256, 1024, 4096, 16384, 65536, 262144};

/* Right after a start the estimated frequency is wrong for another reason: the
 * filter still learns. That must not count as drift for weeks. */
#define SETTLE_S 1800.0
/* A window does not open while the frequency is less well known. */
#define FREQ_SD_MAX 0.5e-6
/* A window is not judged while the noise of the path hides this rate. */
#define HIDDEN_RATE 0.25e-6

/* The largest of many errors of the estimate is about this many standard
 * deviations. Its square is taken off the square of each trial: the rest is the
 * work of the oscillator. */
#define EXPLAINED 2.5

/* A clock that keeps to DRIFT_RATE_MAX cannot change by more than this. */
#define RATE_MOST (2 * DRIFT_RATE_MAX)
/* The worst trial so far is not the worst that can come. A few trials tell less
 * than many: the factor is SAFETY * (1 + FEW / trials). With a random walk of
 * the frequency and 20 trials the bound is about 4.5 standard deviations. */
#define SAFETY 2.0
#define FEW 4.0
/* A length of silence with fewer trials is judged by a shorter one, too, and
 * its own factor does not grow any more. */
#define TRIALS_LEAST 8.0

/* A change of the frequency is a jump if it is as large as this in a window of
 * one of the first three lengths, about an hour. */
#define JUMP 1.5e-6
#define JUMP_LAGS 3

#define HOUR_S 3600.0

/* The longest length that is not above `age_s`. */
static unsigned lag_of(double age_s)
{
	unsigned lag = 0;

	while (lag + 1 < DRIFT_LAGS && lag_s[lag + 1] <= age_s)
		lag++;
	return lag;
}

void drift_bound_init(struct drift_bound *d)
{
	*d = (struct drift_bound){.started = false};
}

void drift_bound_interrupt(struct drift_bound *d)
{
	struct drift_learned learned = d->learned;

	drift_bound_init(d);
	d->learned = learned;
}

void drift_bound_woke_up(struct drift_bound *d)
{
	drift_bound_interrupt(d);
	d->learned.awake_s = 0;
}

/* ---- learning ---- */

static double watched_s(const struct drift_period *p)
{
	double most = 0;

	for (unsigned i = 0; i < DRIFT_LAGS; i++)
		most = fmax(most, p->lag[i].windows * lag_s[i]);
	return fmin(most, DRIFT_PERIOD_S);
}

static void forget(struct drift_learned *l)
{
	if (watched_s(&l->period[0]) < DRIFT_PERIOD_S)
		return;
	l->period[1] = l->period[0];
	l->period[0] = (struct drift_period){0};
}

/* Returns the rate by which the extrapolation missed `u`, without the part that
 * the estimate's own deviations explain (remaining_runaway_s() adds the present
 * deviation again); -1 if the noise hides the rate. */
static double missed_by(
    const struct drift_window *w, const struct drift_update *u, double age)
{
	double missed = s_of_ns(u->offset_ns - w->offset_ns) - w->freq * age;
	double noise = hypot(w->offset_sd, u->offset_sd);

	if (noise > HIDDEN_RATE * age)
		return -1;
	noise = EXPLAINED * hypot(noise, w->freq_sd * age);
	return sqrt(fmax(missed * missed - noise * noise, 0)) / age;
}

/* Windows overlap: the time that an earlier one has counted does not count
 * again. */
static void count_window(struct drift_bound *d, unsigned lag,
    const struct drift_window *w, struct osc at)
{
	double age = s_of_ns(at.ns - w->at.ns);
	int64_t from = w->at.ns > d->judged.ns ? w->at.ns : d->judged.ns;

	d->learned.period[0].lag[lag].windows += fmin(w->after_s, age) / age;
	d->learned.awake_s =
	    fmin(d->learned.awake_s + s_of_ns(at.ns - from), DRIFT_WATCHED_MAX);
	d->judged = at;
}

/* After a silence, a window may be older than the next length. Then its rate
 * counts for the length that fits its age, and the trials are not counted.
 * Returns false if the clock or the server was set: this is no drift. */
static bool judge_window(struct drift_bound *d, unsigned lag,
    struct drift_window *w, const struct drift_update *u)
{
	double age = s_of_ns(u->at.ns - w->at.ns);
	struct drift_period *now = &d->learned.period[0];
	unsigned as;
	double rate;

	if (!w->open || age < lag_s[lag])
		return true;
	rate = missed_by(w, u, age);
	if (rate > DRIFT_RATE_MAX)
		return false;
	if (rate < 0) {
		w->open = age < 2 * lag_s[lag];
		return true;
	}
	as = lag_of(age);
	now->lag[as].worst = fmax(now->lag[as].worst, rate);
	if (as == lag)
		count_window(d, lag, w, u->at);
	w->open = false;
	return true;
}

/* The shortest windows come first, because they show a step best. */
static bool judge_windows(struct drift_bound *d, const struct drift_update *u)
{
	for (unsigned lag = 0; lag < DRIFT_LAGS; lag++)
		for (unsigned i = 0; i < DRIFT_WINDOWS; i++)
			if (!judge_window(d, lag, &d->lag[lag].window[i], u))
				return false;
	return true;
}

/* In the time of one length, four windows open. */
static void open_window(
    struct drift_bound *d, unsigned lag, const struct drift_update *u)
{
	double spacing = lag_s[lag] / 4;
	double after =
	    d->lag[lag].any ? s_of_ns(u->at.ns - d->lag[lag].last.ns) : spacing;

	if (after < spacing || u->freq_sd > FREQ_SD_MAX)
		return;
	d->lag[lag].window[d->lag[lag].next] =
	    (struct drift_window){.open = true,
		.at = u->at,
		.offset_ns = u->offset_ns,
		.offset_sd = u->offset_sd,
		.freq = u->freq,
		.freq_sd = u->freq_sd,
		.after_s = after};
	d->lag[lag].next = (d->lag[lag].next + 1) % DRIFT_WINDOWS;
	d->lag[lag].last = u->at;
	d->lag[lag].any = true;
}

void drift_bound_learn(struct drift_bound *d, const struct drift_update *u)
{
	if (!d->started)
		d->since = u->at;
	d->started = true;
	if (s_of_ns(u->at.ns - d->since.ns) < SETTLE_S)
		return;
	if (!judge_windows(d, u)) {
		drift_bound_interrupt(d);
		return;
	}
	for (unsigned lag = 0; lag < DRIFT_LAGS; lag++)
		open_window(d, lag, u);
	forget(&d->learned);
}

/* ---- what was learned ---- */

static double worst(const struct drift_learned *l, unsigned lag)
{
	return fmax(l->period[0].lag[lag].worst, l->period[1].lag[lag].worst);
}

static double trials(const struct drift_learned *l, unsigned lag)
{
	return l->period[0].lag[lag].windows + l->period[1].lag[lag].windows;
}

double drift_bound_watched_s(const struct drift_learned *l)
{
	return watched_s(&l->period[0]) + watched_s(&l->period[1]);
}

double drift_bound_awake_s(const struct drift_learned *l)
{
	return fmin(l->awake_s, drift_bound_watched_s(l));
}

double drift_bound_jump(const struct drift_learned *l)
{
	double most = 0;

	for (unsigned i = 0; i < JUMP_LAGS; i++)
		most = fmax(most, worst(l, i));
	return most >= JUMP ? most : 0;
}

const char *drift_reason_name(enum drift_reason r)
{
	static const char *const names[] = {
#define X(id, name) name,
	    DRIFT_REASONS(X)
#undef X
	};

	return names[r];
}

/* The rate for an event that no trial has shown yet. After n hours without the
 * event, it comes in the next hour with a probability of 1 / (n + 2) (Laplace's
 * rule of succession). */
static double unseen(double watched_s)
{
	return DRIFT_RATE_MAX / (watched_s / HOUR_S + 2);
}

static bool tried(const struct drift_learned *l, unsigned lag)
{
	return trials(l, lag) >= TRIALS_LEAST;
}

/* The rate of one length, with the safety factor. More trials never make the
 * factor larger. */
static double own_rate(const struct drift_learned *l, unsigned lag)
{
	double few = FEW / fmax(trials(l, lag), TRIALS_LEAST);

	return SAFETY * (1 + few) * worst(l, lag);
}

/* The shortest length that is not below `age_s`, or the longest one. */
static unsigned lag_above(double age_s)
{
	unsigned lag = 0;

	while (lag < DRIFT_LAGS - 1 && lag_s[lag] < age_s)
		lag++;
	return lag;
}

/* The shortest length that was tried and is not below `age_s`; DRIFT_LAGS:
 * none. */
static unsigned tried_above(const struct drift_learned *l, double age_s)
{
	unsigned lag = 0;

	while (lag < DRIFT_LAGS && (lag_s[lag] < age_s || !tried(l, lag)))
		lag++;
	return lag;
}

static double grown(const struct drift_learned *l, unsigned lag, double age_s)
{
	return own_rate(l, lag) * sqrt(fmax(age_s / lag_s[lag], 1));
}

/* A random walk of the frequency makes the rate grow with the square root of
 * the length. A jump can be the first step of such a walk, so the rate also
 * grows from the length in which a jump was seen. */
static double from_shorter(const struct drift_learned *l, double age_s)
{
	unsigned longest = DRIFT_LAGS;
	double rate = 0;

	while (longest-- > 0)
		if (tried(l, longest)) {
			rate = grown(l, longest, age_s);
			break;
		}
	for (unsigned i = 0; i < JUMP_LAGS; i++)
		if (worst(l, i) >= JUMP)
			rate = fmax(rate, grown(l, i, age_s));
	return fmin(rate, DRIFT_RATE_MAX);
}

/*
 * Rates do not fall with the length of the silence: the clock is extrapolated
 * from one moment, and what it does then never averages out. So a length that
 * was not tried uses the rate of a longer one, and never less than a shorter
 * one's. A longer watch makes the rate larger only if a length that was not
 * tried before shows larger errors than the shorter ones.
 */
static double seen_rate(const struct drift_learned *l, double age_s)
{
	unsigned top = tried_above(l, age_s);
	double rate = 0;

	if (top == DRIFT_LAGS) {
		rate = from_shorter(l, age_s);
		top = lag_above(age_s);
	}
	for (unsigned i = 0; i <= top; i++)
		rate = fmax(rate, own_rate(l, i));
	return fmin(rate, RATE_MOST);
}

double drift_bound_rate(const struct drift_learned *l, double age_s)
{
	return fmax(unseen(drift_bound_awake_s(l)), seen_rate(l, age_s));
}

enum drift_reason drift_bound_reason(const struct drift_learned *l)
{
	double watched_s = drift_bound_watched_s(l);

	if (watched_s <= 0)
		return DRIFT_UNKNOWN;
	if (unseen(drift_bound_awake_s(l)) >
	    fmax(unseen(watched_s), seen_rate(l, HOUR_S)))
		return DRIFT_RESTARTED;
	return drift_bound_jump(l) > 0 ? DRIFT_JUMPS : DRIFT_LEARNED;
}

static bool in_range(double value, double most)
{
	return value >= 0 && value <= most;
}

/* One period ends once one length has filled it. Windows that are judged at one
 * time count at most twice their length. */
double drift_windows_max(unsigned lag)
{
	return DRIFT_PERIOD_S / lag_s[lag] + 2;
}

bool drift_learned_valid(const struct drift_learned *l)
{
	if (!in_range(l->awake_s, DRIFT_WATCHED_MAX))
		return false;
	for (unsigned k = 0; k < DRIFT_PERIODS; k++)
		for (unsigned i = 0; i < DRIFT_LAGS; i++)
			if (!in_range(
				l->period[k].lag[i].worst, DRIFT_RATE_MAX) ||
			    !in_range(l->period[k].lag[i].windows,
				drift_windows_max(i)))
				return false;
	return true;
}
