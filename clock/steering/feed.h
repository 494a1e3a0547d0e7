/* How samples go into the joint filter. */
#ifndef CLOCK_STEERING_FEED_H
#define CLOCK_STEERING_FEED_H

#include "base/check.h"
#include "clock/steering/state.h"

/* Writes into a record what is known of the frequency before it. */
void feed_note_freq(const struct estimate *e, struct record *r);

/* Half of the delay above the shortest, s: no queue makes a larger error. */
double feed_half_excess(
    const struct steering_source *src, const struct record *record);

/* How far the frequency may have changed, s/s, if the offset is wrong by
 * `offset_s` seconds and was right `since_s` seconds ago. Not negative. */
double feed_freq_change(double offset_s, double since_s);

/* One record of a source in the filter. */
void feed_record(
    struct steering *s, struct steering_source *src, struct record *r);

/* The path of this source changed its route between its records `before` and
 * `r`. Comes before feed_record() of `r`. */
void feed_route_change(struct steering *s, struct steering_source *src,
    const struct record *before, const struct record *r);

/* A record of this source has come while a replay waits or is under way. */
void feed_later(struct steering *s, const struct steering_source *src);

/* Starts the filter again. */
void feed_begin_replay(struct steering *s);

/* A turn of a replay takes in so many records at most, so that the engine is
 * not blocked for more than about a millisecond. */
#define FEED_TURN_RECORDS 48

/* One turn of a replay: takes in records of the filter's sources, oldest first,
 * with what is known by now of each path and of who is right. Returns true if
 * the filter has all of them. */
bool feed_replay_turn(struct steering *s) MUST_USE;

#endif
