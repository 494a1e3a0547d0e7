/*
 * A hostile engine against the real keeper: frames of any kind over a real
 * socketpair, in simulated years. Meanwhile the machine is busy, sleeps, and
 * other programs change the clock. An oracle with its own bookkeeping watches
 * the simulated kernel clock: it never does what the limits forbid, whatever
 * the keeper believes. The oracle uses no code of the keeper but its constants
 * of the policy, which it has once more.
 *
 * usage: engine [FRAMES [SEED]]
 */
#include "agent/link/keeper_link.h"
#include "clock/kernel/keeper.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAMES 1000000
#define SECOND INT64_C(1000000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)
/* A life of the agent, of the oscillator's time at most. */
#define LIFE_MAX (20 * YEAR)
#define HISTORY 4096
/* With a larger bound of the error, Linux counts as not synchronised. */
#define GOOD_ERROR (16 * SECOND - 1000)

/* ---- randomness ---- */

static uint64_t rng_state;

static uint64_t random64(void)
{
	/* xorshift64* */
	rng_state ^= rng_state >> 12;
	rng_state ^= rng_state << 25;
	rng_state ^= rng_state >> 27;
	return rng_state * UINT64_C(2685821657736338717);
}

static unsigned below(unsigned n)
{
	return (unsigned)(random64() % n);
}

static double unit(void)
{
	return (double)(random64() >> 11) * 0x1p-53;
}

/* From 1 to `most`, each power of two as likely as the others. */
static int64_t log_uniform(int64_t most)
{
	return (int64_t)exp(unit() * log((double)most));
}

/* ---- the policy, as clock/kernel/keeper.h documents it ---- */

struct policy {
	const char *name;
	bool no_clock;
	double max_freq_ppm, max_slew_ppm;
	int64_t refuse_ns; /* 0: no limit */
	int start_steps;   /* -1: always */
	bool bootstrap;
};

static const struct policy policies[] = {
    {"default", false, 1e5, 5e4, 1000 * SECOND, 3, true},
    {"makestep = no", false, 1e5, 5e4, 1000 * SECOND, 0, true},
    {"bootstrap = off", false, 500, 1000, 100 * SECOND, 3, false},
    {"little", false, 20, 1, SECOND / 1000, 1, true},
    {"no refuse-threshold", false, 500, 99000, 0, 3, true},
    {"makestep ... -1", false, 1e5, 5e4, 1000 * SECOND, -1, true},
    {"--no-clock", true, 1e5, 5e4, 1000 * SECOND, 3, true},
};

/* ---- the kernel clock and the oracle ---- */

struct step_made {
	int64_t mono_ns, size_ns;
};

/* PHASE_AFTER is TIME_OOP, PHASE_WAITS is TIME_WAIT. */
enum leap_phase {
	PHASE_QUIET,
	PHASE_INSERTS,
	PHASE_DELETES,
	PHASE_AFTER,
	PHASE_WAITS
};

struct world {
	const struct policy *policy;
	int64_t earliest_ns;
	uint64_t frames, lives, accepted, refused, dropped, steps, leaps;
	int64_t simulated_ns;
	unsigned busy; /* so many small steps follow, one each minute */

	/* The clocks. CLOCK_MONOTONIC runs at the same frequency as
	 * CLOCK_REALTIME; `osc_ns` is what really passes. */
	int64_t wall_ns, mono_ns, osc_ns;
	double rest_ns; /* less than a nanosecond of both */
	double freq_ppm;
	bool synchronised;
	int64_t good_until_ns; /* then the bound is too large for Linux */

	/* How Linux executes a leap second (second_overflow, ntp_clear). */
	enum leap armed; /* STA_INS, STA_DEL */
	enum leap_phase phase;
	int64_t leap_at_ns; /* what the clock shows then; -1: forgotten */

	/* What the oracle knows of this life. */
	const struct clock_command *now; /* the command under way, or NULL */
	int64_t asked_ns;		 /* monotonic time of its arrival */
	int64_t look_ns;		 /* next look of the keeper */
	unsigned changes;		 /* all changes since the start */
	int64_t first_ns;		 /* first accepted command; -1: none */
	bool ever_synchronised, boot_used;
	int start_used;
	int64_t last_step_ns;		/* monotonic; before all: INT64_MIN */
	struct step_made late[HISTORY]; /* outside the start window */
	unsigned late_count;
	int64_t late_sum_ns, pause_sum_ns, last_pause_ns;
	double free_sum_ns; /* what a start and makestep -1 may do */
	int64_t all_steps_ns, all_leaps_ns, last_leap_ns;
	int64_t all_sleep_ns, all_foreign_ns; /* of the machine; by others */
	int64_t wall_start_ns, mono_start_ns, osc_start_ns;
	uint32_t life_steps, life_refused;
	/* The slew under way. */
	double base_ppm, slewed_ns;
	int64_t slew_ns, slew_since_ns, slew_duration_ns;
};

