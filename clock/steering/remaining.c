#include "clock/steering/remaining.h"

#include <math.h>

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

int64_t remaining_bound_ns(
    const struct steering *s, const struct estimate_value *v, struct osc now)
{
	const struct steering_source *src;
	double sd, freq, age;
	int64_t theirs, apart;

	if (s->selection.selected < 0)
		return INT64_MAX;
	src = &s->sources[s->selection.selected];
	freq = remaining_freq(s, &sd);
	age = (double)(now.ns - src->best_at.ns);
	theirs = src->best_offset_ns + (int64_t)(freq * age);
	apart = v->offset_ns - theirs;
	return src->best_distance_ns +
	       (int64_t)(fmax(age, 0) * src->best_growth) +
	       (apart < 0 ? -apart : apart);
}

int64_t remaining_sd_ns(const struct estimate_value *v)
{
	return ns_of_s(hypot(v->offset_sd, v->spread_sd));
}
