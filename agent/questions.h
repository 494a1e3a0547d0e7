/*
 * What the engine asks of the resolver, on its way: the link takes only so
 * much, and a reload may bring many sources at once while the resolver is busy
 * starting jobs for those before. What does not fit waits here, one question
 * for each source.
 */
#ifndef AGENT_QUESTIONS_H
#define AGENT_QUESTIONS_H

#include "agent/config.h"
#include "resolver/frame.h"
#include "resolver/job.h"

#include <poll.h>

struct questions {
	int fd; /* -1: no process to ask: all wait, and are the caller's */
	bool trust_waits;
	unsigned count;
	struct ke_request waiting[CONFIG_SOURCES_MAX];
};

void questions_init(struct questions *q, int fd);

/* Each of these: false when the resolver is gone. */

/* Replaces one of the same source that still waits. */
bool questions_ask(
    struct questions *q, const struct ke_request *request) MUST_USE;

/* Ahead of all that is asked from now on. What waits is sent by the next
 * questions_send, whose `trust` is the one in force then. */
bool questions_trust(
    struct questions *q, const struct trust_config *trust) MUST_USE;

/* As much of what waits as there is room for. */
bool questions_send(
    struct questions *q, const struct trust_config *trust) MUST_USE;

/* What to poll the link for. */
short questions_events(const struct questions *q);

#endif
