/* The bound between samples: as learned, or as configured. */
#include "clock/steering/remaining.h"

#include "clock/steering/restore.h"

#include "tests/unit/clock/steering/rig.h"

static struct drift_learned some_learned(double worst, double windows)
{
	struct drift_learned l = {.awake_s = DRIFT_WATCHED_MAX};

	l.period[0].lag[2].worst = worst;
	l.period[0].lag[2].windows = windows;
	return l;
}

/* 0: the bound is learned. */
static void open_with(struct rig *r, double max_clock_error_ppm)
{
	struct steering_config config = rig_usual;

	config.max_clock_error_ppm = max_clock_error_ppm;
	rig_open(r, 1, NULL, &config);
	rig_poll(r, 1, 30, 16, NULL);
}

/* Of the estimate, at `at`. */
static double bound_s(const struct rig *r, struct osc at)
{
	struct estimate_value v = estimate_at(&r->steering->estimate, at);

	return s_of_ns(remaining_bound_ns(r->steering, &v, at));
}

/* Of the estimate, now. */
static double error_s(const struct rig *r)
{
	struct estimate_value v = estimate_at(&r->steering->estimate, r->now);

	return fabs(s_of_ns(v.offset_ns - rig_truth_ns(r)));
}

/* How much the bound grows from one time after the last sample to another. */
static double growth_s(const struct rig *r, double from_s, double to_s)
{
	struct osc a = {r->now.ns + ns_of_s(from_s)};
	struct osc b = {r->now.ns + ns_of_s(to_s)};

	return bound_s(r, b) - bound_s(r, a);
}

static double freq_sd(const struct rig *r)
{
	double sd;

	(void)remaining_freq(r->steering, &sd);
	return sd;
}

static void assert_about(double value, double expected)
{
	if (!(fabs(value - expected) < 0.02 * expected))
		fail_msg("%g, not %g", value, expected);
}

static void the_bound_grows_as_was_learned(void **state)
{
	struct drift_learned l = some_learned(0.2e-6, 500);
	struct rig r;
	double sd;

	(void)state;
	open_with(&r, 0);
	sd = freq_sd(&r);
	assert_true(sd > 0 && sd < 1e-6);
	assert_about(growth_s(&r, 0, 3600), 3600 * hypot(25e-6, 3 * sd));
	steering_restore_drift(r.steering, &l);
	assert_about(growth_s(&r, 3600, 7200),
	    7200 * hypot(drift_bound_rate(&l, 7200), 3 * sd) -
		3600 * hypot(drift_bound_rate(&l, 3600), 3 * sd));
	rig_close(&r);
}

static void a_configured_rate_replaces_it(void **state)
{
	struct drift_learned l = some_learned(5e-6, 500);
	struct rig r;

	(void)state;
	open_with(&r, 7);
	steering_restore_drift(r.steering, &l);
	assert_about(growth_s(&r, 0, 3600), 3600 * (7e-6 + 2 * freq_sd(&r)));
	rig_close(&r);
}

/* An old sample with a small distance, or the latest one. */
static void the_least_bound_of_all_samples_counts(void **state)
{
	struct estimate_value v;
	struct sample late;
	struct rig r;
	int64_t before;

	(void)state;
	open_with(&r, 0);
	v = estimate_at(&r.steering->estimate, r.now);
	before = remaining_bound_ns(r.steering, &v, r.now);
	/* A delay of 1 ms more widens the bound by 0.5 ms, as much as 20 s at
	 * 25 ppm do. */
	late = rig_sample(&r, 0);
	late.delay_ns += NS_PER_MS;
	steering_add(r.steering, 0, &late);
	assert_int_equal(remaining_bound_ns(r.steering, &v, r.now), before);
	r.now.ns += 1000 * NS_PER_S;
	late.at = r.now;
	late.offset_ns = v.offset_ns + ns_of_s(1000 * v.freq);
	steering_add(r.steering, 0, &late);
	v = estimate_at(&r.steering->estimate, r.now);
	assert_true(
	    remaining_bound_ns(r.steering, &v, r.now) < before + 1000000);
	r.steering->selection.selected = -1;
	assert_int_equal(remaining_bound_ns(r.steering, &v, r.now), INT64_MAX);
	assert_int_equal(remaining_likely_ns(r.steering, &v, r.now), INT64_MAX);
	rig_close(&r);
}

