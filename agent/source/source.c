#include "agent/source/source.h"

#include "agent/source/early_retry.h"
#include "agent/source/messages.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Polls without an answer before another address and new keys are tried. */
#define SILENT_POLLS 2
/* What the reach register remembers. */
#define REACH_POLLS 8
#define REACH_ALL 0xff
/* With so few cookies left new ones are fetched while the last are in use. */
#define COOKIES_LOW 2
/* Saved keys that are more than a day old are renewed within about this. */
#define SAVED_RENEWAL_NS (3600 * NS_PER_S)
/* An answer that took less than this is waited for that long. */
#define QUICK_NS (250 * NS_PER_MS)
#define QUICK_WAIT_NS (1500 * NS_PER_MS)
/* How long each address of a server that was never heard may take at first. */
#define FIRST_WAIT_NS (500 * NS_PER_MS)
/* Between an answer of DNS that was long in coming and the next question. */
#define DNS_PAUSE_NS (100 * NS_PER_MS)
/* A NAK is not authenticated: a true answer gets this long to beat it. */
#define NAK_GRACE_NS NS_PER_S
/* Fewer key exchanges than this, however many NAKs somebody forges. */
#define KEYS_APART_NS (8 * NS_PER_S)

/* clang-format off */
static const struct source_rule rules[SOURCE_STAGE_COUNT][SOURCE_EVENT_COUNT] = {
[STAGE_START] = {
	[EVENT_DUE]         = {STAGE_KEYING,   ACTION_KEYS,    true},
	[EVENT_SAVED]       = {STAGE_POLLING,  ACTION_NOTHING, true},
},
[STAGE_KEYING] = {
	[EVENT_DUE]         = {STAGE_KEYING,   ACTION_KEYS,    true},
	[EVENT_KEYS]        = {STAGE_POLLING,  ACTION_NOTHING, true},
	[EVENT_KEYS_FAILED] = {STAGE_RESTING,  ACTION_NOTHING, true},
	[EVENT_DATES_FAILED] = {STAGE_UNDATED_KEYING, ACTION_KEYS, true},
},
[STAGE_POLLING] = {
	[EVENT_DUE]         = {STAGE_POLLING,  ACTION_SEND,    true},
	[EVENT_NEED_KEYS]   = {STAGE_REKEYING, ACTION_KEYS,    true},
	[EVENT_NO_COOKIE]   = {STAGE_RESTING,  ACTION_NOTHING, true},
	[EVENT_DENIED]      = {STAGE_RESTING,  ACTION_CLOSE,   true},
	[EVENT_UNTRUSTED]   = {STAGE_RESTING,  ACTION_CLOSE,   true},
	[EVENT_RECHECK]     = {STAGE_KEYING,   ACTION_KEYS,    true},
},
[STAGE_REKEYING] = {
	[EVENT_DUE]         = {STAGE_REKEYING, ACTION_SEND,    true},
	[EVENT_KEYS]        = {STAGE_POLLING,  ACTION_NOTHING, true},
	[EVENT_KEYS_FAILED] = {STAGE_POLLING,  ACTION_NOTHING, true},
	[EVENT_NO_COOKIE]   = {STAGE_KEYING,   ACTION_NOTHING, true},
	[EVENT_DENIED]      = {STAGE_RESTING,  ACTION_CLOSE,   true},
	[EVENT_UNTRUSTED]   = {STAGE_RESTING,  ACTION_CLOSE,   true},
	[EVENT_RECHECK]     = {STAGE_KEYING,   ACTION_KEYS,    true},
},
[STAGE_RESTING] = {
	[EVENT_DUE]         = {STAGE_KEYING,   ACTION_KEYS,    true},
},
[STAGE_UNDATED_KEYING] = {
	[EVENT_DUE]         = {STAGE_KEYING,   ACTION_KEYS,    true},
	[EVENT_KEYS]        = {STAGE_UNDATED_POLLING, ACTION_NOTHING, true},
	[EVENT_KEYS_FAILED] = {STAGE_RESTING,  ACTION_NOTHING, true},
	[EVENT_RECHECK]     = {STAGE_KEYING,   ACTION_KEYS,    true},
},
[STAGE_UNDATED_POLLING] = {
	[EVENT_DUE]         = {STAGE_UNDATED_POLLING, ACTION_SEND, true},
	[EVENT_KEYS_FAILED] = {STAGE_RESTING,  ACTION_NOTHING, true},
	[EVENT_NEED_KEYS]   = {STAGE_KEYING,   ACTION_KEYS,    true},
	[EVENT_NO_COOKIE]   = {STAGE_RESTING,  ACTION_NOTHING, true},
	[EVENT_DENIED]      = {STAGE_RESTING,  ACTION_CLOSE,   true},
	[EVENT_RECHECK]     = {STAGE_KEYING,   ACTION_KEYS,    true},
},
};
/* clang-format on */

