#include "agent/keeper/watchdog.h"

/* With three questions, a hang is found after half of the time, or two thirds
 * if it begins right after an answer. The rest is for an orderly end. */
#define PERIODS 6

struct watchdog watchdog_of(int64_t timeout_ns, struct mono now)
{
	return (struct watchdog){
	    .period_ns = timeout_ns / PERIODS,
	    .next = now,
	};
}

enum watchdog_act watchdog_tick(struct watchdog *w, struct mono now)
{
	if (!mono_due(watchdog_deadline(w), now))
		return WATCHDOG_WAIT;
	if (w->unanswered == WATCHDOG_UNANSWERED_MAX)
		return WATCHDOG_HANGS;
	w->next = mono_after(now, w->period_ns);
	w->unanswered++;
	/* 0 is no serial. */
	if (++w->serial == 0)
		w->serial = 1;
	return WATCHDOG_ASK;
}

struct mono watchdog_deadline(const struct watchdog *w)
{
	return w->period_ns > 0 ? w->next : MONO_NEVER;
}

bool watchdog_heard(struct watchdog *w, uint32_t serial)
{
	if (w->serial - serial >= w->unanswered)
		return false;
	w->unanswered = 0;
	return true;
}

int64_t watchdog_patience_ns(const struct watchdog *w)
{
	return WATCHDOG_UNANSWERED_MAX * w->period_ns;
}
