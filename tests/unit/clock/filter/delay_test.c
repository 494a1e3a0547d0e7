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

enum law {
	EXPONENTIAL,
	LOPSIDED, /* one way queues ten times as much as the other */
	SPIKES,	  /* one packet in ten waits for long */
	BELL,	  /* a sum of 24 uniform waits */
};

/* Delays above the floor, of mean 1. */
static double draw_law(struct chance *c, enum law law)
{
	double a = chance_exponential(c, 0.5), b = chance_exponential(c, 0.5);
	double sum = 0;

	if (law == BELL) {
		for (unsigned i = 0; i < 24; i++)
			sum += chance_uniform(c);
		return sum;
	}
	if (law == EXPONENTIAL)
		return a + b;
	if (law == LOPSIDED)
		return (2 * a + 20 * b) / 11;
	return (a + b) / 10 + (chance_uniform(c) < 0.1 ? 9 : 0);
}

/* The gap by a route's smallest delays is right in the mean when both ways
 * queue alike, also after a congestion, and else too large by less than the
 * double. It is never above the one by the mean queue. */
static void the_smallest_delays_tell_the_gap(void **state)
{
	static const struct {
		enum law law;
		unsigned congested, free; /* samples */
		double least, most;	  /* of the ratio to the true gap */
	} rows[] = {
	    {EXPONENTIAL, 0, 12, 0.85, 1.05},
	    {EXPONENTIAL, 0, 60, 0.9, 1.1},
	    {EXPONENTIAL, 0, 500, 0.9, 1.1},
	    {EXPONENTIAL, 40, 12, 0.85, 1.1},
	    {EXPONENTIAL, 40, 60, 0.85, 1.1},
	    {LOPSIDED, 0, 12, 1.3, 1.7},
	    {LOPSIDED, 0, 500, 1.5, 1.9},
	    {SPIKES, 0, 12, 1.0, 1.6},
	    {SPIKES, 0, 60, 1.0, 1.5},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double gap = 0, above = 0;

		for (uint64_t seed = 1; seed <= 300; seed++) {
			struct chance c = {seed};
			struct delay_track t;
			unsigned back;

			delay_init(&t);
			for (unsigned k = 0; k < rows[i].congested; k++)
				(void)delay_add(&t,
				    25 + 30 * draw_law(&c, EXPONENTIAL), NAN,
				    &back);
			for (unsigned k = 0; k < rows[i].free; k++)
				(void)delay_add(&t,
				    5 + draw_law(&c, rows[i].law), NAN, &back);
			gap += delay_route_gap(&t, now(&t));
			above += now(&t)->floor - 5;
			assert_true(delay_route_gap(&t, now(&t)) <=
				    delay_floor_gap(&t, now(&t)->samples));
		}
		if (gap < rows[i].least * above || gap > rows[i].most * above)
			fail_msg("row %zu: %.3f", i, gap / above);
	}
}

/* Full buffers on both ways: the floor rises by thousands of the queues that
 * the path had, and the new queues are as long. The gap is that of the new
 * ones, and a smaller delay is no other route. */
static void a_route_with_other_queues_has_a_gap_of_its_own(void **state)
{
	double gap = 0, above = 0;
	unsigned changes = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct path quiet = {{seed}, 14e-3, 2e-5};
		struct path full = {{seed}, 470e-3, 75e-3};
		struct delay_track t;

		delay_init(&t);
		(void)feed(&t, &quiet, 100);
		while (t.route == 0)
			(void)feed(&t, &full, 1);
		gap += delay_queue_gap(&t, now(&t));
		above += now(&t)->floor - full.base;
		assert_true(delay_queue_gap(&t, now(&t)) >
			    100 * delay_floor_gap(&t, now(&t)->samples));
		changes += feed(&t, &full, 60);
		/* The short route comes back, with the queues it had. */
		(void)feed(&t, &quiet, 20);
		assert_int_equal(t.route, 0);
		assert_true(delay_queue_gap(&t, now(&t)) < 1e-3);
	}
	if (changes > 4 || gap < above || gap > 4 * above)
		fail_msg("%.3f, %u", gap / above, changes);
}

/* The buffers fill again and again. Some delays that waited for long one after
 * another are no other route. */