static const struct {
	const char *name, *text;
} stages[] = {
#define X(id, name, text) [id] = {name, text},
    SOURCE_STAGES(X)
#undef X
};

static const char *const events[] = {
#define X(id, name) [id] = name,
    SOURCE_EVENTS(X)
#undef X
};

const char *source_stage_name(enum source_stage stage)
{
	return stages[stage].name;
}

const char *source_stage_text(enum source_stage stage)
{
	return stages[stage].text;
}

const char *source_event_name(enum source_event event)
{
	return events[event];
}

struct source_rule source_rule(enum source_stage stage, enum source_event event)
{
	return rules[stage][event];
}

/* An event without a rule changes nothing: late answers and the like. */
static enum source_action apply(struct source *s, enum source_event event)
{
	struct source_rule rule = rules[s->stage][event];

	if (!rule.defined)
		return ACTION_NOTHING;
	s->stage = rule.next;
	if (rule.action == ACTION_KEYS) {
		s->serial++;
		s->count.attempts++;
		s->retry_at = MONO_NEVER;
	}
	return rule.action;
}

void source_init(
    struct source *s, const struct source_config *config, struct mono now)
{
	*s = (struct source){
	    .config = config,
	    .stage = STAGE_START,
	    .poll_at = MONO_NEVER,
	    .answer_by = MONO_NEVER,
	    .retry_at = now,
	    .renew_at = MONO_NEVER,
	    .trusted_until = MONO_NEVER,
	};
	pace_init(&s->pace, config);
}

void source_spread_start(struct source *s, uint32_t random)
{
	s->retry_at = mono_after(s->retry_at,
	    (int64_t)((double)random / UINT32_MAX * SOURCE_SPREAD_NS));
}

void source_end(struct source *s)
{
	nts_assoc_wipe(&s->assoc);
}

bool source_undated(const struct source *s)
{
	return s->stage == STAGE_UNDATED_KEYING ||
	       s->stage == STAGE_UNDATED_POLLING;
}

static bool asking(const struct source *s)
{
	return s->stage == STAGE_POLLING || s->stage == STAGE_REKEYING ||
	       s->stage == STAGE_UNDATED_POLLING;
}

/* When keys are to be fetched while the old ones are in use. */
static struct mono keys_due(const struct source *s)
{
	if (!asking(s) || s->stage == STAGE_REKEYING)
		return MONO_NEVER;
	return s->keys_wanted ? mono_earlier(s->keys_not_before, s->renew_at)
			      : s->renew_at;
}

struct mono source_deadline(const struct source *s)
{
	if (s->offline)
		return MONO_NEVER;
	if (!asking(s))
		return s->retry_at;
	if (s->pending.open)
		return s->answer_by;
	return mono_earlier(
	    mono_earlier(s->poll_at, keys_due(s)), s->trusted_until);
}

const struct endpoint *source_address(const struct source *s)
{
	return &s->addresses[s->address];
}

static void next_address(struct source *s)
{
	if (s->address_count <= 1)
		return;
	s->address = (s->address + 1) % s->address_count;
	/* What the last path did to large packets says nothing of this one. */
	s->size = (struct request_size){0};
	source_well(s, TROUBLE_PATH);
}

/* The action stays when it is too early for it: source_timer has it again. */
static enum source_action need_keys(struct source *s, struct mono now)
{
	s->keys_wanted = true;
	if (!mono_due(s->keys_not_before, now))
		return ACTION_NOTHING;
	return apply(s, EVENT_NEED_KEYS);
}

