/* What `ntsctl` shows of the sources and of the clock. */
#include "clock/steering/candidates.h"
#include "clock/steering/regression.h"
#include "clock/steering/remaining.h"
#include "clock/steering/state.h"
#include "clock/steering/steering.h"

#include <math.h>
#include <stdio.h>

/* A slope needs this many samples to be shown. */
#define SLOPE_SAMPLES 3
/* The line has two parameters, and its deviation is estimated as well. */
#define LINE_PARAMETERS 2
/* The rates that are shown are for silences of these lengths. */
#define HOUR_S 3600.0
#define DAY_S 86400.0
/* RFC 5905: no stratum above it. 16 says: not synchronised. */
#define STRATUM_MAX 15

/* A line through wild offsets may lead anywhere: limited to 30 years, it fits
 * into int64. */
#define SHOWN_MAX_S 1e9

/* ---- one source ---- */

static int64_t shown_ns(double s)
{
	return ns_of_s(fmin(fmax(s, -SHOWN_MAX_S), SHOWN_MAX_S));
}

/* How many estimated standard deviations of a slope contain the truth as often
 * as two true ones would (95.4 %): the quantiles of Student's t. */
static double skew_deviations(unsigned samples)
{
	static const double quantiles[] = {
	    13.97, 4.53, 3.31, 2.87, 2.65, 2.52, 2.43, 2.37};
	const unsigned freedom = samples - LINE_PARAMETERS;

	return freedom <= ARRAY_LEN(quantiles) ? quantiles[freedom - 1]
					       : 2 + 2.8 / freedom;
}

/* The residuals of a line, or of a mean, are smaller than the errors: the line
 * follows them. */
static double true_deviation_s(const struct regression *line)
{
	const unsigned n = line->samples;
	const unsigned taken = n >= SLOPE_SAMPLES ? LINE_PARAMETERS : 1;

	return n > taken ? line->deviation_s * sqrt((double)n / (n - taken))
			 : line->deviation_s;
}

static void view_line(const struct steering *s,
    const struct steering_source *src, struct osc now, int64_t added_ns,
    struct source_view *out)
{
	struct regression line = regression_fit(src, now);

	out->samples = line.samples;
	out->runs = line.runs;
	out->span_s = line.span_s;
	if (src->count >= SLOPE_SAMPLES) {
		out->freq_ppm = (line.slope - s->base_freq) * 1e6;
		out->skew_ppm =
		    skew_deviations(line.samples) * line.slope_sd * 1e6;
	}
	out->offset_ns = line.base_ns + shown_ns(line.offset_s) - added_ns;
	out->std_dev_ns = shown_ns(true_deviation_s(&line));
}

static void view_last(const struct steering *s,
    const struct steering_source *src, struct osc now, int64_t added_ns,
    struct source_view *out)
{
	const struct record *last = const_record(src, 0);
	const struct sample *m = &last->sample;
	const struct delay_route *route =
	    delay_route(&src->delay, src->delay.route);

	out->have_sample = true;
	out->last_at = m->at;
	out->last_measured_ns =
	    last->noted ? last->measured_ns : m->offset_ns - added_ns;
	/* The slews and steps since then count as corrections. The base
	 * frequency does not: it only follows the oscillator. */
	out->last_offset_ns =
	    m->offset_ns - added_ns +
	    (int64_t)(s->base_freq * (double)(now.ns - m->at.ns));
	out->bound_ns = m->delay_ns / 2 + m->dispersion_ns +
			m->root_delay_ns / 2 + m->root_dispersion_ns;
	out->stratum = m->stratum;
	out->leap = m->leap;
	out->last_delay_ns = m->delay_ns;
	out->last_dispersion_ns = m->dispersion_ns;
	out->min_delay_ns =
	    route ? ns_of_s(route->floor + last->crept) : m->delay_ns;
}

/* As the selection sees it: the interval of the record that is nearest now. */
static void view_interval(const struct steering *s,
    const struct steering_source *src, struct osc now, int64_t added_ns,
    struct source_view *out)
{
	struct carry c = carry_to(s, now);
	const struct record *r = nearest_record(src, &c, false);
	int64_t distance = record_distance_ns(r, &c);
	int64_t middle = carried_offset_ns(&r->sample, &c) - added_ns;

	out->low_ns = middle - distance;
	out->high_ns = middle + distance;
}

static bool has_a_vote(enum select_state state)
{
	return state >= SELECT_DUPLICATE && state != SELECT_FALSETICKER;
}

static void view_score(const struct steering *s,
    const struct steering_source *src, struct source_view *out)
{
	int selected = s->selection.selected;

	if (selected >= 0 && has_a_vote(src->state) && src->best_own_ns > 0)
		out->score = (double)s->sources[selected].best_own_ns /
			     (double)src->best_own_ns;
}

enum select_state steering_source_state(
    const struct steering *s, unsigned source)
{
	return s->sources[source].state;
}

