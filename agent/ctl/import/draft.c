#include "agent/ctl/import/draft.h"

#include "agent/ctl/snapshot/clean.h"
#include "base/host.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct draft *draft_new(enum foreign_program program, FILE *report, bool all)
{
	struct draft *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->program = program;
	d->report = report;
	d->all = all;
	d->file = "";
	return d;
}

void draft_free(struct draft *d)
{
	for (unsigned i = 0; d && i < d->plain_count; i++)
		free(d->plains[i].text);
	free(d);
}

/* The report. */

static void say(const struct draft *d, const char *what, const char *text,
    const char *fmt, va_list args) PRINTF_LIKE(4, 0);
static void say(const struct draft *d, const char *what, const char *text,
    const char *fmt, va_list args)
{
	char why[DRAFT_TEXT_MAX];

	text_put_clean(d->report, d->file);
	if (d->line > 0)
		fprintf(d->report, ":%u", d->line);
	fprintf(d->report, ": %s: ", what);
	if (text) {
		text_put_clean(d->report, text);
		fputs(": ", d->report);
	}
	vsnprintf(why, sizeof(why), fmt, args);
	text_put_clean(d->report, why);
	fputc('\n', d->report);
}

static void say_one(const struct draft *d, const char *what, const char *text,
    const char *fmt, ...) PRINTF_LIKE(4, 5);
static void say_one(const struct draft *d, const char *what, const char *text,
    const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(d, what, text, fmt, args);
	va_end(args);
}

void draft_taken(struct draft *d, const char *text, const char *fmt, ...)
{
	va_list args;

	d->taken++;
	if (!d->all)
		return;
	va_start(args, fmt);
	say(d, "taken over", text, fmt, args);
	va_end(args);
}

void draft_needless(struct draft *d, const char *text, const char *fmt, ...)
{
	va_list args;

	d->needless++;
	va_start(args, fmt);
	say(d, "not needed", text, fmt, args);
	va_end(args);
}

void draft_lost(struct draft *d, const char *text, const char *fmt, ...)
{
	va_list args;

	d->lost++;
	va_start(args, fmt);
	say(d, "no equivalent", text, fmt, args);
	va_end(args);
}

void draft_unread(struct draft *d, const char *fmt, ...)
{
	va_list args;

	d->lost++;
	va_start(args, fmt);
	say(d, "not read", NULL, fmt, args);
	va_end(args);
}

void draft_note(struct draft *d, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(d, "note", NULL, fmt, args);
	va_end(args);
}

void draft_word(
    struct draft *d, const struct foreign_word *word, const char *text)
{
	if (!word)
		draft_lost(d, text, "ntsctl does not know this word of %s",
		    foreign_program_name(d->program));
	else if (word->fate == FATE_NEEDLESS)
		draft_needless(
		    d, text, "%s", foreign_word_reason(d->program, word));
	else
		draft_lost(
		    d, text, "%s", foreign_word_reason(d->program, word));
}

/* Keys. */

static struct draft_key *key_of(struct draft_key *keys, unsigned *count,
    unsigned max, const char *section, const char *name)
{
	for (unsigned i = 0; i < *count; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	if (*count == max)
		abort(); /* a bug: there are not so many keys */
	keys[*count] = (struct draft_key){.section = section, .name = name};
	return &keys[(*count)++];
}

static const char *value_of(
    const struct draft_key *keys, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(keys[i].name, name) == 0)
			return keys[i].value;
	return NULL;
}

void draft_set(struct draft *d, const char *section, const char *name,
    const char *fmt, ...)
{
	struct draft_key *key =
	    key_of(d->keys, &d->key_count, DRAFT_KEYS_MAX, section, name);
	va_list args;

	va_start(args, fmt);
	vsnprintf(key->value, sizeof(key->value), fmt, args);
	va_end(args);
}

const char *draft_get(const struct draft *d, const char *name)
{
	return value_of(d->keys, d->key_count, name);
}

bool draft_takes(const char *text)
{
	size_t len = strlen(text);

	/* What is written may go to a terminal. */
	return len > 0 && len < DRAFT_VALUE_MAX && !strpbrk(text, ";#") &&
	       text_is_clean(text);
}

bool draft_takes_file(const char *path)
{
	return path[0] == '/' && path[strlen(path) - 1] != '/' &&
	       draft_takes(path);
}

