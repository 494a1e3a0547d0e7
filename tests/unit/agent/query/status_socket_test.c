#include "agent/query/status_socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	char path[64];
	int listen_fd;
	struct status_socket socket;
};

static const struct mono start = {1000 * NS_PER_S};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	assert_non_null(f);
	snprintf(f->path, sizeof(f->path), "/tmp/status_socket_test.%ld",
	    (long)getpid());
	unlink(f->path);
	memcpy(sa.sun_path, f->path, sizeof(f->path));
	f->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(
	    bind(f->listen_fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(f->listen_fd, 16), 0);
	status_socket_init(&f->socket, f->listen_fd, start);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	status_socket_end(&f->socket);
	assert_int_equal(f->socket.listen_fd, -1);
	unlink(f->path);
	free(f);
	return 0;
}

static int connected(const struct fixture *f)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(sa.sun_path, f->path, sizeof(f->path));
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void serve(struct fixture *f, const char *text)
{
	size_t client;

	assert_true(status_socket_accept(&f->socket, start, &client));
	status_socket_answer(&f->socket, client, strdup(text), start);
}

static void a_client_gets_the_status_and_then_the_end(void **state)
{
	struct fixture *f = *state;
	char got[64] = "";
	int fd = connected(f);

	serve(f, "{\"schema\":1}");
	assert_int_equal(read(fd, got, sizeof(got)), 12);
	assert_string_equal(got, "{\"schema\":1}");
	assert_int_equal(read(fd, got, sizeof(got)), 0);
	close(fd);
}

static void a_slow_reader_gets_all_of_a_large_one(void **state)
{
	struct fixture *f = *state;
	struct pollfd fds[STATUS_CLIENTS_MAX + 1];
	size_t size = 4 << 20, total = 0;
	char *text = malloc(size + 1), buffer[65536];
	int fd = connected(f);
	ssize_t n;

	assert_non_null(text);
	memset(text, 'x', size);
	text[size] = '\0';
	serve(f, text);
	/* The buffer is still full: nothing can be written now. */
	assert_int_equal(status_socket_pollfds(&f->socket, fds), 2);
	status_socket_writable(&f->socket, fds[1].fd);
	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		total += (size_t)n;
		if (status_socket_pollfds(&f->socket, fds) > 1)
			status_socket_writable(&f->socket, fds[1].fd);
	}
	assert_int_equal(total, size);
	close(fd);
	free(text);
}

static void a_client_that_does_not_read_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct pollfd fds[STATUS_CLIENTS_MAX + 1];
	char *text = malloc((4 << 20) + 1);
	int fd = connected(f);

	assert_non_null(text);
	memset(text, 'x', 4 << 20);
	text[4 << 20] = '\0';
	serve(f, text);
	assert_int_equal(status_socket_pollfds(&f->socket, fds), 2);
	assert_int_equal(
	    status_socket_deadline(&f->socket).ns, start.ns + 5 * NS_PER_S);
	status_socket_expire(&f->socket, mono_after(start, 4 * NS_PER_S));
	assert_int_equal(status_socket_pollfds(&f->socket, fds), 2);
	status_socket_expire(&f->socket, mono_after(start, 6 * NS_PER_S));
	assert_int_equal(status_socket_pollfds(&f->socket, fds), 1);
	assert_int_equal(status_socket_deadline(&f->socket).ns, MONO_NEVER.ns);
	close(fd);
	free(text);
}

static void too_many_clients_wait_in_the_queue(void **state)
{
	struct fixture *f = *state;
	struct pollfd fds[STATUS_CLIENTS_MAX + 1];
	int fd[STATUS_CLIENTS_MAX + 1];
	size_t client;

	for (int i = 0; i <= STATUS_CLIENTS_MAX; i++)
		fd[i] = connected(f);
	for (int i = 0; i < STATUS_CLIENTS_MAX; i++)
		assert_true(status_socket_accept(&f->socket, start, &client));
	assert_false(status_socket_accept(&f->socket, start, &client));
	/* Full: the listening socket is not even watched. */
	assert_int_equal(
	    status_socket_pollfds(&f->socket, fds), STATUS_CLIENTS_MAX);
	assert_int_not_equal(fds[0].fd, f->listen_fd);
	for (int i = 0; i <= STATUS_CLIENTS_MAX; i++)
		close(fd[i]);
}

