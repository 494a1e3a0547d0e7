#include "agent/query/control_socket.h"

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
	struct sockaddr_un address;
	struct control_socket control;
	struct mono now;
	char line[CONTROL_LINE_MAX];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_non_null(f);
	f->address.sun_family = AF_UNIX;
	snprintf(f->address.sun_path, sizeof(f->address.sun_path),
	    "/tmp/control_test.%ld", (long)getpid());
	unlink(f->address.sun_path);
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&f->address, sizeof(f->address)), 0);
	assert_int_equal(listen(fd, 16), 0);
	control_socket_init(&f->control, fd, true);
	f->now.ns = 1000 * NS_PER_S;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	control_socket_end(&f->control);
	unlink(f->address.sun_path);
	free(f);
	return 0;
}

static int connected(const struct fixture *f)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&f->address,
			     sizeof(f->address)),
	    0);
	return fd;
}

/* Serves all that is ready. Returns the client with a complete order, or 0. */
static unsigned long serve(struct fixture *f)
{
	struct pollfd fds[CONTROL_CLIENTS_MAX + 1];
	unsigned long client = 0;

	for (int round = 0; round < 4; round++) {
		nfds_t n = control_socket_pollfds(&f->control, fds);

		assert_true(poll(fds, n, 0) >= 0);
		for (nfds_t i = 0; i < n; i++) {
			unsigned long got = 0;

			if (fds[i].revents)
				got = control_socket_ready(
				    &f->control, fds[i].fd, f->now, f->line);
			client = got ? got : client;
		}
	}
	return client;
}