/* The second request and the first one to each further address go out at once;
 * then silence is asked into less and less often. Who asked for fewer requests
 * may be silent for that very reason: the next one keeps to its time. */
static void ask_into_silence(struct source *s, struct mono now, uint32_t random)
{
	bool at_once = s->silent < SILENT_POLLS;
	int64_t silent_ns = now.ns - s->silent_since.ns;

	if (s->silent >= SILENT_POLLS) {
		at_once = s->silent <= s->address_count;
		next_address(s);
	}
	if (s->pace.rate_limited)
		return;
	s->poll_at = at_once ? now
			     : mono_after(s->sent_at, pace_silence_ns(&s->pace,
							  silent_ns, random));
}

/* Silence alone says little against the keys: they are fetched again for the
 * addresses that come with them, less and less often until the server has been
 * steady. True: now. */
static bool silent(struct source *s, struct mono now, uint32_t random)
{
	if (s->silent++ == 0)
		s->silent_since = s->sent_at;
	say_silence(s, now);
	ask_into_silence(s, now, random);
	return s->silent >= SILENT_POLLS && mono_due(s->search_not_before, now);
}

/* The server is there, but knows our cookies no more. True as above. */
static bool refused(struct source *s, struct mono now)
{
	/* nts/ke.h: a NAK to the first export context may only mean that the
	 * server wants the other one. */
	if (nts_assoc_try_other_keys(&s->assoc)) {
		s->poll_at = now;
		return false;
	}
	say_silence(s, now);
	return true;
}

/* Not at a server that asked for fewer requests. */
static void burst(struct source *s)
{
	if (!s->pace.rate_limited)
		pace_burst(&s->pace);
}

/* The pending request will not be answered any more. */
static enum source_action lost(
    struct source *s, struct mono now, uint32_t random)
{
	bool keys;

	s->pending.open = false;
	s->count.lost++;
	if (!s->nak_seen && s->rejection == NTS_OK && s->send_error == 0)
		request_size_lost(&s->size);
	keys = s->nak_seen ? refused(s, now) : silent(s, now, random);
	if (keys && need_keys(s, now) == ACTION_KEYS)
		return ACTION_KEYS;
	return ACTION_CLOSE;
}

/* The last request was answered, and brought too few cookies. New keys that
 * came with few have not been asked for more yet. */
static bool cookies_low(const struct source *s)
{
	return s->stage == STAGE_POLLING && (s->reach & 1) != 0 &&
	       s->sent_at.ns > s->keys_at.ns &&
	       s->assoc.jar.count <= COOKIES_LOW;
}

/* Nothing left to ask with. Keys are fetched when the last ones had time to
 * bring an answer: a path that swallows UDP must not make us hammer the key
 * server. */
static enum source_action spent(struct source *s, struct mono now)
{
	if (s->stage != STAGE_REKEYING)
		s->retry_at = mono_due(s->keys_not_before, now)
				  ? now
				  : s->keys_not_before;
	return apply(s, EVENT_NO_COOKIE);
}

/* The exchange that was wanted goes on to be tried, as its failures allow. */
static enum source_action untrusted(struct source *s, struct mono now)
{
	say_untrusted(s, now);
	nts_assoc_wipe(&s->assoc);
	s->pending.open = false;
	s->keys_wanted = s->renewal_failed = false;
	s->reach = 0;
	s->backoff = s->renewal;
	s->retry_at = s->renew_at;
	s->renew_at = s->trusted_until = MONO_NEVER;
	return apply(s, EVENT_UNTRUSTED);
}

