#include "agent/source/early_retry.h"

/* Another network may mend a refused certificate, too: it was perhaps that of
 * a portal that answers in everybody's place. */
static bool mends(enum early_retry retry, enum pace_cause cause)
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

static void begin_anew(struct source *s, struct mono at)
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
	s->poll_at = mono_earlier(s->poll_at, at);
	if (waited)
		s->poll_at = at;
	pace_restart(&s->pace);
	return waited ? ACTION_CLOSE : ACTION_NOTHING;
}

/* Of a source that has keys. An answer that is waited for may be lost. */
static bool may_be_unheard(const struct source *s, enum early_retry retry)
{
	return retry == RETRY_ORDER ||
	       (retry == RETRY_NETWORK && (s->silent > 0 || s->pending.open));
}

/* The keys that it has serve on while new ones are wanted. */
static bool waits_for_keys(const struct source *s, enum early_retry retry)
{
	if (s->renewal_failed && mends(retry, s->renewal.cause))
		return true;
	return (s->keys_wanted || s->silent > 0) &&
	       mends(retry, s->backoff.cause);
}

enum source_action source_retry_early(
    struct source *s, enum early_retry retry, struct mono at)
{
	switch (s->stage) {
	case STAGE_START:
		break;
	case STAGE_RESTING:
		if (!mends(retry, s->backoff.cause))
			break;
		begin_anew(s, at);
		s->retry_at = mono_earlier(s->retry_at, at);
		break;
	case STAGE_KEYING:
	case STAGE_UNDATED_KEYING:
		if (mends(retry, s->backoff.cause))
			begin_anew(s, at);
		s->retry_at = mono_after(s->asked_at, RETRY_KEYING_NS);
		if (s->retry_at.ns < at.ns)
			s->retry_at = at;
		break;
	case STAGE_POLLING:
	case STAGE_REKEYING:
	case STAGE_UNDATED_POLLING:
		if (waits_for_keys(s, retry))
			begin_anew(s, at);
		if (may_be_unheard(s, retry))
			return ask_now(s, at);
		break;
	case SOURCE_STAGE_COUNT:
		break;
	}
	return ACTION_NOTHING;
}
