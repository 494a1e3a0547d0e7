/*
 * What ends a source's wait early: the network has changed, a trusted file has,
 * or the administrator says so. The back-off of what that may have mended
 * begins anew, and the next try is due. A source that is well is left alone,
 * unless its requests would take another path now: that one is tried once.
 */
#ifndef AGENT_RELIEF_H
#define AGENT_RELIEF_H

#include "agent/engine.h"

enum relief {
	RELIEF_NETWORK, /* addresses, routes or links; a return from suspend */
	RELIEF_TRUST,	/* the files with the trusted certificates */
	RELIEF_ORDER,	/* mends anything, a server's refusal included */
};

/* A key exchange under way gets this long before a relief begins it anew: what
 * it sent before the change may be lost, and its own repeats are slow. */
#define RELIEF_KEYING_NS NS_PER_S

/* The next try is due at `at`, not before. WISH_CLOSE: nobody waits for the
 * answer to the request under way any more. */
enum source_wish source_relieve(
    struct source *s, enum relief relief, struct mono at);

/* The same for all sources, or for the one called `name` alone; spread over a
 * second unless it is an order, so that a fleet behind one switch does not ask
 * at once. Those that are offline
 * stay so. Returns how many there were. engine_on_timer comes next. */
unsigned relieve(
    struct engine *e, enum relief relief, const char *name, struct moment now);

#endif
