#include "agent/engine/commands.h"

#include "clock/steering/state.h"
#include "tests/unit/agent/engine/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

/* Root distance from which the kernel says "not synchronised". */
#define UNKNOWN_NS (16 * NS_PER_S)

/* Runs until the engine has sent another command. */
static void run_to_command(struct world *w)
{
	unsigned before = w->commands;

	for (int i = 0; w->commands == before && i < 1000; i++)
		world_run(w, NS_PER_S);
	assert_true(w->commands > before);
}

static void a_frequency_error_beyond_max_drift_is_corrected_in_part(
    void **state)
{
	struct world *w = world_new(1, 0, 80);

	(void)state;
	w->config.max_freq_ppm = 50;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(w->engine.order.last_verdict, KEEPER_OK);
	assert_true(fabs(w->keeper.base_freq_ppm + 50) < 0.1);
	world_end(w);
}

/* Other sources may be on their way: the first decision waits for them, and
 * then comes although no other sample does. */
static void the_first_decision_waits_for_three_seconds(void **state)
{
	struct world *w = world_new(1, 100 * NS_PER_S, 0);
	int64_t first;

	(void)state;
	/* The second request is sent after ten seconds. */
	w->config.sources[0].iburst = false;
	world_start(w);
	while (w->engine.sources[0].count.good == 0)
		world_run(w, NS_PER_MS);
	first = w->now;
	w->engine.sources[0].poll_at.ns += 10 * NS_PER_S;
	world_run(w, 3090 * NS_PER_MS);
	assert_int_equal(w->steps, 0);
	while (w->steps == 0 && w->now - first < 10 * NS_PER_S)
		world_run(w, NS_PER_MS);
	assert_in_range(w->now - first, 3099 * NS_PER_MS, 3100 * NS_PER_MS);
	world_end(w);
}

/* The filter starts again in several turns, and the engine does other things
 * between them. */
static void the_filter_starts_again_in_turns(void **state)
{
	struct world *w = world_running(3, 6000 * NS_PER_S);
	struct steering *s = w->engine.steering;

	(void)state;
	s->replay_due = true;
	engine_steer(&w->engine);
	assert_true(s->replay.under_way);
	assert_int_equal(engine_deadline(&w->engine).ns, w->engine.now.mono.ns);
	world_run(w, NS_PER_MS);
	assert_false(s->replay.under_way);
	assert_true(engine_deadline(&w->engine).ns > w->engine.now.mono.ns);
	world_end(w);
}

static void a_keeper_that_does_not_answer_for_15_seconds_ends_the_agent(
    void **state)
{
	struct world *w = world_running(1, 600 * NS_PER_S);
	int64_t asked;

	(void)state;
	w->keeper_hangs = true;
	run_to_command(w);
	asked = w->engine.order.answer_by.ns - 15 * NS_PER_S;
	assert_in_range(w->mono - asked, 0, NS_PER_S);
	while (w->engine.end == ENGINE_RUNS && w->mono < asked + 19 * NS_PER_S)
		world_run(w, NS_PER_MS);
	assert_int_equal(w->engine.end, ENGINE_STUCK);
	assert_in_range(
	    w->mono - asked, 15 * NS_PER_S, 15 * NS_PER_S + 10 * NS_PER_MS);
	assert_true(
	    world_logged(w, "the keeper does not answer any more: ending"));
	world_end(w);
}

/* The clock may be wrong, and the kernel must not call it synchronised. */
static void after_a_refusal_the_kernel_is_told_not_synchronised(void **state)
{
	struct world *w = world_running(1, 600 * NS_PER_S);
	double freq_ppm = w->engine.good_freq_ppm;
	unsigned before;

	(void)state;
	world_forget_log(w);
	w->refusal = KEEPER_SLEW_LIMIT;
	before = w->commands;
	run_to_command(w);
	/* The command that was refused, and the one that tells the kernel. */
	assert_int_equal(w->commands, before + 2);
	assert_false(w->command.synchronised);
	assert_int_equal(w->command.step_ns, 0);
	assert_int_equal(w->command.slew_ns, 0);
	assert_true(w->command.freq_ppm == freq_ppm);
	assert_int_equal(w->command.max_error_ns, UNKNOWN_NS);
	assert_int_equal(w->command.est_error_ns, UNKNOWN_NS);
	assert_true(world_logged(w, "the slew is faster than max-slew"));
	world_end(w);
}

