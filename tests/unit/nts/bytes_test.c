#include "nts/bytes.h"
#include "tests/unit/nts/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

static void numbers_are_big_endian(void **state)
{
	const uint8_t bytes[] = {
	    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	struct reader r = reader_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(take_u8(&r), 0x01);
	assert_int_equal(take_u16(&r), 0x0203);
	assert_int_equal(take_u32(&r), 0x04050607);
	assert_int_equal(take_u64(&r), UINT64_C(0x08090a0b0c0d0e0f));
	assert_true(reader_done(&r));
}

static void numbers_survive_put_and_take(void **state)
{
	struct rng d = {1};

	(void)state;
	for (int round = 0; round < 200; round++) {
		uint8_t bytes[15];
		struct writer w = writer_of(bytes, sizeof(bytes));
		uint64_t v = rng_u64(&d);
		struct reader r;

		put_u8(&w, (uint8_t)v);
		put_u16(&w, (uint16_t)v);
		put_u32(&w, (uint32_t)v);
		put_u64(&w, v);
		assert_true(w.ok);
		assert_int_equal(w.len, sizeof(bytes));
		r = reader_of(bytes, w.len);
		assert_int_equal(take_u8(&r), (uint8_t)v);
		assert_int_equal(take_u16(&r), (uint16_t)v);
		assert_int_equal(take_u32(&r), (uint32_t)v);
		assert_int_equal(take_u64(&r), v);
		assert_true(reader_done(&r));
	}
}

static void a_failed_take_fails_all_later_takes(void **state)
{
	const uint8_t bytes[3] = {1, 2, 3};
	struct reader r = reader_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(take_u32(&r), 0);
	assert_false(r.ok);
	/* One byte is there, but the reader has failed. */
	assert_int_equal(take_u8(&r), 0);
	assert_null(take_bytes(&r, 1));
	assert_null(take_bytes(&r, 0));
	assert_false(take_sub(&r, 0).ok);
	assert_false(reader_done(&r));
}

static void a_length_near_the_limit_does_not_wrap(void **state)
{
	uint8_t bytes[4] = {0};
	struct reader r = reader_of(bytes, sizeof(bytes));
	struct writer w = writer_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(take_u8(&r), 0);
	assert_null(take_bytes(&r, SIZE_MAX));
	assert_false(r.ok);
	put_u8(&w, 1);
	put_zeros(&w, SIZE_MAX);
	assert_false(w.ok);
	assert_int_equal(w.len, 1);
}

static void a_sub_reader_ends_at_its_own_end(void **state)
{
	const uint8_t bytes[] = {1, 2, 3, 4};
	struct reader r = reader_of(bytes, sizeof(bytes));
	struct reader sub = take_sub(&r, 2);

	(void)state;
	assert_int_equal(take_u32(&sub), 0);
	assert_false(sub.ok);
	assert_true(r.ok);
	assert_int_equal(take_u16(&r), 0x0304);
	assert_true(reader_done(&r));
}

static void a_sub_reader_that_is_too_long_fails_both_readers(void **state)
{
	const uint8_t bytes[] = {1, 2, 3, 4};
	struct reader r = reader_of(bytes, sizeof(bytes));
	struct reader sub = take_sub(&r, 5);

	(void)state;
	assert_false(sub.ok);
	assert_int_equal(sub.left, 0);
	assert_false(r.ok);
}

static void a_reader_with_bytes_left_is_not_done(void **state)
{
	const uint8_t bytes[] = {1, 2};
	struct reader r = reader_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(take_u8(&r), 1);
	assert_false(reader_done(&r));
	assert_true(r.ok);
}

static void an_empty_message_is_valid(void **state)
{
	struct reader r = reader_of(NULL, 0);
	struct writer w = writer_of(NULL, 0);
	struct reader sub;

	(void)state;
	assert_true(reader_done(&r));
	sub = take_sub(&r, 0);
	assert_true(reader_done(&sub));
	assert_true(reader_done(&r));
	assert_int_equal(take_u8(&r), 0);
	assert_false(r.ok);
	put_bytes(&w, NULL, 0);
	put_zeros(&w, 0);
	assert_true(w.ok);
	put_u8(&w, 1);
	assert_false(w.ok);
}

static void a_failed_put_writes_nothing_and_fails_all_later_puts(void **state)
{
	uint8_t bytes[4];
	struct writer w = writer_of(bytes, 3);

	(void)state;
	memset(bytes, 0xee, sizeof(bytes));
	put_u8(&w, 1);
	put_u32(&w, 0);
	assert_false(w.ok);
	put_u8(&w, 2);
	put_bytes(&w, "x", 1);
	assert_int_equal(w.len, 1);
	assert_memory_equal(bytes, "\x01\xee\xee\xee", 4);
}

static void a_length_is_patched(void **state)
{
	uint8_t bytes[8] = {0};
	struct writer w = writer_of(bytes, sizeof(bytes));
	size_t mark;

	(void)state;
	put_u8(&w, 9);
	mark = put_mark_u16(&w);
	put_bytes(&w, "abc", 3);
	patch_u16(&w, mark, 0x1234);
	assert_true(w.ok);
	assert_int_equal(w.len, 6);
	assert_memory_equal(bytes,
	    "\x09\x12\x34"
	    "abc",
	    6);
}

static void a_length_that_does_not_fit_fails(void **state)
{
	uint8_t bytes[8];
	struct writer w = writer_of(bytes, sizeof(bytes));
	size_t mark = put_mark_u16(&w);

	(void)state;
	patch_u16(&w, mark, 65536);
	assert_false(w.ok);
	w = writer_of(bytes, sizeof(bytes));
	put_u8(&w, 0);
	patch_u16(&w, 0, 1); /* the second byte was never written */
	assert_false(w.ok);
	assert_int_equal(bytes[0], 0);
}

static void a_failed_writer_patches_nothing(void **state)
{
	uint8_t bytes[4];
	struct writer w = writer_of(bytes, sizeof(bytes));
	size_t mark = put_mark_u16(&w);

	(void)state;
	put_zeros(&w, 3);
	patch_u16(&w, mark, 0x1234);
	assert_false(w.ok);
	assert_memory_equal(bytes, "\0\0", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_are_big_endian),
	    cmocka_unit_test(numbers_survive_put_and_take),
	    cmocka_unit_test(a_failed_take_fails_all_later_takes),
	    cmocka_unit_test(a_length_near_the_limit_does_not_wrap),
	    cmocka_unit_test(a_sub_reader_ends_at_its_own_end),
	    cmocka_unit_test(a_sub_reader_that_is_too_long_fails_both_readers),
	    cmocka_unit_test(a_reader_with_bytes_left_is_not_done),
	    cmocka_unit_test(an_empty_message_is_valid),
	    cmocka_unit_test(
		a_failed_put_writes_nothing_and_fails_all_later_puts),
	    cmocka_unit_test(a_length_is_patched),
	    cmocka_unit_test(a_length_that_does_not_fit_fails),
	    cmocka_unit_test(a_failed_writer_patches_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
