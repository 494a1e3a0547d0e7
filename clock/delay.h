/*
 * What is known of one path's delay: its floor, how much queues above it, on
 * which way, and since when. Pure; seconds.
 *
 * The floor belongs to a route. When the route changes, a new `epoch` begins
 * with a floor of its own, and the path's asymmetry may have changed by up to
 * half the difference of the floors.
 */
#ifndef CLOCK_DELAY_H
#define CLOCK_DELAY_H

#include "base/check.h"
#include "clock/box.h"

#include <stdbool.h>

#define DELAY_RECENT 16 /* samples in which a longer route must show */
#define DELAY_EPOCHS 4	/* remembered; older samples get the widest box */
#define DELAY_EDGES 5

struct delay_epoch {
	unsigned number; /* counts from 0 */
	unsigned samples;
	double floor; /* the smallest delay seen */
	double shift; /* of the floor, when the epoch began; 0 in the first */
};

struct delay_track {
	struct delay_epoch epochs[DELAY_EPOCHS]; /* by number modulo */
	unsigned epoch; /* the number of the current one */
	double queue;	/* mean queueing delay of one way */
	double recent[DELAY_RECENT];
	unsigned seen; /* samples, all epochs */
};

enum delay_news {
	DELAY_USUAL,
	DELAY_NEW_FLOOR, /* a smaller delay than before, the same route */
	DELAY_SHORTER,	 /* a shorter route: this sample begins an epoch */
	DELAY_LONGER,	 /* a longer route: the last `back` samples too */
};

void delay_init(struct delay_track *t);

/* Take one more delay into account. `back`: with DELAY_LONGER, how many of the
 * latest samples, this one included, belong to the new epoch. */
enum delay_news delay_add(struct delay_track *t, double delay, unsigned *back);

/* NULL when it is forgotten. */
const struct delay_epoch *delay_epoch(
    const struct delay_track *t, unsigned number);

/*
 * The law of the measurement error beyond what the delays alone can tell,
 * learned from how the samples fit the filter's prediction. Forgets slowly.
 */
struct delay_law {
	double edge_log_weight[DELAY_EDGES];
	double error_sum, excess_sum; /* of error, of half the excess */
};

void delay_law_init(struct delay_law *l);

/* The box of a sample with `delay`, sent in `epoch`. `noise`: of the stamps. */
struct box delay_box(const struct delay_track *t, const struct delay_law *l,
    unsigned epoch, double delay, double noise);

/* Learn from a sample: `before` and `after` are the filter's beliefs of this
 * source's offset, `box` the one used. */
void delay_learn(const struct delay_track *t, struct delay_law *l,
    unsigned epoch, double delay, double measured, const struct box *box,
    const struct belief *before, const struct belief *after);

#endif
