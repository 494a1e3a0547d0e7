/* Which samples go into the joint filter, and how: the inner side of steering.
 */
#include "clock/steering/state.h"

#include <math.h>

/* The asymmetry of a path and the error of its server that one reckons with
 * where nothing else is known: shares of the delay and of the root distance. */
#define BIAS_SHARE 0.05
#define BIAS_LEAST_S 1e-6

/* So many answers that the filter cannot explain, in a row and alike, are
 * heeded. A frequency that jumps with them does so by this much at most, s/s.
 */
#define SURPRISES_HEEDED 3
#define FREQ_JUMP 100e-6
#define BIAS_MOST_S 1.0

/* A route that comes back may differ from what it was, and one that is as long
 * there as back may be so only nearly: of what is possible. */
#define ROUTE_DOUBT 0.03
/* The samples of a new route after which its bias is judged, and the odds for
 * its having none that are believed. */
#define ROUTE_SAMPLES 8
#define ROUTE_ODDS 2.0

/* What an estimate made of other samples still says about the frequency. */
#define FREQ_CARRIED_SD 5e-6

/* Stamps: no better than this, whatever the bound of the reading errors. */
#define NOISE_LEAST_S 20e-9

static double noise(const struct sample *m)
{
	return NOISE_LEAST_S + s_of_ns(m->dispersion_ns) / 3;
}

/* Like the one before? Spikes differ from each other, jumps do not. */
static void count_surprise(struct source *src, const struct sample *m,
    const struct belief *before, const struct box *box)
{
	double miss = -before->mean;

	if (!box_surprises(before, 0, box)) {
		src->surprises = 0;
		src->last_right = m->at;
		return;
	}
	if (fabs(miss - src->last_miss) > fabs(miss) / 4)
		src->surprises = 0;
	src->surprises++;
	src->last_miss = miss;
}

/*
 * One answer that cannot be is ignored; several that agree are the truth, and
 * what was believed is not. When most sources say so, the local clock has
 * jumped, or the only server has; when one says so against the others, its own
 * bias has changed.
 */
static void heed_surprises(struct steering *s, struct source *src)
{
	unsigned surprised = 0;

	if (src->surprises < SURPRISES_HEEDED)
		return;
	for (unsigned i = 0; i < s->member_count; i++)
		surprised += s->sources[s->members[i]].surprises > 0;
	src->surprises = 0;
	double sd = fabs(src->last_miss);
	if (2 * surprised <= s->member_count) {
		estimate_loosen(
		    &s->estimate, (unsigned)src->slot, fmin(sd, BIAS_MOST_S));
		return;
	}
	double since = s_of_ns(s->estimate.at.ns - src->last_right.ns);
	estimate_widen(&s->estimate, sd, fmin(sd / fmax(since, 1), FREQ_JUMP));
	for (unsigned i = 0; i < s->member_count; i++)
		s->sources[s->members[i]].surprises = 0;
}

/* What the filter believes of the bias of the route taken now. */
static struct belief bias_now(
    const struct steering *s, const struct source *src, int slot)
{
	struct belief b = estimate_bias(&s->estimate, (unsigned)slot);

	b.mean += s_of_ns(src->carried_ns);
	return b;
}

/*
 * A longer route is mostly as much longer there as back. How much more likely
 * is what its first samples show of its bias if that is so, than if the change
 * may be anything within +- sqrt(3) sd? `now` holds that as a prior already.
 */
static double odds_for_both_ways(
    struct belief was, struct belief now, double sd)
{
	double info = 1 / now.var - 1 / (was.var + sd * sd);

	if (info <= 0)
		return 0;
	double var = 1 / info, miss = (now.mean - was.mean) * var / now.var;
	double total = var + was.var;

	return 2 * sqrt(3) * sd / sqrt(2 * M_PI * total) *
	       exp(-miss * miss / (2 * total));
}

/* When they fit it, it is believed: what they show of a change is then rather
 * the error of the clock at that moment, which would otherwise stay for good.
 */
static void judge_route(struct steering *s, struct source *src)
{
	double sd = src->bias_change_sd;

	if (sd <= 0 || ++src->on_route != ROUTE_SAMPLES)
		return;
	struct belief was = src->bias_before;

	if (odds_for_both_ways(was, bias_now(s, src, src->slot), sd) <
	    ROUTE_ODDS)
		return;
	was.mean -= s_of_ns(src->carried_ns);
	was.var += ROUTE_DOUBT * ROUTE_DOUBT * sd * sd;
	estimate_learn_bias(&s->estimate, (unsigned)src->slot, was);
}

