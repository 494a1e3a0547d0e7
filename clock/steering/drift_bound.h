/*
 * How far the clock may run away while no sample arrives, learned from this
 * machine. Pure.
 *
 * An update tells the offset and the frequency. From then on the clock is
 * expected to keep that frequency. What an offset measured later misses by is
 * the error that the clock would have had if no sample had arrived in between.
 * So each pair of updates is a trial of a silence, with all its causes:
 * temperature, wander, jumps, and the error of the estimated frequency. This
 * module keeps the worst trial for each of six lengths of silence.
 *
 * Rates are in s/s, without a sign: the error divided by the length of the
 * silence.
 *
 * After a boot or a sleep the oscillator warms up, and a virtual machine may
 * run on other hardware. So the rate has a floor, which depends only on how
 * long the clock was watched since then: 50 ppm / (hours + 2).
 *
 * The offsets are those of the servers, so a server that is set looks like a
 * clock that jumps. Larger changes than an oscillator makes are left out; a
 * smaller one counts as drift.
 */
#ifndef CLOCK_STEERING_DRIFT_BOUND_H
#define CLOCK_STEERING_DRIFT_BOUND_H

#include "base/check.h"
#include "base/time.h"

#include <stdbool.h>

/* Lengths of silence: 256 s, and each four times the one before (3 days). */
#define DRIFT_LAGS 6
/* The most windows of one length that are open at one time. */
#define DRIFT_WINDOWS 8

/* What was learned in one period of DRIFT_PERIOD_S. */
struct drift_period {
	struct {
		double worst;	/* the largest rate, s/s */
		double windows; /* how many times this length was watched */
	} lag[DRIFT_LAGS];
};

/* What is saved: the period now and the one before. What is older is forgotten,
 * so a jump counts for two to four weeks. */
#define DRIFT_PERIODS 2
#define DRIFT_PERIOD_S (14 * 86400.0)
struct drift_learned {
	struct drift_period period[DRIFT_PERIODS]; /* 0: now */
	/* How long the clock was watched since the machine booted or woke up,
	 * s. */
	double awake_s;
};

/* Cheap oscillators are specified to 50 ppm over all temperatures. A larger
 * rate, in s/s, is that of a clock or a server that was set. */
#define DRIFT_RATE_MAX 50e-6
/* The longest time that is remembered, s. */
#define DRIFT_WATCHED_MAX (DRIFT_PERIODS * DRIFT_PERIOD_S)
/* The most windows of one period that learning can count. */
double drift_windows_max(unsigned lag);

/* An update from which the clock is extrapolated. */
struct drift_window {
	bool open;
	struct osc at;
	int64_t offset_ns;
	double offset_sd;     /* s */
	double freq, freq_sd; /* s/s */
	double after_s;	      /* since the previous window opened */
};

struct drift_bound {
	struct drift_learned learned;
	bool started;
	struct osc since;  /* no window opens in the next half hour */
	struct osc judged; /* the end of the latest window that was counted */
	struct {
		unsigned next; /* window to fill */
		struct osc last;
		bool any; /* `last` is set */
		struct drift_window window[DRIFT_WINDOWS];
	} lag[DRIFT_LAGS];
};

/* One update: what is known of the clock at `at`. */
struct drift_update {
	struct osc at;
	int64_t offset_ns; /* server minus uncorrected clock */
	double offset_sd;  /* s, by chance alone */
	double freq, freq_sd;
};

void drift_bound_init(struct drift_bound *d);
void drift_bound_learn(struct drift_bound *d, const struct drift_update *u);
/* Closes all windows and learns nothing for half an hour: time jumped or stood
 * still, or the estimates until now were wrong. What was learned stays. */
void drift_bound_interrupt(struct drift_bound *d);
/* The machine slept, was paused, or may be another one: also starts the floor
 * of the rate again. */
void drift_bound_woke_up(struct drift_bound *d);

/* The largest rate to expect in a silence of `age_s` seconds; never less for a
 * longer one. */
double drift_bound_rate(const struct drift_learned *l, double age_s);

/* How long the machine was watched, s; in all, and since it booted or woke up.
 */
double drift_bound_watched_s(const struct drift_learned *l);
double drift_bound_awake_s(const struct drift_learned *l);

/* How the rate was found. */
#define DRIFT_REASONS(X)                                                       \
	X(DRIFT_UNKNOWN, "unknown")                                            \
	X(DRIFT_RESTARTED, "restarted")                                        \
	X(DRIFT_LEARNED, "learned")                                            \
	X(DRIFT_JUMPS, "jumps")                                                \
	X(DRIFT_CONFIGURED, "configured")
enum drift_reason {
#define X(id, name) id,
	DRIFT_REASONS(X)
#undef X
};
const char *drift_reason_name(enum drift_reason r);

/* Never DRIFT_CONFIGURED. DRIFT_RESTARTED: the rate for an hour is larger than
 * before the boot or the sleep. DRIFT_JUMPS: drift_bound_jump() is not 0. */
enum drift_reason drift_bound_reason(const struct drift_learned *l);

/* The largest change of the frequency within about an hour, s/s; 0 if none
 * reached 1.5 ppm. */
double drift_bound_jump(const struct drift_learned *l);

/* Is each value one that learning can give? For values from a file. */
bool drift_learned_valid(const struct drift_learned *l) MUST_USE;

#endif
