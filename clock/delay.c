#include "clock/delay.h"

#include <math.h>
#include <string.h>

/* The smallest of n sums of two exponential delays of mean q is above the
 * floor by q * sqrt(pi / (2 n)) in the mean. */
#define FLOOR_GAP 1.2533141373155003

/* Odds against a longer route's being an accident, as a log; every sample is
 * tested in a dozen ways. */
#define LONGER_LOG_ODDS 18.0
#define LONGER_MIN_SAMPLES 4

/* No path queues less than this, in the mean: stamps are not better. */
#define QUEUE_MIN 20e-9

#define LAW_MEMORY 256.0

static const double edge_grid[DELAY_EDGES] = {0, 0.1, 0.3, 1, 3};

void delay_init(struct delay_track *t)
{
	*t = (struct delay_track){.queue = QUEUE_MIN};
}

static struct delay_epoch *current(struct delay_track *t)
{
	return &t->epochs[t->epoch % DELAY_EPOCHS];
}

const struct delay_epoch *delay_epoch(
    const struct delay_track *t, unsigned number)
{
	const struct delay_epoch *e = &t->epochs[number % DELAY_EPOCHS];

	return e->number == number && e->samples > 0 ? e : NULL;
}

/* How far the floor may be below the smallest delay seen. */
static double floor_gap(const struct delay_track *t, unsigned samples)
{
	return t->queue * FLOOR_GAP / sqrt((double)samples);
}

static void recent_range(
    const struct delay_track *t, unsigned n, double *least, double *mean)
{
	double sum = 0;

	*least = INFINITY;
	for (unsigned i = 1; i <= n; i++) {
		double d = t->recent[(t->seen - i) % DELAY_RECENT];

		*least = fmin(*least, d);
		sum += d;
	}
	*mean = sum / n;
}

/* The spread of the latest samples over their own minimum: a measure of the
 * queues that no error of the floor can touch. */
static void learn_queue(struct delay_track *t)
{
	unsigned n = t->seen < DELAY_RECENT ? t->seen : DELAY_RECENT;
	double least, mean;

	if (n < 2)
		return;
	recent_range(t, n, &least, &mean);
	double queue = (mean - least) / (2 - FLOOR_GAP / sqrt(n));
	/* Neighbouring windows overlap: one window's worth of news each. */
	double gain =
	    t->seen <= DELAY_RECENT
		? 1
		: fmax(1.0 / (t->seen - DELAY_RECENT + 4), 1.0 / LAW_MEMORY);

	t->queue = fmax(t->queue + gain * (queue - t->queue), QUEUE_MIN);
}

/* The chance that n samples in a row all exceed the floor by `gap` is
 * ((1 + x) exp(-x))^n, x = gap / queue. In a busy hour the samples scatter
 * more, too; on a longer route they do not. */
static bool longer(const struct delay_track *t, double floor, unsigned n)
{
	double least, mean;

	recent_range(t, n, &least, &mean);
	double x = (least - floor) / t->queue;
	return x > 0 && n * (x - log1p(x)) > LONGER_LOG_ODDS &&
	       mean - least < 6 * t->queue;
}

static void begin_epoch(struct delay_track *t, double floor, unsigned samples)
{
	double shift = floor - current(t)->floor;

	t->epoch++;
	*current(t) = (struct delay_epoch){.number = t->epoch,
	    .samples = samples,
	    .floor = floor,
	    .shift = shift};
}

static unsigned longer_since(const struct delay_track *t, double floor)
{
	unsigned most = t->seen < DELAY_RECENT ? t->seen : DELAY_RECENT;

	for (unsigned n = most; n >= LONGER_MIN_SAMPLES; n--)
		if (longer(t, floor, n))
			return n;
	return 0;
}

enum delay_news delay_add(struct delay_track *t, double delay, unsigned *back)
{
	struct delay_epoch *e = current(t);
	double drop = e->floor - delay;

