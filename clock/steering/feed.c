#include "clock/steering/feed.h"

#include <math.h>

/* The standard deviation of a bias about which nothing is known: this share of
 * the delay and of the server's root distance, and a little for a LAN. Real
 * paths are asymmetric by a few per cent of their delay. */
#define BIAS_SHARE 0.05
#define BIAS_LEAST_S 1e-6

/* This many outliers in a row that agree are believed. The frequency may have
 * jumped with them, by FREQ_JUMP at most (s/s), and a bias by BIAS_MOST_S. */
#define OUTLIERS_BELIEVED 3
#define FREQ_JUMP 100e-6
#define BIAS_MOST_S 1.0
/* Two outliers agree if they differ by less than 1 / OUTLIERS_ALIKE of the
 * residual. */
#define OUTLIERS_ALIKE 4

/* What remains uncertain of the bias of a route that came back, and of a route
 * that is as much longer there as back: this share of the possible change. */
#define ROUTE_DOUBT 0.03
/* The bias of a new route is judged after this many samples. Odds above
 * ROUTE_ODDS that it has not changed are believed. */
#define ROUTE_SAMPLES 8
#define ROUTE_ODDS 2.0

/* The standard deviation, s/s, that is added to a frequency taken over from an
 * estimate made of other samples. */
#define FREQ_CARRIED_SD 5e-6

/* Time stamps: the least noise, and the noise as a share of the bound of the
 * reading errors (a third: three standard deviations). */
#define NOISE_LEAST_S 20e-9
#define NOISE_SHARE 3

static double noise(const struct sample *m)
{
	return NOISE_LEAST_S + s_of_ns(m->dispersion_ns) / NOISE_SHARE;
}

/* Spikes differ from each other, jumps do not. */
static void count_outliers(struct steering_source *src, const struct sample *m,
    const struct gaussian *before, const struct box *box)
{
	double residual = -before->mean;

	if (!box_is_outlier(before, 0, box)) {
		src->outliers = 0;
		src->last_right = m->at;
		return;
	}
	if (fabs(residual - src->last_residual) >
	    fabs(residual) / OUTLIERS_ALIKE)
		src->outliers = 0;
	src->outliers++;
	src->last_residual = residual;
}

/*
 * The filter ignores one outlier; several that agree are right, and the
 * estimate is wrong. If most sources have outliers, or the only one, the local
 * clock has jumped; if one has them against the others, its bias has changed.
 */
static void believe_outliers(struct steering *s, struct steering_source *src)
{
	unsigned with_outliers = 0;
	double sd = fabs(src->last_residual), since;

	if (src->outliers < OUTLIERS_BELIEVED)
		return;
	for (unsigned i = 0; i < s->member_count; i++)
		with_outliers += s->sources[s->members[i]].outliers > 0;
	src->outliers = 0;
	if (2 * with_outliers <= s->member_count) {
		estimate_inflate_bias(
		    &s->estimate, (unsigned)src->slot, fmin(sd, BIAS_MOST_S));
		return;
	}
	since = s_of_ns(s->estimate.at.ns - src->last_right.ns);
	estimate_inflate_clock(
	    &s->estimate, sd, fmin(sd / fmax(since, 1), FREQ_JUMP));
	for (unsigned i = 0; i < s->member_count; i++)
		s->sources[s->members[i]].outliers = 0;
}

/* The estimated bias of the current route, with the part that was subtracted
 * from the records. */
static struct gaussian bias_now(
    const struct steering *s, const struct steering_source *src, int slot)
{
	struct gaussian b = estimate_bias(&s->estimate, (unsigned)slot);

	b.mean += s_of_ns(src->carried_ns);
	return b;
}

/* If the first samples of a route fit its old bias, they show an error of the
 * clock at that moment rather than a change of the bias; such an error would
 * otherwise stay in the bias. */
