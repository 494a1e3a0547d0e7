#include "resolver/names.h"
#include "tests/unit/resolver/fake_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <net/if.h>
#include <stdio.h>

static void expect(const struct names *n, const char *all)
{
	char got[KE_ADDRESSES_MAX * ENDPOINT_TEXT_MAX] = "";
	char one[ENDPOINT_TEXT_MAX];

	for (unsigned i = 0; i < n->count; i++) {
		if (i > 0)
			strcat(got, " ");
		strcat(got, endpoint_text(&n->at[i], true, one));
	}
	assert_string_equal(got, all);
}

static void found(const char *host, enum family_choice family, const char *all)
{
	char text[KE_TEXT_MAX];
	struct sentence why = sentence_to(text, sizeof(text));
	struct names n;

	assert_true(names_lookup(host, host, 4460, family, &n, &why));
	assert_string_equal(text, "");
	expect(&n, all);
}

static void missing(
    const char *host, enum family_choice family, const char *sentence)
{
	char text[KE_TEXT_MAX];
	struct sentence why = sentence_to(text, sizeof(text));
	struct names n;

	assert_false(names_lookup(host, host, 4460, family, &n, &why));
	assert_string_equal(text, sentence);
	assert_int_equal(n.count, 0);
}

static void addresses_need_no_dns(void **state)
{
	(void)state;
	found("192.0.2.1", FAMILY_ANY, "192.0.2.1:4460");
	found("2001:db8::1", FAMILY_IPV6, "[2001:db8::1]:4460");
}

static void a_scope_stays_with_its_address(void **state)
{
	char text[KE_TEXT_MAX];
	struct sentence why = sentence_to(text, sizeof(text));
	struct names n;

	(void)state;
	assert_true(
	    names_lookup("fe80::1%lo", "it", 4460, FAMILY_ANY, &n, &why));
	assert_int_equal(n.count, 1);
	assert_int_equal(n.at[0].scope_id, if_nametoindex("lo"));
	expect(&n, "[fe80::1%lo]:4460");
}

static void families_alternate(void **state)
{
	(void)state;
	found("v4first.fake", FAMILY_ANY,
	    "192.0.2.1:4460 [2001:db8::1]:4460 [2001:db8::2]:4460");
	found("both.fake", FAMILY_ANY, "[::1]:4460 127.0.0.1:4460");
}

static void a_long_list_has_both_families(void **state)
{
	char text[KE_TEXT_MAX];
	struct sentence why = sentence_to(text, sizeof(text));
	struct names n;
	unsigned v6 = 0;

	(void)state;
	assert_true(names_lookup(
	    "crowd.fake", "crowd.fake", 4460, FAMILY_ANY, &n, &why));
	assert_int_equal(n.count, KE_ADDRESSES_MAX);
	for (unsigned i = 0; i < n.count; i++)
		v6 += n.at[i].family == 6;
	assert_int_equal(v6, KE_ADDRESSES_MAX / 2);
	assert_true(names_lookup(
	    "crowd.fake", "crowd.fake", 4460, FAMILY_IPV6, &n, &why));
	assert_int_equal(n.count, KE_ADDRESSES_MAX);
	found("many.fake", FAMILY_ANY,
	    "[2001:db8::1]:4460 192.0.2.1:4460 [2001:db8::2]:4460 "
	    "192.0.2.2:4460 [2001:db8::3]:4460 [2001:db8::4]:4460 "
	    "[2001:db8::5]:4460 [2001:db8::6]:4460 [2001:db8::7]:4460 "
	    "[2001:db8::8]:4460 [2001:db8::9]:4460");
}

static void no_address_comes_twice(void **state)
{
	(void)state;
	found("twice.fake", FAMILY_ANY, "192.0.2.1:4460 192.0.2.2:4460");
}

static void each_failure_has_its_sentence(void **state)
{
	(void)state;
	missing("noname.eai", FAMILY_ANY,
	    "no address for noname.eai: the name does not exist, or is an "
	    "alias of one that does not (check "
	    "/etc/hosts or DNS)");
	missing("nodata.eai", FAMILY_ANY,
	    "no address for nodata.eai: the name exists, but has no IP address "
	    "(check /etc/hosts or DNS)");
	missing("again.eai", FAMILY_ANY,
	    "no DNS server answered for again.eai, or one reported a failure "
	    "(check the network and "
	    "/etc/resolv.conf)");
	missing("fail.eai", FAMILY_ANY,
	    "the DNS server failed or refused to answer for fail.eai");
	missing("memory.eai", FAMILY_ANY,
	    "cannot look up memory.eai: Memory allocation failure");
	missing("system.eai", FAMILY_ANY,
	    "cannot look up system.eai: Too many open files");
}

