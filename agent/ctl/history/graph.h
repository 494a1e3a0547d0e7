/* ntsctl graph: the history as a picture, on the terminal or as SVG. */
#ifndef AGENT_CTL_HISTORY_GRAPH_H
#define AGENT_CTL_HISTORY_GRAPH_H

#include "agent/ctl/print/table.h"
#include "agent/ctl/report/report.h"
#include "agent/history/format.h"

struct graph_options {
	const char *socket; /* the agent's status socket */
	const char *value;  /* NULL: offset */
	const char *source; /* NULL: the clock, or all sources */
	const char *last;   /* NULL: 6h */
	const char *svg;    /* a file, "-" for the output; NULL: text */
};

enum exit_status graph_run(
    const struct graph_options *o, const struct view *v, FILE *errors);

/* Draws the history `f` at a time; NULL: reads that next to the socket, after
 * the command line is judged. `height` in lines. */
enum exit_status graph_show(const struct graph_options *o,
    const struct history_file *f, int64_t now_s, unsigned height, bool unicode,
    const struct view *v, FILE *errors);

#endif
