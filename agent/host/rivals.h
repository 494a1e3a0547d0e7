/*
 * Finds other programs on this machine that steer, or may set, the same clock,
 * by their names in /proc. Only a process that has CAP_SYS_TIME counts: every
 * user can give a process such a name. Where /proc hides the processes of other
 * users, it finds none.
 */
#ifndef AGENT_HOST_RIVALS_H
#define AGENT_HOST_RIVALS_H

#include "base/check.h"

#include <stdbool.h>

#define RIVALS_COMM_MAX 32 /* the kernel's names have 15 characters */
#define RIVALS_TEXT_MAX 200

/* The name of a process; "" when it cannot be read. */
void rivals_comm(const char *proc, long pid, char comm[RIVALS_COMM_MAX]);

/* Does the process still run? A zombie, which has ended but was not collected,
 * does not. */
bool rivals_runs(const char *proc, long pid);

/* Logs a warning for each program that steers the clock, with the command that
 * ends it. Searches `proc` ("/proc"); returns how many there are. */
unsigned rivals_warn(const char *proc);

/* Describes the first program that may have set the clock, such as a virtual
 * machine's helper: "chronyd (pid 77; `systemctl disable --now chrony` ends
 * it)". False: it finds none. */
bool rivals_find(const char *proc, char text[RIVALS_TEXT_MAX]) MUST_USE;

#endif
