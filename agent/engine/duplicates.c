#include "agent/engine/duplicates.h"

#include "agent/engine/leap_second.h"

static bool same_address(const struct source *a, const struct source *b)
{
	return a->address_count > 0 && b->address_count > 0 &&
	       endpoint_same_host(source_address(a), source_address(b));
}

static bool same_server(const struct source *a, const struct source *b)
{
	return same_address(a, b) ||
	       (a->server_id != 0 && a->server_id == b->server_id &&
		   ke_same_key(a->facts.key, b->facts.key));
}

unsigned engine_first_name(const struct engine *e, unsigned i)
{
	unsigned first = 0;

	while (first < i && !same_server(&e->sources[i], &e->sources[first]))
		first++;
	return first;
}

void engine_servers(const struct engine *e, unsigned server[SOURCES_MAX])
{
	for (unsigned i = 0; i < e->source_count; i++) {
		unsigned first = engine_first_name(e, i);

		server[i] = first < i ? server[first] : i;
	}
}

void engine_mark_duplicates(struct engine *e)
{
	unsigned server[SOURCES_MAX];

	engine_servers(e, server);
	for (unsigned i = 0; i < e->source_count; i++)
		steering_set_server(e->steering, i, server[i]);
}

static bool set_at_one_time(const struct source *a, const struct source *b)
{
	return a->reference != 0 && a->reference == b->reference &&
	       a->stratum == b->stratum;
}

void engine_notice_duplicate(struct engine *e, unsigned source)
{
	struct source *s = &e->sources[source];

	for (unsigned i = 0; i < e->source_count; i++) {
		struct source *o = &e->sources[i];

		if (i == source || same_server(s, o) ||
		    !ke_same_key(s->facts.key, o->facts.key) ||
		    !set_at_one_time(s, o))
			continue;
		source_same_server(s, o);
		engine_say(e, LOG_LEVEL_INFO,
		    "%s and %s are one server: they have one vote",
		    o->config->name, s->config->name);
		engine_mark_duplicates(e);
	}
}

/* Pools. */

static bool waits(const struct engine *e, unsigned i)
{
	return (e->pool_waiting >> i & 1) != 0;
}

static bool is_busy(const struct engine *e, unsigned i)
{
	for (unsigned j = 0; j < e->source_count; j++)
		if (j != i && !waits(e, j) &&
		    source_exchanging(&e->sources[j]) &&
		    config_same_pool(
			e->sources[i].config, e->sources[j].config))
			return true;
	return false;
}

bool engine_pool_waits(struct engine *e, unsigned i)
{
	uint64_t bit = UINT64_C(1) << i;

	if (is_busy(e, i))
		e->pool_waiting |= bit;
	else
		e->pool_waiting &= ~bit;
	return waits(e, i);
}

int engine_pool_next(struct engine *e)
{
	for (unsigned i = 0; i < e->source_count; i++) {
		if (!waits(e, i))
			continue;
		if (!source_exchanging(&e->sources[i]))
			e->pool_waiting &= ~(UINT64_C(1) << i);
		else if (!engine_pool_waits(e, i))
			return (int)i;
	}
	return -1;
}

void engine_pool_avoid(
    const struct engine *e, unsigned i, struct ke_request *out)
{
	if (!out->alone)
		return;
	for (unsigned j = 0; j < e->source_count; j++)
		if (j != i)
			source_avoid(&e->sources[j], out);
}

void engine_pool_moved(
    struct engine *e, unsigned i, bool had, const struct endpoint *before)
{
	const struct source *s = &e->sources[i];
	char was[ENDPOINT_TEXT_MAX], is[ENDPOINT_TEXT_MAX];

	if (!had || s->address_count == 0 ||
	    endpoint_same_host(before, source_address(s)))
		return;
	steering_forget(e->steering, i);
	engine_say(e, LOG_LEVEL_NOTICE, "%s: %s takes the place of %s",
	    s->config->name, endpoint_text(source_address(s), false, is),
	    endpoint_text(before, false, was));
}

static bool is_outvoted(const struct engine *e, unsigned i)
{
	return steering_source_state(e->steering, i) == SELECT_FALSETICKER &&
	       !engine_leap_reason(e, i);
}

/* An earlier source has the vote of its server. */
static bool is_duplicate(const struct engine *e, unsigned i)
{
	unsigned server[SOURCES_MAX];

	engine_servers(e, server);
	return server[i] != i;
}

enum source_action engine_pool_vote(struct engine *e, unsigned i)
{
	struct source *s = &e->sources[i];

	if (s->config->member == 0)
		return source_vote(
		    s, s->address_count > 1 && is_outvoted(e, i), e->now.mono);
	return source_vote(s,
	    s->unsynchronised || is_outvoted(e, i) || is_duplicate(e, i),
	    e->now.mono);
}
