/*
 * How long the engine waits for the resolver's process. A job that takes too
 * long is ended, and told of, by the resolver itself; when nothing comes at
 * all, the resolver is stopped or hangs. Then the exchange has failed, and
 * after a few such in a row the agent ends: a child that hangs is as good as
 * dead.
 */
#ifndef AGENT_ENGINE_OVERDUE_H
#define AGENT_ENGINE_OVERDUE_H

#include "agent/engine/engine.h"

/* Beyond ke-timeout. */
#define TIMEOUT_MARGIN_NS (5 * NS_PER_S)
#define TIMEOUT_STRIKES 3

/* When the next exchange is overdue; MONO_NEVER: none is under way. */
struct mono overdue_deadline(const struct engine *e);

/* Fails what is overdue. */
void overdue_turn(struct engine *e, struct clock_reading now);

#endif