static void a_client_that_has_closed_does_no_harm(void **state)
{
	struct fixture *f = *state;
	struct pollfd fds[STATUS_CLIENTS_MAX + 1];
	int fd = connected(f);

	close(fd);
	serve(f, "{}");
	assert_int_equal(status_socket_pollfds(&f->socket, fds), 1);
}

static void without_memory_for_a_status_it_closes(void **state)
{
	struct fixture *f = *state;
	char got[8];
	size_t client;
	int fd = connected(f);

	assert_true(status_socket_accept(&f->socket, start, &client));
	status_socket_answer(&f->socket, client, NULL, start);
	assert_int_equal(read(fd, got, sizeof(got)), 0);
	close(fd);
}

/* Made once, read by many. */
static void a_fresh_status_is_given_again(void **state)
{
	struct fixture *f = *state;
	struct mono later = mono_after(start, STATUS_FRESH_NS - 1);
	char got[8] = "";
	size_t client;
	int fd = connected(f);

	serve(f, "one");
	close(fd);
	fd = connected(f);
	assert_true(status_socket_accept(&f->socket, later, &client));
	assert_true(status_socket_answer_again(&f->socket, client, later));
	assert_int_equal(read(fd, got, sizeof(got)), 3);
	assert_memory_equal(got, "one", 3);
	assert_int_equal(read(fd, got, sizeof(got)), 0);
	close(fd);
}

static void an_old_status_is_not_given_again(void **state)
{
	struct fixture *f = *state;
	struct mono later = mono_after(start, STATUS_FRESH_NS);
	size_t client;
	int fd = connected(f);

	serve(f, "one");
	close(fd);
	fd = connected(f);
	assert_true(status_socket_accept(&f->socket, later, &client));
	assert_false(status_socket_answer_again(&f->socket, client, later));
	/* Nor is one that something has made wrong. */
	status_socket_answer(&f->socket, client, strdup("two"), later);
	close(fd);
	status_socket_change(&f->socket);
	fd = connected(f);
	assert_true(status_socket_accept(&f->socket, later, &client));
	assert_false(status_socket_answer_again(&f->socket, client, later));
	close(fd);
}

/* A user who asks very often gets the last status again until it is too old. */
static void a_changed_status_is_given_again_to_who_asks_often(void **state)
{
	struct fixture *f = *state;
	struct mono old = mono_after(start, STATUS_FRESH_NS);
	size_t client;
	int fd = connected(f);

	serve(f, "one");
	close(fd);
	status_socket_change(&f->socket);
	fd = connected(f);
	assert_true(status_socket_accept(&f->socket, start, &client));
	f->socket.clients[client].asks_often = true;
	assert_true(status_socket_answer_again(&f->socket, client, start));
	close(fd);
	fd = connected(f);
	assert_true(status_socket_accept(&f->socket, start, &client));
	assert_false(f->socket.clients[client].asks_often);
	assert_false(status_socket_answer_again(&f->socket, client, start));
	f->socket.clients[client].asks_often = true;
	assert_false(status_socket_answer_again(&f->socket, client, old));
	status_socket_answer(&f->socket, client, strdup("two"), start);
	close(fd);
	/* A status that is too old for every client is freed. */
	assert_non_null(f->socket.last);
	status_socket_expire(&f->socket, old);
	assert_null(f->socket.last);
}

/* The text lives as long as somebody reads it. */
static void a_slow_reader_keeps_its_status(void **state)
{
	struct fixture *f = *state;
	struct pollfd fds[STATUS_CLIENTS_MAX + 1];
	size_t size = 4 << 20, total = 0;
	char *text = malloc(size + 1), buffer[65536];
	int slow = connected(f), quick;
	ssize_t n;

	assert_non_null(text);
	memset(text, 'x', size);
	text[size] = '\0';
	serve(f, text);
	quick = connected(f);
	serve(f, "new");
	assert_int_equal(read(quick, buffer, sizeof(buffer)), 3);
	status_socket_forget(&f->socket);
	while ((n = read(slow, buffer, sizeof(buffer))) > 0) {
		total += (size_t)n;
		if (status_socket_pollfds(&f->socket, fds) > 1)
			status_socket_writable(&f->socket, fds[1].fd);
	}
	assert_int_equal(total, size);
	close(slow);
	close(quick);
	free(text);
}

