#include "resolver/own_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/rtnetlink.h>

static struct endpoint ipv4(const char *address)
{
	struct endpoint e = {.family = 4, .port = 123};

	assert_int_equal(inet_pton(AF_INET, address, e.address), 1);
	return e;
}

static void an_own_address_needs_a_server_on_this_machine(void **state)
{
	struct endpoint here = ipv4("127.0.0.1"), also_here = ipv4("127.0.0.2"),
			there = ipv4("192.0.2.1");

	(void)state;
	assert_string_equal(own_address_unfit(&here, &there, NULL),
	    "is an address of this machine");
	assert_null(own_address_unfit(&here, &here, NULL));
	assert_null(own_address_unfit(&here, &also_here, NULL));
}

static void another_machine_is_fine(void **state)
{
	struct endpoint a = ipv4("192.0.2.1"), b = ipv4("198.51.100.1");

	(void)state;
	assert_null(own_address_unfit(&a, &b, NULL));
	assert_null(own_address_unfit(&a, &a, NULL));
}

static void a_broadcast_is_unfit(void **state)
{
	struct endpoint e = ipv4("127.255.255.255"), here = ipv4("127.0.0.1");

	(void)state;
	assert_non_null(own_address_unfit(&e, &here, NULL));
}

/* Those that this machine has, if any. */
static void each_interface_has_own_addresses(void **state)
{
	struct endpoint there = ipv4("192.0.2.1"), here = ipv4("127.0.0.1"), e;
	struct ifaddrs *all;

	(void)state;
	assert_int_equal(getifaddrs(&all), 0);
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!i->ifa_addr || !(i->ifa_flags & IFF_UP) ||
		    !endpoint_from_sockaddr(&e, i->ifa_addr))
			continue;
		e.port = 123;
		assert_non_null(own_address_unfit(&e, &there, NULL));
		assert_null(own_address_unfit(&e, &e, NULL));
		assert_null(own_address_unfit(&e, &here, NULL));
		/* Another name of this machine. */
		assert_null(own_address_unfit(&here, &e, NULL));
	}
	freeifaddrs(all);
}

/* The route or rule, with one more attribute of four bytes. */
static bool add(
    int type, struct rtmsg route, unsigned short attribute, uint32_t value)
{
	struct {
		struct nlmsghdr head;
		struct rtmsg route;
		struct rtattr attribute;
		uint32_t value;
	} m = {
	    .head = {.nlmsg_len = sizeof(m),
		.nlmsg_type = (unsigned short)type,
		.nlmsg_flags =
		    NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL},
	    .route = route,
	    .attribute = {RTA_LENGTH(sizeof(value)), attribute},
	    .value = value,
	};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char more[256];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	bool done = fd >= 0 && send(fd, &m, sizeof(m), 0) == sizeof(m) &&
		    recv(fd, &answer, sizeof(answer), 0) > 0 &&
		    answer.head.nlmsg_type == NLMSG_ERROR &&
		    answer.error.error == 0;

	close(fd);
	return done;
}

/* A network of its own. Everything is prohibited, but not what comes from
 * 127.0.0.1. False: this kernel or container does not let us. */
static bool make_network(void)
{
	struct rtmsg prohibit = {.rtm_family = AF_INET,
	    .rtm_table = RT_TABLE_MAIN,
	    .rtm_protocol = RTPROT_STATIC,
	    .rtm_type = RTN_PROHIBIT};
	struct rtmsg way = {.rtm_family = AF_INET,
	    .rtm_table = 100,
	    .rtm_protocol = RTPROT_STATIC,
	    .rtm_scope = RT_SCOPE_LINK,
	    .rtm_type = RTN_UNICAST};
	/* A struct fib_rule_hdr has the same layout; FRA_SRC is RTA_SRC. */
	struct rtmsg rule = {.rtm_family = AF_INET,
	    .rtm_src_len = 32,
	    .rtm_table = 100,
	    .rtm_type = RTN_UNICAST};
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;
	bool up;

	if (unshare(CLONE_NEWNET) != 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	up = ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
	close(fd);
	return up && add(RTM_NEWROUTE, prohibit, RTA_PRIORITY, 0) &&
	       add(RTM_NEWROUTE, way, RTA_OIF, if_nametoindex("lo")) &&
	       add(RTM_NEWRULE, rule, RTA_SRC, htonl(INADDR_LOOPBACK));
}

/* 0: as expected; 77: it cannot be tried here. */
static int try_prohibited_route(void)
{
	struct endpoint e = ipv4("192.0.2.1"), from = ipv4("198.51.100.1");
	struct binding binding = {.ipv4 = ipv4("127.0.0.1"), .port = 123};
	const char *unbound, *bound;

	binding.ipv4.port = 0;
	if (!make_network())
		return 77;
	unbound = own_address_unfit(&e, &from, NULL);
	bound = own_address_unfit(&e, &from, &binding);
	return unbound && strstr(unbound, "prohibits") && !bound ? 0 : 1;
}

static void a_route_counts_for_the_binding_of_the_requests(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0)
		_exit(try_prohibited_route());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_own_address_needs_a_server_on_this_machine),
	    cmocka_unit_test(another_machine_is_fine),
	    cmocka_unit_test(a_broadcast_is_unfit),
	    cmocka_unit_test(each_interface_has_own_addresses),
	    cmocka_unit_test(a_route_counts_for_the_binding_of_the_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
