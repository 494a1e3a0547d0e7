/* Floors that creep, and delays that only look like it. */
#include "clock/filter/creep.h"

#include "tests/unit/clock/chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BASE 20e-3
#define QUEUE 1e-3
#define INTERVAL 64.0

struct path {
	struct chance chance;
	struct creep creep;
	double at, floor, queue;
};

static struct path path_of(uint64_t seed)
{
	struct path p = {.chance = {seed}, .floor = BASE, .queue = QUEUE};

	creep_init(&p.creep, CREEP_BLOCK);
	return p;
}

/* Polls n times. The floor moves by `rate` in a second. Returns true if it was
 * ever taken to creep. */
static bool poll(struct path *p, unsigned n, double rate)
{
	bool crept = false;

	for (unsigned i = 0; i < n; i++) {
		double queue = chance_exponential(&p->chance, p->queue) +
			       chance_exponential(&p->chance, p->queue);

		p->at += INTERVAL;
		p->floor += rate * INTERVAL;
		creep_add(&p->creep, p->at, p->floor + queue, BASE, QUEUE);
		crept = crept || p->creep.creeps;
	}
	return crept;
}

static double level(const struct path *p)
{
	return creep_at(&p->creep, p->at, p->floor);
}

static void a_steady_floor_does_not_creep(void **state)
{
	unsigned crept = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct path p = path_of(seed);

		crept += poll(&p, 2000, 0);
		assert_true(fabs(level(&p)) < QUEUE / 2);
	}
	assert_true(crept <= 1);
}

/* Up for six hours, a rest, and down again: the error stays below half of a
 * mean queue. */
static void a_creeping_floor_is_followed(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct path p = path_of(seed);

		(void)poll(&p, 128, 0);
		(void)poll(&p, 340, 0.25e-6);
		assert_true(p.creep.creeps);
		assert_true(fabs(level(&p) - (p.floor - BASE)) < QUEUE / 2);
		(void)poll(&p, 256, 0);
		assert_true(fabs(level(&p) - (p.floor - BASE)) < 0.8 * QUEUE);
		(void)poll(&p, 340, -0.25e-6);
		assert_true(p.creep.creeps);
		assert_true(fabs(level(&p) - (p.floor - BASE)) < QUEUE / 2);
		assert_true(creep_range(&p.creep) > 4 * QUEUE);
	}
}

/* A rush hour begins and ends: the smallest delays rise with the queues, but
 * not by more than their own spread. */
static void a_congestion_does_not_creep(void **state)
{
	unsigned crept = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct path p = path_of(seed);

		crept += poll(&p, 300, 0);
		p.queue = 8 * QUEUE;
		crept += poll(&p, 500, 0);
		p.queue = QUEUE;
		crept += poll(&p, 300, 0);
	}
	assert_true(crept <= 2);
}

/* The smallest of many delays is above the floor: over many paths, no part of
 * that is left. */
static void the_level_is_that_of_the_floor(void **state)
{
	double sum = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct path p = path_of(seed);

		(void)poll(&p, 340, 0.25e-6);
		sum += level(&p) - (p.floor - BASE);
	}
	assert_true(fabs(sum / 200) < 0.02 * QUEUE);
}

static void a_floor_that_fell_has_a_range(void **state)
{
	struct path p = path_of(2);

	(void)state;
	(void)poll(&p, 128, 0);
	(void)poll(&p, 340, -0.25e-6);
	assert_true(p.creep.creeps);
	assert_true(creep_range(&p.creep) > 4 * QUEUE);
}

/* A creep of twenty mean queues within 40 samples, as long polls show it. */
static void short_blocks_see_a_creep_sooner(void **state)
{
	unsigned sooner = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct path p = path_of(seed), q = path_of(seed);

		creep_init(&p.creep, CREEP_SHORT);
		sooner += poll(&p, 40, 8e-6) && !poll(&q, 40, 8e-6);
		assert_true(!p.creep.creeps || creep_range(&p.creep) > 0);
	}
	assert_true(sooner >= 18);
}

/* Neither a steady floor nor one that steps twice as far creeps little by
 * little. */
static void short_blocks_see_no_creep_in_steps(void **state)
{
	unsigned crept = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct path p = path_of(seed);

		creep_init(&p.creep, CREEP_SHORT);
		crept += poll(&p, 1000, 0);
		for (unsigned i = 0; i < 2; i++) {
			p.floor += 10 * QUEUE;
			crept += poll(&p, 64, 0);
		}
		assert_true(creep_range(&p.creep) == 0 || crept > 0);
	}
	assert_true(crept <= 1);
}

