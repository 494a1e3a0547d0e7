/* Who may start the processes of the agent, and what to do if the user may not.
 */
#include "agent/launch/start.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A program that its own user may not execute. Not even root may do that. */
static void a_program_that_may_not_be_executed_is_named(void **state)
{
	char path[] = "/tmp/program-XXXXXX", why[START_WHY_MAX] = "";
	char expected[START_WHY_MAX];
	const struct passwd *user = getpwuid(geteuid());
	int made = mkstemp(path), fd;

	(void)state;
	assert_true(made >= 0 && user);
	close(made);
	fd = open(path, O_PATH | O_CLOEXEC);
	assert_false(start_may_execute(fd, why));
	snprintf(expected, sizeof(expected),
	    "user %s (uid %u) may not execute %s; fix it with: chmod a+x %s",
	    user->pw_name, (unsigned)geteuid(), path, path);
	assert_string_equal(why, expected);
	assert_int_equal(chmod(path, 0711), 0);
	assert_true(start_may_execute(fd, why));
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_program_that_may_not_be_executed_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
