#include "nts/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <openssl/evp.h>

/* FIPS 180-2, appendix B.1. */
static const uint8_t of_abc[DIGEST_LEN] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01,
    0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03,
    0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00,
    0x15, 0xad};

static void sha_256_gives_the_published_answer(void **state)
{
	uint8_t out[DIGEST_LEN];

	(void)state;
	assert_true(digest_of("abc", 3, out));
	assert_memory_equal(out, of_abc, sizeof(out));
}

static void parts_give_the_digest_of_the_whole(void **state)
{
	struct digest d = digest_begin();
	uint8_t out[DIGEST_LEN];

	(void)state;
	digest_add(&d, "a", 1);
	digest_add(&d, "", 0);
	digest_add(&d, "bc", 2);
	assert_true(digest_end(&d, out));
	assert_memory_equal(out, of_abc, sizeof(out));
}

static void a_failed_digest_is_reported(void **state)
{
	struct digest d = {NULL};
	uint8_t out[DIGEST_LEN];

	(void)state;
	digest_add(&d, "abc", 3);
	assert_false(digest_end(&d, out));
}

/* Without a provider the library has no algorithm. */
static void a_failing_library_is_reported(void **state)
{
	uint8_t out[DIGEST_LEN];
	bool ok;

	(void)state;
	assert_true(EVP_set_default_properties(NULL, "provider=nobody"));
	ok = digest_of("abc", 3, out);
	assert_true(EVP_set_default_properties(NULL, ""));
	assert_false(ok);
	assert_true(digest_of("abc", 3, out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sha_256_gives_the_published_answer),
	    cmocka_unit_test(parts_give_the_digest_of_the_whole),
	    cmocka_unit_test(a_failed_digest_is_reported),
	    cmocka_unit_test(a_failing_library_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