/* A young machine has a wide bound, but its sources are as good as ever. */
static void what_is_learned_does_not_end_the_synchronisation(void **state)
{
	struct clock_command c;
	struct tracking t;
	struct rig r;

	(void)state;
	open_with(&r, 0);
	r.steering->config.max_distance_ns = 10 * NS_PER_MS;
	rig_wait(&r, 1000);
	t = rig_track(&r);
	assert_true(t.root_dispersion_ns > 20 * NS_PER_MS);
	assert_true(t.synchronised);
	/* The kernel learns that the errors have grown. */
	assert_true(steering_update(r.steering, &r.ledger, r.wall, &c));
	assert_true(c.synchronised);
	assert_true(c.max_error_ns > 20 * NS_PER_MS);
	/* At 1 ppm. */
	rig_wait(&r, 12000);
	assert_false(rig_track(&r).synchronised);
	assert_true(steering_update(r.steering, &r.ledger, r.wall, &c));
	assert_false(c.synchronised);
	rig_close(&r);
}

static void the_kernel_gets_the_learned_bound(void **state)
{
	struct tracking t;
	struct rig r;

	(void)state;
	open_with(&r, 0);
	rig_wait(&r, 1000);
	rig_add(&r, 0, 0);
	assert_true(rig_update(&r));
	t = rig_track(&r);
	/* The command's maximum error also has the offset that it slews. */
	assert_int_equal(r.last.max_error_ns - llabs(r.last.slew_ns),
	    t.root_delay_ns / 2 + t.root_dispersion_ns);
	rig_close(&r);
}

static void updates_teach_the_drift(void **state)
{
	struct drift_learned l;
	struct rig r;

	(void)state;
	open_with(&r, 0);
	rig_poll(&r, 1, 600, 16, NULL);
	steering_copy_drift(r.steering, &l);
	assert_true(drift_bound_watched_s(&l) > 6000);
	assert_true(l.period[0].lag[0].worst < 0.2e-6);
	r.freq += 5e-6;
	r.offset_s -= 5e-6 * s_of_ns(r.now.ns - RIG_START_NS);
	rig_poll(&r, 1, 100, 16, NULL);
	steering_copy_drift(r.steering, &l);
	assert_true(drift_bound_jump(&l) > 4e-6);
	rig_close(&r);
}

/* The windows that are open must not see another program's step. */
static void a_foreign_step_closes_the_windows(void **state)
{
	struct drift_learned before, after;
	struct rig r;

	(void)state;
	open_with(&r, 0);
	rig_poll(&r, 1, 300, 16, NULL);
	steering_copy_drift(r.steering, &before);
	assert_true(drift_bound_watched_s(&before) > 0);
	steering_allow_step(r.steering);
	rig_poll(&r, 1, 60, 16, NULL);
	steering_copy_drift(r.steering, &after);
	assert_memory_equal(&after, &before, sizeof(after));
	rig_close(&r);
}

/* Three answers that agree are believed. In the windows this step would be a
 * drift of up to 39 ppm. */
static void a_server_that_is_set_closes_the_windows(void **state)
{
	struct drift_learned l;
	struct rig r;

	(void)state;
	open_with(&r, 0);
	rig_poll(&r, 1, 600, 16, NULL);
	r.offset_s += 10e-3;
	rig_poll(&r, 1, 600, 16, NULL);
	assert_true(llabs(rig_error_ns(&r)) < NS_PER_MS);
	steering_copy_drift(r.steering, &l);
	for (unsigned i = 0; i < DRIFT_LAGS; i++)
		assert_true(l.period[0].lag[i].worst < 0.2e-6);
	assert_true(drift_bound_watched_s(&l) > 12000);
	rig_close(&r);
}

