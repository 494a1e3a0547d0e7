#include "agent/ctl/print/format.h"

#include "base/check.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A number below `below` is shown in units of `unit`; the last row takes the
 * rest. */
struct scale {
	double below, unit;
	int decimals;
	const char *suffix;
};

#define S_NS 1e9
#define DAY_S 86400

/* clang-format off */
static const struct scale offset_scales[] = {
	{9999.5,			1,			0, "ns"},
	{9999.5e3,			1e3,			0, "us"},
	{9999.5e6,			1e6,			0, "ms"},
	{999.5 * S_NS,			S_NS,			1, "s"},
	{99999.5 * S_NS,		S_NS,			0, "s"},
	{99999.5 * 60 * S_NS,		60 * S_NS,		0, "m"},
	{99999.5 * 3600 * S_NS,		3600 * S_NS,		0, "h"},
	{99999.5 * DAY_S * S_NS,	DAY_S * S_NS,		0, "d"},
	{INFINITY,			365.0 * DAY_S * S_NS,	0, "y"},
};
static const struct scale age_scales[] = {
	{1200,			1,		0, ""},
	{36000,			60,		0, "m"},
	{345600,		3600,		0, "h"},
	{1000.0 * DAY_S,	DAY_S,		0, "d"},
	{INFINITY,		365.0 * DAY_S,	0, "y"},
};
static const struct scale wait_scales[] = {
	{119.5,		1,	0, " s"},
	{119.5 * 60,	60,	0, " min"},
	{INFINITY,	3600,	0, " h"},
};
/* clang-format on */

static const struct scale *scale_for(const struct scale *scale, double x)
{
	while (!(x < scale->below) && scale->below < INFINITY)
		scale++;
	return scale;
}

void format_age(char out[static FORMAT_MAX], double age_s)
{
	const struct scale *scale;
	double whole;

	if (isnan(age_s)) {
		snprintf(out, FORMAT_MAX, "-");
		return;
	}
	whole = age_s > 0 ? floor(age_s) : 0;
	scale = scale_for(age_scales, whole);
	snprintf(out, FORMAT_MAX, "%.0f%s", floor(whole / scale->unit),
	    scale->suffix);
}

void format_ns(char out[static FORMAT_MAX], double ns)
{
	const struct scale *scale = scale_for(offset_scales, fabs(ns));

	snprintf(out, FORMAT_MAX, "%.*f%s", scale->decimals,
	    fabs(ns) / scale->unit, scale->suffix);
}

void format_signed_ns(char out[static FORMAT_MAX], double ns)
{
	const struct scale *scale = scale_for(offset_scales, fabs(ns));

	snprintf(out, FORMAT_MAX, "%+.*f%s", scale->decimals, ns / scale->unit,
	    scale->suffix);
}

static int ppm_decimals(double ppm)
{
	return fabs(ppm) < 99999.5 ? 3 : 0;
}

void format_ppm(char out[static FORMAT_MAX], double ppm)
{
	snprintf(out, FORMAT_MAX, "%.*f", ppm_decimals(ppm), ppm);
}

void format_signed_ppm(char out[static FORMAT_MAX], double ppm)
{
	snprintf(out, FORMAT_MAX, "%+.*f", ppm_decimals(ppm), ppm);
}

void format_count(char out[static FORMAT_MAX], double count)
{
	snprintf(out, FORMAT_MAX, "%.0f", count);
}

void format_octal(char out[static FORMAT_MAX], double bits)
{
	snprintf(out, FORMAT_MAX, "%o", (unsigned)(uint8_t)bits);
}

void format_plain_ns(char out[static FORMAT_MAX], double ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	double x = fabs(ns);
	size_t unit = 0;

	while (x >= 999.5 && unit + 1 < ARRAY_LEN(units)) {
		x /= 1000;
		unit++;
	}
	snprintf(
	    out, FORMAT_MAX, x < 999.5 ? "%.3g %s" : "%.0f %s", x, units[unit]);
}

/* Half of the last digit that is shown, whatever the unit. */
static double half_a_digit(double ns)
{
	double digit = ns < 1e12 ? pow(10, floor(log10(ns)) - 2) : 1e9;

	return digit / 2;
}

void format_bound_ns(char out[static FORMAT_MAX], double ns)
{
	double x = fabs(ns);

	format_plain_ns(out, x > 0 ? x + half_a_digit(x) : x);
}

void format_wait(char out[static FORMAT_MAX], double wait_s)
{
	double wait = wait_s > 0 ? wait_s : 0;
	const struct scale *scale = scale_for(wait_scales, wait);

	snprintf(out, FORMAT_MAX, "%.0f%s", wait / scale->unit, scale->suffix);
}
