/*
 * The history file: what the agent knows of the last 30 days, in memory that
 * ntsctl can read. The agent maps the file and writes, every user may read. All
 * sizes are fixed when the agent starts; nothing grows.
 *
 * ntsctl shares this header with the agent, as it shares base/failures.h.
 * Raise HISTORY_VERSION with each change of it: ntsctl refuses another one.
 *
 * Signs are those of chronyc: an offset is positive when the local clock is
 * fast, a frequency when it runs fast. Numbers have the byte order of the
 * machine. A value that is not known is NaN.
 */
#ifndef AGENT_HISTORY_FORMAT_H
#define AGENT_HISTORY_FORMAT_H

#include "base/check.h"
#include "base/limits.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define HISTORY_MAGIC "NTSAHIST"
#define HISTORY_MAGIC_LEN 8
#define HISTORY_VERSION 1

/* A day in cells of 15 s, and 30 days in cells of half an hour. The fine cells
 * of the newest coarse cell are always among the fine ones. */
#define HISTORY_FINE_S 15
#define HISTORY_FINE 5760
#define HISTORY_PER_COARSE 120
/* The agent fills cells when it is awake, and at most this much later. */
#define HISTORY_LATE_S 60
#define HISTORY_COARSE 1440
#define HISTORY_COARSE_S (HISTORY_FINE_S * HISTORY_PER_COARSE)

#define HISTORY_EVENTS 512
#define HISTORY_STAGES 16
#define HISTORY_STAGE_NAME_MAX 24

/* The mark of a cell; 0: the agent did not run, or had no such source. */
enum history_mark {
	HISTORY_PRESENT = 0x80,
	/* Clock: it was synchronised. Source: its last two requests have not
	 * both stayed without an answer. */
	HISTORY_GOOD = 0x40,
	HISTORY_STAGE = 0x0f, /* the bits of a source's stage */
};

enum history_clock_value {
	HISTORY_CLOCK_OFFSET,	 /* ns; estimated, positive: fast */
	HISTORY_CLOCK_BOUND,	 /* ns; the largest possible error */
	HISTORY_CLOCK_ERROR,	 /* ns; the standard deviation of the offset */
	HISTORY_CLOCK_FREQUENCY, /* ppm; of the oscillator, positive: fast */
	HISTORY_CLOCK_VALUES,
};

enum history_source_value {
	HISTORY_SOURCE_OFFSET, /* ns; of our clock against it, positive: fast */
	HISTORY_SOURCE_DELAY,  /* ns; there and back */
	HISTORY_SOURCE_VALUES,
};

struct history_span {
	float min, mean, max;
};

/* The rings: cell number n has the index n modulo the size of the ring. */
struct history_series {
	float fine[HISTORY_FINE];
	struct history_span coarse[HISTORY_COARSE];
};

struct history_marks {
	uint8_t fine[HISTORY_FINE];
	uint8_t coarse[HISTORY_COARSE];
};

struct history_clock {
	struct history_marks marks;
	struct history_series series[HISTORY_CLOCK_VALUES];
};

struct history_source {
	char name[SOURCE_NAME_MAX]; /* "": a free place */
	struct history_marks marks;
	struct history_series series[HISTORY_SOURCE_VALUES];
};

/* What happened, in the order of enum history_event_kind. */
/* clang-format off */
#define HISTORY_EVENT_KINDS(X) \
	/* id, name */ \
	X(HISTORY_START, "start")       /* the agent started */ \
	X(HISTORY_END, "end")           /* it ended in order */ \
	X(HISTORY_SYNC, "synchronised") \
	X(HISTORY_LOST, "lost")         /* not synchronised any more */ \
	X(HISTORY_SELECTED, "selected") /* another source is the best one */ \
	X(HISTORY_STEP, "step") \
	X(HISTORY_ALARM, "alarm")       /* the clock is not steered */ \
	X(HISTORY_REFUSED, "refused")   /* the keeper refused a command */ \
	X(HISTORY_DISTURBED, "disturbance") \
	X(HISTORY_LEAP, "leap") \
	X(HISTORY_STAGE_CHANGED, "stage") \
	X(HISTORY_KEYS, "keys")         /* new keys */ \
	X(HISTORY_KEYS_FAILED, "keys-failed") \
	X(HISTORY_CRASH, "crash")       /* of a job of a key exchange */ \
	X(HISTORY_NAK, "nak") \
	X(HISTORY_TROUBLE, "trouble")   /* of a source, with its reason */ \
	X(HISTORY_WELL, "well")         /* the trouble is over */ \
	X(HISTORY_OUTVOTED, "outvoted") \
	X(HISTORY_AGREES, "agrees")     /* it agrees with the majority again */ \
	X(HISTORY_RELOAD, "reload") \
	X(HISTORY_REPLACED, "replaced") /* another address of a pool */
/* clang-format on */
enum history_event_kind {
#define X(id, name) id,
	HISTORY_EVENT_KINDS(X)
#undef X
	    HISTORY_EVENT_KIND_COUNT
};

#define HISTORY_TEXT_MAX 432

/* Only printable ASCII, with a NUL. */
struct history_event {
	int64_t time_ns; /* CLOCK_REALTIME */
	uint32_t kind;
	uint32_t zero;
	char source[SOURCE_NAME_MAX]; /* "": the clock or the agent */
	char text[HISTORY_TEXT_MAX];
};

struct history_head {
	char magic[HISTORY_MAGIC_LEN];
	uint32_t version;
	uint32_t sources; /* places */
	uint64_t size;	  /* of the whole file */
	/* Odd while the agent writes. What was read between two equal even
	 * values is one state. */
	uint64_t sequence;
	uint64_t cell;	    /* the number of the newest fine cell */
	int64_t written_ns; /* CLOCK_REALTIME of the last write */
	uint64_t events;    /* so far; number n has the index n % EVENTS */
	char stages[HISTORY_STAGES][HISTORY_STAGE_NAME_MAX];
};

struct history_file {
	struct history_head head;
	struct history_event events[HISTORY_EVENTS];
	struct history_clock clock;
	struct history_source sources[]; /* head.sources of them */
};

static_assert(HISTORY_FINE % HISTORY_PER_COARSE == 0, "whole coarse cells");
static_assert(HISTORY_FINE * HISTORY_FINE_S == 86400, "a day");
static_assert(HISTORY_COARSE * HISTORY_COARSE_S == 30 * 86400, "30 days");
static_assert(sizeof(struct history_event) == 512, "no padding");

/* The file of the agent with this status socket: `history` in the folder of
 * status.sock; otherwise the path with ".history" at its end. */
#define HISTORY_PATH_MAX 300
static inline void history_path(
    const char *status_path, char out[static HISTORY_PATH_MAX])
{
	static const char usual[] = "status.sock";
	size_t len = strlen(status_path), tail = sizeof(usual) - 1;

	if (len > tail && status_path[len - tail - 1] == '/' &&
	    strcmp(status_path + len - tail, usual) == 0)
		snprintf(out, HISTORY_PATH_MAX, "%.*shistory",
		    (int)(len - tail), status_path);
	else
		snprintf(out, HISTORY_PATH_MAX, "%s.history", status_path);
}

static inline const char *history_event_name(unsigned kind)
{
	static const char *const names[] = {
#define X(id, name) name,
	    HISTORY_EVENT_KINDS(X)
#undef X
	};

	return kind < HISTORY_EVENT_KIND_COUNT ? names[kind] : "unknown";
}

static inline size_t history_size(unsigned sources)
{
	return sizeof(struct history_file) +
	       sources * sizeof(struct history_source);
}

#endif
