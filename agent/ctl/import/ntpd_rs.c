#include "agent/ctl/import/values.h"
#include "agent/ctl/import/toml.h"

#include <string.h>

#define ADDRESS_MAX 300

/* The table [[source]] that is being read; its keys come in any order. */
struct reading {
	struct import *i;
	bool open;
	unsigned line; /* of its head */
	char mode[32], address[ADDRESS_MAX], ca[FILE_PATH_MAX];
	char min[16], max[16], count[16];
	char default_min[16], default_max[16];
	double panic_s; /* the smaller one; -1: not set */
};

static void copy(char *out, size_t size, const char *value)
{
	snprintf(out, size, "%s", value);
}

/* Cuts ":4460" from the address. Returns the port; "": there is none. */
static const char *cut_port(char *address, char **host)
{
	char *end = strchr(address, ']'), *colon;

	*host = address;
	if (address[0] == '[' && end) {
		*host = address + 1;
		*end = '\0';
		return end[1] == ':' ? end + 2 : "";
	}
	colon = strchr(address, ':');
	if (!colon || strchr(colon + 1, ':'))
		return "";
	*colon = '\0';
	return colon + 1;
}

static void set_poll(struct reading *r, const char *text,
    struct draft_source *s, const char *name, const char *own,
    const char *standard)
{
	const char *value = own[0] ? own : standard;

	if (value[0] && !import_poll(r->i, text, s, name, value))
		draft_lost(
		    r->i->draft, text, "%s = %s is no poll", name, value);
}

/* The key server of ntpd-rs's pool gives another NTP server at each exchange;
 * here each source has an address of its own. */
static void take_pool(
    struct reading *r, const char *text, struct draft_source *s)
{
	struct draft *d = r->i->draft;
	long number;

	if (r->count[0] && number_whole(r->count, 1, SOURCES_MAX, &number))
		draft_source_set(s, "sources", "%ld", number);
	else if (r->count[0])
		draft_lost(d, text, "count = %s is not a number from 1 to %d",
		    r->count, SOURCES_MAX);
	draft_note(d,
	    "%s: the agent uses as many servers of this pool as the name has "
	    "addresses in DNS, and at most %u",
	    text, draft_source_size(s));
}

static void take_source(struct reading *r, const char *text)
{
	bool pool = strcmp(r->mode, "nts-pool") == 0;
	struct draft *d = r->i->draft;
	struct draft_source *s;
	char *host;
	const char *port = cut_port(r->address, &host);
	long number;

	if (strcmp(r->mode, "server") == 0 || strcmp(r->mode, "pool") == 0) {
		draft_plain(d, text, host);
		return;
	}
	if (strcmp(r->mode, "nts") != 0 && !pool) {
		draft_lost(
		    d, text, "the agent has only servers with NTS as sources");
		return;
	}
	s = draft_source(d, text, host);
	if (!s)
		return;
	s->pool = pool;
	if (port[0] && number_whole(port, 1, 65535, &number))
		draft_source_set(s, "ntsport", "%ld", number);
	else if (port[0])
		draft_lost(d, text, "%s is not a port", port);
	set_poll(r, text, s, "minpoll", r->min, r->default_min);
	set_poll(r, text, s, "maxpoll", r->max, r->default_max);
	draft_taken(d, text, "[%s %s]", pool ? "pool" : "source", s->name);
	if (r->ca[0] && draft_trust(d, text, r->ca))
		draft_taken(d, text, "trusted-certs = %s in [nts]", r->ca);
	if (pool)
		take_pool(r, text, s);
}

/* At the next table, and at the end. */
static void close_source(struct reading *r)
{
	char text[ADDRESS_MAX + 64];

	if (!r->open)
		return;
	r->open = false;
	r->i->draft->line = r->line;
	/* The mode of a peer that has none. */
	if (r->mode[0] == '\0')
		copy(r->mode, sizeof(r->mode), "server");
	snprintf(text, sizeof(text), "source %s%s%s", r->mode,
	    r->address[0] ? " " : "", r->address);
	take_source(r, text);
	r->mode[0] = r->address[0] = r->ca[0] = r->min[0] = r->max[0] = '\0';
	r->count[0] = '\0';
}

/* Before version 1.0, a source was a peer. */
static const char *renamed(const char *path, char out[static TOML_PATH_MAX])
{
	size_t old = strncmp(path, "peers", 5) == 0   ? 5
		     : strncmp(path, "peer-", 5) == 0 ? 4
						      : 0;

	if (old == 0)
		return path;
	snprintf(out, TOML_PATH_MAX, "source%s", path + old);
	return out;
}

static void on_element(void *self, unsigned line, const char *path)
{
	struct reading *r = self;
	char name[TOML_PATH_MAX];

	close_source(r);
	if (strcmp(renamed(path, name), "source") != 0)
		return;
	r->open = true;
	r->line = line;
}

