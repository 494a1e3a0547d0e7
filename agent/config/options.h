/*
 * The command line of ntsagentd(8) as one value. Pure, except that getopt
 * keeps a state of its own.
 */
#ifndef AGENT_CONFIG_OPTIONS_H
#define AGENT_CONFIG_OPTIONS_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define OPTIONS_TEXT_MAX 200

struct run_options {
	bool no_clock; /* measure only */
	const char
	    *no_clock_reason; /* "--no-clock", "not started as root", ... */
	/* How far this process is confined, in words; NULL: not known. The
	 * command line does not say it. */
	const char *sandbox;
	bool single_process;
	bool foreground;
	bool once;	 /* -q: set the clock once and exit */
	bool print_only; /* -Q: print the offset and exit; implies no_clock */
	int timeout_s;	 /* -t: give up with exit status 1; 0: never */
	/* --max-bound, with `once`: end when a majority of the servers agrees
	 * that the clock is right within +- of it; 0: when it is set. */
	int64_t max_bound_ns;
};

enum options_task {
	TASK_RUN,
	TASK_CHECK_CONFIG,
	TASK_CHECK,
	TASK_VERSION,
	TASK_HELP,
};

struct options {
	enum options_task task;
	const char *config_path; /* borrowed from argv, or the default */
	bool debug;
	bool live, json; /* of --check */
	struct run_options run;
};

/* False: `error` is a sentence for the user. */
bool options_parse(struct options *o, int argc, char *const argv[],
    char error[OPTIONS_TEXT_MAX]) MUST_USE;

/* Prints the text of --help. */
void options_print_help(FILE *out);

#endif
