/*
 * The engine's side of a clock that may be too wrong to check certificates by:
 * the offers of the sources, and what follows from them. bootstrap.h has the
 * rules of the agreement.
 */
#ifndef AGENT_ENGINE_WRONG_CLOCK_H
#define AGENT_ENGINE_WRONG_CLOCK_H

#include "agent/engine/state.h"

/* `earliest_ns`: no time before it can be true; since 1970. With --no-clock
 * there is nothing to agree on. */
void wrong_clock_init(struct engine *e, int64_t earliest_ns);

/* After a reload: drops all offers. A pause stays open. */
void wrong_clock_renew(struct engine *e);

/* Returns true if some source is used without a check of dates, or if the clock
 * has stood still for longer than the steering may correct. */
bool wrong_clock_active(const struct engine *e);

/* The clock has stood still and lags by `lag_ns`. Beyond refuse-threshold, the
 * rules of the start set it. */
void wrong_clock_paused(struct engine *e, int64_t lag_ns);

/* Returns true if a pause is still open although the clock is right again. Ask
 * only after a command that says "synchronised". */
bool wrong_clock_pause_over(const struct engine *e);

/* Returns true while the steering must wait: until bootstrap.hold_until at the
 * latest. */
bool wrong_clock_holds(const struct engine *e);

/* Returns true if the certificate of this source may be accepted without a
 * check of its dates. */
bool wrong_clock_may_leave_dates(const struct engine *e, unsigned source);

/* The dates of this source's certificate do not fit the clock: the agreement
 * begins, unless another source has begun it. */
void wrong_clock_suspected(struct engine *e, const struct source *s);

/* The 32-bit seconds of this source mean the time nearest to the pivot
 * (RFC 5905 section 6). */
struct wall wrong_clock_pivot(const struct engine *e, unsigned source);

/* Returns true if samples may go to the steering unchecked: the clock has been
 * right since the start and no long pause is open, or `bootstrap = off`. */
bool wrong_clock_settled(const struct engine *e);

/* Makes an offer of a sample of this source. */
struct bootstrap_offer wrong_clock_offer(
    const struct source *s, const struct sample *m);

/* Returns true if the certificate behind this source's keys expired while the
 * clock stood still. */
bool wrong_clock_expired(
    const struct engine *e, unsigned source, const struct bootstrap_offer *o);

/* Returns true if `told`, the server's time, fits its certificate and can be
 * true. */
bool wrong_clock_plausible(
    const struct engine *e, const struct bootstrap_offer *o, struct wall told);

/* Keeps the offer, if this source may have a vote. */
void wrong_clock_take(
    struct engine *e, unsigned source, const struct bootstrap_offer *o);

/* Decides, if it is time. Returns true if the servers agree: `command` sets the
 * clock. */
bool wrong_clock_decide(
    struct engine *e, struct clock_command *command) MUST_USE;

/* Returns true if a majority says that the clock is fit to check dates by. */
bool wrong_clock_refuted(const struct engine *e);

/* Reports that the clock was set. */
void wrong_clock_report_step(struct engine *e);

#endif
