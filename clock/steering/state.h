/*
 * The state behind clock/steering/steering.h. Only the files of this folder
 * include it.
 */
#ifndef CLOCK_STEERING_STATE_H
#define CLOCK_STEERING_STATE_H

#include "base/sample.h"
#include "clock/filter/delay.h"
#include "clock/filter/error_model.h"
#include "clock/filter/estimate.h"
#include "clock/filter/route.h"
#include "clock/steering/config.h"
#include "clock/steering/discipline.h"
#include "clock/steering/drift_bound.h"
#include "clock/steering/select.h"

#define RECORDS 128 /* kept of each source */

struct record {
	struct sample sample;
	/* The offset against the wall clock at the time of the sample; set once
	 * `noted`. */
	int64_t measured_ns;
	bool noted;
	unsigned route; /* of the path, see struct delay_track */
};

/* How fast the clock is likely to run away, ppm, if max-clock-error is `auto`.
 * For the vote; the bound that is shown grows by the learned drift. */
#define LIKELY_DRIFT_PPM 1.0

/* One source as the steering knows it. */
struct steering_source {
	struct source_options options;
	enum select_state state;
	unsigned server; /* equal in all names of one server */
	bool unsynced;	 /* the server says that it is not synchronised */
	bool was_falseticker, was_combined; /* at the last selection */
	bool outside;			    /* see struct select_source */
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

	/* Outliers in a row that agree. */
	unsigned outliers;
	double last_residual;  /* s, of the latest outlier */
	struct osc last_right; /* the latest sample that was no outlier */

	double scatter_s;      /* see scatter_s() */
	unsigned run_samples;  /* samples of this run, not restored ones */
	double restored_delay; /* the largest one restored without its sample,
				  s; 0: none */
	unsigned count, next;  /* of the ring of records */
	struct record records[RECORDS];
	struct delay_track delay;
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
	double first_freq, first_freq_sd; /* before any sample, s/s */
	struct estimate estimate;
	unsigned members[ESTIMATE_SOURCES]; /* the sources in the filter */
	unsigned member_count;
	bool forget_freq;   /* the filter starts without the estimated one */
	bool replay_due;    /* the filter must start again from the records */
	bool sample_is_new; /* one went into the filter since the last update */
	struct osc first_at; /* or of the first one after a congestion */
	bool has_first; /* first_at is set: since the start or the last jump */
	bool starting;	/* no command was carried out since then */
	struct discipline discipline;
	struct drift_bound drift;
	struct select_result selection;
	bool reported_synchronised; /* by the last command */
	enum leap leap;		    /* of the survivors, at the last update */
	double base_freq;	    /* in force, s/s */
	double ordered_freq;	    /* by the last command, s/s */
	/* The latest command that a sample led to, and the time between the
	 * last two of them. */
	struct osc updated;
	double interval_s;
	/* As above, also in a silence. */
	struct osc decided;
	double command_interval_s;
	int64_t last_offset_ns;
	double mean_square; /* of offsets at updates, s^2 */
};

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

/* Did the last selection take this source? */
static inline bool is_combined(const struct steering_source *s)
{
	return s->state == SELECT_SELECTED || s->state == SELECT_COMBINED;
}

#endif