static void fail(const struct world *w, const char *what)
{
	printf("attack: %s: %s, at frame %" PRIu64 ", life %" PRIu64 "\n",
	    w->policy->name, what, w->frames, w->lives);
	if (w->now)
		printf("freq %g slew %" PRId64 " in %" PRId64 " step %" PRId64
		       " boot %d pause %d sync %d leap %d\n",
		    w->now->freq_ppm, w->now->slew_ns, w->now->slew_duration_ns,
		    w->now->step_ns, w->now->bootstrap, w->now->pause,
		    w->now->synchronised, (int)w->now->leap);
	exit(1);
}

static void expect(const struct world *w, bool good, const char *what)
{
	if (!good)
		fail(w, what);
}

static int64_t size_of(int64_t ns)
{
	return ns < 0 ? -ns : ns;
}

/* Is it the last day of June or December in UTC? By counting days. */
static bool is_leap_day(int64_t wall_ns)
{
	static const int lengths[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t days = wall_ns / DAY;
	int year = 1970, month = 0;

	for (;; year++) {
		bool leap =
		    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

		if (days < 365 + leap) {
			for (; month < 12; month++) {
				int len = lengths[month] + (month == 1 && leap);

				if (days < len)
					break;
				days -= len;
			}
			return (month == 5 && days == 29) ||
			       (month == 11 && days == 30);
		}
		days -= 365 + leap;
	}
}

static bool is_synchronised(const struct world *w)
{
	return w->synchronised && w->mono_ns < w->good_until_ns;
}

/* Time until the kernel executes the leap second that is armed. */
static int64_t until_leap(const struct world *w)
{
	bool inserts = w->phase == PHASE_INSERTS && w->armed == LEAP_INSERT;
	bool deletes = w->phase == PHASE_DELETES && w->armed == LEAP_DELETE;

	if ((!inserts && !deletes) || w->leap_at_ns < w->wall_ns)
		return INT64_MAX;
	return w->leap_at_ns - w->wall_ns;
}

/* Nothing happens at the end of a second in these phases. */
static bool phase_lasts(const struct world *w)
{
	switch (w->phase) {
	case PHASE_QUIET:
		return w->armed == LEAP_NONE;
	case PHASE_INSERTS:
		return w->armed == LEAP_INSERT;
	case PHASE_DELETES:
		return w->armed == LEAP_DELETE;
	case PHASE_WAITS:
		return w->armed != LEAP_NONE;
	case PHASE_AFTER:
	default:
		return false;
	}
}

/* Time until the phase may change, without the leap second itself. */
static int64_t until_second(const struct world *w)
{
	return phase_lasts(w) ? INT64_MAX : SECOND - w->wall_ns % SECOND;
}

/* A second of the clock has ended. */
static void change_phase(struct world *w)
{
	int64_t end_ns = (w->wall_ns / DAY + 1) * DAY;

	if (w->phase == PHASE_AFTER) {
		w->phase = PHASE_WAITS;
	} else if (w->phase != PHASE_QUIET) {
		w->phase = PHASE_QUIET;
		w->leap_at_ns = -1;
	} else if (w->armed == LEAP_INSERT) {
		w->phase = PHASE_INSERTS;
		w->leap_at_ns = end_ns;
	} else {
		/* Linux reckons the day from the second after this one. */
		w->phase = PHASE_DELETES;
		w->leap_at_ns =
		    ((w->wall_ns + SECOND) / DAY + 1) * DAY - SECOND;
	}
}

static void execute_leap(struct world *w)
{
	bool inserts = w->phase == PHASE_INSERTS;
	int64_t ns = inserts ? -SECOND : SECOND;

	expect(w, is_leap_day(w->wall_ns - 1), "a leap second on another day");
	expect(w,
	    w->last_leap_ns == INT64_MIN ||
		w->mono_ns - w->last_leap_ns > 7 * DAY - 2 * SECOND,
	    "two leap seconds within a week");
	w->wall_ns += ns;
	w->all_leaps_ns += ns;
	w->phase = inserts ? PHASE_AFTER : PHASE_WAITS;
	w->leap_at_ns = -1;
	w->leaps++;
	w->last_leap_ns = w->mono_ns;
}

/* The clocks show `ns` more, without a leap second in between. */
static void run_clocks(struct world *w, int64_t ns)
{
	double osc_ns = (double)ns / (1 + w->freq_ppm * 1e-6);

	w->wall_ns += ns;
	w->mono_ns += ns;
	w->osc_ns += llround(osc_ns);
	w->simulated_ns += ns;
	w->slewed_ns += osc_ns * (w->freq_ppm - w->base_ppm) * 1e-6;
}

static void advance(struct world *w, int64_t ns)
{
	while (ns > 0) {
		int64_t leap_ns = until_leap(w), second_ns = until_second(w);
		int64_t part_ns = leap_ns < second_ns ? leap_ns : second_ns;

		if (part_ns > ns) {
			run_clocks(w, ns);
			return;
		}
		run_clocks(w, part_ns);
		if (leap_ns <= second_ns)
			execute_leap(w);
		else
			change_phase(w);
		ns -= part_ns;
	}
}

/* What a slew has added is what was ordered, and not more. A rate is rounded
 * to 2^-16 ppm; the keeper ends a slew after twice its duration. */
static void judge_slew(const struct world *w)
{
	double quantum = 0x1p-16 * 1e-6 * 2.2 * (double)w->slew_duration_ns;
	double most_ns = fabs((double)w->slew_ns);

	expect(w, fabs(w->slewed_ns) <= most_ns * (1 + 1e-6) + quantum + 100,
	    "a slew added more than was ordered");
	expect(w,
	    w->slew_ns == 0 || (double)(w->mono_ns - w->slew_since_ns) <=
				   2.2 * (double)w->slew_duration_ns + 100,
	    "a slew takes too long");
}

/* A busy machine: time passes between the readings and the calls for a command.
 * The keeper reckons a slew from the command on. */
static void delay(struct world *w)
{
	if (w->now && w->slew_ns == 0 && below(16) == 0)
		advance(w, log_uniform(SECOND));
}

static struct wall kernel_now(void *self)
{
	struct world *w = self;

	delay(w);
	return (struct wall){w->wall_ns};
}

static int kernel_look(void *self, struct kernel_found *found)
{
	const struct world *w = self;

	*found = (struct kernel_found){
	    .freq_ppm = w->freq_ppm,
	    .synchronised = is_synchronised(w),
	    .leap = w->armed,
	};
	return 0;
}

static int kernel_set_freq(void *self, double freq_ppm, double *became_ppm)
{
	struct world *w = self;
	const struct policy *p = w->policy;
	const struct clock_command *c = w->now;

	w->changes++;
	expect(w, !p->no_clock, "a frequency is set with --no-clock");
	expect(w, fabs(freq_ppm) <= 1e5, "a frequency beyond the tick");
	judge_slew(w);
	if (c && c->slew_ns != 0) {
		expect(w, fabs(c->freq_ppm) <= p->max_freq_ppm,
		    "a base frequency beyond max-drift");
		expect(w,
		    fabs(freq_ppm - c->freq_ppm) <=
			p->max_slew_ppm * 1.0001 +
			    1e6 / (double)c->slew_duration_ns + 1e-4,
		    "a slew beyond max-slew");
	} else {
		expect(w, fabs(freq_ppm) <= p->max_freq_ppm,
		    "a frequency beyond max-drift");
	}
	w->freq_ppm = *became_ppm = 0x1p-16 * round(freq_ppm * 0x1p16);
	w->slewed_ns = 0;
	w->slew_ns = c ? c->slew_ns : 0;
	w->base_ppm = c && c->slew_ns != 0 ? c->freq_ppm : w->freq_ppm;
	w->slew_duration_ns = w->slew_ns != 0 ? c->slew_duration_ns : 0;
	w->slew_since_ns = w->mono_ns;
	return 0;
}

static bool any_step_allowed(const struct world *w)
{
	int64_t first_ns = w->first_ns < 0 ? w->asked_ns : w->first_ns;

	if (w->policy->start_steps < 0)
		return true;
	return w->start_used < w->policy->start_steps &&
	       w->asked_ns - first_ns < HOUR;
}

/* One step of any size before the first synchronisation. */
static void judge_bootstrap(struct world *w, int64_t step_ns)
{
	expect(w, w->policy->bootstrap, "a bootstrap step that is off");
	expect(w, !w->ever_synchronised && !w->boot_used,
	    "a second bootstrap step");
	expect(w, w->wall_ns + step_ns >= w->earliest_ns,
	    "a bootstrap step to before the earliest time");
	w->boot_used = true;
	w->free_sum_ns += (double)size_of(step_ns);
}

static int64_t share_of(const struct world *w, int64_t share)
{
	return w->policy->refuse_ns * share;
}

static void judge_pause(struct world *w, int64_t step_ns)
{
	int64_t since_ns = w->last_step_ns != INT64_MIN
			       ? w->last_step_ns + MINUTE
			       : w->first_ns;

	if (w->policy->refuse_ns == 0) {
		w->free_sum_ns += (double)size_of(step_ns);
		return;
	}
	expect(w, since_ns >= 0 && w->asked_ns >= since_ns,
	    "a step after a pause, too early");
	expect(w, step_ns <= share_of(w, 1 + (w->asked_ns - since_ns) / MINUTE),
	    "a step after a pause that is too long");
	expect(w,
	    w->last_pause_ns == INT64_MIN ||
		w->asked_ns - w->last_pause_ns >= 4 * HOUR,
	    "two steps after a pause within four hours");
	w->last_pause_ns = w->asked_ns;
	w->pause_sum_ns += size_of(step_ns);
	expect(w, w->pause_sum_ns <= share_of(w, 3000),
	    "the steps after a pause are too long together");
}

static void judge_late_step(struct world *w, int64_t step_ns)
{
	/* Without refuse-threshold the steps may be centuries. */
	double sum_ns = (double)size_of(step_ns);
	unsigned count = 1;

	expect(w,
	    w->last_step_ns == INT64_MIN ||
		w->asked_ns - w->last_step_ns >= MINUTE,
	    "two steps within a minute");
	for (unsigned i = 0; i < w->late_count && i < HISTORY; i++) {
		const struct step_made *s =
		    &w->late[(w->late_count - 1 - i) % HISTORY];

		if (w->asked_ns - s->mono_ns >= DAY)
			break;
		count++;
		sum_ns += (double)s->size_ns;
	}
	expect(w, count <= 48, "too many steps in a day");
	w->late[w->late_count++ % HISTORY] =
	    (struct step_made){w->asked_ns, size_of(step_ns)};
	if (w->policy->refuse_ns == 0) {
		w->free_sum_ns += (double)size_of(step_ns);
		return;
	}
	expect(w, size_of(step_ns) <= w->policy->refuse_ns,
	    "a step beyond refuse-threshold");
	expect(w, sum_ns <= (double)share_of(w, 8), "a day has too long steps");
	w->late_sum_ns += size_of(step_ns);
	expect(w, w->late_sum_ns <= share_of(w, 1000),
	    "a life has too long steps");
}

static int kernel_step(void *self, int64_t step_ns)
{
	struct world *w = self;
	const struct clock_command *c = w->now;

	delay(w);
	w->changes++;
	expect(w, c && !w->policy->no_clock, "a step that nobody ordered");
	expect(w, step_ns == c->step_ns, "another step than the one ordered");
	if (c->pause) {
		expect(w, c->bootstrap && w->policy->bootstrap && step_ns > 0,
		    "a step after a pause that is off or backward");
		expect(w, w->ever_synchronised,
		    "a step after a pause of a clock that was never right");
	}
	if (c->bootstrap && !c->pause) {
		judge_bootstrap(w, step_ns);
	} else if (any_step_allowed(w)) {
		w->start_used++;
		w->free_sum_ns += (double)size_of(step_ns);
	} else if (c->pause) {
		judge_pause(w, step_ns);
	} else {
		judge_late_step(w, step_ns);
	}
	w->last_step_ns = w->asked_ns;
	w->wall_ns += step_ns;
	w->all_steps_ns += step_ns;
	w->leap_at_ns = -1;
	w->synchronised = false;
	w->steps++;
	w->life_steps++;
	expect(w, w->wall_ns >= 0, "a time before 1970");
	return 0;
}

static void forget_leap(struct world *w)
{
	w->phase = PHASE_QUIET;
	w->leap_at_ns = -1;
}

static int kernel_disarm(void *self)
{
	struct world *w = self;

	w->armed = LEAP_NONE;
	return 0;
}

static int kernel_set_status(void *self, const struct kernel_status *status)
{
	struct world *w = self;
	bool good = status->synchronised && status->max_error_ns <= GOOD_ERROR;
	bool arms = good && (status->leap == LEAP_INSERT ||
				status->leap == LEAP_DELETE);

	delay(w);
	w->changes++;
	expect(w, !w->policy->no_clock, "a status is set with --no-clock");
	expect(w, status->max_error_ns >= 0 && status->est_error_ns >= 0,
	    "a negative error");
	expect(w, !status->synchronised || (w->now && w->now->synchronised),
	    "synchronised, but nobody said so");
	/* As clock/kernel/kernel.c makes the kernel forget an old one. */
	if (arms && !status->leap_stays && !is_synchronised(w))
		forget_leap(w);
	if (status->leap_stays && status->leap != w->armed)
		arms = false;
	w->armed = arms ? status->leap : LEAP_NONE;
	w->synchronised = good;
	/* Linux lets the bound grow by 500 us each second. */
	if (good)
		w->good_until_ns =
		    w->mono_ns +
		    (16 * SECOND - status->max_error_ns) / 500000 * SECOND;
	return 0;
}

static const struct clock_ops kernel_ops = {
    .now = kernel_now,
    .look = kernel_look,
    .set_freq = kernel_set_freq,
    .step = kernel_step,
    .set_status = kernel_set_status,
    .disarm = kernel_disarm,
};

/* How far the clock can be from a free-running oscillator. */
static void judge_place(const struct world *w)
{
	const struct policy *p = w->policy;
	int64_t away_ns = (w->wall_ns - w->wall_start_ns) -
			  (w->osc_ns - w->osc_start_ns) - w->all_foreign_ns;
	double rate = fmin(p->max_freq_ppm + p->max_slew_ppm, 1e5) * 1e-6;
	double most_ns = w->free_sum_ns + (double)share_of(w, 1000 + 3000) +
			 rate * 1.01 * (double)(w->osc_ns - w->osc_start_ns) +
			 (double)size_of(w->all_leaps_ns) + 1e6;

	expect(
	    w, fabs((double)away_ns) <= most_ns, "the clock is too far away");
	expect(w,
	    w->wall_ns - w->wall_start_ns ==
		w->mono_ns - w->mono_start_ns + w->all_steps_ns +
		    w->all_leaps_ns + w->all_sleep_ns + w->all_foreign_ns,
	    "the test has lost count");
	if (p->no_clock)
		expect(w, w->changes == 0, "--no-clock changed something");
}

/* ---- the hostile engine ---- */

static double any_double(void)
{
	static const double extremes[] = {NAN, -NAN, INFINITY, -INFINITY, 0,
	    -0.0, DBL_MIN, DBL_TRUE_MIN, DBL_MAX, -DBL_MAX, 1e5, -1e5,
	    1.0000001e5, 500, -500, 20, -20, 1e6};
	double x;
	uint64_t bits = random64();

	switch (below(3)) {
	case 0:
		return extremes[below(sizeof(extremes) / sizeof(*extremes))];
	case 1:
		memcpy(&x, &bits, sizeof(x));
		return x;
	default:
		return (2 * unit() - 1) * 1.1e5;
	}
}

static int64_t any_int(const struct policy *p)
{
	const int64_t r = p->refuse_ns;
	const int64_t extremes[] = {0, 1, -1, INT64_MIN, INT64_MAX,
	    INT64_MIN + 1, INT64_MAX - 1, r, -r, r + 1, -r - 1, 8 * r, 1000 * r,
	    3000 * r, SECOND, -SECOND, MINUTE, DAY, YEAR, -YEAR};

	switch (below(3)) {
	case 0:
		return extremes[below(sizeof(extremes) / sizeof(*extremes))];
	case 1:
		return (int64_t)random64();
	default:
		return log_uniform(100 * YEAR) * (below(2) ? 1 : -1);
	}
}

static bool near_leap(const struct world *w)
{
	int64_t left_ns = DAY - w->wall_ns % DAY;

	return is_leap_day(w->wall_ns) && left_ns < 5 * SECOND;
}

/* As far as the limits allow, or a little further. */
static int64_t greedy_step(const struct world *w, bool pause)
{
	int64_t r = w->policy->refuse_ns ? w->policy->refuse_ns : DAY;
	int64_t since_ns =
	    w->mono_ns -
	    (w->last_step_ns != INT64_MIN ? w->last_step_ns : w->mono_start_ns);
	int64_t minutes = since_ns / MINUTE;

	if (w->busy > 0)
		return log_uniform(w->policy->refuse_ns / 100 + 2);
	/* Back to the last seconds of the day before, or of this one. */
	if (!pause && below(4) == 0)
		return -(w->wall_ns % DAY) - log_uniform(MINUTE);
	if (!pause && near_leap(w))
		return -log_uniform(MINUTE);
	if (!pause)
		return (below(2) ? r : -r) / (1 + below(3)) +
		       (below(8) ? 0 : 1);
	if (minutes > 4000)
		minutes = 4000;
	return r * (minutes + below(3) - 1) + (below(8) ? 0 : 1);
}

static void greedy_slew(const struct world *w, struct clock_command *c)
{
	double rate = w->policy->max_slew_ppm * 1e-6 * (below(4) ? 1 : unit());

	c->slew_duration_ns = log_uniform(100 * DAY) + 1;
	c->slew_ns = (int64_t)(rate * (double)c->slew_duration_ns) + below(3);
	if (below(2))
		c->slew_ns = -c->slew_ns;
}

static struct clock_command plausible(const struct world *w)
{
	bool near_limit = below(8) == 0;
	struct clock_command c = {
	    .freq_ppm = w->policy->max_freq_ppm * (2 * unit() - 1),
	    .synchronised = below(4) != 0,
	    .leap = (enum leap)below(4),
	    .max_error_ns = near_limit ? GOOD_ERROR : log_uniform(20 * SECOND),
	    .est_error_ns = log_uniform(20 * SECOND),
	};

	/* A bootstrap step must come first. */
	if (!w->ever_synchronised && below(4) != 0) {
		c.bootstrap = true;
		c.synchronised = false;
		c.step_ns = w->earliest_ns - w->wall_ns +
			    (below(4) ? log_uniform(YEAR) : -1);
		return c;
	}
	if (w->busy > 0) {
		c.step_ns = greedy_step(w, false);
		return c;
	}
	if (below(8) == 0)
		c.freq_ppm = copysign(w->policy->max_freq_ppm, c.freq_ppm);
	switch (below(5)) {
	case 0:
		c.bootstrap = true;
		c.pause = below(2);
		c.synchronised = false;
		c.step_ns = greedy_step(w, c.pause);
		break;
	case 1:
	case 2:
		c.step_ns = greedy_step(w, false);
		break;
	case 3:
		greedy_slew(w, &c);
		break;
	default:
		break;
	}
	return c;
}

static void spoil(const struct world *w, struct clock_command *c)
{
	switch (below(8)) {
	case 0:
		c->freq_ppm = any_double();
		break;
	case 1:
		c->slew_ns = any_int(w->policy);
		break;
	case 2:
		c->slew_duration_ns = any_int(w->policy);
		break;
	case 3:
		c->step_ns = any_int(w->policy);
		break;
	case 4:
		c->max_error_ns = any_int(w->policy);
		break;
	case 5:
		c->est_error_ns = any_int(w->policy);
		break;
	case 6:
		c->leap = (enum leap)any_int(w->policy);
		break;
	default:
		c->bootstrap = below(2);
		c->pause = below(2);
		c->synchronised = below(2);
		break;
	}
}

static struct keeper_message next_frame(const struct world *w)
{
	struct keeper_message m = {
	    .kind = KEEPER_MESSAGE_COMMAND,
	    .serial = (uint32_t)random64() | 1,
	    .command = plausible(w),
	};
	unsigned spoilt = w->busy > 0 ? 0 : below(3);

	for (unsigned i = 0; i < spoilt; i++)
		spoil(w, &m.command);
	/* Any bytes at all. */
	if (w->busy == 0 && below(64) == 0) {
		unsigned char *bytes = (unsigned char *)&m;

		for (unsigned i = 0; i < 1 + below(16); i++)
			bytes[below(sizeof(m))] = (unsigned char)random64();
	}
	return m;
}

/* ---- a life of the keeper ---- */

/* Every other life begins on the day of a leap second. */
static int64_t any_start(void)
{
	int64_t wall_ns = log_uniform(70 * YEAR);

	if (below(2))
		return below(2) ? wall_ns : 50 * YEAR + wall_ns;
	while (!is_leap_day(wall_ns))
		wall_ns += DAY;
	return wall_ns;
}

static void begin_life(struct world *w, struct keeper *k)
{
	const struct policy *p = w->policy;
	struct keeper_report report;
	struct keeper_limits limits = {
	    .no_clock = p->no_clock,
	    .max_freq_ppm = p->max_freq_ppm,
	    .max_slew_ppm = p->max_slew_ppm,
	    .refuse_step_ns = p->refuse_ns,
	    .start_steps = p->start_steps,
	    .bootstrap = p->bootstrap,
	};
	struct clock_ops ops = kernel_ops;

	ops.self = w;
	w->lives++;
	w->now = NULL;
	w->wall_ns = any_start();
	w->mono_ns = log_uniform(YEAR);
	w->osc_ns = 0;
	w->freq_ppm = w->base_ppm = 0;
	w->slew_ns = w->slew_duration_ns = 0;
	w->slewed_ns = 0;
	w->armed = LEAP_NONE;
	w->phase = PHASE_QUIET;
	w->leap_at_ns = -1;
	w->changes = 0;
	w->first_ns = -1;
	w->ever_synchronised = w->boot_used = w->synchronised = false;
	w->start_used = 0;
	w->last_step_ns = w->last_pause_ns = w->last_leap_ns = INT64_MIN;
	w->late_count = 0;
	w->late_sum_ns = w->pause_sum_ns = 0;
	w->free_sum_ns = 0;
	w->all_steps_ns = w->all_leaps_ns = 0;
	w->all_sleep_ns = w->all_foreign_ns = 0;
	w->look_ns = w->mono_ns;
	w->wall_start_ns = w->wall_ns;
	w->mono_start_ns = w->mono_ns;
	w->osc_start_ns = 0;
	w->life_steps = w->life_refused = 0;
	w->earliest_ns = limits.earliest_ns = 55 * YEAR;
	if (keeper_start(k, &limits, &ops, NULL, &report) != 0)
		fail(w, "the keeper does not start");
}

/* The keeper looks every four seconds; that matters only if it can find
 * something. */
static void look(struct world *w, struct keeper *k)
{
	struct keeper_report r;

	expect(w, !keeper_look(k, &r), "a change of the clock by nobody");
	w->look_ns = w->mono_ns + 4 * SECOND;
}

/* Time passes, and the keeper ends its slews. */
static void pass(struct world *w, struct keeper *k, int64_t ns)
{
	int64_t end_ns = w->mono_ns + ns;

	while (w->mono_ns < end_ns) {
		struct mono due = keeper_deadline(k);
		struct keeper_report r;
		int64_t until_ns = due.ns < end_ns ? due.ns : end_ns;

		if (w->armed != LEAP_NONE && w->look_ns < until_ns)
			until_ns = w->look_ns;
		if (until_ns > w->mono_ns)
			advance(w, until_ns - w->mono_ns);
		if (w->armed != LEAP_NONE && w->mono_ns >= w->look_ns)
			look(w, k);
		if (keeper_tick(k, (struct mono){w->mono_ns}, &r))
			expect(w, r.steps == w->life_steps, "a wrong count");
		judge_slew(w);
	}
}

static void give(
    struct world *w, struct keeper *k, const struct keeper_message *m)
{
	struct keeper_report r;
	unsigned before = w->changes;
	int64_t first_ns = w->first_ns;

	/* The first accepted command opens the start window. */
	if (first_ns < 0)
		w->first_ns = w->mono_ns;
	w->now = &m->command;
	w->asked_ns = w->mono_ns;
	keeper_apply(k, &m->command, m->serial, (struct mono){w->asked_ns}, &r);
	if (r.verdict == KEEPER_OK) {
		w->accepted++;
		w->ever_synchronised |= m->command.synchronised;
		expect(w, !w->policy->no_clock, "accepted with --no-clock");
	} else {
		w->first_ns = first_ns;
		w->refused++;
		w->life_refused += !w->policy->no_clock;
		expect(
		    w, w->changes == before, "a refused command did something");
		expect(w, r.change_count == 0, "a refused command has changes");
	}
	expect(w, r.steps == w->life_steps && r.refused == w->life_refused,
	    "the keeper counts wrong");
	w->now = NULL;
}

/* The frame passes the link, as from the engine's process. */
static void send_frame(struct world *w, struct keeper *k, const int link[2])
{
	struct keeper_message m = next_frame(w), got;

	if (send(link[0], &m, sizeof(m), 0) != sizeof(m))
		fail(w, "the link breaks");
	if (keeper_receive_message(link[1], &got) != 1 ||
	    got.kind != KEEPER_MESSAGE_COMMAND)
		w->dropped++;
	else
		give(w, k, &got);
	w->frames++;
}

static int64_t near_midnight(const struct world *w)
{
	int64_t left_ns = DAY - w->wall_ns % DAY;
	int64_t pause_ns = left_ns + ((int64_t)below(33) - 20) * SECOND / 4;

	/* So near that the kernel executes it while the keeper works. */
	if (below(4) == 0)
		return left_ns -
		       log_uniform(left_ns < SECOND ? left_ns : SECOND);
	return pause_ns > 0 ? pause_ns : below(8) * SECOND / 4;
}

static int64_t any_pause(const struct world *w)
{
	if (w->busy > 0)
		return MINUTE;
	/* From the end of a day with a leap second to that of the next day. */
	if (near_leap(w) && below(4) == 0)
		return DAY + 2 * SECOND;
	/* To the end of a day with a leap second, or a moment around it. */
	if (is_leap_day(w->wall_ns) && below(4) == 0)
		return near_midnight(w);
	switch (below(16)) {
	case 0:
		return log_uniform(100 * DAY);
	case 1:
	case 2:
		return log_uniform(DAY);
	case 3:
		return 4 * HOUR + below(3) - 1;
	case 4:
	case 5:
	case 6:
		return MINUTE + below(3) - 1;
	default:
		return below(4) ? log_uniform(MINUTE) : 0;
	}
}

/* CLOCK_MONOTONIC stands still, and no second ends. A machine that sleeps over
 * the midnight of a leap second, and wakes up just before another one, beats
 * the keeper's next look: clock/kernel/keeper.h says so. */
static void sleep_machine(struct world *w)
{
	int64_t ns = log_uniform(3 * DAY);
	int64_t left_ns = DAY - (w->wall_ns + ns) % DAY;

	if (left_ns < 6 * SECOND)
		ns += 6 * SECOND;
	w->wall_ns += ns;
	w->osc_ns += ns;
	w->all_sleep_ns += ns;
}

/* Another program sets the clock, uses the kernel's loop, or disarms. */
static void disturb(struct world *w)
{
	int64_t ns = log_uniform(HOUR) * (below(2) ? 1 : -1);

	switch (below(3)) {
	case 0:
		w->wall_ns += ns;
		w->all_foreign_ns += ns;
		w->leap_at_ns = -1;
		w->synchronised = false;
		break;
	case 1:
		forget_leap(w);
		break;
	default:
		w->armed = LEAP_NONE;
		break;
	}
}

/* Mostly on the day of a leap second. */
static void trouble(struct world *w)
{
	if (w->slew_ns != 0 || w->busy > 0 ||
	    below(is_leap_day(w->wall_ns) ? 16 : 256) != 0)
		return;
	if (below(2))
		sleep_machine(w);
	else
		disturb(w);
}

static void attack(struct world *w, uint64_t frames)
{
	struct keeper k;
	int link[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, link) != 0)
		fail(w, "no socketpair");
	begin_life(w, &k);
	while (frames-- > 0) {
		if (w->busy > 0)
			w->busy--;
		else if (below(2000) == 0)
			w->busy = 100;
		send_frame(w, &k, link);
		judge_place(w);
		/* The clock can be at the end of its range now. */
		if (w->wall_ns <= 250 * YEAR) {
			pass(w, &k, any_pause(w));
			trouble(w);
			judge_place(w);
		}
		if (w->osc_ns > LIFE_MAX || w->wall_ns > 250 * YEAR ||
		    below(4000) == 0)
			begin_life(w, &k);
	}
	close(link[0]);
	close(link[1]);
}

