/*
 * A clock that may be too wrong to check certificates by: what the sources
 * offer meanwhile, and what becomes of it. The rules of the agreement are in
 * bootstrap.h; this is their side in the engine.
 */
#ifndef AGENT_ENGINE_WRONG_CLOCK_H
#define AGENT_ENGINE_WRONG_CLOCK_H

#include "agent/engine/state.h"

/* `earliest_ns`: no time before it can be true. Without a clock to set
 * (--no-clock) nothing is to be agreed on. */
void wrong_clock_init(struct engine *e, int64_t earliest_ns);

/* After a reload: all that was offered so far is dropped. */
void wrong_clock_renew(struct engine *e);

/* Is some source asked without the dates of its certificate, or has the clock
 * stood still for longer than the steering may correct? */
bool wrong_clock_active(const struct engine *e);

/* The clock has stood still and lags by `lag_ns`. Beyond refuse-threshold it is
 * set by the rules of the start. */
void wrong_clock_paused(struct engine *e, int64_t lag_ns);

/* Has the steering, or another program, set the clock since it stood still? */
bool wrong_clock_pause_over(const struct engine *e);

/* Must the steering wait? Until bootstrap.hold_until at the latest. */
bool wrong_clock_holds(const struct engine *e);

/* May this source's certificate be accepted without its dates? */
bool wrong_clock_may_leave_dates(const struct engine *e, unsigned source);

/* The dates of this source's certificate do not fit the clock. */
void wrong_clock_suspected(struct engine *e, const struct source *s);

/* The 32-bit seconds of this source mean the time nearest to this one. */
struct wall wrong_clock_pivot(const struct engine *e, unsigned source);

/* Has the clock been right since the start? Then samples need no offer. */
bool wrong_clock_settled(const struct engine *e);

/* What a sample of this source says about the clock. */
struct bootstrap_offer wrong_clock_offer(
    const struct source *s, const struct sample *m);

/* While the clock stood still, did the certificate expire with which this
 * source's keys were made? */
bool wrong_clock_expired(
    const struct engine *e, unsigned source, const struct bootstrap_offer *o);

/* Does the certificate fit the time that the server tells, and can that time be
 * true? */
bool wrong_clock_plausible(
    const struct engine *e, const struct bootstrap_offer *o, struct wall told);

/* Keeps the offer, if this source may have a say in setting the clock. */
void wrong_clock_take(
    struct engine *e, unsigned source, const struct bootstrap_offer *o);

/* True: the servers agree, and `command` sets the clock. */
bool wrong_clock_decide(
    struct engine *e, struct clock_command *command) MUST_USE;

/* Does a majority say that the clock is right? Then dates can be checked. */
bool wrong_clock_refuted(const struct engine *e);

/* Reports that the clock was set. */
void wrong_clock_report_step(struct engine *e);

#endif
