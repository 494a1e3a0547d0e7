#include "agent/exporter/clients.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUEST "GET / HTTP/1.0\r\n\r\n"

struct fixture {
	struct clients clients;
	struct mono now;
	size_t answer_len; /* of each answer */
	unsigned answers;
};

static char *make_answer(void *self, const struct request *r, size_t *len)
{
	struct fixture *f = self;
	char *text;

	assert_true(r->kind != REQUEST_MORE);
	f->answers++;
	*len = f->answer_len;
	if (f->answer_len == 0)
		return NULL;
	text = malloc(f->answer_len);
	memset(text, 'a', f->answer_len);
	return text;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->now.ns = 1000 * NS_PER_S;
	f->answer_len = 5;
	clients_init(&f->clients, NULL, 0, make_answer, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	clients_end(&f->clients);
	free(f);
	return 0;
}

/* A new connection: our end. `text` is sent before it is accepted. */
static int connected(struct fixture *f, const char *text)
{
	int link[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, link), 0);
	assert_int_equal(
	    send(link[0], text, strlen(text), 0), (ssize_t)strlen(text));
	clients_add(&f->clients, link[1], f->now);
	return link[0];
}

/* One turn of the loop; returns what it would wait for. */
static int turn(struct fixture *f)
{
	struct pollfd polls[CLIENTS_POLLS_MAX];
	int timeout_ms;
	unsigned count = clients_polls(&f->clients, f->now, polls, &timeout_ms);

	assert_true(poll(polls, count, 0) >= 0);
	clients_ready(&f->clients, polls, count, f->now);
	return timeout_ms;
}

/* What has come: the number of bytes; -1: nothing, and the connection is
 * open. */
static ssize_t received(int fd)
{
	char bytes[65536];
	ssize_t n, sum = 0;

	while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		sum += n;
	return sum == 0 && n < 0 && errno == EAGAIN ? -1 : sum;
}

