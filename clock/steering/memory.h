/*
 * What the steering has measured, for a restart: the raw samples of each
 * source. Everything else (the filter, the floors of the paths, their laws,
 * the wander of the oscillator) is learned from them again within
 * milliseconds, as it is whenever the set of sources changes; so what is kept
 * does not depend on how the estimator is built. Pure.
 */
#ifndef CLOCK_STEERING_MEMORY_H
#define CLOCK_STEERING_MEMORY_H

#include "clock/steering/steering.h"

/* Of one source; older ones are forgotten anyway. */
#define STEERING_MEMORY 128

/* The samples of a source, oldest first; returns how many. */
unsigned steering_copy_samples(const struct steering *s, unsigned source,
    struct sample out[STEERING_MEMORY]);

/*
 * Before anything is heard: samples of the run before, oldest first, moved onto
 * the uncorrected timescale of this one. They speak for the clock's past, not
 * for the servers' present: the first correction waits for answers as at any
 * start.
 */
void steering_restore(struct steering *s, unsigned source,
    const struct sample *samples, unsigned count);

/* Likewise, when nothing carries the timescale over, as after a boot: what the
 * samples say of the path's delay still holds, unless the first answer took
 * much longer than any of them. */
void steering_restore_path(struct steering *s, unsigned source,
    const struct sample *samples, unsigned count);

#endif