static void the_kernel_is_told_once_until_a_command_succeeds(void **state)
{
	struct world *w = world_running(1, 600 * NS_PER_S);
	unsigned before;

	(void)state;
	w->refusal = KEEPER_KERNEL;
	run_to_command(w);
	assert_true(world_logged(w, "the kernel refused a clock adjustment"));
	assert_true(w->engine.order.disclaimed);
	world_forget_log(w);
	before = w->commands;
	run_to_command(w);
	/* No second one that tells the kernel, and no second line. */
	assert_int_equal(w->commands, before + 1);
	assert_true(w->command.synchronised);
	assert_false(world_logged(w, "refused"));
	w->refusal = KEEPER_OK;
	run_to_command(w);
	assert_false(w->engine.order.disclaimed);
	assert_true(w->status.synchronised);
	w->refusal = KEEPER_KERNEL;
	before = w->commands;
	run_to_command(w);
	assert_int_equal(w->commands, before + 2);
	assert_true(world_logged(w, "refused"));
	world_end(w);
}

/* Orders a step by 30 ms while a slew corrects it. The keeper refuses the
 * order, unless `refusal` is KEEPER_OK. */
static void order_step(struct world *w, enum keeper_verdict refusal)
{
	struct clock_command command;
	int64_t offset_ns;

	w->peer_error_ns[0] = 30 * NS_PER_MS;
	do
		world_run(w, NS_PER_S);
	while (!w->engine.order.slewing ||
	       steering_step(w->engine.steering, &w->engine.timescale,
		   (struct wall){w->wall}, &command,
		   &offset_ns) != STEERING_ORDER_GIVEN);
	w->refusal = refusal;
	engine_order_step(&w->engine, &command);
	w->refusal = KEEPER_OK;
}

static void an_ordered_step_keeps_the_frequency(void **state)
{
	struct world *w = world_running(1, 3600 * NS_PER_S);
	double freq_ppm;

	(void)state;
	order_step(w, KEEPER_OK);
	assert_true(w->engine.step.under_way);
	world_deliver_reports(w);
	assert_false(w->engine.step.under_way);
	assert_true(w->engine.step.answered);
	assert_int_equal(w->engine.step.verdict, KEEPER_OK);
	assert_int_equal(w->steps, 1);
	assert_int_equal(w->command.slew_ns, 0);
	freq_ppm = w->engine.good_freq_ppm;
	assert_true(fabs(freq_ppm + 20) < 1);
	assert_true(w->freq_ppm == freq_ppm);
	assert_false(w->engine.order.slewing);
	assert_true(world_logged(w, "the clock was stepped by +0.0"));
	world_end(w);
}