static void a_route_with_long_queues_stays_one_route(void **state)
{
	unsigned more = 0, left = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct path quiet = {{seed}, 14e-3, 2e-5};
		struct path full = {{seed}, 470e-3, 75e-3};
		struct delay_track t;

		delay_init(&t);
		for (unsigned i = 0; i < 4; i++) {
			(void)feed(&t, &quiet, 100);
			(void)feed(&t, &full, 80);
			left += t.route == 0;
		}
		more += t.known - 2;
	}
	if (more > 23 || left > 0)
		fail_msg("%u more, %u left", more, left);
}

/* The queue of a path with long queues has a floor that is far above: those
 * that waited longest by chance do not make it creep. */
static void a_queue_that_begins_does_not_creep(void **state)
{
	unsigned crept = 0, found = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct path p = {{seed}, 4e-3, 5e-3};
		struct delay_track t;
		unsigned back;

		delay_init(&t);
		(void)feed(&t, &p, 300);
		for (unsigned k = 0; k < 30 && t.route == 0; k++)
			(void)delay_add(&t,
			    40e-3 + chance_exponential(&p.chance, 36e-3), NAN,
			    &back);
		found += t.route != 0;
		crept += now(&t)->crept;
	}
	if (crept > 1 || found < 270)
		fail_msg("%u crept, %u found", crept, found);
}

/* A queue begins soon after the start. The few samples of the free path still
 * tell its floor, whatever the queue does. */
static void a_queue_leaves_the_floor_that_is_known(void **state)
{
	struct chance c = {1};
	struct delay_track t;
	unsigned back;

	(void)state;
	delay_init(&t);
	for (unsigned i = 0; i < 5; i++)
		(void)delay_add(&t, 20 + i % 3, NAN, &back);
	for (unsigned i = 0; i < 60; i++) {
		(void)delay_add(
		    &t, 1000 + chance_exponential(&c, 5000), NAN, &back);
		assert_int_equal(t.route, 0);
		if (i > 10)
			assert_true(
			    delay_floor_gap(&t, now(&t)->samples) > 300);
		assert_true(delay_route_gap(&t, now(&t)) < 10);
	}
}

/* Which of the smallest delays count, by the number of samples. The k-th lies
 * k + k^2 / 10 above the first, and the mean queue is `queue`. */
static void the_kth_smallest_delay_tells_the_gap(void **state)
{
	static const struct {
		unsigned samples, k; /* 0: the mean queue tells it */
		double queue;
	} rows[] = {
	    {3, 0, 1e3},
	    {4, 3, 1e3},
	    {15, 3, 1e3},
	    {16, 4, 1e3},
	    {20, 5, 1e3},
	    {31, 7, 1e3},
	    {32, 8, 1e3},
	    {5000, 8, 1e4},
	    /* The smallest delays give hardly a smaller gap than the
	     * mean queue does, so the mean queue counts. */
	    {32, 0, 40},
	    {32, 8, 70},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct delay_route r = {.samples = rows[i].samples};
		struct delay_track t = {.queue = rows[i].queue};
		double want = delay_floor_gap(&t, r.samples), k = rows[i].k;

		for (unsigned j = 0; j < DELAY_LOWEST; j++)
			r.lowest[j] = 100 + j + j * j / 10.0;
		if (rows[i].k > 0)
			want = 0.886 * (k - 1 + (k - 1) * (k - 1) / 10) /
			       (sqrt(k - 0.25) - 0.886);
		if (fabs(delay_route_gap(&t, &r) - want) > 1e-9 * want)
			fail_msg("row %zu: %.3f, not %.3f", i,
			    delay_route_gap(&t, &r), want);
	}
}

/* Stamps are no better than 20 ns, so no gap is smaller. */
static void equal_delays_leave_the_least_gap(void **state)
{
	struct delay_track t;
	unsigned back;

	(void)state;
	delay_init(&t);
	for (unsigned i = 0; i < 40; i++)
		(void)delay_add(&t, i % 4 == 1 ? 2e-3 : 1e-3, NAN, &back);
	assert_true(t.queue > 1e-5);
	assert_true(delay_route_gap(&t, now(&t)) == 20e-9);
}

static double draw_spiky(struct path *p, bool spike)
{
	return draw(p) + (spike ? 2e-3 : 0);
}

