/* Every kind of value: good ones, ones at the limits, and texts that only begin
 * like a value. */
#include "agent/config/values.h"

#include "agent/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FAIL_WITH(text) fail_msg("\"%s\"", text)

static void bools(void **state)
{
	static const char *const yes[] = {
	    "yes", "YES", "true", "on", "On", "1"};
	static const char *const no[] = {"no", "No", "false", "off", "0"};
	static const char *const bad[] = {"", "y", "yes ", " yes", "yess", "ye",
	    "2", "-1", "01", "enabled", "yes no"};
	bool value;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		value = false;
		if (!value_bool(yes[i], &value) || !value)
			FAIL_WITH(yes[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		value = true;
		if (!value_bool(no[i], &value) || value)
			FAIL_WITH(no[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (value_bool(bad[i], &value))
			FAIL_WITH(bad[i]);
}

static void integers(void **state)
{
	static const struct {
		const char *text;
		int64_t min, max, expected;
	} good[] = {
	    {"0", 0, 0, 0},
	    {"-0", 0, 0, 0},
	    {"+5", 0, 9, 5},
	    {"-4", -4, 17, -4},
	    {"17", -4, 17, 17},
	    {"007", 0, 9, 7},
	    {"9223372036854775807", 0, INT64_MAX, INT64_MAX},
	    {"-9223372036854775808", INT64_MIN, 0, INT64_MIN},
	};
	static const char *const bad[] = {"", "-", "+", "--1", "+-1", " 1",
	    "1 ", "1.0", "1e1", "0x10", "ten", "1s", "11", "-1",
	    "9223372036854775808", "99999999999999999999"};
	int64_t value;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!value_integer(
			good[i].text, good[i].min, good[i].max, &value) ||
		    value != good[i].expected)
			FAIL_WITH(good[i].text);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (value_integer(bad[i], 0, 10, &value))
			FAIL_WITH(bad[i]);
	/* An overflow is refused. */
	assert_false(
	    value_integer("9223372036854775808", INT64_MIN, INT64_MAX, &value));
	assert_false(value_integer(
	    "-9223372036854775809", INT64_MIN, INT64_MAX, &value));
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t expected_ns;
	} good[] = {
	    {"1", NS_PER_S},
	    {"1s", NS_PER_S},
	    {"1 s", NS_PER_S},
	    {"1\ts", NS_PER_S},
	    {"0.1", 100 * NS_PER_MS},
	    {".5", 500 * NS_PER_MS},
	    {"100ms", 100 * NS_PER_MS},
	    {"1.5ms", 1500 * NS_PER_US},
	    {"1us", NS_PER_US},
	    {"1ns", 1},
	    {"2m", 120 * NS_PER_S},
	    {"2min", 120 * NS_PER_S},
	    {"1h", 3600 * NS_PER_S},
	    {"1d", 86400 * NS_PER_S},
	    {"1e3", 1000 * NS_PER_S},
	    {"+1s", NS_PER_S},
	};
	static const char *const bad[] = {"", "s", "-1s", "0", "0s", "0.1ns",
	    "1x", "1S", "1 s s", "1s2", "1ss", "1,5s", "0x10s", "0x", "inf",
	    "infinity", "nan", "-inf", ".", ".s", "1e400", "1e", "1 0", "1.2.3",
	    "101d", "--1", " 1s"};
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!value_duration(
			good[i].text, 1, 100 * 86400 * NS_PER_S, &ns) ||
		    ns != good[i].expected_ns)
			FAIL_WITH(good[i].text);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (value_duration(bad[i], 1, 100 * 86400 * NS_PER_S, &ns))
			FAIL_WITH(bad[i]);
}

static void duration_limits(void **state)
{
	int64_t ns = 7;

	(void)state;
	assert_true(value_duration("1ms", NS_PER_MS, NS_PER_S, &ns));
	assert_true(value_duration("1s", NS_PER_MS, NS_PER_S, &ns));
	assert_int_equal(ns, NS_PER_S);
	assert_false(value_duration("999us", NS_PER_MS, NS_PER_S, &ns));
	assert_false(value_duration("1001ms", NS_PER_MS, NS_PER_S, &ns));
	/* A refused value changes nothing. */
	assert_int_equal(ns, NS_PER_S);
	assert_false(value_duration("1e30", 1, INT64_MAX / 2, &ns));
	assert_false(value_duration("-1e30", 1, INT64_MAX / 2, &ns));
}

static void frequencies(void **state)
{
	static const struct {
		const char *text;
		double expected;
	} good[] = {
	    {"1", 1},
	    {"1ppm", 1},
	    {"500 ppm", 500},
	    {"1ppb", 0.001},
	    {"2500ppb", 2.5},
	    {"99000", 99000},
	};
	static const char *const bad[] = {"", "ppm", "1 PPM", "1ppmm", "1%",
	    "1s", "0", "-1ppm", "0.9ppb", "99001ppm", "nan", "inf", "0x1p3",
	    "1e999", "1 1"};
	double ppm;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (!value_ppm(good[i].text, 0.001, 99000, &ppm))
			FAIL_WITH(good[i].text);
		assert_float_equal(ppm, good[i].expected, 1e-12);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (value_ppm(bad[i], 0.001, 99000, &ppm))
			FAIL_WITH(bad[i]);
	/* Too small for a double. */
	assert_false(value_ppm("1e-400", 0, 1, &ppm));
}

static void polls(void **state)
{
	static const struct {
		const char *text;
		int expected;
	} good[] = {
	    {"auto", POLL_AUTO},
	    {"AUTO", POLL_AUTO},
	    {"6", 6},
	    {"-4", POLL_LOG2_MIN},
	    {"17", POLL_LOG2_MAX},
	    {"64s", 6},
	    {"1s", 0},
	    {"500ms", -1},
	    {"62.5ms", -4},
	    {"131072s", 17},
	    {"16 s", 4},
	};
	static const char *const bad[] = {"", "18", "-5", "64", "6.0", "63s",
	    "262144s", "31.25ms", "0s", "-1s", "autos", "s", "2^4", "6 7",
	    "1e300d", "128m"};
	int poll;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!value_poll(good[i].text, &poll) ||
		    poll != good[i].expected)
			FAIL_WITH(good[i].text);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (value_poll(bad[i], &poll))
			FAIL_WITH(bad[i]);
}

