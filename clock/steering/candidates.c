#include "clock/steering/candidates.h"

#include "clock/steering/nearest.h"
#include "clock/steering/remaining.h"

#include <math.h>

/* This many answers in a row show that somebody set a server's clock. */
#define TURNED_SAMPLES 3

/* The bits of the reach for the latest two requests. */
#define REACH_LATEST 3

struct carry carry_to(const struct steering *s, struct osc now)
{
	double sd, freq = remaining_freq(s, &sd);

	/* What a few sources say of it may be a lie. */
	if (!s->starting && !members_are_most(s))
		freq = s->base_freq;
	return (struct carry){
	    now, freq, sd, remaining_likely_drift(s) + 2 * sd};
}

int64_t record_distance_ns(const struct record *r, const struct carry *c)
{
	double age = fmax((double)(c->now.ns - r->sample.at.ns), 0);

	return carried_distance_ns(&r->sample, c) +
	       (int64_t)(remaining_freq_doubt(r, c->freq, c->freq_sd) * age);
}

/* Do two records of one source allow the same time? */
static bool share_time(
    const struct record *a, const struct record *b, const struct carry *c)
{
	int64_t apart =
	    carried_offset_ns(&a->sample, c) - carried_offset_ns(&b->sample, c);

	return (apart < 0 ? -apart : apart) <=
	       record_distance_ns(a, c) + record_distance_ns(b, c);
}

/* Does the latest answer contradict an older one? Then the server was set, or
 * the clock has jumped. */
static bool contradicts_itself(
    const struct steering_source *src, const struct carry *c)
{
	for (unsigned i = 1; i < src->nearest.count; i++)
		if (!share_time(nearest_at(src, 0), nearest_at(src, i), c))
			return true;
	return false;
}

const struct record *nearest_record(
    const struct steering_source *src, const struct carry *c, bool jumped)
{
	const struct record *latest = nearest_at(src, 0), *nearest = latest;

	for (unsigned i = 1; i < src->nearest.count; i++) {
		const struct record *r = nearest_at(src, i);

		if (jumped && !share_time(latest, r, c))
			break;
		if (record_distance_ns(r, c) < record_distance_ns(nearest, c))
			nearest = r;
	}
	return nearest;
}

static void find_best(
    struct steering_source *src, const struct carry *c, bool jumped)
{
	const struct record *r;

	src->best_distance_ns = INT64_MAX;
	src->best_offset_ns = 0;
	src->best_growth = c->growth;
	if (src->count == 0)
		return;
	r = nearest_record(src, c, jumped);
	src->best_distance_ns = record_distance_ns(r, c);
	src->best_offset_ns = carried_offset_ns(&r->sample, c);
	src->best_own_ns = sample_distance_ns(&r->sample);
	src->best_at = c->now;
}

/* A silent source loses its vote if another source answered since its last
 * answer. If none did, the clock runs on alone and the bounds grow. */
static bool stale(const struct steering *s, const struct steering_source *src)
{
	if (src->reach != 0)
		return false;
	for (unsigned i = 0; i < s->source_count; i++) {
		const struct steering_source *other = &s->sources[i];

		if (other->reach != 0 && other->count > 0 &&
		    !other->options.noselect &&
		    const_record(other, 0)->sample.at.ns >
			const_record(src, 0)->sample.at.ns)
			return true;
	}
	return false;
}

/* A path with such a mean queueing delay is of no use either. */
static bool too_variable(
    const struct steering *s, const struct steering_source *src)
{
	double most = s_of_ns(s->config.max_jitter_ns);

	return most > 0 && (src->delay.queue > most || src->scatter_s > most);
}

/* SELECT_COMBINED: usable. */
static enum select_state first_state(
    const struct steering *s, const struct steering_source *src)
{
	unsigned stratum;

	if (src->count == 0)
		return SELECT_NO_SAMPLES;
	stratum = const_record(src, 0)->sample.stratum;
	if (src->options.noselect)
		return SELECT_NOSELECT;
	if (src->unsynced || const_record(src, 0)->sample.leap == LEAP_UNKNOWN)
		return SELECT_UNSYNCED;
	if (stratum < s->config.min_stratum || stratum > s->config.max_stratum)
		return SELECT_STRATUM;
	if (src->best_distance_ns > s->config.max_distance_ns)
		return SELECT_DISTANCE;
	if (too_variable(s, src))
		return SELECT_TOO_VARIABLE;
	if (stale(s, src))
		return SELECT_STALE;
	return SELECT_COMBINED;
}

static bool share_a_point(
    const struct select_source *a, const struct select_source *b)
{
	int64_t apart_ns = a->offset_ns - b->offset_ns;

	return (apart_ns < 0 ? -apart_ns : apart_ns) <=
	       a->distance_ns + b->distance_ns;
}

