#include "agent/engine/bootstrap.h"

#include "resolver/certificate/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Decide without servers that stay silent for so long after the first offer. */
#define TIMEOUT_NS (3 * NS_PER_S)
/* The steering waits no longer than this for an agreement. */
#define HOLD_NS (10 * NS_PER_S)
/* Three can outvote one that lies; two can only contradict it. */
#define QUORUM 3
#define QUORUM_LEAST 2
/* A clock without any correction drifts from an offer by less than this. */
#define GROWTH 1e-3
/* The agreed step may differ from the pause by this much: a clock that runs
 * drifts by less in hours, and servers that agree differ by less. */
#define PAUSE_SLACK_NS NS_PER_S
/* The year 2262: int64 nanoseconds end there. */
#define SECONDS_MAX INT64_C(9223372036)

static bool wanted(const struct bootstrap *b)
{
	return b->policy == BOOTSTRAP_SINGLE ||
	       (b->policy == BOOTSTRAP_QUORUM && b->configured >= QUORUM_LEAST);
}

void bootstrap_init(
    struct bootstrap *b, const struct config *config, int64_t earliest_ns)
{
	*b = (struct bootstrap){
	    .policy = config->bootstrap,
	    .source_count = config->source_count,
	    .earliest_ns = earliest_ns,
	    .bound_max_ns = config->steering.max_distance_ns,
	    .decide_at = MONO_NEVER,
	    .hold_until = MONO_NEVER,
	};
	for (unsigned i = 0; i < config->source_count; i++)
		b->configured += !config->sources[i].options.noselect;
	b->over = !wanted(b);
}

bool bootstrap_open(const struct bootstrap *b)
{
	return !b->over;
}

void bootstrap_end(struct bootstrap *b)
{
	b->over = true;
	b->pause_ns = 0;
}

bool bootstrap_reopen(struct bootstrap *b, int64_t pause_ns, struct mono now)
{
	if (!wanted(b))
		return false;
	bootstrap_forget(b);
	b->over = false;
	b->pause_ns = pause_ns;
	b->pause_at = now;
	b->hold_until = mono_after(now, HOLD_NS);
	b->result = (struct bootstrap_result){0};
	return true;
}

bool bootstrap_begin(struct bootstrap *b, struct mono now)
{
	if (b->hold_until.ns != MONO_NEVER.ns)
		return false;
	b->hold_until = mono_after(now, HOLD_NS);
	return true;
}

bool bootstrap_holds(const struct bootstrap *b, bool undated, struct mono now)
{
	return !b->over && undated && !mono_due(b->hold_until, now);
}

void bootstrap_take(struct bootstrap *b, unsigned source,
    const struct bootstrap_offer *offer, struct mono now)
{
	b->offers[source] = *offer;
	if (b->decide_at.ns == MONO_NEVER.ns)
		b->decide_at = mono_after(now, TIMEOUT_NS);
}

void bootstrap_forget(struct bootstrap *b)
{
	memset(b->offers, 0, sizeof(b->offers));
	b->decide_at = MONO_NEVER;
}

bool bootstrap_due(const struct bootstrap *b, bool settled, struct mono now)
{
	return !b->over && (settled || mono_due(b->decide_at, now));
}

static bool same_server(
    const struct bootstrap_offer *a, const struct bootstrap_offer *b)
{
	return ke_same_key(a->key, b->key) ||
	       strcasecmp(a->host, b->host) == 0 ||
	       endpoint_same_host(&a->address, &b->address);
}

/* Returns true if an earlier source is one of this server. */
static bool duplicate(const struct bootstrap *b, unsigned source)
{
	for (unsigned i = 0; i < source; i++)
		if (b->offers[i].there &&
		    same_server(&b->offers[i], &b->offers[source]))
			return true;
	return false;
}

/* Steps of the wall clock that a server and its certificate permit. */
struct interval {
	int64_t low, high;
};

static int64_t clamped_ns(int64_t seconds)
{
	if (seconds < 0)
		return 0;
	return (seconds < SECONDS_MAX ? seconds : SECONDS_MAX) * NS_PER_S;
}

static bool window_known(const struct bootstrap_offer *o)
{
	return o->not_before_s != 0 || o->not_after_s != 0;
}

/* The offer, cut to the dates of the certificate; empty (low > high) if the
 * offered time is outside of them. */