/* It goes on from where the line led, and stays there. */
static void the_level_rests_when_the_creep_ends(void **state)
{
	struct path p = path_of(5);
	double led = 0;

	(void)state;
	(void)poll(&p, 340, 0.25e-6);
	assert_true(p.creep.creeps);
	assert_true(fabs(p.creep.rate - 0.25e-6) < 0.05e-6);
	for (unsigned i = 0; i < 1000 && p.creep.creeps; i++) {
		led = creep_at(&p.creep, p.at + INTERVAL, 1);
		(void)poll(&p, 1, 0);
	}
	assert_false(p.creep.creeps);
	assert_true(fabs(creep_at(&p.creep, p.at, 1) - led) < 1e-9);
	assert_true(fabs(creep_at(&p.creep, p.at + 1e5, 1) - led) < 1e-9);
}

static void a_block_has_its_smallest_delay_and_the_mean(void **state)
{
	static const double delays[CREEP_BLOCK] = {8, 7, 2, 5, 4, 6, 3, 5};
	struct creep c;

	(void)state;
	creep_init(&c, CREEP_BLOCK);
	for (int round = 1; round <= 2; round++) {
		for (int i = 0; i < CREEP_BLOCK; i++)
			creep_add(&c, 100 * round + i, delays[i] + round, 0, 1);
		assert_int_equal(c.count, round);
		assert_true(c.blocks[round - 1].at == 100 * round + 2);
		assert_true(c.blocks[round - 1].least == 2 + round);
		assert_true(c.blocks[round - 1].mean == 5 + round);
	}
	/* A block is not of two routes. */
	creep_add(&c, 300, 1, 0, 1);
	creep_restart(&c, 301);
	for (int i = 0; i < CREEP_BLOCK; i++)
		creep_add(&c, 400 + i, delays[i], 0, 1);
	assert_int_equal(c.count, 1);
	assert_true(c.blocks[0].at == 402 && c.blocks[0].least == 2);
}

/* Nothing of the old route is left in the line, but the level stays: the other
 * routes were measured with it. */
static void another_route_begins_without_blocks(void **state)
{
	struct path p = path_of(3);
	double before, now;

	(void)state;
	(void)poll(&p, 340, 0.25e-6);
	assert_true(p.creep.creeps);
	/* The line leads on until the last moment. */
	now = p.at + 0.9 * CREEP_BLOCK * INTERVAL;
	before = creep_at(&p.creep, now, 1);
	assert_true(before > p.creep.level);
	creep_restart(&p.creep, now);
	assert_true(p.creep.level == before);
	assert_true(p.creep.highest >= before);
	assert_false(p.creep.creeps);
	(void)poll(&p, 60, 0);
	assert_false(p.creep.creeps);
	assert_true(p.creep.level == before);
	assert_true(level(&p) == before);
}

/* A floor that falls has a new lowest level then. */
static void a_restart_counts_for_the_range(void **state)
{
	struct path p = path_of(3);
	double now, range;

	(void)state;
	(void)poll(&p, 340, -0.25e-6);
	assert_true(p.creep.creeps);
	now = p.at + 0.9 * CREEP_BLOCK * INTERVAL;
	range = p.creep.highest - creep_at(&p.creep, now, 1);
	assert_true(range > creep_range(&p.creep));
	creep_restart(&p.creep, now);
	assert_true(creep_range(&p.creep) == range);
}

/* A slope of 0.1 us/s is found within eight hours. */
static void a_slow_creep_is_found(void **state)
{
	unsigned found = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct path p = path_of(seed);

		(void)poll(&p, 128, 0);
		found += poll(&p, 450, 0.1e-6);
	}
	assert_true(found >= 16);
}

/* A much shorter route must not make a delay negative. */
static void at_most_half_of_a_delay_crept(void **state)
{
	struct path p = path_of(4);

	(void)state;
	p.creep.level = 5e-3;
	assert_true(creep_at(&p.creep, 0, 2e-3) == 1e-3);
	assert_true(creep_at(&p.creep, 0, 20e-3) == 5e-3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_steady_floor_does_not_creep),
	    cmocka_unit_test(a_creeping_floor_is_followed),
	    cmocka_unit_test(a_congestion_does_not_creep),
	    cmocka_unit_test(the_level_is_that_of_the_floor),
	    cmocka_unit_test(a_floor_that_fell_has_a_range),
	    cmocka_unit_test(short_blocks_see_a_creep_sooner),
	    cmocka_unit_test(short_blocks_see_no_creep_in_steps),
	    cmocka_unit_test(the_level_rests_when_the_creep_ends),
	    cmocka_unit_test(a_block_has_its_smallest_delay_and_the_mean),
	    cmocka_unit_test(another_route_begins_without_blocks),
	    cmocka_unit_test(a_restart_counts_for_the_range),
	    cmocka_unit_test(a_slow_creep_is_found),
	    cmocka_unit_test(at_most_half_of_a_delay_crept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
