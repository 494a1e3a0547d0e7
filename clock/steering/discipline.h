/*
 * What to do about an error of the clock: set the frequency at once, slew the
 * offset without overshoot, and step only where a step is allowed. Pure.
 */
#ifndef CLOCK_STEERING_DISCIPLINE_H
#define CLOCK_STEERING_DISCIPLINE_H

#include "base/check.h"
#include "clock/command.h"
#include "clock/steering/config.h"

struct discipline {
	struct steering_config config;
	uint64_t updates; /* carried out, with a new sample */
	uint64_t steps;
	int64_t last_step_ns;
	bool step_allowed; /* one step, after a step of another program */
	bool refused;	   /* the last offset was above the refuse threshold */
	int64_t refused_ns;
	uint64_t refusals; /* of corrections by new samples */
	/* The frequency stays as it is until it is certainly another one. */
	bool keeps_freq;
	/* The clock needs a larger correction of its frequency than this limit;
	 * 0: it does not. */
	double beyond_ppm;
	/* A command was given and its verdict has not arrived yet. */
	bool pending;
	int64_t pending_step_ns;
	bool pending_silent;
};

struct discipline_input {
	int64_t offset_ns;   /* of the clock now; positive: slow */
	double offset_sd_ns; /* by chance alone */
	int64_t guess_ns;    /* of the offset: no sample shows it */
	double freq_ppm;     /* wanted correction */
	double freq_sd_ppm;
	double base_freq_ppm; /* in force */
	double interval_s;    /* expected time to the next decision */
	double round_s;	      /* the longest usual time between decisions */
	bool silent;	      /* no sample has come since the last decision */
	bool synchronised;
	enum leap leap;
	struct wall now;
	int64_t max_error_ns; /* without the offset itself */
	int64_t est_error_ns;
};

void discipline_init(
    struct discipline *d, const struct steering_config *config);

/* Is a correction of this size beyond refuse-threshold? Not if makestep steps
 * such an offset at any time: who configures that wants no limit. */
bool discipline_refuses(const struct discipline *d, int64_t offset_ns);

/* The leap second at the end of the day of `now`, of the one that the servers
 * announce. */
enum leap discipline_leap_due(enum leap announced, struct wall now);

/* The leap second that the kernel is armed with at `now`, of the one that the
 * servers announce. */
enum leap discipline_arms(
    const struct discipline *d, enum leap announced, struct wall now);

/* False: the offset is refused; the clock must be left alone, and `command` is
 * not written. */
bool discipline_decide(struct discipline *d, const struct discipline_input *in,
    struct clock_command *command) MUST_USE;

/* The keeper's verdict on the last command. Without a command before it, it
 * changes nothing. */
void discipline_applied(struct discipline *d, enum keeper_verdict verdict);

#endif
