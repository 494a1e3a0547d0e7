/* Restored samples show the past of the clock, not the present of a server. */
#include "clock/steering/restore.h"

#include "clock/steering/state.h"
#include "tests/unit/clock/chance.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#define SOURCES 2
#define START_NS (INT64_C(1800000000) * NS_PER_S)
/* The clock is slow by 3 ms and loses 20 ppm. */
#define SLOW_NS (3 * NS_PER_MS)
#define FREQ 20e-6

struct runs {
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
	    .max_jitter_ns = NS_PER_S,
	    .max_stratum = 15,
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
	struct runs *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	timescale_init(&r->ledger, &start);
	r->before = make_steering();
	r->after = make_steering();
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct runs *r = *state;

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

static bool decides(struct runs *r, double t_s, struct clock_command *c)
{
	const struct wall at = {START_NS + ns_of_s(t_s)};
	bool decided;

	do
		decided = steering_update(r->after, &r->ledger, at, c);
	while (steering_is_busy(r->after));
	return decided;
}

/* A thousand seconds of samples of both sources, restored in a new run. */
static void restore_both(struct runs *r)
{
	struct sample samples[STEERING_SAMPLES_MAX];

	for (unsigned i = 0; i < SOURCES; i++) {
		for (int t = 0; t < 1000; t += 10)
			measure(r->before, i, t, 0);
		steering_restore(r->after, i, samples,
		    steering_copy_samples(r->before, i, samples));
	}
}

static void the_latest_samples_are_copied_in_order(void **state)
{
	struct runs *r = *state;
	struct sample samples[STEERING_SAMPLES_MAX];

	assert_int_equal(steering_copy_samples(r->before, 0, samples), 0);
	for (int t = 0; t < STEERING_SAMPLES_MAX + 50; t++)
		measure(r->before, 0, t, 0);
	assert_int_equal(
	    steering_copy_samples(r->before, 0, samples), STEERING_SAMPLES_MAX);
	for (int i = 0; i < STEERING_SAMPLES_MAX; i++)
		assert_int_equal(
		    samples[i].at.ns, START_NS + (i + 50) * NS_PER_S);
}

/* Delays without a lower edge are known again: one way scatters by a
 * millisecond. The clock's own frequency is no error of the path, and the first
 * answer of this run has an error that counts from another zero. */
static void restored_samples_show_a_bell(void **state)
{
	struct chance chance = {6};
	struct runs *r = *state;
	struct sample samples[STEERING_SAMPLES_MAX];
	struct bell *bell = &r->after->sources[0].bell;
	double slope;

	r->after->first_freq = FREQ;
	for (unsigned i = 0; i < STEERING_SAMPLES_MAX; i++) {
		int64_t late_ns = ns_of_s(1e-3 * chance_normal(&chance));

		samples[i] = sample_at(64.0 * i, late_ns / 2);
		samples[i].delay_ns = 20 * NS_PER_MS + late_ns;
	}
	steering_restore_path(r->after, 0, samples, STEERING_SAMPLES_MAX);
	assert_true(bell->believed);
	slope = bell->delay_error / bell->delay_delay;
	assert_true(fabs(slope - 0.5) < 0.01);
	assert_true(isnan(bell->last_error));
}

/* Without an answer in this run nothing is done to the clock. */
static void restored_samples_alone_steer_nothing(void **state)
{
	struct runs *r = *state;
	struct clock_command c;
	struct tracking t;

	restore_both(r);
	assert_false(decides(r, 1000, &c));
	steering_tracking(r->after, &r->ledger,
	    (struct wall){START_NS + 1000 * NS_PER_S}, &t);
	assert_false(t.synchronised);
}

/* One answer must not move the clock before the other servers answered. */
static void the_start_waits_for_answers_of_this_run(void **state)
{
	struct runs *r = *state;
	struct clock_command c;

	restore_both(r);
	measure(r->after, 0, 1000.0, 0);
	assert_false(decides(r, 1000.1, &c));
	measure(r->after, 0, 1001, 0);
	measure(r->after, 0, 1002, 0);
	assert_false(decides(r, 1002.1, &c));
	/* One answer of each is enough: the restored samples agree. */
	measure(r->after, 1, 1002.2, 0);
	assert_true(decides(r, 1002.3, &c));
}

static void without_restored_samples_the_start_waits_for_three(void **state)
{
	struct runs *r = *state;
	struct clock_command c;

	for (int i = 0; i < 3; i++) {
		measure(r->after, 0, 1000 + i / 4.0, 0);
		assert_false(decides(r, 1000.05 + i / 4.0, &c));
		measure(r->after, 1, 1000.1 + i / 4.0, 0);
		assert_int_equal(decides(r, 1000.15 + i / 4.0, &c), i == 2);
	}
}

/* The frequency is that of a thousand seconds, not of two. */
static void the_first_decision_knows_the_frequency(void **state)
{
	struct runs *r = *state;
	struct clock_command c;
	struct tracking t;

	restore_both(r);
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
	/* Most of it is for what such a young path may hide. */
	assert_true(t.est_error_ns < 40000);
}

/* While no agent ran, all clocks of the machine stood still for 40 ms: the
 * restored samples are wrong, and the first answer of each server shows it. */
static void an_answer_that_contradicts_drops_the_samples(void **state)
{
	const int64_t stopped_ns = 40 * NS_PER_MS;
	struct sample samples[STEERING_SAMPLES_MAX];
	struct runs *r = *state;
	struct clock_command c;
	struct tracking t;

	restore_both(r);
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

/* After a boot the samples say nothing about the clock, but the paths are as
 * long as they were. */
static void a_path_is_known_after_a_boot(void **state)
{
	struct sample samples[STEERING_SAMPLES_MAX];
	struct runs *r = *state;
	struct source_view v;
	unsigned count;

	for (int t = 0; t < 1000; t += 10)
		measure(r->before, 0, t, 0);
	count = steering_copy_samples(r->before, 0, samples);
	steering_restore_path(r->after, 0, samples, count);
	assert_int_equal(steering_copy_samples(r->after, 0, samples), 0);
	/* A slow answer: the restored floor is shown. */
	samples[0] = sample_at(5000, NS_PER_S);
	samples[0].delay_ns = 350000;
	steering_add(r->after, 0, &samples[0]);
	steering_source_view(
	    r->after, 0, &r->ledger, (struct wall){START_NS}, &v);
	assert_int_equal(v.min_delay_ns, 200000);
	assert_int_equal(steering_copy_samples(r->after, 0, samples), 1);
}

static void a_much_longer_path_is_a_new_one(void **state)
{
	struct sample samples[STEERING_SAMPLES_MAX];
	struct runs *r = *state;
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
	struct sample samples[STEERING_SAMPLES_MAX];
	struct runs *r = *state;

	restore_both(r);
	measure(r->after, 0, 1000, 150000);
	assert_int_equal(steering_copy_samples(r->after, 0, samples), 101);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(the_latest_samples_are_copied_in_order),
	    TEST(restored_samples_show_a_bell),
	    TEST(restored_samples_alone_steer_nothing),
	    TEST(the_start_waits_for_answers_of_this_run),
	    TEST(without_restored_samples_the_start_waits_for_three),
	    TEST(the_first_decision_knows_the_frequency),
	    TEST(an_answer_that_contradicts_drops_the_samples),
	    TEST(a_path_is_known_after_a_boot),
	    TEST(a_much_longer_path_is_a_new_one),
	    TEST(what_agrees_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
