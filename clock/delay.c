#include "clock/delay.h"

#include <math.h>
#include <string.h>

/* The smallest of n sums of two exponential delays of mean q is above the
 * floor by q * sqrt(pi / (2 n)) in the mean. */
#define FLOOR_GAP 1.2533141373155003

/* Odds against a longer route's being an accident, as a log; every sample is
 * tested in a dozen ways. */
#define LONGER_LOG_ODDS 25.0
#define LONGER_MIN_SAMPLES 8

/* No path queues less than this, in the mean: stamps are not better. */
#define QUEUE_MIN 20e-9

/* Windows in which a changed mean of the queues is learned, and how much more
 * than usual one window may claim: a changed route is no queue. */
#define QUEUE_MEMORY 256.0
#define QUEUE_RISE 4.0

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

double delay_floor_gap(const struct delay_track *t, unsigned samples)
{
	double root = sqrt((double)samples);

	/* The bracket makes it right for one sample and for two as well. */
	return t->queue * FLOOR_GAP / root * (1 + 0.6 / root);
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

static double queue_of(double least, double mean, unsigned n)
{
	return (mean - least) / (2 - FLOOR_GAP / sqrt(n));
}

/* The spread of the latest samples over their own minimum: a measure of the
 * queues that no error of the floor can touch. */
static void learn_queue(struct delay_track *t)
{
	unsigned known = current(t)->samples;
	unsigned n = known < DELAY_RECENT ? known : DELAY_RECENT;
	double least, mean;

	if (n < 2)
		return;
	recent_range(t, n, &least, &mean);
	double queue = queue_of(least, mean, n);
	if (t->seen <= DELAY_RECENT) {
		t->queue = fmax(queue, QUEUE_MIN);
		return;
	}
	double gain =
	    fmax(1.0 / (t->seen - DELAY_RECENT + 4), 1.0 / QUEUE_MEMORY);
	double news = fmin(queue, QUEUE_RISE * t->queue) - t->queue;
	t->queue = fmax(t->queue + gain * news, QUEUE_MIN);
}

/* The chance that n samples in a row all exceed the floor by `gap` is
 * ((1 + x) exp(-x))^n, x = gap / queue. In a busy hour the queues are longer
 * than usual, so these samples' own measure of them counts as well. */
static bool longer(const struct delay_track *t, double floor, unsigned n)
{
	double least, mean;

	recent_range(t, n, &least, &mean);
	double x = (least - floor) / fmax(t->queue, queue_of(least, mean, n));
	return x > 0 && n * (x - log1p(x)) > LONGER_LOG_ODDS;
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
	if (drop > t->queue + 6 * delay_floor_gap(t, e->samples) &&
	    e->samples >= DELAY_RECENT) {
		begin_epoch(t, delay, 1);
		return DELAY_SHORTER;
	}
	e->samples++;
	if (drop > 0) {
		e->floor = delay;
		/* The first floor of a new route was only its first guess. */
		e->shift -= e->number > 0 ? drop : 0;
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
