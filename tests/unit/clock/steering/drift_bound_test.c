/* What is learned of the drift, from made-up updates. */
#include "clock/steering/drift_bound.h"

#include "tests/unit/clock/chance.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define HOUR_S 3600.0
#define DAY_S 86400.0
#define POLL_S 64

static const double lengths[DRIFT_LAGS] = {
    256, 1024, 4096, 16384, 65536, 262144};

static void assert_near(double value, double expected, double most)
{
	if (!(fabs(value - expected) <= most))
		fail_msg("%.17g, not %.17g", value, expected);
}

/* A clock, and an estimate of it that is exact unless a test says otherwise. */
struct clock_model {
	struct drift_bound bound;
	struct drift_update now;
	double offset_s, freq;
};

static void begin(struct clock_model *c)
{
	*c = (struct clock_model){
	    .freq = 1e-5, .now.at = {TIME_WRITTEN_S * NS_PER_S}};
	drift_bound_init(&c->bound);
}

static void update(struct clock_model *c)
{
	c->now.offset_ns = ns_of_s(c->offset_s);
	c->now.freq = c->freq;
	drift_bound_learn(&c->bound, &c->now);
}

/* Lets the clock run without an update. */
static void run(struct clock_model *c, double seconds)
{
	c->now.at.ns += ns_of_s(seconds);
	c->offset_s += c->freq * seconds;
}

static void updates_for(struct clock_model *c, double seconds)
{
	for (double t = 0; t < seconds; t += POLL_S) {
		run(c, POLL_S);
		update(c);
	}
}

static double rate_ppm(const struct clock_model *c, double age_s)
{
	return drift_bound_rate(&c->bound.learned, age_s) * 1e6;
}

static double watched_h(const struct clock_model *c)
{
	return drift_bound_watched_s(&c->bound.learned) / HOUR_S;
}

static double awake_h(const struct clock_model *c)
{
	return drift_bound_awake_s(&c->bound.learned) / HOUR_S;
}

static enum drift_reason reason(const struct clock_model *c)
{
	return drift_bound_reason(&c->bound.learned);
}

static double worst_ppm(const struct clock_model *c, unsigned lag)
{
	return c->bound.learned.period[0].lag[lag].worst * 1e6;
}

static void an_unknown_machine_may_do_much(void **state)
{
	struct clock_model c;

	(void)state;
	begin(&c);
	for (double age = 0; age < 40 * DAY_S; age = age * 2 + 1)
		assert_near(rate_ppm(&c, age), 25, 1e-9);
	assert_int_equal(reason(&c), DRIFT_UNKNOWN);
	assert_true(watched_h(&c) == 0);
	/* The filter still learns. */
	updates_for(&c, 2000);
	assert_int_equal(reason(&c), DRIFT_UNKNOWN);
}

static void a_steady_clock_earns_trust(void **state)
{
	static const struct {
		double hours, most_ppm, least_ppm;
	} rows[] = {
	    {2, 15, 13}, {8, 6, 5}, {24, 2.1, 1.9}, {24 * 7, 0.31, 0.28}};
	struct clock_model c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin(&c);
		updates_for(&c, rows[i].hours * HOUR_S);
		assert_true(watched_h(&c) < rows[i].hours - 0.5);
		assert_true(watched_h(&c) > rows[i].hours - 0.7);
		for (double age = 1; age < 40 * DAY_S; age *= 2) {
			assert_true(rate_ppm(&c, age) < rows[i].most_ppm);
			assert_true(rate_ppm(&c, age) > rows[i].least_ppm);
		}
		assert_int_equal(reason(&c), DRIFT_LEARNED);
	}
}

/* Each length is watched once in its own time. */
static void windows_are_counted_once(void **state)
{
	struct clock_model c;

	(void)state;
	begin(&c);
	updates_for(&c, 30 * HOUR_S + 1800);
	for (unsigned i = 0; i < DRIFT_LAGS - 1; i++) {
		double n = c.bound.learned.period[0].lag[i].windows;
		double most = 30 * HOUR_S / lengths[i];

		assert_true(n <= most && n >= most - 1.3);
	}
	assert_true(c.bound.learned.period[0].lag[5].windows == 0);
}

