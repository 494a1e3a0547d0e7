#include "clock/filter/error_model.h"

#include <math.h>
#include <stddef.h>

/* Samples in which a changed law is learned. */
#define MEMORY 256.0

/* Share of the answers that are plainly wrong; they may be so by their delay.
 */
#define WRONG_SHARE 0.003

/* With fewer samples in all, even the scale of the queues is unknown. */
#define FEW_SAMPLES 8

/* Asymmetry below it is likely to be chance, and odds of so many are against
 * any. */
#define ASYMMETRY_DOUBT 0.1
#define ASYMMETRY_ODDS 10.0
#define ASYMMETRY_MAX 0.97
#define ASYMMETRY_PRIOR 4 /* samples */
/* A sample that waited for more mean queues than this tells no more of them. */
#define TILT_QUEUES 3.0

/* Of the box's half width, and of the mean queueing delay. */
static const double widths[LAW_WIDTHS] = {1, 0.5, 0.25};
static const double edges[LAW_EDGES] = {0, 0.1, 0.3, 1, 3};

struct shape {
	double width, edge;
};

void law_init(struct law *l)
{
	*l = (struct law){.now = {0, 0, 0}};
	/* The plain box, until samples speak against it. */
	for (unsigned i = 0; i < LAW_WIDTHS; i++)
		for (unsigned j = 0; j < LAW_EDGES; j++)
			l->log_weight[i][j] = -(double)(4 * i + j);
}

void law_again(struct law *l)
{
	struct law_sums before = l->now;

	law_init(l);
	l->before = before;
}

/* Between the assumptions, by their weight. */
static struct shape mean_shape(const struct law *l)
{
	double sum = 0, width = 0, square = 0;

	for (unsigned i = 0; i < LAW_WIDTHS; i++)
		for (unsigned j = 0; j < LAW_EDGES; j++) {
			double w = exp(l->log_weight[i][j]);

			sum += w;
			width += w * widths[i];
			square += w * edges[j] * edges[j];
		}
	return (struct shape){width / sum, sqrt(square / sum)};
}

/* The difference over the sum of the two ways' mean queueing delays; what
 * little of it chance brings is not believed. Exponential delays with two means
 * explain n samples better than with one by (1 - r^2)^-n. */
static double asymmetry(const struct law *l, const struct delay_track *t)
{
	const struct law_sums *sums =
	    l->before.samples > l->now.samples ? &l->before : &l->now;
	double r = sums->error / (sums->excess + ASYMMETRY_PRIOR * t->queue);

	r = fmin(fmax(r, -ASYMMETRY_MAX), ASYMMETRY_MAX);
	double for_one = ASYMMETRY_ODDS * exp(sums->samples * log1p(-r * r));
	double doubt = ASYMMETRY_DOUBT * ASYMMETRY_DOUBT;

	return r / (1 + for_one) * r * r / (r * r + doubt);
}

static struct box shaped_box(const struct law *l, const struct delay_track *t,
    unsigned number, double delay, double noise, struct shape shape)
{
	const struct delay_route *way = delay_route(t, number);
	double r = asymmetry(l, t), gap = 0;
	struct box b = {.half = delay / 2,
	    .wrong_share = WRONG_SHARE,
	    .wrong_reach = delay};

	if (way != NULL) {
		double doubt = t->seen < FEW_SAMPLES ? pow(t->seen, -1.5) : 0;

		/* Unequal queues leave the path empty at once more often. */
		gap = delay_floor_gap(t, way->samples) * sqrt(1 - r * r);
		/* And no path takes less than no time. */
		double floor = fmax(way->floor - gap, 0);
		b.half = fmax((delay - floor) / 2, doubt * delay / 2);
	}
	b.half = shape.width * fmax(b.half, 0) + noise;
	b.edge = 0.3 * gap + noise + shape.edge * t->queue;
	/* A wait that such queues never bring may have any cause, on any way.
	 */
	double scale = fmax(t->queue, b.half / TILT_QUEUES);
	b.tilt = (1 / (1 + r) - 1 / (1 - r)) / scale;
	return b;
}

struct box law_box(const struct law *l, const struct delay_track *t,
    unsigned route, double delay, double noise)
{
	return shaped_box(l, t, route, delay, noise, mean_shape(l));
}

static void learn_shape(struct law *l, const struct delay_track *t,
    unsigned route, double delay, double noise, const struct belief *before)
{
	double best = -INFINITY;

	for (unsigned i = 0; i < LAW_WIDTHS; i++)
		for (unsigned j = 0; j < LAW_EDGES; j++) {
			double *w = &l->log_weight[i][j];
			struct belief b = *before;
			struct box box = shaped_box(l, t, route, delay, noise,
			    (struct shape){widths[i], edges[j]});

			*w *= 1 - 1 / MEMORY;
			*w += box_update(&b, 0, &box);
			best = fmax(best, *w);
		}
	for (unsigned i = 0; i < LAW_WIDTHS; i++)
		for (unsigned j = 0; j < LAW_EDGES; j++)
			l->log_weight[i][j] =
			    fmax(l->log_weight[i][j] - best, -30);
}

void law_learn(struct law *l, const struct delay_track *t, unsigned route,
    double delay, double noise, const struct belief *before,
    const struct belief *after)
{
	const struct delay_route *way = delay_route(t, route);

	if (way == NULL)
		return;
	learn_shape(l, t, route, delay, noise, before);
	double half = fmax(delay - way->floor, 0) / 2;
	double share = fmin(1, TILT_QUEUES * t->queue / half);
	double error = fmin(fmax(-after->mean, -half), half);

	l->now.error += share * error - l->now.error / MEMORY;
	l->now.excess += share * half - l->now.excess / MEMORY;
	l->now.samples += share - l->now.samples / MEMORY;
}
