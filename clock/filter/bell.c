#include "clock/filter/bell.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

/* The samples in which the sums are forgotten. */
#define MEMORY 512.0
/* Fewer samples than this decide nothing. */
#define SAMPLES_LEAST 64
/* The densities of skewness and kurtosis of delays that are no bell: any
 * skewness from -1 to 3 and any kurtosis from 1.5 to 8 is as likely. */
#define OTHER_SKEWNESS (1.0 / 4)
#define OTHER_KURTOSIS (1.0 / 6.5)
/* Before the first sample the odds against a bell are ten: queues only ever add
 * delay, and most paths are empty at times. */
#define LOG_PRIOR (-1.0)
/* A bell is believed above these log odds, and no longer below those. */
#define LOG_ODDS_BELIEVE 1.0
#define LOG_ODDS_DOUBT (-1.0)
/* A bell is given up after so many samples that doubt it. Before that, a longer
 * route is found: its first samples do not fit the bell of the old one. */
#define DOUBTS 32
/* Of a bell the smallest delays are mostly at least so many times as far apart
 * as those of queues that are empty at times. Eight delays tell that, so it is
 * uncertain by a third and more: a bell that is believed already is given up
 * below the second ratio. Between the two it needs LOG_ODDS_BELIEVE. */
#define EDGE_RATIO_BELIEVE 3.5
#define EDGE_RATIO_DOUBT 2.0
/* A delay this many standard deviations from the middle is left out: it waited
 * in a queue, or the route has changed. Of a bell it is one sample in
 * STRANGE_SHARE at most. */
#define STRANGE 5.0
#define STRANGE_SHARE 20
/* A bell says that its smallest delay is wrong by the slope times what it lies
 * below the middle. No delay is wrong by more than half of itself, and one that
 * is wrong by nearly as much is that of a queue which fills one way and is
 * never empty. This share of the whole delay is the most. */
#define WRONG_MOST 0.25

/* Half of the box as a share of its edge: such a box is a normal distribution.
 */
#define NARROW 1e-4
/* Share of the answers that are plainly wrong, as in the error model. */
#define WRONG_SHARE 0.003

void bell_init(struct bell *b)
{
	*b = (struct bell){.last_error = NAN};
}

static double log_normal(double x, double var)
{
	return -0.5 * (x * x / var + log(2 * M_PI * var));
}

/* Mean and central moments of the delays of a route. */
struct moments {
	double n, mean, var, third, fourth;
};

static struct moments moments_of(const struct bell_route *r)
{
	double n = r->powers[0], m = r->powers[1] / n;
	double p2 = r->powers[2] / n, p3 = r->powers[3] / n;
	double p4 = r->powers[4] / n;

	return (struct moments){.n = n,
	    .mean = r->zero + m,
	    .var = fmax(p2 - m * m, 0),
	    .third = p3 - 3 * m * p2 + 2 * m * m * m,
	    .fourth = p4 - 4 * m * p3 + 6 * m * m * p2 - 3 * m * m * m * m};
}

/*
 * The log odds that the delays of a route are a bell, and that each is
 * independent of the one before: levels of a route or a load that comes and
 * goes may scatter alike over hours, but do not change from one sample to the
 * next.
 *
 * Of n samples of a normal distribution, the skewness has a variance of 6 / n
 * and the kurtosis one of 24 / n. The roughness is the mean square of the
 * changes as a share of the double variance (von Neumann 1941): 1 on average,
 * with a variance of 1 / n. Queues have the same if they are independent, so it
 * can only speak against a bell.
 */
static double log_odds(const struct bell_route *r)
{
	struct moments m = moments_of(r);
	double skewness, kurtosis, roughness;

	if (m.var <= 0 || r->changes <= 0)
		return -INFINITY;
	skewness = m.third / (m.var * sqrt(m.var));
	kurtosis = m.fourth / (m.var * m.var);
	roughness = r->change_squares / r->changes / (2 * m.var);
	return LOG_PRIOR + log_normal(skewness, 6 / m.n) - log(OTHER_SKEWNESS) +
	       log_normal(kurtosis - 3, 24 / m.n) - log(OTHER_KURTOSIS) -
	       r->changes * (roughness - 1) * (roughness - 1) / 2;
}

static const struct bell_route *find(const struct bell *b, unsigned number)
{
	for (unsigned i = 0; i < DELAY_ROUTES; i++)
		if (b->routes[i].powers[0] > 0 && b->routes[i].number == number)
			return &b->routes[i];
	return NULL;
}

/* The place of a route: its own, or that of the route with the fewest samples.
 */
static struct bell_route *place(struct bell *b, unsigned number, double delay)
{
	const struct bell_route *known = find(b, number);
	struct bell_route *least = &b->routes[0];

