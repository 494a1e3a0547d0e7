/*
 * The TLS connections of NTS-KE: several at once, and none can block another.
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
	KE_SILENT, /* sends nothing until the client gives up */
};

struct ke_connection {
	enum ke_state state;
	int fd;
	SSL *ssl;
	short wants;	      /* POLLIN or POLLOUT */
	struct mono deadline; /* the connection is closed then */
	struct mono pause;    /* the connection does nothing before */
	BIO *trickle; /* output of a slow handshake, or NULL; owned by ssl */
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

/* Returns false and prints the error to stderr on failure. */
bool ke_open(struct ke *ke, struct service *service, const char *chain,
    const char *key) MUST_USE;
void ke_close(struct ke *ke);

/* Loads a certificate for later connections. On failure prints the error to
 * stderr, returns false and changes nothing. */
bool ke_take_certificate(
    struct ke *ke, const char *chain, const char *key) MUST_USE;

/* Accepts one connection of a listening socket. */
void ke_accept(struct ke *ke, int listener, struct mono now);

/* Fills KE_CONNECTIONS entries; fd is -1 for a connection that does not wait
 * for its socket. Returns the time at which ke_work() is due at the latest. */
struct mono ke_poll(const struct ke *ke, struct pollfd *fds, struct mono now);

/* Continues every connection that is ready or due. */
void ke_work(struct ke *ke, const struct pollfd *fds, struct mono now);

#endif
