#include "agent/ctl/history/when.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LENGTH_MAX_S (INT64_C(10) * 366 * 86400)

static int64_t unit_of(char c)
{
	switch (c) {
	case '\0':
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 7 * 86400;
	default:
		return 0;
	}
}

bool when_parse_length(const char *text, int64_t *seconds)
{
	size_t digits = strspn(text, "0123456789");
	int64_t n = 0, unit = unit_of(text[digits]);

	if (digits == 0 || digits > 9 || unit == 0 ||
	    (text[digits] != '\0' && text[digits + 1] != '\0'))
		return false;
	for (size_t i = 0; i < digits; i++)
		n = 10 * n + (text[i] - '0');
	if (n == 0 || n > LENGTH_MAX_S / unit)
		return false;
	*seconds = n * unit;
	return true;
}

static bool is_zone(const char *text)
{
	return *text == '\0' || strcmp(text, "Z") == 0 ||
	       strcmp(text, "UTC") == 0 || strcmp(text, " UTC") == 0;
}

bool when_parse(const char *text, int64_t now_s, int64_t *seconds)
{
	static const char *const forms[] = {"%Y-%m-%d %H:%M:%S",
	    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
	    "%Y-%m-%d"};
	int64_t length;

	if (when_parse_length(text, &length)) {
		*seconds = now_s - length;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct tm tm = {.tm_isdst = 0};
		const char *rest = strptime(text, forms[i], &tm);
		int day = tm.tm_mday;

		if (!rest || !is_zone(rest))
			continue;
		*seconds = (int64_t)timegm(&tm);
		/* timegm() makes the 2nd of March of the 30th of February. */
		return tm.tm_mday == day;
	}
	return false;
}

void when_text(int64_t seconds, char out[static WHEN_TEXT_MAX])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
	    strftime(out, WHEN_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(out, WHEN_TEXT_MAX, "?");
}
