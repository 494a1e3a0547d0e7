#include "agent/config.h"

#include "agent/config_keys.h"
#include "agent/config_values.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* inih's default buffer, with a newline and a NUL: longer lines would be cut in
 * two without a word. */
#define LINE_BYTES_MAX 198
#define SOURCE_WORD "source"

/* Where reading stands. inih splits lines into key and value; sections, line
 * numbers and everything that must be said about a bad line are ours, because
 * inih says one line number and stops. */
struct loader {
	struct config *config;
	FILE *errors;
	unsigned error_count;
	/* this file */
	const char *file;
	unsigned line;
	FILE *in;
	char *text; /* of the line, by getline */
	size_t text_size;
	bool seen[CONFIG_KEYS_MAX]; /* keys in this file; [source]: in this one
				     */
	/* this section */
	char section[16]; /* "" before the first; "?" when unknown */
	struct source_config *source;
	struct source_draft drafts[CONFIG_SOURCES_MAX];
};

static void complain(struct loader *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void complain(struct loader *l, const char *fmt, ...)
{
	va_list args;

	l->error_count++;
	if (l->line > 0)
		fprintf(l->errors, "%s:%u: ", l->file, l->line);
	else
		fprintf(l->errors, "%s: ", l->file);
	va_start(args, fmt);
	vfprintf(l->errors, fmt, args);
	va_end(args);
	fputc('\n', l->errors);
}

void config_defaults(struct config *out)
{
	*out = (struct config){
	    .user = "ntsagent",
	    .status_socket = "/run/ntsagent/status.sock",
	    .driftfile = "/var/lib/ntsagent/drift",
	    .goodtime_file = "/var/lib/ntsagent/last-good-time",
	    .trust = {.system_certs = true},
	    .ke_timeout_ms = 10000,
	    .max_freq_ppm = 500,
	    .log_level = LOG_LEVEL_INFO,
	    .log_target = LOG_TO_STDERR,
	    .steering =
		{
		    .makestep_threshold_ns = 100 * NS_PER_MS,
		    .makestep_updates = 3,
		    .max_slew_ppm = 50000,
		    .refuse_threshold_ns = 1000 * NS_PER_S,
		    .max_distance_ns = 3 * NS_PER_S,
		    .min_sources = 1,
		    .max_clock_error_ppm = 1,
		},
	};
}

/* Sections. */

static struct source_config *find_source(struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->source_count; i++)
		if (strcmp(c->sources[i].name, name) == 0)
			return &c->sources[i];
	return NULL;
}

static bool host_like(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-._:%", *c))
			return false;
	return true;
}

/* A source that could not be taken still swallows its keys, so that they are
 * not each an error too. */
static void no_source(struct loader *l)
{
	l->source = NULL;
	snprintf(l->section, sizeof(l->section), "?");
}

/* Each source may have each key. */
static void forget_source_keys(struct loader *l)
{
	for (size_t i = 0; i < config_key_count(); i++)
		if (strcmp(config_key_at(i)->section, SOURCE_WORD) == 0)
			l->seen[i] = false;
}

static void open_source(struct loader *l, const char *name)
{
	struct config *c = l->config;
	struct source_config *s = find_source(c, name);

	forget_source_keys(l);
	if (!*name || strlen(name) >= CONFIG_NAME_MAX || !host_like(name)) {
		complain(l,
		    "[source %s]: expected a name of 1 to %d letters, "
		    "digits, '-', '.', '_', ':' or '%%'",
		    name, CONFIG_NAME_MAX - 1);
		return;
	}
	if (s) {
		complain(l, "[source %s] stands at %s:%u already", name,
		    s->file, s->line);
		return;
	}
	if (c->source_count == CONFIG_SOURCES_MAX) {
		complain(l, "[source %s]: more than %d sources", name,
		    CONFIG_SOURCES_MAX);
		return;
	}
	snprintf(l->section, sizeof(l->section), SOURCE_WORD);
	l->source = s = &c->sources[c->source_count++];
	*s = (struct source_config){
	    .ke_port = KE_PORT,
	    .iburst = true,
	    .minpoll = POLL_AUTO,
	    .maxpoll = POLL_AUTO,
	    .max_delay_ns = 3 * NS_PER_S,
	    .line = l->line,
	};
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->host, sizeof(s->host), "%s", name);
	snprintf(s->file, sizeof(s->file), "%s", l->file);
}

