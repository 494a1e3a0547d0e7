#include "agent/source/keys.h"

#include "agent/source/cookie_reserve.h"
#include "agent/source/messages.h"

#include <stdio.h>
#include <string.h>

/* Saved keys that are more than a day old are renewed within about this. */
#define SAVED_RENEWAL_NS (3600 * NS_PER_S)
/* Between a DNS failure that took long and the next try. */
#define DNS_PAUSE_NS (100 * NS_PER_MS)

void source_ke_request(struct source *s, uint32_t slot, uint32_t timeout_ms,
    struct mono now, struct ke_request *out)
{
	*out = (struct ke_request){
	    .source = slot,
	    .serial = s->serial,
	    .ke_port = s->config->ke_port,
	    .ntp_port = s->config->ntp_port,
	    .family = (uint8_t)s->config->family,
	    .dates_unchecked = s->stage == STAGE_UNDATED_KEYING,
	    .timeout_ms = timeout_ms,
	};
	/* A name may lead to servers that do not know each other's cookies: try
	 * each of them in turn. */
	if (s->unanswered_keys > 0)
		out->try_after = s->facts.peer;
	snprintf(out->host, sizeof(out->host), "%s", s->config->host);
	s->asked_at = now;
}

void source_dates_may_wait(struct source *s, bool may_wait)
{
	s->dates_may_wait = may_wait;
}

static enum pace_cause cause_of(enum ke_stage stage)
{
	static const enum pace_cause causes[KE_STAGE_COUNT] = {
	    [KE_STAGE_START] = CAUSE_DNS,
	    [KE_STAGE_DNS] = CAUSE_DNS,
	    [KE_STAGE_CONNECT] = CAUSE_CONNECT,
	    [KE_STAGE_TLS] = CAUSE_TLS,
	    [KE_STAGE_CERTIFICATE] = CAUSE_CERTIFICATE,
	    [KE_STAGE_EXCHANGE] = CAUSE_EXCHANGE,
	    [KE_STAGE_NTP_NAME] = CAUSE_DNS,
	};

	return causes[stage];
}

/* The address whose key server answered comes first. When that key server is
 * the one of the old keys, the address in use stays: either it works although
 * the first does not, or it is being tried after silence, and that search must
 * not begin again. */
static void take_addresses(struct source *s, const struct ke_answer *a)
{
	struct endpoint tried = s->addresses[s->address];
	bool same = endpoint_same_host(&s->facts.peer, &a->facts.peer);

	memcpy(s->addresses, a->addresses, sizeof(s->addresses));
	s->address_count = a->address_count;
	s->address = 0;
	for (unsigned i = 0; same && i < s->address_count; i++)
		if (endpoint_same_host(&s->addresses[i], &tried))
			s->address = i;
	if (!endpoint_same_host(source_address(s), &tried))
		s->delays.seen = 0;
}

static void take_keys(struct source *s, const struct ke_answer *a)
{
	nts_assoc_wipe(&s->assoc);
	s->assoc.aead = (enum aead_id)a->aead;
	s->assoc.keys = a->keys;
	s->assoc.other_keys = a->other_keys;
	s->assoc.have_other_keys = a->have_other_keys != 0;
	for (uint32_t i = 0; i < a->cookie_count; i++)
		cookie_jar_put(
		    &s->assoc.jar, a->cookies[i].bytes, a->cookies[i].len);
	take_addresses(s, a);
}

static void take_facts(struct source *s, const struct ke_answer *a)
{
	s->facts = a->facts;
	s->dates = (enum ke_dates)a->dates;
}

/* Saved keys that are due for renewal wait until the first answers are there.
 * The spread keeps agents that start together from renewing together. */
static void plan_saved_renewal(struct source *s, struct tick t)
{
	struct backoff day = {CAUSE_RENEWAL, 0};
	int64_t wait_ns = (int64_t)((0.1 + (double)t.random / UINT32_MAX) *
				    (double)SAVED_RENEWAL_NS);

	s->renew_at = mono_after(
	    s->keys_at, backoff_next_ns(&day, CAUSE_RENEWAL, t.random));
	if (s->renew_at.ns < t.now.ns + wait_ns)
		s->renew_at = mono_after(t.now, wait_ns);
}

void source_saved(struct source *s, const struct saved_keys *k, unsigned left,
    struct clock_reading now, uint32_t random)
{
	int64_t age_ns = now.wall.ns - k->keyed_s * NS_PER_S;

