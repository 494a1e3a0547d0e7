#include "agent/query/observer.h"

#include "agent/engine/report.h"
#include "agent/engine/saving.h"
#include "agent/history/events.h"
#include "agent/history/rings.h"
#include "agent/query/status.h"
#include "agent/source/keys.h"
#include "agent/source/samples.h"
#include "agent/source/source.h"
#include "clock/command.h"
#include "resolver/certificate/certificate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STARTING_NS (60 * NS_PER_S)
#define NO_MORE_EVENTS "; it comes and goes: no more events until it is steady"

/* One look: the engine, the time, and what the steering says. */
struct look {
	struct observer *o;
	struct history_file *f;
	const struct engine *e;
	struct clock_reading now;
	struct tracking clock;
};

#define ADD(l, kind, source, ...)                                              \
	history_add_event((l)->f, (l)->now.wall.ns, kind, source, __VA_ARGS__)

static bool is_configured(const void *self, const char *name)
{
	const struct engine *e = self;

	return config_find_source(e->config, name) != NULL;
}

/* Sources. */

static void watch_source(struct observer *o, struct observed_source *s,
    const struct engine *e, unsigned i)
{
	const struct source *of = &e->sources[i];

	*s = (struct observed_source){
	    .stage = STAGE_START,
	    .exchanges = of->count.exchanges,
	    .crashes = of->count.crashes,
	    .naks = of->count.naks,
	    .good = of->count.good,
	};
	snprintf(s->name, sizeof(s->name), "%s", of->config->name);
	s->place = history_place(o->file, s->name, is_configured, e);
	if (s->place >= 0 || o->told_full)
		return;
	o->told_full = true;
	log_notice("the history has places for %u sources: %s has one after a "
		   "restart of the agent",
	    o->file->head.sources, s->name);
}

static void watch_all(struct observer *o, const struct engine *e)
{
	struct observed_source *old =
	    malloc(sizeof(o->sources)); /* not on the stack */
	unsigned old_count = o->count;

	if (old)
		memcpy(old, o->sources, sizeof(o->sources));
	o->config = e->config;
	o->count = e->source_count;
	for (unsigned i = 0; i < e->source_count; i++) {
		const char *name = e->sources[i].config->name;
		unsigned k = 0;

		while (old && k < old_count && strcmp(old[k].name, name) != 0)
			k++;
		if (old && k < old_count)
			o->sources[i] = old[k];
		else
			watch_source(o, &o->sources[i], e, i);
	}
	free(old);
}

static const char *end_of(enum log_budget_answer answer)
{
	return answer == BUDGET_LAST_LINE ? NO_MORE_EVENTS : "";
}

/* A key exchange that is repeated without success is one rest. */
static void look_at_stage(
    const struct look *l, struct observed_source *s, const struct source *of)
{
	enum source_stage before = s->stage;

	if (source_exchanging(of) || of->stage == before || s->troubles.muted)
		return;
	s->stage = of->stage;
	ADD(l, HISTORY_STAGE_CHANGED, s->name, "%s after %s: %s",
	    source_stage_name(of->stage), source_stage_name(before),
	    source_stage_text(of->stage));
}

static void look_at_keys(
    const struct look *l, struct observed_source *s, const struct source *of)
{
	char at[ENDPOINT_TEXT_MAX], until[CERTIFICATE_DATE_MAX];

	if (of->count.naks > s->naks)
		ADD(l, HISTORY_NAK, s->name,
		    "the server cannot decrypt the cookies any more (NTS NAK)");
	s->naks = of->count.naks;
	if (of->count.exchanges > s->exchanges) {
		certificate_date(of->facts.not_after, until);
		ADD(l, HISTORY_KEYS, s->name,
		    "new keys from %s: %s, certificate \"%s\", its chain valid "
		    "until %s",
		    endpoint_text(&of->facts.peer, true, at), of->facts.tls,
		    of->facts.subject, until);
	}
	s->exchanges = of->count.exchanges;
}

