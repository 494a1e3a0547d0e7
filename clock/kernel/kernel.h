/*
 * The kernel clock itself, by clock_adjtime(2): the real side of
 * clock/kernel/ops.h, and the only place that calls it.
 *
 * Clearing STA_UNSYNC (kernel_status.synchronised) also makes Linux copy the
 * time to the hardware clock every 11 minutes, where it is built to do so.
 */
#ifndef CLOCK_KERNEL_KERNEL_H
#define CLOCK_KERNEL_KERNEL_H

#include "clock/kernel/ops.h"

struct clock_ops kernel_clock(void);

/*
 * A frequency is set by two knobs: the length of a tick, in whole microseconds
 * per 1/USER_HZ s, and a fine part in 2^-16 ppm of at most +-500 ppm. `ppm` is
 * their sum. Pure; for kernel_clock and its tests.
 */
struct kernel_freq {
	long tick_us;
	long freq_scaled;
};
struct kernel_freq kernel_freq_of(double ppm, long user_hz);
double kernel_freq_ppm(const struct kernel_freq *f, long user_hz);

#endif
