#include "clock/steering/steering.h"
#include "clock/steering/state.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* The first correction waits until each source has this many samples, but not
 * longer than this after the first sample of all. */
#define START_SAMPLES 3
#define START_WAIT_NS (5 * NS_PER_S / 2)

/* When the samples of a path double up to this many, all are taken in anew:
 * what was learned of its floor makes the first ones worth more than they were.
 */
#define HINDSIGHT 32

/* No drift is followed for longer without looking again. */
#define DRIFT_AHEAD_MAX_S 600.0

/* So many answers in a row show that a server's clock was set. */
#define TURNED_SAMPLES 3

/* A source whose answers scatter more is of no use (chrony's maxjitter). */
#define QUEUE_MAX_S 1.0

/* ---- records ---- */

static void clear_source(struct source *s)
{
	s->fresh = s->count = s->next = 0;
	s->longest = 0;
	s->state = SELECT_NO_SAMPLES;
	s->was_falseticker = s->outside = s->was_combined = false;
	s->kept = s->learned = (struct route_table){0};
	s->carried_route = 0;
	s->carried_ns = 0;
	s->surprises = 0;
	s->carried_sd = 0;
	delay_init(&s->delay);
	law_init(&s->law);
}

/* ---- samples ---- */

static bool power_of_two(unsigned n)
{
	return (n & (n - 1)) == 0;
}

static void label_route(struct source *src, unsigned back)
{
	for (unsigned i = 0; i < back && i < src->count; i++)
		record(src, i)->route = src->delay.route;
}

/* As delay_add wants it. */
static double lean(
    const struct steering *s, const struct source *src, const struct sample *m)
{
	if (src->slot < 0 || s->rebuild || !s->estimate.started)
		return NAN;
	return -estimate_belief(&s->estimate, (unsigned)src->slot, m->at,
	    m->offset_ns - src->carried_ns)
		    .mean;
}

void steering_add(struct steering *s, unsigned source, const struct sample *m)
{
	struct source *src = &s->sources[source];
	unsigned back;

	if (src->fresh == 0 && steering_contradicts(s, src, m))
		clear_source(src);
	if (!s->heard)
		s->first_at = m->at;
	s->heard = true;
	src->next = (src->next + 1) % RECORDS;
	src->count = src->count < RECORDS ? src->count + 1 : RECORDS;
	src->fresh++;
	*record(src, 0) = (struct record){.sample = *m};
	enum delay_news news = delay_add(
	    &src->delay, s_of_ns(m->delay_ns), lean(s, src, m), &back);
	label_route(src, back);
	src->reach |= 1;
	if (src->slot < 0)
		return;
	unsigned known = delay_route(&src->delay, src->delay.route)->samples;
	if (news == DELAY_LONGER ||
	    (power_of_two(known) && known > 1 && known <= HINDSIGHT))
		s->rebuild = true;
	if (s->rebuild)
		return;
	if (news == DELAY_SHORTER && src->count > 1)
		steering_reroute(s, src, record(src, 1), record(src, 0));
	steering_feed(s, src, record(src, 0));
}

void steering_forget(struct steering *s, unsigned source)
{
	struct source *src = &s->sources[source];

	clear_source(src);
	if (src->slot >= 0)
		s->rebuild = true;
}

void steering_set_reach(struct steering *s, unsigned source, uint8_t reach)
{
	s->sources[source].reach = reach;
}

void steering_set_server(struct steering *s, unsigned source, unsigned server)
{
	s->sources[source].server = server;
}

void steering_set_unsynced(struct steering *s, unsigned source, bool unsynced)
{
	s->sources[source].unsynced = unsynced;
}

/* ---- selection ---- */

static double current_freq(const struct steering *s, double *sd)
{
	if (!s->estimate.started) {
		*sd = s->first_freq_sd;
		return s->first_freq;
	}
	struct estimate_value v = estimate_at(&s->estimate, s->estimate.at);

	*sd = v.freq_sd;
	return v.freq;
}

/* How what was measured before is carried to now. */
struct carry {
	struct osc now;
	double freq, growth; /* s/s; growth: of the distance */
};

static struct carry carry_to(const struct steering *s, struct osc now)
{
	double sd, freq = current_freq(s, &sd);

	return (struct carry){
	    now, freq, s->config.max_clock_error_ppm * 1e-6 + 2 * sd};
}

static int64_t carried_distance_ns(
    const struct sample *m, const struct carry *c)
{
	double age = (double)(c->now.ns - m->at.ns);

	return sample_distance_ns(m) + (int64_t)(fmax(age, 0) * c->growth);
}

