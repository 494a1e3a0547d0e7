/*
 * DNS without DNSSEC: asks the servers of resolv.conf with the bit "checking
 * disabled" (CD, RFC 4035 section 3.2.2). A resolver that validates refuses
 * every signed name while the clock is wrong, and the clock cannot be set
 * without the name. The address needs no signature: TLS authenticates the
 * server.
 */
#ifndef RESOLVER_UNVALIDATED_H
#define RESOLVER_UNVALIDATED_H

#include "resolver/names.h"

#include <resolv.h>

/* Results without an answer. */
enum {
	UNVALIDATED_FAILED = -1, /* refused, or not understood */
	UNVALIDATED_SILENT = -2, /* all servers let their whole time go by */
};

/*
 * Asks the servers of `state`, and if they answer with an error, once more with
 * the bit "DNSSEC answer OK" (DO). Returns the length of an answer, or one of
 * the above, for the last query alone.
 */
int unvalidated_query(struct __res_state *state, const char *name, int type,
    unsigned char *answer, int room) MUST_USE;

/*
 * Asks each server, for a second each, unless RES_OPTIONS says otherwise.
 * `complete`: the search list of resolv.conf adds nothing to the name. The
 * addresses come as by names_lookup(). False, and `out` is empty: none.
 */
bool unvalidated_lookup(const char *host, bool complete, uint16_t port,
    enum family_choice family, struct names *out) MUST_USE;

#endif
