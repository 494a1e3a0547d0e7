#include "agent/host/sandbox/confine.h"

#include "base/log.h"

bool sandbox_confine(enum sandbox_profile profile, char why[SANDBOX_TEXT_MAX])
{
	struct sandbox_request r = {
	    .profile = profile,
	    .log_target = LOG_TO_STDERR,
	    .program = -1,
	};
	char missing[SANDBOX_TEXT_MAX];

	r.level = sandbox_possible(why);
	if (r.level == SANDBOX_OFF)
		log_notice("there is no sandbox: %s", why);
	else if (sandbox_missing(missing) > 0)
		log_notice("this kernel has no %s: the sandbox works without",
		    missing);
	return sandbox_enter(&r, why);
}

void confine_print_version(
    const char *program, const char *features, const char *libraries, FILE *out)
{
	char why[SANDBOX_TEXT_MAX];
	bool confined = sandbox_possible(why) != SANDBOX_OFF;

	fprintf(out,
	    "%s (ntsagent) " NTSAGENT_VERSION "\nFeatures: %s; sandbox %s\n"
	    "Libraries: %s\n",
	    program, features, confined ? "on" : "off", libraries);
}
