#include "agent/config/load.h"

#include "agent/config/files.h"
#include "agent/config/keys.h"
#include "agent/config/values.h"
#include "base/host.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* inih's buffer has 200 bytes, with the newline and the NUL. It cuts a longer
 * line in two and does not say so. */
#define LINE_BYTES_MAX 198
#define SOURCE_WORD "source"
#define POOL_WORD "pool"
/* "#64" follows the name of a pool. */
#define POOL_NAME_MAX (SOURCE_NAME_MAX - 3)
/* Other programs write the files of sources.d. */
#define DROPPED_BYTES_MAX 65536

/* The state of reading. inih only splits a line into key and value. Sections,
 * line numbers and errors are ours, because inih reports the number of one bad
 * line and stops. */
struct loader {
	struct config *config;
	FILE *errors;
	unsigned error_count;
	/* this file */
	const char *file;
	unsigned line;
	FILE *in;
	char *text; /* the line, as getline allocated it */
	size_t text_size;
	/* The line that set each key, in this file or in this source. */
	unsigned seen[CONFIG_KEYS_MAX];
	/* this section */
	char section[16]; /* "" before the first; "?" when unknown */
	bool foreign;	  /* a line before it is one of chrony */
	struct source_config *source; /* NULL outside of a source */
	struct source_draft *draft;   /* of that source */
	struct source_draft drafts[SOURCES_MAX];
	struct source_draft agent; /* what [agent] says for all sources */
	unsigned total; /* sources, those of pools counted one by one */
	bool rationed;	/* few lines about files of sources.d */
	bool dropping;	/* this file is one of sources.d */
	bool binary;	/* a line of this file holds a NUL byte */
	/* A refused part may have contained a source or a certificate. That one
	 * is missing is then not another error. */
	bool lost_sources, lost_certs;
};

/* Some terminals take bytes above ASCII for control characters, too, and others
 * reorder what is printed. */
void config_put_visibly(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(*text >= 0x20 && *text <= 0x7e ? *text : '?', out);
}

static void complain(struct loader *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void complain(struct loader *l, const char *fmt, ...)
{
	char *text;
	va_list args;
	int len;

	l->error_count++;
	config_put_visibly(l->errors, l->file);
	if (l->line > 0)
		fprintf(l->errors, ":%u", l->line);
	fputs(": ", l->errors);
	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	config_put_visibly(l->errors, len < 0 ? "out of memory" : text);
	fputc('\n', l->errors);
	if (len >= 0)
		free(text);
}

/* Sections. */

static void leave_section(struct loader *l)
{
	l->source = NULL;
	l->draft = &l->agent;
	snprintf(l->section, sizeof(l->section), "?");
}

/* The keys of a refused section are skipped: each of them would be one more
 * error. */
static void lose_section(struct loader *l)
{
	leave_section(l);
	l->lost_sources = true;
	l->lost_certs = true;
}

/* Every source may set the same keys. */
static void forget_source_keys(struct loader *l)
{
	for (size_t i = 0; i < config_key_count(); i++)
		if (strcmp(config_key_at(i)->section, SOURCE_WORD) == 0 ||
		    strcmp(config_key_at(i)->section, POOL_WORD) == 0)
			l->seen[i] = 0;
}

static const char *word_of(const struct source_config *s)
{
	return s->member > 0 ? POOL_WORD : SOURCE_WORD;
}

static const struct source_config *find_section(
    const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->source_count; i++)
		if (config_source_is(&c->sources[i], name))
			return &c->sources[i];
	return NULL;
}

/* True: an error, which says what to write instead. */
static bool has_port(struct loader *l, const char *what, const char *value)
{
	char host[HOST_MAX];
	const char *port;

	if (!value_host_and_port(value, host, sizeof(host), &port))
		return false;
	complain(l,
	    "%s%s: a host has no port here: write host = %s and "
	    "ntsport = %s in [source NAME]",
	    what, value, host, port);
	return true;
}

