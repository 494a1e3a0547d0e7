/* ntsctl graph: its command line. agent/ctl/history has the graphs. */
#ifndef AGENT_TOOLS_GRAPH_H
#define AGENT_TOOLS_GRAPH_H

#include "agent/ctl/options.h"
#include "agent/ctl/report/report.h"

enum exit_status graph_command(
    const struct options *o, const struct view *v, FILE *errors);

#endif
