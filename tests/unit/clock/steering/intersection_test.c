/* The estimate stays within what the latest samples allow. */
#include "clock/steering/intersection.h"

#include "clock/steering/candidates.h"
#include "clock/steering/state.h"
#include "tests/unit/clock/steering/rig.h"

/* Synchronised, and then off by `wrong_s` with the certainty of before. */
static void open_wrong(struct rig *r, unsigned sources, double wrong_s)
{
	rig_open(r, sources, NULL, NULL);
	rig_poll(r, sources, 100, 4, NULL);
	estimate_shift_offset(&r->steering->estimate, wrong_s);
}

static double error_s(const struct rig *r)
{
	struct estimate_value v = estimate_at(&r->steering->estimate, r->now);

	return s_of_ns(v.offset_ns - rig_truth_ns(r));
}

/* The bounds of the samples are 100 us and a little. */
static void an_estimate_beyond_the_bounds_is_pulled_in(void **state)
{
	static const double wrong_s[] = {
	    1, 1e-2, 2e-4, -2e-4, -3e-3, 5e-5, -5e-5};

	(void)state;
	for (unsigned sources = 1; sources <= 3; sources += 2)
		for (size_t i = 0; i < ARRAY_LEN(wrong_s); i++) {
			struct rig r;
			bool beyond = fabs(wrong_s[i]) > 1.5e-4;
			double was;

			open_wrong(&r, sources, wrong_s[i]);
			was = error_s(&r);
			intersection_pull(r.steering, r.now);
			if (beyond)
				assert_true(fabs(error_s(&r)) < 1.4e-4);
			else
				assert_true(error_s(&r) == was);
			rig_close(&r);
		}
}

static double freq_sd(const struct rig *r)
{
	return estimate_at(&r->steering->estimate, r->now).freq_sd;
}

/* What moves an estimate so far was no chance: its frequency is in doubt by as
 * much as adds up to the error in the least time. */
static void a_pull_beyond_chance_doubts_the_frequency(void **state)
{
	static const struct {
		double wrong_s, least_ppm, most_ppm;
	} rows[] = {{4e-3, 450, 550}, {-4e-3, 450, 550}, {2e-4, 50, 110},
	    {1.3e-4, 0, 1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig r;

		open_wrong(&r, 2, rows[i].wrong_s);
		/* One source has been silent: the other one knows better. */
		r.steering->sources[1].outliers.last_right.ns -=
		    1000 * NS_PER_S;
		intersection_pull(r.steering, r.now);
		assert_true(freq_sd(&r) * 1e6 >= rows[i].least_ppm);
		assert_true(freq_sd(&r) * 1e6 <= rows[i].most_ppm);
		rig_close(&r);
	}
}

static void add_wrong(struct rig *r, unsigned source, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		rig_wait(r, 4);
		rig_add(r, source, 10 * NS_PER_MS);
	}
}

/* One wrong answer moves nothing, nor does one server against two. A server
 * that is alone moves the estimate if most of its sharp answers exclude it. */
static void the_most_sharp_samples_decide(void **state)
{
	static const struct {
		unsigned sources, answers;
		bool pulled;
	} rows[] = {
	    {1, 1, false}, {1, 3, false}, {1, 20, true}, {3, 20, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct estimate before;
		struct rig r;

		open_wrong(&r, rows[i].sources, 0);
		/* Only the records count here, not the filter. */
		before = r.steering->estimate;
		add_wrong(&r, 0, rows[i].answers);
		r.steering->estimate = before;
		r.steering->changed_at.ns = 0;
		intersection_pull(r.steering, r.now);
		assert_int_equal(
		    memcmp(&before, &r.steering->estimate, sizeof(before)) != 0,
		    rows[i].pulled);
		rig_close(&r);
	}
}

/* Is the estimate within what the latest two answers of this source allow? */
static bool allowed_by(const struct rig *r, unsigned source)
{
	const struct steering_source *src = &r->steering->sources[source];
	struct carry c = carry_to(r->steering, r->now);
	int64_t is = estimate_at(&r->steering->estimate, r->now).offset_ns;
	int64_t low = INT64_MAX, high = INT64_MIN;

	for (unsigned i = 0; i < 2 && i < src->count; i++) {
		const struct sample *m = &const_record(src, i)->sample;
		int64_t offset = carried_offset_ns(m, &c);
		int64_t distance = carried_distance_ns(m, &c);

		low = offset - distance < low ? offset - distance : low;
		high = offset + distance > high ? offset + distance : high;
	}
	return is >= low - 1 && is <= high + 1;
}

/* The intervals of the two servers overlap by 80 us of 230 us. The server that
 * was heard first does not win. */
static void with_two_servers_the_estimate_is_in_both_intervals(void **state)
{
	static const int64_t wrong_ns[] = {150 * NS_PER_US, -150 * NS_PER_US};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong_ns); i++) {
		const int64_t wrong[2] = {wrong_ns[i], 0};
		unsigned looks = 0;
		struct rig r;

		rig_open(&r, 2, NULL, NULL);
		r.queue_s = 1e-7;
		for (unsigned k = 0; k < 60; k++) {
			rig_poll(&r, 2, 1, 2, wrong);
			if (!rig_track(&r).synchronised)
				continue;
			looks++;
			assert_true(allowed_by(&r, 0));
			assert_true(allowed_by(&r, 1));
		}
		assert_true(looks > 50);
		rig_close(&r);
	}
}

