/* What the steering does in a silence, on detours and with several paths. */
#include "clock/steering/state.h"

#include "tests/unit/clock/steering/rig.h"

#define WAY_NS (5 * NS_PER_MS)

/* The polls begin on a detour, alone or for four servers behind one line, which
 * are all wrong by it. After its end, nothing of it is left. */
static void a_detour_at_the_start_is_forgotten(void **state)
{
	static const struct {
		int64_t way_ns;
		unsigned polls, polls_after;
		int64_t wrong_ns, wrong_after_ns;
	} rows[] = {
	    {2 * NS_PER_MS, 200, 30, 900 * NS_PER_US, 10 * NS_PER_US},
	    {5 * NS_PER_MS, 60, 40, 1250 * NS_PER_US, 30 * NS_PER_US},
	};

	(void)state;
	for (size_t i = 0; i < 4 * ARRAY_LEN(rows); i++) {
		unsigned sources = i & 1 ? 4 : 1;
		size_t row = i / 4;
		struct rig r;

		rig_open(&r, sources, NULL, NULL);
		*(i & 2 ? &r.up_ns : &r.down_ns) = rows[row].way_ns;
		rig_poll(&r, sources, rows[row].polls, 16, NULL);
		assert_true(llabs(rig_error_ns(&r)) > rows[row].wrong_ns);
		r.up_ns = r.down_ns = 0;
		rig_poll(&r, sources, rows[row].polls_after, 16, NULL);
		/* The shortest route is the witness: its bias is known. */
		assert_true(
		    estimate_bias(&r.steering->estimate, 0).var < 1e-12);
		if (llabs(rig_error_ns(&r)) > rows[row].wrong_after_ns)
			fail_msg("row %zu, %u sources: %lld ns wrong", row,
			    sources, (long long)rig_error_ns(&r));
		rig_close(&r);
	}
}

/* Without a burst: three answers in two minutes, through a long and quiet path.
 * What hides an empty path rarely keeps three delays alike. */
static void three_answers_of_a_far_server_tell_the_frequency(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct rig r;

		rig_open(&r, 1, NULL, NULL);
		r.chance.state = seed;
		r.queue_s = 1e-4;
		r.up_ns = r.down_ns = 300 * NS_PER_MS;
		rig_poll(&r, 1, 3, 66, NULL);
		assert_true(fabs(r.freq * 1e6 - r.last.freq_ppm) < 5);
		rig_close(&r);
	}
}

/* A queue at the start that is never empty, and that ends. */
static void a_busy_start_is_forgotten(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct rig r;

		rig_open(&r, 1, NULL, NULL);
		r.chance.state = seed;
		for (unsigned i = 0; i < 40; i++) {
			r.down_ns = 3 * NS_PER_MS + ns_of_s(chance_exponential(
							&r.chance, 1e-3));
			rig_poll(&r, 1, 1, 16, NULL);
		}
		r.down_ns = 0;
		rig_poll(&r, 1, 20, 16, NULL);
		assert_in_range(llabs(rig_error_ns(&r)), 0, 25 * NS_PER_US);
		rig_close(&r);
	}
}

/* The frequency is learned from the free path on, so the clock is young again.
 * At least three samples tell that the path is free. */
static void the_end_of_a_busy_start_makes_the_clock_young(void **state)
{
	int64_t freed_ns;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	r.queue_s = 3e-3;
	rig_poll(&r, 1, 40, 16, NULL);
	assert_true(r.steering->first_at.ns < RIG_START_NS + 20 * NS_PER_S);
	freed_ns = r.now.ns;
	r.queue_s = 1e-5;
	rig_poll(&r, 1, 10, 16, NULL);
	assert_in_range(r.steering->first_at.ns - freed_ns, 16 * NS_PER_S,
	    6 * 16 * NS_PER_S);
	rig_close(&r);
}

/* The path becomes longer on one way or on both, and later short again. */
static void a_change_of_the_path_leaves_the_clock_right(void **state)
{
	static const struct {
		int64_t longer_ns, wrong_ns, wrong_after_ns;
	} rows[] = {
	    {NS_PER_MS, 15 * NS_PER_US, 10 * NS_PER_US},
	    {2 * NS_PER_MS, 30 * NS_PER_US, 10 * NS_PER_US},
	};
	static const struct {
		bool up, down;
	} ways[] = {{true, false}, {false, true}, {true, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows) * ARRAY_LEN(ways); i++) {
		size_t row = i / ARRAY_LEN(ways), way = i % ARRAY_LEN(ways);
		int64_t wrong_ns;
		struct rig r;

		rig_open(&r, 1, NULL, NULL);
		rig_poll(&r, 1, 100, 16, NULL);
		r.up_ns = ways[way].up ? rows[row].longer_ns : 0;
		r.down_ns = ways[way].down ? rows[row].longer_ns : 0;
		rig_poll(&r, 1, 60, 16, NULL);
		wrong_ns = llabs(rig_error_ns(&r));
		r.up_ns = r.down_ns = 0;
		rig_poll(&r, 1, 60, 16, NULL);
		if (wrong_ns > rows[row].wrong_ns ||
		    llabs(rig_error_ns(&r)) > rows[row].wrong_after_ns)
			fail_msg("row %zu, way %zu: %lld ns wrong, then %lld",
			    row, way, (long long)wrong_ns,
			    (long long)rig_error_ns(&r));
		rig_close(&r);
	}
}

/* After six hours without a sample the clock is in doubt when the path comes
 * back longer. The route has one of three likely biases, so that what the
 * samples show beyond it is an error of the clock. */
