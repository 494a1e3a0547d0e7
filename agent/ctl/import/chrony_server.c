#include "agent/ctl/import/chrony.h"

#include "agent/ctl/import/values.h"

#include <string.h>
#include <strings.h>

/* Options of a server that have a value. All others have none. */
static const char *const valued[] = {"minpoll", "maxpoll", "key", "certset",
    "ntsport", "port", "maxdelay", "maxdelayratio", "maxdelaydevratio",
    "maxdelayquant", "mindelay", "asymmetry", "offset", "minsamples",
    "maxsamples", "maxunreach", "filter", "polltarget", "presend", "minstratum",
    "version", "extfield", "maxsources", "maxntsretry", NULL};

static bool set_port(
    struct draft_source *s, const char *name, const char *value)
{
	long port;

	if (!number_whole(value, 1, 65535, &port))
		return false;
	draft_source_set(s, name, "%ld", port);
	return true;
}

static bool set_sources(struct draft_source *s, const char *value)
{
	long sources;

	if (!number_whole(value, 1, SOURCES_MAX, &sources))
		return false;
	draft_source_set(s, "sources", "%ld", sources);
	return true;
}

/* asymmetry is twice the offset, with the other sign. */
static bool set_offset(struct draft_source *s, const char *value)
{
	char number[NUMBER_TEXT_MAX];
	double offset;

	if (!number_read(value, &offset) || offset < -5 || offset > 5)
		return false;
	draft_source_set(
	    s, "asymmetry", "%ss", number_text(-2 * offset, number));
	return true;
}

static bool set_number(struct draft_source *s, const char *name,
    const char *value, double min, const char *unit)
{
	char number[NUMBER_TEXT_MAX];
	double n;

	if (!number_read(value, &n))
		return false;
	/* 0 is "off" for maxdelayratio. */
	if (n <= 0 && min >= 1)
		return true;
	number_text(number_within(n, min, 1000), number);
	draft_source_set(s, name, "%s%s", number, unit);
	return true;
}

/* Sets the key of an option that the table says is taken. */
static bool take_value(struct import *i, const char *text,
    struct draft_source *s, const char *name, const char *value)
{
	if (strstr(name, "poll"))
		return import_poll(i, text, s, name, value);
	if (strstr(name, "port"))
		return set_port(s, name, value);
	if (strcmp(name, "maxsources") == 0)
		return s->pool && set_sources(s, value);
	if (strcmp(name, "offset") == 0)
		return set_offset(s, value);
	if (strcmp(name, "maxdelay") == 0)
		return set_number(s, name, value, 1e-6, "s");
	return set_number(s, name, value, 1, "");
}

static void take_flag(struct draft_source *s, const char *name)
{
	/* The agent has both without a key. */
	if (strcmp(name, "nts") != 0 && strcmp(name, "iburst") != 0)
		draft_source_set(s, name, "yes");
}

/* Says "server HOST ...: OPTION VALUE: why". */
static void report_option(struct draft *d, const char *host,
    const struct foreign_word *word, const char *option, const char *value)
{
	char text[IMPORT_LINE_MAX + 8];

	snprintf(text, sizeof(text), "%s: %s%s%s", host, option,
	    value ? " " : "", value ? value : "");
	draft_word(d, word, text);
}

static void take_option(struct import *i, const char *text,
    struct draft_source *s, const char *option, const char *value)
{
	const struct foreign_word *word =
	    foreign_word_find(FOREIGN_CHRONY, PLACE_OPTION, option);

	if (!word || word->fate != FATE_TAKEN)
		report_option(i->draft, s->host, word, option, value);
	else if (!import_is_one_of(word->name, valued))
		take_flag(s, word->name);
	else if (!value || !take_value(i, text, s, word->name, value))
		draft_lost(i->draft, text,
		    "%s has a value that the agent does "
		    "not take",
		    word->name);
}

bool chrony_server(struct import *i, const char *text,
    const struct foreign_word *directive, char **words, unsigned count)
{
	struct draft_source *s;

	if (count < 1)
		return false;
	if (!import_has_option(words + 1, count - 1, "nts", valued)) {
		draft_plain(i->draft, text, words[0]);
		return true;
	}
	s = draft_source(i->draft, text, words[0]);
	if (!s)
		return true;
	s->pool = strcmp(directive->name, "pool") == 0;
	if (!import_has_option(words + 1, count - 1, "iburst", valued))
		draft_source_set(s, "iburst", "no");
	for (unsigned k = 1; k < count; k++) {
		bool value = import_is_one_of(words[k], valued);

		take_option(i, text, s, words[k],
		    value && k + 1 < count ? words[k + 1] : NULL);
		k += value;
	}
	draft_taken(
	    i->draft, text, "[%s %s]", s->pool ? "pool" : "source", s->name);
	return true;
}
