/* A clock, two programs whose errors are known, and servers. */
#include "agent/ctl/shadow/judge.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SERVERS_MAX 4
#define US 1e-6

struct judged_world {
	struct judge judge;
	double now_s;
	double clock_fast_s; /* what nobody knows */
	double error_s[2];   /* of each estimate: positive: too fast */
	double bound_s[2];
	double updated_s;
	unsigned servers;
	double noise_s, server_error_s;
	double lie_s[SERVERS_MAX];
	/* The latest measurement of each program and server. */
	struct measured measured[2][SERVERS_MAX];
	double measured_at_s[2][SERVERS_MAX];
	unsigned random;
};

static struct judged_world *judged_world_new(unsigned servers)
{
	struct judged_world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	judge_init(&w->judge);
	w->servers = servers;
	w->server_error_s = 100 * US;
	w->noise_s = 1e-12; /* no two measurements are equal */
	w->bound_s[0] = w->bound_s[1] = 1e-3;
	w->now_s = 1000;
	w->random = 1;
	return w;
}

/* Uniform, with a standard deviation of 1. */
static double chance(struct judged_world *w)
{
	w->random = w->random * 1664525 + 1013904223;
	return ((double)(w->random >> 8) / (1 << 24) - 0.5) * sqrt(12);
}

static double correction_of(const struct judged_world *w)
{
	return w->error_s[JUDGED_CHRONYD] - w->clock_fast_s;
}

static void measure(struct judged_world *w, enum judged by, unsigned server)
{
	struct measured *m = &w->measured[by][server];
	/* chronyd measures its own time, the agent the clock. */
	double fast_s =
	    by == JUDGED_AGENT ? w->clock_fast_s : w->error_s[JUDGED_CHRONYD];

	*m = (struct measured){.by = by,
	    .address = {[0] = (uint8_t)(server + 1)},
	    .error_s = w->server_error_s};
	m->fast_s = fast_s + w->noise_s * chance(w) + w->lie_s[server];
	/* Only chronyd says what its own corrections make of a measurement. */
	m->now_fast_s = by == JUDGED_CHRONYD ? m->fast_s : NAN;
	w->measured_at_s[by][server] = w->now_s;
}

static void take(struct judged_world *w)
{
	struct judge_reading r = {.mono_s = w->now_s,
	    .wall_s = w->now_s + 1.7e9,
	    .agent_fast_s = w->clock_fast_s + w->error_s[JUDGED_AGENT],
	    .correction_s = correction_of(w),
	    .updated_s = w->updated_s};

	for (unsigned by = 0; by < 2; by++) {
		r.bound_s[by] = w->bound_s[by];
		for (unsigned i = 0; i < w->servers; i++) {
			struct measured *m = &r.measured[r.count];

			if (w->measured_at_s[by][i] == 0)
				continue;
			*m = w->measured[by][i];
			m->age_s = w->now_s - w->measured_at_s[by][i];
			r.count++;
		}
	}
	judge_take(&w->judge, &r);
}

/* A second in which each program measures one server, in turn. */
static void second(struct judged_world *w)
{
	unsigned turn = (unsigned)w->now_s;

	w->now_s += 0.5;
	measure(w, JUDGED_AGENT, turn % w->servers);
	measure(w, JUDGED_CHRONYD, (turn + 1) % w->servers);
	w->now_s += 0.5;
	take(w);
}

static void run(struct judged_world *w, unsigned seconds)
{
	while (seconds-- > 0)
		second(w);
}

static void the_one_with_the_smaller_error_is_named(void **state)
{
	(void)state;
	for (unsigned nearer = 0; nearer < 2; nearer++) {
		struct judged_world *w = judged_world_new(3);
		struct verdict v;

		w->noise_s = 10 * US;
		w->error_s[nearer] = 1 * US;
		w->error_s[!nearer] = -8 * US;
		run(w, 2000);
		v = judge_verdict(&w->judge);
		assert_int_equal(v.nearer, nearer);
		assert_true(v.certain);
		assert_true(fabs(v.miss_s[nearer] - 10.05 * US) < 0.5 * US);
		assert_true(fabs(v.miss_s[!nearer] - 12.8 * US) < 0.6 * US);
		assert_int_equal(w->judge.leader, nearer);
		free(w);
	}
}

