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
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static bool without_stamps, stamps_refused;
static bool flags_refused, own_address_hidden;
static int family_refused;
static unsigned own_address_asked;

/* In the place of the C library's. */
int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	bool stamps = level == SOL_SOCKET && name == SO_TIMESTAMPING;

	if (without_stamps && stamps)
		return 0;
	if (stamps_refused && stamps) {
		errno = ENOPROTOOPT;
		return -1;
	}
	return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
}

/* A kernel without stamps has no error queue: it gives the next datagram. */
ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	if (stamps_refused)
		flags &= ~MSG_ERRQUEUE;
	return syscall(SYS_recvmsg, fd, msg, flags);
}

/* A simulator knows no flags; a machine may lack a family. */
int socket(int family, int type, int protocol)
{
	if (flags_refused && (type & (SOCK_NONBLOCK | SOCK_CLOEXEC))) {
		errno = EINVAL;
		return -1;
	}
	if (family == family_refused) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	return (int)syscall(SYS_socket, family, type, protocol);
}

int getsockname(int fd, struct sockaddr *sa, socklen_t *len)
{
	own_address_asked++;
	if (own_address_hidden) {
		errno = ENOBUFS;
		return -1;
	}
	return (int)syscall(SYS_getsockname, fd, sa, len);
}

/* A socket on the loopback interface that sends each datagram back. */
struct echo_server {
	int fd;
	struct endpoint at;
};

static bool echo_server_open_at(
    struct echo_server *s, const struct endpoint *at)
{
	struct sockaddr_storage sa;
	socklen_t len = endpoint_to_sockaddr(at, &sa);

	s->fd = socket(endpoint_af(at), SOCK_DGRAM, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&sa, len) < 0)
		return false;
	getsockname(s->fd, (struct sockaddr *)&sa, &len);
	return endpoint_from_sockaddr(&s->at, (struct sockaddr *)&sa);
}

static bool echo_server_open(struct echo_server *s, int family)
{
	static const struct endpoint v4 = {
	    .family = 4, .address = {127, 0, 0, 1}};
	static const struct endpoint v6 = {.family = 6, .address = {[15] = 1}};

	return echo_server_open_at(s, family == AF_INET ? &v4 : &v6);
}

/* Which socket it is: a number may come again. */
static ino_t socket_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static int option(int fd, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, name, &value, &len), 0);
	return value;
}

/* Devices that stamp a packet after send(2) has returned. */
static void expect_late_stamps(struct udp *u)
{
	for (unsigned i = 0; i < SOURCES_MAX; i++)
		u->slots[i].late_stamps = UINT_MAX;
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
	assert_true(endpoint_same_host(&d->local, &s.at));
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

/* Sends one request, and closes the slot after its answer. Returns the port. */
static unsigned one_exchange(struct udp *u, struct echo_server *s)
{
	struct datagram *d = calloc(1, sizeof(*d));
	unsigned port;

	assert_non_null(d);
	assert_int_equal(udp_send(u, 3, &s->at, (const uint8_t *)"x", 1), 0);
	port = echo_server_serve(s);
	assert_true(await(u, d));
	assert_int_equal(d->error, 0);
	free(d);
	udp_close(u, 3);
	return port;
}

/* RFC 9109 4/1, RFC 9109 4/2 */
static void a_kept_socket_is_like_a_new_one(int family)
{
	unsigned ports[16], changes = 0;
	struct datagram *d = calloc(1, sizeof(*d));
	struct sockaddr_storage to;
	struct endpoint local;
	struct echo_server s;
	int open, kept;
	ino_t same;
	struct udp u;

	assert_non_null(d);
	if (!echo_server_open(&s, family))
		skip();
	udp_init(&u);
	udp_keep_sockets(&u);
	/* The first packets after switching stamps on may come without. */
	for (int i = 0; i < 50 && u.slots[3].spare < 0; i++)
		one_exchange(&u, &s);
	kept = u.slots[3].spare;
	open = descriptors_open();
	assert_true(kept >= 0);
	same = socket_of(kept);
	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		ports[i] = one_exchange(&u, &s);
		changes += i > 0 && ports[i] != ports[i - 1];
		assert_int_equal(u.slots[3].spare, kept);
		assert_int_equal(u.slots[3].tx_kind, STAMP_KERNEL);
	}
	assert_true(changes >= ARRAY_LEN(ports) - 2);
	assert_int_equal(descriptors_open(), open);
	assert_int_equal(socket_of(kept), same);

	/* What came for one request is not there at the next one. */
	assert_int_equal(udp_send(&u, 3, &s.at, (const uint8_t *)"0", 1), 0);
	assert_true(udp_local(&u, 3, &local));
	for (char c = '1'; c <= '5'; c++)
		assert_int_equal(sendto(s.fd, &c, 1, 0, (struct sockaddr *)&to,
				     endpoint_to_sockaddr(&local, &to)),
		    1);
	udp_close(&u, 3);
	(void)sendto(s.fd, "6", 1, 0, (struct sockaddr *)&to,
	    endpoint_to_sockaddr(&local, &to));
	assert_int_equal(u.slots[3].spare, kept);
	assert_int_equal(udp_send(&u, 3, &s.at, (const uint8_t *)"7", 1), 0);
	assert_int_equal(u.slots[3].fd, kept);
	assert_false(udp_next(&u, 3, d));
	echo_server_serve(&s);
	echo_server_serve(&s);
	assert_true(await(&u, d));
	assert_int_equal(d->bytes[0], '7');
	udp_end(&u);
	assert_int_equal(u.slots[3].spare, -1);
	close(s.fd);
	free(d);
}

