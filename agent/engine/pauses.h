/*
 * The engine's side of agent/lapse: which samples are held back, and what is
 * done when the clock has stood still.
 */
#ifndef AGENT_ENGINE_PAUSES_H
#define AGENT_ENGINE_PAUSES_H

#include "agent/engine/engine.h"

/* True: the sample is not for the steering. It is asked for again, or all
 * sources are measured anew. */
bool engine_pause_holds(struct engine *e, unsigned source,
    const struct sample *m, uint32_t random) MUST_USE;

#endif
