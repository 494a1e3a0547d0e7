#include "agent/engine/report.h"

#include "agent/engine/leap_second.h"
#include "base/log.h"

#include <math.h>

#define NOTHING_MORE                                                           \
	"; it changes sides: nothing more is said until it is steady"

static void say_outvoted(
    struct source *s, const struct source_view *v, struct mono now)
{
	double apart = fabs(s_of_ns(v->last_offset_ns));
	/* The same news, whether it is ahead or behind. */
	enum log_budget_answer verdict =
	    log_budget_trouble(&s->votes, "outvoted", s->heard_at, now);

	if (verdict == BUDGET_NONE)
		return;
	log_warning("%s: its time is %.*f %s %s that of the majority of the "
		    "sources: it is not used until it agrees%s",
	    s->config->name, apart < 1 ? 3 : 6, apart < 1 ? apart * 1e3 : apart,
	    apart < 1 ? "ms" : "s",
	    v->last_offset_ns < 0 ? "behind" : "ahead of",
	    verdict == BUDGET_LAST_LINE ? NOTHING_MORE : "");
}

static void say_agrees(struct source *s, struct mono now)
{
	if (log_budget_well(&s->votes, now) != BUDGET_NONE)
		log_notice("%s: agrees with the majority of the sources again",
		    s->config->name);
}

/* Not of a source without a verdict. */
static bool agrees(enum select_state state)
{
	return state == SELECT_SELECTED || state == SELECT_COMBINED ||
	       state == SELECT_NOT_PREFERRED || state == SELECT_OUTLIER ||
	       state == SELECT_TOO_VARIABLE;
}

/* A server that smears a leap second has a line of its own. */
static bool outvoted(
    const struct engine *e, unsigned i, const struct source_view *v)
{
	return v->state == SELECT_FALSETICKER && !engine_leap_reason(e, i);
}

void engine_report_votes(struct engine *e)
{
	for (unsigned i = 0; i < e->source_count; i++) {
		struct source *s = &e->sources[i];
		struct source_view v;

		steering_source_view(
		    e->steering, i, &e->timescale, e->now.wall, &v);
		if (outvoted(e, i, &v))
			say_outvoted(s, &v, e->now.mono);
		else if (agrees(v.state))
			say_agrees(s, e->now.mono);
	}
}
