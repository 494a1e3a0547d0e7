/* Which poll interval the path and the oscillator call for. */
#include "clock/steering/state.h"

#include "tests/unit/clock/steering/rig.h"

/* The error of the clock in an interval, as the steering predicts it. */
static double error_after(const struct rig *r, double interval_s)
{
	const struct estimate *e = &r->steering->estimate;
	struct estimate_value v =
	    estimate_at(e, (struct osc){e->at.ns + ns_of_s(interval_s)});

	return hypot(v.offset_sd, v.drift * interval_s * interval_s / 2);
}

static enum poll_vote vote_with(struct rig *r, double queue, double interval_s)
{
	r->steering->sources[0].delay.quiet = queue;
	return steering_poll_vote(r->steering, 0, interval_s);
}

/* Queues just above and below each bound, in a synchronised rig. */
static void the_vote_goes_by_the_error_in_mean_queues(void **state)
{
	const double s = 16, little = 1e-6;
	double now, twice;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	assert_int_equal(vote_with(&r, 1, s), POLL_SHORTEST);
	rig_poll(&r, 1, 200, s, NULL);
	assert_true(estimate_follows(&r.steering->estimate, 2 * s));
	now = error_after(&r, s);
	twice = error_after(&r, 2 * s);
	assert_true(twice > now && twice < 1.8 * now);
	assert_int_equal(
	    vote_with(&r, twice / 1.25 * (1 + little), s), POLL_LONGER);
	assert_int_equal(
	    vote_with(&r, twice / 1.25 * (1 - little), s), POLL_KEEP);
	assert_int_equal(
	    vote_with(&r, now / 2.25 * (1 + little), s), POLL_KEEP);
	assert_int_equal(
	    vote_with(&r, now / 2.25 * (1 - little), s), POLL_SHORTER);
	assert_int_equal(
	    vote_with(&r, now / 4.5 * (1 + little), s), POLL_SHORTER);
	assert_int_equal(
	    vote_with(&r, now / 4.5 * (1 - little), s), POLL_SHORTEST);
	rig_close(&r);
}

/* For half an hour, a queue of a quarter of the delay asks for all samples. */
static void a_congested_start_is_polled_at_the_shortest_interval(void **state)
{
	static const struct {
		double share, floor;
		unsigned polls;
		enum poll_vote vote;
	} rows[] = {
	    {0.26, 1e-3, 100, POLL_SHORTEST},
	    {0.24, 1e-3, 100, POLL_LONGER},
	    {0.26, 0.39e-3, 100, POLL_SHORTEST},
	    {0.26, 0.38e-3, 100, POLL_LONGER},
	    {0.26, 1e-3, 112, POLL_SHORTEST},
	    {0.26, 1e-3, 114, POLL_LONGER},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig r;

		rig_open(&r, 1, NULL, NULL);
		rig_poll(&r, 1, rows[i].polls, 16, NULL);
		r.steering->sources[0].delay.routes[0].floor = rows[i].floor;
		assert_int_equal(
		    vote_with(&r, rows[i].share * rows[i].floor, 16),
		    rows[i].vote);
		rig_close(&r);
	}
}

/* All weight on an oscillator whose drift is forgotten in 600 s: it is followed
 * by four samples in that time. */
/* The first samples after a detour, or a queue, say what the clock is. */
static void the_end_of_a_detour_is_a_change(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	r.up_ns = 20 * NS_PER_MS;
	rig_poll(&r, 1, 40, 16, NULL);
	assert_int_not_equal(vote_with(&r, 1e-6, 16), POLL_CHANGED);
	r.up_ns = 0;
	rig_poll(&r, 1, 1, 16, NULL);
	assert_int_equal(steering_poll_vote(r.steering, 0, 16), POLL_CHANGED);
	rig_poll(&r, 1, 1, 16, NULL);
	assert_int_not_equal(
	    steering_poll_vote(r.steering, 0, 16), POLL_CHANGED);
	rig_close(&r);
}

static void a_drift_must_be_followed(void **state)
{
	struct rig r;
	struct estimate *e;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 200, 16, NULL);
	e = &r.steering->estimate;
	for (unsigned k = 0; k < e->model_count; k++)
		e->models[k].weight = 0;
	e->models[18].weight = 0.5;
	e->models[0].weight = 0.5;
	assert_true(estimate_follows(e, 150));
	assert_false(estimate_follows(e, 151));
	assert_int_equal(vote_with(&r, 1, 75), POLL_LONGER);
	assert_int_equal(vote_with(&r, 1, 76), POLL_KEEP);
	assert_int_equal(vote_with(&r, 1, 150), POLL_KEEP);
	assert_int_equal(vote_with(&r, 1, 151), POLL_SHORTER);
	e->models[18].weight = 0.49;
	e->models[0].weight = 0.51;
	assert_true(estimate_follows(e, 151));
	rig_close(&r);
}

static void an_outlier_is_asked_for_again(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 50, 16, NULL);
	assert_int_equal(steering_outlier_count(r.steering, 0), 0);
	r.steering->sources[0].outliers.alike = 1;
	assert_int_equal(steering_outlier_count(r.steering, 0), 1);
	assert_int_equal(vote_with(&r, 1, 16), POLL_DOUBTED);
	r.steering->sources[0].outliers.certain = 1;
	assert_int_equal(vote_with(&r, 1, 16), POLL_CONTRADICTED);
	/* A replay counts again: what was known before it is shown. */
	r.steering->sources[0].outliers_before =
	    r.steering->sources[0].outliers;
	r.steering->sources[0].outliers.certain = 0;
	r.steering->replay.before = r.steering->estimate;
	r.steering->replay.under_way = true;
	assert_int_equal(
	    steering_poll_vote(r.steering, 0, 16), POLL_CONTRADICTED);
	r.steering->replay.under_way = false;
	/* A source outside the filter has none. */
	r.steering->sources[0].slot = -1;
	assert_int_equal(steering_outlier_count(r.steering, 0), 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_vote_goes_by_the_error_in_mean_queues),
	    cmocka_unit_test(
		a_congested_start_is_polled_at_the_shortest_interval),
	    cmocka_unit_test(the_end_of_a_detour_is_a_change),
	    cmocka_unit_test(a_drift_must_be_followed),
	    cmocka_unit_test(an_outlier_is_asked_for_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
