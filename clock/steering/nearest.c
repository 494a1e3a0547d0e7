#include "clock/steering/nearest.h"

#include <assert.h>

static_assert(RECORDS - 1 <= UINT8_MAX, "a place fits into a byte");

/* `older` is never the nearest while `m` is there. */
static bool beats(const struct sample *m, const struct sample *older)
{
	return m->at.ns >= older->at.ns &&
	       sample_distance_ns(m) <= sample_distance_ns(older);
}

static uint8_t place_of(const struct steering_source *src, unsigned i)
{
	return (uint8_t)(const_record(src, i) - src->records);
}

const struct record *nearest_at(const struct steering_source *src, unsigned i)
{
	return &src->records[src->nearest.place[i]];
}

void nearest_added(struct steering_source *src)
{
	const struct nearest before = src->nearest;
	const struct sample *m = &const_record(src, 0)->sample;
	struct nearest *n = &src->nearest;

	n->place[0] = place_of(src, 0);
	n->count = 1;
	for (unsigned i = 0; i < before.count; i++) {
		uint8_t place = before.place[i];

		/* In the place of the oldest record may be the new one, which
		 * beats itself. */
		if (!beats(m, &src->records[place].sample))
			n->place[n->count++] = place;
	}
}

static bool is_beaten(
    const struct steering_source *src, const struct sample *older)
{
	for (unsigned i = 0; i < src->nearest.count; i++)
		if (beats(&nearest_at(src, i)->sample, older))
			return true;
	return false;
}

void nearest_find(struct steering_source *src)
{
	struct nearest *n = &src->nearest;

	n->count = 0;
	for (unsigned i = 0; i < src->count; i++)
		if (!is_beaten(src, &const_record(src, i)->sample))
			n->place[n->count++] = place_of(src, i);
}