static const char *name_hint(const char *name)
{
	while (isascii((unsigned char)*name) && *name)
		name++;
	return *name ? "; write an international name in its ASCII form, "
		       "xn--..."
		     : "";
}

static bool may_open_source(
    struct loader *l, const char *section, const char *name)
{
	const struct config *c = l->config;
	const struct source_config *s = find_section(c, name);
	bool pool = strcmp(section, POOL_WORD) == 0;
	size_t size = pool ? POOL_NAME_MAX : SOURCE_NAME_MAX;
	char word[SOURCE_NAME_MAX];

	if (!value_host(name, word, size))
		complain(l,
		    "[%s %s]: expected a name of 1 to %zu letters, "
		    "digits, '-', '.', '_', ':' or '%%'%s",
		    section, name, size - 1, name_hint(name));
	else if (s)
		complain(l, "[%s %s] is already defined at %s:%u", word_of(s),
		    name, s->file, s->line);
	else if (c->source_count == SOURCES_MAX)
		complain(l, "[%s %s]: more than %d sources", section, name,
		    SOURCES_MAX);
	else
		return !has_port(l, pool ? "pool " : "source ", name);
	return false;
}

static void open_source(struct loader *l, const char *section, const char *name)
{
	struct source_config *s;

	if (!may_open_source(l, section, name)) {
		l->lost_sources = true;
		return;
	}
	forget_source_keys(l);
	snprintf(l->section, sizeof(l->section), "%s", section);
	l->draft = &l->drafts[l->config->source_count];
	*l->draft = (struct source_draft){.sources = POOL_SOURCES};
	l->source = s = &l->config->sources[l->config->source_count++];
	config_source_defaults(s);
	s->member = strcmp(section, POOL_WORD) == 0;
	s->dropped = l->dropping;
	s->line = l->line;
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->host, sizeof(s->host), "%s", name);
	snprintf(s->file, sizeof(s->file), "%s", l->file);
}

static void unknown_section(struct loader *l, const char *name, size_t word)
{
	char first[32];
	const char *advice, *nearest;

	lose_section(l);
	snprintf(first, sizeof(first), "%.*s", (int)word, name);
	advice = config_section_known(first) ? NULL : config_key_advice(first);
	nearest = config_section_nearest(first);
	/* [NTS] is no directive of chrony. */
	if (advice && !(nearest && strcasecmp(nearest, first) == 0))
		complain(l, "unknown section [%s]: %s", name, advice);
	else if (nearest)
		complain(l, "unknown section [%s]; did you mean [%s%s]?", name,
		    nearest,
		    strcmp(nearest, SOURCE_WORD) == 0 ||
			    strcmp(nearest, POOL_WORD) == 0
			? " NAME"
			: "");
	else
		complain(l,
		    "unknown section [%s]; the sections are [agent], [nts], "
		    "[clock], [log], [source NAME] and [pool NAME]",
		    name);
}

static bool begins_with(const char *name, size_t len, const char *word)
{
	return len == strlen(word) && strncmp(name, word, len) == 0;
}

static void open_section(struct loader *l, char *name)
{
	size_t word = strcspn(name, " \t");
	char *rest = name + word + strspn(name + word, " \t");

	leave_section(l);
	if (begins_with(name, word, SOURCE_WORD))
		open_source(l, SOURCE_WORD, rest);
	else if (begins_with(name, word, POOL_WORD))
		open_source(l, POOL_WORD, rest);
	else if (l->dropping && config_section_known(name))
		complain(l,
		    "[%s] does not belong in a file of sources.d, which has "
		    "only [source NAME] and [pool NAME]",
		    name);
	else if (config_section_known(name))
		snprintf(l->section, sizeof(l->section), "%s", name);
	else
		unknown_section(l, name, word);
}

/* Keys. */

