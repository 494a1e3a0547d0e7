/* What ntsctl shows, in numbers and words. */
#include "clock/steering/regression.h"
#include "clock/steering/remaining.h"
#include "clock/steering/state.h"

#include "tests/unit/clock/steering/rig.h"

/* ---- the line through the records ---- */

static struct sample plain(int64_t s, int64_t offset_ns, int64_t delay_ns)
{
	return (struct sample){.at = {RIG_START_NS + s * NS_PER_S},
	    .offset_ns = offset_ns,
	    .delay_ns = delay_ns,
	    .stratum = 2};
}

/* Five records at 0, 10, ... 40 s: 1 ms + 2 ppm, and residuals of 3 us with the
 * signs + - 0 - +, which leave the line as it is. Looked at from 50 s. */
static void a_line_is_fitted_by_least_squares(void **state)
{
	static const int64_t residual_ns[] = {3000, -3000, 0, -3000, 3000};
	struct regression line;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	for (int i = 0; i < 5; i++) {
		struct sample m =
		    plain(10 * i, NS_PER_MS + 20000 * i + residual_ns[i], 2000);

		steering_add(r.steering, 0, &m);
	}
	line = regression_fit(&r.steering->sources[0],
	    (struct osc){RIG_START_NS + 50 * NS_PER_S});
	assert_int_equal(line.samples, 5);
	assert_int_equal(line.runs, 3);
	assert_true(fabs(line.span_s - 40) < 1e-9);
	assert_true(fabs(line.slope - 2e-6) < 1e-12);
	assert_int_equal(line.base_ns, NS_PER_MS + 83000);
	assert_true(fabs(line.offset_s - 17e-6) < 1e-12);
	/* sqrt(4 * 3^2 / 5) us, and that over sqrt(1000 s^2 / 5 * 3). */
	assert_true(fabs(line.deviation_s - 2.683281573e-6) < 1e-12);
	assert_true(fabs(line.slope_sd - 1.095445115e-7) < 1e-13);
	rig_close(&r);
}

/* A sample that waited counts with the inverse square of what it waited. */
static void delayed_records_count_less(void **state)
{
	struct regression line;
	struct steering_source *src;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	src = &r.steering->sources[0];
	for (int i = 0; i < 2; i++) {
		struct sample m = plain(i, i * 5000, i ? 4000 : 2000);

		steering_add(r.steering, 0, &m);
	}
	/* Deviations of 1 us and of (2 + 2) / 2 us: weights of 4 to 1. */
	src->delay.queue = 2e-6;
	line = regression_fit(src, (struct osc){RIG_START_NS});
	assert_true(line.slope == 0 && line.slope_sd == 0);
	assert_true(fabs(line.offset_s + 4e-6) < 1e-12);
	/* sqrt((4 * 1 + 1 * 16) / 5) us. */
	assert_true(fabs(line.deviation_s - 2e-6) < 1e-12);
	assert_int_equal(line.runs, 2);
	rig_close(&r);
}

/* All delays are equal and nothing queues. */
static void a_path_without_any_queue_has_a_line(void **state)
{
	struct regression line;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	r.queue_s = 0;
	rig_poll(&r, 1, 5, 16, NULL);
	r.steering->sources[0].delay.queue = 0;
	line = regression_fit(&r.steering->sources[0], r.now);
	assert_true(fabs(line.slope - r.freq) < 1e-9);
	assert_true(isfinite(line.slope_sd) && isfinite(line.deviation_s));
	rig_close(&r);
}

/* ---- one source ---- */

