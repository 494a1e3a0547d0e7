#include "agent/engine/report.h"

#include "agent/engine/leap_second.h"

#include <math.h>

/* From a report to the end of the turn of the loop that led to it. */
#define MOMENT_NS NS_PER_MS
/* A bound with six decimals is rounded up. */
#define ROUND_UP_NS 500

static const char *end_of_state(enum log_budget_answer answer)
{
	return answer == BUDGET_LAST_LINE
		   ? "; it changes often: no more lines until it is steady"
		   : "";
}

static void report_synchronised(
    struct engine *e, const struct tracking *t, enum log_budget_answer answer)
{
	int64_t bound_ns = t->root_delay_ns / 2 + t->root_dispersion_ns;

	engine_say(e, LOG_LEVEL_NOTICE,
	    "%s: the clock %s %.6f s %s, known to %.6f s%s",
	    e->options->no_clock ? "measured" : "synchronised",
	    e->order.slewing ? "is being slewed, it was" : "is",
	    fabs(s_of_ns(t->offset_ns)), t->offset_ns < 0 ? "fast" : "slow",
	    s_of_ns(bound_ns + ROUND_UP_NS), end_of_state(answer));
}

/* Which of two equal sources is selected needs no line; that one is, does,
 * unless this happens often. */
static void report_selected(struct engine *e, const struct tracking *t)
{
	bool quiet = e->last_selected >= 0 || e->unsteered.budget.muted;

	if (t->selected != e->last_selected && t->selected >= 0)
		engine_say(e, quiet ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
		    "selected source %s", e->config->sources[t->selected].name);
	e->last_selected = t->selected;
}

static enum log_budget_answer end_trouble(
    struct engine *e, struct clock_trouble *c)
{
	c->well_at = e->now.mono;
	return log_budget_well(&c->budget, e->now.mono);
}

/* The line about synchronisation says the rest. */
static void report_end(
    struct engine *e, struct clock_trouble *c, const char *words)
{
	enum log_budget_answer answer = end_trouble(e, c);

	if (answer == BUDGET_LAST_LINE || answer == BUDGET_STEADY)
		engine_say(
		    e, LOG_LEVEL_NOTICE, "%s%s", words, end_of_state(answer));
}

/* The words may have a number that changes with each sample. */
static void report_trouble(struct engine *e, struct clock_trouble *c,
    const char *before, const char *words)
{
	enum log_budget_answer answer =
	    log_budget_trouble(&c->budget, words, c->well_at, e->now.mono);

	if (answer != BUDGET_NONE)
		engine_say(e, LOG_LEVEL_WARNING, "%s%s%s", before, words,
		    end_of_state(answer));
}

/* A clock that needs more than is allowed is steered. That may last for its
 * whole life, and must not hide what comes and goes. */
static void report_reason(struct engine *e, const struct tracking *t)
{
	if (t->reason[0] && !t->beyond) {
		report_trouble(
		    e, &e->unsteered, "clock not steered: ", t->reason);
		return;
	}
	report_end(e, &e->unsteered,
	    "nothing keeps the clock from being steered any more");
	if (t->beyond)
		report_trouble(e, &e->limited, "", t->reason);
	else
		report_end(e, &e->limited,
		    "the clock is corrected as far as it needs again");
}

/* Each report counts, and not only a change: a loss that lasts gets its line
 * although the clock was lost and found too often before. */
static void report_synchrony(struct engine *e, const struct tracking *t)
{
	enum log_budget_answer answer;

	if (t->synchronised) {
		answer = end_trouble(e, &e->unsynchronised);
		if (!e->ever_synchronised || answer != BUDGET_NONE)
			report_synchronised(e, t, answer);
	} else if (e->ever_synchronised) {
		report_trouble(
		    e, &e->unsynchronised, "", "not synchronised any more");
	}
}

/* True: synchronised for the first time. */
static bool report_state(struct engine *e, const struct tracking *t)
{
	bool first = t->synchronised && !e->ever_synchronised;

	report_selected(e, t);
	report_reason(e, t);
	report_synchrony(e, t);
	e->last_synchronised = t->synchronised;
	e->ever_synchronised |= t->synchronised;
	return first;
}

bool engine_source_agrees(enum select_state state)
{
	return state == SELECT_SELECTED || state == SELECT_COMBINED ||
	       state == SELECT_NOT_PREFERRED || state == SELECT_OUTLIER ||
	       state == SELECT_SURPLUS;
}

