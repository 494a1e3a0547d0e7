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
	} now, before;
	/* Log odds that the asymmetry is another one by now; 0: no sign. */
	double turned;
	/* How the errors of short delays grow with the delay: products of the
	 * changes of both from one short delay to the next (s^2) and their
	 * number, slowly forgotten. A lasting error of the clock cancels. */
	struct error_slope {
		bool known;	     /* a short delay came before, on: */
		unsigned route;	     /* this route, */
		double delay, error; /* with these, s */
		double delay2, both, error2;
		double changes;
	} slope;
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
