/*
 * A model of one NTS-KE server: one processor, and a limit. The figures come
 * from tests/fleet/measure; README.md has the table.
 */
#ifndef TESTS_FLEET_KEY_SERVER_H
#define TESTS_FLEET_KEY_SERVER_H

#include "base/time.h"

/* The processor time of one key exchange of chronyd 4.3, ECDSA P-256. */
#define KEY_SERVER_EXCHANGE_NS (430 * NS_PER_US)
/* maxntsconnections of chronyd, its default. */
#define KEY_SERVER_CONNECTIONS 100

enum server_kind {
	SERVER_QUEUES,	/* every connection waits for its turn */
	SERVER_CLOSES,	/* those above the limit are accepted and closed */
	SERVER_IGNORES, /* a SYN above the limit is not answered */
	SERVER_DOWN,	/* no SYN is answered */
};

struct key_server {
	enum server_kind kind;
	int64_t exchange_ns; /* processor time of one */
	unsigned limit;	     /* of connections */
	int64_t busy_until_ns;
	unsigned waiting;    /* connections that it has, the one in work too */
	unsigned cookie_key; /* the number of the key that seals cookies */
};

enum syn_fate { SYN_ACCEPTED, SYN_CLOSED, SYN_IGNORED };

/* A SYN arrives. Accepted: `*done_ns` is when the exchange is finished, and
 * key_server_free() follows then. */
enum syn_fate key_server_syn(
    struct key_server *s, int64_t now_ns, int64_t *done_ns);
void key_server_free(struct key_server *s);

#endif
