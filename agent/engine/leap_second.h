/*
 * The engine's side of agent/leap: what is armed, what the kernel has done, and
 * who smears.
 */
#ifndef AGENT_ENGINE_LEAP_SECOND_H
#define AGENT_ENGINE_LEAP_SECOND_H

#include "agent/engine/engine.h"

/* A command was carried out: tells when it has armed a leap second or taken it
 * back. */
void engine_leap_armed(struct engine *e, const struct clock_command *command);

/* True: the jump since the last waking is the leap second that was armed; the
 * ledger follows, and no sample is lost. */
bool engine_leap_executed(struct engine *e, struct wall before, int64_t jump_ns,
    int64_t tolerance_ns);

/* Around a leap second: looks for servers that smear it among others. */
void engine_leap_look(struct engine *e);

/* What `ntsctl sources` says of such a server; NULL: it is none. */
const char *engine_leap_reason(const struct engine *e, unsigned source);

#endif
