/*
 * The guard: a process that does nothing but wait for the keeper's end. When
 * the keeper goes (kill -9) while a slew runs, the guard sets the base
 * frequency back, so that no slew is left behind.
 *
 * It knows what the keeper noted in a page of memory that only the two share.
 */
#ifndef AGENT_GUARD_H
#define AGENT_GUARD_H

#include "base/check.h"
#include "clock/keeper.h"

#include <stdatomic.h>

struct guard_page {
	_Atomic double base_freq_ppm;
	atomic_bool slewing;
};

/* The keeper's side. */
struct guard {
	struct guard_page *page;
	int alive_fd; /* nobody else may have it open */
};

/* Makes page and pipe; `wait_fd` is for the guard's process. 0 or -errno. */
int guard_prepare(struct guard *g, int *wait_fd) MUST_USE;

/* Before the keeper does anything to the clock: from here on a sudden end means
 * that the last noted base frequency is set again. */
void guard_alert(struct guard *g);

/* After it: what the clock does now. */
void guard_note(struct guard *g, const struct keeper *k);

/* The keeper ends: closes the pipe, so that the guard looks at the page. */
void guard_release(struct guard *g);

/* The guard's process: blocks until the keeper's end. It closes its copy
 * of the keeper's end of the pipe first. Returns an exit status. */
int guard_main(const struct guard *g, int wait_fd, const struct clock_ops *ops);

#endif