/* Each n-th packet waits for a hundred queues: the mean queue grows, and the
 * quiet queue stays. */
static void rare_spikes_leave_the_quiet_queue(void **state)
{
	static const unsigned periods[] = {4, 10, 30};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(periods); k++)
		for (uint64_t seed = 1; seed <= 20; seed++) {
			struct path p = {{seed}, 1e-3, 1e-5};
			struct delay_track t;
			unsigned back;

			delay_init(&t);
			for (unsigned i = 0; i < 500; i++)
				(void)delay_add(&t,
				    draw_spiky(&p, i % periods[k] == 3), NAN,
				    &back);
			assert_true(t.queue > 3e-5);
			assert_true(t.quiet > 0.4e-5 && t.quiet < 2.5e-5);
			assert_true(t.lately <= t.quiet);
		}
}

/* After a busy hour, in which one packet in eight finds short queues, the
 * latest few samples show first that it is over, then the quiet queue does. The
 * mean queue is the last. */
static void the_quiet_queues_forget_a_busy_hour(void **state)
{
	static const struct {
		unsigned after;	    /* samples */
		bool lately, quiet; /* forgotten? */
	} rows[] = {{0, false, false}, {8, true, false}, {32, true, true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (uint64_t seed = 1; seed <= 20; seed++) {
			struct path p = {{seed}, 1e-3, 1e-5};
			struct delay_track t;

			delay_init(&t);
			(void)feed(&t, &p, 300);
			for (unsigned k = 0; k < 300; k++) {
				p.queue = k % 8 ? 1e-3 : 1e-5;
				(void)feed(&t, &p, 1);
			}
			p.queue = 1e-5;
			p.base += 2e-6;
			assert_int_equal(feed(&t, &p, rows[i].after), 0);
			assert_int_equal(t.lately < 12e-5, rows[i].lately);
			assert_int_equal(t.quiet < 12e-5, rows[i].quiet);
			assert_true(t.queue > 20e-5);
		}
}

/* A delay of a path with a long queue that is never empty. */
static double draw_congested(struct path *p)
{
	return draw(p) + 2e-3 + chance_exponential(&p->chance, 1e-3) +
	       chance_exponential(&p->chance, 1e-3);
}

/* A congestion ends after n samples: at most five samples later the short
 * route is known, and its queue is that of the free path. */
static void the_end_of_a_congestion_is_found(void **state)
{
	static const struct {
		unsigned n, within;
	} rows[] = {{8, 5}, {9, 4}, {12, 4}, {16, 3}, {20, 3}, {60, 3},
	    {127, 3}, {128, 3}, {300, 3}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (uint64_t seed = 1; seed <= 50; seed++) {
			struct path p = {{seed}, 1e-3, 1e-6};
			struct delay_track t;
			unsigned back = 0, n = 0;

			delay_init(&t);
			for (unsigned k = 0; k < rows[i].n; k++)
				(void)delay_add(
				    &t, draw_congested(&p), NAN, &back);
			do
				assert_in_range(++n, 1, rows[i].within);
			while (delay_add(&t, draw(&p), NAN, &back) <
			       DELAY_SHORTER);
			/* No congested sample belongs to the short route. */
			assert_int_equal(back, n);
			assert_true(now(&t)->floor < 1.02e-3);
			assert_ptr_equal(delay_shortest_route(&t), now(&t));
			(void)feed(&t, &p, 20);
			assert_true(t.quiet < 5e-6);
			assert_true(now(&t)->shift < -1.5e-3);
		}
}

/* A thousand starts of a quiet path: what looks like the end of a congestion
 * by chance comes once in a thousand. */
static void a_quiet_path_hardly_ends_a_congestion(void **state)
{
	unsigned changes = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		struct path p = {{seed}, 1e-3, 1e-4};
		struct delay_track t;

		delay_init(&t);
		changes += feed(&t, &p, 100);
	}
	assert_in_range(changes, 0, 2);
}

/* Delays of n congested samples, at least 2 ms. */
static void congest(struct delay_track *t, unsigned n)
{
	unsigned back;

	delay_init(t);
	for (unsigned i = 0; i < n; i++)
		(void)delay_add(t, 2e-3 + i % 7 * 3e-4, NAN, &back);
}

/* How many samples of 1 ms, and of 1 ms plus `spread`, end a congestion of n
 * samples: the chance that the latest m are the smallest of all is less than
 * exp(-3.6) / (n + m), and they lie within a third of their distance to the
 * others. 0: the congestion does not end. */
static void the_samples_that_end_a_congestion(void **state)
{
	static const struct {
		unsigned n;
		double spread;
		unsigned m;
	} rows[] = {{5, 0, 0}, {6, 0, 5}, {7, 0, 5}, {8, 0, 4}, {13, 0, 4},
	    {14, 0, 3}, {20, 0, 3}, {20, 0.24e-3, 3}, {20, 0.26e-3, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct delay_track t;
		const struct delay_route *left;
		unsigned back = 0, m = 0;
		enum delay_event event = DELAY_UNCHANGED;

		congest(&t, rows[i].n);
		while (event != DELAY_FREED && m++ < 12)
			event = delay_add(&t,
			    1e-3 + (m % 2 ? 0 : rows[i].spread), NAN, &back);
		if (rows[i].m == 0) {
			assert_int_equal(t.known, 1);
			continue;
		}
		assert_int_equal(m, rows[i].m);
		assert_int_equal(back, m);
		assert_int_equal(now(&t)->samples, m);
		assert_int_equal(t.since, m);
		assert_true(now(&t)->floor == 1e-3);
		assert_true(fabs(now(&t)->shift + 1e-3) < 1e-12);
		assert_false(now(&t)->congested);
		left = delay_route(&t, 0);
		assert_true(left->congested);
		assert_int_equal(left->samples, rows[i].n);
		for (unsigned k = 0; k < 2; k++)
			assert_true(left->marks[k] == 2e-3);
		assert_true(left->floor == 2e-3);
	}
}

/* Nothing of the congestion is in the queues of the route after it. */
static void the_queues_of_a_congestion_are_forgotten(void **state)
{
	struct delay_track t;
	unsigned back;
	double queue;

	(void)state;
	congest(&t, 14);
	/* A mean of a third above the least of three, and few samples tell
	 * little. */
	for (unsigned i = 0; i < 3; i++)
		(void)delay_add(&t, i == 1 ? 1.06e-3 : 1e-3, NAN, &back);
	queue = 2e-5 / (2 - sqrt(M_PI / 2) / sqrt(3)) * (1 + 4 / sqrt(3));
	assert_true(fabs(t.queue / queue - 1) < 1e-9);
	assert_true(t.quiet == t.queue && t.lately == t.queue);
	assert_true(t.rise == 0 && t.sides_rise == 0 && t.blocks == 0);
	for (unsigned i = 0; i < 16; i++)
		(void)delay_add(&t, i % 2 ? 1.06e-3 : 1e-3, NAN, &back);
	assert_true(t.queue < 3e-5);
}

/* A floor that rises little by little is marked, and more surely the faster it
 * does. A floor that steps never is. */
static void a_creeping_floor_is_marked(void **state)
{
	static const struct {
		double step, rate; /* queues, and queues per sample */
		unsigned least, most;
	} rows[] = {{10, 0, 0, 0}, {0, 0, 0, 0}, {0, 0.03, 35, 100},
	    {0, 0.1, 65, 100}, {0, 0.3, 95, 100}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned marked = 0;

		for (uint64_t seed = 1; seed <= 100; seed++) {
			struct path p = {{seed}, 1e-3, 1e-5};
			struct delay_track t;
			bool crept = false;
			unsigned back;

			delay_init(&t);
			(void)feed(&t, &p, 200);
			p.base += rows[i].step * p.queue;
			for (unsigned k = 0; k < 300; k++) {
				p.base += rows[i].rate * p.queue;
				(void)delay_add(&t, draw(&p), NAN, &back);
				crept |= now(&t)->crept;
			}
			/* Either way it is another route. */
			if (rows[i].step > 0 || rows[i].rate >= 0.1)
				assert_true(now(&t)->number > 0);
			marked += crept;
		}
		if (marked < rows[i].least || marked > rows[i].most)
			fail_msg("row %zu: %u", i, marked);
	}
}

/* What crept was not a detour, and its floor is no witness. */
static void the_shortest_route_has_not_crept(void **state)
{
	static const struct {
		double floors[3]; /* 0: a free place */
		bool crept[3];
		int shortest; /* the place; -1: none */
	} rows[] = {
	    {{0, 0, 0}, {false}, -1},
	    {{3, 0, 0}, {false}, 0},
	    {{3, 1, 2}, {false}, 1},
	    {{3, 1, 2}, {false, true, false}, 2},
	    {{3, 0, 2}, {false}, 2},
	    {{3, 0, 0}, {true, false, false}, -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct delay_route *r;
		struct delay_track t;

		delay_init(&t);
		for (unsigned k = 0; k < 3; k++)
			t.routes[k] = (struct delay_route){.number = k,
			    .samples = rows[i].floors[k] > 0 ? 5 : 0,
			    .floor = rows[i].floors[k],
			    .crept = rows[i].crept[k]};
		r = delay_shortest_route(&t);
		assert_int_equal(r ? r - t.routes : -1, rows[i].shortest);
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

/* The smallest delays of a bell are far apart, those of queues are not. */
static void a_bell_has_no_sharp_edge(void **state)
{
	static const struct {
		enum law law;
		unsigned n;
		double least, most;
	} rows[] = {
	    {EXPONENTIAL, 3, 0.999, 1.001},
	    {EXPONENTIAL, 300, 0.8, 1.3},
	    {LOPSIDED, 300, 0.3, 1},
	    {SPIKES, 300, 0.05, 1},
	    {BELL, 100, 3, 5},
	    {BELL, 500, 6, 9},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double mean = 0;

		for (uint64_t seed = 1; seed <= 100; seed++) {
			struct chance c = {seed};
			struct delay_track t;
			unsigned back;

			delay_init(&t);
			for (unsigned k = 0; k < rows[i].n; k++)
				(void)delay_add(&t,
				    1 + 1e-3 * draw_law(&c, rows[i].law), NAN,
				    &back);
			mean += delay_edge_ratio(&t, now(&t)) / 100;
		}
		if (mean < rows[i].least || mean > rows[i].most)
			fail_msg("row %zu: %g", i, mean);
	}
}

/* A start on a longer route. Its queue was learned from the first samples of
 * the next one, too, which are taken back. */
static void a_route_forgets_a_queue_that_was_of_the_next_one(void **state)
{
	struct path p = {{7}, 100e-3, 0.2e-3};
	enum delay_event event = DELAY_UNCHANGED;
	struct delay_track t;
	unsigned left, back, n = 0;

	(void)state;
	delay_init(&t);
	for (unsigned i = 0; i < 12; i++)
		(void)delay_add(&t, draw(&p), NAN, &back);
	left = t.route;
	p.base = 20e-3;
	while (event < DELAY_SHORTER && ++n < 30)
		event = delay_add(&t, draw(&p), NAN, &back);
	assert_true(event >= DELAY_SHORTER);
	assert_true(delay_route(&t, left)->queue < 1e-3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_route_forgets_a_queue_that_was_of_the_next_one),
	    cmocka_unit_test(a_bell_has_no_sharp_edge),
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
	    cmocka_unit_test(a_route_with_other_queues_has_a_gap_of_its_own),
	    cmocka_unit_test(a_route_with_long_queues_stays_one_route),
	    cmocka_unit_test(a_queue_that_begins_does_not_creep),
	    cmocka_unit_test(a_queue_leaves_the_floor_that_is_known),
	    cmocka_unit_test(the_kth_smallest_delay_tells_the_gap),
	    cmocka_unit_test(equal_delays_leave_the_least_gap),
	    cmocka_unit_test(rare_spikes_leave_the_quiet_queue),
	    cmocka_unit_test(the_quiet_queues_forget_a_busy_hour),
	    cmocka_unit_test(the_end_of_a_congestion_is_found),
	    cmocka_unit_test(a_quiet_path_hardly_ends_a_congestion),
	    cmocka_unit_test(the_samples_that_end_a_congestion),
	    cmocka_unit_test(the_queues_of_a_congestion_are_forgotten),
	    cmocka_unit_test(a_creeping_floor_is_marked),
	    cmocka_unit_test(the_shortest_route_has_not_crept),
	    cmocka_unit_test(test_old_routes_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
