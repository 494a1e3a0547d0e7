#include "tests/unit/agent/ctl/report/shown.h"

static const struct view plain = {.width = 80};

static void the_example_looks_as_expected(void **state)
{
	static const struct golden golden[] = {
	    {"tracking.txt", {.width = 80}},
	    {"tracking-n.txt", {.width = 80, .numeric = true}},
	    {"tracking.csv", {.output = OUTPUT_CSV}},
	    {"tracking.json", {.output = OUTPUT_JSON}},
	};

	(void)state;
	assert_golden(report_tracking, golden, ARRAY_LEN(golden));
}

static json_t *clock_of(json_t *tree)
{
	return json_object_get(tree, "clock");
}

/* Lines of chronyc 4.6; its last offset has the opposite sign. */
static void lines_are_those_of_chronyc(void **state)
{
	static const char expected[] =
	    "Reference ID    : 750B2530 (ntpserver)\n"
	    "Stratum         : 2\n"
	    "Ref time (UTC)  : Sun Nov 22 23:28:02 2026\n"
	    "System time     : 0.000001716 seconds slow of NTP time\n"
	    "Last offset     : -0.000005479 seconds\n"
	    "RMS offset      : 0.000005479 seconds\n"
	    "Frequency       : 0.245 ppm slow\n"
	    "Residual freq   : -0.000 ppm\n"
	    "Skew            : 16.262 ppm\n"
	    "Root delay      : 0.000016116 seconds\n"
	    "Root dispersion : 0.000593823 seconds\n"
	    "Update interval : 1.8 seconds\n"
	    "Leap status     : Normal\n"
	    "Estimated error : 0.000001900 seconds\n"
	    "Clock drift     : assumed 1.250 ppm for 1 h, 2.500 ppm for 1 d "
	    "(learned in 31.0 h)\n"
	    "Steering        : controlled\n";
	json_t *tree = example(), *c = clock_of(tree);

	(void)state;
	set_text(c, "reference_id", "750B2530");
	set_int(c, "reference_time_ns", 1795390082999999999);
	set_int(c, "offset_ns", -1716);
	set_int(c, "update_offset_ns", -5479);
	set_int(c, "rms_offset_ns", 5479);
	set(c, "uncorrected_frequency_ppm", json_real(-0.245));
	set(c, "residual_frequency_ppm", json_real(-0.0002));
	set(c, "skew_ppm", json_real(16.262));
	set_int(c, "root_delay_ns", 16116);
	set_int(c, "root_dispersion_ns", 593823);
	set(c, "update_interval_s", json_real(1.8));
	assert_report(report_tracking, tree, plain, expected);
}

/* Its reason would go beyond 80 columns. A pipe gets one line. */
static void a_terminal_gets_the_drift_in_two_lines(void **state)
{
	char *text = report_of(report_tracking, example(),
	    (struct view){.width = 80, .terminal = true}, EXIT_OK);

	(void)state;
	assert_contains(text,
	    "Clock drift     : assumed 1.250 ppm for 1 h, 2.500 ppm for 1 d\n"
	    "                  (learned in 31.0 h)\n");
	free(text);
}

/* chronyc 4.3 prints these lines before its first sample, but for a guess of
 * the root delay. */
static void nothing_unknown_is_shown_as_zero(void **state)
{
	static const char *const nulls[] = {"stratum", "leap",
	    "reference_time_ns", "offset_ns", "update_offset_ns",
	    "rms_offset_ns", "uncorrected_frequency_ppm",
	    "residual_frequency_ppm", "skew_ppm", "root_delay_ns",
	    "root_dispersion_ns", "update_interval_s", "est_error_ns",
	    "reference_id", "selected"};
	static const char expected[] =
	    "Reference ID    : 00000000 ()\n"
	    "Stratum         : 0\n"
	    "Ref time (UTC)  : unknown\n"
	    "System time     : unknown\n"
	    "Last offset     : unknown\n"
	    "RMS offset      : unknown\n"
	    "Frequency       : unknown\n"
	    "Residual freq   : unknown\n"
	    "Skew            : unknown\n"
	    "Root delay      : unknown\n"
	    "Root dispersion : unknown\n"
	    "Update interval : unknown\n"
	    "Leap status     : Not synchronised\n"
	    "Estimated error : unknown\n"
	    "Clock drift     : assumed 25.000 ppm for 1 h, 25.000 ppm for 1 d "
	    "(nothing learned yet)\n"
	    "Steering        : controlled; no source is configured\n";
	json_t *tree = example(), *c = clock_of(tree);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(nulls); i++)
		set(c, nulls[i], json_null());
	set(c, "synchronised", json_false());
	set_text(c, "reason", "no source is configured");
	set_text(c, "drift_reason", "unknown");
	set(c, "drift_hour_ppm", json_real(25));
	set(c, "drift_day_ppm", json_real(25));
	set(tree, "sources", json_array());
	assert_report(report_tracking, tree, plain, expected);
}

static void assert_line(json_t *tree, const char *line)
{
	char *text = report_of(report_tracking, tree, plain, EXIT_OK);

	assert_contains(text, line);
	free(text);
}

static void the_drift_is_shown_with_its_reason(void **state)
{
	static const struct {
		const char *reason, *shown;
	} rows[] = {
	    {"unknown", "nothing learned yet"},
	    {"learned", "learned in 31.0 h"},
	    {"jumps",
		"learned in 31.0 h; the clock or a server jumped by up to "
		"5.125 ppm"},
	    {"restarted",
		"watched for only 2.0 h since the machine booted or woke up"},
	    {"configured", "configured with max-clock-error"},
	    {"another", "for an unknown reason"},
	};
	char line[160];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *tree = example();

		set_text(clock_of(tree), "drift_reason", rows[i].reason);
		set(clock_of(tree), "drift_jump_ppm", json_real(5.125));
		snprintf(line, sizeof(line),
		    "\nClock drift     : assumed 1.250 ppm for 1 h, 2.500 ppm "
		    "for 1 d (%s)\n",
		    rows[i].shown);
		assert_line(tree, line);
	}
}

