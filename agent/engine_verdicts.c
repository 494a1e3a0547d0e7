#include "agent/engine_verdicts.h"

#include "agent/engine_leap.h"
#include "base/log.h"

#include <math.h>
#include <stdio.h>

#define NOTHING_MORE                                                           \
	"; it changes sides: nothing more is said until it is steady"

static void say_outvoted(
    struct source *s, const struct source_view *v, struct mono now)
{
	char text[SOURCE_TEXT_MAX];
	enum news_verdict verdict;

	snprintf(text, sizeof(text),
	    "its time is %.6f s %s that of the majority of the sources: it is "
	    "not used until it agrees",
	    fabs(s_of_ns(v->last_offset_ns)),
	    v->last_offset_ns < 0 ? "behind" : "ahead of");
	verdict = news_trouble(&s->votes, text, s->heard_at, now);
	if (verdict != NEWS_NONE)
		log_warning("%s: %s%s", s->config->name, text,
		    verdict == NEWS_LAST_LINE ? NOTHING_MORE : "");
}

static void say_agrees(struct source *s, struct mono now)
{
	if (news_well(&s->votes, now) != NEWS_NONE)
		log_notice("%s: agrees with the majority of the sources again",
		    s->config->name);
}

/* Not of a source without a verdict. */
static bool agrees(enum source_state state)
{
	return state == SOURCE_SELECTED || state == SOURCE_COMBINED ||
	       state == SOURCE_NOT_PREFERRED || state == SOURCE_OUTLIER ||
	       state == SOURCE_TOO_VARIABLE;
}

/* A server that smears a leap second has a line of its own. */
static bool outvoted(
    const struct engine *e, unsigned i, const struct source_view *v)
{
	return v->state == SOURCE_FALSETICKER && !engine_leap_reason(e, i);
}

void engine_say_verdicts(struct engine *e)
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
