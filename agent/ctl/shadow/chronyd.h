/* A chronyd that is asked by its own monitoring protocol. */
#ifndef AGENT_CTL_SHADOW_CHRONYD_H
#define AGENT_CTL_SHADOW_CHRONYD_H

#include "agent/cmdmon/protocol/answer.h"
#include "base/limits.h"

#include <sys/un.h>

#define CHRONYD_TEXT_MAX 300
#define CHRONYD_SOCKET_PATH "/run/chrony/chronyd.sock"
#define CHRONYD_ADDRESS "127.0.0.1"

struct chronyd {
	int fd;
	uint32_t sequence;
	int64_t give_up_ms; /* CLOCK_MONOTONIC: chronyd_read() ends by then */
	char name[160];	    /* as given */
	struct sockaddr_un own; /* of a UNIX socket; removed at the end */
	bool has_own;
};

struct chronyd_state {
	struct cmdmon_tracking tracking;
	unsigned count;
	struct cmdmon_source_data source[SOURCES_MAX];
};

/*
 * `where` is the path of a UNIX socket, or a numeric address with or without a
 * port: 127.0.0.1, 127.0.0.1:323, [::1]:323. NULL: the socket of chronyd if
 * this user may use it, else 127.0.0.1. Sends nothing. False: `why` says what
 * is wrong with it.
 */
bool chronyd_open(
    struct chronyd *c, const char *where, char why[CHRONYD_TEXT_MAX]) MUST_USE;
void chronyd_close(struct chronyd *c);

/* Tracking and all sources, of one state of chronyd. Waits for an answer for 3
 * s at most, and for all of them for 10 s. False: `why` says why there is none.
 */
bool chronyd_read(struct chronyd *c, struct chronyd_state *out,
    char why[CHRONYD_TEXT_MAX]) MUST_USE;

#endif
