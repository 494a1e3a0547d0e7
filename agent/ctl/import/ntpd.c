#include "agent/ctl/import/values.h"

#include <string.h>
#include <strings.h>

/* Removes a comment and the quotation marks, in place. */
static void clean_line(char *line)
{
	char *out = line;

	for (const char *in = line; *in && *in != '#'; in++)
		if (*in != '"' && *in != '\'')
			*out++ = *in;
	while (out > line && (out[-1] == ' ' || out[-1] == '\t'))
		out--;
	*out = '\0';
}

/* "HOST:PORT" or "[ADDRESS]:PORT": cuts it, and returns the port; NULL: there
 * is none. */
static char *cut_port(char **host)
{
	char *end, *colon;

	if ((*host)[0] == '[' && (end = strchr(*host, ']'))) {
		*end = '\0';
		++*host;
		return end[1] == ':' ? end + 2 : NULL;
	}
	colon = strchr(*host, ':');
	if (!colon || strchr(colon + 1, ':'))
		return NULL;
	*colon = '\0';
	return colon + 1;
}

/* Options of a server that have a value. */
static const char *const valued[] = {"minpoll", "maxpoll", "key", "ca", "cert",
    "aead", "ask", "require", "version", "mode", "bias", "ttl", NULL};

static bool take_value(struct import *i, const char *text,
    struct draft_source *s, const char *name, const char *value)
{
	/* The report has said why a path is not taken. */
	if (strcmp(name, "ca") == 0) {
		if (draft_trust(i->draft, text, value))
			draft_taken(i->draft, text,
			    "trusted-certs = %s in [nts]", value);
		return true;
	}
	return import_poll(i, text, s, name, value);
}

static void take_option(struct import *i, const char *text,
    struct draft_source *s, const char *option, const char *value)
{
	const struct foreign_word *word =
	    foreign_word_find(FOREIGN_NTPD, PLACE_OPTION, option);
	char shown[IMPORT_LINE_MAX + 8];

	snprintf(shown, sizeof(shown), "%s: %s%s%s", s->host, option,
	    value ? " " : "", value ? value : "");
	if (!word || word->fate != FATE_TAKEN)
		draft_word(i->draft, word, shown);
	else if (!import_is_one_of(word->name, valued)) {
		/* The agent has both without a key. */
		if (strcmp(word->name, "nts") != 0 &&
		    strcmp(word->name, "iburst") != 0)
			draft_source_set(s, word->name, "yes");
	} else if (!value || !take_value(i, text, s, word->name, value))
		draft_lost(i->draft, shown,
		    "this is not a value that the agent takes");
}

static void take_port(struct import *i, const char *text,
    struct draft_source *s, const char *port)
{
	long number;

	if (!port)
		return;
	if (number_whole(port, 1, 65535, &number))
		draft_source_set(s, "ntsport", "%ld", number);
	else
		draft_lost(i->draft, text, "%s is not a port", port);
}

/* `words`: [-4|-6] HOST [OPTION...]. */
static void take_server(
    struct import *i, const char *text, bool pool, char **words, unsigned count)
{
	const char *family = NULL;
	struct draft_source *s;
	char *host, *port;

	if (count > 1 &&
	    (strcmp(words[0], "-4") == 0 || strcmp(words[0], "-6") == 0)) {
		family = words[0][1] == '4' ? "ipv4" : "ipv6";
		words++;
		count--;
	}
	if (count < 1) {
		draft_lost(i->draft, text, "a host is missing");
		return;
	}
	host = words[0];
	port = cut_port(&host);
	if (strncmp(host, "127.127.", 8) == 0) {
		draft_lost(
		    i->draft, text, "reference clocks are not supported");
		return;
	}
	if (!import_has_option(words + 1, count - 1, "nts", valued)) {
		draft_plain(i->draft, text, host);
		return;
	}
	s = draft_source(i->draft, text, host);
	if (!s)
		return;
	s->pool = pool;
	take_port(i, text, s, port);
	if (family)
		draft_source_set(s, family, "yes");
	if (!import_has_option(words + 1, count - 1, "iburst", valued))
		draft_source_set(s, "iburst", "no");
	for (unsigned k = 1; k < count; k++) {
		bool value = import_is_one_of(words[k], valued);

		take_option(i, text, s, words[k],
		    value && k + 1 < count ? words[k + 1] : NULL);
		k += value;
	}
	draft_taken(
	    i->draft, text, "[%s %s]", pool ? "pool" : "source", s->name);
	if (pool)
		draft_note(i->draft,
		    "%s: ntpd uses up to maxclock servers of a pool, the agent "
		    "uses %d; sources = NUMBER in [pool %s] changes that",
		    text, POOL_SOURCES, s->name);
}

static void include(struct import *i, const char *text, const char *file)
{
	bool read = false;

	if (file && i->files && i->depth < IMPORT_DEPTH_MAX) {
		i->depth++;
		read = i->files->pattern(i->files->self, i, file) > 0;
		i->depth--;
	}
	if (read)
		draft_taken(i->draft, text, "the file is read");
	else
		draft_lost(i->draft, text, "the file cannot be read");
}

/* The limit of a correction; 0: none. */
static bool take_panic(struct import *i, const char *text, const char *value)
{
	char number[NUMBER_TEXT_MAX];
	double s;

	if (!number_read(value, &s))
		return false;
	number_text(number_within(s, 0.001, 1e9), number);
	if (s > 0)
		draft_set(
		    i->draft, "clock", "refuse-threshold", "%ss 1", number);
	else
		draft_set(i->draft, "clock", "refuse-threshold", "no");
	draft_taken(i->draft, text, "refuse-threshold = %s in [clock]",
	    draft_get(i->draft, "refuse-threshold"));
	return true;
}

