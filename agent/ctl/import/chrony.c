#include "agent/ctl/import/chrony.h"

#include "agent/ctl/import/values.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A directive: `text` is the line, for the report. */
struct line {
	struct import *i;
	const char *text;
	unsigned count;
	char **words; /* after the name of the directive */
	const struct foreign_word *word;
};

/* False: chronyd does not take these values. */
typedef bool take_fn(const struct line *l);

static bool take_ppm(
    const struct line *l, const char *name, double min, double max)
{
	return l->count == 1 &&
	       import_number(l->i, l->text, name, l->words[0], min, max, "ppm");
}

static bool take_maxslewrate(const struct line *l)
{
	return take_ppm(l, "max-slew", 1, 99000);
}

static bool take_maxdrift(const struct line *l)
{
	return take_ppm(l, "max-drift", 1, 100000);
}

static bool take_maxclockerror(const struct line *l)
{
	return take_ppm(l, "max-clock-error", 0.001, 10000);
}

static bool take_seconds(const struct line *l)
{
	bool distance = strcmp(l->word->name, "maxdistance") == 0;

	return l->count == 1 &&
	       import_number(l->i, l->text, l->word->name, l->words[0], 1e-6,
		   distance ? 16 : 1000, "s");
}

static bool take_count(const struct line *l)
{
	bool min = strcmp(l->word->name, "minstratum") == 0;
	bool sources = strcmp(l->word->name, "minsources") == 0;

	return l->count == 1 &&
	       import_count(l->i, l->text, l->word->name, l->words[0],
		   min ? 0 : 1, sources ? SOURCES_MAX : 15);
}

/* Threshold and number of updates; a negative number is "always". */
static bool take_makestep(const struct line *l)
{
	char number[NUMBER_TEXT_MAX];
	double s;
	long updates;

	if (l->count != 2 || !number_read(l->words[0], &s) ||
	    !number_whole(l->words[1], -1000000, 1000000, &updates))
		return false;
	number_text(number_within(s, 1e-9, 1e6), number);
	if (updates == 0)
		draft_set(l->i->draft, "clock", "makestep", "no");
	else
		draft_set(l->i->draft, "clock", "makestep", "%ss %ld", number,
		    updates < 0 ? -1 : updates);
	draft_taken(l->i->draft, l->text, "makestep = %s in [clock]",
	    draft_get(l->i->draft, "makestep"));
	return true;
}

/* Its servers are asked before all others; the agent needs no such round. */
static bool take_initstepslew(const struct line *l)
{
	struct draft *d = l->i->draft;
	char number[NUMBER_TEXT_MAX];
	double s;

	if (l->count < 1 || !number_read(l->words[0], &s))
		return false;
	number_text(number_within(s, 1e-9, 1e6), number);
	snprintf(d->first_step, sizeof(d->first_step), "%ss 1", number);
	draft_taken(d, l->text,
	    "makestep = %s in [clock], unless the file has "
	    "makestep",
	    d->first_step);
	if (l->count > 1)
		draft_note(d,
		    "%s: the agent asks the configured servers, not "
		    "those of this line",
		    l->text);
	return true;
}

static bool take_maxchange(const struct line *l)
{
	char number[NUMBER_TEXT_MAX];
	double s;
	long start, ignore;

	if (l->count != 3 || !number_read(l->words[0], &s) ||
	    !number_whole(l->words[1], 0, 1000000, &start) ||
	    !number_whole(l->words[2], -1000000, 1000000, &ignore))
		return false;
	number_text(number_within(s, 0.001, 1e9), number);
	draft_set(
	    l->i->draft, "clock", "refuse-threshold", "%ss %ld", number, start);
	draft_taken(l->i->draft, l->text,
	    "refuse-threshold = %ss %ld in [clock]; the agent does not end "
	    "after some refused corrections",
	    number, start);
	return true;
}