/* The clock was corrected by 20 ppm since the start. */
static void a_source_is_shown_with_its_last_sample(void **state)
{
	struct sample m = {
	    .at = {RIG_START_NS},
	    .offset_ns = 5000,
	    .delay_ns = 3000,
	    .dispersion_ns = 70,
	    .root_delay_ns = 200,
	    .root_dispersion_ns = 30,
	    .stratum = 4,
	    .leap = LEAP_DELETE,
	};
	const struct clock_change faster = {
	    .at = {RIG_START_NS}, .freq_ppm = 20};
	struct source_view v;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	v = rig_view(&r, 0);
	assert_false(v.have_sample);
	assert_int_equal(v.state, SELECT_NO_SAMPLES);
	steering_add(r.steering, 0, &m);
	m.at.ns += NS_PER_S;
	m.delay_ns = 2000;
	steering_add(r.steering, 0, &m);
	timescale_change(&r.ledger, &faster);
	r.steering->base_freq = 20e-6;
	/* A second after the last sample. */
	r.wall.ns += 2 * NS_PER_S + 40000;
	v = rig_view(&r, 0);
	assert_true(v.have_sample);
	assert_int_equal(v.last_at.ns, m.at.ns);
	assert_int_equal(v.last_measured_ns, 5000 - 40000);
	assert_in_range(v.last_offset_ns + 15000 + 1, 0, 2);
	assert_int_equal(v.bound_ns, 1000 + 70 + 100 + 30);
	assert_int_equal(v.stratum, 4);
	assert_int_equal(v.leap, LEAP_DELETE);
	assert_int_equal(v.last_delay_ns, 2000);
	assert_int_equal(v.last_dispersion_ns, 70);
	assert_int_equal(v.min_delay_ns, 2000);
	assert_int_equal(v.samples, 2);
	assert_true(v.freq_ppm == 0);
	/* What the sample said then is kept by the next update. */
	(void)rig_update(&r);
	rig_jump(&r, NS_PER_S);
	assert_int_equal(rig_view(&r, 0).last_measured_ns, 5000 - 40000);
	rig_close(&r);
}

static void a_slope_is_shown_against_the_clock(void **state)
{
	struct source_view v;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	r.steering->base_freq = 5e-6;
	for (int i = 0; i < 3; i++) {
		struct sample m = plain(10 * i, 20000 * i, 2000);

		steering_add(r.steering, 0, &m);
	}
	r.wall.ns += 20 * NS_PER_S;
	v = rig_view(&r, 0);
	assert_true(fabs(v.freq_ppm + 3) < 1e-6);
	assert_true(v.skew_ppm < 1e-6);
	assert_in_range(v.offset_ns, 39999, 40001);
	assert_in_range(v.std_dev_ns, 0, 1);
	/* Student's t for one degree of freedom, 95.4 %. */
	r.steering->sources[0].records[1].sample.offset_ns += 6000;
	v = rig_view(&r, 0);
	assert_true(
	    fabs(v.skew_ppm -
		 13.97e6 *
		     regression_fit(&r.steering->sources[0], r.now).slope_sd) <
	    1e-9);
	assert_true(v.skew_ppm > 0.1);
	rig_close(&r);
}

#define FEW_MOST 30
#define FEW_TRIALS 400

/* Polls `samples` times from a start that depends on `trial`. */
static void poll_a_few(struct rig *r, unsigned samples, unsigned trial)
{
	rig_open(r, 1, NULL, NULL);
	r->chance.state = 7919 * trial + 1;
	for (unsigned i = 0; i < samples; i++) {
		rig_wait(r, 0.13);
		rig_add(r, 0, 0);
		(void)rig_update(r);
	}
}

/* With few samples a straight line fits well by chance. The skew that is shown
 * contains the truth in about 95 of 100 cases however few there are, and that
 * of the clock, one standard deviation, in at least 68. */
static void the_skew_is_honest_with_few_samples(void **state)
{
	(void)state;
	for (unsigned n = 3; n <= FEW_MOST; n += n < 12 ? 1 : 9) {
		unsigned within = 0, clock_within = 0;

		for (unsigned trial = 0; trial < FEW_TRIALS; trial++) {
			struct source_view v;
			struct tracking t;
			double truth_ppm;
			struct rig r;

			poll_a_few(&r, n, trial);
			v = rig_view(&r, 0);
			t = rig_track(&r);
			truth_ppm = (r.freq - r.steering->base_freq) * 1e6;
			within += fabs(v.freq_ppm - truth_ppm) <= v.skew_ppm;
			clock_within +=
			    fabs(t.residual_ppm - truth_ppm) <= t.skew_ppm;
			rig_close(&r);
		}
		if (within < FEW_TRIALS * 92 / 100 ||
		    clock_within < FEW_TRIALS * 65 / 100)
			fail_msg("%u samples: %u and %u of %u", n, within,
			    clock_within, FEW_TRIALS);
	}
}

