#include "nts/cookies.h"
#include "tests/unit/nts/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

static void put(struct cookie_jar *jar, uint8_t first)
{
	uint8_t bytes[64];

	memset(bytes, first, sizeof(bytes));
	assert_true(cookie_jar_put(jar, bytes, sizeof(bytes)));
}

static uint8_t take(struct cookie_jar *jar)
{
	struct cookie c;

	assert_true(cookie_jar_take(jar, &c));
	assert_int_equal(c.len, 64);
	return c.bytes[0];
}

static void the_oldest_leaves_first(void **state)
{
	struct cookie_jar jar = {0};

	(void)state;
	for (uint8_t i = 1; i <= 5; i++)
		put(&jar, i);
	for (uint8_t i = 1; i <= 5; i++)
		assert_int_equal(take(&jar), i);
}

static void a_cookie_that_was_put_back_is_the_oldest_again(void **state)
{
	struct cookie_jar jar = {0};
	struct cookie c, none = {0};

	(void)state;
	for (uint8_t i = 1; i <= NTS_COOKIES; i++)
		put(&jar, i);
	assert_true(cookie_jar_take(&jar, &c));
	assert_true(cookie_jar_put_back(&jar, &c));
	assert_false(cookie_jar_put_back(&jar, &c));
	for (uint8_t i = 1; i <= NTS_COOKIES; i++)
		assert_int_equal(take(&jar), i);
	assert_false(cookie_jar_put_back(&jar, &none));
}

static void an_empty_jar_gives_nothing(void **state)
{
	struct cookie_jar jar = {0};
	struct cookie c;

	(void)state;
	assert_false(cookie_jar_take(&jar, &c));
	assert_int_equal(cookie_jar_next_len(&jar), 0);
	put(&jar, 1);
	assert_int_equal(cookie_jar_next_len(&jar), 64);
	assert_int_equal(take(&jar), 1);
	assert_false(cookie_jar_take(&jar, &c));
}

static void a_full_jar_drops_the_oldest(void **state)
{
	struct cookie_jar jar = {0};

	(void)state;
	for (uint8_t i = 1; i <= NTS_COOKIES + 3; i++)
		put(&jar, i);
	assert_int_equal(jar.count, NTS_COOKIES);
	for (uint8_t i = 4; i <= NTS_COOKIES + 3; i++)
		assert_int_equal(take(&jar), i);
	assert_int_equal(jar.count, 0);
}

/* RFC 8915 5.7: a cookie must not be sent again. */
static void a_taken_cookie_is_wiped_in_the_jar(void **state)
{
	static const struct cookie wiped;
	struct cookie_jar jar = {0};

	(void)state;
	put(&jar, 0x5a);
	assert_int_equal(take(&jar), 0x5a);
	for (unsigned i = 0; i < NTS_COOKIES; i++)
		assert_memory_equal(&jar.slot[i], &wiped, sizeof(wiped));
}

static void a_shorter_cookie_wipes_a_longer_one(void **state)
{
	uint8_t longest[NTS_COOKIE_MAX];
	struct cookie_jar jar = {0};

	(void)state;
	memset(longest, 0x5a, sizeof(longest));
	for (unsigned i = 0; i < NTS_COOKIES; i++)
		assert_true(cookie_jar_put(&jar, longest, sizeof(longest)));
	put(&jar, 1);
	assert_int_equal(jar.slot[0].len, 64);
	assert_int_equal(jar.slot[0].bytes[64], 0);
	assert_int_equal(jar.slot[0].bytes[NTS_COOKIE_MAX - 1], 0);
}

static void lengths_have_limits(void **state)
{
	uint8_t bytes[NTS_COOKIE_MAX + 1] = {7};
	struct cookie_jar jar = {0};
	struct cookie c;

	(void)state;
	assert_false(cookie_jar_put(&jar, bytes, 0));
	assert_false(cookie_jar_put(&jar, bytes, sizeof(bytes)));
	assert_int_equal(jar.count, 0);
	assert_true(cookie_jar_put(&jar, bytes, 1));
	assert_true(cookie_jar_put(&jar, bytes, NTS_COOKIE_MAX));
	assert_true(cookie_jar_take(&jar, &c));
	assert_int_equal(c.len, 1);
	assert_true(cookie_jar_take(&jar, &c));
	assert_int_equal(c.len, NTS_COOKIE_MAX);
	assert_memory_equal(c.bytes, bytes, NTS_COOKIE_MAX);
}

/* The model: the jar holds the last eight cookies that were put and not taken,
 * with the numbers from `oldest` to `next` - 1. */
static void random_puts_and_takes_match_a_model(void **state)
{
	struct rng d = {7};
	struct cookie_jar jar = {0};
	unsigned next = 0, oldest = 0;
	struct cookie c;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		size_t action = rng_below(&d, 8);

		if (action < 4) {
			put(&jar, (uint8_t)next++);
			if (next - oldest > NTS_COOKIES)
				oldest++;
		} else if (next == oldest) {
			assert_false(cookie_jar_take_newest(&jar, &c));
		} else if (action < 7) {
			assert_int_equal(take(&jar), (uint8_t)oldest++);
		} else {
			assert_true(cookie_jar_take_newest(&jar, &c));
			assert_int_equal(c.bytes[0], (uint8_t)--next);
		}
		assert_int_equal(jar.count, next - oldest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_oldest_leaves_first),
	    cmocka_unit_test(a_cookie_that_was_put_back_is_the_oldest_again),
	    cmocka_unit_test(an_empty_jar_gives_nothing),
	    cmocka_unit_test(a_full_jar_drops_the_oldest),
	    cmocka_unit_test(a_taken_cookie_is_wiped_in_the_jar),
	    cmocka_unit_test(a_shorter_cookie_wipes_a_longer_one),
	    cmocka_unit_test(lengths_have_limits),
	    cmocka_unit_test(random_puts_and_takes_match_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
