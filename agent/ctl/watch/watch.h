/* ntsctl watch: the state of the clock, again and again. */
#ifndef AGENT_CTL_WATCH_WATCH_H
#define AGENT_CTL_WATCH_WATCH_H

#include "agent/ctl/print/table.h"
#include "agent/ctl/report/report.h"

#define WATCH_ERROR_MAX 512

/* How to get the status; agent/ctl/fetch.h. */
typedef bool watch_fetch_fn(
    const char *socket, struct snapshot *out, char why[static WATCH_ERROR_MAX]);

/* `interval` is an argument of the command line; NULL: one second. */
enum exit_status watch_run(const char *socket, const char *interval,
    watch_fetch_fn *fetch, const struct view *v, FILE *errors);

#endif
