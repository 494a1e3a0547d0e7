/*
 * Files, TCP ports and scopes: the Landlock of a process. Its system calls are
 * made without the C library, and its numbers are here, so that old headers do
 * not matter. What the running kernel does not know is left out.
 */
#ifndef AGENT_HOST_SANDBOX_LANDLOCK_H
#define AGENT_HOST_SANDBOX_LANDLOCK_H

#include "agent/host/sandbox/profiles.h"

/* The versions that added something. */
#define LANDLOCK_ABI_RENAME 2
#define LANDLOCK_ABI_TRUNCATE 3
#define LANDLOCK_ABI_TCP 4
#define LANDLOCK_ABI_DEVICES 5
#define LANDLOCK_ABI_SCOPES 6

/* The version of Landlock; 0: there is none. */
int landlock_version(void);

/* Confines this process. 0, or -errno. */
int landlock_enter(const struct profile *p, const struct sandbox_request *r,
    int version) MUST_USE;

#endif