	if (known)
		return &b->routes[known - b->routes];
	for (unsigned i = 0; i < DELAY_ROUTES; i++)
		if (b->routes[i].powers[0] < least->powers[0])
			least = &b->routes[i];
	*least = (struct bell_route){.number = number, .zero = delay};
	return least;
}

static bool is_strange(const struct bell_route *r, double delay)
{
	struct moments m;

	if (r->powers[0] < SAMPLES_LEAST)
		return false;
	m = moments_of(r);
	return fabs(delay - m.mean) > STRANGE * sqrt(m.var);
}

static void learn_powers(struct bell_route *r, double delay)
{
	double power = 1;

	for (unsigned k = 0; k < BELL_POWERS; k++) {
		r->powers[k] += power - r->powers[k] / MEMORY;
		power *= delay - r->zero;
	}
}

static void learn_slope(
    struct bell *b, struct bell_route *r, double delay, double error)
{
	double d = delay - b->last_delay, e = error - b->last_error;
	bool same = r->number == b->last_route && !isnan(e);

	b->last_route = r->number;
	b->last_delay = delay;
	b->last_error = error;
	if (!same)
		return;
	r->changes += 1 - r->changes / MEMORY;
	r->change_squares += d * d - r->change_squares / MEMORY;
	b->pairs += 1 - b->pairs / MEMORY;
	b->delay_delay += d * d - b->delay_delay / MEMORY;
	b->delay_error += d * e - b->delay_error / MEMORY;
	b->error_error += e * e - b->error_error / MEMORY;
}

/* After a change of the route the jitter is likely of the same kind, until
 * enough samples tell. */
static bool believes(const struct bell *b, const struct delay_track *t,
    const struct bell_route *r)
{
	double ratio = delay_edge_ratio(t, delay_route(t, r->number));
	bool far_apart = ratio > EDGE_RATIO_BELIEVE;

	if (r->powers[0] < SAMPLES_LEAST || b->pairs < SAMPLES_LEAST)
		return b->believed;
	if (!far_apart && !(b->believed && ratio > EDGE_RATIO_DOUBT))
		return false;
	return r->strange * STRANGE_SHARE < r->powers[0] &&
	       log_odds(r) > (b->believed && far_apart ? LOG_ODDS_DOUBT
						       : LOG_ODDS_BELIEVE);
}

/* A line that is full for minutes scatters as a bell does, but its middle is
 * all queue. */
static bool is_possible(const struct bell *b, const struct delay_track *t,
    const struct bell_route *r)
{
	double floor = delay_route(t, r->number)->floor;
	double slope = fabs(b->delay_error / b->delay_delay);

	if (r->powers[0] < SAMPLES_LEAST || b->pairs < SAMPLES_LEAST)
		return true;
	return slope * (moments_of(r).mean - floor) <= WRONG_MOST * floor;
}

bool bell_add(
    struct bell *b, const struct delay_track *t, double delay, double error)
{
	struct bell_route *r = place(b, t->route, delay);
	bool before = b->believed, strange = is_strange(r, delay);

	r->strange += strange - r->strange / MEMORY;
	if (!strange)
		learn_powers(r, delay);
	learn_slope(b, r, delay, strange ? NAN : error);
	b->doubts = believes(b, t, r) == before ? 0 : b->doubts + 1;
	if (b->doubts > (before ? DOUBTS : 0)) {
		b->believed = !before;
		b->doubts = 0;
	}
	if (!is_possible(b, t, r))
		b->believed = false;
	return b->believed != before;
}

void bell_interrupt(struct bell *b)
{
	b->last_error = NAN;
}

bool bell_fits(const struct bell *b, unsigned route)
{
	return b->believed && find(b, route);
}

void bell_width(
    const struct bell *b, unsigned route, double *middle, double *deviation)
{
	const struct bell_route *r = find(b, route);
	struct moments m;

	*middle = *deviation = 0;
	if (!b->believed || !r || r->powers[0] < SAMPLES_LEAST)
		return;
	m = moments_of(r);
	*middle = m.mean;
	*deviation = sqrt(m.var);
}

struct box bell_box(const struct bell *b, unsigned route, double delay,
    double noise, double *error)
{
	double slope = b->delay_error / b->delay_delay;
	/* A change has the variance of two samples. */
	double var = (b->error_error - slope * b->delay_error) / (2 * b->pairs);
	double middle = slope * slope * b->delay_delay / (2 * b->pairs);
	const struct bell_route *r = find(b, route);
	struct moments m;
	struct box box;

	assert(r);
	m = moments_of(r);
	box = (struct box){.edge = sqrt(fmax(var, 0) + middle / m.n) + noise,
	    .wrong_share = WRONG_SHARE,
	    .wrong_reach = delay};
	box.half = NARROW * box.edge;
	*error = slope * (delay - m.mean);
	return box;
}
