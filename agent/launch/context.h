/* What a process of the agent has when its main function begins. */
#ifndef AGENT_LAUNCH_CONTEXT_H
#define AGENT_LAUNCH_CONTEXT_H

#include "agent/host/child.h"
#include "agent/host/sandbox/request.h"
#include "agent/keeper/keeper_loop.h"
#include "agent/link/start_link.h"
#include "resolver/job.h"

/* A process that has dropped its rights. */
struct process_context {
	const struct start_head *head; /* NULL: the keeper */
	int fds[CHILD_FDS_MAX]; /* in the order of the table; -1: not there */
	const struct job_starter *jobs; /* resolver only */
	struct keeper_loop *loop;	/* keeper only */
	int program;			/* keeper only: what it executes */
	int *launcher_fd;		/* keeper only: background.h */
	enum sandbox_profile profile;
	enum sandbox_level sandbox;
	enum log_target log_target;
	bool stays; /* it runs as long as the agent */
};

#endif
