/* Addresses that only the kernel's routes tell from those of other machines. */
#ifndef RESOLVER_OWN_ADDRESS_H
#define RESOLVER_OWN_ADDRESS_H

#include "resolver/binding.h"

/* Why no server at `from` may send a client of this machine to `e`: it is an
 * address of this machine, while the server is elsewhere, or that of a
 * broadcast to a network, or a route prohibits it for requests with this
 * binding, which may be NULL. NULL: nothing of that, or the kernel has no route
 * to it. Sends nothing. */
const char *own_address_unfit(const struct endpoint *e,
    const struct endpoint *from, const struct binding *binding);

#endif
