/*
 * The command line of ntsagentd(8) as one value. Pure, except that getopt
 * keeps a state of its own.
 */
#ifndef AGENT_CONFIG_OPTIONS_H
#define AGENT_CONFIG_OPTIONS_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>

#define OPTIONS_TEXT_MAX 200

struct run_options {
	bool no_clock; /* measure only */
	const char
	    *no_clock_reason; /* "--no-clock", "not started as root", ... */
	bool single_process;
	bool foreground;
	bool once;	 /* -q: set the clock once and exit */
	bool print_only; /* -Q: print the offset and exit; implies no_clock */
	int timeout_s;	 /* -t: give up with exit status 1; 0: never */
};

enum options_task {
	TASK_RUN,
	TASK_CHECK_CONFIG,
	TASK_VERSION,
	TASK_HELP,
};

struct options {
	enum options_task task;
	const char *config_path; /* borrowed from argv, or the default */
	bool debug;
	struct run_options run;
};

/* False: `error` is a sentence for the user. */
bool options_parse(struct options *o, int argc, char *const argv[],
    char error[OPTIONS_TEXT_MAX]) MUST_USE;

/* The text of --help. It ends with a newline. */
const char *options_help(void);

#endif