static void a_jump_makes_the_bound_wide(void **state)
{
	struct clock_model c;

	(void)state;
	begin(&c);
	updates_for(&c, 10 * HOUR_S);
	assert_int_equal(reason(&c), DRIFT_LEARNED);
	c.freq += 5e-6;
	updates_for(&c, 5 * HOUR_S);
	assert_int_equal(reason(&c), DRIFT_JUMPS);
	assert_near(drift_bound_jump(&c.bound.learned) * 1e6, 5, 0.01);
	assert_true(rate_ppm(&c, 1) > 10 && rate_ppm(&c, 1) < 15);
	assert_true(rate_ppm(&c, HOUR_S) > 10);
	/* The next day may bring more of them. */
	assert_true(rate_ppm(&c, DAY_S) > 25);
	assert_true(rate_ppm(&c, DAY_S) <= 50);
	/* It counts for two weeks, and is forgotten after four. */
	updates_for(&c, 14 * DAY_S);
	assert_int_equal(reason(&c), DRIFT_JUMPS);
	updates_for(&c, 15 * DAY_S);
	assert_int_equal(reason(&c), DRIFT_LEARNED);
	assert_true(rate_ppm(&c, DAY_S) < 0.2);
}

static void a_small_jump_has_no_word(void **state)
{
	struct clock_model c;

	(void)state;
	begin(&c);
	updates_for(&c, 5 * HOUR_S);
	c.freq -= 0.9e-6;
	updates_for(&c, 5 * HOUR_S);
	assert_int_equal(reason(&c), DRIFT_LEARNED);
	assert_true(drift_bound_jump(&c.bound.learned) == 0);
	assert_near(worst_ppm(&c, 0), 0.9, 0.001);
	c.freq -= 1.6e-6;
	updates_for(&c, HOUR_S);
	assert_int_equal(reason(&c), DRIFT_JUMPS);
	/* A jump that was seen is not limited by the wide rule. */
	c.freq += 40e-6;
	updates_for(&c, HOUR_S);
	assert_true(rate_ppm(&c, 1) > 80);
}

/* What the first half hour shows may be an error of the filter. */
static void a_start_teaches_nothing(void **state)
{
	struct clock_model c;

	(void)state;
	begin(&c);
	updates_for(&c, 1600);
	c.freq += 5e-6;
	updates_for(&c, 10 * HOUR_S);
	for (unsigned i = 0; i < DRIFT_LAGS; i++)
		assert_true(worst_ppm(&c, i) < 0.001);
}

/* The deviations of the estimate hide a change, or explain it. */
static void noise_is_no_drift(void **state)
{
	/* 2.5 standard deviations of both ends, in 4096 s. */
#define NOISE_PPM (2.5 * 0.5e3 * 1.4142 / 4096)
	struct clock_model c;

	(void)state;
	/* This noise hides 0.25 ppm in 1024 s, but not in 4096 s. */
	begin(&c);
	c.now.offset_sd = 0.5e-3;
	updates_for(&c, 20 * HOUR_S);
	assert_true(c.bound.learned.period[0].lag[1].windows == 0);
	assert_true(c.bound.learned.period[0].lag[2].windows > 14);
	/* The shorter lengths take the rate of 4096 s. */
	c.freq += 1e-6;
	updates_for(&c, 5 * HOUR_S);
	assert_true(worst_ppm(&c, 2) < sqrt(1 - NOISE_PPM * NOISE_PPM));
	assert_true(
	    worst_ppm(&c, 2) > sqrt(0.75 * 0.75 - NOISE_PPM * NOISE_PPM));
	assert_true(rate_ppm(&c, 1) > 2 * worst_ppm(&c, 2));
	/* The deviation of the frequency explains a change, too. */
	begin(&c);
	c.now.freq_sd = 0.2e-6;
	updates_for(&c, 10 * HOUR_S);
	c.freq += 0.3e-6;
	updates_for(&c, 10 * HOUR_S);
	assert_true(worst_ppm(&c, 2) == 0);
	c.freq += 1e-6;
	updates_for(&c, 10 * HOUR_S);
	assert_true(worst_ppm(&c, 2) < sqrt(1 - 0.25) + 0.001);
	assert_true(worst_ppm(&c, 2) > sqrt(0.75 * 0.75 - 0.25));
#undef NOISE_PPM
}

