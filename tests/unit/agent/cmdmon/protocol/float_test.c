#include "agent/cmdmon/protocol/float.h"

#include "base/check.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Words that chronyd sent, and what chronyc printed for them. */
static const struct {
	uint32_t bits;
	double shown, half_digit;
} recorded[] = {
    {0x00000000, 0, 0}, {0x0880e97a, 4.0, 0.05}, /* update interval */
    {0x02fd1517, 0.989, 0.0005},		 /* skew */
    {0xe2860433, 0.000007988, 5e-10},		 /* root delay */
    {0xdcdb9488, 0.000001636, 5e-10},		 /* measured offset */
    {0xdd246b78, -0.000001636, 5e-10}, /* the same offset in ntpdata */
    {0x04800000, 1.0, 0},	       /* score */
};

static void recorded_numbers_have_their_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(recorded); i++) {
		double x = cmdmon_float_value(recorded[i].bits);

		if (fabs(x - recorded[i].shown) > recorded[i].half_digit)
			fail_msg("%08x is %.12g", recorded[i].bits, x);
	}
}

static void a_number_of_24_bits_comes_back_unchanged(void **state)
{
	static const double numbers[] = {1, -1, 0.5, -0.5, 4, 1e-9, 16777215,
	    -16777216, 3, 0x1.fffffep+61, -0x1p62, 0x1p-64, -0x1p-70};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		double x = (double)(float)numbers[i];

		assert_true(cmdmon_float_value(cmdmon_float_of(x)) == x);
	}
}

static void the_error_is_below_half_a_unit_of_24_bits(void **state)
{
	(void)state;
	for (double x = 1e-15; x < 1e15; x *= 1.7) {
		double y = cmdmon_float_value(cmdmon_float_of(-x));

		assert_true(fabs(y + x) <= x * 0x1p-24);
	}
}

static void rounding_up_to_a_power_of_two_does_not_overflow(void **state)
{
	(void)state;
	assert_true(
	    cmdmon_float_value(cmdmon_float_of(0x1.ffffffffp3)) == 16.0);
	assert_true(cmdmon_float_value(cmdmon_float_of(0x1.ffffffffp61)) ==
		    0x1.fffffep61);
}

static void what_does_not_fit_becomes_the_nearest(void **state)
{
	(void)state;
	assert_int_equal(cmdmon_float_of(NAN), 0);
	assert_int_equal(cmdmon_float_of(1e-300), 0);
	assert_int_equal(cmdmon_float_of(-1e-300), 0);
	assert_int_equal(cmdmon_float_of(-0.0), 0);
	assert_int_equal(cmdmon_float_of(1e300), 0x7effffff);
	assert_int_equal(cmdmon_float_of(INFINITY), 0x7effffff);
	assert_int_equal(cmdmon_float_of(-INFINITY), 0x7f000000);
	assert_int_equal(cmdmon_float_of(-1e300), 0x7f000000);
	/* The smallest: one bit is left. */
	assert_true(cmdmon_float_value(cmdmon_float_of(0x1p-89)) == 0x1p-89);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(recorded_numbers_have_their_values),
	    cmocka_unit_test(a_number_of_24_bits_comes_back_unchanged),
	    cmocka_unit_test(the_error_is_below_half_a_unit_of_24_bits),
	    cmocka_unit_test(rounding_up_to_a_power_of_two_does_not_overflow),
	    cmocka_unit_test(what_does_not_fit_becomes_the_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
