#include "agent/check/judge.h"

#include "agent/check/agreement.h"
#include "resolver/binding.h"
#include "resolver/icmp.h"
#include "resolver/race.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#define CERTIFICATE_WARN_S (INT64_C(14) * 86400)
/* A clock that differs more than this from all servers is called wrong; less is
 * what an agent corrects at its start. */
#define CLOCK_WRONG_NS NS_PER_S

const char *check_status_word(enum check_status status)
{
	static const char *const words[CHECK_STATUS_COUNT] = {
	    [CHECK_OK] = "OK",
	    [CHECK_WARNING] = "WARNING",
	    [CHECK_CRITICAL] = "CRITICAL",
	    [CHECK_UNKNOWN] = "UNKNOWN",
	};

	return words[status];
}

/* Names. */

static enum obstacle dns_obstacle(const struct ke_details *d)
{
	if (d->in_use)
		return OBSTACLE_POOL_SMALL;
	switch (d->lookup_error) {
	case EAI_NONAME:
		return OBSTACLE_NAME_UNKNOWN;
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		return OBSTACLE_NO_ADDRESS;
	case EAI_AGAIN:
		return OBSTACLE_DNS_SILENT;
	case 0: /* it was found, but too late */
		return OBSTACLE_SLOW;
	default:
		return OBSTACLE_DNS;
	}
}

/* Connections. */

/* The error of an address of IPv6 on a machine without it. */
static bool is_without_ipv6(const struct endpoint *e, int error)
{
	return e->family == 6 &&
	       (error == EADDRNOTAVAIL || error == EAFNOSUPPORT);
}

static enum obstacle connect_obstacle_of(const struct endpoint *e, int error)
{
	if (endpoint_no_host(e))
		return OBSTACLE_NO_ADDRESS;
	if (is_without_ipv6(e, error))
		return OBSTACLE_NO_IPV6;
	switch (error) {
	case ECONNREFUSED:
		return OBSTACLE_KE_REFUSED;
	case ICMP_PROHIBITED:
		return OBSTACLE_KE_REJECTED;
	case RACE_BROADCAST:
		return OBSTACLE_NO_ADDRESS;
	case EACCES:
	case EPERM:
		return OBSTACLE_LOCAL_FIREWALL;
	case ENETUNREACH:
		return OBSTACLE_NO_ROUTE;
	case EHOSTUNREACH:
		return OBSTACLE_UNREACHABLE;
	default:
		return OBSTACLE_KE_BLOCKED;
	}
}

/* The obstacle that is nearest to the server is the one to remove: an address
 * that refuses tells more than one without a route. */
static const enum obstacle nearest_first[] = {
    OBSTACLE_KE_REFUSED,
    OBSTACLE_KE_REJECTED,
    OBSTACLE_KE_BLOCKED,
    OBSTACLE_LOCAL_FIREWALL,
    OBSTACLE_UNREACHABLE,
    OBSTACLE_NO_ROUTE,
    OBSTACLE_NO_IPV6,
    OBSTACLE_NO_ADDRESS,
};

static enum obstacle connect_obstacle(const struct ke_details *d)
{
	bool seen[OBSTACLE_COUNT] = {false};

	for (unsigned i = 0; i < d->names.count; i++)
		if (d->connect_errors[i] != 0)
			seen[connect_obstacle_of(
			    &d->names.at[i], d->connect_errors[i])] = true;
	for (size_t i = 0; i < ARRAY_LEN(nearest_first); i++)
		if (seen[nearest_first[i]])
			return nearest_first[i];
	return OBSTACLE_KE_BLOCKED;
}

/* TLS and certificates. */