static void a_doubtful_clock_is_no_bias_of_a_new_route(void **state)
{
	static const struct {
		int64_t up_ns, down_ns;
	} rows[] = {
	    {NS_PER_MS, NS_PER_MS},
	    {NS_PER_MS, 0},
	    {0, NS_PER_MS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct gaussian bias;
		struct rig r;

		rig_open(&r, 1, NULL, NULL);
		rig_poll(&r, 1, 100, 64, NULL);
		rig_wait(&r, 6 * 3600);
		assert_true(rig_track(&r).est_error_ns > 300 * NS_PER_US);
		r.up_ns = rows[i].up_ns;
		r.down_ns = rows[i].down_ns;
		rig_poll(&r, 1, 10, 64, NULL);
		bias = estimate_bias(&r.steering->estimate, 0);
		assert_true(sqrt(bias.var) < 20e-6);
		assert_in_range(llabs(rig_error_ns(&r)), 0, 4 * NS_PER_US);
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

/* Polls four servers 400 times, each by a detour of so many milliseconds on one
 * way. Returns the root of the mean square error of the second half. */
static double error_on_detours(
    struct rig *r, unsigned (*ms)(unsigned poll, unsigned path))
{
	double square = 0;

	rig_open(r, 4, NULL, NULL);
	for (unsigned i = 0; i < 400; i++) {
		for (unsigned k = 0; k < 4; k++) {
			r->up_ns = ms(i, k) * NS_PER_MS;
			rig_wait(r, 4);
			rig_add(r, k, 0);
			(void)rig_update(r);
		}
		if (i >= 200)
			square += pow((double)rig_error_ns(r), 2);
	}
	return sqrt(square / 200);
}

/* Each path takes another detour every eight polls. */
static unsigned often_another(unsigned poll, unsigned path)
{
	return (poll / 8 + path) * 7 % 5;
}

static void random_detours_of_four_servers_keep_the_clock_right(void **state)
{
	struct rig r;

	(void)state;
	assert_true(error_on_detours(&r, often_another) < 8 * NS_PER_US);
	rig_close(&r);
}

/* Each path takes a detour half of the time, and never all of them are short.
 */
static unsigned half_of_the_time(unsigned poll, unsigned path)
{
	return (poll / 40 + path) % 4 < 2 ? 1 + path : 0;
}

/* The shortest routes say what is right. */
static void paths_that_take_turns_keep_the_clock(void **state)
{
	struct rig r;

	(void)state;
	(void)error_on_detours(&r, half_of_the_time);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 15 * NS_PER_US);
	rig_close(&r);
}

static void the_errors_in_the_kernel_grow_in_a_silence(void **state)
{
	struct clock_command c;
	struct tracking before, after;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 60, 64, NULL);
	steering_tracking(r.steering, &r.ledger, r.wall, &before);
	for (unsigned i = 0; i < 5; i++) {
		c = r.last;
		/* 1.25 intervals of 64 s. */
		rig_wait(&r, 79);
		assert_false(rig_update(&r));
		rig_wait(&r, 2);
		assert_true(rig_update(&r));
		assert_true(r.last.est_error_ns > c.est_error_ns);
		assert_true(r.last.max_error_ns > c.max_error_ns);
		r.steering->command_interval_s = 64;
	}
	/* Without a sample, nothing was measured. */
	steering_tracking(r.steering, &r.ledger, r.wall, &after);
	assert_int_equal(after.updates, before.updates);
	assert_int_equal(after.updated.ns, before.updated.ns);
	assert_int_equal(after.last_offset_ns, before.last_offset_ns);
	assert_int_equal(after.rms_offset_ns, before.rms_offset_ns);
	assert_true(after.update_interval_s == before.update_interval_s);
	rig_wait(&r, 64);
	rig_add(&r, 0, 0);
	assert_true(rig_update(&r));
	steering_tracking(r.steering, &r.ledger, r.wall, &after);
	assert_int_equal(after.updates, before.updates + 1);
	assert_true(fabs(after.update_interval_s - (5 * 81 + 64)) < 1);
	rig_close(&r);
}

/* The slews are as long as the usual time between updates asks for. */
static void bunches_and_silences_say_little_of_the_round(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 20, 64, NULL);
	assert_true(fabs(r.steering->round_s - 64) < 4);
	for (unsigned i = 0; i < 3; i++) {
		rig_wait(&r, 1);
		rig_add(&r, 0, 0);
		assert_true(rig_update(&r));
		assert_true(r.steering->command_interval_s < 2);
	}
	assert_true(r.steering->round_s > 16);
	rig_poll(&r, 1, 20, 64, NULL);
	rig_wait(&r, 10000);
	rig_add(&r, 0, 0);
	assert_true(rig_update(&r));
	assert_true(r.steering->round_s < 4.1 * 64);
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
	    cmocka_unit_test(three_answers_of_a_far_server_tell_the_frequency),
	    cmocka_unit_test(a_busy_start_is_forgotten),
	    cmocka_unit_test(the_end_of_a_busy_start_makes_the_clock_young),
	    cmocka_unit_test(a_change_of_the_path_leaves_the_clock_right),
	    cmocka_unit_test(a_doubtful_clock_is_no_bias_of_a_new_route),
	    cmocka_unit_test(a_creep_on_both_ways_moves_nothing),
	    cmocka_unit_test(
		random_detours_of_four_servers_keep_the_clock_right),
	    cmocka_unit_test(paths_that_take_turns_keep_the_clock),
	    cmocka_unit_test(the_errors_in_the_kernel_grow_in_a_silence),
	    cmocka_unit_test(bunches_and_silences_say_little_of_the_round),
	    cmocka_unit_test(a_new_shortest_route_interrupts_the_drift),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
