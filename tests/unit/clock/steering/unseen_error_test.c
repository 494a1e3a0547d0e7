/* The part of the estimated error for what no packet shows. */
#include "clock/steering/unseen_error.h"

#include "clock/steering/remaining.h"
#include "clock/steering/state.h"
#include "tests/unit/clock/steering/rig.h"

/* Paths that were watched for so long have no hidden start. */
#define LONG_S 1e12

static void watch(struct rig *r, double watched_s)
{
	for (unsigned i = 0; i < r->steering->source_count; i++)
		r->steering->sources[i].watched_s = watched_s;
}

static void open_quiet(struct rig *r, unsigned sources)
{
	rig_open(r, sources, NULL, NULL);
	r->queue_s = 1e-9;
	rig_poll(r, sources, 20, 16, NULL);
	watch(r, LONG_S);
}

static void set_floor(struct rig *r, unsigned route, double floor)
{
	for (unsigned i = 0; i < r->steering->member_count; i++) {
		struct delay_route *to =
		    &r->steering->sources[i].delay.routes[route];

		to->floor = floor;
		to->number = route;
		to->samples = 50;
	}
}

/* One of three servers is 6 ms ahead of the others, and the bounds allow all of
 * them: the mean of the three is uncertain by 2 ms, whatever the filter says.
 */
static void sources_that_differ_much_count(void **state)
{
	static const struct {
		int64_t ahead_ns;
		unsigned servers, us;
	} rows[] = {{6 * NS_PER_MS, 3, 2000}, {-6 * NS_PER_MS, 3, 2000},
	    {6 * NS_PER_MS, 2, 3000}, {6 * NS_PER_MS, 1, 0}, {10, 3, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct estimate_value v;
		struct rig r;
		int64_t before, sd;

		open_quiet(&r, rows[i].servers);
		v = estimate_at(&r.steering->estimate, r.now);
		before = remaining_sd_ns(r.steering, &v, INT64_MAX);
		assert_in_range(before, 1, 20000);
		r.steering->sources[0].best_offset_ns += rows[i].ahead_ns;
		sd = remaining_sd_ns(r.steering, &v, INT64_MAX);
		if (rows[i].us == 0)
			assert_int_equal(sd, before);
		else
			assert_in_range(
			    sd / 1000, rows[i].us - 20, rows[i].us + 20);
		rig_close(&r);
	}
}

/* A route that the path has left has a long floor, and a short answer shows
 * that the clock is right: no deviation is larger than the bound. */
static void it_is_not_larger_than_the_bound(void **state)
{
	struct estimate_value v;
	struct tracking t;
	struct rig r;
	int64_t bound;

	(void)state;
	open_quiet(&r, 1);
	v = estimate_at(&r.steering->estimate, r.now);
	bound = remaining_bound_ns(r.steering, &v, r.now);
	set_floor(&r, 1, 0.3);
	assert_true(unseen_sd(r.steering) > 0.05);
	assert_in_range(bound, 1, NS_PER_S / 50);
	assert_int_equal(remaining_sd_ns(r.steering, &v, bound),
	    ns_of_s(s_of_ns(bound) / sqrt(3)));
	t = rig_track(&r);
	assert_in_range(t.est_error_ns, 1, bound);
	assert_in_range(r.last.est_error_ns, 1, r.last.max_error_ns);
	rig_close(&r);
}

/* Three deviations are never more than half of the delay, and nearly as much if
 * all of the delay may be time in the two machines. */
static void it_is_a_share_of_the_delay(void **state)
{
	static const struct {
		double delay, least, most;
	} rows[] = {
	    {10e-6, 1.6e-6, 1.7e-6},
	    {60e-6, 9e-6, 10.1e-6},
	    {200e-6, 10e-6, 12e-6},
	    {4e-3, 25e-6, 35e-6},
	    {40e-3, 200e-6, 220e-6},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig r;
		double sd;

		open_quiet(&r, 1);
		set_floor(&r, 0, rows[i].delay);
		sd = unseen_sd(r.steering);
		assert_true(sd > rows[i].least && sd < rows[i].most);
		assert_true(3 * sd <= rows[i].delay / 2 * 1.001);
		rig_close(&r);
	}
}

/* Three deviations are half of the delay for ten minutes, since a start may be
 * on a detour. Then that part falls with the time. */
static void a_young_path_may_hide_a_detour(void **state)
{
	static const struct {
		double watched_s, share;
	} rows[] = {{0, 1}, {599, 1}, {1200, 0.5}, {6000, 0.1}, {6e7, 1e-5}};
	const double delay = 40e-3;
	double old;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	set_floor(&r, 0, delay);
	old = unseen_sd(r.steering);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double want = fmin(old + rows[i].share * delay / 6, delay / 6);

		watch(&r, rows[i].watched_s);
		assert_true(fabs(unseen_sd(r.steering) - want) < 1e-9);
	}
	rig_close(&r);
}

