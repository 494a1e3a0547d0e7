/*
 * The engine's side of a reload: it asks the keeper for one, takes the new
 * configuration when the keeper has it, and answers who asked.
 */
#ifndef AGENT_LOOP_RELOAD_H
#define AGENT_LOOP_RELOAD_H

#include "agent/loop/state.h"

/* A client of the control socket orders a reload. One at a time: a second one
 * may have changed the file since. */
void reload_order(struct engine_loop *p, unsigned long client, struct mono now);

/* The keeper has sent a result. */
void reload_hear(struct engine_loop *p);

/* Other certificates are trusted than before: saved keys that were made under
 * the old trust must not be used or written any more. Removes the files of
 * sources that are gone. */
void reload_keyring(struct engine_loop *p);

/* Keeps the secrets of the sources out of the swap space. */
void reload_lock_memory(struct engine_loop *p);

#endif
