#include "agent/ctl/metrics/metrics.h"

#include "agent/ctl/metrics/families.h"
#include "tests/unit/agent/ctl/example.h"

#include <math.h>

/* The whole text; the caller frees it. */
static char *text_of(const struct snapshot *s, enum exposition form)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	metrics_put(out, form, s);
	fclose(out);
	return text;
}

/* Of this tree, which is released. */
static char *metrics_of(json_t *tree, enum exposition form)
{
	struct snapshot s = snapshot_of(tree);
	char *text = text_of(&s, form);

	snapshot_free(&s);
	return text;
}

/* A whole line, with its line feed before and behind. */
static void assert_line(const char *text, const char *line)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	assert_contains(text, whole);
}

static void assert_absent(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' is in:\n%s", part, text);
}

static void the_example_looks_as_expected(void **state)
{
	static const char *const files[] = {
	    [EXPOSITION_OPENMETRICS] = HERE "expected/metrics.openmetrics",
	    [EXPOSITION_PROMETHEUS] = HERE "expected/metrics.prometheus",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char *text = metrics_of(example(), (enum exposition)i);

		assert_is_file(text, files[i]);
		free(text);
	}
}

/* Each family with its sentence. */
static void the_manual_lists_all_families(void **state)
{
	char *manual = read_manual("man/ntsagent-exporter.8"), *next = NULL;
	char *text = metrics_of(example(), EXPOSITION_PROMETHEUS);
	unsigned count = 0;

	(void)state;
	for (char *line = strtok_r(text, "\n", &next); line;
	     line = strtok_r(NULL, "\n", &next)) {
		char entry[512];

		if (strncmp(line, "# HELP ", 7) != 0)
			continue;
		snprintf(entry, sizeof(entry), " .It Va %s ", line + 7);
		assert_contains(manual, entry);
		count++;
	}
	assert_true(count > 80);
	free(text);
	free(manual);
}

static void without_an_agent_only_up_is_said(void **state)
{
	char *text = text_of(NULL, EXPOSITION_OPENMETRICS);

	(void)state;
	assert_string_equal(text,
	    "# TYPE ntsagent_up gauge\n"
	    "# HELP ntsagent_up 1 if the agent gave its status, 0 if it did "
	    "not.\n"
	    "ntsagent_up 0\n"
	    "# EOF\n");
	free(text);
}

/* chronyc's rule, in the example: offset_ns is -1250, which means slow,
 * and uncorrected_frequency_ppm is 7.1, so the clock is slowed down. */
static void positive_means_that_the_clock_is_fast(void **state)
{
	char *text = metrics_of(example(), EXPOSITION_OPENMETRICS);

	(void)state;
	assert_line(text, "ntsagent_offset_seconds -1.25e-06");
	assert_line(text, "ntsagent_last_offset_seconds 3.12e-06");
	assert_line(text, "ntsagent_frequency_error_ratio 7.123456e-06");
	assert_line(text, "ntsagent_residual_frequency_ratio -1.2e-10");
	/* A step is no offset: it was set back. */
	assert_line(text, "ntsagent_last_step_seconds -99.664022");
	assert_line(text,
	    "ntsagent_source_offset_bias_seconds{source=\"ntpserver-ipv6\"} "
	    "2.4e-06");
	assert_line(text,
	    "ntsagent_source_offset_seconds{source=\"ntpserver\"} -0.000117");
	assert_line(text,
	    "ntsagent_source_mean_offset_seconds{source=\"ntpserver-ipv6\"} "
	    "2.28e-06");
	assert_line(text,
	    "ntsagent_source_frequency_error_ratio{source=\"ntpserver\"} "
	    "-1e-09");
	free(text);
}

static void what_is_not_known_has_no_line(void **state)
{
	char *text = metrics_of(example(), EXPOSITION_OPENMETRICS);

	(void)state;
	assert_contains(text, "\n# TYPE ntsagent_frequency_jump_ratio gauge\n");
	assert_absent(text, "\nntsagent_frequency_jump_ratio");
	assert_absent(text, "\nntsagent_disturbance_timestamp_seconds");
	assert_absent(text, "ntsagent_source_delay_seconds{source=\"backup\"}");
	assert_absent(text,
	    "ntsagent_source_last_answer_timestamp_seconds{source=\"backup\"}");
	assert_absent(text, "ntsagent_source_failure{source=\"ntpserver\"");
	assert_absent(text, " nan");
	free(text);
}

