/*
 * The whole status of made-up engines, compared with files in expected/: the
 * JSON, and what ntsctl prints of it. Every number differs from every other
 * one, so that no two can be exchanged unnoticed.
 */
#include "agent/query/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/agent/query/shown.h"
#include "tests/unit/read_file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define HERE "tests/unit/agent/query/expected/"
#define NOW_NS INT64_C(1795392000123456789)
#define DAY_S 86400

static const struct clock_reading now = {
    .mono = {7000 * NS_PER_S}, .wall = {NOW_NS}};

/* An engine that shows what a test wants, without a world around it. */
struct made_up {
	struct engine engine;
	struct config config;
	struct run_options options;
	struct source sources[SOURCES_MAX];
	struct status_view view;
};

static struct mono ago(double s)
{
	return (struct mono){now.mono.ns - ns_of_s(s)};
}

/* The clock has been stepped by 3 s since the start of the ledger. */
static void make_ledger(struct engine *e)
{
	const struct clock_change start = {.at = {NOW_NS - 5000 * NS_PER_S}};
	const struct clock_change step = {
	    .at = {NOW_NS - 4000 * NS_PER_S}, .step_ns = 3 * NS_PER_S};

	timescale_init(&e->timescale, &start);
	timescale_change(&e->timescale, &step);
}

static int setup(void **state)
{
	struct made_up *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	config_defaults(&m->config);
	m->engine.config = &m->config;
	m->engine.options = &m->options;
	m->engine.sources = m->sources;
	m->engine.now = now;
	m->engine.started.mono = ago(3723.5);
	m->view.clock = (struct tracking){.selected = -1,
	    .stratum = 16,
	    .leap = LEAP_UNKNOWN,
	    .drift_hour_ppm = 25,
	    .drift_day_ppm = 25};
	make_ledger(&m->engine);
	m->engine.order.steps = 5;
	m->engine.order.refused = 2;
	bootstrap_init(&m->engine.bootstrap, &m->config, 0);
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct made_up *m = *state;

	for (unsigned i = 0; i < m->engine.source_count; i++)
		source_end(&m->sources[i]);
	free(m);
	return 0;
}

/* A source that has not started. Returns its index. */
static unsigned add_source(struct made_up *m, const char *name)
{
	unsigned i = m->engine.source_count++;
	struct source_config *c = &m->config.sources[i];

	m->config.source_count = m->engine.source_count;
	*c = (struct source_config){
	    .ke_port = (uint16_t)(KE_PORT + i),
	    .minpoll = POLL_AUTO,
	    .maxpoll = POLL_AUTO,
	};
	snprintf(c->name, sizeof(c->name), "%s", name);
	snprintf(c->host, sizeof(c->host), "%s.example.net", name);
	source_init(&m->sources[i], c, now.mono);
	return i;
}

static struct endpoint ipv4(unsigned i, uint16_t port)
{
	return (struct endpoint){.family = 4,
	    .port = port,
	    .address = {192, 0, 2, (uint8_t)(i + 1)}};
}

static struct endpoint ipv6(unsigned i, uint16_t port)
{
	return (struct endpoint){.family = 6,
	    .port = port,
	    .address = {0x20, 1, 0xd, 0xb8, [15] = (uint8_t)(i + 1)}};
}

static void give_keys(struct source *s, unsigned i)
{
	uint8_t cookie[NTS_COOKIE_MAX] = {0};

	s->assoc.aead =
	    i % 2 == 0 ? AEAD_AES_SIV_CMAC_256 : AEAD_AES_128_GCM_SIV;
	for (unsigned n = 0; n <= i % NTS_COOKIES; n++)
		assert_true(
		    cookie_jar_put(&s->assoc.jar, cookie, 100 + 4 * (size_t)i));
	s->keys_at = ago(3000.25 + i);
	s->facts.peer = ipv4(100 + i, s->config->ke_port);
	snprintf(s->facts.tls, sizeof(s->facts.tls), "TLSv1.3 SUITE_%u", i);
	snprintf(s->facts.subject, sizeof(s->facts.subject), "CN=server %u", i);
	s->facts.not_before = NOW_NS / NS_PER_S - (30 + i) * DAY_S;
	/* The third expired some seconds ago, the second lasts a day. */
	s->facts.not_after = NOW_NS / NS_PER_S + (2 - (int)i) * DAY_S - 10;
	if (i > 2)
		s->facts.not_after += (20 + 2 * i) * DAY_S;
}

