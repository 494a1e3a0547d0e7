/*
 * Keeps the history: maps the file that ntsctl reads, counts its cells, takes
 * it over from the last run, and saves it.
 */
#ifndef AGENT_LOOP_HISTORY_FILE_H
#define AGENT_LOOP_HISTORY_FILE_H

#include "agent/query/observer.h"
#include "agent/saved/trouble.h"

#define HISTORY_FILE_NAME "history.ntsclock"

struct history_keeper {
	struct history_file *file; /* mapped; NULL: no history is kept */
	struct observer observer;
	const struct saved_folder
	    *folder; /* borrowed; NULL: nothing is saved */
	/* The number of the cell that began with `base_ns` of CLOCK_BOOTTIME.
	 */
	uint64_t base_cell;
	int64_t base_ns;
	int64_t wall_minus_boot_ns;
	bool settled;  /* the clock has been synchronised in this run */
	bool look_due; /* something has happened since the last look */
	char trouble[SAVED_TROUBLE_MAX]; /* with the last write; "": none */
	struct mono save_at;
};

/* `fd` is the file, or -1, and is closed; `folder` the one of the saved files,
 * or NULL. Errors are logged, and cost only the history. */
void history_file_open(struct history_keeper *h, int fd,
    const struct saved_folder *folder, const struct engine *e);
/* `folder` is not used any more. */
void history_file_close(struct history_keeper *h);

/* Called when the loop wakes, before anything changes the engine: fills the
 * cells that were over in its sleep with what the engine knew then. */
void history_file_wake(
    struct history_keeper *h, const struct engine *e, struct clock_reading now);
/* Looks at the engine if a cell is over or something has happened. */
void history_file_turn(
    struct history_keeper *h, const struct engine *e, struct clock_reading now);
/* When HISTORY_LATE_S are over since the newest cell began. */
struct mono history_file_deadline(
    const struct history_keeper *h, struct clock_reading now);

/* Replaces the saved file if it is an hour old, or could not be written. It may
 * take as long as a disk does. */
void history_file_save(struct history_keeper *h, struct clock_reading now);
/* The engine ends: the last event, and the last save. */
void history_file_end(struct history_keeper *h, struct clock_reading now);

#endif