enum source_action source_timer(
    struct source *s, struct mono now, uint32_t random)
{
	if (s->offline)
		return ACTION_NOTHING;
	if (!asking(s))
		return mono_due(s->retry_at, now) ? apply(s, EVENT_DUE)
						  : ACTION_NOTHING;
	if (s->pending.open)
		return mono_due(s->answer_by, now) ? lost(s, now, random)
						   : ACTION_NOTHING;
	if (mono_due(s->trusted_until, now))
		return untrusted(s, now);
	s->keys_wanted |= cookies_low(s);
	if (mono_due(keys_due(s), now))
		return apply(s, EVENT_NEED_KEYS);
	if (!mono_due(s->poll_at, now))
		return ACTION_NOTHING;
	if (s->assoc.jar.count == 0)
		return spent(s, now);
	return apply(s, EVENT_DUE);
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
	    .timeout_ms = timeout_ms,
	};
	/* A name may lead to servers that know nothing of each other's cookies:
	 * each gets its turn. */
	if (s->unanswered_keys > 0)
		out->behind = s->facts.peer;
	snprintf(out->host, sizeof(out->host), "%s", s->config->host);
	s->asked_at = now;
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

static void take_facts(struct source *s, const struct ke_answer *a)
{
	s->dates = (enum ke_dates)a->dates;
	s->facts = a->facts;
}

/* The address whose key server answered is the best guess at first. Where the
 * key server is the same, the one in use stays: it works although the first
 * does not, or it is being tried after silence, and the search goes on from
 * there. */
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

/* When the next exchange may be, for each reason to have one. */
static void plan_exchanges(struct source *s, struct mono now, uint32_t random)
{
	struct backoff day = {CAUSE_RENEWAL, 0};

	s->backoff = (struct backoff){CAUSE_SILENCE, s->unanswered_keys++};
	s->keys_not_before = mono_after(
	    now, backoff_next_ns(&s->backoff, CAUSE_SILENCE, random));
	s->search_not_before =
	    mono_after(now, backoff_next_ns(&s->search, CAUSE_SEARCH, random));
	s->renew_at =
	    mono_after(now, backoff_next_ns(&day, CAUSE_RENEWAL, random));
}

/* Keys that are due for renewal wait for the first answers, and not all the
 * agents that are started in one morning renew theirs at once. */
static void plan_renewal(struct source *s, struct mono now, uint32_t random)
{
	struct backoff day = {CAUSE_RENEWAL, 0};
	int64_t wait_ns = (int64_t)((0.1 + (double)random / UINT32_MAX) *
				    (double)SAVED_RENEWAL_NS);

	s->renew_at = mono_after(
	    s->keys_at, backoff_next_ns(&day, CAUSE_RENEWAL, random));
	if (s->renew_at.ns < now.ns + wait_ns)
		s->renew_at = mono_after(now, wait_ns);
}

void source_saved(struct source *s, const struct saved_keys *k, unsigned left,
    struct clock_reading now, uint32_t random)
{
	int64_t age_ns = now.wall.ns - k->keyed_s * NS_PER_S;

	apply(s, EVENT_SAVED);
	take_facts(s, &k->answer);
	take_keys(s, &k->answer);
	s->address = k->address;
	s->keys_at.ns = now.mono.ns - (age_ns > 0 ? age_ns : 0);
	s->reserve = (struct cookie_reserve){
	    .there = left > 0,
	    .cookies = left,
	    .renew_at = mono_after(now.mono, COOKIE_RESERVE_RENEW_NS),
	};
	plan_renewal(s, now.mono, random);
	s->poll_at = now.mono;
	if (s->config->iburst)
		burst(s);
	say_saved(s, k, now.wall);
}

/* Keys that bring no answer are a failure of their own kind, and only the first
 * ones in a row are worth a burst. */
static void keys_are_new(struct source *s, struct mono now, uint32_t random)
{
	bool first = s->unanswered_keys == 0;

	s->count.exchanges++;
	s->keys_at = now;
	s->keys_wanted = s->renewal_failed = false;
	s->trusted_until = MONO_NEVER;
	s->renewal.failures = 0;
	plan_exchanges(s, now, random);
	if (s->outdated == 0)
		source_well(s, TROUBLE_KEYS);
	/* Its answer could not be read: it will not be waited for. */
	if (s->pending.open)
		s->poll_at = now;
	/* A renewal does not disturb the rhythm of a source that is well. */
	if (!first || (s->reach & 1) != 0)
		return;
	/* Keys are ready: the first request goes out now. */
	s->poll_at = now;
	if (s->silent == 0)
		source_well(s, TROUBLE_TIME);
	/* Sent with the old keys: it is only to be sent again. */
	if (s->pending.open || s->reach != 0)
		return;
	pace_restart(&s->pace);
	if (s->config->iburst)
		burst(s);
}

