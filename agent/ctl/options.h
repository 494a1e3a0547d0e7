/*
 * The command line of ntsctl. Options may come before or after the command.
 */
#ifndef AGENT_CTL_OPTIONS_H
#define AGENT_CTL_OPTIONS_H

#include "agent/ctl/print/table.h"

#define OPTIONS_ERROR_MAX 160

struct options {
	const char *socket;
	enum output output;
	bool numeric, verbose;
	const char *command; /* "status" unless given */
	int argc;	     /* arguments of the command */
	char **argv;
};

/*
 * `socket` is the default of -s. Reorders `argv` and borrows it for the life of
 * `out`. False: `why` is a sentence.
 */
bool options_parse(struct options *out, int argc, char **argv,
    const char *socket, char why[static OPTIONS_ERROR_MAX]) MUST_USE;

/* Prints the options for the help. */
void options_help(FILE *out);

#endif
