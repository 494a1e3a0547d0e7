/*
 * What ends a source's wait early: the network has changed, a trusted file has,
 * or the administrator says so. The back-off of what that may have mended
 * begins anew, and the next try is due. A source that is well is left alone,
 * unless its requests would take another path now: that one is tried once.
 */
#ifndef AGENT_SOURCE_EARLY_RETRY_H
#define AGENT_SOURCE_EARLY_RETRY_H

#include "agent/source/source.h"

enum early_retry {
	RETRY_NETWORK, /* addresses, routes or links; a return from suspend */
	RETRY_TRUST,   /* the files with the trusted certificates */
	RETRY_ORDER,   /* mends anything, a server's refusal included */
};

/* A key exchange under way gets this long before a retry begins it anew: what
 * it sent before the change may be lost, and its own repeats are slow. */
#define RETRY_KEYING_NS NS_PER_S

/* The next try is due at `at`, not before. ACTION_CLOSE: nobody waits for the
 * answer to the request under way any more. */
enum source_action source_retry_early(
    struct source *s, enum early_retry retry, struct mono at);

#endif