static enum source_action leave_dates(
    struct source *s, const struct ke_answer *a, struct mono now)
{
	/* Else what is wrong is known better. */
	if (s->outdated == 0)
		source_trouble(s, now, TROUBLE_KEYS, LOG_LEVEL_INFO, "clock",
		    "the clock may be too wrong to check certificates: it is "
		    "asked what time it is, without looking at their dates "
		    "(%s)",
		    a->text);
	return apply(s, EVENT_DATES_FAILED);
}

/* Who has waited long for an answer of DNS has waited for the next try, too:
 * when it is back, that is soon known. */
static int64_t rest_of_wait(int64_t wait_ns, int64_t waited_ns)
{
	int64_t rest_ns = wait_ns - waited_ns;

	return rest_ns > DNS_PAUSE_NS ? rest_ns : DNS_PAUSE_NS;
}

static enum source_action keys_failed(struct source *s,
    const struct ke_answer *a, struct mono now, uint32_t random)
{
	enum pace_cause cause = cause_of((enum ke_stage)a->stage);
	bool renewal = s->stage == STAGE_REKEYING && mono_due(s->renew_at, now);
	int64_t wait_ns =
	    backoff_next_ns(renewal ? &s->renewal : &s->backoff, cause, random);

	if (cause == CAUSE_DNS)
		wait_ns = rest_of_wait(wait_ns, a->duration_ms * NS_PER_MS);
	source_trouble(s, now, TROUBLE_KEYS, LOG_LEVEL_WARNING,
	    ke_stage_word((enum ke_stage)a->stage), "%s", a->text);
	s->retry_at = s->keys_not_before = mono_after(now, wait_ns);
	if (renewal) {
		s->renewal_failed = true;
		s->renew_at = s->retry_at;
	}
	return apply(s, EVENT_KEYS_FAILED);
}

/* Those after keys without dates are, and not those that only lead to the same
 * outdated certificate. A source that was down tells of its first sample
 * instead. */
static bool keys_are_news(const struct source *s, const struct ke_answer *a)
{
	if (a->dates == KE_DATES_UNCHECKED)
		return s->outdated == 0;
	return s->count.exchanges == 0 || s->dates == KE_DATES_UNCHECKED ||
	       (s->troubles[TROUBLE_KEYS].failure[0] && !s->down);
}

enum source_action source_keys(struct source *s, const struct ke_answer *answer,
    struct clock_reading now, uint32_t random)
{
	bool news;

	if (answer->serial != s->serial || !rules[s->stage][EVENT_KEYS].defined)
		return ACTION_NOTHING;
	news = keys_are_news(s, answer);
	if (answer->stage == KE_STAGE_DONE)
		take_keys(s, answer);
	/* The keys in use, and what is saved of them, keep their own. */
	if (answer->stage == KE_STAGE_DONE || s->stage != STAGE_REKEYING)
		take_facts(s, answer);
	if (answer->dates == KE_DATES_REFUSED && s->dates_may_wait &&
	    s->stage == STAGE_KEYING)
		return leave_dates(s, answer, now.mono);
	if (answer->stage != KE_STAGE_DONE)
		return keys_failed(s, answer, now.mono, random);
	if (answer->dates == KE_DATES_CHECKED)
		s->outdated = 0;
	keys_are_new(s, now.mono, random);
	if (news)
		say_keys(s, answer, now.wall);
	/* A request under way was sealed with the old keys: its answer cannot
	 * be read now. */
	if (s->pending.open) {
		s->pending.open = false;
		apply(s, EVENT_KEYS);
		return ACTION_CLOSE;
	}
	return apply(s, EVENT_KEYS);
}

/* A path that has been quick is not waited for so long: a server that forgets
 * its keys and sends no NAK is back within five seconds. Of several addresses
 * that were never heard each gets its turn soon: the first may be a black hole.
 */
