/*
 * Another configuration for an engine that runs. A source whose server is the
 * same keeps its keys, cookies, samples and pace; the others end, with their
 * keys wiped, or start.
 */
#ifndef AGENT_ENGINE_ADOPT_H
#define AGENT_ENGINE_ADOPT_H

#include "agent/engine/engine.h"

#define ADOPT_TEXT_MAX 640

/* True: other certificates or algorithms than before. */
bool adopt_changes_trust(
    const struct config *old, const struct config *fresh) MUST_USE;

/*
 * `fresh` is borrowed from now on, the old one no longer. What has changed is
 * told in `text` as one line. False: out of memory, nothing has changed.
 * engine_on_timer comes next.
 */
bool engine_adopt(struct engine *e, const struct config *fresh,
    struct clock_reading now, char text[ADOPT_TEXT_MAX]) MUST_USE;

#endif
