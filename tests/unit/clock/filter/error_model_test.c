/* Does each kind of path teach its own error model? The estimates come from a
 * filter that knows the truth well. Everything is in seconds, and the queues
 * are some microseconds long. */
#include "clock/filter/error_model.h"

#include "tests/unit/clock/chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define US 1e-6
#define MS 1e-3
#define NOISE (0.02 * US)

struct path {
	struct chance chance;
	double up, down; /* mean queues */
	unsigned shape;
};

static double queue(struct path *p, double mean)
{
	double sum = 0;

	for (unsigned i = 0; i < p->shape; i++)
		sum += chance_exponential(&p->chance, mean / p->shape);
	return sum;
}

/* The mean square error that the box claims, divided by the real one. */
static double learn(
    struct error_model *m, struct delay_track *t, struct path *p)
{
	double claimed = 0, true_square = 0;

	delay_init(t);
	error_model_init(m);
	for (unsigned i = 0; i < 2000; i++) {
		double e1 = queue(p, p->up), e2 = queue(p, p->down);
		double delay = 200 * US + e1 + e2, error = (e1 - e2) / 2;
		unsigned back;
		/* The truth is known to +-1 us. */
		double guess = -error + US * chance_normal(&p->chance);
		struct gaussian before = {guess, US * US}, after = before;
		struct box box;
		struct gaussian wide;

		(void)delay_add(t, delay, NAN, &back);
		box = error_model_box(m, t, t->route, delay, NOISE);
		(void)box_update(&after, 0, &box);
		error_model_learn(
		    m, t, t->route, delay, NOISE, &before, &after);
		if (i < 200)
			continue;
		wide = (struct gaussian){0, 1e-6};
		box.wrong_share = 0;
		(void)box_update(&wide, 0, &box);
		claimed += wide.var;
		true_square += (wide.mean + error) * (wide.mean + error);
	}
	return claimed / true_square;
}

static void test_exponential_queues_make_a_box(void **state)
{
	struct path p = {{1}, 10 * US, 10 * US, 1};
	struct delay_track t;
	struct error_model m;
	double ratio;
	struct box b;

	(void)state;
	ratio = learn(&m, &t, &p);
	assert_true(ratio > 0.8 && ratio < 1.3);
	b = error_model_box(&m, &t, t.route, 240 * US, NOISE);
	assert_true(b.half > 15 * US && b.half < 23 * US);
	assert_true(fabs(b.tilt) < 0.01 / US);
}

static void test_long_queues_make_a_bell(void **state)
{
	struct path p = {{2}, 30 * US, 30 * US, 10};
	struct delay_track t;
	struct error_model m;
	double ratio;
	struct box b;

	(void)state;
	ratio = learn(&m, &t, &p);
	assert_true(ratio > 0.6 && ratio < 1.8);
	b = error_model_box(&m, &t, t.route, 260 * US, NOISE);
	/* Narrower than the excess alone makes it, and soft. */
	assert_true(b.half < 0.75 * (260 * US - delay_route(&t, 0)->floor) / 2);
	assert_true(b.edge > US);
}

static void test_a_busier_way_tilts_the_box(void **state)
{
	(void)state;
	for (int way = 0; way < 2; way++) {
		struct path p = {
		    {3}, way ? 100 * US : 5 * US, way ? 5 * US : 100 * US, 1};
		struct delay_track t;
		struct error_model m;
		double ratio = learn(&m, &t, &p);
		struct box b =
		    error_model_box(&m, &t, t.route, 300 * US, NOISE);

		assert_true(ratio > 0.6 && ratio < 1.6);
		/* Queues to the server make the offset too large: positive
		 * errors are likely, the density grows with the error. */
		assert_true(way ? b.tilt < -0.05 / US : b.tilt > 0.05 / US);
	}
}

/* What a delay far beyond the queues has, so often, on one way alone; `way`: 1
 * back, -1 to the server. */
static void learn_far(
    struct error_model *m, const struct delay_track *t, int way, unsigned times)
{
	const double excess = 20000 * US;
	struct gaussian guess = {way * excess / 2, US * US};

	for (unsigned i = 0; i < times; i++)
		error_model_learn(
		    m, t, t->route, 200 * US + excess, NOISE, &guess, &guess);
}

/* By how much, as a log, one edge of the box is likelier than its middle. */
static double one_sided(
    const struct error_model *m, const struct delay_track *t, double excess)
{
	struct box b =
	    error_model_box(m, t, t->route, 200 * US + excess, NOISE);

	return -b.tilt * b.half;
}

