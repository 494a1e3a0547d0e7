/*
 * From the records of all sources to the selection: the interval of each
 * source, whether it is usable, and what its latest answers say about the older
 * ones. The rules of the selection itself are in clock/steering/select.h.
 */
#ifndef CLOCK_STEERING_CANDIDATES_H
#define CLOCK_STEERING_CANDIDATES_H

#include "clock/steering/state.h"

/* How an older sample is carried to now. */
struct carry {
	struct osc now;
	double freq, freq_sd; /* s/s */
	double growth;	      /* of the distance, s/s */
};

struct carry carry_to(const struct steering *s, struct osc now);

/* The offset of a sample, carried to now, ns. */
static inline int64_t carried_offset_ns(
    const struct sample *m, const struct carry *c)
{
	double age = (double)(c->now.ns - m->at.ns);

	return m->offset_ns + (int64_t)(age * c->freq);
}

/* The root distance of a sample, carried to now, ns. */
static inline int64_t carried_distance_ns(
    const struct sample *m, const struct carry *c)
{
	double age = (double)(c->now.ns - m->at.ns);

	return sample_distance_ns(m) + (int64_t)(age > 0 ? age * c->growth : 0);
}

/* The same of a record: its frequency may have been another one. */
int64_t record_distance_ns(const struct record *r, const struct carry *c);

/* Of a source with samples: the one with the least distance now. `jumped`: of
 * those that do not contradict the latest one. */
const struct record *nearest_record(
    const struct steering_source *src, const struct carry *c, bool jumped);

/* Selects at `now`: fills the selection and the state of each source. */
void candidates_select(struct steering *s, struct osc now);

/* The leap second that more than half of the combined sources announce; if
 * sources marked trust are among them, more than half of these. */
enum leap candidates_leap(const struct steering *s);

#endif
