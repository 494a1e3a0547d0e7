#include "agent/source/keys.h"

#include "agent/source/cookie_reserve.h"
#include "agent/source/messages.h"

#include <stdio.h>
#include <string.h>

/* Saved keys that are more than a day old are renewed within about this. */
#define SAVED_RENEWAL_NS (3600 * NS_PER_S)
/* Longer than any key is used. */
#define SAVED_AGE_MAX_S (INT64_C(366) * 86400)
/* Between a DNS failure that took long and the next try. */
#define DNS_PAUSE_NS (100 * NS_PER_MS)
/* For until_valid(). */
#define VALID_SOON_S 3600
#define VALID_SPREAD_NS (2 * NS_PER_S)

static void avoid(const struct endpoint *e, struct ke_request *out)
{
	if (e->family != 0 && out->avoid_count < KE_AVOID_MAX)
		out->avoid[out->avoid_count++] = *e;
}

void source_avoid(const struct source *other, struct ke_request *out)
{
	if (other->address_count == 0 || other->assoc.aead == AEAD_NONE)
		return;
	avoid(source_address(other), out);
	avoid(&other->facts.peer, out);
}

/* A silent server is left at once: its key server may be well. */
static void choose_in_pool(const struct source *s, struct ke_request *out)
{
	out->alone = s->config->member > 0;
	if (!out->alone)
		return;
	if (s->replacing)
		source_avoid(s, out);
	if (s->replacing || s->silent > 0)
		out->try_after = s->facts.peer;
	else if (s->unanswered_keys == 0 && s->address_count > 0)
		out->prefer = s->facts.peer;
}

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
	    .srv = s->config->srv,
	    .timeout_ms = timeout_ms,
	    .binding = s->config->binding,
	};
	/* A name may lead to servers that do not know each other's cookies, and
	 * to more of them than there is time for: try each of them in turn. */
	if (s->unanswered_keys > 0 || s->replacing)
		out->try_after = s->facts.peer;
	else
		out->try_after = s->last_tried;
	choose_in_pool(s, out);
	/* Without a peer, a trusted root is outdated and no server was asked.
	 */
	out->at_known = out->dates_unchecked && s->facts.peer.family != 0;
	out->known = out->at_known ? s->facts.peer : s->known;
	snprintf(out->host, sizeof(out->host), "%s", s->config->host);
	s->asked_at = now;
}

void source_known_address(struct source *s, const struct endpoint *e)
{
	s->known = *e;
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
	    [KE_STAGE_BIND] = CAUSE_CONNECT,
	    [KE_STAGE_CONNECT] = CAUSE_CONNECT,
	    [KE_STAGE_TLS] = CAUSE_TLS,
	    [KE_STAGE_CERTIFICATE] = CAUSE_CERTIFICATE,
	    [KE_STAGE_EXCHANGE] = CAUSE_EXCHANGE,
	    [KE_STAGE_NTP_NAME] = CAUSE_DNS,
	};

	return causes[stage];
}

/* A source of a pool, or one that was outvoted, has moved to another server. */
static void forget_server(struct source *s)
{
	s->size = (struct request_size){0};
	s->reach = 0;
	s->server_id = 0;
	s->reference = 0;
	s->useless = 0;
	source_well(s, TROUBLE_PATH);
}

/* The address whose key server answered comes first. When that key server is
 * the one of the old keys, the address in use stays: either it works although
 * the first does not, or it is being tried after silence, and that search must
 * not begin again. */
static void take_addresses(struct source *s, const struct ke_answer *a)
{
	struct endpoint tried = s->addresses[s->address];
	bool same = endpoint_same_host(&s->facts.peer, &a->facts.peer);

	s->last_tried = (struct endpoint){0};
	memcpy(s->addresses, a->addresses, sizeof(s->addresses));
	s->address_count = a->address_count;
	s->address = 0;
	for (unsigned i = 0; same && i < s->address_count; i++)
		if (endpoint_same_host(&s->addresses[i], &tried))
			s->address = i;
	if (endpoint_same_host(source_address(s), &tried))
		return;
	s->delays.seen = 0;
	if (s->config->member > 0 || s->replacing)
		forget_server(s);
}

/* RFC 8915 5.7/16: nothing of the old keys is left. */
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

/* A clock that was wrong then, or is now, gives any age, which must not
 * overflow. Keys that old are renewed soon, whatever their age is. */
static int64_t age_ns_of(const struct saved_keys *k, struct wall now)
{
	int64_t age_s = now.ns / NS_PER_S - k->keyed_s;

	if (age_s < 0)
		return 0;
	return NS_PER_S * (age_s < SAVED_AGE_MAX_S ? age_s : SAVED_AGE_MAX_S);
}

