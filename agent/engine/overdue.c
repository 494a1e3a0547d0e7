#include "agent/engine/overdue.h"

#include "base/log.h"

#include <stdio.h>

static struct mono overdue_at(const struct engine *e, const struct source *s)
{
	if (s->stage != STAGE_KEYING && s->stage != STAGE_REKEYING &&
	    s->stage != STAGE_UNDATED_KEYING)
		return MONO_NEVER;
	return mono_after(s->asked_at,
	    e->config->ke_timeout_ms * NS_PER_MS + TIMEOUT_MARGIN_NS);
}

struct mono overdue_deadline(const struct engine *e)
{
	struct mono next = MONO_NEVER;

	for (unsigned i = 0; i < e->source_count; i++)
		next = mono_earlier(next, overdue_at(e, &e->sources[i]));
	return next;
}

/* In the resolver's place; should its answer come after all, it is late. */
static void fail(struct engine *e, unsigned i, struct clock_reading now)
{
	struct ke_answer a = {
	    .source = i,
	    .serial = e->sources[i].serial,
	    .stage = KE_STAGE_START,
	};

	snprintf(a.text, sizeof(a.text),
	    "the resolver process does not answer: it is stopped or hangs; "
	    "should that go on, the agent ends by itself");
	engine_on_keys(e, &a, now);
}

/* What several sources wait for at about the same time counts once. */
static void count(struct engine *e, unsigned strikes, struct mono now)
{
	e->resolver_strikes = strikes;
	if (strikes > 0 && !mono_due(e->strike_after, now))
		return;
	e->resolver_strikes++;
	e->strike_after = mono_after(now, e->config->ke_timeout_ms * NS_PER_MS);
	if (e->resolver_strikes < TIMEOUT_STRIKES)
		return;
	log_error("the resolver does not answer any more: ending");
	e->end = ENGINE_STUCK;
}

void overdue_turn(struct engine *e, struct clock_reading now)
{
	/* What an answer of the resolver's own resets. */
	unsigned strikes = e->resolver_strikes;
	bool any = false;

	for (unsigned i = 0; i < e->source_count; i++) {
		if (!mono_due(overdue_at(e, &e->sources[i]), now.mono))
			continue;
		any = true;
		fail(e, i, now);
	}
	if (any)
		count(e, strikes, now.mono);
}