static void a_machine_that_woke_up_has_a_wide_bound(void **state)
{
	struct drift_learned l = some_learned(0.2e-6, 500), got;
	struct rig r;

	(void)state;
	open_with(&r, 0);
	steering_restore_drift(r.steering, &l);
	steering_woke_up(r.steering, false);
	assert_about(
	    growth_s(&r, 0, 3600), 3600 * hypot(25e-6, 3 * freq_sd(&r)));
	steering_copy_drift(r.steering, &got);
	l.awake_s = 0;
	assert_memory_equal(&got, &l, sizeof(l));
	rig_close(&r);
}

/* Between two samples, `from` and `to` records ago. */
static double freq_between(const struct rig *r, unsigned from, unsigned to)
{
	const struct sample *a = &record(r->steering->sources, from)->sample;
	const struct sample *b = &record(r->steering->sources, to)->sample;

	return (double)(sample_distance_ns(a) + sample_distance_ns(b)) /
	       (double)(b->at.ns - a->at.ns);
}

/* The frequency between two samples, whatever their deviation says. */
static void a_young_frequency_is_as_wrong_as_two_samples_allow(void **state)
{
	static const int apart_s[] = {16, 64, 250};
	struct rig r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(apart_s); i++) {
		struct steering_config config = rig_usual;
		double freq;

		config.max_clock_error_ppm = 0;
		rig_open(&r, 1, NULL, &config);
		r.up_ns = r.down_ns = 2 * NS_PER_MS;
		rig_poll(&r, 1, 2, (unsigned)apart_s[i], NULL);
		freq = freq_between(&r, 1, 0);
		assert_about(growth_s(&r, 0, 40),
		    40 * hypot(25e-6, fmax(freq, 3 * freq_sd(&r))));
		rig_close(&r);
	}
}

/* Of four samples, 16 s apart, the sharp ones tell. */
static void the_sharpest_samples_limit_a_young_frequency(void **state)
{
	static const struct {
		int64_t way_ns[4]; /* the oldest first */
		unsigned from, to; /* records that tell, 0: the newest */
	} rows[] = {
	    {{0, 20 * NS_PER_MS, 20 * NS_PER_MS, 0}, 3, 0},
	    {{20 * NS_PER_MS, NS_PER_MS, 20 * NS_PER_MS, NS_PER_MS}, 2, 0},
	    {{NS_PER_MS, 20 * NS_PER_MS, NS_PER_MS, 20 * NS_PER_MS}, 3, 1},
	    /* No oscillator is wrong by more than 500 ppm. */
	    {{40 * NS_PER_MS, 40 * NS_PER_MS, 40 * NS_PER_MS, 40 * NS_PER_MS},
		3, 0},
	};
	struct steering_config config = rig_usual;
	struct rig r;

	(void)state;
	config.max_clock_error_ppm = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double freq;

		rig_open(&r, 1, NULL, &config);
		for (unsigned k = 0; k < 4; k++) {
			r.up_ns = r.down_ns = rows[i].way_ns[k];
			rig_poll(&r, 1, 1, 16, NULL);
		}
		freq = fmin(500e-6 + fabs(r.steering->estimate.freq),
		    freq_between(&r, rows[i].from, rows[i].to));
		assert_about(growth_s(&r, 3, 4),
		    hypot(25e-6, fmax(freq, 3 * freq_sd(&r))));
		rig_close(&r);
	}
}

/* A congestion on one way and then the other shows a frequency that even its
 * own sharp samples exclude. The bound counts that, too. */
