/*
 * Carries the samples of the steering, and what it has learned of the drift,
 * from one process to the next. Reads the clocks and the files;
 * agent/saved/samples.h and drift.h have the formats.
 */
#ifndef AGENT_LOOP_SAMPLE_FILE_H
#define AGENT_LOOP_SAMPLE_FILE_H

#include "agent/engine/state.h"
#include "agent/saved/learned_drift.h"
#include "agent/saved/samples.h"
#include "agent/saved/trouble.h"

#define SAMPLE_FILE_NAME "samples.ntsclock"
#define DRIFT_FILE_NAME "drift.ntsclock"

struct sample_file {
	const struct saved_folder
	    *folder;	      /* borrowed; NULL: nothing is saved */
	struct timeline born; /* the comparison of the clocks begins here */
	struct timeline last; /* at the last save */
	char trouble[SAVED_TROUBLE_MAX]; /* with the last write; "": none */
	uint8_t machine[DIGEST_LEN];
	size_t size;	/* of `bytes`; enough for all sources */
	uint8_t *bytes; /* owned */
	struct saved_source source;
};

/* Restores the samples that were saved for the sources of `e`, as far as they
 * can be carried over. The sources must have their addresses. Errors are logged
 * and cost only accuracy. */
void sample_file_open(
    struct sample_file *r, const struct saved_folder *folder, struct engine *e);
void sample_file_close(struct sample_file *r);

/* Replaces the files. Does nothing in the first seconds of a process. */
void sample_file_save(struct sample_file *r, const struct engine *e);

#endif