static void judge_route(struct steering *s, struct steering_source *src)
{
	double sd = src->bias_change_sd;
	struct gaussian was = src->bias_before;

	if (sd <= 0 || ++src->on_route != ROUTE_SAMPLES)
		return;
	if (route_odds_unchanged(was, bias_now(s, src, src->slot), sd) <
	    ROUTE_ODDS)
		return;
	was.mean -= s_of_ns(src->carried_ns);
	was.var += ROUTE_DOUBT * ROUTE_DOUBT * sd * sd;
	estimate_learn_bias(&s->estimate, (unsigned)src->slot, was);
}

void feed_record(
    struct steering *s, struct steering_source *src, const struct record *r)
{
	const struct sample *m = &r->sample;
	unsigned slot = (unsigned)src->slot;
	double delay = s_of_ns(m->delay_ns);
	int64_t offset_ns = m->offset_ns - src->carried_ns;
	struct box box = error_model_box(
	    &src->error_model, &src->delay, r->route, delay, noise(m));
	struct gaussian before =
	    estimate_predict(&s->estimate, slot, m->at, offset_ns);
	bool first = !s->estimate.started;
	struct gaussian after;

	src->filter_route = r->route;
	estimate_add(&s->estimate, slot, m->at, offset_ns, &box);
	after = estimate_predict(&s->estimate, slot, m->at, offset_ns);
	s->sample_is_new = true;
	if (first)
		return;
	error_model_learn(&src->error_model, &src->delay, r->route, delay,
	    noise(m), &before, &after);
	count_outliers(src, m, &before, &box);
	believe_outliers(s, src);
	judge_route(s, src);
}

static double bias_sd(const struct steering_source *src)
{
	const struct sample *m = &const_record(src, 0)->sample;
	const struct delay_route *route =
	    delay_route(&src->delay, src->delay.route);
	double path = route ? route->floor : s_of_ns(m->delay_ns);
	double root = s_of_ns(m->root_delay_ns / 2 + m->root_dispersion_ns);

	return BIAS_SHARE * (path + root) + BIAS_LEAST_S;
}

static bool has_record_of(const struct steering_source *src, unsigned route)
{
	for (unsigned i = 0; i < src->count; i++)
		if (const_record(src, i)->route == route)
			return true;
	return false;
}

/*
 * The bias of a route must outlive the records that showed it. As long as they
 * are there, they show it again at each replay, except for the route of the
 * oldest record: how the path came to that route is forgotten. (Unless it was
 * the oldest record's route before: then it is kept already.)
 */
static bool must_keep(const struct steering_source *src, unsigned route)
{
	unsigned oldest = const_record(src, src->count - 1)->route;

	return !has_record_of(src, route) ||
	       (route == oldest && route != src->carried_route);
}

static void keep_biases(const struct steering *s, struct steering_source *src)
{
	if (src->old_slot >= 0)
		route_learn(&src->learned, &src->delay, src->filter_route,
		    bias_now(s, src, src->old_slot));
	for (unsigned i = 0; i < DELAY_ROUTES; i++) {
		unsigned route = src->delay.routes[i].number;
		const struct gaussian *b = route_recall(&src->learned, route);

		if (b && must_keep(src, route))
			route_learn(&src->kept, &src->delay, route, *b);
	}
	/* The path may come back to the route whose bias was subtracted. */
	if (const_record(src, src->count - 1)->route != src->carried_route)
		route_learn(&src->kept, &src->delay, src->carried_route,
		    (struct gaussian){s_of_ns(src->carried_ns),
			src->carried_sd * src->carried_sd});
	src->learned = src->kept;
}

/* The asymmetry of a path and the error of its server lie within the root
 * distance of the best sample, whatever the filter estimated. Late samples at a
 * start must not leave a larger bias behind. */
static struct gaussian limited(
    const struct steering_source *src, struct gaussian b)
{
	double most = s_of_ns(src->best_distance_ns);

	if (src->best_distance_ns <= 0)
		return b;
	return (struct gaussian){
	    fmin(fmax(b.mean, -most), most), fmin(b.var, most * most)};
}

