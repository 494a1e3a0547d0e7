/* Paths with queues, and routes that change. */
#include "clock/filter/delay.h"

#include "tests/unit/clock/chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct path {
	struct chance chance;
	double base, queue;
};

static double draw(struct path *p)
{
	return p->base + chance_exponential(&p->chance, p->queue) +
	       chance_exponential(&p->chance, p->queue);
}

static unsigned feed(struct delay_track *t, struct path *p, unsigned n)
{
	unsigned back, changes = 0;

	for (unsigned i = 0; i < n; i++)
		changes += delay_add(t, draw(p), NAN, &back) >= DELAY_SHORTER;
	return changes;
}

static const struct delay_route *now(const struct delay_track *t)
{
	return delay_route(t, t->route);
}

static void test_floor_and_queue_are_found(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct path p = {{seed}, 1e-3, 1e-4};
		struct delay_track t;
		double above;

		delay_init(&t);
		assert_null(now(&t));
		assert_int_equal(feed(&t, &p, 1000), 0);
		above = now(&t)->floor - p.base;
		assert_true(above > 0);
		assert_true(above < 4 * delay_floor_gap(&t, 1000));
		assert_true(t.queue > 0.7e-4 && t.queue < 1.4e-4);
	}
}

/* delay_floor_gap() is the mean gap, for one sample as for many. */
static void test_floor_gap_is_the_mean_gap(void **state)
{
	static const unsigned counts[] = {1, 2, 4, 16, 256};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(counts); k++) {
		struct delay_track t;
		struct path p = {{k}, 0, 1};
		double sum = 0;
		double want;

		delay_init(&t);
		t.queue = 1;
		for (int round = 0; round < 2000; round++) {
			double least = INFINITY;

			for (unsigned i = 0; i < counts[k]; i++)
				least = fmin(least, draw(&p));
			sum += least / 2000;
		}
		want = delay_floor_gap(&t, counts[k]);
		assert_true(fabs(sum / want - 1) < 0.08);
	}
}

/* Weeks of ordinary queueing show no change of route. */
static void test_no_false_alarm(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct path p = {{seed}, 1e-3, 1e-4};
		struct delay_track t;

		delay_init(&t);
		assert_int_equal(feed(&t, &p, 20000), 0);
	}
}

/* A busy hour, with queues five times as long: still the same route. */
static void test_a_busy_hour_is_not_a_route(void **state)
{
	unsigned changes = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct path p = {{seed}, 1e-3, 1e-4};
		struct delay_track t;

		delay_init(&t);
		(void)feed(&t, &p, 500);
		p.queue *= 5;
		changes += feed(&t, &p, 200);
	}
	assert_in_range(changes, 0, 5);
}

static void test_longer_route_is_seen(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct path p = {{seed}, 1e-3, 1e-4};
		struct delay_track t;
		enum delay_event event = DELAY_UNCHANGED;
		unsigned n = 0, back = 0;

		delay_init(&t);
		(void)feed(&t, &p, 300);
		p.base += 1e-3;
		while (event != DELAY_LONGER && n++ < DELAY_RECENT)
			event = delay_add(&t, draw(&p), NAN, &back);
		assert_int_equal(event, DELAY_LONGER);
		/* The samples since the change, and none before it. */
		assert_in_range(back, 8, n);
		assert_true(fabs(now(&t)->shift - 1e-3) < 4e-4);
		assert_true(now(&t)->floor > p.base);
	}
}

static void test_shorter_route_is_seen_at_once(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct path p = {{seed}, 3e-3, 1e-4};
		struct delay_track t;
		unsigned back;

		delay_init(&t);
		(void)feed(&t, &p, 300);
		p.base -= 2e-3;
		assert_int_equal(
		    delay_add(&t, draw(&p), NAN, &back), DELAY_SHORTER);
		assert_int_equal(back, 1);
		assert_int_equal(feed(&t, &p, 1000), 0);
		assert_true(now(&t)->floor - p.base < 1e-4);
	}
}

