#include "agent/keeper/keeper_log.h"

#include "base/log.h"

#include <stdio.h>

#define DATE_MAX 64

/* A hostile step leads to any year that a clock can show. */
static void write_date(struct wall at, char out[DATE_MAX])
{
	time_t s = (time_t)(at.ns / NS_PER_S);
	char date[DATE_MAX / 2] = "?";
	struct tm utc;

	if (gmtime_r(&s, &utc))
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(out, DATE_MAX, "%s.%06dZ", date,
	    (int)(at.ns % NS_PER_S / NS_PER_US));
}

static void log_step(
    const struct clock_change *change, const struct keeper_report *r)
{
	char before[DATE_MAX], after[DATE_MAX];
	struct wall becomes;

	/* The clock has gone on since the step was judged. */
	if (__builtin_add_overflow(change->at.ns, change->step_ns, &becomes.ns))
		becomes.ns = INT64_MAX;

	write_date(change->at, before);
	write_date(becomes, after);
	log_notice("step %u since the start: from %s to %s (%+.9f s)", r->steps,
	    before, after, s_of_ns(change->step_ns));
}

/* True: this line is not one of too many. */
static bool take_line(struct keeper_log *l, struct mono now)
{
	if (mono_due(l->paid, now))
		l->paid = now;
	if (l->paid.ns - now.ns > (KEEPER_LOG_LINES - 1) * KEEPER_LOG_APART_NS)
		return false;
	l->paid = mono_after(l->paid, KEEPER_LOG_APART_NS);
	return true;
}

static void log_refusal(struct keeper_log *l, const struct clock_command *c,
    const struct keeper_report *r, struct mono now)
{
	if (!take_line(l, now)) {
		l->silent++;
		return;
	}
	log_warning("command refused: %s (frequency %+.3f ppm, slew %+.6f s in "
		    "%.3f s, step %+.6f s); %u refused since the start, %u of "
		    "them without a line",
	    keeper_verdict_text((enum keeper_verdict)r->verdict), c->freq_ppm,
	    s_of_ns(c->slew_ns), s_of_ns(c->slew_duration_ns),
	    s_of_ns(c->step_ns), r->refused, l->silent);
}

void keeper_log_answer(struct keeper_log *l, const struct clock_command *c,
    const struct keeper_report *r, struct mono now)
{
	for (uint32_t i = 0; i < r->change_count; i++)
		if (r->changes[i].step_ns != 0)
			log_step(&r->changes[i], r);
	if (keeper_refused((enum keeper_verdict)r->verdict))
		log_refusal(l, c, r, now);
}

void keeper_log_look(
    struct keeper_log *l, const struct keeper *k, struct mono now)
{
	if (k->disarmed == l->disarmed || !take_line(l, now))
		return;
	log_warning(
	    "another program had armed a leap second in the kernel, and "
	    "today (UTC) is not a day for one: it is disarmed (%u since "
	    "the start)",
	    k->disarmed);
	l->disarmed = k->disarmed;
}