static void say(int fd, const char *text)
{
	assert_int_equal(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All that comes until the end of the connection. */
static void assert_answer(int fd, const char *expected)
{
	char text[CONTROL_TEXT_MAX + 1];
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	assert_string_equal(text, expected);
	close(fd);
}

static void an_order_is_a_line_and_gets_an_answer(void **state)
{
	struct fixture *f = *state;
	int fd = connected(f);
	unsigned long client;

	assert_int_equal(serve(f), 0);
	say(fd, "retry off");
	assert_int_equal(serve(f), 0);
	say(fd, "ice\n");
	client = serve(f);
	assert_true(client != 0);
	assert_string_equal(f->line, "retry office");
	control_socket_answer(&f->control, client, true, "done", f->now);
	assert_answer(fd, "ok: done\n");
}

static void a_refusal_says_so(void **state)
{
	struct fixture *f = *state;
	int fd = connected(f);

	say(fd, "x\n");
	control_socket_answer(
	    &f->control, serve(f), false, "no such\nthing", f->now);
	assert_answer(fd, "error: no such\nthing\n");
}

static void what_is_not_a_line_is_refused(void **state)
{
	struct fixture *f = *state;
	char endless[CONTROL_LINE_MAX + 20];
	int fd = connected(f);

	memset(endless, 'a', sizeof(endless));
	assert_true(send(fd, endless, sizeof(endless), MSG_NOSIGNAL) > 0);
	assert_int_equal(serve(f), 0);
	assert_answer(fd, "error: the order is too long\n");
	/* In two parts, of which neither is too long. */
	endless[100] = '\0';
	fd = connected(f);
	say(fd, endless);
	assert_int_equal(serve(f), 0);
	say(fd, endless);
	say(fd, "\n");
	assert_int_equal(serve(f), 0);
	assert_answer(fd, "error: the order is too long\n");
	fd = connected(f);
	say(fd, "re\033try\n");
	assert_int_equal(serve(f), 0);
	assert_answer(fd, "error: the order is not plain text\n");
	fd = connected(f);
	say(fd, "\n");
	assert_true(serve(f) != 0);
	assert_string_equal(f->line, "");
	close(fd);
}

static void a_client_that_closes_early_is_forgotten(void **state)
{
	struct fixture *f = *state;
	int fd = connected(f);

	say(fd, "ret");
	close(fd);
	assert_int_equal(serve(f), 0);
	assert_int_equal(
	    control_socket_deadline(&f->control).ns, MONO_NEVER.ns);
}

static void a_client_without_data_stays(void **state)
{
	struct fixture *f = *state;
	int fd = connected(f), peer;

	assert_int_equal(serve(f), 0);
	peer = f->control.clients[0].fd;
	assert_int_equal(
	    control_socket_ready(&f->control, peer, f->now, f->line), 0);
	say(fd, "step\n");
	assert_true(serve(f) != 0);
	close(fd);
}

/* The connection is full, so the answer has to wait until the client reads. */
static void an_answer_waits_for_a_slow_reader(void **state)
{
	struct fixture *f = *state;
	struct pollfd fds[CONTROL_CLIENTS_MAX + 1];
	char filling[4096] = {0}, got[sizeof(filling)];
	int fd = connected(f), peer;
	size_t filled = 0, len = 0;
	ssize_t n;

	say(fd, "x\n");
	assert_true(serve(f) != 0);
	peer = f->control.clients[0].fd;
	while ((n = send(peer, filling, sizeof(filling), 0)) > 0)
		filled += (size_t)n;
	control_socket_answer(
	    &f->control, f->control.clients[0].number, true, "done", f->now);
	assert_int_equal(control_socket_pollfds(&f->control, fds), 2);
	assert_int_equal(fds[0].events, POLLOUT);
	while ((n = recv(fd, got, sizeof(got), 0)) > 0) {
		len += (size_t)n;
		assert_int_equal(
		    control_socket_ready(&f->control, peer, f->now, f->line),
		    0);
	}
	assert_int_equal(len, filled + strlen("ok: done\n"));
	close(fd);
}

static void a_client_that_sends_nothing_is_dropped(void **state)
{
	struct fixture *f = *state;
	int fd = connected(f);

	assert_int_equal(serve(f), 0);
	assert_int_equal(control_socket_deadline(&f->control).ns,
	    f->now.ns + CONTROL_TIMEOUT_NS);
	say(fd, "half an ord");
	f->now.ns += CONTROL_TIMEOUT_NS;
	assert_int_equal(serve(f), 0);
	control_socket_expire(&f->control, f->now);
	assert_int_equal(
	    control_socket_deadline(&f->control).ns, MONO_NEVER.ns);
	close(fd);
}

static void idle_clients_do_not_hold_others(void **state)
{
	struct fixture *f = *state;
	int silent[CONTROL_CLIENTS_MAX], late;
	unsigned long client;
	char c;

	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		silent[i] = connected(f);
		serve(f);
	}
	late = connected(f);
	say(late, "step\n");
	client = serve(f);
	assert_true(client != 0);
	assert_string_equal(f->line, "step");
	control_socket_answer(&f->control, client, true, "done", f->now);
	assert_answer(late, "ok: done\n");
	/* The oldest one made room. */
	assert_int_equal(recv(silent[0], &c, 1, MSG_DONTWAIT), 0);
	assert_int_equal(recv(silent[1], &c, 1, MSG_DONTWAIT), -1);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(silent[i]);
}

static void orders_under_way_are_not_given_up(void **state)
{
	struct fixture *f = *state;
	struct pollfd fds[CONTROL_CLIENTS_MAX + 1];
	int busy[CONTROL_CLIENTS_MAX], late;
	unsigned long clients[CONTROL_CLIENTS_MAX];

	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		busy[i] = connected(f);
		say(busy[i], "reload\n");
		clients[i] = serve(f);
		assert_true(clients[i] != 0);
	}
	late = connected(f);
	say(late, "step\n");
	assert_int_equal(serve(f), 0);
	assert_int_equal(control_socket_pollfds(&f->control, fds), 0);
	control_socket_answer(&f->control, clients[0], true, "a", f->now);
	assert_true(serve(f) != 0);
	assert_string_equal(f->line, "step");
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(busy[i]);
	close(late);
}

/* No other client gets its number. */
static void an_answer_for_a_client_that_left_is_dropped(void **state)
{
	struct fixture *f = *state;
	int fd = connected(f);
	unsigned long gone, client;

	say(fd, "step\n");
	gone = serve(f);
	close(fd);
	f->now.ns += CONTROL_WORK_NS;
	control_socket_expire(&f->control, f->now);
	fd = connected(f);
	say(fd, "reload\n");
	client = serve(f);
	assert_true(client != 0 && client != gone);
	control_socket_answer(&f->control, gone, true, "stepped", f->now);
	control_socket_answer(&f->control, client, true, "reloaded", f->now);
	assert_answer(fd, "ok: reloaded\n");
}

static void the_longest_answer_is_cut_not_lost(void **state)
{
	struct fixture *f = *state;
	char *text = malloc(2 * CONTROL_TEXT_MAX), end[2];
	size_t len = 0;
	int fd = connected(f);
	ssize_t n;
	char c;

	assert_non_null(text);
	memset(text, 'x', 2 * CONTROL_TEXT_MAX);
	text[2 * CONTROL_TEXT_MAX - 1] = '\0';
	say(fd, "x\n");
	control_socket_answer(&f->control, serve(f), true, text, f->now);
	while ((n = recv(fd, &c, 1, 0)) == 1) {
		end[len++ % 2] = c;
		assert_true(len < CONTROL_TEXT_MAX);
	}
	assert_int_equal(end[(len + 1) % 2], '\n');
	close(fd);
	free(text);
}

