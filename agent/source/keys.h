/*
 * The keys of a source: when they are exchanged, what an exchange brings, and
 * when keys are dropped because their certificate does not count any more.
 */
#ifndef AGENT_SOURCE_KEYS_H
#define AGENT_SOURCE_KEYS_H

#include "agent/saved/keys.h"
#include "agent/source/state.h"

/* At STAGE_START: keys of an earlier process, accepted by saved_keys_judge().
 * `left` of their cookies are still on disk. */
void source_saved(struct source *s, const struct saved_keys *k, unsigned left,
    struct clock_reading now, uint32_t random);

/* For ACTION_KEYS: the question for the resolver. `slot` comes back in its
 * answer. The caller adds the addresses of the other sources, for a source of a
 * pool (source_avoid()). */
void source_ke_request(struct source *s, uint32_t slot, uint32_t timeout_ms,
    struct mono now, struct ke_request *out);

/* No source of a pool takes an address that `other` is using. */
void source_avoid(const struct source *other, struct ke_request *out);

/* The address of its key server, from saved keys that may not be used. */
void source_known_address(struct source *s, const struct endpoint *e);

/* Before source_keys(): may a chain that fails by its dates alone be accepted
 * without them? */
void source_dates_may_wait(struct source *s, bool may_wait);

/* The resolver's answer. One to an older exchange is ignored. */
enum source_action source_keys(struct source *s, const struct ke_answer *answer,
    struct clock_reading now, uint32_t random);

/* Other certificates are trusted from now on. A source with keys exchanges new
 * ones at `at`; the old ones are in use for SOURCE_DISTRUST_NS at most. */
#define SOURCE_DISTRUST_NS (3600 * NS_PER_S)
void source_distrust(struct source *s, struct mono now, struct mono at);

/* The clock can check dates from now on: drops keys that were exchanged without
 * a check of dates. */
enum source_action source_recheck(struct source *s);

/* As source_recheck(), and drops keys whose certificate is not valid at `now`
 * as well: its dates may have fitted a wrong clock. */
enum source_action source_recheck_dates(struct source *s, struct wall now);

/* An order: looks up the name again and exchanges keys, as soon as the limits
 * allow; the old keys are in use until then. For a source with keys that is not
 * offline. */
enum source_action source_refresh(struct source *s, struct mono now);

/* Answers of a source of a pool that are of no use, because the server is not
 * synchronised, because a majority outvotes it, or because another source has
 * its vote. After so many in a row, the source looks for another address. So
 * does any source that is outvoted and has several addresses. */
#define POOL_USELESS 8
/* At most once in this time; it uses the keys that it has until then. */
#define POOL_REPLACE_NS (3600 * NS_PER_S)
/* A source of one name waits twice as long each time, up to 32 hours. */
#define REPLACE_DOUBLINGS 5
enum source_action source_vote(struct source *s, bool useless, struct mono now);

/* For the other files of this folder. */

/* New keys are wanted. Too early for an exchange: it is remembered, and
 * source_timer() begins it later. */
enum source_action keys_needed(struct source *s, struct mono now);

/* When source_timer() exchanges keys while the old ones are in use. */
struct mono keys_due(const struct source *s);

/* trusted_until has come without new keys: drops the old ones. */
enum source_action keys_untrusted(struct source *s, struct mono now);

/* No cookie is left. */
enum source_action keys_spent(struct source *s, struct mono now);

#endif