/* As another user: root has no limit. Returns how many got an answer. */
static int flood(const struct fixture *f, int count)
{
	int answered = 0;

	for (int i = 0; i < count; i++) {
		int fd = connected(f);
		char c;

		answered += read(fd, &c, 1) == 1;
		close(fd);
	}
	return answered;
}

static void a_user_who_asks_too_often_is_refused(void **state)
{
	struct fixture *f = *state;
	struct pollfd fds[STATUS_CLIENTS_MAX + 1];
	int status = -1, rests = 0;
	size_t client;
	pid_t pid;

	assert_int_equal(chmod(f->path, 0666), 0);
	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(255);
		_exit(flood(f, USER_LIMIT_BURST + 40) == USER_LIMIT_BURST ? 0
									  : 1);
	}
	/* The time of the agent stands still, but for the rests. */
	for (struct mono now = start; waitpid(pid, &status, WNOHANG) == 0;) {
		nfds_t n = status_socket_pollfds(&f->socket, fds);

		if (status_socket_accept(&f->socket, now, &client))
			status_socket_answer(
			    &f->socket, client, strdup("x"), now);
		if (n == 0 && f->socket.rest_until.ns != MONO_NEVER.ns) {
			rests++;
			assert_int_equal(status_socket_deadline(&f->socket).ns,
			    start.ns + STATUS_REST_NS);
			status_socket_expire(
			    &f->socket, mono_after(start, STATUS_REST_NS));
		}
		poll(fds, n, 1);
	}
	assert_int_equal(status, 0);
	assert_true(rests > 0);
}

/* With all of its burst, and without a status. */
static void begin_again(struct fixture *f)
{
	status_socket_forget(&f->socket);
	status_socket_init(&f->socket, f->listen_fd, start);
}

/* Connects so often as a user other than root; returns how many got a byte. The
 * time of the agent stands still, but for the rests, and `often` says whether
 * the user has spent half of its burst. */
static int answers_of(struct fixture *f, int count, bool often)
{
	const struct mono now = start;
	int status = -1;
	size_t client;
	pid_t pid;

	assert_int_equal(chmod(f->path, 0666), 0);
	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(255);
		for (int i = 0; often && i <= USER_LIMIT_BURST / 2; i++)
			(void)flood(f, 1);
		_exit(flood(f, count));
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		status_socket_expire(
		    &f->socket, mono_after(start, STATUS_REST_NS));
		if (status_socket_accept(&f->socket, now, &client))
			status_socket_answer(
			    &f->socket, client, strdup("x"), now);
		poll(NULL, 0, 1);
	}
	return WEXITSTATUS(status);
}

/* Only those who ask often pay when the work is half spent. */
static void who_asks_often_is_refused_first(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(answers_of(f, 3, true), 3);
	begin_again(f);
	f->socket.work.left = 0.51 * STATUS_WORK_BURST_S;
	assert_int_equal(answers_of(f, 3, true), 3);
	begin_again(f);
	f->socket.work.left = 0.49 * STATUS_WORK_BURST_S;
	assert_int_equal(answers_of(f, 3, true), 0);
	begin_again(f);
	f->socket.work.left = 0.49 * STATUS_WORK_BURST_S;
	assert_int_equal(answers_of(f, 3, false), 3);
}

static bool is_accepting(const struct fixture *f)
{
	struct pollfd fds[STATUS_CLIENTS_MAX + 1];

	return status_socket_pollfds(&f->socket, fds) == 1;
}

/* How long no client is accepted after so much work at the start. */
static int64_t rest_after_ns(struct fixture *f, int64_t work_ns)
{
	struct mono until;

	begin_again(f);
	f->socket.for_user = true;
	status_socket_worked(&f->socket, work_ns, start);
	until = status_socket_deadline(&f->socket);
	if (until.ns == MONO_NEVER.ns) {
		assert_true(is_accepting(f));
		return 0;
	}
	assert_false(is_accepting(f));
	status_socket_expire(&f->socket, (struct mono){until.ns - 1});
	assert_false(is_accepting(f));
	status_socket_expire(&f->socket, until);
	assert_true(is_accepting(f));
	return until.ns - start.ns;
}

