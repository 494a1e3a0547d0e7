#include "agent/engine/saving.h"

#include "agent/source/cookie_reserve.h"

#include <string.h>

/* A write may take long, and a stamp in user space would be late by that. */
static bool quiet(const struct engine *e)
{
	for (unsigned i = 0; i < e->source_count; i++)
		if (e->sources[i].pending.open)
			return false;
	return true;
}

static void hand_over(struct engine *e, unsigned slot)
{
	e->ports.save_keys(e->ports.self, slot, &e->saved);
	explicit_bzero(&e->saved, sizeof(e->saved));
}

/* While a command is under way, the ledger does not know the clock: samples
 * that were saved now could not be carried over. */
static void save_samples(struct engine *e)
{
	e->save_samples_at = mono_after(e->now.mono, SAMPLES_EVERY_NS);
	if (e->ports.save_samples && !e->order.pending)
		e->ports.save_samples(e->ports.self);
}

void engine_saving_turn(struct engine *e)
{
	if (!e->ports.save_keys || !quiet(e))
		return;
	if (mono_due(e->save_samples_at, e->now.mono) && !e->order.pending) {
		save_samples(e);
		return;
	}
	for (unsigned i = 0; i < e->source_count; i++) {
		struct source *s = &e->sources[i];

		if (!cookie_reserve_due(s, e->now.mono))
			continue;
		cookie_reserve_make(s, &e->now, &e->saved);
		hand_over(e, i);
		return;
	}
}

void engine_saving_end(struct engine *e)
{
	for (unsigned i = 0; e->ports.save_keys && i < e->source_count; i++)
		if (cookie_reserve_all(&e->sources[i], &e->now, &e->saved))
			hand_over(e, i);
	save_samples(e);
}

void engine_saving_drop(struct engine *e, unsigned slot)
{
	if (cookie_reserve_drop(&e->sources[slot]) && e->ports.save_keys)
		e->ports.save_keys(e->ports.self, slot, NULL);
}
