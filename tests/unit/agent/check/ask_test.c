/* How the requests for time leave this host, and which answers are samples. */
#include "agent/check/ask.h"

#include "agent/check/probe.h"
#include "resolver/wait.h"
#include "agent/host/clocks.h"
#include "tests/unit/agent/check/seen_by.h"
#include "tests/unit/agent/engine/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HERE "127.0.0.1"
#define OWN "127.0.0.2"
#define NOWHERE "203.0.113.77" /* no host has it, RFC 5737 */

/* A socket of a server; `at` is its address. */
static int server_at(struct endpoint *at)
{
	struct sockaddr_storage sa;
	socklen_t len;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	*at = endpoint_of(HERE, 0);
	len = endpoint_to_sockaddr(at, &sa);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, len), 0);
	len = sizeof(sa);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_true(endpoint_from_sockaddr(at, (const struct sockaddr *)&sa));
	return fd;
}

/* Where the one request came from. */
static struct endpoint caller_of(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	uint8_t bytes[NTS_PACKET_MAX];
	struct endpoint from;

	assert_int_equal(recvfrom(fd, bytes, sizeof(bytes), MSG_DONTWAIT,
			     (struct sockaddr *)&sa, &len),
	    NTP_HEADER_LEN);
	assert_true(
	    endpoint_from_sockaddr(&from, (const struct sockaddr *)&sa));
	return from;
}

/* The deadline has passed: no answer is awaited. */
static struct probe_time ask(
    const struct endpoint *at, const struct source_config *s)
{
	const struct binding binding = probe_binding(s);
	struct probe_time out = {0};

	ask_plainly(at, &binding, mono_now(), &out);
	return out;
}

static void requests_leave_as_configured(void **state)
{
	struct source_config s = good_source("a");
	struct endpoint at, own = endpoint_of(OWN, 0), from;
	int fd = server_at(&at);

	(void)state;
	s.binding.ipv4 = own;
	assert_int_equal(ask(&at, &s).plain_error, 0);
	from = caller_of(fd);
	assert_true(endpoint_same_host(&from, &own));
	close(fd);
}

static void an_address_of_another_host_cannot_be_used(void **state)
{
	struct source_config s = good_source("a");
	struct endpoint at;
	int fd = server_at(&at);
	uint8_t byte;

	(void)state;
	s.binding.ipv4 = endpoint_of(NOWHERE, 0);
	assert_int_equal(
	    ask(&at, &s).plain_error, BINDING_FAILED + EADDRNOTAVAIL);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	close(fd);
}

/* The port is taken, as by a running agent. */
static void the_port_of_the_agent_is_left_alone(void **state)
{
	struct source_config s = good_source("a");
	struct endpoint at, held;
	int fd = server_at(&at), agent = server_at(&held);

	(void)state;
	s.binding.ipv4 = endpoint_of(HERE, 0);
	s.binding.port = held.port;
	assert_int_equal(ask(&at, &s).plain_error, 0);
	assert_int_not_equal(caller_of(fd).port, held.port);
	close(agent);
	close(fd);
}

#define REQUESTS 4

/* How the server of a test answers. */
struct manner {
	unsigned requests; /* then it ends */
	size_t largest;	   /* drops longer ones; 0: none */
	bool reversed;	   /* the answers leave before the requests come */
	unsigned lies;	   /* of so many it says that it held them for 1 s */
	int64_t held_ns;   /* it really holds each one so long */
};

/* The caller waits for its end. */
static pid_t start_server(int fd, const struct manner *m)
{
	struct peer peer = peer_make(1);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	(void)alarm(20);
	for (unsigned i = 0; i < m->requests; i++) {
		uint8_t in[NTS_PACKET_MAX], out[NTS_PACKET_MAX];
		struct sockaddr_storage sa;
		socklen_t size = sizeof(sa);
		ssize_t n = recvfrom(
		    fd, in, sizeof(in), 0, (struct sockaddr *)&sa, &size);
		struct wall now = {clocks_ns(CLOCK_REALTIME)}, left = now;
		size_t len;

		if (m->largest > 0 && n > (ssize_t)m->largest)
			continue;
		usleep((useconds_t)(m->held_ns / 1000));
		if (i < m->lies)
			left.ns += NS_PER_S;
		if (m->reversed)
			left.ns -= NS_PER_S;
		len = n <= 0 ? 0
			     : peer_answer(&peer, in, (size_t)n, now, left, out,
				   sizeof(out));
		if (len == 0 || sendto(fd, out, len, 0, (struct sockaddr *)&sa,
				    size) != (ssize_t)len)
			_exit(1);
	}
	_exit(0);
}

