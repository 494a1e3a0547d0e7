/*
 * The joint filter: offset, frequency and drift of the local oscillator, and
 * one small, slowly varying bias for each source, estimated from every packet
 * of every source. Pure.
 *
 * How much the oscillator wanders, whether its frequency drifts, and whether
 * the sources' biases matter, is not known. So a bank of filters runs, one for
 * each assumption (a "model"), weighted by how well each predicts. Their states
 * mix a little at each sample, so that a model that was wrong so far starts
 * from what the others know (interacting multiple models; Blom and Bar-Shalom
 * 1988).
 *
 * Biases are relative: their mean, weighted by 1 / bias_sd^2, is zero by
 * definition, because no packet can show it. An error that all sources share is
 * covered by the root distance, not by the deviations here.
 *
 * Offsets and frequencies: positive, the oscillator is slow.
 */
#ifndef CLOCK_FILTER_ESTIMATE_H
#define CLOCK_FILTER_ESTIMATE_H

#include "base/time.h"
#include "clock/filter/box.h"
#include "clock/filter/oscillator.h"

#include <stdbool.h>

#define ESTIMATE_SOURCES 16
#define ESTIMATE_BIASES 2
#define ESTIMATE_MODELS (OSCILLATORS * ESTIMATE_BIASES)

/* After the states of the oscillator: the bias of each source, s. */
#define STATE_BIAS OSCILLATOR_STATES
#define ESTIMATE_STATES (STATE_BIAS + ESTIMATE_SOURCES)

/* The places of a row are even in number, because the filter handles two at
 * once. */
#define ESTIMATE_MEANS (ESTIMATE_STATES + ESTIMATE_STATES % 2)
#define ESTIMATE_ROW(i) (2 * (((i) + 1) / 2) * (((i) + 2) / 2))

/*
 * The covariance is symmetric: of each pair of states only (i, j) with i >= j
 * is kept, at ESTIMATE_ROW(i) + j. So the rows lie close together, and few
 * lines of the cache hold a model. A row of an odd number of states has a place
 * more at its end, whose value means nothing.
 */
struct estimate_state {
	/* The offset counts from the anchor. */
	double mean[ESTIMATE_MEANS];
	double cov[ESTIMATE_ROW(ESTIMATE_STATES)];
};

struct estimate_model {
	unsigned oscillator;  /* index into oscillators[] */
	double bias_scale;    /* of bias_sd */
	double prior, weight; /* each sums to 1 over all models */
	struct estimate_state state;
};

struct estimate {
	unsigned sources, states, model_count;
	bool started;	   /* has taken in a sample */
	struct osc at;	   /* of the states */
	int64_t anchor_ns; /* the offset's zero */
	double bias_sd[ESTIMATE_SOURCES];
	double bias_info;     /* sum of 1 / bias_sd^2 */
	double evidence;      /* log likelihood of the latest measurement */
	double freq, freq_sd; /* of the whole bank at `at`, s/s */
	/* The bias of this source has a known cause: it says nothing about how
	 * far the sources differ by chance. */
	bool bias_explained[ESTIMATE_SOURCES];
	/* Of no time, and of the interval of estimate_look_ahead(), s. */
	struct passage none[OSCILLATORS], ahead[OSCILLATORS];
	double ahead_s;
	struct estimate_model models[ESTIMATE_MODELS];
};

struct estimate_value {
	int64_t offset_ns;
	double offset_sd;     /* s: by chance alone, see estimate_sd() */
	double freq, freq_sd; /* s/s */
	double drift;	      /* of the frequency, 1/s */
};

/* `bias_sd`: for each source, > 0, the standard deviation of its bias, s.
 * `freq`, `freq_sd`: what is known before the first sample, s/s. */
void estimate_init(struct estimate *e, double freq, double freq_sd,
    const double *bias_sd, unsigned sources);

/* Says that the next questions are about `at`: only makes them cheaper. */
void estimate_look_ahead(struct estimate *e, struct osc at);

/* The offset that `source` is expected to measure at `at`, minus `offset_ns`,
 * in s. */
struct gaussian estimate_predict(const struct estimate *e, unsigned source,
    struct osc at, int64_t offset_ns);

/* Takes in a measurement. Measurements may come slightly out of order: an older
 * one is moved along with the estimated frequency. */
void estimate_add(struct estimate *e, unsigned source, struct osc at,
    int64_t offset_ns, const struct box *box);

/* Returns the log likelihood (density per second) that this measurement would
 * have. Nothing is learned from it. */
double estimate_evidence(const struct estimate *e, unsigned source,
    struct osc at, int64_t offset_ns, const struct box *box);

/* Moves all models towards the limits: the offset at `at` is certainly between
 * them. */
void estimate_bound(
    struct estimate *e, struct osc at, int64_t low_ns, int64_t high_ns);

/* The bias of `source` has changed, with a standard deviation of `sd` seconds.
 * `explained`: a change of its path is the cause. */
void estimate_inflate_bias(
    struct estimate *e, unsigned source, double sd, bool explained);

/* The path of `source` is another one now, with a known bias, s. */
void estimate_set_bias(
    struct estimate *e, unsigned source, struct gaussian bias);

/* The path of `source` is another one now: its bias gets this mean, s, and the
 * standard deviation that it had at the start. */
void estimate_reset_bias(struct estimate *e, unsigned source, double mean);

/* The bias of `source` is smaller by `by` seconds than was estimated. */
void estimate_reduce_bias(struct estimate *e, unsigned source, double by);

/* The offset is larger by `by` seconds than was estimated. */
void estimate_shift_offset(struct estimate *e, double by);

/* Takes in what something else says about the bias, s. */
void estimate_learn_bias(
    struct estimate *e, unsigned source, struct gaussian bias);

/* Moves the bias, and all other states as far as they depend on it. What is
 * uncertain of them remains so. */
void estimate_move_bias(struct estimate *e, unsigned source, double by);

/* The frequency is larger by `by` (s/s) than was estimated. */
void estimate_shift_freq(struct estimate *e, double by);

/* The oscillator itself jumped: its offset with a standard deviation of `sd`
 * seconds, its frequency with `freq_sd` (s/s). */
void estimate_inflate_clock(struct estimate *e, double sd, double freq_sd);

struct estimate_value estimate_at(const struct estimate *e, struct osc at);

/* Parts of estimate_at(), for less. */
double estimate_freq(const struct estimate *e, struct osc at, double *sd);
int64_t estimate_offset_ns(const struct estimate *e, struct osc at);

/* The standard deviation because the sources differ lastingly, s. */
double estimate_spread_sd(const struct estimate *e);

/* The standard deviation of the offset for both reasons, s. */
double estimate_sd(const struct estimate *e, const struct estimate_value *v);

/* Are samples this far apart enough to follow the drift of the frequency, which
 * is likely to change within its time? */
bool estimate_follows(const struct estimate *e, double interval_s);

struct gaussian estimate_bias(const struct estimate *e, unsigned source);

#endif
