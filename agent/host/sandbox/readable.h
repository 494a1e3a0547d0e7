/* The files that a job reads: those of the system, trusted certificates, and
 * revocation lists. */
#ifndef AGENT_HOST_SANDBOX_READABLE_H
#define AGENT_HOST_SANDBOX_READABLE_H

#include "base/check.h"

/*
 * Calls `allow` for each path that a name lookup, TLS and their libraries may
 * read, for each of `more`, and for what the links in these folders, and in
 * those that the environment names, lead to. Stops at the first result that is
 * not 0, and returns it.
 */
int readable_each(const char *const *more, unsigned count,
    int (*allow)(void *self, const char *path), void *self) MUST_USE;

#endif
