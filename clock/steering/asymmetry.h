/*
 * The known asymmetry of a path, as configured, in its samples. The steering
 * corrects samples when they come in; what leaves it to be saved is as
 * measured.
 */
#ifndef CLOCK_STEERING_ASYMMETRY_H
#define CLOCK_STEERING_ASYMMETRY_H

#include "base/sample.h"

/*
 * What a path adds to the measured offset, ns, if a request takes
 * `asymmetry_ns` longer than its answer: half of it. At most half of the delay,
 * because no way takes less than no time: a correction never leaves the bounds
 * of the sample.
 */
static inline int64_t asymmetry_error_ns(
    int64_t asymmetry_ns, const struct sample *m)
{
	int64_t error = asymmetry_ns / 2, most = m->delay_ns / 2;

	if (error > most)
		return most;
	return error < -most ? -most : error;
}

#endif
