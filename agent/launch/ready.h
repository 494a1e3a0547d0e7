/* Waits until the children have started, and logs why one has not. */
#ifndef AGENT_LAUNCH_READY_H
#define AGENT_LAUNCH_READY_H

#include "agent/host/child.h"
#include "base/check.h"
#include "base/time.h"

#include <stdint.h>

/* A busy machine may take seconds to execute a program. */
#define READY_LIMIT_NS (30 * NS_PER_S)

/*
 * Each child sends one byte over its descriptor in `ready` when it has dropped
 * its rights. `signal_fd` is child_catch_signals(). False, with a line in the
 * log: a child has ended, or is not ready after `limit_ns`, or SIGTERM or
 * SIGINT has come. `ready` stays open.
 */
bool ready_await(struct child *children, const int ready[], unsigned count,
    int signal_fd, int64_t limit_ns) MUST_USE;

#endif
