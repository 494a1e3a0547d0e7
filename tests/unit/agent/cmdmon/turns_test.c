#include "agent/cmdmon/turns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const struct mono start = {INT64_C(9000) * NS_PER_S};

static struct mono at_us(int64_t us)
{
	return mono_after(start, us * 1000);
}

/* Asks socket `i` until it pauses. Returns how many requests were allowed. */
static unsigned flood(struct turns *t, unsigned i, struct mono now)
{
	unsigned count = 0;

	while (count <= 2 * TURNS_BURST && turns_allow(t, i, now))
		count++;
	return count;
}

static void a_flood_of_one_socket_leaves_the_others(void **state)
{
	struct turns t;

	(void)state;
	turns_init(&t, 3, start);
	assert_int_equal(flood(&t, 0, start), TURNS_BURST);
	assert_true(turns_pauses(&t, 0, start));
	for (unsigned i = 1; i < 3; i++) {
		assert_false(turns_pauses(&t, i, start));
		assert_int_equal(flood(&t, i, start), TURNS_BURST);
	}
}

static void a_pause_ends(void **state)
{
	const int64_t pause_us = TURNS_PAUSE_MS * 1000;
	struct turns t;

	(void)state;
	turns_init(&t, 1, start);
	assert_false(turns_pauses(&t, 0, start));
	flood(&t, 0, start);
	assert_true(turns_pauses(&t, 0, at_us(pause_us - 1)));
	assert_false(turns_pauses(&t, 0, at_us(pause_us)));
	/* What the pause has saved. */
	assert_in_range(flood(&t, 0, at_us(pause_us)),
	    TURNS_PER_S * TURNS_PAUSE_MS / 1000 - 1,
	    TURNS_PER_S * TURNS_PAUSE_MS / 1000);
	assert_true(turns_pauses(&t, 0, at_us(pause_us)));
}

static void the_wait_is_for_the_first_pause_that_ends(void **state)
{
	struct turns t;

	(void)state;
	turns_init(&t, 3, start);
	assert_int_equal(turns_wait_ms(&t, start), 0);
	flood(&t, 1, start);
	flood(&t, 0, at_us(4000));
	assert_int_equal(turns_wait_ms(&t, at_us(4000)), TURNS_PAUSE_MS - 4);
	/* Never 0 while one pauses: that means none. */
	assert_int_equal(
	    turns_wait_ms(&t, at_us(TURNS_PAUSE_MS * 1000 - 1)), 1);
	assert_int_equal(turns_wait_ms(&t, at_us(TURNS_PAUSE_MS * 1000)), 4);
	assert_int_equal(turns_wait_ms(&t, at_us(NS_PER_S / 1000)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_flood_of_one_socket_leaves_the_others),
	    cmocka_unit_test(a_pause_ends),
	    cmocka_unit_test(the_wait_is_for_the_first_pause_that_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
