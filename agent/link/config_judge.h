/*
 * Judges a configuration that came from another process: every number, enum,
 * bool and text of it, whatever wrote it.
 */
#ifndef AGENT_LINK_CONFIG_JUDGE_H
#define AGENT_LINK_CONFIG_JUDGE_H

#include "agent/config/config.h"

/* True for all that config_load() accepts; false for a value that no file can
 * lead to. Reads no member that it has not judged before. */
bool config_valid(const struct config *c) MUST_USE;

#endif