static void the_bound_holds_in_a_congested_start(void **state)
{
	struct steering_config config = rig_usual;
	unsigned broken = 0;

	(void)state;
	config.max_clock_error_ppm = 0;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct rig r;

		rig_open(&r, 1, NULL, &config);
		r.chance.state = seed;
		for (unsigned i = 0; i < 120; i++) {
			int64_t way_ns =
			    ns_of_s(chance_exponential(&r.chance, 20e-3));

			r.up_ns = i / 40 % 2 ? way_ns : 0;
			r.down_ns = i / 40 % 2 ? 0 : way_ns;
			rig_poll(&r, 1, 1, 1, NULL);
			if (r.commands > 0)
				broken += error_s(&r) > bound_s(&r, r.now);
		}
		rig_close(&r);
	}
	assert_int_equal(broken, 0);
}

/* The filter may find no outlier if it knows little of the clock, and older
 * samples may include the estimate. */
static void an_estimate_outside_of_the_latest_sample_is_wrong(void **state)
{
	static const int wrong_us[] = {300, -2000, 500000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong_us); i++) {
		struct rig r;

		open_with(&r, 0);
		rig_poll(&r, 1, 100, 4, NULL);
		r.now.ns += 4 * NS_PER_S;
		rig_add(&r, 0, wrong_us[i] * NS_PER_US);
		r.steering->sources[0].outliers.alike = 0;
		r.steering->sources[0].outliers.first.ns = 0;
		assert_true(bound_s(&r, r.now) > fabs(wrong_us[i] * 1e-6));
		/* It ages as all bounds do. */
		r.now.ns += 100 * NS_PER_S;
		assert_true(bound_s(&r, r.now) > fabs(wrong_us[i] * 1e-6));
		rig_close(&r);
	}
}

/* At this poll interval all records are from two minutes. */
static void quick_polls_do_not_make_a_clock_young(void **state)
{
	struct drift_learned l = some_learned(0.2e-6, 500);
	struct steering_config config = rig_usual;
	struct rig r;

	(void)state;
	config.max_clock_error_ppm = 0;
	for (unsigned polls = 290; polls <= 310; polls += 20) {
		double rate;

		rig_open(&r, 1, NULL, &config);
		r.up_ns = r.down_ns = 2 * NS_PER_MS;
		rig_poll(&r, 1, polls, 1, NULL);
		steering_restore_drift(r.steering, &l);
		rate = hypot(drift_bound_rate(&l, 5), 3 * freq_sd(&r));
		assert_int_equal(
		    growth_s(&r, 0, 5) > 5 * 1.02 * rate, polls < 300);
		rig_close(&r);
	}
}

static void a_reload_keeps_what_was_learned(void **state)
{
	static const struct source_options options;
	struct drift_learned l = some_learned(3e-6, 20), got;
	const int from = -1;
	struct steering *next;
	struct rig r;

	(void)state;
	open_with(&r, 0);
	steering_restore_drift(r.steering, &l);
	next = steering_adopt(r.steering, &rig_usual, &options, &from, 1);
	assert_non_null(next);
	steering_copy_drift(next, &got);
	assert_memory_equal(&got, &l, sizeof(l));
	steering_free(next);
	rig_close(&r);
}

static void the_tracking_shows_the_drift_and_why(void **state)
{
	static const struct {
		double fixed_ppm, worst, windows;
		enum drift_reason reason;
		double hour_ppm, day_ppm;
	} rows[] = {
	    {0, 0, 0, DRIFT_UNKNOWN, 25, 25},
	    {3, 0, 0, DRIFT_CONFIGURED, 3, 3},
	    {3, 1e-6, 20, DRIFT_CONFIGURED, 3, 3},
	    {0, 1e-6, 40, DRIFT_LEARNED, 2.2, 2.2 * 4.593},
	};
	struct rig r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct drift_learned l =
		    some_learned(rows[i].worst, rows[i].windows);
		struct tracking t;

		open_with(&r, rows[i].fixed_ppm);
		steering_restore_drift(r.steering, &l);
		t = rig_track(&r);
		assert_int_equal(t.drift_reason, rows[i].reason);
		assert_about(t.drift_hour_ppm, rows[i].hour_ppm);
		assert_about(t.drift_day_ppm, rows[i].day_ppm);
		assert_true(t.drift_jump_ppm == 0);
		assert_true(t.drift_watched_s == rows[i].windows * 4096);
		rig_close(&r);
	}
	open_with(&r, 0);
	r.steering->drift.learned.period[1].lag[1].worst = 4e-6;
	r.steering->drift.learned.period[1].lag[1].windows = 10;
	r.steering->drift.learned.awake_s = 60;
	assert_int_equal(rig_track(&r).drift_reason, DRIFT_RESTARTED);
	assert_true(rig_track(&r).drift_awake_s == 60);
	r.steering->drift.learned.awake_s = DRIFT_WATCHED_MAX;
	assert_true(rig_track(&r).drift_awake_s == 10240);
	assert_int_equal(rig_track(&r).drift_reason, DRIFT_JUMPS);
	assert_about(rig_track(&r).drift_jump_ppm, 4);
	rig_close(&r);
}

