/*
 * The reports: each prints its part of a snapshot as the view asks.
 */
#ifndef AGENT_CTL_REPORT_REPORT_H
#define AGENT_CTL_REPORT_REPORT_H

#include "agent/ctl/print/table.h"

/* What ntsctl ends with. */
enum exit_status {
	EXIT_OK = 0,
	EXIT_NOT_SYNCHRONISED = 1,
	EXIT_REFUSED = 1, /* an order was not carried out */
	EXIT_USAGE = 2,
	EXIT_NO_STATUS = 3, /* no agent, no sense in its answer, or no output */
};

/* A certificate that ends sooner than this is worth a warning. */
#define CERT_DAYS_WARN 14

typedef enum exit_status report_fn(
    const struct snapshot *s, const struct view *v);

report_fn report_sources;
report_fn report_sourcestats;
report_fn report_tracking;
report_fn report_authdata;
report_fn report_activity;
report_fn report_status;

/* The sentence about a certificate's remaining days; "" when not known. */
#define CERT_TEXT_MAX 80
void cert_days_text(
    char out[static CERT_TEXT_MAX], const struct status_source *s);

/* True: it is not usable, or something about it has failed. One that is only
 * measured is in no trouble as long as it answers. */
bool source_is_in_trouble(const struct status_source *s);

/* True: it ends within CERT_DAYS_WARN days, or has ended. */
bool cert_ends_soon(const struct status_source *s);

#endif
