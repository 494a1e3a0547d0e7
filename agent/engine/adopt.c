#include "agent/engine/adopt.h"

#include "agent/engine/duplicates.h"
#include "agent/engine/report.h"
#include "agent/engine/saving.h"
#include "agent/engine/sources.h"
#include "agent/engine/wrong_clock.h"
#include "agent/source/cookie_reserve.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mapping {
	int from[SOURCES_MAX];	/* new index to old index; -1: a new source */
	bool kept[SOURCES_MAX]; /* by old index */
};

static bool same_list(const char a[][FILE_PATH_MAX], unsigned a_count,
    const char b[][FILE_PATH_MAX], unsigned b_count)
{
	if (a_count != b_count)
		return false;
	for (unsigned i = 0; i < a_count; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

static bool same_paths(
    const struct trust_config *a, const struct trust_config *b)
{
	return same_list(a->paths, a->path_count, b->paths, b->path_count) &&
	       same_list(a->crls, a->crl_count, b->crls, b->crl_count);
}

bool adopt_changes_trust(const struct config *old, const struct config *fresh)
{
	const struct trust_config *a = &old->trust, *b = &fresh->trust;

	return a->system_certs != b->system_certs || !same_paths(a, b) ||
	       a->aead_count != b->aead_count ||
	       memcmp(a->aeads, b->aeads,
		   a->aead_count * sizeof(a->aeads[0])) != 0;
}

static bool same_server(
    const struct source_config *a, const struct source_config *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->host, b->host) == 0 &&
	       a->ke_port == b->ke_port && a->ntp_port == b->ntp_port &&
	       a->family == b->family && a->srv == b->srv;
}

static void map_sources(
    const struct engine *e, const struct config *fresh, struct mapping *m)
{
	*m = (struct mapping){{0}, {false}};
	for (unsigned i = 0; i < fresh->source_count; i++) {
		m->from[i] = -1;
		for (unsigned j = 0; j < e->source_count; j++) {
			if (!same_server(
				&fresh->sources[i], e->sources[j].config))
				continue;
			m->from[i] = (int)j;
			m->kept[j] = true;
		}
	}
}

/* A late answer to an exchange of the old list must not reach the source that
 * has its slot now. */
static uint32_t next_serial(const struct engine *e)
{
	uint32_t last = 0;

	for (unsigned i = 0; i < e->source_count; i++)
		if (e->sources[i].serial > last)
			last = e->sources[i].serial;
	return last + 1;
}

struct change {
	struct engine *e;
	const struct config *fresh;
	struct mapping map;
	bool trust;
	struct source *sources;
	struct steering *steering;
};

static bool allocate(struct change *c)
{
	struct source_options flags[SOURCES_MAX];
	struct steering_config steering = c->fresh->steering;

	for (unsigned i = 0; i < c->fresh->source_count; i++)
		flags[i] = c->fresh->sources[i].options;
	steering.max_freq_ppm = c->fresh->max_freq_ppm;
	assert(c->fresh->source_count > 0);
	c->steering = steering_adopt(c->e->steering, &steering, flags,
	    c->map.from, c->fresh->source_count);
	return c->steering != NULL;
}

/* Returns true if source `old` keeps its index. */
static bool stays(const struct change *c, unsigned old)
{
	return old < c->fresh->source_count && c->map.from[old] == (int)old;
}

static void move_sources(struct change *c)
{
	struct engine *e = c->e;
	uint32_t serial = next_serial(e);

	for (unsigned i = 0; i < c->fresh->source_count; i++) {
		struct source *s = &c->sources[i];
		const struct source_config *config = &c->fresh->sources[i];

		if (c->map.from[i] < 0) {
			source_init(s, config, e->now.mono);
			source_renumber(s, serial);
			/* The mark of a crash waits for its keys. */
			if (e->crash_marked)
				cookie_reserve_suspect(s);
			continue;
		}
		source_copy(s, &e->sources[c->map.from[i]]);
		source_reconfigure(s, config);
		if (c->map.from[i] != (int)i || c->trust || source_undated(s))
			source_begin_again(s, serial, e->now.mono);
		if (c->trust)
			source_distrust(s, e->now.mono, e->now.mono);
	}
	for (unsigned j = 0; j < e->source_count; j++)
		if (!stays(c, j) || c->trust)
			e->ports.close(e->ports.self, j);
}

static int moved_to(const struct change *c, int old)
{
	for (unsigned i = 0; i < c->fresh->source_count; i++)
		if (old >= 0 && c->map.from[i] == old)
			return (int)i;
	return -1;
}

/* Moves what the engine keeps by the index of a source. The next answers say
 * again whether the clock has stood still. */
static void move_memories(const struct change *c)
{
	struct engine *e = c->e;
	uint64_t smearers = 0, same_place = 0;

	for (unsigned i = 0; i < c->fresh->source_count; i++) {
		int from = c->map.from[i];

		if (from >= 0)
			smearers |= (e->leap.smearers >> from & 1) << i;
		if (from == (int)i)
			same_place |= UINT64_C(1) << i;
	}
	/* A source that has moved begins its exchange again. */
	e->pool_waiting &= same_place;
	e->leap.smearers = smearers;
	e->pause = (struct pause){0};
}

/* Keys from before the crash of a job must not come back when the mark of the
 * crash is gone. */
static void drop_suspect_files(const struct change *c)
{
	for (unsigned j = 0; j < c->e->source_count; j++)
		if (c->e->crash_marked && !c->map.kept[j])
			engine_saving_drop(c->e, j);
}

static void replace(struct change *c)
{
	struct engine *e = c->e;

	/* The new list has copies of the keys that are kept. */
	explicit_bzero(e->sources, e->source_count * sizeof(*e->sources));
	free(e->sources);
	steering_free(e->steering);
	e->sources = c->sources;
	e->source_count = c->fresh->source_count;
	e->steering = c->steering;
	e->config = c->fresh;
	e->last_selected = moved_to(c, e->last_selected);
	e->tracked_at = (struct mono){0};
	move_memories(c);
	e->decide_at = e->now.mono;
	engine_report_surplus(e);
	engine_mark_duplicates(e);
	/* Offers are kept by index, too: drop them. */
	if (bootstrap_open(&e->bootstrap))
		wrong_clock_renew(e);
}

static void add(char text[ADOPT_TEXT_MAX], const char *fmt, ...)
    PRINTF_LIKE(2, 3);
static void add(char text[ADOPT_TEXT_MAX], const char *fmt, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + len, ADOPT_TEXT_MAX - len, fmt, args);
	va_end(args);
}

