#include "tests/unit/agent/ctl/report/shown.h"

static const struct view plain = {.width = 80};
static const struct view verbose = {.verbose = true, .width = 80};

static void the_example_looks_as_expected(void **state)
{
	static const struct golden golden[] = {
	    {"sources.txt", {.width = 80}},
	    {"sources-n.txt", {.width = 80, .numeric = true}},
	    {"sources-v.txt", {.width = 80, .verbose = true}},
	    {"sources.csv", {.output = OUTPUT_CSV}},
	    {"sources.csv", {.output = OUTPUT_CSV, .verbose = true}},
	    {"sources.json", {.output = OUTPUT_JSON}},
	};

	(void)state;
	assert_golden(report_sources, golden, ARRAY_LEN(golden));
}

/* Lines of chronyc 4.6 and the values that it showed there. Its sign is the
 * opposite of the sign in the status. */
static void lines_are_those_of_chronyc(void **state)
{
	static const struct {
		const char *mark, *name;
		int64_t stratum, poll, reach;
		double age;
		int64_t offset, measured, error;
		const char *line;
	} cases[] = {
	    {"-", "ntpserver", 1, 6, 017, 33, 5568, 5568, 14290,
		"^- ntpserver                     1   6    17    33  "
		"+5568ns[+5568ns] +/-   14us"},
	    {"*", "ntpserver-ipv6", 1, 6, 017, 33, -568, -6047, 8182,
		"^* ntpserver-ipv6                1   6    17    33   "
		"-568ns[-6047ns] +/- 8182ns"},
	    {"+", "10.77.3.1", 1, 6, 0377, 1, 13100, 13100, 22000,
		"^+ 10.77.3.1                     1   6   377     1    "
		"+13us[  +13us] +/-   22us"},
	    {"-", "10.77.5.1", 2, 6, 0377, 1, 5754, 5754, 10000000,
		"^- 10.77.5.1                     2   6   377     1  "
		"+5754ns[+5754ns] +/-   10ms"},
	    {"+", "ntp.example", 12, -4, 0, 4 * 86400., 0, 0, 0,
		"^+ ntp.example                  12  -4     0    4d     "
		"+0ns[   +0ns] +/-    0ns"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *tree = example(), *s = example_source(tree, 0);
		char *text, *line;

		set_text(s, "mark", cases[i].mark);
		set_text(s, "name", cases[i].name);
		set_int(s, "stratum", cases[i].stratum);
		set_int(s, "poll_log2_s", cases[i].poll);
		set_int(s, "reach", cases[i].reach);
		set(s, "last_rx_s", json_real(cases[i].age));
		set_int(s, "adjusted_offset_ns", cases[i].offset);
		set_int(s, "measured_offset_ns", cases[i].measured);
		set_int(s, "error_ns", cases[i].error);
		text = report_of(report_sources, tree, plain, EXIT_OK);
		line = line_of(text, 2);
		assert_string_equal(line, cases[i].line);
		free(line);
		free(text);
	}
}

static void without_sources_there_is_the_heading(void **state)
{
	json_t *tree = example();

	(void)state;
	set(tree, "sources", json_array());
	assert_report(report_sources, tree, plain,
	    "MS Name/IP address         Stratum Poll Reach LastRx Last sample"
	    "               \n"
	    "============================================================"
	    "===================\n");
	tree = example();
	set(tree, "sources", json_array());
	assert_report(report_sources, tree,
	    (struct view){.output = OUTPUT_JSON},
	    "{\n  \"schema\": 2,\n  \"time_ns\": 1795392000123456789,\n"
	    "  \"sources\": []\n}\n");
}

static void a_long_name_widens_its_column(void **state)
{
	json_t *tree = example();
	char *text, *line;

	(void)state;
	set_text(
	    example_source(tree, 0), "name", "a-name-of-thirty-one-characters");
	text = report_of(report_sources, tree, plain, EXIT_OK);
	line = line_of(text, 0);
	assert_string_equal(line,
	    "MS Name/IP address             Stratum Poll Reach LastRx "
	    "Last sample               ");
	free(line);
	line = line_of(text, 1);
	assert_int_equal(strspn(line, "="), 83);
	free(line);
	line = line_of(text, 2);
	assert_string_equal(line,
	    "^* a-name-of-thirty-one-characters   1   4   377     6   "
	    "-117us[ -124us] +/-  524us");
	free(line);
	line = line_of(text, 4);
	assert_string_equal(line,
	    "^? backup                            -   4     0     -        "
	    "-[      -] +/-      -");
	free(line);
	free(text);
}

static void columns_count_characters_not_bytes(void **state)
{
	json_t *tree = example();
	char *text, *line;

	(void)state;
	set_text(example_source(tree, 0), "name", "\xe6\x97\xb6\xe9\x97\xb4");
	text = report_of(report_sources, tree, plain, EXIT_OK);
	line = line_of(text, 2);
	assert_string_equal(line,
	    "^* \xe6\x97\xb6\xe9\x97\xb4                          1   4   377"
	    "     6   -117us[ -124us] +/-  524us");
	free(line);
	free(text);
}

static void no_output_lets_a_source_control_the_terminal(void **state)
{
	static const enum output outputs[] = {
	    OUTPUT_TEXT, OUTPUT_CSV, OUTPUT_JSON};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(outputs); i++) {
		json_t *tree = example(), *s = example_source(tree, 2);
		char *text;

		set_text(s, "name", "evil\033[31m\xc2\x9b");
		set_text(s, "reason", "a\r\nb\xe2\x80\xae\007");
		text = report_of(report_sources, tree,
		    (struct view){
			.output = outputs[i], .verbose = true, .width = 80},
		    EXIT_OK);
		assert_null(strpbrk(text, "\033\r\007\xc2"));
		assert_null(strstr(text, "\xe2\x80\xae"));
		free(text);
	}
}

