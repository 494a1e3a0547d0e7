/* ntsctl as a function, so that a test can call it. */
#ifndef AGENT_CTL_PROGRAM_H
#define AGENT_CTL_PROGRAM_H

#include "agent/ctl/options.h"
#include "agent/ctl/report/report.h"

#include <stdio.h>

/* The commands that are in another program (agent/ctl/elsewhere.h), so that
 * ntsctl is small. That program calls ctl_main() with the commands themselves.
 */
struct ctl_tools {
	/* `argv[0]` is "import". Returns the exit status. */
	int (*import)(int argc, char **argv, FILE *out, FILE *errors);
	enum exit_status (*compare)(
	    const struct options *o, const struct view *v, FILE *errors);
	enum exit_status (*graph)(
	    const struct options *o, const struct view *v, FILE *errors);
	enum exit_status (*watch)(
	    const struct options *o, const struct view *v, FILE *errors);
};

/* Reorders `argv`. Prints to `out`, and each error as one line to `errors`.
 * Returns the exit status. */
int ctl_main(const struct ctl_tools *tools, int argc, char **argv, FILE *out,
    FILE *errors);

#endif
