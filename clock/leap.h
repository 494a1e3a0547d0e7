/*
 * Leap seconds. The kernel executes the one that it was armed with: that is a
 * jump of CLOCK_REALTIME, but not a disturbance. Some servers smear the second
 * over a day instead; they disagree with the servers that do not. Pure.
 */
#ifndef CLOCK_LEAP_H
#define CLOCK_LEAP_H

#include "base/sample.h"
#include "base/time.h"

#include <stddef.h>

/* Is `now` within the last UTC day of June or December? */
bool leap_day(struct wall now);

/*
 * Did the kernel execute the leap second `armed` between two readings of
 * CLOCK_REALTIME? `jump_ns`: how far CLOCK_REALTIME moved against
 * CLOCK_MONOTONIC between the readings; positive: ahead. `tolerance_ns`: the
 * largest error of the readings.
 */
bool leap_executed(enum leap armed, struct wall before, struct wall after,
    int64_t jump_ns, int64_t tolerance_ns);

/* When CLOCK_REALTIME jumps: an inserted second at the end of the UTC day of
 * `before`, a deleted one a second earlier. */
struct wall leap_time(enum leap leap, struct wall before);

/* A smear lasts a day: from the noon before the leap second to the noon after
 * it, or from the leap second on. True within that time and an hour around it.
 */
bool leap_smear_time(struct wall now);

/* What a source says during that time. Offsets are against the local clock;
 * positive: the clock is slow. */
struct leap_view {
	const char *name;
	bool usable; /* it has a sample and may vote */
	bool agrees; /* with the majority */
	enum leap leap;
	int64_t offset_ns, bound_ns;
};

/* Does `source` differ from the best source that agrees by more than their
 * bounds, but by at most a second? Then one of the two smears. */
bool leap_smears(
    const struct leap_view *views, unsigned count, unsigned source);

/* Does any usable source announce a leap second? */
bool leap_announced(const struct leap_view *views, unsigned count);

#endif
