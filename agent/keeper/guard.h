/*
 * The guard: a process that waits for the keeper's end. When the keeper dies
 * (kill -9) during a slew, the guard sets the base frequency, so that no slew
 * runs on. It does so, too, when the keeper lives but does not end a slew in
 * time, because it is stopped or hangs.
 *
 * Keeper and guard share a page of memory, in which the keeper writes what the
 * clock does, and a pipe. No other process has either of them.
 */
#ifndef AGENT_KEEPER_GUARD_H
#define AGENT_KEEPER_GUARD_H

#include "base/check.h"
#include "clock/kernel/keeper.h"

#include <stdatomic.h>

/* A slew is overdue when it still runs this long after its end. */
#define GUARD_LATE_NS (500 * NS_PER_MS)
/* The keeper has this much time to carry out a command. */
#define GUARD_COMMAND_NS (5 * NS_PER_S)

struct guard_page {
	_Atomic double base_freq_ppm;
	atomic_bool slewing;
	_Atomic int64_t overdue_ns; /* CLOCK_MONOTONIC, while slewing */
	atomic_bool intervened;	    /* the guard has ended a slew */
};

/* The keeper's side. */
struct guard {
	struct guard_page *page;
	int alive_fd; /* the pipe; the guard sees it close when we die */
};

/* The guard's side: descriptors that its process gets. */
struct guard_fds {
	int page, pipe;
};

/* Makes page and pipe. The caller closes `out` when the guard runs. 0, or
 * -errno. */
int guard_prepare(struct guard *g, struct guard_fds *out) MUST_USE;

/* The keeper calls this before it does anything to the clock. If it dies after
 * this call, or is silent for GUARD_COMMAND_NS, the guard sets the base
 * frequency of the last guard_note(). */
void guard_alert(struct guard *g, struct mono now);

/* The keeper calls this afterwards: what the clock does now. */
void guard_note(struct guard *g, const struct keeper *k);

/*
 * For the process that holds this end of the pipe, the keeper's or the guard's:
 * when the other end closes, the kernel sends SIGCONT to this process. So a
 * keeper or guard that was stopped goes on when the other one is killed, and
 * ends the slew. A keeper that wakes the guard makes it go on, too. A kernel
 * that cannot do this is logged.
 */
void guard_survive(int pipe_fd);

/* True: the guard has ended a slew while the keeper was alive, or is about to.
 * The keeper's state no longer describes the clock (keeper_overtaken()). The
 * guard watches again, and the next call returns false. */
bool guard_intervened(struct guard *g) MUST_USE;

/* The keeper ends: closes the pipe, so that the guard looks at the page. */
void guard_release(struct guard *g);

/* The guard's process: blocks until the keeper's end. Returns an exit status.
 */
int guard_main(const struct guard_fds *fds, const struct clock_ops *ops);

#endif
