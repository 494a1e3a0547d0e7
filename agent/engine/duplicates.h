/*
 * One server behind two names, addresses or families has one vote: two of its
 * names must not outvote a third server. It is known by its address, or by its
 * certificate's key together with the time at which it last set its own clock
 * (RFC 5905 section 7.3, reference timestamp). The key alone may be shared by
 * several servers of one administrator; the time alone could be copied by a
 * server that wants to silence another one.
 *
 * The sources of a pool avoid being duplicates: they exchange keys one after
 * the other, and each exchange leaves out the addresses that other sources use.
 */
#ifndef AGENT_ENGINE_DUPLICATES_H
#define AGENT_ENGINE_DUPLICATES_H

#include "agent/engine/state.h"

/* Looks for another name of this source's server, after its answer. */
void engine_notice_duplicate(struct engine *e, unsigned source);

/* The first source that is the server of source `i`; `i`: it is this one. */
unsigned engine_first_name(const struct engine *e, unsigned i);

/* Fills for each source the first source of the same server. */
void engine_servers(const struct engine *e, unsigned server[SOURCES_MAX]);

/* Tells the steering which sources are one server, after a change of addresses,
 * sources or keys. */
void engine_mark_duplicates(struct engine *e);

/* Must the key exchange of source `i`, which has just begun, wait? Then
 * engine_pool_next() names it later. */
bool engine_pool_waits(struct engine *e, unsigned i);

/* The next source whose exchange need not wait any longer; -1: there is none.
 */
int engine_pool_next(struct engine *e);

/* Adds the addresses that the exchange of source `i` leaves out. */
void engine_pool_avoid(
    const struct engine *e, unsigned i, struct ke_request *out);

/* Source `i` may have got another server with its new keys, in place of
 * `before`; `had` says whether it had one, and looked for another. */
void engine_pool_moved(
    struct engine *e, unsigned i, bool had, const struct endpoint *before);

/* After an authentic answer of source `i` and the selection that followed.
 * Returns what the source asks for. */
enum source_action engine_pool_vote(struct engine *e, unsigned i);

#endif
