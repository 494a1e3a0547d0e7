/*
 * From samples to a decision: the facade of the filter, the selection and the
 * discipline. Pure. The engine brings samples on the uncorrected timescale
 * (clock/timescale.h) and carries out what is decided.
 *
 * All servers measure one local oscillator, so one joint filter estimates its
 * offset and frequency, and each server has a small bias. Selection works on
 * hard bounds (root distance) and never on the filter's confidence. See
 * clock/README.md, "Estimation".
 */
#ifndef CLOCK_STEERING_STEERING_H
#define CLOCK_STEERING_STEERING_H

#include "base/check.h"
#include "base/sample.h"
#include "clock/command.h"
#include "clock/steering/config.h"
#include "clock/steering/drift_bound.h"
#include "clock/steering/select.h"
#include "clock/timescale.h"

/* One source, for `ntsctl sources` and `sourcestats`. Offsets: positive, the
 * local clock is slow. */
struct source_view {
	enum select_state state;
	bool have_sample;
	struct osc last_at;
	/* The last offset against the wall clock of its time, and against the
	 * wall clock of now, with all corrections since then. */
	int64_t last_measured_ns;
	int64_t last_offset_ns;
	int64_t bound_ns; /* root distance: the truth is within +- of it */
	uint8_t stratum;
	enum leap leap;
	/* From a straight line through the samples (sourcestats). Only
	 * steering_source_details() fills them, and the interval below. */
	unsigned samples, runs;
	double span_s;
	double freq_ppm, skew_ppm; /* of the source against the clock */
	int64_t offset_ns, std_dev_ns;
	int64_t min_delay_ns, last_delay_ns;
	int64_t last_dispersion_ns; /* of our clock and the server's, with it */
	/* The interval of the source in the selection, against the wall clock
	 * of now: the truth is within it if the server is right. */
	int64_t low_ns, high_ns;
	/* The distance of the selected source, without its ageing, divided by
	 * that of this one. The selection changes when another one has more
	 * than 1 / 0.7. 0: no source is selected, or this one has no vote. */
	double score;
	/* What the source's offsets differ lastingly from those of the other
	 * sources in the filter; positive: the server seems ahead. Only
	 * steering_source_bias() fills them. */
	bool has_bias;
	int64_t bias_ns, bias_sd_ns;
};

/* The state of the clock, for `ntsctl tracking`. */
struct tracking {
	bool synchronised; /* a correction was accepted and is not stale */
	int selected;	   /* index, or -1 */
	unsigned combined; /* sources in the combination */
	uint8_t stratum;   /* the selected source's plus one; 16: none */
	enum leap leap;	   /* at the end of this day; LEAP_UNKNOWN: not
				 synchronised */
	struct osc updated;
	uint64_t updates;
	int64_t offset_ns;	/* estimated error now; positive: slow */
	int64_t last_offset_ns; /* at the last update, before the correction */
	int64_t rms_offset_ns;
	double freq_ppm; /* correction of the oscillator; positive: sped up */
	double residual_ppm, skew_ppm;
	/* How fast the bound grows in an hour and in a day without an answer.
	 */
	double drift_hour_ppm, drift_day_ppm;
	double drift_jump_ppm; /* the largest jump seen; 0: none */
	double drift_watched_s, drift_awake_s; /* see drift_bound.h */
	enum drift_reason drift_reason;
	int64_t root_delay_ns, root_dispersion_ns;
	int64_t suspected_ns; /* of the dispersion: by a pause in doubt */
	int64_t est_error_ns; /* standard deviation of offset_ns */
	double update_interval_s;
	uint64_t steps;
	int64_t last_step_ns;
	bool refused; /* the offset is beyond refuse_threshold: not steered */
	int64_t refused_ns;
	uint64_t refusals; /* since the start */
	/* It is steered, but needs more than max-drift or Linux allows. */
	bool beyond;
	/* A sentence: why the clock is not steered, or not well; else "". */
	char reason[160];
};

struct steering;

/* `freq_ppm` and `freq_sd_ppm` come from the drift file, or are 0 and 100. The
 * caller frees the result with steering_free(). NULL: out of memory. */
struct steering *steering_new(const struct steering_config *config,
    const struct source_options *options, unsigned sources, double freq_ppm,
    double freq_sd_ppm);
void steering_free(struct steering *s);

/* The clock is set once, and nobody knows its frequency: it stays as it is,
 * unless it is certainly wrong. */
void steering_keep_freq(struct steering *s);

/*
 * A new steering for another list of sources and other limits, with all that
 * `old` has learned. New source i is the old source from[i]; -1: it is new. No
 * two entries >= 0 are equal. Offset, frequency, and the biases of the sources
 * that stay are carried over. The caller still frees `old`. NULL: out of
 * memory.
 */
struct steering *steering_adopt(const struct steering *old,
    const struct steering_config *config, const struct source_options *options,
    const int *from, unsigned count) MUST_USE;

/* `measured` is not yet corrected by a configured asymmetry. */
void steering_add(
    struct steering *s, unsigned source, const struct sample *measured);

/* UTC has moved by a leap second, and the ledger says so: the next update
 * decides without a new sample. */
void steering_utc_moved(struct steering *s);

/* Answers that are held back say that the clock has stood still for `lag_ns`.
 * Until a sample is added, the bound contains that, and the next update decides
 * without a new sample. */
