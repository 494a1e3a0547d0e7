#include "agent/source/samples.h"

#include "agent/source/messages.h"
#include "resolver/certificate/certificate.h"

static void plan_poll(
    struct source *s, int64_t delay_ns, enum poll_vote vote, struct tick t)
{
	pace_sample(&s->pace, delay_ns, vote);
	s->poll_at =
	    mono_after(s->sent_at, pace_interval_ns(&s->pace, t.random));
	if (s->poll_at.ns < t.now.ns)
		s->poll_at = t.now;
}

void source_stamped(struct source *s, enum stamp_kind tx, enum stamp_kind rx)
{
	s->tx_stamp = tx;
	s->rx_stamp = rx;
	s->count.kernel_sent += tx == STAMP_KERNEL;
	s->count.kernel_received += rx == STAMP_KERNEL;
	s->count.hardware_sent += tx == STAMP_HARDWARE;
	s->count.hardware_received += rx == STAMP_HARDWARE;
}

void source_arrived(struct source *s, const struct endpoint *local)
{
	s->local = *local;
}

void source_sampled(struct source *s, int64_t delay_ns, enum poll_vote vote,
    struct mono now, uint32_t random)
{
	s->count.good++;
	say_heard(s, now);
	s->heard = true;
	s->heard_at = now;
	s->delay_ns = delay_ns;
	source_well(s, TROUBLE_TIME);
	if (!s->renewal_failed)
		source_well(s, TROUBLE_KEYS);
	pace_forgive(&s->pace);
	plan_poll(s, delay_ns, vote, (struct tick){now, random});
}

void source_undated_sample(
    struct source *s, int64_t delay_ns, struct mono now, uint32_t random)
{
	source_well(s, TROUBLE_TIME);
	plan_poll(s, delay_ns, POLL_KEEP, (struct tick){now, random});
}

void source_outdated(
    struct source *s, struct wall told, struct mono now, uint32_t random)
{
	say_outdated(s, told, now);
	/* Its answers are authentic and reset all other counts of failures. */
	s->backoff = (struct backoff){CAUSE_CERTIFICATE, s->outdated++};
	s->retry_at = mono_after(
	    now, backoff_next_ns(&s->backoff, CAUSE_CERTIFICATE, random));
	(void)source_apply(s, EVENT_KEYS_FAILED);
}

void source_disbelieved(
    struct source *s, struct wall told, struct wall earliest, struct mono now)
{
	const bool past = told.ns < earliest.ns;
	char from[CERTIFICATE_DATE_MAX], to[CERTIFICATE_DATE_MAX];
	char says[CERTIFICATE_DATE_MAX];

	certificate_date(
	    past ? earliest.ns / NS_PER_S : s->facts.not_before, from);
	certificate_date(s->facts.not_after, to);
	certificate_date(told.ns / NS_PER_S, says);
	if (past)
		source_trouble(s, now, FAILURE_TIME,
		    "the server says that it is %s, and is ignored: %s is "
		    "known to be past (last-good-time, or the age of this "
		    "program); if the file of last-good-time is wrong, remove "
		    "it and restart the agent",
		    says, from);
	else
		source_trouble(s, now, FAILURE_TIME,
		    "the server says that it is %s: that is outside the dates "
		    "of its certificate (%s to %s), and is ignored",
		    says, from, to);
}

void source_too_slow(struct source *s, int64_t delay_ns, struct mono now)
{
	/* So the next answers are waited for, and the reason stays the true
	 * one. */
	s->delay_ns = delay_ns;
	source_trouble(s, now, FAILURE_DELAY,
	    "the answers take %.3f s, longer than maxdelay (%.3f s) allows",
	    s_of_ns(delay_ns), s_of_ns(s->config->max_delay_ns));
}

int64_t source_note_delay(struct source *s, int64_t delay_ns)
{
	struct recent_delays *d = &s->delays;
	int64_t least = delay_ns;

	d->ns[d->seen++ % RECENT_DELAYS] = delay_ns;
	for (unsigned i = 0; i < RECENT_DELAYS && i < d->seen; i++)
		if (d->ns[i] < least)
			least = d->ns[i];
	return least;
}

void source_too_slow_for_path(
    struct source *s, int64_t delay_ns, int64_t least_ns, struct mono now)
{
	source_trouble(s, now, FAILURE_DELAY,
	    "the answers take %.6f s, more than maxdelayratio (%g) times the "
	    "shortest one of the latest %u answers (%.6f s)",
	    s_of_ns(delay_ns), s->config->max_delay_ratio,
	    s->delays.seen < RECENT_DELAYS ? s->delays.seen : RECENT_DELAYS,
	    s_of_ns(least_ns));
}

void source_contradicts(struct source *s, int64_t excess_ns, struct mono now)
{
	char at[ENDPOINT_TEXT_MAX];

	source_trouble(s, now, FAILURE_TIMES,
	    "%s claims to have held the request for %.6f s more than the whole "
	    "exchange took: its times contradict each other",
	    endpoint_text(source_address(s), true, at), s_of_ns(excess_ns));
}

void source_check_failed(struct source *s, enum answer_check check)
{
	source_note_failed(s, check);
}

enum log_budget_answer source_vote_lost(
    const struct source *s, struct log_budget *votes, struct mono now)
{
	struct mono heard_at =
	    mono_after(s->agreed_at, BUDGET_STEADY_NS - BUDGET_GONE_NS);

	/* One sentence, whether the source is ahead or behind. */
	return log_budget_trouble(votes, "outvoted", heard_at, now);
}

enum log_budget_answer source_outvoted(struct source *s, struct mono now)
{
	return source_vote_lost(s, &s->votes, now);
}

enum log_budget_answer source_agrees(struct source *s, struct mono now)
{
	s->agreed_at = now;
	return log_budget_well(&s->votes, now);
}

void source_same_server(struct source *a, struct source *b)
{
	a->server_id = b->server_id =
	    b->server_id != 0 ? b->server_id : a->reference;
}