static struct probe_time ask_server(const struct manner *m)
{
	const struct ke_request request = {.source = 0};
	const struct binding none = {.port = 0};
	struct peer peer = peer_make(1);
	struct ke_answer keys = peer_keys(&peer, &request, HERE);
	struct nts_assoc a = {
	    .aead = AEAD_AES_SIV_CMAC_256,
	    .keys = keys.keys,
	};
	struct probe_time out = {0};
	struct endpoint at;
	int fd = server_at(&at), status;
	pid_t pid = start_server(fd, m);

	for (unsigned i = 0; i < keys.cookie_count; i++)
		cookie_jar_put(
		    &a.jar, keys.cookies[i].bytes, keys.cookies[i].len);
	ask_for_time(
	    &a, &at, &none, 0, mono_after(mono_now(), 20 * NS_PER_S), &out);
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return out;
}

static struct probe_time ask_liar(unsigned lies)
{
	const struct manner m = {.requests = REQUESTS, .lies = lies};

	return ask_server(&m);
}

/* Such an answer would be the one with the shortest delay. */
static void an_impossible_delay_gives_no_sample(void **state)
{
	struct probe_time t = ask_liar(2);

	(void)state;
	assert_int_equal(t.answered, REQUESTS);
	assert_int_equal(t.impossible, 2);
	assert_in_range(t.impossible_ns, NS_PER_S / 2, NS_PER_S);
	assert_true(t.have_sample);
	assert_true(t.sample.delay_ns > 1);
	/* Nobody sets the clock meanwhile. */
	assert_in_range(clocks_ns(CLOCK_REALTIME) -
			    clocks_ns(CLOCK_MONOTONIC_RAW) -
			    t.sample.wall_minus_raw_ns + NS_PER_S,
	    0, 2 * NS_PER_S);
	/* A lie moves the offset by half a second. */
	assert_in_range(t.sample.offset_ns + NS_PER_S / 4, 0, NS_PER_S / 2);
}

static void impossible_delays_alone_give_no_sample(void **state)
{
	struct probe_time t = ask_liar(REQUESTS);

	(void)state;
	assert_false(t.have_sample);
	assert_int_equal(t.answered, REQUESTS);
	assert_int_equal(t.impossible, REQUESTS);
	assert_int_equal(t.error, NTS_OK);
}

/* The first try is given up; the server answers it, too. */
static void a_slow_answer_is_awaited(void **state)
{
	const struct manner slow = {
	    .requests = REQUESTS + 1, .held_ns = 900 * NS_PER_MS};
	struct probe_time t = ask_server(&slow);

	(void)state;
	assert_true(t.have_sample);
	assert_true(t.answered > 0);
	/* Its larger request is answered as slowly. */
	assert_int_equal(t.lost_size, 0);
	assert_true(t.passed_size > 0);
}

static void a_size_is_lost_if_a_small_request_passes_after_it(void **state)
{
	/* Three small ones, two large ones, and a small one. */
	const struct manner m = {.requests = REQUESTS + 2, .largest = 300};
	const struct manner ends = {.requests = REQUESTS + 1, .largest = 300};
	struct probe_time t = ask_server(&m);

	(void)state;
	assert_int_equal(t.answered, REQUESTS);
	assert_in_range(t.passed_size, 1, 300);
	assert_in_range(t.lost_size, 301, NTS_PACKET_MAX);
	t = ask_server(&ends);
	assert_int_equal(t.lost_size, 0);
}

/* Two faults at once: the request that is lost comes after the answer. */
static void the_error_of_an_answer_outlasts_a_lost_request(void **state)
{
	const struct manner m = {
	    .requests = 4, .largest = 300, .reversed = true};
	struct probe_time t = ask_server(&m);

	(void)state;
	assert_false(t.have_sample);
	assert_int_equal(t.answered, 2);
	assert_int_equal(t.sent, 4);
	assert_int_equal(t.error, NTP_BAD_TIMES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_leave_as_configured),
	    cmocka_unit_test(an_address_of_another_host_cannot_be_used),
	    cmocka_unit_test(the_port_of_the_agent_is_left_alone),
	    cmocka_unit_test(an_impossible_delay_gives_no_sample),
	    cmocka_unit_test(impossible_delays_alone_give_no_sample),
	    cmocka_unit_test(a_slow_answer_is_awaited),
	    cmocka_unit_test(a_size_is_lost_if_a_small_request_passes_after_it),
	    cmocka_unit_test(the_error_of_an_answer_outlasts_a_lost_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
