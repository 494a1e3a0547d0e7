/* Writes the ring of events of the history file. Pure. */
#ifndef AGENT_HISTORY_EVENTS_H
#define AGENT_HISTORY_EVENTS_H

#include "agent/history/format.h"

/* Adds the newest event; the oldest one makes room. `source` is "" for the
 * clock. What is not printable ASCII becomes "?", and a text that is too long
 * ends in "...". The caller brackets it with history_begin and history_end. */
void history_add_event(struct history_file *f, int64_t time_ns,
    enum history_event_kind kind, const char *source, const char *fmt, ...)
    PRINTF_LIKE(5, 6);

#endif
