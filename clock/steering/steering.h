/*
 * From samples to a decision: the facade of estimate, select, combine and
 * discipline. Pure; the engine gives it samples on the uncorrected timescale
 * and carries out what it decides.
 *
 * Model (DESIGN.md, "Estimation"): all servers measure one local oscillator,
 * so one joint filter holds its offset and frequency; each server has a small
 * bias of its own. Selection works on hard bounds (root distance), never on
 * the filter's confidence.
 */
#ifndef CLOCK_STEERING_STEERING_H
#define CLOCK_STEERING_STEERING_H

#include "base/check.h"
#include "base/sample.h"
#include "clock/command.h"
#include "clock/timescale.h"

struct steering_config {
	/* makestep: step instead of slewing when the offset is larger, but only
	 * in the first `makestep_updates` updates (0: never, -1: always). */
	int64_t makestep_threshold_ns;
	int makestep_updates;
	double max_slew_ppm;
	double
	    max_freq_ppm; /* of the base frequency; 0: what the kernel takes */
	/* After the first update a correction above it is refused: no steering,
	 * an alarm in the status; 0: no limit. */
	int64_t refuse_threshold_ns;
	int64_t max_distance_ns; /* root distance beyond which a source is
				    unusable */
	unsigned min_sources;	 /* survivors needed to steer */
	double
	    max_clock_error_ppm; /* growth of a bound while nothing is heard */
};

struct source_options {
	bool prefer, noselect, trust, require;
};

/* What `ntsctl sources` shows: mark, name for JSON, sentence. The engine adds
 * its own reasons (no keys yet, ...) to SELECT_NO_SAMPLES. */
/* clang-format off */
#define SELECT_STATES(X) \
	X(SELECT_NO_SAMPLES,   '?', "no-samples",   "no usable sample yet") \
	X(SELECT_NOSELECT,     '?', "noselect",     "measured only (noselect)") \
	X(SELECT_UNSYNCED,     '?', "unsynchronised", "the server is not synchronised itself") \
	X(SELECT_DISTANCE,     '?', "distance",     "its root distance is above maxdistance") \
	X(SELECT_STALE,        '?', "stale",        "silent for too long") \
	X(SELECT_UNTRUSTED,    '?', "untrusted",    "outside the interval of the sources marked trust") \
	X(SELECT_NO_MAJORITY,  '?', "no-majority",  "no majority of the sources agrees") \
	X(SELECT_WAITS,        '?', "waits",        "waits for minsources or a source marked require") \
	X(SELECT_DUPLICATE,    '-', "duplicate",    "the same server as another source") \
	X(SELECT_FALSETICKER,  'x', "falseticker",  "disagrees with the majority") \
	X(SELECT_TOO_VARIABLE, '~', "variable",     "its answers vary too much") \
	X(SELECT_OUTLIER,      '-', "not-combined", "agrees, but is too uncertain to help") \
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

/* One source as shown. Offsets: positive, our clock is slow. */
struct source_view {
	enum select_state state;
	bool have_sample;
	struct osc last_at;
	int64_t last_measured_ns; /* as measured, against the wall clock then */
	int64_t last_offset_ns;	  /* the same, corrections since then applied */
	int64_t bound_ns;	  /* root distance: +- of the last column */
	uint8_t stratum;
	enum leap leap;
	/* sourcestats */
	unsigned samples, runs;
	double span_s, freq_ppm,
	    skew_ppm; /* freq: of the source against ours */
	int64_t offset_ns, std_dev_ns;
	int64_t min_delay_ns, last_delay_ns;
};

/* The state of the whole, for `ntsctl tracking`. */
struct tracking {
	bool synchronised; /* a correction was accepted and is not stale */
	int selected;	   /* index, or -1 */
	unsigned combined; /* sources in the combination */
	uint8_t stratum;   /* ours: the selected source's plus one; 16: none */
	enum leap leap;
	struct osc updated;
	uint64_t updates;
	int64_t offset_ns; /* remaining error estimate now; positive: slow */
	int64_t last_offset_ns; /* at the last update, before the correction */
	int64_t rms_offset_ns;
	double freq_ppm; /* correction of the oscillator; positive: sped up */
	double residual_ppm, skew_ppm;
	int64_t root_delay_ns, root_dispersion_ns;
	int64_t est_error_ns; /* standard deviation of offset_ns */
	double update_interval_s;
	uint64_t steps;
	int64_t last_step_ns;
	bool refused; /* beyond refuse_threshold: not steering */
	int64_t refused_ns;
	/* Why nothing is selected, in plain words; "" when something is. */
	char reason[160];
};

