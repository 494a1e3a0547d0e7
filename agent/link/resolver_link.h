/*
 * What the engine asks of the resolver, on its way: the link takes only so
 * much, and a reload may bring many sources at once while the resolver is busy
 * starting jobs for those before. What does not fit waits here, one question
 * for each source.
 */
#ifndef AGENT_LINK_RESOLVER_LINK_H
#define AGENT_LINK_RESOLVER_LINK_H

#include "agent/config/config.h"
#include "resolver/frame.h"
#include "resolver/job.h"

#include <poll.h>

struct resolver_link {
	int fd; /* -1: no process to ask: all wait, and are the caller's */
	bool trust_waits;
	unsigned count;
	struct ke_request waiting[SOURCES_MAX];
};

void resolver_link_init(struct resolver_link *q, int fd);

/* Each of these: false when the resolver is gone. */

/* Replaces one of the same source that still waits. */
bool resolver_link_ask(
    struct resolver_link *q, const struct ke_request *request) MUST_USE;

/* Ahead of all that is asked from now on. What waits is sent by the next
 * resolver_link_send, whose `trust` is the one in force then. */
bool resolver_link_trust(
    struct resolver_link *q, const struct trust_config *trust) MUST_USE;

/* As much of what waits as there is room for. */
bool resolver_link_send(
    struct resolver_link *q, const struct trust_config *trust) MUST_USE;

/* What to poll the link for. */
short resolver_link_events(const struct resolver_link *q);

#endif
