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
 * two families in turn; each address has `port`. False: `why` is the reason,
 * with the host as `shown`, which is quoted if it came over the wire.
 */
bool names_lookup(const char *host, const char *shown, uint16_t port,
    enum family_choice family, struct names *out,
    struct sentence *why) MUST_USE;

/* As names_lookup(); `error` is 0, or that of getaddrinfo(3) (EAI_...).
 * EAI_ADDRFAMILY: DNS failed, and /etc/hosts has the other family only. */
bool names_lookup_error(const char *host, const char *shown, uint16_t port,
    enum family_choice family, struct names *out, int *error,
    struct sentence *why) MUST_USE;

/* As names_lookup(), for a name that is complete: the search list of
 * resolv.conf adds nothing to it. */
bool names_lookup_complete(const char *host, const char *shown, uint16_t port,
    enum family_choice family, struct names *out,
    struct sentence *why) MUST_USE;

/* From now on each DNS server of this process is asked at most twice. */
void names_wait_less(void);

/* Adds an address that the list does not have yet, if there is room and it has
 * fewer than `family_limit` addresses of that family. */
void names_add(
    struct names *n, const struct endpoint *e, unsigned family_limit);

/*
 * Puts the addresses of the two families in turn (RFC 8305 section 4). `lead`
 * is the family of the first one: 4, 6, or 0 for that of the present first.
 */
void names_interleave(struct names *n, uint8_t lead);

/* Rotates the list so that it begins with the address after `e`. Does not
 * change a list without `e`. */
void names_rotate_after(struct names *n, const struct endpoint *e);

/* Leaves that address alone in the list. False, and no change: the list does
 * not have it. */
bool names_keep_only(struct names *n, const struct endpoint *e);

/* Removes one address. False: the list does not have it. */
bool names_remove(struct names *n, const struct endpoint *e);

#endif
