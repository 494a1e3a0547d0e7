#include "agent/source/source.h"

#include "agent/source/messages.h"

#include <stdio.h>

/* With so few cookies new keys are fetched while the last cookies are used. */
#define COOKIES_LOW 2

void source_init(
    struct source *s, const struct source_config *config, struct mono now)
{
	*s = (struct source){
	    .config = config,
	    .stage = STAGE_START,
	    .poll_at = MONO_NEVER,
	    .answer_by = MONO_NEVER,
	    .retry_at = now,
	    .renew_at = MONO_NEVER,
	    .trusted_until = MONO_NEVER,
	    .failure = "",
	};
	pace_init(&s->pace, config);
}

void source_end(struct source *s)
{
	nts_assoc_wipe(&s->assoc);
}

void source_spread_start(struct source *s, uint32_t random)
{
	s->retry_at = mono_after(s->retry_at,
	    (int64_t)((double)random / UINT32_MAX * SOURCE_SPREAD_NS));
}

void source_put_off(struct source *s, struct mono now, uint32_t random)
{
	struct mono later;

	if ((s->stage != STAGE_START && s->stage != STAGE_RESTING) ||
	    s->backoff.failures > 0)
		return;
	later =
	    mono_after(now, backoff_next_ns(&s->backoff, CAUSE_TLS, random));
	if (s->retry_at.ns < later.ns)
		s->retry_at = later;
}

/* When the next request may go out. The promise to the server's owner counts
 * more than any reason to ask soon. */
static struct mono request_at(const struct source *s)
{
	struct mono least = mono_after(s->sent_at, pace_least_ns(&s->pace));

	return s->poll_at.ns < least.ns ? least : s->poll_at;
}

struct mono source_deadline(const struct source *s)
{
	if (source_offline(s))
		return MONO_NEVER;
	if (!source_asking(s))
		return s->retry_at;
	if (s->pending.open)
		return s->answer_by;
	return mono_earlier(
	    mono_earlier(request_at(s), keys_due(s)), s->trusted_until);
}

/* The last request was answered and brought too few cookies. New keys that
 * came with few cookies have not been used to ask for more yet. */
static bool cookies_low(const struct source *s)
{
	return s->stage == STAGE_POLLING && (s->reach & 1) != 0 &&
	       s->sent_at.ns > s->keys_at.ns &&
	       s->assoc.jar.count <= COOKIES_LOW;
}

enum source_action source_timer(
    struct source *s, struct mono now, uint32_t random)
{
	if (source_offline(s))
		return ACTION_NOTHING;
	if (!source_asking(s))
		return mono_due(s->retry_at, now) ? source_apply(s, EVENT_DUE)
						  : ACTION_NOTHING;
	if (s->pending.open)
		return mono_due(s->answer_by, now)
			   ? answers_lost(s, (struct tick){now, random})
			   : ACTION_NOTHING;
	if (mono_due(s->trusted_until, now))
		return keys_untrusted(s, now);
	s->keys_wanted |= cookies_low(s);
	if (mono_due(keys_due(s), now))
		return source_apply(s, EVENT_NEED_KEYS);
	if (!mono_due(request_at(s), now))
		return ACTION_NOTHING;
	if (s->assoc.jar.count == 0)
		return keys_spent(s, now);
	return source_apply(s, EVENT_DUE);
}

void source_hurry(struct source *s, struct mono now)
{
	if (source_asking(s) && !s->pending.open && !s->pace.rate_limited)
		s->poll_at = now;
}

void source_repeat(struct source *s, struct mono now)
{
	if (!source_asking(s) || !s->pending.open)
		return;
	s->pending.open = false;
	s->poll_at = now;
}

/* A source that is offline gets its burst when it is online again. */
void source_jumped(struct source *s, struct mono now)
{
	if (!source_asking(s) && !source_keyed(s))
		return;
	s->pending.open = false;
	s->poll_at = now;
	pace_restart(&s->pace);
	pace_burst_unless_limited(&s->pace);
}

bool source_burst(struct source *s, struct mono now)
{
	return source_burst_of(s, PACE_BURST_GOOD, PACE_BURST_TRIES, now);
}

bool source_burst_of(
    struct source *s, unsigned good, unsigned tries, struct mono now)
{
	if (!source_asking(s) || !source_keyed(s))
		return false;
	pace_burst_of(&s->pace, good, tries);
	s->poll_at = now;
	return true;
}

enum source_action source_go_offline(struct source *s)
{
	if (source_offline(s))
		return ACTION_NOTHING;
	s->pending.open = false;
	s->reach = 0;
	say_offline(s);
	return source_apply(s, EVENT_OFFLINE);
}

void source_go_online(struct source *s, struct mono now)
{
	if (!source_offline(s))
		return;
	source_well(s, TROUBLE_ORDER);
	(void)source_apply(s, EVENT_ONLINE);
	(void)source_retry_early(s, RETRY_ORDER, now);
}

void source_copy(struct source *s, const struct source *from)
{
	*s = *from;
}

void source_reconfigure(struct source *s, const struct source_config *config)
{
	bool polls = s->config->minpoll != config->minpoll ||
		     s->config->maxpoll != config->maxpoll;

	s->config = config;
	if (polls)
		pace_configure(&s->pace, config);
}

void source_renumber(struct source *s, uint32_t serial)
{
	s->serial = serial;
}

void source_begin_again(struct source *s, uint32_t serial, struct mono now)
{
	s->serial = serial;
	source_repeat(s, now);
	if (!source_expects(s, EVENT_KEYS_FAILED))
		return;
	(void)source_apply(s, EVENT_KEYS_FAILED);
	s->retry_at = s->keys_not_before = now;
	s->keys_wanted = s->stage == STAGE_POLLING;
}

bool source_log_line(
    struct source *s, enum log_level *level, char *out, size_t size)
{
	if (!s->line[0])
		return false;
	*level = s->line_level;
	snprintf(out, size, "%s", s->line);
	s->line[0] = '\0';
	return true;
}
