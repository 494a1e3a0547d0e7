#include "tests/unit/agent/ctl/report/shown.h"

static const struct view plain = {.width = 80};

static void the_example_looks_as_expected(void **state)
{
	static const struct golden golden[] = {
	    {"sourcestats.txt", {.width = 80}},
	    {"sourcestats-n.txt", {.width = 80, .numeric = true}},
	    {"sourcestats-v.txt", {.width = 80, .verbose = true}},
	    {"sourcestats.csv", {.output = OUTPUT_CSV}},
	    {"sourcestats.json", {.output = OUTPUT_JSON}},
	};

	(void)state;
	assert_golden(report_sourcestats, golden, ARRAY_LEN(golden));
}

/* Lines of chronyc 4.6 and the values that it showed there. Its sign is the
 * opposite of the sign in the status. */
static void lines_are_those_of_chronyc(void **state)
{
	static const struct {
		const char *name;
		int64_t samples, runs;
		double span, freq, skew;
		int64_t offset, std_dev;
		const char *line;
	} cases[] = {
	    {"ntpserver", 4, 3, 6, 0.270, 54.862, 14000, 5514,
		"ntpserver                   4   3     6     +0.270     54.862"
		"    +14us  5514ns"},
	    {"ntpserver-ipv6", 4, 3, 6, -0.0004, 16.095, -7, 2773,
		"ntpserver-ipv6              4   3     6     -0.000     16.095"
		"     -7ns  2773ns"},
	    {"ntp.example", 64, 33, 40000, 0, 0.001, 0, 12400000,
		"ntp.example                64  33   11h     +0.000      0.001"
		"     +0ns    12ms"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *tree = example(), *s = example_source(tree, 0);
		char *text, *line;

		set_text(s, "name", cases[i].name);
		set_int(s, "samples", cases[i].samples);
		set_int(s, "runs", cases[i].runs);
		set(s, "span_s", json_real(cases[i].span));
		set(s, "residual_frequency_ppm", json_real(cases[i].freq));
		set(s, "skew_ppm", json_real(cases[i].skew));
		set_int(s, "estimated_offset_ns", cases[i].offset);
		set_int(s, "std_dev_ns", cases[i].std_dev);
		text = report_of(report_sourcestats, tree, plain, EXIT_OK);
		line = line_of(text, 2);
		assert_string_equal(line, cases[i].line);
		free(line);
		free(text);
	}
}

static void a_full_disk_is_an_error(void **state)
{
	(void)state;
	assert_full_disk_is_an_error(report_sourcestats);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_example_looks_as_expected),
	    cmocka_unit_test(lines_are_those_of_chronyc),
	    cmocka_unit_test(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