/* With one or two samples there is no slope and no skew. */
static void without_a_slope_no_skew_is_shown(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 2; n++) {
		struct source_view v;
		struct rig r;

		poll_a_few(&r, n, 1);
		v = rig_view(&r, 0);
		assert_int_equal(v.samples, n);
		assert_true(v.freq_ppm == 0 && v.skew_ppm == 0);
		rig_close(&r);
	}
}

/* ---- the clock ---- */

/* The state of each source and of the selection, and what the reason says. */
static const struct {
	enum select_state states[4];
	struct select_result selection;
	int64_t refused_ns;
	const char *reason;
} not_steered[] = {
    {{SELECT_SELECTED, SELECT_COMBINED, 0, 0}, {.outcome = SELECT_SELECTED}, 0,
	""},
    {{SELECT_SELECTED, 0, 0, 0}, {.outcome = SELECT_SELECTED},
	-2500 * NS_PER_MS,
	"the clock is 2.500 s fast, more than refuse-threshold allows "
	"to correct: set it by hand, or restart the agent"},
    {{SELECT_SELECTED, 0, 0, 0}, {.outcome = SELECT_SELECTED}, 1200 * NS_PER_S,
	"the clock is 1200.000 s slow, more than refuse-threshold "
	"allows to correct: set it by hand, or restart the agent"},
    {{SELECT_NO_MAJORITY, 0, 0, 0},
	{.outcome = SELECT_NO_MAJORITY,
	    .voters = 4,
	    .agreeing = 2,
	    .apart_ns = 4963 * NS_PER_MS},
	0,
	"no majority: of 4 usable sources only 2 agree; their times "
	"are about 5 s apart"},
    {{SELECT_NO_MAJORITY, 0, 0, 0},
	{.outcome = SELECT_NO_MAJORITY,
	    .voters = 2,
	    .agreeing = 1,
	    .apart_ns = 312 * NS_PER_US},
	0,
	"no majority: of 2 usable sources no two agree; their times "
	"are about 300 us apart"},
    {{SELECT_NO_MAJORITY, 0, 0, 0},
	{.outcome = SELECT_NO_MAJORITY,
	    .voters = 2,
	    .agreeing = 1,
	    .apart_ns = 86400 * 365 * NS_PER_S},
	0,
	"no majority: of 2 usable sources no two agree; their times "
	"are about 400 days apart"},
    {{SELECT_NO_MAJORITY, 0, 0, 0},
	{.outcome = SELECT_NO_MAJORITY,
	    .voters = 3,
	    .agreeing = 1,
	    .apart_ns = 4000 * NS_PER_S},
	0,
	"no majority: of 3 usable sources no two agree; their times "
	"are about 70 min apart"},
    {{SELECT_NO_MAJORITY, 0, 0, 0},
	{.outcome = SELECT_NO_MAJORITY,
	    .voters = 3,
	    .agreeing = 1,
	    .apart_ns = 100 * NS_PER_S},
	0,
	"no majority: of 3 usable sources no two agree; their times "
	"are about 100 s apart"},
    {{SELECT_NO_MAJORITY, 0, 0, 0},
	{.outcome = SELECT_NO_MAJORITY,
	    .voters = 3,
	    .agreeing = 1,
	    .apart_ns = 3 * 3600 * NS_PER_S},
	0,
	"no majority: of 3 usable sources no two agree; their times "
	"are about 3 h apart"},
    {{SELECT_WAITS, 0, 0, 0},
	{.outcome = SELECT_WAITS, .required_missing = true, .independent = 3},
	0, "no source marked require is among the 3 that agree"},
    {{SELECT_WAITS, 0, 0, 0}, {.outcome = SELECT_WAITS, .independent = 3}, 0,
	"minsources asks for 7 sources that agree, and there are 3 so "
	"far"},
    {{SELECT_WAITS, SELECT_WAITS, 0, 0},
	{.outcome = SELECT_WAITS, .independent = 1}, 0,
	"minsources asks for 7 sources that agree, and there are 1 so "
	"far: some of them are one server"},
    {{SELECT_NO_SAMPLES, SELECT_UNSYNCED, SELECT_STRATUM, SELECT_DISTANCE},
	{.outcome = SELECT_NO_SAMPLES}, 0,
	"no usable source (1 without a measurement, 1 unsynchronised, "
	"1 of a forbidden stratum, 1 beyond maxdistance)"},
    {{SELECT_STALE, SELECT_TOO_VARIABLE, SELECT_NOSELECT, SELECT_NOSELECT},
	{.outcome = SELECT_NO_SAMPLES}, 0,
	"no usable source (1 silent now, 1 too variable, 2 measured "
	"only by noselect)"},
};