/* The bound needs all its parts. */
static void no_part_of_the_bound_counts_as_zero(void **state)
{
	static const char *const parts[] = {
	    "offset_ns", "root_delay_ns", "root_dispersion_ns"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		json_t *tree = example();
		char *text;

		/* An older agent leaves the sum to ntsctl. */
		json_object_del(json_object_get(tree, "clock"), "bound_ns");
		text = metrics_of(json_deep_copy(tree), EXPOSITION_OPENMETRICS);
		assert_line(text, "ntsagent_bound_seconds 8.365e-05");
		free(text);
		set(json_object_get(tree, "clock"), parts[i], json_null());
		text = metrics_of(tree, EXPOSITION_OPENMETRICS);
		assert_absent(text, "\nntsagent_bound_seconds");
		free(text);
	}
}

static void a_counter_that_is_zero_has_a_line(void **state)
{
	char *text = metrics_of(example(), EXPOSITION_OPENMETRICS);

	(void)state;
	assert_line(text, "ntsagent_source_naks_total{source=\"ntpserver\"} 0");
	assert_line(text,
	    "ntsagent_source_failed_checks_total{source=\"ntpserver\","
	    "check=\"length\"} 0");
	assert_line(text,
	    "ntsagent_source_failed_checks_total{source=\"ntpserver\","
	    "check=\"maxdelay\"} 1");
	assert_line(text, "ntsagent_source_authentication_failures_total"
			  "{source=\"ntpserver-ipv6\"} 0");
	assert_line(text,
	    "ntsagent_source_key_exchange_failures_total{source=\"backup\","
	    "cause=\"certificate\"} 3");
	assert_line(text,
	    "ntsagent_source_key_exchange_failures_total{source=\"backup\","
	    "cause=\"crash\"} 0");
	free(text);
}

/* An older agent does not count them: that is not zero. */
static void an_older_agent_has_fewer_lines(void **state)
{
	json_t *tree = example();
	char *text;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		json_t *source = example_source(tree, i);
		json_t *nts = json_object_get(source, "nts");

		json_object_del(source, "checks");
		json_object_del(nts, "failures");
		json_object_del(nts, "begun");
		json_object_del(nts, "naks");
	}
	json_object_del(json_object_get(tree, "clock"), "minsources");
	text = metrics_of(tree, EXPOSITION_OPENMETRICS);
	assert_absent(text, "\nntsagent_source_failed_checks_total");
	assert_absent(text, "\nntsagent_source_authentication_failures_total");
	assert_absent(text, "\nntsagent_source_key_exchange_failures_total");
	assert_absent(text, "\nntsagent_source_key_exchange_attempts_total");
	assert_absent(text, "\nntsagent_source_naks_total");
	assert_absent(text, "\nntsagent_minimum_sources");
	free(text);
}