static void kept_sockets_over_ipv4(void **state)
{
	(void)state;
	a_kept_socket_is_like_a_new_one(AF_INET);
}

static void kept_sockets_over_ipv6(void **state)
{
	(void)state;
	a_kept_socket_is_like_a_new_one(AF_INET6);
}

/* Sends `n` forged answers to the request of slot 3, and closes it. */
static void close_with_left_over(struct udp *u, struct echo_server *s, int n)
{
	struct sockaddr_storage to;
	struct endpoint local;

	for (int i = 0; i < 50 && u->slots[3].spare < 0; i++)
		one_exchange(u, s);
	assert_int_equal(udp_send(u, 3, &s->at, (const uint8_t *)"x", 1), 0);
	assert_true(udp_local(u, 3, &local));
	for (int i = 0; i < n; i++)
		assert_int_equal(
		    sendto(s->fd, "y", 1, 0, (struct sockaddr *)&to,
			endpoint_to_sockaddr(&local, &to)),
		    1);
	udp_close(u, 3);
	echo_server_serve(s);
}

/* A queue that is full of forged answers, a port that was configured, and a
 * stamp that has not come. */
static void not_every_socket_is_kept(void **state)
{
	const struct binding marked = {.dscp = 46};
	struct echo_server s;
	struct udp u;

	(void)state;
	assert_true(echo_server_open(&s, AF_INET));
	udp_init(&u);
	udp_keep_sockets(&u);
	close_with_left_over(&u, &s, 8);
	assert_true(u.slots[3].spare >= 0);
	close_with_left_over(&u, &s, 9);
	assert_int_equal(u.slots[3].spare, -1);

	one_exchange(&u, &s);
	assert_true(u.slots[3].spare >= 0);
	udp_bind(&u, 3, &marked);
	one_exchange(&u, &s);
	assert_int_equal(u.slots[3].spare, -1);

	udp_bind(&u, 3, NULL);
	expect_late_stamps(&u);
	assert_int_equal(udp_send(&u, 3, &s.at, (const uint8_t *)"x", 1), 0);
	udp_close(&u, 3);
	assert_int_equal(u.slots[3].spare, -1);
	udp_end(&u);
	close(s.fd);
}

/* RFC 9109 4/1, RFC 9109 4/2 */
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

