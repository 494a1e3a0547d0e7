/*
 * The status of an engine that runs in its small world, as ntsctl reads it.
 */
#include "agent/query/status.h"

#include "agent/engine/leap_second.h"
#include "tests/unit/agent/engine/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/agent/query/shown.h"

#define DAY_S INT64_C(86400)
#define YEAR_NS (INT64_C(31556952) * NS_PER_S)
/* 2029-01-01 00:00:00 */
#define MIDNIGHT_S INT64_C(1861920000)

static struct snapshot shown(const struct world *w)
{
	return snapshot_of_status(status_json(&w->engine, world_reading(w)));
}

static void assert_part(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

static void before_the_first_sample_nothing_is_known(void **state)
{
	struct world *w = world_new(1, 0, 0);
	struct snapshot s;

	(void)state;
	world_start(w);
	s = shown(w);
	assert_string_equal(s.clock.state, "starting");
	assert_null(s.clock.selected);
	assert_null(s.clock.reference_id);
	assert_false(s.clock.system_offset_ns.known);
	assert_false(s.clock.last_offset_ns.known);
	assert_false(s.clock.skew_ppm.known);
	assert_false(s.clock.est_error_ns.known);
	assert_false(s.clock.root_delay_ns.known);
	assert_false(s.clock.reference_time_ns.known);
	assert_false(s.sources[0].offset_ns.known);
	assert_false(s.sources[0].span_s.known);
	assert_string_equal(s.sources[0].stage, "start");
	snapshot_free(&s);
	world_end(w);
}

static void a_source_that_fails_names_its_trouble(void **state)
{
	struct world *w = world_new(2, 0, 0);
	const struct status_source *bad;
	struct snapshot s;

	(void)state;
	w->keys_fail[1] = true;
	w->config.sources[1].ke_port = 14461;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	s = shown(w);
	assert_int_equal(s.schema.n, 1);
	assert_true(s.clock.synchronised);
	assert_string_equal(s.clock.state, "synchronised");
	assert_string_equal(s.clock.selected, "a");
	assert_string_equal(s.clock.reference_id, "C0000201");
	assert_string_equal(s.sources[0].mark, "*");
	bad = &s.sources[1];
	assert_string_equal(bad->reason, "the certificate is for other names");
	assert_string_equal(bad->failure, "certificate");
	assert_string_equal(bad->stage, "resting");
	assert_true(bad->next_try_s.known && bad->next_try_s.x > 0);
	assert_int_equal(bad->nts.ke_port.n, 14461);
	snapshot_free(&s);
	world_end(w);
}

/* A slew of 80 ms takes so long here that most of it is left. */
static void offsets_have_the_sign_of_the_clock(void **state)
{
	(void)state;
	for (int64_t sign = -1; sign <= 1; sign += 2) {
		struct world *w = world_new(1, sign * 80 * NS_PER_MS, 0);
		struct snapshot s;

		w->config.steering.max_slew_ppm = 100;
		w->config.steering.makestep_updates = 0;
		world_start(w);
		world_run(w, 60 * NS_PER_S);
		s = shown(w);
		assert_int_equal(s.clock.steps.n, 0);
		assert_false(s.clock.last_step_ns.known);
		/* A clock that is fast (sign 1) has a negative offset. */
		assert_in_range(-sign * s.clock.system_offset_ns.n,
		    60 * NS_PER_MS, 80 * NS_PER_MS);
		assert_true(-sign * s.clock.last_offset_ns.n > 0);
		assert_in_range(-sign * s.sources[0].offset_ns.n,
		    60 * NS_PER_MS, 80 * NS_PER_MS);
		assert_true(llabs(s.clock.reference_time_ns.n - w->wall) <
			    60 * NS_PER_S);
		snapshot_free(&s);
		world_end(w);
	}
}

/* Two that do not smear, one that does, six hours before the leap second. */
static void a_server_that_smears_is_explained(void **state)
{
	struct world *w = world_new(3, 0, 37);
	struct snapshot s;

	(void)state;
	w->now = w->wall = (MIDNIGHT_S - 6 * 3600 - 600) * NS_PER_S;
	w->peers[0].leap = w->peers[1].leap = LEAP_INSERT;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	w->peer_error_ns[2] = -250 * NS_PER_MS;
	world_run(w, 600 * NS_PER_S);
	s = shown(w);
	assert_part(s.sources[2].reason, "around a leap second");
	assert_string_equal(s.sources[0].leap, "insert");
	snapshot_free(&s);
	world_end(w);
}

/* Servers whose certificates last from 45 days ago for 90 days, and a clock
 * that is wrong by `error_ns`. */
static struct world *wrong_world(unsigned sources, int64_t error_ns)
{
	struct world *w = world_new(sources, error_ns, 20);
	int64_t true_s = w->now / NS_PER_S;

	w->config.bootstrap = BOOTSTRAP_QUORUM;
	w->start.earliest_ns = (true_s - 10 * DAY_S) * NS_PER_S;
	for (unsigned i = 0; i < sources; i++) {
		w->cert_from_s[i] = true_s - 45 * DAY_S;
		w->cert_to_s[i] = true_s + 45 * DAY_S;
	}
	return w;
}

static void a_clock_too_wrong_for_certificates_says_why(void **state)
{
	struct world *w = wrong_world(3, -30 * YEAR_NS);
	struct snapshot s;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		w->peer_error_ns[i] = -11 * DAY_S * NS_PER_S;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	s = shown(w);
	assert_string_equal(s.clock.state, "bootstrap");
	assert_part(s.clock.reason, "known to be past");
	snapshot_free(&s);
	world_end(w);
}

/* Two names of one server prove nothing about a pause. */
static void a_pause_that_is_not_corrected_says_how_long_it_was(void **state)
{
	struct world *w = wrong_world(2, NS_PER_MS);
	struct snapshot s;

	(void)state;
	w->one_key = true;
	world_start(w);
	world_run(w, DAY_S * NS_PER_S);
	world_pause(w, 36000 * NS_PER_S);
	world_run(w, 600 * NS_PER_S);
	s = shown(w);
	assert_part(s.clock.reason, "lost 36000.000 s, more than refuse");
	assert_part(s.clock.disturbance, "lost 36000.000 s at once");
	assert_true(s.clock.disturbed_s.x > 0);
	assert_true(s.clock.disturbed_s.x <= 600);
	snapshot_free(&s);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(before_the_first_sample_nothing_is_known),
	    cmocka_unit_test(a_source_that_fails_names_its_trouble),
	    cmocka_unit_test(offsets_have_the_sign_of_the_clock),
	    cmocka_unit_test(a_server_that_smears_is_explained),
	    cmocka_unit_test(a_clock_too_wrong_for_certificates_says_why),
	    cmocka_unit_test(
		a_pause_that_is_not_corrected_says_how_long_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
