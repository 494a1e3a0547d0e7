#include "clock/steering/feed.h"

#include <math.h>
#include <stdlib.h>

/* The standard deviation of a bias about which nothing is known: this share of
 * the delay and of the server's root distance, and a little for a LAN. Real
 * paths are asymmetric by a few per cent of their delay. */
#define BIAS_SHARE 0.05
#define BIAS_LEAST_S 1e-6

/* This many outliers in a row that agree are believed. The frequency may have
 * jumped with them, by FREQ_JUMP (s/s) or as fast as they grow, and a bias by
 * BIAS_MOST_S. Outliers that grow show a jump of the frequency: two of them are
 * enough. The rate of the growth is then as wrong as queues can make it, and by
 * GROWTH_SHARE of it. */
#define OUTLIERS_BELIEVED 3
/* Of the clock, so many on one side are enough if they lie beyond what queues
 * explain and so many standard deviations of the prediction. */
#define CERTAIN_BELIEVED 2
#define CERTAIN_SDS 6
#define GROWTH_SHARE 0.05
/* No frequency is larger, s/s. */
#define GROWTH_MOST (CLOCK_FREQ_MAX_PPM * 1e-6)
#define FREQ_JUMP 500e-6
/* The frequency may have jumped at any moment since the last sample that was
 * right: then it has changed by more than the residual divided by that time. */
#define LATE_JUMP 1.7
#define BIAS_MOST_S 1.0
/* Outliers of two sources show the same change of the clock if they are on one
 * side and one is at most so many times the other: a liar must not use the
 * small outlier of an honest server. */
#define AGREES_AT_MOST 4
/* Two outliers agree if they differ by less than 1 / OUTLIERS_ALIKE of the
 * residual. */
#define OUTLIERS_ALIKE 4

/* The bias of a detour is that of the shortest route +- half of what it is
 * longer, times this for the errors of both. */
#define DETOUR_ROOM 1.5
/* What remains uncertain of the bias of a route that came back, and of a route
 * that is as much longer there as back: this share of the possible change. */
#define ROUTE_DOUBT 0.03
/* The bias of a new route is judged after this many samples. One of the likely
 * changes is believed if its probability is at least ROUTE_SURE. The difference
 * of two floors is uncertain by FLOOR_SHARE of the mean queue. */
#define ROUTE_SAMPLES 8
#define ROUTE_SURE (2.0 / 3)
#define FLOOR_SHARE 0.2

/* A floor that creeps looks like many routes, each a little longer. True routes
 * that differ by less than CREEP_QUEUES mean queues are rare. So for such a
 * small change, the odds of "both ways alike" are multiplied by CREEP_PRIOR. */
#define CREEP_QUEUES 4.0
#define CREEP_PRIOR 20.0
/* The odds that a route with the floor of a remembered one is another one. */
#define OTHER_ROUTE_PRIOR 0.1

/* A change of the route costs as much as so many records. */
#define ROUTE_CHANGE_RECORDS 8

/* The standard deviation, s/s, that is added to a frequency taken over from an
 * estimate made of the same samples, or of samples that are gone. */
#define FREQ_CARRIED_SD 5e-6

/* Time stamps: the least noise, and the noise as a share of the bound of the
 * reading errors (a third: three standard deviations). */
#define NOISE_LEAST_S 20e-9
#define NOISE_SHARE 3

double feed_freq_change(double offset_s, double since_s)
{
	return fmin(LATE_JUMP * offset_s / fmax(since_s, 1), FREQ_JUMP);
}

static double noise(const struct sample *m)
{
	return NOISE_LEAST_S + s_of_ns(m->dispersion_ns) / NOISE_SHARE;
}

static double free_of_creep(const struct record *r)
{
	return s_of_ns(r->sample.delay_ns) - r->crept;
}

/* A path with fewer records may have a floor far below its shortest delay. */
#define FLOOR_SAMPLES 8
/* A growth must be so many times what queues can explain. Then its rate is
 * wrong by a quarter at most. */
