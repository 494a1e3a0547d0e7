/*
 * The uncorrected timescale: CLOCK_REALTIME minus everything that the agent
 * made the kernel add to it. The ledger of adjustments is exact, so a sample on
 * this scale is never rewritten. Pure.
 *
 * Between two changes, CLOCK_REALTIME runs at (1 + freq) times the rate of the
 * oscillator.
 */
#ifndef CLOCK_TIMESCALE_H
#define CLOCK_TIMESCALE_H

#include "clock/command.h"

/* The ledger keeps this many changes, enough for all exchanges in flight. A
 * stamp older than the oldest kept change is converted with the frequency of
 * that change. */
#define TIMESCALE_CHANGES 32

struct timescale {
	struct {
		struct wall wall; /* just after the change */
		struct osc osc;	  /* the same instant */
		double osc_part;  /* what rounding left out of osc, ns */
		double freq;	  /* from this change on, s/s */
	} change[TIMESCALE_CHANGES];
	unsigned first, count;
};

/* The two scales start with equal readings, just after `start`. */
void timescale_init(struct timescale *t, const struct clock_change *start);
/* Enters a change that the keeper reported. */
void timescale_change(struct timescale *t, const struct clock_change *c);
struct osc timescale_osc(const struct timescale *t, struct wall w);
/* All that was added to CLOCK_REALTIME up to `w`: w minus its osc. */
int64_t timescale_added_ns(const struct timescale *t, struct wall w);
/*
 * Enters a leap second that the kernel executed at `at` (CLOCK_REALTIME just
 * before it). The servers move with it, too. So the oscillator's scale moves by
 * as much oscillator time as `leap_ns` takes at `freq_ppm`, the base frequency
 * without a slew: an older estimate then predicts what comes after with its
 * frequency unchanged.
 */
void timescale_leap(
    struct timescale *t, struct wall at, int64_t leap_ns, double freq_ppm);
/*
 * Enters a jump of CLOCK_REALTIME that another program made between two
 * readings, as if the agent had made it: osc goes on smoothly. `at`:
 * CLOCK_REALTIME just before the jump. Not for a leap second: timescale_leap().
 */
void timescale_foreign_step(
    struct timescale *t, struct wall at, int64_t step_ns);

#endif
