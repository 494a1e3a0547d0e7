/* The agreement of all servers: where most of their intervals overlap. Pure. */
#ifndef AGENT_CTL_SHADOW_AGREEMENT_H
#define AGENT_CTL_SHADOW_AGREEMENT_H

#include "base/check.h"

#include <stdbool.h>

/* Where the truth lies if a server is right. */
struct interval {
	double low, high;
};

/* The part that the largest number of the intervals share, if it is a majority
 * of them. False: there is none. At most AGREEMENT_MAX intervals. */
#define AGREEMENT_MAX 128
bool agreement_of(const struct interval *intervals, unsigned count,
    struct interval *out) MUST_USE;

static inline bool intervals_meet(struct interval a, struct interval b)
{
	return a.low <= b.high && b.low <= a.high;
}

#endif
