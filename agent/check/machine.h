/*
 * What is in the agent's way on this machine, whatever the servers do: the
 * right to set the clock, and the limits of inotify.
 */
#ifndef AGENT_CHECK_MACHINE_H
#define AGENT_CHECK_MACHINE_H

#include "agent/check/judge.h"

#define MACHINE_MAX 2

struct machine {
	bool confined_users; /* a user namespace of its own */
	bool lacks_sys_time; /* root may not set the clock */
	/* 0, or what watch_open() said to the agent's user. */
	int watch_error;
};

/* Only what this user can know of the agent's user. Call it before root gives
 * up its rights. */
struct machine machine_look(const struct config *config);

/* A verdict for each obstacle, at most MACHINE_MAX. Returns how many. */
unsigned machine_judge(
    const struct machine *m, struct source_verdict out[MACHINE_MAX]);

#endif
