#include "agent/ctl/shadow/outcome.h"

#include "agent/ctl/print/text.h"
#include "base/time.h"

#include <string.h>

#define LINE_MAX_BYTES 400
#define TIME_TEXT_MAX 40

#define OUTCOME(m) .field = FIELD(struct outcome, m)

static const struct column columns[] = {
    {OUTCOME(since_ns)},
    {OUTCOME(compared_s)},
    {OUTCOME(servers)},
    {OUTCOME(judged)},
    {OUTCOME(left_out)},
    {OUTCOME(no_agreement)},
    {OUTCOME(gaps)},
    {OUTCOME(nearer)},
    {OUTCOME(nearer_since_ns)},
    {OUTCOME(agent_miss_ns)},
    {OUTCOME(chronyd_miss_ns)},
    {OUTCOME(agent_bound_ns)},
    {OUTCOME(chronyd_bound_ns)},
    {OUTCOME(agent_broken)},
    {OUTCOME(chronyd_broken)},
    {OUTCOME(agent_broken_at_ns)},
    {OUTCOME(chronyd_broken_at_ns)},
};

static const char unknown_text[] =
    "errors that all servers or all paths share, such as two ways of different "
    "length; a broken bound that is still within the agreement. The path noise "
    "is a part of both RMS values. The program that does not steer the clock "
    "sees the other's corrections as drift.";

static struct field_int count_of(unsigned long n)
{
	return (struct field_int){.known = true, .n = (int64_t)n};
}

/* A foreign program can claim any number of seconds. */
static struct field_int ns_if(bool known, double s)
{
	return (struct field_int){
	    .known = known && s > -9e9 && s < 9e9,
	    .n = known && s > -9e9 && s < 9e9 ? ns_of_s(s) : 0,
	};
}

struct outcome outcome_of(const struct judge *j)
{
	static const char *const names[] = {
	    [JUDGED_AGENT] = "ntsagentd", [JUDGED_CHRONYD] = "chronyd"};
	struct verdict v = judge_verdict(j);
	bool judged = v.nearer >= 0, clear = judged && v.certain;
	const unsigned long *broken = j->broken;

	return (struct outcome){
	    .since_ns = ns_if(true, j->first_wall_s),
	    .compared_s = {.known = true,
		.x = j->last_wall_s - j->first_wall_s},
	    .servers = count_of(j->most_servers),
	    .judged = count_of(j->judged),
	    .left_out = count_of(j->left_out),
	    .no_agreement = count_of(j->no_agreement),
	    .gaps = count_of(j->gaps),
	    .nearer = clear ? names[v.nearer] : NULL,
	    .nearer_since_ns = ns_if(clear, j->leader_wall_s),
	    .agent_miss_ns = ns_if(judged, v.miss_s[JUDGED_AGENT]),
	    .chronyd_miss_ns = ns_if(judged, v.miss_s[JUDGED_CHRONYD]),
	    .agent_bound_ns = ns_if(j->readings > 0,
		j->bound_sum_s[JUDGED_AGENT] / (double)j->readings),
	    .chronyd_bound_ns = ns_if(j->readings > 0,
		j->bound_sum_s[JUDGED_CHRONYD] / (double)j->readings),
	    .agent_broken = count_of(broken[JUDGED_AGENT]),
	    .chronyd_broken = count_of(broken[JUDGED_CHRONYD]),
	    .agent_broken_at_ns =
		ns_if(broken[JUDGED_AGENT] > 0, j->broken_wall_s[JUDGED_AGENT]),
	    .chronyd_broken_at_ns = ns_if(
		broken[JUDGED_CHRONYD] > 0, j->broken_wall_s[JUDGED_CHRONYD]),
	};
}

static void time_text(char out[TIME_TEXT_MAX], struct field_int at_ns)
{
	time_t t = (time_t)(at_ns.n / NS_PER_S);
	struct tm utc;

	if (!at_ns.known || !gmtime_r(&t, &utc) ||
	    strftime(out, TIME_TEXT_MAX, "%F %T UTC", &utc) == 0)
		snprintf(out, TIME_TEXT_MAX, "an unknown time");
}

static void put_line(const char *label, const char *text, const struct view *v)
{
	char first[24];

	snprintf(first, sizeof(first), "%-13s: ", label);
	text_put_wrapped(v->out, first, text, v->width);
}

