/* The reports of chronyc. tests/chronyc/compare compares them with chronyc
 * itself; here are the signs and what is not known. */
#include "agent/ctl/chronyc/values.h"

#include "tests/unit/agent/ctl/example.h"

static const struct chronyc_style csv = {
    .csv = true, .naming = NAMING_ADDRESS, .all = true};
static const struct chronyc_style text = {.naming = NAMING_HOST};

/* What the report prints of the tree, which is released. */
static char *report_of(
    const char *name, json_t *tree, const struct chronyc_style *style)
{
	struct snapshot s = snapshot_of(tree);
	char *out_text = NULL;
	size_t size;
	FILE *out = open_memstream(&out_text, &size);

	assert_non_null(out);
	assert_non_null(chronyc_report(name));
	assert_true(chronyc_report(name)(&s, style, out));
	fclose(out);
	snapshot_free(&s);
	return out_text;
}

static void assert_csv(const char *name, json_t *tree, const char *expected)
{
	char *seen = report_of(name, tree, &csv);

	assert_string_equal(seen, expected);
	free(seen);
}

static void each_report_has_the_columns_of_chronyc(void **state)
{
	(void)state;
	assert_csv("sources", example(),
	    "^,*,10.77.3.1,1,4,377,6,-0.000117000,-0.000124000,0.000524000\n"
	    "^,+,fd77:3::1,1,4,377,142,-0.000030000,-0.000036000,"
	    "0.000373000\n"
	    "^,?,ID#0000000003,0,4,0,4294967295,0.000000000,0.000000000,"
	    "0.000000000\n");
	assert_csv("sourcestats", example(),
	    "10.77.3.1,24,11,380,-0.001,0.012,-0.000001020,0.000002210\n"
	    "fd77:3::1,24,12,380,0.009,0.047,0.000002280,0.000002962\n"
	    "ID#0000000003,0,0,0,0.000,2000.000,0.000000000,4.000000000\n");
	assert_csv("authdata", example(),
	    "10.77.3.1,NTS,1,30,128,3720,0,0,8,64\n"
	    "fd77:3::1,NTS,1,15,256,3719,0,0,7,100\n"
	    "ID#0000000003,NTS,0,0,0,4294967295,3,0,0,0\n");
	assert_csv("selectdata", example(),
	    "*,10.77.3.1,Y,-,P,-,-,-,-,P,-,-,-,6,1.0,-0.000641000,0.000407000,"
	    "Normal\n"
	    "+,fd77:3::1,Y,-,-,-,-,-,-,-,-,-,-,142,0.9,-0.000403000,"
	    "0.000343000,Normal\n"
	    "M,ID#0000000003,Y,N,-,-,-,-,N,-,-,-,-,0,1.0,0.000000000,"
	    "0.000000000,Not synchronised\n");
	assert_csv("activity", example(), "2,0,0,0,1\n");
}

/* An offset of ours is positive if the clock is fast. The correction of
 * tracking and the offset of ntpdata are positive if it is slow. */
static void two_signs_are_those_of_chronyc(void **state)
{
	(void)state;
	assert_csv("tracking", example(),
	    "0A4D0301,10.77.3.1,2,1795391999.000000000,0.000001250,"
	    "0.000003120,0.000002875,7.123,-0.000,0.004,0.000118000,"
	    "0.000023400,16.1,Normal\n");
	assert_csv("ntpdata", example(),
	    "10.77.3.1,0A4D0301,123,10.77.3.9,0A4D0309,Normal,4,Server,1,4,16,"
	    "-24,0.000000060,0.000015,0.000031,47505300,GPS,"
	    "1795391990.500000000,0.000124000,0.000141000,0.000000160,"
	    "0.000053050,0.00,111,111,1111,No,Yes,Kernel,Kernel,30,30,30,29,29,"
	    "29,0,0\n"
	    "fd77:3::1,750B2530,123,fd77:3::9,F5A9BCA2,Normal,4,Server,1,4,16,"
	    "-24,0.000000060,0.000015,0.000031,0A4D0302,,"
	    "1795391990.500000000,0.000036000,0.000098000,0.000000160,"
	    "0.000053050,0.00,111,111,0111,No,Yes,Kernel,Daemon,30,30,30,30,29,"
	    "29,0,0\n");
}

static void zeros_have_no_sign(void **state)
{
	json_t *tree = example();
	char *seen;

	(void)state;
	set_int(json_object_get(tree, "clock"), "offset_ns", 0);
	seen = report_of("tracking", tree, &csv);
	assert_non_null(strstr(seen, ".000000000,0.000000000,0.000003120,"));
	free(seen);
}

