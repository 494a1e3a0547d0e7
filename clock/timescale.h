/*
 * The uncorrected timescale: CLOCK_REALTIME minus everything that the kernel
 * was told to add to it. An exact ledger of adjustments; a sample put on this
 * scale never has to be rewritten. Pure.
 *
 * Between two changes the wall clock runs at (1 + freq) of the oscillator.
 */
#ifndef CLOCK_TIMESCALE_H
#define CLOCK_TIMESCALE_H

#include "clock/command.h"

/* Old changes are folded; stamps older than the oldest kept one are converted
 * with its frequency. 32 changes cover the exchanges that can be in flight. */
#define TIMESCALE_CHANGES 32

struct timescale {
	struct {
		struct wall wall; /* just after the change */
		struct osc osc;	  /* the same moment */
		double osc_part;  /* what rounding left out of osc, ns */
		double freq;	  /* from then on, s/s */
	} change[TIMESCALE_CHANGES];
	unsigned first, count;
};

/* Starts with osc equal to wall at `start.at`. */
void timescale_init(struct timescale *t, const struct clock_change *start);
void timescale_change(struct timescale *t, const struct clock_change *c);
struct osc timescale_osc(const struct timescale *t, struct wall w);
/* Wall minus osc at w: all that was added so far. */
int64_t timescale_added_ns(const struct timescale *t, struct wall w);
/* A leap second that the kernel executed at `at` (CLOCK_REALTIME just before).
 * The servers move by it, too. The oscillator's scale moves by as much of its
 * time as that takes at `freq_ppm`, the base frequency (no slew): then an
 * estimate made before predicts, with its frequency, what comes after. */
void timescale_leap(
    struct timescale *t, struct wall at, int64_t leap_ns, double freq_ppm);
/* A jump of CLOCK_REALTIME that the ledger did not order, seen between two
 * readings: taken into the ledger as if it were ours, so that osc goes on
 * smoothly. `at`: CLOCK_REALTIME just before the jump. Not for a leap second:
 * that one moves the servers, too. */
void timescale_foreign_step(
    struct timescale *t, struct wall at, int64_t step_ns);

#endif
