#include "agent/ctl/import/draft.h"

#include "agent/ctl/snapshot/clean.h"

#include <stdlib.h>
#include <string.h>

/* What depends on several lines. */

static bool is_set(const struct draft_source *s, const char *name)
{
	const char *value = draft_source_get(s, name);

	return value && strcmp(value, "yes") == 0;
}

/* The last pools become smaller until the agent takes all sources: there are no
 * more sections than sources. */
static void fit_pools(struct draft *d)
{
	unsigned total = 0;

	for (unsigned i = 0; i < d->source_count; i++)
		total += draft_source_size(&d->sources[i]);
	for (unsigned i = d->source_count; total > SOURCES_MAX && i-- > 0;) {
		struct draft_source *s = &d->sources[i];
		unsigned size = draft_source_size(s),
			 excess = total - SOURCES_MAX;
		unsigned left = excess < size ? size - excess : 1;

		if (left == size)
			continue;
		draft_note(d,
		    "[pool %s] gets %u of %u sources: the agent takes at most "
		    "%d in all",
		    s->name, left, size, SOURCES_MAX);
		draft_source_set(s, "sources", "%u", left);
		total -= size - left;
	}
}

static void fit_minsources(struct draft *d)
{
	const char *value = draft_get(d, "minsources");
	unsigned usable = 0;

	for (unsigned i = 0; i < d->source_count; i++)
		usable += is_set(&d->sources[i], "noselect")
			      ? 0
			      : draft_source_size(&d->sources[i]);
	if (usable == 0 && d->source_count > 0)
		draft_lost(d, "noselect",
		    "all servers with NTS have it, and ntsagentd needs one "
		    "that it may select");
	if (!value || usable == 0 || strtoul(value, NULL, 10) <= usable)
		return;
	draft_note(d,
	    "minsources = %s becomes %u: so many servers with NTS are there",
	    value, usable);
	draft_set(d, "clock", "minsources", "%u", usable);
}

static void fit_strata(struct draft *d)
{
	const char *min = draft_get(d, "minstratum");
	const char *max = draft_get(d, "maxstratum");

	if (!min || !max || strtol(min, NULL, 10) <= strtol(max, NULL, 10))
		return;
	draft_note(d, "maxstratum = %s becomes %s, as minstratum", max, min);
	draft_set(d, "clock", "maxstratum", "%s", min);
}

/* chronyd raises maxpoll in the same way. */
static void fit_polls(struct draft_source *s)
{
	const char *min = draft_source_get(s, "minpoll");
	const char *max = draft_source_get(s, "maxpoll");

	if (min && max && strtol(min, NULL, 10) > strtol(max, NULL, 10))
		draft_source_set(s, "maxpoll", "%s", min);
}

/* Nothing else is left to trust then. */
static void fit_trust(struct draft *d)
{
	const char *system = draft_get(d, "system-certs");

	if (d->cert_count > 0 || !system || strcmp(system, "no") != 0)
		return;
	draft_note(d,
	    "system-certs = no is left out, because no file names a trusted "
	    "certificate");
	draft_set(d, "nts", "system-certs", "yes");
}

/* chronyd does not step the clock without makestep. A file of servers says
 * nothing of it. */
static void fit_steps(struct draft *d)
{
	if (d->servers_only)
		draft_note(d,
		    "this is a file of servers alone: its sections fit "
		    "into a file of sources.d; chrony.conf has the rest");
	if (d->servers_only || d->program != FOREIGN_CHRONY ||
	    draft_get(d, "makestep"))
		return;
	draft_set(d, "clock", "makestep", "%s",
	    d->first_step[0] ? d->first_step : "no");
	if (!d->first_step[0])
		draft_note(d, "chronyd never steps the clock without makestep; "
			      "makestep = no keeps it so");
}

void draft_finish(struct draft *d)
{
	d->line = 0;
	fit_pools(d);
	fit_minsources(d);
	fit_strata(d);
	fit_trust(d);
	fit_steps(d);
	for (unsigned i = 0; i < d->source_count; i++)
		fit_polls(&d->sources[i]);
	if (d->source_count == 0)
		draft_note(d, "no server with NTS: ntsagentd needs at least "
			      "one section [source NAME]");
}

/* The file. */

static void write_key(const struct draft_key *key, FILE *out)
{
	fprintf(out, "%s = %s\n", key->name, key->value);
}

static void write_section(const struct draft *d, const char *name, FILE *out)
{
	bool head = false, nts = strcmp(name, "nts") == 0;

	for (unsigned i = 0; i < d->key_count + (nts ? d->cert_count : 0);
	     i++) {
		bool is_key = i < d->key_count;

		if (is_key && strcmp(d->keys[i].section, name) != 0)
			continue;
		if (!head)
			fprintf(out, "\n[%s]\n", name);
		head = true;
		if (is_key)
			write_key(&d->keys[i], out);
		else
			fprintf(out, "trusted-certs = %s\n",
			    d->certs[i - d->key_count]);
	}
}

static void write_source(const struct draft_source *s, FILE *out)
{
	fprintf(out, "\n# ");
	text_put_clean(out, s->file);
	fprintf(out, ":%u\n[%s %s]\n", s->line, s->pool ? "pool" : "source",
	    s->name);
	if (strcmp(s->name, s->host) != 0)
		fprintf(out, "host = %s\n", s->host);
	for (unsigned i = 0; i < s->key_count; i++)
		write_key(&s->keys[i], out);
}

static const char how_to_ask[] =
    "\n"
    "# Servers without NTS. The agent cannot use them. To find out whether "
    "one\n"
    "# of them has NTS, run the command below it: a server with NTS prints\n"
    "# \"ALPN protocol: ntske/1\". Then write a section [source NAME] for "
    "it.\n";

static void write_plain(const struct draft_plain *p, FILE *out)
{
	fputs("#\n# ", out);
	text_put_clean(out, p->file);
	fprintf(out, ":%u: ", p->line);
	text_put_clean(out, p->text);
	fputc('\n', out);
	if (p->host[0] == '\0')
		return;
	/* An IPv6 address needs brackets before a port. */
	fprintf(out,
	    "#   openssl s_client -alpn ntske/1 -connect %s%s%s:4460 "
	    "</dev/null\n",
	    strchr(p->host, ':') ? "[" : "", p->host,
	    strchr(p->host, ':') ? "]" : "");
}

void draft_write(const struct draft *d, const char *from, FILE *out)
{
	static const char *const sections[] = {"agent", "nts", "clock", "log"};

	fputs("# Made by ntsctl import from ", out);
	text_put_clean(out, from);
	fputs(".\n# ntsagent.conf(5) explains all keys. Check this file with\n"
	      "#     ntsagentd --check-config -f FILE\n",
	    out);
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		write_section(d, sections[i], out);
	for (unsigned i = 0; i < d->source_count; i++)
		write_source(&d->sources[i], out);
	if (d->plain_count > 0)
		fputs(how_to_ask, out);
	for (unsigned i = 0; i < d->plain_count; i++)
		write_plain(&d->plains[i], out);
}

static const char *plural(unsigned n)
{
	return n == 1 ? "" : "s";
}

void draft_summary(const struct draft *d, FILE *out)
{
	fprintf(out,
	    "%u server%s with NTS, %u without; %u line%s or option%s taken "
	    "over, %u not needed, %u without an equivalent\n",
	    d->source_count, plural(d->source_count), d->plain, d->taken,
	    plural(d->taken), plural(d->taken), d->needless, d->lost);
}
