/* Rations what the engine or a signal may ask for again and again. Pure. */
#ifndef AGENT_KEEPER_RATION_H
#define AGENT_KEEPER_RATION_H

#include "base/check.h"
#include "base/time.h"

#define RATION_MAX 16

/* At most `most` times within `period_ns`. */
struct ration {
	unsigned most; /* RATION_MAX at most */
	int64_t period_ns;
	unsigned used;		    /* of `at` */
	struct mono at[RATION_MAX]; /* the last times, the oldest first */
};

/* When the next time may be; it may be in the past. */
struct mono ration_next(const struct ration *r);

/* When what is wanted, and may not be yet, may be; MONO_NEVER if there is none.
 */
struct mono ration_wait(const struct ration *r, bool wanted, struct mono now);

/* Counts one time. */
void ration_use(struct ration *r, struct mono now);

#endif
