/*
 * Words that ntsctl does not know: what it does instead of a command of
 * chronyc(1), and which known word was perhaps meant.
 */
#ifndef AGENT_CTL_SUGGEST_H
#define AGENT_CTL_SUGGEST_H

#include <stddef.h>

/* What this agent does instead of the command of chronyc; NULL: chronyc has no
 * such command, or ntsctl has it too. */
const char *suggest_instead(const char *command);

/* How many letters have to be changed, added, left out or swapped with their
 * neighbour to make `b` of `a`. Only the first 31 letters count. */
unsigned suggest_distance(const char *a, const char *b);

/* Keeps in `*best` the nearest word so far to `word`, if it is near enough;
 * `*distance` starts as SUGGEST_FAR. */
#define SUGGEST_FAR 3
void suggest_nearer(const char *word, const char *candidate, const char **best,
    unsigned *distance);

#endif