static void unknown_section(struct loader *l, const char *name, size_t word)
{
	char first[32];
	const char *nearest;

	snprintf(first, sizeof(first), "%.*s", (int)word, name);
	nearest = config_section_nearest(first);
	if (nearest)
		complain(l, "unknown section [%s]; did you mean [%s%s]?", name,
		    nearest, strcmp(nearest, SOURCE_WORD) == 0 ? " NAME" : "");
	else
		complain(l,
		    "unknown section [%s]; there are [agent], [nts], [clock], "
		    "[log] and [source NAME]",
		    name);
}

static void open_section(struct loader *l, char *name)
{
	size_t word = strcspn(name, " \t");

	no_source(l);
	if (word == strlen(SOURCE_WORD) &&
	    strncmp(name, SOURCE_WORD, word) == 0)
		open_source(l, name + word + strspn(name + word, " \t"));
	else if (config_section_known(name))
		snprintf(l->section, sizeof(l->section), "%s", name);
	else
		unknown_section(l, name, word);
}

/* Keys. */

static void unknown_key(struct loader *l, const char *name)
{
	const char *advice = config_key_advice(name);
	const char *nearest = config_key_nearest(l->section, name);

	if (advice)
		complain(l, "unknown key \"%s\": %s", name, advice);
	else if (nearest)
		complain(l, "unknown key \"%s\" in [%s]; did you mean \"%s\"?",
		    name, l->section, nearest);
	else
		complain(l, "unknown key \"%s\" in [%s]; see ntsagent.conf(5)",
		    name, l->section);
}

static void *base_of(struct loader *l, const struct config_key *key)
{
	bool family =
	    strcmp(key->name, "ipv4") == 0 || strcmp(key->name, "ipv6") == 0;

	if (!l->source)
		return l->config;
	return family ? (void *)&l->drafts[l->source - l->config->sources]
		      : (void *)l->source;
}

static void take_key(struct loader *l, const char *name, const char *value)
{
	const struct config_key *key = config_key_find(l->section, name);
	bool *seen;

	if (!key) {
		unknown_key(l, name);
		return;
	}
	seen = &l->seen[config_key_index(key)];
	if (*seen && !key->repeats) {
		complain(l, "%s stands twice in [%s]", name, l->section);
		return;
	}
	*seen = true;
	if (!key->set(key, value, base_of(l, key)))
		complain(l, "%s = %s: expected %s", name, value, key->expected);
}

/* inih's handler: it has split the line, and comments are gone. */
static int on_pair(
    void *user, const char *section, const char *name, const char *value)
{
	struct loader *l = user;

	(void)section;
	if (l->section[0] == '\0')
		complain(l, "\"%s\" stands before the first section", name);
	else if (l->section[0] != '?')
		take_key(l, name, value);
	return 1;
}

/* Lines. */

static char *trim(char *s)
{
	size_t len;

	s += strspn(s, " \t\r\n");
	len = strlen(s);
	while (len > 0 && isspace((unsigned char)s[len - 1]))
		s[--len] = '\0';
	return s;
}

/* A comment behind a value, as inih has it; cut here already, because inih
 * drops a line without a word when the comment stands before the "=". */
static char *cut_comment(char *line)
{
	char *c = strchr(line, ';');

	while (c && c != line && !isblank((unsigned char)c[-1]))
		c = strchr(c + 1, ';');
	if (c)
		*c = '\0';
	return trim(line);
}

static char *skip_bom(struct loader *l)
{
	bool bom = l->line == 1 && strncmp(l->text, "\xef\xbb\xbf", 3) == 0;

	return l->text + (bom ? 3 : 0);
}

/* A section head is ours; true: the line is done with. */
static bool take_section(struct loader *l, char *line)
{
	char *end = strchr(line, ']');

	if (line[0] != '[')
		return false;
	if (!end || (end[1] && !strchr(" \t;#", end[1]))) {
		complain(
		    l, "%s: expected a section head such as [clock]", line);
		no_source(l);
		return true;
	}
	*end = '\0';
	open_section(l, trim(line + 1));
	return true;
}

/* Is there anything for inih in this line? */
static bool for_inih(struct loader *l, char *line)
{
	if (!*line || *line == '#' || take_section(l, line))
		return false;
	if (strlen(line) > LINE_BYTES_MAX) {
		complain(l, "the line is longer than %d bytes", LINE_BYTES_MAX);
		return false;
	}
	if (!strchr(line, '=')) {
		complain(l, "%s: expected KEY = VALUE", line);
		return false;
	}
	return true;
}

/* inih's reader. Lines come without leading blanks, which inih would take for
 * the continuation of the line before. */
