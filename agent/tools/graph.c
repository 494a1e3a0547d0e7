#include "agent/tools/graph.h"

#include "agent/ctl/history/graph.h"

enum exit_status graph_command(
    const struct options *o, const struct view *v, FILE *errors)
{
	const struct graph_options g = {
	    .socket = o->socket,
	    .value = o->argc > 0 ? o->argv[0] : NULL,
	    .source = o->source,
	    .last = o->last,
	    .svg = o->svg,
	};

	return graph_run(&g, v, errors);
}
