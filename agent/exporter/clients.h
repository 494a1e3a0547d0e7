/*
 * The clients of the exporter: accept, read a request, write the answer, close.
 * Everything has a limit: the number of clients, the length of a request, and
 * the time for each step. No client waits for another one.
 */
#ifndef AGENT_EXPORTER_CLIENTS_H
#define AGENT_EXPORTER_CLIENTS_H

#include "agent/exporter/request.h"
#include "base/time.h"

#include <poll.h>

#define LISTENERS_MAX 4
#define CLIENTS_MAX 16
#define CLIENT_REQUEST_NS (5 * NS_PER_S)
#define CLIENT_ANSWER_NS (10 * NS_PER_S)
/* So long, and for so many bytes, the rest of a request is read after the
 * answer: a close with unread bytes could take the answer away. */
#define CLIENT_LINGER_NS NS_PER_S
#define CLIENT_LINGER_BYTES 65536

enum client_state { CLIENT_FREE, CLIENT_READS, CLIENT_WRITES, CLIENT_LINGERS };

struct client {
	enum client_state state;
	int fd;
	unsigned long number; /* older clients have smaller ones */
	struct mono give_up;
	size_t
	    used; /* of `request`; the bytes that were read while lingering */
	char request[REQUEST_MAX];
	char *answer;
	size_t len, sent;
};

/* Makes the answer by malloc; NULL drops the client. */
typedef char *answer_fn(void *self, const struct request *r, size_t *len);

struct clients {
	int listeners[LISTENERS_MAX];
	unsigned listener_count;
	answer_fn *answer;
	void *self;
	unsigned long last_number;
	struct client all[CLIENTS_MAX];
};

/* The listeners do not block. They belong to `c` from now on; clients_end()
 * closes them. */
void clients_init(struct clients *c, const int *listeners, unsigned count,
    answer_fn *answer, void *self);
void clients_end(struct clients *c);

/* What to wait for: fills at most CLIENTS_POLLS_MAX entries and returns their
 * number. `*timeout_ms` is for poll(2); -1: no deadline. */
#define CLIENTS_POLLS_MAX (LISTENERS_MAX + CLIENTS_MAX)
unsigned clients_polls(const struct clients *c, struct mono now,
    struct pollfd polls[CLIENTS_POLLS_MAX], int *timeout_ms);

/* Does what these entries ask for, then drops who is too slow. */
void clients_ready(struct clients *c, const struct pollfd *polls,
    unsigned count, struct mono now);

/* Takes over a connection that does not block. */
void clients_add(struct clients *c, int fd, struct mono now);

#endif
