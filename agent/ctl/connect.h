/*
 * The agent's sockets from outside. The status: connect, send nothing, read to
 * the end. Orders: send one line before.
 */
#ifndef AGENT_CTL_CONNECT_H
#define AGENT_CTL_CONNECT_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>

#define STATUS_SOCKET_PATH "/run/ntsagent/status.sock"
#define CONNECT_ERROR_MAX 512

struct connect_limits {
	size_t bytes;	/* of the whole answer */
	int timeout_ms; /* for all of it */
};

/* A snapshot of 64 sources has about 150 kB and is there at once. */
#define CONNECT_LIMITS ((struct connect_limits){4 << 20, 5000})

/*
 * What the agent says, malloc'd, not NUL-terminated; its length in `*len`.
 * NULL: `why` is a sentence for the administrator, with what to do.
 */
char *status_read(const char *path, const struct connect_limits *limits,
    size_t *len, char why[static CONNECT_ERROR_MAX]) MUST_USE;

/* What the agent answers to `line`, malloc'd, NUL-terminated. NULL as above. */
char *control_ask(const char *path, const char *line,
    const struct connect_limits *limits,
    char why[static CONNECT_ERROR_MAX]) MUST_USE;

#endif