static bool is_closed(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static unsigned in_use(const struct fixture *f)
{
	unsigned count = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		count += f->clients.all[i].state != CLIENT_FREE;
	return count;
}

static void a_request_that_is_there_is_answered_at_once(void **state)
{
	struct fixture *f = *state;
	int fd = connected(f, REQUEST);

	assert_int_equal(received(fd), 5);
	assert_true(is_closed(fd));
	/* It waits for our end. */
	assert_int_equal(in_use(f), 1);
	close(fd);
	turn(f);
	assert_int_equal(in_use(f), 0);
}

static void a_request_may_come_in_pieces(void **state)
{
	struct fixture *f = *state;
	int fd = connected(f, "");

	for (const char *c = REQUEST; *c; c++) {
		assert_int_equal(received(fd), -1);
		assert_int_equal(send(fd, c, 1, 0), 1);
		turn(f);
	}
	assert_int_equal(received(fd), 5);
	assert_int_equal(f->answers, 1);
	close(fd);
}

static void a_client_that_leaves_frees_its_place(void **state)
{
	struct fixture *f = *state;
	int fd = connected(f, "GET");

	assert_int_equal(in_use(f), 1);
	close(fd);
	turn(f);
	assert_int_equal(in_use(f), 0);
}

/* Each byte of a slow client gives it no more time. */
static void a_slow_request_has_a_limit(void **state)
{
	struct fixture *f = *state;
	int fd = connected(f, "G");

	f->now.ns += CLIENT_REQUEST_NS - NS_PER_MS;
	assert_int_equal(send(fd, "E", 1, 0), 1);
	turn(f);
	assert_int_equal(received(fd), -1);
	f->now.ns += NS_PER_MS;
	turn(f);
	assert_true(is_closed(fd));
	assert_int_equal(in_use(f), 0);
	close(fd);
}

static void a_slow_reader_has_a_limit(void **state)
{
	struct fixture *f = *state;
	int fd;

	f->answer_len = 4 << 20;
	fd = connected(f, REQUEST);
	turn(f);
	assert_int_equal(f->clients.all[0].state, CLIENT_WRITES);
	f->now.ns += CLIENT_ANSWER_NS - 1;
	turn(f);
	assert_int_equal(in_use(f), 1);
	f->now.ns++;
	turn(f);
	assert_int_equal(in_use(f), 0);
	close(fd);
}

static void a_long_answer_arrives_whole(void **state)
{
	struct fixture *f = *state;
	ssize_t sum = 0;
	int fd;

	f->answer_len = 4 << 20;
	fd = connected(f, REQUEST);
	for (int i = 0; i < 10000 && sum < 4 << 20; i++) {
		ssize_t n = received(fd);

		sum += n > 0 ? n : 0;
		turn(f);
	}
	assert_int_equal(sum, 4 << 20);
	assert_true(is_closed(fd));
	close(fd);
}

/* 200 idle connections do not keep out who sends its request at once. */
static void idle_clients_keep_nobody_out(void **state)
{
	struct fixture *f = *state;
	int idle[200], fd;

	for (size_t i = 0; i < ARRAY_LEN(idle); i++)
		idle[i] = connected(f, "GET /");
	assert_int_equal(in_use(f), CLIENTS_MAX);
	fd = connected(f, REQUEST);
	assert_int_equal(received(fd), 5);
	close(fd);
	/* The oldest are gone. */
	assert_true(is_closed(idle[0]));
	assert_int_equal(received(idle[ARRAY_LEN(idle) - 1]), -1);
	for (size_t i = 0; i < ARRAY_LEN(idle); i++)
		close(idle[i]);
}

/* Who reads its answer keeps its place as long as others have sent nothing. */
static void an_answer_is_not_cut_by_idle_clients(void **state)
{
	struct fixture *f = *state;
	int idle[CLIENTS_MAX], fd;

	f->answer_len = 4 << 20;
	fd = connected(f, REQUEST);
	for (size_t i = 0; i < ARRAY_LEN(idle); i++)
		idle[i] = connected(f, "GET /");
	assert_int_equal(f->clients.all[0].state, CLIENT_WRITES);
	assert_true(is_closed(idle[0]));
	for (size_t i = 0; i < ARRAY_LEN(idle); i++)
		close(idle[i]);
	close(fd);
}

/* Bytes behind the request must not make the kernel take the answer away. */
static void the_rest_of_a_request_is_read(void **state)
{
	struct fixture *f = *state;
	int fd = connected(f, REQUEST "body");

	assert_int_equal(send(fd, "more", 4, 0), 4);
	turn(f);
	assert_int_equal(received(fd), 5);
	assert_int_equal(f->answers, 1);
	assert_int_equal(in_use(f), 1);
	/* But not for long. */
	f->now.ns += CLIENT_LINGER_NS;
	turn(f);
	assert_int_equal(in_use(f), 0);
	close(fd);
}

static void the_rest_of_a_request_has_a_limit(void **state)
{
	char bytes[4096] = {0};
	struct fixture *f = *state;
	int fd = connected(f, REQUEST);
	size_t sent = 0;

	while (in_use(f) == 1 && sent < 10 * CLIENT_LINGER_BYTES) {
		ssize_t n = send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		turn(f);
	}
	assert_in_range(sent, CLIENT_LINGER_BYTES, CLIENT_LINGER_BYTES + 65536);
	close(fd);
}

static void a_request_without_an_end_is_answered(void **state)
{
	char bytes[REQUEST_MAX + 1];
	struct fixture *f = *state;
	int fd;

	memset(bytes, 'a', REQUEST_MAX);
	bytes[REQUEST_MAX] = '\0';
	fd = connected(f, bytes);
	assert_int_equal(received(fd), 5);
	close(fd);
}

static void without_memory_the_client_is_dropped(void **state)
{
	struct fixture *f = *state;
	int fd;

	f->answer_len = 0;
	fd = connected(f, REQUEST);
	assert_true(is_closed(fd));
	assert_int_equal(in_use(f), 0);
	close(fd);
}

static void the_loop_wakes_for_the_next_deadline(void **state)
{
	struct fixture *f = *state;
	int first, second;

	assert_int_equal(turn(f), -1);
	first = connected(f, "G");
	f->now.ns += NS_PER_S;
	second = connected(f, "G");
	assert_int_equal(
	    turn(f), (CLIENT_REQUEST_NS - NS_PER_S) / NS_PER_MS + 1);
	close(first);
	close(second);
}

/* With a listener: many connections in one turn. */
static void connections_are_accepted(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(name);
	int listener =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int fds[20];

	/* An abstract name that the kernel chooses. */
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&name, sizeof(name.sun_family)),
	    0);
	assert_int_equal(listen(listener, 32), 0);
	assert_int_equal(
	    getsockname(listener, (struct sockaddr *)&name, &len), 0);
	clients_init(&f->clients, &listener, 1, make_answer, f);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(
		    connect(fds[i], (struct sockaddr *)&name, len), 0);
		assert_int_equal(send(fds[i], REQUEST, strlen(REQUEST), 0),
		    (ssize_t)strlen(REQUEST));
	}
	for (int i = 0; i < 3; i++)
		turn(f);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		assert_int_equal(received(fds[i]), 5);
		close(fds[i]);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_request_that_is_there_is_answered_at_once),
	    CASE(a_request_may_come_in_pieces),
	    CASE(a_client_that_leaves_frees_its_place),
	    CASE(a_slow_request_has_a_limit),
	    CASE(a_slow_reader_has_a_limit),
	    CASE(a_long_answer_arrives_whole),
	    CASE(idle_clients_keep_nobody_out),
	    CASE(an_answer_is_not_cut_by_idle_clients),
	    CASE(the_rest_of_a_request_is_read),
	    CASE(the_rest_of_a_request_has_a_limit),
	    CASE(a_request_without_an_end_is_answered),
	    CASE(without_memory_the_client_is_dropped),
	    CASE(the_loop_wakes_for_the_next_deadline),
	    CASE(connections_are_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