/* The latest answer; the check that failed is one of them, or none. */
static void give_answer(struct source *s, unsigned i)
{
	const uint64_t now_ntp = ntp_from_wall(now.wall);

	s->header = (struct ntp_header){
	    .version = 4,
	    .mode = 4,
	    .stratum = (uint8_t)s->stratum,
	    .poll = (int8_t)(4 + i),
	    .precision = -24,
	    .root_delay = 0x8000 >> i % 8,
	    .root_dispersion = 0x4000 >> i % 8,
	    .reference = i == 1 ? 0 : now_ntp - ((uint64_t)8 << 32),
	    .receive = now_ntp - ((uint64_t)1 << 32),
	    .transmit = now_ntp - ((uint64_t)1 << 32) + (1 << 20),
	};
	if (i % 2 == 0)
		s->local =
		    (struct endpoint){.family = 4, .address = {192, 0, 2, 200}};
	s->last_failed = i % (ANSWER_CHECK_COUNT + 1);
}

/* A source that is asked for time: all its numbers have to do with `i`. */
static void make_polling(struct source *s, unsigned i)
{
	uint64_t n = 10 * (i + 1);

	s->stage = STAGE_POLLING;
	s->address_count = i % 2 + 1;
	s->address = i % 2;
	s->addresses[i % 2] = i % 3 == 1 ? ipv6(i, (uint16_t)(123 + i))
					 : ipv4(i, (uint16_t)(123 + i));
	s->pace.poll_log2_s = (int)i - 2;
	s->reach = (uint8_t)(0xff >> i % 8);
	s->heard = true;
	s->heard_at = ago(60.5 + i);
	s->stratum = i % 15 + 1;
	s->reference_id = i == 0 ? 0x47505300 : 0xC0000200 + i;
	s->tx_stamp = (enum stamp_kind)(i % 3);
	s->rx_stamp = (enum stamp_kind)((i + 1) % 3);
	s->count = (struct source_counters){
	    .sent = 10000 + n,
	    .received = 9000 + n,
	    .valid = 8000 + n,
	    .good = 7000 + n,
	    .lost = 600 + n,
	    .rejected = 500 + n,
	    .naks = 40 + n,
	    .exchanges = 30 + n,
	    .attempts = 2 + n,
	    .crashes = 50 + 2 * i,
	    .kernel_sent = 400 + n,
	    .kernel_received = 300 + n,
	    .hardware_sent = 200 + n,
	    .hardware_received = 100 + n,
	    .begun = 70 + n,
	    .key_failures = {[FAILURE_DNS] = 3 * i, [FAILURE_CRASH] = i},
	    .checks = {[CHECK_ORIGIN] = 2 * i, [CHECK_MAXDELAY] = i},
	};
	give_answer(s, i);
	give_keys(s, i);
}

/* `sign` 1: our clock is slow against the source. */
static struct source_view view_of(
    enum select_state state, unsigned i, int64_t sign)
{
	return (struct source_view){
	    .state = state,
	    .have_sample = true,
	    .last_measured_ns = sign * (124000 + i),
	    .last_offset_ns = sign * (117000 + i),
	    .bound_ns = 524000 + i,
	    .stratum = (uint8_t)(i % 15 + 1),
	    .leap = (enum leap)(i % 4),
	    .samples = i + 1,
	    .runs = i / 2 + 1,
	    .span_s = 380.5 + i,
	    .freq_ppm = (double)sign * (0.25 + i),
	    .skew_ppm = 0.125 + i,
	    .offset_ns = sign * (1020 + i),
	    .std_dev_ns = 2210 + i,
	    .min_delay_ns = 118000 + i,
	    .last_delay_ns = 141000 + i,
	    .last_dispersion_ns = 160 + i,
	    .low_ns = sign * 400000 - 500000 - i,
	    .high_ns = sign * 400000 + 500000 + i,
	    .score = i % 3 == 2 ? 0 : 1.0 / (1 + i),
	    .has_bias = i % 2 == 0,
	    .bias_ns = sign * (3400 + i),
	    .bias_sd_ns = 510 + i,
	};
}

