#include "agent/ctl/print/format.h"

#include "tests/unit/agent/ctl/example.h"

#include <math.h>

struct number_case {
	double value;
	const char *text;
};

static void assert_formats(
    format_fn *format, const struct number_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char out[FORMAT_MAX];

		format(out, cases[i].value);
		assert_string_equal(out, cases[i].text);
	}
}

#define US 1e3
#define MS 1e6
#define S 1e9
#define DAY 86400.0

static void ages_change_unit_where_chronyc_does(void **state)
{
	static const struct number_case cases[] = {
	    {0, "0"},
	    {-3, "0"},
	    {6.2, "6"},
	    {6.99, "6"},
	    {1199.9, "1199"},
	    {1200, "20m"},
	    {35999, "599m"},
	    {36000, "10h"},
	    {345599, "95h"},
	    {345600, "4d"},
	    {999 * DAY + 86399, "999d"},
	    {1000 * DAY, "2y"},
	    {365 * 20 * DAY, "20y"},
	    {NAN, "-"},
	};

	(void)state;
	assert_formats(format_age, cases, ARRAY_LEN(cases));
}

static void offsets_keep_four_digits(void **state)
{
	static const struct number_case cases[] = {
	    {0, "0ns"},
	    {1, "1ns"},
	    {9999, "9999ns"},
	    {9999.4, "9999ns"},
	    {9999.5, "10us"},
	    {10 * US, "10us"},
	    {14499, "14us"},
	    {14501, "15us"},
	    {9999 * US, "9999us"},
	    {9999.5 * US, "10ms"},
	    {9999 * MS, "9999ms"},
	    {9999.5 * MS, "10.0s"},
	    {99.664022 * S, "99.7s"},
	    {999.4 * S, "999.4s"},
	    {999.5 * S, "1000s"},
	    {99999.4 * S, "99999s"},
	    {99999.5 * S, "1667m"},
	    {99999.4 * 60 * S, "99999m"},
	    {99999.5 * 60 * S, "1667h"},
	    {99999.5 * 3600 * S, "4167d"},
	    {99999.5 * DAY * S, "274y"},
	    {-117 * US, "117us"},
	};

	(void)state;
	assert_formats(format_ns, cases, ARRAY_LEN(cases));
}

static void signed_offsets_always_have_a_sign(void **state)
{
	static const struct number_case cases[] = {
	    {0, "+0ns"},
	    {117 * US, "+117us"},
	    {-6047, "-6047ns"},
	    {-9999.5, "-10us"},
	    {9999.5 * MS, "+10.0s"},
	    {-999.5 * S, "-1000s"},
	    {-99999.5 * S, "-1667m"},
	    {99999.5 * 60 * S, "+1667h"},
	    {-99999.5 * 3600 * S, "-4167d"},
	    {99999.5 * DAY * S, "+274y"},
	    /* the most that an int64 of nanoseconds can say */
	    {(double)INT64_MIN, "-292y"},
	};

	(void)state;
	assert_formats(format_signed_ns, cases, ARRAY_LEN(cases));
}

static void frequencies_have_three_decimals(void **state)
{
	static const struct number_case cases[] = {
	    {0, "0.000"},
	    {54.862, "54.862"},
	    {-0.0094, "-0.009"},
	    {99999.4, "99999.400"},
	    {99999.5, "100000"},
	};
	static const struct number_case with_sign[] = {
	    {0, "+0.000"},
	    {0.27, "+0.270"},
	    {-0.0004, "-0.000"},
	    {-123456.7, "-123457"},
	};

	(void)state;
	assert_formats(format_ppm, cases, ARRAY_LEN(cases));
	assert_formats(format_signed_ppm, with_sign, ARRAY_LEN(with_sign));
}

static void reach_is_octal(void **state)
{
	static const struct number_case cases[] = {
	    {0, "0"}, {1, "1"}, {8, "10"}, {15, "17"}, {255, "377"}};

	(void)state;
	assert_formats(format_octal, cases, ARRAY_LEN(cases));
}

static void counts_are_whole(void **state)
{
	static const struct number_case cases[] = {
	    {0, "0"}, {-4, "-4"}, {1e6, "1000000"}};

	(void)state;
	assert_formats(format_count, cases, ARRAY_LEN(cases));
}

static void sentences_get_three_digits(void **state)
{
	static const struct number_case cases[] = {
	    {0, "0 ns"},
	    {999.4, "999 ns"},
	    {999.5, "1 us"},
	    {1250, "1.25 us"},
	    {-83650, "83.7 us"},
	    {999.5 * US, "1 ms"},
	    {999.4 * MS, "999 ms"},
	    {99.664022 * S, "99.7 s"},
	    {999.5 * S, "1000 s"},
	    {123456 * S, "123456 s"},
	};

	(void)state;
	assert_formats(format_plain_ns, cases, ARRAY_LEN(cases));
}

static void bounds_are_rounded_up(void **state)
{
	static const struct number_case cases[] = {
	    {0, "0 ns"},
	    {83.71 * US, "83.8 us"},
	    {-83.79 * US, "83.8 us"},
	    {3.0001 * S, "3.01 s"},
	    {2.9994 * S, "3 s"},
	    {999.1 * MS, "1 s"},
	    {1000.2 * S, "1001 s"},
	    {99.91, "100 ns"},
	};

	(void)state;
	assert_formats(format_bound_ns, cases, ARRAY_LEN(cases));
}

static void waits_are_short(void **state)
{
	static const struct number_case cases[] = {
	    {-1, "0 s"},
	    {0, "0 s"},
	    {58.4, "58 s"},
	    {119.4, "119 s"},
	    {119.5, "2 min"},
	    {119.4 * 60, "119 min"},
	    {119.5 * 60, "2 h"},
	    {48 * 3600, "48 h"},
	};

	(void)state;
	assert_formats(format_wait, cases, ARRAY_LEN(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ages_change_unit_where_chronyc_does),
	    cmocka_unit_test(offsets_keep_four_digits),
	    cmocka_unit_test(signed_offsets_always_have_a_sign),
	    cmocka_unit_test(frequencies_have_three_decimals),
	    cmocka_unit_test(reach_is_octal),
	    cmocka_unit_test(counts_are_whole),
	    cmocka_unit_test(sentences_get_three_digits),
	    cmocka_unit_test(bounds_are_rounded_up),
	    cmocka_unit_test(waits_are_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
