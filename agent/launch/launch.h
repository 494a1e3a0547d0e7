/* From the options to running processes. */
#ifndef AGENT_LAUNCH_LAUNCH_H
#define AGENT_LAUNCH_LAUNCH_H

#include "agent/config/options.h"

/* The exit status when another try would fail, too: the service manager does
 * not restart the agent then. */
#define EXIT_UNUSABLE 2

/* Runs the agent; returns its exit status. Changes what follows from the rights
 * of the process, such as `options->run.no_clock`. */
int launch(struct options *options);

/* --check-config. Returns the exit status. */
int launch_check_config(const char *path);

#endif
