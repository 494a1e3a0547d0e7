/*
 * The error model of one path: what the delays cannot tell about the errors of
 * its measurements, learned from how the samples fit the filter's prediction.
 * Pure; seconds.
 *
 * Two ways with exponential queueing delays of equal mean make an even box
 * (clock/filter/box.h). Delays from many short queues make a bell inside it, a
 * wrong floor makes soft edges, and a busier way tilts it.
 */
#ifndef CLOCK_FILTER_ERROR_MODEL_H
#define CLOCK_FILTER_ERROR_MODEL_H

#include "clock/filter/box.h"
#include "clock/filter/delay.h"

#define ERROR_MODEL_WIDTHS 3
#define ERROR_MODEL_EDGES 5

/* How the errors change with the delay from one sample to the next: products of
 * both changes (s^2) and their number, slowly forgotten. A lasting error of the
 * clock cancels. */
struct error_changes {
	double longer2, both, error2;
	double count;
};

/* The sample before the next change. */
struct error_last {
	unsigned route;
	double delay, error; /* s; the delay as in those changes */
	double share; /* how much of it is usual, up to 1; 0: no sample yet */
};

struct error_model {
	/* Of each shape of the box, relative to the best one. */
	double log_weight[ERROR_MODEL_WIDTHS][ERROR_MODEL_EDGES];
	/* The mean of all shapes, by these weights: the width as a share of
	 * half the excess delay, the edge in mean queueing delays. */
	struct error_shape {
		double width, edge;
	} shape;
	/* Sums of the errors and of half the excess delays, both in s, and the
	 * number of samples, slowly forgotten: since the last restart of the
	 * filter, and of all samples before it. */
	struct error_sums {
		double error, excess, samples;
		double queue; /* the mean one while they were learned, s */
		/* Of the far ones (error_model.c, FAR_QUEUES): the errors as
		 * shares of half the excess delay, and their number. */
		double far_error, far_samples;
		/* The changes of half the excess delays. */
		struct error_changes changes;
	} now, before;
	struct error_last last;
	/* Log odds that the asymmetry is another one by now; 0: no sign. */
	double turned;
	/* The changes between short delays, of whole delays. */
	struct error_changes short_changes;
	struct error_last last_short;
};

void error_model_init(struct error_model *m);

/* After a change of the weights: finds their mean again. */
void error_model_weigh(struct error_model *m);

/* The filter is about to take in the same samples again. What they showed of
 * the asymmetry is kept, so that it serves from the first sample on. */
void error_model_restart(struct error_model *m);

/* The box of a sample with `delay` that took `route`. `noise`: standard
 * deviation of the time stamps. */
struct box error_model_box(const struct error_model *m,
    const struct delay_track *t, unsigned route, double delay, double noise);

/* How much busier one way is than the other one, from 0 (no sign of it) to 1.
 */
double error_model_lopsided(
    const struct error_model *m, const struct delay_track *t);

/* How soft the edges are, in mean queueing delays. */
double error_model_softness(const struct error_model *m);

/* Learns from such a sample. `before` and `after`: the filter's estimate of
 * what this source measures, minus what it did measure, before and after the
 * sample. */
void error_model_learn(struct error_model *m, const struct delay_track *t,
    unsigned route, double delay, double noise, const struct gaussian *before,
    const struct gaussian *after);

#endif
