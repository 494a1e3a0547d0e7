/*
 * Delays that form a bell: a radio, or many queues in a row, make them scatter
 * around a middle as a normal distribution does. They have no lower edge, so
 * the smallest delays are chance and not an empty path. Then the middle of each
 * way is the best guess of the path without jitter.
 *
 * What a delay is above the middle is wrong by a share, the slope, that depends
 * on which way scatters more. Pure; seconds.
 */
#ifndef CLOCK_FILTER_BELL_H
#define CLOCK_FILTER_BELL_H

#include "clock/filter/box.h"
#include "clock/filter/delay.h"

#include <stdbool.h>

#define BELL_POWERS 5

struct bell {
	bool believed;
	unsigned doubts; /* samples in a row that say the opposite */
	/* For each route, sums over its samples, slowly forgotten: the powers
	 * of the delay above `zero`. The first sum counts the samples; if it is
	 * 0, the place is free. */
	struct bell_route {
		unsigned number;
		double zero, powers[BELL_POWERS];
		double strange; /* samples that were left out */
		/* Changes of the delay from one sample to the next: their
		 * number, and the sum of their squares. */
		double changes, change_squares;
	} routes[DELAY_ROUTES];
	/* Products of the changes from one sample to the next, on one route: of
	 * the delay and of the error. What is constant or slow in the error
	 * cancels. */
	double pairs, delay_delay, delay_error, error_error;
	unsigned last_route;
	double last_delay, last_error;
};

void bell_init(struct bell *b);

/*
 * Takes in one more delay on the current route of `t`, which has it already.
 * `error`: the asymmetry as delay_add() gets it. Returns true if `believed` has
 * changed.
 */
bool bell_add(
    struct bell *b, const struct delay_track *t, double delay, double error);

/* The errors to come count from another zero. */
void bell_interrupt(struct bell *b);

/* Is the middle of the delays of this route known, and are they a bell? */
bool bell_fits(const struct bell *b, unsigned route);

/* Their middle and standard deviation, s; a deviation of 0: they are no bell,
 * or too few samples of this route tell. */
void bell_width(
    const struct bell *b, unsigned route, double *middle, double *deviation);

/* The box of a sample of such a route. `noise`: of the time stamps. `error`: by
 * how much the measured offset is likely to be above the true one. */
struct box bell_box(const struct bell *b, unsigned route, double delay,
    double noise, double *error);

#endif