static void test_far_delays_have_an_asymmetry_of_their_own(void **state)
{
	struct path p = {{3}, 100 * US, 5 * US, 1};
	struct delay_track t;
	struct error_model m, before;
	double usual;

	(void)state;
	(void)learn(&m, &t, &p);
	before = m;
	usual = one_sided(&m, &t, 400 * US);
	assert_true(usual < -2 || usual > 2);
	/* The usual queues make such a delay now and then. */
	assert_true(
	    fabs(one_sided(&m, &t, 2 * 12 * t.queue) / usual - 1) < 0.05);
	/* A route or another load may have it on any way. */
	assert_true(fabs(one_sided(&m, &t, 20000 * US)) < fabs(usual) / 4);
	learn_far(&m, &t, 1, 2);
	assert_true(fabs(one_sided(&m, &t, 20000 * US)) < fabs(usual) / 4);
	learn_far(&m, &t, 1, 20);
	assert_true(one_sided(&m, &t, 20000 * US) * usual < -2);
	assert_true(one_sided(&m, &t, 400 * US) * usual > 0);
	/* They are remembered when the samples are taken in again. */
	error_model_restart(&m);
	assert_true(one_sided(&m, &t, 20000 * US) * usual < -2);
	/* They are forgotten slowly. */
	m = before;
	learn_far(&m, &t, 1, 3000);
	assert_true(m.now.far_samples < 300);
	learn_far(&m, &t, -1, 1000);
	assert_true(one_sided(&m, &t, 20000 * US) * usual > 2);
}

/* One more sample with these queues. */
static void add_queue(
    struct error_model *m, struct delay_track *t, double up, double down)
{
	double delay = 200 * US + up + down, error = (up - down) / 2;
	struct gaussian truth = {-error, US * US};
	unsigned back;

	(void)delay_add(t, delay, NAN, &back);
	error_model_learn(m, t, t->route, delay, NOISE, &truth, &truth);
}

/* The load goes over to the other way: two long queues there are enough. One
 * is not, nor are long queues on the way that is known to be busy. */
static void the_busier_way_may_be_the_other_one(void **state)
{
	struct path p = {{3}, 100 * US, 5 * US, 1};
	struct delay_track t;
	struct error_model m;

	(void)state;
	(void)learn(&m, &t, &p);
	assert_true(error_model_lopsided(&m, &t) > 0.7);
	for (unsigned i = 0; i < 4; i++)
		add_queue(&m, &t, (100 + 100 * i) * US, 2 * US);
	assert_true(error_model_lopsided(&m, &t) > 0.7);
	add_queue(&m, &t, 2 * US, 300 * US);
	assert_true(error_model_lopsided(&m, &t) > 0.7);
	add_queue(&m, &t, 2 * US, 300 * US);
	assert_true(error_model_lopsided(&m, &t) < 0.2);
}

/* What the floor has crept would count as a queue of the busier way. */
static void a_floor_that_creeps_has_no_busier_way(void **state)
{
	struct path p = {{3}, 100 * US, 5 * US, 1};
	struct delay_track t;
	struct error_model m;
	struct box box;

	(void)state;
	(void)learn(&m, &t, &p);
	assert_true(error_model_lopsided(&m, &t) > 0.7);
	box = error_model_box(&m, &t, t.route, 300 * US, NOISE);
	assert_true(fabs(box.tilt) * box.half > 1);
	t.creeps = true;
	assert_true(error_model_lopsided(&m, &t) == 0);
	box = error_model_box(&m, &t, t.route, 300 * US, NOISE);
	assert_true(box.tilt == 0);
}

/* Many short queues make a narrow box, but a long wait has one cause: its box
 * lacks at most what is narrow in the usual delays. */
static void test_a_long_delay_may_be_all_on_one_way(void **state)
{
	struct path p = {{4}, 30 * US, 30 * US, 10};
	struct delay_track t;
	struct error_model m;
	double full = 5000 * US;
	struct box b;

	(void)state;
	(void)learn(&m, &t, &p);
	b = error_model_box(
	    &m, &t, t.route, delay_route(&t, 0)->floor + 2 * full, NOISE);
	assert_true(m.shape.width < 0.8);
	assert_true(b.half > full - 3 * t.queue);
}

/* Short delays whose error grows with the delay, and long ones on the way back
 * alone. */
