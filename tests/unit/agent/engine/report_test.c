/* The lines for the log about sources that others outvote. */
#include "agent/engine/report.h"

#include "tests/unit/agent/engine/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

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

/* Its time is wrong by half a second, then by another amount at each answer. */
static void an_outvoted_source_that_becomes_variable_does_not_agree(
    void **state)
{
	struct world *w = world_new(3, NS_PER_MS, 5);
	bool variable = false;

	(void)state;
	w->peer_error_ns[1] = 500 * NS_PER_MS;
	world_start(w);
	run(w, 120);
	assert_true(world_logged(w, "b: its time is"));
	world_forget_log(w);
	for (int i = 0; i < 3600; i++) {
		w->peer_error_ns[1] = (1 + w->requests % 7) * 10 * NS_PER_S;
		run(w, 1);
		variable |= world_view(w, 1).state == SELECT_TOO_VARIABLE;
	}
	assert_true(variable);
	assert_false(world_logged(w, "b: agrees"));
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

/* Offset and bound: half the delay of 10 ms, and about 3 us more, rounded up.
 */
static void being_synchronised_gets_one_line(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	w->way_ns[0] = 5 * NS_PER_MS + 500;
	world_start(w);
	run(w, 60);
	assert_true(world_logged(w, "synchronised: the clock is"));
	assert_true(world_logged(w, "known to 0.005004 s"));
	assert_true(world_logged(w, "selected source a"));
	world_forget_log(w);
	run(w, 600);
	assert_string_equal(w->log, "");
	world_end(w);
}

/* That a source is selected is of interest; which of several is not. */
static void only_the_first_selection_is_worth_a_line(void **state)
{
	struct world *w = world_new(2, 0, 0);
	unsigned selected;

	(void)state;
	world_start(w);
	run(w, 600);
	assert_true(world_logged_at(w, LOG_LEVEL_INFO, "selected source "));
	selected = (unsigned)w->engine.last_selected;
	world_forget_log(w);
	w->silent[selected] = true;
	run(w, 7200);
	assert_int_equal(w->engine.last_selected, !selected);
	assert_true(world_logged_at(w, LOG_LEVEL_DEBUG,
	    selected == 0 ? "selected source b" : "selected source a"));
	/* None is selected for a while. */
	w->silent[selected] = false;
	w->peer_error_ns[0] = 500 * NS_PER_MS;
	run(w, 7200);
	assert_int_equal(w->engine.last_selected, -1);
	world_forget_log(w);
	w->peer_error_ns[0] = 0;
	run(w, 7200);
	assert_true(world_logged_at(w, LOG_LEVEL_INFO, "selected source "));
	world_end(w);
}

static void with_no_clock_the_line_says_measured(void **state)
{
	struct world *w = world_new(1, 3 * NS_PER_S, 0);

	(void)state;
	w->options.no_clock = true;
	world_start(w);
	run(w, 60);
	assert_true(world_logged(w, "measured: the clock is 3.000"));
	assert_true(world_logged(w, " s fast, known to 0.000"));
	world_end(w);
}

static void a_clock_that_is_slewed_gets_its_own_words(void **state)
{
	struct world *w = world_new(1, -50 * NS_PER_MS, 0);

	(void)state;
	world_start(w);
	run(w, 10);
	assert_true(world_logged(
	    w, "synchronised: the clock is being slewed, it was 0.0"));
	assert_true(world_logged(w, " s slow, known to"));
	world_end(w);
}

static void the_end_of_synchronisation_gets_one_line(void **state)
{
	struct world *w = world_running(1, 600 * NS_PER_S);

	(void)state;
	world_forget_log(w);
	w->wall += 5000 * NS_PER_S;
	run(w, 60);
	assert_true(world_logged(w, "clock not steered: "));
	assert_true(world_logged(w, "not synchronised any more"));
	world_forget_log(w);
	run(w, 60);
	assert_false(world_logged(w, "any more"));
	assert_false(world_logged(w, "not steered"));
	world_end(w);
}

static unsigned lines_with(const struct world *w, const char *words)
{
	unsigned count = 0;

	for (const char *at = w->log; (at = strstr(at, words)) != NULL; at++)
		count++;
	return count;
}

/* The number in the sentence changes with each sample. */
static void a_refused_correction_gets_one_line(void **state)
{
	struct world *w = world_running(1, 600 * NS_PER_S);
	char first[sizeof(w->engine.tracked.reason)];

	(void)state;
	world_forget_log(w);
	w->wall += 5000 * NS_PER_S;
	run(w, 600);
	strcpy(first, w->engine.tracked.reason);
	w->osc_ppm += 200;
	run(w, 7200);
	assert_int_equal(lines_with(w, "refuse-threshold"), 1);
	/* The status has the number of now. */
	assert_non_null(strstr(first, "the clock is 5000.000 s fast"));
	assert_non_null(strstr(w->engine.tracked.reason, "the clock is 500"));
	assert_string_not_equal(w->engine.tracked.reason, first);
	world_end(w);
}

static void a_clock_that_is_lost_and_found_gets_a_few_lines(void **state)
{
	struct world *w = world_running(1, 600 * NS_PER_S);

	(void)state;
	world_forget_log(w);
	for (int i = 0; i < 20; i++) {
		w->wall += 5000 * NS_PER_S;
		run(w, 300);
		assert_false(w->engine.last_synchronised);
		w->wall -= 5000 * NS_PER_S;
		run(w, 300);
		assert_true(w->engine.last_synchronised);
	}
	assert_in_range(
	    lines_with(w, "not synchronised"), 2, BUDGET_LINES_MAX / 2);
	assert_in_range(
	    lines_with(w, "refuse-threshold"), 2, BUDGET_LINES_MAX / 2);
	assert_int_equal(lines_with(w, "until it is steady"), 2);
	/* A loss that lasts is no flutter. */
	world_forget_log(w);
	w->wall += 5000 * NS_PER_S;
	run(w, 7200);
	assert_int_equal(lines_with(w, "not synchronised"), 1);
	assert_int_equal(lines_with(w, "refuse-threshold"), 1);
	world_end(w);
}

/* Half of the time, two servers contradict each other. */
static void a_selection_that_comes_and_goes_gets_a_few_lines(void **state)
{
	struct world *w = world_new(2, NS_PER_MS, 5);
	unsigned selected = 0;

	(void)state;
	world_start(w);
	run(w, 600);
	for (int i = 0; i < 20; i++) {
		w->peer_error_ns[0] = NS_PER_S;
		run(w, 300);
		w->peer_error_ns[0] = 0;
		world_forget_log(w);
		run(w, 300);
		selected +=
		    world_logged_at(w, LOG_LEVEL_INFO, "selected source ");
	}
	assert_in_range(selected, 1, BUDGET_LINES_MAX);
	world_end(w);
}

/* The digits after the point of "its time is 1.5 s". */
static size_t decimals(const char *log)
{
	const char *point = strchr(strstr(log, "its time is"), '.');

	return strspn(point + 1, "0123456789");
}

static void the_difference_is_given_in_its_unit(void **state)
{
	static const struct {
		int64_t error_ns;
		const char *first, *unit;
		size_t decimals;
	} rows[] = {
	    {500 * NS_PER_MS, "b: its time is 500", " ms ahead of that", 3},
	    {1500 * NS_PER_MS, "b: its time is 1.500", " s ahead of that", 6},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = world_new(3, 0, 0);

		w->peer_error_ns[1] = rows[i].error_ns;
		world_start(w);
		run(w, 120);
		assert_true(world_logged(w, rows[i].first));
		assert_true(world_logged(w, rows[i].unit));
		assert_int_equal(decimals(w->log), rows[i].decimals);
		world_end(w);
	}
}

/* b agrees, although another source is preferred. */
static void a_source_that_is_not_preferred_agrees(void **state)
{
	struct world *w = world_new(3, NS_PER_MS, 5);

	(void)state;
	w->config.sources[0].options.prefer = true;
	world_start(w);
	run(w, 120);
	w->peer_error_ns[1] = 500 * NS_PER_MS;
	run(w, 600);
	assert_true(world_logged(w, "b: its time is"));
	world_forget_log(w);
	w->peer_error_ns[1] = 0;
	run(w, 3600);
	assert_int_equal(world_view(w, 1).state, SELECT_NOT_PREFERRED);
	assert_true(world_logged(w, "b: agrees with the majority"));
	world_end(w);
}

/* The last of eight lines says so, and no other comes. */
static void a_source_that_changes_sides_gets_eight_lines(void **state)
{
	struct world *w = world_new(3, NS_PER_MS, 5);
	bool line, last;

	(void)state;
	world_start(w);
	run(w, 600);
	for (int change = 1; change <= 10; change++) {
		world_forget_log(w);
		w->peer_error_ns[1] = change % 2 ? 500 * NS_PER_MS : 0;
		run(w, 1800);
		line = world_logged(
		    w, change % 2 ? "b: its time is" : "b: agrees with");
		last = world_logged(w, "it changes sides: no more lines");
		assert_int_equal(line, change <= 8);
		assert_int_equal(last, change == 8);
	}
	world_end(w);
}

/* It still answers, but it does not change sides any more. */
static void a_source_that_stays_outvoted_gets_a_line_after_an_hour(void **state)
{
	struct world *w = world_new(3, NS_PER_MS, 5);

	(void)state;
	world_start(w);
	run(w, 600);
	for (int change = 1; change <= 10; change++) {
		w->peer_error_ns[1] = change % 2 ? 500 * NS_PER_MS : 0;
		run(w, 1800);
	}
	world_forget_log(w);
	w->peer_error_ns[1] = 500 * NS_PER_MS;
	run(w, 3000);
	assert_false(world_logged(w, "b: its time is"));
	run(w, 86400);
	assert_int_equal(lines_with(w, "b: its time is"), 1);
	world_end(w);
}

static void more_sources_than_are_combined_are_reported(void **state)
{
	struct world *w = world_new(3, NS_PER_MS, 5);

	(void)state;
	world_start(w);
	assert_false(world_logged(w, "may be selected"));
	/* Only the configuration is looked at. */
	for (unsigned n = 16; n <= 18; n++) {
		w->config.sources[17].options.noselect = true;
		w->engine.source_count = n;
		engine_report_surplus(&w->engine);
		w->engine.source_count = 3;
		assert_int_equal(
		    world_logged(w, "17 sources may be selected: all of them "
				    "vote, and the time comes from the 16 "
				    "nearest ones that agree"),
		    n > 16);
		world_forget_log(w);
	}
	world_end(w);
}

/* The clock needs more than max-drift: one line, no storm of requests, and the
 * slews keep it synchronised. */
static void a_frequency_beyond_max_drift_gets_one_line(void **state)
{
	static const char line[] = "the clock needs a correction of more than "
				   "50 ppm, and max-drift allows no more";
	struct world *w = world_new(1, NS_PER_MS, 200);
	unsigned before;

	(void)state;
	w->config.max_freq_ppm = 50;
	world_start(w);
	run(w, 120);
	assert_true(world_logged(w, line));
	assert_false(world_logged(w, "not steered: the clock needs"));
	assert_string_equal(world_tracking(w).reason,
	    "the clock needs a correction of more than 50 ppm, and max-drift "
	    "allows no more: it is wrong between the updates");
	world_forget_log(w);
	before = w->requests;
	run(w, 3600);
	assert_false(world_logged(w, line));
	assert_false(world_logged(w, "has lost"));
	assert_true(w->requests - before < 3600 / 16);
	assert_true(world_synchronised(w));
	world_end(w);
}

/* Two servers that contradict each other, twice, on such a clock. */
static void a_frequency_beyond_max_drift_hides_no_other_reason(void **state)
{
	struct world *w = world_new(2, NS_PER_MS, 200);

	(void)state;
	w->config.max_freq_ppm = 50;
	world_start(w);
	run(w, 600);
	assert_true(world_logged(w, "the clock needs a correction of more"));
	for (int i = 0; i < 2; i++) {
		world_forget_log(w);
		w->peer_error_ns[1] = 5 * NS_PER_S;
		run(w, 3600);
		assert_int_equal(
		    lines_with(w, "clock not steered: no majority"), 1);
		assert_false(world_tracking(w).beyond);
		w->peer_error_ns[1] = 0;
		run(w, 86400);
		assert_true(world_tracking(w).beyond);
	}
	world_end(w);
}

/* It is fast: one that is slow by so much seems to stand still at times. */
static void a_frequency_beyond_the_kernels_limit_gets_one_line(void **state)
{
	static const char line[] =
	    "the clock needs a correction of more than 100000 ppm, and Linux "
	    "can do no more: it is wrong between the updates";
	struct world *w = world_new(1, NS_PER_MS, 120000);
	unsigned before;

	(void)state;
	world_start(w);
	run(w, 600);
	assert_true(world_logged(w, line));
	assert_string_equal(world_tracking(w).reason, line);
	world_forget_log(w);
	before = w->requests;
	run(w, 3600);
	assert_string_equal(w->log, "");
	assert_true(w->requests - before < 3600 / 12);
	world_end(w);
}

/* The tick corrects it: it is a clock as any other. */
static void a_frequency_far_beyond_500_ppm_is_corrected(void **state)
{
	static const double ppm[] = {1274, -1944, 8960, -8960};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ppm); i++) {
		struct world *w = world_new(1, NS_PER_MS, ppm[i]);

		world_start(w);
		run(w, 300);
		assert_true(world_synchronised(w));
		assert_true(world_within(w, 100 * NS_PER_US));
		assert_false(world_logged(w, "has lost"));
		assert_false(world_logged(w, "correction of more than"));
		world_end(w);
	}
}

