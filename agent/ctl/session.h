/*
 * ntsctl under the name chronyc: the command line, the prompt, the text forms,
 * the status lines and the exit statuses of chronyc(1).
 */
#ifndef AGENT_CTL_SESSION_H
#define AGENT_CTL_SESSION_H

#include <stdbool.h>
#include <stdio.h>

/* Was the program called so? */
bool session_is_chronyc(const char *program);

/* Commands come from the arguments or, without any, from `in`. 0: the last one
 * succeeded; 1: it did not. Words for a person go to `errors`. */
int session_main(int argc, char **argv, FILE *in, FILE *out, FILE *errors);

#endif