/* `sign` 1: the clock is slow, and the correction speeds it up. */
static struct tracking tracking_of(int64_t sign, int selected, uint64_t updates)
{
	return (struct tracking){
	    .synchronised = true,
	    .selected = selected,
	    .combined = 2,
	    .stratum = 3,
	    .leap = LEAP_INSERT,
	    .updated = {NOW_NS - 8 * NS_PER_S},
	    .updates = updates,
	    .offset_ns = sign * 1250,
	    .last_offset_ns = sign * 3120,
	    .rms_offset_ns = 2875,
	    .freq_ppm = (double)sign * 7.5,
	    .residual_ppm = (double)sign * 0.0625,
	    .skew_ppm = 0.03125,
	    .drift_reason = sign > 0 ? DRIFT_JUMPS : DRIFT_LEARNED,
	    .drift_hour_ppm = 11.25,
	    .drift_day_ppm = 23.75,
	    .drift_jump_ppm = sign > 0 ? 5.5 : 0,
	    .drift_watched_s = 111600,
	    .drift_awake_s = 7200,
	    .root_delay_ns = 118000,
	    .root_dispersion_ns = 23400,
	    .est_error_ns = 1900,
	    .update_interval_s = 16.125,
	    .steps = 4,
	    .last_step_ns = sign * 99664022000,
	};
}

static const struct source_options option_sets[] = {
    {.prefer = true},
    {.noselect = true},
    {.trust = true},
    {.require = true},
    {.prefer = true, .noselect = true, .trust = true, .require = true},
    {0},
};

/* A source in each state of the selection, and a clock that is slow. */
static void make_slow(struct made_up *m)
{
	for (unsigned i = 0; i < SELECT_STATE_COUNT; i++) {
		enum select_state state =
		    (enum select_state)(SELECT_STATE_COUNT - 1 - i);
		unsigned slot = add_source(m, select_state_name(state));

		m->config.sources[slot].options =
		    option_sets[i % ARRAY_LEN(option_sets)];
		make_polling(&m->sources[slot], i);
		m->view.sources[slot] = view_of(state, i, 1);
	}
	m->engine.ever_synchronised = true;
	m->view.clock = tracking_of(1, 0, 7);
	snprintf(m->engine.disturbed.text, sizeof(m->engine.disturbed.text),
	    "the clock was moved by +2.000 s");
	m->engine.disturbed.at = ago(12.5);
	snprintf(m->engine.unsaved[UNSAVED_HISTORY].text, UNSAVED_TEXT_MAX,
	    "after a restart the history has a gap: no space is left");
	m->config.unused_file_count = UNUSED_FILES_SHOWN + 1;
	for (unsigned i = 0; i < UNUSED_FILES_SHOWN; i++)
		snprintf(m->config.unused_files[i], UNUSED_FILE_TEXT_MAX,
		    "/etc/ntsagent/sources.d/%u.conf:%u: unknown key \"x\"", i,
		    70 + i);
}

/* A clock that is fast, and by too much to be corrected. */
static void make_fast(struct made_up *m)
{
	static const enum select_state states[] = {
	    SELECT_COMBINED, SELECT_SELECTED, SELECT_FALSETICKER};
	struct source *liar;

	for (unsigned i = 0; i < ARRAY_LEN(states); i++) {
		unsigned slot = add_source(m, select_state_name(states[i]));

		make_polling(&m->sources[slot], i);
		m->view.sources[slot] = view_of(states[i], i, -1);
	}
	liar = &m->sources[2];
	liar->failure = "silence";
	snprintf(liar->reason, sizeof(liar->reason), "no answer");
	m->engine.ever_synchronised = true;
	m->view.clock = tracking_of(-1, 1, 1);
	m->view.clock.synchronised = false;
	m->view.clock.leap = LEAP_DELETE;
	m->view.clock.refused = true;
	m->view.clock.refused_ns = INT64_C(-5000000000000);
	snprintf(m->view.clock.reason, sizeof(m->view.clock.reason),
	    "the clock is 5000 s fast");
}

/* No source has a sample: one at each stage, one switched off, one that
 * failed. Nothing is known that could be shown as a number. */
static void make_unknown(struct made_up *m)
{
	unsigned i;

	for (int stage = 0; stage < SOURCE_STAGE_COUNT; stage++) {
		i = add_source(m, source_stage_name((enum source_stage)stage));
		m->sources[i].stage = (enum source_stage)stage;
		m->sources[i].retry_at =
		    mono_after(now.mono, (5 + stage) * NS_PER_S);
	}
	i = add_source(m, "failed");
	m->sources[i].stage = STAGE_RESTING;
	m->sources[i].retry_at = mono_after(now.mono, 58 * NS_PER_S);
	m->sources[i].dates = KE_DATES_UNCHECKED;
	m->sources[i].failure = "dns";
	snprintf(m->sources[i].reason, sizeof(m->sources[i].reason),
	    "no such \xff name");
	i = add_source(m, "off");
	source_go_offline(&m->sources[i]);
	m->view.clock.freq_ppm = NAN;
}

