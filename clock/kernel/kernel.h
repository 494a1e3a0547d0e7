/*
 * The kernel clock itself, set by clock_adjtime(2): the real side of
 * clock/kernel/ops.h, and the only place that makes this call.
 *
 * kernel_status.synchronised clears STA_UNSYNC. Linux then also copies the time
 * to the hardware clock every 11 minutes, if it is built to do so.
 */
#ifndef CLOCK_KERNEL_KERNEL_H
#define CLOCK_KERNEL_KERNEL_H

#include "clock/kernel/ops.h"

struct timex;

/* The machine's clock. */
struct clock_ops kernel_clock(void);

/*
 * For tests: the same code with another system call. `adjtime` is called as
 * clock_adjtime(2) is and returns what that returns: -1 with errno set, or the
 * state of the clock. `user_hz` is the kernel's USER_HZ. The struct outlives
 * the ops.
 */
struct kernel_call {
	int (*adjtime)(void *self, struct timex *t);
	void *self;
	long user_hz;
};
struct clock_ops kernel_clock_by(struct kernel_call *call);

/*
 * Two fields set a frequency: the length of a tick, in whole microseconds per
 * 1/USER_HZ s, and a fine part in 2^-16 ppm of at most +-500 ppm. The frequency
 * in ppm is the sum of both. Pure; for kernel_clock() and its tests.
 */
struct kernel_freq {
	long tick_us;
	long freq_scaled;
};
struct kernel_freq kernel_freq_of(double ppm, long user_hz);
double kernel_freq_ppm(const struct kernel_freq *f, long user_hz);

#endif
