/* How wrong the clock is: the estimate, and the bound of the truth. */
#ifndef CLOCK_STEERING_REMAINING_H
#define CLOCK_STEERING_REMAINING_H

#include "clock/steering/state.h"
#include "clock/timescale.h"

/* Is it a silence if the last sample, or the last decision, is `since_s` old
 * and they come each `interval_s`? */
bool remaining_is_silent(double since_s, double interval_s);

/* Wall clock against the estimate, ns; positive: slow. Fills `v` for `now`. In
 * a silence both go back to the long-term mean of the frequency, as far as
 * clock/steering/holdover.h says. */
int64_t remaining_ns(const struct steering *s, const struct timescale *t,
    struct wall now, struct estimate_value *v);

/* The same offset without the rest of the estimate, for less. */
int64_t remaining_offset_ns(
    const struct steering *s, const struct timescale *t, struct wall now);

/* The part of remaining_ns() that no sample shows: in a silence, what the
 * long-term mean of the frequency adds; ns. */
int64_t remaining_guess_ns(const struct steering *s, struct osc at);

/* How far the truth may be from the estimate `v` of `now`, if the selected
 * source is honest and the clock runs away as fast as it ever may.
 * INT64_MAX: no source is selected. */
int64_t remaining_bound_ns(
    const struct steering *s, const struct estimate_value *v, struct osc now);

/* The same without what other answers have yet to decide: a pause in doubt, and
 * the outliers of sources that are not selected. */
int64_t remaining_decided_bound_ns(
    const struct steering *s, const struct estimate_value *v, struct osc now);

/* Like remaining_bound_ns(), for a clock that runs away only as fast as is
 * likely. It decides whether the sources are good enough, and that must not
 * depend on how long this machine was watched. */
int64_t remaining_likely_ns(
    const struct steering *s, const struct estimate_value *v, struct osc now);

/* How fast the clock is likely to run away, s/s, if its frequency were known
 * exactly. */
double remaining_likely_drift(const struct steering *s);

/* How far the clock may run away in `age_s` seconds without a sample, s, if the
 * standard deviation of its frequency is `freq_sd`. */
double remaining_runaway_s(
    const struct steering *s, double age_s, double freq_sd);

/* The estimated error of `v`, ns. It has three parts: chance, the differences
 * of the sources, and what no packet shows. It is not larger than if any error
 * up to `bound_ns` were as likely as any other. */
int64_t remaining_sd_ns(
    const struct steering *s, const struct estimate_value *v, int64_t bound_ns);

/* By how much the frequency of now contradicts what was known of it when the
 * record came, s/s: one of them is wrong, and the age of the record makes an
 * error of the clock of it. */
double remaining_freq_doubt(const struct record *r, double freq, double sd);

/* The oscillator's frequency and its standard deviation, s/s. */
double remaining_freq(const struct steering *s, double *sd);

#endif
