/* What goes into the filter, and what outliers and routes do there. */
#include "clock/steering/feed.h"

#include "tests/unit/clock/steering/rig.h"

/* Synchronised by `sources` servers on quiet paths. */
static void open_quiet(struct rig *r, unsigned sources)
{
	rig_open(r, sources, NULL, NULL);
	r->queue_s = 1e-6;
	rig_poll(r, sources, 100, 16, NULL);
	assert_int_equal(r->steering->member_count, sources);
}

static void one_answer(struct rig *r, unsigned source, int64_t wrong_ns)
{
	rig_wait(r, 4);
	rig_add(r, source, wrong_ns);
}

static double clock_sd(const struct rig *r)
{
	return estimate_at(&r->steering->estimate, r->now).offset_sd;
}

static double bias_sd(const struct rig *r, unsigned source)
{
	return sqrt(estimate_bias(
	    &r->steering->estimate, (unsigned)r->steering->sources[source].slot)
			.var);
}

/* ---- outliers ---- */

/* In ms: each row is a run of answers, and how many outliers in a row agree
 * after each. */
static void outliers_in_a_row_must_agree(void **state)
{
	static const struct {
		int64_t wrong_ms[4];
		unsigned outliers[4];
	} rows[] = {
	    {{8, 8, 0, 8}, {1, 2, 0, 1}},
	    {{8, -8, 8, -8}, {1, 1, 1, 1}},
	    {{8, 10, 8, 5}, {1, 2, 0, 1}},
	    {{80, 100, 150, 149}, {1, 2, 1, 2}},
	    {{-80, -63, -99, -100}, {1, 1, 1, 2}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig r;

		open_quiet(&r, 1);
		for (unsigned k = 0; k < 4; k++) {
			/* The third that agrees is believed, see below. */
			if (i == 2 && k == 2)
				break;
			one_answer(&r, 0, rows[i].wrong_ms[k] * NS_PER_MS);
			if (steering_outlier_count(r.steering, 0) !=
			    rows[i].outliers[k])
				fail_msg("row %zu, answer %u: %u", i, k,
				    steering_outlier_count(r.steering, 0));
		}
		rig_close(&r);
	}
}

static void the_third_that_agrees_moves_the_clock(void **state)
{
	struct rig r;
	double sd;

	(void)state;
	open_quiet(&r, 1);
	sd = clock_sd(&r);
	one_answer(&r, 0, 8 * NS_PER_MS);
	one_answer(&r, 0, 8 * NS_PER_MS);
	assert_int_equal(steering_poll_vote(r.steering, 0, 16), POLL_DOUBTED);
	assert_true(clock_sd(&r) < 3 * sd);
	one_answer(&r, 0, 8 * NS_PER_MS);
	assert_int_equal(steering_outlier_count(r.steering, 0), 0);
	/* As far as the clock is wrong by them. */
	assert_true(fabs(clock_sd(&r) / 8e-3 - 1) < 0.02);
	rig_close(&r);
}

/* The frequency may have jumped with the offset: by as much as explains it in
 * the time since the last right answer, but by 100 ppm at most. */
static void the_frequency_is_doubted_with_the_offset(void **state)
{
	static const struct {
		int64_t wrong_ns;
		double freq_sd;
	} rows[] = {
	    {8 * NS_PER_MS, 100e-6},
	    /* 0.48 ms in the 12 s since the last right one. */
	    {480 * NS_PER_US, 40e-6},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct estimate_value v;
		struct rig r;

		open_quiet(&r, 1);
		for (unsigned k = 0; k < 3; k++)
			one_answer(&r, 0, rows[i].wrong_ns);
		v = estimate_at(&r.steering->estimate, r.now);
		assert_true(fabs(v.freq_sd / rows[i].freq_sd - 1) < 0.05);
		rig_close(&r);
	}
}

/* One of three servers has them: its bias is doubted, not the clock. If two
 * have, the clock has jumped. */
static void the_majority_decides_what_is_doubted(void **state)
{
	(void)state;
	for (unsigned with = 1; with <= 2; with++) {
		struct rig r;
		double sd;

		open_quiet(&r, 3);
		sd = clock_sd(&r);
		if (with == 2)
			one_answer(&r, 1, 8 * NS_PER_MS);
		for (unsigned k = 0; k < 3; k++)
			one_answer(&r, 0, 8 * NS_PER_MS);
		assert_int_equal(steering_outlier_count(r.steering, 0), 0);
		assert_int_equal(steering_outlier_count(r.steering, 1), 0);
		if (with == 1) {
			assert_true(clock_sd(&r) < 3 * sd);
			assert_true(fabs(bias_sd(&r, 0) / 8e-3 - 1) < 0.02);
		} else {
			assert_true(clock_sd(&r) > 7e-3);
			assert_true(bias_sd(&r, 0) < 1e-4);
		}
		rig_close(&r);
	}
}

static void a_bias_is_doubted_by_a_second_at_most(void **state)
{
	struct rig r;

	(void)state;
	open_quiet(&r, 3);
	for (unsigned k = 0; k < 3; k++)
		one_answer(&r, 0, 7 * NS_PER_S);
	assert_true(fabs(bias_sd(&r, 0) - 1) < 0.01);
	rig_close(&r);
}

/* ---- what a bias may be ---- */

/* A twentieth of the floor and of the server's root distance, and 1 us. */
static void a_bias_is_a_share_of_the_delays(void **state)
{
	struct rig r;
	const struct estimate *e;

	(void)state;
	rig_open(&r, 2, NULL, NULL);
	for (unsigned i = 0; i < 8; i++) {
		struct sample m = rig_sample(&r, 0);

		m.delay_ns = 200000;
		m.root_delay_ns = i % 2 ? 100000 : 0;
		m.root_dispersion_ns = i % 2 ? 50000 : 0;
		steering_add(r.steering, i % 2, &m);
		rig_wait(&r, 1);
	}
	(void)rig_update(&r);
	e = &r.steering->estimate;
	assert_int_equal(r.steering->member_count, 2);
	assert_true(
	    fabs(e->bias_sd[r.steering->sources[0].slot] - 11e-6) < 1e-12);
	assert_true(
	    fabs(e->bias_sd[r.steering->sources[1].slot] - 16e-6) < 1e-12);
	rig_close(&r);
}

/* ---- replay ---- */

static void a_replay_finds_what_the_samples_have_shown(void **state)
{
	struct tracking before, after;
	struct rig r;

	(void)state;
	open_quiet(&r, 3);
	before = rig_track(&r);
	r.steering->replay_due = true;
	feed_replay(r.steering);
	after = rig_track(&r);
	assert_false(r.steering->replay_due);
	assert_true(llabs(after.offset_ns - before.offset_ns) < 1000);
	assert_true(fabs(after.residual_ppm - before.residual_ppm) < 0.02);
	assert_int_equal(r.steering->estimate.at.ns,
	    const_record(&r.steering->sources[2], 0)->sample.at.ns);
	/* Outliers and routes that were not judged yet are forgotten. */
	r.steering->sources[1].outliers = 2;
	r.steering->sources[1].bias_change_sd = 1;
	r.steering->sources[1].count = 0;
	feed_replay(r.steering);
	assert_int_equal(r.steering->sources[1].outliers, 0);
	assert_true(r.steering->sources[1].bias_change_sd == 0);
	rig_close(&r);
}

/* The frequency of the estimate is taken over, less certain by 5 ppm, but only
 * after an update, and only if it is the better known one. */
static void a_replay_starts_with_the_better_frequency(void **state)
{
	static const struct {
		uint64_t updates;
		double first_sd;
		double freq, sd;
	} rows[] = {
	    {9, 100e-6, 20e-6, 5e-6},
	    {0, 100e-6, 0, 100e-6},
	    {9, 4e-6, 0, 4e-6},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct estimate_value v;
		struct rig r;

		open_quiet(&r, 1);
		r.steering->discipline.updates = rows[i].updates;
		r.steering->first_freq_sd = rows[i].first_sd;
		/* Nothing to take in: the start is what is left. */
		r.steering->sources[0].count = 0;
		feed_replay(r.steering);
		v = estimate_at(&r.steering->estimate, r.steering->estimate.at);
		assert_true(fabs(v.freq - rows[i].freq) < 0.05e-6);
		assert_true(fabs(v.freq_sd - rows[i].sd) < 0.2e-6);
		rig_close(&r);
	}
}

/* ---- routes ---- */

#define LONGER_NS (200 * NS_PER_US)

/* A route that is longer on both ways, and back. */
static void a_route_that_is_longer_both_ways_keeps_its_bias(void **state)
{
	const struct steering_source *src;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	r.up_ns = r.down_ns = LONGER_NS;
	rig_poll(&r, 1, 30, 16, NULL);
	src = &r.steering->sources[0];
	assert_int_equal(src->delay.route, 1);
	assert_int_equal(const_record(src, 0)->route, 1);
	assert_int_equal(const_record(src, 30)->route, 0);
	/* The records still show the bias: a replay need not keep it. */
	r.steering->replay_due = true;
	feed_replay(r.steering);
	assert_null(route_recall(&src->kept, 1));
	/* Within 3 % of what the change might have been, and the clock. */
	assert_true(bias_sd(&r, 0) < 0.04 * 2e-4);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 4000);
	r.up_ns = r.down_ns = 0;
	rig_poll(&r, 1, 2, 16, NULL);
	assert_int_equal(src->delay.route, 0);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 4000);
	rig_close(&r);
}