void steering_source_view(const struct steering *s, unsigned source,
    const struct timescale *t, struct wall now, struct source_view *out)
{
	const struct steering_source *src = &s->sources[source];
	struct osc at = timescale_osc(t, now);
	int64_t added_ns = timescale_added_ns(t, now);

	*out = (struct source_view){.state = src->state};
	if (src->count == 0)
		return;
	view_last(s, src, at, added_ns, out);
	view_score(s, src, out);
}

void steering_source_details(const struct steering *s, unsigned source,
    const struct timescale *t, struct wall now, struct source_view *out)
{
	const struct steering_source *src = &s->sources[source];
	struct osc at = timescale_osc(t, now);
	int64_t added_ns = timescale_added_ns(t, now);

	if (src->count == 0)
		return;
	view_line(s, src, at, added_ns, out);
	view_interval(s, src, at, added_ns, out);
}

/* A single source has no bias relative to others. */
void steering_source_bias(
    const struct steering *s, unsigned source, struct source_view *out)
{
	const struct steering_source *src = &s->sources[source];
	struct gaussian b;

	if (src->slot < 0 || s->member_count < 2 || replay_waits(s) ||
	    !s->estimate.started)
		return;
	b = estimate_bias(&s->estimate, (unsigned)src->slot);
	out->has_bias = true;
	out->bias_ns = src->carried_ns + shown_ns(b.mean);
	out->bias_sd_ns =
	    shown_ns(hypot(sqrt(fmax(b.var, 0)), src->carried_sd));
}

/* ---- the clock ---- */

static unsigned count_state(const struct steering *s, enum select_state state)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->source_count; i++)
		n += s->sources[i].state == state;
	return n;
}

/* Lists the states that any source is in. */
static void explain_none(const struct steering *s, char *out, size_t size)
{
	static const struct {
		enum select_state state;
		const char *words;
	} kinds[] = {
	    {SELECT_NO_SAMPLES, "without a measurement"},
	    {SELECT_UNSYNCED, "unsynchronised"},
	    {SELECT_STRATUM, "of a forbidden stratum"},
	    {SELECT_DISTANCE, "beyond maxdistance"},
	    {SELECT_STALE, "silent now"},
	    {SELECT_TOO_VARIABLE, "too variable"},
	    {SELECT_NOSELECT, "measured only by noselect"},
	};
	int used = snprintf(out, size, "no usable source");
	const char *between = " (";

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		unsigned n = count_state(s, kinds[i].state);

		if (n == 0 || used < 0 || (size_t)used >= size)
			continue;
		used += snprintf(out + used, size - (size_t)used, "%s%u %s",
		    between, n, kinds[i].words);
		between = ", ";
	}
	if (between[0] == ',' && used > 0 && (size_t)used < size)
		(void)snprintf(out + used, size - (size_t)used, ")");
}

/* Without the frequency itself, which changes with each update. */
static void explain_beyond(const struct discipline *d, char *out, size_t size)
{
	(void)snprintf(out, size,
	    "the clock needs a correction of more than %g ppm, and %s: it "
	    "is wrong between the updates",
	    d->beyond_ppm,
	    d->beyond_ppm < CLOCK_FREQ_MAX_PPM ? "max-drift allows no more"
					       : "Linux can do no more");
}