/* A flood is read without a poll(2) for each datagram. */
static void all_that_has_come_is_read_in_turn(void **state)
{
	struct datagram *d = calloc(1, sizeof(*d));
	struct sockaddr_storage to;
	struct endpoint local;
	struct echo_server s;
	struct udp u;

	(void)state;
	assert_non_null(d);
	assert_true(echo_server_open(&s, AF_INET));
	udp_init(&u);
	assert_false(udp_next(&u, 2, d));
	assert_int_equal(udp_send(&u, 2, &s.at, (const uint8_t *)"0", 1), 0);
	assert_true(udp_local(&u, 2, &local));
	echo_server_serve(&s);
	for (char c = '1'; c <= '9'; c++)
		assert_int_equal(sendto(s.fd, &c, 1, 0, (struct sockaddr *)&to,
				     endpoint_to_sockaddr(&local, &to)),
		    1);
	assert_true(await(&u, d));
	for (char c = '0'; c <= '9'; c++) {
		assert_int_equal(d->slot, 2);
		assert_int_equal(d->len, 1);
		assert_int_equal(d->bytes[0], c);
		assert_true(endpoint_same_host(&d->local, &local));
		assert_int_equal(udp_next(&u, 2, d), c < '9');
	}
	udp_end(&u);
	close(s.fd);
	free(d);
}

/* The address from which one request of slot 2 leaves, as its answer says. */
static struct endpoint left_from(struct udp *u, struct echo_server *s)
{
	struct datagram *d = calloc(1, sizeof(*d));
	struct endpoint local;

	assert_non_null(d);
	assert_int_equal(udp_send(u, 2, &s->at, (const uint8_t *)"x", 1), 0);
	echo_server_serve(s);
	assert_true(await(u, d));
	assert_int_equal(d->error, 0);
	local = d->local;
	free(d);
	return local;
}

/* It stays the same until routes change, so the kernel is asked once. */
static void the_own_address_is_asked_once_for_a_server(void **state)
{
	const struct endpoint other = {.family = 4, .address = {127, 0, 0, 2}};
	struct echo_server one, two;
	struct endpoint local, from;
	struct udp u;

	(void)state;
	assert_true(echo_server_open(&one, AF_INET));
	assert_true(echo_server_open_at(&two, &other));
	udp_init(&u);
	own_address_asked = 0;
	for (int i = 0; i < 3; i++) {
		local = left_from(&u, &one);
		assert_true(endpoint_same_host(&local, &one.at));
		udp_bind(&u, 2, NULL);
	}
	assert_int_equal(own_address_asked, 1);
	left_from(&u, &two);
	assert_int_equal(own_address_asked, 2);
	left_from(&u, &two);
	assert_int_equal(own_address_asked, 2);
	left_from(&u, &one);
	assert_int_equal(own_address_asked, 3);
	assert_true(udp_route(&u, 2, &one.at, &from));
	left_from(&u, &one);
	assert_int_equal(own_address_asked, 5);
	udp_end(&u);
	close(one.fd);
	close(two.fd);
}

/* A reload brings another binding; routes are asked for when they change. */
static void another_own_address_is_seen(void **state)
{
	struct binding b = {.ipv4 = {.family = 4, .address = {127, 0, 0, 9}}};
	struct endpoint local, from;
	struct echo_server s;
	struct udp u;

	(void)state;
	assert_true(echo_server_open(&s, AF_INET));
	udp_init(&u);
	local = left_from(&u, &s);
	assert_true(endpoint_same_host(&local, &s.at));
	udp_bind(&u, 2, &b);
	local = left_from(&u, &s);
	assert_true(endpoint_same_host(&local, &b.ipv4));
	b.ipv4.address[3] = 10;
	assert_true(udp_route(&u, 2, &s.at, &from));
	local = left_from(&u, &s);
	assert_true(endpoint_same_host(&local, &b.ipv4));
	udp_end(&u);
	close(s.fd);
}

/* A stamp that comes between two datagrams is in the second one. */
static void a_late_stamp_is_read_with_the_next_datagram(void **state)
{
	struct datagram *d = calloc(1, sizeof(*d));
	struct echo_server s;
	struct udp u;

	(void)state;
	assert_non_null(d);
	assert_true(echo_server_open(&s, AF_INET));
	udp_init(&u);
	expect_late_stamps(&u);
	assert_int_equal(udp_send(&u, 1, &s.at, (const uint8_t *)"x", 1), 0);
	echo_server_serve(&s);
	assert_int_equal(u.slots[1].tx_kind, STAMP_DAEMON);
	assert_true(udp_next(&u, 1, d));
	assert_int_equal(d->slot, 1);
	assert_int_equal(d->tx_kind, STAMP_KERNEL);
	udp_end(&u);
	close(s.fd);
	free(d);
}

