#include "agent/ctl/elsewhere.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AGENT "ntsagentd"
#define TOOLS "ntsctl-tools"

/* An option with its value, if it was given. */
static unsigned put_option(const char *name, const char *value, unsigned n,
    const char *out[static ELSEWHERE_ARGUMENTS_MAX])
{
	if (!value)
		return n;
	out[n++] = name;
	out[n++] = value;
	return n;
}

void elsewhere_check_arguments(const struct options *o, const char *program,
    const char *out[static ELSEWHERE_ARGUMENTS_MAX])
{
	unsigned n = 0;

	out[n++] = program;
	out[n++] = "--check";
	if (o->live)
		out[n++] = "--live";
	if (o->output == OUTPUT_JSON)
		out[n++] = "--json";
	n = put_option("-f", o->config, n, out);
	n = put_option("-t", o->limit, n, out);
	out[n] = NULL;
}

void elsewhere_report_arguments(const struct options *o, const char *program,
    const char *out[static ELSEWHERE_ARGUMENTS_MAX])
{
	unsigned n = 0;

	out[n++] = program;
	out[n++] = o->command;
	n = put_option("-s", o->socket, n, out);
	if (o->output == OUTPUT_JSON)
		out[n++] = "--json";
	if (o->output == OUTPUT_CSV)
		out[n++] = "--csv";
	n = put_option("--chronyd", o->chronyd, n, out);
	n = put_option("--for", o->duration, n, out);
	n = put_option("--source", o->source, n, out);
	n = put_option("--last", o->last, n, out);
	n = put_option("--svg", o->svg, n, out);
	if (o->argc > 0)
		n = put_option("--", o->argv[0], n, out);
	out[n] = NULL;
}

/* False: the path is too long, or the file cannot be executed. */
static bool take(int len, const char *path)
{
	return len > 0 && len < ELSEWHERE_PATH_MAX && access(path, X_OK) == 0;
}

bool elsewhere_find(const char *self, const char *name, const char *folder,
    char out[static ELSEWHERE_PATH_MAX])
{
	const char *slash = strrchr(self, '/');
	int len;

	if (slash) {
		len = snprintf(out, ELSEWHERE_PATH_MAX, "%.*s/%s",
		    (int)(slash - self), self, name);
		if (take(len, out))
			return true;
	}
	len = snprintf(out, ELSEWHERE_PATH_MAX, "%s/%s", folder, name);
	return take(len, out);
}

static bool find_from_here(
    const char *name, const char *folder, char out[static ELSEWHERE_PATH_MAX])
{
	char self[ELSEWHERE_PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[len > 0 ? len : 0] = '\0';
	return elsewhere_find(self, name, folder, out);
}

/* Returns only if it fails; errno says why. execv() does not write to the
 * arguments. */
static void become(const char *program, const char *const *arguments)
{
	execv(program, (char *const *)(uintptr_t)arguments);
}

void elsewhere_check(
    const struct options *o, char why[static ELSEWHERE_ERROR_MAX])
{
	const char *arguments[ELSEWHERE_ARGUMENTS_MAX];
	char program[ELSEWHERE_PATH_MAX];

	if (!find_from_here(AGENT, NTSAGENT_SBINDIR, program)) {
		snprintf(why, ELSEWHERE_ERROR_MAX,
		    "cannot execute " NTSAGENT_SBINDIR "/" AGENT
		    ", which does the check: %s",
		    strerror(errno));
		return;
	}
	elsewhere_check_arguments(o, program, arguments);
	become(program, arguments);
	snprintf(why, ELSEWHERE_ERROR_MAX, "cannot execute %.200s: %s", program,
	    strerror(errno));
}

/* False: a line on `errors` says why. */
static bool find_tools(
    const char *command, char out[static ELSEWHERE_PATH_MAX], FILE *errors)
{
	if (find_from_here(TOOLS, NTSAGENT_LIBEXECDIR, out))
		return true;
	fprintf(errors,
	    "ntsctl: cannot execute " NTSAGENT_LIBEXECDIR "/" TOOLS
	    ", which has the command %s: %s; install the package "
	    "ntsagent-tools\n",
	    command, strerror(errno));
	return false;
}

static void complain_not_executed(const char *program, FILE *errors)
{
	fprintf(errors, "ntsctl: cannot execute %s: %s\n", program,
	    strerror(errno));
}

int elsewhere_import(int argc, char **argv, FILE *out, FILE *errors)
{
	char program[ELSEWHERE_PATH_MAX];
	const char **arguments;

	fflush(out);
	if (!find_tools("import", program, errors))
		return EXIT_NO_STATUS;
	arguments = calloc((size_t)argc + 2, sizeof(*arguments));
	if (arguments) {
		arguments[0] = program;
		for (int i = 0; i < argc; i++)
			arguments[i + 1] = argv[i];
		become(program, arguments);
	}
	complain_not_executed(program, errors);
	free(arguments);
	return EXIT_NO_STATUS;
}

enum exit_status elsewhere_report(
    const struct options *o, const struct view *v, FILE *errors)
{
	const char *arguments[ELSEWHERE_ARGUMENTS_MAX];
	char program[ELSEWHERE_PATH_MAX];

	fflush(v->out);
	if (!find_tools(o->command, program, errors))
		return EXIT_NO_STATUS;
	elsewhere_report_arguments(o, program, arguments);
	become(program, arguments);
	complain_not_executed(program, errors);
	return EXIT_NO_STATUS;
}