static void a_frequency_that_is_not_known_opens_no_window(void **state)
{
	struct clock_model c;

	(void)state;
	begin(&c);
	c.now.freq_sd = 0.51e-6;
	updates_for(&c, 10 * HOUR_S);
	assert_int_equal(reason(&c), DRIFT_UNKNOWN);
	c.now.freq_sd = 0.5e-6;
	updates_for(&c, HOUR_S);
	assert_int_equal(reason(&c), DRIFT_LEARNED);
}

/* A window with a jump of the time in it says nothing about the oscillator. */
static void an_interruption_closes_the_windows(void **state)
{
	struct clock_model c;
	double before;

	(void)state;
	begin(&c);
	updates_for(&c, 10 * HOUR_S);
	before = watched_h(&c);
	c.offset_s += 1;
	drift_bound_interrupt(&c.bound);
	assert_true(watched_h(&c) == before);
	updates_for(&c, 10 * HOUR_S);
	assert_true(watched_h(&c) > before + 9);
	for (unsigned i = 0; i < DRIFT_LAGS; i++)
		assert_true(worst_ppm(&c, i) < 0.001);
}

/* After a silence all windows are as old as it was. */
static void the_end_of_a_silence_tells_of_its_length(void **state)
{
	static const struct {
		double silence_s;
		unsigned lag;
	} rows[] = {{DAY_S, 4}, {4 * DAY_S, 5}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const unsigned lag = rows[i].lag;
		struct clock_model c;
		double before;

		begin(&c);
		updates_for(&c, 10 * HOUR_S);
		before = c.bound.learned.period[0].lag[lag].windows;
		c.freq += 2e-6;
		run(&c, rows[i].silence_s);
		update(&c);
		for (unsigned k = 0; k < DRIFT_LAGS; k++)
			assert_near(worst_ppm(&c, k), k == lag ? 2 : 0, 0.001);
		assert_true(
		    c.bound.learned.period[0].lag[lag].windows < before + 0.5);
		assert_int_equal(reason(&c), DRIFT_LEARNED);
		assert_true(rate_ppm(&c, rows[i].silence_s) > 4);
	}
}

/* With a random walk the error of a day is covered by what was seen in half an
 * hour and more. */
static void a_random_walk_grows_with_the_length(void **state)
{
	struct clock_model c;
	struct chance chance = {7};
	const double wander = 1e-8;
	const double day_ppm = wander * sqrt(DAY_S / 3) * 1e6;

	(void)state;
	begin(&c);
	for (double t = 0; t < DAY_S; t += POLL_S) {
		run(&c, POLL_S);
		c.freq += wander * sqrt(POLL_S) * chance_normal(&chance);
		update(&c);
	}
	assert_true(rate_ppm(&c, DAY_S) > 4 * day_ppm);
	assert_true(rate_ppm(&c, DAY_S) < 9 * day_ppm);
	/* An age between the lengths has the rate of the longer one. */
	assert_true(rate_ppm(&c, 257) == rate_ppm(&c, 1024));
	assert_true(rate_ppm(&c, 4096) >= 2 * worst_ppm(&c, 2));
	/* Beyond the last length that was tried often. */
	assert_near(rate_ppm(&c, 60000) / rate_ppm(&c, 30000), sqrt(2), 0.01);
}

static void a_longer_silence_never_has_a_lower_rate(void **state)
{
	struct chance chance = {3};

	(void)state;
	for (unsigned n = 0; n < 2000; n++) {
		struct drift_learned l = {0};
		double last = 0;

		for (unsigned i = 0; i < DRIFT_LAGS; i++) {
			l.period[n % 2].lag[i].worst =
			    1e-6 * chance_exponential(&chance, 1);
			l.period[n / 2 % 2].lag[i].windows =
			    chance_exponential(&chance, 10);
		}
		for (double age = 1; age < 1e7; age *= 1.1) {
			double rate = drift_bound_rate(&l, age);

			assert_true(rate >= last);
			last = rate;
		}
	}
}

