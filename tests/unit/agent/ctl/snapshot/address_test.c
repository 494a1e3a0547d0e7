/* The reference ID of an address: the hashes are those of md5sum(1). */
#include "agent/ctl/snapshot/address.h"

#include "tests/unit/agent/ctl/example.h"

static void an_address_gives_its_reference_id(void **state)
{
	static const struct {
		const char *address;
		uint32_t id;
	} rows[] = {
	    {"192.0.2.7", 0xC0000207},
	    {"::1", 0xCF404DC8},
	    {"fd77:9::2", 0x549FD264},
	    {"fd77:9:0:0::2", 0x549FD264},
	    {"2001:db8::abcd", 0xC2E1017F},
	    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0x8D79CBC9},
	    {"localhost", 0},
	    {"", 0},
	    {NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (address_reference(rows[i].address) != rows[i].id)
			fail_msg("%s", rows[i].address);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_address_gives_its_reference_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
