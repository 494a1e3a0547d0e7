/*
 * The engine's side of agent/bootstrap: what sources say while the clock may be
 * too wrong to check certificates by, and what becomes of it.
 */
#ifndef AGENT_ENGINE_WRONG_CLOCK_H
#define AGENT_ENGINE_WRONG_CLOCK_H

#include "agent/engine/engine.h"

/* With no clock to set there is nothing to agree on. */
void wrong_clock_init(struct engine *e, int64_t earliest_ns);

/* By another configuration: nothing that was offered counts any more. */
void wrong_clock_renew(struct engine *e);

/* Some source is asked without the dates of its certificate, or the clock has
 * stood still for too long to be corrected otherwise. */
bool wrong_clock_active(const struct engine *e);

/* The clock has stood still for so long. When that is more than
 * refuse-threshold, it is set as at a start. */
void wrong_clock_paused(struct engine *e, int64_t lag_ns);

/* The clock was set by the steering, or somebody else: that is over. */
bool wrong_clock_pause_over(const struct engine *e);

/* The steering has to wait, until bootstrap.hold_until at the latest. */
bool wrong_clock_holds(const struct engine *e);

/* May this source's dates be left unchecked, when they do not fit? */
bool wrong_clock_may_leave_dates(const struct engine *e, unsigned source);

/* The dates of this source's certificate do not fit the clock. */
void wrong_clock_suspected(struct engine *e, const struct source *s);

/* How this source's 32-bit seconds are to be read: near to this. */
struct wall wrong_clock_pivot(const struct engine *e, unsigned source);

/* Is this sample for the steering? If not, it has become an offer, or the
 * source has been told why it is not believed. */
bool wrong_clock_believes(
    struct engine *e, unsigned source, const struct sample *m, uint32_t random);

/* True: it is decided, and `command` sets the clock. */
bool wrong_clock_decide(struct engine *e, struct clock_command *command);

/* A majority says that the clock is right: dates can be checked. */
bool wrong_clock_refuted(const struct engine *e);

/* The words for the log when the clock has been set. */
void wrong_clock_log_step(const struct engine *e);

#endif
