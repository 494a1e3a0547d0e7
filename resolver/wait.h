/* Waiting with a deadline. Uses poll(2) alone, because clknetsim knows that. */
#ifndef RESOLVER_WAIT_H
#define RESOLVER_WAIT_H

#include "base/check.h"
#include "base/time.h"

#include <poll.h>

/* Reads CLOCK_MONOTONIC. */
struct mono mono_now(void);

/*
 * Like poll(2), but waits until `deadline` (MONO_NEVER: for ever) and goes on
 * after a signal. 0: the deadline has passed. -1: see errno.
 */
int poll_until(struct pollfd *fds, unsigned count, struct mono deadline);

#endif