static bool take_leapsecmode(const struct line *l)
{
	static const char *const modes[] = {"system", "slew", "step", "ignore"};

	for (size_t k = 0; l->count == 1 && k < ARRAY_LEN(modes); k++) {
		if (strcasecmp(l->words[0], modes[k]) != 0)
			continue;
		draft_set(l->i->draft, "clock", "leapsecmode", "%s", modes[k]);
		draft_taken(l->i->draft, l->text, "leapsecmode = %s in [clock]",
		    modes[k]);
		return true;
	}
	return false;
}

/* A path, or the name of a time zone. */
static bool take_leap_table(const struct line *l)
{
	const char *value = l->count == 1 ? l->words[0] : "";
	bool zone = strcmp(l->word->name, "leapsectz") == 0;

	if (zone ? !draft_takes(value) || strstr(value, "..")
		 : !draft_takes_file(value))
		return false;
	draft_set(l->i->draft, "clock", l->word->name, "%s", value);
	draft_taken(l->i->draft, l->text, "%s = %s in [clock], for TAI only",
	    l->word->name, value);
	return true;
}

static bool take_binding(
    const struct line *l, const char *name, const char *value)
{
	draft_set(l->i->draft, "agent", name, "%s", value);
	draft_taken(l->i->draft, l->text, "%s = %s in [agent]", name, value);
	return true;
}

static bool is_of_a_host(bool v6, const uint8_t a[16])
{
	struct in6_addr in6;

	memcpy(&in6, a, sizeof(in6));
	return v6 ? !IN6_IS_ADDR_MULTICAST(&in6) &&
			!IN6_IS_ADDR_V4MAPPED(&in6) &&
			!IN6_IS_ADDR_UNSPECIFIED(&in6) &&
			!IN6_IS_ADDR_LINKLOCAL(&in6) &&
			(IN6_IS_ADDR_LOOPBACK(&in6) ||
			    !IN6_IS_ADDR_V4COMPAT(&in6))
		  : a[0] > 0 && a[0] < 224;
}

/* One address of each family: chronyd takes the last one of a family. */
static bool take_bindacqaddress(const struct line *l)
{
	const char *before = draft_get(l->i->draft, "bind-address");
	const char *value = l->count == 1 ? l->words[0] : "";
	bool v6 = strchr(value, ':'), other;
	uint8_t bytes[16] = {0};
	char both[2 * INET6_ADDRSTRLEN];

	if (inet_pton(v6 ? AF_INET6 : AF_INET, value, bytes) != 1)
		return false;
	if (!is_of_a_host(v6, bytes)) {
		draft_lost(l->i->draft, l->text,
		    "bind-address takes the address of a host, without a zone");
		return true;
	}
	other = before && !strchr(before, ' ') && !strchr(before, ':') == v6;
	if (!other)
		return take_binding(l, "bind-address", value);
	snprintf(both, sizeof(both), "%s %s", before, value);
	return take_binding(l, "bind-address", both);
}

static bool is_printable(const char *text)
{
	while (*text > ' ' && *text <= '~')
		text++;
	return *text == '\0';
}

static bool take_bindacqdevice(const struct line *l)
{
	const char *value = l->count == 1 ? l->words[0] : "";

	return value[0] && strlen(value) < IFNAMSIZ && draft_takes(value) &&
	       !strchr(value, '/') && value[0] != '.' &&
	       strcmp(value, "none") != 0 && is_printable(value) &&
	       take_binding(l, "bind-device", value);
}

/* Port 0: the kernel chooses a port, as without the key. */
static bool take_acquisitionport(const struct line *l)
{
	char text[16];
	long port;

	if (l->count != 1 || !number_whole(l->words[0], 0, 65535, &port))
		return false;
	snprintf(text, sizeof(text), "%ld", port);
	return take_binding(l, "source-port", port == 0 ? "random" : text);
}

static bool take_dscp(const struct line *l)
{
	char text[16];
	long dscp;

	if (l->count != 1 || !number_whole(l->words[0], 0, 63, &dscp))
		return false;
	snprintf(text, sizeof(text), "%ld", dscp);
	return take_binding(l, "dscp", text);
}

