#include "agent/ctl/shadow/agreement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const struct {
	unsigned count;
	struct interval in[5];
	bool agreed;
	struct interval out;
} cases[] = {
    {0, {{0, 0}}, false, {0, 0}},
    {1, {{1, 2}}, true, {1, 2}},
    {2, {{0, 2}, {1, 3}}, true, {1, 2}},
    /* They touch. */
    {2, {{0, 1}, {1, 3}}, true, {1, 1}},
    /* One of two is no majority. */
    {2, {{0, 1}, {2, 3}}, false, {0, 0}},
    {3, {{0, 2}, {1, 3}, {10, 11}}, true, {1, 2}},
    {3, {{0, 1}, {2, 3}, {4, 5}}, false, {0, 0}},
    /* Two of four are no majority. */
    {4, {{0, 1}, {0, 1}, {5, 6}, {5, 6}}, false, {0, 0}},
    /* The large one holds both, but only three agree. */
    {5, {{0, 100}, {1, 2}, {1.5, 3}, {50, 60}, {70, 80}}, true, {1.5, 2}},
    /* The ends of one are the wrong way round. */
    {3, {{0, 3}, {2, 1}, {1.5, 4}}, true, {1.5, 2}},
    {1, {{2, 1}}, true, {1, 2}},
    /* Within one another. */
    {3, {{0, 10}, {2, 8}, {4, 5}}, true, {4, 5}},
};

static void the_largest_overlap_needs_a_majority(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct interval out;
		bool agreed = agreement_of(cases[i].in, cases[i].count, &out);

		if (agreed != cases[i].agreed)
			fail_msg("case %zu", i);
		if (agreed && (out.low != cases[i].out.low ||
				  out.high != cases[i].out.high))
			fail_msg("case %zu: %g to %g", i, out.low, out.high);
	}
}

static void too_many_intervals_are_no_agreement(void **state)
{
	struct interval many[AGREEMENT_MAX + 1] = {{0, 0}}, out;

	(void)state;
	assert_true(agreement_of(many, AGREEMENT_MAX, &out));
	assert_false(agreement_of(many, AGREEMENT_MAX + 1, &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_largest_overlap_needs_a_majority),
	    cmocka_unit_test(too_many_intervals_are_no_agreement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
