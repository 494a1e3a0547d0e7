#include "base/allowance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define BURST 4000
#define PER_S 3000

static const struct allowance_limit limit = {BURST, PER_S};
static const struct mono start = {INT64_C(9000) * NS_PER_S};

static unsigned allowed_at(
    struct allowance *a, int64_t after_ns, unsigned asked)
{
	unsigned count = 0;

	while (asked-- > 0)
		count +=
		    allowance_spend(a, &limit, mono_after(start, after_ns));
	return count;
}

static void so_many_at_once_and_no_more(void **state)
{
	struct allowance a = allowance_full(&limit, start);

	(void)state;
	assert_int_equal(allowed_at(&a, 0, 9000), BURST);
}

static void then_so_many_a_second(void **state)
{
	struct allowance a = allowance_full(&limit, start);
	unsigned count = 0;

	(void)state;
	allowed_at(&a, 0, 9000);
	for (int64_t ms = 1; ms <= 1000; ms++)
		count += allowed_at(&a, ms * NS_PER_MS, 20);
	assert_in_range(count, PER_S - 1, PER_S + 1);
}

static void silence_saves_no_more_than_a_burst(void **state)
{
	struct allowance a = allowance_full(&limit, start);

	(void)state;
	allowed_at(&a, 0, 9000);
	assert_int_equal(allowed_at(&a, 3600 * NS_PER_S, 9000), BURST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(so_many_at_once_and_no_more),
	    cmocka_unit_test(then_so_many_a_second),
	    cmocka_unit_test(silence_saves_no_more_than_a_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
