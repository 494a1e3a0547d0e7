/* The closed form against plain numerical integration. */
#include "clock/filter/box.h"

#include "tests/unit/clock/chance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STEPS 20000

struct moments {
	double mass, mean, var;
};

/* The density of a residual, by integrating over the error inside the box. It
 * does not use the closed form under test. */
static double likelihood(const struct box *box, double residual)
{
	const int parts = 400;
	double sum = 0, norm = 0;

	for (int i = 0; i < parts; i++) {
		double error = box->half * ((2 * i + 1.0) / parts - 1);
		double tilted = exp(-box->tilt * error);
		double z = (residual - error) / box->edge;

		sum +=
		    tilted * exp(-0.5 * z * z) / (box->edge * sqrt(2 * M_PI));
		norm += tilted;
	}
	return sum / norm;
}

static struct moments integrate(
    const struct gaussian *before, double measured, const struct box *box)
{
	double sd = sqrt(before->var), low = before->mean - 9 * sd;
	double width = 18 * sd / 2000;
	struct moments m = {0, 0, 0};
	double square = 0;

	for (int i = 0; i < 2000; i++) {
		double x = low + (i + 0.5) * width;
		double z = (x - before->mean) / sd;
		double p = exp(-0.5 * z * z) / (sd * sqrt(2 * M_PI)) * width *
			   likelihood(box, measured - x);

		m.mass += p;
		m.mean += p * (x - before->mean);
		square += p * (x - before->mean) * (x - before->mean);
	}
	m.mean /= m.mass;
	m.var = square / m.mass - m.mean * m.mean;
	m.mean += before->mean;
	return m;
}

static void test_moments_match_integration(void **state)
{
	struct chance c = {7};

	(void)state;
	for (int n = 0; n < 40; n++) {
		struct gaussian b = {
		    chance_between(&c, -1, 1), exp(chance_between(&c, -3, 1))};
		struct box box = {.half = exp(chance_between(&c, -1.5, 1)),
		    .edge = exp(chance_between(&c, -2.5, 0))};
		double y;
		struct moments want;
		double log_density;

		if (n % 2)
			box.tilt = chance_between(&c, -4, 4);
		y = b.mean +
		    chance_between(&c, -1.5, 1.5) * (sqrt(b.var) + box.half);
		want = integrate(&b, y, &box);
		log_density = box_update(&b, y, &box);

		if (want.mass < 1e-9)
			continue;
		assert_true(fabs(log_density - log(want.mass)) < 2e-2);
		assert_true(fabs(b.mean - want.mean) < 1e-2 * sqrt(want.var));
		assert_true(fabs(b.var / want.var - 1) < 2e-2);
	}
}

/* Without outliers, the densities of all measurements add up to one. */
static void test_likelihood_is_a_density(void **state)
{
	const struct box box = {.half = 0.7, .edge = 0.1, .tilt = 2.5};
	double sum = 0;

	(void)state;
	for (int i = 0; i < STEPS; i++) {
		struct gaussian b = {0.3, 0.04};

		sum += exp(box_update(&b, -5 + 10.0 * i / STEPS, &box)) * 10 /
		       STEPS;
	}
	assert_true(fabs(sum - 1) < 1e-3);
}

static void test_box_is_symmetric(void **state)
{
	struct chance c = {3};

	(void)state;
	for (int n = 0; n < 200; n++) {
		struct box box = {.half = chance_between(&c, 0.01, 3),
		    .edge = chance_between(&c, 0.001, 1),
		    .tilt = chance_between(&c, -20, 20),
		    .wrong_share = 0.01,
		    .wrong_reach = 10};
		struct box mirror = box;
		double y = chance_between(&c, -4, 4);
		struct gaussian a = {0.2, 0.5}, b = {-0.2, 0.5};
		double la;
		double lb;

		mirror.tilt = -box.tilt;
		la = box_update(&a, y, &box);
		lb = box_update(&b, -y, &mirror);
		assert_true(fabs(a.mean + b.mean) < 1e-9);
		assert_true(fabs(a.var - b.var) < 1e-9);
		assert_true(fabs(la - lb) < 1e-6);
	}
}

/* What is remembered of the box before is used for the same tilt alone. */
static void test_a_series_is_as_single_updates(void **state)
{
	struct chance c = {5};
	struct box_norm norm = {0};
	struct box box = {.wrong_share = 0.01, .wrong_reach = 10};

	(void)state;
	for (int n = 0; n < 600; n++) {
		double y = chance_between(&c, -4, 4), one, many;
		struct gaussian a = {0.2, chance_between(&c, 0.01, 2)}, b = a;

		/* Each second box is the one before with another edge, and the
		 * first ones have no tilt. */
		if (n % 2 == 0) {
			box.half = chance_between(&c, 0.01, 3);
			box.tilt = n < 10 ? 0 : chance_between(&c, -20, 20);
		}
		box.edge = chance_between(&c, 0.001, 1);
		one = box_update(&a, y, &box);
		many = box_update_one(&b, y, &box, &norm);
		assert_memory_equal(&a, &b, sizeof(a));
		assert_memory_equal(&one, &many, sizeof(one));
	}
}

/* An answer that is plainly wrong changes nothing. */
static void test_an_outlier_changes_nothing(void **state)
{
	const struct box box = {.half = 1e-4,
	    .edge = 1e-6,
	    .wrong_share = 0.01,
	    .wrong_reach = 1e-3};

	(void)state;
	for (double y = 1; y < 1e9; y *= 10) {
		struct gaussian b = {0, 1e-10};

		assert_true(isfinite(box_update(&b, y, &box)));
		assert_true(fabs(b.mean) < 1e-12);
		assert_true(fabs(b.var / 1e-10 - 1) < 1e-9);
	}
}

/* No input leads to a mean or a variance that is not a number. */
static void test_always_sound(void **state)
{
	struct chance c = {11};

	(void)state;
	for (int n = 0; n < 100000; n++) {
		struct gaussian b = {chance_between(&c, -10, 10),
		    exp(chance_between(&c, -50, 15))};
		double var = b.var, mean = b.mean;
		struct box box = {.half = exp(chance_between(&c, -20, 3)),
		    .edge = exp(chance_between(&c, -20, 3)),
		    .tilt = chance_normal(&c) * exp(chance_between(&c, 0, 18)),
		    .wrong_share = 0.01,
		    .wrong_reach = 100};
		double y = mean + chance_normal(&c) *
				      (sqrt(var) + box.half + box.edge) * 3;
		double reach;

		assert_true(isfinite(box_update(&b, y, &box)));
		assert_true(b.var > 0 && isfinite(b.var));
		assert_true(isfinite(b.mean));
		/* Between the estimate before and the measurement. */
		reach = box.half + 12 * (box.edge + sqrt(var));
		assert_true(b.mean > fmin(mean, y) - reach);
		assert_true(b.mean < fmax(mean, y) + reach);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_moments_match_integration),
	    cmocka_unit_test(test_likelihood_is_a_density),
	    cmocka_unit_test(test_box_is_symmetric),
	    cmocka_unit_test(test_a_series_is_as_single_updates),
	    cmocka_unit_test(test_an_outlier_changes_nothing),
	    cmocka_unit_test(test_always_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
