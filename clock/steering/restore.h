/*
 * The raw samples of each source, for a restart. The filter, the floors of the
 * paths, their error models and the wander of the oscillator are learned from
 * them again within milliseconds, as they are whenever the set of sources
 * changes. So what is saved does not depend on how the estimator is built.
 * Pure.
 */
#ifndef CLOCK_STEERING_RESTORE_H
#define CLOCK_STEERING_RESTORE_H

#include "clock/steering/steering.h"

/* Samples kept of one source; older ones no longer count anyway. */
#define STEERING_SAMPLES_MAX 128

/* Copies the samples of a source as they were measured, oldest first; returns
 * how many. */
unsigned steering_copy_samples(const struct steering *s, unsigned source,
    struct sample out[STEERING_SAMPLES_MAX]);

/*
 * Before the first sample of this run: takes in samples of an earlier run,
 * oldest first, moved onto the uncorrected timescale of this run. They show the
 * clock's past, not the servers' present: the first correction still waits for
 * answers, as at any start.
 */
void steering_restore(struct steering *s, unsigned source,
    const struct sample *samples, unsigned count);

/*
 * The same without a common timescale, as after a boot: the samples only teach
 * the path's delay. That is dropped again if the first answer takes much longer
 * than any of them.
 */
void steering_restore_path(struct steering *s, unsigned source,
    const struct sample *samples, unsigned count);

/* Copies what was learned of the drift. After a boot or a suspend, awake_s must
 * be 0. */
void steering_copy_drift(const struct steering *s, struct drift_learned *out);
/* Call it before the first sample of this run. `l` is valid
 * (drift_learned_valid). */
void steering_restore_drift(struct steering *s, const struct drift_learned *l);

#endif