static int64_t answer_wait_ns(const struct source *s)
{
	int64_t wait_ns = pace_answer_wait_ns(&s->pace);
	int64_t most_ns = wait_ns;

	if (s->heard && s->delay_ns < QUICK_NS)
		most_ns = QUICK_WAIT_NS;
	else if (!s->heard && s->address_count > 1 &&
		 s->silent <= s->address_count)
		most_ns = FIRST_WAIT_NS;
	return wait_ns < most_ns ? wait_ns : most_ns;
}

bool source_request(struct source *s, const struct nts_fresh *fresh,
    struct mono now, uint32_t random, struct writer *out)
{
	enum nts_err err;

	err = nts_request_seal(
	    &s->assoc, fresh, request_size_limit(&s->size), &s->pending, out);
	if (err != NTS_OK) {
		s->pending.open = false;
		s->poll_at =
		    mono_after(now, pace_interval_ns(&s->pace, random));
		source_trouble(s, now, TROUBLE_TIME, LOG_LEVEL_ERROR, "request",
		    "%s", nts_err_text(err));
		return false;
	}
	pace_sent(&s->pace, now.ns - s->sent_at.ns);
	request_size_sent(&s->size, s->pending.placeholders > 0);
	s->sent_at = now;
	s->poll_at = mono_after(now, pace_interval_ns(&s->pace, random));
	s->answer_by = mono_after(now, answer_wait_ns(s));
	s->nak_seen = false;
	s->rejection = NTS_OK;
	s->send_error = 0;
	s->reach = (uint8_t)(s->reach << 1);
	s->count.sent++;
	return true;
}

void source_send_failed(struct source *s, int error, struct mono now)
{
	char at[ENDPOINT_TEXT_MAX];

	endpoint_text(source_address(s), true, at);
	if (error == ECONNREFUSED)
		source_trouble(s, now, TROUBLE_TIME, LOG_LEVEL_WARNING,
		    "network",
		    "%s refuses requests: nothing listens on that UDP port (is "
		    "the NTP server down, or a firewall rejecting?)",
		    at);
	else
		source_trouble(s, now, TROUBLE_TIME, LOG_LEVEL_WARNING,
		    "network", "cannot send to %s: %s", at, strerror(error));
	s->send_error = error;
	/* No answer can come: do not wait for one. */
	if (s->pending.open)
		s->answer_by = now;
}

/* Nobody has seen its cookie, so that nothing is linked by using it again (RFC
 * 8915 5.7). Where a queue overflows, the first fragment may have left. */
void source_unsent(struct source *s, int error, struct mono now)
{
	if (error != ENOBUFS)
		nts_request_unsent(&s->assoc, &s->pending);
	source_send_failed(s, error, now);
}

static void judge_path(struct source *s, struct mono now)
{
	if (request_size_answered(&s->size))
		say_path(s, now);
}

/* An authentic answer of any content. */
static void valid(struct source *s, struct mono now)
{
	s->count.valid++;
	s->count.attempts = 0;
	judge_path(s, now);
	/* Much may have happened while nothing was heard at all. */
	if (s->silent >= REACH_POLLS)
		burst(s);
	s->reach |= 1;
	if (s->reach == REACH_ALL)
		s->search.failures = 0;
	s->silent = 0;
	s->keys_wanted = false;
	s->unanswered_keys = 0;
	s->backoff.failures = 0;
	if (s->keys_not_before.ns > now.ns + KEYS_APART_NS)
		s->keys_not_before = mono_after(now, KEYS_APART_NS);
}

static enum source_action denied(
    struct source *s, enum nts_err err, struct mono now, uint32_t random)
{
	char at[ENDPOINT_TEXT_MAX];

	source_trouble(s, now, TROUBLE_TIME, LOG_LEVEL_WARNING, "denied",
	    "%s (%s); asked again once a day", nts_err_text(err),
	    endpoint_text(source_address(s), true, at));
	s->retry_at =
	    mono_after(now, backoff_next_ns(&s->backoff, CAUSE_DENIED, random));
	s->reach = 0;
	return apply(s, EVENT_DENIED);
}

static enum source_action no_sample(
    struct source *s, enum nts_err err, const char *failure, struct mono now)
{
	char at[ENDPOINT_TEXT_MAX];

