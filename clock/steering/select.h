/*
 * Which sources to believe: first the intersection of hard intervals (RFC 5905
 * section 11.2.1; Marzullo 1984), then the administrator's rules, then whether
 * a source is precise enough to help. Pure, on an array. The filter's estimate
 * of its own errors does not enter.
 */
#ifndef CLOCK_STEERING_SELECT_H
#define CLOCK_STEERING_SELECT_H

#include "base/limits.h"

#include <stdbool.h>
#include <stdint.h>

/* What the administrator says about one source. */
struct source_options {
	bool prefer, noselect, trust, require;
	/* A request takes so much longer than its answer; the steering corrects
	 * the offsets by half of it. */
	int64_t asymmetry_ns;
};

/* What `ntsctl sources` shows: mark, name in JSON, sentence. The engine adds
 * its own reasons (no keys yet, ...) to SELECT_NO_SAMPLES. */
/* clang-format off */
#define SELECT_STATES(X) \
	X(SELECT_NO_SAMPLES,   '?', "no-samples",   "no usable sample yet") \
	X(SELECT_NOSELECT,     '?', "noselect",     "measured only (noselect)") \
	X(SELECT_UNSYNCED,     '?', "unsynchronised", "the server is not synchronised itself") \
	X(SELECT_STRATUM,      '?', "stratum",      "its stratum is not allowed: see minstratum and maxstratum in [clock]") \
	X(SELECT_DISTANCE,     '?', "distance",     "its root distance is above maxdistance") \
	X(SELECT_TOO_VARIABLE, '~', "variable",     "its answers vary by more than maxjitter") \
	X(SELECT_STALE,        '?', "stale",        "silent for too long") \
	X(SELECT_UNTRUSTED,    '?', "untrusted",    "not wholly within the interval of the sources marked trust") \
	X(SELECT_NO_MAJORITY,  '?', "no-majority",  "no majority of the sources agrees") \
	X(SELECT_WAITS,        '?', "waits",        "waits for minsources or a source marked require") \
	X(SELECT_DUPLICATE,    '-', "duplicate",    "the same server as another source") \
	X(SELECT_FALSETICKER,  'x', "falseticker",  "disagrees with the majority") \
	X(SELECT_OUTLIER,      '-', "not-combined", "agrees, but is too uncertain to help") \
	X(SELECT_SURPLUS,      '-', "surplus",      "agrees, but the estimate takes 16 sources, and others are nearer") \
	X(SELECT_NOT_PREFERRED, '-', "not-preferred", "another source is preferred") \
	X(SELECT_COMBINED,     '+', "combined",     "combined with the best source") \
	X(SELECT_SELECTED,     '*', "selected",     "the best source")
/* clang-format on */
enum select_state {
#define X(id, mark, name, sentence) id,
	SELECT_STATES(X)
#undef X
	    SELECT_STATE_COUNT
};
char select_state_mark(enum select_state s);
const char *select_state_name(enum select_state s);
const char *select_state_text(enum select_state s);

/* So many sources are combined, the selected one with them. */
#define SELECT_COMBINED_MAX 16

struct select_source {
	/* In: SELECT_COMBINED for a usable source, else the reason why it is
	 * not usable. Out: the result. */
	enum select_state state;
	struct source_options options;
	bool duplicate; /* another name of a server; has no vote */
	/* Was a falseticker: must agree with half of its interval to return. */
	bool was_falseticker;
	/* Its latest answers miss the majority's interval: its vote counts
	 * against the majority, whatever it said before. */
	bool outside;
	bool was_combined; /* stays so unless it gets clearly worse */
	int64_t offset_ns;
	int64_t distance_ns; /* the truth is within offset +- distance */
	/* The part of the distance that does not grow until the next sample.
	 * The best source is chosen by it: by the whole distance, the source
	 * with the latest answer would always win. */
	int64_t own_distance_ns;
};

struct select_result {
	int selected;	       /* index, or -1 */
	unsigned voters;       /* usable sources with a vote */
	unsigned agreeing;     /* of them, those in the majority */
	unsigned survivors;    /* after the administrator's rules */
	unsigned independent;  /* different servers among those that agree */
	int64_t apart_ns;      /* of voters without a majority: the highest
				* offset minus the lowest */
	bool required_missing; /* no source marked require agrees */
	/* Where the majority says that the truth is. Only set while there is a
	 * majority (2 * agreeing > voters). */
	int64_t truth_low_ns, truth_high_ns;
	/* SELECT_SELECTED, or why nothing is selected: SELECT_NO_MAJORITY,
	 * SELECT_WAITS or SELECT_NO_SAMPLES (no usable source). */
	enum select_state outcome;
};

/* count <= SOURCES_MAX. `last`: index of the source selected before, or -1: it
 * stays unless another one is clearly better. */
struct select_result select_sources(struct select_source *sources,
    unsigned count, unsigned min_sources, int last);

#endif
