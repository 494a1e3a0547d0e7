#include "base/host.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void hosts_that_cannot_exist(void **state)
{
	static const struct {
		const char *host;
		bool exists;
	} rows[] = {
	    {"a", true},
	    {"ntp-1.a_b.example", true},
	    {"ntp.example.", true},
	    {"1.2.3.example", true},
	    {"192.0.2.1", true},
	    {"2001:db8::1", true},
	    {"fe80::1%eth0", true},
	    {"::ffff:192.0.2.1", true},
	    {"::1", true},
	    {"1.0.0.0", true},
	    {"223.255.255.255", true},
	    {"0.0.0.0", false},
	    {"0.1.2.3", false},
	    {"224.0.1.1", false},
	    {"255.255.255.255", false},
	    {"::", false},
	    {"ff02::101%eth0", false},
	    {"fe80::1", false},
	    {"192.0.2.256", false},
	    {"192.0.2", false},
	    {"5", false},
	    {".", false},
	    {"a..example", false},
	    {".example", false},
	    {"a.example..", false},
	    {"-a.example", false},
	    {"a.b-.example", false},
	    {"a%eth0", false},
	    {"2001:db8::g", false},
	    {"fe80::1%", false},
	    {"1:2:3:4:5:6:7:8:9", false},
	    {"0000:0000:0000:0000:0000:ffff:255.255.255.255", true},
	    {"0000:0000:0000:0000:0000:ffff:255.255.255.2555", false},
	    {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa", false},
	};
	char label[80] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if ((host_fault(rows[i].host) == NULL) != rows[i].exists)
			fail_msg("%s", rows[i].host);
	memset(label, 'a', 63);
	assert_null(host_fault(label));
	label[63] = 'a';
	assert_non_null(host_fault(label));
}

static void a_certificate_has_neither_zone_nor_final_dot(void **state)
{
	static const char *const rows[][2] = {
	    {"ntp.example", "ntp.example"},
	    {"ntp.example.", "ntp.example"},
	    {"192.0.2.1", "192.0.2.1"},
	    {"fe80::1%eth0", "fe80::1"},
	    {"", NULL},
	    {".", NULL},
	    {"%eth0", NULL},
	};
	char out[HOST_MAX], name[HOST_MAX + 1] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(
		    host_in_certificate(rows[i][0], out), rows[i][1] != NULL);
		if (rows[i][1])
			assert_string_equal(out, rows[i][1]);
	}
	memset(name, 'a', HOST_MAX - 1);
	assert_true(host_in_certificate(name, out));
	name[HOST_MAX - 1] = 'a';
	assert_false(host_in_certificate(name, out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hosts_that_cannot_exist),
	    cmocka_unit_test(a_certificate_has_neither_zone_nor_final_dot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
