#include "resolver/unvalidated.h"
#include "resolver/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/resolver/dns_server.h"

static bool found(const char *host, bool complete, enum family_choice family)
{
	char text[ENDPOINT_TEXT_MAX];
	struct names n;
	bool found = unvalidated_lookup(host, complete, 4460, family, &n);

	assert_int_equal(n.count, found);
	if (found)
		assert_string_equal(
		    endpoint_text(&n.at[0], true, text), "127.0.0.1:4460");
	return found;
}

static void a_name_that_cannot_be_validated_is_found(void **state)
{
	(void)state;
	dns_serve(DNS_SIGNED);
	assert_true(found("ntp1.example.com", false, FAMILY_ANY));
	assert_true(found("ntp1.example.com", true, FAMILY_IPV4));
	assert_true(found("ntp1.example.com.", false, FAMILY_IPV4));
	assert_false(found("ntp1.example.com", false, FAMILY_IPV6));
	dns_end();
}

/* systemd-resolved 252 looks at CD only in a query with DO. */
static void a_server_that_looks_at_cd_with_do_alone_finds_it(void **state)
{
	(void)state;
	dns_serve(DNS_BYPASS);
	assert_true(found("ntp1.example.com", false, FAMILY_ANY));
	dns_end();
}

static void a_server_that_drops_do_is_asked_without_it(void **state)
{
	(void)state;
	dns_serve(DNS_OLD);
	assert_true(found("ntp1.example.com", false, FAMILY_ANY));
	dns_end();
}

/* "options timeout:0" makes the C library wait for a second. */
static void a_timeout_of_zero_is_one_second(void **state)
{
	(void)state;
	dns_timeout_s = 0;
	dns_serve(DNS_BYPASS);
	assert_true(found("ntp1.example.com", false, FAMILY_ANY));
	dns_end();
	dns_timeout_s = 1;
}

/* Two of them take longer than the time for one query. */
static void slow_refusals_are_not_silence(void **state)
{
	(void)state;
	dns_serve(DNS_SLOW);
	assert_true(found("ntp1.example.com", false, FAMILY_ANY));
	dns_end();
}

/* So do three servers, of which each has answered in time. */
static void slow_refusals_of_three_are_not_silence(void **state)
{
	(void)state;
	dns_count = 3;
	dns_slow_us = 350000;
	dns_serve(DNS_SLOW);
	assert_true(found("ntp1.example.com", false, FAMILY_ANY));
	dns_end();
	dns_count = 1;
	dns_slow_us = 550000;
}

/* Each of the four names would cost 1.7 s: after twice the wait for the server,
 * the search goes no further. */
static void a_search_of_slow_refusals_ends(void **state)
{
	struct mono began = mono_now();

	(void)state;
	dns_domains = 3;
	dns_slow_us = 850000;
	dns_serve(DNS_SLOW);
	assert_false(found("host", false, FAMILY_IPV6));
	assert_true(mono_now().ns - began.ns < 5 * NS_PER_S);
	dns_end();
	dns_domains = 1;
	dns_slow_us = 550000;
}

static void a_short_name_gets_the_domain_of_the_search_list(void **state)
{
	(void)state;
	dns_serve(DNS_SIGNED_LONG);
	assert_true(found("host", false, FAMILY_ANY));
	assert_false(found("host", true, FAMILY_ANY));
	assert_true(found("host.lan.test", false, FAMILY_ANY));
	assert_true(found("host.lan.test", true, FAMILY_ANY));
	assert_false(found("other", false, FAMILY_ANY));
	dns_end();
}

/* The bytes of the name that was found; 0: none was. */
static unsigned name_found(enum dns_behaviour how, const char *host)
{
	struct names n;
	bool found;

	dns_serve(how);
	found = unvalidated_lookup(host, false, 4460, FAMILY_IPV4, &n);
	dns_end();
	return found ? n.at[0].address[3] : 0;
}