/* The servers that a source can agree with, its own one included. */
static unsigned supporters(
    const struct steering *s, const struct select_source *list, unsigned source)
{
	uint64_t found = 0;

	for (unsigned i = 0; i < s->source_count; i++)
		if (list[i].state == SELECT_COMBINED &&
		    share_a_point(&list[i], &list[source]))
			found |= UINT64_C(1) << s->sources[i].server;
	return (unsigned)__builtin_popcountll(found);
}

/* Does the name `a` of a server vote instead of `b`? */
static bool goes_before(const struct steering *s,
    const struct select_source *list, unsigned a, unsigned b)
{
	unsigned for_a, for_b;

	if (list[a].options.trust != list[b].options.trust)
		return list[a].options.trust;
	if (list[a].outside != list[b].outside)
		return list[b].outside;
	for_a = supporters(s, list, a);
	for_b = supporters(s, list, b);
	return for_a != for_b ? for_a > for_b : a < b;
}

/* Of all usable names of a server one votes: the first, unless another one
 * agrees with more servers. A key server may name the address of another
 * source as that of its own time server, and must not take its vote by that. */
static void mark_duplicates(
    const struct steering *s, struct select_source *list)
{
	unsigned voters[SOURCES_MAX], n = 0, k;

	for (unsigned i = 0; i < s->source_count; i++) {
		if (list[i].state != SELECT_COMBINED)
			continue;
		for (k = 0; k < n; k++)
			if (s->sources[voters[k]].server ==
			    s->sources[i].server)
				break;
		if (k == n)
			voters[n++] = i;
		else if (goes_before(s, list, i, voters[k])) {
			list[voters[k]].duplicate = true;
			voters[k] = i;
		} else
			list[i].duplicate = true;
	}
}

/* By the last vote: is it usable, and has it answered lately? */
static bool speaks_now(const struct steering_source *src)
{
	return src->count > 0 && src->state >= SELECT_NO_MAJORITY &&
	       (src->reach & REACH_LATEST) != 0;
}

/* All usable sources that answer and are no falsetickers contradict what they
 * said before: the clock has jumped, and their older answers say nothing of
 * now. */
static bool has_jumped(const struct steering *s, const struct carry *c)
{
	bool any = false;

	for (unsigned i = 0; i < s->source_count; i++) {
		const struct steering_source *src = &s->sources[i];

		if (!speaks_now(src) || src->was_falseticker)
			continue;
		if (!contradicts_itself(src, c))
			return false;
		any = true;
	}
	return any;
}

static void vote(struct steering *s, const struct carry *c, bool jumped)
{
	/* The zeros are for gcc's analyser, which loses the count. */
	struct select_source list[SOURCES_MAX] = {{.state = 0}};

	for (unsigned i = 0; i < s->source_count; i++) {
		struct steering_source *src = &s->sources[i];

		find_best(src, c, jumped);
		list[i] = (struct select_source){
		    .state = first_state(s, src),
		    .options = src->options,
		    .was_falseticker = src->was_falseticker && !s->reselect,
		    .outside = src->outside,
		    .was_combined = src->was_combined && !s->reselect,
		    .offset_ns = src->best_offset_ns,
		    .distance_ns = src->best_distance_ns,
		    .own_distance_ns = src->best_own_ns,
		};
	}
	mark_duplicates(s, list);
	s->selection = select_sources(list, s->source_count,
	    s->config.min_sources, s->reselect ? -1 : s->selection.selected);
	s->reselect = false;
	for (unsigned i = 0; i < s->source_count; i++)
		s->sources[i].state = list[i].state;
}

/* Does this sample agree with the majority? What a server that led the estimate
 * away says of its own error is no excuse any more. */
static bool in_truth(const struct steering *s,
    const struct steering_source *src, const struct sample *m,
    const struct carry *c)
{
	int64_t offset = carried_offset_ns(m, c);
	int64_t distance = carried_distance_ns(m, c);

	if (src->expelled)
		distance -= m->root_delay_ns / 2 + m->root_dispersion_ns;
	return offset - distance <= s->selection.truth_high_ns &&
	       offset + distance >= s->selection.truth_low_ns;
}

static unsigned latest_in_truth(const struct steering *s,
    const struct steering_source *src, const struct carry *c)
{
	unsigned in = 0;

	for (unsigned i = 0; i < TURNED_SAMPLES; i++)
		in += in_truth(s, src, &const_record(src, i)->sample, c);
	return in;
}

/* A falseticker that agrees again has told lies, which must not go into the
 * filter with it. But if half of the others contradict what they said before,
 * too, it may have been the first one that showed a jump of the clock. */
