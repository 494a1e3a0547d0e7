/* What concerns all sources at once. */
#ifndef AGENT_ENGINE_SOURCES_H
#define AGENT_ENGINE_SOURCES_H

#include "agent/engine/engine.h"
#include "agent/source/early_retry.h"

/* The same for all sources, or for the one called `name` alone; spread over a
 * second unless it is an order, so that a fleet behind one switch does not ask
 * at once. Those that are offline
 * stay so. Returns how many there were. engine_on_timer comes next. */
unsigned engine_retry_early(struct engine *e, enum early_retry retry,
    const char *name, struct clock_reading now);

/* An administrator's order: source `i` is not asked any more. */
void engine_take_offline(struct engine *e, unsigned i);

#endif
