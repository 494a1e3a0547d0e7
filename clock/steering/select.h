/*
 * Which sources to believe: intersection of hard intervals (RFC 5905 11.2.1;
 * Marzullo 1984), then what the administrator asked for, then who is good
 * enough to help. Pure, on an array; no filter's self-confidence enters.
 */
#ifndef CLOCK_STEERING_SELECT_H
#define CLOCK_STEERING_SELECT_H

#include "base/limits.h"
#include "clock/steering/steering.h"

struct select_source {
	/* In: SELECT_NO_SAMPLES ... SELECT_STALE for one that cannot be used,
	 * SELECT_COMBINED for one that can. Out: what became of it. */
	enum select_state state;
	struct source_options options;
	bool duplicate; /* has no vote: another name of a server */
	bool
	    was_falseticker; /* needs to agree for good before it is believed */
	/* Its latest answers are without what the majority said before: its
	 * vote is against them, whatever it said once. */
	bool outside;
	bool was_combined; /* stays so unless it got clearly worse */
	int64_t offset_ns;
	int64_t distance_ns; /* the truth is within offset +- distance */
	/* The part of the distance that does not grow until the next sample:
	 * what the best of several is chosen by, or the one that was heard last
	 * would always lead. */
	int64_t own_distance_ns;
};

struct select_result {
	int selected;	       /* index, or -1 */
	unsigned voters;       /* usable sources with a vote */
	unsigned agreeing;     /* of them, those in the majority */
	unsigned survivors;    /* after the administrator's rules */
	unsigned independent;  /* servers among those that agree */
	bool required_missing; /* none marked require agrees */
	/* Where the majority says that the truth is; only of use, and only set,
	 * while there is one (agreeing > voters / 2). */
	int64_t truth_low_ns, truth_high_ns;
	/* Why nothing is selected, one of SELECT_NO_MAJORITY, SELECT_WAITS,
	 * SELECT_NO_SAMPLES (no usable source); SELECT_SELECTED otherwise. */
	enum select_state outcome;
};

/* count <= SOURCES_MAX. `last`: index of the source selected before, or
 * -1: it stays unless another is clearly better. */
struct select_result select_sources(struct select_source *sources,
    unsigned count, unsigned min_sources, int last);

#endif