/* What the brackets of the key's section contain. */
static const char *head_of(const struct config_key *key)
{
	if (strcmp(key->section, SOURCE_WORD) == 0)
		return SOURCE_WORD " NAME";
	if (strcmp(key->section, POOL_WORD) == 0)
		return POOL_WORD " NAME";
	return key->section;
}

static void unknown_key(struct loader *l, const char *name)
{
	const char *advice = config_key_advice(name);
	const struct config_key *nearest = config_key_nearest(l->section, name);

	if (advice)
		complain(l, "unknown key \"%s\": %s", name, advice);
	else if (!nearest)
		complain(l, "unknown key \"%s\" in [%s]; see ntsagent.conf(5)",
		    name, l->section);
	else if (strcmp(nearest->section, l->section) == 0)
		complain(l, "unknown key \"%s\" in [%s]; did you mean \"%s\"?",
		    name, l->section, nearest->name);
	else if (strcmp(nearest->name, name) == 0)
		complain(l, "%s does not belong in [%s] but in [%s]", name,
		    l->section, head_of(nearest));
	else
		complain(l,
		    "unknown key \"%s\" in [%s]; did you mean \"%s\" in [%s]?",
		    name, l->section, nearest->name, head_of(nearest));
}

static void *target_of(struct loader *l, const struct config_key *key)
{
	void *const targets[] = {
	    [KEY_OF_CONFIG] = l->config,
	    [KEY_OF_SOURCE] = l->source,
	    [KEY_OF_DRAFT] = l->draft,
	};

	static_assert(ARRAY_LEN(targets) == KEY_TARGETS, "a target for each");
	return targets[key->target];
}

#define NO_BRACKETS "; write an IPv6 address without brackets"

/* What chrony.conf or a shell allows, and this file does not. */
static const char *hint_for(const char *name, const char *value)
{
	size_t len = strlen(value);

	if (*value == '[' && strchr(value, ':'))
		return NO_BRACKETS;
	if (*value == '/' && strchr(value, '*'))
		return "; a pattern is not expanded, so name the directory";
	if (*value == '/' && len > 1 && value[len - 1] == '/')
		return "; this is a directory, so name a file in it";
	if (*value == '"' || *value == '\'')
		return "; write the value without quotes";
	if (strstr(value, " #") || strstr(value, "\t#"))
		return "; a comment begins with ';'";
	return strcmp(name, "host") == 0 ? name_hint(value) : "";
}

static void take_key(struct loader *l, const char *name, const char *value)
{
	const struct config_key *key = config_key_find(l->section, name);
	unsigned *seen;

	if (!key) {
		unknown_key(l, name);
		return;
	}
	seen = &l->seen[config_key_index(key)];
	if (*seen > 0 && !key->repeats) {
		complain(l, "%s = %s: %s is already set in line %u", name,
		    value, name, *seen);
		return;
	}
	*seen = l->line;
	if (strcmp(name, "host") == 0 && has_port(l, "host = ", value))
		return;
	if (key->set(key, value, target_of(l, key)))
		return;
	/* The rest of the list may be empty. */
	l->lost_certs |= key->repeats;
	complain(l, "%s = %s: expected %s%s", name, value, key->expected,
	    hint_for(name, value));
}