#define GROWTH_QUEUES 4

double feed_half_excess(
    const struct steering_source *src, const struct record *record)
{
	const struct sample *m = &record->sample;
	const struct delay_route *r = delay_shortest_route(&src->delay);
	double delay = s_of_ns(m->delay_ns);
	double above = free_of_creep(record) - (r ? r->floor : 0);
	bool known = r && src->count >= FLOOR_SAMPLES;

	return (known ? fmin(fmax(above, 0), delay) : delay) / 2 + noise(m);
}

/* How fast the residuals grow away from zero: more than any queue explains. */
static struct growth growth_of(const struct steering_source *src,
    const struct sample *m, double residual, double excess)
{
	double more = residual - src->outliers.residual;
	double since = s_of_ns(m->at.ns - src->outliers.latest.ns);
	double queues = excess + src->outliers.excess;

	if (src->outliers.alike == 0 || since <= 0 ||
	    residual * src->outliers.residual <= 0 || residual * more <= 0 ||
	    fabs(more) <= GROWTH_QUEUES * queues ||
	    fabs(more) >= GROWTH_MOST * since)
		return (struct growth){0};
	return (struct growth){
	    .rate = more / since,
	    .sd = (queues + GROWTH_SHARE * fabs(more)) / since,
	};
}

/* More than any queue explains, and the prediction's own error. */
static bool is_certain(
    double residual, const struct gaussian *before, double excess)
{
	return fabs(residual) > excess + CERTAIN_SDS * sqrt(before->var);
}

/* So many samples that may have queued for longer than the latest outlier is
 * off do not refute it. More of them do: on a path that has become longer, all
 * samples seem to have queued. */
#define UNDECIDED_MOST 3

/* Half of what the delay has above the floor of its own route, s. */
static double queued(
    const struct steering_source *src, const struct record *record)
{
	const struct delay_route *r = delay_route(&src->delay, record->route);

	return r ? fmax(free_of_creep(record) - r->floor, 0) / 2 : 0;
}

/* A sample that is no outlier: after a jump that the latest outlier has shown,
 * it may be right by chance. */
static bool refutes(const struct steering_source *src, const struct record *r)
{
	const struct outliers *o = &src->outliers;

	return o->alike == 0 || o->undecided >= UNDECIDED_MOST ||
	       2 * queued(src, r) < fabs(o->residual);
}

/* Spikes differ from each other, jumps do not. True: it is an outlier. */
static bool count_outliers(struct steering_source *src, const struct record *r,
    const struct gaussian *before, const struct box *box)
{
	const struct sample *m = &r->sample;
	double residual = -before->mean, excess = feed_half_excess(src, r);

	if (!box_is_outlier(before, 0, box)) {
		if (!refutes(src, r)) {
			src->outliers.undecided++;
			return false;
		}
		src->outliers.alike = src->outliers.certain = 0;
		src->outliers.undecided = 0;
		src->outliers.growth.rate = 0;
		src->outliers.last_right = m->at;
		return false;
	}
	if (!is_certain(residual, before, excess))
		src->outliers.certain = 0;
	else if (residual * src->outliers.residual > 0)
		src->outliers.certain++;
	else
		src->outliers.certain = 1;
	src->outliers.growth = growth_of(src, m, residual, excess);
	if (src->outliers.growth.rate == 0 &&
	    fabs(residual - src->outliers.residual) >
		fabs(residual) / OUTLIERS_ALIKE)
		src->outliers.alike = 0;
	if (src->outliers.first.ns <= src->outliers.last_right.ns)
		src->outliers.first = m->at;
	src->outliers.alike++;
	src->outliers.residual = residual;
	src->outliers.latest = m->at;
	src->outliers.excess = excess;
	return true;
}

/*
 * How much longer this route is than the shortest one known of the path, s.
 * Queues and detours only ever add delay, so the bias of the route is that of
 * the shortest one +- half of this. A floor that crept is no detour.
 */
