/* `ntsctl import`: the command. */
#ifndef AGENT_CTL_IMPORT_RUN_H
#define AGENT_CTL_IMPORT_RUN_H

#include "agent/ctl/report/report.h"

#include <stdarg.h>

/* The exit status: every line is taken over or not needed; a line has no
 * equivalent, or a server has no NTS; usage; a file cannot be read or written.
 */
enum import_status {
	IMPORT_WHOLE = 0,
	IMPORT_PART = 1,
	IMPORT_USAGE = 2,
	IMPORT_FAILED = 3,
};

/* `argv[0]` is "import". Reorders `argv`. */
int import_run(int argc, char **argv, FILE *out, FILE *errors);

/* Prints the options of the command. */
void import_help(FILE *out);

#endif