static enum obstacle tls_obstacle(
    const struct ke_details *d, const struct probe_time *t)
{
	if (d->lost && (d->silent || d->tls_fault == TLS_CLOSED_EARLY))
		return OBSTACLE_LARGE_SEGMENTS;
	if (d->silent)
		return OBSTACLE_TLS_SILENT;
	switch (d->tls_fault) {
	case TLS_NOT_TLS:
		return OBSTACLE_WRONG_PORT;
	case TLS_ALPN_REFUSED:
	case TLS_ALPN_MISSING:
		return OBSTACLE_NOT_NTS;
	case TLS_CLOSED_EARLY:
		if (d->late)
			return OBSTACLE_GIVEN_UP;
		if (!t->plain_sent)
			return OBSTACLE_TLS;
		return t->plain_answered ? OBSTACLE_SERVER_KEY
					 : OBSTACLE_NO_ALLOW;
	case TLS_NAME_UNKNOWN:
		return OBSTACLE_CERTIFICATE_NAME;
	case TLS_TOO_OLD:
		return OBSTACLE_TLS_OLD;
	case TLS_WANTS_CERTIFICATE:
		return OBSTACLE_CLIENT_CERTIFICATE;
	case TLS_OK:
	case TLS_BAD_CERTIFICATE:
	case TLS_ALERT:
	case TLS_CHAIN_TOO_LONG:
	case TLS_PROTOCOL_ERROR:
	case TLS_LIBRARY:
	case TLS_FAULT_COUNT:
		break;
	}
	return OBSTACLE_TLS;
}

/* Did the server's time fit the certificates, although ours does not? */
static bool server_time_fits(const struct probe *p)
{
	const struct ke_facts *f = &p->keys.facts;

	return p->time.have_sample &&
	       p->time.sample.server_s >= f->not_before &&
	       p->time.sample.server_s <= f->not_after;
}

static enum obstacle refusal_obstacle(const struct ke_details *d)
{
	switch (d->certificate_fault) {
	case CERTIFICATE_EXPIRED:
		return OBSTACLE_CERTIFICATE_EXPIRED;
	case CERTIFICATE_EARLY:
		return OBSTACLE_CERTIFICATE_EARLY;
	case CERTIFICATE_TRUSTED_DATES:
		return OBSTACLE_TRUSTED_DATES;
	case CERTIFICATE_WRONG_NAME:
		return OBSTACLE_CERTIFICATE_NAME;
	case CERTIFICATE_UNKNOWN_ISSUER:
		return d->hidden ? OBSTACLE_TRUST : OBSTACLE_UNKNOWN_ISSUER;
	case CERTIFICATE_ACCEPTED:
	case CERTIFICATE_OTHER_FAULT:
	case CERTIFICATE_FAULT_COUNT:
		break;
	}
	return OBSTACLE_CERTIFICATE;
}

/* Of all refusals, only that of a revoked certificate names a list that is in
 * order. */
static bool blames_list(const char *why)
{
	return obstacle_phrase(why, "revocation list") &&
	       !obstacle_phrase(why, " was revoked");
}

static enum obstacle certificate_obstacle(const struct probe *p)
{
	const struct ke_details *d = &p->keys.details;

	if (blames_list(p->keys.text))
		return OBSTACLE_REVOCATION;
	/* No server was asked. */
	if (p->keys.facts.peer.family == 0)
		return d->no_store ? OBSTACLE_NO_CA_STORE : OBSTACLE_TRUST;
	if (p->keys.dates_refused && server_time_fits(p))
		return OBSTACLE_CLOCK_WRONG;
	return refusal_obstacle(d);
}

static enum obstacle keys_obstacle(const struct probe *p)
{
	const struct ke_details *d = &p->keys.details;

	switch (p->keys.stage) {
	case KE_STAGE_START:
		return OBSTACLE_CRYPTOGRAPHY;
	case KE_STAGE_DNS:
		return dns_obstacle(d);
	case KE_STAGE_BIND:
		return OBSTACLE_BINDING;
	case KE_STAGE_CONNECT:
		return connect_obstacle(d);
	case KE_STAGE_TLS:
		return tls_obstacle(d, &p->time);
	case KE_STAGE_CERTIFICATE:
		return certificate_obstacle(p);
	case KE_STAGE_EXCHANGE:
		/* A server asks for it after the handshake. */
		if (d->tls_fault == TLS_WANTS_CERTIFICATE)
			return OBSTACLE_CLIENT_CERTIFICATE;
		return d->late ? OBSTACLE_GIVEN_UP : OBSTACLE_NTS_KE;
	case KE_STAGE_NTP_NAME:
		return OBSTACLE_NTP_NAME;
	case KE_STAGE_DONE:
	case KE_STAGE_COUNT:
		break;
	}
	return OBSTACLE_COUNT;
}

/* Time. */

