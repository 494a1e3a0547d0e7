/* Starts a confined process for each source, and collects what they saw. */
#ifndef AGENT_CHECK_PROBER_H
#define AGENT_CHECK_PROBER_H

#include "agent/check/judge.h"

/*
 * Tries all sources at once, but for those of a pool: when the first one has
 * the addresses, each of the others gets one of its own. `sources` has
 * `config->source_count` elements and gets `config`, `probe` and `end`. Returns
 * before `limit`; what is not done by then is stopped. The calling process must
 * have dropped its rights.
 */
void prober_run(const struct config *config, struct checked_source *sources,
    struct mono limit);

#endif
