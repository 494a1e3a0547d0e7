#include "agent/source/request_size.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

/* A path. Every request wants placeholders. */
struct path {
	struct request_size size;
	bool loses_large;
	unsigned loses_percent;
	uint64_t state;
	unsigned asked, answered, large, turns;
};

static bool by_chance(struct path *p)
{
	p->state = p->state * UINT64_C(6364136223846793005) + 1442695040888963;
	return (p->state >> 33) % 100 < p->loses_percent;
}

/* True: answered. */
static bool ask(struct path *p)
{
	bool large = request_size_limit(&p->size) == 0;

	request_size_sent(&p->size, large);
	p->asked++;
	p->large += large;
	if ((large && p->loses_large) || by_chance(p)) {
		request_size_lost(&p->size);
		return false;
	}
	p->answered++;
	p->turns += request_size_answered(&p->size);
	return true;
}

static void after_a_loss_the_next_request_is_small(void **state)
{
	struct path p = {.loses_large = true};

	(void)state;
	assert_false(ask(&p));
	assert_int_not_equal(request_size_limit(&p.size), 0);
	assert_true(ask(&p));
	assert_int_equal(request_size_limit(&p.size), 0);
	assert_false(p.size.blamed);
}

static void a_path_that_loses_large_packets_is_blamed(void **state)
{
	struct path p = {.loses_large = true};

	(void)state;
	while (!p.size.blamed)
		ask(&p);
	assert_int_equal(p.large, REQUEST_SIZE_EVIDENCE);
	assert_int_equal(p.asked, 2 * REQUEST_SIZE_EVIDENCE);
	assert_int_equal(p.turns, 1);
	/* From now on hardly any request is lost. */
	for (int i = 0; i < 10000; i++)
		ask(&p);
	assert_true(p.asked - p.answered < 25);
	assert_int_equal(p.turns, 1);
}

static void a_path_that_is_well_again_is_noticed(void **state)
{
	struct path p = {.loses_large = true};
	unsigned before;

	(void)state;
	while (!p.size.blamed)
		ask(&p);
	p.loses_large = false;
	before = p.asked;
	while (p.size.blamed)
		assert_true(ask(&p));
	assert_int_equal(p.asked - before, REQUEST_SIZE_PATIENCE + 1);
	assert_int_equal(p.turns, 2);
	assert_int_equal(request_size_limit(&p.size), 0);
}

static void silence_is_not_blamed_on_the_size(void **state)
{
	struct path p = {.loses_percent = 100};

	(void)state;
	for (int i = 0; i < 1000; i++)
		ask(&p);
	assert_false(p.size.blamed);
	assert_int_equal(p.large, 1);
}

/* Three losses of large requests, and one of a small one between them. */
static void a_lost_small_request_clears_the_size(void **state)
{
	struct path p = {.loses_large = true};

	(void)state;
	for (int i = 0; i < 2 * (REQUEST_SIZE_EVIDENCE - 1); i++)
		ask(&p);
	assert_int_equal(p.size.evidence, REQUEST_SIZE_EVIDENCE - 1);
	assert_false(ask(&p));
	p.loses_percent = 100;
	assert_false(ask(&p));
	p.loses_percent = 0;
	assert_true(ask(&p));
	for (int i = 0; i < 2 * (REQUEST_SIZE_EVIDENCE - 2); i++)
		ask(&p);
	assert_false(p.size.blamed);
	ask(&p);
	assert_true(ask(&p));
	assert_true(p.size.blamed);
}

/* The tries become rarer while large requests are lost. */
static void a_blamed_path_is_tried_less_and_less_often(void **state)
{
	struct path p = {.loses_large = true};
	unsigned last = 0, gap = 0;

	(void)state;
	while (!p.size.blamed)
		ask(&p);
	for (unsigned n = REQUEST_SIZE_PATIENCE; n <= 4096; n *= 2) {
		unsigned expected = n < REQUEST_SIZE_PATIENCE_MAX
					? n
					: REQUEST_SIZE_PATIENCE_MAX;

		for (gap = 0, last = p.large; p.large == last; gap++)
			ask(&p);
		assert_int_equal(gap - 1, expected);
	}
}

/* With a full jar no request is large: then the path is not blamed for ever. */
static void a_path_without_large_requests_is_cleared(void **state)
{
	struct path p = {.loses_large = true};
	unsigned answers = 0;

	(void)state;
	while (!p.size.blamed)
		ask(&p);
	for (bool changed = false; !changed; answers++) {
		request_size_sent(&p.size, false);
		changed = request_size_answered(&p.size);
	}
	assert_false(p.size.blamed);
	assert_in_range(
	    answers, 2 * REQUEST_SIZE_PATIENCE, 3 * REQUEST_SIZE_PATIENCE);
}

static void chance_is_hardly_ever_blamed(void **state)
{
	unsigned blamed = 0;

	(void)state;
	for (unsigned seed = 1; seed <= 100; seed++) {
		struct path p = {.loses_percent = 10, .state = seed};

		for (int i = 0; i < 1000; i++)
			ask(&p);
		blamed += p.turns;
	}
	/* Blamed and cleared is two changes, a few times in 100000. */
	assert_in_range(blamed, 0, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(after_a_loss_the_next_request_is_small),
	    cmocka_unit_test(a_path_that_loses_large_packets_is_blamed),
	    cmocka_unit_test(a_path_that_is_well_again_is_noticed),
	    cmocka_unit_test(silence_is_not_blamed_on_the_size),
	    cmocka_unit_test(a_lost_small_request_clears_the_size),
	    cmocka_unit_test(a_blamed_path_is_tried_less_and_less_often),
	    cmocka_unit_test(a_path_without_large_requests_is_cleared),
	    cmocka_unit_test(chance_is_hardly_ever_blamed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
