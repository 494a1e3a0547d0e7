#include "agent/loop/udp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/descriptors.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A socket on the loopback interface that sends each datagram back. */
struct echo_server {
	int fd;
	struct endpoint at;
};

static bool echo_server_open(struct echo_server *s, int family)
{
	struct sockaddr_storage sa = {.ss_family = (sa_family_t)family};
	socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in)
					  : sizeof(struct sockaddr_in6);

	if (family == AF_INET)
		((struct sockaddr_in *)&sa)->sin_addr.s_addr =
		    htonl(INADDR_LOOPBACK);
	else
		((struct sockaddr_in6 *)&sa)->sin6_addr = in6addr_loopback;
	s->fd = socket(family, SOCK_DGRAM, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&sa, len) < 0)
		return false;
	getsockname(s->fd, (struct sockaddr *)&sa, &len);
	return endpoint_from_sockaddr(&s->at, (struct sockaddr *)&sa);
}

/* Sends one datagram back. Returns its source port. */
static unsigned echo_server_serve(struct echo_server *s)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	struct endpoint e;
	uint8_t bytes[NTS_PACKET_MAX + 100];
	ssize_t n = recvfrom(
	    s->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &len);

	assert_true(n >= 0);
	assert_int_equal(
	    sendto(s->fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, len),
	    n);
	assert_true(endpoint_from_sockaddr(&e, (struct sockaddr *)&from));
	return e.port;
}

/* Polls until a datagram or an error has come, twenty seconds at most. */
static bool await(struct udp *u, struct datagram *d)
{
	struct pollfd fds[SOURCES_MAX];
	unsigned slots[SOURCES_MAX];

	for (int turns = 0; turns < 20; turns++) {
		nfds_t n = udp_pollfds(u, fds, slots);

		assert_true(poll(fds, n, 1000) >= 0);
		for (nfds_t i = 0; i < n; i++)
			if (fds[i].revents &&
			    udp_ready(u, slots[i], fds[i].revents, d))
				return true;
	}
	return false;
}

static void an_answer_comes_with_both_stamps(int family)
{
	struct datagram *d = calloc(1, sizeof(*d));
	struct timespec before, after;
	struct echo_server s;
	struct udp u;

	assert_non_null(d);
	if (!echo_server_open(&s, family))
		skip();
	udp_init(&u);
	clock_gettime(CLOCK_REALTIME, &before);
	/* The first packets after switching stamps on may come without. */
	for (int i = 0; i < 50; i++) {
		assert_int_equal(
		    udp_send(&u, 3, &s.at, (const uint8_t *)"hello", 5), 0);
		echo_server_serve(&s);
		assert_true(await(&u, d));
		if (d->rx_kind == STAMP_KERNEL && d->tx_kind == STAMP_KERNEL)
			break;
		usleep(2000);
	}
	clock_gettime(CLOCK_REALTIME, &after);
	assert_int_equal(d->slot, 3);
	assert_int_equal(d->error, 0);
	assert_int_equal(d->len, 5);
	assert_memory_equal(d->bytes, "hello", 5);
	assert_int_equal(d->tx_kind, STAMP_KERNEL);
	assert_int_equal(d->rx_kind, STAMP_KERNEL);
	assert_true(ns_of_timespec(&before) <= d->tx.ns);
	assert_true(d->tx.ns <= d->rx.ns);
	assert_true(d->rx.ns <= ns_of_timespec(&after));
	udp_end(&u);
	close(s.fd);
	free(d);
}

static void stamps_over_ipv4(void **state)
{
	(void)state;
	an_answer_comes_with_both_stamps(AF_INET);
}

static void stamps_over_ipv6(void **state)
{
	(void)state;
	an_answer_comes_with_both_stamps(AF_INET6);
}

static void each_request_has_a_port_of_its_own(void **state)
{
	struct datagram *d = calloc(1, sizeof(*d));
	unsigned ports[16], changes = 0;
	struct echo_server s;
	struct udp u;

	(void)state;
	assert_non_null(d);
	assert_true(echo_server_open(&s, AF_INET));
	udp_init(&u);
	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		assert_int_equal(
		    udp_send(&u, 0, &s.at, (const uint8_t *)"x", 1), 0);
		ports[i] = echo_server_serve(&s);
		assert_true(await(&u, d));
		changes += i > 0 && ports[i] != ports[i - 1];
	}
	assert_true(changes >= ARRAY_LEN(ports) - 2);
	udp_end(&u);
	close(s.fd);
	free(d);
}

