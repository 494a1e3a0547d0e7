#include "agent/engine_twins.h"

#include "base/log.h"

static bool same_address(const struct source *a, const struct source *b)
{
	return a->address_count > 0 && b->address_count > 0 &&
	       endpoint_same_host(source_address(a), source_address(b));
}

static bool same_server(const struct source *a, const struct source *b)
{
	return same_address(a, b) || (a->twins != 0 && a->twins == b->twins &&
					 ke_same_key(a->cert_key, b->cert_key));
}

void engine_mark_duplicates(struct engine *e)
{
	unsigned server[CONFIG_SOURCES_MAX];

	for (unsigned i = 0; i < e->source_count; i++) {
		unsigned first = 0;

		while (first < i &&
		       !same_server(&e->sources[i], &e->sources[first]))
			first++;
		server[i] = first < i ? server[first] : i;
		steering_set_server(e->steering, i, server[i]);
	}
}

static bool set_at_one_moment(const struct source *a, const struct source *b)
{
	return a->reference != 0 && a->reference == b->reference &&
	       a->stratum == b->stratum;
}

void engine_notice_twin(struct engine *e, unsigned source)
{
	struct source *s = &e->sources[source];

	for (unsigned i = 0; i < e->source_count; i++) {
		struct source *o = &e->sources[i];

		if (i == source || same_server(s, o) ||
		    !ke_same_key(s->cert_key, o->cert_key) ||
		    !set_at_one_moment(s, o))
			continue;
		/* Any number that no other server has; a third name takes the
		 * one that the first two have. */
		s->twins = o->twins = o->twins != 0 ? o->twins : s->reference;
		log_info("%s and %s are one server: they have one vote",
		    o->config->name, s->config->name);
		engine_mark_duplicates(e);
	}
}