void steering_feed(
    struct steering *s, struct source *src, const struct record *r)
{
	const struct sample *m = &r->sample;
	unsigned slot = (unsigned)src->slot;
	double delay = s_of_ns(m->delay_ns);
	int64_t offset_ns = m->offset_ns - src->carried_ns;
	struct box box =
	    law_box(&src->law, &src->delay, r->route, delay, noise(m));
	struct belief before =
	    estimate_belief(&s->estimate, slot, m->at, offset_ns);
	bool first = !s->estimate.started;

	src->fed_route = r->route;
	estimate_add(&s->estimate, slot, m->at, offset_ns, &box);
	struct belief after =
	    estimate_belief(&s->estimate, slot, m->at, offset_ns);
	s->news = true;
	if (first)
		return;
	law_learn(
	    &src->law, &src->delay, r->route, delay, noise(m), &before, &after);
	count_surprise(src, m, &before, &box);
	heed_surprises(s, src);
	judge_route(s, src);
}

static double bias_sd(const struct source *src)
{
	const struct sample *m = &const_record(src, 0)->sample;
	const struct delay_route *e =
	    delay_route(&src->delay, src->delay.route);
	double path = e != NULL ? e->floor : s_of_ns(m->delay_ns);
	double root = s_of_ns(m->root_delay_ns / 2 + m->root_dispersion_ns);

	return BIAS_SHARE * (path + root) + BIAS_LEAST_S;
}

static bool shown(const struct source *src, unsigned route)
{
	for (unsigned i = 0; i < src->count; i++)
		if (const_record(src, i)->route == route)
			return true;
	return false;
}

/* What was learned of the bias of a route must outlive the records that showed
 * it. While they are there, they show it again each time they are taken in; but
 * how the path came onto the route of the oldest one is forgotten. (The route
 * that was the oldest one's before is kept already.) */
static bool outlived(const struct source *src, unsigned route)
{
	unsigned oldest = const_record(src, src->count - 1)->route;

	return !shown(src, route) ||
	       (route == oldest && route != src->carried_route);
}

static void keep_biases(const struct steering *s, struct source *src)
{
	if (src->old_slot >= 0)
		route_learn(&src->learned, &src->delay, src->fed_route,
		    bias_now(s, src, src->old_slot));
	for (unsigned i = 0; i < DELAY_ROUTES; i++) {
		unsigned route = src->delay.routes[i].number;
		const struct belief *b = route_recall(&src->learned, route);

		if (b != NULL && outlived(src, route))
			route_learn(&src->kept, &src->delay, route, *b);
	}
	/* The path may come back to the route that all was measured by. */
	if (const_record(src, src->count - 1)->route != src->carried_route)
		route_learn(&src->kept, &src->delay, src->carried_route,
		    (struct belief){s_of_ns(src->carried_ns),
			src->carried_sd * src->carried_sd});
	src->learned = src->kept;
}

/* Whatever was believed: what a path adds on one way more than on the other,
 * and what its server is wrong by, lies within the root distance of its best
 * sample. Samples that came late at a start must not leave more behind. */
static struct belief limited(const struct source *src, struct belief b)
{
	double most = s_of_ns(src->best_distance_ns);

	if (src->best_distance_ns <= 0)
		return b;
	return (struct belief){
	    fmin(fmax(b.mean, -most), most), fmin(b.var, most * most)};
}

static void carry_bias(const struct steering *s, struct source *src)
{
	if (src->count == 0)
		return;
	keep_biases(s, src);
	unsigned oldest = const_record(src, src->count - 1)->route;
	const struct belief *b = route_recall(&src->kept, oldest);

	src->carried_route = oldest;
	if (b == NULL)
		return;
	struct belief carried = limited(src, *b);

	src->carried_ns = ns_of_s(carried.mean);
	src->carried_sd = sqrt(carried.var);
}

static void start_filter(struct steering *s)
{
	double sd[ESTIMATE_SOURCES];
	double freq = s->first_freq, freq_sd = s->first_freq_sd;

	if (s->estimate.started && s->discipline.updates > 0) {
		struct estimate_value v =
		    estimate_at(&s->estimate, s->estimate.at);

		if (v.freq_sd + FREQ_CARRIED_SD < freq_sd) {
			freq = v.freq;
			freq_sd = v.freq_sd + FREQ_CARRIED_SD;
		}
	}
	for (unsigned i = 0; i < s->source_count; i++)
		carry_bias(s, &s->sources[i]);
	for (unsigned i = 0; i < s->member_count; i++)
		sd[i] = bias_sd(&s->sources[s->members[i]]);
	estimate_init(&s->estimate, freq, freq_sd, sd, s->member_count);
	for (unsigned i = 0; i < s->member_count; i++)
		estimate_loosen(
		    &s->estimate, i, s->sources[s->members[i]].carried_sd);
	for (unsigned i = 0; i < s->source_count; i++)
		s->sources[i].old_slot = s->sources[i].slot;
}

