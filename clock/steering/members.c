#include "clock/steering/members.h"

#include "clock/steering/remaining.h"

#include <assert.h>
#include <math.h>

/* A first answer may well have queued, but not for as long as the largest
 * restored delay once more: then the machine is in another network. */
#define PATH_GROWTH 2.0

void members_clear(struct steering_source *src)
{
	src->run_samples = src->count = src->next = src->nearest.count = 0;
	src->restored_delay = src->scatter_s = 0;
	src->state = SELECT_NO_SAMPLES;
	src->was_falseticker = src->was_combined = false;
	src->outside = src->expelled = false;
	src->kept = src->learned = (struct route_table){0};
	src->carried_route = 0;
	src->carried_ns = 0;
	/* When the clock was right last is still true of another server. */
	src->outliers.alike = src->outliers.certain = 0;
	src->outliers.growth.rate = 0;
	src->outliers_before = src->outliers;
	src->carried_sd = 0;
	delay_init(&src->delay);
	creep_init(&src->creep, CREEP_BLOCK);
	creep_init(&src->short_creep, CREEP_SHORT);
	bell_init(&src->bell);
	error_model_init(&src->error_model);
}

/* While no agent ran, all clocks of this machine stood still, or there was a
 * leap second. */
static bool clock_contradicts(const struct steering *s,
    const struct sample *before, const struct sample *m)
{
	double age = (double)(m->at.ns - before->at.ns);
	double growth = remaining_likely_drift(s) + 2 * s->first_freq_sd;
	double apart =
	    (double)(m->offset_ns - before->offset_ns) - s->first_freq * age;

	return fabs(apart) > (double)sample_distance_ns(m) +
				 (double)sample_distance_ns(before) +
				 growth * fabs(age);
}

static bool path_contradicts(
    const struct steering_source *src, const struct sample *m)
{
	return src->restored_delay > 0 &&
	       s_of_ns(m->delay_ns) > PATH_GROWTH * src->restored_delay;
}

bool members_contradict(const struct steering *s,
    const struct steering_source *src, const struct sample *m)
{
	if (src->count == 0)
		return path_contradicts(src, m);
	return clock_contradicts(s, &const_record(src, 0)->sample, m);
}

/* Must the samples of this member leave the filter? A source that only fell
 * silent or became uncertain stays: its samples were right. */
static bool must_leave(const struct steering_source *src)
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
	case SELECT_STRATUM:
	case SELECT_UNTRUSTED:
	case SELECT_NO_MAJORITY:
	case SELECT_WAITS:
	case SELECT_DUPLICATE:
	case SELECT_FALSETICKER:
	case SELECT_TOO_VARIABLE:
	case SELECT_OUTLIER:
	case SELECT_SURPLUS:
	case SELECT_NOT_PREFERRED:
	case SELECT_STATE_COUNT:
		return true;
	}
	return true;
}

static_assert(SELECT_COMBINED_MAX <= ESTIMATE_SOURCES,
    "every combined source has a place in the filter");

static void join(struct steering *s, unsigned source)
{
	s->sources[source].slot = (int)s->member_count;
	s->members[s->member_count++] = source;
}

static bool must_change(const struct steering *s)
{
	for (unsigned i = 0; i < s->source_count; i++) {
		const struct steering_source *src = &s->sources[i];

		if (src->slot >= 0 ? must_leave(src) : is_combined(src))
			return true;
	}
	return false;
}

/* A combined source that has no place takes that of a member that fell silent:
 * only combined ones join again. */
void members_renew(struct steering *s)
{
	if (!must_change(s))
		return;
	s->member_count = 0;
	for (unsigned i = 0; i < s->source_count; i++)
		s->sources[i].slot = -1;
	join(s, (unsigned)s->selection.selected);
	for (unsigned i = 0; i < s->source_count; i++)
		if (s->sources[i].state == SELECT_COMBINED)
			join(s, i);
	s->replay_due = true;
}
