/* The part of --check-config that looks at files and machine. */
#ifndef AGENT_LAUNCH_CONFIG_CHECK_H
#define AGENT_LAUNCH_CONFIG_CHECK_H

#include "agent/config/config.h"

#include <stdio.h>

/*
 * Opens the trusted certificates as the agent will: with the rights of
 * `config->user_resolver`, and the other files with those of `config->user`,
 * when root calls it. Says which file that user cannot read,
 * and the command that corrects it. Checks the folders that the agent writes
 * to. Warns of fewer than three sources, and of files that everybody may write
 * to. Returns the number of errors; warnings do not count. `out` needs a
 * descriptor, since a child with the rights of that user writes to it.
 */
unsigned config_check_files(const struct config *config, FILE *out) MUST_USE;

/* Is this user neither root nor the agent's? Then it cannot tell what the agent
 * may read and write. */
bool config_check_is_other_user(const struct config *config);

/* What such a user can judge: the number of sources, files that everybody may
 * write to, and the trusted certificates that it can read. A file that is
 * closed to it is a warning. Returns the number of errors. */
unsigned config_check_as_other(const struct config *config, FILE *out) MUST_USE;

#endif