/* The member whose record number left[i] (counted from the newest) is oldest;
 * -1: none is left. */
static int oldest(const struct steering *s, const unsigned *left)
{
	int found = -1;
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < s->member_count; i++) {
		if (left[i] == 0)
			continue;
		const struct record *r =
		    const_record(&s->sources[s->members[i]], left[i] - 1);
		if (r->sample.at.ns < least) {
			least = r->sample.at.ns;
			found = (int)i;
		}
	}
	return found;
}

void steering_reroute(struct steering *s, struct source *src,
    const struct record *before, const struct record *r)
{
	const struct delay_route *to = delay_route(&src->delay, r->route);
	/* All of the difference may be on one way: +- half of it, evenly. */
	double sd = to != NULL ? fabs(to->shift) / 2 / sqrt(3) : 0;

	struct belief left = bias_now(s, src, src->slot);

	route_learn(&src->learned, &src->delay, before->route, left);
	const struct belief *known = route_recall(&src->learned, r->route);
	if (known == NULL) {
		estimate_loosen(&s->estimate, (unsigned)src->slot, sd);
		src->on_route = 0;
		src->bias_before = left;
		src->bias_change_sd = sd;
	} else {
		src->bias_change_sd = 0;
		struct belief b = limited(src, *known);

		b.mean -= s_of_ns(src->carried_ns);
		b.var += ROUTE_DOUBT * ROUTE_DOUBT * sd * sd;
		estimate_set_bias(&s->estimate, (unsigned)src->slot, b);
	}
}

void steering_replay(struct steering *s)
{
	unsigned left[ESTIMATE_SOURCES] = {0};
	int i;

	start_filter(s);
	for (unsigned k = 0; k < s->member_count; k++) {
		struct source *src = &s->sources[s->members[k]];

		left[k] = src->count;
		src->surprises = 0;
		src->bias_change_sd = 0;
		law_again(&src->law);
	}
	while ((i = oldest(s, left)) >= 0) {
		struct source *src = &s->sources[s->members[i]];
		const struct record *r = const_record(src, --left[i]);

		const struct record *before =
		    left[i] + 1 < src->count ? const_record(src, left[i] + 1)
					     : r;

		if (before->route != r->route)
			steering_reroute(s, src, before, r);
		steering_feed(s, src, r);
	}
	s->rebuild = false;
}

/* A source whose samples must not, or no longer, be in the filter. One that
 * merely fell silent keeps its place: what it said was right. */
static bool unwanted(const struct source *src)
{
	switch (src->state) {
	case SELECT_SELECTED:
	case SELECT_COMBINED:
	case SELECT_STALE:
	case SELECT_DISTANCE:
	case SELECT_UNSYNCED:
		return src->count == 0;
	case SELECT_NO_SAMPLES:
	case SELECT_NOSELECT:
	case SELECT_UNTRUSTED:
	case SELECT_NO_MAJORITY:
	case SELECT_WAITS:
	case SELECT_DUPLICATE:
	case SELECT_FALSETICKER:
	case SELECT_TOO_VARIABLE:
	case SELECT_OUTLIER:
	case SELECT_NOT_PREFERRED:
	case SELECT_STATE_COUNT:
		return true;
	}
	return true;
}

static void join(struct steering *s, unsigned source)
{
	if (s->member_count == ESTIMATE_SOURCES)
		return;
	s->sources[source].slot = (int)s->member_count;
	s->members[s->member_count++] = source;
}

/* The selected source comes first, so that it is in even when there are more
 * than the filter holds. */
void steering_renew_members(struct steering *s)
{
	bool change = false;

	for (unsigned i = 0; i < s->source_count; i++) {
		struct source *src = &s->sources[i];

		change |= src->slot >= 0
			      ? unwanted(src)
			      : steering_wanted(src) &&
				    s->member_count < ESTIMATE_SOURCES;
	}
	if (!change && s->sources[s->selection.selected].slot >= 0)
		return;
	s->member_count = 0;
	for (unsigned i = 0; i < s->source_count; i++)
		s->sources[i].slot = -1;
	join(s, (unsigned)s->selection.selected);
	for (unsigned i = 0; i < s->source_count; i++)
		if (s->sources[i].state == SELECT_COMBINED)
			join(s, i);
	s->rebuild = true;
}
