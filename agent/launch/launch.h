/* From the options to running processes. */
#ifndef AGENT_LAUNCH_LAUNCH_H
#define AGENT_LAUNCH_LAUNCH_H

#include "agent/config/exit_status.h"
#include "agent/config/options.h"

#include <stdio.h>

/* Runs the agent; returns its exit status. Changes what follows from the rights
 * of the process, such as `options->run.no_clock`. */
int launch(struct options *options);

/* --version: the version, what this machine lets the agent do, and the
 * libraries. */
void launch_print_version(FILE *out);

/* --check-config. Returns the exit status. */
int launch_check_config(const char *path);

#endif
