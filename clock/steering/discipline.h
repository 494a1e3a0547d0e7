/*
 * What to do about an error of the clock: frequency at once, offset by a slew
 * that neither overshoots nor lingers, a step only where one is allowed. Pure.
 */
#ifndef CLOCK_STEERING_DISCIPLINE_H
#define CLOCK_STEERING_DISCIPLINE_H

#include "clock/steering/steering.h"

struct discipline {
	struct steering_config config;
	uint64_t updates; /* carried out */
	uint64_t steps;
	int64_t last_step_ns;
	bool step_allowed; /* once, after someone else's step */
	bool refused;
	int64_t refused_ns;
	/* A command was given and its verdict is not known yet. */
	bool pending;
	int64_t pending_step_ns;
};

struct discipline_input {
	int64_t offset_ns; /* of the clock now; positive: slow */
	double freq_ppm;   /* correction wanted */
	double interval_s; /* until the next update, about */
	bool synchronised;
	enum leap leap;
	struct wall now;
	int64_t max_error_ns; /* without the offset itself */
	int64_t est_error_ns;
};

void discipline_init(
    struct discipline *d, const struct steering_config *config);

/* False: refused, nothing is to be done to the clock. */
bool discipline_decide(struct discipline *d, const struct discipline_input *in,
    struct clock_command *command) MUST_USE;

void discipline_applied(struct discipline *d, enum keeper_verdict verdict);

/* Is `now` (UTC) within the last day of June or December? */
bool discipline_leap_day(struct wall now);

#endif
