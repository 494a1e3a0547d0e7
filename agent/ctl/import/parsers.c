#include "agent/ctl/import/parsers.h"

#include "agent/ctl/import/number.h"

#include <stdlib.h>
#include <string.h>

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

static void take_line(struct import *i, char *line)
{
	switch (i->draft->program) {
	case FOREIGN_CHRONY:
		chrony_line(i, line);
		break;
	case FOREIGN_NTPD:
		ntpd_line(i, line);
		break;
	case FOREIGN_TIMESYNCD:
		timesyncd_line(i, line);
		break;
	case FOREIGN_NTPD_RS:
	case FOREIGN_PROGRAMS:
	default:
		break;
	}
}

/* Copies the line without the blanks at its ends. */
static void each_line(struct import *i, const char *text, size_t len)
{
	char line[IMPORT_LINE_MAX + 1];
	size_t first = 0;

	while (len > 0 && strchr(blanks, text[len - 1]))
		len--;
	while (first < len && strchr(blanks, text[first]))
		first++;
	text += first;
	len -= first;
	if (len > IMPORT_LINE_MAX) {
		draft_unread(i->draft, "the line is longer than %d bytes",
		    IMPORT_LINE_MAX);
		return;
	}
	if (memchr(text, '\0', len)) {
		draft_unread(i->draft, "the line has a NUL byte");
		return;
	}
	memcpy(line, text, len);
	line[len] = '\0';
	take_line(i, line);
}

static void lines(struct import *i, const char *text, size_t len)
{
	while (len > 0) {
		const char *end = memchr(text, '\n', len);
		size_t part = end ? (size_t)(end - text) : len;

		i->draft->line++;
		each_line(i, text, part);
		part += end != NULL;
		text += part;
		len -= part;
	}
}

void import_text(
    struct import *i, const char *file, const char *text, size_t len)
{
	struct draft *d = i->draft;
	const char *outer = d->file;
	unsigned outer_line = d->line;
	static const char mark[] = "\xef\xbb\xbf"; /* of byte order */

	d->file = file;
	d->line = 0;
	if (len >= 3 && memcmp(text, mark, 3) == 0) {
		text += 3;
		len -= 3;
	}
	if (d->program == FOREIGN_NTPD_RS)
		ntpd_rs_text(i, text, len);
	else
		lines(i, text, len);
	d->file = outer;
	d->line = outer_line;
}
