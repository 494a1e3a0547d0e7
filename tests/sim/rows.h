/*
 * The rows of the simulation: worlds, and what chronyd reached in them.
 */
#ifndef SIM_ROWS_H
#define SIM_ROWS_H

#include "tests/sim/run.h"

struct row {
	const char *path;    /* lan, lannoisy, metro, inet, wifi */
	const char *special; /* a name of the table of tweaks, or "" */
	double wander;	     /* s/s per sqrt(s) */
	unsigned servers;
	int minpoll, maxpoll;
	/* chronyd's median (performance.md), us; 0: not measured */
	double rms, p99, max;
	double limit; /* of a filter that knows the world; us */
	/* The short set: our RMS must stay below, us; 0: not in it. */
	double must;
};

extern const struct row rows[];
extern const unsigned row_count;

void row_scenario(const struct row *row, struct scenario *out);
/* Is it about how soon the clock is right after a cold start? */
bool row_is_start(const struct row *row);

#endif
