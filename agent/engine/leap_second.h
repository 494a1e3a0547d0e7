/*
 * Leap seconds, on top of clock/leap: what the kernel is armed with, whether it
 * has executed it, and which servers smear it.
 */
#ifndef AGENT_ENGINE_LEAP_SECOND_H
#define AGENT_ENGINE_LEAP_SECOND_H

#include "agent/engine/state.h"

/* After a command was carried out: reports that it has armed the kernel, or
 * disarmed it. */
void engine_leap_armed(struct engine *e, const struct clock_command *command);

/* True: the jump since the last event is the leap second that was armed. The
 * ledger follows, and no sample is lost. `before`: the wall clock at the last
 * event. */
bool engine_leap_executed(struct engine *e, struct wall before, int64_t jump_ns,
    int64_t tolerance_ns);

/* Around a leap second: looks for servers that smear it among others that do
 * not, and reports them. */
void engine_leap_look(struct engine *e);

/* What `ntsctl sources` says of such a server; NULL: it is none. */
const char *engine_leap_reason(const struct engine *e, unsigned source);

#endif
