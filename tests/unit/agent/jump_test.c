/* What the engine does when time does not go on as it should: the machine
 * sleeps, or somebody sets the clock. */
#include "tests/unit/agent/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/agent/ear.h"

static struct world *running_world(void)
{
	struct world *w = world_new(3, NS_PER_MS, 20);

	world_start(w);
	world_run(w, 3600 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	return w;
}

static bool synchronised(struct world *w)
{
	struct tracking t;

	steering_tracking(w->engine.steering, &w->engine.timescale,
	    (struct wall){w->wall}, &t);
	return t.synchronised;
}

/* A night; the hardware clock was right. */
static void a_sleep_costs_seconds_and_no_step(void **state)
{
	struct world *w = running_world();
	uint64_t good = w->engine.sources[0].count.good;
	struct ear ear;

	(void)state;
	ear = listen_to_log();
	world_suspend(w, 8 * 3600 * NS_PER_S, 0);
	engine_on_timer(&w->engine, world_moment(w));
	world_run(w, 5 * NS_PER_S);
	assert_logged(&ear, "was suspended for 28800.0 s", true);
	assert_true(w->engine.sources[0].count.good > good);
	assert_true(synchronised(w));
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_true(llabs(world_error(w)) < 50 * NS_PER_US);
	world_end(w);
}

static void a_bad_hardware_clock_is_stepped_once(void **state)
{
	struct world *w = running_world();

	(void)state;
	world_suspend(w, 3600 * NS_PER_S, 700 * NS_PER_MS);
	world_run(w, 30 * NS_PER_S);
	assert_int_equal(w->steps, 1);
	assert_true(llabs(world_error(w)) < NS_PER_MS);
	assert_true(synchronised(w));
	world_end(w);
}

/* The waiting of those whom the network failed ends with it. */
static void a_sleep_ends_the_waiting(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	w->keys_fail[0] = true;
	w->fail_stage = KE_STAGE_CONNECT;
	world_start(w);
	world_run(w, 3600 * NS_PER_S);
	w->keys_fail[0] = false;
	world_suspend(w, 60 * NS_PER_S, 0);
	engine_on_timer(&w->engine, world_moment(w));
	world_run(w, 2 * NS_PER_S);
	assert_true(w->engine.sources[0].count.good > 0);
	world_end(w);
}

static void whoever_may_have_set_the_clock_is_named(void **state)
{
	struct world *w = running_world();
	struct ear ear;

	(void)state;
	w->rival = "chronyd (pid 7)";
	ear = listen_to_log();
	w->wall += 5 * NS_PER_S;
	world_run(w, 70 * NS_PER_S);
	assert_logged(
	    &ear, "moved by +5.000 s from outside, perhaps by chronyd", true);
	assert_int_equal(w->steps, 1);
	world_end(w);
}

static void nobody_is_named_without_reason(void **state)
{
	struct world *w = running_world();
	struct ear ear;

	(void)state;
	ear = listen_to_log();
	w->wall -= 5 * NS_PER_S;
	world_run(w, 70 * NS_PER_S);
	assert_logged(&ear, "perhaps by", false);
	assert_int_equal(w->steps, 1);
	assert_true(llabs(world_error(w)) < NS_PER_MS);
	world_end(w);
}

/* Readings, and the alarm that nobody has raised. */
static void the_clocks_can_be_read(void **state)
{
	struct moment m = moment_read(true), n = moment_read(false);
	int fd = moment_open_alarm();
	uint64_t times;

	(void)state;
	assert_true(m.boot_ns >= m.mono.ns - NS_PER_MS);
	assert_true(n.mono.ns >= m.mono.ns);
	assert_int_equal(n.boot_ns, 0);
	assert_true(fd >= 0);
	moment_rearm(fd);
	assert_int_equal(read(fd, &times, sizeof(times)), -1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_sleep_costs_seconds_and_no_step),
	    cmocka_unit_test(a_bad_hardware_clock_is_stepped_once),
	    cmocka_unit_test(a_sleep_ends_the_waiting),
	    cmocka_unit_test(whoever_may_have_set_the_clock_is_named),
	    cmocka_unit_test(nobody_is_named_without_reason),
	    cmocka_unit_test(the_clocks_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
