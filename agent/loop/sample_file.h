/*
 * Carries the samples of the steering from one process to the next: the clocks
 * and the file around agent/saved/samples.h.
 */
#ifndef AGENT_LOOP_SAMPLE_FILE_H
#define AGENT_LOOP_SAMPLE_FILE_H

#include "agent/engine/state.h"
#include "agent/saved/samples.h"
#include "agent/saved/folder.h"

#define SAMPLE_FILE_NAME "samples.ntsclock"

struct sample_file {
	const struct saved_folder *folder; /* borrowed; NULL: nothing is kept */
	struct timeline born; /* since when the two clocks are compared */
	struct timeline last; /* when they were, the last time */
	bool troubled;	      /* the last write failed */
	size_t size;
	uint8_t *bytes; /* owned: as large as the sources may need */
	struct saved_source source;
};

/* After the sources have their addresses: takes up what was saved for them, if
 * it can be carried over. Whatever hinders that costs only accuracy. */
void sample_file_open(
    struct sample_file *r, const struct saved_folder *folder, struct engine *e);
void sample_file_close(struct sample_file *r);

void sample_file_save(struct sample_file *r, const struct engine *e);

#endif
