/*
 * Leap seconds: the one that the kernel executes for us is no jump, and servers
 * that smear it do not go with servers that do not. Pure.
 */
#ifndef CLOCK_LEAP_H
#define CLOCK_LEAP_H

#include "base/sample.h"
#include "base/time.h"

#include <stddef.h>

/* Has the kernel, armed with `armed`, executed it between two readings of
 * CLOCK_REALTIME, which moved by `jump_ns` against CLOCK_MONOTONIC meanwhile?
 * `tolerance_ns`: what the readings may be wrong by. */
bool leap_executed(enum leap armed, struct wall before, struct wall after,
    int64_t jump_ns, int64_t tolerance_ns);

/* The end of the last UTC day of `before`, when CLOCK_REALTIME jumps back; for
 * a deleted second, one second earlier, when it jumps ahead. */
struct wall leap_moment(enum leap leap, struct wall before);

/* Smearing lasts a day, from the noon before to the noon after, or begins with
 * the leap second. Is `now` within that, and an hour more? */
bool leap_season(struct wall now);

/* What a source says in the season. Offsets against the local clock. */
struct leap_view {
	const char *name;
	bool usable; /* it has a sample and a say */
	bool agrees; /* with the majority */
	enum leap leap;
	int64_t offset_ns, bound_ns;
};

/* Does this one differ from those that agree as one that smears would from ones
 * that do not, or the other way round? At most a second, and for certain. */
bool leap_smears(
    const struct leap_view *views, unsigned count, unsigned source);

/* Any of them has announced a leap second. */
bool leap_announced(const struct leap_view *views, unsigned count);

#endif