/* Time counts while answers come. A silence counts as 2048 s, and a clock that
 * seems to go back as nothing. */
static void only_time_with_answers_is_watched(void **state)
{
	const struct steering_source *src;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	src = &r.steering->sources[0];
	rig_poll(&r, 1, 11, 16, NULL);
	assert_true(fabs(src->watched_s - 160) < 1);
	r.now.ns += 86400 * NS_PER_S;
	r.wall.ns += 86400 * NS_PER_S;
	rig_poll(&r, 1, 1, 16, NULL);
	assert_true(fabs(src->watched_s - 160 - 2048) < 1);
	r.now.ns -= 1000 * NS_PER_S;
	r.wall.ns -= 1000 * NS_PER_S;
	rig_poll(&r, 1, 1, 16, NULL);
	assert_true(fabs(src->watched_s - 160 - 2048) < 1);
	rig_close(&r);
}

/* If one way alone queues, 0.15 mean queues are uncertain. */
static void a_busier_way_may_be_a_longer_one(void **state)
{
	struct steering_source *src;
	double even;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	src = &r.steering->sources[0];
	src->delay.queue = 1e-3;
	src->error_model.now = (struct error_sums){
	    .error = 0, .excess = 0.5, .samples = 500, .queue = 1e-3};
	src->error_model.before = (struct error_sums){.samples = 0};
	even = unseen_sd(r.steering);
	for (int sign = -1; sign <= 1; sign += 2) {
		double more, lopsided;

		src->error_model.now.error = sign * 0.4;
		src->error_model.now.changes =
		    (struct error_changes){.longer2 = 1,
			.both = sign,
			.error2 = 1 + 1e-6,
			.count = 500};
		lopsided = error_model_lopsided(&src->error_model, &src->delay);
		more = unseen_sd(r.steering) - even;
		assert_true(lopsided > 0.7 && lopsided < 0.8);
		assert_true(fabs(more - 0.15e-3 * lopsided) < 1e-9);
	}
	rig_close(&r);
}

/* The machine and a line that all paths share are wrong for all sources alike:
 * what all of them show counts whole, what one of four shows a quarter. */
static void several_sources_share_a_part(void **state)
{
	double one, all, quiet;
	struct delay_route *route;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	set_floor(&r, 0, 4e-3);
	quiet = unseen_sd(r.steering);
	rig_close(&r);
	open_quiet(&r, 4);
	set_floor(&r, 0, 4e-3);
	assert_true(fabs(unseen_sd(r.steering) / quiet - 1) < 0.01);
	quiet = unseen_sd(r.steering);
	route = &r.steering->sources[2].delay.routes[1];
	*route =
	    (struct delay_route){.number = 1, .samples = 50, .floor = 10e-3};
	one = unseen_sd(r.steering);
	set_floor(&r, 1, 10e-3);
	all = unseen_sd(r.steering);
	assert_true(fabs(one - quiet - 0.3e-3) < 1e-6);
	assert_true(fabs(all - quiet - 1.2e-3) < 1e-6);
	rig_close(&r);
}

/* The deviation has a fifth of the range. The floor of a congestion that ended
 * does not count. */