/* The note below the first source. */
static char *note_of(json_t *tree)
{
	char *text = report_of(report_sources, tree, verbose, EXIT_OK);
	const char *row = strstr(text, "\n^"), *next;
	char *note;

	assert_non_null(row);
	row = strchr(row + 1, '\n') + 1;
	next = strstr(row, "\n^");
	assert_non_null(next);
	note = strndup(row, (size_t)(next - row));
	free(text);
	return note;
}

static void assert_note(json_t *tree, const char *expected)
{
	char *note = note_of(tree);

	assert_string_equal(note, expected);
	free(note);
}

static void a_certificate_that_ends_soon_is_a_warning(void **state)
{
	static const struct {
		int64_t days;
		const char *note;
	} cases[] = {
	    {365, "   NTS: AES-128-GCM-SIV, 8 cookies, certificate chain ends "
		  "in 365 days"},
	    {14, "   NTS: AES-128-GCM-SIV, 8 cookies, certificate chain ends "
		 "in 14 days"},
	    {13, "   NTS: AES-128-GCM-SIV, 8 cookies, certificate chain ends "
		 "in 13 days: see\n   ntsctl check --live"},
	    {1, "   NTS: AES-128-GCM-SIV, 8 cookies, certificate chain ends in "
		"1 day: see ntsctl\n   check --live"},
	    {INT64_MIN, "   NTS: AES-128-GCM-SIV, 8 cookies, certificate chain "
			"ended 9223372036854775808\n   days ago: see ntsctl "
			"check --live"},
	    {-1, "   NTS: AES-128-GCM-SIV, 8 cookies, certificate chain ended "
		 "1 day ago: see\n   ntsctl check --live"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *tree = example();

		set_int(json_object_get(example_source(tree, 0), "nts"),
		    "cert_days_left", cases[i].days);
		assert_note(tree, cases[i].note);
	}
}

static void a_source_without_a_certificate_has_no_days(void **state)
{
	json_t *tree = example();
	json_t *nts = json_object_get(example_source(tree, 0), "nts");

	(void)state;
	set(nts, "cert_days_left", json_null());
	set(nts, "aead_name", json_null());
	assert_note(tree, "   NTS: no keys, 8 cookies");
}

/* Each server differs by a little; "seems ahead" is for what is no chance. */
static void a_difference_by_chance_is_not_told(void **state)
{
	static const char without[] =
	    "   NTS: AES-128-GCM-SIV, 8 cookies, certificate chain ends in 365 "
	    "days";
	static const struct {
		int64_t bias, sd;
		const char *end;
	} cases[] = {
	    {4, 38, ""},
	    {-38, 38, ""},
	    {0, 0, ""},
	    {-39, 38, "; seems\n   39ns ahead of the other sources, +/- 38ns"},
	};
	json_t *tree;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char expected[256];
		json_t *s;

		tree = example();
		s = example_source(tree, 0);
		set_int(json_object_get(s, "nts"), "cert_days_left", 365);
		set_int(s, "offset_bias_ns", cases[i].bias);
		set_int(s, "bias_sd_ns", cases[i].sd);
		snprintf(
		    expected, sizeof(expected), "%s%s", without, cases[i].end);
		assert_note(tree, expected);
	}
	/* An older agent may know the one without the other. */
	tree = example();
	set_int(json_object_get(example_source(tree, 0), "nts"),
	    "cert_days_left", 365);
	set_int(example_source(tree, 0), "offset_bias_ns", 5000);
	set(example_source(tree, 0), "bias_sd_ns", json_null());
	assert_note(tree, without);
}

