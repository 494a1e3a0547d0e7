/* How much the answers of one source scatter. */
#include "clock/steering/scatter.h"

#include "tests/unit/clock/steering/rig.h"

#define ANSWERS 12

/* The offset of answer i, which comes at at_s[i], s. */
struct answers {
	unsigned count;
	double at_s[ANSWERS], offset_s[ANSWERS];
};

static double scatter_of(const struct answers *a)
{
	struct rig r;
	double got;

	rig_open(&r, 1, NULL, NULL);
	for (unsigned i = 0; i < a->count; i++) {
		struct sample m = {.at = {RIG_START_NS + ns_of_s(a->at_s[i])},
		    .offset_ns = ns_of_s(a->offset_s[i]),
		    .delay_ns = NS_PER_MS,
		    .stratum = 1};

		steering_add(r.steering, 0, &m);
	}
	got = scatter_s(&r.steering->sources[0]);
	assert_true(r.steering->sources[0].scatter_s == got);
	rig_close(&r);
	return got;
}

static struct answers regular(double interval_s, double rate)
{
	struct answers a = {.count = ANSWERS};

	for (unsigned i = 0; i < ANSWERS; i++) {
		a.at_s[i] = i * interval_s;
		a.offset_s[i] = a.at_s[i] * rate;
	}
	return a;
}

/* An oscillator that is off by up to a tenth, at any interval. */
static void a_steady_clock_does_not_scatter(void **state)
{
	static const double rates[] = {0, 5e-4, -5e-4, 0.099, -0.099};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		struct answers a = regular(64, rates[i]);

		assert_true(scatter_of(&a) < 1e-8);
		for (unsigned k = 0; k < ANSWERS; k++) {
			a.at_s[k] = k * k;
			a.offset_s[k] = a.at_s[k] * rates[i];
		}
		assert_true(scatter_of(&a) < 1e-8);
	}
}

/* A server that was set, and an answer that is wrong. */
static void one_jump_and_one_wrong_answer_are_forgiven(void **state)
{
	(void)state;
	for (unsigned at = 1; at < ANSWERS; at++) {
		struct answers jump = regular(16, 1e-5);
		struct answers wrong = jump;

		for (unsigned i = at; i < ANSWERS; i++)
			jump.offset_s[i] += 100;
		assert_true(scatter_of(&jump) < 1e-6);
		wrong.offset_s[at] -= 100;
		assert_true(scatter_of(&wrong) < 1e-6);
	}
}

/* A server that is set again and again. */
static void many_jumps_are_scatter(void **state)
{
	struct answers a = regular(16, 0);

	(void)state;
	for (unsigned i = 0; i < ANSWERS; i++)
		a.offset_s[i] += i % 2 ? 10 : 0;
	assert_true(scatter_of(&a) > 5);
	/* A second in each second, as a clock that is set each second. */
	a = regular(16, 1);
	assert_true(scatter_of(&a) > 9);
	a = regular(0.5, 1);
	assert_true(scatter_of(&a) > 0.2);
	/* For 64 s in each 128 s. */
	a = regular(16, 0);
	for (unsigned i = 0; i < ANSWERS; i++)
		a.offset_s[i] = 64 * (i / 8) + fmin(16 * (i % 8), 64);
	assert_true(scatter_of(&a) > 1);
}

/* White noise with a deviation of 2 ms; the two largest changes are left out,
 * so the result is somewhat less. */
static void noise_is_measured(void **state)
{
	struct chance c = {7};
	double sum = 0;

	(void)state;
	for (unsigned k = 0; k < 200; k++) {
		struct answers a = regular(64, 1e-5);

		for (unsigned i = 0; i < ANSWERS; i++)
			a.offset_s[i] += 2e-3 * chance_normal(&c);
		sum += scatter_of(&a) / 200;
	}
	assert_true(sum > 1e-3 && sum < 2e-3);
}

static void few_answers_tell_nothing(void **state)
{
	struct answers a = regular(16, 0);

	(void)state;
	for (unsigned i = 0; i < ANSWERS; i++)
		a.offset_s[i] += i % 2 ? 10 : 0;
	for (a.count = 0; a.count < 5; a.count++)
		assert_true(scatter_of(&a) == 0);
	assert_true(scatter_of(&a) > 5);
	/* Two answers of one instant are no change. */
	a.at_s[4] = a.at_s[3];
	assert_true(scatter_of(&a) == 0);
}

/* What is older than eight answers does not count. */
static void a_source_that_becomes_steady_is_forgiven(void **state)
{
	struct answers a = regular(16, 0);

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		a.offset_s[i] += i % 2 ? 10 : 0;
	assert_true(scatter_of(&a) == 0);
	a.count = 8;
	assert_true(scatter_of(&a) > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_steady_clock_does_not_scatter),
	    cmocka_unit_test(one_jump_and_one_wrong_answer_are_forgiven),
	    cmocka_unit_test(many_jumps_are_scatter),
	    cmocka_unit_test(noise_is_measured),
	    cmocka_unit_test(few_answers_tell_nothing),
	    cmocka_unit_test(a_source_that_becomes_steady_is_forgiven),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