static int64_t carried_offset_ns(const struct sample *m, const struct carry *c)
{
	double age = (double)(c->now.ns - m->at.ns);

	return m->offset_ns + (int64_t)(age * c->freq);
}

/* The record that bounds the truth best now. */
static void find_best(struct source *src, const struct carry *c)
{
	src->best_distance_ns = INT64_MAX;
	src->best_offset_ns = 0;
	src->best_growth = c->growth;
	for (unsigned i = 0; i < src->count; i++) {
		const struct sample *m = &record(src, i)->sample;
		int64_t distance = carried_distance_ns(m, c);

		if (distance >= src->best_distance_ns)
			continue;
		src->best_distance_ns = distance;
		src->best_own_ns = sample_distance_ns(m);
		src->best_at = c->now;
		src->best_offset_ns = carried_offset_ns(m, c);
	}
}

/* When nobody answers, the clock coasts and the bounds grow; when others do
 * answer, a source that has fallen silent has no say. */
static bool stale(const struct steering *s, const struct source *src)
{
	if (src->reach != 0)
		return false;
	for (unsigned i = 0; i < s->source_count; i++) {
		const struct source *other = &s->sources[i];

		if (other->reach != 0 && other->count > 0 &&
		    !other->options.noselect &&
		    const_record(other, 0)->sample.at.ns >
			const_record(src, 0)->sample.at.ns)
			return true;
	}
	return false;
}

static enum select_state first_state(
    const struct steering *s, const struct source *src)
{
	if (src->count == 0)
		return SELECT_NO_SAMPLES;
	if (src->options.noselect)
		return SELECT_NOSELECT;
	if (src->unsynced || const_record(src, 0)->sample.leap == LEAP_UNKNOWN)
		return SELECT_UNSYNCED;
	if (src->best_distance_ns > s->config.max_distance_ns)
		return SELECT_DISTANCE;
	if (src->delay.queue > QUEUE_MAX_S)
		return SELECT_TOO_VARIABLE;
	if (stale(s, src))
		return SELECT_STALE;
	return SELECT_COMBINED;
}

/* A name that is silent or of no use must not take the other one's vote. */
static void mark_duplicates(
    const struct steering *s, struct select_source *list)
{
	for (unsigned i = 0; i < s->source_count; i++)
		for (unsigned j = 0; j < i && !list[i].duplicate; j++)
			list[i].duplicate =
			    s->sources[j].server == s->sources[i].server &&
			    list[j].state == SELECT_COMBINED;
}

static void vote(struct steering *s, const struct carry *c)
{
	struct select_source list[SOURCES_MAX];

	for (unsigned i = 0; i < s->source_count; i++) {
		struct source *src = &s->sources[i];

		find_best(src, c);
		list[i] = (struct select_source){
		    .state = first_state(s, src),
		    .options = src->options,
		    .was_falseticker = src->was_falseticker,
		    .outside = src->outside,
		    .was_combined = src->was_combined,
		    .offset_ns = src->best_offset_ns,
		    .distance_ns = src->best_distance_ns,
		    .own_distance_ns = src->best_own_ns,
		};
	}
	mark_duplicates(s, list);
	s->selection = select_sources(list, s->source_count,
	    s->config.min_sources, s->selection.selected);
	for (unsigned i = 0; i < s->source_count; i++)
		s->sources[i].state = list[i].state;
}

static bool in_truth(
    const struct steering *s, const struct sample *m, const struct carry *c)
{
	int64_t offset = carried_offset_ns(m, c);
	int64_t distance = carried_distance_ns(m, c);

	return offset - distance <= s->selection.truth_high_ns &&
	       offset + distance >= s->selection.truth_low_ns;
}

static unsigned latest_in_truth(
    const struct steering *s, const struct source *src, const struct carry *c)
{
	unsigned in = 0;

	for (unsigned i = 0; i < TURNED_SAMPLES; i++)
		in += in_truth(s, &const_record(src, i)->sample, c);
	return in;
}

/* False: there is none that is not in truth. */
static bool forget_lies(
    const struct steering *s, struct source *src, const struct carry *c)
{
	unsigned kept = 0, count = src->count;

	for (unsigned i = 0; i < count; i++)
		if (in_truth(s, &record(src, i)->sample, c))
			*record(src, kept++) = *record(src, i);
	src->count = kept;
	return kept < count;
}

/*
 * A server whose clock was set speaks for that of now. Its latest answers tell:
 * when none of them is where the majority is, what it said before they came
 * does not speak for it; when all are there again, what it said in between is
 * forgotten, or the lie would go on until it has aged, and go into the filter
 * as the server comes back. True: this changes the vote.
 */
