/* Every change of what is trusted changes the fingerprint. */
#include "resolver/certificate/trust.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct trusted_folder {
	char dir[32];
	struct trust_config trust;
	uint8_t before[TRUST_FINGERPRINT_LEN];
};

static void put(
    const struct trusted_folder *r, const char *name, const char *text)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void drop(const struct trusted_folder *r, const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", r->dir, name);
	unlink(path);
}

/* Trusts a file, and the folder that has it. */
static int setup(void **state)
{
	struct trusted_folder *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	snprintf(r->dir, sizeof(r->dir), "%s", "trust-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->trust.paths[0], FILE_PATH_MAX, "%s/ca.pem", r->dir);
	snprintf(r->trust.paths[1], FILE_PATH_MAX, "%s", r->dir);
	r->trust.path_count = 2;
	put(r, "ca.pem", "one");
	assert_true(trust_fingerprint(&r->trust, r->before));
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct trusted_folder *r = *state;

	drop(r, "ca.pem");
	drop(r, "more.pem");
	assert_int_equal(rmdir(r->dir), 0);
	free(r);
	return 0;
}

static bool changed(const struct trusted_folder *r)
{
	uint8_t now[TRUST_FINGERPRINT_LEN];

	assert_true(trust_fingerprint(&r->trust, now));
	return memcmp(now, r->before, sizeof(now)) != 0;
}

static void the_same_files_have_the_same_fingerprint(void **state)
{
	struct trusted_folder *r = *state;

	assert_false(changed(r));
	put(r, "ca.pem", "one");
	assert_false(changed(r));
}

static void a_file_with_other_contents(void **state)
{
	struct trusted_folder *r = *state;

	put(r, "ca.pem", "two");
	assert_true(changed(r));
}

static void one_file_more_or_less(void **state)
{
	struct trusted_folder *r = *state;

	put(r, "more.pem", "");
	assert_true(changed(r));
	drop(r, "more.pem");
	assert_false(changed(r));
	drop(r, "ca.pem");
	assert_true(changed(r));
}

static void a_revocation_list_counts(void **state)
{
	struct trusted_folder *r = *state;

	r->trust.crl_count = 1;
	snprintf(r->trust.crls[0], FILE_PATH_MAX, "%s/more.pem", r->dir);
	assert_true(trust_fingerprint(&r->trust, r->before));
	r->trust.path_count = 1;
	assert_true(trust_fingerprint(&r->trust, r->before));
	put(r, "more.pem", "a list");
	assert_true(changed(r));
}

/* The only file of the only path. */
static void every_file_of_a_folder_counts(void **state)
{
	struct trusted_folder *r = *state;

	strcpy(r->trust.paths[0], r->dir);
	r->trust.path_count = 1;
	assert_true(trust_fingerprint(&r->trust, r->before));
	put(r, "ca.pem", "two");
	assert_true(changed(r));
}

static void another_empty_folder(void **state)
{
	struct trusted_folder *r = *state;
	char path[96];

	drop(r, "ca.pem");
	r->trust.path_count = 1;
	strcpy(r->trust.paths[0], r->dir);
	assert_true(trust_fingerprint(&r->trust, r->before));
	snprintf(path, sizeof(path), "%s/empty", r->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	strcpy(r->trust.paths[0], path);
	assert_true(changed(r));
	assert_int_equal(rmdir(path), 0);
}

static void another_path(void **state)
{
	struct trusted_folder *r = *state;

	r->trust.path_count = 1;
	assert_true(changed(r));
}

static void another_cipher(void **state)
{
	struct trusted_folder *r = *state;

	r->trust.aeads[0] = AEAD_AES_SIV_CMAC_256;
	r->trust.aead_count = 1;
	assert_true(changed(r));
}

/* A device, a huge sparse file and a fifo would block the engine for a long
 * time or for ever. */
static void huge_and_special_files_are_not_read(void **state)
{
	struct trusted_folder *r = *state;
	char path[96];

	alarm(5);
	assert_true(r->trust.path_count == 2);
	strcpy(r->trust.paths[1], "/dev/zero");
	assert_true(changed(r));
	r->trust.path_count = 1;
	assert_true(trust_fingerprint(&r->trust, r->before));
	snprintf(path, sizeof(path), "%s/ca.pem", r->dir);
	assert_int_equal(truncate(path, INT64_C(1) << 40), 0);
	assert_true(changed(r));
	drop(r, "ca.pem");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(changed(r));
	alarm(0);
}

/* The environment names the bundle of the system. */
static void certificates_of_the_system_count(void **state)
{
	struct trusted_folder *r = *state;
	char bundle[96];

	r->trust.path_count = 0;
	assert_true(trust_fingerprint(&r->trust, r->before));
	snprintf(bundle, sizeof(bundle), "%s/ca.pem", r->dir);
	assert_int_equal(setenv("SSL_CERT_FILE", bundle, 1), 0);
	assert_int_equal(setenv("SSL_CERT_DIR", "/nowhere", 1), 0);
	r->trust.system_certs = true;
	assert_true(changed(r));
	assert_true(trust_fingerprint(&r->trust, r->before));
	put(r, "ca.pem", "two");
	assert_true(changed(r));
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(the_same_files_have_the_same_fingerprint),
	    TEST(a_file_with_other_contents),
	    TEST(one_file_more_or_less),
	    TEST(a_revocation_list_counts),
	    TEST(every_file_of_a_folder_counts),
	    TEST(another_empty_folder),
	    TEST(another_path),
	    TEST(another_cipher),
	    TEST(huge_and_special_files_are_not_read),
	    TEST(certificates_of_the_system_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