void steering_suspect_pause(struct steering *s, int64_t lag_ns);

/* The jump of the clock's frequency that the samples have shown since the last
 * call, ppm; positive: the clock has become slower. 0: none. */
double steering_take_freq_jump(struct steering *s);

/* The leap second at the end of the day of `now`, as the selected sources
 * announce it; LEAP_NONE: there is none. */
enum leap steering_leap_due(const struct steering *s, struct wall now);

/* Drops a source's samples: its server changed, or time jumped. */
void steering_forget(struct steering *s, unsigned source);

/* An order: the next update selects as if it were the first one; no source is
 * favoured because it was selected or combined before. */
void steering_reselect(struct steering *s);

/* What the engine knows and the samples do not show. `reach`: the last eight
 * polls, one bit each; 0: silent. */
void steering_set_reach(struct steering *s, unsigned source, uint8_t reach);
/* `server`: an equal number for all names of one server; at first, each source
 * has its own index. Of the usable names of a server only the first votes. */
void steering_set_server(struct steering *s, unsigned source, unsigned server);
void steering_set_unsynced(struct steering *s, unsigned source, bool unsynced);

/*
 * Selects, combines and decides, after new samples. True: the caller passes
 * `command` (step, slew, frequency, status) to the keeper and reports the
 * verdict with steering_applied(). `t` is the ledger, `now` the wall clock.
 */
bool steering_update(struct steering *s, const struct timescale *t,
    struct wall now, struct clock_command *command) MUST_USE;

/* The filter starts again, and the last steering_update() has done a part of
 * that: call it again soon. */
bool steering_is_busy(const struct steering *s);

/* The keeper carried out the command, or refused it. */
void steering_applied(struct steering *s, enum keeper_verdict verdict);

/*
 * An administrator's order: step by the remaining offset now, however small,
 * but within refuse-threshold. `command` is written with STEERING_ORDER_GIVEN
 * only; if the keeper refuses it, the caller calls steering_step_refused()
 * instead of steering_applied(). `offset_ns`: the remaining offset, or 0 if it
 * is unknown; positive: the clock is slow.
 */
enum steering_order {
	STEERING_ORDER_GIVEN,
	STEERING_ORDER_UNKNOWN,	 /* not synchronised: no offset to step by */
	STEERING_ORDER_NEEDLESS, /* less than the estimate's own deviation */
	STEERING_ORDER_REFUSED,	 /* beyond refuse-threshold */
};
enum steering_order steering_step(struct steering *s, const struct timescale *t,
    struct wall now, struct clock_command *command,
    int64_t *offset_ns) MUST_USE;
void steering_step_refused(struct steering *s);

/* Another program stepped the clock. The estimates stay, and the next update
 * may step once, within refuse-threshold. Until then no source is selected. */
void steering_allow_step(struct steering *s);

/* The machine slept, or it was paused and may have moved to another host: the
 * learned drift alone does not limit the bound any more, and the frequency is
 * less certain, much less after a move. */
void steering_woke_up(struct steering *s, bool moved);

void steering_source_view(const struct steering *s, unsigned source,
    const struct timescale *t, struct wall now, struct source_view *out);

/* Fills the members of a view that only ntsctl and the files of measurements
 * show: they cost a look at all samples. */
void steering_source_details(const struct steering *s, unsigned source,
    const struct timescale *t, struct wall now, struct source_view *out);

/* The member `state` of the view, without the cost of the others. */
enum select_state steering_source_state(
    const struct steering *s, unsigned source);

/* Fills the bias of a view; this costs more than the rest. */
void steering_source_bias(
    const struct steering *s, unsigned source, struct source_view *out);

/* How far the clock is off, as steering_error() has it, for less. */
int64_t steering_offset_ns(
    const struct steering *s, const struct timescale *t, struct wall now);

/* The part of the tracking that a lag is judged by, for less: the offset,
 * its bound (half of the root delay and the root dispersion, without a pause in
 * doubt and the outliers of other sources, which the answers must decide; 0
 * without a selected source), and the time of the last update. */
struct steering_error {
	int64_t offset_ns, bound_ns;
	struct osc updated;
};
struct steering_error steering_error(
    const struct steering *s, const struct timescale *t, struct wall now);

void steering_tracking(const struct steering *s, const struct timescale *t,
    struct wall now, struct tracking *out);

/* What the latest sample of a source says about its poll interval. */
enum poll_vote {
	POLL_KEEP,
	POLL_LONGER, /* twice the interval would do as well */
	POLL_SHORTER,
	POLL_SHORTEST,	   /* little is known: ask as often as allowed */
	POLL_DOUBTED,	   /* the sample is an outlier: ask again soon */
	POLL_CONTRADICTED, /* and no queue explains it: ask at once */
	POLL_CHANGED,	   /* a jump, or the end of a queue: ask now */
};

/*
 * An interval is right if the clock, left alone for it, errs about as much as
 * the queues of the path make a sample err: more samples would tell little that
 * is new, fewer would lose accuracy.
 */
enum poll_vote steering_poll_vote(
    const struct steering *s, unsigned source, double interval_s);

/* After an update: the sources to ask now, a bit each, because the estimate has
 * just left what the majority allows. */
uint64_t steering_witnesses_wanted(const struct steering *s);

/* Outliers of the source in a row that agree. */
unsigned steering_outlier_count(const struct steering *s, unsigned source);

#endif
