#include "agent/host/wait_limit.h"
#include "base/check.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "tests/unit/lingering.h"

#define LIMIT_MS 20000
#define LOOK_MS 2

/* Does the child end by itself? A signal ends its wait otherwise. */
static bool ends(pid_t pid)
{
	int status = 0;

	for (int waited = 0; waited < LIMIT_MS; waited += LOOK_MS) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
		poll(NULL, 0, LOOK_MS);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return false;
}

/* In a child, which has the only descriptor of the socket. */
static void use(int fd, bool reads)
{
	struct itimerval left;
	sigset_t all;
	char byte;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	wait_limit_begin();
	if (reads)
		(void)recv(fd, &byte, 1, 0);
	close(fd);
	wait_limit_end();
	_exit(getitimer(ITIMER_REAL, &left) == 0 && left.it_value.tv_sec == 0 &&
		      left.it_value.tv_usec == 0
		  ? 0
		  : 1);
}

static bool is_used_in_time(int kind, bool reads)
{
	struct lingering sent[3];
	int pair[2], go[2];
	char byte = 'x';
	pid_t pid;
	bool ended;

	assert_int_equal(socketpair(AF_UNIX, kind, 0, pair), 0);
	assert_int_equal(pipe(go), 0);
	for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
		sent[i] = lingering_open();
		assert_true(lingering_send(&sent[i], pair[1]));
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0 && read(go[0], &byte, 1) == 1)
		use(pair[0], reads);
	close(pair[0]);
	assert_int_equal(write(go[1], &byte, 1), 1);
	ended = ends(pid);
	for (size_t i = 0; i < ARRAY_LEN(sent); i++)
		lingering_close(&sent[i]);
	close(pair[1]);
	close(go[0]);
	close(go[1]);
	return ended;
}

static void a_socket_with_descriptors_in_it_is_closed(void **state)
{
	(void)state;
	assert_true(is_used_in_time(SOCK_STREAM, false));
	assert_true(is_used_in_time(SOCK_DGRAM, false));
}

static void a_message_with_a_descriptor_is_read(void **state)
{
	(void)state;
	assert_true(is_used_in_time(SOCK_STREAM, true));
	assert_true(is_used_in_time(SOCK_DGRAM, true));
}

/* A kernel that has no such option sends it. */
static void a_descriptor_may_be_refused(void **state)
{
	const int probe = socket(AF_UNIX, SOCK_STREAM, 0);
	int pair[2], value = 0;
	socklen_t len = sizeof(value);
	bool can =
	    getsockopt(probe, SOL_SOCKET, 83, &value, &len) == 0 && value == 1;
	struct lingering l = lingering_open();

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	wait_limit_no_descriptors(pair[0]);
	assert_int_equal(lingering_send(&l, pair[1]), !can);
	lingering_close(&l);
	close(probe);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_socket_with_descriptors_in_it_is_closed),
	    cmocka_unit_test(a_message_with_a_descriptor_is_read),
	    cmocka_unit_test(a_descriptor_may_be_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
