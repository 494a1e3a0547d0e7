/*
 * Does the estimate leave what the majority allows? The vote is by the bounds
 * of the best samples, but the filter takes all samples of the members, and a
 * member may be the only one because it is nearer than the others. A server
 * that tells the truth from time to time keeps its vote, and must not lead the
 * clock away between.
 */
#ifndef CLOCK_STEERING_CONTRADICTION_H
#define CLOCK_STEERING_CONTRADICTION_H

#include "clock/steering/state.h"

/*
 * After the selection: `offset_ns` is the estimate at `now`. True: it is
 * outside of the majority's interval, and the latest samples of most sources
 * are against it, so that no command may follow from it. If these are younger
 * than the first sample that led there, its source loses its vote. If they are
 * older, the clock may have changed: the others must be asked.
 */
bool contradiction_found(
    struct steering *s, struct osc now, int64_t offset_ns) MUST_USE;

/* The sources to ask now, a bit each: it was found just now. */
uint64_t contradiction_witnesses(const struct steering *s);

#endif
