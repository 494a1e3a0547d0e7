#include "agent/loop/udp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
