/*
 * The state behind clock/steering/steering.h. Only the files of this folder
 * include it.
 */
#ifndef CLOCK_STEERING_STATE_H
#define CLOCK_STEERING_STATE_H

#include "base/sample.h"
#include "clock/filter/bell.h"
#include "clock/filter/creep.h"
#include "clock/filter/delay.h"
#include "clock/filter/error_model.h"
#include "clock/filter/estimate.h"
#include "clock/filter/route.h"
#include "clock/steering/config.h"
#include "clock/steering/discipline.h"
#include "clock/steering/drift_bound.h"
#include "clock/steering/holdover.h"
#include "clock/steering/select.h"

#define RECORDS 128 /* kept of each source */

struct record {
	struct sample sample;
	/* The offset against the wall clock at the time of the sample; set once
	 * `noted`. */
	int64_t measured_ns;
	bool noted;
	unsigned route; /* of the path, see struct delay_track */
	double crept;	/* how far the floor had crept, s */
	/* The frequency that was known before this sample, and its standard
	 * deviation, s/s; 0: none was. */
	double freq, freq_sd;
};

/* How fast the clock is likely to run away, ppm, if max-clock-error is `auto`.
 * For the vote; the bound that is shown grows by the learned drift. */
#define LIKELY_DRIFT_PPM 1.0

/* How fast the residuals grow, and its standard deviation, s/s. A rate of 0:
 * they do not. */
struct growth {
	double rate, sd;
};

/* The samples of a source that the filter takes for wrong. */
struct outliers {
	unsigned alike;	      /* in a row, that agree */
	unsigned certain;     /* in a row on one side that no queue explains */
	unsigned undecided;   /* samples since the last right one, neither */
	double residual;      /* s, of the latest one */
	double excess;	      /* s, of its delay, halved */
	struct growth growth; /* of the residuals */
	struct osc latest;
	struct osc last_right; /* the latest sample that was no outlier */
	struct osc first;      /* the first one after such a sample */
};

/* One source as the steering knows it. */
struct steering_source {
	struct source_options options;
	enum select_state state;
	unsigned server; /* equal in all names of one server */
	bool unsynced;	 /* the server says that it is not synchronised */
	bool was_falseticker, was_combined; /* at the last selection */
	bool outside;			    /* see struct select_source */
	bool expelled; /* it led the estimate away; then it is outside, too */
	uint8_t reach;
	int slot;     /* in the filter, or -1 */
	int old_slot; /* at the last start of the filter */

	/* Biases of the path's routes; positive: the server seems ahead.
	 * `kept`: of routes that no record shows any more. `learned`: with what
	 * the records have shown since the filter started. */
	struct route_table kept, learned;
	unsigned filter_route; /* of the latest record in the filter */
	/* The route of the oldest record and its bias. The bias is subtracted
	 * from all records before they go into the filter. */
	unsigned carried_route;
	int64_t carried_ns;
	double carried_sd; /* s */
	/* The last change to a route that the filter did not know: samples
	 * since then, the bias before, and the standard deviation of its
	 * change, s; 0: judged already. */
	unsigned on_route;
	struct gaussian bias_before;
	double bias_change_sd;

	/* As the filter sees them, and before the replay that is under way. */
	struct outliers outliers, outliers_before;

	/* The latest sample that showed a free path, or a shorter one than all
	 * before it. */
	struct osc freed_at;

	double watched_s; /* the time over which the path was seen */
	/* The largest jump that was taken for one of the clock, although the
	 * path may have made it, s; forgotten in a day. */
	double jump_s;
	double scatter_s;      /* see scatter_s() */
	unsigned run_samples;  /* samples of this run, not restored ones */
	double restored_delay; /* the largest one restored without its sample,
				  s; 0: none */
	unsigned count, next;  /* of the ring of records */
	struct record records[RECORDS];
	/* Places of records, the newest first; see nearest.h. */
	struct nearest {
		unsigned count;
		uint8_t place[RECORDS];
	} nearest;
	struct creep creep, short_creep;
	struct bell bell;
	struct delay_track delay; /* of the delays less what crept */
	struct error_model error_model;

	/* The interval used in the last selection. */
	struct osc best_at;
	int64_t best_offset_ns, best_distance_ns, best_own_ns;
	double best_growth; /* of the distance, s/s */
};