/* Twice what net.core.rmem_max says, if that is not above QUEUE_BYTES. */
static void a_request_has_room_for_a_flood_of_answers(void **state)
{
	struct echo_server s;
	struct udp u;

	(void)state;
	assert_true(echo_server_open(&s, AF_INET));
	udp_init(&u);
	assert_int_equal(udp_send(&u, 0, &s.at, (const uint8_t *)"x", 1), 0);
	assert_true(option(u.slots[0].fd, SO_RCVBUF) > option(s.fd, SO_RCVBUF));
	udp_end(&u);
	close(s.fd);
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
	assert_true(udp_route(&u, 0, &s.at, &by_route));
	assert_int_equal(udp_send(&u, 0, &s.at, (const uint8_t *)"x", 1), 0);
	assert_true(udp_local(&u, 0, &by_socket));
	assert_true(endpoint_same_host(&by_route, &by_socket));
	assert_true(endpoint_same_host(&by_route, &s.at));
	/* Without SO_BROADCAST, no route to this address may be used. */
	memset(s.at.address, 255, 4);
	assert_false(udp_route(&u, 0, &s.at, &by_route));
	close(s.fd);
	udp_end(&u);
}

static int64_t wall_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ns_of_timespec(&ts);
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
	udp_close(&u, 0);
	assert_int_equal(descriptors_open(), before + 3);
	udp_end(&u);
	assert_int_equal(u.keep_stamps_fd, -1);
	close(s.fd);
	assert_int_equal(descriptors_open(), before);
}

static void a_late_transmit_stamp_alone_ends_a_wait(void **state)
{
	struct pollfd fds[SOURCES_MAX];
	unsigned slots[SOURCES_MAX];
	struct echo_server silent;
	struct udp u;

	(void)state;
	assert_true(echo_server_open(&silent, AF_INET));
	udp_init(&u);
	expect_late_stamps(&u);
	assert_int_equal(
	    udp_send(&u, 3, &silent.at, (const uint8_t *)"x", 1), 0);
	assert_int_equal(udp_pollfds(&u, fds, slots), 1);
	assert_int_equal(poll(fds, 1, 5000), 1);
	assert_true(fds[0].revents & POLLERR);
	assert_false(fds[0].revents & POLLIN);
	udp_end(&u);
	close(silent.fd);
}

static void a_transmit_stamp_that_is_there_wakes_nobody(void **state)
{
	struct pollfd fds[SOURCES_MAX];
	unsigned slots[SOURCES_MAX];
	struct echo_server silent;
	struct udp u;

	(void)state;
	assert_true(echo_server_open(&silent, AF_INET));
	udp_init(&u);
	/* The loopback interface stamps within send(2), but the first packets
	 * after switching stamps on may come without. */
	for (int i = 0; i < 5 && u.slots[3].tx_kind != STAMP_KERNEL; i++)
		assert_int_equal(
		    udp_send(&u, 3, &silent.at, (const uint8_t *)"x", 1), 0);
	assert_int_equal(u.slots[3].tx_kind, STAMP_KERNEL);
	assert_int_equal(u.slots[3].late_stamps, 0);
	assert_int_equal(udp_pollfds(&u, fds, slots), 1);
	assert_int_equal(poll(fds, 1, 0), 0);
	udp_end(&u);
	close(silent.fd);
}

