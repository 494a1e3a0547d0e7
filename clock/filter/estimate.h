/*
 * The joint filter: offset, frequency and drift of the local oscillator, and
 * one small slowly varying bias per source, from every packet of every source.
 * Pure.
 *
 * How much the oscillator wanders, whether its frequency drifts as temperature
 * makes it, and whether the sources' biases matter, is not known: a bank of
 * filters runs, one per assumption, weighed by how well
 * each predicts. Their states mix a little at each sample (interacting multiple
 * models; Blom and Bar-Shalom 1988), so that a filter that was wrong so far
 * starts from what the others know.
 *
 * Biases are relative: their mean, weighed by 1 / bias_sd^2, is zero by
 * definition, for no packet could tell. What all sources have in common is
 * covered by the root distance, not by the deviations here.
 */
#ifndef CLOCK_FILTER_ESTIMATE_H
#define CLOCK_FILTER_ESTIMATE_H

#include "base/time.h"
#include "clock/filter/box.h"

#include <stdbool.h>

#define ESTIMATE_SOURCES 14
#define ESTIMATE_STATES (3 + ESTIMATE_SOURCES)
#define ESTIMATE_OSCILLATORS 19
#define ESTIMATE_BIASES 2
#define ESTIMATE_MEMBERS (ESTIMATE_OSCILLATORS * ESTIMATE_BIASES)

struct estimate_state {
	/* offset - anchor (s), frequency (s/s), drift (1/s), biases (s) */
	double mean[ESTIMATE_STATES];
	double cov[ESTIMATE_STATES][ESTIMATE_STATES];
};

struct estimate_member {
	unsigned oscillator;  /* the assumption about it */
	double bias_scale;    /* of bias_sd */
	double prior, weight; /* all sum to 1 */
	struct estimate_state state;
};

struct estimate {
	unsigned sources, states, member_count;
	bool started;
	struct osc at;	   /* of the states */
	int64_t anchor_ns; /* what mean[0] counts from */
	double bias_sd[ESTIMATE_SOURCES];
	double bias_info;		 /* sum of 1 / bias_sd^2 */
	bool loosened[ESTIMATE_SOURCES]; /* its bias is no accident */
	struct estimate_member members[ESTIMATE_MEMBERS];
};

/* Offsets and frequencies: positive, the oscillator is slow. */
struct estimate_value {
	int64_t offset_ns;
	double offset_sd;     /* s, by chance alone ... */
	double spread_sd;     /* s, and because the sources disagree for good */
	double freq, freq_sd; /* s/s */
	double drift;	      /* of the frequency, 1/s */
};

/* `bias_sd`: one per source, > 0: what a bias may be, in seconds. */
void estimate_init(struct estimate *e, double freq, double freq_sd,
    const double *bias_sd, unsigned sources);

/* What is thought of the offset that `source` will measure at `at`, relative to
 * `offset_ns`. */
struct belief estimate_belief(const struct estimate *e, unsigned source,
    struct osc at, int64_t offset_ns);

/* A measurement. Not far from the order of time: one older than the filter is
 * moved along with the filter's own frequency. */
void estimate_add(struct estimate *e, unsigned source, struct osc at,
    int64_t offset_ns, const struct box *box);

/* The path of `source` has changed: its bias, too, by about `sd` seconds. */
void estimate_loosen(struct estimate *e, unsigned source, double sd);

/* It is another path now, whose bias is known. */
void estimate_set_bias(struct estimate *e, unsigned source, struct belief bias);

/* Something else tells of the bias, too. */
void estimate_learn_bias(
    struct estimate *e, unsigned source, struct belief bias);

/* The oscillator itself has jumped: its offset by about `sd` seconds, its
 * frequency perhaps by `freq_sd`. */
void estimate_widen(struct estimate *e, double sd, double freq_sd);

struct estimate_value estimate_at(const struct estimate *e, struct osc at);

/* Whether samples so far apart are enough to follow the drift of the frequency,
 * which is likely to change within its time. */
bool estimate_follows(const struct estimate *e, double interval_s);

struct belief estimate_bias(const struct estimate *e, unsigned source);

#endif
