/*
 * The summary: is the time right, how right, and if not, why, and what to do.
 */
#include "agent/ctl/print/cell.h"
#include "agent/ctl/print/text.h"
#include "agent/ctl/report/advice.h"
#include "agent/ctl/report/health.h"
#include "agent/ctl/report/report.h"
#include "base/obstacles.h"

#include <string.h>
#include <time.h>

#define PARAGRAPH_MAX 2048
/* Sources whose time is shown if no majority agrees. */
#define VOTES_MAX 8

#define MEMBER(m) .field = FIELD(struct snapshot, m)

/* For CSV. The JSON is the whole snapshot. */
static const struct column columns[] = {
    {MEMBER(version)},
    {MEMBER(time_ns)},
    {MEMBER(uptime_s)},
    {MEMBER(pid)},
    {MEMBER(clock.synchronised)},
    {MEMBER(clock.controlled)},
    {MEMBER(clock.refused)},
    {MEMBER(clock.state)},
    {MEMBER(clock.reason)},
    {MEMBER(clock.selected)},
    {MEMBER(clock.combined)},
    {MEMBER(clock.stratum)},
    {MEMBER(clock.offset_ns)},
    {MEMBER(clock.bound_ns)},
    {MEMBER(clock.est_error_ns)},
    {MEMBER(clock.root_delay_ns)},
    {MEMBER(clock.root_dispersion_ns)},
};

static const char *direction(double ns)
{
	return ns < 0 ? "slow" : "fast";
}

/* "1.25 us slow, give or take 1.9 us; at most 83.7 us off." The offset is
 * known, the others perhaps not. */
static void add_accuracy(char *out, const struct snapshot *s)
{
	const struct status_clock *c = &s->clock;
	char offset[FORMAT_MAX], error[FORMAT_MAX], bound[FORMAT_MAX];

	cell_int_text(offset, c->offset_ns, format_plain_ns);
	cell_int_text(error, c->est_error_ns, format_plain_ns);
	cell_int_text(bound, c->bound_ns, format_bound_ns);
	text_append(out, PARAGRAPH_MAX,
	    "%s %s, give or take %s; at most %s off.", offset,
	    direction((double)c->offset_ns.n), error, bound);
}

static const char *reason_of(const struct snapshot *s, const char *otherwise)
{
	const char *reason = s->clock.reason;

	return !reason || *reason == '\0' ? otherwise : reason;
}

static void say_right(const struct snapshot *s, char *out)
{
	text_append(out, PARAGRAPH_MAX, "The clock is right: ");
	add_accuracy(out, s);
}

static void say_corrected(const struct snapshot *s, char *out)
{
	text_append(out, PARAGRAPH_MAX, "The clock is being corrected: ");
	add_accuracy(out, s);
}

static void say_measured(const struct snapshot *s, char *out)
{
	text_append(out, PARAGRAPH_MAX,
	    "The clock is only measured, not steered (%s): ",
	    reason_of(s, "--no-clock"));
	add_accuracy(out, s);
}

static void say_refused(const struct snapshot *s, char *out)
{
	double refused_offset_ns = (double)s->clock.refused_offset_ns.n;
	char amount[FORMAT_MAX];

	format_plain_ns(amount, refused_offset_ns);
	text_append(out, PARAGRAPH_MAX,
	    "The clock is not being corrected: the servers say that it is %s "
	    "%s, and refuse-threshold forbids so large a correction.",
	    amount, direction(refused_offset_ns));
}

/* With --no-clock no restart would set the clock. */
static void say_refused_measured(const struct snapshot *s, char *out)
{
	double refused_offset_ns = (double)s->clock.refused_offset_ns.n;
	char amount[FORMAT_MAX];

	format_plain_ns(amount, refused_offset_ns);
	text_append(out, PARAGRAPH_MAX,
	    "The clock is only measured, not steered: the servers say that it "
	    "is %s %s. An agent that steers corrects so much only at its start "
	    "(refuse-threshold).",
	    amount, direction(refused_offset_ns));
}

static void say_no_sources(const struct snapshot *s, char *out)
{
	text_append(out, PARAGRAPH_MAX, "The clock is not synchronised: %s.",
	    reason_of(s, "no source is configured"));
}

