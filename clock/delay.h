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

#include <stdbool.h>

#define DELAY_RECENT 16 /* samples in which a longer route must show */
#define DELAY_EPOCHS 4	/* remembered; older samples get the widest box */

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

/* How far the floor of an epoch with so many samples is likely to be below the
 * smallest delay seen, when both ways queue alike. */
double delay_floor_gap(const struct delay_track *t, unsigned samples);

#endif