static double detour(const struct steering_source *src, unsigned number)
{
	const struct delay_route *r = delay_route(&src->delay, number);

	const struct delay_route *least = delay_shortest_route(&src->delay);

	if (!r || r->crept || !least)
		return 0;
	return r->floor - least->floor;
}

/* The standard deviation of a bias that is uniform within +- half of a
 * difference of floors. */
static double half_even_sd(double difference)
{
	return fabs(difference) / 2 / sqrt(3);
}

/* The other source is off in the same direction, and by a part of it at least.
 */
static bool agrees(
    const struct steering_source *other, const struct steering_source *src)
{
	double residual = other->outliers.residual;

	return other->outliers.alike > 0 &&
	       residual * src->outliers.residual > 0 &&
	       fabs(src->outliers.residual) <= AGREES_AT_MOST * fabs(residual);
}

/* Of the sources that answer, this one among them: how many see an outlier like
 * its own, and how many see none. A silent one cannot have seen it. */
struct witnesses {
	unsigned all, agree, right;
};

static struct witnesses witnesses_of(
    const struct steering *s, const struct steering_source *src)
{
	struct witnesses w = {0};

	for (unsigned i = 0; i < s->member_count; i++) {
		const struct steering_source *other =
		    &s->sources[s->members[i]];

		if (other != src && other->reach == 0)
			continue;
		w.all++;
		w.agree += agrees(other, src);
		w.right += other->outliers.alike == 0;
	}
	return w;
}

/* Most of them see what this one sees, or it is the only one: the clock itself
 * has changed. */
static bool clock_has_changed(
    const struct steering *s, const struct steering_source *src)
{
	struct witnesses w = witnesses_of(s, src);

	return 2 * w.agree > w.all;
}

static bool most_are_right(
    const struct steering *s, const struct steering_source *src)
{
	struct witnesses w = witnesses_of(s, src);

	return 2 * w.right >= w.all;
}

/* The filter ignores one outlier; several that agree are right. Of outliers
 * that no queue explains, two of the clock are enough. */
static bool are_believed(
    const struct steering *s, const struct steering_source *src)
{
	return src->outliers.alike >= OUTLIERS_BELIEVED ||
	       (src->outliers.certain >= CERTAIN_BELIEVED &&
		   clock_has_changed(s, src));
}

/* No oscillator is so fast: the clock or a server was set. In a replay only the
 * newest record is new to the learned drift. */
static void notice_set(struct steering *s, const struct steering_source *src,
    const struct record *r)
{
	double since = s_of_ns(r->sample.at.ns - src->outliers.last_right.ns);

	if (are_believed(s, src) && r == const_record(src, 0) &&
	    fabs(src->outliers.residual) > DRIFT_RATE_MAX * since)
		interrupt_learning(s);
}

static void forget_outliers(struct steering *s)
{
	for (unsigned i = 0; i < s->member_count; i++) {
		s->sources[s->members[i]].outliers.alike = 0;
		s->sources[s->members[i]].outliers.certain = 0;
		s->sources[s->members[i]].outliers.growth.rate = 0;
	}
}

/* What a sample says: the offset less the source's carried bias and the likely
 * error, and its box. */
struct reading {
	int64_t offset_ns;
	struct box box;
};

/* The clock has changed by about the latest residual, and its frequency by
 * about `freq_sd`. The latest sample, which the filter took for an outlier,
 * counts after all. */
static void take_changed_clock(struct steering *s, struct steering_source *src,
    struct osc at, const struct reading *x, double freq_sd)
{
	s->changed_at = at;
	estimate_inflate_clock(
	    &s->estimate, fabs(src->outliers.residual), freq_sd);
	estimate_add(
	    &s->estimate, (unsigned)src->slot, at, x->offset_ns, &x->box);
	forget_outliers(s);
}

/* A replay finds a change again that was told already. */
static bool is_newest(const struct steering_source *src, struct osc at)
{
	return const_record(src, 0)->sample.at.ns == at.ns;
}