/* The limits forbid it: that is no reason to doubt the clock. */
static void a_refused_order_leaves_the_clock_as_it_is(void **state)
{
	static const struct {
		enum keeper_verdict verdict;
		bool doubt;
	} rows[] = {
	    {KEEPER_STEP_FORBIDDEN, false},
	    {KEEPER_STEP_LIMIT, false},
	    {KEEPER_STEP_BUDGET, false},
	    {KEEPER_KERNEL, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = world_running(1, 3600 * NS_PER_S);

		order_step(w, rows[i].verdict);
		world_deliver_reports(w);
		assert_true(w->engine.step.answered);
		assert_int_equal(w->engine.step.verdict, rows[i].verdict);
		assert_int_equal(w->engine.order.disclaimed, rows[i].doubt);
		assert_int_equal(w->engine.order.slewing, !rows[i].doubt);
		assert_int_equal(world_logged(w, "refused"), rows[i].doubt);
		world_end(w);
	}
}

/* Nothing else can set a clock that has lost so much. */
static void a_refused_pause_names_the_way_out(void **state)
{
	struct world *w = world_running(1, 3600 * NS_PER_S);
	struct keeper_report r = {
	    .verdict = KEEPER_STEP_BUDGET, .steps = 4, .refused = 3};

	(void)state;
	w->engine.order.pending = true;
	w->engine.order.command = (struct clock_command){
	    .bootstrap = true, .pause = true, .step_ns = 40000 * NS_PER_S};
	r.serial = w->engine.order.serial;
	engine_on_report(&w->engine, &r, world_reading(w));
	assert_true(world_logged(w,
	    "the keeper refused a clock adjustment: the steps that are allowed "
	    "are used up; a restart of the agent sets the clock"));
	assert_int_equal(w->engine.order.steps, 4);
	assert_int_equal(w->engine.order.refused, 3);
	world_end(w);
}

/* Option -Q. */
static void with_print_only_the_first_decision_is_measured(void **state)
{
	struct world *w = world_new(1, 3 * NS_PER_S, 0);

	(void)state;
	w->options.print_only = true;
	w->way_ns[0] = NS_PER_MS;
	world_start(w);
	world_run(w, 30 * NS_PER_S);
	assert_int_equal(w->engine.end, ENGINE_DONE);
	assert_int_equal(w->commands, 0);
	assert_true(
	    llabs(w->engine.measured_offset_ns + 3 * NS_PER_S) < NS_PER_MS);
	/* Half the delay, and little more. */
	assert_in_range(
	    w->engine.measured_bound_ns, NS_PER_MS, NS_PER_MS * 11 / 10);
	world_end(w);
}

/* Runs with -q until the end, or for half a minute. */
static enum engine_end run_once(struct world *w, int64_t max_bound_ns)
{
	w->options.once = true;
	w->options.timeout_s = 20;
	w->options.max_bound_ns = max_bound_ns;
	for (unsigned i = 0; i < w->config.source_count; i++)
		w->way_ns[i] = 2 * NS_PER_MS;
	world_start(w);
	for (int i = 0; i < 30 && w->engine.end == ENGINE_RUNS; i++)
		world_run(w, NS_PER_S);
	return w->engine.end;
}

/* Option -q. */
static void with_once_the_run_ends_when_the_clock_is_set(void **state)
{
	struct world *w = world_new(3, 3 * NS_PER_S, 0);

	(void)state;
	assert_int_equal(run_once(w, 0), ENGINE_DONE);
	assert_true(world_within(w, 2 * NS_PER_MS));
	world_end(w);
}

/* After a refusal the kernel is told that the clock may be wrong, and carries
 * that out: the clock is not set by it. */
static void with_once_a_refusal_sets_no_clock(void **state)
{
	static const enum keeper_verdict refusals[] = {
	    KEEPER_STEP_FORBIDDEN, KEEPER_STEP_LIMIT, KEEPER_KERNEL};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		struct world *w = world_new(3, 3 * NS_PER_S, 0);

		w->refusal = refusals[i];
		w->refuses_steering_alone = true;
		assert_int_equal(run_once(w, 0), ENGINE_TIMEOUT);
		assert_true(world_logged(w, "could not be set in 20 s"));
		world_end(w);
	}
}

/* Option --max-bound. The servers are 2 ms away, so each knows the time to a
 * little more than that. */
