/* A resolver that is stopped, or hangs. */
#include "agent/engine/sources.h"

#include "tests/unit/agent/engine/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

static void an_exchange_without_an_answer_has_failed(void **state)
{
	struct world *w = world_new(2, 0, 0);
	struct source *s;

	(void)state;
	w->no_resolver = true;
	world_start(w);
	s = w->engine.sources;
	world_run(w, 12 * NS_PER_S);
	assert_int_equal(s[0].stage, STAGE_KEYING);
	world_run(w, 4 * NS_PER_S);
	assert_string_equal(s[0].failure, "start");
	assert_non_null(
	    strstr(s[0].reason, "resolver process does not answer"));
	/* Two at once are one. */
	assert_int_equal(w->engine.resolver_strikes, 1);
	w->no_resolver = false;
	world_run(w, 25 * NS_PER_S);
	assert_true(s[0].count.good > 0 && s[1].count.good > 0);
	assert_int_equal(w->engine.resolver_strikes, 0);
	assert_int_equal(w->engine.end, ENGINE_RUNS);
	world_end(w);
}

static void several_in_a_row_end_the_agent(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	w->no_resolver = true;
	world_start(w);
	world_run(w, 120 * NS_PER_S);
	assert_int_equal(w->engine.end, ENGINE_STUCK);
	assert_true(
	    w->engine.now.mono.ns - w->engine.started.mono.ns < 60 * NS_PER_S);
	world_end(w);
}

/* Whoever has keys polls on meanwhile. */
static void keys_in_use_stay_in_use(void **state)
{
	struct world *w = world_new(1, 0, 0);
	struct source *s;
	uint64_t good;

	(void)state;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	w->no_resolver = true;
	s = &w->engine.sources[0];
	s->keys_wanted = true;
	s->keys_not_before = (struct mono){w->mono};
	good = s->count.good;
	world_run(w, 16 * NS_PER_S);
	assert_int_equal(w->engine.resolver_strikes, 1);
	assert_int_equal(s->stage, STAGE_POLLING);
	w->no_resolver = false;
	world_run(w, 300 * NS_PER_S);
	assert_true(s->count.good > good);
	assert_int_equal(w->engine.end, ENGINE_RUNS);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_exchange_without_an_answer_has_failed),
	    cmocka_unit_test(several_in_a_row_end_the_agent),
	    cmocka_unit_test(keys_in_use_stay_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
