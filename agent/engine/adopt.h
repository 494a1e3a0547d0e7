/*
 * Another configuration for an engine that runs. A source whose server stays
 * keeps its keys, cookies, samples and pace; other sources end, with their keys
 * wiped, or start.
 */
#ifndef AGENT_ENGINE_ADOPT_H
#define AGENT_ENGINE_ADOPT_H

#include "agent/engine/state.h"

#define ADOPT_TEXT_MAX 640

/* True: the new configuration has other certificates or algorithms. */
bool adopt_changes_trust(
    const struct config *old, const struct config *fresh) MUST_USE;

/*
 * `fresh` is borrowed from now on, the old one no longer. `text` gets the
 * changes as one line. False: out of memory, and nothing has changed.
 * engine_on_timer comes next.
 */
bool engine_adopt(struct engine *e, const struct config *fresh,
    struct clock_reading now, char text[ADOPT_TEXT_MAX]) MUST_USE;

#endif
