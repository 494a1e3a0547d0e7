/* Waits until the children have started, and logs why one has not. */
#ifndef AGENT_LAUNCH_READY_H
#define AGENT_LAUNCH_READY_H

#include "agent/host/child.h"
#include "base/check.h"
#include "base/time.h"

#include <stdint.h>

/* A busy machine may take seconds to execute a program. */
#define READY_LIMIT_NS (30 * NS_PER_S)

enum ready {
	READY_ALL,
	READY_FAILED, /* a child has ended, or is not ready after the limit */
	READY_ENDED,  /* SIGTERM or SIGINT came */
};

/*
 * Each child sends one byte over its descriptor in `ready` when it has dropped
 * its rights; `ready` stays open. When `may_end`, one of the children or NULL,
 * exits after that byte, the result is READY_ALL at once. The caller has called
 * child_catch_signals(). This function takes SIGTERM, SIGINT and SIGCHLD, and
 * collects the children that end; a SIGHUP stays pending. A line in the log
 * says why the result is not READY_ALL.
 */
enum ready ready_await(struct child *children, const int ready[],
    unsigned count, const struct child *may_end, int64_t limit_ns) MUST_USE;

#endif
