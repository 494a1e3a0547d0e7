#include "agent/tools/watch.h"

#include "agent/ctl/fetch.h"
#include "agent/ctl/watch/watch.h"

enum exit_status watch_command(
    const struct options *o, const struct view *v, FILE *errors)
{
	return watch_run(o->socket, o->argc > 0 ? o->argv[0] : NULL,
	    snapshot_fetch, v, errors);
}
