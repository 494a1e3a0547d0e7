/*
 * The keeper's process: clock/kernel/keeper.h with a socket, a timer and the
 * files that only it may change. It is the parent of the others. When one of
 * them ends, it ends the agent in order: no slew runs on, and the clock keeps
 * its base frequency.
 *
 * Not even kill -9 of the keeper leaves a slew behind: see
 * agent/keeper/guard.h.
 */
#ifndef AGENT_KEEPER_KEEPER_LOOP_H
#define AGENT_KEEPER_KEEPER_LOOP_H

#include "agent/config/config.h"
#include "agent/host/child.h"
#include "agent/keeper/guard.h"
#include "agent/keeper/loader.h"
#include "agent/keeper/saver.h"
#include "clock/kernel/keeper.h"

/* What the configuration allows the engine. The caller sets earliest_ns. */
struct keeper_limits keeper_limits_of(
    const struct config *config, bool no_clock);

#define KEEPER_CHILDREN 3

/* The caller fills all of it. */
struct keeper_loop {
	struct config *config; /* a reload changes it */
	struct keeper *keeper; /* started */
	struct guard guard;
	int engine_fd;
	int signal_fd; /* child_catch_signals() */
	/* When it closes, the kernel kills the resolver, which may be another
	 * user's, so that the keeper cannot (child_follow_pipe()). */
	int resolver_pipe;
	int config_fd; /* to the engine: reload_request, reload_result; -1 */
	struct loader reload;
	struct saver saver;
	/* Within this time the service manager must hear that the engine
	 * lives; 0: it does not ask. */
	int64_t watchdog_ns;
	bool debug; /* -d: debug lines, whatever level is configured */
	/* The engine first, the guard last. */
	struct child children[KEEPER_CHILDREN];
	struct child logger; /* its death does not end the agent; pid 0: none */
	/* -q and -Q: the engine ends when it is done, and its exit status is
	 * the agent's. */
	bool engine_may_end;
};

/* Runs until SIGTERM, SIGINT, or the end of a child. Ends all children and
 * returns the exit status of the agent. */
int keeper_loop_run(struct keeper_loop *p);

#endif