/* What a client reads: for a child with another user. */
static int read_answer(const struct fixture *f, char text[80])
{
	int fd = connected(f);
	ssize_t n;

	say(fd, "step\n");
	n = recv(fd, text, 79, 0);
	text[n > 0 ? n : 0] = '\0';
	close(fd);
	return n > 0;
}

/* What the user of this process gets, root or not. */
static void our_own_user_may_give_orders_in_a_demo(void **state)
{
	struct fixture *f = *state;
	int fd = connected(f);

	say(fd, "step\n");
	assert_true(serve(f) != 0);
	close(fd);
	f->control.own_user = false;
	fd = connected(f);
	say(fd, "step\n");
	if (geteuid() == 0) {
		assert_true(serve(f) != 0);
		close(fd);
	} else {
		assert_int_equal(serve(f), 0);
		assert_answer(fd, "error: only root may give orders\n");
	}
}

/* Gives an order as another user, with an agent of this user. */
static int order_as(uid_t agent, uid_t client, bool own_user)
{
	void *p = NULL;
	unsigned long got;
	int status = -1, fd;
	pid_t pid = fork();

	if (pid != 0) {
		assert_int_equal(waitpid(pid, &status, 0), pid);
		return WEXITSTATUS(status);
	}
	setup(&p);
	((struct fixture *)p)->control.own_user = own_user;
	if (seteuid(client) != 0)
		_exit(2);
	fd = connected(p);
	if (seteuid(0) != 0 || seteuid(agent) != 0)
		_exit(2);
	say(fd, "step\n");
	got = serve(p);
	close(fd);
	if (seteuid(0) != 0)
		_exit(2);
	teardown(&p);
	_exit(got != 0);
}

/* Jobs run as the agent's user. */
static void the_agents_user_may_not_unless_it_is_a_demo(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	umask(0);
	assert_int_equal(order_as(65534, 65534, false), 0);
	assert_int_equal(order_as(65534, 65534, true), 1);
	assert_int_equal(order_as(65534, 1, true), 0);
	assert_int_equal(order_as(65534, 0, false), 1);
	umask(022);
}

/* RFC 8633 3.4/1 */
static void other_users_may_not_give_orders(void **state)
{
	struct fixture *f = *state;
	char text[80];
	int tell[2], status = -1;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(f->address.sun_path, 0666), 0);
	assert_int_equal(pipe(tell), 0);
	pid = fork();
	if (pid == 0) {
		if (setuid(65534) != 0 || !read_answer(f, text))
			_exit(1);
		_exit(write(tell[1], text, strlen(text) + 1) < 0);
	}
	for (int i = 0; i < 1000 && waitpid(pid, &status, WNOHANG) == 0; i++) {
		assert_int_equal(serve(f), 0);
		poll(NULL, 0, 10);
	}
	assert_int_equal(status, 0);
	assert_true(read(tell[0], text, sizeof(text)) > 0);
	assert_string_equal(text, "error: only root may give orders\n");
	close(tell[0]);
	close(tell[1]);
}

static void its_path_follows_from_that_of_the_status(void **state)
{
	char path[CONTROL_PATH_MAX];

	(void)state;
	control_socket_path("/run/ntsagent/status.sock", path);
	assert_string_equal(path, "/run/ntsagent/control.sock");
	control_socket_path("/run/a.sock", path);
	assert_string_equal(path, "/run/a.sock.control");
	control_socket_path("/run/mystatus.sock", path);
	assert_string_equal(path, "/run/mystatus.sock.control");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_order_is_a_line_and_gets_an_answer),
	    TEST(a_refusal_says_so),
	    TEST(what_is_not_a_line_is_refused),
	    TEST(a_client_that_closes_early_is_forgotten),
	    TEST(a_client_without_data_stays),
	    TEST(an_answer_waits_for_a_slow_reader),
	    TEST(a_client_that_sends_nothing_is_dropped),
	    TEST(idle_clients_do_not_hold_others),
	    TEST(orders_under_way_are_not_given_up),
	    TEST(our_own_user_may_give_orders_in_a_demo),
	    TEST(the_agents_user_may_not_unless_it_is_a_demo),
	    TEST(an_answer_for_a_client_that_left_is_dropped),
	    TEST(the_longest_answer_is_cut_not_lost),
	    TEST(other_users_may_not_give_orders),
	    cmocka_unit_test(its_path_follows_from_that_of_the_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
