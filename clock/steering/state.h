/*
 * The state behind clock/steering/steering.h, shared by steering.c, which
 * decides, steering_filter.c, which feeds the joint filter, and
 * steering_view.c, which shows. Nobody else includes this.
 */
#ifndef CLOCK_STEERING_STATE_H
#define CLOCK_STEERING_STATE_H

#include "clock/filter/delay.h"
#include "clock/steering/discipline.h"
#include "clock/filter/estimate.h"
#include "clock/filter/error_model.h"
#include "clock/filter/route.h"
#include "clock/steering/select.h"
#include "clock/steering/steering.h"

#define RECORDS 128 /* kept of each source */

struct record {
	struct sample sample;
	int64_t measured_ns; /* against the wall clock of then */
	bool noted;
	unsigned route; /* of the path's delay */
};

struct source {
	struct source_options options;
	enum select_state state;
	unsigned server; /* the same in all names of one */
	bool unsynced;
	bool was_falseticker, was_combined; /* at the last selection */
	bool outside;			    /* see struct select_source */
	uint8_t reach;
	int slot;     /* in the filter, or -1 */
	int old_slot; /* the same, when the filter was last started */
	/* Biases of the path's routes: of those not taken since the oldest
	 * record, and with what the records have shown. */
	struct route_table kept, learned;
	unsigned fed_route; /* that of the latest record in the filter */
	/* The route of the oldest record, and its bias, taken off all of them;
	 * positive: the server seems ahead. */
	unsigned carried_route;
	int64_t carried_ns;
	double carried_sd; /* s */
	/* The last route that was new to the filter: samples taken in since,
	 * the bias before, and how much it may have changed by, s. */
	unsigned on_route;
	struct belief bias_before;
	double bias_change_sd;
	/* Samples in a row that the filter took for wrong, and that agree. */
	unsigned surprises;
	double last_miss; /* s, of the latest such: measured minus expected */
	struct osc last_right; /* the latest sample that was none */
	unsigned fresh;	       /* samples that were heard in this run */
	double longest; /* delay restored without its sample, s; 0: none */
	unsigned count, next;
	struct record records[RECORDS];
	struct delay_track delay;
	struct law law;
	/* The interval of the last selection. */
	struct osc best_at;
	int64_t best_offset_ns, best_distance_ns, best_own_ns;
	double best_growth; /* of the distance, s/s */
};

struct steering {
	struct steering_config config;
	unsigned source_count;
	struct source *sources;
	double first_freq, first_freq_sd; /* before any sample; s/s */
	struct estimate estimate;
	unsigned members[ESTIMATE_SOURCES]; /* sources in the filter */
	unsigned member_count;
	bool rebuild; /* the filter must start again from the records */
	bool news;    /* a sample went into the filter */
	struct osc first_at;
	bool heard;    /* anything, since the start or the last jump */
	bool starting; /* no command was carried out since then */
	struct discipline discipline;
	struct select_result selection;
	bool said_synchronised; /* in the last command */
	enum leap leap;		/* of the survivors, at the last update */
	double base_freq;	/* in force, s/s */
	double asked_freq;
	struct osc updated;
	double interval_s;
	int64_t last_offset_ns;
	double mean_square; /* of offsets at updates, s^2 */
};

/* The i-th latest, 0: the newest; i < count. */
static inline struct record *record(struct source *s, unsigned i)
{
	return &s->records[(s->next + RECORDS - 1 - i) % RECORDS];
}

static inline const struct record *const_record(
    const struct source *s, unsigned i)
{
	return &s->records[(s->next + RECORDS - 1 - i) % RECORDS];
}

static inline bool steering_wanted(const struct source *s)
{
	return s->state == SELECT_SELECTED || s->state == SELECT_COMBINED;
}

/* One record of a member of the filter. */
void steering_feed(
    struct steering *s, struct source *src, const struct record *r);

/* The route of this member changed between its records `before` and r. */
void steering_reroute(struct steering *s, struct source *src,
    const struct record *before, const struct record *r);

/* What was restored of this source cannot be true, if the sample is. */
bool steering_contradicts(
    const struct steering *s, const struct source *src, const struct sample *m);

/* Who is in the filter, after a selection that selected somebody. */
void steering_renew_members(struct steering *s);

/* Start again and take in all records of the members, oldest first: with what
 * is known by now of each path, and of who is to be believed. */
void steering_replay(struct steering *s);

/* Wall clock against the estimate: positive, slow. Fills `v` for `now`. */
int64_t steering_remaining_ns(const struct steering *s,
    const struct timescale *t, struct wall now, struct estimate_value *v);

/* How far the truth may be from the estimate `v` of `now`, if the selected
 * source tells no lies. INT64_MAX: nothing is known. */
int64_t steering_bound_ns(
    const struct steering *s, const struct estimate_value *v, struct osc now);

#endif