static const char *end_of_line(enum log_budget_answer answer)
{
	return answer == BUDGET_LAST_LINE
		   ? "; it changes sides: no more lines until it is steady"
		   : "";
}

static void report_outvoted(struct engine *e, unsigned i)
{
	struct source *s = &e->sources[i];
	enum log_budget_answer answer = source_outvoted(s, e->now.mono);
	struct source_view v;
	double apart;

	if (answer == BUDGET_NONE)
		return;
	steering_source_view(e->steering, i, &e->timescale, e->now.wall, &v);
	apart = fabs(s_of_ns(v.last_offset_ns));
	engine_say(e, LOG_LEVEL_WARNING,
	    "%s: its time is %.*f %s %s that of the majority of the sources: "
	    "it is not used until it agrees%s",
	    s->config->name, apart < 1 ? 3 : 6, apart < 1 ? apart * 1e3 : apart,
	    apart < 1 ? "ms" : "s",
	    v.last_offset_ns < 0 ? "behind" : "ahead of", end_of_line(answer));
}

static void report_agreement(struct engine *e, unsigned i)
{
	enum log_budget_answer answer =
	    source_agrees(&e->sources[i], e->now.mono);

	if (answer == BUDGET_NONE)
		return;
	engine_say(e, LOG_LEVEL_NOTICE,
	    "%s: agrees with the majority of the sources again%s",
	    e->sources[i].config->name, end_of_line(answer));
}

/* A server that smears a leap second has a line of its own. */
static bool outvoted(
    const struct engine *e, unsigned i, enum select_state state)
{
	return state == SELECT_FALSETICKER && !engine_leap_reason(e, i);
}

static void report_votes(struct engine *e)
{
	for (unsigned i = 0; i < e->source_count; i++) {
		enum select_state state = steering_source_state(e->steering, i);

		if (outvoted(e, i, state))
			report_outvoted(e, i);
		else if (engine_source_agrees(state))
			report_agreement(e, i);
	}
}

void engine_report_surplus(struct engine *e)
{
	unsigned selectable = 0;

	for (unsigned i = 0; i < e->source_count; i++)
		selectable += !e->config->sources[i].options.noselect;
	if (selectable > SELECT_COMBINED_MAX)
		engine_say(e, LOG_LEVEL_NOTICE,
		    "%u sources may be selected: all of them vote, and the "
		    "time comes from the %u nearest ones that agree",
		    selectable, SELECT_COMBINED_MAX);
}

/* Each update of the clock is a line of tracking.log. */
static void log_tracking(struct engine *e, const struct tracking *t)
{
	double bound = s_of_ns(t->root_delay_ns / 2 + t->root_dispersion_ns);
	struct log_record r;

	if (!e->ports.log || !log_wanted(e->config, LOG_TRACKING) ||
	    t->updates == e->logged_updates || !t->synchronised ||
	    t->selected < 0)
		return;
	e->logged_updates = t->updates;
	r = (struct log_record){
	    .at_ns = e->now.wall.ns,
	    .kind = LOG_TRACKING,
	    .leap = (uint8_t)t->leap,
	    .stratum = t->stratum,
	    .address = *source_address(&e->sources[t->selected]),
	};
	r.tracking = (struct log_tracking){
	    /* Never -0. */
	    .freq_ppm = 0.0 - t->freq_ppm,
	    .skew_ppm = t->skew_ppm,
	    .offset = s_of_ns(-t->last_offset_ns),
	    .offset_sd = s_of_ns(t->est_error_ns),
	    .root_delay = s_of_ns(t->root_delay_ns),
	    .root_dispersion = s_of_ns(t->root_dispersion_ns),
	    .max_error = fabs(s_of_ns(t->last_offset_ns)) + bound,
	    .combined = t->combined,
	};
	(void)e->ports.log(e->ports.self, &r);
}

void engine_tracking(
    const struct engine *e, struct clock_reading now, struct tracking *out)
{
	int64_t ago_ns = now.mono.ns - e->tracked_at.ns;

	if (e->tracked_at.ns != 0 && ago_ns >= 0 && ago_ns <= MOMENT_NS)
		*out = e->tracked;
	else
		steering_tracking(e->steering, &e->timescale, now.wall, out);
}

bool engine_report_tracking(struct engine *e)
{
	struct tracking *t = &e->tracked;
	bool first;

	steering_tracking(e->steering, &e->timescale, e->now.wall, t);
	e->tracked_at = e->now.mono;
	log_tracking(e, t);
	first = report_state(e, t);
	engine_leap_look(e);
	report_votes(e);
	return first;
}
