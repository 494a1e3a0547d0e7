#include "agent/host/clocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void the_clocks_can_be_read(void **state)
{
	struct mono before = clocks_mono();
	struct clock_reading m = clocks_read(true), n = clocks_read(false);
	struct mono after = clocks_mono();
	struct timespec now;

	(void)state;
	clock_gettime(CLOCK_REALTIME, &now);
	assert_true(m.boot_ns >= m.mono.ns - NS_PER_MS);
	assert_true(before.ns <= m.mono.ns && m.mono.ns <= n.mono.ns);
	assert_true(n.mono.ns <= after.ns);
	assert_int_equal(n.boot_ns, 0);
	assert_in_range(ns_of_timespec(&now) - m.wall.ns, 0, 10 * NS_PER_S);
}

/* Nobody has set the clock: it is not readable, and expires far away. */
static void the_alarm_waits(void **state)
{
	int fd = clocks_open_alarm();
	struct itimerspec left;
	uint64_t times;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(timerfd_gettime(fd, &left), 0);
		assert_true(left.it_value.tv_sec > INT32_MAX - 10);
		assert_true(left.it_value.tv_sec <= INT32_MAX);
		assert_int_equal(read(fd, &times, sizeof(times)), -1);
		assert_int_equal(errno, EAGAIN);
		clocks_rearm(fd);
	}
	close(fd);
}

static void without_descriptors_there_is_no_alarm(void **state)
{
	struct rlimit all, few;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	few = (struct rlimit){.rlim_cur = 3, .rlim_max = all.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(clocks_open_alarm(), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
}

static void a_wait_is_never_negative(void **state)
{
	const struct mono now = {5 * NS_PER_S};
	struct timespec wait;

	(void)state;
	wait = clocks_wait((struct mono){7 * NS_PER_S + 3}, now);
	assert_true(wait.tv_sec == 2 && wait.tv_nsec == 3);
	wait = clocks_wait(now, now);
	assert_true(wait.tv_sec == 0 && wait.tv_nsec == 0);
	wait = clocks_wait((struct mono){1}, now);
	assert_true(wait.tv_sec == 0 && wait.tv_nsec == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_clocks_can_be_read),
	    cmocka_unit_test(the_alarm_waits),
	    cmocka_unit_test(without_descriptors_there_is_no_alarm),
	    cmocka_unit_test(a_wait_is_never_negative),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
