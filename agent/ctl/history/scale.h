/* The axes of a picture: round numbers with units. Pure. */
#ifndef AGENT_CTL_HISTORY_SCALE_H
#define AGENT_CTL_HISTORY_SCALE_H

#include "agent/ctl/history/series.h"

#define SCALE_TICKS_MAX 10
#define SCALE_TEXT_MAX 24

struct scale {
	double low, high; /* ns or ppm; low < high */
	double step;
	unsigned ticks; /* from `low` on, one each `step` */
	const char *unit;
	double unit_size; /* in ns or ppm */
	int digits;	  /* after the point */
};

/* A scale for the values of `s`, with about `ticks` ticks, at least 2. */
struct scale scale_of(
    const struct series *s, enum series_value value, unsigned ticks);

/* The number at tick `i`, with its unit. */
void scale_text(
    const struct scale *s, unsigned i, char out[static SCALE_TEXT_MAX]);

/* A number for a sentence, in its own unit with three digits or, in ppm, with
 * three after the point. What has a direction has a sign. */
void scale_number(
    enum series_value value, double number, char out[static SCALE_TEXT_MAX]);

/* 0 at the lower end of the scale, 1 at the upper one; never beyond. */
double scale_at(const struct scale *s, double value);

/* Times for the horizontal axis: seconds between two of about `ticks`. */
int64_t scale_time_step(int64_t length_s, unsigned ticks);

/* 17:30 or, for more than a day, 11-28; in UTC. */
void scale_time_text(
    int64_t at_s, int64_t length_s, char out[static SCALE_TEXT_MAX]);

#endif
