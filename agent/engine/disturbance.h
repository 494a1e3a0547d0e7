/*
 * Time does not go on as it should: the machine has slept, a virtual machine
 * has stood still, or another program has set the clock or its frequency. Each
 * is one line in the log, samples dropped, a burst, and one step allowed.
 */
#ifndef AGENT_ENGINE_DISTURBANCE_H
#define AGENT_ENGINE_DISTURBANCE_H

#include "agent/engine/state.h"

/* How long the machine has slept since the last call; 0: not at all. */
int64_t engine_slept(struct engine *e, struct clock_reading now);

/* The machine has slept, and its hardware clock went on as well as it can.
 * `jump_ns`: by how much the clock was set in addition; positive: forward.
 * e->now is the time. */
void engine_woke_up(struct engine *e, int64_t slept_ns, int64_t jump_ns);

/* The kernel says that CLOCK_REALTIME was set; engine_on_timer finds out
 * who has set it. */
void engine_clock_was_set(struct engine *e);

/* Is this difference of CLOCK_REALTIME and CLOCK_MONOTONIC another program's
 * step? With the kernel's word for it, a difference of any size is. */
bool engine_is_foreign_step(struct engine *e, int64_t jump_ns) MUST_USE;

/* The agent itself, the leap second or a sleep has set the clock: the kernel's
 * message about that is expected. */
void engine_explain_set(struct engine *e);

/* Another program has set the clock; positive: forward. */
void engine_jumped(struct engine *e, int64_t jump_ns);

/* Another program had changed the frequency or was slewing the clock, and the
 * keeper has put that right; or the guard has ended a slew. */
void engine_meddled(struct engine *e, const struct keeper_report *report);

/* Judges whether the clock has stood still (clock/pause), by a new sample of
 * this source. `lag_ns`: by how much it lags; set unless PAUSE_NONE. */
enum pause_verdict engine_judge_pause(struct engine *e, unsigned source,
    const struct sample *m, int64_t *lag_ns) MUST_USE;

/* The clock has stood still; none of the machine's own clocks shows it. */
void engine_stood_still(struct engine *e, int64_t lag_ns);

/* Reports a jump of the clock's frequency that the samples show. The steering
 * has followed it. */
void engine_look_for_freq_jump(struct engine *e);

/* A source says that the clock lags: makes the sources ask that have not
 * answered since. If half of the sources say so, the bound contains the lag. */
void engine_ask_about_pause(struct engine *e, unsigned source, int64_t lag_ns);

#endif