/* Of a pool: its server may be another one now. */
static void look_at_address(
    const struct look *l, struct observed_source *s, const struct source *of)
{
	char is[ENDPOINT_TEXT_MAX], was[ENDPOINT_TEXT_MAX];

	if (of->config->member == 0 || of->address_count == 0)
		return;
	if (s->address.family != 0 &&
	    !endpoint_same_host(&s->address, source_address(of)))
		ADD(l, HISTORY_REPLACED, s->name, "%s takes the place of %s",
		    endpoint_text(source_address(of), false, is),
		    endpoint_text(&s->address, false, was));
	s->address = *source_address(of);
}

static enum history_event_kind kind_of_trouble(const struct source *of)
{
	const char *keys = of->troubles[TROUBLE_KEYS].failure;

	return keys && strcmp(of->failure, keys) == 0 ? HISTORY_KEYS_FAILED
						      : HISTORY_TROUBLE;
}

static void look_at_trouble(
    const struct look *l, struct observed_source *s, const struct source *of)
{
	bool crashed = of->count.crashes > s->crashes;
	enum log_budget_answer answer;

	s->crashes = of->count.crashes;
	if (of->failure && of->failure[0]) {
		answer = log_budget_trouble(
		    &s->troubles, of->reason, of->heard_at, l->now.mono);
		s->in_trouble |= answer != BUDGET_NONE;
		/* Each crash is an alarm. */
		if (crashed)
			ADD(l, HISTORY_CRASH, s->name, "%s", of->reason);
		else if (answer != BUDGET_NONE)
			ADD(l, kind_of_trouble(of), s->name, "%s: %s%s",
			    of->failure, of->reason, end_of(answer));
	} else if (s->in_trouble || s->troubles.muted) {
		s->in_trouble = false;
		answer = log_budget_well(&s->troubles, l->now.mono);
		if (answer != BUDGET_NONE)
			ADD(l, HISTORY_WELL, s->name, "the trouble is over%s",
			    end_of(answer));
	}
}

static void look_at_vote(
    const struct look *l, struct observed_source *s, unsigned i)
{
	enum select_state state = steering_source_state(l->e->steering, i);
	enum log_budget_answer answer;

	if (state == SELECT_FALSETICKER) {
		s->outvoted = true;
		answer =
		    source_vote_lost(&l->e->sources[i], &s->votes, l->now.mono);
		if (answer != BUDGET_NONE)
			ADD(l, HISTORY_OUTVOTED, s->name,
			    "its time differs from that of the majority of "
			    "the sources%s",
			    end_of(answer));
	} else if (engine_source_agrees(state) &&
		   (s->outvoted || s->votes.muted)) {
		s->outvoted = false;
		answer = log_budget_well(&s->votes, l->now.mono);
		if (answer != BUDGET_NONE)
			ADD(l, HISTORY_AGREES, s->name,
			    "agrees with the majority of the sources again%s",
			    end_of(answer));
	}
}

static void put_cell(
    const struct look *l, struct observed_source *s, unsigned i, bool fresh)
{
	const struct source *of = &l->e->sources[i];
	bool sample = of->count.good > s->good, good = (of->reach & 3) != 0;
	double values[HISTORY_SOURCE_VALUES];
	struct source_view v;

	s->good = of->count.good;
	if (s->place < 0 || (!sample && !fresh))
		return;
	if (!sample) {
		history_put_source(l->f, s->place, of->stage, good, NULL);
		return;
	}
	steering_source_view(
	    l->e->steering, i, &l->e->timescale, l->now.wall, &v);
	/* As it was measured, before all corrections. The steering counts a
	 * clock that is slow as positive. */
	values[HISTORY_SOURCE_OFFSET] =
	    v.have_sample ? -(double)v.last_measured_ns : NAN;
	values[HISTORY_SOURCE_DELAY] = (double)of->delay_ns;
	history_put_source(l->f, s->place, of->stage, good, values);
}

/* The clock. */

/* A bound with six decimals is rounded up. */
#define ROUND_UP_NS 500

static void look_at_state(const struct look *l)
{
	const struct tracking *t = &l->clock;

	if (t->synchronised && !l->o->synchronised)
		ADD(l, HISTORY_SYNC, "",
		    "the clock is %.6f s %s, at most %.6f s wrong",
		    fabs(s_of_ns(t->offset_ns)),
		    t->offset_ns < 0 ? "fast" : "slow",
		    s_of_ns(status_bound_ns(t) + ROUND_UP_NS));
	else if (!t->synchronised && l->o->synchronised)
		ADD(l, HISTORY_LOST, "", "not synchronised any more%s%s",
		    t->reason[0] ? ": " : "", t->reason);
	l->o->synchronised = t->synchronised;
}

