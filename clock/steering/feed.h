/* How samples go into the joint filter. */
#ifndef CLOCK_STEERING_FEED_H
#define CLOCK_STEERING_FEED_H

#include "clock/steering/state.h"

/* One record of a source in the filter. */
void feed_record(
    struct steering *s, struct steering_source *src, const struct record *r);

/* The path of this source changed its route between its records `before` and
 * `r`. Comes before feed_record() of `r`. */
void feed_route_change(struct steering *s, struct steering_source *src,
    const struct record *before, const struct record *r);

/* Starts the filter again and takes in all records of its sources, oldest
 * first, with what is known by now of each path and of who is right. */
void feed_replay(struct steering *s);

#endif
