/*
 * The tests of the latest answer of a source as chrony counts them: 1 to 3, 5
 * to 7 and A to D, from the highest of ten bits to the lowest. ntpdata of
 * chronyc and the monitoring protocol have them.
 */
#ifndef AGENT_CTL_SNAPSHOT_CHRONY_TESTS_H
#define AGENT_CTL_SNAPSHOT_CHRONY_TESTS_H

#include "agent/ctl/snapshot/snapshot.h"

#define CHRONY_TESTS_ALL 0x3ffU

/* The bit of a test that was passed is 1, of one that was not made 0. Without
 * an answer it is 0. */
unsigned chrony_tests(const struct status_source *s);

#endif
