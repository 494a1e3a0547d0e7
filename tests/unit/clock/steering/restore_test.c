/* What was measured before a restart speaks for the past, not the present. */
#include "clock/steering/restore.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#define SOURCES 2
#define START_NS (INT64_C(1800000000) * NS_PER_S)
/* How slow the clock is, and how fast it loses: by 20 ppm. */
#define SLOW_NS (3 * NS_PER_MS)
#define FREQ 20e-6

struct room {
	struct timescale ledger;
	struct steering *before, *after;
};

static struct steering *make_steering(void)
{
	static const struct source_options options[SOURCES];
	const struct steering_config config = {
	    .makestep_threshold_ns = NS_PER_S,
	    .makestep_updates = 3,
	    .max_slew_ppm = 50000,
	    .max_distance_ns = 3 * NS_PER_S,
	    .min_sources = 1,
	    .max_clock_error_ppm = 1,
	};
	struct steering *s = steering_new(&config, options, SOURCES, 0, 100);

	assert_non_null(s);
	return s;
}

static struct sample sample_at(double t_s, int64_t wrong_ns)
{
	return (struct sample){
	    .at = {START_NS + ns_of_s(t_s)},
	    .offset_ns = SLOW_NS + ns_of_s(t_s * FREQ) + wrong_ns,
	    .delay_ns = 200000,
	    .dispersion_ns = 130,
	    .stratum = 1,
	};
}

static int setup(void **state)
{
	const struct clock_change start = {.at = {START_NS}};
	struct room *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	timescale_init(&r->ledger, &start);
	r->before = make_steering();
	r->after = make_steering();
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct room *r = *state;

	steering_free(r->before);
	steering_free(r->after);
	free(r);
	return 0;
}

static void measure(
    struct steering *s, unsigned source, double t_s, int64_t wrong_ns)
{
	struct sample m = sample_at(t_s, wrong_ns);

	steering_add(s, source, &m);
}

static bool decides(struct room *r, double t_s, struct clock_command *c)
{
	return steering_update(
	    r->after, &r->ledger, (struct wall){START_NS + ns_of_s(t_s)}, c);
}

/* A thousand seconds of both sources, handed over. */
static void hand_over(struct room *r)
{
	struct sample samples[STEERING_MEMORY];

	for (unsigned i = 0; i < SOURCES; i++) {
		for (int t = 0; t < 1000; t += 10)
			measure(r->before, i, t, 0);
		steering_restore(r->after, i, samples,
		    steering_copy_samples(r->before, i, samples));
	}
}

static void the_latest_samples_are_recalled_in_order(void **state)
{
	struct room *r = *state;
	struct sample samples[STEERING_MEMORY];

	assert_int_equal(steering_copy_samples(r->before, 0, samples), 0);
	for (int t = 0; t < STEERING_MEMORY + 50; t++)
		measure(r->before, 0, t, 0);
	assert_int_equal(
	    steering_copy_samples(r->before, 0, samples), STEERING_MEMORY);
	for (int i = 0; i < STEERING_MEMORY; i++)
		assert_int_equal(
		    samples[i].at.ns, START_NS + (i + 50) * NS_PER_S);
}

/* Nothing was heard in this run: nothing is done to the clock. */
static void memory_alone_steers_nothing(void **state)
{
	struct room *r = *state;
	struct clock_command c;
	struct tracking t;

	hand_over(r);
	assert_false(decides(r, 1000, &c));
	steering_tracking(r->after, &r->ledger,
	    (struct wall){START_NS + 1000 * NS_PER_S}, &t);
	assert_false(t.synchronised);
}

/* One answer must not move the clock before the other servers had a say. */
static void the_start_waits_for_answers_of_now(void **state)
{
	struct room *r = *state;
	struct clock_command c;

	hand_over(r);
	measure(r->after, 0, 1000.0, 0);
	assert_false(decides(r, 1000.1, &c));
	measure(r->after, 0, 1001, 0);
	measure(r->after, 0, 1002, 0);
	assert_false(decides(r, 1002.1, &c));
	/* One of each will do: all that was measured before agrees. */
	measure(r->after, 1, 1002.2, 0);
	assert_true(decides(r, 1002.3, &c));
}

static void without_memory_the_start_waits_for_three(void **state)
{
	struct room *r = *state;
	struct clock_command c;

	for (int i = 0; i < 3; i++) {
		measure(r->after, 0, 1000 + i / 4.0, 0);
		assert_false(decides(r, 1000.05 + i / 4.0, &c));
		measure(r->after, 1, 1000.1 + i / 4.0, 0);
		assert_int_equal(decides(r, 1000.15 + i / 4.0, &c), i == 2);
	}
}

