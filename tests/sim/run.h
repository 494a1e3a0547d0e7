/*
 * One simulated run of clock/: the real timescale, steering and keeper, and the
 * real poll pace, in a world of its own.
 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "tests/sim/world.h"

struct scenario {
	struct sim_oscillator osc;
	double offset_s; /* of the clock at the start; positive: fast */
	unsigned servers;
	struct sim_server server[SIM_SERVERS];
	int minpoll, maxpoll;
	int64_t length, settled; /* statistics from `settled` on */
	double max_slew_ppm;
	int64_t restart_at; /* the agent is killed and started; 0: never */
	bool remembers;	    /* the new agent uses the saved files */
	bool reboots;	    /* it has another timescale */
	bool each_second;   /* look at the bounds each second */
};

#define SIM_START_WINDOWS 5
/* Seconds after the start: the limits of these windows. */
extern const unsigned sim_start_windows[SIM_START_WINDOWS + 1];

/* How well the shown errors describe the true ones. */
struct coverage {
	unsigned long looks;
	/* How often the true error was within 1 and 3 estimated errors. */
	unsigned long within_1, within_3;
	unsigned long violations; /* of the bound */
};

struct outcome {
	double rms, p99, max;		     /* of the clock's true error, s */
	double start_rms[SIM_START_WINDOWS]; /* s */
	struct coverage tracking;	     /* each five seconds */
	struct coverage chance; /* by what is left to chance alone */
	struct coverage kernel; /* each second while it is synchronised */
	struct coverage start[SIM_START_WINDOWS]; /* the same, from the start */
	/* How often an honest server was a falseticker when looked at. */
	unsigned long false_rejections;
	double mean_bound, first_bound, last_bound; /* s */
	double last_error;			    /* s */
	double packets;				    /* per server and hour */
	unsigned busiest; /* most packets to a server in an hour */
	double first_correction, below_1ms, below_100us, below_30us; /* s */
	char states[SIM_SERVERS + 1]; /* the sources' marks at the end */
	char reason[160];	      /* the latest one of the tracking */
	unsigned long samples;
	double cpu_per_sample; /* s, from a sample to the decision */
	double longest_turn;   /* s, of the same */
};

/* False: out of memory, or the keeper refused a command. */
bool run_scenario(const struct scenario *s, uint64_t seed, struct outcome *out);

#endif
