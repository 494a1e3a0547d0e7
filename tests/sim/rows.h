/*
 * The rows of the simulation: worlds, and the errors of chronyd in them.
 */
#ifndef SIM_ROWS_H
#define SIM_ROWS_H

#include "tests/sim/run.h"

struct row {
	const char *path; /* a name of the table of paths */
	/* A name of the table of tweaks, or a kind of hard world, or "". */
	const char *special;
	double wander; /* s/s per sqrt(s) */
	unsigned servers;
	int minpoll, maxpoll;
	/* Median errors of chronyd, us; 0: not measured. */
	double rms, p99, max;
	double limit; /* RMS of a filter that knows the world, us */
	/* The limit of our RMS in the short set, us; 0: not in this set. */
	double rms_most;
};

extern const struct row rows[];
extern const unsigned row_count;

void row_scenario(const struct row *row, struct scenario *out);
/* True for rows that start with a wrong clock. */
bool row_is_start(const struct row *row);
bool row_is_hard(const struct row *row);

#endif