/* It does not outlive its moment, nor what it was true of. */
static void the_tracking_of_a_report_serves_for_a_moment(void **state)
{
	struct world *w = world_running(1, 3600 * NS_PER_S);
	struct clock_reading now = world_reading(w);
	struct engine *e = &w->engine;
	struct tracking t;

	(void)state;
	e->now = now;
	assert_false(engine_report_tracking(e));
	e->tracked.stratum = 99;
	engine_tracking(e, now, &t);
	assert_int_equal(t.stratum, 99);
	now.mono.ns += NS_PER_MS / 2;
	engine_tracking(e, now, &t);
	assert_int_equal(t.stratum, 99);
	now.mono.ns += NS_PER_MS;
	engine_tracking(e, now, &t);
	assert_int_equal(t.stratum, 2);
	now.mono.ns -= 2 * NS_PER_MS;
	engine_tracking(e, now, &t);
	assert_int_equal(t.stratum, 2);

	/* Another program sets the clock. */
	now = world_reading(w);
	w->wall += NS_PER_S;
	engine_on_timer(e, world_reading(w));
	engine_tracking(e, world_reading(w), &t);
	assert_int_equal(t.selected, -1);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_frequency_beyond_max_drift_gets_one_line),
	    cmocka_unit_test(
		a_frequency_beyond_max_drift_hides_no_other_reason),
	    cmocka_unit_test(
		a_frequency_beyond_the_kernels_limit_gets_one_line),
	    cmocka_unit_test(a_frequency_far_beyond_500_ppm_is_corrected),
	    cmocka_unit_test(an_outvoted_source_gets_one_line),
	    cmocka_unit_test(a_source_that_agrees_again_gets_one_line),
	    cmocka_unit_test(
		an_outvoted_source_that_becomes_variable_does_not_agree),
	    cmocka_unit_test(without_a_majority_no_source_is_outvoted),
	    cmocka_unit_test(more_sources_than_are_combined_are_reported),
	    cmocka_unit_test(being_synchronised_gets_one_line),
	    cmocka_unit_test(only_the_first_selection_is_worth_a_line),
	    cmocka_unit_test(with_no_clock_the_line_says_measured),
	    cmocka_unit_test(a_clock_that_is_slewed_gets_its_own_words),
	    cmocka_unit_test(the_end_of_synchronisation_gets_one_line),
	    cmocka_unit_test(a_refused_correction_gets_one_line),
	    cmocka_unit_test(a_clock_that_is_lost_and_found_gets_a_few_lines),
	    cmocka_unit_test(a_selection_that_comes_and_goes_gets_a_few_lines),
	    cmocka_unit_test(the_difference_is_given_in_its_unit),
	    cmocka_unit_test(a_source_that_is_not_preferred_agrees),
	    cmocka_unit_test(a_source_that_changes_sides_gets_eight_lines),
	    cmocka_unit_test(
		a_source_that_stays_outvoted_gets_a_line_after_an_hour),
	    cmocka_unit_test(the_tracking_of_a_report_serves_for_a_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
