/*
 * The delays of one path: the floor (the delay of an empty path), the mean
 * queueing delay above it, the route, and since when the path takes that route.
 * Pure; seconds.
 *
 * A floor belongs to a route. When the delays show that the route has changed,
 * a new route begins with its own floor, and the path's asymmetry may have
 * changed by up to half the difference of the floors. Routes come back (a line
 * is repaired, a balancer decides again): a route whose floor is remembered is
 * recognized.
 */
#ifndef CLOCK_FILTER_DELAY_H
#define CLOCK_FILTER_DELAY_H

#include "base/check.h"

#include <stdbool.h>

#define DELAY_RECENT 128 /* samples in which a longer route must show */
#define DELAY_MARK 8	 /* samples between two marks of a floor */
#define DELAY_ROUTES 8	 /* remembered; others get the widest box */
#define DELAY_LOWEST 8	 /* smallest delays of a route that are kept */
/* With so many samples the queues of a path are known in part. */
#define DELAY_FIRST_TOLD 3

struct delay_route {
	unsigned number;  /* counts from 0 */
	unsigned samples; /* 0: this place is free */
	unsigned last;	  /* the latest sample, by the count of all samples */
	double floor;	  /* the smallest delay seen */
	/* Mean queueing delay of one way in its latest samples; 0: unknown. */
	double queue;
	/* The floor at the last two multiples of DELAY_MARK samples, the latest
	 * first. They undo what the first samples of a shorter route did to the
	 * floor. */
	double marks[2];
	double shift; /* of the floor against the route before; 0 in the first
			 route */
	/* A congestion that has ended: its queues say nothing about the
	 * present ones. */
	bool congested;
	bool crept; /* its floor rose little by little, not in one step */
	/* The smallest delays, ascending: `samples` of them, at most
	 * DELAY_LOWEST. They show the law of the delays near the floor. */
	double lowest[DELAY_LOWEST];
};

struct delay_track {
	struct delay_route routes[DELAY_ROUTES];
	unsigned route; /* the number of the current one */
	unsigned known; /* routes so far */
	unsigned since; /* samples since the path took the route */
	/* Mean queueing delay of one way, also called jitter. */
	double queue;
	/* The mean queueing delay that the lower half of the latest samples
	 * shows: neither rare long waits nor a busy hour that is over count. At
	 * most `queue`. */
	double quiet;
	/* What the latest few samples show if they are much quieter; else
	 * `quiet`. */
	double lately;
	/* The floor has crept at some time; the caller says so. Then no delay
	 * shows which way is busier. */
	bool creeps;
	/* The delays of the current route form a bell with this middle and
	 * standard deviation (clock/filter/bell.h). The caller sets them; a
	 * deviation of 0: they form none. */
	double middle, deviation;
	/* The mean height above the floor of the smallest value in a block of
	 * samples: of the delay, and of the two ways' smallest together. */
	double rise, sides_rise;
	unsigned blocks; /* of which the means were taken */
	struct delay_sample {
		double delay;
		double asymmetry; /* see delay_add(); NAN: unknown */
	} recent[DELAY_RECENT];
	unsigned seen;	   /* samples, on all routes */
	unsigned learning; /* `queue` is learned from the samples after this */
};

enum delay_event {
	DELAY_UNCHANGED,
	DELAY_NEW_FLOOR, /* the smallest delay so far, on the same route */
	DELAY_SHORTER,	 /* a shorter route */
	DELAY_FREED,	 /* a shorter route: all before it was congestion */
	DELAY_LONGER,	 /* a longer route */
};

void delay_init(struct delay_track *t);

/*
 * Takes in one more delay. `asymmetry`: half of what the way to the server took
 * longer than the way back, as far as the clock is known: the measured offset
 * minus the offset that the filter predicted from earlier samples alone; NAN if
 * unknown. A constant error in it does no harm. `back`: with a new route, how
 * many of the latest samples, with this one, belong to it; else 1.
 */
enum delay_event delay_add(
    struct delay_track *t, double delay, double asymmetry, unsigned *back);

/* NULL: the route is forgotten. */
const struct delay_route *delay_route(
    const struct delay_track *t, unsigned number);

/* How far the true floor of a route with so many samples lies below the
 * smallest delay seen, in the mean, when both ways queue alike. */
double delay_floor_gap(const struct delay_track *t, unsigned samples);

/* The same for this route. Its own delays may show that its queues are much
 * longer than those that the path had before. */
double delay_queue_gap(
    const struct delay_track *t, const struct delay_route *r);

/* How far the true floor of this route lies below its smallest delay, estimated
 * from its smallest delays alone. At most delay_queue_gap(). */
double delay_route_gap(
    const struct delay_track *t, const struct delay_route *r);

/* How many times farther apart the smallest delays are than those of queues
 * that are empty at times: about 1 if the delays have a sharp lower edge; 5 and
 * more if they are those of a bell, where the floor may be far below the
 * smallest delay. 1: too few samples. */
double delay_edge_ratio(
    const struct delay_track *t, const struct delay_route *r);

/* The remembered route with the least floor, of those that did not creep; NULL
 * before the first sample. */
const struct delay_route *delay_shortest_route(const struct delay_track *t);

#endif
