/*
 * The status socket: accept, write one snapshot, close. Nothing is ever read
 * from a client, so a local user has nothing to attack with.
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
	struct mono give_up;
};

struct status_socket {
	int listen_fd; /* -1: no status socket */
	struct status_client clients[STATUS_CLIENTS_MAX];
};

void status_socket_init(struct status_socket *o, int listen_fd);
void status_socket_end(struct status_socket *o);

/* At most STATUS_CLIENTS_MAX + 1 entries. */
nfds_t status_socket_pollfds(
    const struct status_socket *o, struct pollfd fds[]);

/* A client is waiting: take it in. False: none after all, or no room. On true
 * the caller hands over a snapshot, made by malloc, with status_socket_answer.
 */
bool status_socket_accept(
    struct status_socket *o, struct mono now, size_t *client) MUST_USE;
void status_socket_answer(struct status_socket *o, size_t client, char *text);

/* `fd` can take more. */
void status_socket_writable(struct status_socket *o, int fd);

/* Drops clients that do not read. */
void status_socket_expire(struct status_socket *o, struct mono now);
struct mono status_socket_deadline(const struct status_socket *o);

#endif
