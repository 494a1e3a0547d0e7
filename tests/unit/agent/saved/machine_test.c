/* The identity of the machine that runs the test. */
#include "agent/saved/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static size_t read_id(uint8_t out[MACHINE_ID_MAX])
{
	FILE *f = fopen("/etc/machine-id", "re");
	size_t len = 0;

	if (f) {
		len = fread(out, 1, MACHINE_ID_MAX, f);
		fclose(f);
	}
	return len;
}

static void the_identity_is_what_the_file_has(void **state)
{
	uint8_t id[MACHINE_ID_MAX], got[MACHINE_ID_MAX];
	size_t len = read_id(id);

	(void)state;
	assert_int_equal(machine_id_read(got), len);
	assert_memory_equal(got, id, len);
}

/* It is not what another program makes of the same identity. */
static void the_digest_is_that_of_this_application(void **state)
{
	uint8_t both[64 + MACHINE_ID_MAX] = "ntsagent drift.ntsclock";
	uint8_t expected[DIGEST_LEN], got[DIGEST_LEN];
	size_t name = strlen((const char *)both) + 1;
	size_t len = read_id(both + name);

	(void)state;
	assert_true(digest_of(both, name + len, expected));
	assert_true(machine_digest(got));
	assert_memory_equal(got, expected, sizeof(got));
	assert_true(digest_of(both + name, len, expected));
	assert_memory_not_equal(got, expected, sizeof(got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_identity_is_what_the_file_has),
	    cmocka_unit_test(the_digest_is_that_of_this_application),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
