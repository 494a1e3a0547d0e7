/*
 * The engine's requests on their way to the resolver. The socket has room for a
 * few only, and a reload may add many sources at once while the resolver is
 * busy starting jobs. What does not fit waits here, one request for each
 * source.
 */
#ifndef AGENT_LINK_RESOLVER_LINK_H
#define AGENT_LINK_RESOLVER_LINK_H

#include "agent/config/config.h"
#include "resolver/frame.h"
#include "resolver/job.h"

#include <poll.h>

struct resolver_link {
	int fd; /* -1: there is no process; the caller takes what waits */
	bool trust_waits;
	unsigned count;
	struct ke_request waiting[SOURCES_MAX];
};

void resolver_link_init(struct resolver_link *q, int fd);

/* Each of these returns false when the resolver is gone. */

/* Sends a request, or lets it wait in the place of an older one of its source.
 */
bool resolver_link_ask(
    struct resolver_link *q, const struct ke_request *request) MUST_USE;

/* Sends `trust` ahead of all later requests. When it has to wait, the next
 * resolver_link_send() sends the one that it is given. */
bool resolver_link_trust(
    struct resolver_link *q, const struct trust_config *trust) MUST_USE;

/* Sends what waits, as far as there is room. */
bool resolver_link_send(
    struct resolver_link *q, const struct trust_config *trust) MUST_USE;

/* The events to poll the link for. */
short resolver_link_events(const struct resolver_link *q);

#endif