static void with_a_bound_a_majority_must_agree_within_it(void **state)
{
	static const struct {
		int64_t offset_ns, bound_ns;
		unsigned silent; /* of three servers */
		bool no_clock, single;
		enum engine_end end;
		const char *says;
	} rows[] = {
	    {3 * NS_PER_S, 10 * NS_PER_MS, 0, false, false, ENGINE_DONE,
		"3 of 3 servers agree that the clock is right within 0.01 s"},
	    {3 * NS_PER_S, 10 * NS_PER_MS, 1, false, false, ENGINE_DONE,
		"2 of 3 servers agree"},
	    {0, 10 * NS_PER_MS, 2, false, false, ENGINE_TIMEOUT,
		"after 20 s, 1 of 3 servers agree that the clock is right "
		"within 0.01 s, and a majority is needed"},
	    {0, 10 * NS_PER_MS, 0, false, true, ENGINE_DONE,
		"1 of 1 servers agree"},
	    /* The bound is not as small as this. */
	    {0, NS_PER_MS, 0, false, false, ENGINE_TIMEOUT,
		"0 of 3 servers agree"},
	    /* Without the right to set it, the clock is only judged. */
	    {NS_PER_MS, 10 * NS_PER_MS, 0, true, false, ENGINE_DONE,
		"3 of 3 servers agree that the clock is right within 0.01 s"},
	    {3 * NS_PER_S, 10 * NS_PER_MS, 0, true, false, ENGINE_BEYOND,
		"of 3 servers agree that the clock is not right within 0.01 "
		"s"},
	    {3 * NS_PER_S, 10 * NS_PER_MS, 1, true, false, ENGINE_BEYOND,
		"2 of 3 servers agree that the clock is not right"},
	    /* Perhaps right, perhaps not. */
	    {10 * NS_PER_MS, 10 * NS_PER_MS, 0, true, false, ENGINE_TIMEOUT,
		"0 of 3 servers agree"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned servers = rows[i].single ? 1 : 3;
		struct world *w = world_new(servers, rows[i].offset_ns, 0);

		w->options.no_clock = rows[i].no_clock;
		for (unsigned k = 0; k < rows[i].silent; k++)
			w->silent[k] = true;
		if (run_once(w, rows[i].bound_ns) != rows[i].end ||
		    !world_logged(w, rows[i].says))
			fail_msg(
			    "row %zu: %d: %s", i, (int)w->engine.end, w->log);
		if (rows[i].end == ENGINE_DONE)
			assert_true(world_within(w, rows[i].bound_ns));
		world_end(w);
	}
}

/* A server that is only measured, and one with two names, make no majority. */
static void with_a_bound_only_servers_with_a_vote_count(void **state)
{
	struct world *w = world_new(4, 0, 0);

	(void)state;
	w->config.sources[3].options.noselect = true;
	strcpy(w->address[2], w->address[1]);
	w->silent[0] = true;
	if (run_once(w, 10 * NS_PER_MS) != ENGINE_TIMEOUT ||
	    !world_logged(w, "1 of 2 servers agree"))
		fail_msg("%s", w->log);
	world_end(w);
}

/* The path of one server is too variable, another one is silent. */
static void with_a_bound_a_source_that_is_too_variable_does_not_count(
    void **state)
{
	struct world *w = world_new(3, 0, 0);

	(void)state;
	w->config.steering.max_jitter_ns = NS_PER_MS;
	w->options.once = true;
	w->options.timeout_s = 20;
	w->options.max_bound_ns = 100 * NS_PER_MS;
	w->silent[2] = true;
	world_start(w);
	for (int i = 0; i < 300 && w->engine.end == ENGINE_RUNS; i++) {
		w->way_ns[1] = (1 + w->requests % 5) * 4 * NS_PER_MS;
		world_run(w, NS_PER_S / 10);
	}
	assert_int_equal(world_view(w, 1).state, SELECT_TOO_VARIABLE);
	assert_int_equal(w->engine.end, ENGINE_TIMEOUT);
	assert_true(world_logged(w, "1 of 3 servers agree"));
	world_end(w);
}

/* Frequency and last good time: after five minutes, then every hour, and at
 * the end. */
static void the_clock_is_saved_every_hour(void **state)
{
	struct world *w = world_new(1, 0, -33);

	(void)state;
	world_start(w);
	world_run(w, 299 * NS_PER_S);
	assert_int_equal(w->saves, 0);
	world_run(w, 2 * NS_PER_S);
	assert_int_equal(w->saves, 1);
	world_run(w, 3590 * NS_PER_S);
	assert_int_equal(w->saves, 1);
	world_run(w, 20 * NS_PER_S);
	assert_int_equal(w->saves, 2);
	assert_true(fabs(w->saved.freq_ppm - 33) < 0.5);
	assert_in_range(w->saved.freq_sd_ppm * 1e6, 1, 1e6);
	assert_in_range(w->now / NS_PER_S - w->saved.good_time_s, 0, 20);
	engine_save_clock(&w->engine);
	assert_int_equal(
	    w->engine.save_at.ns - w->engine.now.mono.ns, 3600 * NS_PER_S);
	assert_int_equal(w->saves, 3);
	world_restart(w, true);
	assert_int_equal(w->saves, 4);
	assert_in_range(w->now / NS_PER_S - w->saved.good_time_s, 0, 1);
	world_end(w);
}

static void an_unknown_clock_is_not_saved(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	w->silent[0] = true;
	world_start(w);
	world_run(w, 4000 * NS_PER_S);
	world_restart(w, true);
	assert_int_equal(w->saves, 0);
	world_end(w);
}

/* The engine must know the answer to a command although a save came between. */
static void a_save_before_an_answer_does_not_stop_the_steering(void **state)
{
	struct world *w = world_running(1, 60 * NS_PER_S);
	struct keeper_report late = {.verdict = KEEPER_OK};

	(void)state;
	w->keeper_hangs = true;
	run_to_command(w);
	late.serial = w->engine.order.serial;
	w->engine.save_at = (struct mono){w->mono};
	engine_on_timer(&w->engine, world_reading(w));
	assert_int_equal(w->saves, 1);
	assert_true(w->engine.order.pending);
	engine_on_report(&w->engine, &late, world_reading(w));
	assert_false(w->engine.order.pending);
	world_end(w);
}

/* A report to another command is not the answer. */
static void a_report_with_another_serial_is_not_the_answer(void **state)
{
	struct world *w = world_running(1, 60 * NS_PER_S);
	struct keeper_report other = {.verdict = KEEPER_OK};

	(void)state;
	w->keeper_hangs = true;
	run_to_command(w);
	other.serial = w->engine.order.serial - 1;
	engine_on_report(&w->engine, &other, world_reading(w));
	assert_true(w->engine.order.pending);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_frequency_error_beyond_max_drift_is_corrected_in_part),
	    cmocka_unit_test(the_first_decision_waits_for_three_seconds),
	    cmocka_unit_test(the_filter_starts_again_in_turns),
	    cmocka_unit_test(
		a_keeper_that_does_not_answer_for_15_seconds_ends_the_agent),
	    cmocka_unit_test(
		after_a_refusal_the_kernel_is_told_not_synchronised),
	    cmocka_unit_test(the_kernel_is_told_once_until_a_command_succeeds),
	    cmocka_unit_test(an_ordered_step_keeps_the_frequency),
	    cmocka_unit_test(a_refused_order_leaves_the_clock_as_it_is),
	    cmocka_unit_test(a_refused_pause_names_the_way_out),
	    cmocka_unit_test(with_print_only_the_first_decision_is_measured),
	    cmocka_unit_test(with_once_the_run_ends_when_the_clock_is_set),
	    cmocka_unit_test(with_once_a_refusal_sets_no_clock),
	    cmocka_unit_test(with_a_bound_a_majority_must_agree_within_it),
	    cmocka_unit_test(with_a_bound_only_servers_with_a_vote_count),
	    cmocka_unit_test(
		with_a_bound_a_source_that_is_too_variable_does_not_count),
	    cmocka_unit_test(the_clock_is_saved_every_hour),
	    cmocka_unit_test(an_unknown_clock_is_not_saved),
	    cmocka_unit_test(
		a_save_before_an_answer_does_not_stop_the_steering),
	    cmocka_unit_test(a_report_with_another_serial_is_not_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