static void learn_two_kinds(struct error_model *m, struct delay_track *t)
{
	struct chance chance = {5};

	delay_init(t);
	error_model_init(m);
	for (unsigned i = 0; i < 250; i++) {
		double longer =
		    i % 5 == 0 ? 60 * US + chance_exponential(&chance, 20 * US)
			       : 0;
		double bit = (double)(i % 8) * US;
		double delay = 200 * US + bit + longer;
		double error =
		    0.3 * bit - longer / 2 + 0.2 * US * chance_normal(&chance);
		struct gaussian guess = {-error, US * US};
		unsigned back;

		(void)delay_add(t, delay, NAN, &back);
		if (i > 50) /* the queue is known */
			error_model_learn(
			    m, t, t->route, delay, NOISE, &guess, &guess);
	}
}

static double tilt_at(
    const struct error_model *m, const struct delay_track *t, double delay)
{
	return error_model_box(m, t, t->route, delay, NOISE).tilt;
}

static void test_short_delays_of_another_kind_take_no_tilt(void **state)
{
	struct delay_track t;
	struct error_model m, agree;

	(void)state;
	learn_two_kinds(&m, &t);
	agree = m;
	agree.short_changes.both = -agree.short_changes.both;
	assert_true(tilt_at(&agree, &t, 206 * US) > 0.05 / US);
	assert_true(
	    tilt_at(&m, &t, 206 * US) < 0.3 * tilt_at(&agree, &t, 206 * US));
	/* The long ones keep it. */
	assert_true(tilt_at(&m, &t, 300 * US) > 0.05 / US);
	assert_true(fabs(tilt_at(&m, &t, 300 * US) -
			 tilt_at(&agree, &t, 300 * US)) < 1e-9 / US);
}

static void test_the_slope_is_that_of_one_route(void **state)
{
	const struct gaussian guess = {US, US * US};
	struct delay_track t;
	struct error_model m;
	double before;

	(void)state;
	learn_two_kinds(&m, &t);
	before = m.short_changes.longer2;
	m.last_short.route = t.route + 1;
	error_model_learn(&m, &t, t.route, 203 * US, NOISE, &guess, &guess);
	assert_true(m.short_changes.longer2 == before);
	error_model_learn(&m, &t, t.route, 205 * US, NOISE, &guess, &guess);
	assert_true(m.short_changes.longer2 != before);
}

/* The clock follows a delay that grows on both ways, as if one were busier. */
static void test_a_creep_on_both_ways_is_no_busier_way(void **state)
{
	struct chance chance = {6};
	struct delay_track t;
	struct error_model m;

	(void)state;
	delay_init(&t);
	error_model_init(&m);
	for (unsigned i = 0; i < 120; i++) {
		double up = chance_exponential(&chance, 20 * US);
		double down = chance_exponential(&chance, 20 * US);
		double creep = i * US;
		double delay = 200 * US + up + down + creep;
		double error = (up - down + creep) / 2;
		struct gaussian guess = {-error, US * US};
		unsigned back;

		(void)delay_add(&t, delay, NAN, &back);
		error_model_learn(
		    &m, &t, t.route, delay, NOISE, &guess, &guess);
	}
	assert_true(m.now.error > 0.4 * m.now.excess);
	assert_true(error_model_lopsided(&m, &t) < 0.05);
	/* What was known before a restart has changes of its own. */
	error_model_restart(&m);
	assert_true(error_model_lopsided(&m, &t) < 0.05);
	m.before.changes.count = 3;
	assert_true(error_model_lopsided(&m, &t) > 0.3);
}

static void assert_close(double a, double b, double most)
{
	assert_true(fabs(a - b) < most);
}

static void learn_one(struct error_model *m, const struct delay_track *t,
    double delay, double error, double left)
{
	const struct gaussian before = {-error, US * US};
	const struct gaussian after = {-left, US * US};

	error_model_learn(m, t, t->route, delay, NOISE, &before, &after);
}