/* What chronyd 4.3 and 4.6.1 say before they know anything. */
static void what_is_not_known_has_the_values_of_chronyc(void **state)
{
	static const char *const nulls[] = {"stratum", "leap",
	    "reference_time_ns", "offset_ns", "update_offset_ns",
	    "rms_offset_ns", "uncorrected_frequency_ppm",
	    "residual_frequency_ppm", "skew_ppm", "root_delay_ns",
	    "root_dispersion_ns", "update_interval_s", "reference_id",
	    "selected"};
	json_t *tree = example(), *c = json_object_get(tree, "clock");
	char *seen;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(nulls); i++)
		set(c, nulls[i], json_null());
	set(c, "synchronised", json_false());
	set(tree, "sources", json_array());
	assert_csv("tracking", tree,
	    "00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,"
	    "0.000,0.000,1.000000000,1.000000000,0.0,Not synchronised\n");
	/* An address as the host is known without a key exchange. */
	tree = example();
	set_text(example_source(tree, 2), "host", "192.0.2.7");
	json_array_remove(json_object_get(tree, "sources"), 0);
	json_array_remove(json_object_get(tree, "sources"), 0);
	seen = report_of("ntpdata", json_incref(tree), &text);
	assert_non_null(strstr(seen, "\nLeap status     : Normal\n"));
	assert_non_null(strstr(seen, "\nOffset          : +0.000000000 sec"));
	free(seen);
	assert_csv("ntpdata", tree,
	    "192.0.2.7,C0000207,123,[UNSPEC],00000000,Normal,0,Invalid,0,0,1,0,"
	    "1.000000000,0.000000,0.000000,00000000,,0.000000000,0.000000000,"
	    "0.000000000,0.000000000,0.000000000,0.00,000,000,0000,No,No,"
	    "Invalid,Invalid,0,0,0,0,0,0,0,0\n");
}

static void values_beyond_the_fields_of_chronyc_are_cut(void **state)
{
	json_t *tree = example(), *s = example_source(tree, 0);
	char *seen;

	(void)state;
	set_int(s, "stratum", INT64_MAX);
	set_int(s, "poll_log2_s", INT64_MIN);
	set(s, "last_rx_s", json_real(1e300));
	set_int(json_object_get(s, "packets"), "sent", INT64_MAX);
	seen = report_of("sources", json_incref(tree), &csv);
	assert_memory_equal(
	    seen, "^,*,10.77.3.1,32767,-32768,377,4294967295,", 42);
	free(seen);
	seen = report_of("ntpdata", tree, &csv);
	assert_non_null(strstr(seen, ",4294967295,30,30,29,29,29,0,0\n"));
	free(seen);
}

static void long_names_are_cut_in_text_alone(void **state)
{
	static const char host[] = "a-host-of-thirty-one-characters";
	json_t *tree = example();
	struct chronyc_style names = {.csv = true, .naming = NAMING_HOST};
	char *seen;

	(void)state;
	set_text(example_source(tree, 0), "host", host);
	seen = report_of("sources", json_incref(tree), &text);
	assert_non_null(strstr(seen, "\n^* a-host-of-thirty-one-cha>     1 "));
	/* Without -a, a source without an address is left out. */
	assert_null(strstr(seen, "time.example.net"));
	free(seen);
	seen = report_of("sources", tree, &names);
	assert_non_null(strstr(seen, host));
	free(seen);
}

static void each_failed_check_fails_a_test_of_chronyc(void **state)
{
	static const struct {
		const char *check, *tests;
	} rows[] = {
	    {"origin", ",101,111,0000,"},
	    {"stamps", ",110,111,0000,"},
	    {"authentication", ",111,011,0000,"},
	    {"kiss-rate", ",111,101,0000,"},
	    {"synchronised", ",111,101,0000,"},
	    {"maxdelay", ",111,111,0111,"},
	    {"maxdelayratio", ",111,111,1011,"},
	    {"of-a-newer-agent", ",110,111,0000,"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *tree = example();
		char *seen;

		set_text(json_object_get(example_source(tree, 0), "answer"),
		    "failed_check", rows[i].check);
		seen = report_of("ntpdata", tree, &csv);
		if (!strstr(seen, rows[i].tests))
			fail_msg("%s: %s", rows[i].check, seen);
		free(seen);
	}
}

static void letters_and_words(void **state)
{
	(void)state;
	assert_int_equal(chrony_letter("falseticker"), 'x');
	assert_int_equal(chrony_letter("distance"), 'd');
	assert_int_equal(chrony_letter("duplicate"), 'P');
	assert_int_equal(chrony_letter("of-a-newer-agent"), '?');
	assert_string_equal(chronyc_leap("insert"), "Insert second");
	assert_string_equal(chronyc_leap(NULL), "Not synchronised");
	assert_int_equal(chrony_reference("GPS"), 0x47505300);
	assert_int_equal(chrony_reference("0A4D0301"), 0x0a4d0301);
	assert_int_equal(chrony_reference(""), 0);
	assert_null(chronyc_report("serverstats"));
}

/* Each state of the selection has a letter. */
static void no_state_is_without_a_letter(void **state)
{
	FILE *f = fopen("clock/steering/select.h", "r");
	char line[200], name[40];
	unsigned states = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "X(SELECT_");

		if (!at || sscanf(strchr(at, '"') + 1, "%39[a-z-]", name) != 1)
			continue;
		states++;
		if (chrony_letter(name) == '?')
			fail_msg("%s has no letter", name);
	}
	fclose(f);
	assert_true(states > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_report_has_the_columns_of_chronyc),
	    cmocka_unit_test(two_signs_are_those_of_chronyc),
	    cmocka_unit_test(zeros_have_no_sign),
	    cmocka_unit_test(what_is_not_known_has_the_values_of_chronyc),
	    cmocka_unit_test(values_beyond_the_fields_of_chronyc_are_cut),
	    cmocka_unit_test(long_names_are_cut_in_text_alone),
	    cmocka_unit_test(each_failed_check_fails_a_test_of_chronyc),
	    cmocka_unit_test(letters_and_words),
	    cmocka_unit_test(no_state_is_without_a_letter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
