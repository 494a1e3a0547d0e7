/*
 * What the engine does with its sources: it carries out what one of them asks
 * for, and does to all of them what an event asks for.
 */
#ifndef AGENT_ENGINE_SOURCES_H
#define AGENT_ENGINE_SOURCES_H

#include "agent/engine/state.h"
#include "agent/source/early_retry.h"

/* Carries out what source `i` asks for, and gives its line to the log. */
void engine_carry_out(struct engine *e, unsigned i, enum source_action action);

/* Begins the key exchanges that have waited for others of their pool. */
void engine_ask_waiting(struct engine *e);

/* Runs what is due at source `i`. */
void engine_run_source(struct engine *e, unsigned i);

/* Makes these sources, one bit each, ask now. */
void engine_hurry(struct engine *e, uint64_t sources);

/* Drops the keys and samples of source `i` if its certificate is not valid at
 * that time. */
void engine_recheck(struct engine *e, unsigned i, struct wall now);

/* The clock is known to be right: from now on check all dates; drop keys that
 * were accepted without them, or whose dates fit only the wrong clock. */
void engine_check_dates(struct engine *e);

/* Other certificates are trusted now: all sources exchange keys again, spread
 * over a few minutes so that not all clients of a server do so at once. */
void engine_distrust(struct engine *e, struct clock_reading now);

/* Sends again what is under way. Its request was sent before a step and its
 * answer comes after it: the ledger cannot tell on which side of the step the
 * stamps were read. */
void engine_ask_again(struct engine *e);

/*
 * Ends the waits of all sources, or of the source or pool `name`, as far as
 * `retry` may have removed what they wait for. Spread over RETRY_SPREAD_NS
 * unless it is an order, so that a fleet behind one switch does not ask at
 * once. Sources that are offline stay so. Returns how many sources it
 * concerned. engine_on_timer comes next.
 */
#define RETRY_SPREAD_NS NS_PER_S
unsigned engine_retry_early(struct engine *e, enum early_retry retry,
    const char *name, struct clock_reading now);

/* Obeys an administrator's order: the sources, or those called `name`, get
 * new keys from the addresses that their names have now. Returns how many
 * sources it concerned; those that are offline stay so. */
unsigned engine_refresh(
    struct engine *e, const char *name, struct clock_reading now);

/* Obeys an administrator's order: source `i` is not asked any more. */
void engine_take_offline(struct engine *e, unsigned i);

/*
 * The resolver ends a job that takes too long, and reports it. When nothing
 * comes at all, the resolver itself is stopped or hangs: then the exchange has
 * failed when ke-timeout and this margin have passed.
 */
#define RESOLVER_MARGIN_NS (5 * NS_PER_S)

/* When the next key exchange is overdue; MONO_NEVER: none is under way. */
struct mono engine_overdue_at(const struct engine *e);

/* The sources, one bit each, whose key exchange is overdue. */
uint64_t engine_overdue(const struct engine *e, struct mono now);

#endif