	source_trouble(s, now, TROUBLE_TIME, LOG_LEVEL_WARNING, failure,
	    "%s (%s)", nts_err_text(err),
	    endpoint_text(source_address(s), true, at));
	return ACTION_CLOSE;
}

static enum source_action kissed(
    struct source *s, enum nts_err err, struct mono now, uint32_t random)
{
	if (err == NTP_KISS_DENY || err == NTP_KISS_RSTR)
		return denied(s, err, now, random);
	if (err == NTP_KISS_RATE)
		pace_slow_down(&s->pace);
	s->poll_at = mono_after(now, pace_interval_ns(&s->pace, random));
	return no_sample(s, err, "kiss", now);
}

static enum source_action rejected(struct source *s, enum nts_err err)
{
	s->count.rejected++;
	s->rejection = err;
	return ACTION_NOTHING;
}

static enum source_action nak(struct source *s, struct mono now)
{
	s->count.naks++;
	s->nak_seen = true;
	s->answer_by =
	    mono_earlier(s->answer_by, mono_after(now, NAK_GRACE_NS));
	return ACTION_NOTHING;
}

static enum source_action judged(struct source *s, enum nts_err err,
    struct mono now, uint32_t random, const struct ntp_answer *a)
{
	s->unsynchronised = err == NTP_UNSYNCHRONISED;
	valid(s, now);
	if (nts_err_is_kiss(err))
		return kissed(s, err, now, random);
	if (err == NTP_UNSYNCHRONISED)
		return no_sample(s, err, "unsynchronised", now);
	if (err == NTP_BAD_TIMES)
		return no_sample(s, err, "times", now);
	s->stratum = a->header.stratum;
	s->reference = a->header.reference;
	return ACTION_CLOSE;
}

enum source_action source_datagram(struct source *s, const uint8_t *bytes,
    size_t len, struct mono now, uint32_t random, struct ntp_answer *answer,
    bool *sample_ok)
{
	enum nts_err err;

	*sample_ok = false;
	if (!asking(s) || !s->pending.open)
		return ACTION_NOTHING;
	s->count.received++;
	err = nts_answer_open(&s->assoc, &s->pending, bytes, len, answer);
	if (err == NTP_NAK)
		return nak(s, now);
	/* Whatever is not authentic leaves the request open. */
	if (s->pending.open)
		return rejected(s, err);
	*sample_ok = err == NTS_OK;
	return judged(s, err, now, random, answer);
}

static void plan_poll(struct source *s, int64_t delay_ns, enum poll_vote vote,
    struct mono now, uint32_t r)
{
	pace_sample(&s->pace, delay_ns, vote);
	s->poll_at = mono_after(s->sent_at, pace_interval_ns(&s->pace, r));
	if (s->poll_at.ns < now.ns)
		s->poll_at = now;
}

void source_hurry(struct source *s, struct mono now)
{
	if (asking(s) && !s->pending.open && !s->pace.rate_limited)
		s->poll_at = now;
}

void source_undated_sample(
    struct source *s, int64_t delay_ns, struct mono now, uint32_t random)
{
	source_well(s, TROUBLE_TIME);
	plan_poll(s, delay_ns, POLL_KEEP, now, random);
}

void source_outdated(
    struct source *s, struct wall told, struct mono now, uint32_t random)
{
	say_outdated(s, told, now);
	/* Its answers are valid, so that no other count would grow. */
	s->backoff = (struct backoff){CAUSE_CERTIFICATE, s->outdated++};
	s->retry_at = mono_after(
	    now, backoff_next_ns(&s->backoff, CAUSE_CERTIFICATE, random));
	(void)apply(s, EVENT_KEYS_FAILED);
}

static enum source_action recheck(struct source *s)
{
	if (!rules[s->stage][EVENT_RECHECK].defined)
		return ACTION_NOTHING;
	nts_assoc_wipe(&s->assoc);
	s->pending.open = false;
	s->keys_wanted = false;
	s->trusted_until = MONO_NEVER;
	s->unanswered_keys = s->silent = 0;
	s->reach = 0;
	s->backoff.failures = 0;
	return apply(s, EVENT_RECHECK);
}

