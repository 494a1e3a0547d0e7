/* Tries one source, from its name to its time. */
#ifndef AGENT_CHECK_PROBE_H
#define AGENT_CHECK_PROBE_H

#include "agent/check/seen.h"
#include "agent/config/config.h"

struct probe_request {
	const struct source_config *source;
	/* For a source of a pool: the key server to
	 * try first, and those that other sources use. */
	struct endpoint prefer;
	unsigned avoid_count;
	struct endpoint avoid[KE_AVOID_MAX];
	const struct trust_config *trust;
	uint32_t ke_timeout_ms;
	int64_t granularity_ns; /* clocks_granularity_ns() */
	struct mono deadline;
	/* Is called with what is known so far. */
	void (*report)(void *self, const struct probe *p);
	void *self;
};

/* How the packets of the check leave: as those of the agent, but from a random
 * UDP port. The agent may hold its source-port, and a second socket there could
 * take its answers. */
struct binding probe_binding(const struct source_config *s);

/* Fills `out`. Blocks at most until the deadline, but for getaddrinfo(3). */
void probe_run(const struct probe_request *q, struct probe *out);

#endif
