/* The status of the agent, read again when it is too old. */
#ifndef AGENT_CMDMON_CACHE_H
#define AGENT_CMDMON_CACHE_H

#include "agent/ctl/connect.h"
#include "agent/ctl/snapshot/snapshot.h"
#include "base/time.h"

/* One report of chronyc asks many questions: they get the same status. An agent
 * that does not answer is asked again after a second. */
#define CACHE_LIFE_NS (200 * NS_PER_MS)
#define CACHE_FAILED_LIFE_NS NS_PER_S

struct cache {
	const char *path;
	bool known;
	struct mono ends; /* of what is known, or of the failure */
	struct snapshot snapshot;
	char said[CONNECT_ERROR_MAX]; /* the last error that was printed */
};

/* Borrows `path`. */
void cache_init(struct cache *c, const char *path);

/* NULL: there is no status. A reason that is new goes to standard error. The
 * snapshot is borrowed until the next call. Waits for 0.8 s at most. */
const struct snapshot *cache_get(struct cache *c);

#endif
