/* Delays with and without a lower edge, and the middle of those without. */
#include "clock/filter/bell.h"

#include "tests/unit/clock/chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#define BASE 20e-3
#define JITTER 1e-3

enum law { NORMAL, EXPONENTIAL, NINE_QUEUES, UNIFORM };

/* A path: the law and the standard deviation of the jitter of each way. */
struct path {
	struct chance chance;
	struct delay_track delay;
	struct bell bell;
	enum law law;
	double base, up, down;
	double clock; /* its error, s; moves on with each sample */
	double last_delay, last_error;
	unsigned changes; /* of what is believed */
};

static struct path path_of(uint64_t seed, enum law law, double up, double down)
{
	struct path p = {
	    .chance = {seed}, .law = law, .base = BASE, .up = up, .down = down};

	delay_init(&p.delay);
	bell_init(&p.bell);
	return p;
}

/* Of a standard deviation of 1. */
static double draw(struct path *p)
{
	double sum = 0;

	switch (p->law) {
	case NORMAL:
		return chance_normal(&p->chance);
	case EXPONENTIAL:
		return chance_exponential(&p->chance, 1);
	case NINE_QUEUES:
		for (unsigned i = 0; i < 9; i++)
			sum += chance_exponential(&p->chance, 1.0 / 3);
		return sum;
	case UNIFORM:
		return chance_between(&p->chance, 0, sqrt(12));
	}
	return 0;
}

static void poll(struct path *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		double up = p->up * draw(p), down = p->down * draw(p);
		unsigned back;

		p->clock += 1e-6;
		p->last_delay = 2 * p->base + up + down;
		p->last_error = (up - down) / 2;
		bell_width(&p->bell, p->delay.route, &p->delay.middle,
		    &p->delay.deviation);
		(void)delay_add(&p->delay, p->last_delay, NAN, &back);
		p->changes += bell_add(&p->bell, &p->delay, p->last_delay,
		    p->last_error + p->clock);
	}
}

/* How many of so many paths are believed to have a bell after n samples. */
static unsigned believed_of(
    unsigned paths, enum law law, double up, double down, unsigned n)
{
	unsigned found = 0;

	for (uint64_t seed = 1; seed <= paths; seed++) {
		struct path p = path_of(seed, law, up, down);

		poll(&p, n);
		found += p.bell.believed;
	}
	return found;
}

static unsigned believed(enum law law, double up, double down, unsigned n)
{
	return believed_of(20, law, up, down, n);
}

/* Also if some of the smallest delays lie close together by chance. */
static void normal_jitter_is_a_bell(void **state)
{
	(void)state;
	assert_true(believed_of(100, NORMAL, JITTER, JITTER, 500) >= 95);
	assert_true(believed_of(100, NORMAL, JITTER, JITTER / 5, 500) >= 95);
	assert_true(believed_of(100, NORMAL, JITTER / 10, JITTER, 500) >= 95);
}

/* A line that is full for minutes, on one way or on the other: its delays have
 * the shape of a bell, but the shortest of them are far below the middle. */
static void a_full_line_is_no_bell(void **state)
{
	struct path p;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		p = path_of(seed, NORMAL, 2.5e-3, 0);
		p.base = 4.5e-3;
		poll(&p, 500);
		assert_false(p.bell.believed);
		p = path_of(seed, NORMAL, 0, 2.5e-3);
		p.base = 4.5e-3;
		poll(&p, 500);
		assert_false(p.bell.believed);
		/* The same jitter of a long path is one. */
		p = path_of(seed, NORMAL, 2.5e-3, 0);
		p.base = 45e-3;
		poll(&p, 500);
		if (seed == 1)
			assert_true(p.bell.believed);
	}
}

/* What was believed ends with the first delay that makes it impossible. */
static void one_short_delay_ends_a_bell(void **state)
{
	struct path p = path_of(2, NORMAL, JITTER, 0);

	(void)state;
	p.base = 5 * JITTER;
	poll(&p, 150);
	assert_true(p.bell.believed);
	p.base = 3 * JITTER;
	p.up = 0;
	poll(&p, 1);
	assert_int_equal(p.delay.route, 0);
	assert_false(p.bell.believed);
}

static void queues_are_no_bell(void **state)
{
	(void)state;
	for (unsigned n = 50; n <= 1000; n += 50) {
		assert_int_equal(believed(EXPONENTIAL, JITTER, JITTER, n), 0);
		assert_int_equal(
		    believed(EXPONENTIAL, JITTER, JITTER / 20, n), 0);
	}
}

