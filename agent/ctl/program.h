/*
 * ntsctl as a function: the command line in, an exit status out.
 */
#ifndef AGENT_CTL_PROGRAM_H
#define AGENT_CTL_PROGRAM_H

#include <stdio.h>

/* `argv` is reordered. Everything goes to `out`, every complaint as one line
 * to `errors`. */
int ctl_main(int argc, char **argv, FILE *out, FILE *errors);

#endif
