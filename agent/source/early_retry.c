#include "agent/source/early_retry.h"

/* May the change have fixed that failure? Another network may fix a refused
 * certificate, too: perhaps it was that of a captive portal. */
static bool may_fix(enum early_retry retry, enum pace_cause cause)
{
	static const bool table[][PACE_CAUSE_COUNT] = {
	    [RETRY_NETWORK] =
		{
		    [CAUSE_DNS] = true,
		    [CAUSE_CONNECT] = true,
		    [CAUSE_TLS] = true,
		    [CAUSE_CERTIFICATE] = true,
		    [CAUSE_SILENCE] = true,
		},
	    [RETRY_TRUST] = {[CAUSE_CERTIFICATE] = true},
	};

	return retry == RETRY_ORDER || table[retry][cause];
}

static void reset_backoffs(struct source *s, struct mono at)
{
	s->backoff.failures = s->search.failures = s->renewal.failures = 0;
	s->unanswered_keys = 0;
	s->keys_not_before = mono_earlier(s->keys_not_before, at);
	s->search_not_before = mono_earlier(s->search_not_before, at);
	if (s->renewal_failed)
		s->renew_at = mono_earlier(s->renew_at, at);
}

static enum source_action ask_now(struct source *s, struct mono at)
{
	bool waited = s->pending.open;

	s->pending.open = false;
	s->poll_at = waited ? at : mono_earlier(s->poll_at, at);
	pace_restart(&s->pace);
	return waited ? ACTION_CLOSE : ACTION_NOTHING;
}

/* Has the server perhaps not heard the last request? */
static bool may_be_unheard(const struct source *s, enum early_retry retry)
{
	return retry == RETRY_ORDER ||
	       (retry == RETRY_NETWORK && (s->silent > 0 || s->pending.open));
}

/* New keys are wanted while the old ones are in use. */
static bool waits_for_keys(const struct source *s, enum early_retry retry)
{
	if (s->renewal_failed && may_fix(retry, s->renewal.cause))
		return true;
	return (s->keys_wanted || s->silent > 0) &&
	       may_fix(retry, s->backoff.cause);
}

/* The keys are good, but an exchange has failed, or other certificates are
 * trusted now: what will the server's certificate be worth? */
static bool keys_are_doubtful(const struct source *s)
{
	return s->troubles[TROUBLE_KEYS].failure ||
	       s->trusted_until.ns != MONO_NEVER.ns;
}

static enum source_action retry_asking(
    struct source *s, enum early_retry retry, struct mono at)
{
	bool doubtful = retry == RETRY_ORDER && keys_are_doubtful(s);

	if (doubtful || waits_for_keys(s, retry))
		reset_backoffs(s, at);
	if (doubtful)
		s->renew_at = mono_earlier(s->renew_at, at);
	return may_be_unheard(s, retry) ? ask_now(s, at) : ACTION_NOTHING;
}

static void retry_exchange(
    struct source *s, enum early_retry retry, struct mono at)
{
	if (may_fix(retry, s->backoff.cause))
		reset_backoffs(s, at);
	s->retry_at = mono_after(s->asked_at, RETRY_KEYING_NS);
	if (s->retry_at.ns < at.ns)
		s->retry_at = at;
}

static void retry_resting(
    struct source *s, enum early_retry retry, struct mono at)
{
	if (!may_fix(retry, s->backoff.cause))
		return;
	reset_backoffs(s, at);
	s->retry_at = mono_earlier(s->retry_at, at);
}

/* Another source has failed: see source_put_off(). If anything but an
 * order ended that wait, a fleet would start at one moment. */
static bool was_put_off(const struct source *s)
{
	return s->stage == STAGE_START && s->backoff.failures > 0;
}

enum source_action source_retry_early(
    struct source *s, enum early_retry retry, struct mono at)
{
	if (source_asking(s))
		return retry_asking(s, retry, at);
	if (source_exchanging(s))
		retry_exchange(s, retry, at);
	else if (s->stage == STAGE_RESTING ||
		 (was_put_off(s) && retry == RETRY_ORDER))
		retry_resting(s, retry, at);
	return ACTION_NOTHING;
}
