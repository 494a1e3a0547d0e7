/* Each test runs in a child, which has the signals of its own. */
#include "agent/loop/signals.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <fcntl.h>

static const int ends[] = {SIGTERM, SIGINT};

static void assert_true_in_child(bool (*holds)(int number), int number)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(holds(number) ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static bool readable(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, 0) == 1;
}

static bool signal_makes_the_descriptor_readable(int number)
{
	int fd = signals_catch(true);

	if (fd < 0 || readable(fd) || signals_end_asked() ||
	    !(fcntl(fd, F_GETFD) & FD_CLOEXEC) ||
	    !(fcntl(fd, F_GETFL) & O_NONBLOCK))
		return false;
	raise(number);
	if (!readable(fd) || signals_end_asked())
		return false;
	signals_note_end();
	return signals_end_asked();
}

static bool signal_interrupts_a_wait(int number)
{
	if (signals_catch(false) != -1 || signals_end_asked())
		return false;
	raise(number);
	return signals_end_asked();
}

static bool signal_is_ignored(int number)
{
	int fd = signals_catch(true);

	raise(number);
	return !readable(fd) && !signals_end_asked();
}

static void a_signal_to_end_is_readable_or_handled(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		assert_true_in_child(
		    signal_makes_the_descriptor_readable, ends[i]);
		assert_true_in_child(signal_interrupts_a_wait, ends[i]);
	}
}

static void a_hangup_and_a_broken_pipe_are_ignored(void **state)
{
	(void)state;
	assert_true_in_child(signal_is_ignored, SIGHUP);
	assert_true_in_child(signal_is_ignored, SIGPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_signal_to_end_is_readable_or_handled),
	    cmocka_unit_test(a_hangup_and_a_broken_pipe_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