/* The path of server 1 is sixteen times as long, and its interval begins above
 * what server 0 says. */
static void a_distant_one_of_two_servers_binds_the_estimate(void **state)
{
	unsigned looks = 0;
	struct rig r;

	(void)state;
	rig_open(&r, 2, NULL, NULL);
	r.queue_s = 1e-7;
	for (unsigned k = 0; k < 120; k++) {
		unsigned source = k % 2;

		r.up_ns = r.down_ns = source * 1500 * NS_PER_US;
		rig_wait(&r, 1);
		rig_add(&r, source, source * 1680 * NS_PER_US);
		(void)rig_update(&r);
		if (source == 1 || !rig_track(&r).synchronised ||
		    r.steering->sources[1].state != SELECT_OUTLIER)
			continue;
		looks++;
		assert_true(allowed_by(&r, 0));
		assert_true(allowed_by(&r, 1));
	}
	assert_true(looks > 50);
	rig_close(&r);
}

/* Two answers of one server in a row move the estimate to the edge of what the
 * other one allows; one answer does not. */
static void one_wrong_answer_of_two_servers_moves_nothing(void **state)
{
	(void)state;
	for (unsigned answers = 1; answers <= 2; answers++) {
		struct estimate before;
		struct rig r;
		int64_t error_ns;

		open_wrong(&r, 2, 0);
		r.queue_s = 1e-7;
		rig_poll(&r, 2, 2, 4, NULL);
		before = r.steering->estimate;
		for (unsigned i = 0; i < answers; i++)
			rig_add(&r, 0, 200 * NS_PER_US);
		r.steering->estimate = before;
		intersection_pull(r.steering, r.now);
		error_ns = ns_of_s(error_s(&r));
		if (answers == 1)
			assert_true(llabs(error_ns) < 10 * NS_PER_US);
		else
			assert_in_range(
			    error_ns, 80 * NS_PER_US, 120 * NS_PER_US);
		rig_close(&r);
	}
}

/* Two names of a server that is wrong are one against one, not two against one:
 * the estimate moves to the edge only. */
static void names_of_one_server_are_one_witness(void **state)
{
	struct estimate before;
	struct rig r;

	(void)state;
	open_wrong(&r, 3, 0);
	steering_set_server(r.steering, 1, 0);
	r.queue_s = 1e-7;
	rig_poll(&r, 3, 2, 4, NULL);
	before = r.steering->estimate;
	for (unsigned i = 0; i < 4; i++)
		rig_add(&r, i % 2, 200 * NS_PER_US);
	r.steering->estimate = before;
	intersection_pull(r.steering, r.now);
	assert_in_range(ns_of_s(error_s(&r)), 80 * NS_PER_US, 120 * NS_PER_US);
	rig_close(&r);
}

/* A majority that excludes the estimate on one side shows a jump: the filter
 * judges that. */
static void a_jump_is_left_to_the_filter(void **state)
{
	struct estimate before;
	struct rig r;

	(void)state;
	open_wrong(&r, 2, 0);
	r.queue_s = 1e-7;
	rig_poll(&r, 2, 20, 4, NULL);
	before = r.steering->estimate;
	for (unsigned i = 0; i < 4; i++)
		rig_add(&r, i % 2, 400 * NS_PER_US);
	r.steering->estimate = before;
	r.steering->changed_at.ns = 0;
	intersection_pull(r.steering, r.now);
	assert_memory_equal(&before, &r.steering->estimate, sizeof(before));
	rig_close(&r);
}

/* Samples of long ago do not bind: the clock may have gone anywhere since. */
static void old_samples_do_not_count(void **state)
{
	struct rig r;
	double was;

	(void)state;
	open_wrong(&r, 1, 1e-3);
	rig_wait(&r, 300);
	was = error_s(&r);
	intersection_pull(r.steering, r.now);
	assert_true(error_s(&r) == was);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_estimate_beyond_the_bounds_is_pulled_in),
	    cmocka_unit_test(a_pull_beyond_chance_doubts_the_frequency),
	    cmocka_unit_test(the_most_sharp_samples_decide),
	    cmocka_unit_test(
		with_two_servers_the_estimate_is_in_both_intervals),
	    cmocka_unit_test(a_distant_one_of_two_servers_binds_the_estimate),
	    cmocka_unit_test(one_wrong_answer_of_two_servers_moves_nothing),
	    cmocka_unit_test(names_of_one_server_are_one_witness),
	    cmocka_unit_test(a_jump_is_left_to_the_filter),
	    cmocka_unit_test(old_samples_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
