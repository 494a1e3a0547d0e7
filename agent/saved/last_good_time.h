/*
 * The earliest time that can be now: the last one that this machine knew to be
 * good, and in any case when this program was written. A clock that shows an
 * earlier one is wrong, and no server is believed that does.
 */
#ifndef AGENT_SAVED_LAST_GOOD_TIME_H
#define AGENT_SAVED_LAST_GOOD_TIME_H

#include "agent/config/config.h"

/* What a clock may lag behind its last good time without a word. */
#define EARLIEST_SLACK_NS (60 * NS_PER_S)

/* In ns since 1970. A last-good-time file that cannot be used is told. */
int64_t earliest_time_find(const struct config *config);

/* Tells when the clock, which shows `now`, must be wrong. */
void earliest_time_check(
    const struct config *config, int64_t earliest_ns, struct wall now);

#endif
