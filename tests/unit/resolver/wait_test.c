/* Waiting until a deadline, through signals. */
#include "resolver/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

struct pipe_end {
	int in, out;
};

static int setup(void **state)
{
	static struct pipe_end p;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	p = (struct pipe_end){.in = fds[0], .out = fds[1]};
	*state = &p;
	return 0;
}

static int teardown(void **state)
{
	struct pipe_end *p = *state;

	close(p->in);
	close(p->out);
	return 0;
}

/* Waits for `ns`. Returns the result of poll_until and checks the time. */
static int wait_for(const struct pipe_end *p, int64_t ns)
{
	struct pollfd fds = {.fd = p->in, .events = POLLIN};
	struct mono start = mono_now(), deadline = mono_after(start, ns);
	int result;

	/* An old error must not count. */
	errno = EINTR;
	result = poll_until(&fds, 1, deadline);
	if (result == 0)
		assert_true(mono_due(deadline, mono_now()));
	assert_true(mono_now().ns - start.ns < ns + 2 * NS_PER_S);
	return result;
}

static void a_deadline_that_has_passed_costs_nothing(void **state)
{
	assert_int_equal(wait_for(*state, -NS_PER_S), 0);
	assert_int_equal(wait_for(*state, -1), 0);
	assert_int_equal(wait_for(*state, 0), 0);
}

/* Not even a part of a millisecond. */
static void no_wait_ends_early(void **state)
{
	assert_int_equal(wait_for(*state, 1), 0);
	assert_int_equal(wait_for(*state, NS_PER_MS), 0);
	assert_int_equal(wait_for(*state, NS_PER_MS + 1), 0);
	assert_int_equal(wait_for(*state, 20 * NS_PER_MS + 999999), 0);
}

static void an_event_ends_the_wait(void **state)
{
	const struct pipe_end *p = *state;
	struct pollfd fds = {.fd = p->in, .events = POLLIN};

	assert_int_equal(write(p->out, "x", 1), 1);
	assert_int_equal(wait_for(p, 60 * NS_PER_S), 1);
	assert_int_equal(poll_until(&fds, 1, MONO_NEVER), 1);
	assert_int_equal(fds.revents, POLLIN);
	/* More milliseconds than an int has. */
	fds.revents = 0;
	assert_int_equal(
	    poll_until(&fds, 1, (struct mono){MONO_NEVER.ns - 1}), 1);
}

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

static void a_signal_does_not_end_the_wait(void **state)
{
	const struct itimerval often = {{0, 3000}, {0, 3000}}, never = {0};
	struct sigaction action = {.sa_handler = count_signal}, old;

	assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	assert_int_equal(wait_for(*state, 50 * NS_PER_MS), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
	assert_true(signals > 0);
}

/* poll(2) refuses more descriptors than the process may have. */
static void a_failure_is_returned(void **state)
{
	const struct pipe_end *p = *state;
	struct pollfd fds = {.fd = p->in, .events = POLLIN};
	struct rlimit limit, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(poll_until(&fds, 1, mono_now()), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_deadline_that_has_passed_costs_nothing),
	    TEST(no_wait_ends_early),
	    TEST(an_event_ends_the_wait),
	    TEST(a_signal_does_not_end_the_wait),
	    TEST(a_failure_is_returned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
