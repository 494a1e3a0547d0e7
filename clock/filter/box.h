/*
 * What one exchange says about the offset, as a probability density, and how it
 * changes a Gaussian estimate. Pure arithmetic; everything in seconds.
 *
 * e1 is the queueing delay on the way to the server, e2 on the way back. The
 * measured offset is wrong by (e1 - e2) / 2, and the delay exceeds the path's
 * floor by e1 + e2. So the truth lies within half the excess of the measured
 * offset, and all points in there are about equally likely: a box. Its edges
 * are soft, because the floor is not known exactly and time stamps have noise.
 * It is tilted when one way queues more than the other.
 */
#ifndef CLOCK_FILTER_BOX_H
#define CLOCK_FILTER_BOX_H

#include <stdbool.h>

struct box {
	double half; /* half width, s, > 0 */
	double edge; /* standard deviation of the edges, s, > 0 */
	double tilt; /* 1/s: the density falls with exp(-tilt * error), where
			error is the measured minus the true offset */
	/* A share of all answers, `wrong_share`, is plainly wrong, by about
	 * `wrong_reach` seconds. wrong_share 0: no answer is. */
	double wrong_share, wrong_reach;
};

struct gaussian {
	double mean, var;
};

/*
 * Changes the estimate `g` by a measurement of `measured`, by matching mean and
 * variance. Returns the log of the measurement's likelihood under the estimate
 * before (density per second).
 */
double box_update(struct gaussian *g, double measured, const struct box *box);

/* The norm of the latest tilted box, which the next one mostly has, too. Zeros:
 * that of a box without a tilt. */
struct box_norm {
	double tilted, log_norm;
};

/* box_update() of many estimates or boxes, for less. */
double box_update_one(struct gaussian *g, double measured,
    const struct box *box, struct box_norm *norm);

/* Is such a measurement more likely plainly wrong than right? */
bool box_is_outlier(
    const struct gaussian *g, double measured, const struct box *box);

#endif
