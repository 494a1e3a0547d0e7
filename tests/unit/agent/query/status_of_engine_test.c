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
	assert_false(s.clock.offset_ns.known);
	assert_false(s.clock.update_offset_ns.known);
	assert_false(s.clock.skew_ppm.known);
	assert_false(s.clock.est_error_ns.known);
	assert_false(s.clock.root_delay_ns.known);
	assert_false(s.clock.reference_time_ns.known);
	assert_false(s.sources[0].adjusted_offset_ns.known);
	assert_false(s.sources[0].span_s.known);
	assert_string_equal(s.sources[0].stage, "start");
	snapshot_free(&s);
	world_end(w);
}

/* What an agent knows before its first answer: what is configured, what it has
 * counted, and the words that say that it knows nothing. */
static const char *const known_at_the_start[] = {"schema", "version", "time_ns",
    "uptime_s", "pid", "clock.controlled", "clock.reason", "clock.synchronised",
    "unused_file_count", "unused_files", "unsaved_count", "unsaved",
    "clock.state", "clock.combined", "clock.minsources", "clock.stratum",
    "clock.leap", "clock.drift_reason", "clock.drift_hour_ppm",
    "clock.drift_day_ppm", "clock.drift_watched_s", "clock.drift_awake_s",
    "clock.steps", "clock.refused", "clock.refusals", "clock.keeper_steps",
    "clock.keeper_refusals", "sources.name", "sources.host", "sources.srv",
    "sources.mark", "sources.state", "sources.reason", "sources.stage",
    "sources.failure", "sources.next_try_s", "sources.poll_log2_s",
    "sources.reach", "sources.samples", "sources.runs", "sources.asymmetry_ns",
    "sources.options", "sources.packets.sent", "sources.packets.received",
    "sources.packets.valid", "sources.packets.good", "sources.packets.lost",
    "sources.packets.rejected", "sources.packets.kernel_sent",
    "sources.packets.kernel_received", "sources.packets.hardware_sent",
    "sources.packets.hardware_received", "sources.nts.exchanges",
    "sources.nts.attempts", "sources.nts.begun", "sources.nts.naks",
    "sources.nts.crashes", "sources.nts.cookies", "sources.nts.ke_port"};

#define KNOWN_COUNT ARRAY_LEN(known_at_the_start)

static void note_known(const char *path, bool seen[KNOWN_COUNT])
{
	for (size_t i = 0; i < KNOWN_COUNT; i++)
		if (strcmp(path, known_at_the_start[i]) == 0) {
			seen[i] = true;
			return;
		}
	fail_msg("%s is not null", path);
}

/* Walks over every member below `o`, and marks those that are not null. */
static unsigned walk(const char *where, json_t *o, bool seen[KNOWN_COUNT])
{
	unsigned nulls = 0;
	const char *key;
	json_t *value;

	json_object_foreach(o, key, value)
	{
		char path[128];

		snprintf(path, sizeof(path), "%s%s%s", where, *where ? "." : "",
		    key);
		if (json_is_object(value))
			nulls += walk(path, value, seen);
		else if (strcmp(path, "sources") == 0)
			nulls += walk(path, json_array_get(value, 0), seen);
		else if (json_is_null(value))
			nulls++;
		else
			note_known(path, seen);
	}
	return nulls;
}

static json_t *fresh_status(void)
{
	struct world *w = world_new(1, 0, 0);
	char *json;
	json_t *tree;

	world_start(w);
	json = status_json(&w->engine, world_reading(w));
	tree = json_loads(json, 0, NULL);
	assert_non_null(tree);
	free(json);
	world_end(w);
	return tree;
}

static void a_fresh_status_has_null_for_all_that_is_not_known(void **state)
{
	bool seen[KNOWN_COUNT] = {false};
	json_t *tree = fresh_status(), *clock;

	(void)state;
	assert_true(walk("", tree, seen) > 40);
	for (size_t i = 0; i < KNOWN_COUNT; i++)
		if (!seen[i])
			fail_msg("%s is missing", known_at_the_start[i]);
	/* The words of RFC 5905 for a clock that is not synchronised. */
	clock = json_object_get(tree, "clock");
	assert_int_equal(
	    json_integer_value(json_object_get(clock, "stratum")), 16);
	assert_string_equal(json_string_value(json_object_get(clock, "leap")),
	    "unsynchronised");
	assert_true(json_is_false(json_object_get(clock, "synchronised")));
	json_decref(tree);
}

