/*
 * The engine's process: sources, sockets and status around the cores. No
 * capability. Written so that --single-process (tests, simulation) runs the
 * same code with direct calls instead of two sockets.
 */
#ifndef AGENT_ENGINE_PROCESS_H
#define AGENT_ENGINE_PROCESS_H

#include "agent/config.h"
#include "clock/keeper.h"

struct run_options {
	bool no_clock; /* measure only */
	const char
	    *no_clock_reason; /* "--no-clock", "not started as root", ... */
	bool single_process;  /* --single-process */
	bool foreground;
	bool once;	 /* -q: set the clock once and exit */
	bool print_only; /* -Q: print the offset and exit, implies no_clock */
	int timeout_s;	 /* -t: give up after it, exit status 1; 0: never */
};

struct engine_links {
	int keeper_fd;	       /* -1 with --single-process */
	int resolver_fd;       /* -1 with --single-process */
	int status_fd;	       /* listening socket, bound before privileges
				  were dropped; -1: none */
	int control_fd;	       /* likewise, for orders; -1: none */
	int config_fd;	       /* to the keeper, for reloads; -1: none */
	struct keeper *keeper; /* --single-process only, else NULL */
	/* The keeper's first report: the ledger starts there. */
	struct keeper_report start;
	int64_t floor_ns; /* no time before it can be now: agent/floor.h */
	/* From the drift file; 0 and 100 when there is none. */
	double freq_ppm, freq_sd_ppm;
};

/* Runs until SIGTERM or SIGINT, the end of -q/-Q, or the loss of a link.
 * Returns the exit status. */
int engine_main(const struct config *config, const struct run_options *options,
    const struct engine_links *links);

#endif
