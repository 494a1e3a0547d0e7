/* The signs of offsets and frequencies in the status. */
#include "agent/query/members.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

static void an_offset_gets_the_sign_of_the_outputs(void **state)
{
	static const struct {
		int64_t slow_by_ns, fast_by_ns;
	} rows[] = {
	    {-1250, 1250},
	    {1250, -1250},
	    {0, 0},
	    {INT64_MAX, -INT64_MAX},
	    {INT64_MIN, INT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *o = json_object();

		member_offset_if(o, "offset_ns", true, rows[i].slow_by_ns);
		assert_int_equal(
		    json_integer_value(json_object_get(o, "offset_ns")),
		    rows[i].fast_by_ns);
		member_offset_if(o, "offset_ns", false, rows[i].slow_by_ns);
		assert_true(json_is_null(json_object_get(o, "offset_ns")));
		json_decref(o);
	}
}

static void a_frequency_gets_the_sign_of_the_outputs(void **state)
{
	static const double ppm[] = {-7.5, 7.5, 0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ppm); i++) {
		json_t *o = json_object();
		double shown;

		member_frequency_if(o, "ppm", true, ppm[i]);
		shown = json_real_value(json_object_get(o, "ppm"));
		assert_true(shown == -ppm[i]);
		assert_false(shown == 0 && signbit(shown));
		member_frequency_if(o, "ppm", false, ppm[i]);
		assert_true(json_is_null(json_object_get(o, "ppm")));
		json_decref(o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_offset_gets_the_sign_of_the_outputs),
	    cmocka_unit_test(a_frequency_gets_the_sign_of_the_outputs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