/*
 * The residuals grow: the frequency has jumped by about as much. Until most of
 * the sources see it, nothing is decided.
 */
static void believe_growth(struct steering *s, struct steering_source *src,
    struct osc at, const struct reading *x)
{
	if (!clock_has_changed(s, src))
		return;
	estimate_shift_freq(&s->estimate, src->outliers.growth.rate);
	if (is_newest(src, at))
		s->freq_jump = src->outliers.growth.rate;
	take_changed_clock(s, src, at, x, src->outliers.growth.sd);
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

/* The bias of the shortest route that is known of the path. */
static bool shortest_bias(const struct steering *s,
    const struct steering_source *src, struct gaussian *out)
{
	const struct delay_route *r = delay_shortest_route(&src->delay);
	const struct gaussian *known;

	if (!r)
		return false;
	if (r->number == src->filter_route) {
		*out = bias_now(s, src, src->slot);
		return true;
	}
	known = route_recall(&src->learned, r->number);
	if (known)
		*out = *known;
	return known;
}

/* How far beyond what is possible the bias of this route would be at `bias`, s;
 * 0: it is possible. The sign is that of `bias`. */
static double impossible_part(
    const struct steering *s, const struct steering_source *src, double bias)
{
	double most = DETOUR_ROOM * detour(src, src->filter_route) / 2, beyond;
	struct gaussian shortest;

	if (most <= 0 || !shortest_bias(s, src, &shortest))
		return 0;
	bias -= shortest.mean;
	beyond = fabs(bias) - most;
	return beyond > 0 ? copysign(beyond, bias) : 0;
}

/* A path whose delay turns from one way to the other moves all offsets, but no
 * further than half of its delay. */
static void note_turn(struct steering_source *src, struct osc at, double jump)
{
	const struct delay_route *r = delay_shortest_route(&src->delay);

	if (is_newest(src, at) && r && jump < r->floor / 2)
		src->jump_s = fmax(src->jump_s, jump);
}

/*
 * Outliers that are believed show that the estimate is wrong. If most sources
 * have outliers, or the only one, the local clock has jumped; if one has them
 * against the others, its bias has changed.
 */
static void believe_outliers(struct steering *s, struct steering_source *src,
    struct osc at, const struct reading *x)
{
	double sd = fabs(src->outliers.residual), since, freq_sd;
	bool clock = clock_has_changed(s, src), detoured;

