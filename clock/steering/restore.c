#include "clock/steering/restore.h"

#include "clock/steering/asymmetry.h"
#include "clock/steering/state.h"

#include <assert.h>
#include <math.h>

static_assert(STEERING_SAMPLES_MAX == RECORDS, "all records are copied");

/* The known frequency belongs to the end of the samples; at their beginning it
 * was another one. This is how a poor oscillator wanders, s/s per sqrt(s). */
#define WANDER 1e-8

unsigned steering_copy_samples(const struct steering *s, unsigned source,
    struct sample out[STEERING_SAMPLES_MAX])
{
	const struct steering_source *src = &s->sources[source];

	for (unsigned i = 0; i < src->count; i++) {
		out[i] = const_record(src, src->count - 1 - i)->sample;
		out[i].offset_ns +=
		    asymmetry_error_ns(src->options.asymmetry_ns, &out[i]);
	}
	return src->count;
}

static void take_in(struct steering *s, unsigned source,
    const struct sample *samples, unsigned count)
{
	struct steering_source *src = &s->sources[source];

	s->restoring = true;
	for (unsigned i = 0; i < count; i++)
		steering_add(s, source, &samples[i]);
	s->restoring = false;
	bell_interrupt(&src->bell);
	/* None of them is an answer of this run. */
	s->has_first = false;
	src->run_samples = 0;
	src->reach = 0;
}

void steering_restore(struct steering *s, unsigned source,
    const struct sample *samples, unsigned count)
{
	double span;

	if (count == 0)
		return;
	take_in(s, source, samples, count);
	span = s_of_ns(samples[count - 1].at.ns - samples[0].at.ns);
	s->first_freq_sd = fmax(s->first_freq_sd, WANDER * sqrt(fmax(span, 0)));
}

void steering_restore_path(struct steering *s, unsigned source,
    const struct sample *samples, unsigned count)
{
	struct steering_source *src = &s->sources[source];

	take_in(s, source, samples, count);
	src->count = src->next = src->nearest.count = 0;
	for (unsigned i = 0; i < count; i++)
		src->restored_delay =
		    fmax(src->restored_delay, s_of_ns(samples[i].delay_ns));
}

void steering_copy_drift(const struct steering *s, struct drift_learned *out)
{
	*out = s->drift.learned;
}

void steering_restore_drift(struct steering *s, const struct drift_learned *l)
{
	s->drift.learned = *l;
}
