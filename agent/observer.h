/*
 * The status socket: accept, write one snapshot, close. Nothing is ever read
 * from a client, so a local user has nothing to attack with.
 */
#ifndef AGENT_OBSERVER_H
#define AGENT_OBSERVER_H

#include "base/check.h"
#include "base/time.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define OBSERVERS_MAX 8

struct observer_client {
	int fd;	    /* -1: free */
	char *text; /* owned */
	size_t len, sent;
	struct mono give_up;
};

struct observer {
	int listen_fd; /* -1: no status socket */
	struct observer_client clients[OBSERVERS_MAX];
};

void observer_init(struct observer *o, int listen_fd);
void observer_end(struct observer *o);

/* At most OBSERVERS_MAX + 1 entries. */
nfds_t observer_pollfds(const struct observer *o, struct pollfd fds[]);

/* A client is waiting: take it in. False: none after all, or no room. On true
 * the caller hands over a snapshot, made by malloc, with observer_answer. */
bool observer_accept(
    struct observer *o, struct mono now, size_t *client) MUST_USE;
void observer_answer(struct observer *o, size_t client, char *text);

/* `fd` can take more. */
void observer_writable(struct observer *o, int fd);

/* Drops clients that do not read. */
void observer_expire(struct observer *o, struct mono now);
struct mono observer_deadline(const struct observer *o);

#endif
