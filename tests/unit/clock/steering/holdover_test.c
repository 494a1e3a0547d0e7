/* The frequency in a silence. */
#include "clock/steering/holdover.h"

#include "clock/steering/remaining.h"
#include "tests/unit/clock/steering/rig.h"

/* Changes the frequency and leaves the offset of now as it is. */
static void set_freq(struct rig *r, double freq)
{
	double since = s_of_ns(r->now.ns - RIG_START_NS);

	r->offset_s += (r->freq - freq) * since;
	r->freq = freq;
}

static double course(const struct rig *r, double amplitude, double period)
{
	double since = s_of_ns(r->now.ns - RIG_START_NS);

	return 2e-5 + amplitude * sin(2 * M_PI * since / period);
}

/* Follows an oscillator with a regular course for some time. */
static void open_course(struct rig *r, double amplitude, double seconds)
{
	rig_open(r, 1, NULL, NULL);
	r->queue_s = 1e-6;
	while (s_of_ns(r->now.ns - RIG_START_NS) < seconds) {
		set_freq(r, course(r, amplitude, 1000));
		rig_poll(r, 1, 1, 16, NULL);
	}
}

/* Returns the error after a silence, s. */
static double error_after(struct rig *r, double amplitude, double seconds)
{
	for (double t = 0; t < seconds; t += 16) {
		set_freq(r, course(r, amplitude, 1000));
		rig_wait(r, 16);
		(void)rig_update(r);
	}
	return s_of_ns(llabs(rig_error_ns(r)));
}

/* In the end the frequency is 10 ppm off, which would be 200 ms. */
static void an_oscillator_with_a_course_returns_to_its_mean(void **state)
{
	struct rig r;

	(void)state;
	open_course(&r, 1e-5, 8250);
	assert_true(holdover_lasting(&r.steering->holdover, 128) == 1);
	assert_true(holdover_lasting(&r.steering->holdover, 1024) < 0.5);
	assert_true(holdover_lasting(&r.steering->holdover, 20000) < 0.1);
	assert_true(error_after(&r, 1e-5, 20000) < 0.03);
	rig_close(&r);
}

/* The temperature of a day comes back: what the frequency gains in the first
 * half of the silence is lost in the second one. */
static void a_drift_does_not_go_on_for_a_day(void **state)
{
	const double day = 86400;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	r.queue_s = 1e-6;
	while (s_of_ns(r.now.ns - RIG_START_NS) < day / 2) {
		set_freq(&r, course(&r, 1e-6, day));
		rig_poll(&r, 1, 1, 64, NULL);
	}
	for (double t = 0; t < day; t += 64) {
		set_freq(&r, course(&r, 1e-6, day));
		rig_wait(&r, 64);
		(void)rig_update(&r);
	}
	assert_true(llabs(rig_error_ns(&r)) < 10 * NS_PER_MS);
	rig_close(&r);
}

/* The drift counts whole for half a day, by a quarter after 18 hours, and not
 * at all from one day on: also for a clock that has not learned its course. */
static void the_drift_counts_less_and_less(void **state)
{
	static const struct {
		double hours, share;
	} rows[] = {
	    {6, 1}, {12, 1}, {15, 0.5625}, {18, 0.25}, {24, 0}, {72, 0}};
	const struct holdover untried = {0};
	const struct estimate *e;
	double freq, sd;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	r.queue_s = 1e-6;
	for (unsigned i = 0; i < 200; i++) {
		set_freq(&r, r.freq + 64e-11);
		rig_poll(&r, 1, 1, 64, NULL);
	}
	e = &r.steering->estimate;
	freq = estimate_freq(e, e->at, &sd);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double age = rows[i].hours * 3600;
		struct osc later = {e->at.ns + ns_of_s(age)};
		double moved = s_of_ns(estimate_at(e, later).offset_ns -
				       estimate_offset_ns(e, e->at));
		double drifted = moved - freq * age;
		double left = drifted + holdover_shift(&untried, e, later);

		assert_true(fabs(drifted) > 0.5e-3);
		if (fabs(left / drifted - rows[i].share) > 0.01)
			fail_msg("%g h: %g", rows[i].hours, left / drifted);
	}
	rig_close(&r);
}