static bool rests(const struct look *l, struct mono since)
{
	return since.ns != 0 &&
	       !mono_due(mono_after(since, OBSERVER_REST_NS), l->now.mono);
}

static void look_at_selection(const struct look *l)
{
	struct observer *o = l->o;
	int i = l->clock.selected;
	const char *name = i >= 0 ? l->e->config->sources[i].name : "";

	if (strcmp(name, o->selected) == 0 || rests(l, o->selected_at))
		return;
	/* The first source of a run says nothing of the one before. */
	if (name[0])
		ADD(l, HISTORY_SELECTED, name, "the best source%s%s",
		    o->selected[0] ? ", in the place of " : "", o->selected);
	else
		ADD(l, HISTORY_SELECTED, "", "no source is selected%s%s",
		    l->clock.reason[0] ? ": " : "", l->clock.reason);
	snprintf(o->selected, sizeof(o->selected), "%s", name);
	o->selected_at = l->now.mono;
}

static void look_at_steps(const struct look *l)
{
	struct observer *o = l->o;
	int64_t step_ns = l->e->order.last_step_ns;

	if (l->e->order.steps == o->steps)
		return;
	o->steps = l->e->order.steps;
	ADD(l, HISTORY_STEP, "", "the clock was stepped %s by %.6f s",
	    step_ns > 0 ? "forward" : "back", fabs(s_of_ns(step_ns)));
}

/* At the start no source has answered yet. */
static bool is_starting(const struct look *l)
{
	return !l->e->ever_synchronised &&
	       l->now.mono.ns - l->e->started.mono.ns < STARTING_NS;
}

/* It may have a number that changes with each sample. */
static void look_at_reason(const struct look *l)
{
	const char *reason = l->clock.reason;
	char *alarm = l->o->alarm;

	if (log_budget_same(reason, alarm) || (reason[0] && is_starting(l)))
		return;
	if (reason[0])
		ADD(l, HISTORY_ALARM, "", "%s", reason);
	snprintf(alarm, sizeof(l->o->alarm), "%s", reason);
}

static void look_at_alarms(const struct look *l)
{
	struct observer *o = l->o;
	const struct engine *e = l->e;

	look_at_reason(l);
	if (e->order.refused == o->refused || rests(l, o->refused_at))
		return;
	ADD(l, HISTORY_REFUSED, "",
	    "the keeper refused a command, %u of them so far: %s",
	    (unsigned)e->order.refused,
	    keeper_verdict_text((enum keeper_verdict)e->order.last_verdict));
	o->refused = e->order.refused;
	o->refused_at = l->now.mono;
}

static void look_at_world(const struct look *l)
{
	struct observer *o = l->o;
	const struct engine *e = l->e;

	/* The budget of the lines bounds the events, too. */
	if (e->disturbed.said_at.ns != o->disturbed_at.ns)
		ADD(l, HISTORY_DISTURBED, "", "%s%s", e->disturbed.text,
		    e->disturbed.last_line
			? "; it happens again and again: no more events until "
			  "it has not happened for an hour"
			: "");
	o->disturbed_at = e->disturbed.said_at;
	if (e->leap.armed != o->leap_armed)
		ADD(l, HISTORY_LEAP, "", "%s",
		    e->leap.armed == LEAP_INSERT
			? "a leap second is to be inserted"
		    : e->leap.armed == LEAP_DELETE
			? "a leap second is to be deleted"
			: "no leap second is due any more");
	o->leap_armed = e->leap.armed;
	if (e->leap.executed && !o->leap_executed)
		ADD(l, HISTORY_LEAP, "", "the leap second has passed");
	o->leap_executed = e->leap.executed;
}

static void look_at_saving(const struct look *l)
{
	for (unsigned k = 0; k < UNSAVED_KINDS; k++) {
		const char *text = l->e->unsaved[k].text;
		bool is = text[0] != '\0';

		if (is == l->o->unsaved[k])
			continue;
		l->o->unsaved[k] = is;
		if (is)
			ADD(l, HISTORY_TROUBLE, "", "%s", text);
		else
			ADD(l, HISTORY_WELL, "", "%s can be saved again",
			    engine_unsaved_name((enum unsaved_kind)k));
	}
}

