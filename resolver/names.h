/* From a name to its addresses, or to a sentence that says why it has none. */
#ifndef RESOLVER_NAMES_H
#define RESOLVER_NAMES_H

#include "resolver/frame.h"
#include "resolver/certificate/sentence.h"

struct names {
	unsigned count;
	struct endpoint at[KE_ADDRESSES_MAX];
};

/*
 * Asks the system, as nsswitch.conf says: /etc/hosts, DNS. Blocks for as long
 * as the system takes. `host` may also be an address, with a scope
 * ("fe80::1%eth0") or without one. The result has no address twice, and the
 * two families in turn; each address has `port`. False: `why` is the reason.
 */
bool names_lookup(const char *host, uint16_t port, enum family_choice family,
    struct names *out, struct sentence *why) MUST_USE;

/*
 * Puts the addresses of the two families in turn (RFC 8305 section 4). `lead`
 * is the family of the first one: 4, 6, or 0 for that of the present first.
 */
void names_interleave(struct names *n, uint8_t lead);

/* Rotates the list so that it begins with the address after `e`. Does not
 * change a list without `e`. */
void names_rotate_after(struct names *n, const struct endpoint *e);

/* Removes one address. False: the list does not have it. */
bool names_remove(struct names *n, const struct endpoint *e);

#endif
