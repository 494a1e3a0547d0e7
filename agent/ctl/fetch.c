#include "agent/ctl/fetch.h"

#include <stdlib.h>

bool snapshot_fetch_within(const char *socket, int timeout_ms,
    struct snapshot *out, char why[static CONNECT_ERROR_MAX])
{
	const struct connect_limits limits = {CONNECT_LIMITS.bytes, timeout_ms};
	char wrong[SNAPSHOT_ERROR_MAX];
	size_t len;
	char *json = status_read(socket, &limits, &len, why);
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

bool snapshot_fetch(const char *socket, struct snapshot *out,
    char why[static CONNECT_ERROR_MAX])
{
	return snapshot_fetch_within(
	    socket, CONNECT_LIMITS.timeout_ms, out, why);
}
