/*
 * The estimate stays within what the latest samples allow. Each of them bounds
 * the truth by its root distance and by what the clock can have done since;
 * together they allow their intersection. An estimate outside of it is wrong,
 * whatever led to it: queues of a busy start, a frequency learned from them, a
 * wrong floor. Internal to clock/steering.
 */
#ifndef CLOCK_STEERING_INTERSECTION_H
#define CLOCK_STEERING_INTERSECTION_H

#include "base/time.h"

struct steering;

/*
 * Moves the estimate into the intersection of the combined sources' latest
 * samples, if most of the sharp ones exclude it. A single wrong answer moves
 * nothing, nor does one server against the others.
 *
 * With two servers of which one excludes the estimate by its latest two answers
 * and the other one allows it, the estimate moves into their common interval.
 * With more servers, this holds for halves of them.
 */
void intersection_pull(struct steering *s, struct osc now);

#endif
