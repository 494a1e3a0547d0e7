/* The cells of the history as CSV and JSON: what a picture is drawn from. */
#ifndef AGENT_CTL_HISTORY_CELLS_H
#define AGENT_CTL_HISTORY_CELLS_H

#include "agent/ctl/history/series.h"
#include "agent/ctl/print/table.h"

/* Which part of the history; `place` is a source, or -1: the clock or, for the
 * stage, all sources. */
struct cells {
	enum series_value value;
	int place;
	int64_t now_s, length_s;
};

/* A row or an object for each cell, the oldest first. False: no memory, or the
 * output cannot be written. */
bool cells_put(const struct cells *c, const struct history_file *f,
    const struct view *v) MUST_USE;

#endif