void source_saved(struct source *s, const struct saved_keys *k, unsigned left,
    struct clock_reading now, uint32_t random)
{
	source_apply(s, EVENT_SAVED);
	take_keys(s, &k->answer);
	take_facts(s, &k->answer);
	s->known = k->answer.facts.peer;
	s->address = k->address;
	s->keys_at.ns = now.mono.ns - age_ns_of(k, now.wall);
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
	s->keys_wanted = s->renewal_failed = s->replacing = false;
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
	s->count.key_failures[FAILURE_CLOCK]++;
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

static void count_crash(struct source *s, struct mono now)
{
	s->crashed_at[s->count.crashes++ % SOURCE_CRASHES] = now;
}

/* Each try shows an attacker something. After a rest, the first crash leads to
 * the next one. */
static bool crashes_often(
    const struct source *s, const struct backoff *b, struct mono now)
{
	const struct mono third =
	    s->crashed_at[s->count.crashes % SOURCE_CRASHES];

	return (b->cause == CAUSE_CRASHES && b->failures > 0) ||
	       (s->count.crashes >= SOURCE_CRASHES &&
		   now.ns - third.ns < SOURCE_CRASH_NS);
}

/* A job that crashed has probably done the handshake. */
static enum pace_cause cause_of_failure(const struct source *s,
    const struct ke_answer *a, const struct backoff *b, struct mono now)
{
	if (a->crash_signal == 0)
		return cause_of((enum ke_stage)a->stage);
	return crashes_often(s, b, now) ? CAUSE_CRASHES : CAUSE_TLS;
}

/* A certificate that becomes valid sooner than that is tried then. A fleet that
 * waits for it comes within VALID_SPREAD_NS. */
static int64_t until_valid(int64_t wait_ns, const struct ke_answer *a,
    struct wall now, uint32_t random)
{
	int64_t left_s = a->valid_from - now.ns / NS_PER_S, then_ns;

	if (a->valid_from == 0 || left_s < 0 || left_s > VALID_SOON_S)
		return wait_ns;
	then_ns = (left_s + 1) * NS_PER_S +
		  (int64_t)(random % (uint32_t)VALID_SPREAD_NS);
	return then_ns < wait_ns ? then_ns : wait_ns;
}

static enum source_action keys_failed(
    struct source *s, const struct ke_answer *a, struct tick t, struct wall now)
{
	bool renewal =
	    s->stage == STAGE_REKEYING && mono_due(s->renew_at, t.now);
	struct backoff *b = renewal ? &s->renewal : &s->backoff;
	enum pace_cause cause = cause_of_failure(s, a, b, t.now);
	enum failure failure = a->crash_signal != 0
				   ? FAILURE_CRASH
				   : failure_of_stage((enum ke_stage)a->stage);
	int64_t wait_ns = backoff_next_ns(b, cause, t.random);

	s->count.key_failures[failure]++;
	/* There is no other address, and nothing is wrong with the keys. */
	if (s->replacing)
		s->keys_wanted = s->replacing = false;
	s->last_tried = a->last_tried;
	if (cause == CAUSE_DNS)
		wait_ns = rest_of_wait(wait_ns, a->duration_ms * NS_PER_MS);
	wait_ns = until_valid(wait_ns, a, now, t.random);
	if (a->crash_signal != 0)
		say_crash(s, t.now, a->text, cause == CAUSE_CRASHES);
	else
		source_trouble(s, t.now, failure, "%s", a->text);
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

	if (answer->crash_signal != 0)
		count_crash(s, now.mono);
	if (answer->serial != s->serial || !source_expects(s, EVENT_KEYS))
		return ACTION_NOTHING;
	line = worth_a_line(s, answer);
	if (done) {
		take_keys(s, answer);
		s->known = answer->facts.peer;
	}
	/* After a failed renewal the facts are still those of the old keys. */
	if (done || s->stage != STAGE_REKEYING)
		take_facts(s, answer);
	if (answer->dates == KE_DATES_REFUSED && s->dates_may_wait &&
	    s->stage == STAGE_KEYING)
		return keys_undated(s, answer, now.mono);
	if (!done)
		return keys_failed(s, answer, t, now.wall);
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

enum source_action source_refresh(struct source *s, struct mono now)
{
	return keys_needed(s, now);
}

/* A pool has other servers. The addresses of one name may all be those of one
 * wrong server. */
static int64_t replace_wait_ns(const struct source *s)
{
	return s->config->member > 0 ? POOL_REPLACE_NS
				     : (int64_t)POOL_REPLACE_NS << s->replaced;
}

static enum source_action replace(struct source *s, struct mono now)
{
	if (s->stage != STAGE_POLLING || !mono_due(s->replace_not_before, now))
		return ACTION_NOTHING;
	s->replacing = true;
	s->useless = 0;
	s->replace_not_before = mono_after(now, replace_wait_ns(s));
	if (s->replaced < REPLACE_DOUBLINGS)
		s->replaced++;
	return keys_needed(s, now);
}

enum source_action source_vote(struct source *s, bool useless, struct mono now)
{
	s->useless = useless ? s->useless + 1 : 0;
	s->useful = useless ? 0 : s->useful + 1;
	if (s->useful >= POOL_USELESS)
		s->replaced = 0;
	return s->useless >= POOL_USELESS ? replace(s, now) : ACTION_NOTHING;
}

/* RFC 8915 5.7/5: no cookie is left. The last keys get time to bring an answer
 * first: a path that loses all UDP
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