	source_apply(s, EVENT_SAVED);
	take_keys(s, &k->answer);
	take_facts(s, &k->answer);
	s->address = k->address;
	s->keys_at.ns = now.mono.ns - (age_ns > 0 ? age_ns : 0);
	cookie_reserve_found(s, left, now.mono);
	plan_saved_renewal(s, (struct tick){now.mono, random});
	s->poll_at = now.mono;
	if (s->config->iburst)
		pace_burst_unless_limited(&s->pace);
	say_saved(s, k, now.wall);
}

/* When the next exchange may begin, for each reason to have one. */
static void plan_exchanges(struct source *s, struct tick t)
{
	struct backoff day = {CAUSE_RENEWAL, 0};

	s->backoff = (struct backoff){CAUSE_SILENCE, s->unanswered_keys++};
	s->keys_not_before = mono_after(
	    t.now, backoff_next_ns(&s->backoff, CAUSE_SILENCE, t.random));
	s->search_not_before = mono_after(
	    t.now, backoff_next_ns(&s->search, CAUSE_SEARCH, t.random));
	s->renew_at =
	    mono_after(t.now, backoff_next_ns(&day, CAUSE_RENEWAL, t.random));
}

/* Only the first keys after an answer are worth a burst: keys that bring no
 * answer are a failure. A renewal keeps the rhythm of a source that is well. */
static void plan_first_request(struct source *s, struct mono now, bool first)
{
	/* The answer is sealed with the old keys and cannot be read any more:
	 * send the request again. */
	if (s->pending.open)
		s->poll_at = now;
	if (!first || (s->reach & 1) != 0)
		return;
	s->poll_at = now;
	if (s->silent == 0)
		source_well(s, TROUBLE_TIME);
	if (s->pending.open || s->reach != 0)
		return;
	pace_restart(&s->pace);
	if (s->config->iburst)
		pace_burst_unless_limited(&s->pace);
}

static void keys_are_new(struct source *s, struct tick t)
{
	bool first = s->unanswered_keys == 0;

	s->count.exchanges++;
	s->keys_at = t.now;
	s->keys_wanted = s->renewal_failed = false;
	s->trusted_until = MONO_NEVER;
	s->renewal.failures = 0;
	plan_exchanges(s, t);
	if (s->outdated == 0)
		source_well(s, TROUBLE_KEYS);
	plan_first_request(s, t.now, first);
}

static enum source_action keys_undated(
    struct source *s, const struct ke_answer *a, struct mono now)
{
	/* An outdated certificate has a better message already. */
	if (s->outdated == 0)
		source_trouble(s, now, FAILURE_CLOCK,
		    "the clock may be too wrong to check certificates: the "
		    "server is asked for the time without a check of its "
		    "certificate's dates (%s)",
		    a->text);
	return source_apply(s, EVENT_DATES_FAILED);
}

/* The time that DNS took counts as part of the wait, so that the agent notices
 * soon when DNS is back. */
static int64_t rest_of_wait(int64_t wait_ns, int64_t waited_ns)
{
	int64_t rest_ns = wait_ns - waited_ns;

	return rest_ns > DNS_PAUSE_NS ? rest_ns : DNS_PAUSE_NS;
}

static enum source_action keys_failed(
    struct source *s, const struct ke_answer *a, struct tick t)
{
	enum pace_cause cause = cause_of((enum ke_stage)a->stage);
	bool renewal =
	    s->stage == STAGE_REKEYING && mono_due(s->renew_at, t.now);
	int64_t wait_ns = backoff_next_ns(
	    renewal ? &s->renewal : &s->backoff, cause, t.random);

	if (cause == CAUSE_DNS)
		wait_ns = rest_of_wait(wait_ns, a->duration_ms * NS_PER_MS);
	source_trouble(
	    s, t.now, failure_of_stage((enum ke_stage)a->stage), "%s", a->text);
	s->retry_at = s->keys_not_before = mono_after(t.now, wait_ns);
	if (renewal) {
		s->renewal_failed = true;
		s->renew_at = s->retry_at;
	}
	return source_apply(s, EVENT_KEYS_FAILED);
}

/* Is the exchange worth a line in the log? Not when it only brought the same
 * outdated certificate again, and not when a source that was down logs its
 * first sample instead. */
static bool worth_a_line(const struct source *s, const struct ke_answer *a)
{
	if (a->dates == KE_DATES_UNCHECKED)
		return s->outdated == 0;
	return s->count.exchanges == 0 || s->dates == KE_DATES_UNCHECKED ||
	       (s->troubles[TROUBLE_KEYS].failure && !s->down);
}