static void a_clock_that_is_not_steered_says_why(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(not_steered); i++) {
		struct steering_config config = rig_usual;
		struct rig r;

		config.min_sources = 7;
		rig_open(&r, 4, NULL, &config);
		for (unsigned k = 0; k < 4; k++)
			r.steering->sources[k].state = not_steered[i].states[k];
		r.steering->selection = not_steered[i].selection;
		r.steering->selection.selected = -1;
		r.steering->discipline.refused = not_steered[i].refused_ns != 0;
		r.steering->discipline.refused_ns = not_steered[i].refused_ns;
		assert_string_equal(
		    rig_track(&r).reason, not_steered[i].reason);
		rig_close(&r);
	}
}

static void the_tracking_is_that_of_the_last_update(void **state)
{
	struct estimate_value v;
	struct tracking t;
	struct rig r;

	(void)state;
	rig_open(&r, 2, NULL, NULL);
	r.steering->base_freq = 5e-6;
	t = rig_track(&r);
	assert_true(t.residual_ppm == 0);
	r.steering->base_freq = 0;
	assert_int_equal(t.stratum, 16);
	assert_int_equal(t.leap, LEAP_UNKNOWN);
	assert_int_equal(t.combined, 0);
	rig_poll(&r, 2, 60, 16, NULL);
	rig_wait(&r, 5);
	t = rig_track(&r);
	v = estimate_at(&r.steering->estimate, r.now);
	assert_int_equal(t.combined, 2);
	assert_int_equal(t.leap, LEAP_NONE);
	assert_true(fabs(t.freq_ppm - r.last.freq_ppm) < 1e-9);
	assert_true(fabs(t.residual_ppm - (v.freq * 1e6 - t.freq_ppm)) < 1e-9);
	assert_true(fabs(t.skew_ppm - v.freq_sd * 1e6) < 1e-9);
	assert_int_equal(
	    t.offset_ns, v.offset_ns - timescale_added_ns(&r.ledger, r.wall));
	assert_int_equal(
	    t.est_error_ns, remaining_sd_ns(r.steering, &v, INT64_MAX));
	assert_true(fabs(t.update_interval_s - 8) < 1e-6);
	assert_true(llabs(t.updated.ns - r.now.ns + 5 * NS_PER_S) < 10);
	rig_close(&r);
}

/* Root delay and dispersion of the selected source make up the bound. */
static void the_selected_source_gives_stratum_and_distance(void **state)
{
	static const uint8_t strata[][2] = {{1, 2}, {14, 15}, {15, 16}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(strata); i++) {
		struct estimate_value v;
		struct tracking t;
		struct sample m;
		struct rig r;

		rig_open(&r, 1, NULL, NULL);
		rig_poll(&r, 1, 10, 1, NULL);
		m = rig_sample(&r, 0);
		m.stratum = strata[i][0];
		m.delay_ns = 150000;
		steering_add(r.steering, 0, &m);
		(void)rig_update(&r);
		t = rig_track(&r);
		assert_int_equal(t.stratum, strata[i][1]);
		assert_int_equal(t.root_delay_ns, m.delay_ns + m.root_delay_ns);
		(void)remaining_ns(r.steering, &r.ledger, r.wall, &v);
		assert_int_equal(t.root_delay_ns / 2 + t.root_dispersion_ns,
		    remaining_bound_ns(
			r.steering, &v, timescale_osc(&r.ledger, r.wall)));
		/* A late last sample leaves nothing to the dispersion. */
		m.delay_ns = 10 * NS_PER_MS;
		steering_add(r.steering, 0, &m);
		t = rig_track(&r);
		assert_int_equal(t.root_delay_ns, 10 * NS_PER_MS + 10000);
		assert_int_equal(t.root_dispersion_ns, 0);
		rig_close(&r);
	}
}

