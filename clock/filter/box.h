/*
 * What one exchange says about the offset, as a law of probability, and how a
 * Gaussian belief changes by it. Pure arithmetic; everything in seconds.
 *
 * With queueing delays e1 (to the server) and e2 (back), the measured offset is
 * wrong by (e1 - e2) / 2 while the delay exceeds the path's floor by e1 + e2:
 * so the truth is within half the excess, about evenly. The box has soft edges,
 * for the floor is not known exactly and stamps have noise, and a tilt when one
 * way queues more than the other.
 */
#ifndef CLOCK_FILTER_BOX_H
#define CLOCK_FILTER_BOX_H

#include <stdbool.h>

struct box {
	double half; /* half width, > 0 */
	double edge; /* standard deviation of the edges, > 0 */
	double tilt; /* the density goes with exp(-tilt * error), 1/s, where
			error is measured minus true offset */
	/* An answer may be plainly wrong: so often, and within about so many
	 * seconds. 0 often: never. */
	double wrong_share, wrong_reach;
};

struct belief {
	double mean, var;
};

/*
 * The belief after a measurement of `measured`, by moments; returns the log of
 * the measurement's likelihood under the belief before (density per second).
 */
double box_update(struct belief *b, double measured, const struct box *box);

/* Is such a measurement more likely wrong than right? */
bool box_surprises(
    const struct belief *b, double measured, const struct box *box);

#endif