static char *next_line(char *out, int size, void *stream)
{
	struct loader *l = stream;
	ssize_t n = getline(&l->text, &l->text_size, l->in);
	const char *line = "";

	if (n < 0)
		return NULL;
	l->line++;
	if (memchr(l->text, '\0', (size_t)n)) {
		complain(l, "the line holds a NUL byte");
	} else {
		char *text = cut_comment(skip_bom(l));

		if (for_inih(l, text))
			line = text;
	}
	snprintf(out, (size_t)size, "%s\n", line);
	return out;
}

/* Files. */

static bool read_file(struct loader *l, const char *path)
{
	l->file = path;
	l->line = 0;
	l->section[0] = '\0';
	l->source = NULL;
	memset(l->seen, 0, sizeof(l->seen));
	l->in = fopen(path, "re");
	if (!l->in) {
		complain(l, "cannot read: %s", strerror(errno));
		return false;
	}
	/* What inih itself finds wrong is said by next_line already. */
	(void)ini_parse_stream(next_line, l, on_pair, l);
	if (ferror(l->in)) {
		l->line = 0;
		complain(l, "cannot read: %s", strerror(errno));
	}
	fclose(l->in);
	return true;
}

static int is_conf(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot && strcmp(dot, ".conf") == 0;
}

static void read_directory(struct loader *l, const char *main_path)
{
	char copy[4096], directory[4096 + 16], path[4096 + 300];
	struct dirent **entries;
	int n;

	snprintf(copy, sizeof(copy), "%s", main_path);
	snprintf(directory, sizeof(directory), "%s/conf.d", dirname(copy));
	n = scandir(directory, &entries, is_conf, alphasort);
	if (n < 0) {
		l->file = directory;
		l->line = 0;
		if (errno != ENOENT && errno != ENOTDIR)
			complain(l, "cannot read: %s", strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		snprintf(
		    path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		read_file(l, path);
		free(entries[i]);
	}
	free(entries);
}

/* What can only be judged when all is read. */

/* One "yes" means that family alone, one "no" the other. */
static void judge_family(
    struct loader *l, const struct source_draft *d, struct source_config *s)
{
	bool v4 =
	    d->ipv4 == SAID_YES || (d->ipv4 == UNSAID && d->ipv6 != SAID_YES);
	bool v6 =
	    d->ipv6 == SAID_YES || (d->ipv6 == UNSAID && d->ipv4 != SAID_YES);

	s->family = v4 == v6 ? FAMILY_ANY : v4 ? FAMILY_IPV4 : FAMILY_IPV6;
	if (!v4 && !v6)
		complain(l,
		    "[source %s]: ipv4 = no and ipv6 = no: no address is left",
		    s->name);
}

static void judge_source(struct loader *l, unsigned i)
{
	struct source_config *s = &l->config->sources[i];

	l->file = s->file;
	l->line = s->line;
	judge_family(l, &l->drafts[i], s);
	if (s->minpoll != POLL_AUTO && s->maxpoll != POLL_AUTO &&
	    s->minpoll > s->maxpoll)
		complain(l, "[source %s]: minpoll %d is above maxpoll %d",
		    s->name, s->minpoll, s->maxpoll);
	if (!host_like(s->host))
		complain(l,
		    "[source %s]: host = %s: expected a host name or "
		    "an IP address",
		    s->name, s->host);
}

static void judge(struct loader *l, const char *main_path)
{
	const struct config *c = l->config;
	unsigned usable = 0;

	for (unsigned i = 0; i < c->source_count; i++) {
		judge_source(l, i);
		usable += !c->sources[i].options.noselect;
	}
	l->file = main_path;
	l->line = 0;
	if (c->source_count == 0)
		complain(l, "no source: add a section [source NAME], with the "
			    "name of an NTS server");
	else if (usable < c->steering.min_sources)
		complain(l,
		    "minsources = %u, but only %u of %u sources may be "
		    "selected",
		    c->steering.min_sources, usable, c->source_count);
	if (!c->trust.system_certs && c->trust.path_count == 0)
		complain(l, "system-certs = no without trusted-certs: no "
			    "server could be trusted");
}

unsigned config_load(const char *path, struct config *out, FILE *errors)
{
	struct loader *l = calloc(1, sizeof(*l));
	unsigned count;

	if (!l) {
		fprintf(errors, "%s: out of memory\n", path);
		return 1;
	}
	config_defaults(out);
	l->config = out;
	l->errors = errors;
	if (read_file(l, path))
		read_directory(l, path);
	if (l->error_count == 0)
		judge(l, path);
	count = l->error_count;
	free(l->text);
	free(l);
	return count;
}
