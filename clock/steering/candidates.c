#include "clock/steering/candidates.h"

#include "clock/steering/nearest.h"
#include "clock/steering/remaining.h"

#include <math.h>

/* This many answers in a row show that somebody set a server's clock. */
#define TURNED_SAMPLES 3

struct carry carry_to(const struct steering *s, struct osc now)
{
	double sd, freq = remaining_freq(s, &sd);

	return (struct carry){now, freq, remaining_likely_drift(s) + 2 * sd};
}

int64_t carried_distance_ns(const struct sample *m, const struct carry *c)
{
	double age = (double)(c->now.ns - m->at.ns);

	return sample_distance_ns(m) + (int64_t)(fmax(age, 0) * c->growth);
}

int64_t carried_offset_ns(const struct sample *m, const struct carry *c)
{
	double age = (double)(c->now.ns - m->at.ns);

	return m->offset_ns + (int64_t)(age * c->freq);
}

const struct sample *nearest_sample(
    const struct steering_source *src, const struct carry *c)
{
	const struct sample *nearest = nearest_at(src, 0);

	for (unsigned i = 1; i < src->nearest.count; i++) {
		const struct sample *m = nearest_at(src, i);

		if (carried_distance_ns(m, c) < carried_distance_ns(nearest, c))
			nearest = m;
	}
	return nearest;
}

static void find_best(struct steering_source *src, const struct carry *c)
{
	const struct sample *m;

	src->best_distance_ns = INT64_MAX;
	src->best_offset_ns = 0;
	src->best_growth = c->growth;
	if (src->count == 0)
		return;
	m = nearest_sample(src, c);
	src->best_distance_ns = carried_distance_ns(m, c);
	src->best_offset_ns = carried_offset_ns(m, c);
	src->best_own_ns = sample_distance_ns(m);
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
	for (unsigned i = 0; i < s->source_count; i++)
		for (unsigned j = 0; j < i; j++) {
			unsigned other = i;

			if (s->sources[j].server != s->sources[i].server ||
			    list[i].state != SELECT_COMBINED ||
			    list[j].state != SELECT_COMBINED)
				continue;
			if (goes_before(s, list, i, j))
				other = j;
			list[other].duplicate = true;
		}
}

static void vote(struct steering *s, const struct carry *c)
{
	struct select_source list[SOURCES_MAX];

	for (unsigned i = 0; i < s->source_count; i++) {
		struct steering_source *src = &s->sources[i];

		find_best(src, c);
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

/* Does this sample agree with the majority? */
static bool in_truth(
    const struct steering *s, const struct sample *m, const struct carry *c)
{
	int64_t offset = carried_offset_ns(m, c);
	int64_t distance = carried_distance_ns(m, c);

	return offset - distance <= s->selection.truth_high_ns &&
	       offset + distance >= s->selection.truth_low_ns;
}

static unsigned latest_in_truth(const struct steering *s,
    const struct steering_source *src, const struct carry *c)
{
	unsigned in = 0;

	for (unsigned i = 0; i < TURNED_SAMPLES; i++)
		in += in_truth(s, &const_record(src, i)->sample, c);
	return in;
}

/* Drops the records that disagree with the majority. False: there were none. */
static bool drop_lies(const struct steering *s, struct steering_source *src,
    const struct carry *c)
{
	unsigned kept = 0, count = src->count;

	for (unsigned i = 0; i < count; i++)
		if (in_truth(s, &record(src, i)->sample, c))
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
	bool was = src->outside;
	unsigned in;

	if (src->count < TURNED_SAMPLES)
		return false;
	in = latest_in_truth(s, src, c);
	src->outside = in == 0 || (was && in < TURNED_SAMPLES);
	if (src->was_falseticker && in == TURNED_SAMPLES)
		return drop_lies(s, src, c) || was;
	return src->outside != was;
}

/* A single source, and sources without a majority, prove nothing against each
 * other. True: the vote must be repeated. */
static bool judge_by_majority(struct steering *s, const struct carry *c)
{
	bool majority = s->selection.agreeing >= 2 &&
			2 * s->selection.agreeing > s->selection.voters;
	bool any = false;

	for (unsigned i = 0; i < s->source_count; i++) {
		struct steering_source *src = &s->sources[i];

		any |= majority ? judge_latest(s, src, c) : src->outside;
		src->outside &= majority;
	}
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

void candidates_select(struct steering *s, struct osc now)
{
	struct carry c = carry_to(s, now);

	vote(s, &c);
	if (judge_by_majority(s, &c))
		vote(s, &c);
	for (unsigned i = 0; i < s->source_count; i++)
		note_result(s, &s->sources[i]);
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