/* Values that wait for the end of their source, or of the file. */
static bool keep(struct reading *r, const char *path, const char *value)
{
	const struct {
		const char *path;
		char *out;
		size_t size;
	} kept[] = {
	    {"source.mode", r->mode, sizeof(r->mode)},
	    {"source.address", r->address, sizeof(r->address)},
	    {"source.certificate-authority", r->ca, sizeof(r->ca)},
	    {"source.count", r->count, sizeof(r->count)},
	    {"source.poll-interval-limits.min", r->min, sizeof(r->min)},
	    {"source.poll-interval-limits.max", r->max, sizeof(r->max)},
	    {"source-defaults.poll-interval-limits.min", r->default_min,
		sizeof(r->default_min)},
	    {"source-defaults.poll-interval-limits.max", r->default_max,
		sizeof(r->default_max)},
	};

	for (size_t k = 0; k < ARRAY_LEN(kept); k++) {
		if (strcmp(kept[k].path, path) != 0)
			continue;
		if (strlen(value) >= kept[k].size)
			return false;
		copy(kept[k].out, kept[k].size, value);
		return true;
	}
	return false;
}

/* "inf" is no limit. Of two directions the smaller limit counts. */
static bool take_panic(struct reading *r, const char *text, const char *value)
{
	char number[NUMBER_TEXT_MAX];
	double s;

	if (strcmp(value, "inf") == 0) {
		if (r->panic_s < 0)
			draft_set(
			    r->i->draft, "clock", "refuse-threshold", "no");
		draft_taken(r->i->draft, text, "refuse-threshold in [clock]");
		return true;
	}
	if (!number_read(value, &s) || s <= 0)
		return false;
	if (r->panic_s < 0 || s < r->panic_s)
		r->panic_s = s;
	number_text(number_within(r->panic_s, 0.001, 1e9), number);
	draft_set(r->i->draft, "clock", "refuse-threshold", "%ss 1", number);
	draft_taken(
	    r->i->draft, text, "refuse-threshold = %ss 1 in [clock]", number);
	return true;
}

static bool take_level(struct import *i, const char *text, const char *value)
{
	static const struct {
		const char *theirs, *ours;
	} levels[] = {{"trace", "debug"}, {"debug", "debug"}, {"info", "info"},
	    {"warn", "warning"}, {"error", "error"}};

	for (size_t k = 0; k < ARRAY_LEN(levels); k++) {
		if (strcmp(levels[k].theirs, value) != 0)
			continue;
		draft_set(i->draft, "log", "level", "%s", levels[k].ours);
		draft_taken(
		    i->draft, text, "level = %s in [log]", levels[k].ours);
		return true;
	}
	return false;
}

/* The word itself, or the longest table above it. */
static const struct foreign_word *word_of(const char *path)
{
	char table[TOML_PATH_MAX];
	const struct foreign_word *word =
	    foreign_word_find(FOREIGN_NTPD_RS, PLACE_DIRECTIVE, path);
	char *dot;

	copy(table, sizeof(table), path);
	while (!word && (dot = strrchr(table, '.'))) {
		dot[1] = '\0';
		word =
		    foreign_word_find(FOREIGN_NTPD_RS, PLACE_DIRECTIVE, table);
		dot[0] = '\0';
	}
	return word;
}

static bool take_value(
    struct reading *r, const char *text, const char *path, const char *value)
{
	static const char panic[] = "synchronization.single-step-panic-"
				    "threshold";

	if (strncmp(path, panic, sizeof(panic) - 1) == 0)
		return take_panic(r, text, value);
	if (strcmp(path, "synchronization.minimum-agreeing-sources") == 0)
		return import_count(
		    r->i, text, "minsources", value, 1, SOURCES_MAX);
	if (strcmp(path, "observability.log-level") == 0)
		return take_level(r->i, text, value);
	return keep(r, path, value);
}

static void on_value(
    void *self, unsigned line, const char *path, const char *value)
{
	struct reading *r = self;
	char text[TOML_PATH_MAX + TOML_VALUE_MAX + 4], name[TOML_PATH_MAX];
	const struct foreign_word *word;

	path = renamed(path, name);
	word = word_of(path);
	if (strncmp(path, "source.", 7) != 0)
		close_source(r);
	r->i->draft->line = line;
	snprintf(text, sizeof(text), "%s = %s", path, value);
	if (!word || word->fate != FATE_TAKEN)
		draft_word(r->i->draft, word, text);
	else if (!take_value(r, text, path, value))
		draft_lost(r->i->draft, text,
		    "this is not a value that the agent takes");
}

static void on_error(void *self, unsigned line, const char *why)
{
	struct reading *r = self;

	r->i->draft->line = line;
	draft_unread(r->i->draft, "%s", why);
}

/* The defaults of the sources may come after the sources. */
static void find_default(
    void *self, unsigned line, const char *path, const char *value)
{
	char name[TOML_PATH_MAX];

	(void)line;
	path = renamed(path, name);
	if (strncmp(path, "source-defaults.", 16) == 0)
		(void)keep(self, path, value);
}

static void ignore_element(void *self, unsigned line, const char *path)
{
	(void)self;
	(void)line;
	(void)path;
}

static void ignore_error(void *self, unsigned line, const char *why)
{
	(void)self;
	(void)line;
	(void)why;
}

void ntpd_rs_text(struct import *i, const char *text, size_t len)
{
	struct reading r = {.i = i, .panic_s = -1};
	const struct toml_handler first = {
	    &r, ignore_element, find_default, ignore_error};
	const struct toml_handler second = {&r, on_element, on_value, on_error};

	toml_read(text, len, &first);
	toml_read(text, len, &second);
	close_source(&r);
}
