/*
 * The command line of ntsctl. Options may stand before or behind the command.
 */
#ifndef AGENT_CTL_OPTIONS_H
#define AGENT_CTL_OPTIONS_H

#include "agent/ctl/print/table.h"

#define OPTIONS_ERROR_MAX 160

struct options {
	const char *socket;
	enum output output;
	bool numeric, verbose;
	const char *command; /* "status" when none was given */
	int argc;	     /* the command's arguments */
	char **argv;
};

/*
 * `socket` is where the agent listens unless -s says otherwise. Reorders
 * `argv`, which has to outlive `out`. False: `why` is a sentence.
 */
bool options_parse(struct options *out, int argc, char **argv,
    const char *socket, char why[static OPTIONS_ERROR_MAX]) MUST_USE;

/* The options, for the help. */
void options_help(FILE *out);

#endif