static bool heed_latest(
    const struct steering *s, struct source *src, const struct carry *c)
{
	bool was = src->outside;

	if (src->count < TURNED_SAMPLES)
		return false;
	unsigned in = latest_in_truth(s, src, c);

	src->outside = in == 0 || (was && in < TURNED_SAMPLES);
	if (src->was_falseticker && in == TURNED_SAMPLES)
		return forget_lies(s, src, c) || was;
	return src->outside != was;
}

/* One source alone, or several that disagree, say nothing of each other. */
static bool heed_majority(struct steering *s, const struct carry *c)
{
	bool majority = s->selection.agreeing >= 2 &&
			2 * s->selection.agreeing > s->selection.voters;
	bool any = false;

	for (unsigned i = 0; i < s->source_count; i++) {
		struct source *src = &s->sources[i];

		any |= majority ? heed_latest(s, src, c) : src->outside;
		src->outside &= majority;
	}
	return any;
}

static void note_verdict(const struct steering *s, struct source *src)
{
	src->was_combined = steering_wanted(src);
	src->was_falseticker =
	    s->selection.outcome == SELECT_SELECTED &&
	    (src->state == SELECT_FALSETICKER ||
		(src->was_falseticker && src->state < SELECT_DUPLICATE));
}

static void choose(struct steering *s, struct osc now)
{
	struct carry c = carry_to(s, now);

	vote(s, &c);
	if (heed_majority(s, &c))
		vote(s, &c);
	for (unsigned i = 0; i < s->source_count; i++)
		note_verdict(s, &s->sources[i]);
}

/* ---- the decision ---- */

/* One answer of now is enough where many of before agree with it. */
static bool answered(const struct source *src)
{
	return src->fresh >= (src->count > src->fresh ? 1 : START_SAMPLES);
}

static bool may_start(const struct steering *s, struct osc now)
{
	if (!s->starting)
		return true;
	if (now.ns - s->first_at.ns >= START_WAIT_NS)
		return true;
	for (unsigned i = 0; i < s->source_count; i++)
		if (!s->sources[i].options.noselect &&
		    !answered(&s->sources[i]))
			return false;
	return true;
}

/* The half of the survivors that agree decide on the leap second. */
static enum leap vote_leap(const struct steering *s)
{
	unsigned votes[4] = {0}, voters = 0;

	for (unsigned i = 0; i < s->source_count; i++) {
		const struct source *src = &s->sources[i];

		if (!steering_wanted(src))
			continue;
		voters++;
		votes[const_record(src, 0)->sample.leap & 3]++;
	}
	for (unsigned leap = LEAP_INSERT; leap <= LEAP_DELETE; leap++)
		if (2 * votes[leap] > voters)
			return (enum leap)leap;
	return LEAP_NONE;
}

int64_t steering_remaining_ns(const struct steering *s,
    const struct timescale *t, struct wall now, struct estimate_value *v)
{
	*v = estimate_at(&s->estimate, timescale_osc(t, now));
	return v->offset_ns - timescale_added_ns(t, now);
}

int64_t steering_bound_ns(
    const struct steering *s, const struct estimate_value *v, struct osc now)
{
	if (s->selection.selected < 0)
		return INT64_MAX;
	const struct source *src = &s->sources[s->selection.selected];
	double sd, freq = current_freq(s, &sd);
	double age = (double)(now.ns - src->best_at.ns);
	int64_t theirs = src->best_offset_ns + (int64_t)(freq * age);
	int64_t apart = v->offset_ns - theirs;

	return src->best_distance_ns +
	       (int64_t)(fmax(age, 0) * src->best_growth) +
	       (apart < 0 ? -apart : apart);
}

static bool synchronised(const struct steering *s, int64_t bound)
{
	return s->selection.outcome == SELECT_SELECTED &&
	       bound <= s->config.max_distance_ns;
}

/* Nothing to steer by, or nothing believable: the clock runs on at its
 * frequency, and says that it is alone. A slew under way ends, for what ordered
 * it is in doubt now. */
static bool give_up(struct steering *s, const struct timescale *t,
    struct wall now, struct clock_command *command)
{
	if (!s->said_synchronised)
		return false;
	struct estimate_value v;
	int64_t offset_ns = steering_remaining_ns(s, t, now, &v);

	s->said_synchronised = false;
	s->asked_freq = s->base_freq;
	*command = (struct clock_command){
	    .freq_ppm = s->base_freq * 1e6,
	    .leap = LEAP_NONE,
	    .max_error_ns = s->config.max_distance_ns +
			    (offset_ns < 0 ? -offset_ns : offset_ns),
	    .est_error_ns = ns_of_s(hypot(v.offset_sd, v.spread_sd)),
	};
	return true;
}

