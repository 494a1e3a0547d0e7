/* The command `ntsctl metrics`. */
#ifndef AGENT_CTL_SHOW_METRICS_H
#define AGENT_CTL_SHOW_METRICS_H

#include "agent/ctl/connect.h"
#include "agent/ctl/report/report.h"

/*
 * Prints the metrics in the format of this name; NULL: OpenMetrics. Without a
 * status the text says so, and it is complete all the same: a monitoring system
 * reads it, and the exit status is for a person. Other than EXIT_OK: `why` is
 * the sentence.
 */
enum exit_status show_metrics(const char *socket, const char *format, FILE *out,
    char why[static CONNECT_ERROR_MAX]);

#endif