/* One impossibly small delay must not spoil the floor for good. */
static void test_recovers_from_a_false_floor(void **state)
{
	struct path p = {{5}, 1e-3, 1e-5};
	struct delay_track t;
	unsigned back;

	(void)state;
	delay_init(&t);
	(void)feed(&t, &p, 300);
	(void)delay_add(&t, 1e-6, NAN, &back);
	(void)feed(&t, &p, 50);
	assert_true(now(&t)->floor > 0.99e-3);
}

/* A route that is longer by a hundred queues is not a queue. */
static void test_routes_do_not_spoil_the_queue(void **state)
{
	struct path p = {{6}, 1e-3, 1e-5};
	struct delay_track t;

	(void)state;
	delay_init(&t);
	(void)feed(&t, &p, 300);
	for (int i = 0; i < 6; i++) {
		p.base += i % 2 ? -0.2 : 0.2;
		assert_int_equal(feed(&t, &p, 100), 1);
		assert_true(t.queue > 0.5e-5 && t.queue < 2e-5);
	}
}

/* The path changes to another line and back, several times: two routes, which
 * are recognized. */
static void test_routes_are_recognized(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct path p = {{seed}, 1e-3, 1e-4};
		struct delay_track t;

		delay_init(&t);
		(void)feed(&t, &p, 500);
		for (int i = 0; i < 12; i++) {
			p.base += i % 2 ? -3e-4 : 3e-4;
			(void)feed(&t, &p, 120);
			assert_int_equal(t.route, i % 2 ? 0 : 1);
			/* The first samples after a change may change the
			 * floor of the route before a little. */
			assert_true(fabs(now(&t)->floor - p.base) < 1e-4);
		}
		assert_in_range(t.known, 2, 3);
	}
}

/* Ten packets in a row take another route, the next one does not. */
static void test_a_brief_route_is_left_again(void **state)
{
	struct path p = {{7}, 1e-3, 1e-5};
	struct delay_track t;
	unsigned back;

	(void)state;
	delay_init(&t);
	(void)feed(&t, &p, 500);
	p.base += 5e-4;
	(void)feed(&t, &p, 10);
	assert_int_equal(t.route, 1);
	assert_int_equal(delay_add(&t, 1.005e-3, NAN, &back), DELAY_SHORTER);
	assert_int_equal(t.route, 0);
	assert_true(delay_route(&t, 1)->floor > 1.45e-3);
}

/* A hardly longer route needs many samples, but it is found. */
static void test_hardly_longer_route_is_seen(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct path p = {{seed}, 1e-3, 1e-4};
		struct delay_track t;

		delay_init(&t);
		(void)feed(&t, &p, 1000);
		p.base += 1.2e-4;
		assert_int_equal(feed(&t, &p, 250), 1);
		assert_int_equal(t.route, 1);
	}
}

/*
 * The way to the server gets longer by one mean queue, and the clock is known:
 * each way by itself shows the change long before the sum of both does, and
 * shows when it came. An error of the clock is not taken for a route.
 */
static unsigned samples_until_longer(uint64_t seed, double up, double error)
{
	struct path p = {{seed}, 1e-3, 1e-4};
	struct delay_track t;
	unsigned back = 0;

	delay_init(&t);
	for (unsigned i = 0; i < 2000; i++) {
		bool changed = i >= 1000;
		double there = 5e-4 + chance_exponential(&p.chance, p.queue);
		double back_again =
		    5e-4 + chance_exponential(&p.chance, p.queue);
		double known = 1e-5 * chance_normal(&p.chance);

		there += changed ? up : 0;
		known += changed ? error : 0;
		if (delay_add(&t, there + back_again,
			(there - back_again) / 2 + known,
			&back) == DELAY_LONGER) {
			assert_true(changed);
			assert_in_range(back, i - 1000 - 5, i - 1000 + 7);
			return i - 1000;
		}
	}
	return 1000;
}

static void test_one_way_shows_a_longer_route_soon(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		assert_in_range(samples_until_longer(seed, 1e-4, 0), 8, 60);
		assert_int_equal(samples_until_longer(seed, 0, 1e-4), 1000);
	}
}

/* A path that is never empty: even the least of many delays is far above the
 * rarest one, and this is hardly ever taken for a route. */