/* inih's handler. inih has removed the comments and split the line. */
static int on_pair(
    void *user, const char *section, const char *name, const char *value)
{
	struct loader *l = user;

	(void)section;
	if (l->section[0] == '\0')
		complain(l, "\"%s\" comes before the first section", name);
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

/* Removes a comment as inih does. inih alone would silently drop a line whose
 * comment begins before the "=". */
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

/* True: the line was a section head, good or bad. */
static bool take_section(struct loader *l, char *line)
{
	char *end = strchr(line, ']');

	if (line[0] != '[')
		return false;
	if (!end || (end[1] && !strchr(" \t;#", end[1]))) {
		complain(l, "%s: expected a section head such as [clock]%s",
		    line,
		    strchr(line + 1, '[') && strchr(line, ':') ? NO_BRACKETS
							       : "");
		lose_section(l);
		return true;
	}
	*end = '\0';
	open_section(l, trim(line + 1));
	return true;
}

/* Most such lines come from a file of chrony. */
static void no_assignment(struct loader *l, const char *line)
{
	size_t len = strcspn(line, " \t");
	char *word = strndup(line, len);
	const char *rest = line + len + strspn(line + len, " \t");
	const char *whole = config_key_advice(line);
	const char *advice = whole || !word ? whole : config_key_advice(word);
	const struct config_key *key =
	    word ? config_key_find_anywhere(word) : NULL;

	l->foreign |= advice && l->section[0] == '\0';
	if (advice)
		complain(l, "%s: %s", line, advice);
	else if (key)
		complain(l, "%s: expected %s = %s in [%s]", line, word,
		    *rest ? rest : "VALUE", head_of(key));
	else
		complain(l, "%s: expected KEY = VALUE", line);
	free(word);
}

/* Cuts the line behind its key. */
static const char *long_hint(const struct loader *l, char *line)
{
	const struct config_key *key;

	line[strcspn(line, " \t=")] = '\0';
	key = config_key_find(l->section, line);
	return key && key->repeats
		   ? "; set the key again in another line for the rest"
		   : "";
}

/* Is this line an assignment? inih would also take ":" for "=". */
static bool for_inih(struct loader *l, char *line)
{
	if (!*line || *line == '#' || take_section(l, line))
		return false;
	if (strlen(line) > LINE_BYTES_MAX) {
		complain(l, "the line is longer than %d bytes%s",
		    LINE_BYTES_MAX, long_hint(l, line));
		return false;
	}
	if (line[strcspn(line, "=:")] != '=') {
		no_assignment(l, line);
		return false;
	}
	return true;
}

/* inih's reader. Removes leading blanks: inih would take such a line for the
 * continuation of the one before. */
static char *next_line(char *out, int size, void *stream)
{
	struct loader *l = stream;
	ssize_t n = getline(&l->text, &l->text_size, l->in);
	const char *line = "";

	if (n < 0)
		return NULL;
	l->line++;
	if (memchr(l->text, '\0', (size_t)n)) {
		/* In UTF-16 each line does. */
		if (!l->binary)
			complain(l, "the line holds a NUL byte; save the file "
				    "as plain text in UTF-8");
		l->binary = l->lost_sources = l->lost_certs = true;
	} else {
		char *text = cut_comment(skip_bom(l));

		if (for_inih(l, text))
			line = text;
	}
	snprintf(out, (size_t)size, "%s\n", line);
	return out;
}

/* Files. */

static void unreadable(struct loader *l, const char *path, const char *reason)
{
	l->file = path;
	l->line = 0;
	l->lost_sources = true;
	l->lost_certs = true;
	complain(l, "cannot read: %s", reason);
}

/* Root is refused by AppArmor and SELinux only. */
static const char *reason_of(int error)
{
	return error == EACCES
		   ? "Permission denied; see who may read it: namei -l FILE; "
		     "if root may not: journalctl -g denied"
		   : strerror(error);
}

/* Nothing in this file is ours. */
static void advise_import(struct loader *l)
{
	l->lost_sources = true;
	l->line = 0;
	complain(l,
	    "this looks like a file of chrony or ntpd; to write one of the "
	    "agent from it (package ntsagent-tools; ntpd: --format=ntpd): "
	    "ntsctl import --format=chrony %s",
	    l->file);
}

static bool read_lines(struct loader *l, const char *path)
{
	l->file = path;
	l->line = 0;
	l->section[0] = '\0';
	l->foreign = l->binary = false;
	l->source = NULL;
	l->draft = &l->agent;
	memset(l->seen, 0, sizeof(l->seen));
	errno = 0;
	/* next_line() has reported every error that inih finds. */
	(void)ini_parse_stream(next_line, l, on_pair, l);
	if (l->foreign && l->section[0] == '\0')
		advise_import(l);
	if (!ferror(l->in) && feof(l->in))
		return true;
	unreadable(l, path, strerror(errno));
	return false;
}

/* A link to the null device masks a file. */
static bool is_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* Why a file of sources.d is not read; NULL: it is. To open a pipe would wait
 * for a writer, and a device has no end. The main file may be a pipe, on
 * purpose. */
static const char *fault_of(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return strerror(EISDIR);
	if (S_ISFIFO(st->st_mode))
		return "it is a named pipe, not a file";
	if (!S_ISREG(st->st_mode) && !is_null(st))
		return "it is not a regular file";
	return st->st_size > DROPPED_BYTES_MAX ? "it is larger than 64 KiB"
					       : NULL;
}

/* An error shows the line: with a link, a user who may write into the folder
 * could make root show the first line of any file. */
static const char *fault_of_link(const struct stat *st)
{
	return st->st_mode & S_IROTH
		   ? NULL
		   : "it is a link to a file that not everybody may read";
}

/* NULL: `*why` says why. */
static FILE *open_dropped(const char *path, const char **why)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	struct stat st;
	FILE *in = NULL;
	bool link;
	int fd;

	/* To open a device may do something. */
	*why = stat(path, &st) == 0 ? fault_of(&st) : NULL;
	if (*why)
		return NULL;
	fd = open(path, flags | O_NOFOLLOW);
	link = fd < 0 && errno == ELOOP;
	if (link)
		fd = open(path, flags);
	if (fd >= 0 && fstat(fd, &st) == 0) {
		*why = fault_of(&st);
		if (!*why && link && !is_null(&st))
			*why = fault_of_link(&st);
		if (!*why)
			in = fdopen(fd, "r");
	}
	if (!in && !*why)
		*why = reason_of(errno);
	if (!in && fd >= 0)
		close(fd);
	return in;
}

