/*
 * How a socket leaves this host: its own address, the device, the UDP port and
 * the DSCP. A plain struct, which may cross to another process.
 */
#ifndef RESOLVER_BINDING_H
#define RESOLVER_BINDING_H

#include "resolver/certificate/sentence.h"
#include "resolver/endpoint.h"

#define BINDING_DEVICE_MAX 16 /* with the NUL, as the kernel has it */
#define BINDING_DSCP_MAX 63
#define BINDING_TEXT_MAX 160
/* Is added to the errno of a step of binding_apply(). No errno is so large, so
 * an error says by itself whether the binding is at fault. */
#define BINDING_FAILED 5000

struct binding {
	struct endpoint ipv4, ipv6; /* port 0; family 0: the kernel chooses */
	char device[BINDING_DEVICE_MAX]; /* "": the kernel chooses by routes */
	uint16_t port; /* of requests for time; 0: a new one for each */
	uint8_t dscp;  /* RFC 2474; 0: the default */
	uint8_t reserved;
};

/* What a process must be able to do to apply a binding. */
#define BINDING_NEEDS_BIND 1U	/* bind(2) to an internet address */
#define BINDING_NEEDS_DEVICE 2U /* SO_BINDTODEVICE */
#define BINDING_NEEDS_DSCP 4U	/* IP_TOS, IPV6_TCLASS */
#define BINDING_NEEDS_ALL 7U
unsigned binding_needs(const struct binding *b);

/* Checks every value. */
bool binding_valid(const struct binding *b) MUST_USE;

/* Can an address of this kind be the own one of a request? It belongs to one
 * host, and is neither link-local nor IPv4 in the form of IPv6. */
bool binding_may_be_from(const struct endpoint *e) MUST_USE;

/*
 * Binds a new socket of the family `af`. `b` may be NULL: nothing is done. A
 * TCP socket gets no fixed port: the kernel keeps the pair of ports of a closed
 * connection for a minute. 0, or -(BINDING_FAILED + errno).
 */
int binding_apply(const struct binding *b, int fd, int af, bool tcp) MUST_USE;

/* Tries it with a socket for requests, which sends nothing. False: `why` is the
 * reason now. A family that this host does not have needs nothing. */
bool binding_try(
    const struct binding *b, int af, struct sentence *why) MUST_USE;

/* Says which key is at fault and why, for an error above BINDING_FAILED of a
 * socket of the family `af`. */
void binding_explain(
    const struct binding *b, int af, int error, struct sentence *why);

/* Writes " from 192.0.2.1 by the device eth1 (bind-address, bind-device)", or
 * as much of it as is configured; "" if the kernel chooses. Returns `out`. */
const char *binding_text(
    const struct binding *b, int af, char out[BINDING_TEXT_MAX]);

#endif