/* Frees `text`. On a difference it is left in a file, to be looked at. */
static void assert_file(const char *name, const char *ending, char *text)
{
	char path[128], actual[] = P_tmpdir "/status_test-XXXXXX", *expected;
	FILE *file;

	snprintf(path, sizeof(path), HERE "%s.%s", name, ending);
	expected = read_file(path);
	if (strcmp(text, expected) != 0) {
		file = fdopen(mkstemp(actual), "w");
		assert_non_null(file);
		fputs(text, file);
		fclose(file);
		fail_msg("see: diff -u %s %s", path, actual);
	}
	free(expected);
	free(text);
}

/* Replaces what differs from run to run and from version to version. */
static json_t *without_the_run(const char *json)
{
	json_t *tree = json_loads(json, 0, NULL);

	assert_non_null(tree);
	assert_int_equal(
	    json_integer_value(json_object_get(tree, "pid")), getpid());
	assert_string_equal(json_string_value(json_object_get(tree, "version")),
	    NTSAGENT_VERSION);
	json_object_set_new(tree, "pid", json_integer(4242));
	json_object_set_new(tree, "version", json_string("0.0.0"));
	return tree;
}

static void assert_status(const struct made_up *m, const char *name)
{
	char *json = status_json_of(&m->engine, &m->view, now), *shown;
	json_t *tree;
	struct snapshot s;

	assert_non_null(json);
	tree = without_the_run(json);
	free(json);
	shown = json_dumps(tree, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
	s = snapshot_of_status(json_dumps(tree, 0));
	json_decref(tree);
	assert_file(name, "txt", reports_of(&s));
	assert_file(name, "json", shown);
	snapshot_free(&s);
}

static void a_slow_clock_with_sources_in_all_states(void **state)
{
	struct made_up *m = *state;

	make_slow(m);
	assert_status(m, "slow");
}

static void a_fast_clock_that_is_not_corrected(void **state)
{
	struct made_up *m = *state;

	make_fast(m);
	assert_status(m, "fast");
}

static void another_name_of_a_server_says_which(void **state)
{
	struct made_up *m = *state;
	struct source *s = m->sources;
	char *json;

	make_fast(m);
	s[2].addresses[s[2].address] = *source_address(&s[1]);
	json = status_json_of(&m->engine, &m->view, now);
	assert_non_null(json);
	assert_non_null(strstr(json, "\"same_server\":\"selected\""));
	free(json);
}

static void what_is_not_known_is_null_and_not_zero(void **state)
{
	struct made_up *m = *state;

	make_unknown(m);
	assert_status(m, "unknown");
}

/* ---- what the three do not show ---- */

static struct snapshot taken(const struct made_up *m)
{
	return snapshot_of_status(status_json_of(&m->engine, &m->view, now));
}

static void the_state_of_the_clock_is_one_word(void **state)
{
	static const struct {
		bool refused, synchronised, undated, ever;
		const char *word;
	} cases[] = {
	    {true, true, true, true, "refused"},
	    {false, true, true, true, "synchronised"},
	    {false, false, true, true, "bootstrap"},
	    {false, false, false, true, "lost"},
	    {false, false, false, false, "starting"},
	};
	struct made_up *m = *state;
	unsigned i = add_source(m, "a");

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		struct snapshot s;

		m->view.clock.refused = cases[n].refused;
		m->view.clock.synchronised = cases[n].synchronised;
		m->engine.ever_synchronised = cases[n].ever;
		m->sources[i].stage =
		    cases[n].undated ? STAGE_UNDATED_POLLING : STAGE_POLLING;
		s = taken(m);
		assert_string_equal(s.clock.state, cases[n].word);
		snapshot_free(&s);
	}
}

static void the_reason_is_the_steerings_before_the_options(void **state)
{
	static const struct {
		const char *steering, *options;
		bool no_clock;
		const char *shown;
	} cases[] = {
	    {"no majority", "--no-clock", true, "no majority"},
	    {"", "--no-clock", true, "--no-clock"},
	    {"", NULL, true, ""},
	    {"", "--no-clock", false, ""},
	};
	struct made_up *m = *state;

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		struct snapshot s;

		snprintf(m->view.clock.reason, sizeof(m->view.clock.reason),
		    "%s", cases[n].steering);
		m->options.no_clock = cases[n].no_clock;
		m->options.no_clock_reason = cases[n].options;
		s = taken(m);
		assert_string_equal(s.clock.reason, cases[n].shown);
		assert_int_equal(s.clock.controlled, !cases[n].no_clock);
		snapshot_free(&s);
	}
}