/* Their shape is nearly a bell, but it leans. */
static void nine_queues_in_a_row_are_no_bell(void **state)
{
	(void)state;
	assert_true(believed(NINE_QUEUES, JITTER, JITTER / 5, 200) <= 2);
	assert_true(believed(NINE_QUEUES, JITTER, JITTER / 5, 1000) <= 1);
}

/* It is as symmetric as a bell, but its low edge is sharp. */
static void uniform_jitter_is_no_bell(void **state)
{
	(void)state;
	assert_int_equal(believed(UNIFORM, JITTER, JITTER / 20, 500), 0);
	assert_true(believed_of(100, UNIFORM, JITTER, JITTER, 1000) <= 6);
}

/* A load that wanders scatters as a bell does, but not from one sample to the
 * next. */
static void what_wanders_is_no_bell(void **state)
{
	unsigned found = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct path p = path_of(seed, NORMAL, JITTER / 5, JITTER / 5);

		for (unsigned i = 0; i < 600; i++) {
			double away = p.base - BASE;

			p.base += 0.3 * JITTER * chance_normal(&p.chance) -
				  0.2 * away;
			poll(&p, 1);
		}
		found += p.bell.believed;
	}
	assert_true(found <= 2);
}

/* The smallest of many delays is chance, so thousands of samples later the path
 * is still on its first route. When the path truly takes longer by four
 * deviations, it is found. */
static void a_bell_has_one_route(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct path p = path_of(seed, NORMAL, JITTER, JITTER / 5);
		unsigned known;

		while (!p.bell.believed)
			poll(&p, 1);
		known = p.delay.known;
		poll(&p, 4000);
		assert_int_equal(p.delay.known, known);
		assert_true(fabs(p.delay.middle - 2 * BASE) < 0.2 * JITTER);
		assert_true(fabs(p.delay.deviation / JITTER - 1.02) < 0.1);
		p.base += 2 * JITTER;
		poll(&p, 20);
		assert_int_equal(p.delay.known, known + 1);
		assert_true(p.delay.deviation == 0);
	}
}

/* On the seldom busy way the jitter is smaller, and the clock's own error moves
 * on meanwhile. */
static void what_a_delay_says_of_its_error(void **state)
{
	double before = 0, after = 0;
	unsigned n = 2000;
	struct path p = path_of(3, NORMAL, JITTER, JITTER / 5);

	(void)state;
	poll(&p, 500);
	assert_true(p.bell.believed);
	for (unsigned i = 0; i < n; i++) {
		double error;
		struct box box;

		poll(&p, 1);
		box = bell_box(
		    &p.bell, p.delay.route, p.last_delay, 1e-9, &error);
		/* Of the error given the delay: 1/5 / hypot(1, 1/5) of JITTER.
		 */
		assert_true(fabs(box.edge - 0.196 * JITTER) < 0.03 * JITTER);
		assert_true(box.half < box.edge / 1000);
		assert_true(box.tilt == 0);
		before += p.last_error * p.last_error / n;
		after += (p.last_error - error) * (p.last_error - error) / n;
	}
	assert_true(sqrt(before) > 0.45 * JITTER);
	assert_true(sqrt(after) < 0.25 * JITTER);
}

/* The middle belongs to a route; the kind of the jitter to the path. */
static void each_route_has_its_own_middle(void **state)
{
	struct path p = path_of(5, NORMAL, JITTER, JITTER / 5);
	unsigned first, second;
	double error, sharp;

	(void)state;
	poll(&p, 600);
	assert_true(p.bell.believed);
	first = p.delay.route;
	sharp = bell_box(&p.bell, first, 2 * BASE + JITTER, 0, &error).edge;
	assert_true(fabs(error - 0.48 * JITTER) < 0.1 * JITTER);
	p.base += 20 * JITTER;
	poll(&p, 20);
	second = p.delay.route;
	assert_int_not_equal(second, first);
	assert_true(bell_fits(&p.bell, first));
	assert_true(bell_fits(&p.bell, second));
	assert_false(bell_fits(&p.bell, second + 1));
	(void)bell_box(&p.bell, first, 2 * BASE + JITTER, 0, &error);
	assert_true(fabs(error - 0.48 * JITTER) < 0.1 * JITTER);
	/* Of few samples the middle is uncertain. */
	assert_true(bell_box(&p.bell, second, 2 * p.base, 0, &error).edge >
		    1.05 * sharp);
}

