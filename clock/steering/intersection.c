#include "clock/steering/intersection.h"

#include "clock/steering/candidates.h"
#include "clock/steering/feed.h"
#include "clock/steering/state.h"

#include <math.h>

/* The present frequency is good enough to carry a bound over this time. */
#define RECENT_NS (256 * NS_PER_S)
/* One answer alone may be plainly wrong. */
#define EXCLUDING_LEAST 2
/* A sample that includes the estimate counts if its bounds are at most this
 * many times as far apart as the widest bounds that exclude the estimate. */
#define AS_SHARP 2

/* So many standard deviations are no chance. */
#define CHANCE_SDS 3

#define LATEST 16 /* samples of each source */
/* The latest answers of a server that say together what it allows. */
#define WITNESS_ANSWERS 2

struct bounds {
	unsigned count;
	int64_t highest_low_ns, lowest_high_ns;
	int64_t low_ns[LATEST * ESTIMATE_SOURCES];
	int64_t high_ns[LATEST * ESTIMATE_SOURCES];
};

/* Collects the bounds of the recent samples of all combined sources, the newest
 * first. */
static void recent_bounds(
    const struct steering *s, const struct carry *c, struct bounds *b)
{
	b->count = 0;
	b->highest_low_ns = INT64_MIN;
	b->lowest_high_ns = INT64_MAX;
	for (unsigned i = 0; i < LATEST; i++)
		for (unsigned k = 0; k < s->member_count; k++) {
			const struct steering_source *src =
			    &s->sources[s->members[k]];
			const struct sample *m = &const_record(src, i)->sample;
			int64_t offset, distance, low, high;

			if (!is_combined(src) || i >= src->count ||
			    c->now.ns - m->at.ns > RECENT_NS ||
			    m->at.ns < s->changed_at.ns)
				continue;
			offset = carried_offset_ns(m, c);
			distance = carried_distance_ns(m, c);
			low = offset - distance;
			high = offset + distance;
			b->low_ns[b->count] = low;
			b->high_ns[b->count++] = high;
			if (low > b->highest_low_ns)
				b->highest_low_ns = low;
			if (high < b->lowest_high_ns)
				b->lowest_high_ns = high;
		}
}

/* Returns true if most of the sharp samples lie on one side of the estimate.
 * `sign`: 1 above it, -1 below it. */
static bool most_exclude(const struct bounds *b, int64_t estimate_ns, int sign)
{
	int64_t width = 0;
	unsigned against = 0, in_favour = 0;

	for (unsigned i = 0; i < b->count; i++) {
		int64_t own = b->high_ns[i] - b->low_ns[i];

		if (sign > 0 ? b->low_ns[i] <= estimate_ns
			     : b->high_ns[i] >= estimate_ns)
			continue;
		against++;
		if (own > width)
			width = own;
	}
	for (unsigned i = 0; i < b->count; i++)
		in_favour += b->low_ns[i] <= estimate_ns &&
			     b->high_ns[i] >= estimate_ns &&
			     b->high_ns[i] - b->low_ns[i] <= AS_SHARP * width;
	return against >= EXCLUDING_LEAST && against > in_favour;
}

/* Begins with the newest sample, and leaves out each one that contradicts the
 * newer ones: a wrong frequency carried it here, or its server was set since.
 */
static void intersect(const struct bounds *b, int64_t *low, int64_t *high)
{
	*low = INT64_MIN;
	*high = INT64_MAX;
	for (unsigned i = 0; i < b->count; i++) {
		if (b->low_ns[i] >= *high || b->high_ns[i] <= *low)
			continue;
		if (b->low_ns[i] > *low)
			*low = b->low_ns[i];
		if (b->high_ns[i] < *high)
			*high = b->high_ns[i];
	}
}

/* What the latest two answers of each server allow. */
struct allowed {
	unsigned count;
	int64_t low_ns[SOURCES_MAX], high_ns[SOURCES_MAX];
};

/* Of two servers, one that is too uncertain to be combined binds, too: only
 * both together are the majority. */
static bool may_bind(
    const struct steering *s, const struct steering_source *src)
{
	if (src->count == 0)
		return false;
	return is_combined(src) ||
	       (s->selection.voters == 2 && src->state == SELECT_OUTLIER);
}