/* Half the excess delay grows by 5 us, the error by 2 us. */
static void test_a_change_is_that_of_one_route_and_one_clock(void **state)
{
	static const struct {
		double left, error; /* us */
		bool other, counts;
	} rows[] = {
	    {1, 3, false, true},
	    /* The clock has followed the first sample. */
	    {-4, -2, false, true},
	    {1, 3, true, false},
	    /* The clock has jumped. */
	    {1, 1000, false, false},
	    {1, -1000, false, false},
	};
	const double kept = 1 - 1 / 256.0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct delay_track t;
		struct error_model m;
		struct error_changes was;

		learn_two_kinds(&m, &t);
		learn_one(&m, &t, 220 * US, 1 * US, rows[i].left * US);
		was = m.now.changes;
		if (rows[i].other)
			m.last.route++;
		learn_one(&m, &t, 230 * US, rows[i].error * US, 0);
		if (!rows[i].counts) {
			assert_memory_equal(&m.now.changes, &was, sizeof(was));
			continue;
		}
		assert_close(m.now.changes.longer2 / US / US,
		    was.longer2 * kept / US / US + 25, 1e-6);
		assert_close(m.now.changes.both / US / US,
		    was.both * kept / US / US + 10, 1e-6);
		assert_close(m.now.changes.error2 / US / US,
		    was.error2 * kept / US / US + 4, 1e-6);
		assert_close(m.now.changes.count, was.count * kept + 1, 1e-9);
	}
}

static void test_the_first_sample_is_no_change(void **state)
{
	struct delay_track t;
	struct error_model m;
	unsigned back;

	(void)state;
	delay_init(&t);
	error_model_init(&m);
	(void)delay_add(&t, 200 * US, NAN, &back);
	learn_one(&m, &t, 210 * US, 1 * US, 1 * US);
	assert_true(m.now.changes.count == 0);
	learn_one(&m, &t, 210 * US, 1 * US, 1 * US);
	assert_true(m.now.changes.count > 0);
}

/* A delay beyond the usual queues counts less, before and after a usual one. */
static void test_a_change_counts_as_its_rarer_sample(void **state)
{
	struct delay_track t;
	struct error_model m;
	double was, share;

	(void)state;
	learn_two_kinds(&m, &t);
	learn_one(&m, &t, 202 * US, 0, 0);
	share = 3 * t.queue / ((1200 * US - delay_route(&t, 0)->floor) / 2);
	assert_true(share < 0.2);
	for (unsigned i = 0; i < 2; i++) {
		was = m.now.changes.count;
		learn_one(&m, &t, i ? 202 * US : 1200 * US, 0, 0);
		assert_close(
		    m.now.changes.count, was + share * share - was / 256, 1e-9);
	}
}

/* With few short delays, most of the asymmetry counts for them. */
static void test_few_short_delays_take_most_of_the_tilt(void **state)
{
	struct delay_track t;
	struct error_model m;
	double r, most;

	(void)state;
	learn_two_kinds(&m, &t);
	m.short_changes.count = 3;
	r = error_model_lopsided(&m, &t);
	most = r / (1 + exp(-1));
	assert_true(fabs(tilt_at(&m, &t, 0) * t.queue -
			 (1 / (1 - most) - 1 / (1 + most))) < 1e-6);
}

/* The likelihood of the two slopes, by what the changes leave unexplained. */
static void test_the_slope_decides_by_its_likelihood(void **state)
{
	struct delay_track t;
	struct error_model m;
	double r, x, expected, gain, left;

	(void)state;
	learn_two_kinds(&m, &t);
	assert_true(
	    fabs(m.short_changes.both / m.short_changes.longer2 - 0.3) < 0.02);
	r = -error_model_lopsided(&m, &t);
	x = 2 * r / (1 - r * r);
	expected = (1 / tanh(x) - 1 / x) / 2;
	m.short_changes.longer2 = 10;
	m.short_changes.both = 3 * expected;
	m.short_changes.count = 10;
	/* 2 of them are unexplained. */
	m.short_changes.error2 = 0.9 * expected * expected + 2;
	gain = expected * (3 * expected - expected * 5) / 0.2;
	left = r / (1 + exp(-1 - gain / 2));
	assert_true(fabs(tilt_at(&m, &t, 0) * t.queue -
			 (1 / (1 + left) - 1 / (1 - left))) < 1e-6);
}

/* The first samples that differ do not show the floor: the box is wide. */
static void test_first_samples_are_wide(void **state)
{
	struct delay_track t;
	struct error_model m;
	unsigned back;
	double last = INFINITY;

	(void)state;
	delay_init(&t);
	error_model_init(&m);
	for (unsigned i = 0; i < 6; i++) {
		struct box b;

		(void)delay_add(&t, (1000 + i % 2 * 400) * US, NAN, &back);
		b = error_model_box(&m, &t, t.route, 1000 * US, NOISE);

		if (i == 0)
			assert_true(b.half >= 480 * US);
		assert_true(b.half < last);
		last = b.half;
	}
	/* With the eighth the floor is known well enough. */
	(void)delay_add(&t, 1000 * US, NAN, &back);
	assert_true(
	    error_model_box(&m, &t, t.route, 1000 * US, NOISE).half > 20 * US);
	(void)delay_add(&t, 1000 * US, NAN, &back);
	assert_true(
	    error_model_box(&m, &t, t.route, 1000 * US, NOISE).half < US);
}

