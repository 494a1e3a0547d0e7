/*
 * The engine's side of a reload: asks the keeper for one, takes the new
 * configuration when the keeper sends it, and answers the client.
 */
#ifndef AGENT_LOOP_RELOAD_H
#define AGENT_LOOP_RELOAD_H

#include "agent/loop/state.h"

/* A client of the control socket orders a reload, of the files of sources.d
 * alone with `only_dropped`. Refused while another one is in progress: the file
 * may have changed since that one began. */
void reload_order(struct engine_loop *p, unsigned long client,
    bool only_dropped, struct mono now);

/* The keeper has sent a result of a reload. */
void reload_hear(struct engine_loop *p);

/* After a change of the configuration or of the trusted files: keys that were
 * made under another trust are not used after a restart. Removes the files of
 * sources that are gone. */
void reload_keyring(struct engine_loop *p);

/* Keeps the secrets of these sources out of the swap space. */
void reload_lock_memory(const struct source *sources, unsigned count);

#endif
