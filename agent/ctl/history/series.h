/*
 * A part of the history as columns of a picture. Pure.
 */
#ifndef AGENT_CTL_HISTORY_SERIES_H
#define AGENT_CTL_HISTORY_SERIES_H

#include "agent/history/format.h"

#include <stdbool.h>

#define SERIES_COLUMNS_MAX 2048

enum series_value {
	SERIES_OFFSET,
	SERIES_BOUND,
	SERIES_ERROR,
	SERIES_FREQUENCY,
	SERIES_DELAY,
	SERIES_STAGE,
	SERIES_VALUES,
};

struct series_column {
	bool known; /* the three numbers are */
	/* A line leads here from the last column that is known: the agent ran
	 * all the time between, and knew the value. */
	bool joined;
	double min, mean, max; /* ns or ppm */
	uint8_t mark;	       /* enum history_mark; 0: the agent did not run */
};

struct series {
	unsigned count;
	int64_t from_s, to_s; /* seconds since 1970 */
	bool any;	      /* some column is known */
	double min, max;      /* of all columns */
	struct series_column columns[SERIES_COLUMNS_MAX];
};

/* The word on the command line; SERIES_VALUES: there is no such value. */
enum series_value series_find(const char *word);
const char *series_word(enum series_value value);

/* Does the clock, or do the sources, have this value? */
bool series_of_clock(enum series_value value);
bool series_of_source(enum series_value value);

/*
 * Fills `count` columns with what the last `length_s` seconds before `now_s`
 * say. `place` is a source, or -1 for the clock. Lengths up to a day come from
 * the fine cells, longer ones from the coarse ones.
 */
void series_make(struct series *out, const struct history_file *f, int place,
    enum series_value value, int64_t now_s, int64_t length_s, unsigned count);

/* One cell as it is stored. */
struct series_cell {
	int64_t time_s;	       /* of its end, seconds since 1970 */
	uint8_t mark;	       /* enum history_mark; 0: the agent did not run */
	bool known;	       /* the three numbers are */
	double min, mean, max; /* ns or ppm */
};

/* How many cells this length has, in which series_make looks, and their length
 * in seconds. */
unsigned series_cells(int64_t length_s, int64_t *cell_s);

/* The cell `i` of them, the oldest is 0. `place` as in series_make. */
struct series_cell series_cell(const struct history_file *f, int place,
    enum series_value value, int64_t now_s, int64_t length_s, unsigned i);

#endif