/* The threshold of a step; 0: never. */
static bool take_step(struct import *i, const char *text, const char *value)
{
	char number[NUMBER_TEXT_MAX];
	double s;

	if (!number_read(value, &s))
		return false;
	number_text(number_within(s, 1e-9, 1e6), number);
	if (s > 0)
		draft_set(i->draft, "clock", "makestep", "%ss 3", number);
	else
		draft_set(i->draft, "clock", "makestep", "no");
	draft_taken(i->draft, text, "makestep = %s in [clock]",
	    draft_get(i->draft, "makestep"));
	return true;
}

static bool take_leapfile(struct import *i, const char *text, const char *value)
{
	if (!draft_takes_file(value))
		return false;
	draft_set(i->draft, "clock", "leapseclist", "%s", value);
	draft_taken(
	    i->draft, text, "leapseclist = %s in [clock], for TAI only", value);
	return true;
}

static bool take_trust(struct import *i, const char *text, const char *value)
{
	if (draft_trust(i->draft, text, value))
		draft_taken(
		    i->draft, text, "trusted-certs = %s in [nts]", value);
	return true;
}

/* "AES_SIV_CMAC_256" and so on, the preferred one first. */
static bool take_aeads(struct import *i, const char *text, const char *value)
{
	static const struct {
		const char *name, *number;
	} known[] = {{"256", "15"}, {"512", "17"}, {"GCM", "30"}};
	size_t k = 0;

	while (k < ARRAY_LEN(known) && !strstr(value, known[k].name))
		k++;
	if (k == ARRAY_LEN(known))
		return false;
	draft_set(i->draft, "nts", "aeads", "%s", known[k].number);
	draft_taken(i->draft, text, "aeads = %s in [nts]", known[k].number);
	return true;
}

static bool take_minsane(struct import *i, const char *text, const char *value)
{
	return import_count(i, text, "minsources", value, 1, SOURCES_MAX);
}

static bool take_maxdist(struct import *i, const char *text, const char *value)
{
	return import_number(i, text, "maxdistance", value, 1e-6, 16, "s");
}

static bool take_floor(struct import *i, const char *text, const char *value)
{
	return import_count(i, text, "minstratum", value, 0, 15);
}

/* Servers of this stratum are not used any more. */
static bool take_ceiling(struct import *i, const char *text, const char *value)
{
	char number[NUMBER_TEXT_MAX];
	long n;

	if (!number_whole(value, 0, 1000, &n))
		return false;
	snprintf(number, sizeof(number), "%ld", n - 1);
	return import_count(i, text, "maxstratum", number, 1, 15);
}

/* Directives with one value. "tos", "tinker" and "nts" have several of them in
 * a line. */
static const struct {
	const char *name;
	bool (*take)(struct import *i, const char *text, const char *value);
} directives[] = {
    {"nts ca", take_trust},
    {"nts aead", take_aeads},
    {"leapfile", take_leapfile},
    {"tinker panic", take_panic},
    {"tinker step", take_step},
    {"tos minsane", take_minsane},
    {"tos maxdist", take_maxdist},
    {"tos floor", take_floor},
    {"tos ceiling", take_ceiling},
};

static void take_value_of(
    struct import *i, const char *text, const char *name, const char *value)
{
	const struct foreign_word *word =
	    foreign_word_find(FOREIGN_NTPD, PLACE_DIRECTIVE, name);

	for (size_t k = 0; k < ARRAY_LEN(directives); k++) {
		if (strcasecmp(directives[k].name, name) != 0)
			continue;
		if (!value || !directives[k].take(i, text, value))
			draft_lost(i->draft, text,
			    "this is not a value that the agent takes");
		return;
	}
	draft_word(i->draft, word, text);
}

/* "tos minsane 2 maxdist 3": pairs. */
static void take_pairs(struct import *i, const char *text, const char *group,
    char **words, unsigned count)
{
	for (unsigned k = 0; k < count; k++) {
		/* These words of "nts" have no value. */
		bool alone = strcasecmp(words[k], "enable") == 0 ||
			     strcasecmp(words[k], "disable") == 0;
		const char *value =
		    !alone && k + 1 < count ? words[k + 1] : NULL;
		char name[64], shown[IMPORT_LINE_MAX + 64];

		snprintf(name, sizeof(name), "%.20s %.40s", group, words[k]);
		snprintf(shown, sizeof(shown), "%s%s%s", name, value ? " " : "",
		    value ? value : "");
		take_value_of(i, count > 2 ? shown : text, name, value);
		k += !alone;
	}
}

static bool is_group(const char *word)
{
	return strcasecmp(word, "tos") == 0 || strcasecmp(word, "nts") == 0 ||
	       strcasecmp(word, "tinker") == 0;
}

void ntpd_line(struct import *i, char *line)
{
	char *words[IMPORT_WORDS_MAX], text[IMPORT_LINE_MAX + 1];
	unsigned count;
	bool pool;

	clean_line(line);
	snprintf(text, sizeof(text), "%s", line);
	count = import_words(line, words);
	if (count == 0)
		return;
	pool = strcasecmp(words[0], "pool") == 0;
	if (pool || strcasecmp(words[0], "server") == 0 ||
	    strcasecmp(words[0], "servers") == 0)
		take_server(i, text, pool, words + 1, count - 1);
	else if (strcasecmp(words[0], "includefile") == 0)
		include(i, text, count > 1 ? words[1] : NULL);
	else if (is_group(words[0]) && count > 1)
		take_pairs(i, text, words[0], words + 1, count - 1);
	else
		take_value_of(i, text, words[0], count > 1 ? words[1] : NULL);
	if (count > 1 && strcasecmp(words[0], "driftfile") == 0)
		draft_drift(i->draft, words[1]);
}