static void a_missing_family_is_reported(void **state)
{
	(void)state;
	found("only4.fake", FAMILY_IPV4, "192.0.2.1:4460 192.0.2.2:4460");
	missing("only4.fake", FAMILY_IPV6,
	    "only4.fake has only IPv4 addresses, but IPv6 is configured for "
	    "it");
	missing("hosts.fake", FAMILY_IPV6,
	    "hosts.fake has only IPv4 addresses in /etc/hosts, DNS "
	    "has failed, and IPv6 is configured for it");
	missing("alias.fake", FAMILY_IPV6,
	    "alias.fake has only IPv4 addresses in /etc/hosts, DNS "
	    "has failed, and IPv6 is configured for it");
	missing("hosts6.fake", FAMILY_IPV4,
	    "hosts6.fake has only IPv6 addresses in /etc/hosts, DNS "
	    "has failed, and IPv4 is configured for it");
	missing("only6.fake", FAMILY_IPV4,
	    "only6.fake has only IPv6 addresses, but IPv4 is configured for "
	    "it");
	missing("noname.eai", FAMILY_IPV4,
	    "no address for noname.eai: the name does not exist, or is an "
	    "alias of one that does not (check "
	    "/etc/hosts or DNS)");
}

static struct names of(const char *const *addresses)
{
	struct names n = {0};
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;

	for (; *addresses; addresses++) {
		assert_int_equal(
		    real_getaddrinfo(*addresses, "1", &hints, &list), 0);
		assert_true(
		    endpoint_from_sockaddr(&n.at[n.count++], list->ai_addr));
		freeaddrinfo(list);
	}
	return n;
}

static void a_family_can_come_first(void **state)
{
	struct names n =
	    of((const char *const[]){"::1", "::2", "::3", "127.0.0.1", NULL});

	(void)state;
	names_interleave(&n, 4);
	expect(&n, "127.0.0.1:1 [::1]:1 [::2]:1 [::3]:1");
	names_interleave(&n, 6);
	expect(&n, "[::1]:1 127.0.0.1:1 [::2]:1 [::3]:1");
}

static void an_address_can_be_removed_once(void **state)
{
	struct names n = of((const char *const[]){"::1", "::2", "::3", NULL});
	struct endpoint second = n.at[1];

	(void)state;
	assert_true(names_remove(&n, &second));
	expect(&n, "[::1]:1 [::3]:1");
	assert_false(names_remove(&n, &second));
	n.count = 0;
	names_interleave(&n, 4);
	assert_int_equal(n.count, 0);
}

static void a_list_is_rotated_to_the_next_address(void **state)
{
	struct names n = {.count = 3};
	struct endpoint at[3], other = {.family = 4, .address = {9}};

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		at[i] = n.at[i] = (struct endpoint){
		    .family = 4, .port = 1, .address = {(uint8_t)(i + 1)}};
	names_rotate_after(&n, &at[0]);
	assert_int_equal(n.at[0].address[0], 2);
	assert_int_equal(n.at[1].address[0], 3);
	assert_int_equal(n.at[2].address[0], 1);
	names_rotate_after(&n, &at[1]);
	assert_int_equal(n.at[0].address[0], 3);
	names_rotate_after(&n, &other);
	assert_int_equal(n.at[0].address[0], 3);
	names_rotate_after(&n, &(struct endpoint){0});
	assert_int_equal(n.at[0].address[0], 3);
	n.count = 1;
	names_rotate_after(&n, &n.at[0]);
	assert_int_equal(n.at[0].address[0], 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses_need_no_dns),
	    cmocka_unit_test(a_scope_stays_with_its_address),
	    cmocka_unit_test(families_alternate),
	    cmocka_unit_test(a_long_list_has_both_families),
	    cmocka_unit_test(no_address_comes_twice),
	    cmocka_unit_test(each_failure_has_its_sentence),
	    cmocka_unit_test(a_missing_family_is_reported),
	    cmocka_unit_test(a_family_can_come_first),
	    cmocka_unit_test(an_address_can_be_removed_once),
	    cmocka_unit_test(a_list_is_rotated_to_the_next_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
