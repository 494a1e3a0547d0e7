/*
 * Numbers of the status as numbers of chrony's protocol: seconds and ppm. Both
 * have the same signs: positive means that our clock is fast (ahead), or runs
 * fast.
 */
#ifndef AGENT_CTL_SNAPSHOT_SIGNS_H
#define AGENT_CTL_SNAPSHOT_SIGNS_H

#include "agent/ctl/snapshot/field.h"

/* Seconds; 0 if it is not known. */
static inline double fast_s(struct field_int offset_ns)
{
	return (double)offset_ns.n * 1e-9;
}

static inline double fast_ppm(struct field_real frequency_ppm)
{
	return frequency_ppm.x;
}

#endif
