/*
 * Child processes: how they start, what they are called, how they ended.
 *
 * A child is the program itself, executed again: it has its own address layout
 * and its own stack canary, and inherits nothing but the descriptors that it is
 * given and a few environment variables.
 */
#ifndef AGENT_HOST_CHILD_H
#define AGENT_HOST_CHILD_H

#include "base/check.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CHILD_TEXT_MAX 96
/* The number of a child's first descriptor behind standard error. */
#define CHILD_FIRST_FD 3
#define CHILD_FDS_MAX 8
/* The hidden option by which a child learns which process it is. */
#define CHILD_OPTION "--child="

struct child {
	const char *name; /* "engine", ...: a string constant */
	pid_t pid;	  /* 0: never started */
	bool ended;
	int status; /* of waitpid(2), once ended */
};

/*
 * Starts a process of the agent that has one link, `link[1]`; `link[0]` stays
 * with the caller, who closes both. Fills `child`. 0, or -errno.
 */
struct child_starter {
	int (*start)(void *self, const char *name, const int link[2],
	    struct child *child);
	void *self;
};

/* Blocks SIGTERM, SIGINT, SIGHUP and SIGCHLD and returns a non-blocking
 * signalfd(2) of them, or -errno. Called before the first child starts, so that
 * no signal is lost. Ignores SIGPIPE, also in the children. */
int child_catch_signals(void) MUST_USE;

/* Makes the sockets over which a process and its child talk; they refuse
 * descriptors where the kernel can. 0, or -errno. */
int child_link(int link[2]) MUST_USE;

/* Opens the program that is running, for child_exec(). What replaces the file
 * later has no effect. /proc need not be mounted. A descriptor, or -errno. */
int child_open_program(void) MUST_USE;

/* Closes the descriptors from `first` to `last`, as far as they are open; none
 * if `last` is less. */
void child_close_all(unsigned first, unsigned last);

/*
 * Starts `program` as "ntsagentd --child=NAME". In the child, fds[0] becomes
 * descriptor 3, fds[1] descriptor 4, and so on; where `fds` has -1, the number
 * stays closed. Descriptors 0 to 2 are inherited, all others are closed. The
 * signals of child_catch_signals() stay blocked until child_begin().
 * Fills `child`. 0, or -errno when there is no process. A program that cannot
 * be executed is logged, and the child ends with status 127.
 */
int child_exec(struct child *child, const char *name, int program,
    const int fds[], unsigned count) MUST_USE;

/* In the child, first: its name for ps(1), "nts-NAME", and for the log. */
void child_begin(const char *name);

/* In the child, once it can take them: unblocks the signals. `ignore_ends`:
 * SIGTERM, SIGINT and SIGHUP are ignored from here on. */
void child_take_signals(bool ignore_ends);

/* Makes the kernel send `signal` when the parent dies. Called after the change
 * of user, which would cancel it. False: `parent` has died already. */
bool child_follow(pid_t parent, int signal) MUST_USE;

/* Makes the kernel send `signal` when the other end of the pipe closes: a
 * parent of another user cannot send one, not even by its death. False: it is
 * closed already, or the kernel refuses. */
bool child_follow_pipe(int fd, int signal) MUST_USE;

/* Collects children that have ended. True: at least one has, in this call. */
bool children_reap(struct child *children, unsigned count);

/* The ended child that is the likely cause. One that a signal killed comes
 * before one that exited, since the others exit when one is missing. NULL: none
 * has ended. */
const struct child *children_to_blame(
    const struct child *children, unsigned count);

/* "the engine was killed by signal 9 (Killed)" */
void child_end_text(const struct child *child, char text[CHILD_TEXT_MAX]);

/* Sends `signal` to all that still run. */
void children_signal(const struct child *children, unsigned count, int signal);

bool children_all_ended(const struct child *children, unsigned count);

#endif
