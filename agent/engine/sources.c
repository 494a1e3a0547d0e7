#include "agent/engine/sources.h"

#include <string.h>

static struct mono spread(
    struct engine *e, enum early_retry retry, struct mono now)
{
	uint32_t random;

	if (retry == RETRY_ORDER)
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
	if (s->pace.debt_ns == 0 && !s->pace.rate_limited &&
	    at.ns < s->poll_at.ns)
		source_hurry(s, at);
}

unsigned engine_retry_early(struct engine *e, enum early_retry retry,
    const char *name, struct clock_reading now)
{
	unsigned count = 0;

	for (unsigned i = 0; i < e->source_count; i++) {
		struct source *s = &e->sources[i];
		struct mono at;

		if (s->offline || (name && strcmp(name, s->config->name) != 0))
			continue;
		count++;
		at = spread(e, retry, now.mono);
		if (source_retry_early(s, retry, at) == ACTION_CLOSE)
			e->ports.close(e->ports.self, i);
		if (retry == RETRY_NETWORK)
			try_new_path(e, i, at);
	}
	return count;
}

void engine_take_offline(struct engine *e, unsigned i)
{
	if (e->sources[i].offline)
		return;
	source_go_offline(&e->sources[i]);
	e->ports.close(e->ports.self, i);
	steering_set_reach(e->steering, i, 0);
}
