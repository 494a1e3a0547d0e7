#include "clock/leap_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* From 1900 to 1970. */
#define NTP_TO_UNIX_S INT64_C(2208988800)
/* Linux takes no larger offset (MAX_TAI_OFFSET). */
#define TAI_MAX_S 100000

/* Reads a number of up to `most` after blanks. False: there is none. */
static bool number(const char **text, int64_t most, int64_t *out)
{
	const char *start = *text + strspn(*text, " \t");
	char *end;

	if (*start < '0' || *start > '9')
		return false;
	errno = 0;
	*out = strtoll(start, &end, 10);
	*text = end;
	return errno == 0 && *out <= most;
}

static bool ends(const char *text)
{
	text += strspn(text, " \t\r\n");
	return *text == '\0' || *text == '#';
}

static bool take_expiry(struct leap_table *t, const char *text)
{
	int64_t at_s;

	if (!number(&text, INT64_MAX, &at_s) || !ends(text))
		return false;
	t->expires_s = at_s - NTP_TO_UNIX_S;
	return true;
}

bool leap_table_line(struct leap_table *t, const char *line, int64_t now_s)
{
	int64_t since_s, tai_s;

	if (strncmp(line, "#@", 2) == 0)
		return take_expiry(t, line + 2);
	if (ends(line))
		return true;
	if (!number(&line, INT64_MAX, &since_s) ||
	    !number(&line, TAI_MAX_S, &tai_s) || !ends(line))
		return false;
	since_s -= NTP_TO_UNIX_S;
	if (since_s > now_s || (t->known && since_s < t->since_s))
		return true;
	t->known = true;
	t->since_s = since_s;
	t->tai_s = (int)tai_s;
	return true;
}