static void the_range_of_floors_counts(void **state)
{
	double was, is;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	was = unseen_sd(r.steering);
	set_floor(&r, 1, r.steering->sources[0].delay.routes[0].floor + 6e-3);
	is = unseen_sd(r.steering);
	assert_true(fabs(is - was - 1.2e-3) < 1e-9);
	r.steering->sources[0].delay.routes[1].congested = true;
	assert_true(unseen_sd(r.steering) == was);
	rig_close(&r);
}

/* Opens `r` and lets all offsets jump by a share of the delay. Returns what the
 * estimated error gains by that, as a share of the delay. */
static double open_jump(struct rig *r, double share)
{
	double delay, was;

	open_quiet(r, 1);
	delay = r->steering->sources[0].delay.routes[0].floor;
	was = unseen_sd(r->steering);
	r->offset_s += share * delay;
	rig_poll(r, 1, 4, 16, NULL);
	watch(r, LONG_S);
	return (unseen_sd(r->steering) - was) / delay;
}

/* If the delay turns from one way to the other and does not change, offsets
 * jump by half of it at most: that may have been the path and not the clock. A
 * smaller one does not hide it, and a day later it is nearly forgotten. */
static void a_jump_may_be_one_of_the_path(void **state)
{
	double gain, was;
	struct rig r;

	(void)state;
	gain = open_jump(&r, 0.6);
	assert_true(fabs(gain) < 0.01);
	rig_close(&r);
	gain = open_jump(&r, 0.4);
	assert_true(fabs(gain - 0.4 / 5) < 0.01);
	rig_poll(&r, 1, 20, 16, NULL);
	r.offset_s -= 0.2 * r.steering->sources[0].delay.routes[0].floor;
	was = unseen_sd(r.steering);
	rig_poll(&r, 1, 4, 16, NULL);
	watch(&r, LONG_S);
	assert_true(unseen_sd(r.steering) > 0.99 * was);
	gain = r.steering->sources[0].jump_s;
	rig_poll(&r, 1, 44, 2000, NULL);
	assert_true(r.steering->sources[0].jump_s < 0.4 * gain);
	rig_close(&r);
}

/* Of delays without a sharp edge, a share of the mean queue is uncertain. */
static void without_an_edge_the_floor_is_unknown(void **state)
{
	static const struct {
		double ratio, share;
	} rows[] = {{1, 0}, {1.5, 0}, {3, 0.3}, {4.5, 0.6}, {20, 0.6}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct delay_track *t;
		struct delay_route *to;
		double was;
		struct rig r;

		open_quiet(&r, 1);
		t = &r.steering->sources[0].delay;
		to = &t->routes[0];
		for (unsigned k = 0; k < DELAY_LOWEST; k++)
			to->lowest[k] = to->lowest[0];
		was = unseen_sd(r.steering);
		/* The ratio is proportional to the width of the lowest ones. */
		to->lowest[4] = to->lowest[0] + 1;
		to->lowest[4] =
		    to->lowest[0] + rows[i].ratio / delay_edge_ratio(t, to);
		assert_true(fabs(unseen_sd(r.steering) - was -
				 rows[i].share * t->queue) < 1e-6 * t->queue);
		rig_close(&r);
	}
}

static void without_sources_there_is_nothing(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	assert_true(unseen_sd(r.steering) == 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sources_that_differ_much_count),
	    cmocka_unit_test(it_is_not_larger_than_the_bound),
	    cmocka_unit_test(it_is_a_share_of_the_delay),
	    cmocka_unit_test(a_young_path_may_hide_a_detour),
	    cmocka_unit_test(only_time_with_answers_is_watched),
	    cmocka_unit_test(a_busier_way_may_be_a_longer_one),
	    cmocka_unit_test(several_sources_share_a_part),
	    cmocka_unit_test(the_range_of_floors_counts),
	    cmocka_unit_test(a_jump_may_be_one_of_the_path),
	    cmocka_unit_test(without_an_edge_the_floor_is_unknown),
	    cmocka_unit_test(without_sources_there_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
