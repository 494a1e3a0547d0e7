/*
 * Which sockets are read. Each has a budget of its own, and pauses when that is
 * used up, so that the clients of one socket cannot starve those of another.
 */
#ifndef AGENT_CMDMON_TURNS_H
#define AGENT_CMDMON_TURNS_H

#include "agent/cmdmon/sockets.h"
#include "base/allowance.h"

/* `chronyc sources` with 64 sources asks 129 times. */
#define TURNS_BURST 4000
#define TURNS_PER_S 4000
/* When too much is asked, so long nothing is read from the socket: the kernel
 * drops what its queue has no room for. */
#define TURNS_PAUSE_MS 10

struct turns {
	unsigned count;
	struct {
		struct allowance allowance;
		struct mono resumes; /* it is not read before */
	} of[SOCKETS_MAX];
};

/* `count` sockets, none of which pauses. */
void turns_init(struct turns *t, unsigned count, struct mono now);

/* May a request of socket `i` be answered now? Counts it. False: the socket
 * pauses from now on. */
bool turns_allow(struct turns *t, unsigned i, struct mono now) MUST_USE;

bool turns_pauses(const struct turns *t, unsigned i, struct mono now) MUST_USE;

/* Milliseconds until the first pause ends, at least 1; 0: no socket pauses. */
int turns_wait_ms(const struct turns *t, struct mono now) MUST_USE;

#endif
