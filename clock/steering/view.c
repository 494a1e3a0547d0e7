#include "clock/steering/steering.h"
#include "clock/steering/state.h"

#include <math.h>
#include <stdio.h>

char select_state_mark(enum select_state s)
{
	static const char marks[SELECT_STATE_COUNT] = {
#define X(id, mark, name, sentence) [id] = mark,
	    SELECT_STATES(X)
#undef X
	};
	return s < SELECT_STATE_COUNT ? marks[s] : '?';
}

const char *select_state_name(enum select_state s)
{
	static const char *const names[SELECT_STATE_COUNT] = {
#define X(id, mark, name, sentence) [id] = name,
	    SELECT_STATES(X)
#undef X
	};
	return s < SELECT_STATE_COUNT ? names[s] : "unknown";
}

const char *select_state_text(enum select_state s)
{
	static const char *const texts[SELECT_STATE_COUNT] = {
#define X(id, mark, name, sentence) [id] = sentence,
	    SELECT_STATES(X)
#undef X
	};
	return s < SELECT_STATE_COUNT ? texts[s] : "unknown state";
}

/* ---- one source ---- */

/* A straight line through the latest samples, weighed by their excess delay:
 * what one source alone says, for the administrator's eyes. */
struct line {
	unsigned samples, runs;
	double span_s;
	double offset_s; /* at `now`, against `base_ns` */
	double slope, slope_sd;
	double deviation_s;
	int64_t base_ns;
};

struct sums {
	double w, t, tt, y, ty;
};

static double weight(const struct source *src, const struct sample *m)
{
	const struct delay_route *e =
	    delay_route(&src->delay, src->delay.route);
	double excess = s_of_ns(m->delay_ns) - (e != NULL ? e->floor : 0);
	double sd = (fmax(excess, 0) + src->delay.queue) / 2;

	return 1 / (sd * sd);
}

static double age_s(const struct record *r, struct osc now)
{
	return s_of_ns(r->sample.at.ns - now.ns);
}

static double height_s(const struct record *r, int64_t base_ns)
{
	return s_of_ns(r->sample.offset_ns - base_ns);
}

static void residuals(
    const struct source *src, struct osc now, struct line *line, double w)
{
	double square = 0;
	int last_sign = 0;

	for (unsigned i = 0; i < src->count; i++) {
		const struct record *r = const_record(src, i);
		double miss = height_s(r, line->base_ns) - line->offset_s -
			      line->slope * age_s(r, now);
		int sign = miss < 0 ? -1 : 1;

		square += weight(src, &r->sample) * miss * miss;
		line->runs += sign != last_sign;
		last_sign = sign;
	}
	line->deviation_s = sqrt(square / w);
}

static struct line fit(const struct source *src, struct osc now)
{
	struct line line = {.samples = src->count,
	    .base_ns = const_record(src, 0)->sample.offset_ns};
	struct sums s = {0};

	for (unsigned i = 0; i < src->count; i++) {
		const struct record *r = const_record(src, i);
		double w = weight(src, &r->sample), t = age_s(r, now);
		double y = height_s(r, line.base_ns);

		s.w += w;
		s.t += w * t;
		s.tt += w * t * t;
		s.y += w * y;
		s.ty += w * t * y;
	}
	double spread = s.tt - s.t * s.t / s.w;
	line.span_s = age_s(const_record(src, 0), now) -
		      age_s(const_record(src, src->count - 1), now);
	if (src->count >= 3 && spread > 0)
		line.slope = (s.ty - s.t * s.y / s.w) / spread;
	line.offset_s = (s.y - line.slope * s.t) / s.w;
	residuals(src, now, &line, s.w);
	if (src->count >= 3 && spread > 0)
		line.slope_sd =
		    line.deviation_s * sqrt(s.w / spread / (src->count - 2));
	return line;
}

/* A line through nonsense may lead anywhere: 30 years are far enough. */
static int64_t shown_ns(double s)
{
	return ns_of_s(fmin(fmax(s, -1e9), 1e9));
}

static void view_fit(const struct steering *s, const struct source *src,
    struct osc now, int64_t added_ns, struct source_view *out)
{
	struct line line = fit(src, now);

