#include "agent/query/orders.h"

#include "agent/engine/commands.h"
#include "agent/engine/leap_second.h"
#include "agent/engine/saving.h"
#include "agent/engine/sources.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct order {
	struct engine *e;
	const char *name; /* NULL: all sources */
	struct clock_reading now;
	char *text;
	unsigned good, tries; /* of a burst */
};

/* A burst of more requests would be an attack. */
#define BURST_MAX 64

typedef enum order_outcome order_fn(const struct order *o);

static enum order_outcome done(
    const struct order *o, unsigned count, const char *what)
{
	snprintf(o->text, ORDER_TEXT_MAX, "%u source%s %s", count,
	    count == 1 ? "" : "s", what);
	return ORDER_DONE;
}

static enum order_outcome fail(const struct order *o, const char *why)
{
	snprintf(o->text, ORDER_TEXT_MAX, "%s", why);
	return ORDER_FAILED;
}

static bool is_for(const struct order *o, const struct source *s)
{
	return !o->name || config_source_is(s->config, o->name);
}

static enum order_outcome retry(const struct order *o)
{
	unsigned count = engine_retry_early(o->e, RETRY_ORDER, o->name, o->now);

	if (count == 0)
		return fail(o, "offline until `ntsctl online`");
	return done(o, count, "asked again");
}

static enum order_outcome burst(const struct order *o)
{
	unsigned count = 0;

	for (unsigned i = 0; i < o->e->source_count; i++) {
		struct source *s = &o->e->sources[i];

		count += is_for(o, s) &&
			 source_burst_of(s, o->good, o->tries, o->now.mono);
	}
	if (count == 0)
		return fail(o, "no online source has keys: see `ntsctl "
			       "sources -v`");
	return done(o, count, "asked in a burst");
}

static enum order_outcome offline(const struct order *o)
{
	unsigned count = 0;

	for (unsigned i = 0; i < o->e->source_count; i++) {
		if (!is_for(o, &o->e->sources[i]))
			continue;
		count++;
		engine_take_offline(o->e, i);
	}
	return done(o, count, "offline");
}

static enum order_outcome online(const struct order *o)
{
	unsigned count = 0;

	for (unsigned i = 0; i < o->e->source_count; i++) {
		struct source *s = &o->e->sources[i];

		if (!is_for(o, s))
			continue;
		count++;
		source_go_online(s, o->now.mono);
	}
	return done(o, count, "online");
}

static enum order_outcome refused_step(
    const struct order *o, enum steering_order order, int64_t offset_ns)
{
	if (order == STEERING_ORDER_UNKNOWN)
		return fail(o, "the clock is not synchronised, so the size of "
			       "the step is not known");
	if (order == STEERING_ORDER_REFUSED)
		return fail(o, "the step would be larger than refuse-threshold "
			       "in ntsagent.conf allows");
	snprintf(o->text, ORDER_TEXT_MAX,
	    "no step is needed: the clock is off by %.9f s, less than the "
	    "uncertainty of this offset",
	    fabs(s_of_ns(offset_ns)));
	return ORDER_DONE;
}

static enum order_outcome step(const struct order *o)
{
	struct engine *e = o->e;
	struct clock_command command;
	enum steering_order order;
	int64_t offset_ns;

	if (e->options->no_clock)
		return fail(o, "the agent only measures and leaves the clock "
			       "alone");
	if (e->order.pending)
		return fail(o, "the clock is being adjusted; try again");
	/* A step would make the kernel forget it. */
	if (engine_leap_wait_ns(e, o->now.wall) > 0)
		return fail(o, "a leap second is due; try again a second after "
			       "midnight (UTC)");
	order = steering_step(
	    e->steering, &e->timescale, o->now.wall, &command, &offset_ns);
	if (order != STEERING_ORDER_GIVEN)
		return refused_step(o, order, offset_ns);
	e->now = o->now;
	engine_order_step(e, &command);
	return ORDER_STEPS;
}

/* As when addresses, routes or links have changed. */
static enum order_outcome network(const struct order *o)
{
	unsigned count =
	    engine_retry_early(o->e, RETRY_NETWORK, o->name, o->now);

	return done(o, count, "asked again if the network was their trouble");
}

static enum order_outcome refresh(const struct order *o)
{
	unsigned count = engine_refresh(o->e, o->name, o->now);

	if (count == 0)
		return fail(o, "offline until `ntsctl online`");
	return done(o, count, "looked up again, with new keys");
}

static enum order_outcome reselect(const struct order *o)
{
	steering_reselect(o->e->steering);
	snprintf(o->text, ORDER_TEXT_MAX,
	    "the next answer selects the best source again");
	return ORDER_DONE;
}

/* The clock has not changed: no step is allowed for it, and certificates stay
 * checked. */
static enum order_outcome reset(const struct order *o)
{
	struct engine *e = o->e;
	unsigned count = 0;

	if (e->order.pending)
		return fail(o, "the clock is being adjusted; try again");
	for (unsigned i = 0; i < e->source_count; i++)
		count += source_burst(&e->sources[i], o->now.mono);
	if (count == 0)
		return fail(o, "no online source has keys: all samples are "
			       "kept; see `ntsctl sources -v`");
	for (unsigned i = 0; i < e->source_count; i++)
		steering_forget(e->steering, i);
	engine_saving_replaces(e, o->now.mono);
	snprintf(o->text, ORDER_TEXT_MAX,
	    "all samples are dropped, and %u source%s measured again: see "
	    "`ntsctl waitsync`",
	    count, count == 1 ? " is" : "s are");
	return ORDER_DONE;
}

