/*
 * Connection racing (RFC 8305 section 5): tries the next address 250 ms after
 * the last one, or as soon as that fails. The first to connect wins.
 */
#ifndef RESOLVER_RACE_H
#define RESOLVER_RACE_H

#include "base/time.h"
#include "resolver/binding.h"
#include "resolver/names.h"

#define RACE_STAGGER_NS (250 * NS_PER_MS)

/* In the place of an errno: the address is the broadcast address of a network
 * of this machine. No errno is so large. */
#define RACE_BROADCAST 4998

struct race_outcome {
	unsigned winner; /* an index; set if race_connect() succeeded */
	/* For each address. 0: not tried, or another one won first.
	 * ETIMEDOUT: no answer before the deadline. ICMP_PROHIBITED.
	 * RACE_BROADCAST. Above BINDING_FAILED: see binding_apply(). Else the
	 * error of connect(2). */
	int error[KE_ADDRESSES_MAX];
};

/*
 * Returns a connected descriptor, non-blocking and close-on-exec, which the
 * caller closes. -1: all addresses failed, or the deadline has passed.
 */
int race_connect(const struct names *to, const struct binding *binding,
    struct mono deadline, struct race_outcome *out) MUST_USE;

/* Says why each address failed. */
void race_explain(const struct names *to, const struct binding *binding,
    const struct race_outcome *outcome, struct sentence *why);

/* Did every address that was tried fail because of the binding? */
bool race_unbound(
    const struct names *to, const struct race_outcome *outcome) MUST_USE;

#endif