static void an_unusable_source_says_why(void **state)
{
	static const struct {
		const char *mark, *stage, *failure, *reason;
		double next_s;
		const char *note;
	} cases[] = {
	    {"?", "keying", "", "", -1,
		"   looking up its name and exchanging keys"},
	    {"?", "keying", "", "looks up the name and exchanges keys", -1,
		"   looks up the name and exchanges keys"},
	    {"?", "resting", "dns", "no such name", 300,
		"   waiting after a failure: no such name; next try in 5 min"},
	    {"x", "polling", "", "disagrees with the majority", -1,
		"   disagrees with the majority"},
	    {"?", "polling", "silence", "no answer", -1,
		"   asking for time: no answer"},
	    {"?", "polling", "offline", "switched off by order", -1,
		"   switched off by order"},
	    {"~", "unheard-of", "nak", "no cookie", 3,
		"   unheard-of: no cookie; next try in 3 s"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *tree = example(), *s = example_source(tree, 0);

		set_text(s, "mark", cases[i].mark);
		set_text(s, "stage", cases[i].stage);
		set_text(s, "failure", cases[i].failure);
		set_text(s, "reason", cases[i].reason);
		if (cases[i].next_s >= 0)
			set(s, "next_try_s", json_real(cases[i].next_s));
		assert_note(tree, cases[i].note);
	}
}

static void notes_fit_the_terminal(void **state)
{
	char *text = report_of(report_sources, example(),
	    (struct view){.verbose = true, .width = 40}, EXIT_OK);
	const char *note = strstr(text, "   waiting after");

	(void)state;
	assert_non_null(note);
	for (; *note != '\0'; note += strcspn(note, "\n") + 1)
		assert_in_range(strcspn(note, "\n"), 1, 40);
	free(text);
}

static void colours_are_for_the_state_alone(void **state)
{
	char *text = report_of(report_sources, example(),
	    (struct view){.colour = true, .width = 80}, EXIT_OK);

	(void)state;
	assert_contains(text, "\n^\033[32m*\033[0m ntpserver   ");
	assert_contains(text, "\n^\033[31m?\033[0m backup   ");
	free(text);
}

/* A pipe gets no hint. */
static void a_terminal_gets_a_hint_at_the_reasons(void **state)
{
	static const char hint[] = "\n`ntsctl` says what is wrong";
	json_t *well = example();
	char *text = report_of(report_sources, example(),
	    (struct view){.terminal = true, .width = 80}, EXIT_OK);

	(void)state;
	assert_contains(text, hint);
	free(text);
	while (json_array_size(json_object_get(well, "sources")) > 1)
		json_array_remove(json_object_get(well, "sources"), 1);
	text = report_of(report_sources, well,
	    (struct view){.terminal = true, .width = 80}, EXIT_OK);
	assert_null(strstr(text, hint));
	free(text);
	well = example();
	while (json_array_size(json_object_get(well, "sources")) > 1)
		json_array_remove(json_object_get(well, "sources"), 1);
	json_array_append_new(
	    json_object_get(well, "unused_files"), json_string("a.conf:1: x"));
	text = report_of(report_sources, well,
	    (struct view){.terminal = true, .width = 80}, EXIT_OK);
	assert_contains(text, hint);
	free(text);
	text = report_of(
	    report_sources, example(), (struct view){.width = 80}, EXIT_OK);
	assert_null(strstr(text, hint));
	free(text);
}

static void a_full_disk_is_an_error(void **state)
{
	(void)state;
	assert_full_disk_is_an_error(report_sources);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_example_looks_as_expected),
	    cmocka_unit_test(lines_are_those_of_chronyc),
	    cmocka_unit_test(without_sources_there_is_the_heading),
	    cmocka_unit_test(a_long_name_widens_its_column),
	    cmocka_unit_test(columns_count_characters_not_bytes),
	    cmocka_unit_test(no_output_lets_a_source_control_the_terminal),
	    cmocka_unit_test(a_certificate_that_ends_soon_is_a_warning),
	    cmocka_unit_test(a_source_without_a_certificate_has_no_days),
	    cmocka_unit_test(a_difference_by_chance_is_not_told),
	    cmocka_unit_test(an_unusable_source_says_why),
	    cmocka_unit_test(notes_fit_the_terminal),
	    cmocka_unit_test(colours_are_for_the_state_alone),
	    cmocka_unit_test(a_terminal_gets_a_hint_at_the_reasons),
	    cmocka_unit_test(a_full_disk_is_an_error),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