/* Only one way queues: its asymmetry counts as 0.97. */
static void test_the_asymmetry_is_bounded(void **state)
{
	(void)state;
	for (int sign = -1; sign <= 1; sign += 2) {
		struct delay_track t;
		struct error_model m;
		unsigned back;
		double r, tilt;

		delay_init(&t);
		error_model_init(&m);
		for (unsigned i = 0; i < 100; i++)
			(void)delay_add(&t, (1000 + i % 3) * US, NAN, &back);
		m.now = (struct error_sums){.error = sign,
		    .excess = 1,
		    .samples = 1000,
		    .queue = t.queue};
		/* The changes agree. */
		m.now.changes = (struct error_changes){.longer2 = 1,
		    .both = sign,
		    .error2 = 1 + 1e-6,
		    .count = 1000};
		m.short_changes = (struct error_changes){.longer2 = 1,
		    .both = sign * 0.48,
		    .error2 = 0.24,
		    .count = 1000};
		r = sign * 0.97 * 0.97 * 0.97 / (0.97 * 0.97 + 0.01);
		tilt = (1 / (1 + r) - 1 / (1 - r)) / t.queue;
		assert_true(
		    fabs(error_model_box(&m, &t, 0, 1000 * US, NOISE).tilt /
			     tilt -
			 1) < 1e-6);
	}
}

static void test_forgotten_routes_get_the_widest_box(void **state)
{
	struct delay_track t;
	const struct gaussian guess = {0, US * US};
	struct error_model m;
	unsigned back;

	(void)state;
	delay_init(&t);
	error_model_init(&m);
	for (unsigned i = 0; i < 100; i++)
		(void)delay_add(&t, (1000 + i % 3) * US, NAN, &back);
	assert_true(
	    error_model_box(&m, &t, t.route + 1, 1000 * US, NOISE).half >=
	    480 * US);
	assert_true(
	    error_model_box(&m, &t, t.route, 1000 * US, NOISE).half < 10 * US);
	/* Nothing is learned about them. */
	error_model_learn(
	    &m, &t, t.route + 1, 1000 * US, NOISE, &guess, &guess);
	assert_true(m.now.samples == 0);
}

/* Only boxes of full width with one of two edges are possible. */
static struct error_model with_edges(unsigned first, unsigned second)
{
	struct error_model m;

	error_model_init(&m);
	for (unsigned i = 0; i < ERROR_MODEL_WIDTHS; i++)
		for (unsigned j = 0; j < ERROR_MODEL_EDGES; j++)
			m.log_weight[i][j] = -1000;
	m.log_weight[0][first] = m.log_weight[0][second] = 0;
	error_model_weigh(&m);
	return m;
}

static void the_softness_is_that_of_the_likely_edges(void **state)
{
	static const struct {
		unsigned first, second;
		double want;
	} rows[] = {{0, 0, 0}, {1, 1, 0.1}, {2, 2, 0.3}, {3, 3, 1}, {4, 4, 3},
	    {0, 3, 0.70710678}, {3, 4, 2.23606798}};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		const struct error_model m =
		    with_edges(rows[k].first, rows[k].second);

		assert_true(
		    fabs(error_model_softness(&m) - rows[k].want) < 1e-6);
	}
}

/* What other samples did makes no sample wrong by more than half its delay. */
static void no_edge_is_softer_than_half_the_delay(void **state)
{
	static const struct {
		double lately, want; /* the edge, without the noise */
	} rows[] = {{100 * US, 300 * US}, {166 * US, 498 * US},
	    {167 * US, 500 * US}, {1, 500 * US}};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		const struct error_model m = with_edges(4, 4);
		struct delay_track t;
		unsigned back;
		struct box b;

		delay_init(&t);
		for (unsigned i = 0; i < 40; i++)
			(void)delay_add(&t, 1000 * US, NAN, &back);
		t.lately = rows[k].lately;
		b = error_model_box(&m, &t, 0, 1000 * US, NOISE);
		/* The gap is that of equal delays. */
		assert_true(fabs(b.edge - NOISE - rows[k].want) < 0.01 * US);
	}
}