static enum order_outcome dump(const struct order *o)
{
	o->e->now = o->now;
	if (!engine_saving_soon(o->e))
		return fail(o, "this agent saves nothing");
	snprintf(o->text, ORDER_TEXT_MAX,
	    "samples %s; keys and cookies are saved without an order",
	    mono_due(o->e->save_samples_at, o->now.mono)
		? "are being saved"
		: "will be saved when the agent has run for 6 s");
	return ORDER_DONE;
}

static enum order_outcome reload(const struct order *o)
{
	(void)o;
	return ORDER_RELOADS;
}

static enum order_outcome reload_sources(const struct order *o)
{
	(void)o;
	return ORDER_RELOADS_SOURCES;
}

static enum order_outcome cyclelogs(const struct order *o)
{
	const struct log_record r = {.kind = LOG_CYCLE};

	if (!o->e->ports.log)
		return fail(o, "no file of measurements is written: see [log] "
			       "in ntsagent.conf(5)");
	if (!o->e->ports.log(o->e->ports.self, &r))
		return fail(o, "the logger does not take this order now; see "
			       "the log, and try again");
	snprintf(o->text, ORDER_TEXT_MAX,
	    "the files of measurements are opened again with their next "
	    "lines");
	return ORDER_DONE;
}

/* clang-format off */
static const struct {
	const char *verb;
	order_fn *run;
	bool takes_name, takes_counts;
} orders[] = {
	{"retry",    retry,    true,  false},
	{"burst",    burst,    true,  false},
	{"burst-of", burst,    true,  true},
	{"online",   online,   true,  false},
	{"offline",  offline,  true,  false},
	{"network",  network,  true,  false},
	{"refresh",  refresh,  true,  false},
	{"reselect", reselect, false, false},
	{"reset",    reset,    false, false},
	{"step",     step,     false, false},
	{"dump",     dump,     false, false},
	{"reload",   reload,   false, false},
	{"reload-sources", reload_sources, false, false},
	{"cyclelogs", cyclelogs, false, false},
};
/* clang-format on */

static bool take_count(const char **at, char end, unsigned *out)
{
	*out = 0;
	for (; **at >= '0' && **at <= '9' && *out <= BURST_MAX; (*at)++)
		*out = *out * 10 + (unsigned)(**at - '0');
	return *out >= 1 && *out <= BURST_MAX &&
	       (**at == end || (end == ' ' && **at == '\0'));
}

/* "GOOD/MAX", and after a space the name. */
static bool take_counts(struct order *o)
{
	const char *at = o->name ? o->name : "";

	if (!take_count(&at, '/', &o->good))
		return false;
	at++;
	if (!take_count(&at, ' ', &o->tries) || o->good > o->tries)
		return false;
	o->name = *at ? at + 1 : NULL;
	return true;
}

static bool name_known(const struct order *o)
{
	for (unsigned i = 0; i < o->e->source_count; i++)
		if (is_for(o, &o->e->sources[i]))
			return true;
	snprintf(o->text, ORDER_TEXT_MAX,
	    "no source is called %.63s: see `ntsctl sources`", o->name);
	return false;
}

/* The log shows orders among the agent's own actions. */
static enum order_outcome carry_out(
    order_fn *run, const struct order *o, const char *line)
{
	enum order_outcome outcome = run(o);

	if (outcome == ORDER_FAILED)
		engine_say(
		    o->e, LOG_LEVEL_NOTICE, "order \"%s\": %s", line, o->text);
	else
		engine_say(o->e, LOG_LEVEL_NOTICE, "order \"%s\"", line);
	return outcome;
}

enum order_outcome order_run(struct engine *e, const char *line,
    struct clock_reading now, char text[ORDER_TEXT_MAX])
{
	size_t len = strcspn(line, " ");
	const char *name = line[len] ? line + len + 1 : NULL;
	struct order o = {
	    e, name, now, text, PACE_BURST_GOOD, PACE_BURST_TRIES};

	text[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		if (strlen(orders[i].verb) != len ||
		    strncmp(orders[i].verb, line, len) != 0)
			continue;
		if (name && !orders[i].takes_name)
			return fail(&o, "this order takes no name");
		if (orders[i].takes_counts && !take_counts(&o))
			return fail(&o, "a burst is GOOD/MAX: answers wanted "
					"and requests at most, 1 to 64");
		if (o.name && !name_known(&o))
			return ORDER_FAILED;
		return carry_out(orders[i].run, &o, line);
	}
	return fail(&o, "unknown order: do ntsctl and ntsagentd have the same "
			"version?");
}

bool order_step_outcome(
    struct engine *e, enum order_outcome *outcome, char text[ORDER_TEXT_MAX])
{
	enum keeper_verdict verdict = (enum keeper_verdict)e->step.verdict;

	if (!e->step.answered)
		return false;
	e->step.answered = false;
	*outcome = verdict == KEEPER_OK ? ORDER_DONE : ORDER_FAILED;
	if (verdict == KEEPER_OK)
		snprintf(text, ORDER_TEXT_MAX,
		    "the clock was stepped by %+.9f s",
		    s_of_ns(e->order.command.step_ns));
	else if (verdict == KEEPER_STEP_FORBIDDEN)
		snprintf(text, ORDER_TEXT_MAX,
		    "the last step was less than a minute ago");
	else
		snprintf(
		    text, ORDER_TEXT_MAX, "%s", keeper_verdict_text(verdict));
	return true;
}