/* Of a source that smears a leap second this is the reason, but only where the
 * selection does not believe it, and after its own trouble. */
static void a_smeared_leap_second_explains_a_difference(void **state)
{
	static const struct {
		enum select_state state;
		bool smears;
		const char *trouble;
		bool explained;
	} cases[] = {
	    {SELECT_FALSETICKER, true, "", true},
	    {SELECT_NO_MAJORITY, true, "", true},
	    {SELECT_COMBINED, true, "", false},
	    {SELECT_FALSETICKER, false, "", false},
	    {SELECT_FALSETICKER, true, "no answer", false},
	};
	struct made_up *m = *state;
	unsigned i;

	(void)add_source(m, "other");
	i = add_source(m, "a");
	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		struct snapshot s;
		const char *reason;

		m->view.sources[i] = view_of(cases[n].state, i, 1);
		m->engine.leap.smearers = cases[n].smears ? 1u << i : 0;
		snprintf(m->sources[i].reason, sizeof(m->sources[i].reason),
		    "%s", cases[n].trouble);
		s = taken(m);
		reason = s.sources[i].reason;
		assert_int_equal(strstr(reason, "around a leap second") != NULL,
		    cases[n].explained);
		if (cases[n].trouble[0])
			assert_string_equal(reason, cases[n].trouble);
		snapshot_free(&s);
	}
}

/* An administrator needs value, limit and key. The latest sample may be within
 * the limit, because the best one counts with its age. */
static void a_distance_is_told_with_its_limit(void **state)
{
	static const struct {
		int64_t bound_ns;
		bool have_sample;
		const char *reason;
	} cases[] = {
	    {5 * NS_PER_S, true,
		"its root distance, 5.000000 s, is above maxdistance = "
		"3.000000 s "
		"in [clock]"},
	    {3 * NS_PER_S, true,
		"its root distance is above maxdistance = 3.000000 s in "
		"[clock]"},
	    {5 * NS_PER_S, false,
		"its root distance is above maxdistance = 3.000000 s in "
		"[clock]"},
	};
	struct made_up *m = *state;
	unsigned i = add_source(m, "a");

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		struct snapshot s;

		m->view.sources[i] = view_of(SELECT_DISTANCE, i, 1);
		m->view.sources[i].bound_ns = cases[n].bound_ns;
		m->view.sources[i].have_sample = cases[n].have_sample;
		m->sources[i].reason[0] = '\0';
		s = taken(m);
		assert_string_equal(s.sources[i].reason, cases[n].reason);
		snapshot_free(&s);
	}
}

static void certificates_count_whole_days_down(void **state)
{
	static const struct {
		int64_t left_s;
		int days;
	} cases[] = {
	    {-DAY_S - 1, -2}, {-1, -1}, {1, 0}, {DAY_S - 1, 0}, {DAY_S + 1, 1}};
	struct made_up *m = *state;
	unsigned i = add_source(m, "a");

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		struct snapshot s;

		m->sources[i].facts.not_after =
		    NOW_NS / NS_PER_S + cases[n].left_s;
		s = taken(m);
		assert_int_equal(
		    s.sources[i].nts.cert_days_left.n, cases[n].days);
		snapshot_free(&s);
	}
}

static void after_a_step_no_mean_offset_is_known(void **state)
{
	struct made_up *m = *state;
	struct snapshot s;

	m->view.clock = tracking_of(1, -1, 2);
	m->view.clock.rms_offset_ns = 0;
	s = taken(m);
	assert_false(s.clock.rms_offset_ns.known);
	assert_true(s.clock.update_offset_ns.known);
	assert_true(s.clock.update_interval_s.known);
	assert_true(s.clock.offset_ns.known);
	assert_false(s.clock.root_delay_ns.known);
	assert_false(s.clock.root_dispersion_ns.known);
	snapshot_free(&s);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_slow_clock_with_sources_in_all_states),
	    CASE(a_fast_clock_that_is_not_corrected),
	    CASE(another_name_of_a_server_says_which),
	    CASE(what_is_not_known_is_null_and_not_zero),
	    CASE(the_state_of_the_clock_is_one_word),
	    CASE(the_reason_is_the_steerings_before_the_options),
	    CASE(a_smeared_leap_second_explains_a_difference),
	    CASE(a_distance_is_told_with_its_limit),
	    CASE(certificates_count_whole_days_down),
	    CASE(after_a_step_no_mean_offset_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
