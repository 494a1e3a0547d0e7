/*
 * The kernel clock as seen by the keeper: one of the three seams. The real side
 * is clock/kernel/kernel.c, the simulated one is in tests/sim/. Every function
 * but now() returns 0 or -errno.
 */
#ifndef CLOCK_KERNEL_OPS_H
#define CLOCK_KERNEL_OPS_H

#include "base/sample.h"
#include "base/time.h"

/* With a larger bound of the error, the clock counts as not synchronised. */
#define KERNEL_GOOD_ERROR_NS (16 * NS_PER_S - NS_PER_US)

struct kernel_status {
	bool synchronised; /* clears STA_UNSYNC, if the bound is good */
	enum leap leap;
	int64_t max_error_ns, est_error_ns;
	/* `leap` is armed already: do not arm it if it is not, and do not make
	 * the kernel forget an old one. */
	bool leap_stays;
};

/* What the kernel does with the clock, also for other programs. */
struct kernel_found {
	double freq_ppm; /* the total frequency: tick and freq */
	/* Slews of other programs that are not over; positive: forward. */
	int64_t adjtime_ns; /* by adjtime(3) */
	int64_t offset_ns;  /* by the kernel's own loop (ADJ_OFFSET) */
	bool loop;	    /* the kernel's own loop is on (PLL, FLL) */
	bool synchronised;
	enum leap leap; /* armed: LEAP_INSERT, LEAP_DELETE; else LEAP_NONE */
};

struct clock_ops {
	/* CLOCK_REALTIME */
	struct wall (*now)(void *self);
	int (*look)(void *self, struct kernel_found *found);
	/* Sets the total frequency, reads back what it became, and ends all
	 * slews of other programs and the kernel's own loops; a loop goes on if
	 * its end would lose a leap second that is about to come. */
	int (*set_freq)(void *self, double freq_ppm, double *became_ppm);
	int (*step)(void *self, int64_t step_ns);
	int (*set_status)(void *self, const struct kernel_status *status);
	/* Disarms a leap second, and changes nothing else; NULL if look() never
	 * finds one, in a simulation. */
	int (*disarm)(void *self);
	/* TAI - UTC, for CLOCK_TAI; NULL in a simulation. */
	int (*set_tai)(void *self, int tai_s);
	void *self;
};

#endif
