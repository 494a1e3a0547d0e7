#include "agent/host/clocks.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* With times of 64 bits. */
#ifdef SYS_clock_gettime64
#define GETTIME SYS_clock_gettime64
#define SETTIME SYS_timerfd_settime64
#else
#define GETTIME SYS_clock_gettime
#define SETTIME SYS_timerfd_settime
#endif

/* In place of the real clocks, while `gaps` is set: each reading of all clocks
 * takes the next gap of time. */
static struct {
	const int64_t *gaps; /* NULL: the real clocks */
	unsigned readings;   /* that have begun */
	bool within;
	int64_t mono_ns;
} script;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t ns;

	if (!script.gaps)
		return (int)syscall(GETTIME, id, ts);
	if (id == CLOCK_MONOTONIC && script.within)
		script.mono_ns += script.gaps[script.readings++];
	if (id == CLOCK_MONOTONIC)
		script.within = !script.within;
	ns = id == CLOCK_MONOTONIC ? script.mono_ns
	     : id == CLOCK_REALTIME
		 ? (int64_t)(script.readings + 1) * NS_PER_S
		 : (int64_t)(script.readings + 1) * 60 * NS_PER_S;
	*ts = (struct timespec){ns / NS_PER_S, (long)(ns % NS_PER_S)};
	return 0;
}

/* What timerfd_settime(2) does after it has set the timer. */
static int settime_errno;

int timerfd_settime(
    int fd, int flags, const struct itimerspec *set, struct itimerspec *before)
{
	if (syscall(SETTIME, fd, flags, set, before) != 0)
		return -1;
	errno = settime_errno;
	return settime_errno ? -1 : 0;
}

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

/* Another process ran between two readings: the clocks are read again, and the
 * readings that are closest to each other count. */
static void the_closest_readings_count(void **state)
{
	enum { US = NS_PER_US, LONG = NS_PER_MS };
	static const struct {
		int64_t gaps[6];
		unsigned readings, best;
	} rows[] = {
	    {{0}, 1, 0},
	    {{100 * US, 1}, 1, 0},
	    {{100 * US + 1, 7}, 2, 1},
	    {{LONG, LONG, 3}, 3, 2},
	    {{5 * LONG, 4 * LONG, LONG, 3 * LONG, 2 * LONG, 1}, 5, 2},
	    {{LONG, LONG, LONG, LONG, LONG, 1}, 5, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t began_ns = 50 * NS_PER_S;
		struct clock_reading got;

		script.gaps = rows[i].gaps;
		script.readings = 0;
		script.mono_ns = began_ns;
		got = clocks_read(true);
		script.gaps = NULL;
		if (script.readings != rows[i].readings)
			fail_msg("row %zu: %u readings", i, script.readings);
		for (unsigned k = 0; k < rows[i].best; k++)
			began_ns += rows[i].gaps[k];
		assert_int_equal(
		    got.mono.ns, began_ns + rows[i].gaps[rows[i].best] / 2);
		assert_int_equal(got.wall.ns, (rows[i].best + 1) * NS_PER_S);
		assert_int_equal(
		    got.boot_ns, (rows[i].best + 1) * 60 * NS_PER_S);
	}
}

static void a_clock_that_is_missing_is_at_zero(void **state)
{
	(void)state;
	assert_int_equal(clocks_ns((clockid_t)12345), 0);
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
		assert_int_equal(clocks_rearm(fd), ALARM_QUIET);
	}
	close(fd);
}

/* The kernel says so when the timer is set, and never again. */
static void a_jump_while_the_alarm_is_set_counts(void **state)
{
	int fd;

	(void)state;
	settime_errno = ECANCELED;
	fd = clocks_open_alarm();
	assert_true(fd >= 0);
	assert_int_equal(clocks_rearm(fd), ALARM_RANG);
	settime_errno = 0;
	assert_int_equal(clocks_rearm(fd), ALARM_QUIET);
	close(fd);
}

static void an_alarm_that_cannot_be_set_is_none(void **state)
{
	int before = descriptors_open();

	(void)state;
	settime_errno = EINVAL;
	assert_int_equal(clocks_open_alarm(), -EINVAL);
	settime_errno = 0;
	assert_int_equal(descriptors_open(), before);
}

/* After a jump the alarm is readable until it was read. */
static void rearming_takes_what_is_readable(void **state)
{
	int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	(void)state;
	assert_int_equal(poll(&p, 1, 0), 1);
	/* It is no timer. */
	assert_int_equal(clocks_rearm(fd), -EINVAL);
	assert_int_equal(poll(&p, 1, 0), 0);
	close(fd);
}

