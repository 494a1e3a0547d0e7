/*
 * --single-process: keeper and resolver jobs as direct calls, for tests and for
 * simulation. The engine cannot tell the difference: nothing is answered from
 * inside a port.
 */
#ifndef AGENT_LOOP_SINGLE_PROCESS_H
#define AGENT_LOOP_SINGLE_PROCESS_H

#include "agent/loop/state.h"

/* What the keeper's process does with a message. */
void single_process_command(
    struct engine_loop *p, const struct keeper_message *m);

/* Hands over the keeper's reports, and ends its slews. */
void single_process_keeper(struct engine_loop *p);

/* Runs the jobs that were asked for, and hands over their answers. */
void single_process_jobs(struct engine_loop *p);

#endif
