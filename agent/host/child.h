/*
 * Child processes: their start, their names, their end in words.
 */
#ifndef AGENT_HOST_CHILD_H
#define AGENT_HOST_CHILD_H

#include "base/check.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CHILD_TEXT_MAX 96

struct child {
	const char *name; /* "engine", ...: a string constant */
	pid_t pid;	  /* 0: never started */
	bool ended;
	int status; /* of waitpid(2), once ended */
};

/* Blocks SIGTERM, SIGINT, SIGHUP and SIGCHLD and returns a non-blocking
 * signalfd(2) of them, or -errno. Call before the first fork: nothing is lost
 * then. SIGPIPE is ignored, in the children, too. */
int child_catch_signals(void) MUST_USE;

/*
 * Forks. In the child: 0, those signals unblocked, named "nts-NAME" for ps(1)
 * and the log. In the parent: 1, `child` filled. -errno: no process.
 */
int child_fork(struct child *child, const char *name) MUST_USE;

/* Die with the parent. After the change of user, which would cancel it. False:
 * the parent is gone already. */
bool child_follow(pid_t parent) MUST_USE;

/* Collects who has ended. True: somebody has, in this call. */
bool children_reap(struct child *children, unsigned count);

/* Who of the ended is to blame: one that a signal killed before one that left
 * by itself, since the others leave when one is missing. NULL: nobody ended. */
const struct child *children_to_blame(
    const struct child *children, unsigned count);

/* "the engine was killed by signal 9 (Killed)" */
void child_end_text(const struct child *child, char text[CHILD_TEXT_MAX]);

/* Sends `signal` to all that still run. */
void children_signal(const struct child *children, unsigned count, int signal);

bool children_all_ended(const struct child *children, unsigned count);

#endif
