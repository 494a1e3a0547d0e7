/*
 * The rows of the first hour after a start, and the errors of chronyd in them.
 */
#ifndef SIM_FIRST_HOUR_H
#define SIM_FIRST_HOUR_H

#include "tests/sim/rows.h"

struct first_hour {
	struct row row;
	double rms[SIM_START_WINDOWS]; /* medians of chronyd, us */
};

extern const struct first_hour first_hours[];
extern const unsigned first_hour_count;

#endif
