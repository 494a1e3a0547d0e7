/* The kernel clock's knobs. Only reads: a test must not move the machine's
 * clock (tests/kernel/ does, in a machine of its own). */
#include "base/check.h"
#include "clock/kernel/kernel.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* The kernel's two knobs. */
static void test_kernel_freq(void **state)
{
	static const double ppms[] = {0, 0.5, -0.5, 500, -500, 500.001,
	    -500.001, 1000, -83333, 100000, -100000, 12345.678901, 550, 549.9};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ppms); i++) {
		struct kernel_freq f = kernel_freq_of(ppms[i], 100);

		assert_true(fabs(kernel_freq_ppm(&f, 100) - ppms[i]) <=
			    0.5 / 65536 + 1e-9);
		assert_true(labs(f.freq_scaled) <= 500L * 65536);
		assert_in_range(f.tick_us, 9000, 11000);
		if (fabs(ppms[i]) <= 500)
			assert_int_equal(f.tick_us, 10000);
	}
	assert_int_equal(kernel_freq_of(1000, 100).tick_us, 10010);
	assert_int_equal(kernel_freq_of(1000, 100).freq_scaled, 0);
	/* Alpha: a tick of 1/1024 s. */
	assert_int_equal(kernel_freq_of(0, 1024).tick_us, 976);
}

/* Reading needs no right, and must give what the machine has. */
static void test_kernel_reads(void **state)
{
	struct clock_ops clock = kernel_clock();
	struct timespec ts;
	double ppm = NAN;
	int err = clock.get_freq(clock.self, &ppm);

	(void)state;
	clock_gettime(CLOCK_REALTIME, &ts);
	assert_true(
	    llabs(clock.now(clock.self).ns - ns_of_timespec(&ts)) < NS_PER_S);
	if (err == -EPERM)
		skip();
	assert_int_equal(err, 0);
	assert_true(fabs(ppm) <= 101000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kernel_freq),
	    cmocka_unit_test(test_kernel_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
