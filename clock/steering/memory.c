#include "clock/steering/memory.h"

#include "clock/steering/state.h"

#include <assert.h>
#include <math.h>

static_assert(STEERING_MEMORY == RECORDS, "all records are remembered");

/* The frequency that is known from before is that of the end of the samples,
 * and comes from them; at their beginning it was another one. s/s per sqrt(s):
 * as a poor oscillator wanders. */
#define WANDER 1e-8

/* A first answer may well have queued; not so long. */
#define PATH_GROWTH 2.0

unsigned steering_copy_samples(const struct steering *s, unsigned source,
    struct sample out[STEERING_MEMORY])
{
	const struct source *src = &s->sources[source];

	for (unsigned i = 0; i < src->count; i++)
		out[i] = const_record(src, src->count - 1 - i)->sample;
	return src->count;
}

/* Somebody stopped all the clocks of this machine, or a leap second came, while
 * no agent was there to see it. */
static bool clock_contradicts(const struct steering *s,
    const struct sample *before, const struct sample *m)
{
	double age = (double)(m->at.ns - before->at.ns);
	double growth =
	    s->config.max_clock_error_ppm * 1e-6 + 2 * s->first_freq_sd;
	double apart =
	    (double)(m->offset_ns - before->offset_ns) - s->first_freq * age;

	return fabs(apart) > (double)sample_distance_ns(m) +
				 (double)sample_distance_ns(before) +
				 growth * fabs(age);
}

/* The machine was carried to another network. */
static bool path_contradicts(const struct source *src, const struct sample *m)
{
	return src->longest > 0 &&
	       s_of_ns(m->delay_ns) > PATH_GROWTH * src->longest;
}

bool steering_contradicts(
    const struct steering *s, const struct source *src, const struct sample *m)
{
	if (src->count == 0)
		return path_contradicts(src, m);
	return clock_contradicts(s, &const_record(src, 0)->sample, m);
}

static void take_in(struct steering *s, unsigned source,
    const struct sample *samples, unsigned count)
{
	struct source *src = &s->sources[source];

	for (unsigned i = 0; i < count; i++)
		steering_add(s, source, &samples[i]);
	/* Nothing of it was heard in this run. */
	s->heard = false;
	src->fresh = 0;
	src->reach = 0;
}

void steering_restore(struct steering *s, unsigned source,
    const struct sample *samples, unsigned count)
{
	if (count == 0)
		return;
	take_in(s, source, samples, count);
	double span = s_of_ns(samples[count - 1].at.ns - samples[0].at.ns);
	s->first_freq_sd = fmax(s->first_freq_sd, WANDER * sqrt(fmax(span, 0)));
}

void steering_restore_path(struct steering *s, unsigned source,
    const struct sample *samples, unsigned count)
{
	struct source *src = &s->sources[source];

	take_in(s, source, samples, count);
	src->count = src->next = 0;
	for (unsigned i = 0; i < count; i++)
		src->longest = fmax(src->longest, s_of_ns(samples[i].delay_ns));
}
