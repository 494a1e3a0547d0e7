/*
 * The real side of the UDP seam: one connected socket for each request, with a
 * new ephemeral port (RFC 9109 4/1, RFC 9109 4/2) unless the binding names one,
 * stamped by the kernel in both directions. tests/sim/ has the simulated side.
 *
 * It also works in the clknetsim simulator, which knows no flags in socket(2)
 * and wants one receive for each readiness.
 */
#ifndef AGENT_LOOP_UDP_H
#define AGENT_LOOP_UDP_H

#include "agent/engine/state.h"
#include "base/check.h"
#include "base/limits.h"
#include "resolver/binding.h"
#include "resolver/endpoint.h"

#include <poll.h>

struct udp_slot {
	int fd;	   /* -1: closed */
	int spare; /* without address and peer, of `family`; -1: none */
	int family;
	bool plain;   /* `fd` was bound to nothing */
	bool stamped; /* the kernel stamps what `fd` and `spare` do */
	/* When send(2) was called, and the stamp of the request. */
	struct wall sent, tx;
	enum stamp_kind tx_kind;
	struct endpoint local; /* absent: not asked since the last change */
	struct endpoint to;    /* where the last request went */
	/* Requests in a row whose transmit stamp was not there when send(2) had
	 * returned. */
	unsigned late_stamps;
	/* How the slot's next requests leave; NULL: as the kernel chooses. */
	const struct binding *binding;
};

struct udp {
	struct udp_slot slots[SOURCES_MAX];
	/* Keeps the kernel's receive stamps switched on between requests: after
	 * they are switched on, the first packets come without stamps. */
	int keep_stamps_fd;
	struct wall woken;  /* see udp_note_wake() */
	bool keeps_sockets; /* see udp_keep_sockets() */
};

void udp_init(struct udp *u);
void udp_end(struct udp *u);

/*
 * From now on udp_close() keeps the slot's socket for the next request, which
 * costs less than a new one. connect(2) without an address gives address and
 * port back to the kernel: the next request gets a new port, and nothing comes
 * in meanwhile. Not for a simulator.
 */
void udp_keep_sockets(struct udp *u);

/* From now on the slot's requests leave by `binding`, which is borrowed until
 * the next call for the slot. NULL: as the kernel chooses. */
void udp_bind(struct udp *u, unsigned slot, const struct binding *binding);

/* Closes the slot, opens it with a new port, and sends. 0, -errno, or an error
 * of binding_apply(); with EALREADY another slot waits for an answer from `to`
 * at the same port. */
int udp_send(struct udp *u, unsigned slot, const struct endpoint *to,
    const uint8_t *bytes, size_t len) MUST_USE;
void udp_close(struct udp *u, unsigned slot);

/* Gives the local address of the slot's request. False: the slot is closed. */
bool udp_local(
    const struct udp *u, unsigned slot, struct endpoint *from) MUST_USE;

/* Gives the local address from which a request of the slot to `to` would leave
 * by the present routes; sends nothing. False: there is no route. */
bool udp_route(struct udp *u, unsigned slot, const struct endpoint *to,
    struct endpoint *from) MUST_USE;

/* Fills in what to poll; `slots[i]` belongs to `fds[i]`. Returns how many, at
 * most SOURCES_MAX. */
nfds_t udp_pollfds(const struct udp *u, struct pollfd fds[], unsigned slots[]);

/* poll(2) has just returned. What it found was there already: where the kernel
 * gives no stamp, this reading is nearer to the truth than a later one. */
void udp_note_wake(struct udp *u);

/* poll(2) has reported `revents`. Returns true if `out` is a datagram, or the
 * network's refusal of one. */
bool udp_ready(
    struct udp *u, unsigned slot, short revents, struct datagram *out) MUST_USE;

/* Gives what else has come to the slot, without another poll(2). False:
 * nothing, or the slot is closed. Not for a simulator. */
bool udp_next(struct udp *u, unsigned slot, struct datagram *out) MUST_USE;

#endif
