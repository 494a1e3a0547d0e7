/*
 * Writes the rings of the history file. Pure: the caller maps the file, and
 * time comes in as the number of a cell.
 */
#ifndef AGENT_HISTORY_RINGS_H
#define AGENT_HISTORY_RINGS_H

#include "agent/history/format.h"

#include <stdbool.h>

/* An empty history. `f` has history_size(sources) bytes. */
void history_init(struct history_file *f, unsigned sources);

/* Around each change, so that a reader sees whole states only. */
void history_begin(struct history_file *f);
void history_end(struct history_file *f);

/* Makes `cell` the newest one and clears all cells that were passed. An older
 * number than the newest one changes nothing. */
void history_advance(struct history_file *f, uint64_t cell);

/* Fills the newest cell of the clock. A value that is not finite is not known.
 */
void history_put_clock(struct history_file *f, bool synchronised,
    const double values[HISTORY_CLOCK_VALUES]);

/* The place of the source of this name. If it has none, it gets a free one, or
 * that of the source which `configured` does not know and whose last cell is
 * the oldest. -1: all places are taken. */
int history_place(struct history_file *f, const char *name,
    bool (*configured)(const void *self, const char *name), const void *self);

/* Fills the newest cell of a source. `values` is NULL if there was no sample:
 * an older one of the same cell stays. */
void history_put_source(struct history_file *f, int place, unsigned stage,
    bool good, const double values[HISTORY_SOURCE_VALUES]);

#endif
