#include "agent/ctl/import/values.h"

#include <ctype.h>
#include <string.h>

/* A time span of systemd: numbers with units, added up ("1min 30s"). A number
 * without a unit is in seconds. */
static bool span(const char *text, double *out)
{
	static const struct {
		const char *name;
		double s;
	} units[] = {{"", 1}, {"s", 1}, {"sec", 1}, {"seconds", 1},
	    {"second", 1}, {"ms", 1e-3}, {"msec", 1e-3}, {"us", 1e-6},
	    {"usec", 1e-6}, {"min", 60}, {"m", 60}, {"minutes", 60},
	    {"minute", 60}, {"h", 3600}, {"hr", 3600}, {"hours", 3600},
	    {"hour", 3600}, {"d", 86400}, {"days", 86400}, {"day", 86400}};

	*out = 0;
	while (*text) {
		size_t digits = strspn(text, "0123456789.");
		size_t letters = 0, k = 0;
		char number[32], unit[16];
		double n;

		snprintf(number, sizeof(number), "%.*s", (int)digits, text);
		text += digits + strspn(text + digits, " \t");
		while (isalpha((unsigned char)text[letters]))
			letters++;
		snprintf(unit, sizeof(unit), "%.*s", (int)letters, text);
		text += letters + strspn(text + letters, " \t");
		while (k < ARRAY_LEN(units) && strcmp(units[k].name, unit) != 0)
			k++;
		if (digits == 0 || digits >= sizeof(number) ||
		    letters >= sizeof(unit) || k == ARRAY_LEN(units) ||
		    !number_read(number, &n))
			return false;
		*out += n * units[k].s;
	}
	return true;
}

static void take_distance(struct import *i, const char *text, const char *value)
{
	char number[NUMBER_TEXT_MAX];
	double s;

	if (value[0] == '\0' || !span(value, &s) ||
	    !import_number(
		i, text, "maxdistance", number_text(s, number), 1e-6, 16, "s"))
		draft_lost(
		    i->draft, text, "this is not a time span of systemd");
}

static void take_servers(struct import *i, const char *text, char *value)
{
	char *words[IMPORT_WORDS_MAX];
	unsigned count = import_words(value, words);
	char shown[IMPORT_LINE_MAX + 1];
	size_t name = strcspn(text, "=");

	for (unsigned k = 0; k < count; k++) {
		snprintf(
		    shown, sizeof(shown), "%.*s=%s", (int)name, text, words[k]);
		draft_plain(i->draft, shown, words[k]);
	}
}

/* Cuts the blanks before the "=". */
static void end_name(char *line, char *end)
{
	while (end > line && isblank((unsigned char)end[-1]))
		end--;
	*end = '\0';
}

static void take_assignment(struct import *i, char *line)
{
	const struct foreign_word *word;
	char text[IMPORT_LINE_MAX + 1], *value;

	if (line[0] == '[')
		return;
	snprintf(text, sizeof(text), "%s", line);
	value = strchr(line, '=');
	if (!value) {
		draft_unread(i->draft, "expected KEY=VALUE: %s", text);
		return;
	}
	end_name(line, value++);
	value += strspn(value, " \t");
	word = foreign_word_find(FOREIGN_TIMESYNCD, PLACE_DIRECTIVE, line);
	if (!word || word->fate != FATE_TAKEN)
		draft_word(i->draft, word, text);
	else if (strcmp(word->name, "RootDistanceMaxSec") == 0)
		take_distance(i, text, value);
	else
		take_servers(i, text, value);
}

void timesyncd_end(struct import *i)
{
	unsigned here = i->draft->line;

	if (i->joined[0] == '\0')
		return;
	i->draft->line = i->joined_line;
	take_assignment(i, i->joined);
	i->draft->line = here;
	i->joined[0] = '\0';
}

/* A backslash at the end of a line joins the next one to it; a comment between
 * them changes nothing. */
void timesyncd_line(struct import *i, char *line)
{
	size_t len = strlen(line), before = strlen(i->joined);
	bool goes_on = len > 0 && line[len - 1] == '\\';

	if (line[0] == '#' || line[0] == ';')
		return;
	if (goes_on)
		line[len - 1] = ' ';
	if (before == 0)
		i->joined_line = i->draft->line;
	if (before + len > IMPORT_LINE_MAX) {
		draft_unread(i->draft, "the line is longer than %d bytes",
		    IMPORT_LINE_MAX);
		i->joined[0] = '\0';
		return;
	}
	memcpy(i->joined + before, line, len + 1);
	if (!goes_on)
		timesyncd_end(i);
}
