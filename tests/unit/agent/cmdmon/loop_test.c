/* The loop in a process of its own, whose clock stands still: a budget that is
 * used up stays so. */
#include "agent/cmdmon/loop.h"

#include "agent/cmdmon/protocol/request.h"
#include "agent/cmdmon/turns.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/lingering.h"
#include "tests/unit/one_timer.h"

static bool frozen;

/* In place of that of the C library. */
int clock_gettime(clockid_t clock, struct timespec *ts)
{
	if (!frozen)
		return (int)syscall(SYS_clock_gettime, clock, ts);
	*ts = (struct timespec){.tv_sec = 9000};
	return 0;
}

/* A client of the socket at `server`, with the name `own`. */
static int client(const char *folder, const char *own, const char *server)
{
	const struct timeval patience = {.tv_sec = 5};
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", folder, own);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", folder, server);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

/* An order: the answer needs no status. */
static void order(int fd)
{
	uint8_t datagram[CMDMON_MESSAGE_MAX] = {0};
	struct cmdmon_request r = {.command = CMDMON_TRACKING};
	size_t len = cmdmon_request_write(&r, datagram);

	datagram[5] = 43;
	assert_int_equal(send(fd, datagram, len, 0), (ssize_t)len);
}

static pid_t start_loop(const struct sockets *s)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	frozen = true;
	_exit(loop_run(s, "/nonexistent/status.sock") ? 0 : 1);
}

static void bind_both(struct sockets *s, const char *folder)
{
	static const char *const names[] = {"flooded", "calm"};
	char path[64], why[SOCKETS_TEXT_MAX];

	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		assert_true(sockets_bind_path(s, path, why));
	}
}

static void drop_folder(const char *folder)
{
	static const char *const names[] = {"flooded", "calm", "a", "b"};
	char path[64];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	rmdir(folder);
}

static void a_flood_does_not_starve_the_other_socket(void **state)
{
	char folder[] = "/tmp/cmdmon-test-XXXXXX";
	struct sockets s = {0};
	uint8_t answer[CMDMON_MESSAGE_MAX];
	ssize_t seen;
	int noisy, calm;
	pid_t loop;

	(void)state;
	assert_non_null(mkdtemp(folder));
	bind_both(&s, folder);
	noisy = client(folder, "a", "flooded");
	calm = client(folder, "b", "calm");
	loop = start_loop(&s);
	/* One more than is answered: the socket pauses. */
	for (unsigned i = 0; i <= TURNS_BURST; i++)
		order(noisy);
	order(calm);
	seen = recv(calm, answer, sizeof(answer), 0);
	kill(loop, SIGKILL);
	waitpid(loop, NULL, 0);
	drop_folder(folder);
	close(noisy);
	close(calm);
	while (s.count > 0)
		close(s.fd[--s.count]);
	assert_true(seen > 0);
}

/* As on a kernel before Linux 6.16, which cannot refuse descriptors. */
static void let_descriptors_pass(int fd)
{
	const int on = 1, so_passrights = 83;
	int value = 0;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, SOL_SOCKET, so_passrights, &value, &len) == 0)
		assert_int_equal(value, 0);
	(void)setsockopt(fd, SOL_SOCKET, so_passrights, &on, sizeof(on));
}

/* To read such a message also closes the descriptor, which takes an hour. */
static void a_client_that_sends_a_descriptor_does_not_stop_it(void **state)
{
	char folder[] = "/tmp/cmdmon-test-XXXXXX";
	struct sockets s = {0};
	uint8_t answer[CMDMON_MESSAGE_MAX];
	struct lingering l;
	ssize_t seen;
	int hostile, calm;
	pid_t loop;

	(void)state;
	assert_non_null(mkdtemp(folder));
	bind_both(&s, folder);
	let_descriptors_pass(s.fd[0]);
	hostile = client(folder, "a", "flooded");
	calm = client(folder, "b", "calm");
	l = lingering_open();
	/* The loop reads it later: else our own close might be the last. */
	assert_true(lingering_send(&l, hostile));
	loop = start_loop(&s);
	order(hostile);
	seen = recv(hostile, answer, sizeof(answer), 0);
	order(calm);
	if (seen > 0)
		seen = recv(calm, answer, sizeof(answer), 0);
	kill(loop, SIGKILL);
	waitpid(loop, NULL, 0);
	lingering_close(&l);
	drop_folder(folder);
	close(hostile);
	close(calm);
	while (s.count > 0)
		close(s.fd[--s.count]);
	assert_true(seen > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_flood_does_not_starve_the_other_socket),
	    cmocka_unit_test(a_client_that_sends_a_descriptor_does_not_stop_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