static void what_is_believed_is_unlearned(void **state)
{
	struct path p = path_of(7, NORMAL, JITTER, JITTER);

	(void)state;
	poll(&p, 600);
	assert_true(p.bell.believed);
	assert_int_equal(p.changes % 2, 1);
	p.law = EXPONENTIAL;
	poll(&p, 300);
	assert_false(p.bell.believed);
	assert_int_equal(p.changes % 2, 0);
}

/* After a change of the route nothing is doubted before enough samples of it
 * are there, not even by delays that never differ. */
static void a_new_route_is_not_doubted_by_few_samples(void **state)
{
	struct path p = path_of(5, NORMAL, JITTER, JITTER / 5);
	double middle, deviation;
	unsigned first;

	(void)state;
	poll(&p, 600);
	assert_true(p.bell.believed);
	first = p.delay.route;
	p.base += 20 * JITTER;
	p.up = p.down = 0;
	poll(&p, 63);
	assert_int_not_equal(p.delay.route, first);
	assert_true(p.bell.believed);
	bell_width(&p.bell, p.delay.route, &middle, &deviation);
	assert_true(middle == 0 && deviation == 0);
	bell_width(&p.bell, first, &middle, &deviation);
	assert_true(fabs(middle - 2 * BASE) < 0.2 * JITTER);
	bell_width(&p.bell, p.delay.route + 1, &middle, &deviation);
	assert_true(middle == 0 && deviation == 0);
	poll(&p, 64);
	assert_false(p.bell.believed);
}

/* Delays that are no bell have no middle, however many there are. */
static void no_bell_has_no_width(void **state)
{
	struct path p = path_of(7, EXPONENTIAL, JITTER, JITTER);
	double middle = 1, deviation = 1;

	(void)state;
	poll(&p, 300);
	assert_false(p.bell.believed);
	bell_width(&p.bell, p.delay.route, &middle, &deviation);
	assert_true(middle == 0 && deviation == 0);
}

/* One delay in fifty is far above the others. They say nothing of the middle.
 * One in ten is no bell. */
static void rare_spikes_are_left_out(void **state)
{
	static const struct {
		unsigned every;
		bool believed;
	} rows[] = {{50, true}, {10, false}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct path p = path_of(3, NORMAL, JITTER, JITTER / 5);
		double error;

		poll(&p, 200);
		for (unsigned n = 0; n < 600 / rows[i].every; n++) {
			poll(&p, rows[i].every - 1);
			p.base += 10 * JITTER;
			poll(&p, 1);
			p.base -= 10 * JITTER;
		}
		assert_int_equal(p.bell.believed, rows[i].believed);
		if (!p.bell.believed)
			continue;
		(void)bell_box(&p.bell, p.delay.route, 2 * BASE, 0, &error);
		assert_true(fabs(error) < 0.06 * JITTER);
	}
}

/* Stamps that never differ have no shape. */
static void equal_delays_are_no_bell(void **state)
{
	struct path p = path_of(1, NORMAL, 0, 0);

	(void)state;
	poll(&p, 300);
	assert_false(p.bell.believed);
	assert_int_equal(p.changes, 0);
}

/* As while a source is not in the filter. */
static void without_the_clock_nothing_is_believed(void **state)
{
	struct path p = path_of(3, NORMAL, JITTER, JITTER);

	(void)state;
	p.clock = NAN;
	poll(&p, 600);
	assert_false(p.bell.believed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(normal_jitter_is_a_bell),
	    cmocka_unit_test(a_full_line_is_no_bell),
	    cmocka_unit_test(one_short_delay_ends_a_bell),
	    cmocka_unit_test(queues_are_no_bell),
	    cmocka_unit_test(nine_queues_in_a_row_are_no_bell),
	    cmocka_unit_test(uniform_jitter_is_no_bell),
	    cmocka_unit_test(what_wanders_is_no_bell),
	    cmocka_unit_test(a_bell_has_one_route),
	    cmocka_unit_test(what_a_delay_says_of_its_error),
	    cmocka_unit_test(each_route_has_its_own_middle),
	    cmocka_unit_test(what_is_believed_is_unlearned),
	    cmocka_unit_test(a_new_route_is_not_doubted_by_few_samples),
	    cmocka_unit_test(no_bell_has_no_width),
	    cmocka_unit_test(rare_spikes_are_left_out),
	    cmocka_unit_test(equal_delays_are_no_bell),
	    cmocka_unit_test(without_the_clock_nothing_is_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