/* An exchange under way may have read the certificates of before. */
void source_distrust(struct source *s, struct mono now, struct mono at)
{
	if (s->stage == STAGE_REKEYING) {
		(void)apply(s, EVENT_KEYS_FAILED);
		s->serial++;
	}
	if (s->stage != STAGE_POLLING)
		return;
	s->renewal.failures = 0;
	s->renew_at = mono_earlier(s->renew_at, at);
	/* A second change gives no more time. */
	s->trusted_until =
	    mono_earlier(s->trusted_until, mono_after(now, SOURCE_DISTRUST_NS));
}

enum source_action source_recheck(struct source *s)
{
	bool undated = s->stage == STAGE_UNDATED_KEYING ||
		       s->stage == STAGE_UNDATED_POLLING;

	return undated ? recheck(s) : ACTION_NOTHING;
}

enum source_action source_recheck_dates(struct source *s, struct wall now)
{
	int64_t now_s = now.ns / NS_PER_S;
	bool known = s->facts.not_before != 0 || s->facts.not_after != 0;

	if (known &&
	    (now_s < s->facts.not_before || now_s > s->facts.not_after))
		return recheck(s);
	return source_recheck(s);
}

void source_sampled(struct source *s, int64_t delay_ns, enum poll_vote vote,
    struct mono now, uint32_t random)
{
	s->count.good++;
	say_heard(s, now);
	s->heard = true;
	s->heard_at = now;
	s->delay_ns = delay_ns;
	source_well(s, TROUBLE_TIME);
	if (!s->renewal_failed)
		source_well(s, TROUBLE_KEYS);
	pace_forgive(&s->pace);
	plan_poll(s, delay_ns, vote, now, random);
}

void source_repeat(struct source *s, struct mono now)
{
	if (!asking(s) || !s->pending.open)
		return;
	s->pending.open = false;
	s->poll_at = now;
}

void source_jumped(struct source *s, struct mono now)
{
	if (!asking(s))
		return;
	s->pending.open = false;
	s->poll_at = now;
	pace_restart(&s->pace);
	burst(s);
}

/* What is under way under the old index or by the old rules begins anew. */
void source_begin_again(struct source *s, uint32_t serial, struct mono now)
{
	struct source_rule rule = source_rule(s->stage, EVENT_KEYS_FAILED);

	s->serial = serial;
	source_repeat(s, now);
	if (!rule.defined)
		return;
	s->stage = rule.next;
	s->retry_at = s->keys_not_before = now;
	s->keys_wanted = s->stage == STAGE_POLLING;
}

void source_reconfigure(struct source *s, const struct source_config *config)
{
	bool polls = s->config->minpoll != config->minpoll ||
		     s->config->maxpoll != config->maxpoll;

	s->config = config;
	if (polls)
		pace_configure(&s->pace, config);
}

void source_renumber(struct source *s, uint32_t serial)
{
	s->serial = serial;
}

bool source_burst(struct source *s, struct mono now)
{
	if (s->offline ||
	    (s->stage != STAGE_POLLING && s->stage != STAGE_REKEYING))
		return false;
	pace_burst(&s->pace);
	s->poll_at = now;
	return true;
}

/* An exchange under way ends: its answer finds nobody who waits. */
void source_go_offline(struct source *s)
{
	struct source_rule rule = source_rule(s->stage, EVENT_KEYS_FAILED);

	if (rule.defined)
		s->stage = rule.next;
	s->pending.open = false;
	s->reach = 0;
	s->offline = true;
	snprintf(s->failure, sizeof(s->failure), "offline");
	snprintf(s->reason, sizeof(s->reason),
	    "switched off by order until `ntsctl online`");
}

void source_go_online(struct source *s, struct mono now)
{
	if (!s->offline)
		return;
	s->offline = false;
	s->failure[0] = s->reason[0] = '\0';
	(void)source_retry_early(s, RETRY_ORDER, now);
}

void source_stamped(struct source *s, enum stamp_kind tx, enum stamp_kind rx)
{
	s->tx_stamp = tx;
	s->rx_stamp = rx;
}

void source_same_server(struct source *a, struct source *b)
{
	a->server_id = b->server_id =
	    b->server_id != 0 ? b->server_id : a->reference;
}
