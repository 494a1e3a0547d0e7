/* What ICMP says, with messages that no test could send without root. */
#include "resolver/icmp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/check.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h>

/* The message in the error queue; origin 0: the queue is empty. */
static struct {
	uint8_t origin, type, code;
} queued;

/* In the place of the C library's. */
ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	bool of6 = queued.origin == SO_EE_ORIGIN_ICMP6;
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	struct sock_extended_err e = {.ee_origin = queued.origin,
	    .ee_type = queued.type,
	    .ee_code = queued.code};

	(void)fd;
	if (!(flags & MSG_ERRQUEUE) || queued.origin == 0 || !c) {
		errno = EAGAIN;
		return -1;
	}
	c->cmsg_level = of6 ? IPPROTO_IPV6 : IPPROTO_IP;
	c->cmsg_type = of6 ? IPV6_RECVERR : IP_RECVERR;
	c->cmsg_len = CMSG_LEN(sizeof(e));
	memcpy(CMSG_DATA(c), &e, sizeof(e));
	msg->msg_controllen = CMSG_SPACE(sizeof(e));
	return 0;
}

static int tcp_error(uint8_t origin, uint8_t type, uint8_t code, int error)
{
	queued.origin = origin;
	queued.type = type;
	queued.code = code;
	return icmp_error_of_tcp(0, error);
}

static void a_message_tells_a_firewall_from_a_host_that_is_down(void **state)
{
	static const struct {
		uint8_t origin, type, code;
		int error, expected;
	} cases[] = {
	    /* RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1 */
	    {SO_EE_ORIGIN_ICMP, 3, 0, ENETUNREACH, EHOSTUNREACH},
	    {SO_EE_ORIGIN_ICMP, 3, 1, EHOSTUNREACH, EHOSTUNREACH},
	    {SO_EE_ORIGIN_ICMP, 3, 3, ECONNREFUSED, ICMP_PROHIBITED},
	    {SO_EE_ORIGIN_ICMP, 3, 9, ENETUNREACH, ICMP_PROHIBITED},
	    {SO_EE_ORIGIN_ICMP, 3, 10, EHOSTUNREACH, ICMP_PROHIBITED},
	    {SO_EE_ORIGIN_ICMP, 3, 13, EHOSTUNREACH, ICMP_PROHIBITED},
	    {SO_EE_ORIGIN_ICMP, 11, 13, EHOSTUNREACH, EHOSTUNREACH},
	    /* RFC 4443 3.1 */
	    {SO_EE_ORIGIN_ICMP6, 1, 0, ENETUNREACH, EHOSTUNREACH},
	    {SO_EE_ORIGIN_ICMP6, 1, 1, EACCES, ICMP_PROHIBITED},
	    {SO_EE_ORIGIN_ICMP6, 1, 3, EHOSTUNREACH, EHOSTUNREACH},
	    {SO_EE_ORIGIN_ICMP6, 1, 4, ECONNREFUSED, ICMP_PROHIBITED},
	    {SO_EE_ORIGIN_ICMP6, 1, 5, EACCES, ICMP_PROHIBITED},
	    {SO_EE_ORIGIN_ICMP6, 1, 6, EACCES, ICMP_PROHIBITED},
	    /* The kernel itself: no neighbour answers. */
	    {SO_EE_ORIGIN_LOCAL, 3, 13, EHOSTUNREACH, EHOSTUNREACH},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(tcp_error(cases[i].origin, cases[i].type,
				     cases[i].code, cases[i].error),
		    cases[i].expected);
}

static void an_old_kernel_keeps_no_message(void **state)
{
	(void)state;
	assert_int_equal(tcp_error(0, 0, 0, EACCES), ICMP_PROHIBITED);
	assert_int_equal(tcp_error(0, 0, 0, EPERM), ICMP_PROHIBITED);
	assert_int_equal(tcp_error(0, 0, 0, ENETUNREACH), EHOSTUNREACH);
	assert_int_equal(tcp_error(0, 0, 0, EHOSTUNREACH), EHOSTUNREACH);
	assert_int_equal(tcp_error(0, 0, 0, ETIMEDOUT), ETIMEDOUT);
}

static void udp_hears_of_a_firewall_alone(void **state)
{
	(void)state;
	assert_int_equal(icmp_error_of_udp(EHOSTUNREACH), ICMP_PROHIBITED);
	assert_int_equal(icmp_error_of_udp(ENETUNREACH), ICMP_PROHIBITED);
	assert_int_equal(icmp_error_of_udp(EACCES), ICMP_PROHIBITED);
	assert_int_equal(icmp_error_of_udp(ECONNREFUSED), ECONNREFUSED);
	assert_int_equal(icmp_error_of_udp(EAGAIN), EAGAIN);
}

static bool is_watched(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value != 0;
}

static void a_socket_keeps_messages_until_it_is_connected(void **state)
{
	int four = socket(AF_INET, SOCK_STREAM, 0);
	int six = socket(AF_INET6, SOCK_STREAM, 0);

	(void)state;
	icmp_watch(four, AF_INET, true);
	icmp_watch(six, AF_INET6, true);
	assert_true(is_watched(four, IPPROTO_IP, IP_RECVERR));
	assert_true(is_watched(six, IPPROTO_IPV6, IPV6_RECVERR));
	icmp_watch(four, AF_INET, false);
	icmp_watch(six, AF_INET6, false);
	assert_false(is_watched(four, IPPROTO_IP, IP_RECVERR));
	assert_false(is_watched(six, IPPROTO_IPV6, IPV6_RECVERR));
	close(four);
	close(six);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_message_tells_a_firewall_from_a_host_that_is_down),
	    cmocka_unit_test(an_old_kernel_keeps_no_message),
	    cmocka_unit_test(udp_hears_of_a_firewall_alone),
	    cmocka_unit_test(a_socket_keeps_messages_until_it_is_connected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
