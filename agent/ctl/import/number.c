#include "agent/ctl/import/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Larger values are beyond every limit of the agent. */
#define BEYOND 1e15

bool number_read(const char *text, double *out)
{
	char *end;
	double value;

	/* strtod() would take blanks, hexadecimal, "inf" and "nan". */
	if (text[strspn(text, "+-.0123456789eE")] != '\0')
		return false;
	errno = 0;
	value = strtod(text, &end);
	if (end == text || *end != '\0' || !isfinite(value))
		return false;
	*out = value;
	return true;
}

bool number_whole(const char *text, long min, long max, long *out)
{
	char *end;
	long value;

	if (text[strspn(text, "+-0123456789")] != '\0')
		return false;
	errno = 0;
	value = strtol(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || value < min ||
	    value > max)
		return false;
	*out = value;
	return true;
}

const char *number_text(double value, char out[NUMBER_TEXT_MAX])
{
	char *end;

	snprintf(out, NUMBER_TEXT_MAX, "%.9f",
	    number_within(value, -BEYOND, BEYOND));
	end = out + strlen(out) - 1;
	while (*end == '0')
		*end-- = '\0';
	if (*end == '.')
		*end = '\0';
	return strcmp(out, "-0") == 0 ? strcpy(out, "0") : out;
}

double number_within(double value, double min, double max)
{
	if (value < min)
		return min;
	return value > max ? max : value;
}