static void texts(void **state)
{
	char out[8] = "before";

	(void)state;
	assert_true(value_text("1234567", out, sizeof(out)));
	assert_string_equal(out, "1234567");
	assert_false(value_text("12345678", out, sizeof(out)));
	assert_false(value_text("", out, sizeof(out)));
	assert_false(value_text("a\tb", out, sizeof(out)));
	assert_false(value_text("a\x7f", out, sizeof(out)));
	assert_false(value_text("\x1b[2J", out, sizeof(out)));
	assert_string_equal(out, "1234567");
	assert_true(value_text("gr\xc3\xb6n", out, sizeof(out)));
}

static void hosts(void **state)
{
	static const char *const good[] = {"ntp1", "ntp-1.example.org", "a_b",
	    "192.0.2.1", "2001:db8::1", "fe80::1%eth0"};
	static const char *const bad[] = {"", "a b", "a/b", "a;b", "[::1]",
	    "a,b", "\"a\"", "a\n", "gr\xc3\xbcn", "12345678901234567890"};
	char out[20];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (!value_host(good[i], out, sizeof(out)))
			FAIL_WITH(good[i]);
		assert_string_equal(out, good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (value_host(bad[i], out, sizeof(out)))
			FAIL_WITH(bad[i]);
}

static void words(void **state)
{
	static const char *const expected[] = {"30", "15", "17"};
	const char *rest = " ,30, 15\t,17 , ";
	char word[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_int_equal(value_word(&rest, word, sizeof(word)), 2);
		assert_string_equal(word, expected[i]);
	}
	assert_int_equal(value_word(&rest, word, sizeof(word)), 0);
	assert_int_equal(value_word(&rest, word, sizeof(word)), 0);
}

/* A word that does not fit is not copied; its length shows that. */
static void long_words(void **state)
{
	const char *rest = "1234 123";
	char word[4] = "x";

	(void)state;
	assert_int_equal(value_word(&rest, word, sizeof(word)), 4);
	assert_string_equal(word, "x");
	assert_int_equal(value_word(&rest, word, sizeof(word)), 3);
	assert_string_equal(word, "123");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bools),
	    cmocka_unit_test(integers),
	    cmocka_unit_test(durations),
	    cmocka_unit_test(duration_limits),
	    cmocka_unit_test(frequencies),
	    cmocka_unit_test(polls),
	    cmocka_unit_test(texts),
	    cmocka_unit_test(hosts),
	    cmocka_unit_test(words),
	    cmocka_unit_test(long_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
