/*
 * Carries the samples of the steering from one process to the next: the clocks
 * and the file around agent/measurements.h.
 */
#ifndef AGENT_RECALL_H
#define AGENT_RECALL_H

#include "agent/engine.h"
#include "agent/measurements.h"
#include "agent/store_folder.h"

#define RECALL_FILE "samples.ntsclock"

struct recall {
	const struct store_folder *folder; /* borrowed; NULL: nothing is kept */
	struct timeline born; /* since when the two clocks are compared */
	struct timeline last; /* when they were, the last time */
	bool troubled;	      /* the last write failed */
	size_t size;
	uint8_t *bytes; /* owned: as large as the sources may need */
	struct measured_source source;
};

/* After the sources have their addresses: takes up what was saved for them, if
 * it can be carried over. Whatever hinders that costs only accuracy. */
void recall_open(
    struct recall *r, const struct store_folder *folder, struct engine *e);
void recall_close(struct recall *r);

void recall_save(struct recall *r, const struct engine *e);

#endif
