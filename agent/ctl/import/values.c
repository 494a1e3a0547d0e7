#include "agent/ctl/import/values.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

static const char blanks[] = " \t\r\n\v\f";

unsigned import_words(char *line, char *words[IMPORT_WORDS_MAX])
{
	unsigned count = 0;
	char *rest = NULL;

	for (char *w = strtok_r(line, blanks, &rest);
	     w && count < IMPORT_WORDS_MAX; w = strtok_r(NULL, blanks, &rest))
		words[count++] = w;
	return count;
}

bool import_is_one_of(const char *word, const char *const *names)
{
	for (; *names; names++)
		if (strcasecmp(*names, word) == 0)
			return true;
	return false;
}

bool import_has_option(
    char **words, unsigned count, const char *name, const char *const *valued)
{
	for (unsigned k = 0; k < count; k++) {
		if (strcasecmp(words[k], name) == 0)
			return true;
		k += import_is_one_of(words[k], valued);
	}
	return false;
}

/* Says that a value is changed to fit. */
static void note_limit(struct import *i, const char *text, const char *name,
    const char *limit, const char *unit)
{
	draft_note(i->draft,
	    "%s: %s = %s%s is the nearest that the agent takes", text, name,
	    limit, unit);
}

bool import_number(struct import *i, const char *text, const char *name,
    const char *value, double min, double max, const char *unit)
{
	char number[NUMBER_TEXT_MAX];
	double n, fit;

	if (!number_read(value, &n))
		return false;
	fit = number_within(n, min, max);
	number_text(fit, number);
	if (fit < n || fit > n)
		note_limit(i, text, name, number, unit);
	draft_set(i->draft, "clock", name, "%s%s", number, unit);
	draft_taken(i->draft, text, "%s = %s%s in [clock]", name, number, unit);
	return true;
}

bool import_count(struct import *i, const char *text, const char *name,
    const char *value, long min, long max)
{
	char number[NUMBER_TEXT_MAX];
	long n, fit;

	if (!number_whole(value, -1000000000, 1000000000, &n))
		return false;
	fit = n < min ? min : n > max ? max : n;
	snprintf(number, sizeof(number), "%ld", fit);
	if (fit != n)
		note_limit(i, text, name, number, "");
	draft_set(i->draft, "clock", name, "%s", number);
	draft_taken(i->draft, text, "%s = %s in [clock]", name, number);
	return true;
}

bool import_poll(struct import *i, const char *text, struct draft_source *s,
    const char *name, const char *value)
{
	char number[NUMBER_TEXT_MAX];
	long n, fit;

	if (!number_whole(value, -1000, 1000, &n))
		return false;
	fit = n < -4 ? -4 : n > 17 ? 17 : n;
	snprintf(number, sizeof(number), "%ld", fit);
	if (fit != n)
		note_limit(i, text, name, number, "");
	draft_source_set(s, name, "%s", number);
	return true;
}