	t->recent[t->seen % DELAY_RECENT] = delay;
	t->seen++;
	*back = 1;
	if (e->samples == 0) {
		*e = (struct delay_epoch){.samples = 1, .floor = delay};
		return DELAY_NEW_FLOOR;
	}
	if (drop > t->queue + 6 * floor_gap(t, e->samples) &&
	    e->samples >= DELAY_RECENT) {
		begin_epoch(t, delay, 1);
		return DELAY_SHORTER;
	}
	e->samples++;
	if (drop > 0) {
		e->floor = delay;
		learn_queue(t);
		return DELAY_NEW_FLOOR;
	}
	unsigned n = longer_since(t, e->floor);
	if (n != 0) {
		double least, mean;

		recent_range(t, n, &least, &mean);
		begin_epoch(t, least, n);
		*back = n;
		return DELAY_LONGER;
	}
	learn_queue(t);
	return DELAY_USUAL;
}

void delay_law_init(struct delay_law *l)
{
	*l = (struct delay_law){.excess_sum = 0};
	/* The exact box until samples speak against it. */
	for (unsigned i = 0; i < DELAY_EDGES; i++)
		l->edge_log_weight[i] = -(double)i;
}

/* The edge that fits best, between the grid's: mean square by weight. */
static double edge_factor(const struct delay_law *l)
{
	double sum = 0, square = 0;

	for (unsigned i = 0; i < DELAY_EDGES; i++) {
		double w = exp(l->edge_log_weight[i]);

		sum += w;
		square += w * edge_grid[i] * edge_grid[i];
	}
	return sqrt(square / sum);
}

/*
 * One way may queue more than the other. r: the difference over the sum of the
 * mean queueing delays; what little asymmetry chance brings is not believed.
 */
static double tilt(const struct delay_track *t, const struct delay_law *l)
{
	double prior = 16 * t->queue;
	double r = l->error_sum / (l->excess_sum + prior);

	r *= r * r / (r * r + 0.15 * 0.15);
	r = fmin(fmax(r, -0.97), 0.97);
	return (1 / (1 + r) - 1 / (1 - r)) / t->queue;
}

static struct box raw_box(const struct delay_track *t, unsigned number,
    double delay, double noise, double edge_queue)
{
	const struct delay_epoch *e = delay_epoch(t, number);
	struct box b = {.half = delay / 2, .surprise = 0.01 / delay};
	double gap = 0;

	if (e != NULL) {
		double few = e->samples < 8 ? pow(e->samples, -1.5) : 0;

		gap = 2 * floor_gap(t, e->samples);
		b.half = fmax((delay - e->floor + gap) / 2, few * delay / 2);
	}
	b.half = fmax(b.half, 0) + noise;
	b.edge = 0.3 * gap + noise + edge_queue;
	return b;
}

struct box delay_box(const struct delay_track *t, const struct delay_law *l,
    unsigned epoch, double delay, double noise)
{
	struct box b =
	    raw_box(t, epoch, delay, noise, edge_factor(l) * t->queue);

	b.tilt = tilt(t, l);
	return b;
}

static void learn_edge(const struct delay_track *t, struct delay_law *l,
    double noise, double measured, const struct box *used,
    const struct belief *before)
{
	double best = -INFINITY;

	for (unsigned i = 0; i < DELAY_EDGES; i++) {
		struct belief b = *before;
		struct box box = *used;

		box.edge = noise + edge_grid[i] * t->queue;
		l->edge_log_weight[i] *= 1 - 1 / LAW_MEMORY;
		l->edge_log_weight[i] += box_update(&b, measured, &box);
		best = fmax(best, l->edge_log_weight[i]);
	}
	for (unsigned i = 0; i < DELAY_EDGES; i++)
		l->edge_log_weight[i] = fmax(l->edge_log_weight[i] - best, -30);
}

void delay_learn(const struct delay_track *t, struct delay_law *l,
    unsigned epoch, double delay, double measured, const struct box *box,
    const struct belief *before, const struct belief *after)
{
	const struct delay_epoch *e = delay_epoch(t, epoch);

	if (e == NULL)
		return;
	learn_edge(
	    t, l, box->edge - edge_factor(l) * t->queue, measured, box, before);
	l->error_sum *= 1 - 1 / LAW_MEMORY;
	l->excess_sum *= 1 - 1 / LAW_MEMORY;
	double half = (delay - e->floor) / 2;
	l->error_sum += fmin(fmax(measured - after->mean, -half), half);
	l->excess_sum += half;
}
