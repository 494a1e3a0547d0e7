/*
 * The control socket: root sends one line and gets an answer; then the agent
 * closes the connection. Only here does the engine read from a local program,
 * so it reads little: few clients, one short line each, within a deadline. When
 * no place is free, a new client gets that of the oldest client that has not
 * sent its order or not read its answer.
 *
 * An answer begins with "ok: " or "error: " and a sentence; more lines may
 * follow.
 */
#ifndef AGENT_QUERY_CONTROL_SOCKET_H
#define AGENT_QUERY_CONTROL_SOCKET_H

#include "base/check.h"
#include "base/time.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CONTROL_CLIENTS_MAX 8
#define CONTROL_LINE_MAX 128 /* of an order, with its line feed */
#define CONTROL_TEXT_MAX 4096
#define CONTROL_PATH_MAX 300
/* The time limit of a client, once to send its order, once to read the answer.
 */
#define CONTROL_TIMEOUT_NS (5 * NS_PER_S)
/* The time limit of an order. */
#define CONTROL_WORK_NS (20 * NS_PER_S)

/* The path of the control socket of an agent with this status socket:
 * control.sock in the folder of status.sock; otherwise the path with ".control"
 * at its end. */
void control_socket_path(const char *status_path, char out[CONTROL_PATH_MAX]);

enum control_state {
	CONTROL_FREE,
	CONTROL_READS,	/* the order */
	CONTROL_WAITS,	/* for control_socket_answer */
	CONTROL_WRITES, /* the answer */
};

struct control_client {
	enum control_state state;
	int fd;
	unsigned long number; /* unique */
	size_t len, sent;
	char text[CONTROL_TEXT_MAX]; /* the order, then the answer */
	struct mono give_up;	     /* the client is dropped then */
};

struct control_socket {
	int listen_fd; /* -1: no control socket */
	bool own_user; /* our own user may give orders, not only root */
	unsigned long accepted;
	struct control_client clients[CONTROL_CLIENTS_MAX];
};

void control_socket_init(
    struct control_socket *c, int listen_fd, bool own_user);
void control_socket_end(struct control_socket *c);

/* At most CONTROL_CLIENTS_MAX + 1 entries. */
nfds_t control_socket_pollfds(
    const struct control_socket *c, struct pollfd fds[]);

/* `fd` is ready. Returns 0, or the number of a client that has sent its order
 * and waits for control_socket_answer; `line` is the order without its line
 * feed. */
unsigned long control_socket_ready(struct control_socket *c, int fd,
    struct mono now, char line[CONTROL_LINE_MAX]) MUST_USE;

/* Answers the order of this client. Does nothing if the client is gone. */
void control_socket_answer(struct control_socket *c, unsigned long client,
    bool ok, const char *text, struct mono now);

/* Drops clients whose time limit has passed. */
void control_socket_expire(struct control_socket *c, struct mono now);
struct mono control_socket_deadline(const struct control_socket *c);

#endif