static bool decide(struct steering *s, const struct timescale *t,
    struct wall now, struct clock_command *command)
{
	struct osc at = timescale_osc(t, now);
	struct estimate_value v;
	int64_t offset = steering_remaining_ns(s, t, now, &v);
	int64_t bound = steering_bound_ns(s, &v, at);
	double since = s_of_ns(at.ns - s->updated.ns);

	if (s->discipline.updates > 0)
		s->interval_s = since;
	/* One frequency has to do until the next update: the one in its middle.
	 */
	double ahead = fmin(s->interval_s / 2, DRIFT_AHEAD_MAX_S);
	struct discipline_input in = {
	    .offset_ns = offset,
	    .freq_ppm = (v.freq + ahead * v.drift) * 1e6,
	    .interval_s = s->interval_s,
	    .synchronised = synchronised(s, bound),
	    .leap = vote_leap(s),
	    .now = now,
	    .max_error_ns = bound,
	    .est_error_ns = ns_of_s(hypot(v.offset_sd, v.spread_sd)),
	};
	if (!discipline_decide(&s->discipline, &in, command))
		return give_up(s, t, now, command);
	double square = s_of_ns(offset) * s_of_ns(offset);
	/* A step mends an error that says nothing of how well time is kept. */
	if (command->step_ns != 0)
		s->mean_square = 0;
	else if (s->mean_square == 0)
		s->mean_square = square;
	else
		s->mean_square += 0.1 * (square - s->mean_square);
	s->last_offset_ns = offset;
	s->asked_freq = command->freq_ppm * 1e-6;
	s->updated = at;
	s->said_synchronised = in.synchronised;
	s->leap = in.leap;
	return true;
}

/* What the samples said of the wall clock, before anything is done to it. */
static void note_measured(
    struct steering *s, const struct timescale *t, struct wall now)
{
	int64_t added_ns = timescale_added_ns(t, now);

	for (unsigned i = 0; i < s->source_count; i++) {
		struct source *src = &s->sources[i];
		struct record *r = record(src, 0);

		if (src->count == 0 || r->noted)
			continue;
		r->measured_ns = r->sample.offset_ns - added_ns;
		r->noted = true;
	}
}

bool steering_update(struct steering *s, const struct timescale *t,
    struct wall now, struct clock_command *command)
{
	struct osc at = timescale_osc(t, now);
	struct estimate_value v;

	if (!s->heard)
		return false;
	note_measured(s, t, now);
	choose(s, at);
	if (s->selection.selected < 0)
		return give_up(s, t, now, command);
	if (!may_start(s, at))
		return false;
	steering_renew_members(s);
	if (s->rebuild)
		steering_replay(s);
	if (s->news) {
		s->news = false;
		return decide(s, t, now, command);
	}
	(void)steering_remaining_ns(s, t, now, &v);
	return !synchronised(s, steering_bound_ns(s, &v, at)) &&
	       give_up(s, t, now, command);
}

void steering_applied(struct steering *s, enum keeper_verdict verdict)
{
	discipline_applied(&s->discipline, verdict);
	/* Nobody steers: the measurement is all there is, and it is made. */
	if (verdict == KEEPER_NO_CLOCK) {
		s->starting = false;
		return;
	}
	if (verdict != KEEPER_OK) {
		s->said_synchronised = false;
		return;
	}
	s->starting = false;
	s->base_freq = s->asked_freq;
}

void steering_allow_step(struct steering *s)
{
	s->discipline.step_allowed = true;
	s->starting = true;
	s->heard = false;
}

struct steering *steering_new(const struct steering_config *config,
    const struct source_options *options, unsigned sources, double freq_ppm,
    double freq_sd_ppm)
{
	struct steering *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	assert(sources <= SOURCES_MAX);
	s->sources = calloc(sources, sizeof *s->sources);
	if (s->sources == NULL) {
		free(s);
		return NULL;
	}
	s->config = *config;
	s->source_count = sources;
	s->selection.selected = -1;
	s->selection.outcome = SELECT_NO_SAMPLES;
	s->first_freq = freq_ppm * 1e-6;
	s->first_freq_sd = freq_sd_ppm * 1e-6;
	s->base_freq = s->first_freq;
	s->starting = true;
	s->interval_s = 1;
	discipline_init(&s->discipline, config);
	for (unsigned i = 0; i < sources; i++) {
		s->sources[i].options = options[i];
		s->sources[i].server = i;
		s->sources[i].slot = s->sources[i].old_slot = -1;
		clear_source(&s->sources[i]);
	}
	return s;
}

void steering_free(struct steering *s)
{
	if (s == NULL)
		return;
	free(s->sources);
	free(s);
}
