/* The poll interval that a source's path and the oscillator call for. */
#include "clock/steering/state.h"
#include "clock/steering/steering.h"

#include <math.h>

/* The error that the clock would make in the interval, in mean queueing delays
 * of one way: below LONGER_BELOW twice the interval is still short enough,
 * above SHORTER_ABOVE the interval is too long, above SHORTEST_ABOVE the
 * oscillator is not known yet or has changed. clock/README.md, "The poll
 * interval", has the measurements. */
#define LONGER_BELOW 1.25
#define SHORTER_ABOVE 2.25
#define SHORTEST_ABOVE 4.5

/* A start may be in a congestion, and its end must be seen at once: for so many
 * seconds from the first sample on, a mean queue that is long, and above this
 * share of the shortest delay, asks for the shortest interval. */
#define START_S 1800.0
#define CONGESTED_SHARE 0.25
#define CONGESTED_S 100e-6

/* The standard deviation of the offset after `interval_s` without a sample, s.
 * What drives a drift may end at any moment, so the drift counts as error. */
static double predicted_sd(const struct steering *s, double interval_s)
{
	const struct estimate *e = shown_estimate(s);
	struct osc at = {e->at.ns + ns_of_s(interval_s)};
	struct estimate_value v = estimate_at(e, at);

	return hypot(v.offset_sd, v.drift * interval_s * interval_s / 2);
}

unsigned steering_outlier_count(const struct steering *s, unsigned source)
{
	const struct steering_source *src = &s->sources[source];

	return src->slot >= 0 ? shown_outliers(s, src)->alike : 0;
}

static bool may_be_congested(
    const struct steering *s, const struct steering_source *src)
{
	const struct delay_route *r = delay_shortest_route(&src->delay);

	return r &&
	       src->delay.quiet >
		   fmax(CONGESTED_SHARE * r->floor, CONGESTED_S) &&
	       s_of_ns(shown_estimate(s)->at.ns - s->first_at.ns) < START_S;
}

/* The clock has changed, or a congestion or a detour is over that hid what the
 * clock is. */
static bool shows_change(
    const struct steering *s, const struct steering_source *src)
{
	int64_t at = src->count > 0 ? const_record(src, 0)->sample.at.ns : 0;

	return at != 0 && (at == s->changed_at.ns || at == src->freed_at.ns);
}

enum poll_vote steering_poll_vote(
    const struct steering *s, unsigned source, double interval_s)
{
	const struct estimate *e = shown_estimate(s);
	double queue = s->sources[source].delay.quiet, next;

	if (shows_change(s, &s->sources[source]))
		return POLL_CHANGED;
	if (steering_outlier_count(s, source) > 0)
		return shown_outliers(s, &s->sources[source])->certain > 0
			   ? POLL_CONTRADICTED
			   : POLL_DOUBTED;
	if (!e->started || may_be_congested(s, &s->sources[source]))
		return POLL_SHORTEST;
	next = predicted_sd(s, interval_s);
	if (next > SHORTEST_ABOVE * queue)
		return POLL_SHORTEST;
	if (next > SHORTER_ABOVE * queue || !estimate_follows(e, interval_s))
		return POLL_SHORTER;
	return predicted_sd(s, 2 * interval_s) < LONGER_BELOW * queue &&
		       estimate_follows(e, 2 * interval_s)
		   ? POLL_LONGER
		   : POLL_KEEP;
}
