/* ntsctl watch: its command line. agent/ctl/watch has the screen. */
#ifndef AGENT_TOOLS_WATCH_H
#define AGENT_TOOLS_WATCH_H

#include "agent/ctl/options.h"
#include "agent/ctl/report/report.h"

enum exit_status watch_command(
    const struct options *o, const struct view *v, FILE *errors);

#endif
