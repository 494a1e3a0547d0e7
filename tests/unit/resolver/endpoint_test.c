#include "resolver/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static struct sockaddr_in6 v6(const char *address, uint32_t scope)
{
	struct sockaddr_in6 sa = {.sin6_family = AF_INET6,
	    .sin6_port = htons(4460),
	    .sin6_scope_id = scope};

	assert_int_equal(inet_pton(AF_INET6, address, &sa.sin6_addr), 1);
	return sa;
}

static void shows(
    const struct endpoint *e, const char *bare, const char *with_port)
{
	char text[ENDPOINT_TEXT_MAX];

	assert_string_equal(endpoint_text(e, false, text), bare);
	assert_string_equal(endpoint_text(e, true, text), with_port);
}

static void ipv4_goes_there_and_back(void **state)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(123)};
	struct sockaddr_storage back;
	struct endpoint e;

	(void)state;
	inet_pton(AF_INET, "192.0.2.1", &sa.sin_addr);
	/* Only the four bytes of the address count. */
	memset(sa.sin_zero, 0xff, sizeof(sa.sin_zero));
	assert_true(endpoint_from_sockaddr(&e, (struct sockaddr *)&sa));
	assert_int_equal(e.address[4], 0);
	memset(sa.sin_zero, 0, sizeof(sa.sin_zero));
	assert_int_equal(endpoint_af(&e), AF_INET);
	assert_int_equal(endpoint_to_sockaddr(&e, &back), sizeof(sa));
	assert_memory_equal(&back, &sa, sizeof(sa));
	shows(&e, "192.0.2.1", "192.0.2.1:123");
}

static void ipv6_goes_there_and_back(void **state)
{
	struct sockaddr_in6 sa = v6("2001:db8::1", 0);
	struct sockaddr_storage back;
	struct endpoint e;

	(void)state;
	assert_true(endpoint_from_sockaddr(&e, (struct sockaddr *)&sa));
	assert_int_equal(endpoint_af(&e), AF_INET6);
	assert_int_equal(endpoint_to_sockaddr(&e, &back), sizeof(sa));
	assert_memory_equal(&back, &sa, sizeof(sa));
	shows(&e, "2001:db8::1", "[2001:db8::1]:4460");
}

static void a_scope_belongs_to_link_local_alone(void **state)
{
	uint32_t lo = if_nametoindex("lo");
	struct sockaddr_in6 link = v6("fe80::1", lo);
	struct sockaddr_in6 global = v6("2001:db8::1", lo);
	struct sockaddr_in6 gone = v6("fe80::1", 987654);
	struct sockaddr_storage back;
	struct endpoint e, other;

	(void)state;
	assert_true(endpoint_from_sockaddr(&e, (struct sockaddr *)&link));
	shows(&e, "fe80::1%lo", "[fe80::1%lo]:4460");
	endpoint_to_sockaddr(&e, &back);
	assert_memory_equal(&back, &link, sizeof(link));
	assert_true(endpoint_from_sockaddr(&other, (struct sockaddr *)&gone));
	shows(&other, "fe80::1%987654", "[fe80::1%987654]:4460");
	assert_false(endpoint_same_host(&e, &other));
	assert_true(endpoint_from_sockaddr(&e, (struct sockaddr *)&global));
	assert_int_equal(e.scope_id, 0);
}

static void the_port_does_not_make_a_host(void **state)
{
	struct endpoint a = {.family = 4, .port = 1, .address = {127, 0, 0, 1}};
	struct endpoint b = a;

	(void)state;
	b.port = 2;
	assert_true(endpoint_same_host(&a, &b));
	b.address[3] = 2;
	assert_false(endpoint_same_host(&a, &b));
	b = a;
	b.family = 6;
	assert_false(endpoint_same_host(&a, &b));
}

static void other_families_are_refused(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct endpoint e;

	(void)state;
	assert_false(endpoint_from_sockaddr(&e, (struct sockaddr *)&sa));
	shows(&e, "none", "none");
}