static void a_forged_answer_is_an_authentication_failure(void **state)
{
	static const struct {
		const char *check;
		bool counts;
	} cases[] = {
	    {"no-unique-id", true},
	    {"unique-id", true},
	    {"authenticator", true},
	    {"field-order", true},
	    {"authentication", true},
	    {"nak", false},
	    {"origin", false},
	    {"kiss-rate", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *tree = example();
		char *text, line[128];

		set(example_source(tree, 0), "checks",
		    json_pack("{s:i}", cases[i].check, 7));
		text = metrics_of(tree, EXPOSITION_OPENMETRICS);
		snprintf(line, sizeof(line),
		    "ntsagent_source_authentication_failures_total"
		    "{source=\"ntpserver\"} %d",
		    cases[i].counts ? 7 : 0);
		assert_line(text, line);
		free(text);
	}
}

/* The clock, and the headings of all families. */
static void zero_sources_are_no_error(void **state)
{
	json_t *tree = example();
	size_t count;
	const struct family_row *rows = families(&count);
	char *text;

	(void)state;
	set(tree, "sources", json_array());
	text = metrics_of(tree, EXPOSITION_OPENMETRICS);
	assert_line(text, "ntsagent_up 1");
	assert_line(text, "ntsagent_sources 0");
	assert_line(text, "ntsagent_usable_sources 0");
	assert_line(text, "ntsagent_steps_total 1");
	assert_absent(text, "\nntsagent_source_");
	for (size_t i = 0; i < count; i++) {
		char heading[128];

		snprintf(heading, sizeof(heading),
		    "\n# TYPE " FAMILY_PREFIX "%s ", rows[i].family.name);
		assert_contains(text, heading);
	}
	free(text);
}

static void sources_without_a_vote_are_not_counted(void **state)
{
	json_t *tree = example();
	char *text;

	(void)state;
	/* The third is noselect. */
	set_text(example_source(tree, 1), "stage", "offline-keyed");
	set_text(example_source(tree, 1), "failure", "offline");
	text = metrics_of(tree, EXPOSITION_OPENMETRICS);
	assert_line(text, "ntsagent_sources 3");
	assert_line(text, "ntsagent_voting_sources 1");
	free(text);
}

/* No name can end a label, a line or the text. */
static void labels_are_escaped(void **state)
{
	json_t *tree = example();
	char *text;

	(void)state;
	set_text(example_source(tree, 0), "name", "a\"} 1\\\n# EOF");
	text = metrics_of(tree, EXPOSITION_OPENMETRICS);
	assert_line(text,
	    "ntsagent_source_selected{source=\"a\\\"} 1\\\\\\\\x0a# EOF\"} 1");
	assert_ptr_equal(strstr(text, "\n# EOF"), text + strlen(text) - 7);
	free(text);
}

static void labels_are_bounded(void **state)
{
	char name[LABEL_TEXT_MAX + 10], line[2 * LABEL_TEXT_MAX];
	json_t *tree = example();
	char *text;

	(void)state;
	/* The last character that would fit is cut in the middle. */
	memset(name, 'x', sizeof(name));
	memcpy(name + LABEL_TEXT_MAX - 1, "\xc3\xa9yyyy", 7);
	set_text(example_source(tree, 0), "name", name);
	text = metrics_of(tree, EXPOSITION_OPENMETRICS);
	snprintf(line, sizeof(line),
	    "ntsagent_source_selected{source=\"%.*s\"} 1", LABEL_TEXT_MAX - 1,
	    name);
	assert_line(text, line);
	free(text);
}

static void a_label_keeps_no_line_feed(void **state)
{
	static const struct family f = {"x", "", SERIES_GAUGE, false};
	static const struct labels l = {
	    {{"a", "1\n2"}, {"b", NULL}, {"c", ""}}};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	family_value(out, &f, &l, -0.5);
	family_value(out, &f, &l, NAN);
	family_value(out, &f, &l, INFINITY);
	fclose(out);
	assert_string_equal(text, "ntsagent_x{a=\"1\\n2\",c=\"\"} -0.5\n");
	free(text);
}

/* OpenMetrics allows no counter below zero. */
static void a_counter_below_zero_has_no_line(void **state)
{
	json_t *tree = example();
	char *text;

	(void)state;
	set_int(json_object_get(example_source(tree, 0), "nts"), "naks", -1);
	text = metrics_of(tree, EXPOSITION_OPENMETRICS);
	assert_absent(text, "ntsagent_source_naks_total{source=\"ntpserver\"}");
	assert_line(
	    text, "ntsagent_source_naks_total{source=\"ntpserver-ipv6\"} 0");
	free(text);
}

static void reach_is_a_share_of_eight(void **state)
{
	static const struct {
		int reach;
		const char *ratio;
		int reachable;
	} cases[] = {
	    {0, "0", 0}, {1, "0.125", 1}, {0x54, "0.375", 0}, {255, "1", 1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *tree = example();
		char *text, line[128];

		set_int(example_source(tree, 0), "reach", cases[i].reach);
		text = metrics_of(tree, EXPOSITION_OPENMETRICS);
		snprintf(line, sizeof(line),
		    "ntsagent_source_reachability_ratio{source=\"ntpserver\"} "
		    "%s",
		    cases[i].ratio);
		assert_line(text, line);
		snprintf(line, sizeof(line),
		    "ntsagent_source_reachable{source=\"ntpserver\"} %d",
		    cases[i].reachable);
		assert_line(text, line);
		free(text);
	}
}

/* The agent has no more: what else answers on the socket makes no endless
 * text. */
static void there_are_series_of_64_sources(void **state)
{
	json_t *tree = example(), *list = json_array();
	char *text;

	(void)state;
	for (int i = 0; i < 70; i++) {
		json_t *source = json_deep_copy(example_source(tree, 0));
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		set_text(source, "name", name);
		json_array_append_new(list, source);
	}
	set(tree, "sources", list);
	text = metrics_of(tree, EXPOSITION_OPENMETRICS);
	assert_line(text, "ntsagent_source_cookies{source=\"n63\"} 8");
	assert_absent(text, "source=\"n64\"");
	free(text);
}

/* Two series of one name and labels make the whole text invalid. */
static void a_second_source_of_one_name_has_no_series(void **state)
{
	json_t *tree = example();
	const char *line;
	char *text;

	(void)state;
	set_text(example_source(tree, 1), "name", "ntpserver");
	text = metrics_of(tree, EXPOSITION_OPENMETRICS);
	line =
	    strstr(text, "\nntsagent_source_cookies{source=\"ntpserver\"} 8");
	assert_non_null(line);
	assert_null(strstr(
	    line + 1, "\nntsagent_source_cookies{source=\"ntpserver\"}"));
	free(text);
}

/* A base unit of OpenMetrics that the name ends with; NULL: none. */
static const char *unit_of(const char *name)
{
	static const char *const units[] = {"_seconds", "_ratio", "_bytes"};
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (len > strlen(units[i]) &&
		    strcmp(name + len - strlen(units[i]), units[i]) == 0)
			return units[i] + 1;
	return NULL;
}

/* The name, base unit and ending that the rules of OpenMetrics want. */
static void names_follow_the_rules(void **state)
{
	size_t count;
	const struct family_row *rows = families(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const struct family *f = &rows[i].family;
		size_t len = strlen(f->name);
		const char *unit = unit_of(f->name);

		assert_int_equal(
		    strspn(f->name, "abcdefghijklmnopqrstuvwxyz_"), len);
		assert_true(f->help[strlen(f->help) - 1] == '.');
		assert_null(strpbrk(f->help, "\n\\"));
		assert_int_equal(f->has_unit, unit != NULL);
		for (size_t n = 0; n < i; n++)
			assert_string_not_equal(f->name, rows[n].family.name);
		/* Each shows something. */
		assert_true(rows[i].put || rows[i].field.key);
		if (rows[i].unit == MEMBER_NS)
			assert_string_equal(unit, "seconds");
		if (rows[i].unit == MEMBER_PPM)
			assert_string_equal(unit, "ratio");
		if (!rows[i].put && rows[i].field.kind == FIELD_TEXT)
			assert_non_null(rows[i].label);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_example_looks_as_expected),
	    cmocka_unit_test(the_manual_lists_all_families),
	    cmocka_unit_test(without_an_agent_only_up_is_said),
	    cmocka_unit_test(positive_means_that_the_clock_is_fast),
	    cmocka_unit_test(what_is_not_known_has_no_line),
	    cmocka_unit_test(no_part_of_the_bound_counts_as_zero),
	    cmocka_unit_test(a_counter_that_is_zero_has_a_line),
	    cmocka_unit_test(an_older_agent_has_fewer_lines),
	    cmocka_unit_test(a_forged_answer_is_an_authentication_failure),
	    cmocka_unit_test(zero_sources_are_no_error),
	    cmocka_unit_test(sources_without_a_vote_are_not_counted),
	    cmocka_unit_test(labels_are_escaped),
	    cmocka_unit_test(labels_are_bounded),
	    cmocka_unit_test(a_label_keeps_no_line_feed),
	    cmocka_unit_test(a_counter_below_zero_has_no_line),
	    cmocka_unit_test(reach_is_a_share_of_eight),
	    cmocka_unit_test(there_are_series_of_64_sources),
	    cmocka_unit_test(a_second_source_of_one_name_has_no_series),
	    cmocka_unit_test(names_follow_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
