/* The part of --check-config that looks at files and machine. */
#ifndef AGENT_LAUNCH_CONFIG_CHECK_H
#define AGENT_LAUNCH_CONFIG_CHECK_H

#include "agent/config/config.h"

#include <stdio.h>

/*
 * The rest of --check-config: opens the trust files as the run-time user would
 * (`config->user`, when root) and says which cannot be read, by whom, and the
 * command that mends it; warns of fewer than three sources, and the like.
 * Returns the number of errors; warnings do not count. `out` needs a
 * descriptor: a child that has become the user writes there.
 */
unsigned config_check_files(const struct config *config, FILE *out) MUST_USE;

#endif