	/* Sources that differ in several ways decide nothing: their biases
	 * would move one by one, and no source would be left that holds the
	 * clock. */
	if (!are_believed(s, src) || (!clock && !most_are_right(s, src)))
		return;
	src->outliers.alike = src->outliers.certain = 0;
	/* On a detour, the bias may have become any other possible one. */
	detoured =
	    sd <= detour(src, src->filter_route) &&
	    impossible_part(s, src,
		bias_now(s, src, src->slot).mean + src->outliers.residual) == 0;
	if (!clock || detoured) {
		estimate_inflate_bias(&s->estimate, (unsigned)src->slot,
		    fmin(sd, BIAS_MOST_S), detoured);
		s->bias_set |= !detoured;
		return;
	}
	since = s_of_ns(s->estimate.at.ns - src->outliers.last_right.ns);
	if (is_newest(src, at) && !s->freq_doubted) {
		s->freq_before =
		    estimate_freq(&s->estimate, s->estimate.at, &freq_sd);
		s->freq_doubted = true;
	}
	note_turn(src, at, sd);
	take_changed_clock(s, src, at, x, feed_freq_change(sd, since));
}

static bool is_small_change(const struct steering_source *src)
{
	return src->bias_change_sd <
	       half_even_sd(CREEP_QUEUES * src->delay.queue);
}

/* The odds of a change of the bias against any other change, by what the
 * samples of the route show. `way`: 0 both ways alike, 1 and -1 one way alone.
 */
static double change_odds(
    const struct steering *s, const struct steering_source *src, int way)
{
	double sd = src->bias_change_sd;
	double odds = route_odds(src->bias_before, bias_now(s, src, src->slot),
	    way * sqrt(3) * sd, sd);

	return way == 0 && is_small_change(src) ? odds * CREEP_PRIOR : odds;
}

/*
 * A change on both ways alike leaves the bias as it is, and a change of one way
 * alone moves it by half of the difference. If the first samples fit one of the
 * three, what they show beyond it is an error of the clock at that moment,
 * which would otherwise stay in the bias.
 */
static void judge_route(struct steering *s, struct steering_source *src)
{
	double sd = src->bias_change_sd, sum = 1, most = 0;
	double doubt = ROUTE_DOUBT * sd;
	struct gaussian was = src->bias_before;
	int found = 0;

	if (++src->on_route != ROUTE_SAMPLES || sd <= 0)
		return;
	for (int way = -1; way <= 1; way++) {
		double odds = change_odds(s, src, way);

		sum += odds;
		if (odds <= most)
			continue;
		most = odds;
		found = way;
	}
	if (most < ROUTE_SURE * sum)
		return;
	if (found != 0)
		doubt = hypot(doubt, FLOOR_SHARE * src->delay.queue);
	was.mean += found * sqrt(3) * sd - s_of_ns(src->carried_ns);
	was.var += doubt * doubt;
	estimate_learn_bias(&s->estimate, (unsigned)src->slot, was);
}

/* The middle value. Of `two` sources, all between them are middle ones: returns
 * the one nearest to 0. Sorts the values. */
static double middle(double *values, unsigned n, bool two)
{
	qsort(values, n, sizeof(*values), ascending);
	if (two && n == 2)
		return fmax(values[0], fmin(values[1], 0));
	return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

static void shift_biases(struct route_table *table, double by)
{
	for (unsigned i = 0; i < DELAY_ROUTES; i++)
		table->routes[i].bias.mean += by;
}

static bool knows_detours(const struct steering *s)
{
	for (unsigned i = 0; i < s->member_count; i++)
		if (s->sources[s->members[i]].delay.known > 1)
			return true;
	return false;
}

/*
 * No packet shows the mean of all biases. Of each path the shortest route is
 * the best witness, so once paths have taken detours, or a server was set, the
 * biases of the shortest routes are about zero by definition, whichever routes
 * the paths take now. The middle of them counts, because one server may be
 * wrong. Without this, servers that are set one by one leave an error in the
 * clock that all of them contradict.
 */
static void anchor_biases(struct steering *s)
{
	double biases[ESTIMATE_SOURCES], by;
	unsigned n = 0;

	if (!s->bias_set && !knows_detours(s))
		return;
	for (unsigned i = 0; i < s->member_count; i++) {
		const struct steering_source *src = &s->sources[s->members[i]];
		struct gaussian b;

		if (shortest_bias(s, src, &b))
			biases[n++] = b.mean;
	}
	if (n == 0)
		return;
	by = middle(biases, n, s->member_count == 2);
	estimate_shift_offset(&s->estimate, by);
	for (unsigned i = 0; i < s->member_count; i++) {
		struct steering_source *src = &s->sources[s->members[i]];

		estimate_reduce_bias(&s->estimate, i, by);
		shift_biases(&src->learned, -by);
		shift_biases(&src->kept, -by);
	}
}

/* Somebody on the path may turn a delay from one way to the other, slowly in
 * one direction, which looks like the clock, and at once in the other one,
 * which looks like another bias. */
static void keep_bias_possible(struct steering *s, struct steering_source *src)
{
	double beyond =
	    impossible_part(s, src, bias_now(s, src, src->slot).mean);

	if (beyond != 0)
		estimate_move_bias(&s->estimate, (unsigned)src->slot, -beyond);
}

void feed_note_freq(const struct estimate *e, struct record *r)
{
	r->freq = r->freq_sd = 0;
	if (e->started)
		r->freq = estimate_freq(e, r->sample.at, &r->freq_sd);
}

/* Neither a floor that fell nor a bell makes a sample worse than its own bound.
 */
static struct reading read_record(
    const struct steering_source *src, const struct record *r)
{
	const struct sample *m = &r->sample;
	double delay = free_of_creep(r);
	double most = s_of_ns(m->delay_ns) / 2 + noise(m);
	struct reading x = {.offset_ns = m->offset_ns - src->carried_ns};
	double error = 0;

	if (bell_fits(&src->bell, r->route))
		x.box = bell_box(&src->bell, r->route, delay, noise(m), &error);
	else
		x.box = error_model_box(
		    &src->error_model, &src->delay, r->route, delay, noise(m));
	x.offset_ns -= ns_of_s(fmin(fmax(error, -most), most));
	x.box.half = fmin(x.box.half, most);
	x.box.edge = fmin(x.box.edge, most);
	return x;
}

void feed_record(
    struct steering *s, struct steering_source *src, struct record *r)
{
	const struct sample *m = &r->sample;
	unsigned slot = (unsigned)src->slot;
	double delay = free_of_creep(r);
	const struct reading x = read_record(src, r);
	bool first = !s->estimate.started;
	struct gaussian before, after;

	estimate_look_ahead(&s->estimate, m->at);
	before = estimate_predict(&s->estimate, slot, m->at, x.offset_ns);
	src->filter_route = r->route;
	if (!first)
		feed_note_freq(&s->estimate, r);
	estimate_add(&s->estimate, slot, m->at, x.offset_ns, &x.box);
	after = estimate_predict(&s->estimate, slot, m->at, x.offset_ns);
	s->sample_is_new = true;
	if (first)
		return;
	error_model_learn(&src->error_model, &src->delay, r->route, delay,
	    noise(m), &before, &after);
	if (count_outliers(src, r, &before, &x.box)) {
		notice_set(s, src, r);
		if (src->outliers.growth.rate != 0 && members_are_most(s))
			believe_growth(s, src, m->at, &x);
		else
			believe_outliers(s, src, m->at, &x);
	}
	judge_route(s, src);
	keep_bias_possible(s, src);
	anchor_biases(s);
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
 * distance of the best sample, whatever the filter estimated; on a longer
 * route, within half of what it is longer besides. Late samples at a start must
 * not leave a larger bias behind. */
static struct gaussian limited(
    const struct steering_source *src, unsigned route, struct gaussian b)
{
	double most = s_of_ns(src->best_distance_ns) + detour(src, route) / 2;

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
	carried = limited(src, src->carried_route, *b);
	src->carried_ns = ns_of_s(carried.mean);
	src->carried_sd = sqrt(carried.var);
}

/* The member with the oldest record; NULL: there is no record. */
static struct steering_source *oldest_member(const struct steering *s)
{
	struct steering_source *found = NULL;
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < s->member_count; i++) {
		struct steering_source *src = &s->sources[s->members[i]];
		const struct record *r;

		if (src->count == 0)
			continue;
		r = const_record(src, src->count - 1);
		if (r->sample.at.ns < least) {
			least = r->sample.at.ns;
			found = src;
		}
	}
	return found;
}

/* The frequency that was known before the oldest record. If there were more
 * records before it, they may have been misunderstood then, and those that are
 * left tell the frequency well enough. */
static struct gaussian freq_before(const struct steering *s)
{
	struct steering_source *src = oldest_member(s);
	struct record *r = src ? record(src, src->count - 1) : NULL;
	double sd;

	if (r && s->forget_freq)
		r->freq_sd = 0;
	if (!r || r->freq_sd <= 0)
		return (struct gaussian){
		    s->first_freq, s->first_freq_sd * s->first_freq_sd};
	sd = r->freq_sd + (src->count < RECORDS ? 0 : FREQ_CARRIED_SD);
	return (struct gaussian){r->freq, sd * sd};
}

/*
 * The frequency that the filter starts with: the one that was known before the
 * oldest record. The estimate of now knows the records that the filter takes in
 * again, so it serves only if little was known before, and it is made less
 * certain.
 */
static struct gaussian starting_freq(const struct steering *s)
{
	const struct estimate *now = shown_estimate(s);
	struct gaussian before = freq_before(s);
	struct estimate_value v;
	double sd;

	if (!now->started || s->forget_freq || s->discipline.updates == 0)
		return before;
	v = estimate_at(now, now->at);
	sd = v.freq_sd + FREQ_CARRIED_SD;
	return sd * sd < before.var ? (struct gaussian){v.freq, sd * sd}
				    : before;
}

/* The first record may have taken a detour, of whose bias nothing is known. */
static void doubt_first_route(struct steering *s, unsigned slot)
{
	const struct steering_source *src = &s->sources[s->members[slot]];
	double sd = src->carried_sd;

	if (src->count > 0 && sd <= 0)
		sd = half_even_sd(
		    detour(src, const_record(src, src->count - 1)->route));
	estimate_inflate_bias(&s->estimate, slot, sd, true);
}

static void start_filter(struct steering *s)
{
	double sd[ESTIMATE_SOURCES];
	struct gaussian freq = starting_freq(s);

	for (unsigned i = 0; i < s->source_count; i++)
		carry_bias(s, &s->sources[i]);
	for (unsigned i = 0; i < s->member_count; i++)
		sd[i] = bias_sd(&s->sources[s->members[i]]);
	estimate_init(
	    &s->estimate, freq.mean, sqrt(freq.var), sd, s->member_count);
	for (unsigned i = 0; i < s->member_count; i++)
		doubt_first_route(s, i);
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

/* The biases of the other routes were learned from a clock that is in doubt
 * now.
 */
static void doubt_other_routes(struct steering_source *src, double sd)
{
	for (unsigned i = 0; i < DELAY_ROUTES; i++)
		if (src->learned.routes[i].known)
			src->learned.routes[i].bias.var += sd * sd;
}

/* The shortest route of all is the best witness: what other routes said of the
 * clock is in doubt by half of the difference. */
static void take_shortest_route(
    struct steering *s, struct steering_source *src, double sd)
{
	doubt_other_routes(src, sd);
	estimate_inflate_clock(&s->estimate, sd, 0);
	estimate_reset_bias(
	    &s->estimate, (unsigned)src->slot, -s_of_ns(src->carried_ns));
	src->bias_change_sd = 0;
}

static void take_new_route(struct steering *s, struct steering_source *src,
    struct gaussian left, double sd)
{
	estimate_inflate_bias(&s->estimate, (unsigned)src->slot, sd, true);
	src->bias_before = left;
	src->bias_change_sd = sd;
}

static double evidence(const struct estimate *e,
    const struct steering_source *src, const struct record *r)
{
	const struct reading x = read_record(src, r);

	return estimate_evidence(
	    e, (unsigned)src->slot, r->sample.at, x.offset_ns, &x.box);
}

/* Of the first samples of a route, from `r` on: the one with the shortest
 * delay. The very first one may be the last one of the route before, in a
 * queue. */
static const struct record *sharpest(
    const struct steering_source *src, const struct record *r)
{
	const struct record *found = r;
	unsigned i = 0;

	while (const_record(src, i) != r)
		i++;
	for (unsigned n = 1; n < ROUTE_SAMPLES && i > 0; n++) {
		const struct record *next = const_record(src, --i);

		if (next->route != r->route)
			break;
		if (free_of_creep(next) < free_of_creep(found))
			found = next;
	}
	return found;
}

/* The route is a remembered one, or another one of the same length: the
 * sharpest sample decides. */
static void take_known_route(struct steering *s, struct steering_source *src,
    const struct record *r, struct gaussian known, struct gaussian left,
    double sd)
{
	struct estimate as_known = s->estimate, as_other = s->estimate;
	unsigned slot = (unsigned)src->slot;
	double length = detour(src, r->route);
	double wide = fmax(sd, half_even_sd(length));

	known.mean -= s_of_ns(src->carried_ns);
	known.var += ROUTE_DOUBT * ROUTE_DOUBT * sd * sd;
	r = sharpest(src, r);
	estimate_set_bias(&as_known, slot, known);
	estimate_inflate_bias(&as_other, slot, wide, true);
	if (length > 0 &&
	    evidence(&as_known, src, r) <
		evidence(&as_other, src, r) + log(OTHER_ROUTE_PRIOR)) {
		take_new_route(s, src, left, wide);
		return;
	}
	src->bias_change_sd = 0;
	s->estimate = as_known;
}

void feed_route_change(struct steering *s, struct steering_source *src,
    const struct record *before, const struct record *r)
{
	const struct delay_route *to = delay_route(&src->delay, r->route);
	/* All of the difference may be on one way: +- half of it, evenly. */
	double sd = to ? half_even_sd(to->shift) : 0;
	struct gaussian left = bias_now(s, src, src->slot);
	const struct gaussian *known;

	src->on_route = 0;
	route_learn(&src->learned, &src->delay, before->route, left);
	known = route_recall(&src->learned, r->route);
	if (known)
		take_known_route(
		    s, src, r, limited(src, r->route, *known), left, sd);
	else if (to && to->crept)
		/* A floor creeps on both ways alike, so the bias stays. */
		src->bias_change_sd = 0;
	else if (to && to->shift < 0 && detour(src, r->route) <= 0)
		take_shortest_route(s, src, sd);
	else
		take_new_route(s, src, left, sd);
}

/* What a replay has found before it was given up is less than what was known
 * before it. */
static void leave_replay(struct steering *s)
{
	for (unsigned i = 0; i < s->source_count; i++)
		s->sources[i].old_slot = -1;
}

static void enter_replay(struct steering *s)
{
	s->replay.before = s->estimate;
	for (unsigned i = 0; i < s->source_count; i++)
		s->sources[i].outliers_before = s->sources[i].outliers;
}

void feed_begin_replay(struct steering *s)
{
	if (s->replay.under_way)
		leave_replay(s);
	else
		enter_replay(s);
	start_filter(s);
	for (unsigned k = 0; k < s->member_count; k++) {
		struct steering_source *src = &s->sources[s->members[k]];

		s->replay.left[k] = src->count;
		src->outliers.alike = src->outliers.certain = 0;
		src->outliers.growth.rate = 0;
		src->bias_change_sd = 0;
		error_model_restart(&src->error_model);
	}
	s->replay_due = false;
	s->hindsight_after = 0;
	s->forget_freq = false;
	s->replay.under_way = true;
}

void feed_later(struct steering *s, const struct steering_source *src)
{
	unsigned *left;

	if (!s->replay.under_way || s->replay_due)
		return;
	left = &s->replay.left[src->slot];
	*left = *left < src->count ? *left + 1 : src->count;
}

/* Takes in the oldest record that is left. Returns false if there is none. */
static bool feed_oldest(struct steering *s, unsigned *work)
{
	int i = oldest(s, s->replay.left);
	struct steering_source *src;
	const struct record *before;
	struct record *r;
	unsigned back;

	if (i < 0)
		return false;
	src = &s->sources[s->members[i]];
	back = --s->replay.left[i];
	r = record(src, back);
	before = back + 1 < src->count ? const_record(src, back + 1) : r;
	if (before->route != r->route) {
		feed_route_change(s, src, before, r);
		*work += ROUTE_CHANGE_RECORDS;
		/* The first sample of a route that is not known may be the last
		 * one of the route before, in a queue. */
		if (!is_small_change(src) && back > 0) {
			src->filter_route = r->route;
			return true;
		}
	}
	feed_record(s, src, r);
	++*work;
	return true;
}

bool feed_replay_turn(struct steering *s)
{
	unsigned work = 0;

	while (work < FEED_TURN_RECORDS && feed_oldest(s, &work))
		;
	s->replay.under_way = oldest(s, s->replay.left) >= 0;
	return !s->replay.under_way;
}
