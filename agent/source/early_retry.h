/*
 * What ends a source's wait early: the network or a trusted file has changed,
 * or an administrator orders it. The back-off of a failure that this may have
 * fixed starts from the beginning, and the next try is due. A source that is
 * well is left alone.
 */
#ifndef AGENT_SOURCE_EARLY_RETRY_H
#define AGENT_SOURCE_EARLY_RETRY_H

#include "agent/source/state.h"

enum early_retry {
	RETRY_NETWORK, /* addresses, routes or links; a return from suspend */
	RETRY_TRUST,   /* the files with the trusted certificates */
	RETRY_ORDER,   /* ends every wait, even after a server's refusal */
};

/* A key exchange under way gets this long before an early retry replaces it:
 * what it sent before the change may be lost, and TCP repeats slowly. */
#define RETRY_KEYING_NS NS_PER_S

/* The next try is due at `at`, not before. ACTION_CLOSE: no answer to the
 * request under way is expected any more. */
enum source_action source_retry_early(
    struct source *s, enum early_retry retry, struct mono at);

#endif
