#include "clock/timescale.h"

#include <math.h>

static unsigned newest(const struct timescale *t)
{
	return (t->first + t->count - 1) % TIMESCALE_CHANGES;
}

/* The change in force at w: the newest that is not after it. A step back makes
 * some stamps ambiguous: they count as read after the step. */
static unsigned in_force(const struct timescale *t, struct wall w)
{
	for (unsigned back = 0; back < t->count; back++) {
		unsigned i =
		    (newest(t) + TIMESCALE_CHANGES - back) % TIMESCALE_CHANGES;

		if (t->change[i].wall.ns <= w.ns)
			return i;
	}
	return t->first;
}

/* Converts the time since change i. Only the small part that the frequency
 * added goes through a double: the result is exact to far below 1 ns even
 * after years. `part`, if not NULL: what rounding left out, ns. */
static struct osc convert(
    const struct timescale *t, unsigned i, struct wall w, double *part)
{
	int64_t elapsed = w.ns - t->change[i].wall.ns;
	double freq = t->change[i].freq;
	double added =
	    (double)elapsed * (freq / (1 + freq)) - t->change[i].osc_part;
	double whole = nearbyint(added);

	if (part)
		*part = whole - added;
	return (struct osc){t->change[i].osc.ns + elapsed - (int64_t)whole};
}

static void append(struct timescale *t, struct wall wall, struct osc osc,
    double osc_part, double freq)
{
	unsigned i;

	if (t->count == TIMESCALE_CHANGES) {
		t->first = (t->first + 1) % TIMESCALE_CHANGES;
		t->count--;
	}
	t->count++;
	i = newest(t);
	t->change[i].wall = wall;
	t->change[i].osc = osc;
	t->change[i].osc_part = osc_part;
	t->change[i].freq = freq;
}

void timescale_init(struct timescale *t, const struct clock_change *start)
{
	*t = (struct timescale){0};
	append(t, (struct wall){start->at.ns + start->step_ns},
	    (struct osc){start->at.ns + start->step_ns}, 0,
	    start->freq_ppm * 1e-6);
}

void timescale_change(struct timescale *t, const struct clock_change *c)
{
	double part;
	struct osc osc = convert(t, newest(t), c->at, &part);

	append(t, (struct wall){c->at.ns + c->step_ns}, osc, part,
	    c->freq_ppm * 1e-6);
}

struct osc timescale_osc(const struct timescale *t, struct wall w)
{
	return convert(t, in_force(t, w), w, NULL);
}

int64_t timescale_added_ns(const struct timescale *t, struct wall w)
{
	return w.ns - timescale_osc(t, w).ns;
}

void timescale_leap(
    struct timescale *t, struct wall at, int64_t leap_ns, double freq_ppm)
{
	double part, freq = freq_ppm * 1e-6;
	struct osc osc = convert(t, newest(t), at, &part);
	/* leap_ns of the wall clock minus the same time of the oscillator. */
	double less_ns = (double)leap_ns * (freq / (1 + freq));
	double whole_ns = nearbyint(less_ns);

	osc.ns += leap_ns - (int64_t)whole_ns;
	append(t, (struct wall){at.ns + leap_ns}, osc,
	    part + (whole_ns - less_ns), t->change[newest(t)].freq);
}

void timescale_foreign_step(
    struct timescale *t, struct wall at, int64_t step_ns)
{
	const struct clock_change c = {
	    .at = at,
	    .step_ns = step_ns,
	    .freq_ppm = t->change[newest(t)].freq * 1e6,
	};

	timescale_change(t, &c);
}
