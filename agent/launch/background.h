/*
 * From the terminal into the background. The launcher, which the user has
 * started, waits until the agent runs; its exit status is whether the start
 * succeeded.
 */
#ifndef AGENT_LAUNCH_BACKGROUND_H
#define AGENT_LAUNCH_BACKGROUND_H

#include "base/check.h"

#include <stdbool.h>

/* Returns in a new process only. `launcher_fd` leads to the launcher. False:
 * there is no new process; logged. */
bool background_enter(int *launcher_fd) MUST_USE;

/* Replaces the descriptors 0 to 2, and the folder, by ones that block nothing.
 * False: they stay as they are. */
bool background_leave_terminal(void) MUST_USE;

/* The agent runs. Closes the descriptor; -1: there is no launcher. */
void background_report(int *launcher_fd);

#endif
