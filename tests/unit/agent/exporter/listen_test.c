#include "agent/exporter/listen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void an_address_has_digits_and_a_port(void **state)
{
	static const char *const wrong[] = {"", ":", "10123", ":10123",
	    "127.0.0.1", "127.0.0.1:", "localhost:0", "127.0.0.1:http",
	    "127.0.0.1:70000", "::1:10123", "[::1]", "[::1:10123", "[]:1",
	    "127.0.0.1:10123 ",
	    "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1"};
	char why[LISTEN_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		why[0] = '\0';
		assert_int_equal(listen_on(wrong[i], why), -1);
		assert_non_null(strstr(why, "cannot listen on "));
	}
}

static void it_listens_where_it_is_told(void **state)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);
	char why[LISTEN_TEXT_MAX], text[40];
	int fd = listen_on("127.0.0.1:0", why), client;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(at.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(client, (const struct sockaddr *)&at, len), 0);
	close(client);
	snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(at.sin_port));
	assert_int_equal(listen_on(text, why), -1);
	assert_non_null(strstr(why, "Address already in use"));
	close(fd);
}

/* Gives a child the descriptor 3 and the variables; its exit status is the
 * result of listen_inherited(), or 100. */
static int inherited(int fd, const char *count, bool own_pid)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		char number[24], why[LISTEN_TEXT_MAX] = "";
		int fds[2] = {-1, -1}, n;

		if (fd >= 0 && fd != 3)
			dup2(fd, 3);
		snprintf(number, sizeof(number), "%ld",
		    (long)getpid() + (own_pid ? 0 : 1));
		setenv("LISTEN_PID", number, 1);
		setenv("LISTEN_FDS", count, 1);
		n = listen_inherited(fds, 2, why);
		if (getenv("LISTEN_FDS") || (n < 0 && why[0] == '\0') ||
		    (n == 1 && !(fcntl(fds[0], F_GETFL) & O_NONBLOCK)))
			_exit(99);
		_exit(n < 0 ? 100 : n);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void sockets_of_systemd_are_used(void **state)
{
	char why[LISTEN_TEXT_MAX];
	int fd = listen_on("127.0.0.1:0", why), pair[2];

	(void)state;
	assert_true(fd >= 0);
	fcntl(fd, F_SETFL, 0);
	assert_int_equal(inherited(fd, "1", true), 1);
	/* They are for another process, or there are none. */
	assert_int_equal(inherited(fd, "1", false), 0);
	assert_int_equal(inherited(fd, "0", true), 0);
	assert_int_equal(inherited(fd, "", true), 0);
	assert_int_equal(inherited(fd, "x", true), 0);
	/* More than there is room for. */
	assert_int_equal(inherited(fd, "3", true), 100);
	close(fd);
	/* Accept=yes passes a connection. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(inherited(pair[0], "1", true), 100);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_address_has_digits_and_a_port),
	    cmocka_unit_test(it_listens_where_it_is_told),
	    cmocka_unit_test(sockets_of_systemd_are_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