static struct interval interval(
    const struct bootstrap_offer *o, const struct timescale *t, struct wall now)
{
	struct osc at = timescale_osc(t, now);
	int64_t offset_ns = o->offset_ns - timescale_added_ns(t, now);
	int64_t age_ns = at.ns - o->at.ns;
	int64_t bound_ns =
	    o->bound_ns + (int64_t)(GROWTH * (double)(age_ns > 0 ? age_ns : 0));
	struct interval in = {offset_ns - bound_ns, offset_ns + bound_ns};
	int64_t from_ns = clamped_ns(o->not_before_s) - now.ns;
	int64_t to_ns = clamped_ns(o->not_after_s) - now.ns;

	if (!o->undated && !window_known(o))
		return in;
	if (in.low < from_ns)
		in.low = from_ns;
	if (in.high > to_ns)
		in.high = to_ns;
	return in;
}

bool bootstrap_offer_dated(
    const struct bootstrap_offer *o, const struct timescale *t, struct wall now)
{
	struct interval in = interval(o, t, now);

	return in.low <= in.high;
}

static bool holds(struct interval in, int64_t point)
{
	return in.low <= point && point <= in.high;
}

/* An offer that can agree with others. */
static bool is_vote(const struct bootstrap *b, const struct bootstrap_offer *o,
    struct interval in)
{
	return o->bound_ns <= b->bound_max_ns && in.low <= in.high;
}

/* When the votes are counted. */
struct count {
	const struct bootstrap *b;
	const struct timescale *t;
	struct wall now;
};

static bool agree(const struct count *c, unsigned i, unsigned j)
{
	const struct bootstrap_offer *a = &c->b->offers[i];
	const struct bootstrap_offer *o = &c->b->offers[j];
	struct interval ours = interval(a, c->t, c->now);
	struct interval theirs = interval(o, c->t, c->now);

	return a->there && o->there && !same_server(a, o) &&
	       is_vote(c->b, a, ours) && is_vote(c->b, o, theirs) &&
	       ours.low <= theirs.high && theirs.low <= ours.high;
}

/* The other servers that a source can agree with. */
static unsigned supporters(const struct count *c, unsigned source)
{
	const struct bootstrap *b = c->b;
	unsigned found = 0;

	for (unsigned i = 0; i < b->source_count; i++) {
		bool known = !agree(c, source, i);

		for (unsigned k = 0; k < i && !known; k++)
			known = agree(c, source, k) &&
				same_server(&b->offers[k], &b->offers[i]);
		found += !known;
	}
	return found;
}

/* Does the source `a` of a server vote instead of `b`? */
static bool goes_before(const struct count *c, unsigned a, unsigned b)
{
	unsigned for_a = supporters(c, a), for_b = supporters(c, b);

	return for_a != for_b ? for_a > for_b : a < b;
}

/* Does another source have the vote of this server? The first has it, unless
 * another one agrees with more servers. An attacker who has the keys of one
 * server, and who is on the path to another one, can answer from the address of
 * that one. He must not take its vote. */
static bool spoken_for(const struct count *c, unsigned source)
{
	const struct bootstrap_offer *offers = c->b->offers;

	for (unsigned i = 0; i < c->b->source_count; i++)
		if (i != source && offers[i].there &&
		    same_server(&offers[i], &offers[source]) &&
		    goes_before(c, i, source))
			return true;
	return false;
}

struct ballot {
	unsigned voters;
	unsigned count; /* of votes that can agree */
	struct interval in[SOURCES_MAX];
	bool undated[SOURCES_MAX];
};

/* A server whose time cannot be true is a voter that agrees with none. */
static void count_voters(const struct bootstrap *b, const struct timescale *t,
    struct wall now, struct ballot *ballot)
{
	const struct count c = {b, t, now};

	ballot->voters = ballot->count = 0;
	for (unsigned i = 0; i < b->source_count; i++) {
		const struct bootstrap_offer *o = &b->offers[i];
		struct interval in;

		if (!o->there || spoken_for(&c, i))
			continue;
		ballot->voters++;
		in = interval(o, t, now);
		if (!is_vote(b, o, in))
			continue;
		ballot->undated[ballot->count] = o->undated;
		ballot->in[ballot->count++] = in;
	}
}

/* Finds the point that most votes share. Such a point is the low end of one of
 * them. `shared` becomes what these votes have in common. Returns how many they
 * are. */
