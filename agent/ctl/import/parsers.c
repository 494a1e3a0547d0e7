#include "agent/ctl/import/parsers.h"

#include <string.h>

static const char blanks[] = " \t\r\n\v\f";

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
	timesyncd_end(i);
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
