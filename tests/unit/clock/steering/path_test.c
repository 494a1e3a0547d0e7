/* What the steering does in a silence, on detours and with several paths. */
#include "clock/steering/state.h"

#include "tests/unit/clock/steering/rig.h"

#define WAY_NS (5 * NS_PER_MS)

/* Several servers behind one line: all paths take the detour. */
static void a_detour_at_the_start_is_forgotten(void **state)
{
	static const struct {
		unsigned sources;
		int64_t up_ns, down_ns;
	} rows[] = {
	    {1, WAY_NS, 0},
	    {1, 0, WAY_NS},
	    {4, WAY_NS, 0},
	    {4, 0, WAY_NS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig r;

		rig_open(&r, rows[i].sources, NULL, NULL);
		r.up_ns = rows[i].up_ns;
		r.down_ns = rows[i].down_ns;
		rig_poll(&r, rows[i].sources, 60, 16, NULL);
		assert_true(llabs(rig_error_ns(&r)) > WAY_NS / 4);
		r.up_ns = r.down_ns = 0;
		rig_poll(&r, rows[i].sources, 40, 16, NULL);
		if (llabs(rig_error_ns(&r)) > 30 * NS_PER_US)
			fail_msg("row %zu: %lld ns wrong", i,
			    (long long)rig_error_ns(&r));
		rig_close(&r);
	}
}

/* The path becomes longer on one way or on both, and later short again. */
static void a_change_of_the_path_leaves_the_clock_right(void **state)
{
	static const struct {
		int64_t up_ns, down_ns;
	} rows[] = {
	    {2 * NS_PER_MS, 0},
	    {0, 2 * NS_PER_MS},
	    {2 * NS_PER_MS, 2 * NS_PER_MS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig r;

		rig_open(&r, 1, NULL, NULL);
		rig_poll(&r, 1, 100, 16, NULL);
		r.up_ns = rows[i].up_ns;
		r.down_ns = rows[i].down_ns;
		rig_poll(&r, 1, 60, 16, NULL);
		if (llabs(rig_error_ns(&r)) > 30 * NS_PER_US)
			fail_msg("row %zu: %lld ns wrong", i,
			    (long long)rig_error_ns(&r));
		rig_close(&r);
	}
}

/* 2 us more on both ways at each poll. */
static void a_creep_on_both_ways_moves_nothing(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 100, 16, NULL);
	for (unsigned i = 0; i < 100; i++) {
		r.up_ns += 2 * NS_PER_US;
		r.down_ns += 2 * NS_PER_US;
		rig_poll(&r, 1, 1, 16, NULL);
	}
	assert_in_range(llabs(rig_error_ns(&r)), 0, 30 * NS_PER_US);
	rig_close(&r);
}

/* Each path takes another detour on one way every eight polls. */
static void random_detours_of_four_servers_keep_the_clock_right(void **state)
{
	double square = 0;
	struct rig r;

	(void)state;
	rig_open(&r, 4, NULL, NULL);
	for (unsigned i = 0; i < 400; i++) {
		for (unsigned k = 0; k < 4; k++) {
			unsigned level = (i / 8 + k) * 7 % 5;

			r.up_ns = level * NS_PER_MS;
			rig_wait(&r, 4);
			rig_add(&r, k, 0);
			(void)rig_update(&r);
		}
		if (i >= 200)
			square += pow((double)rig_error_ns(&r), 2);
	}
	assert_true(sqrt(square / 200) < 8 * NS_PER_US);
	rig_close(&r);
}

static void the_errors_in_the_kernel_grow_in_a_silence(void **state)
{
	struct clock_command c;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 60, 64, NULL);
	for (unsigned i = 0; i < 5; i++) {
		c = r.last;
		/* 1.25 intervals of 64 s. */
		rig_wait(&r, 79);
		assert_false(rig_update(&r));
		rig_wait(&r, 2);
		assert_true(rig_update(&r));
		assert_true(r.last.est_error_ns > c.est_error_ns);
		assert_true(r.last.max_error_ns > c.max_error_ns);
		r.steering->interval_s = 64;
	}
	rig_close(&r);
}

/* A window across a new shortest route teaches nothing: the end of a queue may
 * look like drift. */
static void a_new_shortest_route_interrupts_the_drift(void **state)
{
	struct steering s;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	r.up_ns = r.down_ns = WAY_NS;
	rig_poll(&r, 1, 60, 16, NULL);
	s = *r.steering;
	drift_bound_interrupt(&s.drift);
	assert_memory_not_equal(&s.drift, &r.steering->drift, sizeof(s.drift));
	r.up_ns = r.down_ns = 0;
	for (unsigned i = 0; i < 8; i++) {
		rig_wait(&r, 16);
		rig_add(&r, 0, 0);
		if (memcmp(&s.drift, &r.steering->drift, sizeof(s.drift)) == 0)
			break;
	}
	assert_memory_equal(&s.drift, &r.steering->drift, sizeof(s.drift));
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_detour_at_the_start_is_forgotten),
	    cmocka_unit_test(a_change_of_the_path_leaves_the_clock_right),
	    cmocka_unit_test(a_creep_on_both_ways_moves_nothing),
	    cmocka_unit_test(
		random_detours_of_four_servers_keep_the_clock_right),
	    cmocka_unit_test(the_errors_in_the_kernel_grow_in_a_silence),
	    cmocka_unit_test(a_new_shortest_route_interrupts_the_drift),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