static bool has_lied(const struct steering *s,
    const struct steering_source *src, const struct carry *c)
{
	unsigned others = 0, contradict = 0;

	if (!src->was_falseticker)
		return false;
	for (unsigned i = 0; i < s->source_count; i++) {
		const struct steering_source *other = &s->sources[i];

		if (other->server == src->server || !speaks_now(other))
			continue;
		others++;
		contradict += contradicts_itself(other, c);
	}
	return contradict == 0 || 2 * contradict < others;
}

/* Drops the records that disagree with the majority. False: there were none. */
static bool drop_lies(const struct steering *s, struct steering_source *src,
    const struct carry *c)
{
	unsigned kept = 0, count = src->count;

	for (unsigned i = 0; i < count; i++)
		if (in_truth(s, src, &record(src, i)->sample, c))
			*record(src, kept++) = *record(src, i);
	src->count = kept;
	nearest_find(src);
	return kept < count;
}

/*
 * After somebody set a server's clock, only its latest answers count. If all of
 * them miss the majority, older answers no longer speak for the server. If all
 * of them agree again, the answers in between are dropped: otherwise they would
 * count until they have aged, and would go into the filter when the server
 * joins it. True: the vote must be repeated.
 */
static bool judge_latest(const struct steering *s, struct steering_source *src,
    const struct carry *c)
{
	bool was = src->outside, dropped = false;
	unsigned in;

	if (src->count < TURNED_SAMPLES)
		return false;
	in = latest_in_truth(s, src, c);
	src->outside = in == 0 || (was && in < TURNED_SAMPLES);
	if (in == TURNED_SAMPLES && has_lied(s, src, c))
		dropped = drop_lies(s, src, c);
	src->expelled &= src->outside;
	return dropped || src->outside != was;
}

/* A single source, and sources without a majority, prove nothing against each
 * other. Only a new sample says anything new: a source whose best sample and
 * latest ones contradict each other would else come and go with each turn of a
 * replay, and each time the replay would begin again. True: the vote must be
 * repeated. */
static bool judge_by_majority(struct steering *s, const struct carry *c)
{
	bool is_new = s->judged != s->added;
	bool majority = s->selection.agreeing >= 2 &&
			2 * s->selection.agreeing > s->selection.voters;
	bool any = false;

	for (unsigned i = 0; i < s->source_count; i++) {
		struct steering_source *src = &s->sources[i];

		if (!majority)
			any |= src->outside;
		else if (is_new)
			any |= judge_latest(s, src, c);
		src->outside &= majority;
		src->expelled &= src->outside;
	}
	s->judged = s->added;
	return any;
}

/* A falseticker that became unusable is still one when it comes back. */
static void note_result(const struct steering *s, struct steering_source *src)
{
	src->was_combined = is_combined(src);
	src->was_falseticker =
	    s->selection.outcome == SELECT_SELECTED &&
	    (src->state == SELECT_FALSETICKER ||
		(src->was_falseticker && src->state < SELECT_DUPLICATE));
}

/* A source that left the majority with its latest answer may be the first one
 * that shows a jump of the clock. */
static bool has_left(const struct steering_source *src)
{
	return src->was_combined && (src->state == SELECT_FALSETICKER ||
					src->state == SELECT_NO_MAJORITY);
}

void candidates_select(struct steering *s, struct osc now)
{
	struct carry c = carry_to(s, now);
	bool jumped = has_jumped(s, &c);

	vote(s, &c, jumped);
	if (judge_by_majority(s, &c))
		vote(s, &c, jumped);
	for (unsigned i = 0; i < s->source_count; i++) {
		struct steering_source *src = &s->sources[i];

		s->wants_witnesses |= has_left(src);
		note_result(s, src);
	}
}

static bool any_trusted(const struct steering *s)
{
	for (unsigned i = 0; i < s->source_count; i++)
		if (is_combined(&s->sources[i]) && s->sources[i].options.trust)
			return true;
	return false;
}

/* A server announces a leap second if none of its names contradicts it. */
enum leap candidates_leap(const struct steering *s)
{
	uint64_t servers = 0, says[4] = {0};
	bool trusted = any_trusted(s);

	for (unsigned i = 0; i < s->source_count; i++) {
		const struct steering_source *src = &s->sources[i];
		uint64_t server = UINT64_C(1) << src->server;

		if (!is_combined(src) || (trusted && !src->options.trust))
			continue;
		servers |= server;
		says[const_record(src, 0)->sample.leap & 3] |= server;
	}
	for (unsigned leap = LEAP_INSERT; leap <= LEAP_DELETE; leap++) {
		uint64_t doubted =
		    says[LEAP_NONE] | says[LEAP_INSERT + LEAP_DELETE - leap];

		if (2 * __builtin_popcountll(says[leap] & ~doubted) >
		    __builtin_popcountll(servers))
			return (enum leap)leap;
	}
	return LEAP_NONE;
}