static enum obstacle network_obstacle(const struct endpoint *to, int error)
{
	enum obstacle o = connect_obstacle_of(to, error);

	if (error >= BINDING_FAILED)
		return OBSTACLE_BINDING;
	if (o == OBSTACLE_KE_REFUSED)
		return OBSTACLE_NTP_REFUSED;
	if (o == OBSTACLE_KE_REJECTED)
		return OBSTACLE_NTP_REJECTED;
	return o == OBSTACLE_KE_BLOCKED ? OBSTACLE_NTP_BLOCKED : o;
}

static enum obstacle silence_obstacle(const struct probe *p)
{
	const struct endpoint *to = &p->keys.address;
	const struct probe_time *t = &p->time;
	enum obstacle o;

	if (t->network_error != 0) {
		o = network_obstacle(to, t->network_error);
		/* Only a server that the key server names can be of the other
		 * family: of the addresses of one host, the one that gave the
		 * keys is asked first. */
		return (o == OBSTACLE_NO_ROUTE || o == OBSTACLE_NO_IPV6) &&
			       to->family != p->keys.facts.peer.family
			   ? OBSTACLE_OTHER_FAMILY
			   : o;
	}
	if (t->plain_answered)
		return OBSTACLE_NTP_SIZE;
	return t->sent > 0 ? OBSTACLE_NTP_BLOCKED : OBSTACLE_SLOW;
}

static enum obstacle time_obstacle(const struct probe *p, int64_t max_distance)
{
	const struct probe_time *t = &p->time;

	if (t->have_sample)
		return t->sample.distance_ns > max_distance ? OBSTACLE_DISTANCE
							    : OBSTACLE_COUNT;
	if (t->error == NTS_OK && t->impossible > 0)
		return OBSTACLE_IMPOSSIBLE_DELAY;
	if (t->error == NTS_OK)
		return silence_obstacle(p);
	if (t->error == NTP_UNSYNCHRONISED)
		return OBSTACLE_UNSYNCHRONISED;
	if (t->error == NTP_BAD_TIMES)
		return OBSTACLE_BAD_TIMES;
	if (t->error == NTP_NAK)
		return OBSTACLE_NAK;
	if (t->error == NTP_KISS_RATE)
		return OBSTACLE_RATE;
	if (nts_err_is_kiss(t->error))
		return OBSTACLE_DENIED;
	return t->error == NTS_CRYPTO ? OBSTACLE_CRYPTOGRAPHY
				      : OBSTACLE_INTERCEPTED;
}

static enum obstacle warning_obstacle(
    const struct probe *p, const struct judge_limits *limits)
{
	if (p->time.lost_size > 0)
		return OBSTACLE_LARGE_PACKETS;
	if (p->keys.facts.not_after - limits->now_s < CERTIFICATE_WARN_S)
		return OBSTACLE_CERTIFICATE_ENDS;
	return OBSTACLE_COUNT;
}

static bool is_address(const char *host)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, host, bytes) == 1 ||
	       inet_pton(AF_INET6, host, bytes) == 1;
}

static enum obstacle find_obstacle(const struct source_config *s,
    const struct probe *p, enum probe_end end,
    const struct judge_limits *limits)
{
	enum obstacle o;

	if (end == PROBE_CRASHED)
		return OBSTACLE_CRASH;
	/* Only the lookup of a name does not keep the deadline, and a busy
	 * machine may not come as far as that. */
	if (!p->keys_tried)
		return is_address(s->host) || !p->begun ? OBSTACLE_SLOW
							: OBSTACLE_DNS_SILENT;
	o = keys_obstacle(p);
	if (o == OBSTACLE_CRYPTOGRAPHY && limits->fips)
		return OBSTACLE_FIPS;
	if (o != OBSTACLE_COUNT)
		return o;
	if (!p->complete && p->time.sent == 0)
		return OBSTACLE_SLOW;
	o = time_obstacle(p, limits->max_distance_ns);
	return o != OBSTACLE_COUNT ? o : warning_obstacle(p, limits);
}

/* Words. */

static void say_clock(struct sentence *w, const struct probe *p)
{
	double s = s_of_ns(p->time.sample.offset_ns);

	sentence_add(w, "it is %.3f s %s", s < 0 ? -s : s,
	    s < 0 ? "slow (behind)" : "fast (ahead)");
}

