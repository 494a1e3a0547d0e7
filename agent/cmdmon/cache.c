#include "agent/cmdmon/cache.h"

#include "agent/ctl/fetch.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* chronyc asks again after a second. */
#define TIMEOUT_MS 800

static struct mono now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){ns_of_timespec(&ts)};
}

void cache_init(struct cache *c, const char *path)
{
	*c = (struct cache){.path = path};
}

static void say(struct cache *c, const char *why)
{
	if (strcmp(c->said, why) == 0)
		return;
	snprintf(c->said, sizeof(c->said), "%s", why);
	if (why[0] != '\0')
		log_warning("%s", why);
}

const struct snapshot *cache_get(struct cache *c)
{
	char why[CONNECT_ERROR_MAX] = "";

	if (!mono_due(c->ends, now()))
		return c->known ? &c->snapshot : NULL;
	if (c->known)
		snapshot_free(&c->snapshot);
	c->known =
	    snapshot_fetch_within(c->path, TIMEOUT_MS, &c->snapshot, why);
	/* After the wait: a slow agent must not hold up each question. */
	c->ends =
	    mono_after(now(), c->known ? CACHE_LIFE_NS : CACHE_FAILED_LIFE_NS);
	say(c, why);
	return c->known ? &c->snapshot : NULL;
}
