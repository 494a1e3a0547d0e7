/*
 * Other programs on this machine that steer, or may set, the same clock. Found
 * by their names in /proc; where that hides other users' processes, none is
 * seen.
 */
#ifndef AGENT_HOST_RIVALS_H
#define AGENT_HOST_RIVALS_H

#include "base/check.h"

#include <stdbool.h>

#define RIVALS_COMM_MAX 32 /* the kernel's names have 15 characters */
#define RIVALS_TEXT_MAX 160

/* The name of a process; "" when it cannot be read. */
void rivals_comm(const char *proc, long pid, char comm[RIVALS_COMM_MAX]);

/* Programs that steer the clock: one warning each, with the command that ends
 * them. Looks through `proc` ("/proc"); returns how many. */
unsigned rivals_warn(const char *proc);

/* The first that may have set the clock, a virtual machine's helper included:
 * "chronyd (pid 77; `systemctl disable --now chrony` ends it)". False: none is
 * to be seen. */
bool rivals_find(const char *proc, char text[RIVALS_TEXT_MAX]) MUST_USE;

#endif