/* A route that is longer on one way has a bias of half the difference, which
 * outlives the samples that showed it and comes back with the route. */
static void a_route_brings_its_bias_along(void **state)
{
	const struct steering_source *src;
	const struct gaussian *known;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	src = &r.steering->sources[0];
	r.up_ns = LONGER_NS;
	rig_poll(&r, 1, 60, 16, NULL);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 8000);
	r.up_ns = 0;
	rig_poll(&r, 1, 300, 16, NULL);
	assert_int_equal(src->delay.route, 0);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 8000);
	/* No record shows route 1 any more. A replay keeps what is known. */
	r.steering->replay_due = true;
	feed_replay(r.steering);
	known = route_recall(&src->kept, 1);
	assert_non_null(known);
	assert_true(fabs(known->mean - 1e-4) < 1e-5);
	r.up_ns = LONGER_NS;
	rig_poll(&r, 1, 40, 16, NULL);
	assert_int_equal(src->delay.route, 1);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 9000);
	rig_close(&r);
}

/* From a route with a bias to one that is longer on both ways: the bias stays.
 */
static void a_bias_stays_when_both_ways_get_longer(void **state)
{
	const struct steering_source *src;
	struct gaussian bias;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	src = &r.steering->sources[0];
	r.up_ns = LONGER_NS;
	rig_poll(&r, 1, 60, 16, NULL);
	r.up_ns += LONGER_NS;
	r.down_ns += LONGER_NS;
	rig_poll(&r, 1, 30, 16, NULL);
	assert_int_equal(src->delay.route, 2);
	bias = estimate_bias(&r.steering->estimate, 0);
	assert_true(fabs(bias.mean - 1e-4) < 1e-5);
	assert_true(sqrt(bias.var) < 1.5e-5);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 9000);
	rig_close(&r);
}