static struct endpoint numeric(const char *text)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct endpoint e;

	if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
		assert_true(
		    endpoint_from_sockaddr(&e, (struct sockaddr *)&four));
		return e;
	}
	assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
	assert_true(endpoint_from_sockaddr(&e, (struct sockaddr *)&six));
	return e;
}

static void only_single_hosts_are_fit(void **state)
{
	static const struct {
		const char *address, *why; /* NULL: fit */
	} rows[] = {
	    {"192.0.2.1", NULL},
	    {"1.0.0.0", NULL},
	    {"10.0.0.1", NULL},
	    {"169.254.1.1", NULL},
	    {"223.255.255.255", NULL},
	    {"2001:db8::1", NULL},
	    {"fd00::1", NULL},
	    {"64:ff9b::c000:201", NULL},
	    {"127.0.0.1", "is a loopback address, that of this machine"},
	    {"127.255.0.9", "is a loopback address, that of this machine"},
	    {"::1", "is a loopback address, that of this machine"},
	    {"224.0.0.1", "is a multicast address"},
	    {"239.255.255.255", "is a multicast address"},
	    {"ff00::", "is a multicast address"},
	    {"ff0e::101", "is a multicast address"},
	    {"0.0.0.0", "is not the address of a host"},
	    {"0.255.255.255", "is not the address of a host"},
	    {"240.0.0.1", "is not the address of a host"},
	    {"255.255.255.255", "is not the address of a host"},
	    {"::", "is not the address of a host"},
	    {"::ffff:127.0.0.1",
		"is an IPv4 address in the form of an IPv6 address"},
	    {"::192.0.2.1",
		"is an IPv4 address in the form of an IPv6 address"},
	    {"fe80::1", "is a link-local address without an interface"},
	    {"febf::1", "is a link-local address without an interface"},
	};
	const struct endpoint from = numeric("192.0.2.9");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct endpoint e = numeric(rows[i].address);
		const char *why = endpoint_unfit(&e, &from);

		if (!rows[i].why != !why ||
		    (why && strcmp(why, rows[i].why) != 0))
			fail_msg("%s: %s", rows[i].address, why ? why : "fit");
	}
}

static void loopback_leads_to_loopback_only(void **state)
{
	const struct endpoint four = numeric("127.0.0.1"), six = numeric("::1");
	const struct endpoint lan = numeric("192.168.1.1");
	struct endpoint link = numeric("fe80::1");

	(void)state;
	assert_null(endpoint_unfit(&four, &six));
	assert_null(endpoint_unfit(&six, &four));
	assert_null(endpoint_unfit(&lan, &four));
	assert_non_null(endpoint_unfit(&four, &lan));
	assert_non_null(endpoint_unfit(&six, &lan));
	link.scope_id = 2;
	assert_null(endpoint_unfit(&link, &lan));
}

/* What the client has connected to may be asked for time, also where no other
 * server may send it. */
static void the_connected_address_fits(void **state)
{
	static const struct {
		const char *address;
		bool fits;
	} rows[] = {
	    {"192.0.2.1", true},
	    {"240.0.0.1", true},
	    {"fe80::1", true},
	    {"224.0.1.1", false},
	    {"0.0.0.1", false},
	    {"255.255.255.255", false},
	    {"::", false},
	    {"ff02::1", false},
	    {"::ffff:224.0.1.1", false},
	    {"::192.0.2.1", false},
	    {"::1", true},
	};
	const struct endpoint other = numeric("192.0.2.9");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct endpoint e = numeric(rows[i].address);

		if (endpoint_fits(&e, &e) != rows[i].fits ||
		    endpoint_no_host(&e) == rows[i].fits ||
		    endpoint_fits(&e, &other) != (i == 0))
			fail_msg("%s", rows[i].address);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ipv4_goes_there_and_back),
	    cmocka_unit_test(ipv6_goes_there_and_back),
	    cmocka_unit_test(a_scope_belongs_to_link_local_alone),
	    cmocka_unit_test(the_port_does_not_make_a_host),
	    cmocka_unit_test(other_families_are_refused),
	    cmocka_unit_test(only_single_hosts_are_fit),
	    cmocka_unit_test(loopback_leads_to_loopback_only),
	    cmocka_unit_test(the_connected_address_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
