/* What the log says of sources that the others outvote. */
#include "tests/unit/agent/engine/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/agent/engine/ear.h"

static void run(struct world *w, int64_t seconds)
{
	world_run(w, seconds * NS_PER_S);
}

static void a_liar_is_told_of_once(void **state)
{
	struct world *w = world_new(3, NS_PER_MS, 5);
	struct ear ear = listen_to_log();

	(void)state;
	w->peer_error_ns[1] = 500 * NS_PER_MS;
	world_start(w);
	run(w, 120);
	assert_logged(
	    &ear, " ahead of that of the majority of the sources", true);
	ear = listen_to_log();
	run(w, 3600);
	assert_logged(&ear, "its time is", false);
	world_end(w);
}

static void one_that_agrees_again_is_told_of(void **state)
{
	struct world *w = world_new(3, NS_PER_MS, 5);
	struct ear ear;

	(void)state;
	world_start(w);
	run(w, 120);
	ear = listen_to_log();
	w->peer_error_ns[2] = -700 * NS_PER_MS;
	run(w, 600);
	assert_logged(
	    &ear, "s behind that of the majority of the sources", true);
	ear = listen_to_log();
	w->peer_error_ns[2] = 0;
	run(w, 3600);
	assert_logged(
	    &ear, "c: agrees with the majority of the sources again", true);
	world_end(w);
}

static void without_a_majority_nobody_is_outvoted(void **state)
{
	struct world *w = world_new(2, NS_PER_MS, 5);
	struct ear ear = listen_to_log();

	(void)state;
	w->peer_error_ns[1] = 500 * NS_PER_MS;
	world_start(w);
	run(w, 120);
	assert_logged(&ear, "its time is", false);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_liar_is_told_of_once),
	    cmocka_unit_test(one_that_agrees_again_is_told_of),
	    cmocka_unit_test(without_a_majority_nobody_is_outvoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