/* Three delays tell a queue that changes, and two tell nothing. */
static void few_delays_are_doubted_as_much_as_they_differ(void **state)
{
	static const struct {
		unsigned samples;
		double apart, least, most; /* least, most: the half width */
	} rows[] = {{2, 0, 17 * MS, 18 * MS}, {3, 0, 0, 1 * US},
	    {3, 100 * US, 100 * US, 2 * MS}, {3, 40 * MS, 9 * MS, 50 * MS},
	    {7, 0, 0, 1 * US}};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		struct delay_track t;
		struct error_model m;
		unsigned back;
		struct box b;

		delay_init(&t);
		error_model_init(&m);
		for (unsigned i = 0; i < rows[k].samples; i++)
			(void)delay_add(
			    &t, 100 * MS + i % 2 * rows[k].apart, NAN, &back);
		b = error_model_box(&m, &t, 0, 100 * MS, 0);
		if (b.half < rows[k].least || b.half > rows[k].most)
			fail_msg("row %zu: %g s", k, b.half);
	}
}

/* A path that was congested in `n` samples and is free in `m` ones. */
static void congest(struct delay_track *t, unsigned n, unsigned m)
{
	unsigned back;

	delay_init(t);
	for (unsigned i = 0; i < n; i++)
		(void)delay_add(t, (2000 + i % 7 * 300) * US, NAN, &back);
	for (unsigned i = 0; i < m; i++)
		(void)delay_add(t, 1000 * US, NAN, &back);
}

/* The samples of a congestion say nothing about the errors after it. */
static void a_congested_route_teaches_nothing(void **state)
{
	const struct gaussian guess = {0, US * US};
	struct error_model m, before;
	struct delay_track t;

	(void)state;
	congest(&t, 14, 3);
	assert_int_equal(t.route, 1);
	error_model_init(&m);
	before = m;
	error_model_learn(&m, &t, 0, 2300 * US, NOISE, &guess, &guess);
	assert_memory_equal(&m, &before, sizeof(m));
	error_model_learn(&m, &t, 1, 1001 * US, NOISE, &guess, &guess);
	assert_true(m.now.samples > 0);
}

/* Only samples after the congestion make the scale of the queues known: until
 * there are eight, what they differ by is in doubt. */
static void boxes_are_wide_after_a_congestion(void **state)
{
	static const unsigned counts[] = {3, 5, 7, 8};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(counts); k++) {
		const struct error_model m = with_edges(0, 0);
		struct delay_track t;
		double n = counts[k];
		double half;

		congest(&t, 14, counts[k]);
		half = error_model_box(&m, &t, 1, 1000 * US, NOISE).half;
		if (counts[k] < 8)
			assert_true(fabs(half - NOISE -
					 fmin(500 * US / sqrt(n * n * n),
					     8 * t.queue)) < 0.001 * US);
		else
			assert_true(half < 1 * US);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_exponential_queues_make_a_box),
	    cmocka_unit_test(test_long_queues_make_a_bell),
	    cmocka_unit_test(test_a_busier_way_tilts_the_box),
	    cmocka_unit_test(test_far_delays_have_an_asymmetry_of_their_own),
	    cmocka_unit_test(the_busier_way_may_be_the_other_one),
	    cmocka_unit_test(a_floor_that_creeps_has_no_busier_way),
	    cmocka_unit_test(test_a_long_delay_may_be_all_on_one_way),
	    cmocka_unit_test(test_short_delays_of_another_kind_take_no_tilt),
	    cmocka_unit_test(test_the_slope_is_that_of_one_route),
	    cmocka_unit_test(test_a_creep_on_both_ways_is_no_busier_way),
	    cmocka_unit_test(test_a_change_is_that_of_one_route_and_one_clock),
	    cmocka_unit_test(test_the_first_sample_is_no_change),
	    cmocka_unit_test(test_a_change_counts_as_its_rarer_sample),
	    cmocka_unit_test(test_few_short_delays_take_most_of_the_tilt),
	    cmocka_unit_test(test_the_slope_decides_by_its_likelihood),
	    cmocka_unit_test(test_first_samples_are_wide),
	    cmocka_unit_test(test_the_asymmetry_is_bounded),
	    cmocka_unit_test(test_forgotten_routes_get_the_widest_box),
	    cmocka_unit_test(the_softness_is_that_of_the_likely_edges),
	    cmocka_unit_test(no_edge_is_softer_than_half_the_delay),
	    cmocka_unit_test(few_delays_are_doubted_as_much_as_they_differ),
	    cmocka_unit_test(a_congested_route_teaches_nothing),
	    cmocka_unit_test(boxes_are_wide_after_a_congestion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
