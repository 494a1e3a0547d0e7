/*
 * The file of the history: rings and events of agent/history/format.h as bytes
 * for the disk. Pure. README.md has the format.
 */
#ifndef AGENT_SAVED_SAVED_HISTORY_H
#define AGENT_SAVED_SAVED_HISTORY_H

#include "agent/history/format.h"
#include "nts/bytes.h"

#include <stdbool.h>

/* The longest file of a history with so many places. */
size_t saved_history_max(unsigned sources);

/* Changes nothing in `f`. */
void saved_history_put(struct writer *w, struct history_file *f);

/*
 * Reads a saved history into `out`, a history that history_init() has made;
 * sources that find no place there are left out. False: the bytes are damaged
 * or of another version, and `out` is not usable any more.
 */
bool saved_history_take(
    const uint8_t *bytes, size_t len, struct history_file *out) MUST_USE;

#endif
