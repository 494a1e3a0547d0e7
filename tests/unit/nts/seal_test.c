/* Sealed bytes and texts: what is not ours, or was moved, does not open. */
#include "nts/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define PLAIN "four cookies and two keys"
#define LEN (sizeof(PLAIN) - 1)

static const struct seal_key key = {.there = 1, .bytes = {1, 2, 3}};
static const struct seal_label label = {"keys", "a.ntskeys"};
static const uint8_t nonce[SEAL_NONCE_LEN] = {7};

static void close_it(uint8_t out[LEN + SEAL_EXTRA])
{
	assert_true(
	    seal_close(&key, label, nonce, (const uint8_t *)PLAIN, LEN, out));
}

/* Nothing of the plaintext is there after a failure. */
static enum seal_result open_with(const struct seal_key *k, struct seal_label l,
    const uint8_t *sealed, size_t len)
{
	static const uint8_t zeros[LEN];
	uint8_t plain[LEN];
	enum seal_result result;

	memset(plain, 'x', sizeof(plain));
	result = seal_open(k, l, sealed, len, plain);
	if (result == SEAL_GOOD)
		assert_memory_equal(plain, PLAIN, LEN);
	else if (len > SEAL_EXTRA)
		assert_memory_equal(plain, zeros, len - SEAL_EXTRA);
	return result;
}

static void what_was_sealed_opens(void **state)
{
	uint8_t sealed[LEN + SEAL_EXTRA], empty[SEAL_EXTRA];

	(void)state;
	close_it(sealed);
	assert_int_equal(
	    open_with(&key, label, sealed, sizeof(sealed)), SEAL_GOOD);
	assert_null(memmem(sealed, sizeof(sealed), "cookies", 7));
	assert_true(seal_close(&key, label, nonce, NULL, 0, empty));
	assert_int_equal(
	    seal_open(&key, label, empty, sizeof(empty), NULL), SEAL_GOOD);
}

static void two_nonces_give_two_files(void **state)
{
	const uint8_t other[SEAL_NONCE_LEN] = {8};
	uint8_t a[LEN + SEAL_EXTRA], b[LEN + SEAL_EXTRA];

	(void)state;
	close_it(a);
	assert_true(
	    seal_close(&key, label, other, (const uint8_t *)PLAIN, LEN, b));
	assert_memory_not_equal(a + 26, b + 26, LEN + SEAL_TAG_LEN);
}

static void every_changed_bit_and_every_prefix_is_noticed(void **state)
{
	uint8_t sealed[LEN + SEAL_EXTRA];

	(void)state;
	close_it(sealed);
	for (size_t i = 0; i < sizeof(sealed); i++) {
		enum seal_result expected = i < 8    ? SEAL_MISSING
					    : i < 10 ? SEAL_OTHER
						     : SEAL_BROKEN;

		sealed[i] ^= 1;
		assert_int_equal(
		    open_with(&key, label, sealed, sizeof(sealed)), expected);
		sealed[i] ^= 1;
	}
	for (size_t len = 0; len < sizeof(sealed); len++)
		assert_int_equal(open_with(&key, label, sealed, len),
		    len < 10 ? SEAL_MISSING : SEAL_BROKEN);
}

/* The files of two servers are swapped, or one is taken for another kind. */
static void the_label_belongs_to_the_seal(void **state)
{
	static const struct seal_label others[] = {
	    {"keys", "b.ntskeys"},
	    {"samples", "a.ntskeys"},
	    {"keysa.ntskeys", ""},
	    {"keys", ""},
	};
	uint8_t sealed[LEN + SEAL_EXTRA];

	(void)state;
	close_it(sealed);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(
		    open_with(&key, others[i], sealed, sizeof(sealed)),
		    SEAL_BROKEN);
}

static void only_the_key_opens(void **state)
{
	struct seal_key other = key;
	uint8_t sealed[LEN + SEAL_EXTRA], tag[SEAL_TAG_LEN];

	(void)state;
	close_it(sealed);
	other.bytes[SEAL_KEY_LEN - 1] ^= 1;
	assert_int_equal(
	    open_with(&other, label, sealed, sizeof(sealed)), SEAL_BROKEN);
	other = (struct seal_key){.there = 0};
	assert_int_equal(
	    open_with(&other, label, sealed, sizeof(sealed)), SEAL_NO_KEY);
	assert_false(seal_close(
	    &other, label, nonce, (const uint8_t *)PLAIN, LEN, sealed));
	assert_false(seal_text(&other, label, "x", tag));
	assert_true(seal_key_valid(&other) && seal_key_valid(&key));
	other.there = 2;
	assert_false(seal_key_valid(&other));
}

static void a_text_has_a_tag_of_its_own(void **state)
{
	const struct seal_key other = {.there = 1, .bytes = {2}};
	uint8_t a[SEAL_TAG_LEN], b[SEAL_TAG_LEN];

	(void)state;
	assert_true(seal_text(&key, label, "1 2\n", a));
	assert_true(seal_text(&key, label, "1 2\n", b));
	assert_memory_equal(a, b, sizeof(a));
	assert_true(seal_text(&key, label, "1 3\n", b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_true(
	    seal_text(&key, (struct seal_label){"keys", ""}, "1 2\n", b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_true(seal_text(&other, label, "1 2\n", b));
	assert_memory_not_equal(a, b, sizeof(a));
}

static void a_label_that_is_too_long_seals_nothing(void **state)
{
	static char name[600];
	uint8_t out[LEN + SEAL_EXTRA];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	assert_false(seal_close(&key, (struct seal_label){"keys", name}, nonce,
	    (const uint8_t *)PLAIN, LEN, out));
	close_it(out);
	assert_int_equal(open_with(&key, (struct seal_label){"keys", name}, out,
			     sizeof(out)),
	    SEAL_BROKEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_sealed_opens),
	    cmocka_unit_test(two_nonces_give_two_files),
	    cmocka_unit_test(every_changed_bit_and_every_prefix_is_noticed),
	    cmocka_unit_test(the_label_belongs_to_the_seal),
	    cmocka_unit_test(only_the_key_opens),
	    cmocka_unit_test(a_text_has_a_tag_of_its_own),
	    cmocka_unit_test(a_label_that_is_too_long_seals_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
