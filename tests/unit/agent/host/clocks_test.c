#include "agent/host/clocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <unistd.h>

/* Readings, and the alarm that nobody has raised. */
static void the_clocks_can_be_read(void **state)
{
	struct clock_reading m = clocks_read(true), n = clocks_read(false);
	int fd = clocks_open_alarm();
	uint64_t times;

	(void)state;
	assert_true(m.boot_ns >= m.mono.ns - NS_PER_MS);
	assert_true(n.mono.ns >= m.mono.ns);
	assert_int_equal(n.boot_ns, 0);
	assert_true(fd >= 0);
	clocks_rearm(fd);
	assert_int_equal(read(fd, &times, sizeof(times)), -1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_clocks_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
