/* ntsctl as a function, so that a test can call it. */
#ifndef AGENT_CTL_PROGRAM_H
#define AGENT_CTL_PROGRAM_H

#include <stdio.h>

/* Reorders `argv`. Prints to `out`, and each error as one line to `errors`.
 * Returns the exit status. */
int ctl_main(int argc, char **argv, FILE *out, FILE *errors);

#endif
