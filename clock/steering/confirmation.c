#include "clock/steering/confirmation.h"

#include "clock/steering/feed.h"
#include "clock/steering/remaining.h"

#include <math.h>

/* Standard deviations of a frequency that was known. */
#define FREQ_DEVIATIONS 2
/* A change is seen and measured within this time. So answers that are younger
 * may be from after the change, and only older ones show the clock before it.
 */
#define CHANGE_NS (64 * NS_PER_S)
/* So many answers before it must all say that the clock has changed: a liar
 * that moves the clock a little for a while makes a few of them say so. */
#define ANSWERS_BEFORE 4

/* The estimate that may be a lie. */
struct claim {
	struct osc at;
	struct estimate_value v;
};

/* What the queues and the frequency that was known at the first one of two
 * answers explain of their difference, s. */
static double explained(const struct steering *s,
    const struct steering_source *src, const struct record *first)
{
	const struct record *last = const_record(src, 0);
	double since = s_of_ns(last->sample.at.ns - first->sample.at.ns);

	return feed_half_excess(src, first) + feed_half_excess(src, last) +
	       since * (remaining_likely_drift(s) +
			   FREQ_DEVIATIONS * first->freq_sd);
}

/* By how much the latest answer differs from what the first one, with the
 * frequency that was known then, has foretold, s. */
static double departed(
    const struct steering_source *src, const struct record *first)
{
	const struct sample *m = &const_record(src, 0)->sample;

	return s_of_ns(m->offset_ns - first->sample.offset_ns) -
	       first->freq * s_of_ns(m->at.ns - first->sample.at.ns);
}

/* Was the clock as wrong at the first answer as the latest one says of the
 * estimate? Both differ from the truth by the bias of this source. */
static bool fits(const struct steering_source *src, const struct record *first,
    const struct claim *c, double most)
{
	const struct sample *m = &const_record(src, 0)->sample;
	double age = s_of_ns(c->at.ns - m->at.ns);
	double apart =
	    s_of_ns(m->offset_ns - c->v.offset_ns - first->measured_ns) +
	    c->v.freq * age;

	return fabs(apart) <=
	       most + FREQ_DEVIATIONS *
			  (c->v.offset_sd + c->v.freq_sd * fabs(age));
}

static bool confirms(const struct steering *s,
    const struct steering_source *src, const struct claim *c)
{
	unsigned before = 0;
	bool fitting = false;

	for (unsigned i = 1; i < src->count && before < ANSWERS_BEFORE; i++) {
		const struct record *first = const_record(src, i);
		double most;

		if (c->at.ns - first->sample.at.ns < CHANGE_NS ||
		    !first->noted || first->freq_sd <= 0)
			continue;
		most = explained(s, src, first);
		if (fabs(departed(src, first)) <= most &&
		    fabs(c->v.freq - first->freq) > FREQ_OF_FEW)
			return false;
		fitting |= fits(src, first, c, most);
		before++;
	}
	return fitting;
}

bool confirmation_given(const struct steering *s)
{
	const struct claim c = {
	    s->estimate.at, estimate_at(&s->estimate, s->estimate.at)};
	uint64_t servers = 0;

	for (unsigned i = 0; i < s->source_count; i++) {
		const struct steering_source *src = &s->sources[i];

		if (src->state >= SELECT_FALSETICKER && confirms(s, src, &c))
			servers |= UINT64_C(1) << src->server;
	}
	return 2 * (unsigned)__builtin_popcountll(servers) >
	       s->selection.voters;
}
