#include "resolver/race.h"
#include "resolver/icmp.h"
#include "resolver/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/descriptors.h"

#include "tests/unit/resolver/black_hole.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MS NS_PER_MS

/* What the kernel says of each connection; 0: the truth. */
static int pretended;

/* In the place of the C library's. */
int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	long result = syscall(SYS_getsockopt, fd, level, name, value, len);

	if (result == 0 && pretended && level == SOL_SOCKET && name == SO_ERROR)
		memcpy(value, &pretended, sizeof(pretended));
	return (int)result;
}

static int listening(struct endpoint *e)
{
	int fd = bound(e);

	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

/* A port that refuses connections: bound, but not listening. */
static int closed(struct endpoint *e)
{
	return bound(e);
}

/* How the connections leave. Each test begins without one. */
static struct binding binding;

static int unbind(void **state)
{
	(void)state;
	binding = (struct binding){.dscp = 0};
	return 0;
}

/* Runs a race and measures its time. */
static int race(const struct names *to, int64_t timeout_ns,
    struct race_outcome *out, int64_t *took_ms)
{
	struct mono start = mono_now();
	int fd = race_connect(to, &binding, mono_after(start, timeout_ns), out);

	*took_ms = (mono_now().ns - start.ns) / MS;
	return fd;
}

static void explained(const struct names *to, const struct race_outcome *o,
    char text[KE_TEXT_MAX])
{
	struct sentence why = sentence_to(text, KE_TEXT_MAX);

	race_explain(to, &binding, o, &why);
}

static void the_first_that_listens_wins(void **state)
{
	struct names to = {2, {at("::1", 0), at("127.0.0.1", 0)}};
	int a = listening(&to.at[0]), b = listening(&to.at[1]);
	struct race_outcome o;
	int64_t took_ms;
	int fd = race(&to, 2000 * MS, &o, &took_ms);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(o.winner, 0);
	assert_true(took_ms < 1000);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	close(a);
	close(b);
}

/* Both sides send packets that every path takes, whatever its MTU is said to
 * be. */
static void segments_fit_into_any_path(void **state)
{
	struct names to = {2, {at("::1", 0), at("127.0.0.1", 0)}};

	(void)state;
	for (; to.count > 0; to.count--, to.at[0] = to.at[1]) {
		struct names one = {1, {to.at[0]}};
		int a = listening(&one.at[0]), b;
		struct race_outcome o;
		struct tcp_info info;
		int64_t took_ms;
		int fd = race(&one, 20000 * MS, &o, &took_ms);
		socklen_t len = sizeof(info);

		assert_true(fd >= 0);
		b = accept(a, NULL, NULL);
		assert_true(b >= 0);
		assert_int_equal(
		    getsockopt(b, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
		assert_in_range(info.tcpi_snd_mss, 1000, 1220);
		len = sizeof(info);
		assert_int_equal(
		    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
		assert_in_range(info.tcpi_snd_mss, 1000, 1220);
		close(fd);
		close(b);
		close(a);
	}
}

static void a_refusal_starts_the_next_address_at_once(void **state)
{
	struct names to = {
	    3, {at("::1", 0), at("127.0.0.2", 0), at("127.0.0.1", 0)}};
	int a = closed(&to.at[0]), b = closed(&to.at[1]);
	int c = listening(&to.at[2]);
	struct race_outcome o;
	int64_t took_ms;
	int fd = race(&to, 2000 * MS, &o, &took_ms);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(o.winner, 2);
	assert_int_equal(o.error[0], ECONNREFUSED);
	assert_int_equal(o.error[1], ECONNREFUSED);
	/* Two waits of 250 ms would be 500 ms. */
	assert_true(took_ms < 450);
	close(fd);
	close(a);
	close(b);
	close(c);
}

static void a_black_hole_costs_a_quarter_of_a_second(void **state)
{
	struct names to = {2, {at("127.0.0.1", 0), at("127.0.0.2", 0)}};
	struct black_hole hole = black_hole(&to.at[0]);
	int b = listening(&to.at[1]), before = descriptors_open();
	struct race_outcome o;
	int64_t took_ms;
	int fd = race(&to, 3000 * MS, &o, &took_ms);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(o.winner, 1);
	assert_true(took_ms >= 250 && took_ms < 1500);
	close(fd);
	assert_int_equal(descriptors_open(), before);
	close(b);
	black_hole_end(&hole);
}

/* connect() itself fails for the broadcast address; that of the loopback needs
 * no route. */
static void an_error_of_connect_starts_the_next_address(void **state)
{
	struct names to = {2, {at("127.255.255.255", 1), at("127.0.0.1", 0)}};
	int b = listening(&to.at[1]);
	struct race_outcome o;
	int64_t took_ms;
	int fd = race(&to, 2000 * MS, &o, &took_ms);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(o.winner, 1);
	assert_int_equal(o.error[0], RACE_BROADCAST);
	assert_true(took_ms < 1000);
	close(fd);
	close(b);
}

/* The process has no descriptor left. */
static void a_socket_that_cannot_be_made_is_reported(void **state)
{
	struct names to = {1, {at("127.0.0.1", 1)}};
	int free_fd = dup(STDERR_FILENO);
	struct rlimit limit, none;
	struct race_outcome o;
	int64_t took_ms;

	(void)state;
	assert_true(free_fd > 0);
	close(free_fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){
	    .rlim_cur = (rlim_t)free_fd, .rlim_max = limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(race(&to, 2000 * MS, &o, &took_ms), -1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(o.error[0], EMFILE);
}

static void the_deadline_ends_a_race(void **state)
{
	struct names to = {1, {at("127.0.0.1", 0)}};
	struct black_hole hole = black_hole(&to.at[0]);
	int before = descriptors_open();
	struct race_outcome o;
	int64_t took_ms;
	char text[KE_TEXT_MAX], want[KE_TEXT_MAX];

	(void)state;
	assert_int_equal(race(&to, 400 * MS, &o, &took_ms), -1);
	assert_true(took_ms >= 400 && took_ms < 2000);
	assert_int_equal(o.error[0], ETIMEDOUT);
	assert_int_equal(descriptors_open(), before);
	explained(&to, &o, text);
	snprintf(want, sizeof(want),
	    "no answer from 127.0.0.1 TCP port %u (blocked by a firewall?)",
	    to.at[0].port);
	assert_string_equal(text, want);
	black_hole_end(&hole);
}

static void each_address_has_its_reason(void **state)
{
	struct names to = {
	    3, {at("127.0.0.1", 0), at("127.0.0.2", 0), at("127.0.0.3", 0)}};
	struct black_hole hole = black_hole(&to.at[0]);
	int b = closed(&to.at[1]), c = closed(&to.at[2]);
	struct race_outcome o;
	int64_t took_ms;
	char text[KE_TEXT_MAX], want[KE_TEXT_MAX];

	(void)state;
	/* The time is too short for the second and the third. */
	assert_int_equal(race(&to, 200 * MS, &o, &took_ms), -1);
	explained(&to, &o, text);
	snprintf(want, sizeof(want),
	    "no answer from 127.0.0.1 TCP port %u (blocked by a firewall?); "
	    "there was no time for 2 of the 3 addresses, which come next",
	    to.at[0].port);
	assert_string_equal(text, want);
	assert_int_equal(race(&to, 1500 * MS, &o, &took_ms), -1);
	explained(&to, &o, text);
	snprintf(want, sizeof(want),
	    "no answer from 127.0.0.1 TCP port %u (blocked by a firewall?); "
	    "connection refused: nothing listens on TCP port %u of 127.0.0.2"
	    ", which is this machine (is NTS enabled there? does a firewall "
	    "reject it?); "
	    "connection refused: nothing listens on TCP port %u of 127.0.0.3, "
	    "which is this machine (is NTS enabled there? does a firewall "
	    "reject it?)",
	    to.at[0].port, to.at[1].port, to.at[2].port);
	assert_string_equal(text, want);
	close(b);
	close(c);
	black_hole_end(&hole);
}

static void a_race_that_all_refuse_ends_at_once(void **state)
{
	struct names to = {2, {at("127.0.0.1", 0), at("127.0.0.2", 0)}};
	int a = closed(&to.at[0]), b = closed(&to.at[1]);
	struct race_outcome o;
	int64_t took_ms;

	(void)state;
	assert_int_equal(race(&to, 5000 * MS, &o, &took_ms), -1);
	assert_true(took_ms < 2000);
	close(a);
	close(b);
}

static void every_other_reason_has_a_sentence(void **state)
{
	/* clang-format off */
	static const struct { int error; const char *text; } cases[] = {
		{ENETUNREACH, "no route to 192.0.2.1"},
		{EHOSTUNREACH, "192.0.2.1 cannot be reached: it or the network on the way to it is down"},
		{EACCES, "the firewall or sandbox of this machine does not allow connections to 192.0.2.1 TCP port 4460"},
		{EAFNOSUPPORT, "this machine has no IPv4, so it cannot reach 192.0.2.1"},
		{ECONNREFUSED, "connection refused: nothing listens on TCP port 4460 of 192.0.2.1 (is NTS enabled there? does a firewall reject it?)"},
		{ICMP_PROHIBITED, "a firewall rejects connections to 192.0.2.1 TCP port 4460: on that server, on the way, or on this machine"},
		{EMFILE, "cannot connect to 192.0.2.1 TCP port 4460: Too many open files"},
	};
	/* clang-format on */
	struct names to = {1, {at("192.0.2.1", 4460)}};
	struct race_outcome o = {0};
	char text[KE_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		o.error[0] = cases[i].error;
		explained(&to, &o, text);
		assert_string_equal(text, cases[i].text);
	}
}

/* What stands in /etc/hosts by mistake, whatever the kernel says of it. */
static void an_address_of_no_host_is_called_so(void **state)
{
	static const char *const all[][2] = {
	    {"0.0.0.0", "0.0.0.0 is not the address of a host"},
	    {"255.255.255.255", "255.255.255.255 is not the address of a host"},
	    {"224.0.0.1", "224.0.0.1 is a multicast address"},
	    {"::", ":: is not the address of a host"},
	    {"ff02::1", "ff02::1 is a multicast address"},
	};
	static const int errors[] = {ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL};
	char text[KE_TEXT_MAX], expected[KE_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all) * ARRAY_LEN(errors); i++) {
		struct names to = {1, {at(all[i / 3][0], 4460)}};
		struct race_outcome o = {.error = {errors[i % 3]}};

		snprintf(expected, sizeof(expected),
		    "%s, so no server has it (check /etc/hosts or DNS)",
		    all[i / 3][1]);
		explained(&to, &o, text);
		assert_string_equal(text, expected);
	}
}

/* The kernel would connect to what listens on this machine. */
static void an_address_of_no_host_is_not_tried(void **state)
{
	struct names to = {1, {at("0.0.0.0", 0)}};
	struct race_outcome o;
	char text[KE_TEXT_MAX];
	int64_t took_ms;
	int fd = listening(&to.at[0]);

	(void)state;
	assert_int_equal(race(&to, 2000 * MS, &o, &took_ms), -1);
	explained(&to, &o, text);
	assert_string_equal(text,
	    "0.0.0.0 is not the address of a host, so no server has it (check "
	    "/etc/hosts or DNS)");
	close(fd);
}

/* The loopback has a broadcast address, too. */
static void a_broadcast_address_is_called_so(void **state)
{
	struct names to = {1, {at("127.255.255.255", 4460)}};
	struct race_outcome o;
	char text[KE_TEXT_MAX];
	int64_t took_ms;

	(void)state;
	assert_int_equal(race(&to, 2000 * MS, &o, &took_ms), -1);
	explained(&to, &o, text);
	assert_string_equal(text,
	    "127.255.255.255 is the broadcast address of a network of this "
	    "machine, so no server has it (check /etc/hosts or DNS)");
	assert_int_equal(o.error[0], RACE_BROADCAST);
}

static void without_ipv6_the_sentence_says_so(void **state)
{
	struct names to = {1, {at("2001:db8::1", 4460)}};
	struct race_outcome o = {.error = {EADDRNOTAVAIL}};
	char text[KE_TEXT_MAX];

	(void)state;
	explained(&to, &o, text);
	assert_string_equal(
	    text, "this machine has no IPv6, so it cannot reach 2001:db8::1");
}

/* It has accepted the connection: the exchange finds that it is closed. */
static void a_reset_is_no_failure_to_connect(void **state)
{
	struct names to = {1, {at("127.0.0.1", 0)}};
	int a = listening(&to.at[0]), fd;
	struct race_outcome o;
	int64_t took_ms;

	(void)state;
	pretended = ECONNRESET;
	fd = race(&to, 2000 * MS, &o, &took_ms);
	pretended = 0;
	assert_true(fd >= 0);
	close(fd);
	close(a);
}

static void an_error_that_comes_later_is_that_of_the_network(void **state)
{
	static const struct {
		int error, expected;
	} cases[] = {
	    {EACCES, ICMP_PROHIBITED},
	    {ENETUNREACH, EHOSTUNREACH},
	    {ECONNREFUSED, ECONNREFUSED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct names to = {1, {at("127.0.0.1", 0)}};
		int a = listening(&to.at[0]);
		struct race_outcome o;
		int64_t took_ms;

		pretended = cases[i].error;
		assert_int_equal(race(&to, 2000 * MS, &o, &took_ms), -1);
		pretended = 0;
		assert_int_equal(o.error[0], cases[i].expected);
		close(a);
	}
}

static struct endpoint peer_of(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct endpoint e;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_true(endpoint_from_sockaddr(&e, (struct sockaddr *)&sa));
	return e;
}

static int own_option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

/* The port of requests for time is not that of a connection. */
static void a_connection_leaves_as_it_is_bound(void **state)
{
	struct names to = {1, {at("127.0.0.1", 0)}};
	int a = listening(&to.at[0]), fd;
	char device[BINDING_DEVICE_MAX] = "";
	socklen_t len = sizeof(device);
	struct race_outcome o;
	struct endpoint own;
	int64_t took_ms;

	(void)state;
	binding = (struct binding){
	    .ipv4 = at("127.0.0.9", 0), .device = "lo", .port = 1, .dscp = 46};
	fd = race(&to, 2000 * MS, &o, &took_ms);
	assert_true(fd >= 0);
	own = peer_of(fd);
	assert_true(endpoint_same_host(&own, &binding.ipv4));
	assert_int_not_equal(own.port, 1);
	assert_int_equal(own_option(fd, IPPROTO_IP, IP_TOS), 46 << 2);
	assert_int_equal(
	    getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &len), 0);
	assert_string_equal(device, "lo");
	close(fd);
	close(a);
}

/* The other family does not need the address that is away. */
static void an_address_that_is_away_fails_alone(void **state)
{
	struct names to = {2, {at("127.0.0.1", 4460), at("::1", 0)}};
	int a = listening(&to.at[1]), fd;
	struct race_outcome o;
	int64_t took_ms;

	(void)state;
	binding.ipv4 = at("192.0.2.99", 0);
	fd = race(&to, 2000 * MS, &o, &took_ms);
	assert_true(fd >= 0);
	assert_int_equal(o.winner, 1);
	assert_int_equal(o.error[0], BINDING_FAILED + EADDRNOTAVAIL);
	close(fd);
	close(a);
}

static void what_is_bound_wrongly_is_said_once(void **state)
{
	struct names to = {
	    3, {at("127.0.0.1", 4460), at("127.0.0.2", 4460), at("::1", 4460)}};
	int before = descriptors_open();
	struct race_outcome o;
	char text[KE_TEXT_MAX];
	int64_t took_ms;

	(void)state;
	binding.ipv4 = at("192.0.2.99", 0);
	binding.ipv6 = at("2001:db8::99", 0);
	assert_int_equal(race(&to, 2000 * MS, &o, &took_ms), -1);
	assert_true(took_ms < 1000);
	assert_true(race_unbound(&to, &o));
	explained(&to, &o, text);
	assert_string_equal(text,
	    "bind-address = 192.0.2.99: this host does not have this address; "
	    "bind-address = 2001:db8::99: this host does not have this "
	    "address");
	binding = (struct binding){.device = "nothere0"};
	assert_int_equal(race(&to, 2000 * MS, &o, &took_ms), -1);
	explained(&to, &o, text);
	assert_string_equal(text,
	    "bind-device = nothere0: this host does not have this device");
	o.error[2] = ECONNREFUSED;
	assert_false(race_unbound(&to, &o));
	assert_int_equal(descriptors_open(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_first_that_listens_wins),
	    cmocka_unit_test(segments_fit_into_any_path),
	    cmocka_unit_test(a_refusal_starts_the_next_address_at_once),
	    cmocka_unit_test(a_black_hole_costs_a_quarter_of_a_second),
	    cmocka_unit_test(an_error_of_connect_starts_the_next_address),
	    cmocka_unit_test(a_socket_that_cannot_be_made_is_reported),
	    cmocka_unit_test(the_deadline_ends_a_race),
	    cmocka_unit_test(each_address_has_its_reason),
	    cmocka_unit_test(a_race_that_all_refuse_ends_at_once),
	    cmocka_unit_test(every_other_reason_has_a_sentence),
	    cmocka_unit_test(a_broadcast_address_is_called_so),
	    cmocka_unit_test(without_ipv6_the_sentence_says_so),
	    cmocka_unit_test(an_address_of_no_host_is_called_so),
	    cmocka_unit_test(an_address_of_no_host_is_not_tried),
	    cmocka_unit_test(a_reset_is_no_failure_to_connect),
	    cmocka_unit_test(an_error_that_comes_later_is_that_of_the_network),
	    cmocka_unit_test_teardown(
		a_connection_leaves_as_it_is_bound, unbind),
	    cmocka_unit_test_teardown(
		an_address_that_is_away_fails_alone, unbind),
	    cmocka_unit_test_teardown(
		what_is_bound_wrongly_is_said_once, unbind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
