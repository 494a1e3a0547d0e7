/*
 * What the status of the agent is in chrony's words. The protocol has no word
 * for "not known": each function says what chronyd sends then.
 */
#ifndef AGENT_CMDMON_FACTS_H
#define AGENT_CMDMON_FACTS_H

#include "agent/cmdmon/protocol/answer.h"
#include "agent/ctl/snapshot/snapshot.h"

/* The address of source `i`. A source whose address is not known has an ID that
 * is its place in the list, from 1. */
struct cmdmon_address facts_address(const struct snapshot *s, unsigned i);

/* Not synchronised: no reference, and a root delay and dispersion of 1 s. */
struct cmdmon_tracking facts_tracking(const struct snapshot *s);

/* Without a sample: no offset, and an age of CMDMON_NEVER. */
struct cmdmon_source_data facts_source(const struct snapshot *s, unsigned i);

/* Without samples: a skew of 2000 ppm and a deviation of 4 s. */
struct cmdmon_sourcestats facts_stats(const struct snapshot *s, unsigned i);

struct cmdmon_activity facts_activity(const struct snapshot *s);

/* Before the first valid answer, all zero but for the port, the counts, and the
 * tests of an answer that has failed one. */
struct cmdmon_ntp_data facts_ntp(const struct snapshot *s, unsigned i);

struct cmdmon_auth_data facts_auth(const struct snapshot *s, unsigned i);

/* Without a score 1; without a sample an interval from 0 to 0. */
struct cmdmon_select_data facts_select(const struct snapshot *s, unsigned i);

#endif
