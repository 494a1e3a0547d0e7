/*
 * The status socket: accept, write the status, close. The agent never reads
 * from a client, so a local user cannot attack it through this socket.
 */
#ifndef AGENT_QUERY_STATUS_SOCKET_H
#define AGENT_QUERY_STATUS_SOCKET_H

#include "base/check.h"
#include "base/time.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define STATUS_CLIENTS_MAX 8

struct status_client {
	int fd;	    /* -1: free */
	char *text; /* owned */
	size_t len, sent;
	struct mono give_up; /* the client is dropped then */
};

struct status_socket {
	int listen_fd; /* -1: no status socket */
	struct status_client clients[STATUS_CLIENTS_MAX];
};

void status_socket_init(struct status_socket *s, int listen_fd);
void status_socket_end(struct status_socket *s);

/* At most STATUS_CLIENTS_MAX + 1 entries. */
nfds_t status_socket_pollfds(
    const struct status_socket *s, struct pollfd fds[]);

/* Accepts a client that waits. False: there is none, or no room for it. On true
 * the caller calls status_socket_answer. */
bool status_socket_accept(
    struct status_socket *s, struct mono now, size_t *client) MUST_USE;
/* `text` is made by malloc and owned by the socket from here on; NULL closes
 * the connection. */
void status_socket_answer(struct status_socket *s, size_t client, char *text);

/* `fd`, a client's, is writable. */
void status_socket_writable(struct status_socket *s, int fd);

/* Drops clients that have not read all in time. */
void status_socket_expire(struct status_socket *s, struct mono now);
struct mono status_socket_deadline(const struct status_socket *s);

#endif