/* What was seen of the obstacle. */
static void say_seen(struct sentence *w, enum obstacle o,
    const struct source_config *s, const struct probe *p,
    const struct judge_limits *limits)
{
	const struct probe_time *t = &p->time;

	if (o == OBSTACLE_CLOCK_WRONG)
		say_clock(w, p);
	else if (o == OBSTACLE_DISTANCE)
		sentence_add(w, "it is %.3f s, and maxdistance is %.3f s",
		    s_of_ns(t->sample.distance_ns),
		    s_of_ns(limits->max_distance_ns));
	else if (o == OBSTACLE_IMPOSSIBLE_DELAY)
		sentence_add(w, "longer by %.6f s, in %u of %u answers",
		    s_of_ns(t->impossible_ns), t->impossible, t->answered);
	else if (o == OBSTACLE_LARGE_PACKETS)
		sentence_add(w, "%u bytes pass and %u do not", t->passed_size,
		    t->lost_size);
	else if (o == OBSTACLE_CERTIFICATE_ENDS)
		sentence_add(w, "in %.1f days, %s",
		    (double)(p->keys.facts.not_after - limits->now_s) / 86400,
		    p->keys.facts.not_after <
			    p->keys.details.certificate.not_after
			? "that of a CA"
			: "that of the server");
	else if (p->keys.text[0] != '\0')
		sentence_add(w, "%s", p->keys.text);
	else if (t->error != NTS_OK)
		sentence_add(w, "%s", nts_err_text(t->error));
	else if (t->network_error >= BINDING_FAILED)
		binding_explain(&s->binding, endpoint_af(&p->keys.address),
		    t->network_error, w);
	else if (t->network_error != 0 && t->network_error != ICMP_PROHIBITED)
		sentence_add(w, "%s", strerror(t->network_error));
}

static void say_obstacle(const struct source_config *s, enum obstacle o,
    const struct probe *p, const struct judge_limits *limits,
    struct source_verdict *out)
{
	const struct endpoint *at =
	    p->keys.have_keys ? &p->keys.address : &p->keys.facts.peer;
	char address[ENDPOINT_TEXT_MAX];
	struct sentence seen = sentence_to(out->seen, sizeof(out->seen));
	struct obstacle_place place = {
	    .name = s->name,
	    .host = s->host,
	    .ke_port = s->ke_port,
	    .ntp_port =
		p->keys.address.port ? p->keys.address.port : s->ntp_port,
	};

	if (at->family == 0 && p->keys.details.names.count > 0)
		at = &p->keys.details.names.at[0];
	if (at->family != 0)
		place.address = endpoint_text(at, false, address);
	obstacle_sentence(o, &place, out->problem, sizeof(out->problem));
	say_seen(&seen, o, s, p, limits);
	if (o != OBSTACLE_TRUST ||
	    !obstacle_cure(p->keys.text, out->to_do, sizeof(out->to_do)))
		obstacle_to_do(o, &place, out->to_do, sizeof(out->to_do));
}

void judge_source(const struct source_config *s, const struct probe *p,
    enum probe_end end, const struct judge_limits *limits,
    struct source_verdict *out)
{
	*out = (struct source_verdict){
	    .status = CHECK_OK, .obstacle = OBSTACLE_COUNT};
	if (end == PROBE_NOT_RUN) {
		out->status = CHECK_UNKNOWN;
		snprintf(out->problem, sizeof(out->problem),
		    "this machine could not start the check");
		return;
	}
	out->obstacle = find_obstacle(s, p, end, limits);
	if (out->obstacle == OBSTACLE_COUNT)
		return;
	out->status =
	    obstacle_is_warning(out->obstacle) ? CHECK_WARNING : CHECK_CRITICAL;
	say_obstacle(s, out->obstacle, p, limits, out);
	if (out->obstacle != OBSTACLE_TRUST || !limits->other_user)
		return;
	out->status = CHECK_UNKNOWN;
	/* Its cure is for the user that checks. */
	out->seen[0] = '\0';
	snprintf(out->to_do, sizeof(out->to_do),
	    "check as root, with the rights of the agent's user: "
	    "sudo ntsctl check --live");
}

/* All sources together. */