static void a_closed_port_is_reported(void **state)
{
	struct datagram *d = calloc(1, sizeof(*d));
	struct echo_server s;
	struct udp u;

	(void)state;
	assert_non_null(d);
	assert_true(echo_server_open(&s, AF_INET));
	close(s.fd);
	udp_init(&u);
	assert_int_equal(udp_send(&u, 1, &s.at, (const uint8_t *)"x", 1), 0);
	assert_true(await(&u, d));
	assert_int_equal(d->error, ECONNREFUSED);
	assert_int_equal(d->slot, 1);
	udp_end(&u);
	free(d);
}

static void a_datagram_that_is_too_long_is_truncated(void **state)
{
	struct datagram *d = calloc(1, sizeof(*d));
	uint8_t bytes[NTS_PACKET_MAX + 64];
	struct echo_server s;
	struct udp u;

	(void)state;
	assert_non_null(d);
	memset(bytes, 0x5a, sizeof(bytes));
	assert_true(echo_server_open(&s, AF_INET));
	udp_init(&u);
	assert_int_equal(udp_send(&u, 0, &s.at, bytes, sizeof(bytes)), 0);
	echo_server_serve(&s);
	assert_true(await(&u, d));
	assert_int_equal(d->len, NTS_PACKET_MAX);
	udp_end(&u);
	close(s.fd);
	free(d);
}

static void a_closed_slot_is_not_polled(void **state)
{
	struct pollfd fds[SOURCES_MAX];
	unsigned slots[SOURCES_MAX];
	struct datagram *d = calloc(1, sizeof(*d));
	struct echo_server s;
	struct udp u;

	(void)state;
	assert_non_null(d);
	assert_true(echo_server_open(&s, AF_INET));
	udp_init(&u);
	assert_int_equal(udp_pollfds(&u, fds, slots), 0);
	assert_int_equal(udp_send(&u, 5, &s.at, (const uint8_t *)"x", 1), 0);
	assert_int_equal(udp_pollfds(&u, fds, slots), 1);
	assert_int_equal(slots[0], 5);
	udp_close(&u, 5);
	assert_int_equal(udp_pollfds(&u, fds, slots), 0);
	assert_false(udp_ready(&u, 5, POLLIN, d));
	udp_end(&u);
	close(s.fd);
	free(d);
}

/* The route and the request give the same local address. */
static void the_route_is_known_before_a_request_is_sent(void **state)
{
	struct endpoint by_route, by_socket;
	struct echo_server s;
	struct udp u;

	(void)state;
	udp_init(&u);
	assert_true(echo_server_open(&s, AF_INET));
	assert_false(udp_local(&u, 0, &by_socket));
	assert_true(udp_route(&s.at, &by_route));
	assert_int_equal(udp_send(&u, 0, &s.at, (const uint8_t *)"x", 1), 0);
	assert_true(udp_local(&u, 0, &by_socket));
	assert_true(endpoint_same_host(&by_route, &by_socket));
	assert_true(endpoint_same_host(&by_route, &s.at));
	/* Without SO_BROADCAST, no route to this address may be used. */
	memset(s.at.address, 255, 4);
	assert_false(udp_route(&s.at, &by_route));
	close(s.fd);
	udp_end(&u);
}

static int64_t wall_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ns_of_timespec(&ts);
}

static int option(int fd, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, name, &value, &len), 0);
	return value;
}