/* In a silence the clock goes to the long-term mean, and no sample shows that.
 * The slew of it must be slow. */
static void what_the_mean_adds_is_a_guess(void **state)
{
	const double apart = 1e-4;
	double sd, age_s;
	struct rig r;
	struct holdover *h;
	struct osc then;
	struct wall late;
	struct clock_command command;

	(void)state;
	open_with(&r, 0);
	h = &r.steering->holdover;
	h->mean = remaining_freq(r.steering, &sd) + apart;
	h->lag[0].trials = 64;
	h->lag[0].square = 64 * apart * apart;
	h->lag[0].product = h->lag[0].true_square = 0;
	assert_int_equal(remaining_guess_ns(r.steering, r.now), 0);
	late.ns = r.wall.ns + 600 * NS_PER_S;
	then = timescale_osc(&r.ledger, late);
	age_s = s_of_ns(then.ns - r.steering->estimate.at.ns);
	assert_about(s_of_ns(remaining_guess_ns(r.steering, then)),
	    apart * age_s * (1 - holdover_lasting(h, age_s)));
	assert_true(steering_update(r.steering, &r.ledger, late, &command));
	assert_true(command.slew_ns != 0);
	assert_true(command.slew_duration_ns > 16 * NS_PER_S);
	rig_close(&r);
}

/* An unknown bound stays one. */
static void without_a_source_a_pause_in_doubt_adds_nothing(void **state)
{
	const struct estimate_value v = {0};
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	r.steering->suspected_ns = NS_PER_S;
	assert_true(remaining_bound_ns(r.steering, &v, r.now) == INT64_MAX);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_a_source_a_pause_in_doubt_adds_nothing),
	    cmocka_unit_test(the_bound_grows_as_was_learned),
	    cmocka_unit_test(a_configured_rate_replaces_it),
	    cmocka_unit_test(the_least_bound_of_all_samples_counts),
	    cmocka_unit_test(what_is_learned_does_not_end_the_synchronisation),
	    cmocka_unit_test(the_kernel_gets_the_learned_bound),
	    cmocka_unit_test(updates_teach_the_drift),
	    cmocka_unit_test(a_foreign_step_closes_the_windows),
	    cmocka_unit_test(a_server_that_is_set_closes_the_windows),
	    cmocka_unit_test(a_machine_that_woke_up_has_a_wide_bound),
	    cmocka_unit_test(
		a_young_frequency_is_as_wrong_as_two_samples_allow),
	    cmocka_unit_test(the_sharpest_samples_limit_a_young_frequency),
	    cmocka_unit_test(the_bound_holds_in_a_congested_start),
	    cmocka_unit_test(an_estimate_outside_of_the_latest_sample_is_wrong),
	    cmocka_unit_test(quick_polls_do_not_make_a_clock_young),
	    cmocka_unit_test(a_reload_keeps_what_was_learned),
	    cmocka_unit_test(the_tracking_shows_the_drift_and_why),
	    cmocka_unit_test(what_the_mean_adds_is_a_guess),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
