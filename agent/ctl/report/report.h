/*
 * The reports. Each prints its part of a snapshot as the view asks: as text,
 * CSV or JSON.
 */
#ifndef AGENT_CTL_REPORT_REPORT_H
#define AGENT_CTL_REPORT_REPORT_H

#include "agent/ctl/print/table.h"

/* The exit status of ntsctl. */
enum exit_status {
	EXIT_OK = 0,
	EXIT_NOT_SYNCHRONISED = 1,
	EXIT_REFUSED = 1, /* an order was not carried out */
	EXIT_USAGE = 2,
	EXIT_NO_STATUS = 3, /* no agent, no usable answer, or no output */
};

typedef enum exit_status report_fn(
    const struct snapshot *s, const struct view *v);

report_fn report_sources;
report_fn report_sourcestats;
report_fn report_tracking;
report_fn report_authdata;
report_fn report_activity;
report_fn report_status;
report_fn report_selectdata;
report_fn report_ntpdata;

#endif
