/* A history of six hours, made of round numbers. Include after cmocka.h. */
#ifndef TESTS_UNIT_AGENT_CTL_HISTORY_MADE_HISTORY_H
#define TESTS_UNIT_AGENT_CTL_HISTORY_MADE_HISTORY_H

#include "agent/history/format.h"

#include <math.h>
#include <stdlib.h>

/* 2027-01-15 08:00:00 UTC, the time of the newest cell. */
#define MADE_NOW_S INT64_C(1800000000)
#define MADE_CELLS 1440
#define MADE_NEWEST 2000
#define MADE_POLLING 2
#define MADE_RESTING 4
#define MADE_OFFLINE 7
/* Seconds before now: the agent did not run; it did not know the offset; the
 * server "far" did not answer. */
#define MADE_AWAY(ago) ((ago) > 7200 && (ago) < 9600)
#define MADE_UNKNOWN(ago) ((ago) > 3000 && (ago) < 3900)
#define MADE_SILENT(ago) ((ago) > 10000 && (ago) < 12000)

static inline void made_fine(struct history_file *f, uint64_t cell)
{
	int64_t ago = (int64_t)(MADE_NEWEST - cell) * HISTORY_FINE_S;
	size_t at = (size_t)(cell % HISTORY_FINE);
	bool known = !MADE_UNKNOWN(ago), silent = MADE_SILENT(ago);
	/* A triangle between -20 us and +20 us. */
	float offset =
	    (float)(llabs((int64_t)(cell % 800) - 400) * 100 - 20000);

	if (MADE_AWAY(ago))
		return;
	f->clock.marks.fine[at] = HISTORY_PRESENT | (known ? HISTORY_GOOD : 0);
	f->clock.series[HISTORY_CLOCK_OFFSET].fine[at] = known ? offset : NAN;
	f->clock.series[HISTORY_CLOCK_BOUND].fine[at] = known ? 150000 : NAN;
	f->clock.series[HISTORY_CLOCK_ERROR].fine[at] = NAN;
	f->clock.series[HISTORY_CLOCK_FREQUENCY].fine[at] = -12.5f;
	for (int i = 0; i < 2; i++) {
		struct history_source *s = &f->sources[i];
		bool sample = cell % 8 == 0 && !(silent && i == 1);
		unsigned stage = i == 0 && ago < 600	 ? MADE_OFFLINE
				 : i == 0 && ago > 18000 ? MADE_RESTING
							 : MADE_POLLING;

		sample &= stage == MADE_POLLING;
		s->marks.fine[at] =
		    (uint8_t)(HISTORY_PRESENT |
			      ((silent && i == 1) || stage != MADE_POLLING
				      ? 0
				      : HISTORY_GOOD) |
			      stage);
		s->series[HISTORY_SOURCE_OFFSET].fine[at] =
		    sample ? offset / 2 : NAN;
		s->series[HISTORY_SOURCE_DELAY].fine[at] =
		    sample ? 450000 + (float)(cell % 80) * 1000 : NAN;
	}
}

/* Two sources of four places; the caller frees it. */
static inline struct history_file *made_history(void)
{
	static const char *const stages[] = {"start", "keying", "polling",
	    "rekeying", "resting", "undated-keying", "undated-polling",
	    "offline", "offline-keyed"};
	struct history_file *f = calloc(1, history_size(4));

	assert_non_null(f);
	memcpy(f->head.magic, HISTORY_MAGIC, HISTORY_MAGIC_LEN);
	f->head.version = HISTORY_VERSION;
	f->head.sources = 4;
	f->head.size = history_size(4);
	f->head.cell = MADE_NEWEST;
	f->head.written_ns = MADE_NOW_S * INT64_C(1000000000);
	for (size_t i = 0; i < ARRAY_LEN(stages); i++)
		snprintf(
		    f->head.stages[i], HISTORY_STAGE_NAME_MAX, "%s", stages[i]);
	snprintf(f->sources[0].name, SOURCE_NAME_MAX, "near");
	snprintf(f->sources[1].name, SOURCE_NAME_MAX, "far");
	for (uint64_t cell = MADE_NEWEST - MADE_CELLS + 1; cell <= MADE_NEWEST;
	     cell++)
		made_fine(f, cell);
	return f;
}

static inline void made_event(struct history_file *f, int64_t ago_s,
    enum history_event_kind kind, const char *source, const char *text)
{
	struct history_event *e = &f->events[f->head.events++ % HISTORY_EVENTS];

	memset(e, 0, sizeof(*e));
	e->time_ns = (MADE_NOW_S - ago_s) * INT64_C(1000000000);
	e->kind = kind;
	snprintf(e->source, sizeof(e->source), "%s", source);
	snprintf(e->text, sizeof(e->text), "%s", text);
}

static inline void made_events(struct history_file *f)
{
	made_event(f, 9600, HISTORY_END, "", "ntsagentd ends");
	made_event(
	    f, 7200, HISTORY_START, "", "ntsagentd 1.0 started with 2 sources");
	made_event(f, 7199, HISTORY_KEYS, "near",
	    "new keys from 192.0.2.1:4460: certificate \"CN=near, Inc.\"");
	made_event(f, 60, HISTORY_TROUBLE, "far",
	    "silence: no answer from 192.0.2.2:123");
}

#endif