/* Of 20 worlds in which both are equally good, hardly any names one. */
static void equal_errors_name_nobody(void **state)
{
	unsigned certain = 0;

	(void)state;
	for (unsigned seed = 1; seed <= 20; seed++) {
		struct judged_world *w = judged_world_new(3);

		w->random = seed * 7919;
		w->noise_s = 10 * US;
		w->error_s[JUDGED_AGENT] = 5 * US;
		w->error_s[JUDGED_CHRONYD] = -5 * US;
		run(w, 500);
		certain += judge_verdict(&w->judge).certain;
		free(w);
	}
	assert_in_range(certain, 0, 2);
}

static void a_few_measurements_name_nobody(void **state)
{
	struct judged_world *w = judged_world_new(3);

	(void)state;
	w->error_s[JUDGED_CHRONYD] = 50 * US;
	run(w, 4);
	assert_int_equal(judge_verdict(&w->judge).nearer, JUDGED_AGENT);
	assert_false(judge_verdict(&w->judge).certain);
	free(w);
}

static void without_measurements_nobody_is_nearer(void **state)
{
	struct judged_world *w = judged_world_new(3);

	(void)state;
	take(w);
	w->now_s++;
	take(w);
	assert_int_equal(judge_verdict(&w->judge).nearer, -1);
	free(w);
}

/* The clock is moved all the time; both know, and neither is blamed. */
static void a_slew_is_no_error(void **state)
{
	struct judged_world *w = judged_world_new(3);
	struct verdict v;

	(void)state;
	w->error_s[JUDGED_AGENT] = 2 * US;
	w->error_s[JUDGED_CHRONYD] = 3 * US;
	for (unsigned i = 0; i < 300; i++) {
		w->now_s += 0.25;
		w->clock_fast_s -= 25 * US;
		measure(w, JUDGED_AGENT, i % 3);
		measure(w, JUDGED_CHRONYD, i % 3);
		w->now_s += 0.75;
		w->clock_fast_s -= 75 * US;
		take(w);
	}
	v = judge_verdict(&w->judge);
	assert_true(fabs(v.miss_s[JUDGED_AGENT] - 2 * US) < 1e-9);
	assert_true(fabs(v.miss_s[JUDGED_CHRONYD] - 3 * US) < 1e-9);
	free(w);
}

static void a_measurement_judges_once(void **state)
{
	struct judged_world *w = judged_world_new(1);

	(void)state;
	run(w, 2);
	assert_int_equal(w->judge.judged, 2);
	for (unsigned i = 0; i < 20; i++) {
		/* The clock and its correction go on. */
		w->clock_fast_s += US;
		w->now_s++;
		take(w);
	}
	assert_int_equal(w->judge.judged, 2);
	free(w);
}

/* A server that was set right: what was measured before has no vote. */
static void the_younger_measurement_has_the_vote(void **state)
{
	struct judged_world *w = judged_world_new(1);

	(void)state;
	w->lie_s[0] = 1;
	measure(w, JUDGED_CHRONYD, 0);
	measure(w, JUDGED_AGENT, 0);
	take(w);
	w->lie_s[0] = 0;
	for (unsigned i = 0; i < 5; i++) {
		w->now_s += 0.5;
		measure(w, JUDGED_AGENT, 0);
		w->now_s += 0.5;
		take(w);
	}
	assert_int_equal(w->judge.judged, 5);
	assert_int_equal(w->judge.left_out, 0);
	free(w);
}

