/*
 * Shadow mode: the agent measures the clock (--no-clock) that a running chronyd
 * steers, and this says whose estimate was nearer to what the servers say.
 */
#ifndef AGENT_TOOLS_COMPARE_H
#define AGENT_TOOLS_COMPARE_H

#include "agent/ctl/connect.h"
#include "agent/ctl/options.h"
#include "agent/ctl/report/report.h"

#define COMPARE_ERROR_MAX 160

/* "90", "90s", "30m", "1h", "7d"; ten seconds to thirty days. NULL: one hour.
 * False: `why` is a sentence. */
bool compare_duration(const char *text, double *seconds,
    char why[static COMPARE_ERROR_MAX]) MUST_USE;

/* Reads both once a second. SIGINT and SIGTERM end it early, and the result is
 * that of the time until then. `chronyd` is that of chronyd_open(). */
enum exit_status compare_run(const char *chronyd, double seconds,
    const char *socket, const struct view *v, FILE *errors);

/* The command `compare`. */
enum exit_status compare_command(
    const struct options *o, const struct view *v, FILE *errors);

#endif