static void put_compared(const struct outcome *o, const struct view *v)
{
	char text[LINE_MAX_BYTES], since[TIME_TEXT_MAX], age[FORMAT_MAX];
	int64_t lost = o->left_out.n + o->no_agreement.n;

	time_text(since, o->since_ns);
	format_wait(age, o->compared_s.x);
	snprintf(text, sizeof(text),
	    "%s since %s; %lld new measurements of %lld server%s", age, since,
	    (long long)o->judged.n, (long long)o->servers.n,
	    o->servers.n == 1 ? "" : "s");
	if (lost > 0)
		text_append(text, sizeof(text),
		    "; %lld more, outside an agreement, are left out",
		    (long long)lost);
	put_line("Compared", text, v);
}

static void put_nearer(const struct outcome *o, const struct view *v)
{
	char text[LINE_MAX_BYTES], since[TIME_TEXT_MAX];
	char agent[FORMAT_MAX], chronyd[FORMAT_MAX], apart[FORMAT_MAX];
	int64_t apart_ns = o->agent_miss_ns.n - o->chronyd_miss_ns.n;

	if (!o->agent_miss_ns.known) {
		put_line("Nearer",
		    "cannot be told: no new measurement of a server came", v);
		return;
	}
	format_plain_ns(agent, (double)o->agent_miss_ns.n);
	format_plain_ns(chronyd, (double)o->chronyd_miss_ns.n);
	format_plain_ns(apart, (double)(apart_ns < 0 ? -apart_ns : apart_ns));
	time_text(since, o->nearer_since_ns);
	if (o->nearer)
		snprintf(text, sizeof(text), "%s, by %s, since %s; ", o->nearer,
		    apart, since);
	else
		snprintf(text, sizeof(text),
		    "cannot be told: the difference of %s may be chance; ",
		    apart);
	text_append(text, sizeof(text),
	    "ntsagentd missed the next measurements by %s (RMS), chronyd by "
	    "%s",
	    agent, chronyd);
	put_line("Nearer", text, v);
}

static void put_bounds(const struct outcome *o, const struct view *v)
{
	char text[LINE_MAX_BYTES], agent[FORMAT_MAX], chronyd[FORMAT_MAX];

	format_plain_ns(agent, (double)o->agent_bound_ns.n);
	format_plain_ns(chronyd, (double)o->chronyd_bound_ns.n);
	snprintf(text, sizeof(text),
	    "ntsagentd at most %s, chronyd at most %s (means)",
	    o->agent_bound_ns.known ? agent : "an unknown time",
	    o->chronyd_bound_ns.known ? chronyd : "an unknown time");
	put_line("Claimed error", text, v);
}

static void add_broken(char *text, const char *name, struct field_int count,
    struct field_int at_ns)
{
	char at[TIME_TEXT_MAX];

	text_append(text, LINE_MAX_BYTES, "%s %lld", name, (long long)count.n);
	if (count.n == 0)
		return;
	time_text(at, at_ns);
	text_append(text, LINE_MAX_BYTES, " (last at %s)", at);
}

static void put_broken(const struct outcome *o, const struct view *v)
{
	char text[LINE_MAX_BYTES] = "";

	add_broken(text, "ntsagentd", o->agent_broken, o->agent_broken_at_ns);
	add_broken(
	    text, ", chronyd", o->chronyd_broken, o->chronyd_broken_at_ns);
	text_append(
	    text, sizeof(text), " of %lld times", (long long)o->judged.n);
	put_line("Bound broken", text, v);
}

bool outcome_put(const struct outcome *o, const struct view *v)
{
	size_t count = ARRAY_LEN(columns);

	switch (v->output) {
	case OUTPUT_CSV:
		table_put_csv_heading(columns, count, v->out);
		table_put_csv_row(columns, count, o, v->out);
		return true;
	case OUTPUT_JSON:
		return table_put_json(table_json_object(columns, count, o),
		    JSON_INDENT(2), v->out);
	case OUTPUT_TEXT:
	default:
		put_compared(o, v);
		put_nearer(o, v);
		put_bounds(o, v);
		put_broken(o, v);
		put_line("Not known", unknown_text, v);
		return true;
	}
}
