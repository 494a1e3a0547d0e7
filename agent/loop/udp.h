/*
 * The UDP seam, real side: one connected socket per request, with a new
 * ephemeral port each (RFC 9109), stamped by the kernel in both directions.
 * tests/sim/ has the simulated side.
 *
 * Linux first, and careful enough for the clknetsim simulator: no flags in
 * socket(2), one receive per readiness.
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
	/* Keeps the kernel's receive stamps switched on between requests: the
	 * first packets after switching come without. */
	int keep_stamps_fd;
};

void udp_init(struct udp *u);
void udp_end(struct udp *u);

/* Closes the slot's old socket, opens a new one, sends. 0 or -errno. */
int udp_send(struct udp *u, unsigned slot, const struct endpoint *to,
    const uint8_t *bytes, size_t len) MUST_USE;
void udp_close(struct udp *u, unsigned slot);

/* Whence the slot's request left. False: it is closed. */
bool udp_local(
    const struct udp *u, unsigned slot, struct endpoint *from) MUST_USE;

/* Whence one to `to` would leave by the routes of now; nothing is sent. False:
 * there is no route. */
bool udp_route(const struct endpoint *to, struct endpoint *from) MUST_USE;

/* What to poll; `slots[i]` belongs to `fds[i]`. Returns how many, at most
 * SOURCES_MAX. */
nfds_t udp_pollfds(const struct udp *u, struct pollfd fds[], unsigned slots[]);

/* After poll(2) reported `revents`. True: `out` is a datagram, or the network's
 * refusal of one. */
bool udp_ready(
    struct udp *u, unsigned slot, short revents, struct datagram *out) MUST_USE;

#endif
