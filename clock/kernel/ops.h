/*
 * The kernel clock as seen by the keeper: one of the three seams. The real side
 * is clock/kernel/kernel.c, the simulated one is in tests/sim/. Every function
 * but now() returns 0 or -errno.
 */
#ifndef CLOCK_KERNEL_OPS_H
#define CLOCK_KERNEL_OPS_H

#include "base/sample.h"
#include "base/time.h"

struct kernel_status {
	bool synchronised; /* clears STA_UNSYNC */
	enum leap leap;
	int64_t max_error_ns, est_error_ns;
};

struct clock_ops {
	/* CLOCK_REALTIME */
	struct wall (*now)(void *self);
	/* The total frequency that the kernel applies (tick and freq). */
	int (*get_freq)(void *self, double *freq_ppm);
	/* Sets the total frequency, reads back what it became, and switches the
	 * kernel's own loops off. */
	int (*set_freq)(void *self, double freq_ppm, double *became_ppm);
	int (*step)(void *self, int64_t step_ns);
	int (*set_status)(void *self, const struct kernel_status *status);
	void *self;
};

#endif