static void say_not_yet(const struct snapshot *s, char *out)
{
	/* One sample does not tell how sure it is. Where the clock is not
	 * steered, the reason is that of this. */
	const char *measuring = "the first answers are being measured";
	const char *why =
	    !snapshot_selected(s)
		? reason_of(s, "no source has given a usable time yet")
	    : s->clock.controlled ? reason_of(s, measuring)
				  : measuring;

	text_append(out, PARAGRAPH_MAX, "The clock is not synchronised: %s.%s",
	    why,
	    s->clock.controlled ? "" : " It is only measured, not steered.");
}

/* Of a certificate that the server has sent: its own, or of its chain. */
static bool says_of_server(const struct status_source *s, const char *what)
{
	char own[FORMAT_MAX], chain[FORMAT_MAX];

	snprintf(own, sizeof(own), "\" %s: ", what);
	snprintf(chain, sizeof(chain), "chain %s: ", what);
	return source_failure(s) == FAILURE_CERTIFICATE &&
	       (obstacle_phrase(s->reason, own) ||
		   obstacle_phrase(s->reason, chain));
}

/* NULL: a server has another trouble, or there is one server alone. */
static const char *dates_of_all(const struct snapshot *s)
{
	static const char *const found[][2] = {
	    {"is not yet valid", "are not valid yet"},
	    {"has expired", "have expired"}};

	for (size_t i = 0; s->source_count > 1 && i < ARRAY_LEN(found); i++) {
		unsigned n = 0;

		while (n < s->source_count &&
		       says_of_server(&s->sources[n], found[i][0]))
			n++;
		if (n == s->source_count)
			return found[i][1];
	}
	return NULL;
}

static void say_dates(const struct snapshot *s, char *out)
{
	time_t now = (time_t)(s->time_ns.n / 1000000000);
	char date[FORMAT_MAX];
	struct tm tm;

	strftime(date, sizeof(date), "%Y-%m-%d %H:%M", gmtime_r(&now, &tm));
	text_append(out, PARAGRAPH_MAX,
	    "The clock is not synchronised: by this clock, which says %s UTC, "
	    "the certificates of all servers %s.",
	    date, dates_of_all(s));
}

/* The middle of a source's interval, and half of its length. */
static void add_vote(const struct status_source *s, char *out)
{
	double offset_ns =
	    (double)s->low_offset_ns.n / 2 + (double)s->high_offset_ns.n / 2;
	double distance_ns =
	    (double)s->high_offset_ns.n / 2 - (double)s->low_offset_ns.n / 2;
	char offset[FORMAT_MAX], distance[FORMAT_MAX];

	format_plain_ns(offset, offset_ns);
	format_plain_ns(distance, distance_ns);
	text_append(out, PARAGRAPH_MAX, " By %s, it is %s %s, give or take %s.",
	    s->name, offset, direction(offset_ns), distance);
}

static bool is_one_of_many(const struct status_source *s)
{
	return strcmp(s->state, "no-majority") == 0 && s->low_offset_ns.known &&
	       s->high_offset_ns.known;
}

static void say_split(const struct snapshot *s, char *out)
{
	unsigned said = 0;

	say_not_yet(s, out);
	for (unsigned i = 0; i < s->source_count && said < VOTES_MAX; i++)
		if (is_one_of_many(&s->sources[i])) {
			add_vote(&s->sources[i], out);
			said++;
		}
}

static bool is_split(const struct snapshot *s)
{
	for (unsigned i = 0; i < s->source_count; i++)
		if (is_one_of_many(&s->sources[i]))
			return true;
	return false;
}

static bool lacks_sources(const struct snapshot *s)
{
	static const char begin[] = "minsources asks for ";

	return strncmp(reason_of(s, ""), begin, strlen(begin)) == 0;
}

static bool is_refused(const struct snapshot *s)
{
	return s->clock.refused;
}

static bool is_measured(const struct snapshot *s)
{
	return !s->clock.controlled && s->clock.offset_ns.known &&
	       snapshot_selected(s) != NULL;
}

static bool is_right(const struct snapshot *s)
{
	return s->clock.synchronised;
}

static bool is_refused_measured(const struct snapshot *s)
{
	return is_refused(s) && !s->clock.controlled;
}

static bool has_no_sources(const struct snapshot *s)
{
	return s->source_count == 0;
}

/* While servers may vote on the time, the agent's reason says more. */
static bool have_bad_dates(const struct snapshot *s)
{
	return dates_of_all(s) && s->time_ns.known &&
	       strcmp(s->clock.state, "bootstrap") != 0;
}

static bool is_anything(const struct snapshot *s)
{
	(void)s;
	return true;
}

