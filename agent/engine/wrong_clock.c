#include "agent/engine/wrong_clock.h"

#include "agent/saved/last_good_time.h"
#include "resolver/certificate/certificate.h"

#include <stdio.h>
#include <string.h>

/* Root distance from which the kernel and timedatectl(1) say "not
 * synchronised". */
#define UNKNOWN_NS (16 * NS_PER_S)

void wrong_clock_init(struct engine *e, int64_t earliest_ns)
{
	const int64_t written_ns = TIME_WRITTEN_S * NS_PER_S;

	bootstrap_init(&e->bootstrap, e->config,
	    earliest_ns > written_ns ? earliest_ns : written_ns);
	if (e->options->no_clock)
		bootstrap_end(&e->bootstrap);
}

void wrong_clock_renew(struct engine *e)
{
	int64_t pause_ns = e->bootstrap.pause_ns;

	wrong_clock_init(e, e->bootstrap.earliest_ns);
	if (pause_ns == 0)
		return;
	bootstrap_end(&e->bootstrap);
	(void)bootstrap_reopen(&e->bootstrap, pause_ns, e->now.mono);
}

bool wrong_clock_active(const struct engine *e)
{
	if (e->bootstrap.pause_ns > 0)
		return true;
	for (unsigned i = 0; i < e->source_count; i++)
		if (source_undated(&e->sources[i]))
			return true;
	return false;
}

bool wrong_clock_holds(const struct engine *e)
{
	return bootstrap_holds(
	    &e->bootstrap, wrong_clock_active(e), e->now.mono);
}

bool wrong_clock_may_leave_dates(const struct engine *e, unsigned source)
{
	return bootstrap_open(&e->bootstrap) &&
	       !e->config->sources[source].options.noselect;
}

void wrong_clock_suspected(struct engine *e, const struct source *s)
{
	char now[CERTIFICATE_DATE_MAX];

	if (!bootstrap_begin(&e->bootstrap, e->now.mono))
		return;
	certificate_date(e->now.wall.ns / NS_PER_S, now);
	engine_say(e, LOG_LEVEL_NOTICE,
	    "the clock says %s, and the certificate of %s does not fit that: "
	    "if a majority of the servers says that the clock is wrong, their "
	    "agreement sets it, and every certificate is checked again",
	    now, s->config->name);
}

static const char *obstacle(const struct engine *e)
{
	if (e->options->no_clock)
		return "the clock is not controlled (--no-clock)";
	return e->config->bootstrap == BOOTSTRAP_OFF
		   ? "bootstrap = off"
		   : "one server alone cannot prove it (with bootstrap = "
		     "single, one is enough)";
}

void wrong_clock_paused(struct engine *e, int64_t lag_ns)
{
	int64_t most_ns = e->config->steering.refuse_threshold_ns;

	if (most_ns == 0 || lag_ns <= most_ns ||
	    steering_config_always_steps(&e->config->steering))
		return;
	if (!e->options->no_clock &&
	    bootstrap_reopen(&e->bootstrap, lag_ns, e->now.mono))
		engine_say(e, LOG_LEVEL_NOTICE,
		    "that is more than refuse-threshold: the clock is set as "
		    "at a start, if a majority of the servers agrees, and "
		    "every certificate is checked again");
	else
		engine_say(e, LOG_LEVEL_WARNING,
		    "that is more than refuse-threshold, and %s: the clock is "
		    "not set",
		    obstacle(e));
}

/* The steering waits at first. What it does later is within
 * refuse-threshold, so the pause is corrected. */
bool wrong_clock_pause_over(const struct engine *e)
{
	return e->bootstrap.pause_ns > 0 && !wrong_clock_holds(e);
}

/* If the clock may be wrong, choose the era by the earliest time that can be
 * true. A clock that shows a time before this program was written is wrong. */
struct wall wrong_clock_pivot(const struct engine *e, unsigned source)
{
	const int64_t written_ns = TIME_WRITTEN_S * NS_PER_S;

	if (source_undated(&e->sources[source]))
		return (struct wall){e->bootstrap.earliest_ns};
	return (struct wall){
	    e->now.wall.ns > written_ns ? e->now.wall.ns : written_ns};
}

