/* `ntsagentd --check`: judges the configuration and, with --live, tries each of
 * its sources, from the name to the time. Needs no agent and no root, listens
 * nowhere, and sets no clock. */
#ifndef AGENT_CHECK_CHECK_H
#define AGENT_CHECK_CHECK_H

#include "agent/check/judge.h"
#include "agent/check/machine.h"
#include "agent/check/remarks.h"

#include <stdio.h>

#define CHECK_LIMIT_S 5

struct check_options {
	const char *config_path;
	bool live; /* try the sources, too */
	bool json;
	int limit_s; /* for all of it; 0: CHECK_LIMIT_S */
};

/* All that was found, for the printers. */
struct check {
	const char *config_path;
	bool live;
	struct remarks remarks;
	enum check_status status;
	char summary[CHECK_TEXT_MAX];
	bool clock_wrong;
	int64_t now_s;
	int64_t duration_ms;
	unsigned width; /* columns of the terminal; 0: do not wrap the text */
	/* What is in the way on this machine. */
	unsigned machine_count;
	struct source_verdict machine[MACHINE_MAX];
	unsigned count;
	struct checked_source *sources;
};

/* Prints the result to `out`. Returns the exit status: enum check_status. */
int check_run(const struct check_options *options, FILE *out);

/* Both print all of `c`. */
void check_print_text(const struct check *c, FILE *out);
void check_print_json(const struct check *c, FILE *out);

#endif
