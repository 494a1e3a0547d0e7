/*
 * One simulated run of the clock's floor: the real ledger, steering and keeper,
 * the real poll pace, in a world of its own.
 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "tests/sim/world.h"

struct scenario {
	struct oscillator osc;
	double offset_s; /* of the clock at the start; positive: fast */
	unsigned servers;
	struct server server[WORLD_SERVERS];
	int minpoll, maxpoll;
	int64_t length, settled; /* statistics from `settled` on */
	double max_slew_ppm;
	/* The agent is killed and started again; 0: it is not. */
	int64_t restart_at;
	bool remembers; /* what it had measured */
	bool reboots;	/* on another timescale then */
};

struct outcome {
	double rms, p99, max; /* of the clock's true error, s */
	double late_max;      /* ... of the last tenth */
	double within_1,
	    within_3; /* share of errors within 1 and 3 est_error */
	unsigned long seconds, bound_violations;
	/* Looks at which a server that was right was called a falseticker. */
	unsigned long slanders;
	double mean_bound;
	double packets; /* per server and hour */
	double first_correction, below_1ms, below_100us, below_30us; /* s */
	unsigned steps;
	int selected;
	char states[WORLD_SERVERS + 1]; /* marks at the end */
	double cpu_per_sample;		/* s, sample to decision */
};

/* False: out of memory, or the keeper refused something. */
bool run_scenario(const struct scenario *s, uint64_t seed, struct outcome *out);

#endif
