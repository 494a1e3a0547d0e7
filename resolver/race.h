/*
 * Connection racing, RFC 8305 section 5: the next address is tried 250 ms after
 * the one before, or at once when that fails; the first to connect wins.
 */
#ifndef RESOLVER_RACE_H
#define RESOLVER_RACE_H

#include "base/time.h"
#include "resolver/names.h"

#define RACE_STAGGER_NS (250 * NS_PER_MS)

struct race_outcome {
	unsigned winner; /* index, when a descriptor was returned */
	/* Per address: 0 not tried, or still on its way when another won;
	 * ETIMEDOUT: no answer by the deadline; else what connect said. */
	int error[KE_ADDRESSES_MAX];
};

/*
 * The connected, non-blocking, close-on-exec descriptor, which the caller
 * closes; -1 when all failed or the deadline came.
 */
int race_connect(const struct names *to, struct mono deadline,
    struct race_outcome *out) MUST_USE;

/* Why each address failed, in words. */
void race_explain(const struct names *to, const struct race_outcome *outcome,
    struct words *why);

#endif
