/* The estimate stays within what the latest samples allow. */
#include "clock/steering/intersection.h"

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
		intersection_pull(r.steering, r.now);
		assert_int_equal(
		    memcmp(&before, &r.steering->estimate, sizeof(before)) != 0,
		    rows[i].pulled);
		rig_close(&r);
	}
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
	    cmocka_unit_test(the_most_sharp_samples_decide),
	    cmocka_unit_test(old_samples_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
