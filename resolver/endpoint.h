/* An IP address with a port. A plain struct of 28 bytes, which may cross to
 * another process. */
#ifndef RESOLVER_ENDPOINT_H
#define RESOLVER_ENDPOINT_H

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ENDPOINT_TEXT_MAX 80

struct endpoint {
	uint8_t family; /* 4 or 6; 0: none */
	uint8_t reserved;
	uint16_t port;	     /* in host byte order */
	uint32_t scope_id;   /* interface index, of IPv6 link-local only */
	uint8_t address[16]; /* in network byte order; IPv4 uses four bytes */
};

/* False: the family is neither AF_INET nor AF_INET6. */
bool endpoint_from_sockaddr(
    struct endpoint *out, const struct sockaddr *sa) MUST_USE;

/* Returns the length of the address for the system call. */
socklen_t endpoint_to_sockaddr(
    const struct endpoint *e, struct sockaddr_storage *out);

/* AF_INET or AF_INET6. */
int endpoint_af(const struct endpoint *e);

/* Writes "192.0.2.1" or "fe80::1%eth0"; with the port "192.0.2.1:123" or
 * "[2001:db8::1]:123"; "none" for family 0. Returns `out`. */
const char *endpoint_text(
    const struct endpoint *e, bool with_port, char out[ENDPOINT_TEXT_MAX]);

bool endpoint_is_loopback(const struct endpoint *e);

/* Why no server at `from` may send a client to `e`, as "is a multicast
 * address"; NULL: it may. Only an address of one host will do, and one of this
 * machine only from this machine. */
const char *endpoint_unfit(
    const struct endpoint *e, const struct endpoint *from);

/* Can no TCP connection lead to another machine's service there? A group,
 * broadcast, 0.0.0.0/8, ::, and IPv4 in the form of IPv6. Other addresses that
 * are unfit may work: those of 240.0.0.0/4 in private networks, and a
 * link-local one with a configured device. */
bool endpoint_no_host(const struct endpoint *e);

/* May a client of the key server at `peer` ask `e` for time? Not where it is
 * unfit, unless it is the address that the client has connected to. */
bool endpoint_fits(const struct endpoint *e, const struct endpoint *peer);

/* Have both the same address and scope? Their ports may differ. */
bool endpoint_same_host(const struct endpoint *a, const struct endpoint *b);

#endif