static void assert_never_blocks_or_leaks(int fd)
{
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

/* One socket for stamps, and one for each request. */
static void every_socket_is_set_up_and_closed(void **state)
{
	int before = descriptors_open();
	struct echo_server s;
	struct udp u;

	(void)state;
	assert_true(echo_server_open(&s, AF_INET));
	udp_init(&u);
	assert_int_equal(descriptors_open(), before + 2);
	assert_int_equal(option(u.keep_stamps_fd, SO_DOMAIN), AF_INET);
	assert_true(option(u.keep_stamps_fd, SO_TIMESTAMPING) != 0);
	assert_never_blocks_or_leaks(u.keep_stamps_fd);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(udp_send(&u, SOURCES_MAX - 1, &s.at,
				     (const uint8_t *)"x", 1),
		    0);
	assert_int_equal(udp_send(&u, 0, &s.at, (const uint8_t *)"x", 1), 0);
	assert_int_equal(descriptors_open(), before + 4);
	assert_never_blocks_or_leaks(u.slots[0].fd);
	assert_true(option(u.slots[0].fd, SO_TIMESTAMPING) != 0);
	assert_true(option(u.slots[0].fd, SO_SELECT_ERR_QUEUE) != 0);
	udp_close(&u, 0);
	assert_int_equal(descriptors_open(), before + 3);
	udp_end(&u);
	assert_int_equal(u.keep_stamps_fd, -1);
	close(s.fd);
	assert_int_equal(descriptors_open(), before);
}

static void a_request_that_cannot_leave_closes_its_socket(void **state)
{
	static const uint8_t too_long[70000];
	struct endpoint nowhere = {
	    .family = 4, .port = 123, .address = {127, 255, 255, 255}};
	struct echo_server s;
	struct endpoint from;
	int before;
	struct udp u;

	(void)state;
	assert_true(echo_server_open(&s, AF_INET));
	udp_init(&u);
	before = descriptors_open();
	assert_int_equal(udp_send(&u, 2, &nowhere, too_long, 1), -EACCES);
	assert_int_equal(u.slots[2].fd, -1);
	assert_int_equal(
	    udp_send(&u, 2, &s.at, too_long, sizeof(too_long)), -EMSGSIZE);
	assert_int_equal(u.slots[2].fd, -1);
	assert_false(udp_local(&u, 2, &from));
	assert_false(udp_route(&nowhere, &from));
	assert_true(udp_route(&s.at, &from));
	assert_int_equal(descriptors_open(), before);
	udp_end(&u);
	close(s.fd);
}

static void without_descriptors_it_neither_sends_nor_knows_a_route(void **state)
{
	struct rlimit before;
	struct echo_server s;
	struct endpoint from;
	struct udp u;

	(void)state;
	assert_true(echo_server_open(&s, AF_INET));
	before = descriptors_forbid();
	udp_init(&u);
	assert_true(u.keep_stamps_fd < 0);
	assert_int_equal(
	    udp_send(&u, 2, &s.at, (const uint8_t *)"x", 1), -EMFILE);
	assert_int_equal(u.slots[2].fd, -1);
	assert_false(udp_route(&s.at, &from));
	descriptors_allow(before);
	udp_end(&u);
	close(s.fd);
}

static void every_open_slot_is_polled(void **state)
{
	static const unsigned used[] = {0, 7, SOURCES_MAX - 1};
	struct pollfd fds[SOURCES_MAX];
	unsigned slots[SOURCES_MAX];
	struct echo_server s;
	struct udp u;

	(void)state;
	assert_true(echo_server_open(&s, AF_INET));
	udp_init(&u);
	for (size_t i = 0; i < ARRAY_LEN(used); i++)
		assert_int_equal(
		    udp_send(&u, used[i], &s.at, (const uint8_t *)"x", 1), 0);
	assert_int_equal(udp_pollfds(&u, fds, slots), ARRAY_LEN(used));
	for (size_t i = 0; i < ARRAY_LEN(used); i++) {
		assert_int_equal(slots[i], used[i]);
		assert_int_equal(fds[i].fd, u.slots[used[i]].fd);
		assert_int_equal(fds[i].events, POLLIN | POLLPRI);
		assert_int_equal(fds[i].revents, 0);
	}
	udp_end(&u);
	close(s.fd);
}

/* A datagram with a wrong checksum is dropped after poll(2). */
static void without_a_datagram_nothing_is_read(void **state)
{
	struct datagram *d = calloc(1, sizeof(*d));
	struct echo_server s;
	struct udp u;

	(void)state;
	assert_non_null(d);
	assert_true(echo_server_open(&s, AF_INET));
	udp_init(&u);
	assert_int_equal(udp_send(&u, 0, &s.at, (const uint8_t *)"x", 1), 0);
	assert_false(udp_ready(&u, 0, POLLIN, d));
	udp_end(&u);
	close(s.fd);
	free(d);
}

/* What the kernel does not stamp, the process does. */
static void without_stamps_the_process_reads_the_clock(void **state)
{
	struct datagram *d = calloc(1, sizeof(*d));
	int64_t began, sent, answered, received;
	struct echo_server s;
	struct udp u;
	int off = 0;

	(void)state;
	assert_non_null(d);
	assert_true(echo_server_open(&s, AF_INET));
	udp_init(&u);
	began = wall_now();
	assert_int_equal(udp_send(&u, 4, &s.at, (const uint8_t *)"x", 1), 0);
	sent = wall_now();
	assert_int_equal(setsockopt(u.slots[4].fd, SOL_SOCKET, SO_TIMESTAMPING,
			     &off, sizeof(off)),
	    0);
	echo_server_serve(&s);
	answered = wall_now();
	assert_true(udp_ready(&u, 4, POLLIN, d));
	received = wall_now();
	assert_int_equal(d->tx_kind, STAMP_DAEMON);
	assert_int_equal(d->rx_kind, STAMP_DAEMON);
	assert_true(began <= d->tx.ns && d->tx.ns <= sent);
	assert_true(answered <= d->rx.ns && d->rx.ns <= received);
	udp_end(&u);
	close(s.fd);
	free(d);
}

static void a_transmit_stamp_is_read_before_the_datagram(void **state)
{
	static const struct {
		short revents;
		bool first; /* a datagram comes from the first call */
		enum stamp_kind kind;
	} table[] = {
	    {POLLPRI | POLLIN, true, STAMP_KERNEL},
	    {POLLERR | POLLIN, true, STAMP_KERNEL},
	    {POLLPRI, false, STAMP_KERNEL},
	    {POLLERR, false, STAMP_KERNEL},
	    {POLLIN, true, STAMP_DAEMON},
	};
	struct datagram *d = calloc(1, sizeof(*d));
	struct echo_server s;
	struct udp u;

	(void)state;
	assert_non_null(d);
	assert_true(echo_server_open(&s, AF_INET));
	udp_init(&u);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(
		    udp_send(&u, 1, &s.at, (const uint8_t *)"x", 1), 0);
		echo_server_serve(&s);
		assert_int_equal(
		    udp_ready(&u, 1, table[i].revents, d), table[i].first);
		if (!table[i].first)
			assert_true(udp_ready(&u, 1, POLLIN, d));
		assert_int_equal(d->len, 1);
		assert_int_equal(d->error, 0);
		assert_int_equal(d->tx_kind, table[i].kind);
	}
	udp_end(&u);
	close(s.fd);
	free(d);
}

