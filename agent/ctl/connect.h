/*
 * The client side of the agent's two sockets. Status: connect, send nothing,
 * read to the end. Order: connect, send one line, read to the end.
 */
#ifndef AGENT_CTL_CONNECT_H
#define AGENT_CTL_CONNECT_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>

#define STATUS_SOCKET_PATH "/run/ntsagent/status.sock"
#define CONNECT_ERROR_MAX 512

struct connect_limits {
	size_t bytes;	/* the longest answer that is accepted */
	int timeout_ms; /* from the connection to the end of the answer */
};

/* A status of 64 sources has about 150 kB and arrives at once. */
#define CONNECT_LIMITS ((struct connect_limits){4 << 20, 5000})

/*
 * The status, made by malloc, without a NUL; `*len` is its length. NULL: `why`
 * is a sentence that tells the administrator what is wrong and what to do.
 */
char *status_read(const char *path, const struct connect_limits *limits,
    size_t *len, char why[static CONNECT_ERROR_MAX]) MUST_USE;

/* The answer to the order `line`, which ends with a line feed. Made by malloc,
 * with a NUL. NULL: `why` is such a sentence. */
char *control_ask(const char *path, const char *line,
    const struct connect_limits *limits,
    char why[static CONNECT_ERROR_MAX]) MUST_USE;

#endif
