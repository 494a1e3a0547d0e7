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
#include <sys/un.h>
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
	status_socket_init(&f->socket, f->listen_fd);
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
	status_socket_answer(&f->socket, client, strdup(text));
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
	status_socket_answer(&f->socket, client, NULL);
	assert_int_equal(read(fd, got, sizeof(got)), 0);
	close(fd);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
