/* How often a user may ask. */
#include "agent/query/user_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const struct mono start = {1000 * NS_PER_S};

/* How many of `tries` at this moment are allowed. */
static int allowed(struct user_limit *l, uid_t uid, int tries, struct mono now)
{
	int count = 0;

	for (int i = 0; i < tries; i++)
		count += user_limit_allows(l, uid, now);
	return count;
}

static struct user_limit fresh(void)
{
	struct user_limit l;

	user_limit_init(&l, start);
	return l;
}

static void a_burst_and_then_so_many_a_second(void **state)
{
	struct user_limit l = fresh();
	struct mono later = mono_after(start, 2 * NS_PER_S);

	(void)state;
	assert_int_equal(allowed(&l, 1000, 500, start), USER_LIMIT_BURST);
	assert_int_equal(allowed(&l, 1000, 500, start), 0);
	assert_int_equal(allowed(&l, 1000, 500, later), 2 * USER_LIMIT_PER_S);
	/* What nobody used does not add up without end. */
	later = mono_after(later, 3600 * NS_PER_S);
	assert_int_equal(allowed(&l, 1000, 500, later), USER_LIMIT_BURST);
}

static void a_user_does_not_take_from_another(void **state)
{
	struct user_limit l = fresh();

	(void)state;
	assert_int_equal(allowed(&l, 1000, 500, start), USER_LIMIT_BURST);
	assert_int_equal(allowed(&l, 1001, 500, start), USER_LIMIT_BURST);
}

static void root_has_no_limit(void **state)
{
	struct user_limit l = fresh();

	(void)state;
	assert_int_equal(allowed(&l, 0, 5000, start), 5000);
	assert_int_equal(allowed(&l, 1000, 500, start), USER_LIMIT_BURST);
}

/* One user that becomes many, as in a user namespace. */
static void all_users_have_a_limit_together(void **state)
{
	struct user_limit l = fresh();
	int total = 0;

	(void)state;
	for (uid_t uid = 100000; uid < 101000; uid++)
		total += allowed(&l, uid, 10, start);
	assert_int_equal(total, USER_LIMIT_ALL_BURST);
	total = allowed(&l, 5, 500, mono_after(start, NS_PER_S));
	assert_int_equal(total, USER_LIMIT_ALL_PER_S);
}

/* The one who has used the most keeps its place. */
static void a_greedy_user_is_not_forgotten(void **state)
{
	struct user_limit l = fresh();

	(void)state;
	assert_int_equal(allowed(&l, 1000, 500, start), USER_LIMIT_BURST);
	for (uid_t uid = 2000; uid < 2000 + 2 * USER_LIMIT_USERS; uid++)
		assert_int_equal(allowed(&l, uid, 1, start), 1);
	assert_int_equal(allowed(&l, 1000, 500, start), 0);
}

/* A user is low after half a burst, root never, and everybody once all together
 * have spent half. */
static void half_a_burst_is_often(void **state)
{
	const struct mono now = start;
	struct user_limit l = fresh();

	(void)state;
	assert_false(user_limit_is_low(&l, 5, now));
	for (int i = 0; i < USER_LIMIT_BURST / 2; i++) {
		assert_false(user_limit_is_low(&l, 5, now));
		assert_true(user_limit_allows(&l, 5, now));
	}
	assert_true(user_limit_allows(&l, 5, now));
	assert_true(user_limit_is_low(&l, 5, now));
	assert_false(user_limit_is_low(&l, 6, now));
	assert_false(user_limit_is_low(&l, 0, now));
	assert_false(user_limit_is_low(&l, 5, mono_after(now, NS_PER_S)));
	for (uid_t uid = 6; uid < 9; uid++)
		for (int i = 0; i < USER_LIMIT_BURST / 2; i++)
			assert_true(user_limit_allows(&l, uid, now));
	assert_true(user_limit_is_low(&l, 10, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(half_a_burst_is_often),
	    cmocka_unit_test(a_burst_and_then_so_many_a_second),
	    cmocka_unit_test(a_user_does_not_take_from_another),
	    cmocka_unit_test(root_has_no_limit),
	    cmocka_unit_test(all_users_have_a_limit_together),
	    cmocka_unit_test(a_greedy_user_is_not_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
