/* The main functions of the processes, as the table in processes.h names them.
 */
#ifndef AGENT_LAUNCH_MAINS_H
#define AGENT_LAUNCH_MAINS_H

#include "agent/host/child.h"
#include "agent/keeper/keeper_loop.h"
#include "agent/link/start_link.h"
#include "resolver/job.h"

/* A process that has dropped its rights. */
struct process_context {
	const struct start_head *head;
	int fds[CHILD_FDS_MAX]; /* in the order of the table; -1: not there */
	const struct job_starter *jobs; /* resolver only */
	struct keeper_loop *loop;	/* keeper only */
};

/* Returns the exit status. */
typedef int process_main(struct process_context *context);

process_main keeper_process;
process_main engine_process;
process_main resolver_process;
process_main guard_process;
process_main loader_process;
process_main saver_process;
process_main job_process;

#endif