static bool take_ntstrustedcerts(const struct line *l)
{
	const char *path;
	long set = 0;

	if (l->count < 1 || l->count > 2 ||
	    (l->count == 2 && !number_whole(l->words[0], 0, 1000000000, &set)))
		return false;
	path = l->words[l->count - 1];
	if (!draft_trust(l->i->draft, l->text, path))
		return true;
	draft_taken(l->i->draft, l->text, "trusted-certs = %s in [nts]", path);
	if (set > 0)
		draft_note(l->i->draft,
		    "%s: the agent trusts these certificates for all servers",
		    l->text);
	return true;
}

static bool take_nosystemcert(const struct line *l)
{
	if (l->count != 0)
		return false;
	draft_set(l->i->draft, "nts", "system-certs", "no");
	draft_taken(l->i->draft, l->text, "system-certs = no in [nts]");
	return true;
}

/* Each number once, and only those that the agent has. */
static bool take_ntsaeads(const struct line *l)
{
	char list[32] = "";
	bool lost = false;

	for (unsigned k = 0; k < l->count; k++) {
		const char *w = l->words[k];
		bool known = strcmp(w, "15") == 0 || strcmp(w, "30") == 0 ||
			     strcmp(w, "17") == 0;
		size_t len = strlen(list);

		if (known && !strstr(list, w))
			snprintf(list + len, sizeof(list) - len, "%s%s",
			    len > 0 ? " " : "", w);
		lost |= !known;
	}
	if (list[0] == '\0' || lost)
		draft_lost(l->i->draft, l->text,
		    "the agent has the algorithms 30, 15 and 17");
	if (list[0] == '\0')
		return true;
	draft_set(l->i->draft, "nts", "aeads", "%s", list);
	if (!lost)
		draft_taken(l->i->draft, l->text, "aeads = %s in [nts]", list);
	return true;
}

static void report_files(const struct line *l, int count)
{
	if (count > 0)
		draft_taken(l->i->draft, l->text, "%d file%s read", count,
		    count == 1 ? " is" : "s are");
	else
		draft_needless(l->i->draft, l->text, "no file is there");
}

static bool take_include(const struct line *l)
{
	struct import *i = l->i;
	int count = 0;

	if (l->count != 1 || i->depth >= IMPORT_DEPTH_MAX)
		return false;
	i->depth++;
	if (i->files)
		count = i->files->pattern(i->files->self, i, l->words[0]);
	i->depth--;
	report_files(l, count);
	return true;
}

static bool take_folders(const struct line *l)
{
	bool sources = strcmp(l->word->name, "sourcedir") == 0;
	struct import *i = l->i;
	bool outer = i->sources_only;
	int count = 0;

	if (l->count < 1 || i->depth >= IMPORT_DEPTH_MAX)
		return false;
	i->depth++;
	i->sources_only |= sources;
	for (unsigned k = 0; k < l->count && i->files; k++) {
		int read = i->files->folder(i->files->self, i, l->words[k],
		    sources ? ".sources" : ".conf");

		count += read > 0 ? read : 0;
	}
	i->sources_only = outer;
	i->depth--;
	report_files(l, count);
	if (sources)
		draft_note(i->draft,
		    "%s: the agent does not read files that come there later, "
		    "as those of DHCP",
		    l->text);
	return true;
}

/* Each word is a file; the agent has three of them. */
static bool take_log(const struct line *l)
{
	static const struct {
		const char *word, *key;
	} files[] = {
	    {"measurements", "measurements"},
	    {"rawmeasurements", "measurements"},
	    {"statistics", "statistics"},
	    {"tracking", "tracking"},
	};

	for (unsigned k = 0; k < l->count; k++) {
		size_t f = 0;

		while (f < ARRAY_LEN(files) &&
		       strcasecmp(files[f].word, l->words[k]) != 0)
			f++;
		if (f < ARRAY_LEN(files)) {
			draft_set(l->i->draft, "log", files[f].key, "yes");
			draft_taken(l->i->draft, l->text, "%s = yes in [log]",
			    files[f].key);
			if (files[f].word[0] == 'r')
				draft_note(l->i->draft,
				    "%s: measurements.log has only answers "
				    "that pass the tests",
				    l->text);
		} else
			draft_lost(l->i->draft, l->text,
			    "the agent writes no file of %s", l->words[k]);
	}
	return l->count > 0;
}