	out->samples = line.samples;
	out->runs = line.runs;
	out->span_s = line.span_s;
	out->freq_ppm = src->count >= 3 ? (line.slope - s->base_freq) * 1e6 : 0;
	out->skew_ppm = 2 * line.slope_sd * 1e6;
	out->offset_ns = line.base_ns + shown_ns(line.offset_s) - added_ns;
	out->std_dev_ns = shown_ns(line.deviation_s);
}

void steering_source_view(const struct steering *s, unsigned source,
    const struct timescale *t, struct wall now, struct source_view *out)
{
	const struct source *src = &s->sources[source];
	struct osc at = timescale_osc(t, now);
	int64_t added_ns = timescale_added_ns(t, now);

	*out = (struct source_view){.state = src->state};
	if (src->count == 0)
		return;
	const struct record *last = const_record(src, 0);
	const struct delay_route *e =
	    delay_route(&src->delay, src->delay.route);

	out->have_sample = true;
	out->last_at = last->sample.at;
	out->last_measured_ns =
	    last->noted ? last->measured_ns : last->sample.offset_ns - added_ns;
	/* What slews and steps have done since; the base frequency only kept
	 * pace with the oscillator and mended nothing. */
	out->last_offset_ns =
	    last->sample.offset_ns - added_ns +
	    (int64_t)(s->base_freq * (double)(at.ns - last->sample.at.ns));
	out->bound_ns = last->sample.delay_ns / 2 + last->sample.dispersion_ns +
			last->sample.root_delay_ns / 2 +
			last->sample.root_dispersion_ns;
	out->stratum = last->sample.stratum;
	out->leap = last->sample.leap;
	out->last_delay_ns = last->sample.delay_ns;
	out->min_delay_ns = e != NULL ? ns_of_s(e->floor) : out->last_delay_ns;
	view_fit(s, src, at, added_ns, out);
}

/* ---- the whole ---- */

static unsigned count_state(const struct steering *s, enum select_state state)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->source_count; i++)
		n += s->sources[i].state == state;
	return n;
}

/* Those that no source is in are left out. */
static void explain_none(const struct steering *s, char *out, size_t size)
{
	static const struct {
		enum select_state state;
		const char *words;
	} kinds[] = {
	    {SELECT_NO_SAMPLES, "without a sample"},
	    {SELECT_UNSYNCED, "unsynchronised"},
	    {SELECT_DISTANCE, "too far"},
	    {SELECT_STALE, "silent"},
	    {SELECT_TOO_VARIABLE, "too variable"},
	    {SELECT_NOSELECT, "measured only (noselect)"},
	};
	int used =
	    snprintf(out, size, "no usable source: of %u", s->source_count);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		unsigned n = count_state(s, kinds[i].state);

		if (n > 0 && used >= 0 && (size_t)used < size)
			used += snprintf(out + used, size - (size_t)used,
			    ", %u %s", n, kinds[i].words);
	}
}

/* Why nothing is selected. */
static void explain(const struct steering *s, char *out, size_t size)
{
	const struct select_result *r = &s->selection;

	if (r->outcome == SELECT_SELECTED && s->discipline.refused)
		(void)snprintf(out, size,
		    "the clock is %.3f s %s, more than refuse-threshold allows "
		    "to mend: set it by hand, or start the agent anew",
		    fabs(s_of_ns(s->discipline.refused_ns)),
		    s->discipline.refused_ns < 0 ? "fast" : "slow");
	else if (r->outcome == SELECT_SELECTED)
		out[0] = '\0';
	else if (r->outcome == SELECT_NO_MAJORITY)
		(void)snprintf(out, size,
		    "no majority: of %u usable sources only %u agree",
		    r->voters, r->agreeing);
	else if (r->outcome == SELECT_WAITS && r->required_missing)
		(void)snprintf(out, size,
		    "no source marked require is among the %u that agree",
		    r->independent);
	else if (r->outcome == SELECT_WAITS)
		(void)snprintf(out, size,
		    "minsources asks for %u sources that agree, and there are "
		    "%u so far",
		    s->config.min_sources, r->independent);
	else
		explain_none(s, out, size);
}

