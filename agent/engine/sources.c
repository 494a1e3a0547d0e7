#include "agent/engine/sources.h"

#include "agent/engine/duplicates.h"
#include "agent/engine/saving.h"

/* An update of the system's certificates reaches a fleet at once. */
#define DISTRUST_SPREAD_NS (300 * NS_PER_S)
/* A source asks for at most this many things in a row. */
#define ACTIONS_MAX 8

static void log_line_of(struct engine *e, struct source *s)
{
	char line[SOURCE_LINE_MAX];
	enum log_level level;

	if (!source_log_line(s, &level, line, sizeof(line)))
		return;
	e->noticed = true;
	e->ports.report(e->ports.self, level, line);
}

static void ask_for_keys(struct engine *e, unsigned i)
{
	struct ke_request request;

	source_ke_request(
	    &e->sources[i], i, e->config->ke_timeout_ms, e->now.mono, &request);
	request.clock_unsure = bootstrap_open(&e->bootstrap);
	engine_pool_avoid(e, i, &request);
	e->ports.ask(e->ports.self, &request);
}

void engine_ask_waiting(struct engine *e)
{
	int i;

	while ((i = engine_pool_next(e)) >= 0)
		ask_for_keys(e, (unsigned)i);
}

static void send_request(struct engine *e, unsigned i)
{
	struct source *s = &e->sources[i];
	uint8_t packet[NTS_PACKET_MAX];
	struct writer w = writer_of(packet, sizeof(packet));
	struct nts_random fresh;
	int err;

	e->ports.random(e->ports.self, &fresh, sizeof(fresh));
	if (!source_request(s, &fresh, e->now.mono, engine_random(e), &w))
		return;
	err = e->ports.send(e->ports.self, i, source_address(s), w.base, w.len);
	e->noticed |= err < 0;
	if (err < 0)
		source_unsent(s, -err, e->now.mono);
	steering_set_reach(e->steering, i, s->reach);
}

/* A source that we may not query loses its vote. */
static void close_source(struct engine *e, unsigned i)
{
	e->ports.close(e->ports.self, i);
	if (e->sources[i].stage != STAGE_RESTING)
		return;
	steering_forget(e->steering, i);
	engine_saving_drop(e, i);
}

void engine_carry_out(struct engine *e, unsigned i, enum source_action action)
{
	e->noticed |= action == ACTION_KEYS || action == ACTION_CLOSE;
	switch (action) {
	case ACTION_NOTHING:
		break;
	case ACTION_KEYS:
		e->ports.close(e->ports.self, i);
		if (!engine_pool_waits(e, i))
			ask_for_keys(e, i);
		break;
	case ACTION_SEND:
		send_request(e, i);
		break;
	case ACTION_CLOSE:
		close_source(e, i);
		break;
	}
	/* To prepare the room of a line costs more than all else here. */
	if (e->sources[i].line[0])
		log_line_of(e, &e->sources[i]);
}

void engine_run_source(struct engine *e, unsigned i)
{
	struct source *s = &e->sources[i];
	unsigned address = s->address;

	for (int n = 0; n < ACTIONS_MAX; n++) {
		enum source_action action =
		    source_timer(s, e->now.mono, engine_random(e));

		engine_carry_out(e, i, action);
		if (action == ACTION_NOTHING)
			break;
	}
	if (s->address != address)
		engine_mark_duplicates(e);
}

void engine_hurry(struct engine *e, uint64_t sources)
{
	for (unsigned i = 0; i < e->source_count; i++)
		if (sources >> i & 1)
			source_hurry(&e->sources[i], e->now.mono);
}

void engine_recheck(struct engine *e, unsigned i, struct wall now)
{
	enum source_action action = source_recheck_dates(&e->sources[i], now);

	if (action != ACTION_NOTHING) {
		steering_forget(e->steering, i);
		engine_saving_drop(e, i);
	}
	engine_carry_out(e, i, action);
}

