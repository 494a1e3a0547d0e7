#include "agent/host/passed_sockets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static void the_number_is_that_for_this_process(void **state)
{
	static const struct {
		const char *count;
		long other, passed; /* other: added to our process id */
	} rows[] = {
	    {"1", 0, 1},
	    {"8", 0, 8},
	    {"8", 1, 0},
	    {"0", 0, 0},
	    {"-1", 0, 0},
	    {"", 0, 0},
	    {"2x", 0, 0},
	    {"99999999999999999999", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char pid[24];

		snprintf(
		    pid, sizeof(pid), "%ld", (long)getpid() + rows[i].other);
		setenv("LISTEN_PID", pid, 1);
		setenv("LISTEN_FDS", rows[i].count, 1);
		setenv("LISTEN_FDNAMES", "a", 1);
		if (passed_sockets() != rows[i].passed)
			fail_msg("row %zu", i);
		/* A program that is started later must not take them. */
		assert_null(getenv("LISTEN_PID"));
		assert_null(getenv("LISTEN_FDS"));
		assert_null(getenv("LISTEN_FDNAMES"));
		assert_int_equal(passed_sockets(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_number_is_that_for_this_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