/* The agent may have two sources with one address, at two ports. */
static void two_sources_with_one_address_judge_once_each(void **state)
{
	struct judge j;
	struct judge_reading r = {.mono_s = 5, .wall_s = 1e9, .count = 2};

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		r.measured[i] = (struct measured){.place = i,
		    .fast_s = US * (1 + i),
		    .error_s = 1e-3,
		    .age_s = 0.25};
	judge_init(&j);
	judge_take(&j, &r);
	r.mono_s += 0.25;
	r.wall_s += 0.25;
	for (unsigned i = 0; i < 2; i++)
		r.measured[i].age_s += 0.25;
	judge_take(&j, &r);
	assert_int_equal(j.judged, 0);
}

static void a_liar_is_left_out(void **state)
{
	struct judged_world *w = judged_world_new(3);

	(void)state;
	w->lie_s[2] = 1;
	w->error_s[JUDGED_AGENT] = 1 * US;
	run(w, 300);
	assert_true(judge_verdict(&w->judge).miss_s[JUDGED_AGENT] < 2 * US);
	assert_in_range(w->judge.left_out, 190, 200);
	assert_int_equal(w->judge.no_agreement, 0);
	assert_int_equal(w->judge.most_servers, 3);
	free(w);
}

static void two_that_disagree_judge_nothing(void **state)
{
	struct judged_world *w = judged_world_new(2);

	(void)state;
	w->lie_s[1] = 1;
	run(w, 100);
	assert_int_equal(w->judge.judged, 0);
	assert_in_range(w->judge.no_agreement, 150, 200);
	free(w);
}

static void a_bound_is_broken_when_no_agreed_time_lies_within(void **state)
{
	struct judged_world *w = judged_world_new(3);

	(void)state;
	w->error_s[JUDGED_AGENT] = 500 * US;
	w->bound_s[JUDGED_AGENT] = 300 * US;
	w->error_s[JUDGED_CHRONYD] = -500 * US;
	w->bound_s[JUDGED_CHRONYD] = 450 * US; /* touches it */
	run(w, 100);
	assert_true(w->judge.judged > 150);
	assert_int_equal(w->judge.broken[JUDGED_AGENT], w->judge.judged);
	assert_int_equal(w->judge.broken[JUDGED_CHRONYD], 0);
	assert_true(
	    w->judge.broken_wall_s[JUDGED_AGENT] == w->judge.last_wall_s);
	free(w);
}

/* chronyd has made updates since: nobody knows what the measurement is worth.
 */
static void an_old_measurement_of_the_agent_has_no_vote(void **state)
{
	struct judged_world *w = judged_world_new(1);

	(void)state;
	run(w, 10);
	assert_true(w->judge.judged > 0);
	w->judge.judged = 0;
	/* It is far off, and younger than that of chronyd. */
	w->measured[JUDGED_AGENT][0].fast_s = 1;
	w->measured_at_s[JUDGED_AGENT][0] = w->now_s - 0.1;
	w->updated_s = w->now_s;
	measure(w, JUDGED_CHRONYD, 0);
	w->measured_at_s[JUDGED_CHRONYD][0] = w->now_s - 0.2;
	take(w);
	assert_int_equal(w->judge.judged, 1);
	assert_int_equal(w->judge.left_out, 0);
	assert_int_equal(w->judge.broken[JUDGED_CHRONYD], 0);
	free(w);
}

static void readings_that_do_not_follow_judge_nothing(void **state)
{
	struct judged_world *w = judged_world_new(1);
	unsigned long before;

	(void)state;
	run(w, 3);
	before = w->judge.judged;
	w->now_s += 11;
	second(w);
	assert_int_equal(w->judge.judged, before);
	assert_int_equal(w->judge.gaps, 1);
	second(w);
	assert_int_equal(w->judge.judged, before + 2);
	free(w);
}

static void a_step_of_the_clock_is_no_error(void **state)
{
	struct judged_world *w = judged_world_new(1);
	struct judge_reading r;

	(void)state;
	run(w, 3);
	r = w->judge.last;
	r.mono_s += 1;
	r.wall_s += 1.5;
	judge_take(&w->judge, &r);
	assert_int_equal(w->judge.gaps, 1);
	free(w);
}