static unsigned agreement(const struct ballot *ballot, struct interval *shared)
{
	unsigned most = 0;

	for (unsigned i = 0; i < ballot->count; i++) {
		struct interval common = {ballot->in[i].low, INT64_MAX};
		unsigned n = 0;

		for (unsigned j = 0; j < ballot->count; j++) {
			if (!holds(ballot->in[j], common.low))
				continue;
			n++;
			if (ballot->in[j].high < common.high)
				common.high = ballot->in[j].high;
		}
		if (n <= most)
			continue;
		most = n;
		*shared = common;
	}
	return most;
}

static bool any_undated(const struct ballot *ballot, int64_t point)
{
	for (unsigned i = 0; i < ballot->count; i++)
		if (ballot->undated[i] && holds(ballot->in[i], point))
			return true;
	return false;
}

/* Three servers are enough, and one is too few. A second name of a server is
 * not waited for. */
static unsigned needed(const struct bootstrap *b)
{
	unsigned independent = b->configured;

	if (b->policy == BOOTSTRAP_SINGLE)
		return 1;
	for (unsigned i = 0; i < b->source_count; i++)
		independent -= b->offers[i].there && duplicate(b, i);
	if (independent >= QUORUM)
		return QUORUM;
	return QUORUM_LEAST;
}

static enum bootstrap_outcome judge(const struct bootstrap *b,
    const struct bootstrap_result *r, bool undated, struct wall now)
{
	if (r->voters < r->needed)
		return BOOTSTRAP_FEW;
	if (2 * r->agreeing <= r->voters)
		return BOOTSTRAP_DISAGREE;
	/* Only the error of the pause may be corrected. */
	if (b->pause_ns > 0)
		return llabs(r->step_ns - b->pause_ns) <= PAUSE_SLACK_NS
			   ? BOOTSTRAP_AGREED
			   : BOOTSTRAP_RIGHT;
	/* The certificates of the majority fit the clock as it is. */
	if (!undated)
		return BOOTSTRAP_RIGHT;
	if (now.ns + r->step_ns < b->earliest_ns)
		return BOOTSTRAP_EARLY;
	return BOOTSTRAP_AGREED;
}

const struct bootstrap_result *bootstrap_decide(
    struct bootstrap *b, const struct timescale *t, struct wall now)
{
	struct ballot ballot;
	struct interval shared = {0, 0};
	struct bootstrap_result r = {.needed = needed(b)};
	bool undated;

	count_voters(b, t, now, &ballot);
	r.voters = ballot.voters;
	r.agreeing = agreement(&ballot, &shared);
	r.step_ns = shared.low + (shared.high - shared.low) / 2;
	undated = any_undated(&ballot, r.step_ns);
	r.outcome = judge(b, &r, undated, now);
	b->result = r;
	return &b->result;
}

static void what_is_wrong(const struct bootstrap *b, char *out, size_t size)
{
	if (b->pause_ns > 0)
		snprintf(out, size,
		    "the clock has lost %.3f s, more than refuse-threshold",
		    s_of_ns(b->pause_ns));
	else
		snprintf(
		    out, size, "the clock is too wrong to check certificates");
}

void bootstrap_text(const struct bootstrap *b, char *out, size_t size)
{
	const struct bootstrap_result *r = &b->result;
	char earliest[CERTIFICATE_DATE_MAX], wrong[80], agree[24] = "no two";

	what_is_wrong(b, wrong, sizeof(wrong));
	switch (r->outcome) {
	case BOOTSTRAP_DISAGREE:
		if (r->agreeing > 1)
			snprintf(agree, sizeof(agree), "only %u", r->agreeing);
		snprintf(out, size,
		    "%s, and of %u servers %s agree on a time within the "
		    "dates of their certificates",
		    wrong, r->voters, agree);
		break;
	case BOOTSTRAP_EARLY:
		certificate_date(b->earliest_ns / NS_PER_S, earliest);
		snprintf(out, size,
		    "%s, and %u servers agree on a time before %s, which is "
		    "known to be past (last-good-time, or the age of this "
		    "program)",
		    wrong, r->agreeing, earliest);
		break;
	case BOOTSTRAP_FEW:
	case BOOTSTRAP_RIGHT:
	case BOOTSTRAP_AGREED:
		snprintf(out, size,
		    "%s: %u independent server%s must agree to set it, and %u "
		    "answered%s",
		    wrong, needed(b), needed(b) == 1 ? "" : "s", r->voters,
		    r->voters == 1
			? " (with bootstrap = single, one server is enough)"
			: "");
		break;
	}
}
