/*
 * A straight line through the records of one source, weighted by their excess
 * delay: what this source alone says, for the administrator. It steers nothing.
 */
#ifndef CLOCK_STEERING_REGRESSION_H
#define CLOCK_STEERING_REGRESSION_H

#include "clock/steering/state.h"

struct regression {
	unsigned samples, runs; /* runs of residuals with one sign */
	double span_s;
	double offset_s;	/* at `now`, against `base_ns` */
	double slope, slope_sd; /* s/s; 0 with fewer than three records */
	double deviation_s;	/* of the residuals */
	int64_t base_ns;
};

/* src->count > 0. */
struct regression regression_fit(
    const struct steering_source *src, struct osc now);

#endif