static void test_busy_path_has_few_routes(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct path p = {{seed}, 1e-3, 1e-5};
		struct delay_track t;
		unsigned back, changes = 0;

		delay_init(&t);
		for (int i = 0; i < 10000; i++) {
			double sum = 0;

			for (int k = 0; k < 10; k++)
				sum += draw(&p) - p.base;
			changes += delay_add(&t, p.base + sum, NAN, &back) >=
				   DELAY_SHORTER;
		}
		assert_in_range(changes, 0, 50);
	}
}

/* Blocks whose least delay is 5 us above the floor, then 8 us: the rise follows
 * by a 64th in each block. The mean queue is 20 times as long. */
static void test_a_changed_rise_is_learned_in_64_blocks(void **state)
{
	struct delay_track t;
	unsigned back;
	double want = 0;

	(void)state;
	delay_init(&t);
	(void)delay_add(&t, 1e-3, NAN, &back);
	for (unsigned i = 1; i < 16 * 150; i++) {
		double rise = i / 16 < 100 ? 5e-6 : 8e-6;
		double more =
		    i % 16 == 1 ? rise : rise + 2e-4 * (i % 7 + 1) / 4;

		(void)delay_add(&t, 1e-3 + more, NAN, &back);
		assert_int_equal(t.route, 0);
		if (i % 16 != 15)
			continue;
		/* The floor itself is in the first block. */
		if (i > 16)
			want +=
			    fmax(1.0 / (i / 16 + 1), 1.0 / 64) * (rise - want);
		assert_true(fabs(t.rise - want) < 1e-12);
	}
}

/* Not the first one, and not the one in its place. */
static void test_the_route_left_longest_ago_is_forgotten(void **state)
{
	static const double bases[] = {
	    1e-3, 2e-3, 3e-3, 4e-3, 5e-3, 6e-3, 7e-3, 8e-3, 1e-3, 9e-3};
	struct path p = {{9}, 1e-3, 1e-5};
	struct delay_track t;

	(void)state;
	delay_init(&t);
	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		p.base = bases[i];
		(void)feed(&t, &p, 100);
	}
	assert_int_equal(t.route, DELAY_ROUTES);
	assert_non_null(delay_route(&t, 0));
	assert_null(delay_route(&t, 1));
	assert_non_null(delay_route(&t, 2));
}

/* The k-th of the laws below, mean 1, each with its own shape near the floor.
 */
static double draw_law(struct chance *c, unsigned law)
{
	double a = chance_exponential(c, 0.5), b = chance_exponential(c, 0.5);

	if (law == 0)
		return a + b;
	/* One way queues ten times as much as the other. */
	if (law == 1)
		return a / 5 * 2 / 1.1 / 2 + b * 2 / 1.1;
	/* One packet in ten waits for long. */
	return (a + b) / 10 + (chance_uniform(c) < 0.1 ? 9 : 0);
}

/* The gap that follows from a route's smallest delays is right in the mean, or
 * up to twice as large, for any law. It is never above the gap that follows
 * from the mean queue. */
static void the_smallest_delays_tell_the_gap(void **state)
{
	(void)state;
	for (unsigned law = 0; law < 3; law++) {
		double gap = 0, above = 0;

		for (uint64_t seed = 1; seed <= 300; seed++) {
			struct chance c = {seed + 1000 * law};
			struct delay_track t;
			unsigned back;

			delay_init(&t);
			for (unsigned i = 0; i < 60; i++)
				(void)delay_add(
				    &t, 5 + draw_law(&c, law), NAN, &back);
			gap += delay_route_gap(&t, now(&t));
			above += now(&t)->floor - 5;
			assert_true(delay_route_gap(&t, now(&t)) <=
				    delay_floor_gap(&t, now(&t)->samples));
		}
		assert_true(gap / above > 0.66 && gap / above < 1.9);
	}
}

/* Rare long waits make the mean queue ten times as long, and the quiet queue at
 * most twice. */
static void rare_spikes_leave_the_quiet_queue(void **state)
{
	struct chance c = {5};
	struct delay_track t;
	unsigned back;

	(void)state;
	delay_init(&t);
	for (unsigned i = 0; i < 500; i++)
		(void)delay_add(&t,
		    1e-3 + chance_exponential(&c, 1e-5) +
			chance_exponential(&c, 1e-5) + (i % 10 == 3 ? 2e-3 : 0),
		    NAN, &back);
	assert_true(t.queue > 5e-5);
	assert_true(t.quiet > 0.4e-5 && t.quiet < 2e-5);
	assert_true(t.lately <= t.quiet);
}