/* What some trials allow for, in ppm. Each row has a worst rate of 10 ppm. */
static void the_factor_depends_on_the_trials(void **state)
{
	static const struct {
		unsigned lag;
		double now, before; /* trials in the two periods */
		double age_s, ppm;
	} rows[] = {
	    {2, 8, 0, 4096, 30},
	    {2, 7.9, 0, 4096, 30},
	    {2, 16, 0, 4096, 25},
	    {2, 8, 8, 4096, 25},
	    {2, 0, 16, 1, 25},
	    /* Longer than any length that was tried often: the rate grows with
	     * the square root, up to 50 ppm. */
	    {2, 16, 0, 8192, 35.36},
	    {2, 16, 0, 4097, 25},
	    {2, 16, 0, 30000, 50},
	    {0, 80, 0, 512, 29.7},
	    {5, 8, 0, 262144, 30},
	    {5, 8, 0, 2 * 262144, 42.43},
	    /* Too few trials of a length count for this length alone. */
	    {3, 1, 0, 16384, 30},
	    {3, 1, 0, 4097, 30},
	    {3, 1, 0, 4096, 50 / (4.551 + 2)},
	    {3, 1, 0, 1e9, 30},
	    {0, 1, 0, 1, 30},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct drift_learned l = {.awake_s = DRIFT_WATCHED_MAX};
		double ppm;

		l.period[0].lag[rows[i].lag].worst = 10e-6;
		l.period[0].lag[rows[i].lag].windows = rows[i].now;
		l.period[1].lag[rows[i].lag].windows = rows[i].before;
		ppm = drift_bound_rate(&l, rows[i].age_s) * 1e6;
		if (fabs(ppm - rows[i].ppm) > 0.01)
			fail_msg("row %zu: %g ppm", i, ppm);
		/* The worst of both periods counts. */
		l.period[1].lag[rows[i].lag].worst = 10e-6;
		l.period[0].lag[rows[i].lag].worst = 0;
		assert_near(
		    drift_bound_rate(&l, rows[i].age_s) * 1e6, ppm, 1e-9);
	}
}

/* Each rate grows from the length in which it was seen. */
static void only_a_quick_change_is_a_jump(void **state)
{
	static const double worst[] = {3e-6, 1.5e-6};
	const double age_s = 4 * 16384;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(worst); k++)
		for (unsigned i = 0; i < DRIFT_LAGS; i++) {
			struct drift_learned l = {.awake_s = DRIFT_WATCHED_MAX};
			const double ppm = worst[k] * 1e6;
			const double expected[DRIFT_LAGS] = {3 * ppm * 16,
			    3 * ppm * 8, 3 * ppm * 4, 2.4 * ppm * 2, 3 * ppm,
			    50 / (20 * 16384 / HOUR_S + 2)};

			l.period[0].lag[3].windows = 20;
			l.period[1].lag[i].worst = worst[k];
			assert_near(drift_bound_rate(&l, age_s) * 1e6,
			    fmin(expected[i], 50), 0.01);
			assert_true(
			    drift_bound_jump(&l) == (i < 3 ? worst[k] : 0));
			l.period[1].lag[i].worst = 1.49e-6;
			assert_true(drift_bound_jump(&l) == 0);
		}
}

/* A rate that no jump explains grows from the longest length that was tried,
 * and that may be the shortest of all. */
static void the_shortest_length_is_enough(void **state)
{
	struct drift_learned l = {.awake_s = DRIFT_WATCHED_MAX};

	(void)state;
	l.period[0].lag[0].windows = 8000;
	l.period[0].lag[0].worst = 1e-6;
	assert_near(drift_bound_rate(&l, 1024) * 1e6, 2 * 1.0005 * 2, 1e-6);
}

/* The rate of a longer length counts only if it covers the silence. */
static void the_shortest_silence_has_its_own_rate(void **state)
{
	struct drift_learned l = {.awake_s = DRIFT_WATCHED_MAX};

	(void)state;
	l.period[0].lag[5].windows = 7;
	l.period[0].lag[1].worst = 1e-6;
	assert_near(
	    drift_bound_rate(&l, 256) * 1e6, 50.0 / (14 * 24 + 2), 1e-6);
	assert_near(drift_bound_rate(&l, 257) * 1e6, 3, 1e-6);
}