static void carry_bias(const struct steering *s, struct steering_source *src)
{
	const struct gaussian *b;
	struct gaussian carried;

	if (src->count == 0)
		return;
	keep_biases(s, src);
	src->carried_route = const_record(src, src->count - 1)->route;
	b = route_recall(&src->kept, src->carried_route);
	if (!b)
		return;
	carried = limited(src, *b);
	src->carried_ns = ns_of_s(carried.mean);
	src->carried_sd = sqrt(carried.var);
}

/* The frequency that the filter starts with: the estimate's, if it is the
 * better known one. */
static double starting_freq(const struct steering *s, double *sd)
{
	struct estimate_value v;

	*sd = s->first_freq_sd;
	if (!s->estimate.started || s->discipline.updates == 0)
		return s->first_freq;
	v = estimate_at(&s->estimate, s->estimate.at);
	if (!(v.freq_sd + FREQ_CARRIED_SD < *sd))
		return s->first_freq;
	*sd = v.freq_sd + FREQ_CARRIED_SD;
	return v.freq;
}

static void start_filter(struct steering *s)
{
	double sd[ESTIMATE_SOURCES];
	double freq_sd, freq = starting_freq(s, &freq_sd);

	for (unsigned i = 0; i < s->source_count; i++)
		carry_bias(s, &s->sources[i]);
	for (unsigned i = 0; i < s->member_count; i++)
		sd[i] = bias_sd(&s->sources[s->members[i]]);
	estimate_init(&s->estimate, freq, freq_sd, sd, s->member_count);
	for (unsigned i = 0; i < s->member_count; i++)
		estimate_inflate_bias(
		    &s->estimate, i, s->sources[s->members[i]].carried_sd);
	for (unsigned i = 0; i < s->source_count; i++)
		s->sources[i].old_slot = s->sources[i].slot;
}

/* The member whose record number left[i] - 1, counted from the newest, is the
 * oldest of all; -1: none is left. */
static int oldest(const struct steering *s, const unsigned *left)
{
	int found = -1;
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < s->member_count; i++) {
		const struct record *r;

		if (left[i] == 0)
			continue;
		r = const_record(&s->sources[s->members[i]], left[i] - 1);
		if (r->sample.at.ns < least) {
			least = r->sample.at.ns;
			found = (int)i;
		}
	}
	return found;
}

void feed_route_change(struct steering *s, struct steering_source *src,
    const struct record *before, const struct record *r)
{
	const struct delay_route *to = delay_route(&src->delay, r->route);
	/* All of the difference may be on one way: +- half of it, evenly. */
	double sd = to ? fabs(to->shift) / 2 / sqrt(3) : 0;
	struct gaussian left = bias_now(s, src, src->slot), b;
	const struct gaussian *known;

	route_learn(&src->learned, &src->delay, before->route, left);
	known = route_recall(&src->learned, r->route);
	if (!known) {
		estimate_inflate_bias(&s->estimate, (unsigned)src->slot, sd);
		src->on_route = 0;
		src->bias_before = left;
		src->bias_change_sd = sd;
		return;
	}
	src->bias_change_sd = 0;
	b = limited(src, *known);
	b.mean -= s_of_ns(src->carried_ns);
	b.var += ROUTE_DOUBT * ROUTE_DOUBT * sd * sd;
	estimate_set_bias(&s->estimate, (unsigned)src->slot, b);
}

void feed_replay(struct steering *s)
{
	unsigned left[ESTIMATE_SOURCES] = {0};
	int i;

	start_filter(s);
	for (unsigned k = 0; k < s->member_count; k++) {
		struct steering_source *src = &s->sources[s->members[k]];

		left[k] = src->count;
		src->outliers = 0;
		src->bias_change_sd = 0;
		error_model_restart(&src->error_model);
	}
	while ((i = oldest(s, left)) >= 0) {
		struct steering_source *src = &s->sources[s->members[i]];
		const struct record *r = const_record(src, --left[i]);
		const struct record *before =
		    left[i] + 1 < src->count ? const_record(src, left[i] + 1)
					     : r;

		if (before->route != r->route)
			feed_route_change(s, src, before, r);
		feed_record(s, src, r);
	}
	s->replay_due = false;
}
