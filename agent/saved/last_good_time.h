/*
 * The earliest time that it can be now: the last time that this machine knew to
 * be right, and at least the time when this program was written. A clock with
 * an earlier time is wrong, and so is a server that tells an earlier time.
 */
#ifndef AGENT_SAVED_LAST_GOOD_TIME_H
#define AGENT_SAVED_LAST_GOOD_TIME_H

#include "agent/config/config.h"
#include "nts/seal.h"

/* A clock may be this much before the earliest time without a warning. */
#define EARLIEST_SLACK_NS (60 * NS_PER_S)

/* Reads the last-good-time file. Returns ns since 1970. Logs why a file cannot
 * be used; one with a broken seal, for example. */
int64_t earliest_time_find(
    const struct config *config, const struct seal_key *key);

/* Logs a warning if the clock, which shows `now`, must be wrong. */
void earliest_time_check(
    const struct config *config, int64_t earliest_ns, struct wall now);

#endif
