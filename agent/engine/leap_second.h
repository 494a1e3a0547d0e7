/*
 * Leap seconds, on top of clock/leap: what the kernel is armed with, whether it
 * has executed it, and which servers smear it.
 */
#ifndef AGENT_ENGINE_LEAP_SECOND_H
#define AGENT_ENGINE_LEAP_SECOND_H

#include "agent/engine/state.h"

/* The keeper has carried out `command`, and the kernel is armed with `kernel`:
 * reports a change of that, or of what the agent will do itself. */
void engine_leap_armed(
    struct engine *e, const struct clock_command *command, enum leap kernel);

/* Returns true if the jump since the last event is the leap second that was
 * armed. The ledger follows, and no sample is lost. `before`: the wall clock at
 * the last event. `jump_ns`: positive is forward. */
bool engine_leap_executed(struct engine *e, struct wall before, int64_t jump_ns,
    int64_t tolerance_ns);

/* With leapsecmode = slew or step: the time has come if this is due. The
 * ledger follows, so that the steering sees the second. True: decide now. */
bool engine_leap_pass(struct engine *e);
struct mono engine_leap_deadline(const struct engine *e);

/* How long no order may go to the keeper, because a step would lose the
 * leap second that the kernel is about to execute; 0: it may. */
int64_t engine_leap_wait_ns(const struct engine *e, struct wall now);

/* Around a leap second: reports servers that smear it among others that do
 * not. */
void engine_leap_look(struct engine *e);

/* What `ntsctl sources` says about a server that smears; NULL: it does not. */
const char *engine_leap_reason(const struct engine *e, unsigned source);

#endif