bool draft_trust(struct draft *d, const char *text, const char *path)
{
	if (path[0] != '/' || strpbrk(path, ", *") || !draft_takes(path)) {
		draft_lost(d, text,
		    "trusted-certs takes an absolute path of at most %d bytes "
		    "without blanks, invisible characters and , ; # *",
		    DRAFT_VALUE_MAX - 1);
		return false;
	}
	for (unsigned i = 0; i < d->cert_count; i++)
		if (strcmp(d->certs[i], path) == 0)
			return true;
	if (d->cert_count == DRAFT_CERTS_MAX) {
		draft_lost(d, text, "trusted-certs takes at most %d paths",
		    DRAFT_CERTS_MAX);
		return false;
	}
	snprintf(d->certs[d->cert_count++], FILE_PATH_MAX, "%s", path);
	return true;
}

/* Sources. */

/* "NAME:4460" is a host and a port, and the agent has a key for that. */
static bool is_host(const char *text)
{
	size_t len = strlen(text);
	const char *colon = strchr(text, ':');

	/* "-4" is an option of other programs. */
	if (text[0] == '-' || (colon && !strchr(colon + 1, ':')))
		return false;
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-._:%", *c))
			return false;
	return len > 0 && len < HOST_MAX &&
	       len + strlen("host = ") <= DRAFT_LINE_MAX && !host_fault(text);
}

static const struct draft_source *find(const struct draft *d, const char *name)
{
	for (unsigned i = 0; i < d->source_count; i++)
		if (strcmp(d->sources[i].name, name) == 0)
			return &d->sources[i];
	return NULL;
}

/* The host, or its beginning and a number. */
static void name_source(
    const struct draft *d, struct draft_source *s, const char *host)
{
	snprintf(s->name, sizeof(s->name), "%.50s", host);
	if (strcmp(s->name, host) == 0 && !find(d, s->name))
		return;
	for (unsigned n = 2; n == 2 || find(d, s->name); n++)
		snprintf(s->name, sizeof(s->name), "%.50s-%u", host, n);
}

struct draft_source *draft_source(
    struct draft *d, const char *text, const char *host)
{
	struct draft_source *s;

	if (!is_host(host)) {
		draft_lost(d, text,
		    "the host is not a name or an address of at most %d "
		    "characters, without a port",
		    (int)(DRAFT_LINE_MAX - strlen("host = ")));
		return NULL;
	}
	if (d->source_count == SOURCES_MAX) {
		draft_lost(
		    d, text, "the agent takes at most %d servers", SOURCES_MAX);
		return NULL;
	}
	s = &d->sources[d->source_count];
	*s = (struct draft_source){.line = d->line};
	snprintf(s->host, sizeof(s->host), "%s", host);
	snprintf(s->file, sizeof(s->file), "%s", d->file);
	name_source(d, s, host);
	d->source_count++;
	return s;
}

void draft_source_set(
    struct draft_source *s, const char *name, const char *fmt, ...)
{
	struct draft_key *key = key_of(
	    s->keys, &s->key_count, DRAFT_SOURCE_KEYS_MAX, "source", name);
	va_list args;

	va_start(args, fmt);
	vsnprintf(key->value, sizeof(key->value), fmt, args);
	va_end(args);
}

const char *draft_source_get(const struct draft_source *s, const char *name)
{
	return value_of(s->keys, s->key_count, name);
}

unsigned draft_source_size(const struct draft_source *s)
{
	const char *sources = draft_source_get(s, "sources");

	if (!s->pool)
		return 1;
	return sources ? (unsigned)strtoul(sources, NULL, 10) : POOL_SOURCES;
}

void draft_plain(struct draft *d, const char *text, const char *host)
{
	struct draft_plain *p = &d->plains[d->plain_count];

	d->plain++;
	say_one(d, "without NTS", text, "stays as a comment");
	if (d->plain_count == DRAFT_PLAIN_MAX)
		return;
	*p = (struct draft_plain){.line = d->line, .text = strdup(text)};
	if (!p->text)
		return;
	d->plain_count++;
	snprintf(p->file, sizeof(p->file), "%s", d->file);
	if (is_host(host))
		snprintf(p->host, sizeof(p->host), "%s", host);
}

void draft_drift(struct draft *d, const char *path)
{
	if (strlen(path) < sizeof(d->driftfile))
		strcpy(d->driftfile, path);
}
