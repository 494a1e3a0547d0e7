/*
 * The real side of the UDP seam: one connected socket for each request, with a
 * new ephemeral port (RFC 9109), stamped by the kernel in both directions.
 * tests/sim/ has the simulated side.
 *
 * It also works in the clknetsim simulator, which knows no flags in socket(2)
 * and wants one receive for each readiness.
 */
#ifndef AGENT_LOOP_UDP_H
#define AGENT_LOOP_UDP_H

#include "agent/engine/state.h"
#include "base/check.h"
#include "base/limits.h"
#include "resolver/endpoint.h"

#include <poll.h>

struct udp_slot {
	int fd; /* -1: closed */
	struct wall tx;
	enum stamp_kind tx_kind;
};

struct udp {
	struct udp_slot slots[SOURCES_MAX];
	/* Keeps the kernel's receive stamps switched on between requests: after
	 * they are switched on, the first packets come without stamps. */
	int keep_stamps_fd;
};

void udp_init(struct udp *u);
void udp_end(struct udp *u);

/* Closes the slot's socket, opens a new one, and sends. 0 or -errno. */
int udp_send(struct udp *u, unsigned slot, const struct endpoint *to,
    const uint8_t *bytes, size_t len) MUST_USE;
void udp_close(struct udp *u, unsigned slot);

/* Gives the local address of the slot's request. False: the slot is closed. */
bool udp_local(
    const struct udp *u, unsigned slot, struct endpoint *from) MUST_USE;

/* Gives the local address from which a request to `to` would leave by the
 * present routes; sends nothing. False: there is no route. */
bool udp_route(const struct endpoint *to, struct endpoint *from) MUST_USE;

/* Fills in what to poll; `slots[i]` belongs to `fds[i]`. Returns how many, at
 * most SOURCES_MAX. */
nfds_t udp_pollfds(const struct udp *u, struct pollfd fds[], unsigned slots[]);

/* poll(2) has reported `revents`. Returns true if `out` is a datagram, or the
 * network's refusal of one. */
bool udp_ready(
    struct udp *u, unsigned slot, short revents, struct datagram *out) MUST_USE;

#endif