static bool is_usable(const struct checked_source *c)
{
	return c->verdict.status == CHECK_OK ||
	       c->verdict.status == CHECK_WARNING;
}

/* How far the clock is from a server beyond what the path explains. */
static int64_t certain_ns(const struct probe_sample *s)
{
	int64_t size = s->offset_ns < 0 ? -s->offset_ns : s->offset_ns;

	return size > s->distance_ns ? size - s->distance_ns : 0;
}

static bool agree(const struct probe_sample *a, const struct probe_sample *b)
{
	int64_t apart = a->offset_ns - b->offset_ns;

	return (apart < 0 ? -apart : apart) <=
	       a->distance_ns + b->distance_ns + CLOCK_WRONG_NS;
}

/* All that gave a time say that this clock is off, and agree by how much. NULL:
 * they do not. */
static const struct checked_source *find_wrong_clock(
    const struct checked_source *sources, unsigned count)
{
	const struct checked_source *first = NULL;

	for (unsigned i = 0; i < count; i++) {
		const struct probe_sample *s = &sources[i].probe.time.sample;

		if (!sources[i].probe.time.have_sample)
			continue;
		if (certain_ns(s) <= CLOCK_WRONG_NS ||
		    (first && !agree(s, &first->probe.time.sample)))
			return NULL;
		if (!first)
			first = &sources[i];
	}
	return first;
}

static void blame_clock(struct checked_source *sources, unsigned count,
    const struct judge_limits *limits)
{
	for (unsigned i = 0; i < count; i++) {
		struct checked_source *c = &sources[i];

		if (!c->probe.time.have_sample || !is_usable(c))
			continue;
		c->verdict.status = CHECK_CRITICAL;
		c->verdict.obstacle = OBSTACLE_CLOCK_WRONG;
		say_obstacle(c->config, OBSTACLE_CLOCK_WRONG, &c->probe, limits,
		    &c->verdict);
	}
}

/* A server may be wrong together with its certificate. */
static void acquit_clock(struct checked_source *sources, unsigned count,
    const struct judge_limits *limits)
{
	for (unsigned i = 0; i < count; i++) {
		struct checked_source *c = &sources[i];

		if (c->verdict.obstacle != OBSTACLE_CLOCK_WRONG)
			continue;
		c->verdict.obstacle = refusal_obstacle(&c->probe.keys.details);
		say_obstacle(c->config, c->verdict.obstacle, &c->probe, limits,
		    &c->verdict);
	}
}

/* The servers against each other. */

static unsigned find_voters(const struct checked_source *sources,
    unsigned count, struct voter voters[SOURCES_MAX], unsigned of[SOURCES_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct checked_source *c = &sources[i];

		if (!c->probe.time.have_sample || !is_usable(c) ||
		    c->config->options.noselect)
			continue;
		of[n] = i;
		voters[n++] = (struct voter){
		    .options = c->config->options, .probe = &c->probe};
	}
	return n;
}

/* "; by two, this clock is 1.5 s fast, give or take 0.01 s" */
static void say_vote(struct sentence *w, const struct checked_source *c)
{
	const struct probe_sample *s = &c->probe.time.sample;
	double offset_s = s_of_ns(s->offset_ns);

	sentence_add(w, "%sby %s, this clock is %.6f s %s, give or take %.6f s",
	    w->len > 0 ? "; " : "", c->config->name,
	    offset_s < 0 ? -offset_s : offset_s, offset_s < 0 ? "slow" : "fast",
	    s_of_ns(s->distance_ns));
}

static void accuse(struct checked_source *c, enum obstacle o,
    const struct judge_limits *limits, const char *votes)
{
	c->verdict.status = CHECK_CRITICAL;
	c->verdict.obstacle = o;
	say_obstacle(c->config, o, &c->probe, limits, &c->verdict);
	snprintf(c->verdict.seen, sizeof(c->verdict.seen), "%s", votes);
}

