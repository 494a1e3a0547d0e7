/*
 * The process of the engine: sources, sockets and status around the core. It
 * has no capability. --single-process (tests, simulation) runs the same code
 * with direct calls in the place of two sockets.
 */
#ifndef AGENT_LOOP_ENGINE_LOOP_H
#define AGENT_LOOP_ENGINE_LOOP_H

#include "agent/loop/links.h"

/* Runs until SIGTERM or SIGINT, the end of -q/-Q, or the loss of a link.
 * Returns the exit status. */
int engine_loop_run(const struct config *config,
    const struct run_options *options, const struct engine_links *links);

#endif
