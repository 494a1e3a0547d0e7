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
	unsigned given;		/* a bit for each option, by its row */
	bool chronyc;		/* -c */
	bool all;		/* -a was given */
	bool named;		/* -N was given */
	bool help;		/* -h */
	const char *after_help; /* the word after -h; NULL: none */
	bool follow;		/* events */
	const char *since, *source, *last; /* events, graph; NULL: none */
	const char *svg;		   /* graph: a file; NULL: none */
	const char *chronyd, *duration;	   /* of compare; NULL: not given */
	bool live;			   /* of check */
	const char *config, *limit;	   /* of check; NULL: not given */
	const char *command;		   /* "status" unless given */
	int argc;			   /* arguments of the command */
	char **argv;
};

/*
 * `socket` is the default of -s. Reorders `argv` and borrows it for the life of
 * `out`. False: `why` is a sentence.
 */
bool options_parse(struct options *out, int argc, char **argv,
    const char *socket, char why[static OPTIONS_ERROR_MAX]) MUST_USE;

/* False: the command does not heed one of the options; `why` is a sentence. */
bool options_fit(
    const struct options *o, char why[static OPTIONS_ERROR_MAX]) MUST_USE;

/* Has this command --csv? */
bool options_have_csv(const char *command);

/* Prints the options for the help. */
void options_help(FILE *out);
/* Those that this command heeds. */
void options_help_of(const char *command, FILE *out);

#endif
