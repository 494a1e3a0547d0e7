/*
 * --single-process (tests, simulation): keeper and resolver jobs as direct
 * calls. The engine cannot tell the difference, because a port never answers
 * from inside its call.
 */
#ifndef AGENT_LOOP_SINGLE_PROCESS_H
#define AGENT_LOOP_SINGLE_PROCESS_H

#include "agent/loop/state.h"

/* Does with a message what the process of the keeper does. */
void single_process_command(
    struct engine_loop *p, const struct keeper_message *m);

/* Hands over the keeper's reports, ends its slews, and looks for what other
 * programs do to the clock. */
void single_process_keeper(struct engine_loop *p);

/* When single_process_keeper() must be called next. */
struct mono single_process_deadline(const struct engine_loop *p);

/* Runs the jobs that were asked for, and hands over their answers. */
void single_process_jobs(struct engine_loop *p);

#endif
