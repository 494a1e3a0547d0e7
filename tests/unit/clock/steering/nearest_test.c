/* The list of records that can be the nearest one, next to a look at all. */
#include "clock/steering/nearest.h"

#include "clock/steering/candidates.h"

#include "tests/unit/clock/steering/rig.h"

/* What the list replaces. */
static const struct record *nearest_of_all(
    const struct steering_source *src, const struct carry *c)
{
	const struct record *nearest = const_record(src, 0);

	for (unsigned i = 1; i < src->count; i++) {
		const struct record *r = const_record(src, i);

		if (record_distance_ns(r, c) < record_distance_ns(nearest, c))
			nearest = r;
	}
	return nearest;
}

static void compare(const struct steering_source *src, int64_t now_ns)
{
	static const double growths[] = {0, 1e-9, 1e-6, 1e-4, 1e-2};

	for (size_t i = 0; i < ARRAY_LEN(growths); i++) {
		const struct carry c = {{now_ns}, 0, 0, growths[i]};

		assert_ptr_equal(
		    nearest_record(src, &c, false), nearest_of_all(src, &c));
	}
}

/* As steering_add() does. */
static void add(struct steering_source *src, int64_t at_ns, int64_t delay_ns)
{
	src->next = (src->next + 1) % RECORDS;
	src->count = src->count < RECORDS ? src->count + 1 : RECORDS;
	*record(src, 0) =
	    (struct record){.sample = {.at = {at_ns}, .delay_ns = delay_ns}};
	nearest_added(src);
}

/* Three times around the ring, with equal delays and samples out of order. */
static void the_list_has_the_nearest_of_all_records(void **state)
{
	static struct steering_source src;
	struct chance chance = {7};
	int64_t at_ns = 0;

	(void)state;
	for (unsigned i = 0; i < 3 * RECORDS; i++) {
		at_ns +=
		    (int64_t)(chance_uniform(&chance) * 40e9) - 4 * NS_PER_S;
		add(&src, at_ns,
		    (int64_t)(chance_uniform(&chance) * 20) * 10000);
		compare(&src, at_ns);
		compare(&src, at_ns + 1000 * NS_PER_S);
	}
	assert_int_equal(src.count, RECORDS);
	/* That is what it is for. */
	assert_in_range(src.nearest.count, 1, 30);
}

static void the_list_is_found_again_after_records_are_gone(void **state)
{
	static struct steering_source src;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		add(&src, i * NS_PER_S, i == 5 ? 1000 : 5000 - 10 * i);
	/* The nearest is gone: one that it hid is left. */
	src.count = 4;
	nearest_find(&src);
	compare(&src, 20 * NS_PER_S);
	assert_int_equal(src.nearest.count, 1);
	for (unsigned i = 10; i < 10 + RECORDS; i++) {
		add(&src, i * NS_PER_S, 4000 + 10 * i);
		compare(&src, i * NS_PER_S);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_list_has_the_nearest_of_all_records),
	    cmocka_unit_test(the_list_is_found_again_after_records_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
