/* An IP address with a port, in 28 plain bytes that can cross a process. */
#ifndef RESOLVER_ENDPOINT_H
#define RESOLVER_ENDPOINT_H

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ENDPOINT_TEXT_MAX 80

struct endpoint {
	uint8_t family; /* 4, 6; 0: none */
	uint8_t reserved;
	uint16_t port;	   /* host byte order */
	uint32_t scope_id; /* IPv6 link-local only: interface index */
	uint8_t address[16];
};

/* False for a family that is neither AF_INET nor AF_INET6. */
bool endpoint_from_sockaddr(
    struct endpoint *out, const struct sockaddr *sa) MUST_USE;

/* Returns the length to pass along. */
socklen_t endpoint_to_sockaddr(
    const struct endpoint *e, struct sockaddr_storage *out);

/* AF_INET or AF_INET6. */
int endpoint_af(const struct endpoint *e);

/* "192.0.2.1", "fe80::1%eth0"; with_port: "192.0.2.1:123", "[2001:db8::1]:123"
 */
const char *endpoint_text(
    const struct endpoint *e, bool with_port, char out[ENDPOINT_TEXT_MAX]);

/* Same address and scope; the port does not count. */
bool endpoint_same_host(const struct endpoint *a, const struct endpoint *b);

#endif
