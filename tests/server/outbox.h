/* Datagrams that a fault holds back for a while. */
#ifndef TESTS_SERVER_OUTBOX_H
#define TESTS_SERVER_OUTBOX_H

#include "tests/server/ntp.h"
#include "tests/server/sockets.h"

#define OUTBOX_MAX 64

struct held {
	bool used;
	struct mono due;
	struct client to;
	struct parcel parcel;
};

struct outbox {
	struct held held[OUTBOX_MAX];
};

/* Sends at once, or later when the parcel says so. One that finds the box
 * full is lost, as in a full queue on a path. */
void outbox_post(struct outbox *box, const struct client *to,
    const struct parcel *parcel, struct mono now);

/* Sends what is due; returns when the next one is. */
struct mono outbox_work(struct outbox *box, struct mono now);

#endif