struct steering;

/* NULL when memory is out (start-up only). `freq_ppm` and `freq_sd_ppm` come
 * from the drift file, or 0 and 100. */
struct steering *steering_new(const struct steering_config *config,
    const struct source_options *options, unsigned sources, double freq_ppm,
    double freq_sd_ppm);
void steering_free(struct steering *s);

/*
 * A new one for another list of sources and other limits, with all that `old`
 * has learnt: new source i is the old one from[i], or a fresh one when that is
 * -1; no two are the same. Offset, frequency, and the biases of those that stay
 * are carried over. `old` stays and is to be freed. NULL: memory is out.
 */
struct steering *steering_adopt(const struct steering *old,
    const struct steering_config *config, const struct source_options *options,
    const int *from, unsigned count) MUST_USE;

void steering_add(struct steering *s, unsigned source, const struct sample *m);

/* Drop a source's samples (its server changed, or time jumped). */
void steering_forget(struct steering *s, unsigned source);

/* What the engine knows and the samples do not. */
void steering_set_reach(struct steering *s, unsigned source, uint8_t reach);
/* `server`: the same number for all names of one server; at first each source
 * has its own index. Of those that can be used only the first has a vote. */
void steering_set_server(struct steering *s, unsigned source, unsigned server);
void steering_set_unsynced(struct steering *s, unsigned source, bool unsynced);

/*
 * Select, combine and decide, after new samples. True: `command` is to be
 * given to the keeper (step, slew, frequency, status). `t` is the ledger, `now`
 * the wall clock. Without a decision the bounds in tracking still age.
 */
bool steering_update(struct steering *s, const struct timescale *t,
    struct wall now, struct clock_command *command) MUST_USE;

/* The command was carried out, or refused. */
void steering_applied(struct steering *s, enum keeper_verdict verdict);

/*
 * An administrator's order: what is left to be corrected is to be stepped now,
 * however small, within refuse-threshold. `command` is for STEERING_ORDER_GIVEN
 * alone; when it is refused, steering_step_refused takes the place of
 * steering_applied. `offset_ns`: what is left; positive: the clock is slow.
 */
enum steering_order {
	STEERING_ORDER_GIVEN,
	STEERING_ORDER_UNKNOWN,	 /* not synchronised: step by what? */
	STEERING_ORDER_NEEDLESS, /* less than the estimate's own deviation */
	STEERING_ORDER_REFUSED,	 /* beyond refuse-threshold */
};
enum steering_order steering_step(struct steering *s, const struct timescale *t,
    struct wall now, struct clock_command *command,
    int64_t *offset_ns) MUST_USE;
void steering_step_refused(struct steering *s);

/* Everything was shifted by someone else's step: estimates stay, the next
 * update may step once within the refuse threshold. */
void steering_allow_step(struct steering *s);

void steering_source_view(const struct steering *s, unsigned source,
    const struct timescale *t, struct wall now, struct source_view *out);
void steering_tracking(const struct steering *s, const struct timescale *t,
    struct wall now, struct tracking *out);

/* What the latest sample of a source says about its poll interval. */
enum poll_vote {
	POLL_KEEP,
	POLL_LONGER, /* twice the interval would still do */
	POLL_SHORTER,
	POLL_SHORTEST, /* little is known: ask as often as allowed */
	POLL_DOUBTED,  /* it cannot be explained: ask again at once */
};

/*
 * An interval is right when the clock, left alone for it, would err about as
 * much as the queues of the path make a sample err: more samples would then
 * tell little that is new, fewer would lose what could be known.
 */
enum poll_vote steering_poll_vote(
    const struct steering *s, unsigned source, double interval_s);

/* Samples of the source in a row that cannot be explained and that agree. */
unsigned steering_outliers(const struct steering *s, unsigned source);

#endif
