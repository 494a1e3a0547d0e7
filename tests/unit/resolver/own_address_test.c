#include "resolver/own_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>

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
	assert_string_equal(
	    own_address_unfit(&here, &there), "is an address of this machine");
	assert_null(own_address_unfit(&here, &here));
	assert_null(own_address_unfit(&here, &also_here));
}

static void another_machine_is_fine(void **state)
{
	struct endpoint a = ipv4("192.0.2.1"), b = ipv4("198.51.100.1");

	(void)state;
	assert_null(own_address_unfit(&a, &b));
	assert_null(own_address_unfit(&a, &a));
}

static void a_broadcast_is_unfit(void **state)
{
	struct endpoint e = ipv4("127.255.255.255"), here = ipv4("127.0.0.1");

	(void)state;
	assert_non_null(own_address_unfit(&e, &here));
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
		assert_non_null(own_address_unfit(&e, &there));
		assert_null(own_address_unfit(&e, &e));
		assert_null(own_address_unfit(&e, &here));
		/* Another name of this machine. */
		assert_null(own_address_unfit(&here, &e));
	}
	freeifaddrs(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_own_address_needs_a_server_on_this_machine),
	    cmocka_unit_test(another_machine_is_fine),
	    cmocka_unit_test(a_broadcast_is_unfit),
	    cmocka_unit_test(each_interface_has_own_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
