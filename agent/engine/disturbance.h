/*
 * What the engine does when time does not go on as it should: the machine has
 * slept or stood still, or somebody has set the clock. One line, the samples
 * dropped, a burst, and one step allowed.
 */
#ifndef AGENT_ENGINE_DISTURBANCE_H
#define AGENT_ENGINE_DISTURBANCE_H

#include "agent/engine/engine.h"

/* How long the machine has slept since this was last asked; 0: not at all. */
int64_t engine_slept(struct engine *e, struct clock_reading now);

/* It has. The clock went on by itself, as well as the hardware's can: `jump_ns`
 * is what it was set by beside that. e->now is the time. */
void engine_woke_up(struct engine *e, int64_t slept_ns, int64_t jump_ns);

/* Somebody set the clock; positive: forward. */
void engine_jumped(struct engine *e, int64_t jump_ns);

/* Somebody had changed its frequency, and the keeper has put that right. */
void engine_meddled(struct engine *e, const struct keeper_report *report);

/* The clock has lost so much at once, unseen by any clock, as a paused virtual
 * machine's does. */
void engine_stood_still(struct engine *e, int64_t lag_ns);

#endif