/* With one digit, so that the sentence does not change with each sample. */
static void explain_split(const struct select_result *r, char *out, size_t size)
{
	static const struct {
		double ns;
		const char *name;
	} units[] = {{86400e9, "days"}, {3600e9, "h"}, {60e9, "min"},
	    {1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
	double apart, power;
	char agree[24] = "no two";
	size_t u = 0;

	/* One hour would hide half of another one, with one digit. */
	while (u + 1 < ARRAY_LEN(units) &&
	       (double)r->apart_ns < units[u].ns * (u < 3 ? 2 : 1))
		u++;
	apart = (double)r->apart_ns / units[u].ns;
	power = apart > 0 ? pow(10, floor(log10(apart))) : 1;
	if (r->agreeing > 1)
		(void)snprintf(agree, sizeof(agree), "only %u", r->agreeing);
	(void)snprintf(out, size,
	    "no majority: of %u usable sources %s agree; their times are "
	    "about %.0f %s apart",
	    r->voters, agree, round(apart / power) * power, units[u].name);
}

/* Is the clock steered, but not as far as it needs? */
static bool is_beyond(const struct steering *s)
{
	return s->selection.outcome == SELECT_SELECTED &&
	       !s->discipline.refused && s->discipline.beyond_ppm > 0;
}

/* "" while the clock is steered well. */
static void explain(const struct steering *s, char *out, size_t size)
{
	const struct select_result *r = &s->selection;

	if (r->outcome == SELECT_SELECTED && s->discipline.refused)
		(void)snprintf(out, size,
		    "the clock is %.3f s %s, more than refuse-threshold allows "
		    "to correct: set it by hand, or restart the agent",
		    fabs(s_of_ns(s->discipline.refused_ns)),
		    s->discipline.refused_ns < 0 ? "fast" : "slow");
	else if (is_beyond(s))
		explain_beyond(&s->discipline, out, size);
	else if (r->outcome == SELECT_SELECTED)
		out[0] = '\0';
	else if (r->outcome == SELECT_NO_MAJORITY)
		explain_split(r, out, size);
	else if (r->outcome == SELECT_WAITS && r->required_missing)
		(void)snprintf(out, size,
		    "no source marked require is among the %u that agree",
		    r->independent);
	else if (r->outcome == SELECT_WAITS)
		(void)snprintf(out, size,
		    "minsources asks for %u sources that agree, and there are "
		    "%u so far%s",
		    s->config.min_sources, r->independent,
		    count_state(s, SELECT_WAITS) > r->independent
			? ": some of them are one server"
			: "");
	else
		explain_none(s, out, size);
}

static const struct sample *latest_of_selected(const struct steering *s)
{
	return &const_record(&s->sources[s->selection.selected], 0)->sample;
}

static void view_selected(
    const struct steering *s, int64_t bound, struct tracking *out)
{
	const struct sample *m = latest_of_selected(s);

	out->stratum = m->stratum < STRATUM_MAX ? (uint8_t)(m->stratum + 1)
						: STRATUM_MAX + 1;
	out->root_delay_ns = m->delay_ns + m->root_delay_ns;
	out->root_dispersion_ns = bound - out->root_delay_ns / 2;
	if (out->root_dispersion_ns < 0)
		out->root_dispersion_ns = 0;
}

static void view_drift(const struct steering *s, struct tracking *out)
{
	const struct drift_learned *l = &s->drift.learned;
	double fixed = s->config.max_clock_error_ppm;

	out->drift_watched_s = drift_bound_watched_s(l);
	out->drift_awake_s = drift_bound_awake_s(l);
	out->drift_jump_ppm = drift_bound_jump(l) * 1e6;
	out->drift_reason =
	    fixed > 0 ? DRIFT_CONFIGURED : drift_bound_reason(l);
	out->drift_hour_ppm =
	    fixed > 0 ? fixed : drift_bound_rate(l, HOUR_S) * 1e6;
	out->drift_day_ppm =
	    fixed > 0 ? fixed : drift_bound_rate(l, DAY_S) * 1e6;
}

int64_t steering_offset_ns(
    const struct steering *s, const struct timescale *t, struct wall now)
{
	return shown_estimate(s)->started ? remaining_offset_ns(s, t, now) : 0;
}

struct steering_error steering_error(
    const struct steering *s, const struct timescale *t, struct wall now)
{
	struct steering_error out = {.updated = s->updated};
	struct estimate_value v;
	const struct sample *m;
	int64_t least;

	if (!shown_estimate(s)->started)
		return out;
	out.offset_ns = remaining_ns(s, t, now, &v);
	if (s->selection.selected < 0)
		return out;
	m = latest_of_selected(s);
	least = (m->delay_ns + m->root_delay_ns) / 2;
	out.bound_ns = remaining_decided_bound_ns(s, &v, timescale_osc(t, now));
	if (out.bound_ns < least)
		out.bound_ns = least;
	return out;
}

void steering_tracking(const struct steering *s, const struct timescale *t,
    struct wall now, struct tracking *out)
{
	struct osc at = timescale_osc(t, now);
	struct estimate_value v;
	int64_t offset = remaining_ns(s, t, now, &v);
	int64_t bound = remaining_bound_ns(s, &v, at);

	*out = (struct tracking){
	    .selected = s->selection.selected,
	    .combined = s->selection.selected < 0
			    ? 0
			    : count_state(s, SELECT_COMBINED) + 1,
	    .stratum = STRATUM_MAX + 1,
	    .leap = LEAP_UNKNOWN,
	    .suspected_ns = s->suspected_ns,
	    .updated = s->updated,
	    .updates = s->discipline.updates,
	    .last_offset_ns = s->last_offset_ns,
	    .rms_offset_ns = ns_of_s(sqrt(s->mean_square)),
	    .freq_ppm = s->base_freq * 1e6,
	    .update_interval_s = s->interval_s,
	    .steps = s->discipline.steps,
	    .last_step_ns = s->discipline.last_step_ns,
	    .refused = s->discipline.refused,
	    .beyond = is_beyond(s),
	    .refused_ns = s->discipline.refused_ns,
	    .refusals = s->discipline.refusals,
	};
	view_drift(s, out);
	explain(s, out->reason, sizeof(out->reason));
	if (!shown_estimate(s)->started)
		return;
	out->offset_ns = offset;
	out->est_error_ns = remaining_sd_ns(s, &v, bound);
	out->residual_ppm = (v.freq - s->base_freq) * 1e6;
	out->skew_ppm = v.freq_sd * 1e6;
	if (s->selection.selected < 0)
		return;
	out->synchronised =
	    s->discipline.updates > 0 && s->reported_synchronised &&
	    remaining_likely_ns(s, &v, at) <= s->config.max_distance_ns;
	if (out->synchronised)
		out->leap = steering_leap_due(s, now);
	view_selected(s, bound, out);
}
