#include "clock/steering/remaining.h"

#include "clock/steering/unseen_error.h"

#include <math.h>

/* Standard deviations of the frequency: for the vote, and for the bound that
 * must hold. */
#define LIKELY_DEVIATIONS 2
#define CERTAIN_DEVIATIONS 3

/* In this time after the first sample, s, a frequency can be wrong by more than
 * its deviation says, but not by more than FIRST_FREQ, s/s. */
#define YOUNG_S 300.0
#define FIRST_FREQ 500e-6

/* A silence begins this many intervals after the last sample, but not before
 * this many seconds. */
#define SILENT_INTERVALS 1.25
#define SILENT_LEAST_S 32.0
/* No server is believed to be further away than this, ns: twice as much is not
 * beyond the range of int64. */
#define APART_MOST (INT64_MAX / 8)
/* A source that is not selected does not make the bound larger than this, ns: a
 * larger error is a pause or a lie, which a majority judges. */
#define OTHERS_MOST NS_PER_S
/* Combined sources that differ by so many times the estimated error are not
 * understood. */
#define DIFFER_MUCH 3.0
/* No correction in a silence is larger, s. */
#define SHIFT_MOST 1e9
/* In a silence the frequency is set for this time at least, s. */
#define HOLDOVER_AHEAD_S 60.0

static int64_t magnitude(int64_t ns)
{
	return ns < 0 ? -ns : ns;
}

bool remaining_is_silent(double since_s, double interval_s)
{
	return since_s > fmax(SILENT_INTERVALS * interval_s, SILENT_LEAST_S);
}

static bool is_silence(const struct steering *s, struct osc at)
{
	const struct estimate *e = shown_estimate(s);

	return e->started &&
	       remaining_is_silent(s_of_ns(at.ns - e->at.ns), s->interval_s);
}

static int64_t shift_ns(double shift_s)
{
	return ns_of_s(fmin(fmax(shift_s, -SHIFT_MOST), SHIFT_MOST));
}

int64_t remaining_guess_ns(const struct steering *s, struct osc at)
{
	if (!is_silence(s, at))
		return 0;
	return shift_ns(holdover_shift(&s->holdover, shown_estimate(s), at));
}

/* In a silence the frequency may go back to its long-term mean. */
static struct estimate_value value_at(const struct steering *s, struct osc at)
{
	const struct estimate *e = shown_estimate(s);
	struct estimate_value v = estimate_at(e, at);
	double ahead = fmax(s->command_interval_s, HOLDOVER_AHEAD_S), shift;
	struct osc then = {at.ns + ns_of_s(ahead)};

	if (!is_silence(s, at))
		return v;
	shift = holdover_shift(&s->holdover, e, at);
	v.offset_ns += shift_ns(shift);
	v.freq += (holdover_shift(&s->holdover, e, then) - shift) / ahead;
	return v;
}

int64_t remaining_ns(const struct steering *s, const struct timescale *t,
    struct wall now, struct estimate_value *v)
{
	*v = value_at(s, timescale_osc(t, now));
	return v->offset_ns - timescale_added_ns(t, now);
}

int64_t remaining_offset_ns(
    const struct steering *s, const struct timescale *t, struct wall now)
{
	struct osc at = timescale_osc(t, now);

	return estimate_offset_ns(shown_estimate(s), at) +
	       remaining_guess_ns(s, at) - timescale_added_ns(t, now);
}

