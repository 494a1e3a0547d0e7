/*
 * The status socket: accept, write the status, close. The agent never reads
 * from a client, so a local user cannot attack it through this socket.
 */
#ifndef AGENT_QUERY_STATUS_SOCKET_H
#define AGENT_QUERY_STATUS_SOCKET_H

#include "agent/query/user_limit.h"
#include "base/check.h"
#include "base/time.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define STATUS_CLIENTS_MAX 8
/* Clients get the last status again for this time, unless something happens.
 * Users who ask very often get it even then: to write it for each of them
 * would cost more than all else that the engine does. */
#define STATUS_FRESH_NS (200 * NS_PER_MS)
/* After a user was refused, no client is accepted for so long; in this time
 * they collect, and it takes one turn of the loop to refuse them all. */
#define STATUS_REST_NS (50 * NS_PER_MS)

/* The share of a processor that users other than root may cost: so much at
 * once, and so much of each second. Then no client is accepted until the work
 * is made up for: a flood waits in the queue of the kernel. */
#define STATUS_WORK_BURST_S 0.05
#define STATUS_WORK_PER_S 0.01

/* A status that several clients may be reading. */
struct status_text {
	char *bytes; /* owned */
	size_t len;
	unsigned readers; /* the socket itself included */
};

struct status_client {
	int fd; /* -1: free */
	struct status_text *text;
	size_t sent;
	bool asks_often; /* its user does */
	bool is_root;
	struct mono give_up; /* the client is dropped then */
};

struct status_socket {
	int listen_fd; /* -1: no status socket */
	struct status_client clients[STATUS_CLIENTS_MAX];
	struct user_limit limit;
	struct allowance work; /* s of a processor */
	bool for_user; /* the work that is not counted yet was for a user */
	struct status_text *last; /* NULL: none that may be used again */
	bool changed;		  /* since `last` was made */
	struct mono fresh_until;
	struct mono rest_until; /* MONO_NEVER: it does not rest */
};

void status_socket_init(
    struct status_socket *s, int listen_fd, struct mono now);
void status_socket_end(struct status_socket *s);

/* At most STATUS_CLIENTS_MAX + 1 entries. */
nfds_t status_socket_pollfds(
    const struct status_socket *s, struct pollfd fds[]);

/* Accepts a client that waits, and closes the connections of users who ask too
 * often. False: there is none, or no room for it. On true the caller calls
 * status_socket_answer_again, and status_socket_answer if that fails. */
bool status_socket_accept(
    struct status_socket *s, struct mono now, size_t *client) MUST_USE;

/* Gives the client the last status. False: it is too old for it. */
bool status_socket_answer_again(
    struct status_socket *s, size_t client, struct mono now) MUST_USE;

/* `text` is made by malloc and owned by the socket from here on; NULL closes
 * the connection. */
void status_socket_answer(
    struct status_socket *s, size_t client, char *text, struct mono now);

/* Something has happened: the last status is out of date. */
void status_socket_change(struct status_socket *s);

/* Gives back the memory of the last status. */
void status_socket_forget(struct status_socket *s);

/* `fd`, a client's, is writable. */
void status_socket_writable(struct status_socket *s, int fd);

/* What the socket has done since the last call took a processor `ns`. */
void status_socket_worked(struct status_socket *s, int64_t ns, struct mono now);

/* Drops clients that have not read all in time, and ends a rest. */
void status_socket_expire(struct status_socket *s, struct mono now);
struct mono status_socket_deadline(const struct status_socket *s);

#endif