/* A daemon may start without a standard input. */
static void descriptor_0_is_as_good_as_any(void **state)
{
	struct datagram *d = calloc(1, sizeof(*d));
	int saved;
	struct pollfd fds[SOURCES_MAX];
	unsigned slots[SOURCES_MAX];
	struct echo_server s;
	struct endpoint from;
	struct udp u;

	(void)state;
	assert_non_null(d);
	assert_true(echo_server_open(&s, AF_INET));
	saved = input_free();
	udp_init(&u);
	assert_int_equal(u.keep_stamps_fd, 0);
	assert_true(option(0, SO_TIMESTAMPING) != 0);
	udp_end(&u);
	assert_false(input_is_open());
	assert_true(udp_route(&s.at, &from));
	assert_false(input_is_open());
	assert_int_equal(udp_send(&u, 1, &s.at, (const uint8_t *)"x", 1), 0);
	assert_int_equal(u.slots[1].fd, 0);
	assert_true(udp_local(&u, 1, &from));
	assert_int_equal(udp_pollfds(&u, fds, slots), 1);
	echo_server_serve(&s);
	assert_true(await(&u, d));
	udp_close(&u, 1);
	assert_false(input_is_open());
	input_back(saved);
	close(s.fd);
	free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(stamps_over_ipv4),
	    cmocka_unit_test(stamps_over_ipv6),
	    cmocka_unit_test(each_request_has_a_port_of_its_own),
	    cmocka_unit_test(a_closed_port_is_reported),
	    cmocka_unit_test(a_datagram_that_is_too_long_is_truncated),
	    cmocka_unit_test(a_closed_slot_is_not_polled),
	    cmocka_unit_test(the_route_is_known_before_a_request_is_sent),
	    cmocka_unit_test(every_socket_is_set_up_and_closed),
	    cmocka_unit_test(a_request_that_cannot_leave_closes_its_socket),
	    cmocka_unit_test(
		without_descriptors_it_neither_sends_nor_knows_a_route),
	    cmocka_unit_test(descriptor_0_is_as_good_as_any),
	    cmocka_unit_test(every_open_slot_is_polled),
	    cmocka_unit_test(without_a_datagram_nothing_is_read),
	    cmocka_unit_test(without_stamps_the_process_reads_the_clock),
	    cmocka_unit_test(a_transmit_stamp_is_read_before_the_datagram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
