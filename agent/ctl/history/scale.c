#include "agent/ctl/history/scale.h"

#include <math.h>
#include <time.h>

/* A flat line is drawn in the middle of a scale of this height: ns, ppm. */
#define FLAT_NS 10.0
#define FLAT_PPM 0.01

static const struct unit {
	double size;
	const char *name;
} units[] = {{1, "ns"}, {1e3, "us"}, {1e6, "ms"}, {1e9, "s"}};

/* 1, 2 or 5 times a power of ten. */
static double round_step(double least)
{
	double power = pow(10, floor(log10(least)));
	double times = least / power;

	return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

/* The offset is shown around zero; what cannot be negative, from zero on. */
static void span_of(
    const struct series *s, enum series_value value, double *low, double *high)
{
	double flat = value == SERIES_FREQUENCY ? FLAT_PPM : FLAT_NS;

	*low = s->any ? s->min : 0;
	*high = s->any ? s->max : flat;
	if (value != SERIES_FREQUENCY) {
		*low = fmin(*low, 0);
		*high = fmax(*high, 0);
	}
	if (*high - *low < flat) {
		*high += flat / 2;
		*low -= value == SERIES_FREQUENCY || value == SERIES_OFFSET
			    ? flat / 2
			    : 0;
	}
}

static void choose_unit(struct scale *s, bool ppm)
{
	double most = fmax(fabs(s->low), fabs(s->high));
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(units) && most >= units[i + 1].size)
		i++;
	s->unit = ppm ? "ppm" : units[i].name;
	s->unit_size = ppm ? 1 : units[i].size;
	s->digits = 0;
	/* The step is 1, 2 or 5 of its last digit. */
	while (s->digits < 6 &&
	       s->step / s->unit_size * pow(10, s->digits) < 0.999)
		s->digits++;
}

struct scale scale_of(
    const struct series *s, enum series_value value, unsigned ticks)
{
	struct scale out;
	double low, high;

	span_of(s, value, &low, &high);
	if (ticks < 2)
		ticks = 2;
	if (ticks > SCALE_TICKS_MAX - 2)
		ticks = SCALE_TICKS_MAX - 2;
	out.step = round_step((high - low) / (ticks - 1));
	out.low = floor(low / out.step + 1e-9) * out.step;
	out.high = ceil(high / out.step - 1e-9) * out.step;
	if (out.high <= out.low)
		out.high = out.low + out.step;
	out.ticks = (unsigned)lround((out.high - out.low) / out.step) + 1;
	choose_unit(&out, value == SERIES_FREQUENCY);
	return out;
}

/* With `digits` after the point. Not "-0". */
static void put_number(double shown, int digits, bool plus, const char *unit,
    char out[static SCALE_TEXT_MAX])
{
	if (fabs(shown) * pow(10, digits) < 0.5)
		shown = 0;
	snprintf(out, SCALE_TEXT_MAX,
	    plus && shown != 0 ? "%+.*f %s" : "%.*f %s", digits, shown, unit);
}

void scale_number(
    enum series_value value, double number, char out[static SCALE_TEXT_MAX])
{
	bool ppm = value == SERIES_FREQUENCY;
	bool directed = ppm || value == SERIES_OFFSET;
	size_t i = 0;
	double shown;

	/* 999.5 us would be printed as "1000 us". */
	while (i + 1 < ARRAY_LEN(units) &&
	       fabs(number) >= 0.9995 * units[i + 1].size)
		i++;
	shown = number / units[i].size;
	if (ppm)
		put_number(number, 3, directed, "ppm", out);
	else
		put_number(shown,
		    i == 0		  ? 0
		    : fabs(shown) < 9.995 ? 2
		    : fabs(shown) < 99.95 ? 1
					  : 0,
		    directed, units[i].name, out);
}

void scale_text(
    const struct scale *s, unsigned i, char out[static SCALE_TEXT_MAX])
{
	put_number((s->low + i * s->step) / s->unit_size, s->digits, s->low < 0,
	    s->unit, out);
}

double scale_at(const struct scale *s, double value)
{
	double share = (value - s->low) / (s->high - s->low);

	return share < 0 ? 0 : share > 1 ? 1 : share;
}

int64_t scale_time_step(int64_t length_s, unsigned ticks)
{
	static const int64_t steps[] = {15, 30, 60, 120, 300, 600, 900, 1800,
	    3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 2 * 86400,
	    5 * 86400, 10 * 86400, 30 * 86400};
	size_t i = 0;

	if (ticks == 0)
		ticks = 1;
	while (i + 1 < ARRAY_LEN(steps) && steps[i] * ticks < length_s)
		i++;
	return steps[i];
}

void scale_time_text(
    int64_t at_s, int64_t length_s, char out[static SCALE_TEXT_MAX])
{
	time_t t = (time_t)at_s;
	struct tm tm;
	int64_t step_s = scale_time_step(length_s, 6);
	out[0] = '\0';
	if (!gmtime_r(&t, &tm))
		return;
	if (step_s >= 86400)
		(void)strftime(out, SCALE_TEXT_MAX, "%m-%d", &tm);
	else if (step_s >= 60)
		(void)strftime(out, SCALE_TEXT_MAX, "%H:%M", &tm);
	else
		(void)strftime(out, SCALE_TEXT_MAX, "%H:%M:%S", &tm);
}