static void describe_changes(const struct change *c, char text[ADOPT_TEXT_MAX])
{
	const struct engine *e = c->e;
	unsigned kept = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < c->fresh->source_count; i++)
		kept += c->map.from[i] >= 0;
	add(text, "the configuration was read again: %u source%s kept", kept,
	    kept == 1 ? "" : "s");
	for (unsigned i = 0; i < c->fresh->source_count; i++)
		if (c->map.from[i] < 0)
			add(text, ", %s added", c->fresh->sources[i].name);
	for (unsigned j = 0; j < e->source_count; j++)
		if (!c->map.kept[j])
			add(text, ", %s removed", e->sources[j].config->name);
	if (c->trust)
		add(text, ", other certificates or algorithms");
}

bool engine_adopt(struct engine *e, const struct config *fresh,
    struct source *room, struct clock_reading now, char text[ADOPT_TEXT_MAX])
{
	struct change c = {
	    .e = e,
	    .fresh = fresh,
	    .sources = room,
	    .trust = adopt_changes_trust(e->config, fresh),
	};

	e->now = now;
	map_sources(e, fresh, &c.map);
	if (!allocate(&c))
		return false;
	describe_changes(&c, text);
	drop_suspect_files(&c);
	move_sources(&c);
	replace(&c);
	if (c.trust)
		engine_retry_early(e, RETRY_TRUST, NULL, now);
	return true;
}
