/* From a name to addresses, with a plain sentence when there are none. */
#ifndef RESOLVER_NAMES_H
#define RESOLVER_NAMES_H

#include "resolver/frame.h"
#include "resolver/certificate/words.h"

struct names {
	unsigned count;
	struct endpoint at[KE_ADDRESSES_MAX];
};

/*
 * Asks the system (/etc/hosts, DNS: what nsswitch.conf says); blocks for as
 * long as that takes. `host` may be an address, also with a scope
 * ("fe80::1%eth0"). The result alternates between the families, no address
 * twice, each with `port`. False: `why` has got the reason.
 */
bool names_lookup(const char *host, uint16_t port, enum family_choice family,
    struct names *out, struct words *why) MUST_USE;

/*
 * RFC 8305 4: the families alternate, and the one of the first address leads.
 * `lead` (4, 6; 0: that of the first) leads instead when there is one of it.
 */
void names_interleave(struct names *n, uint8_t lead);

/* Begins with the address behind `e`, in a ring; a list without `e` stays. */
void names_begin_behind(struct names *n, const struct endpoint *e);

/* Takes one address out; false when it is not in there. */
bool names_remove(struct names *n, const struct endpoint *e);

#endif