/* An update moves chronyd's time: the agent's measurement may be of before it
 * or after it; chronyd's own one is of before it. */
static void an_update_of_chronyd_is_known(void **state)
{
	struct judged_world *w = judged_world_new(1);
	struct verdict v;

	(void)state;
	run(w, 2);
	judge_init(&w->judge);
	w->server_error_s = 1 * US;
	w->bound_s[JUDGED_AGENT] = 10 * US;
	take(w);
	w->now_s += 0.5;
	w->error_s[JUDGED_CHRONYD] = 40 * US;
	take(w);
	w->now_s += 0.5;
	measure(w, JUDGED_AGENT, 0);
	measure(w, JUDGED_CHRONYD, 0);
	/* It corrects all of that. */
	w->error_s[JUDGED_CHRONYD] = 0;
	w->measured[JUDGED_CHRONYD][0].now_fast_s = 0;
	w->updated_s++;
	w->now_s += 0.25;
	take(w);
	assert_int_equal(w->judge.judged, 1);
	v = judge_verdict(&w->judge);
	assert_true(fabs(v.miss_s[JUDGED_CHRONYD] - 40 * US) < 1e-12);
	assert_true(v.miss_s[JUDGED_AGENT] < 1e-11);
	/* Its estimate was right before the update, and is right after it. */
	assert_int_equal(w->judge.broken[JUDGED_AGENT], 0);
	free(w);
}

static void a_precise_server_counts_more(void **state)
{
	struct judged_world *w = judged_world_new(2);

	(void)state;
	run(w, 2);
	for (unsigned i = 0; i < 100; i++) {
		w->now_s += 1;
		w->server_error_s = 1e-5;
		measure(w, JUDGED_AGENT, 0);
		w->server_error_s = 1;
		w->lie_s[1] = 0.1;
		measure(w, JUDGED_AGENT, 1);
		take(w);
	}
	/* 0.1 s, weighted by (1e-5 / 1)^2, is 1 us. */
	assert_true(judge_verdict(&w->judge).miss_s[0] < 1.5 * US);
	free(w);
}

/* Hours, with a measurement of each program a second. */
static void nothing_grows(void **state)
{
	struct judged_world *w = judged_world_new(3);
	struct batch sum = {0};

	(void)state;
	w->noise_s = US;
	run(w, 20000);
	assert_in_range(w->judge.batches, 1, JUDGE_BATCHES);
	for (unsigned i = 0; i < w->judge.batches; i++)
		sum.weight += w->judge.batch[i].weight;
	/* No measurement is lost when batches are joined. */
	assert_true(
	    fabs(sum.weight * 1e-8 / (double)w->judge.judged - 1) < 1e-9);
	assert_true(w->judge.per_batch >= 512);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_one_with_the_smaller_error_is_named),
	    cmocka_unit_test(equal_errors_name_nobody),
	    cmocka_unit_test(a_few_measurements_name_nobody),
	    cmocka_unit_test(without_measurements_nobody_is_nearer),
	    cmocka_unit_test(a_slew_is_no_error),
	    cmocka_unit_test(a_measurement_judges_once),
	    cmocka_unit_test(the_younger_measurement_has_the_vote),
	    cmocka_unit_test(two_sources_with_one_address_judge_once_each),
	    cmocka_unit_test(a_liar_is_left_out),
	    cmocka_unit_test(two_that_disagree_judge_nothing),
	    cmocka_unit_test(a_bound_is_broken_when_no_agreed_time_lies_within),
	    cmocka_unit_test(an_old_measurement_of_the_agent_has_no_vote),
	    cmocka_unit_test(readings_that_do_not_follow_judge_nothing),
	    cmocka_unit_test(a_step_of_the_clock_is_no_error),
	    cmocka_unit_test(an_update_of_chronyd_is_known),
	    cmocka_unit_test(a_precise_server_counts_more),
	    cmocka_unit_test(nothing_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
