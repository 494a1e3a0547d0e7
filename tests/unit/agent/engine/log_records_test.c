/* What the engine tells the logger: when, and with which signs. */
#include "tests/unit/agent/engine/world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The records since the last test began. */
static struct {
	unsigned count[LOG_KINDS];
	struct log_record first[LOG_KINDS], last[LOG_KINDS];
} seen;

static bool capture(void *self, const struct log_record *r)
{
	(void)self;
	if (seen.count[r->kind]++ == 0)
		seen.first[r->kind] = *r;
	seen.last[r->kind] = *r;
	return true;
}

/* `offset_ns` and `osc_ppm` as in world_new(). */
static struct world *logged_world(int64_t offset_ns, double osc_ppm)
{
	struct world *w = world_new(1, offset_ns, osc_ppm);

	memset(&seen, 0, sizeof(seen));
	w->config.log_measurements = true;
	w->config.log_statistics = true;
	w->config.log_tracking = true;
	world_start(w);
	engine_set_log(&w->engine, capture);
	return w;
}

/* The file has a line for each answer that is used. */
static void each_answer_is_a_measurement(void **state)
{
	struct world *w = logged_world(0, 0);
	const struct source *s = &w->engine.sources[0];

	(void)state;
	world_run(w, 200 * NS_PER_S);
	assert_true(seen.count[LOG_MEASUREMENT] > 5);
	assert_int_equal(seen.count[LOG_MEASUREMENT], s->count.good);
	/* The first two make no straight line. */
	assert_int_equal(seen.count[LOG_STATISTICS], s->count.good - 2);
	assert_int_equal(seen.count[LOG_TRACKING], world_tracking(w).updates);
	assert_true(endpoint_same_host(
	    &seen.last[LOG_MEASUREMENT].address, &s->addresses[0]));
	world_end(w);
}

/* chronyd: an offset is positive for a slow clock in measurements.log, and for
 * a fast one in the two others. */
static void signs_are_those_of_chronyd(void **state)
{
	const double error = 0.05;
	struct world *w = logged_world(50 * NS_PER_MS, 20);

	(void)state;
	world_run(w, 300 * NS_PER_S);
	assert_float_equal(
	    seen.first[LOG_MEASUREMENT].measurement.offset, -error, 1e-3);
	assert_float_equal(
	    seen.first[LOG_TRACKING].tracking.offset, error, 1e-3);
	/* The clock is right by now, and only the oscillator is not. */
	assert_float_equal(
	    seen.last[LOG_MEASUREMENT].measurement.offset, 0, 1e-4);
	assert_float_equal(
	    seen.last[LOG_STATISTICS].statistics.offset, 0, 1e-4);
	assert_float_equal(seen.last[LOG_TRACKING].tracking.freq_ppm, 20, 1);
	world_end(w);
}

/* A clock that is never corrected shows both signs of the statistics. */
static void statistics_of_a_clock_that_runs_fast(void **state)
{
	struct world *w = logged_world(50 * NS_PER_MS, 20);
	const struct log_statistics *st;

	(void)state;
	w->refusal = KEEPER_KERNEL;
	world_run(w, 60 * NS_PER_S);
	assert_true(seen.count[LOG_STATISTICS] > 3);
	assert_float_equal(
	    seen.last[LOG_STATISTICS].statistics.offset, 0.05, 2e-3);
	assert_float_equal(
	    seen.last[LOG_STATISTICS].statistics.freq, 20e-6, 2e-6);
	/* What is uncertain is so in the same units. */
	st = &seen.last[LOG_STATISTICS].statistics;
	assert_true(st->std_dev > 0 && st->std_dev < 1e-3);
	assert_true(
	    fabs(st->offset_sd * sqrt(st->samples) / st->std_dev - 1) < 1e-9);
	assert_true(st->skew > 0 && st->skew < 1e-3);
	assert_true(st->stress > 1e-3 && st->stress < 10);
	world_end(w);
}

static void the_values_are_those_of_the_answer(void **state)
{
	struct world *w = logged_world(0, 0);
	const struct log_record *r = &seen.last[LOG_MEASUREMENT];
	const struct log_record *t = &seen.last[LOG_TRACKING];
	struct source_view v;

	(void)state;
	world_run(w, 100 * NS_PER_S);
	v = world_view(w, 0);
	assert_float_equal(
	    r->measurement.delay, s_of_ns(v.last_delay_ns), 1e-9);
	assert_int_equal(r->stratum, v.stratum);
	assert_int_equal(r->leap, LEAP_NONE);
	assert_int_equal(r->measurement.max_delay, 1);
	assert_int_equal(
	    r->measurement.local_poll, w->engine.sources[0].pace.poll_log2_s);
	assert_in_range(w->wall - r->at_ns, 0, 70 * NS_PER_S);
	assert_int_equal(t->stratum, v.stratum + 1);
	assert_int_equal(t->tracking.combined, 1);
	assert_true(
	    t->tracking.max_error >
	    t->tracking.root_delay / 2 + t->tracking.root_dispersion - 1e-12);
	world_end(w);
}

/* It took too long, and passes the other tests. */
static void an_answer_beyond_maxdelay_has_a_line_with_a_0(void **state)
{
	struct world *w = logged_world(0, 0);

	(void)state;
	w->config.sources[0].max_delay_ns = 1;
	world_run(w, 10 * NS_PER_S);
	assert_true(seen.count[LOG_MEASUREMENT] > 0);
	assert_int_equal(seen.last[LOG_MEASUREMENT].measurement.max_delay, 0);
	assert_int_equal(
	    seen.last[LOG_MEASUREMENT].measurement.max_delay_ratio, 1);
	assert_int_equal(seen.count[LOG_STATISTICS], 0);
	assert_int_equal(seen.count[LOG_TRACKING], 0);
	world_end(w);
}

/* The server claims to have held the request for longer than it was away. */
static void an_answer_that_cannot_be_true_has_no_line(void **state)
{
	struct world *w = logged_world(0, 0);

	(void)state;
	w->held_ns[0] = NS_PER_S;
	world_run(w, 10 * NS_PER_S);
	assert_int_equal(seen.count[LOG_MEASUREMENT], 0);
	world_end(w);
}

static void only_the_wanted_files_get_lines(void **state)
{
	struct world *w = logged_world(0, 0);

	(void)state;
	w->config.log_measurements = w->config.log_statistics = false;
	world_run(w, 50 * NS_PER_S);
	assert_int_equal(seen.count[LOG_MEASUREMENT], 0);
	assert_int_equal(seen.count[LOG_STATISTICS], 0);
	assert_true(seen.count[LOG_TRACKING] > 0);
	w->config.log_folder[0] = '\0';
	memset(&seen, 0, sizeof(seen));
	world_run(w, 50 * NS_PER_S);
	assert_int_equal(seen.count[LOG_TRACKING], 0);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_answer_is_a_measurement),
	    cmocka_unit_test(signs_are_those_of_chronyd),
	    cmocka_unit_test(statistics_of_a_clock_that_runs_fast),
	    cmocka_unit_test(the_values_are_those_of_the_answer),
	    cmocka_unit_test(an_answer_beyond_maxdelay_has_a_line_with_a_0),
	    cmocka_unit_test(an_answer_that_cannot_be_true_has_no_line),
	    cmocka_unit_test(only_the_wanted_files_get_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