/* The first row that applies. */
/* clang-format off */
static const struct verdict {
	bool (*applies)(const struct snapshot *s);
	void (*say)(const struct snapshot *s, char *out);
	const char *to_do;
} verdicts[] = {
	{is_refused_measured, say_refused_measured,
	    "find out which is wrong, the clock or the servers: ntsctl sources -v. "
	    "If the clock is, set it with the program that steers it"},
	{is_refused, say_refused,
	    "find out which is wrong, the clock or the servers: ntsctl sources -v. "
	    "To take the servers' time: systemctl restart ntsagent"},
	{is_measured, say_measured, NULL},
	{clock_is_corrected, say_corrected, NULL},
	{is_right, say_right, NULL},
	{has_no_sources, say_no_sources,
	    "add a [source NAME] section to /etc/ntsagent/ntsagent.conf, then: "
	    "systemctl restart ntsagent"},
	{is_split, say_split,
	    "compare the servers with a clock that is right, and set noselect = "
	    "yes in the [source NAME] of each that is wrong; of three servers, "
	    "the two that agree outvote one: ntsctl sources -v"},
	{lacks_sources, say_not_yet,
	    "wait for the other servers, see what is wrong with them (ntsctl "
	    "sources -v), or configure a smaller minsources"},
	{have_bad_dates, say_dates,
	    "compare this clock with another one; if it is wrong, set it: "
	    "sudo date -u -s 'YYYY-MM-DD hh:mm'"},
	{is_anything, say_not_yet, NULL},
};
/* clang-format on */

static const struct verdict *judge(const struct snapshot *s)
{
	const struct verdict *v = verdicts;

	while (!v->applies(s))
		v++;
	return v;
}

static void put_verdict(const struct snapshot *s, const struct view *v)
{
	const struct verdict *verdict = judge(s);
	char text[PARAGRAPH_MAX] = "", since[FORMAT_MAX];

	if (sources_are_switched_off(s))
		text_append(text, sizeof(text),
		    "No server is asked: all are switched off by order. ");
	else if (sources_are_silent(s, since))
		text_append(text, sizeof(text),
		    "No server has answered for %s, so the time is an "
		    "estimate. ",
		    since);
	verdict->say(s, text);
	text_put_wrapped(v->out, "", text, v->width);
	if (verdict->to_do)
		text_put_wrapped(v->out, "To do: ", verdict->to_do, v->width);
}

static unsigned count_usable(const struct snapshot *s)
{
	unsigned usable = 0;

	for (unsigned i = 0; i < s->source_count; i++)
		usable += source_is_usable(&s->sources[i]);
	return usable;
}

static void put_best(const struct snapshot *s, const struct view *v)
{
	const struct status_source *best = snapshot_selected(s);
	const char *address;
	char text[PARAGRAPH_MAX] = "", age[FORMAT_MAX];

	if (!best)
		return;
	address = best->address ? best->address : "no address";
	text_append(text, sizeof(text), "%s (%s", best->name, address);
	if (best->addresses.n > 1)
		text_append(text, sizeof(text), ", one of %lld addresses",
		    (long long)best->addresses.n);
	text_append(text, sizeof(text),
	    "), stratum %lld; %u of %u sources usable, %lld combined",
	    (long long)best->stratum.n, count_usable(s), s->source_count,
	    (long long)s->clock.combined.n);
	/* Its last answers stay good for a while. */
	if (source_has_failed(best) && best->last_rx_s.known) {
		format_wait(age, best->last_rx_s.x);
		text_append(
		    text, sizeof(text), "; its last answer is %s old", age);
	}
	text_put_wrapped(v->out, "Source: ", text, v->width);
}

/* Nothing is wrong with it, but fewer servers may fail than sources. */
static void put_servers(const struct snapshot *s, const struct view *v)
{
	char text[PARAGRAPH_MAX] = "";
	unsigned servers = 0;

	for (unsigned i = 0; i < s->source_count; i++)
		servers += s->sources[i].same_server == NULL;
	if (servers == s->source_count)
		return;
	text_append(text, sizeof(text), "%u sources are %u server%s",
	    s->source_count, servers,
	    servers == 1 ? " with one vote" : "s, each with one vote");
	for (unsigned i = 0; i < s->source_count; i++)
		if (s->sources[i].same_server)
			text_append(text, sizeof(text), "; %s is that of %s",
			    s->sources[i].name, s->sources[i].same_server);
	text_put_wrapped(v->out, "Servers: ", text, v->width);
}

