#include "agent/engine/saving.h"

#include "agent/source/cookie_reserve.h"

#include <stdio.h>
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

void engine_saving_found_mark(struct engine *e)
{
	e->crash_marked = true;
	for (unsigned i = 0; i < e->source_count; i++)
		cookie_reserve_suspect(&e->sources[i]);
}

void engine_saving_crashed(struct engine *e)
{
	engine_saving_found_mark(e);
	if (e->ports.save_keys && e->ports.mark_crash)
		e->ports.mark_crash(e->ports.self, true);
}

/* Have new keys replaced all those from before the crash? */
static bool all_clean(const struct engine *e)
{
	bool some = false;

	for (unsigned i = 0; i < e->source_count; i++) {
		const struct source *s = &e->sources[i];

		if (cookie_reserve_is_suspect(s))
			return false;
		some |= s->clean_exchange > 0 &&
			s->count.exchanges >= s->clean_exchange;
	}
	return some;
}

static void clear_mark(struct engine *e)
{
	if (!e->crash_marked || !all_clean(e))
		return;
	e->crash_marked = false;
	if (!e->ports.mark_crash)
		return;
	e->ports.mark_crash(e->ports.self, false);
	engine_say(e, LOG_LEVEL_INFO,
	    "new keys have replaced all keys from before the crash of a job: "
	    "saved keys are used again at the next start");
}

void engine_saving_turn(struct engine *e)
{
	if (!e->ports.save_keys || !quiet(e))
		return;
	clear_mark(e);
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

/* A reserve is never due before its first write. */
bool engine_saving_soon(struct engine *e)
{
	struct mono soonest = mono_after(e->started.mono, SAMPLES_SOONEST_NS);

	e->save_samples_at =
	    mono_due(soonest, e->now.mono) ? e->now.mono : soonest;
	if (e->unsaved[UNSAVED_CLOCK].text[0])
		e->save_at = e->now.mono;
	for (unsigned i = 0; i < e->source_count; i++)
		if (e->unsaved[UNSAVED_KEYS].text[0])
			cookie_reserve_renew(&e->sources[i], e->now.mono);
	return e->ports.save_keys && e->ports.save_samples;
}

void engine_saving_replaces(struct engine *e, struct mono now)
{
	e->save_samples_at = mono_earlier(
	    e->save_samples_at, mono_after(now, SAMPLES_SOONEST_NS));
}

static const char next_try[] =
    "; the next try is within an hour, or now: sudo ntsctl dump";

#define SEE_CHECK "; see: sudo ntsagentd --check-config"

static const struct {
	const char *what, *loss, *next;
} kinds[UNSAVED_KINDS] = {
    [UNSAVED_FOLDER] = {"all", "keys and samples do not survive a restart",
	"; when this is corrected, restart the agent"},
    [UNSAVED_KEYS] = {"the keys", "keys do not survive a restart", next_try},
    [UNSAVED_SAMPLES] = {"the samples",
	"after a restart the agent measures from the beginning", next_try},
    [UNSAVED_HISTORY] = {"the history", "after a restart the history has a gap",
	next_try},
    [UNSAVED_CLOCK] = {"the drift", "the next start has an older drift",
	next_try},
    [UNSAVED_LOGS] = {"the files of measurements",
	"lines of the files of measurements are lost", SEE_CHECK},
};

const char *engine_unsaved_name(enum unsaved_kind kind)
{
	return kinds[kind].what;
}

void engine_saving_result(
    struct engine *e, enum unsaved_kind kind, const char *trouble)
{
	struct unsaved *u = &e->unsaved[kind];
	bool was = u->text[0] != '\0';
	/* An error of a folder may have said so already. */
	bool twice =
	    strstr(kinds[kind].next, SEE_CHECK) && strstr(trouble, SEE_CHECK);

	u->text[0] = '\0';
	if (trouble[0])
		snprintf(u->text, sizeof(u->text), "%s: %s%s", kinds[kind].loss,
		    trouble, twice ? "" : kinds[kind].next);
	if (was == (trouble[0] != '\0'))
		return;
	e->noticed = true;
	/* The logger says it itself. */
	if (kind == UNSAVED_LOGS)
		return;
	if (was)
		engine_say(e, LOG_LEVEL_NOTICE, "%s can be saved again",
		    kinds[kind].what);
	else
		engine_say(e, LOG_LEVEL_WARNING, "%s", u->text);
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