static enum source_action keys_succeeded(
    struct source *s, const struct ke_answer *a, struct tick t)
{
	enum source_action action = ACTION_NOTHING;

	if (a->dates == KE_DATES_CHECKED)
		s->outdated = 0;
	keys_are_new(s, t);
	if (s->pending.open) {
		s->pending.open = false;
		action = ACTION_CLOSE;
	}
	(void)source_apply(s, EVENT_KEYS);
	return action;
}

enum source_action source_keys(struct source *s, const struct ke_answer *answer,
    struct clock_reading now, uint32_t random)
{
	const struct tick t = {now.mono, random};
	bool done = answer->stage == KE_STAGE_DONE;
	enum source_action action;
	bool line;

	if (answer->serial != s->serial || !source_expects(s, EVENT_KEYS))
		return ACTION_NOTHING;
	line = worth_a_line(s, answer);
	if (done)
		take_keys(s, answer);
	/* After a failed renewal the facts are still those of the old keys. */
	if (done || s->stage != STAGE_REKEYING)
		take_facts(s, answer);
	if (answer->dates == KE_DATES_REFUSED && s->dates_may_wait &&
	    s->stage == STAGE_KEYING)
		return keys_undated(s, answer, now.mono);
	if (!done)
		return keys_failed(s, answer, t);
	action = keys_succeeded(s, answer, t);
	if (line)
		say_keys(s, answer, now.wall);
	return action;
}

struct mono keys_due(const struct source *s)
{
	if (!source_asking(s) || s->stage == STAGE_REKEYING)
		return MONO_NEVER;
	return s->keys_wanted ? mono_earlier(s->keys_not_before, s->renew_at)
			      : s->renew_at;
}

enum source_action keys_needed(struct source *s, struct mono now)
{
	s->keys_wanted = true;
	if (!mono_due(s->keys_not_before, now))
		return ACTION_NOTHING;
	return source_apply(s, EVENT_NEED_KEYS);
}

/* The last keys get time to bring an answer first: a path that loses all UDP
 * must not make us overload the key server. */
enum source_action keys_spent(struct source *s, struct mono now)
{
	if (s->stage != STAGE_REKEYING)
		s->retry_at = mono_due(s->keys_not_before, now)
				  ? now
				  : s->keys_not_before;
	return source_apply(s, EVENT_NO_COOKIE);
}

/* The back-off of the renewal goes on as that of the next exchange. */
enum source_action keys_untrusted(struct source *s, struct mono now)
{
	say_untrusted(s, now);
	nts_assoc_wipe(&s->assoc);
	s->pending.open = false;
	s->keys_wanted = s->renewal_failed = false;
	s->reach = 0;
	s->backoff = s->renewal;
	s->retry_at = s->renew_at;
	return source_apply(s, EVENT_UNTRUSTED);
}

void source_distrust(struct source *s, struct mono now, struct mono at)
{
	/* The exchange under way may have read the old certificates. */
	if (s->stage == STAGE_REKEYING) {
		(void)source_apply(s, EVENT_KEYS_FAILED);
		s->serial++;
	}
	if (!source_keyed(s))
		return;
	s->renewal.failures = 0;
	s->renew_at = mono_earlier(s->renew_at, at);
	/* A second change does not extend the time. */
	s->trusted_until =
	    mono_earlier(s->trusted_until, mono_after(now, SOURCE_DISTRUST_NS));
}

static enum source_action drop_keys(struct source *s)
{
	if (!source_expects(s, EVENT_RECHECK))
		return ACTION_NOTHING;
	nts_assoc_wipe(&s->assoc);
	s->pending.open = false;
	s->keys_wanted = false;
	s->trusted_until = MONO_NEVER;
	s->unanswered_keys = s->silent = 0;
	s->reach = 0;
	s->backoff.failures = 0;
	return source_apply(s, EVENT_RECHECK);
}

enum source_action source_recheck(struct source *s)
{
	return source_undated(s) ? drop_keys(s) : ACTION_NOTHING;
}

enum source_action source_recheck_dates(struct source *s, struct wall now)
{
	int64_t now_s = now.ns / NS_PER_S;
	bool known = s->facts.not_before != 0 || s->facts.not_after != 0;

	if (known &&
	    (now_s < s->facts.not_before || now_s > s->facts.not_after))
		return drop_keys(s);
	return source_recheck(s);
}
