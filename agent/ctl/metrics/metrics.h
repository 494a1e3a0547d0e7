/*
 * A status as metrics: what `ntsctl metrics` prints and ntsagent-exporter
 * serves. All names begin with ntsagent_, all values are in base units, and an
 * offset is positive when our clock is fast. What is not known has no line.
 */
#ifndef AGENT_CTL_METRICS_METRICS_H
#define AGENT_CTL_METRICS_METRICS_H

#include "agent/ctl/metrics/exposition.h"
#include "agent/ctl/snapshot/snapshot.h"

/* NULL: there is no status, and ntsagent_up 0 is all that is said. */
void metrics_put(FILE *out, enum exposition form, const struct snapshot *s);

#endif
