/* Starts processes from the rows of the table, on the side of the parent. */
#ifndef AGENT_LAUNCH_START_H
#define AGENT_LAUNCH_START_H

#include "agent/host/privileges.h"
#include "agent/launch/processes.h"

/* What a process needs to start others. */
struct starter {
	int program;		  /* child_open_program() */
	struct identity identity; /* what they become */
	/* What the resolver becomes, and so its jobs. */
	struct identity second;
	bool no_clock;
	enum sandbox_level sandbox;
	unsigned binds; /* BINDING_NEEDS_... that the sandboxes allow */
	enum log_target log_target;
	/* Of the lines that they log; read at each start. */
	const enum log_level *log_level;
};

/*
 * Starts a process. link[1] becomes its first descriptor, `fds` the others of
 * its row; -1: an optional one that is missing. Sends the start_head over
 * link[0]; the caller sends the request. The caller closes all descriptors. 0,
 * or -errno.
 */
int start_process(const struct starter *s, enum process_id id,
    const int link[2], const int fds[], struct child *child) MUST_USE;

/* May this process execute the program? False: `why` names the program and the
 * user, and says what to do. */
#define START_WHY_MAX 512
bool start_may_execute(int program, char why[START_WHY_MAX]) MUST_USE;

/* For loader and saver; `self` is the starter. */
int start_helper(
    void *self, const char *name, const int link[2], struct child *child);

/* For jobs; `self` is the starter. */
int start_job(void *self, const int link[2], pid_t *pid);

#endif