static void view_selected(
    const struct steering *s, int64_t bound, struct tracking *out)
{
	const struct source *src = &s->sources[s->selection.selected];
	const struct sample *m = &const_record(src, 0)->sample;

	out->stratum = m->stratum < 15 ? (uint8_t)(m->stratum + 1) : 16;
	out->root_delay_ns = m->delay_ns + m->root_delay_ns;
	out->root_dispersion_ns = bound - out->root_delay_ns / 2;
	if (out->root_dispersion_ns < 0)
		out->root_dispersion_ns = 0;
}

void steering_tracking(const struct steering *s, const struct timescale *t,
    struct wall now, struct tracking *out)
{
	struct osc at = timescale_osc(t, now);
	struct estimate_value v;
	int64_t offset = steering_remaining_ns(s, t, now, &v);
	int64_t bound = steering_bound_ns(s, &v, at);

	*out = (struct tracking){
	    .selected = s->selection.selected,
	    .combined = s->selection.selected < 0
			    ? 0
			    : count_state(s, SELECT_COMBINED) + 1,
	    .stratum = 16,
	    .leap = LEAP_UNKNOWN,
	    .updated = s->updated,
	    .updates = s->discipline.updates,
	    .last_offset_ns = s->last_offset_ns,
	    .rms_offset_ns = ns_of_s(sqrt(s->mean_square)),
	    .freq_ppm = s->base_freq * 1e6,
	    .update_interval_s = s->interval_s,
	    .steps = s->discipline.steps,
	    .last_step_ns = s->discipline.last_step_ns,
	    .refused = s->discipline.refused,
	    .refused_ns = s->discipline.refused_ns,
	};
	explain(s, out->reason, sizeof out->reason);
	if (!s->estimate.started)
		return;
	out->offset_ns = offset;
	out->est_error_ns = ns_of_s(hypot(v.offset_sd, v.spread_sd));
	out->residual_ppm = (v.freq - s->base_freq) * 1e6;
	out->skew_ppm = v.freq_sd * 1e6;
	if (s->selection.selected < 0)
		return;
	out->synchronised = s->discipline.updates > 0 && s->said_synchronised &&
			    bound <= s->config.max_distance_ns;
	if (out->synchronised)
		out->leap = s->leap;
	view_selected(s, bound, out);
}

/* ---- the poll pace ---- */

/* In mean queueing delays of one way: below the first twice the interval is
 * still short enough, above the second it is too long, above the third the
 * oscillator is not known yet or has changed. */
#define LONGER_BELOW 1.25
#define SHORTER_ABOVE 2.25
#define SHORTEST_ABOVE 4.5

/* The standard deviation of the offset, s, if nothing is heard for so long. */
static double predicted_sd(const struct steering *s, double interval_s)
{
	struct osc at = {s->estimate.at.ns + ns_of_s(interval_s)};

	struct estimate_value v = estimate_at(&s->estimate, at);

	/* What drives a drift may end at any moment. */
	return hypot(v.offset_sd, v.drift * interval_s * interval_s / 2);
}

unsigned steering_outliers(const struct steering *s, unsigned source)
{
	const struct source *src = &s->sources[source];

	return src->slot >= 0 ? src->surprises : 0;
}

enum poll_vote steering_poll_vote(
    const struct steering *s, unsigned source, double interval_s)
{
	if (steering_outliers(s, source) > 0)
		return POLL_DOUBTED;
	if (!s->estimate.started)
		return POLL_SHORTEST;
	double queue = s->sources[source].delay.queue;
	double next = predicted_sd(s, interval_s);

	if (next > SHORTEST_ABOVE * queue)
		return POLL_SHORTEST;
	if (next > SHORTER_ABOVE * queue ||
	    !estimate_follows(&s->estimate, interval_s))
		return POLL_SHORTER;
	return predicted_sd(s, 2 * interval_s) < LONGER_BELOW * queue &&
		       estimate_follows(&s->estimate, 2 * interval_s)
		   ? POLL_LONGER
		   : POLL_KEEP;
}
