/*
 * One server behind two names, addresses or families has one vote: two of its
 * names must not outvote a third server. It is known by its address, or by its
 * certificate's key together with the time at which it last set its own clock
 * (RFC 5905 section 7.3, reference timestamp). The key alone may be shared by
 * several servers of one administrator; the time alone could be copied by a
 * server that wants to silence another one.
 */
#ifndef AGENT_ENGINE_DUPLICATES_H
#define AGENT_ENGINE_DUPLICATES_H

#include "agent/engine/state.h"

/* Looks for another name of this source's server, after its answer. */
void engine_notice_duplicate(struct engine *e, unsigned source);

/* Tells the steering which sources are one server, after a change of addresses,
 * sources or keys. */
void engine_mark_duplicates(struct engine *e);

#endif
