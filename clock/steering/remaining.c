#include "clock/steering/remaining.h"

#include "clock/steering/unseen.h"

#include <math.h>

/* Of the frequency: for the vote, and for what must never be exceeded. */
#define LIKELY_DEVIATIONS 2
#define CERTAIN_DEVIATIONS 3

static int64_t magnitude(int64_t ns)
{
	return ns < 0 ? -ns : ns;
}

int64_t remaining_ns(const struct steering *s, const struct timescale *t,
    struct wall now, struct estimate_value *v)
{
	*v = estimate_at(&s->estimate, timescale_osc(t, now));
	return v->offset_ns - timescale_added_ns(t, now);
}

double remaining_freq(const struct steering *s, double *sd)
{
	struct estimate_value v;

	if (!s->estimate.started) {
		*sd = s->first_freq_sd;
		return s->first_freq;
	}
	v = estimate_at(&s->estimate, s->estimate.at);
	*sd = v.freq_sd;
	return v.freq;
}

double remaining_likely_drift(const struct steering *s)
{
	double ppm = s->config.max_clock_error_ppm;

	return (ppm > 0 ? ppm : LIKELY_DRIFT_PPM) * 1e-6;
}

/* What was learned and the error of the present estimate are independent. */
double remaining_runaway_s(
    const struct steering *s, double age_s, double freq_sd)
{
	if (s->config.max_clock_error_ppm > 0)
		return age_s * (remaining_likely_drift(s) +
				   LIKELY_DEVIATIONS * freq_sd);
	return age_s * hypot(drift_bound_rate(&s->drift.learned, age_s),
			   CERTAIN_DEVIATIONS * freq_sd);
}

int64_t remaining_likely_ns(
    const struct steering *s, const struct estimate_value *v, struct osc now)
{
	const struct steering_source *src;
	double sd, freq, age;
	int64_t theirs;

	if (s->selection.selected < 0)
		return INT64_MAX;
	src = &s->sources[s->selection.selected];
	freq = remaining_freq(s, &sd);
	age = (double)(now.ns - src->best_at.ns);
	theirs = src->best_offset_ns + (int64_t)(freq * age);
	return src->best_distance_ns +
	       (int64_t)(fmax(age, 0) * src->best_growth) +
	       magnitude(v->offset_ns - theirs);
}

/* Each sample of an honest server gives a bound; the least one holds. An older
 * one, of which less is known, is only looked at if it can be the least. */
int64_t remaining_bound_ns(
    const struct steering *s, const struct estimate_value *v, struct osc now)
{
	const struct steering_source *src;
	double sd, freq = remaining_freq(s, &sd);
	int64_t least = INT64_MAX, grown = 0;

	if (s->selection.selected < 0)
		return INT64_MAX;
	src = &s->sources[s->selection.selected];
	for (unsigned i = 0; i < src->count; i++) {
		const struct sample *m = &const_record(src, i)->sample;
		double age = s_of_ns(now.ns - m->at.ns);
		int64_t theirs = m->offset_ns + ns_of_s(freq * age);
		int64_t bound =
		    sample_distance_ns(m) + magnitude(v->offset_ns - theirs);

		if (bound + grown >= least)
			continue;
		grown = ns_of_s(remaining_runaway_s(s, fmax(age, 0), sd));
		if (bound + grown < least)
			least = bound + grown;
	}
	return least;
}

int64_t remaining_sd_ns(
    const struct steering *s, const struct estimate_value *v)
{
	return ns_of_s(hypot(hypot(v->offset_sd, v->spread_sd), unseen_sd(s)));
}