/* Two names of one server are one witness. */
static bool is_witness(const struct steering *s, unsigned source)
{
	const struct steering_source *src = &s->sources[source];

	if (!may_bind(s, src))
		return false;
	for (unsigned i = 0; i < source; i++)
		if (may_bind(s, &s->sources[i]) &&
		    s->sources[i].server == src->server)
			return false;
	return true;
}

/* One wrong answer excludes nothing: what the answer before it allows counts,
 * too. */
static void allowed_by_each(
    const struct steering *s, const struct carry *c, struct allowed *a)
{
	a->count = 0;
	for (unsigned i = 0; i < s->source_count; i++) {
		const struct steering_source *src = &s->sources[i];
		int64_t low = INT64_MAX, high = INT64_MIN;

		if (!is_witness(s, i))
			continue;
		for (unsigned k = 0; k < WITNESS_ANSWERS && k < src->count;
		     k++) {
			const struct sample *m = &const_record(src, k)->sample;
			int64_t offset = carried_offset_ns(m, c);
			int64_t distance = carried_distance_ns(m, c);

			if (offset - distance < low)
				low = offset - distance;
			if (offset + distance > high)
				high = offset + distance;
		}
		a->low_ns[a->count] = low;
		a->high_ns[a->count++] = high;
	}
}

static bool majority_allows(const struct allowed *a, int64_t point)
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->count; i++)
		n += a->low_ns[i] <= point && point <= a->high_ns[i];
	return 2 * n > a->count;
}

/* A majority that says "too high", or "too low", shows a jump of the clock. The
 * filter believes or refuses that within three answers. */
static bool majority_excludes(const struct allowed *a, int64_t point)
{
	unsigned above = 0, below = 0;

	for (unsigned i = 0; i < a->count; i++) {
		above += point > a->high_ns[i];
		below += point < a->low_ns[i];
	}
	return 2 * above > a->count || 2 * below > a->count;
}

/* Servers that agree differ about `is`: finds the point nearest to it that a
 * majority of them allows. False: a majority says the same of `is`, or there is
 * no such point. */
static bool nearest_allowed(
    const struct allowed *a, int64_t is, int64_t *nearest)
{
	int64_t least = INT64_MAX;

	if (majority_allows(a, is) || majority_excludes(a, is))
		return false;
	for (unsigned i = 0; i < 2 * a->count; i++) {
		int64_t end = i % 2 ? a->high_ns[i / 2] : a->low_ns[i / 2];
		int64_t apart = end > is ? end - is : is - end;

		if (apart >= least || !majority_allows(a, end))
			continue;
		least = apart;
		*nearest = end;
	}
	return least < INT64_MAX;
}

/* Only the offset moves: this says nothing about the frequency. */
static void pull_into_majority(
    struct steering *s, const struct carry *c, int64_t is)
{
	int64_t nearest;
	struct allowed a;

	allowed_by_each(s, c, &a);
	if (a.count < 2 || !nearest_allowed(&a, is, &nearest))
		return;
	estimate_shift_offset(&s->estimate, s_of_ns(nearest - is));
}

/* The estimate is outside by more than it can be by chance: its frequency is
 * wrong, too, or has changed since the last sample that was right. */
static void doubt_freq(struct steering *s, struct osc now, int64_t outside_ns)
{
	struct estimate_value v = estimate_at(&s->estimate, now);
	double outside = s_of_ns(outside_ns), since = INFINITY;

	if (outside <= CHANCE_SDS * estimate_sd(&s->estimate, &v))
		return;
	for (unsigned k = 0; k < s->member_count; k++)
		since = fmin(since,
		    s_of_ns(now.ns -
			    s->sources[s->members[k]].outliers.last_right.ns));
	estimate_inflate_clock(
	    &s->estimate, 0, feed_freq_change(outside, since));
}

void intersection_pull(struct steering *s, struct osc now)
{
	struct carry c = carry_to(s, now);
	int64_t is = estimate_offset_ns(&s->estimate, now), low, high;
	struct bounds b;

	recent_bounds(s, &c, &b);
	/* Usually no sample excludes the estimate. */
	if ((b.highest_low_ns > is || b.lowest_high_ns < is) &&
	    (most_exclude(&b, is, 1) || most_exclude(&b, is, -1))) {
		intersect(&b, &low, &high);
		if (is < low || is > high) {
			doubt_freq(s, now, is < low ? low - is : is - high);
			estimate_bound(&s->estimate, now, low, high);
		}
		is = estimate_offset_ns(&s->estimate, now);
	}
	pull_into_majority(s, &c, is);
}
