#include "agent/engine/duplicates.h"

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

void engine_mark_duplicates(struct engine *e)
{
	unsigned server[SOURCES_MAX];

	for (unsigned i = 0; i < e->source_count; i++) {
		unsigned first = 0;

		while (first < i &&
		       !same_server(&e->sources[i], &e->sources[first]))
			first++;
		server[i] = first < i ? server[first] : i;
		steering_set_server(e->steering, i, server[i]);
	}
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
