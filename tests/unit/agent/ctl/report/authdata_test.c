#include "tests/unit/agent/ctl/report/shown.h"

static const struct view plain = {.width = 80};

static void the_example_looks_as_expected(void **state)
{
	static const struct golden golden[] = {
	    {"authdata.txt", {.width = 80}},
	    {"authdata-n.txt", {.width = 80, .numeric = true}},
	    {"authdata-v.txt", {.width = 80, .verbose = true}},
	    {"authdata.csv", {.output = OUTPUT_CSV}},
	    {"authdata.json", {.output = OUTPUT_JSON}},
	};

	(void)state;
	assert_golden(report_authdata, golden, ARRAY_LEN(golden));
}

/* Lines of chronyc 4.6 and the values that it showed there. */
static void lines_are_those_of_chronyc(void **state)
{
	static const struct {
		const char *name;
		int64_t exchanges, aead, bits;
		double age;
		int64_t cookies, len;
		const char *line;
	} cases[] = {
	    {"ntpserver", 1, 30, 128, 39, 8, 64,
		"ntpserver                    NTS     1   30  128   39    0    "
		"0    8   64"},
	    {"ntp-ns13-ipv6", 1, 15, 256, 515, 8, 104,
		"ntp-ns13-ipv6                NTS     1   15  256  515    0    "
		"0    8  104"},
	    {"ntpserver-ipv6", 12345, 30, 128, 597 * 60, 7, 64,
		"ntpserver-ipv6               NTS 12345   30  128 597m    0    "
		"0    7   64"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_t *tree = example(), *s = example_source(tree, 0);
		json_t *nts = json_object_get(s, "nts");
		char *text, *line;

		set_text(s, "name", cases[i].name);
		set_int(nts, "exchanges", cases[i].exchanges);
		set_int(nts, "aead", cases[i].aead);
		set_int(nts, "key_bits", cases[i].bits);
		set(nts, "last_s", json_real(cases[i].age));
		set_int(nts, "cookies", cases[i].cookies);
		set_int(nts, "cookie_len", cases[i].len);
		text = report_of(report_authdata, tree, plain, EXIT_OK);
		line = line_of(text, 2);
		assert_string_equal(line, cases[i].line);
		free(line);
		free(text);
	}
}

/* 0 would be a lie about the NAKs that an older agent does not count. */
static void what_an_older_agent_does_not_say_is_unknown(void **state)
{
	json_t *tree = example(), *csv = example();
	json_t *nts = json_object_get(example_source(tree, 0), "nts");
	char *text, *line;

	(void)state;
	json_object_del(nts, "naks");
	json_object_del(nts, "last_s");
	json_object_del(nts, "crashes");
	text = report_of(report_authdata, tree, plain, EXIT_OK);
	line = line_of(text, 2);
	assert_string_equal(line,
	    "ntpserver                    NTS     1   30  128    ?    0    ?  "
	    "  8   64");
	free(line);
	free(text);
	nts = json_object_get(example_source(csv, 0), "nts");
	json_object_del(nts, "crashes");
	text = report_of(
	    report_authdata, csv, (struct view){.output = OUTPUT_CSV}, EXIT_OK);
	line = line_of(text, 1);
	assert_int_equal(line[strlen(line) - 1], ',');
	free(line);
	free(text);
}

static void a_full_disk_is_an_error(void **state)
{
	(void)state;
	assert_full_disk_is_an_error(report_authdata);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_example_looks_as_expected),
	    cmocka_unit_test(lines_are_those_of_chronyc),
	    cmocka_unit_test(what_an_older_agent_does_not_say_is_unknown),
	    cmocka_unit_test(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