/* Source 2 is wrong. */
static void the_selection_is_shown_with_intervals_and_scores(void **state)
{
	static const int64_t wrong_ns[] = {0, 0, 50 * NS_PER_MS};
	struct source_view v;
	struct rig r;

	(void)state;
	rig_open(&r, 3, NULL, NULL);
	rig_poll(&r, 3, 20, 10, wrong_ns);
	assert_true(r.steering->selection.selected >= 0);
	for (unsigned i = 0; i < 3; i++) {
		int64_t error_ns = rig_error_ns(&r) + wrong_ns[i];

		v = rig_view(&r, i);
		assert_true(v.low_ns < error_ns && error_ns < v.high_ns);
		/* Not wider than the bound of a sample of this path. */
		assert_true(v.high_ns - v.low_ns <= 2 * v.bound_ns + 1000000);
	}
	v = rig_view(&r, (unsigned)r.steering->selection.selected);
	assert_true(v.score == 1);
	assert_true(rig_view(&r, 2).score == 0);
	r.steering->sources[0].best_own_ns = 1000;
	r.steering->sources[1].best_own_ns = 2000;
	r.steering->selection.selected = 0;
	assert_true(rig_view(&r, 1).score == 0.5);
	r.steering->selection.selected = -1;
	assert_true(rig_view(&r, 1).score == 0);
	rig_close(&r);
}

/* Source 1 is nearer, but not by enough to take the place of source 0. */
static void an_order_to_reselect_forgets_the_last_selection(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 2, NULL, NULL);
	rig_poll(&r, 2, 20, 10, NULL);
	r.steering->selection.selected = 0;
	for (unsigned i = 0; i < 2; i++) {
		struct sample m = rig_sample(&r, i);

		m.delay_ns = i == 0 ? 100000 : 90000;
		m.dispersion_ns = 0;
		r.steering->sources[i].count = 0;
		steering_add(r.steering, i, &m);
	}
	(void)rig_update(&r);
	assert_int_equal(r.steering->selection.selected, 0);
	steering_reselect(r.steering);
	/* Until then the old one stays. */
	assert_int_equal(rig_track(&r).selected, 0);
	(void)rig_update(&r);
	assert_int_equal(r.steering->selection.selected, 1);
	rig_close(&r);
}

static void a_bound_beyond_maxdistance_is_not_synchronised(void **state)
{
	struct tracking t;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 10, 1, NULL);
	t = rig_track(&r);
	assert_true(t.synchronised);
	r.steering->config.max_distance_ns =
	    t.root_delay_ns / 2 + t.root_dispersion_ns;
	assert_true(rig_track(&r).synchronised);
	r.steering->config.max_distance_ns--;
	t = rig_track(&r);
	assert_false(t.synchronised);
	assert_int_equal(t.leap, LEAP_UNKNOWN);
	r.steering->config.max_distance_ns = rig_usual.max_distance_ns;
	r.steering->reported_synchronised = false;
	assert_false(rig_track(&r).synchronised);
	r.steering->reported_synchronised = true;
	r.steering->discipline.updates = 0;
	assert_false(rig_track(&r).synchronised);
	r.steering->selection.selected = -1;
	t = rig_track(&r);
	assert_int_equal(t.stratum, 16);
	assert_int_equal(t.root_delay_ns, 0);
	assert_int_equal(t.root_dispersion_ns, 0);
	assert_true(t.est_error_ns > 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_is_fitted_by_least_squares),
	    cmocka_unit_test(delayed_records_count_less),
	    cmocka_unit_test(a_path_without_any_queue_has_a_line),
	    cmocka_unit_test(a_source_is_shown_with_its_last_sample),
	    cmocka_unit_test(a_slope_is_shown_against_the_clock),
	    cmocka_unit_test(the_skew_is_honest_with_few_samples),
	    cmocka_unit_test(without_a_slope_no_skew_is_shown),
	    cmocka_unit_test(a_clock_that_is_not_steered_says_why),
	    cmocka_unit_test(the_tracking_is_that_of_the_last_update),
	    cmocka_unit_test(the_selected_source_gives_stratum_and_distance),
	    cmocka_unit_test(the_selection_is_shown_with_intervals_and_scores),
	    cmocka_unit_test(an_order_to_reselect_forgets_the_last_selection),
	    cmocka_unit_test(a_bound_beyond_maxdistance_is_not_synchronised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
