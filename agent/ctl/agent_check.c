#include "agent/ctl/agent_check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "ntsagentd"

void agent_check_arguments(const struct options *o, const char *program,
    const char *out[static AGENT_CHECK_ARGUMENTS_MAX])
{
	unsigned n = 0;

	out[n++] = program;
	out[n++] = "--check";
	if (o->live)
		out[n++] = "--live";
	if (o->output == OUTPUT_JSON)
		out[n++] = "--json";
	if (o->config) {
		out[n++] = "-f";
		out[n++] = o->config;
	}
	if (o->limit) {
		out[n++] = "-t";
		out[n++] = o->limit;
	}
	out[n] = NULL;
}

/* False: the path is too long, or the file cannot be executed. */
static bool take(int len, const char *path)
{
	return len > 0 && len < AGENT_CHECK_PATH_MAX && access(path, X_OK) == 0;
}

bool agent_check_find(
    const char *self, const char *folder, char out[static AGENT_CHECK_PATH_MAX])
{
	const char *slash = strrchr(self, '/');
	int len;

	if (slash) {
		len = snprintf(out, AGENT_CHECK_PATH_MAX, "%.*s/" PROGRAM,
		    (int)(slash - self), self);
		if (take(len, out))
			return true;
	}
	len = snprintf(out, AGENT_CHECK_PATH_MAX, "%s/" PROGRAM, folder);
	return take(len, out);
}

void agent_check_run(
    const struct options *o, char why[static AGENT_CHECK_ERROR_MAX])
{
	const char *arguments[AGENT_CHECK_ARGUMENTS_MAX];
	char self[AGENT_CHECK_PATH_MAX], program[AGENT_CHECK_PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[len > 0 ? len : 0] = '\0';
	if (!agent_check_find(self, NTSAGENT_SBINDIR, program)) {
		snprintf(why, AGENT_CHECK_ERROR_MAX,
		    "cannot execute " NTSAGENT_SBINDIR "/" PROGRAM
		    ", which does the check: %s",
		    strerror(errno));
		return;
	}
	agent_check_arguments(o, program, arguments);
	/* execv() does not write to them. */
	execv(program, (char *const *)(uintptr_t)arguments);
	snprintf(why, AGENT_CHECK_ERROR_MAX, "cannot execute %.200s: %s",
	    program, strerror(errno));
}