static void judge_agreement(struct checked_source *sources, unsigned count,
    const struct judge_limits *limits)
{
	struct voter voters[SOURCES_MAX];
	unsigned of[SOURCES_MAX], n = find_voters(sources, count, voters, of);
	const struct agreement a = agreement_judge(voters, n);
	char votes[CHECK_TEXT_MAX];
	struct sentence w = sentence_to(votes, sizeof(votes));
	enum obstacle split =
	    a.voters == 2 ? OBSTACLE_APART : OBSTACLE_NO_MAJORITY;

	for (unsigned i = 0; i < n; i++)
		say_vote(&w, &sources[of[i]]);
	for (unsigned i = 0; i < n; i++)
		if (!a.majority || voters[i].wrong)
			accuse(&sources[of[i]],
			    a.majority ? OBSTACLE_FALSETICKER : split, limits,
			    votes);
}

static enum check_status status_of_all(const struct checked_source *sources,
    unsigned count, unsigned servers, unsigned min_sources)
{
	enum check_status worst = CHECK_OK;
	bool all_unknown = count > 0;

	for (unsigned i = 0; i < count; i++) {
		all_unknown &= sources[i].verdict.status == CHECK_UNKNOWN;
		if (sources[i].verdict.status != CHECK_OK)
			worst = CHECK_WARNING;
	}
	if (all_unknown)
		return CHECK_UNKNOWN;
	return servers == 0 || servers < min_sources ? CHECK_CRITICAL : worst;
}

/* The problem that a one-line summary names: the first of the worst kind. */
static const struct checked_source *worst_of(
    const struct checked_source *sources, unsigned count)
{
	const struct checked_source *worst = NULL;

	for (unsigned i = 0; i < count; i++)
		if (sources[i].verdict.status != CHECK_OK &&
		    (!worst || sources[i].verdict.status == CHECK_CRITICAL) &&
		    (!worst || worst->verdict.status != CHECK_CRITICAL))
			worst = &sources[i];
	return worst;
}

static bool counts(const struct checked_source *c)
{
	return is_usable(c) && !c->config->options.noselect;
}

/* Source `i` is good: is its server new? If not, it says so. */
static bool is_another_server(struct checked_source *sources, unsigned i)
{
	struct checked_source *c = &sources[i];

	for (unsigned k = 0; k < i; k++) {
		if (!counts(&sources[k]) ||
		    !agreement_one_server(&c->probe, &sources[k].probe))
			continue;
		if (c->verdict.seen[0] == '\0')
			snprintf(c->verdict.seen, sizeof(c->verdict.seen),
			    "it is the server of %s, and both have one vote",
			    sources[k].config->name);
		return false;
	}
	return true;
}

static void count_good(
    struct checked_source *sources, unsigned count, struct check_verdict *out)
{
	for (unsigned i = 0; i < count; i++) {
		if (!counts(&sources[i]))
			continue;
		out->good++;
		out->servers += is_another_server(sources, i);
	}
}

static void summarise(const struct checked_source *sources, unsigned count,
    unsigned min_sources, struct check_verdict *out)
{
	struct sentence w = sentence_to(out->summary, sizeof(out->summary));
	const struct checked_source *worst = worst_of(sources, count);

	sentence_add(&w, "%u of %u source%s can be used", out->good, count,
	    count == 1 ? "" : "s");
	if (out->servers < out->good)
		sentence_add(&w, ", but they are %u server%s", out->servers,
		    out->servers == 1 ? "" : "s");
	if (out->servers < min_sources && out->good >= min_sources)
		sentence_add(&w, ", and minsources asks for %u", min_sources);
	if (worst)
		sentence_add(&w, "; %s: %s", worst->config->name,
		    worst->verdict.obstacle != OBSTACLE_COUNT
			? obstacle_word(worst->verdict.obstacle)
			: worst->verdict.problem);
}

void judge_all(struct checked_source *sources, unsigned count,
    unsigned min_sources, const struct judge_limits *limits,
    struct check_verdict *out)
{
	*out = (struct check_verdict){.status = CHECK_OK};
	for (unsigned i = 0; i < count; i++)
		judge_source(sources[i].config, &sources[i].probe,
		    sources[i].end, limits, &sources[i].verdict);
	out->clock_wrong = find_wrong_clock(sources, count) != NULL;
	if (out->clock_wrong)
		blame_clock(sources, count, limits);
	else
		acquit_clock(sources, count, limits);
	if (!out->clock_wrong)
		judge_agreement(sources, count, limits);
	count_good(sources, count, out);
	out->status = status_of_all(sources, count, out->servers, min_sources);
	summarise(sources, count, min_sources, out);
}