/* A queue that is never empty ends after n samples: within `within` samples a
 * new route has begun, and the queue is that of the free path. */
static void the_end_of_a_congestion_is_found(void **state)
{
	static const struct {
		unsigned n, within;
	} rows[] = {{12, 4}, {20, 4}, {60, 5}, {300, 6}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct path p = {{i + 7}, 1e-3, 1e-6};
		struct delay_track t;
		unsigned back = 0, events = 0;

		delay_init(&t);
		for (unsigned k = 0; k < rows[i].n; k++)
			(void)delay_add(&t,
			    draw(&p) + 2e-3 +
				chance_exponential(&p.chance, 1e-3) +
				chance_exponential(&p.chance, 1e-3),
			    NAN, &back);
		for (unsigned k = 0; k < rows[i].within; k++)
			events += delay_add(&t, draw(&p), NAN, &back) >=
				  DELAY_SHORTER;
		assert_int_equal(events, 1);
		assert_true(now(&t)->floor < 1.1e-3);
		(void)feed(&t, &p, 20);
		assert_true(t.quiet < 1e-5);
		assert_ptr_equal(delay_shortest_route(&t), now(&t));
	}
}

/* A floor that rises by a tenth of the queue with each sample is marked, and a
 * floor that steps is not. */
static void a_creeping_floor_is_marked(void **state)
{
	(void)state;
	for (unsigned creeps = 0; creeps < 2; creeps++) {
		struct path p = {{3}, 1e-3, 1e-5};
		struct delay_track t;
		bool marked = false;
		unsigned back;

		delay_init(&t);
		(void)feed(&t, &p, 200);
		p.base += creeps ? 0 : 1e-4;
		for (unsigned i = 0; i < 200; i++) {
			p.base += creeps ? 1e-6 : 0;
			(void)delay_add(&t, draw(&p), NAN, &back);
			marked |= now(&t)->crept;
		}
		assert_int_equal(marked, creeps);
		assert_true(now(&t)->number > 0);
	}
}

static void test_old_routes_are_forgotten(void **state)
{
	struct path p = {{9}, 1e-3, 1e-5};
	struct delay_track t;

	(void)state;
	delay_init(&t);
	for (unsigned i = 0; i <= DELAY_ROUTES; i++) {
		(void)feed(&t, &p, 100);
		p.base += 1e-3;
	}
	assert_int_equal(t.route, DELAY_ROUTES);
	assert_null(delay_route(&t, 0));
	assert_non_null(delay_route(&t, 1));
	assert_null(delay_route(&t, t.route + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_floor_and_queue_are_found),
	    cmocka_unit_test(test_floor_gap_is_the_mean_gap),
	    cmocka_unit_test(test_no_false_alarm),
	    cmocka_unit_test(test_a_busy_hour_is_not_a_route),
	    cmocka_unit_test(test_longer_route_is_seen),
	    cmocka_unit_test(test_shorter_route_is_seen_at_once),
	    cmocka_unit_test(test_recovers_from_a_false_floor),
	    cmocka_unit_test(test_routes_do_not_spoil_the_queue),
	    cmocka_unit_test(test_routes_are_recognized),
	    cmocka_unit_test(test_a_brief_route_is_left_again),
	    cmocka_unit_test(test_hardly_longer_route_is_seen),
	    cmocka_unit_test(test_one_way_shows_a_longer_route_soon),
	    cmocka_unit_test(test_busy_path_has_few_routes),
	    cmocka_unit_test(test_a_changed_rise_is_learned_in_64_blocks),
	    cmocka_unit_test(test_the_route_left_longest_ago_is_forgotten),
	    cmocka_unit_test(the_smallest_delays_tell_the_gap),
	    cmocka_unit_test(rare_spikes_leave_the_quiet_queue),
	    cmocka_unit_test(the_end_of_a_congestion_is_found),
	    cmocka_unit_test(a_creeping_floor_is_marked),
	    cmocka_unit_test(test_old_routes_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