/* resolv.conf(5), with ndots:1. The other one is tried when that has failed. */
static void a_name_with_a_dot_is_tried_as_it_is_first(void **state)
{
	static const struct {
		const char *host;
		unsigned alone, below; /* bytes, in the question */
	} rows[] = {{"host", 6, 15}, {"a.b", 5, 14}};

	(void)state;
	assert_int_equal(name_found(DNS_EACH, "host"), rows[0].below);
	assert_int_equal(name_found(DNS_EACH, "a.b"), rows[1].alone);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(
		    name_found(DNS_DOMAIN, rows[i].host), rows[i].below);
		assert_int_equal(
		    name_found(DNS_NO_DOMAIN, rows[i].host), rows[i].alone);
	}
}

/* A dot at the end makes a name complete. */
static void a_dot_ends_the_search(void **state)
{
	(void)state;
	dns_serve(DNS_SIGNED_LONG);
	assert_false(found("host.", false, FAMILY_ANY));
	assert_true(found("host.lan.test.", false, FAMILY_ANY));
	dns_end();
}

/* Half of the addresses for each family, in turn; all for a single one. */
static void both_families_get_a_half(void **state)
{
	static const struct {
		enum family_choice choice;
		unsigned ipv4, ipv6;
	} rows[] = {
	    {FAMILY_ANY, KE_ADDRESSES_MAX / 2, KE_ADDRESSES_MAX / 2},
	    {FAMILY_IPV4, KE_ADDRESSES_MAX, 0},
	    {FAMILY_IPV6, 0, KE_ADDRESSES_MAX},
	};

	(void)state;
	dns_serve(DNS_MANY);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned ipv4 = 0;
		struct names n;

		assert_true(unvalidated_lookup(
		    "a.example.com", true, 4460, rows[i].choice, &n));
		for (unsigned k = 0; k < n.count; k++) {
			ipv4 += n.at[k].family == 4;
			if (rows[i].choice == FAMILY_ANY)
				assert_int_equal(
				    n.at[k].family, k % 2 == 0 ? 6 : 4);
		}
		assert_int_equal(ipv4, rows[i].ipv4);
		assert_int_equal(n.count - ipv4, rows[i].ipv6);
	}
	dns_end();
}

static void a_server_that_does_not_know_finds_nothing(void **state)
{
	(void)state;
	dns_serve(DNS_NO);
	assert_false(found("ntp1.example.com", false, FAMILY_ANY));
	dns_end();
}

/* Each of its addresses and each domain would cost a second. */
static void a_silent_server_is_asked_once(void **state)
{
	(void)state;
	for (dns_count = 1; dns_count <= 3; dns_count += 2) {
		struct mono began = mono_now();

		dns_serve(DNS_MUTE);
		assert_false(found("host", false, FAMILY_ANY));
		assert_true(
		    mono_now().ns - began.ns < (dns_count + 1) * NS_PER_S);
		dns_end();
	}
	dns_count = 1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_name_that_cannot_be_validated_is_found),
	    cmocka_unit_test(a_server_that_looks_at_cd_with_do_alone_finds_it),
	    cmocka_unit_test(a_server_that_drops_do_is_asked_without_it),
	    cmocka_unit_test(a_timeout_of_zero_is_one_second),
	    cmocka_unit_test(slow_refusals_are_not_silence),
	    cmocka_unit_test(slow_refusals_of_three_are_not_silence),
	    cmocka_unit_test(a_search_of_slow_refusals_ends),
	    cmocka_unit_test(a_short_name_gets_the_domain_of_the_search_list),
	    cmocka_unit_test(a_name_with_a_dot_is_tried_as_it_is_first),
	    cmocka_unit_test(a_dot_ends_the_search),
	    cmocka_unit_test(both_families_get_a_half),
	    cmocka_unit_test(a_server_that_does_not_know_finds_nothing),
	    cmocka_unit_test(a_silent_server_is_asked_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
