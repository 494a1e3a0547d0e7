#include "agent/keeper/ration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct mono at(int64_t s)
{
	return (struct mono){s * NS_PER_S};
}

static void so_many_are_free_and_the_next_waits(void **state)
{
	struct ration r = {.most = 3, .period_ns = 60 * NS_PER_S};

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(mono_due(ration_next(&r), at(100 + i)));
		ration_use(&r, at(100 + i));
	}
	assert_int_equal(ration_next(&r).ns, at(160).ns);
	assert_false(mono_due(ration_next(&r), at(159)));
	ration_use(&r, at(160));
	assert_int_equal(ration_next(&r).ns, at(161).ns);
	ration_use(&r, at(1000));
	assert_int_equal(ration_next(&r).ns, at(162).ns);
}

static void the_largest_ration_has_room(void **state)
{
	struct ration r = {.most = RATION_MAX, .period_ns = NS_PER_S};

	(void)state;
	for (int i = 0; i < 5 * RATION_MAX; i++)
		ration_use(&r, at(i));
	assert_int_equal(r.used, RATION_MAX);
	assert_int_equal(ration_next(&r).ns, at(4 * RATION_MAX + 1).ns);
}

static void only_what_is_wanted_and_too_early_waits(void **state)
{
	struct ration r = {.most = 1, .period_ns = 60 * NS_PER_S};

	(void)state;
	assert_int_equal(ration_wait(&r, true, at(100)).ns, MONO_NEVER.ns);
	ration_use(&r, at(100));
	assert_int_equal(ration_wait(&r, true, at(159)).ns, at(160).ns);
	assert_int_equal(ration_wait(&r, false, at(159)).ns, MONO_NEVER.ns);
	assert_int_equal(ration_wait(&r, true, at(160)).ns, MONO_NEVER.ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(so_many_are_free_and_the_next_waits),
	    cmocka_unit_test(the_largest_ration_has_room),
	    cmocka_unit_test(only_what_is_wanted_and_too_early_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
