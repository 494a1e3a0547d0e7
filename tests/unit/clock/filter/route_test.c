/* The remembered biases of routes. */
#include "clock/filter/route.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Routes `first` to `first` + DELAY_ROUTES - 1 are known to the path. */
static struct delay_track path_with(unsigned first)
{
	struct delay_track t;

	delay_init(&t);
	for (unsigned i = 0; i < DELAY_ROUTES; i++)
		t.routes[i] =
		    (struct delay_route){.number = first + i, .samples = 1};
	return t;
}

static void learn(struct route_table *table, const struct delay_track *t,
    unsigned number, double mean)
{
	route_learn(table, t, number, (struct gaussian){mean, 1});
}

static void a_bias_is_recalled_and_replaced(void **state)
{
	const struct delay_track t = path_with(0);
	struct route_table table = {0};

	(void)state;
	assert_null(route_recall(&table, 0));
	learn(&table, &t, 0, 1);
	learn(&table, &t, 1, 2);
	learn(&table, &t, 0, 3);
	assert_true(route_recall(&table, 0)->mean == 3);
	assert_true(route_recall(&table, 1)->mean == 2);
	assert_true(route_recall(&table, 1)->var == 1);
	assert_null(route_recall(&table, 2));
	/* The other places are still free. */
	for (unsigned i = 2; i < DELAY_ROUTES; i++)
		learn(&table, &t, i, i + 2);
	for (unsigned i = 0; i < DELAY_ROUTES; i++)
		assert_non_null(route_recall(&table, i));
}

static void a_route_that_the_path_forgot_makes_room(void **state)
{
	const struct delay_track before = path_with(0), after = path_with(1);
	struct route_table tables[2] = {0}, table;

	(void)state;
	for (unsigned i = 0; i < DELAY_ROUTES; i++)
		learn(&tables[0], &before, i, i);
	/* All of them are still in use: the new one is not remembered, neither
	 * in the table nor behind it. */
	learn(&tables[0], &before, 9, 9);
	assert_null(route_recall(&tables[0], 9));
	assert_false(tables[1].routes[0].known);
	table = tables[0];
	for (unsigned i = 0; i < DELAY_ROUTES; i++)
		assert_true(route_recall(&table, i)->mean == i);
	learn(&table, &after, DELAY_ROUTES, 9);
	assert_null(route_recall(&table, 0));
	assert_true(route_recall(&table, DELAY_ROUTES)->mean == 9);
	for (unsigned i = 1; i < DELAY_ROUTES; i++)
		assert_true(route_recall(&table, i)->mean == i);
}

/* Samples show z +- s of a bias that was m +- w. Unchanged: z is a draw of both
 * deviations around m. Changed: a draw of an even density of 1 / (2 sqrt(3)
 * sd).
 */
static void the_odds_compare_two_explanations(void **state)
{
	static const struct {
		double m, w, z, s, sd, change;
	} rows[] = {
	    {0, 1, 0, 1, 10, 0},
	    {5, 0.1, 5.5, 1, 20, 0},
	    {5, 2, 12, 3, 40, 0},
	    {-3, 0.5, -3, 0.01, 1, 0},
	    {0, 1, 300, 1, 100, 0},
	    {5, 2, 12, 3, 40, 6},
	    {5, 2, 12, 3, 40, -6},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double w2 = rows[i].w * rows[i].w, s2 = rows[i].s * rows[i].s;
		double sd2 = rows[i].sd * rows[i].sd, prior = w2 + sd2;
		double apart = rows[i].z - rows[i].m;
		double missed = apart - rows[i].change;
		struct gaussian was = {rows[i].m, w2};
		struct gaussian now = {rows[i].m + prior / (prior + s2) * apart,
		    prior * s2 / (prior + s2)};
		double changed = exp(-missed * missed / (2 * (w2 + s2))) /
				 sqrt(2 * M_PI * (w2 + s2));
		double want = changed * 2 * sqrt(3) * rows[i].sd;
		double odds = route_odds(was, now, rows[i].change, rows[i].sd);

		assert_true(fabs(odds - want) <= 1e-6 * want + 1e-300);
	}
}

/* Then nothing can be said. */
static void samples_that_tell_nothing_have_no_odds(void **state)
{
	(void)state;
	assert_true(route_odds((struct gaussian){0, 1}, (struct gaussian){0, 5},
			0, 2) == 0);
	assert_true(route_odds((struct gaussian){0, 1}, (struct gaussian){0, 6},
			0, 2) == 0);
	assert_true(route_odds((struct gaussian){0, 1},
			(struct gaussian){0, 4.9}, 0, 2) > 0);
}

/* A new route is longer by 2 ms on both ways, on the way to the server or on
 * the way back: the bias stays or changes by 1 ms up or down. The change that
 * explains the samples is the likeliest, and without any the odds are bad. */
static void the_odds_find_the_way_that_got_longer(void **state)
{
	static const double changes[] = {0, 1e-3, -1e-3};
	static const struct {
		double shown;  /* by the samples */
		int likeliest; /* -1: none of the three */
	} rows[] = {{0, 0}, {5e-5, 0}, {1e-3, 1}, {0.95e-3, 1}, {-1e-3, 2},
	    {0.5e-3, -1}, {-3e-3, -1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const double sd = 1e-3 / sqrt(3), noise = 5e-5, m = 4e-4;
		const double w = 2e-5, prior = w * w + sd * sd;
		const double gain = prior / (prior + noise * noise);
		const struct gaussian was = {m, w * w};
		const struct gaussian after = {
		    m + gain * rows[i].shown, prior - gain * prior};

		for (int k = 0; k < 3; k++) {
			double odds = route_odds(was, after, changes[k], sd);

			assert_int_equal(odds > 1, k == rows[i].likeliest);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_bias_is_recalled_and_replaced),
	    cmocka_unit_test(a_route_that_the_path_forgot_makes_room),
	    cmocka_unit_test(the_odds_compare_two_explanations),
	    cmocka_unit_test(samples_that_tell_nothing_have_no_odds),
	    cmocka_unit_test(the_odds_find_the_way_that_got_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
