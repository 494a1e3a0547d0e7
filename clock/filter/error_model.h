/*
 * The law of one path's measurement error beyond what its delays can tell,
 * learned from how the samples fit the filter's prediction. Pure; seconds.
 *
 * Two exponential queues make an even box. Longer queues make a bell inside it,
 * a floor that is not what it seems makes soft edges, and one way busier than
 * the other tilts it.
 */
#ifndef CLOCK_FILTER_ERROR_MODEL_H
#define CLOCK_FILTER_ERROR_MODEL_H

#include "clock/filter/box.h"
#include "clock/filter/delay.h"

#define LAW_WIDTHS 3
#define LAW_EDGES 5

struct law {
	double log_weight[LAW_WIDTHS][LAW_EDGES];
	/* Of the error and of half the excess delay, slowly forgotten: of the
	 * samples so far, and of all when they were taken in before. */
	struct law_sums {
		double error, excess, samples;
	} now, before;
};

void law_init(struct law *l);

/* The same samples are about to be taken in anew: what they have shown of the
 * asymmetry helps to see the first ones right. */
void law_again(struct law *l);

/* The box of a sample with `delay`, sent in `route`. `noise`: of the stamps. */
struct box law_box(const struct law *l, const struct delay_track *t,
    unsigned route, double delay, double noise);

/* Learn from such a sample: `before` and `after` are the filter's beliefs about
 * what this source would measure, relative to what it did measure. */
void law_learn(struct law *l, const struct delay_track *t, unsigned route,
    double delay, double noise, const struct belief *before,
    const struct belief *after);

#endif