static void put_trouble(const struct snapshot *all,
    const struct status_source *s, const struct view *v)
{
	char text[PARAGRAPH_MAX] = "";

	text_append(text, sizeof(text), "%s: %s", s->name, s->reason);
	source_append_difference(text, sizeof(text), s, all);
	source_append_next_try(text, sizeof(text), s);
	text_put_wrapped(v->out,
	    source_is_usable(s) ? "Trouble: " : "Not usable: ", text, v->width);
	text[0] = '\0';
	if (advice_append(text, sizeof(text), s))
		text_put_wrapped(v->out, "To do: ", text, v->width);
}

static void put_cert_warning(
    const struct status_source *s, const struct view *v)
{
	char text[PARAGRAPH_MAX] = "", days[CERT_TEXT_MAX];

	source_cert_days_text(days, s);
	text_append(text, sizeof(text),
	    "a certificate in the chain of %s %s: renew it; ntsctl check "
	    "--live says which one",
	    s->host, days);
	text_put_wrapped(v->out, "Warning: ", text, v->width);
}

/* Also when keys were exchanged after that: it may have been an attack. */
static void put_crash_warning(
    const struct status_source *s, const struct view *v)
{
	char text[PARAGRAPH_MAX] = "";
	long long crashes = (long long)s->nts.crashes.n;

	text_append(text, sizeof(text),
	    "a job of the agent crashed %lld time%s during a key exchange with "
	    "%s: see the log",
	    crashes, crashes == 1 ? "" : "s", s->host);
	text_put_wrapped(v->out, "Warning: ", text, v->width);
}

/* The sources of these files are in no table. */
static void put_unused_files(const struct snapshot *s, const struct view *v)
{
	const struct field_list *files = &s->unused_files;
	long long more = (long long)s->unused_file_count.n - files->count;
	char text[PARAGRAPH_MAX];

	for (unsigned i = 0; i < files->count; i++) {
		text[0] = '\0';
		text_append(text, sizeof(text),
		    "%s; the sources of this file are not used",
		    files->item[i]);
		text_put_wrapped(v->out, "Warning: ", text, v->width);
	}
	if (more > 0) {
		text[0] = '\0';
		text_append(text, sizeof(text),
		    "%lld more file%s of sources.d %s not used: sudo "
		    "ntsagentd --check-config names each",
		    more, more == 1 ? "" : "s", more == 1 ? "is" : "are");
		text_put_wrapped(v->out, "Warning: ", text, v->width);
	}
	if (files->count > 0)
		text_put_wrapped(v->out,
		    "To do: ", "correct each file, then: ntsctl reload sources",
		    v->width);
}

/* What is lost at the next start, why, and what to do. */
static void put_unsaved(const struct snapshot *s, const struct view *v)
{
	for (unsigned i = 0; i < s->unsaved.count; i++)
		text_put_wrapped(
		    v->out, "Warning: ", s->unsaved.item[i], v->width);
}

static void put_text(const struct snapshot *s, const struct view *v)
{
	put_verdict(s, v);
	put_best(s, v);
	put_servers(s, v);
	for (unsigned i = 0; i < s->source_count; i++)
		if (source_is_in_trouble(&s->sources[i]))
			put_trouble(s, &s->sources[i], v);
	for (unsigned i = 0; i < s->source_count; i++)
		if (source_cert_ends_soon(&s->sources[i]))
			put_cert_warning(&s->sources[i], v);
	for (unsigned i = 0; i < s->source_count; i++)
		if (s->sources[i].nts.crashes.n > 0)
			put_crash_warning(&s->sources[i], v);
	put_unused_files(s, v);
	put_unsaved(s, v);
}

enum exit_status report_status(const struct snapshot *s, const struct view *v)
{
	size_t count = ARRAY_LEN(columns);
	bool done = true;

	switch (v->output) {
	case OUTPUT_TEXT:
		put_text(s, v);
		break;
	case OUTPUT_CSV:
		table_put_csv_heading(columns, count, v->out);
		table_put_csv_row(columns, count, s, v->out);
		break;
	case OUTPUT_JSON:
		done = table_put_json(
		    json_incref(s->whole), JSON_INDENT(2), v->out);
		break;
	}
	if (!done)
		return EXIT_NO_STATUS;
	return s->clock.synchronised && !s->clock.refused
		   ? EXIT_OK
		   : EXIT_NOT_SYNCHRONISED;
}
