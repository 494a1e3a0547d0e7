/*
 * Gives a running engine another configuration. A source whose server stays
 * keeps its keys, cookies, samples and pace. A source that is gone ends, and
 * its keys are wiped.
 */
#ifndef AGENT_ENGINE_ADOPT_H
#define AGENT_ENGINE_ADOPT_H

#include "agent/engine/state.h"

#define ADOPT_TEXT_MAX 640

/* Returns true if the new configuration trusts other certificates or has other
 * AEAD algorithms. */
bool adopt_changes_trust(
    const struct config *old, const struct config *fresh) MUST_USE;

/*
 * Borrows `fresh` from now on, and the old configuration no longer. Writes the
 * changes to `text` as one line. `room` comes from calloc(), one zeroed source
 * for each in `fresh`; the caller locks it in memory first, because keys are
 * copied into it. The engine owns it from now on. False: out of memory; nothing
 * has changed, and the caller keeps `room`. The caller calls engine_on_timer
 * next.
 */
bool engine_adopt(struct engine *e, const struct config *fresh,
    struct source *room, struct clock_reading now,
    char text[ADOPT_TEXT_MAX]) MUST_USE;

#endif