/* Without stamps, the first requests look for one, and no others. */
static void a_stamp_that_never_comes_at_once_is_not_looked_for(void **state)
{
	struct echo_server silent;
	struct udp u;

	(void)state;
	assert_true(echo_server_open(&silent, AF_INET));
	udp_init(&u);
	u.slots[3].late_stamps = 7;
	without_stamps = true;
	for (int i = 0; i < 3; i++)
		assert_int_equal(
		    udp_send(&u, 3, &silent.at, (const uint8_t *)"x", 1), 0);
	without_stamps = false;
	assert_int_equal(u.slots[3].late_stamps, 8);
	/* Another source may be behind another device. */
	assert_int_equal(u.slots[4].late_stamps, 0);
	/* A stamp that is there now is not read. */
	assert_int_equal(
	    udp_send(&u, 3, &silent.at, (const uint8_t *)"x", 1), 0);
	assert_int_equal(u.slots[3].tx_kind, STAMP_DAEMON);
	udp_end(&u);
	close(silent.fd);
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
	assert_false(udp_route(&u, 0, &nowhere, &from));
	assert_true(udp_route(&u, 0, &s.at, &from));
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
	assert_false(udp_route(&u, 0, &s.at, &from));
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

/* It is not authentic, but it is there. */
static void an_empty_datagram_is_one(void **state)
{
	struct datagram *d = calloc(1, sizeof(*d));
	struct echo_server s;
	struct udp u;

	(void)state;
	assert_non_null(d);
	assert_true(echo_server_open(&s, AF_INET));
	udp_init(&u);
	assert_int_equal(udp_send(&u, 1, &s.at, (const uint8_t *)"", 0), 0);
	echo_server_serve(&s);
	errno = EAGAIN;
	assert_true(udp_ready(&u, 1, POLLIN, d));
	assert_int_equal(d->len, 0);
	assert_int_equal(d->error, 0);
	udp_end(&u);
	close(s.fd);
	free(d);
}

/* In a simulator, and on a machine with IPv6 alone. */
static void sockets_are_opened_without_flags_and_without_ipv4(void **state)
{
	struct echo_server s;
	struct udp u;

	(void)state;
	assert_true(echo_server_open(&s, AF_INET));
	flags_refused = true;
	udp_init(&u);
	assert_int_equal(udp_send(&u, 2, &s.at, (const uint8_t *)"x", 1), 0);
	assert_true(fcntl(u.slots[2].fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(u.slots[2].fd, F_GETFD) & FD_CLOEXEC);
	assert_true(u.keep_stamps_fd >= 0);
	family_refused = AF_INET;
	assert_int_equal(
	    udp_send(&u, 2, &s.at, (const uint8_t *)"x", 1), -EAFNOSUPPORT);
	flags_refused = false;
	assert_int_equal(
	    udp_send(&u, 2, &s.at, (const uint8_t *)"x", 1), -EAFNOSUPPORT);
	udp_end(&u);
	family_refused = 0;
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
	expect_late_stamps(&u);
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

/* Its error queue is never read: it may be the queue of the datagrams. */
static void a_kernel_that_refuses_stamps_costs_no_datagram(void **state)
{
	static const short ready[] = {POLLIN, POLLIN | POLLERR, POLLERR};
	struct datagram *d = calloc(1, sizeof(*d));
	struct echo_server s;
	struct udp u;
	int kept;

	(void)state;
	assert_non_null(d);
	assert_true(echo_server_open(&s, AF_INET));
	stamps_refused = true;
	udp_init(&u);
	udp_keep_sockets(&u);
	one_exchange(&u, &s);
	kept = u.slots[3].spare;
	assert_true(kept >= 0);
	for (size_t i = 0; i < ARRAY_LEN(ready); i++) {
		assert_int_equal(
		    udp_send(&u, 3, &s.at, (const uint8_t *)"hello", 5), 0);
		assert_int_equal(u.slots[3].fd, kept);
		echo_server_serve(&s);
		assert_true(udp_ready(&u, 3, ready[i], d));
		assert_int_equal(d->error, 0);
		assert_int_equal(d->len, 5);
		assert_int_equal(d->rx_kind, STAMP_DAEMON);
		assert_int_equal(d->tx_kind, STAMP_DAEMON);
		udp_close(&u, 3);
	}
	assert_int_equal(
	    udp_send(&u, 3, &s.at, (const uint8_t *)"hello", 5), 0);
	echo_server_serve(&s);
	assert_true(udp_next(&u, 3, d));
	assert_int_equal(d->len, 5);
	assert_int_equal(u.slots[3].late_stamps, 0);
	stamps_refused = false;
	udp_end(&u);
	close(s.fd);
	free(d);
}

/* Only the first datagram is known to have come by then. */
static void without_a_stamp_the_wake_up_is_the_time(void **state)
{
	static const short ready[] = {POLLIN, POLLIN | POLLPRI, POLLERR};
	struct datagram *d = calloc(1, sizeof(*d));
	struct sockaddr_storage to;
	struct endpoint local;
	struct echo_server s;
	struct udp u;

	(void)state;
	assert_non_null(d);
	assert_true(echo_server_open(&s, AF_INET));
	stamps_refused = true;
	udp_init(&u);
	for (size_t i = 0; i < ARRAY_LEN(ready); i++) {
		int64_t woken;

		assert_int_equal(
		    udp_send(&u, 3, &s.at, (const uint8_t *)"hello", 5), 0);
		echo_server_serve(&s);
		assert_true(udp_local(&u, 3, &local));
		assert_int_equal(
		    sendto(s.fd, "again", 5, 0, (struct sockaddr *)&to,
			endpoint_to_sockaddr(&local, &to)),
		    5);
		udp_note_wake(&u);
		while ((woken = wall_now()) <= u.woken.ns)
			;
		assert_true(udp_ready(&u, 3, ready[i], d));
		assert_int_equal(d->rx_kind, STAMP_DAEMON);
		if (ready[i] & POLLIN)
			assert_int_equal(d->rx.ns, u.woken.ns);
		else
			assert_true(d->rx.ns >= woken);
		assert_true(udp_next(&u, 3, d));
		assert_true(d->rx.ns >= woken);
		udp_close(&u, 3);
	}
	stamps_refused = false;
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
	expect_late_stamps(&u);
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

/* Descriptor 0, too, is closed at the end when it was kept. */
static void a_kept_descriptor_0_is_closed(void **state)
{
	struct echo_server s;
	struct udp u;
	int saved;

	(void)state;
	assert_true(echo_server_open(&s, AF_INET));
	udp_init(&u);
	udp_keep_sockets(&u);
	saved = input_free();
	for (int i = 0; i < 50 && u.slots[3].spare < 0; i++)
		one_exchange(&u, &s);
	assert_int_equal(u.slots[3].spare, 0);
	udp_end(&u);
	assert_false(input_is_open());
	input_back(saved);
	close(s.fd);
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
	assert_true(udp_route(&u, 0, &s.at, &from));
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

static void assert_leaves(
    struct udp *u, struct echo_server *s, const char *address, unsigned port)
{
	char text[ENDPOINT_TEXT_MAX];
	struct endpoint own;
	unsigned seen;

	assert_int_equal(udp_send(u, 2, &s->at, (const uint8_t *)"x", 1), 0);
	assert_true(udp_local(u, 2, &own));
	assert_string_equal(endpoint_text(&own, false, text), address);
	seen = echo_server_serve(s);
	assert_int_equal(seen, own.port);
	if (port != 0)
		assert_int_equal(seen, port);
}

/* A free UDP port of 127.0.0.1. */
static uint16_t free_port(void)
{
	struct echo_server s;

	assert_true(echo_server_open(&s, AF_INET));
	close(s.fd);
	return s.at.port;
}

static void a_request_leaves_as_its_slot_is_bound(void **state)
{
	struct binding b = {.ipv4 = {.family = 4, .address = {127, 0, 0, 9}},
	    .device = "lo",
	    .port = free_port(),
	    .dscp = 46};
	struct datagram *d = calloc(1, sizeof(*d));
	struct echo_server s;
	struct endpoint from;
	struct udp u;
	int class;
	socklen_t len = sizeof(class);

	(void)state;
	assert_non_null(d);
	assert_true(echo_server_open(&s, AF_INET));
	udp_init(&u);
	udp_bind(&u, 2, &b);
	assert_leaves(&u, &s, "127.0.0.9", b.port);
	assert_int_equal(
	    getsockopt(u.slots[2].fd, IPPROTO_IP, IP_TOS, &class, &len), 0);
	assert_int_equal(class, 46 << 2);
	assert_true(await(&u, d));
	assert_int_equal(d->error, 0);
	assert_true(udp_route(&u, 2, &s.at, &from));
	assert_true(endpoint_same_host(&from, &b.ipv4));
	/* Other slots, and the slot when it is not bound any more. */
	assert_true(udp_route(&u, 0, &s.at, &from));
	assert_true(endpoint_same_host(&from, &s.at));
	udp_bind(&u, 2, NULL);
	assert_leaves(&u, &s, "127.0.0.1", 0);
	udp_end(&u);
	close(s.fd);
	free(d);
}

/* Each answer reaches the request that it belongs to. */
static void two_requests_share_a_port(void **state)
{
	struct binding b = {.port = free_port()};
	struct datagram *d = calloc(1, sizeof(*d));
	struct echo_server one, two;
	struct udp u;

	(void)state;
	assert_non_null(d);
	assert_true(echo_server_open(&one, AF_INET));
	assert_true(echo_server_open(&two, AF_INET));
	udp_init(&u);
	udp_bind(&u, 3, &b);
	udp_bind(&u, 4, &b);
	assert_int_equal(udp_send(&u, 3, &one.at, (const uint8_t *)"1", 1), 0);
	assert_int_equal(udp_send(&u, 4, &two.at, (const uint8_t *)"2", 1), 0);
	assert_int_equal(echo_server_serve(&two), b.port);
	assert_true(await(&u, d));
	assert_int_equal(d->slot, 4);
	assert_int_equal(echo_server_serve(&one), b.port);
	while (d->slot != 3)
		assert_true(await(&u, d));
	assert_int_equal(d->bytes[0], '1');
	udp_end(&u);
	close(one.fd);
	close(two.fd);
	free(d);
}

/* Where the kernel does not tell the addresses, requests leave as well. */
static void without_own_addresses_requests_share_a_port(void **state)
{
	struct binding b = {.port = free_port()};
	struct echo_server one, two;
	struct udp u;

	(void)state;
	assert_true(echo_server_open(&one, AF_INET));
	assert_true(echo_server_open(&two, AF_INET));
	udp_init(&u);
	udp_bind(&u, 3, &b);
	udp_bind(&u, 4, &b);
	own_address_hidden = true;
	assert_int_equal(udp_send(&u, 3, &one.at, (const uint8_t *)"1", 1), 0);
	assert_int_equal(udp_send(&u, 4, &two.at, (const uint8_t *)"2", 1), 0);
	own_address_hidden = false;
	udp_end(&u);
	close(one.fd);
	close(two.fd);
}

/* The kernel would give the answers to one of the two. */
static void two_requests_to_one_server_do_not_share_a_port(void **state)
{
	struct binding b = {.port = free_port()};
	struct echo_server one;
	struct sentence why;
	char text[200];
	struct udp u;
	int err;

	(void)state;
	assert_true(echo_server_open(&one, AF_INET));
	udp_init(&u);
	udp_bind(&u, 0, &b);
	udp_bind(&u, 1, &b);
	assert_int_equal(udp_send(&u, 0, &one.at, (const uint8_t *)"a", 1), 0);
	err = udp_send(&u, 1, &one.at, (const uint8_t *)"b", 1);
	assert_int_equal(err, -(BINDING_FAILED + EALREADY));
	assert_int_equal(u.slots[1].fd, -1);
	why = sentence_to(text, sizeof(text));
	binding_explain(&b, AF_INET, -err, &why);
	assert_non_null(strstr(text, "another source waits at this port"));
	/* Once the first has its answer, and for a request of its own. */
	assert_int_equal(udp_send(&u, 0, &one.at, (const uint8_t *)"a", 1), 0);
	udp_close(&u, 0);
	assert_int_equal(udp_send(&u, 1, &one.at, (const uint8_t *)"b", 1), 0);
	udp_end(&u);
	close(one.fd);
}

static void ipv6_is_marked_and_bound(void **state)
{
	struct binding b = {.ipv6 = {.family = 6, .address = {[15] = 1}},
	    .port = free_port(),
	    .dscp = 1};
	struct echo_server s;
	struct udp u;
	int class;
	socklen_t len = sizeof(class);

	(void)state;
	assert_true(echo_server_open(&s, AF_INET6));
	udp_init(&u);
	udp_bind(&u, 2, &b);
	assert_leaves(&u, &s, "::1", b.port);
	assert_int_equal(
	    getsockopt(u.slots[2].fd, IPPROTO_IPV6, IPV6_TCLASS, &class, &len),
	    0);
	assert_int_equal(class, 1 << 2);
	udp_end(&u);
	close(s.fd);
}

/* And works again as soon as the address, the device or the port is there. */
static void what_cannot_be_bound_says_what_it_is(void **state)
{
	struct binding away = {
	    .ipv4 = {.family = 4, .address = {192, 0, 2, 99}}};
	struct binding device = {.device = "nothere0"};
	struct binding port = {.port = free_port()};
	struct echo_server s, other;
	struct endpoint from;
	struct udp u;
	int before;

	(void)state;
	assert_true(echo_server_open(&s, AF_INET));
	assert_true(echo_server_open(&other, AF_INET));
	udp_init(&u);
	before = descriptors_open();
	udp_bind(&u, 2, &away);
	assert_int_equal(udp_send(&u, 2, &s.at, (const uint8_t *)"x", 1),
	    -(BINDING_FAILED + EADDRNOTAVAIL));
	assert_false(udp_route(&u, 2, &s.at, &from));
	udp_bind(&u, 2, &device);
	assert_int_equal(udp_send(&u, 2, &s.at, (const uint8_t *)"x", 1),
	    -(BINDING_FAILED + ENODEV));
	udp_bind(&u, 2, &port);
	port.port = other.at.port;
	assert_int_equal(udp_send(&u, 2, &s.at, (const uint8_t *)"x", 1),
	    -(BINDING_FAILED + EADDRINUSE));
	assert_int_equal(descriptors_open(), before);
	close(other.fd);
	assert_leaves(&u, &s, "127.0.0.1", port.port);
	udp_end(&u);
	close(s.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(stamps_over_ipv4),
	    cmocka_unit_test(stamps_over_ipv6),
	    cmocka_unit_test(kept_sockets_over_ipv4),
	    cmocka_unit_test(kept_sockets_over_ipv6),
	    cmocka_unit_test(not_every_socket_is_kept),
	    cmocka_unit_test(each_request_has_a_port_of_its_own),
	    cmocka_unit_test(a_closed_port_is_reported),
	    cmocka_unit_test(a_datagram_that_is_too_long_is_truncated),
	    cmocka_unit_test(all_that_has_come_is_read_in_turn),
	    cmocka_unit_test(the_own_address_is_asked_once_for_a_server),
	    cmocka_unit_test(another_own_address_is_seen),
	    cmocka_unit_test(a_late_stamp_is_read_with_the_next_datagram),
	    cmocka_unit_test(a_request_has_room_for_a_flood_of_answers),
	    cmocka_unit_test(a_closed_slot_is_not_polled),
	    cmocka_unit_test(the_route_is_known_before_a_request_is_sent),
	    cmocka_unit_test(every_socket_is_set_up_and_closed),
	    cmocka_unit_test(a_late_transmit_stamp_alone_ends_a_wait),
	    cmocka_unit_test(a_transmit_stamp_that_is_there_wakes_nobody),
	    cmocka_unit_test(
		a_stamp_that_never_comes_at_once_is_not_looked_for),
	    cmocka_unit_test(a_request_that_cannot_leave_closes_its_socket),
	    cmocka_unit_test(
		without_descriptors_it_neither_sends_nor_knows_a_route),
	    cmocka_unit_test(descriptor_0_is_as_good_as_any),
	    cmocka_unit_test(a_kept_descriptor_0_is_closed),
	    cmocka_unit_test(every_open_slot_is_polled),
	    cmocka_unit_test(an_empty_datagram_is_one),
	    cmocka_unit_test(sockets_are_opened_without_flags_and_without_ipv4),
	    cmocka_unit_test(without_a_datagram_nothing_is_read),
	    cmocka_unit_test(without_stamps_the_process_reads_the_clock),
	    cmocka_unit_test(a_kernel_that_refuses_stamps_costs_no_datagram),
	    cmocka_unit_test(without_a_stamp_the_wake_up_is_the_time),
	    cmocka_unit_test(a_transmit_stamp_is_read_before_the_datagram),
	    cmocka_unit_test(a_request_leaves_as_its_slot_is_bound),
	    cmocka_unit_test(two_requests_share_a_port),
	    cmocka_unit_test(without_own_addresses_requests_share_a_port),
	    cmocka_unit_test(two_requests_to_one_server_do_not_share_a_port),
	    cmocka_unit_test(ipv6_is_marked_and_bound),
	    cmocka_unit_test(what_cannot_be_bound_says_what_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
