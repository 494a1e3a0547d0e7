/*
 * The frequency in a silence: that of the last samples, or a long-term mean?
 *
 * As with the learned drift, each pair of updates is a trial of a silence. The
 * later one shows the mean frequency since the earlier one. The regression of
 * that on the prediction of the earlier one, both against the long-term mean,
 * tells for each length which share of the present deviation from the mean
 * lasts. An oscillator that wanders keeps all of it; one whose temperature goes
 * up and down with the hour or the day comes back to the mean.
 *
 * Pure. Frequencies in s/s; positive: the oscillator is slow.
 */
#ifndef CLOCK_STEERING_HOLDOVER_H
#define CLOCK_STEERING_HOLDOVER_H

#include "clock/filter/estimate.h"

#define HOLDOVER_LAGS 5
#define HOLDOVER_WINDOWS 4 /* overlap in each length */

struct holdover {
	bool started, goes_on; /* `goes_on`: `last` is valid */
	struct osc since, last;
	int64_t last_offset_ns;
	double watched_s; /* of which the mean was taken */
	double mean;
	struct holdover_lag {
		/* Sums over the trials, slowly forgotten: their number, and the
		 * squares and the product of the predicted and the true
		 * deviation from the mean. */
		double trials, square, product, true_square;
		struct holdover_window {
			bool open;
			struct osc at;
			int64_t offset_ns;
			double predicted, mean;
		} window[HOLDOVER_WINDOWS];
		unsigned next;
		bool any;
		struct osc opened; /* the latest window */
	} lag[HOLDOVER_LAGS];
};

void holdover_init(struct holdover *h);

/* The clock or a server was set, or the machine slept: what was learned stays,
 * and no trial goes across it. */
void holdover_interrupt(struct holdover *h);

/* The estimate at `at` has a new sample. */
void holdover_learn(
    struct holdover *h, const struct estimate *e, struct osc at);

/* The share of a deviation from the mean that lasts, as a mean over a silence
 * of `age_s`: 1 if nothing better is known. */
double holdover_lasting(const struct holdover *h, double age_s);

/* By how much the estimate's prediction for `at`, after its last sample, is
 * corrected, s. */
double holdover_shift(
    const struct holdover *h, const struct estimate *e, struct osc at);

#endif
