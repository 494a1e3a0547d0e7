#include "clock/steering/holdover.h"

#include <math.h>

static const double lag_s[HOLDOVER_LAGS] = {256, 1024, 4096, 16384, 65536};

/* Right after a start the frequency is not known yet. */
#define SETTLE_S 300.0
#define DAY_S 86400.0
/* The mean forgets in this time, so that a daily course cancels. */
#define MEAN_TIME_S DAY_S
/* So many trials are remembered of each length, and so many at least decide. */
#define MEMORY 64.0
#define TRIALS_LEAST 1.5
/* The lasting share is taken as larger by so many of its standard deviations,
 * because the last frequency is right for most oscillators. Few trials tell
 * the deviation badly. */
#define DEVIATIONS 1.5
#define FEW 1.0
/* A deviation from the mean that is this many times the usual one has another
 * cause: another machine, another temperature. It lasts. */
#define USUAL 3.0
/* The share of a deviation that fades with the time t is (1 - exp(-r)) / r,
 * with r the silence in units of t. */
#define RATIO_MOST 100.0
#define HALVINGS 30

void holdover_init(struct holdover *h)
{
	*h = (struct holdover){.started = false};
}

void holdover_interrupt(struct holdover *h)
{
	h->goes_on = false;
	for (unsigned i = 0; i < HOLDOVER_LAGS; i++)
		for (unsigned k = 0; k < HOLDOVER_WINDOWS; k++)
			h->lag[i].window[k].open = false;
}

/* ---- learning ---- */

static void learn_mean(struct holdover *h, struct osc at, int64_t offset_ns)
{
	double dt = s_of_ns(at.ns - h->last.ns);

	if (h->goes_on && dt > 0) {
		double freq = s_of_ns(offset_ns - h->last_offset_ns) / dt;

		h->watched_s = fmin(h->watched_s + dt, MEAN_TIME_S);
		h->mean += (freq - h->mean) * fmin(dt / h->watched_s, 1);
	}
	h->goes_on = true;
	h->last = at;
	h->last_offset_ns = offset_ns;
}

/* Windows overlap, so each counts as a part of a trial. */
static void judge_window(struct holdover_lag *l, double length,
    struct holdover_window *w, struct osc at, int64_t offset_ns)
{
	const double share = 1.0 / HOLDOVER_WINDOWS;
	double age = s_of_ns(at.ns - w->at.ns);
	double predicted, truth;

	if (!w->open || age < length)
		return;
	w->open = false;
	if (age > 2 * length)
		return;
	predicted = w->predicted - w->mean;
	truth = s_of_ns(offset_ns - w->offset_ns) / age - w->mean;
	l->trials += share * (1 - l->trials / MEMORY);
	l->square += share * (predicted * predicted - l->square / MEMORY);
	l->product += share * (predicted * truth - l->product / MEMORY);
	l->true_square += share * (truth * truth - l->true_square / MEMORY);
}

/* The mean frequency over `length` seconds from `at` on, as the estimate
 * expects it. */
static double expected_freq(
    const struct estimate *e, struct osc at, int64_t offset_ns, double length)
{
	struct osc then = {at.ns + ns_of_s(length)};

	return s_of_ns(estimate_offset_ns(e, then) - offset_ns) / length;
}

/* The share of the drift that counts in so long a silence. The course of a
 * day's temperature turns: what the frequency gained in half a day is lost
 * again in the other half. */
static double drift_share(double length)
{
	double left = fmin(fmax(DAY_S - length, 0) / (DAY_S / 2), 1);

	return left * left;
}

/* The same with what is known of the drift's course. */
static double predicted_freq(
    const struct estimate *e, struct osc at, int64_t offset_ns, double length)
{
	double sd, now = estimate_freq(e, at, &sd);

	return now + drift_share(length) *
			 (expected_freq(e, at, offset_ns, length) - now);
}