void engine_check_dates(struct engine *e)
{
	bootstrap_end(&e->bootstrap);
	for (unsigned i = 0; i < e->source_count; i++) {
		struct source *s = &e->sources[i];

		engine_recheck(e, i, e->now.wall);
		if (s->stage == STAGE_RESTING)
			(void)source_retry_early(s, RETRY_TRUST, e->now.mono);
	}
}

void engine_distrust(struct engine *e, struct clock_reading now)
{
	e->now = now;
	for (unsigned i = 0; i < e->source_count; i++) {
		double share = (double)engine_random(e) / UINT32_MAX;
		int64_t wait_ns = (int64_t)(share * (double)DISTRUST_SPREAD_NS);

		source_distrust(
		    &e->sources[i], now.mono, mono_after(now.mono, wait_ns));
	}
}

void engine_ask_again(struct engine *e)
{
	for (unsigned i = 0; i < e->source_count; i++) {
		e->ports.close(e->ports.self, i);
		source_repeat(&e->sources[i], e->now.mono);
	}
}

static struct mono spread(
    struct engine *e, enum early_retry retry, struct mono now)
{
	if (retry == RETRY_ORDER)
		return now;
	return mono_after(
	    now, (int64_t)(engine_random(e) % (uint32_t)RETRY_SPREAD_NS));
}

/* A source without trouble may be reached by another path now. One request out
 * of turn finds out. The next one waits until the poll interval has made up for
 * it, however often routes change. */
static void try_new_path(struct engine *e, unsigned i, struct mono at)
{
	struct source *s = &e->sources[i];

	if (!e->ports.rerouted || s->address_count == 0 ||
	    !e->ports.rerouted(e->ports.self, i, source_address(s)))
		return;
	if (s->pace.debt_ns == 0 && at.ns < s->poll_at.ns)
		source_hurry(s, at);
}

unsigned engine_retry_early(struct engine *e, enum early_retry retry,
    const char *name, struct clock_reading now)
{
	unsigned count = 0;

	for (unsigned i = 0; i < e->source_count; i++) {
		struct source *s = &e->sources[i];
		struct mono at;

		if (source_offline(s) ||
		    (name && !config_source_is(s->config, name)))
			continue;
		count++;
		at = spread(e, retry, now.mono);
		if (source_retry_early(s, retry, at) == ACTION_CLOSE)
			e->ports.close(e->ports.self, i);
		if (retry == RETRY_NETWORK)
			try_new_path(e, i, at);
	}
	return count;
}

unsigned engine_refresh(
    struct engine *e, const char *name, struct clock_reading now)
{
	unsigned count = 0;

	e->now = now;
	for (unsigned i = 0; i < e->source_count; i++) {
		struct source *s = &e->sources[i];

		if (source_offline(s) ||
		    (name && !config_source_is(s->config, name)))
			continue;
		count++;
		if (source_keyed(s))
			engine_carry_out(e, i, source_refresh(s, now.mono));
		else
			(void)engine_retry_early(
			    e, RETRY_ORDER, s->config->name, now);
	}
	return count;
}

void engine_take_offline(struct engine *e, unsigned i)
{
	engine_carry_out(e, i, source_go_offline(&e->sources[i]));
	steering_set_reach(e->steering, i, 0);
}

static struct mono overdue_at(const struct engine *e, unsigned i)
{
	const struct source *s = &e->sources[i];

	if (!source_exchanging(s) || (e->pool_waiting >> i & 1) != 0)
		return MONO_NEVER;
	return mono_after(s->asked_at,
	    e->config->ke_timeout_ms * NS_PER_MS + RESOLVER_MARGIN_NS);
}

struct mono engine_overdue_at(const struct engine *e)
{
	struct mono next = MONO_NEVER;

	for (unsigned i = 0; i < e->source_count; i++)
		next = mono_earlier(next, overdue_at(e, i));
	return next;
}

uint64_t engine_overdue(const struct engine *e, struct mono now)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < e->source_count; i++)
		if (mono_due(overdue_at(e, i), now))
			bits |= UINT64_C(1) << i;
	return bits;
}
