#include "clock/steering/select.h"

#include "base/time.h"

/* The selected source stays unless the best one's distance is below this share
 * of its own: a selection that changes at every look confuses the reader. */
#define STICKY 0.7
/* A source with a distance above HELPFUL_FACTOR * (the best source's distance +
 * HELPFUL_SLACK_NS) adds more risk of asymmetry than information. The slack
 * keeps sources of one LAN together. A source that was combined may be half as
 * far again, so that it does not come and go. */
#define HELPFUL_FACTOR 3
#define HELPFUL_SLACK_NS (100 * NS_PER_US)
/* A source without trust that was not combined is used again when this part of
 * its interval is to spare on both sides, so that it does not come and go. */
#define SPARE_PART 4

char select_state_mark(enum select_state s)
{
	static const char marks[SELECT_STATE_COUNT] = {
#define X(id, mark, name, sentence) [id] = mark,
	    SELECT_STATES(X)
#undef X
	};

	return s < SELECT_STATE_COUNT ? marks[s] : '?';
}

const char *select_state_name(enum select_state s)
{
	static const char *const names[SELECT_STATE_COUNT] = {
#define X(id, mark, name, sentence) [id] = name,
	    SELECT_STATES(X)
#undef X
	};

	return s < SELECT_STATE_COUNT ? names[s] : "unknown";
}

const char *select_state_text(enum select_state s)
{
	static const char *const texts[SELECT_STATE_COUNT] = {
#define X(id, mark, name, sentence) [id] = sentence,
	    SELECT_STATES(X)
#undef X
	};

	return s < SELECT_STATE_COUNT ? texts[s] : "unknown state";
}

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

/* How many voters' intervals contain `low`; *high: the end of their common
 * part. */
static unsigned depth_at(const struct select_source *sources, unsigned count,
    const bool *vote, int64_t low, int64_t *high)
{
	unsigned depth = 0;

	*high = INT64_MAX;
	for (unsigned i = 0; i < count; i++) {
		struct interval in;

		if (!vote[i])
			continue;
		in = interval(&sources[i]);
		if (in.low > low || low > in.high)
			continue;
		depth++;
		if (in.high < *high)
			*high = in.high;
	}
	return depth;
}

/*
 * The largest number of voters that share a point; *best: from the lowest to
 * the highest point that so many share. Such a part begins at the low end of
 * some voter's interval; with at most 64 sources all of them can be tried.
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

/* Fills `vote` and counts the voters. Sources marked trust decide alone while
 * any is usable. If only duplicates are usable (the first name of the server is
 * silent), the first of them votes. Returns whether trusted sources decide. */
static bool find_voters(const struct select_source *sources, unsigned count,
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

/* A source whose interval does not meet the majority's is wrong. A source that
 * was wrong before must meet it with half of its interval, so that it does not
 * come and go. */
static bool disagrees(
    const struct select_source *s, const struct interval *truth)
{
	int64_t room = s->was_falseticker ? s->distance_ns / 2 : s->distance_ns;

	return s->outside || s->offset_ns - room > truth->high ||
	       s->offset_ns + room < truth->low;
}

/* A source that only touches the interval of the trusted ones could move the
 * estimate out of it. */
static bool sticks_out(
    const struct select_source *s, const struct interval *truth)
{
	int64_t spare = s->was_combined ? 0 : s->distance_ns / SPARE_PART;
	struct interval in = interval(s);

	return s->outside || in.low - spare < truth->low ||
	       in.high + spare > truth->high;
}

static void name_falsetickers(struct select_source *sources, unsigned count,
    const struct interval *truth, bool trusted)
{
	for (unsigned i = 0; i < count; i++) {
		struct select_source *s = &sources[i];

		if (!usable(s))
			continue;
		if (trusted && !s->options.trust) {
			if (sticks_out(s, truth))
				s->state = SELECT_UNTRUSTED;
		} else if (disagrees(s, truth)) {
			s->state = SELECT_FALSETICKER;
		}
	}
}

static bool required_missing(
    const struct select_source *sources, unsigned count)
{
	bool configured = false;

	for (unsigned i = 0; i < count; i++) {
		if (sources[i].options.require && usable(&sources[i]))
			return false;
		configured |= sources[i].options.require;
	}
	return configured;
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

/* Leaves out the sources that are too uncertain to help. */
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

/* For the place among the combined sources: one that has it keeps it unless
 * another one is clearly nearer. */
static double nearness(const struct select_source *s)
{
	double distance = (double)s->own_distance_ns;

	return s->was_combined ? STICKY * distance : distance;
}

/* The usable source, other than the selected one, that is farthest away; -1:
 * there is none. */
static int farthest(
    const struct select_source *sources, unsigned count, unsigned *helpers)
{
	int found = -1;

	*helpers = 0;
	for (unsigned i = 0; i < count; i++) {
		if (!usable(&sources[i]))
			continue;
		(*helpers)++;
		if (found < 0 ||
		    nearness(&sources[i]) > nearness(&sources[found]))
			found = (int)i;
	}
	return found;
}

static void mark_surplus(struct select_source *sources, unsigned count)
{
	unsigned helpers;
	int far = farthest(sources, count, &helpers);

	while (helpers > SELECT_COMBINED_MAX - 1) {
		sources[far].state = SELECT_SURPLUS;
		far = farthest(sources, count, &helpers);
	}
}

static unsigned keep_preferred(struct select_source *sources, unsigned count)
{
	unsigned survivors = 0;
	bool any_preferred = any(sources, count, preferred);

	for (unsigned i = 0; i < count; i++) {
		struct select_source *s = &sources[i];

		if (any_preferred && usable(s) && !s->options.prefer)
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

/* How far the voters are from each other, those included whose latest answers
 * contradict them. */
static int64_t spread(const struct select_source *sources, unsigned count,
    bool (*is)(const struct select_source *))
{
	int64_t low = INT64_MAX, high = INT64_MIN;

	for (unsigned i = 0; i < count; i++) {
		if (!is(&sources[i]))
			continue;
		if (sources[i].offset_ns < low)
			low = sources[i].offset_ns;
		if (sources[i].offset_ns > high)
			high = sources[i].offset_ns;
	}
	return high > low ? high - low : 0;
}

struct select_result select_sources(struct select_source *sources,
    unsigned count, unsigned min_sources, int last)
{
	struct select_result r = {.selected = -1, .outcome = SELECT_SELECTED};
	bool vote[SOURCES_MAX];
	struct interval truth = {0, 0};
	bool trusted = find_voters(sources, count, vote, &r.voters);

	if (r.voters == 0)
		return nothing(r, sources, count, SELECT_NO_SAMPLES);
	r.agreeing = deepest(sources, count, vote, &truth);
	if (2 * r.agreeing <= r.voters) {
		r.apart_ns =
		    spread(sources, count, trusted ? votes_trusted : votes);
		return nothing(r, sources, count, SELECT_NO_MAJORITY);
	}
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
	mark_surplus(sources, count);
	return r;
}