static FILE *open_file(
    const struct loader *l, const char *path, const char **why)
{
	FILE *in;

	if (l->dropping)
		return open_dropped(path, why);
	in = fopen(path, "re");
	if (!in)
		*why = reason_of(errno);
	return in;
}

static bool read_file(struct loader *l, const char *path)
{
	const char *why = NULL;
	bool good;

	/* Every source keeps the path. */
	if (strlen(path) >= FILE_PATH_MAX) {
		unreadable(l, path, strerror(ENAMETOOLONG));
		return false;
	}
	l->in = open_file(l, path, &why);
	if (!l->in) {
		unreadable(l, path, why);
		return false;
	}
	good = read_lines(l, path);
	fclose(l->in);
	return good;
}

typedef void read_fn(struct loader *l, const char *path);

static void read_part(struct loader *l, const char *path)
{
	(void)read_file(l, path);
}

static void read_folder(
    struct loader *l, const char *main_path, const char *name, read_fn *read)
{
	char folder[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct dirent **entries;
	int n;

	config_folder(main_path, name, folder);
	n = config_folder_list(folder, &entries);
	if (n < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			unreadable(l, folder, reason_of(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		snprintf(
		    path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		read(l, path);
		free(entries[i]);
	}
	free(entries);
}

/* Judging what depends on several keys. */

/* A single "yes" selects that family alone, a single "no" the other one. */
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
		    "[%s %s]: ipv4 = no and ipv6 = no: no address is left",
		    word_of(s), s->name);
}

/* What the source does not set, it has from [agent]. */
static void merge_binding(const struct binding_draft *agent,
    const struct binding_draft *own, struct binding *out)
{
	const struct binding *address =
	    own->address_set ? &own->value : &agent->value;

	*out = (struct binding){
	    .ipv4 = address->ipv4,
	    .ipv6 = address->ipv6,
	    .port = own->port_set ? own->value.port : agent->value.port,
	    .dscp = own->dscp_set ? own->value.dscp : agent->value.dscp,
	};
	memcpy(out->device,
	    own->device_set ? own->value.device : agent->value.device,
	    sizeof(out->device));
}

static void judge_source(struct loader *l, unsigned i)
{
	struct source_config *s = &l->config->sources[i];
	const char *fault = host_fault(s->host);

	l->file = s->file;
	l->line = s->line;
	l->total += s->member > 0 ? l->drafts[i].sources : 1;
	if (l->total > SOURCES_MAX)
		complain(l, "[%s %s]: more than %d sources", word_of(s),
		    s->name, SOURCES_MAX);
	if (fault)
		complain(l, "[%s %s]: no such host can exist: %s (%s)",
		    word_of(s), s->name, s->host, fault);
	judge_family(l, &l->drafts[i], s);
	merge_binding(&l->agent.binding, &l->drafts[i].binding, &s->binding);
	if (s->minpoll != POLL_AUTO && s->maxpoll != POLL_AUTO &&
	    s->minpoll > s->maxpoll)
		complain(l, "[%s %s]: minpoll %d is above maxpoll %d",
		    word_of(s), s->name, s->minpoll, s->maxpoll);
}

/* Each [pool NAME] becomes its sources, NAME#1 and so on. Those before `first`
 * have been through this. */
static void spread_pools(struct loader *l, unsigned first)
{
	struct config *c = l->config;
	unsigned at = l->total;

	if (at > SOURCES_MAX)
		return;
	for (unsigned i = c->source_count; i-- > first;) {
		const struct source_config s = c->sources[i];
		unsigned members = s.member > 0 ? l->drafts[i].sources : 1;

		for (unsigned k = members; k > 0; k--) {
			struct source_config *out = &c->sources[--at];
			char number[16];

			*out = s;
			out->member = s.member > 0 ? k : 0;
			if (s.member == 0)
				continue;
			snprintf(number, sizeof(number), "#%u", k);
			snprintf(out->name, sizeof(out->name), "%.*s%.3s",
			    POOL_NAME_MAX - 1, s.name, number);
		}
	}
	c->source_count = l->total;
}

/* Files of sources.d. */

/* The first error says enough. */
static void leave_file_out(struct loader *l, FILE *errors, char *text)
{
	struct config *c = l->config;
	char *end = strchr(text, '\n');

	if (end)
		*end = '\0';
	if (!l->rationed || c->unused_file_count < UNUSED_FILES_SHOWN)
		fprintf(errors,
		    "warning: %s; the sources of this file are not used\n",
		    text);
	if (c->unused_file_count < UNUSED_FILES_SHOWN)
		snprintf(c->unused_files[c->unused_file_count],
		    UNUSED_FILE_TEXT_MAX, "%s", text);
	c->unused_file_count++;
}

/* What an error in this file must not change is put back. */
static void read_dropped(struct loader *l, const char *path)
{
	const struct loader was = *l;
	const unsigned first = l->config->source_count;
	char *text = NULL;
	size_t size;

	l->errors = open_memstream(&text, &size);
	if (!l->errors) {
		l->errors = was.errors;
		unreadable(l, path, strerror(errno));
		return;
	}
	l->dropping = true;
	if (read_file(l, path))
		for (unsigned i = first; i < l->config->source_count; i++)
			judge_source(l, i);
	fclose(l->errors);
	l->errors = was.errors;
	l->dropping = false;
	if (l->error_count > was.error_count) {
		l->config->source_count = first;
		l->total = was.total;
		l->error_count = was.error_count;
		l->lost_sources = was.lost_sources;
		l->lost_certs = was.lost_certs;
		leave_file_out(l, l->errors, text);
	}
	free(text);
}

static void judge_number(struct loader *l, unsigned usable)
{
	const struct config *c = l->config;

	if (l->lost_sources)
		return;
	if (c->source_count == 0)
		complain(l,
		    "no source: add a section [source NAME], with the name of "
		    "an NTS server%s",
		    c->unused_file_count > 0 ? ", or correct sources.d" : "");
	else if (usable < c->steering.min_sources)
		complain(l,
		    "minsources = %u, but only %u of %u sources may be "
		    "selected",
		    c->steering.min_sources, usable, c->source_count);
}

static void judge_strata(struct loader *l)
{
	const struct steering_config *s = &l->config->steering;

	if (s->min_stratum > s->max_stratum)
		complain(l, "minstratum = %u is above maxstratum = %u",
		    s->min_stratum, s->max_stratum);
}

static void judge(struct loader *l, const char *main_path)
{
	const struct config *c = l->config;
	unsigned usable = 0;

	for (unsigned i = 0; i < c->source_count; i++)
		usable += !c->sources[i].options.noselect;
	l->file = main_path;
	l->line = 0;
	judge_number(l, usable);
	judge_strata(l);
	if (!c->trust.system_certs && c->trust.path_count == 0 &&
	    !l->lost_certs)
		complain(l, "system-certs = no without trusted-certs: no "
			    "server could be trusted");
}

static struct loader *loader_new(
    const char *path, struct config *out, FILE *errors)
{
	struct loader *l = calloc(1, sizeof(*l));

	if (!l) {
		fprintf(errors, "%s: out of memory\n", path);
		return NULL;
	}
	l->config = out;
	l->errors = errors;
	return l;
}

static unsigned loader_end(struct loader *l)
{
	unsigned count = l->error_count;
	unsigned unused = l->config->unused_file_count;

	if (l->rationed && unused > UNUSED_FILES_SHOWN)
		fprintf(l->errors,
		    "warning: and %u more file%s of sources.d %s not used: "
		    "ntsagentd --check-config names each\n",
		    unused - UNUSED_FILES_SHOWN,
		    unused == UNUSED_FILES_SHOWN + 1 ? "" : "s",
		    unused == UNUSED_FILES_SHOWN + 1 ? "is" : "are");
	free(l->text);
	free(l);
	return count;
}

static unsigned load_all(
    const char *path, struct config *out, FILE *errors, bool rationed)
{
	static const struct binding_draft unset;
	struct loader *l = loader_new(path, out, errors);

	if (!l)
		return 1;
	l->rationed = rationed;
	config_defaults(out);
	if (access(path, F_OK) != 0 && errno == ENOENT) {
		unreadable(l, path,
		    "No such file or directory; write it (ntsagent.conf(5) "
		    "has examples), or name another one with -f");
	} else if (read_file(l, path)) {
		snprintf(out->file, sizeof(out->file), "%s", path);
		read_folder(l, path, CONFIG_PARTS, read_part);
		merge_binding(&l->agent.binding, &unset, &out->binding);
		for (unsigned i = 0; i < out->source_count; i++)
			judge_source(l, i);
		read_folder(l, path, CONFIG_SOURCES, read_dropped);
		spread_pools(l, 0);
		judge(l, path);
	}
	return loader_end(l);
}

unsigned config_load(const char *path, struct config *out, FILE *errors)
{
	return load_all(path, out, errors, false);
}

unsigned config_load_for_log(const char *path, struct config *out, FILE *errors)
{
	return load_all(path, out, errors, true);
}

/* Those of the main file and conf.d stay. */
static void forget_dropped(struct config *c)
{
	unsigned kept = 0;

	c->unused_file_count = 0;
	for (unsigned i = 0; i < c->source_count; i++)
		if (!c->sources[i].dropped)
			c->sources[kept++] = c->sources[i];
	c->source_count = kept;
}

unsigned config_load_sources(const char *path, const struct config *base,
    struct config *out, FILE *errors)
{
	struct loader *l = loader_new(path, out, errors);
	unsigned kept;

	if (!l)
		return 1;
	l->rationed = true;
	*out = *base;
	forget_dropped(out);
	l->agent.binding =
	    (struct binding_draft){true, true, true, true, base->binding};
	l->total = kept = out->source_count;
	read_folder(l, path, CONFIG_SOURCES, read_dropped);
	spread_pools(l, kept);
	judge(l, path);
	return loader_end(l);
}