static bool take_logbanner(const struct line *l)
{
	long lines;

	if (l->count != 1 || !number_whole(l->words[0], 0, 1000000, &lines))
		return false;
	draft_set(l->i->draft, "log", "logbanner", "%ld", lines);
	draft_taken(l->i->draft, l->text, "logbanner = %ld in [log]", lines);
	return true;
}

static bool take_server(const struct line *l)
{
	return chrony_server(l->i, l->text, l->word, l->words, l->count);
}

static const struct {
	const char *name;
	take_fn *take;
} directives[] = {
    {"server", take_server},
    {"pool", take_server},
    {"ntstrustedcerts", take_ntstrustedcerts},
    {"nosystemcert", take_nosystemcert},
    {"ntsaeads", take_ntsaeads},
    {"makestep", take_makestep},
    {"initstepslew", take_initstepslew},
    {"maxchange", take_maxchange},
    {"maxslewrate", take_maxslewrate},
    {"maxdrift", take_maxdrift},
    {"maxclockerror", take_maxclockerror},
    {"maxdistance", take_seconds},
    {"maxjitter", take_seconds},
    {"minsources", take_count},
    {"minstratum", take_count},
    {"maxstratum", take_count},
    {"leapsecmode", take_leapsecmode},
    {"leapsectz", take_leap_table},
    {"leapseclist", take_leap_table},
    {"acquisitionport", take_acquisitionport},
    {"bindacqaddress", take_bindacqaddress},
    {"bindacqdevice", take_bindacqdevice},
    {"dscp", take_dscp},
    {"include", take_include},
    {"confdir", take_folders},
    {"sourcedir", take_folders},
    {"log", take_log},
    {"logbanner", take_logbanner},
};

static take_fn *taker_of(const struct foreign_word *word)
{
	for (size_t k = 0; k < ARRAY_LEN(directives); k++)
		if (strcmp(directives[k].name, word->name) == 0)
			return directives[k].take;
	return NULL;
}

/* chronyd refuses a comment behind a directive. Pages of the web have them all
 * the same, and so have files that were written from such a page. */
static void cut_comment(struct import *i, char *line)
{
	char *comment = strchr(line, '#');

	if (!comment)
		return;
	while (comment > line && strchr(" \t", comment[-1]))
		comment--;
	*comment = '\0';
	draft_note(i->draft,
	    "the text after the # is read as a comment; chronyd refuses this "
	    "line");
}

void chrony_line(struct import *i, char *line)
{
	char *words[IMPORT_WORDS_MAX], text[IMPORT_LINE_MAX + 1];
	struct line l = {.i = i, .text = text, .words = words + 1};
	take_fn *take;

	if (line[0] == '\0' || strchr("!;#%", line[0]))
		return;
	cut_comment(i, line);
	snprintf(text, sizeof(text), "%s", line);
	l.count = import_words(line, words);
	if (l.count-- == 0)
		return;
	l.word = foreign_word_find(FOREIGN_CHRONY, PLACE_DIRECTIVE, words[0]);
	take = l.word ? taker_of(l.word) : NULL;
	if (l.count > 0 && l.word && strcmp(l.word->name, "driftfile") == 0)
		draft_drift(i->draft, l.words[0]);
	if (i->sources_only && take != take_server)
		draft_lost(i->draft, text,
		    "chronyd takes only servers in a sourcedir");
	else if (!take)
		draft_word(i->draft, l.word, text);
	else if (!take(&l))
		draft_lost(i->draft, text,
		    "the values are not those of %s in chrony.conf(5)",
		    l.word->name);
}
