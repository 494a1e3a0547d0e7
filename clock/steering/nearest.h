/*
 * Which records of a source can be the nearest one: that with the least root
 * distance, carried to now. The distance of a record grows with its age, as
 * fast for one as for all others. So a record that has a newer one with no
 * larger distance is never the nearest, now or later. Of 128 records about five
 * are left, and the vote looks at these alone.
 */
#ifndef CLOCK_STEERING_NEAREST_H
#define CLOCK_STEERING_NEAREST_H

#include "clock/steering/state.h"

/* record(src, 0) is new. */
void nearest_added(struct steering_source *src);

/* Records were dropped, or have other places: finds the list again. Every
 * change of the records that adds none at the end must call this. */
void nearest_find(struct steering_source *src);

/* The i-th of those records, the newest first; i < src->nearest.count. */
const struct record *nearest_at(const struct steering_source *src, unsigned i);

#endif
