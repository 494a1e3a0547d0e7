#include "agent/relief.h"

#include <string.h>

/* Another network may mend a refused certificate, too: it was perhaps that of
 * a portal that answers in everybody's place. */
static bool mends(enum relief relief, enum pace_cause cause)
{
	static const bool table[][PACE_CAUSE_COUNT] = {
	    [RELIEF_NETWORK] =
		{
		    [CAUSE_DNS] = true,
		    [CAUSE_CONNECT] = true,
		    [CAUSE_TLS] = true,
		    [CAUSE_CERTIFICATE] = true,
		    [CAUSE_SILENCE] = true,
		},
	    [RELIEF_TRUST] = {[CAUSE_CERTIFICATE] = true},
	};

	return relief == RELIEF_ORDER || table[relief][cause];
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

static enum source_wish ask_now(struct source *s, struct mono at)
{
	bool waited = s->pending.open;

	s->pending.open = false;
	s->poll_at = mono_earlier(s->poll_at, at);
	if (waited)
		s->poll_at = at;
	pace_restart(&s->pace);
	return waited ? WISH_CLOSE : WISH_NOTHING;
}

/* Of a source that has keys. An answer that is waited for may be lost. */
static bool may_be_unheard(const struct source *s, enum relief relief)
{
	return relief == RELIEF_ORDER ||
	       (relief == RELIEF_NETWORK && (s->silent > 0 || s->pending.open));
}

/* The keys that it has serve on while new ones are wanted. */
static bool waits_for_keys(const struct source *s, enum relief relief)
{
	if (s->renewal_failed && mends(relief, s->renewal.cause))
		return true;
	return (s->keys_wanted || s->silent > 0) &&
	       mends(relief, s->backoff.cause);
}

enum source_wish source_relieve(
    struct source *s, enum relief relief, struct mono at)
{
	switch (s->stage) {
	case STAGE_START:
		break;
	case STAGE_RESTING:
		if (!mends(relief, s->backoff.cause))
			break;
		begin_anew(s, at);
		s->retry_at = mono_earlier(s->retry_at, at);
		break;
	case STAGE_KEYING:
	case STAGE_UNDATED_KEYING:
		if (mends(relief, s->backoff.cause))
			begin_anew(s, at);
		s->retry_at = mono_after(s->asked_at, RELIEF_KEYING_NS);
		if (s->retry_at.ns < at.ns)
			s->retry_at = at;
		break;
	case STAGE_POLLING:
	case STAGE_REKEYING:
	case STAGE_UNDATED_POLLING:
		if (waits_for_keys(s, relief))
			begin_anew(s, at);
		if (may_be_unheard(s, relief))
			return ask_now(s, at);
		break;
	case SOURCE_STAGE_COUNT:
		break;
	}
	return WISH_NOTHING;
}

static struct mono spread(struct engine *e, enum relief relief, struct mono now)
{
	uint32_t random;

	if (relief == RELIEF_ORDER)
		return now;
	e->ports.random(e->ports.self, &random, sizeof(random));
	return mono_after(now, (int64_t)(random % (uint32_t)NS_PER_S));
}

/* Who has missed nothing may lie behind another path now. One request out of
 * turn tells what that is worth; the next one waits until this one is made up
 * for, however often routes change. */
static void try_new_path(struct engine *e, unsigned i, struct mono at)
{
	struct source *s = &e->sources[i];

	if (!e->ports.rerouted || s->address_count == 0 ||
	    !e->ports.rerouted(e->ports.self, i, source_address(s)))
		return;
	if (s->pace.debt_ns == 0 && !s->pace.spared && at.ns < s->poll_at.ns)
		source_hurry(s, at);
}

unsigned relieve(
    struct engine *e, enum relief relief, const char *name, struct moment now)
{
	unsigned count = 0;

	for (unsigned i = 0; i < e->source_count; i++) {
		struct source *s = &e->sources[i];
		struct mono at;

		if (s->offline || (name && strcmp(name, s->config->name) != 0))
			continue;
		count++;
		at = spread(e, relief, now.mono);
		if (source_relieve(s, relief, at) == WISH_CLOSE)
			e->ports.close(e->ports.self, i);
		if (relief == RELIEF_NETWORK)
			try_new_path(e, i, at);
	}
	return count;
}