/* No text, for an eye or a script, shows a value that a perfect clock has. */
static void the_reports_of_a_fresh_agent_show_no_perfect_clock(void **state)
{
	static const char *const perfect[] = {
	    "+0ns", " 0ns", "0.000000", "0.000 ppm", "+0.000", " 0.000 "};
	json_t *tree = fresh_status();
	struct snapshot s = snapshot_of_status(json_dumps(tree, 0));
	char *text = reports_of(&s);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(perfect); i++)
		if (strstr(text, perfect[i]))
			fail_msg("'%s' is in: %s", perfect[i], text);
	assert_part(text, "Leap status     : Not synchronised");
	assert_part(text, "Frequency       : unknown");
	free(text);
	snapshot_free(&s);
	json_decref(tree);
}

/* The frequency is known from the drift file, or once there is a sample. */
static void the_frequency_is_shown_once_it_is_known(void **state)
{
	static const struct {
		double start_sd_ppm;
		int64_t run_ns;
		bool known;
	} rows[] = {
	    {FREQ_SD_UNKNOWN_PPM, 0, false},
	    {0.5, 0, true},
	    {FREQ_SD_UNKNOWN_PPM, 60 * NS_PER_S, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = world_new(1, 0, 0);
		struct snapshot s;

		w->start.freq_sd_ppm = rows[i].start_sd_ppm;
		world_start(w);
		world_run(w, rows[i].run_ns);
		s = shown(w);
		assert_int_equal(
		    s.clock.uncorrected_frequency_ppm.known, rows[i].known);
		snapshot_free(&s);
		world_end(w);
	}
}

/* Nobody corrects the oscillator of this world, which runs 7 ppm fast. */
static void with_no_clock_the_frequency_is_that_of_the_oscillator(void **state)
{
	struct world *w = world_new(1, 0, 7);
	struct snapshot s;

	(void)state;
	w->options.no_clock = true;
	world_start(w);
	world_run(w, 2 * 3600 * NS_PER_S);
	s = shown(w);
	assert_float_equal(s.clock.uncorrected_frequency_ppm.x, 7, 0.5);
	assert_float_equal(s.clock.residual_frequency_ppm.x, 7, 0.5);
	snapshot_free(&s);
	world_end(w);
}

/* RFC 5905 section 7.3: the address, or the beginning of its MD5 hash; of the
 * server's own source four characters, if it is a clock. */
static void reference_identifiers_are_those_of_the_rfc(void **state)
{
	static const struct {
		const char *address, *id;
		unsigned stratum;
		uint32_t sent;
		const char *server_id; /* NULL: not known */
	} rows[] = {
	    {"192.0.2.1", "C0000201", 1, 0x47505300, "GPS"},
	    {"2001:db8::1", "39AB9B37", 1, 0x47505300, "GPS"},
	    {"2001:db8::2", "2D47FD05", 2, 0x47505300, "47505300"},
	    {"192.0.2.1", "C0000201", 1, 0x00505300, "00505300"},
	    {"192.0.2.1", "C0000201", 1, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = world_new(1, 0, 0);
		struct snapshot s;

		strcpy(w->address[0], rows[i].address);
		w->peers[0].stratum = (uint8_t)rows[i].stratum;
		w->peers[0].reference_id = rows[i].sent;
		world_start(w);
		world_run(w, 60 * NS_PER_S);
		s = shown(w);
		assert_string_equal(s.clock.reference_id, rows[i].id);
		if (rows[i].server_id)
			assert_string_equal(
			    s.sources[0].reference_id, rows[i].server_id);
		else
			assert_null(s.sources[0].reference_id);
		snapshot_free(&s);
		world_end(w);
	}
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
	assert_int_equal(s.schema.n, 2);
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
		/* A clock that is fast (sign 1) has a positive offset. */
		assert_in_range(
		    sign * s.clock.offset_ns.n, 60 * NS_PER_MS, 80 * NS_PER_MS);
		assert_true(sign * s.clock.update_offset_ns.n > 0);
		assert_in_range(sign * s.sources[0].adjusted_offset_ns.n,
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
	    cmocka_unit_test(a_fresh_status_has_null_for_all_that_is_not_known),
	    cmocka_unit_test(
		the_reports_of_a_fresh_agent_show_no_perfect_clock),
	    cmocka_unit_test(the_frequency_is_shown_once_it_is_known),
	    cmocka_unit_test(
		with_no_clock_the_frequency_is_that_of_the_oscillator),
	    cmocka_unit_test(reference_identifiers_are_those_of_the_rfc),
	    cmocka_unit_test(a_source_that_fails_names_its_trouble),
	    cmocka_unit_test(offsets_have_the_sign_of_the_clock),
	    cmocka_unit_test(a_server_that_smears_is_explained),
	    cmocka_unit_test(a_clock_too_wrong_for_certificates_says_why),
	    cmocka_unit_test(
		a_pause_that_is_not_corrected_says_how_long_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
