#include "agent/ctl/fetch.h"

#include <stdlib.h>

bool snapshot_fetch(const char *socket, struct snapshot *out,
    char why[static CONNECT_ERROR_MAX])
{
	char wrong[SNAPSHOT_ERROR_MAX];
	size_t len;
	char *json = status_read(socket, &CONNECT_LIMITS, &len, why);
	bool ok;

	if (!json)
		return false;
	ok = snapshot_parse(out, json, len, wrong);
	free(json);
	if (!ok)
		snprintf(why, CONNECT_ERROR_MAX,
		    "the answer on %s cannot be used: %s", socket, wrong);
	return ok;
}