static void put_clock(const struct look *l)
{
	const struct tracking *t = &l->clock;
	/* From the first sample on, the frequency has a skew. */
	bool known = t->skew_ppm > 0;
	const double values[HISTORY_CLOCK_VALUES] = {
	    [HISTORY_CLOCK_OFFSET] = known ? -(double)t->offset_ns : NAN,
	    [HISTORY_CLOCK_BOUND] =
		known && t->selected >= 0 ? (double)status_bound_ns(t) : NAN,
	    [HISTORY_CLOCK_ERROR] = known ? (double)t->est_error_ns : NAN,
	    /* What the correction is, and what it lacks. */
	    [HISTORY_CLOCK_FREQUENCY] =
		known ? -(t->freq_ppm + t->residual_ppm) : NAN,
	};

	history_put_clock(l->f, t->synchronised, values);
}

/* Files of sources.d that are not used. */
static const char *left_out_text(const struct config *c, char out[static 64])
{
	unsigned n = c->unused_file_count;

	out[0] = '\0';
	if (n > 0)
		snprintf(out, 64, "; %u file%s of sources.d %s not used", n,
		    n == 1 ? "" : "s", n == 1 ? "is" : "are");
	return out;
}

void observer_start(
    struct observer *o, struct history_file *file, const struct engine *e)
{
	const struct clock_reading now = e->now;
	char left_out[64];

	*o = (struct observer){
	    .file = file,
	    .steps = e->order.steps,
	    .refused = e->order.refused,
	    .leap_armed = e->leap.armed,
	};
	if (!file)
		return;
	for (unsigned i = 0; i < SOURCE_STAGE_COUNT; i++)
		snprintf(file->head.stages[i], HISTORY_STAGE_NAME_MAX, "%s",
		    source_stage_name((enum source_stage)i));
	history_begin(file);
	watch_all(o, e);
	history_add_event(file, now.wall.ns, HISTORY_START, "",
	    "ntsagentd " NTSAGENT_VERSION " started with %u source%s%s",
	    e->source_count, e->source_count == 1 ? "" : "s",
	    left_out_text(e->config, left_out));
	history_end(file);
}

static void look_at_sources(const struct look *l, bool fresh)
{
	for (unsigned i = 0; i < l->o->count; i++) {
		struct observed_source *s = &l->o->sources[i];
		const struct source *of = &l->e->sources[i];

		look_at_keys(l, s, of);
		look_at_address(l, s, of);
		look_at_stage(l, s, of);
		look_at_trouble(l, s, of);
		look_at_vote(l, s, i);
		put_cell(l, s, i, fresh);
	}
}

void observer_look(struct observer *o, const struct engine *e, uint64_t cell,
    struct clock_reading now)
{
	struct look l = {.o = o, .f = o->file, .e = e, .now = now};
	char left_out[64];
	bool fresh;

	if (!o->file)
		return;
	engine_tracking(e, now, &l.clock);
	history_begin(l.f);
	history_advance(l.f, cell);
	fresh = l.f->clock.marks.fine[l.f->head.cell % HISTORY_FINE] == 0;
	l.f->head.written_ns = now.wall.ns;
	if (e->config != o->config) {
		watch_all(o, e);
		ADD(&l, HISTORY_RELOAD, "",
		    "the configuration was read again: %u source%s%s",
		    e->source_count, e->source_count == 1 ? "" : "s",
		    left_out_text(e->config, left_out));
	}
	look_at_world(&l);
	look_at_saving(&l);
	look_at_steps(&l);
	look_at_sources(&l, fresh);
	look_at_selection(&l);
	look_at_state(&l);
	look_at_alarms(&l);
	put_clock(&l);
	history_end(l.f);
}

void observer_end(struct observer *o, struct clock_reading now)
{
	if (!o->file)
		return;
	history_begin(o->file);
	history_add_event(
	    o->file, now.wall.ns, HISTORY_END, "", "ntsagentd ends");
	o->file->head.written_ns = now.wall.ns;
	history_end(o->file);
}
