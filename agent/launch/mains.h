/* The main functions of the processes, as the table in processes.h names them.
 */
#ifndef AGENT_LAUNCH_MAINS_H
#define AGENT_LAUNCH_MAINS_H

#include "agent/launch/context.h"

/* Returns the exit status. */
typedef int process_main(struct process_context *context);

process_main keeper_process;
process_main engine_process;
process_main resolver_process;
process_main guard_process;
process_main loader_process;
process_main saver_process;
process_main logger_process;
process_main job_process;

#endif