/* The oldest record is of the longer route at last: its bias is subtracted from
 * all records. */
static void the_bias_of_the_oldest_record_is_carried(void **state)
{
	const struct steering_source *src;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	src = &r.steering->sources[0];
	r.up_ns = LONGER_NS;
	rig_poll(&r, 1, RECORDS + 10, 16, NULL);
	r.steering->replay_due = true;
	feed_replay(r.steering);
	assert_int_equal(src->carried_route, 1);
	assert_true(llabs(src->carried_ns - 100 * NS_PER_US) < 10000);
	assert_true(src->carried_sd > 0 && src->carried_sd < 1e-4);
	assert_non_null(route_recall(&src->kept, 0));
	assert_true(fabs(route_recall(&src->kept, 0)->mean) < 1e-6);
	rig_poll(&r, 1, 20, 16, NULL);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 9000);
	rig_close(&r);
}

/* A bias is never larger than the root distance of the best sample. */
static void a_carried_bias_is_limited(void **state)
{
	struct steering_source *src;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	src = &r.steering->sources[0];
	route_learn(&src->kept, &src->delay, 0, (struct gaussian){1, 1});
	src->learned = src->kept;
	src->old_slot = -1;
	src->best_distance_ns = 50000;
	r.steering->replay_due = true;
	feed_replay(r.steering);
	assert_int_equal(src->carried_ns, 50000);
	assert_true(fabs(src->carried_sd - 5e-5) < 1e-12);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(outliers_in_a_row_must_agree),
	    cmocka_unit_test(the_third_that_agrees_moves_the_clock),
	    cmocka_unit_test(the_frequency_is_doubted_with_the_offset),
	    cmocka_unit_test(the_majority_decides_what_is_doubted),
	    cmocka_unit_test(a_bias_is_doubted_by_a_second_at_most),
	    cmocka_unit_test(a_bias_is_a_share_of_the_delays),
	    cmocka_unit_test(a_replay_finds_what_the_samples_have_shown),
	    cmocka_unit_test(a_replay_starts_with_the_better_frequency),
	    cmocka_unit_test(a_route_that_is_longer_both_ways_keeps_its_bias),
	    cmocka_unit_test(a_route_brings_its_bias_along),
	    cmocka_unit_test(a_bias_stays_when_both_ways_get_longer),
	    cmocka_unit_test(the_bias_of_the_oldest_record_is_carried),
	    cmocka_unit_test(a_carried_bias_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
