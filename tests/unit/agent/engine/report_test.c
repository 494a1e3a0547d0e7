/* The lines for the log about sources that others outvote. */
#include "tests/unit/agent/engine/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void run(struct world *w, int64_t seconds)
{
	world_run(w, seconds * NS_PER_S);
}

static void an_outvoted_source_gets_one_line(void **state)
{
	struct world *w = world_new(3, NS_PER_MS, 5);

	(void)state;
	w->peer_error_ns[1] = 500 * NS_PER_MS;
	world_start(w);
	run(w, 120);
	assert_true(
	    world_logged(w, " ahead of that of the majority of the sources"));
	world_forget_log(w);
	run(w, 3600);
	assert_false(world_logged(w, "its time is"));
	world_end(w);
}

static void a_source_that_agrees_again_gets_one_line(void **state)
{
	struct world *w = world_new(3, NS_PER_MS, 5);

	(void)state;
	world_start(w);
	run(w, 120);
	world_forget_log(w);
	w->peer_error_ns[2] = -700 * NS_PER_MS;
	run(w, 600);
	assert_true(
	    world_logged(w, "s behind that of the majority of the sources"));
	world_forget_log(w);
	w->peer_error_ns[2] = 0;
	run(w, 3600);
	assert_true(world_logged(
	    w, "c: agrees with the majority of the sources again"));
	world_end(w);
}

static void without_a_majority_no_source_is_outvoted(void **state)
{
	struct world *w = world_new(2, NS_PER_MS, 5);

	(void)state;
	w->peer_error_ns[1] = 500 * NS_PER_MS;
	world_start(w);
	run(w, 120);
	assert_false(world_logged(w, "its time is"));
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_outvoted_source_gets_one_line),
	    cmocka_unit_test(a_source_that_agrees_again_gets_one_line),
	    cmocka_unit_test(without_a_majority_no_source_is_outvoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
