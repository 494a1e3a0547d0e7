/*
 * The TLS side of NTS-KE: a handful of connections at once, none of which can
 * block another.
 */
#ifndef TESTS_SERVER_KE_H
#define TESTS_SERVER_KE_H

#include "tests/server/ke_answer.h"
#include "tests/server/service.h"

#include <openssl/ssl.h>
#include <poll.h>

#define KE_CONNECTIONS 64
#define KE_REQUEST_BYTES 4096
#define KE_DEADLINE_NS (120 * NS_PER_S)

enum ke_state {
	KE_FREE,
	KE_HANDSHAKE,
	KE_REQUEST,
	KE_ANSWER,
	KE_MUTE, /* says nothing until the client gives up */
};

struct ke_connection {
	enum ke_state state;
	int fd;
	SSL *ssl;
	short wants;	      /* POLLIN or POLLOUT */
	struct mono deadline; /* closed then, whatever it does */
	struct mono pause;    /* nothing is to be done before */
	BIO *trickle;	      /* of a slow handshake; the session's, or NULL */
	uint8_t request[KE_REQUEST_BYTES];
	size_t request_len;
	uint8_t *answer; /* KE_ANSWER_MAX bytes; owned */
	size_t answer_len, answer_sent;
};

struct ke {
	SSL_CTX *tls;
	struct service *service; /* borrowed */
	struct ke_connection connections[KE_CONNECTIONS];
};

/* False: the error is said on stderr. */
bool ke_open(struct ke *ke, struct service *service, const char *chain,
    const char *key) MUST_USE;
void ke_close(struct ke *ke);

/* For connections from now on. False: said on stderr, and nothing changed. */
bool ke_take_certificate(
    struct ke *ke, const char *chain, const char *key) MUST_USE;

/* Takes one connection from a listening socket. */
void ke_accept(struct ke *ke, int listener, struct mono now);

/* A pollfd per connection: KE_CONNECTIONS of them, fd -1 for one that waits
 * for nothing. Returns when ke_work() is due anyway. */
struct mono ke_poll(const struct ke *ke, struct pollfd *fds, struct mono now);

/* Lets every connection that can go on do so. */
void ke_work(struct ke *ke, const struct pollfd *fds, struct mono now);

#endif
