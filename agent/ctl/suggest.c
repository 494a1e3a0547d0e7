#include "agent/ctl/suggest.h"

#include "base/check.h"

#include <string.h>

#define SERVES_NO_TIME "this agent is a client and serves no time"
#define IN_THE_FILE                                                            \
	"this is a value in ntsagent.conf(5): change it there, then: ntsctl "  \
	"reload"
#define HARDWARE_CLOCK                                                         \
	"the kernel copies the time to the hardware clock as long as the "     \
	"clock is synchronised"
#define TAKES_NO_TIME                                                          \
	"the agent takes time from authenticated servers only; stop it to "    \
	"set the clock by hand: systemctl stop ntsagent"

/* clang-format off */
static const struct {
	const char *command, *sentence;
} instead[] = {
	{"accheck", SERVES_NO_TIME},
	{"add", "servers stand in ntsagent.conf(5): add a [source NAME] section, then: ntsctl reload"},
	{"allow", SERVES_NO_TIME},
	{"clients", SERVES_NO_TIME},
	{"cmdaccheck", "every local user may read the status, and root alone may give orders"},
	{"cmdallow", "every local user may read the status, and root alone may give orders"},
	{"cmddeny", "every local user may read the status, and root alone may give orders"},
	{"delete", "servers stand in ntsagent.conf(5): remove the [source NAME] section, then: ntsctl reload"},
	{"deny", SERVES_NO_TIME},
	{"dfreq", TAKES_NO_TIME},
	{"dns", "ntsctl looks up no name: -n shows addresses, -N the configured names"},
	{"doffset", TAKES_NO_TIME},
	{"keygen", "NTS makes its keys itself: there is no key file"},
	{"local", SERVES_NO_TIME},
	{"manual", TAKES_NO_TIME},
	{"maxdelay", IN_THE_FILE},
	{"maxdelaydevratio", "the agent learns how much the path varies: see maxdelayratio and maxjitter in ntsagent.conf(5)"},
	{"maxdelayratio", IN_THE_FILE},
	{"maxpoll", IN_THE_FILE},
	{"maxupdateskew", "the agent weighs each estimate by its uncertainty: there is no limit to set"},
	{"minpoll", IN_THE_FILE},
	{"minstratum", IN_THE_FILE},
	{"offset", "asymmetry in ntsagent.conf(5) corrects a path whose two ways differ; then: ntsctl reload"},
	{"password", "root may give orders without a password"},
	{"authhash", "root may give orders without a password"},
	{"polltarget", "the agent chooses the interval by the path and the clock, between minpoll and maxpoll"},
	{"rekey", "there are no symmetric keys; new NTS keys: ntsctl refresh"},
	{"reselectdist", "the best source changes when another one is clearly nearer: see score in ntsctl selectdata"},
	{"retries", "every wait of ntsctl has an end: five seconds for the status, thirty for an order"},
	{"rtcdata", HARDWARE_CLOCK},
	{"selectopts", "prefer, noselect, trust and require stand in ntsagent.conf(5): change them there, then: ntsctl reload"},
	{"serverstats", SERVES_NO_TIME},
	{"settime", TAKES_NO_TIME},
	{"shutdown", "systemctl stop ntsagent"},
	{"smoothing", SERVES_NO_TIME},
	{"smoothtime", SERVES_NO_TIME},
	{"timeout", "every wait of ntsctl has an end: five seconds for the status, thirty for an order"},
	{"trimrtc", HARDWARE_CLOCK},
	{"writertc", HARDWARE_CLOCK},
};
/* clang-format on */

const char *suggest_instead(const char *command)
{
	for (size_t i = 0; i < ARRAY_LEN(instead); i++)
		if (strcmp(instead[i].command, command) == 0)
			return instead[i].sentence;
	return NULL;
}
