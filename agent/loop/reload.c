#include "agent/loop/reload.h"

#include "agent/engine/adopt.h"
#include "agent/engine/sources.h"
#include "agent/loop/ports.h"
#include "agent/source/cookie_reserve.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void reload_order(struct engine_loop *p, unsigned long client,
    bool only_dropped, struct mono now)
{
	struct reload_request q = {
	    .serial = p->reload_serial + 1, .only_dropped = only_dropped};
	const char *why = NULL;

	if (p->links->config_fd < 0)
		why = "this agent ends when the clock is set (-q)";
	else if (p->reload_client != 0)
		why = "a reload is in progress; try again";
	if (why) {
		control_socket_answer(&p->control, client, false, why, now);
		return;
	}
	p->reload_client = client;
	p->reload_serial = q.serial;
	if (reload_send_request(p->links->config_fd, &q) != 1)
		p->broken = true;
}

static void answer(struct engine_loop *p, const char *first, const char *more)
{
	const struct reload_result *r = &p->reload;
	char text[CONTROL_TEXT_MAX];

	if (p->reload_client == 0 || r->serial != p->reload_serial)
		return;
	snprintf(text, sizeof(text), "%s%s%s", first, *more ? "\n" : "", more);
	control_socket_answer(
	    &p->control, p->reload_client, r->ok != 0, text, loop_now(p).mono);
	p->reload_client = 0;
}

/* Before the engine: jobs that begin now must go by the new rules. */
static void tell_resolver(struct engine_loop *p, const struct config *fresh)
{
	if (adopt_changes_trust(p->config, fresh) &&
	    !resolver_link_trust(&p->resolver, &fresh->trust))
		p->broken = true;
}

void reload_keyring(struct engine_loop *p)
{
	uint8_t before[SAVED_KEYS_BINDING_LEN];

	if (p->keyring.folder.fd < 0)
		return;
	memcpy(before, p->keyring.binding, sizeof(before));
	keyring_close(&p->keyring);
	ports_open_keyring(p);
	if (p->keyring.folder.fd < 0)
		ports_save_too(p, false);
	if (memcmp(before, p->keyring.binding, sizeof(before)) == 0)
		return;
	for (unsigned i = 0; i < p->engine.source_count; i++)
		cookie_reserve_bar(&p->engine.sources[i]);
}

void reload_lock_memory(const struct source *sources, unsigned count)
{
	if (mlock(sources, count * sizeof(*sources)) != 0)
		log_debug("keys may be swapped out: %s", strerror(errno));
}

/* Locks the memory before the engine copies keys into it. */
static bool adopt(struct engine_loop *p, const struct config *fresh,
    char text[ADOPT_TEXT_MAX])
{
	struct source *room = calloc(fresh->source_count, sizeof(*room));

	if (!room)
		return false;
	reload_lock_memory(room, fresh->source_count);
	if (engine_adopt(&p->engine, fresh, room, loop_now(p), text))
		return true;
	free(room);
	return false;
}

static void take_config(struct engine_loop *p)
{
	struct config *fresh = malloc(sizeof(*fresh));
	char text[ADOPT_TEXT_MAX];

	if (!fresh) {
		p->broken = true;
		return;
	}
	*fresh = p->reload.config;
	tell_resolver(p, fresh);
	if (!adopt(p, fresh, text)) {
		free(fresh);
		p->broken = true;
		return;
	}
	free(p->own_config);
	p->config = p->own_config = fresh;
	log_set_level(fresh->log_level);
	log_notice("%s", text);
	reload_keyring(p);
	if (changes_watch_trust(&p->changes, &p->config->trust))
		engine_distrust(&p->engine, loop_now(p));
	answer(p, text, p->reload.text);
}

void reload_hear(struct engine_loop *p)
{
	int got = reload_receive_result(p->links->config_fd, &p->reload);

	if (got < 0)
		p->broken = true;
	else if (got == 1 && p->reload.ok)
		take_config(p);
	else if (got == 1)
		answer(
		    p, p->reload.text, "the old configuration stays in force");
}