static void work_for_users_is_followed_by_a_rest(void **state)
{
	struct fixture *f = *state;
	int64_t burst_ns = ns_of_s(STATUS_WORK_BURST_S);

	assert_int_equal(rest_after_ns(f, burst_ns), 0);
	assert_int_equal(rest_after_ns(f, burst_ns + 1000), STATUS_REST_NS);
	assert_int_equal(rest_after_ns(f, burst_ns + 3 * NS_PER_MS),
	    ns_of_s(0.003 / STATUS_WORK_PER_S));
	/* Nobody waits for longer than a second. */
	assert_int_equal(rest_after_ns(f, 60 * NS_PER_S), NS_PER_S);
}

/* However long each turn takes and however many clients wait. The last turn may
 * begin just before the end. A status that takes 20 ms costs two hundredths of
 * a processor, because nobody waits for more than a second. */
static void work_for_users_has_a_bounded_share(void **state)
{
	static const struct {
		int64_t ns;
		double share;
	} costs[] = {
	    {20000, STATUS_WORK_PER_S},
	    {500000, STATUS_WORK_PER_S},
	    {3 * NS_PER_MS, STATUS_WORK_PER_S},
	    {9 * NS_PER_MS, STATUS_WORK_PER_S},
	    {20 * NS_PER_MS, 0.02},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(costs); i++) {
		const struct mono end = mono_after(start, 1000 * NS_PER_S);
		int64_t worked_ns = 0;

		begin_again(f);
		for (struct mono now = start; now.ns < end.ns;) {
			f->socket.for_user = true;
			worked_ns += costs[i].ns;
			now = mono_after(now, costs[i].ns);
			status_socket_worked(&f->socket, costs[i].ns, now);
			if (f->socket.rest_until.ns != MONO_NEVER.ns)
				now = f->socket.rest_until;
			status_socket_expire(&f->socket, now);
		}
		worked_ns -= costs[i].ns;
		assert_true(s_of_ns(worked_ns) <=
			    STATUS_WORK_BURST_S + 1000 * costs[i].share);
	}
}

/* Root pays for nothing; who is not known to be root does. */
static void work_for_root_is_not_counted(void **state)
{
	struct fixture *f = *state;
	int fd = connected(f);

	serve(f, "one");
	status_socket_worked(&f->socket, NS_PER_S, start);
	assert_int_equal(is_accepting(f), geteuid() == 0);
	close(fd);
}

/* So is the work for a reader that takes its status bit by bit. */
static void work_for_a_slow_reader_is_counted(void **state)
{
	struct fixture *f = *state;
	struct pollfd fds[STATUS_CLIENTS_MAX + 1];
	char *text = malloc((4 << 20) + 1);
	int fd = connected(f);

	assert_non_null(text);
	memset(text, 'x', 4 << 20);
	text[4 << 20] = '\0';
	serve(f, text);
	f->socket.for_user = f->socket.clients[0].is_root = false;
	assert_int_equal(status_socket_pollfds(&f->socket, fds), 2);
	status_socket_writable(&f->socket, fds[1].fd);
	assert_true(f->socket.for_user);
	f->socket.clients[0].is_root = true;
	f->socket.for_user = false;
	status_socket_writable(&f->socket, fds[1].fd);
	assert_false(f->socket.for_user);
	close(fd);
	free(text);
}

static void without_a_client_nothing_is_accepted(void **state)
{
	struct fixture *f = *state;
	size_t client;

	assert_false(status_socket_accept(&f->socket, start, &client));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_client_gets_the_status_and_then_the_end),
	    CASE(a_slow_reader_gets_all_of_a_large_one),
	    CASE(a_client_that_does_not_read_is_dropped),
	    CASE(too_many_clients_wait_in_the_queue),
	    CASE(a_client_that_has_closed_does_no_harm),
	    CASE(without_memory_for_a_status_it_closes),
	    CASE(without_a_client_nothing_is_accepted),
	    CASE(a_fresh_status_is_given_again),
	    CASE(an_old_status_is_not_given_again),
	    CASE(a_changed_status_is_given_again_to_who_asks_often),
	    CASE(a_slow_reader_keeps_its_status),
	    CASE(a_user_who_asks_too_often_is_refused),
	    CASE(who_asks_often_is_refused_first),
	    CASE(work_for_users_is_followed_by_a_rest),
	    CASE(work_for_users_has_a_bounded_share),
	    CASE(work_for_root_is_not_counted),
	    CASE(work_for_a_slow_reader_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