/* With the frequency of a thousand seconds, and not of two. */
static void the_first_decision_knows_the_frequency(void **state)
{
	struct room *r = *state;
	struct clock_command c;
	struct tracking t;

	hand_over(r);
	for (int i = 0; i < 3; i++) {
		measure(r->after, 0, 1000 + i, 0);
		measure(r->after, 1, 1000.2 + i, 0);
	}
	assert_true(decides(r, 1002.3, &c));
	assert_true(fabs(c.freq_ppm - FREQ * 1e6) < 0.02);
	steering_tracking(r->after, &r->ledger,
	    (struct wall){START_NS + ns_of_s(1002.3)}, &t);
	assert_true(
	    fabs((double)t.offset_ns - SLOW_NS - 1002.3e9 * FREQ) < 2000);
	assert_true(t.est_error_ns < 20000);
}

/* While no agent ran, all clocks of the machine stood still for 40 ms: what was
 * restored is wrong, and the first answer of each server shows it. */
static void an_answer_that_contradicts_ends_the_memory(void **state)
{
	const int64_t stopped_ns = 40 * NS_PER_MS;
	struct sample samples[STEERING_MEMORY];
	struct room *r = *state;
	struct clock_command c;
	struct tracking t;

	hand_over(r);
	for (int i = 0; i < 3; i++) {
		measure(r->after, 0, 1000 + i, stopped_ns);
		measure(r->after, 1, 1000.2 + i, stopped_ns);
	}
	assert_int_equal(steering_copy_samples(r->after, 0, samples), 3);
	assert_int_equal(steering_copy_samples(r->after, 1, samples), 3);
	assert_true(decides(r, 1002.3, &c));
	steering_tracking(r->after, &r->ledger,
	    (struct wall){START_NS + ns_of_s(1002.3)}, &t);
	assert_true(fabs((double)(t.offset_ns - SLOW_NS - stopped_ns) -
			 1002.3e9 * FREQ) < 200000);
}

/* Another boot: what was measured of the clock is worth nothing, but a path is
 * as long as it was. */
static void a_path_is_known_after_a_boot(void **state)
{
	struct sample samples[STEERING_MEMORY];
	struct room *r = *state;
	struct source_view v;
	unsigned count;

	for (int t = 0; t < 1000; t += 10)
		measure(r->before, 0, t, 0);
	count = steering_copy_samples(r->before, 0, samples);
	steering_restore_path(r->after, 0, samples, count);
	assert_int_equal(steering_copy_samples(r->after, 0, samples), 0);
	/* A slow answer: the floor that is shown is the one of before. */
	samples[0] = sample_at(5000, NS_PER_S);
	samples[0].delay_ns = 350000;
	steering_add(r->after, 0, &samples[0]);
	steering_source_view(
	    r->after, 0, &r->ledger, (struct wall){START_NS}, &v);
	assert_int_equal(v.min_delay_ns, 200000);
	assert_int_equal(steering_copy_samples(r->after, 0, samples), 1);
}

static void a_much_longer_path_is_another_one(void **state)
{
	struct sample samples[STEERING_MEMORY];
	struct room *r = *state;
	struct source_view v;
	unsigned count;

	for (int t = 0; t < 1000; t += 10)
		measure(r->before, 0, t, 0);
	count = steering_copy_samples(r->before, 0, samples);
	steering_restore_path(r->after, 0, samples, count);
	samples[0] = sample_at(5000, NS_PER_S);
	samples[0].delay_ns = 20 * NS_PER_MS;
	steering_add(r->after, 0, &samples[0]);
	steering_source_view(
	    r->after, 0, &r->ledger, (struct wall){START_NS}, &v);
	assert_int_equal(v.min_delay_ns, 20 * NS_PER_MS);
}

static void what_agrees_is_kept(void **state)
{
	struct sample samples[STEERING_MEMORY];
	struct room *r = *state;

	hand_over(r);
	measure(r->after, 0, 1000, 150000);
	assert_int_equal(steering_copy_samples(r->after, 0, samples), 101);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(the_latest_samples_are_recalled_in_order),
	    TEST(memory_alone_steers_nothing),
	    TEST(the_start_waits_for_answers_of_now),
	    TEST(without_memory_the_start_waits_for_three),
	    TEST(the_first_decision_knows_the_frequency),
	    TEST(an_answer_that_contradicts_ends_the_memory),
	    TEST(a_path_is_known_after_a_boot),
	    TEST(a_much_longer_path_is_another_one),
	    TEST(what_agrees_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
