/*
 * What is known of one path's delay: its floor, how much queues above it, on
 * which way, and since when. Pure; seconds.
 *
 * The floor belongs to a route. When the delays say that the route has changed,
 * a new one begins with a floor of its own, and the path's asymmetry may have
 * changed by up to half the difference of the floors. Routes come back (a line
 * that failed is mended, a balancer changes its mind): one whose floor is
 * remembered is recognized.
 */
#ifndef CLOCK_FILTER_DELAY_H
#define CLOCK_FILTER_DELAY_H

#include "base/check.h"

#include <stdbool.h>

#define DELAY_RECENT 128 /* samples in which a longer route must show */
#define DELAY_MARK 8	 /* samples */
#define DELAY_ROUTES 4	 /* remembered; older samples get the widest box */

struct delay_route {
	unsigned number;  /* counts from 0 */
	unsigned samples; /* 0: none, the place is free */
	unsigned last;	  /* the latest, by the count of all */
	double floor;	  /* the smallest delay seen */
	/* The same at the last and at the last but one of DELAY_MARK samples:
	 * the first samples of a shorter route must not lower it. */
	double marks[2];
	double shift; /* of the floor, when it was taken; 0 in the first */
};

struct delay_track {
	struct delay_route routes[DELAY_ROUTES];
	unsigned route; /* the number of the current one */
	unsigned known; /* routes so far */
	unsigned since; /* samples since the route was taken */
	double queue;	/* mean queueing delay of one way */
	/* Of so many blocks of samples, the mean height of the least above the
	 * floor: of the least delay, and of each way's least together. */
	double rise, sides_rise;
	unsigned blocks;
	struct delay_sample {
		double delay;
		double lean; /* NAN: unknown */
	} recent[DELAY_RECENT];
	unsigned seen; /* samples, all routes */
};

enum delay_news {
	DELAY_USUAL,
	DELAY_NEW_FLOOR, /* a smaller delay than before, the same route */
	DELAY_SHORTER,	 /* a shorter route: this sample is the first on it */
	DELAY_LONGER,	 /* a longer route: the last `back` samples took it */
};

void delay_init(struct delay_track *t);

/* Take one more delay into account. `lean`: half of what the way there took
 * longer than the way back, as far as the clock is known, whatever constant is
 * in it: the offset measured less the one foreseen, from earlier samples alone.
 * NAN: unknown. `back`: with DELAY_LONGER, how many of the latest samples, this
 * one included, belong to the route. */
enum delay_news delay_add(
    struct delay_track *t, double delay, double lean, unsigned *back);

/* NULL when it is forgotten. */
const struct delay_route *delay_route(
    const struct delay_track *t, unsigned number);

/* How far the floor of a route with so many samples is likely to be below the
 * smallest delay seen, when both ways queue alike. */
double delay_floor_gap(const struct delay_track *t, unsigned samples);

#endif
