/*
 * The engine's process: sources, sockets and status around the cores. No
 * capability. Written so that --single-process (tests, simulation) runs the
 * same code with direct calls instead of two sockets.
 */
#ifndef AGENT_LOOP_ENGINE_LOOP_H
#define AGENT_LOOP_ENGINE_LOOP_H

#include "agent/config/config.h"
#include "agent/config/options.h"
#include "agent/engine/engine.h"
#include "clock/kernel/keeper.h"

struct engine_links {
	int keeper_fd;	       /* -1 with --single-process */
	int resolver_fd;       /* -1 with --single-process */
	int status_fd;	       /* the listening status socket; -1: none */
	int control_fd;	       /* the listening control socket; -1: none */
	int config_fd;	       /* to the keeper, for reloads; -1: none */
	struct keeper *keeper; /* --single-process only, else NULL */
	struct engine_start start;
};

/* Runs until SIGTERM or SIGINT, the end of -q/-Q, or the loss of a link.
 * Returns the exit status. */
int engine_loop_run(const struct config *config,
    const struct run_options *options, const struct engine_links *links);

#endif
