#include "agent/engine/wrong_clock.h"

#include "agent/saved/last_good_time.h"
#include "base/log.h"
#include "resolver/certificate/certificate.h"

#include <stdio.h>
#include <string.h>

/* What the kernel takes for unsynchronised. */
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
	log_notice("the clock says %s, and the certificate of %s does not fit "
		   "that: if most servers say that it is the clock, it is set "
		   "by their agreement, and every certificate checked again",
	    now, s->config->name);
}

static const char *against_it(const struct engine *e)
{
	if (e->options->no_clock)
		return "the clock is not controlled (--no-clock)";
	return e->config->bootstrap == BOOTSTRAP_OFF
		   ? "bootstrap = off"
		   : "one server alone cannot prove it (bootstrap = single "
		     "would let it)";
}

void wrong_clock_paused(struct engine *e, int64_t lag_ns)
{
	int64_t most_ns = e->config->steering.refuse_threshold_ns;

	if (most_ns == 0 || lag_ns <= most_ns)
		return;
	if (!e->options->no_clock &&
	    bootstrap_reopen(&e->bootstrap, lag_ns, e->now.mono))
		log_notice(
		    "that is more than refuse-threshold: the clock is set as "
		    "at a start, if most servers agree, and every certificate "
		    "is checked again");
	else
		log_warning(
		    "that is more than refuse-threshold, and %s: the clock is "
		    "not set",
		    against_it(e));
}

/* While that is open, the steering gets nothing done at first; what it gets
 * done later was within the threshold. */
bool wrong_clock_pause_over(const struct engine *e)
{
	return e->bootstrap.pause_ns > 0 && !wrong_clock_holds(e);
}

/* Without a clock to go by, the era is the one nearest to the last time that
 * was good. Else it is the one nearest to now; a clock from before this was
 * written is wrong, and no guide to it. */
struct wall wrong_clock_pivot(const struct engine *e, unsigned source)
{
	const int64_t written_ns = TIME_WRITTEN_S * NS_PER_S;

	if (source_undated(&e->sources[source]))
		return (struct wall){e->bootstrap.earliest_ns};
	return (struct wall){
	    e->now.wall.ns > written_ns ? e->now.wall.ns : written_ns};
}

static struct bootstrap_offer offer_of(
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

/* A certificate must fit the time that the server tells. That it fits the
 * clock, too, says little when the clock is known to be wrong: such a server
 * must not lead to a time that is past. (Of the others, it is the agreement
 * that must not.) */
static bool plausible(
    const struct engine *e, const struct bootstrap_offer *o, struct wall told)
{
	int64_t least_ns = e->bootstrap.earliest_ns - EARLIEST_SLACK_NS;

	if (!o->undated && e->now.wall.ns < least_ns && told.ns < least_ns)
		return false;
	return bootstrap_offer_dated(o, &e->timescale, e->now.wall);
}

/* While the clock stood still the certificate that its keys were made with has
 * expired: whether there is another one is asked once. */
static bool outlived(
    struct engine *e, unsigned source, const struct bootstrap_offer *o)
{
	const struct bootstrap *b = &e->bootstrap;
	const struct source *s = &e->sources[source];

	return b->pause_ns > 0 && !o->undated &&
	       s->keys_at.ns < b->pause_at.ns &&
	       !bootstrap_offer_dated(o, &e->timescale, e->now.wall);
}

static bool settled_once(const struct engine *e)
{
	return e->config->bootstrap == BOOTSTRAP_OFF ||
	       (e->ever_synchronised && e->bootstrap.pause_ns == 0);
}

bool wrong_clock_believes(
    struct engine *e, unsigned source, const struct sample *m, uint32_t random)
{
	struct source *s = &e->sources[source];
	struct bootstrap_offer o;
	struct wall told;

	if (settled_once(e))
		return true;
	o = offer_of(s, m);
	told.ns = timescale_osc(&e->timescale, e->now.wall).ns + m->offset_ns;
	if (outlived(e, source, &o)) {
		engine_recheck(e, source, told);
		return false;
	}
	if (wrong_clock_may_leave_dates(e, source))
		bootstrap_take(&e->bootstrap, source, &o, e->now.mono);
	if (plausible(e, &o, told)) {
		if (!source_undated(s))
			return true;
		source_undated_sample(s, m->delay_ns, e->now.mono, random);
	} else if (source_undated(s)) {
		source_outdated(s, told, e->now.mono, random);
	} else {
		source_disbelieved(s, told, e->now.mono);
	}
	return false;
}

/* Whoever is not there yet may still come. */
static bool settled(const struct engine *e)
{
	for (unsigned i = 0; i < e->source_count; i++) {
		const struct source *s = &e->sources[i];

		if (!s->config->options.noselect && s->stage != STAGE_RESTING &&
		    !e->bootstrap.offers[i].there)
			return false;
	}
	return true;
}

static void log_result(
    struct engine *e, enum bootstrap_outcome before, bool again)
{
	enum bootstrap_outcome outcome = e->bootstrap.result.outcome;
	char text[BOOTSTRAP_TEXT_MAX];

	if (outcome == BOOTSTRAP_AGREED || outcome == BOOTSTRAP_RIGHT ||
	    (again && outcome == before))
		return;
	bootstrap_text(&e->bootstrap, text, sizeof(text));
	log_warning("%s", text);
}

bool wrong_clock_decide(struct engine *e, struct clock_command *command)
{
	struct bootstrap *b = &e->bootstrap;
	enum bootstrap_outcome before = b->result.outcome;
	bool again = b->result.needed > 0;
	const struct bootstrap_result *r;

	if (!wrong_clock_active(e) ||
	    !bootstrap_due(b, settled(e), e->now.mono))
		return false;
	r = bootstrap_decide(b, &e->timescale, e->now.wall);
	log_result(e, before, again);
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

void wrong_clock_log_step(const struct engine *e)
{
	const struct bootstrap_result *r = &e->bootstrap.result;
	char date[CERTIFICATE_DATE_MAX];

	certificate_date(e->now.wall.ns / NS_PER_S, date);
	log_notice("the clock was stepped by %+.6f s to %s, on which %u of %u "
		   "servers agree: now every certificate is checked again",
	    s_of_ns(r->step_ns), date, r->agreeing, r->voters);
}
