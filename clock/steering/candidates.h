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
	double freq;   /* s/s */
	double growth; /* of the distance, s/s */
};

struct carry carry_to(const struct steering *s, struct osc now);

/* The offset and the root distance of a sample, carried to now, ns. */
int64_t carried_offset_ns(const struct sample *m, const struct carry *c);
int64_t carried_distance_ns(const struct sample *m, const struct carry *c);

/* Of a source with samples: the one with the least distance now. */
const struct sample *nearest_sample(
    const struct steering_source *src, const struct carry *c);

/* Selects at `now`: fills the selection and the state of each source. */
void candidates_select(struct steering *s, struct osc now);

/* The leap second that more than half of the combined sources announce; if
 * sources marked trust are among them, more than half of these. */
enum leap candidates_leap(const struct steering *s);

#endif
