/* Which sources are in the joint filter, and which restored samples end when a
 * first answer contradicts them. */
#ifndef CLOCK_STEERING_MEMBERS_H
#define CLOCK_STEERING_MEMBERS_H

#include "clock/steering/state.h"

/* Forgets all that was measured of a source. */
void members_clear(struct steering_source *src);

/* Do restored samples of this source contradict `m`, its first sample of this
 * run? */
bool members_contradict(const struct steering *s,
    const struct steering_source *src, const struct sample *m);

/* Chooses the members of the filter after a selection that selected a source.
 * Orders a replay if they changed. */
void members_renew(struct steering *s);

#endif