static bool is_corrected(const struct rig *r)
{
	struct estimate_value v, plain;

	(void)remaining_ns(r->steering, &r->ledger, r->wall, &v);
	plain = estimate_at(&r->steering->estimate, r->now);
	assert_true((v.offset_ns == plain.offset_ns) == (v.freq == plain.freq));
	return v.freq != plain.freq;
}

/* A long interval is no silence. */
static void only_a_silence_is_corrected(void **state)
{
	struct rig r;

	(void)state;
	open_course(&r, 1e-5, 8250);
	rig_wait(&r, 30);
	assert_false(is_corrected(&r));
	rig_wait(&r, 1094);
	assert_true(is_corrected(&r));
	r.steering->interval_s = 1024;
	assert_false(is_corrected(&r));
	r.steering->interval_s = 512;
	assert_true(is_corrected(&r));
	rig_close(&r);
}

/* A random walk: the last frequency is the best guess. */
static void a_wandering_oscillator_keeps_its_last_frequency(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	r.queue_s = 1e-6;
	for (unsigned i = 0; i < 2000; i++) {
		set_freq(&r, r.freq + 1e-9 * chance_normal(&r.chance));
		rig_poll(&r, 1, 1, 16, NULL);
	}
	assert_true(r.steering->holdover.lag[1].trials > 10);
	assert_true(holdover_lasting(&r.steering->holdover, 1024) > 0.9);
	assert_true(holdover_lasting(&r.steering->holdover, 20000) > 0.7);
	rig_close(&r);
}

/* A frequency that is far from all that was seen has another cause. Its drift
 * fades nevertheless. */
static void an_unusual_frequency_lasts(void **state)
{
	const struct holdover untried = {0};
	struct estimate e;
	struct osc later;
	double usual, faded;
	struct rig r;

	(void)state;
	open_course(&r, 1e-5, 8250);
	e = r.steering->estimate;
	later = (struct osc){e.at.ns + 5000 * NS_PER_S};
	usual = holdover_shift(&r.steering->holdover, &e, later);
	assert_true(fabs(usual) > 0.01);
	estimate_shift_freq(&e, copysign(50e-6, usual));
	assert_true(holdover_shift(&r.steering->holdover, &e, later) == 0);
	later.ns += 86400 * NS_PER_S;
	faded = holdover_shift(&untried, &e, later);
	assert_true(faded != 0);
	assert_true(holdover_shift(&r.steering->holdover, &e, later) == faded);
	rig_close(&r);
}

static void no_trial_goes_across_an_interruption(void **state)
{
	struct holdover before;
	struct holdover *h;
	struct rig r;

	(void)state;
	open_course(&r, 1e-5, 8250);
	h = &r.steering->holdover;
	before = *h;
	steering_allow_step(r.steering);
	rig_poll(&r, 1, 12, 16, NULL);
	assert_true(h->lag[0].trials == before.lag[0].trials);
	assert_true(h->lag[1].trials == before.lag[1].trials);
	rig_poll(&r, 1, 12, 16, NULL);
	assert_true(h->lag[0].trials > before.lag[0].trials);
	assert_true(h->lag[1].trials == before.lag[1].trials);
	rig_close(&r);
}

/* Few trials decide nothing. */
static void a_young_clock_keeps_its_last_frequency(void **state)
{
	struct rig r;

	(void)state;
	open_course(&r, 1e-5, 1200);
	assert_true(holdover_lasting(&r.steering->holdover, 5000) == 1);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_oscillator_with_a_course_returns_to_its_mean),
	    cmocka_unit_test(a_drift_does_not_go_on_for_a_day),
	    cmocka_unit_test(the_drift_counts_less_and_less),
	    cmocka_unit_test(only_a_silence_is_corrected),
	    cmocka_unit_test(a_wandering_oscillator_keeps_its_last_frequency),
	    cmocka_unit_test(an_unusual_frequency_lasts),
	    cmocka_unit_test(no_trial_goes_across_an_interruption),
	    cmocka_unit_test(a_young_clock_keeps_its_last_frequency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