double remaining_freq(const struct steering *s, double *sd)
{
	const struct estimate *e = shown_estimate(s);

	if (!e->started) {
		*sd = s->first_freq_sd;
		return s->first_freq;
	}
	return estimate_freq(e, e->at, sd);
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

/* The record with the least root distance of those from `from` to before
 * `until`; there is one at least. */
static const struct sample *sharpest(
    const struct steering_source *src, unsigned from, unsigned until)
{
	const struct sample *least = &const_record(src, from)->sample;

	while (++from < until) {
		const struct sample *m = &const_record(src, from)->sample;

		if (sample_distance_ns(m) < sample_distance_ns(least))
			least = m;
	}
	return least;
}

/* How far the true frequency can be from `freq` by what two samples allow,
 * s/s. */
static double freq_error(
    double freq, const struct sample *before, const struct sample *m)
{
	double apart = (double)(m->at.ns - before->at.ns);
	double middle;

	if (apart <= 0)
		return INFINITY;
	middle = (double)(m->offset_ns - before->offset_ns) / apart;
	return fabs(freq - middle) +
	       (double)(sample_distance_ns(before) + sample_distance_ns(m)) /
		   apart;
}

double remaining_freq_doubt(const struct record *r, double freq, double sd)
{
	double beyond =
	    fabs(freq - r->freq) - CERTAIN_DEVIATIONS * (r->freq_sd + sd);

	return r->freq_sd > 0 && beyond > 0 ? beyond : 0;
}

/* The records since the clock changed; all of them, if it did not. It has also
 * changed if the frequency of now makes an older record more wrong than it can
 * be. */
static unsigned since_change(
    const struct steering *s, const struct steering_source *src, struct osc now)
{
	double sd, freq = remaining_freq(s, &sd);
	unsigned n = src->count > 0;

	for (; n < src->count; n++) {
		const struct record *r = const_record(src, n);
		const struct sample *m = &r->sample;
		double age = s_of_ns(now.ns - m->at.ns);

		if (m->at.ns < s->changed_at.ns ||
		    remaining_freq_doubt(r, freq, sd) * age >
			s_of_ns(sample_distance_ns(m)))
			break;
	}
	return n;
}

/* The records that alone show the frequency, and may all be wrong in one way:
 * those of the first minutes, or since a change of the clock, or since older
 * ones were dropped. 0: there are enough. */
static unsigned young_records(
    const struct steering *s, const struct steering_source *src, struct osc now)
{
	unsigned n = since_change(s, src, now);
	bool first = s_of_ns(now.ns - s->first_at.ns) < YOUNG_S;
	bool restored = src->run_samples < src->count;
	bool dropped = src->run_samples > src->count;

	if (n < src->count || (first && !restored) || (dropped && n < RECORDS))
		return n;
	return 0;
}

/*
 * How wrong the frequency of the first minutes can be, s/s; 0 later. These
 * samples may all have queued, and then show a wrong frequency with a small
 * deviation. Somebody on the path may have delayed them more and more, which
 * looks like a clock that has changed. But their bounds are certain: the true
 * frequency differs from the one between two samples by at most the sum of
 * their root distances, divided by the time between them. The sharpest of the
 * older half meets each one of the newer half.
 */
static double young_freq(
    const struct steering *s, const struct steering_source *src, struct osc now)
{
	double sd, freq = remaining_freq(s, &sd);
	double least = fabs(freq) + FIRST_FREQ;
	unsigned count = young_records(s, src, now), half = count / 2;
	const struct sample *before;

	if (count == 0)
		return 0;
	before = sharpest(src, half, count);
	for (unsigned i = 0; i < half; i++)
		least = fmin(least,
		    freq_error(freq, before, &const_record(src, i)->sample));
	return least;
}

static int64_t apart_ns(const struct sample *m, const struct estimate_value *v,
    struct osc now, double freq)
{
	double age = s_of_ns(now.ns - m->at.ns);
	int64_t ns =
	    magnitude(v->offset_ns - m->offset_ns - ns_of_s(freq * age));

	return ns < APART_MOST ? ns : APART_MOST;
}

/* If the frequency has changed, some time after the last sample that was right,
 * the error grows on by this rate at most, s/s. */
static double growth_rate(const struct outliers *out, const struct sample *m)
{
	struct osc at = out->alike > 0 ? out->latest : m->at;
	double since = s_of_ns(at.ns - out->last_right.ns);

	return since > 0 ? fmin(2 * fabs(out->residual) / since,
			       CLOCK_FREQ_MAX_PPM * 1e-6)
			 : 0;
}

/* The latest sample does not include the estimate. A sample is no outlier if
 * the estimate knows little; but its bounds are certain, and an estimate
 * outside of them is wrong. */
static bool is_excluded(const struct steering *s, const struct sample *m,
    const struct estimate_value *v, struct osc now, double freq, double freq_sd)
{
	double age = fmax(s_of_ns(now.ns - m->at.ns), 0);

	return apart_ns(m, v, now, freq) >
	       sample_distance_ns(m) +
		   ns_of_s(remaining_runaway_s(s, age, freq_sd));
}

/* How wrong an estimate may be that the samples of a source contradict, since
 * the latest outlier: the older ones say nothing about a clock that may have
 * changed. The least of what they allow counts: those after the outlier may
 * have queued. */
static int64_t contradicted_ns(const struct steering *s,
    const struct steering_source *src, const struct estimate_value *v,
    struct osc now, double freq, double freq_sd)
{
	const struct sample *m = &const_record(src, 0)->sample;
	const struct outliers *out = shown_outliers(s, src);
	double rate = growth_rate(out, m);
	int64_t least = INT64_MAX, ns;

	if (out->alike == 0 && !is_excluded(s, m, v, now, freq, freq_sd))
		return 0;
	for (unsigned i = 0; i < src->count; i++) {
		double grown;

		m = &const_record(src, i)->sample;
		if (i > 0 && (out->alike == 0 || m->at.ns < out->latest.ns))
			break;
		grown = rate * fmax(s_of_ns(now.ns - m->at.ns), 0);
		ns = sample_distance_ns(m) + 2 * apart_ns(m, v, now, freq) +
		     ns_of_s(fmin(grown, s_of_ns(APART_MOST)));
		least = ns < least ? ns : least;
	}
	return least;
}

/* Half of the other sources at least were right after this one's first outlier:
 * the clock has not changed. */
static bool is_refuted(
    const struct steering *s, const struct steering_source *src)
{
	const struct osc first = shown_outliers(s, src)->first;
	unsigned others = 0, right = 0;

	for (unsigned i = 0; i < s->source_count; i++) {
		const struct steering_source *other = &s->sources[i];

		if (other == src || !is_combined(other))
			continue;
		others++;
		right += shown_outliers(s, other)->last_right.ns > first.ns;
	}
	return others > 0 && 2 * right >= others;
}

/* The largest error that the sources' outliers allow. If the clock has changed,
 * the first source that asks shows it, and not always the selected one. Until
 * the others answer, it may be a falseticker already. */
static int64_t most_contradicted_ns(
    const struct steering *s, const struct estimate_value *v, struct osc now)
{
	double sd, freq = remaining_freq(s, &sd);
	int64_t most = 0, ns;

	for (unsigned i = 0; i < s->source_count; i++) {
		const struct steering_source *src = &s->sources[i];

		if (shown_outliers(s, src)->alike == 0 || is_refuted(s, src))
			continue;
		ns = contradicted_ns(s, src, v, now, freq, sd);
		if (ns <= OTHERS_MOST)
			most = ns > most ? ns : most;
	}
	return most;
}

/* Each sample of an honest server gives a bound; the least of them counts. The
 * growth since a sample is larger for an older one, so a sample that is too
 * wide even with the growth since a newer one is skipped. */
int64_t remaining_decided_bound_ns(
    const struct steering *s, const struct estimate_value *v, struct osc now)
{
	const struct steering_source *src;
	double sd, freq = remaining_freq(s, &sd);
	int64_t least = INT64_MAX, grown = 0, contradicted;

	if (s->selection.selected < 0)
		return INT64_MAX;
	src = &s->sources[s->selection.selected];
	if (s->config.max_clock_error_ppm <= 0)
		sd = fmax(sd, young_freq(s, src, now) / CERTAIN_DEVIATIONS);
	for (unsigned i = 0; i < src->count; i++) {
		const struct record *r = const_record(src, i);
		const struct sample *m = &r->sample;
		double age = s_of_ns(now.ns - m->at.ns);
		int64_t bound = sample_distance_ns(m);

		/* What follows makes it wider. */
		if (bound + grown >= least)
			continue;
		bound += magnitude(
		    v->offset_ns - m->offset_ns - ns_of_s(freq * age));
		bound += ns_of_s(remaining_freq_doubt(r, freq, sd) * age);
		if (bound + grown >= least)
			continue;
		grown = ns_of_s(remaining_runaway_s(s, fmax(age, 0), sd));
		if (bound + grown < least)
			least = bound + grown;
	}
	contradicted = contradicted_ns(s, src, v, now, freq, sd);
	return contradicted > least ? contradicted : least;
}

int64_t remaining_bound_ns(
    const struct steering *s, const struct estimate_value *v, struct osc now)
{
	int64_t bound = remaining_decided_bound_ns(s, v, now), contradicted;

	if (bound == INT64_MAX)
		return INT64_MAX;
	contradicted = most_contradicted_ns(s, v, now);
	return (contradicted > bound ? contradicted : bound) + s->suspected_ns;
}

/* The standard error of the mean of what the combined sources said at the last
 * vote: their best samples. 0: fewer than two. */
static double sources_differ(const struct steering *s)
{
	const struct estimate *e = shown_estimate(s);
	double sum = 0, squares = 0, n = 0;

	for (unsigned i = 0; i < s->source_count; i++) {
		const struct steering_source *src = &s->sources[i];
		double error;

		if (!is_combined(src) || src->count == 0)
			continue;
		error = s_of_ns(
		    src->best_offset_ns - estimate_offset_ns(e, src->best_at));
		n++;
		sum += error;
		squares += error * error;
	}
	if (n < 2)
		return 0;
	return sqrt(fmax(squares - sum * sum / n, 0) / (n - 1) / n);
}

int64_t remaining_sd_ns(
    const struct steering *s, const struct estimate_value *v, int64_t bound_ns)
{
	double sd = hypot(estimate_sd(shown_estimate(s), v), unseen_sd(s));
	double differ = sources_differ(s);

	/* The filter believes one of them alone, and the others may be right:
	 * their bounds allow it. */
	if (differ > DIFFER_MUCH * sd)
		sd = differ;
	return ns_of_s(fmin(sd, s_of_ns(bound_ns) / sqrt(3)));
}