static void without_descriptors_there_is_no_alarm(void **state)
{
	struct rlimit before;

	(void)state;
	before = descriptors_forbid();
	assert_int_equal(clocks_open_alarm(), -EMFILE);
	descriptors_allow(before);
}

/* A parent may have closed standard input. */
static void the_alarm_may_have_any_number(void **state)
{
	int saved = input_free(), fd;

	(void)state;
	errno = EIO;
	fd = clocks_open_alarm();
	input_back(saved);
	assert_int_equal(fd, STDIN_FILENO);
}

/* A clock that counts in steps, read by a processor that needs `read_ns`. */
struct stepping {
	int64_t ns, read_ns, step_ns;
	bool simulated; /* no time passes between two readings */
};

static int64_t stepping_read(void *self)
{
	struct stepping *s = self;

	if (!s->simulated)
		s->ns += s->read_ns;
	return s->ns / s->step_ns * s->step_ns;
}

static void stepping_wait(void *self)
{
	struct stepping *s = self;

	s->ns += 50 * NS_PER_US;
}

static void a_coarse_clock_is_found(void **state)
{
	static const struct {
		int64_t read_ns, step_ns;
		bool simulated;
		int64_t found_ns;
	} rows[] = {
	    {50, 1, false, 0},
	    {50, 1000, false, 0},
	    {20, 4 * NS_PER_MS, false, 4 * NS_PER_MS},
	    {20, NS_PER_MS, false, NS_PER_MS},
	    {20, 10 * NS_PER_MS, false, 10 * NS_PER_MS},
	    /* A slow processor sees many changes, and all are large. */
	    {5000, 10 * NS_PER_MS, false, 10 * NS_PER_MS},
	    {0, 1, true, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stepping s = {.ns = NS_PER_S,
		    .read_ns = rows[i].read_ns,
		    .step_ns = rows[i].step_ns,
		    .simulated = rows[i].simulated};
		const struct clocks_reader reader = {
		    stepping_read, stepping_wait, &s};

		assert_int_equal(
		    clocks_granularity_by(&reader), rows[i].found_ns);
	}
}

/* Nothing ever changes: that is no reason to hang. */
static void a_clock_that_stands_has_no_granularity(void **state)
{
	struct stepping s = {.step_ns = NS_PER_S, .simulated = true};
	const struct clocks_reader reader = {stepping_read, stepping_wait, &s};

	(void)state;
	assert_int_equal(clocks_granularity_by(&reader), 0);
	assert_int_equal(clocks_granularity_ns(), 0);
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
	wait = clocks_wait((struct mono){now.ns + 1}, now);
	assert_true(wait.tv_sec == 0 && wait.tv_nsec == 1);
	wait = clocks_wait((struct mono){1}, now);
	assert_true(wait.tv_sec == 0 && wait.tv_nsec == 0);
}

/* Neither a busy loop until a second is over, nor a wait without an end. */
static void a_poll_lasts_until_its_time(void **state)
{
	static const int64_t waits_ns[] = {0, 30 * NS_PER_MS};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(waits_ns); i++) {
		struct mono begin = clocks_mono();
		struct mono until = mono_after(begin, waits_ns[i]);

		assert_int_equal(clocks_poll(NULL, 0, until), 0);
		assert_true(mono_due(until, clocks_mono()));
		assert_true(clocks_mono().ns - begin.ns < 5 * NS_PER_S);
	}
}

static void a_poll_without_an_end_returns_with_an_event(void **state)
{
	int fd = eventfd(1, EFD_CLOEXEC);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	(void)state;
	assert_int_equal(clocks_poll(&p, 1, MONO_NEVER), 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_clocks_can_be_read),
	    cmocka_unit_test(the_closest_readings_count),
	    cmocka_unit_test(a_clock_that_is_missing_is_at_zero),
	    cmocka_unit_test(the_alarm_waits),
	    cmocka_unit_test(a_jump_while_the_alarm_is_set_counts),
	    cmocka_unit_test(an_alarm_that_cannot_be_set_is_none),
	    cmocka_unit_test(the_alarm_may_have_any_number),
	    cmocka_unit_test(rearming_takes_what_is_readable),
	    cmocka_unit_test(without_descriptors_there_is_no_alarm),
	    cmocka_unit_test(a_coarse_clock_is_found),
	    cmocka_unit_test(a_clock_that_stands_has_no_granularity),
	    cmocka_unit_test(a_wait_is_never_negative),
	    cmocka_unit_test(a_poll_lasts_until_its_time),
	    cmocka_unit_test(a_poll_without_an_end_returns_with_an_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
