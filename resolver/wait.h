/* Waiting with a deadline, in the way that the simulator knows: poll alone. */
#ifndef RESOLVER_WAIT_H
#define RESOLVER_WAIT_H

#include "base/check.h"
#include "base/time.h"

#include <poll.h>

struct mono mono_now(void);

/*
 * As poll(2), until `deadline` (MONO_NEVER: for ever), through interruptions.
 * 0: the deadline has passed. -1: failure, errno is set.
 */
int poll_until(struct pollfd *fds, unsigned count, struct mono deadline);

#endif
