#include "clock/steering/select.h"

/* A rival must be this much better to take over: names on a status page that
 * change at every look help nobody. */
#define STICKY 0.7
/* A source this much more uncertain than the best adds more risk of asymmetry
 * than information. */
#define HELPFUL_FACTOR 3
#define HELPFUL_SLACK_NS (100 * NS_PER_US)

struct interval {
	int64_t low, high;
};

static struct interval interval(const struct select_source *s)
{
	return (struct interval){
	    s->offset_ns - s->distance_ns, s->offset_ns + s->distance_ns};
}

static bool usable(const struct select_source *s)
{
	return s->state == SELECT_COMBINED;
}

/* The voters around `low`, and how far their common part reaches. */
static unsigned depth_at(const struct select_source *sources, unsigned count,
    const bool *vote, int64_t low, int64_t *high)
{
	unsigned depth = 0;

	*high = INT64_MAX;
	for (unsigned i = 0; i < count; i++) {
		if (!vote[i])
			continue;
		struct interval in = interval(&sources[i]);
		if (in.low > low || low > in.high)
			continue;
		depth++;
		if (in.high < *high)
			*high = in.high;
	}
	return depth;
}

/*
 * Where most voters agree: from the lowest to the highest point that so many
 * share. Such a part begins at some voter's low end; with at most 64 sources,
 * trying each is quick enough.
 */
static unsigned deepest(const struct select_source *sources, unsigned count,
    const bool *vote, struct interval *best)
{
	unsigned most = 0;

	for (unsigned i = 0; i < count; i++) {
		int64_t high, low = interval(&sources[i]).low;
		unsigned depth =
		    vote[i] ? depth_at(sources, count, vote, low, &high) : 0;

		if (depth == 0 || depth < most)
			continue;
		if (depth > most)
			*best = (struct interval){low, high};
		most = depth;
		best->low = low < best->low ? low : best->low;
		best->high = high > best->high ? high : best->high;
	}
	return most;
}

static bool any(const struct select_source *sources, unsigned count,
    bool (*is)(const struct select_source *))
{
	for (unsigned i = 0; i < count; i++)
		if (is(&sources[i]))
			return true;
	return false;
}

static bool votes(const struct select_source *s)
{
	return usable(s) && !s->duplicate;
}

static bool votes_trusted(const struct select_source *s)
{
	return votes(s) && s->options.trust;
}

static bool preferred(const struct select_source *s)
{
	return usable(s) && s->options.prefer;
}

/* Sources marked trust decide alone while there are any. When only duplicates
 * are left (the first name of the server is silent), they count. */
static bool trusted_voters(const struct select_source *sources, unsigned count,
    bool *vote, unsigned *voters)
{
	bool trusted = any(sources, count, votes_trusted);
	bool originals = any(sources, count, votes);

	*voters = 0;
	for (unsigned i = 0; i < count; i++) {
		bool voter = trusted	 ? votes_trusted(&sources[i])
			     : originals ? votes(&sources[i])
					 : usable(&sources[i]) && *voters == 0;
		vote[i] = voter && !sources[i].outside;
		*voters += voter;
	}
	return trusted;
}

static void set_usable(
    struct select_source *sources, unsigned count, enum select_state state)
{
	for (unsigned i = 0; i < count; i++)
		if (usable(&sources[i]))
			sources[i].state = state;
}

/* Those whose interval does not meet the majority's are wrong. One that was
 * wrong before must do so with half of its interval to come back, or it would
 * come and go. */
static void name_falsetickers(struct select_source *sources, unsigned count,
    const struct interval *truth, bool trusted)
{
	for (unsigned i = 0; i < count; i++) {
		struct select_source *s = &sources[i];

		if (!usable(s))
			continue;
		int64_t room =
		    s->was_falseticker ? s->distance_ns / 2 : s->distance_ns;
		if (s->outside || s->offset_ns - room > truth->high ||
		    s->offset_ns + room < truth->low)
			s->state = trusted && !s->options.trust
				       ? SELECT_UNTRUSTED
				       : SELECT_FALSETICKER;
	}
}

static bool required_missing(
    const struct select_source *sources, unsigned count)
{
	bool wanted = false;

	for (unsigned i = 0; i < count; i++) {
		if (sources[i].options.require && usable(&sources[i]))
			return false;
		wanted |= sources[i].options.require;
	}
	return wanted;
}

static unsigned independent(const struct select_source *sources, unsigned count)
{
	unsigned originals = 0, names = 0;

	for (unsigned i = 0; i < count; i++) {
		names += usable(&sources[i]);
		originals += votes(&sources[i]);
	}
	return originals == 0 && names > 0 ? 1 : originals;
}

static int best_of(
    const struct select_source *sources, unsigned count, int last)
{
	int best = -1;

	for (unsigned i = 0; i < count; i++)
		if (usable(&sources[i]) &&
		    (best < 0 || sources[i].own_distance_ns <
				     sources[best].own_distance_ns))
			best = (int)i;
	if (best >= 0 && last >= 0 && (unsigned)last < count &&
	    usable(&sources[last]) &&
	    (double)sources[best].own_distance_ns >
		STICKY * (double)sources[last].own_distance_ns)
		best = last;
	return best;
}

static void mark_helpers(
    struct select_source *sources, unsigned count, int selected)
{
	int64_t limit =
	    HELPFUL_FACTOR * (sources[selected].distance_ns + HELPFUL_SLACK_NS);

	for (unsigned i = 0; i < count; i++) {
		struct select_source *s = &sources[i];
		int64_t mine = s->was_combined ? limit + limit / 2 : limit;

		if (usable(s) && s->distance_ns > mine)
			s->state =
			    s->duplicate ? SELECT_DUPLICATE : SELECT_OUTLIER;
	}
	sources[selected].state = SELECT_SELECTED;
}

static unsigned keep_preferred(struct select_source *sources, unsigned count)
{
	unsigned survivors = 0;
	bool choosy = any(sources, count, preferred);

	for (unsigned i = 0; i < count; i++) {
		struct select_source *s = &sources[i];

		if (choosy && usable(s) && !s->options.prefer)
			s->state = SELECT_NOT_PREFERRED;
		survivors += usable(s);
	}
	return survivors;
}

static struct select_result nothing(struct select_result r,
    struct select_source *sources, unsigned count, enum select_state why)
{
	set_usable(sources, count, why);
	r.outcome = why;
	return r;
}

struct select_result select_sources(struct select_source *sources,
    unsigned count, unsigned min_sources, int last)
{
	struct select_result r = {.selected = -1, .outcome = SELECT_SELECTED};
	bool vote[SOURCES_MAX];
	struct interval truth = {0, 0};

	bool trusted = trusted_voters(sources, count, vote, &r.voters);
	if (r.voters == 0)
		return nothing(r, sources, count, SELECT_NO_SAMPLES);
	r.agreeing = deepest(sources, count, vote, &truth);
	if (2 * r.agreeing <= r.voters)
		return nothing(r, sources, count, SELECT_NO_MAJORITY);
	r.truth_low_ns = truth.low;
	r.truth_high_ns = truth.high;
	name_falsetickers(sources, count, &truth, trusted);
	r.required_missing = required_missing(sources, count);
	r.independent = independent(sources, count);
	if (r.required_missing || r.independent < min_sources)
		return nothing(r, sources, count, SELECT_WAITS);
	r.survivors = keep_preferred(sources, count);
	r.selected = best_of(sources, count, last);
	if (r.selected < 0)
		return nothing(r, sources, count, SELECT_NO_MAJORITY);
	mark_helpers(sources, count, r.selected);
	return r;
}