static void open_window(struct holdover *h, unsigned lag,
    const struct estimate *e, struct osc at, int64_t offset_ns)
{
	struct holdover_lag *l = &h->lag[lag];
	double spacing = lag_s[lag] / HOLDOVER_WINDOWS;

	if (l->any && s_of_ns(at.ns - l->opened.ns) < spacing)
		return;
	l->window[l->next] = (struct holdover_window){.open = true,
	    .at = at,
	    .offset_ns = offset_ns,
	    .predicted = predicted_freq(e, at, offset_ns, lag_s[lag]),
	    .mean = h->mean};
	l->next = (l->next + 1) % HOLDOVER_WINDOWS;
	l->any = true;
	l->opened = at;
}

void holdover_learn(struct holdover *h, const struct estimate *e, struct osc at)
{
	int64_t offset_ns = estimate_offset_ns(e, at);

	if (!h->started)
		h->since = at;
	h->started = true;
	if (s_of_ns(at.ns - h->since.ns) < SETTLE_S)
		return;
	learn_mean(h, at, offset_ns);
	for (unsigned i = 0; i < HOLDOVER_LAGS; i++) {
		for (unsigned k = 0; k < HOLDOVER_WINDOWS; k++)
			judge_window(&h->lag[i], lag_s[i], &h->lag[i].window[k],
			    at, offset_ns);
		/* A mean of less time is not the long-term one. */
		if (h->watched_s >= lag_s[i])
			open_window(h, i, e, at, offset_ns);
	}
}

/* ---- what was learned ---- */

static bool tried(const struct holdover_lag *l)
{
	return l->trials >= TRIALS_LEAST && l->square > 0;
}

/* The regression, on the safe side. */
static double lasting_share(const struct holdover_lag *l)
{
	double share, rest, sd;

	if (!tried(l))
		return 1;
	share = l->product / l->square;
	rest = fmax(l->true_square - share * l->product, 0) / l->trials;
	sd = sqrt(rest / l->square) * (1 + FEW / l->trials);
	return fmin(fmax(share, 0) + DEVIATIONS * sd, 1);
}

static double mean_of_fading(double r)
{
	return r > 0 ? -expm1(-r) / r : 1;
}

/* The silence in units of the time in which a deviation fades, if this share of
 * it lasts in the mean. */
static double fading_ratio(double share)
{
	double low = 0, high = RATIO_MOST;

	for (unsigned i = 0; i < HALVINGS; i++) {
		double r = (low + high) / 2;

		if (mean_of_fading(r) > share)
			low = r;
		else
			high = r;
	}
	return low;
}

/* The longest length that was tried and is not above `age_s`; NULL: none. */
static const struct holdover_lag *lag_of(
    const struct holdover *h, double age_s, double *length)
{
	const struct holdover_lag *found = NULL;

	for (unsigned i = 0; i < HOLDOVER_LAGS && lag_s[i] <= age_s; i++)
		if (tried(&h->lag[i])) {
			found = &h->lag[i];
			*length = lag_s[i];
		}
	return found;
}

double holdover_lasting(const struct holdover *h, double age_s)
{
	double length, share;
	const struct holdover_lag *l = lag_of(h, age_s, &length);

	if (!l)
		return 1;
	share = lasting_share(l);
	if (share >= 1)
		return 1;
	return mean_of_fading(fading_ratio(share) * age_s / length);
}

double holdover_shift(
    const struct holdover *h, const struct estimate *e, struct osc at)
{
	double age = s_of_ns(at.ns - e->at.ns), length, predicted, apart, shift;
	const struct holdover_lag *l = lag_of(h, age, &length);
	int64_t offset_ns;

	if (!l && age <= DAY_S / 2)
		return 0;
	offset_ns = estimate_offset_ns(e, e->at);
	predicted = predicted_freq(e, e->at, offset_ns, age);
	shift = (predicted - expected_freq(e, e->at, offset_ns, age)) * age;
	apart = predicted - h->mean;
	if (!l || apart * apart > USUAL * USUAL * l->square / l->trials)
		return shift;
	return shift - (1 - holdover_lasting(h, age)) * apart * age;
}