int main(int argc, char **argv)
{
	uint64_t all = argc > 1 ? strtoull(argv[1], NULL, 0) : FRAMES;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	size_t count = sizeof(policies) / sizeof(*policies);

	for (size_t i = 0; i < count; i++) {
		struct world *w = calloc(1, sizeof(*w));

		if (!w)
			return 2;
		rng_state = seed * UINT64_C(0x9e3779b97f4a7c15) + i + 1;
		w->policy = &policies[i];
		attack(w, all / count);
		printf("%s: %" PRIu64 " frames in %.1f years and %" PRIu64
		       " lives: %" PRIu64 " accepted, %" PRIu64
		       " refused, %" PRIu64 " cut off; %" PRIu64
		       " steps, %" PRIu64 " leap seconds; never beyond the "
		       "policy\n",
		    w->policy->name, w->frames,
		    (double)w->simulated_ns / 1e9 / 86400 / 365.25, w->lives,
		    w->accepted, w->refused, w->dropped, w->steps, w->leaps);
		/* An attack that nothing gets through says nothing. */
		if (!w->policy->no_clock &&
		    (w->accepted < w->frames / 20 || w->steps == 0))
			fail(w, "too little was accepted");
		free(w);
	}
	printf("hostile engine: %zu passed, 0 failed\n", count);
	return 0;
}
