/* The identity of the machine that runs the test. */
#include "agent/saved/machine.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/descriptors.h"

/* What is opened in the place of the identity; NULL: that itself. */
static const char *other_file;

/* In the place of the C library's. No file is created here. */
int open(const char *path, int flags, ...)
{
	return (int)syscall(
	    SYS_openat, AT_FDCWD, other_file ? other_file : path, flags);
}

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

/* A container may have none, and the first start of an image an empty one. The
 * digest is that of the application's name then. */
static void a_machine_without_an_identity_has_a_digest(void **state)
{
	static const char *const files[] = {"/nonexistent", "/dev/null", "/"};
	static const char name[] = "ntsagent drift.ntsclock";
	uint8_t expected[DIGEST_LEN], got[DIGEST_LEN], id[MACHINE_ID_MAX];
	int before = descriptors_open();

	(void)state;
	assert_true(digest_of((const uint8_t *)name, sizeof(name), expected));
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		other_file = files[i];
		assert_int_equal(machine_id_read(id), 0);
		assert_true(machine_digest(got));
		assert_memory_equal(got, expected, sizeof(got));
	}
	other_file = NULL;
	assert_int_equal(descriptors_open(), before);
}

/* A file that is too long is cut, and descriptor 0 is as good as any. */
static void no_more_is_read_than_there_is_room_for(void **state)
{
	uint8_t id[MACHINE_ID_MAX];
	size_t len;
	bool is_open;
	int saved;

	(void)state;
	other_file = "/dev/zero";
	saved = input_free();
	memset(id, 0xff, sizeof(id));
	len = machine_id_read(id);
	is_open = input_is_open();
	input_back(saved);
	other_file = NULL;
	assert_int_equal(len, MACHINE_ID_MAX);
	assert_int_equal(id[MACHINE_ID_MAX - 1], 0);
	assert_false(is_open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_identity_is_what_the_file_has),
	    cmocka_unit_test(the_digest_is_that_of_this_application),
	    cmocka_unit_test(a_machine_without_an_identity_has_a_digest),
	    cmocka_unit_test(no_more_is_read_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