/* Unknown is never shown as zero. */
static void an_unknown_drift_is_no_zero(void **state)
{
	static const struct {
		const char *unknown, *reason, *line;
	} rows[] = {
	    {"drift_hour_ppm", "learned", "Clock drift     : unknown\n"},
	    {"drift_day_ppm", "learned", "Clock drift     : unknown\n"},
	    {"drift_watched_s", "learned", "(learned in an unknown time)\n"},
	    {"drift_awake_s", "restarted",
		"(watched for only an unknown time since the machine booted "
		"or woke up)\n"},
	    {"drift_jump_ppm", "jumps",
		"(learned in 31.0 h; the clock or a server jumped)\n"},
	    {"drift_reason", "learned", "(for an unknown reason)\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *tree = example();

		set_text(clock_of(tree), "drift_reason", rows[i].reason);
		set(clock_of(tree), rows[i].unknown, json_null());
		assert_line(tree, rows[i].line);
	}
}

static void signs_become_words(void **state)
{
	json_t *tree = example();

	(void)state;
	set_int(clock_of(tree), "offset_ns", 1250);
	assert_line(
	    tree, "System time     : 0.000001250 seconds fast of NTP time\n");
	tree = example();
	set(clock_of(tree), "uncorrected_frequency_ppm", json_real(-7.5));
	assert_line(tree, "Frequency       : 7.500 ppm slow\n");
	tree = example();
	set_int(clock_of(tree), "update_offset_ns", -99664022000);
	assert_line(tree, "Last offset     : -99.664022000 seconds\n");
}

static void a_disturbance_is_shown_with_its_age(void **state)
{
	json_t *tree = example(), *c = clock_of(tree);

	(void)state;
	set_text(c, "disturbance", "the clock was moved by +2.000 s");
	set(c, "disturbed_s", json_real(12.4));
	assert_line(tree,
	    "Disturbed       : 12 seconds ago, the clock was moved by +2.000 "
	    "s\n");
}

static void a_terminal_gets_a_long_disturbance_in_lines(void **state)
{
	json_t *tree = example(), *c = clock_of(tree);
	char *text;

	(void)state;
	set_text(c, "disturbance",
	    "the clock is 0.188 s behind what was expected of it, as the "
	    "servers say");
	set(c, "disturbed_s", json_real(12.4));
	text = report_of(report_tracking, tree,
	    (struct view){.width = 80, .terminal = true}, EXIT_OK);
	assert_contains(text,
	    "Disturbed       : 12 seconds ago, the clock is 0.188 s behind "
	    "what was expected\n"
	    "                  of it, as the servers say\n");
	free(text);
}

static void leap_seconds_are_announced(void **state)
{
	static const struct {
		const char *leap, *line;
	} cases[] = {
	    {"normal", "Leap status     : Normal\n"},
	    {"insert", "Leap status     : Insert second\n"},
	    {"delete", "Leap status     : Delete second\n"},
	    {"unsynchronised", "Leap status     : Not synchronised\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *tree = example();

		set_text(clock_of(tree), "leap", cases[i].leap);
		assert_line(tree, cases[i].line);
	}
}

static void no_stratum_is_zero(void **state)
{
	json_t *tree = example();

	(void)state;
	set_int(clock_of(tree), "stratum", 16);
	assert_line(tree, "Stratum         : 0\n");
}

static void a_clock_left_alone_says_why(void **state)
{
	json_t *tree = example();

	(void)state;
	set(clock_of(tree), "controlled", json_false());
	assert_line(tree, "Steering        : not controlled\n");
	tree = example();
	set(clock_of(tree), "controlled", json_false());
	set_text(clock_of(tree), "reason", "--no-clock");
	assert_line(tree, "Steering        : not controlled (--no-clock)\n");
	tree = example();
	set(clock_of(tree), "controlled", json_false());
	set_text(clock_of(tree), "reason", "no majority");
	set_text(example_source(tree, 0), "mark", "?");
	assert_line(tree, "Steering        : not controlled; no majority\n");
}

static void steering_that_stopped_says_so(void **state)
{
	json_t *tree = example();

	(void)state;
	set(clock_of(tree), "refused", json_true());
	assert_line(
	    tree, "Steering        : stopped, beyond refuse-threshold\n");
}

static void a_full_disk_is_an_error(void **state)
{
	(void)state;
	assert_full_disk_is_an_error(report_tracking);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_example_looks_as_expected),
	    cmocka_unit_test(lines_are_those_of_chronyc),
	    cmocka_unit_test(a_terminal_gets_the_drift_in_two_lines),
	    cmocka_unit_test(nothing_unknown_is_shown_as_zero),
	    cmocka_unit_test(the_drift_is_shown_with_its_reason),
	    cmocka_unit_test(an_unknown_drift_is_no_zero),
	    cmocka_unit_test(signs_become_words),
	    cmocka_unit_test(a_disturbance_is_shown_with_its_age),
	    cmocka_unit_test(a_terminal_gets_a_long_disturbance_in_lines),
	    cmocka_unit_test(leap_seconds_are_announced),
	    cmocka_unit_test(no_stratum_is_zero),
	    cmocka_unit_test(a_clock_left_alone_says_why),
	    cmocka_unit_test(steering_that_stopped_says_so),
	    cmocka_unit_test(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
