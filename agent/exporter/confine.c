#include "agent/exporter/confine.h"

#include "agent/host/privileges.h"
#include "agent/host/sandbox/confine.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

static bool drop_rights(char why[static CONFINE_EXPORTER_MAX])
{
	const struct identity id = {.uid = getuid(), .gid = getgid()};

	if (geteuid() == 0 || getegid() == 0) {
		snprintf(why, CONFINE_EXPORTER_MAX,
		    "it does not run as root: systemctl start "
		    "ntsagent-exporter.socket, or start it as another user");
		return false;
	}
	return privileges_drop(&id, false, why);
}

bool confine_exporter(char why[static CONFINE_EXPORTER_MAX])
{
	if (!drop_rights(why))
		return false;
	/* It reads a file for it, which it may not do later. */
	json_object_seed(0);
	return sandbox_confine(SANDBOX_EXPORTER, why);
}