static unsigned open_windows(const struct clock_model *c, unsigned lag)
{
	unsigned count = 0;

	for (unsigned i = 0; i < DRIFT_WINDOWS; i++)
		count += c->bound.lag[lag].window[i].open;
	return count;
}

/* In the time of one length, four windows open. The noise lets each of them
 * wait for twice that time. */
static void all_windows_may_be_open(void **state)
{
	struct clock_model c;

	(void)state;
	begin(&c);
	c.now.offset_sd = 1;
	update(&c);
	updates_for(&c, 1800);
	assert_int_equal(open_windows(&c, 2), 1);
	updates_for(&c, 4096 - POLL_S);
	assert_int_equal(open_windows(&c, 2), 4);
	updates_for(&c, 4096);
	assert_int_equal(open_windows(&c, 2), 8);
}

static void the_first_window_opens_after_half_an_hour(void **state)
{
	static const struct {
		double after_s;
		bool opens;
	} rows[] = {{1799, false}, {1800, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct clock_model c;

		begin(&c);
		update(&c);
		run(&c, rows[i].after_s);
		update(&c);
		for (unsigned lag = 0; lag < DRIFT_LAGS; lag++)
			assert_int_equal(open_windows(&c, lag), rows[i].opens);
	}
}

/* While the offset is not known well, a window waits for its judgement, but
 * not for longer than it was meant to last. */
static void noise_delays_a_judgement(void **state)
{
	struct clock_model c;

	(void)state;
	for (int late = 0; late < 2; late++) {
		begin(&c);
		updates_for(&c, 1800);
		/* The windows of all lengths are open now. */
		updates_for(&c, 2 * POLL_S);
		c.now.freq_sd = 1e-6;
		c.now.offset_sd = 1;
		updates_for(&c, late ? 8192 : 7168);
		c.now.offset_sd = 0;
		updates_for(&c, POLL_S);
		assert_int_equal(
		    c.bound.learned.period[0].lag[2].windows > 0, !late);
	}
}

static void a_valid_value_is_within_its_limits(void **state)
{
	static const struct {
		double worst, windows; /* windows: share of the most */
		bool valid;
	} rows[] = {
	    {0, 0, true},
	    {DRIFT_RATE_MAX, 1, true},
	    {DRIFT_RATE_MAX * 1.01, 0, false},
	    {-1e-12, 0, false},
	    {0, 1.01, false},
	    {0, -1e-3, false},
	    {NAN, 0, false},
	    {0, NAN, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (unsigned at = 0; at < DRIFT_PERIODS * DRIFT_LAGS; at++) {
			struct drift_learned l = {0};
			unsigned k = at / DRIFT_LAGS, lag = at % DRIFT_LAGS;

			l.period[k].lag[lag].worst = rows[i].worst;
			l.period[k].lag[lag].windows =
			    rows[i].windows * drift_windows_max(lag);
			assert_int_equal(
			    drift_learned_valid(&l), rows[i].valid);
		}
}

static void a_period_has_as_many_windows_as_fit(void **state)
{
	(void)state;
	for (unsigned i = 0; i < DRIFT_LAGS; i++)
		assert_near(
		    drift_windows_max(i), 14 * DAY_S / lengths[i] + 2, 1e-9);
}

static void the_time_awake_has_a_limit(void **state)
{
	static const struct {
		double awake_s;
		bool valid;
	} rows[] = {{0, true}, {28 * DAY_S, true}, {28 * DAY_S + 1, false},
	    {-1, false}, {NAN, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct drift_learned l = {.awake_s = rows[i].awake_s};

		assert_int_equal(drift_learned_valid(&l), rows[i].valid);
	}
}

/* However much a file says, it is not more than four weeks. */
static void the_watched_time_has_a_limit(void **state)
{
	struct drift_learned l = {.awake_s = DRIFT_WATCHED_MAX};

	(void)state;
	for (unsigned k = 0; k < DRIFT_PERIODS; k++)
		for (unsigned i = 0; i < DRIFT_LAGS; i++)
			l.period[k].lag[i].windows = drift_windows_max(i);
	assert_true(drift_learned_valid(&l));
	assert_true(drift_bound_watched_s(&l) == 28 * DAY_S);
	assert_near(drift_bound_rate(&l, 1) * 1e6, 50.0 / (28 * 24 + 2), 1e-6);
	/* The machine has booted. */
	l.awake_s = 0;
	assert_near(drift_bound_rate(&l, 1) * 1e6, 25, 1e-9);
}

/* However long the agent runs, what it learns is within the limits of a file.
 */
static void a_life_of_months_stays_valid(void **state)
{
	struct clock_model c;

	(void)state;
	begin(&c);
	for (unsigned day = 0; day < 100; day++) {
		c.freq += 5e-6;
		updates_for(&c, DAY_S);
		assert_true(drift_learned_valid(&c.bound.learned));
		assert_int_not_equal(reason(&c), DRIFT_RESTARTED);
	}
	assert_true(watched_h(&c) > 14 * 24 && watched_h(&c) < 29 * 24);
	c.freq += 1;
	updates_for(&c, DAY_S);
	assert_true(drift_learned_valid(&c.bound.learned));
	assert_true(worst_ppm(&c, 0) < 6);
}

/* The oscillator warms up, or is another one. What was learned stays. */
static void a_woken_machine_must_be_watched_again(void **state)
{
	struct clock_model c;
	double before;

	(void)state;
	begin(&c);
	updates_for(&c, DAY_S);
	before = watched_h(&c);
	assert_near(awake_h(&c), before, 1e-9);
	assert_true(rate_ppm(&c, 1) < 2.1);
	drift_bound_woke_up(&c.bound);
	assert_true(watched_h(&c) == before);
	assert_true(awake_h(&c) == 0);
	assert_int_equal(reason(&c), DRIFT_RESTARTED);
	for (double age = 1; age < 40 * DAY_S; age *= 2)
		assert_near(rate_ppm(&c, age), 25, 1e-9);
	/* The first half hour teaches nothing. */
	updates_for(&c, 1800 + 7200);
	assert_near(awake_h(&c), 2, 0.05);
	assert_near(rate_ppm(&c, HOUR_S), 12.5, 0.2);
	assert_int_equal(reason(&c), DRIFT_RESTARTED);
	/* An interruption is no boot. */
	drift_bound_interrupt(&c.bound);
	assert_near(rate_ppm(&c, HOUR_S), 12.5, 0.2);
	updates_for(&c, 14 * DAY_S);
	assert_true(rate_ppm(&c, HOUR_S) < 0.16);
}

/* The silence of a day is one trial, and counts for what it lasted. */
static void time_awake_counts_once(void **state)
{
	struct clock_model c;

	(void)state;
	begin(&c);
	updates_for(&c, 10 * HOUR_S);
	for (unsigned i = 0; i < 4; i++) {
		drift_bound_interrupt(&c.bound);
		updates_for(&c, 10 * HOUR_S);
	}
	assert_near(c.bound.learned.awake_s / HOUR_S, 5 * 9.5, 0.2);
	assert_int_equal(reason(&c), DRIFT_LEARNED);
	updates_for(&c, 40 * DAY_S);
	assert_true(c.bound.learned.awake_s == DRIFT_WATCHED_MAX);
}

/* A jump that was seen explains more than the boot does. */
static void a_large_jump_is_the_reason_after_a_boot_too(void **state)
{
	static const struct {
		double jump;
		enum drift_reason reason;
	} rows[] = {{5e-6, DRIFT_RESTARTED}, {20e-6, DRIFT_JUMPS}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct clock_model c;

		begin(&c);
		updates_for(&c, 10 * HOUR_S);
		c.freq += rows[i].jump;
		updates_for(&c, 30 * HOUR_S);
		assert_int_equal(reason(&c), DRIFT_JUMPS);
		drift_bound_woke_up(&c.bound);
		assert_int_equal(reason(&c), rows[i].reason);
	}
}

/* 20 ms in 256 s are more than any oscillator drifts. In the longer windows
 * they would look like drift. */
static void a_server_that_was_set_is_no_drift(void **state)
{
	struct clock_model c;

	(void)state;
	for (int sign = -1; sign <= 1; sign += 2) {
		begin(&c);
		updates_for(&c, 20 * HOUR_S);
		c.offset_s += sign * 20e-3;
		updates_for(&c, 20 * HOUR_S);
		for (unsigned i = 0; i < DRIFT_LAGS; i++)
			assert_true(worst_ppm(&c, i) < 0.001);
		assert_int_equal(reason(&c), DRIFT_LEARNED);
		/* Without the half hour after the step. */
		assert_near(awake_h(&c), 39, 0.2);
	}
}

/* An oscillator of +-50 ppm cannot change by more than 100 ppm. */
static void no_rate_is_above_the_range_of_an_oscillator(void **state)
{
	struct drift_learned l = {.awake_s = DRIFT_WATCHED_MAX};

	(void)state;
	for (unsigned i = 0; i < DRIFT_LAGS; i++) {
		l.period[0].lag[i].worst = DRIFT_RATE_MAX;
		l.period[0].lag[i].windows = 1;
	}
	assert_true(drift_learned_valid(&l));
	for (double age = 1; age < 40 * DAY_S; age *= 2)
		assert_near(drift_bound_rate(&l, age) * 1e6, 100, 1e-9);
}

static void more_trials_never_make_the_rate_larger(void **state)
{
	(void)state;
	for (double age = 1; age < 40 * DAY_S; age *= 3) {
		double last = 1;

		for (double n = 1; n < 100; n *= 1.1) {
			struct drift_learned l = {.awake_s = 0};
			double rate;

			for (unsigned i = 0; i < DRIFT_LAGS; i++) {
				l.period[0].lag[i].worst = 20e-6;
				l.period[0].lag[i].windows =
				    n * 256 / lengths[i];
			}
			rate = drift_bound_rate(&l, age);
			assert_true(rate <= last);
			last = rate;
		}
	}
}

static void each_reason_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(drift_reason_name(DRIFT_UNKNOWN), "unknown");
	assert_string_equal(drift_reason_name(DRIFT_LEARNED), "learned");
	assert_string_equal(drift_reason_name(DRIFT_JUMPS), "jumps");
	assert_string_equal(drift_reason_name(DRIFT_RESTARTED), "restarted");
	assert_string_equal(drift_reason_name(DRIFT_CONFIGURED), "configured");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_unknown_machine_may_do_much),
	    cmocka_unit_test(a_steady_clock_earns_trust),
	    cmocka_unit_test(windows_are_counted_once),
	    cmocka_unit_test(a_jump_makes_the_bound_wide),
	    cmocka_unit_test(a_small_jump_has_no_word),
	    cmocka_unit_test(a_start_teaches_nothing),
	    cmocka_unit_test(noise_is_no_drift),
	    cmocka_unit_test(a_frequency_that_is_not_known_opens_no_window),
	    cmocka_unit_test(an_interruption_closes_the_windows),
	    cmocka_unit_test(the_end_of_a_silence_tells_of_its_length),
	    cmocka_unit_test(a_random_walk_grows_with_the_length),
	    cmocka_unit_test(a_longer_silence_never_has_a_lower_rate),
	    cmocka_unit_test(the_factor_depends_on_the_trials),
	    cmocka_unit_test(only_a_quick_change_is_a_jump),
	    cmocka_unit_test(the_shortest_length_is_enough),
	    cmocka_unit_test(the_shortest_silence_has_its_own_rate),
	    cmocka_unit_test(all_windows_may_be_open),
	    cmocka_unit_test(the_first_window_opens_after_half_an_hour),
	    cmocka_unit_test(noise_delays_a_judgement),
	    cmocka_unit_test(a_valid_value_is_within_its_limits),
	    cmocka_unit_test(a_period_has_as_many_windows_as_fit),
	    cmocka_unit_test(the_time_awake_has_a_limit),
	    cmocka_unit_test(the_watched_time_has_a_limit),
	    cmocka_unit_test(a_life_of_months_stays_valid),
	    cmocka_unit_test(a_woken_machine_must_be_watched_again),
	    cmocka_unit_test(time_awake_counts_once),
	    cmocka_unit_test(a_large_jump_is_the_reason_after_a_boot_too),
	    cmocka_unit_test(a_server_that_was_set_is_no_drift),
	    cmocka_unit_test(no_rate_is_above_the_range_of_an_oscillator),
	    cmocka_unit_test(more_trials_never_make_the_rate_larger),
	    cmocka_unit_test(each_reason_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
