/*
 * The control socket: whoever is root or the agent's own user sends one line,
 * gets the answer, and is hung up on. It is the only place where the engine
 * reads from a local program, so that there is little to read: few clients, one
 * short line each, within a deadline.
 *
 * An answer begins with "ok" or "error", then ": " and a sentence; more lines
 * may follow.
 */
#ifndef AGENT_QUERY_CONTROL_SOCKET_H
#define AGENT_QUERY_CONTROL_SOCKET_H

#include "base/check.h"
#include "base/time.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CONTROL_CLIENTS_MAX 4
#define CONTROL_LINE_MAX 128 /* of an order, with its end */
#define CONTROL_TEXT_MAX 4096
#define CONTROL_PATH_MAX 300
/* For the order to come, and for the answer to be read. */
#define CONTROL_TIMEOUT_NS (5 * NS_PER_S)
/* For an order that takes its time. */
#define CONTROL_WORK_NS (20 * NS_PER_S)

/* The path of the control socket that belongs to a status socket: beside it,
 * control.sock for status.sock. */
void control_path(const char *status_path, char out[CONTROL_PATH_MAX]);

enum control_state {
	CONTROL_FREE,
	CONTROL_READS,
	CONTROL_WAITS,
	CONTROL_WRITES
};

struct control_client {
	enum control_state state;
	int fd;
	unsigned long number; /* never the same twice */
	size_t len, sent;
	char text[CONTROL_TEXT_MAX]; /* the order, then the answer */
	struct mono give_up;
};

struct control {
	int listen_fd; /* -1: no control socket */
	unsigned long accepted;
	struct control_client clients[CONTROL_CLIENTS_MAX];
};

void control_init(struct control *c, int listen_fd);
void control_end(struct control *c);

/* At most CONTROL_CLIENTS_MAX + 1 entries. */
nfds_t control_pollfds(const struct control *c, struct pollfd fds[]);

/* `fd` is ready. Not 0: this client has sent an order, which `line` is, without
 * its end; it waits for control_answer. */
unsigned long control_ready(struct control *c, int fd, struct mono now,
    char line[CONTROL_LINE_MAX]) MUST_USE;

/* A client that is gone gets nothing. */
void control_answer(struct control *c, unsigned long client, bool ok,
    const char *text, struct mono now);

/* Drops clients that take too long. */
void control_expire(struct control *c, struct mono now);
struct mono control_deadline(const struct control *c);

#endif