struct bootstrap_offer wrong_clock_offer(
    const struct source *s, const struct sample *m)
{
	struct bootstrap_offer o = {
	    .there = true,
	    .undated = source_undated(s),
	    .at = m->at,
	    .offset_ns = m->offset_ns,
	    .bound_ns = sample_distance_ns(m),
	    .not_before_s = s->facts.not_before,
	    .not_after_s = s->facts.not_after,
	    .address = *source_address(s),
	};

	memcpy(o.key, s->facts.key, sizeof(o.key));
	snprintf(o.host, sizeof(o.host), "%s", s->config->host);
	return o;
}

/* RFC 8633 5.2/2. A certificate that fits a clock which is known to be behind
 * proves little: such a source must not tell a time that is past. For sources
 * without a check of dates, judge() of bootstrap.c sees to that. */
bool wrong_clock_plausible(
    const struct engine *e, const struct bootstrap_offer *o, struct wall told)
{
	int64_t least_ns = e->bootstrap.earliest_ns - EARLIEST_SLACK_NS;

	if (!o->undated && e->now.wall.ns < least_ns && told.ns < least_ns)
		return false;
	return bootstrap_offer_dated(o, &e->timescale, e->now.wall);
}

bool wrong_clock_expired(
    const struct engine *e, unsigned source, const struct bootstrap_offer *o)
{
	const struct bootstrap *b = &e->bootstrap;
	const struct source *s = &e->sources[source];

	return b->pause_ns > 0 && !o->undated &&
	       s->keys_at.ns < b->pause_at.ns &&
	       !bootstrap_offer_dated(o, &e->timescale, e->now.wall);
}

bool wrong_clock_settled(const struct engine *e)
{
	return e->config->bootstrap == BOOTSTRAP_OFF ||
	       (e->ever_synchronised && e->bootstrap.pause_ns == 0);
}

void wrong_clock_take(
    struct engine *e, unsigned source, const struct bootstrap_offer *o)
{
	if (wrong_clock_may_leave_dates(e, source))
		bootstrap_take(&e->bootstrap, source, o, e->now.mono);
}

/* Returns true if every source that can make an offer has made it. */
static bool complete(const struct engine *e)
{
	for (unsigned i = 0; i < e->source_count; i++) {
		const struct source *s = &e->sources[i];

		if (!s->config->options.noselect && !source_resting(s) &&
		    !e->bootstrap.offers[i].there)
			return false;
	}
	return true;
}

static void report_result(
    struct engine *e, enum bootstrap_outcome before, bool again)
{
	enum bootstrap_outcome outcome = e->bootstrap.result.outcome;
	char text[BOOTSTRAP_TEXT_MAX];

	if (outcome == BOOTSTRAP_AGREED || outcome == BOOTSTRAP_RIGHT ||
	    (again && outcome == before))
		return;
	bootstrap_text(&e->bootstrap, text, sizeof(text));
	engine_say(e, LOG_LEVEL_WARNING, "%s", text);
}

bool wrong_clock_decide(struct engine *e, struct clock_command *command)
{
	struct bootstrap *b = &e->bootstrap;
	enum bootstrap_outcome before = b->result.outcome;
	bool again = b->result.needed > 0;
	const struct bootstrap_result *r;

	if (!wrong_clock_active(e) ||
	    !bootstrap_due(b, complete(e), e->now.mono))
		return false;
	r = bootstrap_decide(b, &e->timescale, e->now.wall);
	report_result(e, before, again);
	*command = (struct clock_command){
	    .freq_ppm = e->good_freq_ppm,
	    .step_ns = r->step_ns,
	    .bootstrap = true,
	    .pause = b->pause_ns > 0,
	    .max_error_ns = UNKNOWN_NS,
	    .est_error_ns = UNKNOWN_NS,
	};
	return r->outcome == BOOTSTRAP_AGREED && r->step_ns != 0;
}

bool wrong_clock_refuted(const struct engine *e)
{
	return wrong_clock_active(e) &&
	       e->bootstrap.result.outcome == BOOTSTRAP_RIGHT;
}

void wrong_clock_report_step(struct engine *e)
{
	const struct bootstrap_result *r = &e->bootstrap.result;
	char date[CERTIFICATE_DATE_MAX];

	certificate_date(e->now.wall.ns / NS_PER_S, date);
	engine_say(e, LOG_LEVEL_NOTICE,
	    "the clock was stepped by %+.6f s to %s, on which %u of %u servers "
	    "agree: now every certificate is checked again",
	    s_of_ns(r->step_ns), date, r->agreeing, r->voters);
}
