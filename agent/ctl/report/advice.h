/* What an administrator can do when something has failed. */
#ifndef AGENT_CTL_REPORT_ADVICE_H
#define AGENT_CTL_REPORT_ADVICE_H

#include "agent/ctl/snapshot/snapshot.h"

/* Appends a sentence to `out`, a text in `size` bytes. False: nothing is known
 * that helps, and `out` is as it was. */
bool advice_append(
    char *out, size_t size, const struct status_source *s) MUST_USE;

#endif