struct steering {
	struct steering_config config;
	unsigned source_count;
	struct steering_source *sources;
	double first_freq, first_freq_sd;   /* before any sample, s/s */
	struct estimate estimate;	    /* see shown_estimate() */
	unsigned members[ESTIMATE_SOURCES]; /* the sources in the filter */
	unsigned member_count;
	bool forget_freq; /* the filter starts without the estimated one */
	bool bias_set;	  /* outliers have shown another bias of a source */
	bool restoring;	  /* the samples are those of a run before this one */
	bool replay_due;  /* the filter must start again from the records */
	bool utc_moved;	  /* by a leap second, since the last decision */
	/* The clock may have stood still for so long: this counts in the bound
	 * until a sample is taken. */
	int64_t suspected_ns;
	bool suspects; /* since the last decision */
	/* The sample that showed a change of the clock: what older ones allow
	 * says little about the present. */
	struct osc changed_at;
	bool reselect;	  /* the next selection favours no source */
	double freq_jump; /* believed since the caller asked, s/s; 0: none */
	/* The clock has changed, and its frequency may have: it was this, s/s.
	 */
	bool freq_doubted;
	double freq_before;
	unsigned hindsight_after; /* so many samples; 0: no replay waits */
	/* The filter takes in the records again, some in each turn. Until it
	 * has all of them, the estimate before it counts. */
	struct replay {
		bool under_way;
		bool busy;			 /* the last turn left some */
		unsigned left[ESTIMATE_SOURCES]; /* records of each member */
		struct estimate before;
	} replay;
	/* The majority contradicts the estimate since then. */
	bool contradicted, wants_witnesses;
	struct osc contradicted_at;
	unsigned added, judged; /* samples, and those that were judged */
	bool sample_is_new; /* one went into the filter since the last update */
	struct osc first_at; /* or of the first one after a congestion */
	bool has_first; /* first_at is set: since the start or the last jump */
	bool starting;	/* no command was carried out since then */
	struct discipline discipline;
	struct drift_bound drift;
	struct holdover holdover;
	struct select_result selection;
	bool reported_synchronised; /* by the last command */
	enum leap leap;		    /* of the survivors, at the last update */
	double base_freq;	    /* in force, s/s */
	double ordered_freq;	    /* by the last command, s/s */
	bool freq_limited;	    /* by the last update */
	/* The limit for a few sources counts from here: the frequency at
	 * granted_at, s/s. */
	double granted_freq;
	struct osc granted_at;
	/* The latest command that a sample led to, and the time between the
	 * last two of them. */
	struct osc updated;
	double interval_s;
	/* The same of all commands, also those in a silence. */
	struct osc decided;
	double command_interval_s;
	/* The longest usual time between two decisions. */
	double round_s;
	int64_t last_offset_ns;
	double mean_square; /* of offsets at updates, s^2 */
};

/* The estimate that counts now. */
static inline const struct estimate *shown_estimate(const struct steering *s)
{
	return s->replay.under_way ? &s->replay.before : &s->estimate;
}

/* Those that count now. */
static inline const struct outliers *shown_outliers(
    const struct steering *s, const struct steering_source *src)
{
	return s->replay.under_way ? &src->outliers_before : &src->outliers;
}

/* Are the members most of the voters? The others are too far away for the
 * filter: a false frequency shows in them only much later. Two voters prove
 * nothing against each other. */
static inline bool members_are_most(const struct steering *s)
{
	return s->selection.voters <= 2 ||
	       2 * s->member_count > s->selection.voters;
}

/* Do samples wait for the filter to start again? */
static inline bool replay_waits(const struct steering *s)
{
	return s->replay_due || s->replay.under_way;
}

/* The i-th latest record, 0 is the newest; i < count. */
static inline struct record *record(struct steering_source *s, unsigned i)
{
	return &s->records[(s->next + RECORDS - 1 - i) % RECORDS];
}

static inline const struct record *const_record(
    const struct steering_source *s, unsigned i)
{
	return &s->records[(s->next + RECORDS - 1 - i) % RECORDS];
}

/* For qsort(3), of doubles. */
static inline int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The clock, a server or a path is another one: no trial goes across it. */
static inline void interrupt_learning(struct steering *s)
{
	drift_bound_interrupt(&s->drift);
	holdover_interrupt(&s->holdover);
}

/* Did the last selection take this source? */
static inline bool is_combined(const struct steering_source *s)
{
	return s->state == SELECT_SELECTED || s->state == SELECT_COMBINED;
}

#endif
