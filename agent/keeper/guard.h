/*
 * The guard: a process that waits for the keeper's end. When the keeper goes
 * (kill -9) while a slew runs, the guard sets the base frequency back, so that
 * no slew is left behind. It does the same when the keeper is there but does
 * not end a slew in time (stopped, or hanging).
 *
 * It knows what the keeper noted in a page of memory that only the two share.
 */
#ifndef AGENT_KEEPER_GUARD_H
#define AGENT_KEEPER_GUARD_H

#include "base/check.h"
#include "clock/kernel/keeper.h"

#include <stdatomic.h>

/* A slew is overdue when it has not ended so long after its end. */
#define GUARD_LATE_NS (500 * NS_PER_MS)
/* The keeper is given so long to carry out a command. */
#define GUARD_COMMAND_NS (5 * NS_PER_S)

struct guard_page {
	_Atomic double base_freq_ppm;
	atomic_bool slewing;
	_Atomic int64_t overdue_ns; /* CLOCK_MONOTONIC, while slewing */
	atomic_bool intervened;	    /* by the guard: the keeper knows less */
};

/* The keeper's side. */
struct guard {
	struct guard_page *page;
	int alive_fd; /* nobody else may have it open */
};

/* Makes page and pipe; `wait_fd` is for the guard's process. 0 or -errno. */
int guard_prepare(struct guard *g, int *wait_fd) MUST_USE;

/* Before the keeper does anything to the clock: from here on a sudden end, or a
 * silence of GUARD_COMMAND_NS, means that the last noted base frequency is set
 * again. */
void guard_alert(struct guard *g, struct mono now);

/* After it: what the clock does now. */
void guard_note(struct guard *g, const struct keeper *k);

/* True: the guard has ended a slew of a keeper that is alive. What the keeper
 * believes of the clock is wrong from then on. */
bool guard_intervened(const struct guard *g) MUST_USE;

/* The keeper ends: closes the pipe, so that the guard looks at the page. */
void guard_release(struct guard *g);

/* The guard's process: blocks until the keeper's end. It closes its copy
 * of the keeper's end of the pipe first. Returns an exit status. */
int guard_main(const struct guard *g, int wait_fd, const struct clock_ops *ops);

#endif
