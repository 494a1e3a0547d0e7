/* Sends datagrams, and delays those that a fault delays. */
#ifndef TESTS_SERVER_OUTBOX_H
#define TESTS_SERVER_OUTBOX_H

#include "tests/server/ntp.h"
#include "tests/server/sockets.h"

#define OUTBOX_MAX 64

struct held {
	bool used;
	struct mono due;
	struct client to;
	struct datagram datagram;
};

struct outbox {
	struct held held[OUTBOX_MAX];
};

/* Sends a datagram now, or after its hold_ns. Drops it if the box is full, as a
 * router with a full queue does. */
void outbox_post(struct outbox *box, const struct client *to,
    const struct datagram *datagram, struct mono now);

/* Sends the datagrams that are due. Returns the time at which the next is. */
struct mono outbox_work(struct outbox *box, struct mono now);

#endif
