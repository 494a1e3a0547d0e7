/*
 * Watches the engine for the history: fills the cells of the clock and of the
 * sources, and turns what has changed into events. It only reads the engine.
 */
#ifndef AGENT_QUERY_OBSERVER_H
#define AGENT_QUERY_OBSERVER_H

#include "agent/engine/state.h"
#include "agent/history/format.h"

/* Another selection is an event at most this often; so is a refusal. */
#define OBSERVER_REST_NS (900 * NS_PER_S)

/* What the last events of a source have said. */
struct observed_source {
	char name[SOURCE_NAME_MAX];
	int place; /* in the history; -1: none */
	enum source_stage stage;
	uint64_t exchanges, crashes, naks, good;
	struct endpoint address; /* in use; family 0: none */
	bool in_trouble, outvoted;
	struct log_budget troubles, votes;
};

struct observer {
	struct history_file *file; /* borrowed; NULL: no history is kept */
	const struct config *config;
	unsigned count;
	struct observed_source sources[SOURCES_MAX];
	bool synchronised, told_full;
	bool unsaved[UNSAVED_KINDS];
	char selected[SOURCE_NAME_MAX]; /* "": none */
	struct mono selected_at, refused_at;
	uint32_t steps, refused;
	char alarm[160];
	struct mono disturbed_at;
	enum leap leap_armed;
	bool leap_executed;
};

/* Begins to watch. `file` has its places and its time; the start of the agent
 * is the first event. */
void observer_start(
    struct observer *o, struct history_file *file, const struct engine *e);

/* Looks at the engine after an event. `cell` is the number of the present cell
 * of the history. */
void observer_look(struct observer *o, const struct engine *e, uint64_t cell,
    struct clock_reading now);

/* The last event. */
void observer_end(struct observer *o, struct clock_reading now);

#endif
