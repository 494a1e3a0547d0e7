#include "clock/steering/intersection.h"

#include "clock/steering/candidates.h"
#include "clock/steering/state.h"

/* The present frequency is good enough to carry a bound over this time. */
#define RECENT_NS (256 * NS_PER_S)
/* One answer alone may be plainly wrong. */
#define EXCLUDING_LEAST 2
/* A sample that includes the estimate counts if its bounds are at most this
 * many times as far apart as the widest bounds that exclude the estimate. */
#define AS_SHARP 2

#define LATEST 16 /* samples of each source */

struct bounds {
	unsigned count;
	int64_t low_ns[LATEST * ESTIMATE_SOURCES];
	int64_t high_ns[LATEST * ESTIMATE_SOURCES];
};

/* Collects the bounds of the recent samples of all combined sources, the newest
 * first. */
static void recent_bounds(
    const struct steering *s, const struct carry *c, struct bounds *b)
{
	b->count = 0;
	for (unsigned i = 0; i < LATEST; i++)
		for (unsigned k = 0; k < s->member_count; k++) {
			const struct steering_source *src =
			    &s->sources[s->members[k]];
			const struct sample *m = &const_record(src, i)->sample;
			int64_t offset, distance;

			if (!is_combined(src) || i >= src->count ||
			    c->now.ns - m->at.ns > RECENT_NS)
				continue;
			offset = carried_offset_ns(m, c);
			distance = carried_distance_ns(m, c);
			b->low_ns[b->count] = offset - distance;
			b->high_ns[b->count++] = offset + distance;
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

void intersection_pull(struct steering *s, struct osc now)
{
	struct carry c = carry_to(s, now);
	int64_t is = estimate_at(&s->estimate, now).offset_ns, low, high;
	struct bounds b;

	recent_bounds(s, &c, &b);
	if (!most_exclude(&b, is, 1) && !most_exclude(&b, is, -1))
		return;
	intersect(&b, &low, &high);
	if (is < low || is > high)
		estimate_bound(&s->estimate, now, low, high);
}
