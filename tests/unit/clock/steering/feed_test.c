/* What goes into the filter, and what outliers and routes do there. */
#include "clock/steering/feed.h"
#include "clock/steering/remaining.h"

#include "tests/unit/clock/steering/rig.h"

/* Synchronised by `sources` servers on quiet paths. */
static void open_quiet(struct rig *r, unsigned sources)
{
	rig_open(r, sources, NULL, NULL);
	r->queue_s = 1e-6;
	rig_poll(r, sources, 100, 16, NULL);
	assert_int_equal(r->steering->member_count, sources);
}

static void one_answer(struct rig *r, unsigned source, int64_t wrong_ns)
{
	rig_wait(r, 4);
	rig_add(r, source, wrong_ns);
}

/* How far the estimate is from the truth, s. */
static double moved_s(const struct rig *r)
{
	return s_of_ns(estimate_at(&r->steering->estimate, r->now).offset_ns -
		       rig_truth_ns(r));
}

static double clock_sd(const struct rig *r)
{
	return estimate_at(&r->steering->estimate, r->now).offset_sd;
}

static double bias_sd(const struct rig *r, unsigned source)
{
	return sqrt(estimate_bias(
	    &r->steering->estimate, (unsigned)r->steering->sources[source].slot)
			.var);
}

static void replay(struct rig *r)
{
	feed_begin_replay(r->steering);
	while (!feed_replay_turn(r->steering))
		;
}

/* ---- outliers ---- */

/* In ms: each row is a run of answers, and how many outliers in a row agree
 * after each. */
static void outliers_in_a_row_must_agree(void **state)
{
	static const struct {
		unsigned sources;
		int64_t wrong_ms[4];
		unsigned outliers[4];
	} rows[] = {
	    {3, {8, 8, 0, 8}, {1, 2, 0, 1}},
	    {3, {8, -8, 8, -8}, {1, 1, 1, 1}},
	    {3, {8, 8, 8, 5}, {1, 2, 0, 1}},
	    {3, {150, 149, 80, 79}, {1, 2, 1, 2}},
	    {3, {-99, -70, -69, 60}, {1, 1, 2, 1}},
	    /* By more than any frequency can grow. */
	    {3, {8, 500, 499, 0}, {1, 1, 2, 0}},
	    /* The only source: two on one side are enough. */
	    {1, {8, -8, -8, 0}, {1, 1, 0, 1}},
	    {1, {8, 0, 8, 7}, {1, 0, 1, 0}},
	    /* They grow: the second one is believed. */
	    {1, {8, 10, 0, 0}, {1, 0, 1, 0}},
	    {1, {-8, -16, 0, 0}, {1, 0, 1, 0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig r;

		open_quiet(&r, rows[i].sources);
		for (unsigned k = 0; k < 4; k++) {
			/* The third that agrees is believed, see below. */
			if (i == 2 && k == 2)
				break;
			one_answer(&r, 0, rows[i].wrong_ms[k] * NS_PER_MS);
			if (steering_outlier_count(r.steering, 0) !=
			    rows[i].outliers[k])
				fail_msg("row %zu, answer %u: %u", i, k,
				    steering_outlier_count(r.steering, 0));
		}
		rig_close(&r);
	}
}

/* The frequency of the clock jumps: two answers that grow in the same direction
 * show it, and the clock is right again with the next ones. */
static void a_frequency_jump_is_believed_after_two_answers(void **state)
{
	static const double ppm[] = {-400, 60, 1000, -2000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ppm); i++) {
		struct estimate_value v;
		double before;
		struct rig r;

		open_quiet(&r, 1);
		before = estimate_at(&r.steering->estimate, r.now).freq;
		assert_true(steering_take_freq_jump(r.steering) == 0);
		for (int64_t k = 1; k <= 2; k++)
			one_answer(&r, 0, (int64_t)(ppm[i] * 4000) * k);
		assert_true(fabs(steering_take_freq_jump(r.steering) - ppm[i]) <
			    fabs(ppm[i]) / 4);
		assert_true(steering_take_freq_jump(r.steering) == 0);
		v = estimate_at(&r.steering->estimate, r.now);
		assert_true(
		    fabs((v.freq - before) * 1e6 - ppm[i]) < fabs(ppm[i]) / 10);
		assert_true(v.freq_sd * 1e6 < fabs(ppm[i]) / 5 + 1);
		for (int64_t k = 3; k <= 6; k++)
			one_answer(&r, 0, (int64_t)(ppm[i] * 4000) * k);
		v = estimate_at(&r.steering->estimate, r.now);
		assert_true(fabs((v.freq - before) * 1e6 - ppm[i]) < 3);
		rig_close(&r);
	}
}

static int64_t shown_bound_ns(const struct rig *r)
{
	const struct tracking t = rig_track(r);

	return t.root_delay_ns / 2 + t.root_dispersion_ns;
}

/* After an outlier, answers that may have queued for longer than it is off say
 * nothing, and the bound stays. More of them refute it, and so does one that
 * has not queued. */
static void an_answer_that_has_queued_does_not_refute(void **state)
{
	static const int64_t true_us = 1600;

	(void)state;
	for (unsigned queued = 0; queued <= 1; queued++) {
		struct rig r;

		open_quiet(&r, 1);
		one_answer(&r, 0, true_us * NS_PER_US);
		assert_int_equal(steering_outlier_count(r.steering, 0), 1);
		r.down_ns = queued ? 12 * NS_PER_MS : 0;
		for (unsigned k = 1; queued && k <= 3; k++) {
			one_answer(&r, 0, (k + 1) * true_us * NS_PER_US);
			assert_int_equal(
			    steering_outlier_count(r.steering, 0), 1);
			assert_true(
			    shown_bound_ns(&r) > (k + 1) * true_us * NS_PER_US);
			assert_true(
			    shown_bound_ns(&r) < (k + 2) * 3 * NS_PER_MS);
		}
		one_answer(&r, 0, 0);
		assert_int_equal(steering_outlier_count(r.steering, 0), 0);
		/* The next run begins to count again. */
		r.down_ns = 0;
		one_answer(&r, 0, true_us * NS_PER_US);
		assert_int_equal(steering_outlier_count(r.steering, 0), 1);
		r.down_ns = 12 * NS_PER_MS;
		one_answer(&r, 0, 2 * true_us * NS_PER_US);
		assert_int_equal(steering_outlier_count(r.steering, 0), 1);
		rig_close(&r);
	}
}

/* A server that is silent cannot have seen the change. */
static void a_silent_source_does_not_hide_a_jump(void **state)
{
	(void)state;
	for (unsigned sources = 2; sources <= 3; sources++) {
		struct rig r;

		open_quiet(&r, sources);
		for (unsigned i = 1; i < sources; i++)
			steering_set_reach(r.steering, i, 0);
		for (unsigned k = 0; k < 3; k++)
			one_answer(&r, 0, 5 * NS_PER_MS);
		assert_true(fabs(moved_s(&r) - 5e-3) < 1e-4);
		rig_close(&r);
	}
}

/* Three sources that answer contradict each other in several ways, and nothing
 * is decided: of the others that are silent, nobody knows whether they would be
 * right. If they answer, the first one's bias has changed. */
static void a_silent_source_is_not_right(void **state)
{
	static const int64_t wrong_ms[] = {20, -20, -60};

	(void)state;
	for (unsigned silent = 0; silent <= 1; silent++) {
		struct rig r;

		open_quiet(&r, 6);
		for (unsigned i = 3; silent && i < 6; i++)
			steering_set_reach(r.steering, i, 0);
		for (unsigned k = 0; k < 3; k++)
			for (unsigned i = 0; i < 3; i++)
				one_answer(&r, i, wrong_ms[i] * NS_PER_MS);
		assert_int_equal(r.steering->bias_set, !silent);
		rig_close(&r);
	}
}

/* The frequency jumps, and the truth goes on without a step. */
static void freq_jumps(struct rig *r, double by)
{
	r->offset_s -= by * s_of_ns(r->now.ns - RIG_START_NS);
	r->freq += by;
}

/* On a path with queues the jump hides between them for some answers. What is
 * said of the frequency afterwards is true. */
static void a_jump_in_noise_is_learned_honestly(void **state)
{
	unsigned slow = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct estimate_value v;
		struct rig r;

		rig_open(&r, 1, NULL, NULL);
		r.chance = (struct chance){seed};
		r.queue_s = 60e-6;
		rig_poll(&r, 1, 100, 8, NULL);
		freq_jumps(&r, 60e-6);
		for (unsigned k = 0; k < 6; k++) {
			rig_poll(&r, 1, 1, 8, NULL);
			v = estimate_at(&r.steering->estimate, r.now);
		}
		assert_true(fabs(v.freq - r.freq) < 4 * v.freq_sd);
		slow += fabs(v.freq - r.freq) > 6e-6;
		rig_close(&r);
	}
	assert_true(slow <= 4);
}

/* One of three servers runs away: that says nothing about the clock. */
static void one_runaway_of_three_moves_nothing(void **state)
{
	double before;
	struct rig r;

	(void)state;
	open_quiet(&r, 3);
	before = estimate_at(&r.steering->estimate, r.now).freq;
	for (int64_t k = 1; k <= 6; k++) {
		one_answer(&r, 0, 2 * k * NS_PER_MS);
		rig_add(&r, 1, 0);
		rig_add(&r, 2, 0);
	}
	assert_true(fabs(estimate_at(&r.steering->estimate, r.now).freq -
			 before) < 1e-6);
	rig_close(&r);
}

/* What contradicts the estimate is part of the bound, whatever older samples
 * say. */
static void the_bound_holds_an_outlier(void **state)
{
	struct tracking t;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	one_answer(&r, 0, 8 * NS_PER_MS);
	(void)rig_update(&r);
	t = rig_track(&r);
	assert_true(t.root_dispersion_ns + t.root_delay_ns / 2 > 8 * NS_PER_MS);
	rig_close(&r);
}

/* The first source that asks after a change need not be the selected one. It
 * counts until half of the others say that all is well. */
static void the_bound_holds_an_outlier_of_another_source(void **state)
{
	const int64_t jump_ns = 8 * NS_PER_MS;
	unsigned other;
	struct tracking t;
	struct rig r;

	(void)state;
	open_quiet(&r, 3);
	other = r.steering->selection.selected == 1 ? 2 : 1;
	one_answer(&r, other, jump_ns);
	assert_true(rig_update(&r));
	assert_true(r.last.max_error_ns > jump_ns);
	t = rig_track(&r);
	assert_true(t.root_dispersion_ns + t.root_delay_ns / 2 > jump_ns);
	one_answer(&r, 0, 0);
	assert_true(rig_update(&r));
	assert_true(r.last.max_error_ns < jump_ns);
	rig_close(&r);
}

/* An outlier of the last source. The others are combined or not, and have said
 * since then that the clock is right or not. */
static void half_of_the_combined_others_refute_an_outlier(void **state)
{
	static const struct {
		bool combined[3], right[3], refuted;
	} rows[] = {
	    {{true, true, false}, {true, false, false}, true},
	    {{true, true, true}, {true, false, false}, false},
	    {{true, true, true}, {true, true, false}, true},
	    {{true, false, false}, {true, false, false}, true},
	    {{true, false, false}, {false, true, true}, false},
	    {{false, false, false}, {true, true, true}, false},
	};
	const int64_t wrong_ns = 8 * NS_PER_MS;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct estimate_value v;
		struct rig r;
		int64_t bound_ns;

		open_quiet(&r, 4);
		r.steering->selection.selected = 0;
		one_answer(&r, 3, wrong_ns);
		r.steering->sources[3].state = SELECT_COMBINED;
		for (unsigned k = 0; k < 3; k++) {
			struct steering_source *src = &r.steering->sources[k];

			src->state = rows[i].combined[k] ? SELECT_COMBINED
							 : SELECT_FALSETICKER;
			if (rows[i].right[k])
				src->outliers.last_right.ns = r.now.ns + 1;
		}
		v = estimate_at(&r.steering->estimate, r.now);
		bound_ns = remaining_bound_ns(r.steering, &v, r.now);
		if ((bound_ns < wrong_ns) != rows[i].refuted)
			fail_msg("row %zu: %lld ns", i, (long long)bound_ns);
		rig_close(&r);
	}
}

/* The other sources need not say again after each outlier that the clock is
 * right. */
static void the_bound_forgets_a_source_that_stays_wrong(void **state)
{
	const int64_t wrong_ns = 200 * NS_PER_US;
	unsigned other;
	struct rig r;

	(void)state;
	open_quiet(&r, 3);
	other = r.steering->selection.selected == 1 ? 2 : 1;
	one_answer(&r, other, wrong_ns);
	assert_true(rig_update(&r));
	assert_true(r.last.max_error_ns > 2 * wrong_ns);
	for (unsigned i = 0; i < 3; i++)
		one_answer(&r, i, i == other ? wrong_ns : 0);
	assert_true(rig_update(&r));
	assert_in_range(steering_outlier_count(r.steering, other), 1, 2);
	assert_true(r.last.max_error_ns < 2 * wrong_ns);
	one_answer(&r, other, -wrong_ns);
	assert_int_equal(steering_outlier_count(r.steering, other), 1);
	assert_true(rig_update(&r));
	assert_true(r.last.max_error_ns < 2 * wrong_ns);
	rig_close(&r);
}

/* Source 0 is on a detour of 4 ms, and its bias is a little larger than that
 * explains. It becomes the largest possible one, and no more is known of it. */
static void a_bias_that_is_not_possible_stays_uncertain(void **state)
{
	static const double beyond_us[] = {0.01, 1, 30, 1000};
	const double most = 3e-3, sd = 300e-6;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(beyond_us); i++) {
		struct gaussian bias = {-most - beyond_us[i] * 1e-6, sd * sd};
		struct rig r;

		open_quiet(&r, 3);
		for (unsigned k = 0; k < 120; k++) {
			rig_wait(&r, 5);
			r.up_ns = k % 3 == 0 ? 4 * NS_PER_MS : 0;
			rig_add(&r, k % 3, 0);
			(void)rig_update(&r);
		}
		estimate_set_bias(&r.steering->estimate,
		    (unsigned)r.steering->sources[0].slot, bias);
		r.up_ns = 4 * NS_PER_MS;
		one_answer(&r, 0, ns_of_s(bias.mean) + 2 * NS_PER_MS);
		bias = estimate_bias(&r.steering->estimate,
		    (unsigned)r.steering->sources[0].slot);
		assert_true(fabs(bias.mean + most) < 1e-6);
		assert_true(fabs(sqrt(bias.var) / sd - 1) < 0.05);
		rig_close(&r);
	}
}

/* Each jump is told once, whatever is computed again later. */
static void a_replay_tells_no_jump(void **state)
{
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	for (int64_t k = 1; k <= 4; k++)
		one_answer(&r, 0, 4 * NS_PER_MS * k);
	assert_true(steering_take_freq_jump(r.steering) != 0);
	replay(&r);
	assert_true(steering_take_freq_jump(r.steering) == 0);
	rig_close(&r);
}

/* Nor does it begin a doubt of the frequency. */
static void a_replay_doubts_no_frequency(void **state)
{
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	one_answer(&r, 0, 8 * NS_PER_MS);
	one_answer(&r, 0, 8 * NS_PER_MS);
	assert_true(r.steering->freq_doubted);
	one_answer(&r, 0, 8 * NS_PER_MS);
	r.steering->freq_doubted = false;
	replay(&r);
	assert_false(r.steering->freq_doubted);
	rig_close(&r);
}

/* The frequency that is doubted is the one before the first change. */
static void a_second_change_keeps_the_frequency_of_before(void **state)
{
	const double before = 123e-6;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	one_answer(&r, 0, 8 * NS_PER_MS);
	one_answer(&r, 0, 8 * NS_PER_MS);
	assert_true(r.steering->freq_doubted);
	r.steering->freq_before = before;
	one_answer(&r, 0, -90 * NS_PER_MS);
	one_answer(&r, 0, -90 * NS_PER_MS);
	assert_int_equal(steering_outlier_count(r.steering, 0), 0);
	assert_true(moved_s(&r) < -0.05);
	assert_true(r.steering->freq_before == before);
	rig_close(&r);
}

/* The clock has changed, and its frequency was so much less before; in ppm. */
static void a_frequency_that_becomes_certain_shows_a_jump(void **state)
{
	static const struct {
		double sd, moved, told;
		bool doubted;
	} rows[] = {
	    {0, 100, 100, false},
	    {0, -100, -100, false},
	    /* As certain as it becomes. */
	    {0, 19, 0, false},
	    {0, 0, 0, false},
	    /* It may have moved, or not. */
	    {5, 30, 0, true},
	    {5, 100, 100, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double sd, told;
		struct rig r;

		open_quiet(&r, 1);
		estimate_inflate_clock(
		    &r.steering->estimate, 0, rows[i].sd * 1e-6);
		r.steering->freq_doubted = true;
		r.steering->freq_before = estimate_freq(&r.steering->estimate,
					      r.steering->estimate.at, &sd) -
					  rows[i].moved * 1e-6;
		told = steering_take_freq_jump(r.steering);
		if (fabs(told - rows[i].told) > 0.1 ||
		    r.steering->freq_doubted != rows[i].doubted)
			fail_msg("row %zu: %g", i, told);
		/* It is told once. */
		assert_true(rows[i].doubted ||
			    steering_take_freq_jump(r.steering) == 0);
		/* A jump that is seen at once ends the doubt. */
		r.steering->freq_doubted = true;
		r.steering->freq_jump = 1e-4;
		assert_true(
		    fabs(steering_take_freq_jump(r.steering) - 100) < 1e-6);
		assert_false(r.steering->freq_doubted);
		rig_close(&r);
	}
}

static void a_liar_does_not_make_the_bound_useless(void **state)
{
	struct rig r;

	(void)state;
	open_quiet(&r, 3);
	one_answer(
	    &r, r.steering->selection.selected == 1 ? 2 : 1, 100 * NS_PER_S);
	assert_true(rig_update(&r));
	assert_true(r.last.max_error_ns < NS_PER_MS);
	rig_close(&r);
}

/* The frequency has jumped somewhere between two answers: the error is three
 * times as large when the next one comes. Until then, the kernel adds 500 ppm.
 */
static void the_bound_holds_until_the_next_answer(void **state)
{
	struct tracking t;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	one_answer(&r, 0, 0);
	assert_true(rig_update(&r));
	one_answer(&r, 0, 8 * NS_PER_MS);
	assert_true(rig_update(&r));
	assert_true(r.last.max_error_ns + 4 * 500 * NS_PER_US >
		    (8 + 2 * 8) * NS_PER_MS);
	rig_wait(&r, 4);
	t = rig_track(&r);
	assert_true(t.root_dispersion_ns + t.root_delay_ns / 2 >
		    (8 + 2 * 8) * NS_PER_MS);
	rig_close(&r);
}

/* No queue explains it: the second one is believed, and measured at once. */
static void the_second_that_is_certain_moves_the_clock(void **state)
{
	struct rig r;
	double sd;

	(void)state;
	open_quiet(&r, 1);
	sd = clock_sd(&r);
	one_answer(&r, 0, 8 * NS_PER_MS);
	assert_int_equal(
	    steering_poll_vote(r.steering, 0, 16), POLL_CONTRADICTED);
	assert_true(clock_sd(&r) < 3 * sd);
	one_answer(&r, 0, 8 * NS_PER_MS);
	assert_int_equal(steering_outlier_count(r.steering, 0), 0);
	assert_int_equal(steering_poll_vote(r.steering, 0, 16), POLL_CHANGED);
	assert_true(fabs(moved_s(&r) / 8e-3 - 1) < 0.01);
	rig_close(&r);
}

/* How many answers that are wrong by this are needed until the clock is
 * doubted. */
static unsigned answers_needed(int64_t wrong_ns)
{
	unsigned n = 0;
	struct rig r;

	open_quiet(&r, 1);
	do {
		one_answer(&r, 0, wrong_ns);
		n++;
	} while (n < 4 && steering_outlier_count(r.steering, 0) == n);
	rig_close(&r);
	return n;
}

/* There is such an error, but the prediction could be off by as much. */
static void outliers_that_are_not_certain_need_a_third(void **state)
{
	bool found = false;

	(void)state;
	for (int64_t wrong = 2 * NS_PER_US; wrong < 40 * NS_PER_US;
	     wrong += NS_PER_US / 4)
		found = found || answers_needed(wrong) == 3;
	assert_true(found);
	assert_int_equal(answers_needed(100 * NS_PER_US), 2);
}

/* The frequency may have jumped with the offset: by as much as explains it in
 * the time since the last right answer, but by 500 ppm at most. */
static void the_frequency_is_doubted_with_the_offset(void **state)
{
	static const struct {
		int64_t wrong_ns;
		double freq_sd;
	} rows[] = {
	    {8 * NS_PER_MS, 500e-6},
	    /* 0.2 ms in the 8 s since the last right one, or in less. */
	    {200 * NS_PER_US, 1.7 * 25e-6},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct estimate_value v;
		struct rig r;

		open_quiet(&r, 1);
		for (unsigned k = 0; k < 2; k++)
			one_answer(&r, 0, rows[i].wrong_ns);
		v = estimate_at(&r.steering->estimate, r.now);
		assert_true(fabs(v.freq_sd / rows[i].freq_sd - 1) < 0.05);
		rig_close(&r);
	}
}

/* One of three servers has them: its bias is doubted, not the clock. If two
 * have, the clock has jumped. */
static void the_majority_decides_what_is_doubted(void **state)
{
	(void)state;
	for (unsigned with = 1; with <= 2; with++) {
		struct rig r;
		double sd;

		open_quiet(&r, 3);
		sd = clock_sd(&r);
		if (with == 2)
			one_answer(&r, 1, 8 * NS_PER_MS);
		for (unsigned k = 0; k < 4 - with; k++)
			one_answer(&r, 0, 8 * NS_PER_MS);
		assert_int_equal(steering_outlier_count(r.steering, 0), 0);
		assert_int_equal(steering_outlier_count(r.steering, 1), 0);
		if (with == 1) {
			assert_true(clock_sd(&r) < 3 * sd);
			assert_true(fabs(moved_s(&r)) < 1e-4);
			assert_true(fabs(bias_sd(&r, 0) / 8e-3 - 1) < 0.02);
		} else {
			assert_true(fabs(moved_s(&r) / 8e-3 - 1) < 0.01);
			assert_true(bias_sd(&r, 0) < 1e-4);
		}
		rig_close(&r);
	}
}

/* An honest server has a small outlier of either sign, or the clock's
 * frequency has jumped a little: a liar with a large one gains nothing. */
static void a_liar_does_not_use_an_honest_outlier(void **state)
{
	static const int64_t honest_ns[] = {
	    50 * NS_PER_US, -50 * NS_PER_US, 2 * NS_PER_MS};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(honest_ns); i++) {
		struct rig r;

		open_quiet(&r, 3);
		one_answer(&r, 1, honest_ns[i]);
		for (unsigned k = 0; k < 4; k++)
			one_answer(&r, 0, 500 * NS_PER_MS);
		assert_true(fabs(moved_s(&r)) < 1e-3);
		rig_close(&r);
	}
}

/* Two servers see a change, one lies, and the fourth was not asked yet: nothing
 * moves, neither the clock nor a bias, until a majority agrees. */
static void a_tie_moves_no_bias(void **state)
{
	struct rig r;

	(void)state;
	open_quiet(&r, 4);
	for (unsigned k = 0; k < 4; k++) {
		one_answer(&r, 2, -NS_PER_MS);
		one_answer(&r, 3, -NS_PER_MS);
		one_answer(&r, 0, 20 * NS_PER_MS);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_true(bias_sd(&r, i) < 1e-4);
	assert_true(fabs(moved_s(&r)) < 1e-4);
	for (unsigned k = 0; k < 2; k++)
		one_answer(&r, 1, -NS_PER_MS);
	assert_true(fabs(moved_s(&r) / -1e-3 - 1) < 0.01);
	rig_close(&r);
}

static void a_bias_is_doubted_by_a_second_at_most(void **state)
{
	struct rig r;

	(void)state;
	open_quiet(&r, 3);
	for (unsigned k = 0; k < 3; k++)
		one_answer(&r, 0, 7 * NS_PER_S);
	assert_true(fabs(bias_sd(&r, 0) - 1) < 0.01);
	rig_close(&r);
}

/* Nobody knows which server is right: how far they differ is part of the
 * estimated error. */
static void nothing_explains_a_server_that_was_set(void **state)
{
	struct rig r;

	(void)state;
	open_quiet(&r, 3);
	r.steering->estimate.bias_explained[0] = true;
	for (unsigned k = 0; k < 3; k++)
		one_answer(&r, 0, NS_PER_MS);
	assert_false(r.steering->estimate.bias_explained[0]);
	assert_true(r.steering->bias_set);
	rig_close(&r);
}

/* Servers that were set one after the other, and are right again, must not
 * leave an error that all of them contradict. */
static void biases_of_all_sources_are_an_error_of_the_clock(void **state)
{
	static const struct {
		double first, second, error;
	} rows[] = {{1e-3, 1e-3, 1e-3}, {1e-3, 2e-3, 1e-3},
	    {-1e-3, -3e-3, -1e-3}, {1e-3, -1e-3, 0}, {0, 1e-3, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct estimate *e;
		struct rig r;

		open_quiet(&r, 2);
		e = &r.steering->estimate;
		r.steering->bias_set = true;
		for (unsigned k = 0; k < 2; k++)
			estimate_set_bias(e, k,
			    (struct gaussian){
				k ? rows[i].second : rows[i].first, 1e-18});
		rig_wait(&r, 1);
		rig_add(&r, 0, ns_of_s(rows[i].first));
		assert_true(fabs(moved_s(&r) - rows[i].error) < 2e-5);
		rig_close(&r);
	}
}

/* ---- what a bias may be ---- */

/* A twentieth of the floor and of the server's root distance, and 1 us. */
static void a_bias_is_a_share_of_the_delays(void **state)
{
	struct rig r;
	const struct estimate *e;

	(void)state;
	rig_open(&r, 2, NULL, NULL);
	for (unsigned i = 0; i < 8; i++) {
		struct sample m = rig_sample(&r, 0);

		m.delay_ns = 200000;
		m.root_delay_ns = i % 2 ? 100000 : 0;
		m.root_dispersion_ns = i % 2 ? 50000 : 0;
		steering_add(r.steering, i % 2, &m);
		rig_wait(&r, 1);
	}
	(void)rig_update(&r);
	e = &r.steering->estimate;
	assert_int_equal(r.steering->member_count, 2);
	assert_true(
	    fabs(e->bias_sd[r.steering->sources[0].slot] - 11e-6) < 1e-12);
	assert_true(
	    fabs(e->bias_sd[r.steering->sources[1].slot] - 16e-6) < 1e-12);
	rig_close(&r);
}

/* ---- replay ---- */

static void a_replay_finds_what_the_samples_have_shown(void **state)
{
	struct tracking before, after;
	struct rig r;

	(void)state;
	open_quiet(&r, 3);
	before = rig_track(&r);
	r.steering->replay_due = true;
	replay(&r);
	after = rig_track(&r);
	assert_false(r.steering->replay_due);
	assert_true(llabs(after.offset_ns - before.offset_ns) < 1000);
	assert_true(fabs(after.residual_ppm - before.residual_ppm) < 0.02);
	assert_int_equal(r.steering->estimate.at.ns,
	    const_record(&r.steering->sources[2], 0)->sample.at.ns);
	/* Outliers and routes that were not judged yet are forgotten. */
	r.steering->sources[1].outliers.alike = 2;
	r.steering->sources[1].bias_change_sd = 1;
	r.steering->sources[1].count = 0;
	replay(&r);
	assert_int_equal(r.steering->sources[1].outliers.alike, 0);
	assert_true(r.steering->sources[1].bias_change_sd == 0);
	rig_close(&r);
}

static unsigned records_left(const struct steering *s)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < s->member_count; i++)
		sum += s->replay.left[i];
	return sum;
}

/* No decision comes before the last turn. */
static void one_turn(struct rig *r)
{
	struct clock_command c;
	bool decided = steering_update(r->steering, &r->ledger, r->wall, &c);

	assert_false(decided && steering_is_busy(r->steering));
}

/* What is shown during a replay is the estimate before it. */
static void assert_shown(
    const struct rig *r, const struct tracking *before, bool busy)
{
	struct tracking t = rig_track(r);

	assert_int_equal(steering_is_busy(r->steering), busy);
	assert_int_equal(t.offset_ns, before->offset_ns);
	/* The shapes of the boxes are learned again. */
	assert_true(llabs(t.est_error_ns - before->est_error_ns) <
		    before->est_error_ns / 100);
	assert_true(t.skew_ppm == before->skew_ppm);
	assert_int_equal(t.root_dispersion_ns, before->root_dispersion_ns);
}

/* Many records: no turn takes in more than a part of them. */
static void a_replay_has_turns(void **state)
{
	struct tracking before;
	unsigned turns = 1;
	struct rig r;

	(void)state;
	open_quiet(&r, 3);
	before = rig_track(&r);
	r.steering->replay_due = true;
	one_turn(&r);
	assert_int_equal(records_left(r.steering), 300 - FEED_TURN_RECORDS);
	assert_shown(&r, &before, true);
	while (steering_is_busy(r.steering)) {
		unsigned left = records_left(r.steering);

		one_turn(&r);
		turns++;
		assert_true(
		    left - records_left(r.steering) <= FEED_TURN_RECORDS);
		if (steering_is_busy(r.steering))
			assert_shown(&r, &before, true);
	}
	assert_int_equal(turns, 300 / FEED_TURN_RECORDS + 1);
	assert_false(r.steering->replay.under_way);
	assert_int_equal(r.steering->estimate.at.ns,
	    const_record(&r.steering->sources[2], 0)->sample.at.ns);
	assert_true(llabs(rig_error_ns(&r)) < 1000);
	rig_close(&r);
}

/* Samples that contradict the estimate widen its bound, also while a replay has
 * not come to them yet. */
static void a_replay_shows_the_outliers_before_it(void **state)
{
	struct tracking before;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	one_answer(&r, 0, 20 * NS_PER_MS);
	rig_wait(&r, 30);
	before = rig_track(&r);
	assert_true(before.root_dispersion_ns > 20 * NS_PER_MS);
	r.steering->replay_due = true;
	one_turn(&r);
	assert_shown(&r, &before, true);
	rig_close(&r);
}

/* A change of a route costs more than a record. */
static void a_turn_takes_in_fewer_records_of_many_routes(void **state)
{
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	for (unsigned i = 0; i < 50; i++)
		record(&r.steering->sources[0], 2 * i)->route = 1;
	r.steering->replay_due = true;
	one_turn(&r);
	assert_true(records_left(r.steering) > 100 - FEED_TURN_RECORDS / 4);
	rig_close(&r);
}

/* A sample that comes between two turns is the last one of the replay. */
static void a_sample_waits_for_the_end_of_a_replay(void **state)
{
	unsigned left;
	struct rig r;

	(void)state;
	open_quiet(&r, 2);
	r.steering->replay_due = true;
	one_turn(&r);
	left = records_left(r.steering);
	rig_wait(&r, 1);
	rig_add(&r, 1, 0);
	assert_int_equal(records_left(r.steering), left + 1);
	assert_int_equal(steering_outlier_count(r.steering, 1), 0);
	assert_true(rig_update(&r));
	assert_int_equal(r.steering->estimate.at.ns, r.now.ns);
	assert_true(llabs(rig_error_ns(&r)) < 1000);
	rig_close(&r);
}

/* The reason for another replay comes between two turns. What was learned of
 * the biases before the first one is not lost. */
static void a_replay_can_start_again(void **state)
{
	static const int64_t wrong_ns[3] = {0, 9 * NS_PER_US, 0};
	struct tracking before;
	struct source_view was = {.has_bias = false}, v = was;
	struct rig r;

	(void)state;
	rig_open(&r, 3, NULL, NULL);
	r.queue_s = 1e-7;
	rig_poll(&r, 3, 200, 16, wrong_ns);
	steering_source_bias(r.steering, 1, &was);
	before = rig_track(&r);
	for (unsigned i = 0; i < 3; i++) {
		r.steering->replay_due = true;
		one_turn(&r);
		assert_int_equal(
		    records_left(r.steering), 384 - FEED_TURN_RECORDS);
		assert_shown(&r, &before, true);
	}
	steering_source_bias(r.steering, 1, &v);
	assert_false(v.has_bias);
	(void)rig_update(&r);
	steering_source_bias(r.steering, 1, &v);
	assert_true(v.has_bias);
	assert_in_range(v.bias_ns, was.bias_ns - 1000, was.bias_ns + 1000);
	rig_close(&r);
}

/* The frequency of the estimate is taken over, less certain by 5 ppm, but only
 * after an update, and only if it is the better known one. */
static void a_replay_starts_with_the_better_frequency(void **state)
{
	static const struct {
		uint64_t updates;
		double first_sd;
		double freq, sd;
	} rows[] = {
	    {9, 100e-6, 20e-6, 5e-6},
	    {0, 100e-6, 0, 100e-6},
	    {9, 4e-6, 0, 4e-6},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct estimate_value v;
		struct rig r;

		open_quiet(&r, 1);
		r.steering->discipline.updates = rows[i].updates;
		r.steering->first_freq_sd = rows[i].first_sd;
		/* Nothing to take in: the start is what is left. */
		r.steering->sources[0].count = 0;
		replay(&r);
		v = estimate_at(&r.steering->estimate, r.steering->estimate.at);
		assert_true(fabs(v.freq - rows[i].freq) < 0.05e-6);
		assert_true(fabs(v.freq_sd - rows[i].sd) < 0.2e-6);
		rig_close(&r);
	}
}

/* The clock is set by another program: all samples are dropped, and many short
 * intervals follow, in which the filter starts again five times. None of them
 * tells the frequency better than what was known before. */
static double freq_error_after_a_jump(bool woke_up)
{
	double worst = 0;
	struct rig r;

	open_quiet(&r, 1);
	r.queue_s = 20e-6;
	rig_poll(&r, 1, 100, 16, NULL);
	rig_jump(&r, 50 * NS_PER_MS);
	steering_forget(r.steering, 0);
	steering_allow_step(r.steering);
	if (woke_up)
		steering_woke_up(r.steering, false);
	for (unsigned i = 0; i < 40; i++) {
		rig_poll(&r, 1, 1, i < 8 ? 0.2 : 2, NULL);
		worst = fmax(
		    worst, fabs(estimate_at(&r.steering->estimate, r.now).freq -
				r.freq));
	}
	rig_close(&r);
	return worst;
}

static void the_frequency_survives_a_jump(void **state)
{
	(void)state;
	assert_true(freq_error_after_a_jump(false) < 0.1e-6);
}

static double replay_starts_with_sd(struct rig *r)
{
	const struct estimate *e = &r->steering->estimate;

	feed_begin_replay(r->steering);
	return estimate_at(e, e->at).freq_sd;
}

/* Before the oldest record of a full ring were others, which the filter cannot
 * judge again. */
static void the_frequency_of_samples_that_are_gone_is_less_certain(void **state)
{
	struct rig r;
	double sd;

	(void)state;
	open_quiet(&r, 1);
	steering_forget(r.steering, 0);
	rig_poll(&r, 1, RECORDS - 1, 16, NULL);
	assert_true(replay_starts_with_sd(&r) < 0.01e-6);
	rig_poll(&r, 1, 1, 16, NULL);
	sd = replay_starts_with_sd(&r);
	assert_true(sd >= 5e-6 && sd < 5.1e-6);
	rig_close(&r);
}

/* The oscillator may have another temperature. */
static void after_a_sleep_the_frequency_is_less_certain(void **state)
{
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	steering_woke_up(r.steering, false);
	assert_true(estimate_at(&r.steering->estimate, r.now).freq_sd > 4e-6);
	assert_true(estimate_at(&r.steering->estimate, r.now).freq_sd < 6e-6);
	steering_woke_up(r.steering, true);
	assert_true(estimate_at(&r.steering->estimate, r.now).freq_sd > 45e-6);
	assert_true(estimate_at(&r.steering->estimate, r.now).freq_sd < 55e-6);
	rig_close(&r);
	assert_true(freq_error_after_a_jump(true) > 0.1e-6);
}

/* ---- routes ---- */

#define LONGER_NS (200 * NS_PER_US)

/* A route that is longer on both ways, and back. */
static void a_route_that_is_longer_both_ways_keeps_its_bias(void **state)
{
	const struct steering_source *src;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	r.up_ns = r.down_ns = LONGER_NS;
	rig_poll(&r, 1, 30, 16, NULL);
	src = &r.steering->sources[0];
	assert_int_equal(src->delay.route, 1);
	assert_int_equal(const_record(src, 0)->route, 1);
	assert_int_equal(const_record(src, 30)->route, 0);
	/* The records still show the bias: a replay need not keep it. */
	r.steering->replay_due = true;
	replay(&r);
	assert_null(route_recall(&src->kept, 1));
	/* Within 3 % of what the change might have been, and the clock. */
	assert_true(bias_sd(&r, 0) < 0.04 * 2e-4);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 4000);
	r.up_ns = r.down_ns = 0;
	rig_poll(&r, 1, 2, 16, NULL);
	assert_int_equal(src->delay.route, 0);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 4000);
	rig_close(&r);
}

/* A route that is longer on one way has a bias of half the difference, which
 * outlives the samples that showed it and comes back with the route. */
static void a_route_brings_its_bias_along(void **state)
{
	const struct steering_source *src;
	const struct gaussian *known;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	src = &r.steering->sources[0];
	r.up_ns = LONGER_NS;
	rig_poll(&r, 1, 60, 16, NULL);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 8000);
	r.up_ns = 0;
	rig_poll(&r, 1, 300, 16, NULL);
	assert_int_equal(src->delay.route, 0);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 8000);
	/* No record shows route 1 any more. A replay keeps what is known. */
	r.steering->replay_due = true;
	replay(&r);
	known = route_recall(&src->kept, 1);
	assert_non_null(known);
	assert_true(fabs(known->mean - 1e-4) < 1e-5);
	r.up_ns = LONGER_NS;
	rig_poll(&r, 1, 40, 16, NULL);
	assert_int_equal(src->delay.route, 1);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 9000);
	rig_close(&r);
}

/* A queue on the other way, just before a known route comes back, is not a
 * route of its own. */
static void a_queue_before_a_known_route_decides_nothing(void **state)
{
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	r.up_ns = LONGER_NS;
	rig_poll(&r, 1, 60, 16, NULL);
	r.up_ns = 0;
	rig_poll(&r, 1, 100, 16, NULL);
	r.down_ns = 3 * LONGER_NS / 2;
	rig_poll(&r, 1, 1, 16, NULL);
	r.down_ns = 0;
	r.up_ns = LONGER_NS;
	rig_poll(&r, 1, 20, 16, NULL);
	assert_int_equal(r.steering->sources[0].delay.route, 1);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 9000);
	rig_close(&r);
}

/* The last sample of a route, in a queue on both ways, looks like the first one
 * of the next route, which is longer on one way. */
static void a_queue_before_a_new_route_says_nothing_of_it(void **state)
{
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	r.up_ns = r.down_ns = LONGER_NS / 2 - NS_PER_US;
	rig_poll(&r, 1, 1, 16, NULL);
	r.up_ns = LONGER_NS;
	r.down_ns = 0;
	rig_poll(&r, 1, 30, 16, NULL);
	assert_int_equal(r.steering->sources[0].delay.route, 1);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 9000);
	rig_close(&r);
}

/* From a route with a bias to one that is longer on both ways: the bias stays.
 */
static void a_bias_stays_when_both_ways_get_longer(void **state)
{
	const struct steering_source *src;
	struct gaussian bias;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	src = &r.steering->sources[0];
	r.up_ns = LONGER_NS;
	rig_poll(&r, 1, 60, 16, NULL);
	r.up_ns += LONGER_NS;
	r.down_ns += LONGER_NS;
	rig_poll(&r, 1, 30, 16, NULL);
	assert_int_equal(src->delay.route, 2);
	bias = estimate_bias(&r.steering->estimate, 0);
	assert_true(fabs(bias.mean - 1e-4) < 1e-5);
	assert_true(sqrt(bias.var) < 1.5e-5);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 9000);
	rig_close(&r);
}

/* The oldest record is of the longer route at last: its bias is subtracted from
 * all records. */
static void the_bias_of_the_oldest_record_is_carried(void **state)
{
	const struct steering_source *src;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	src = &r.steering->sources[0];
	r.up_ns = LONGER_NS;
	rig_poll(&r, 1, RECORDS + 10, 16, NULL);
	r.steering->replay_due = true;
	replay(&r);
	assert_int_equal(src->carried_route, 1);
	assert_true(llabs(src->carried_ns - 100 * NS_PER_US) < 10000);
	assert_true(src->carried_sd > 0 && src->carried_sd < 1e-4);
	assert_non_null(route_recall(&src->kept, 0));
	assert_true(fabs(route_recall(&src->kept, 0)->mean) < 1e-6);
	rig_poll(&r, 1, 20, 16, NULL);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 9000);
	rig_close(&r);
}

/* A bias is never larger than the root distance of the best sample. */
static void a_carried_bias_is_limited(void **state)
{
	struct steering_source *src;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	src = &r.steering->sources[0];
	route_learn(&src->kept, &src->delay, 0, (struct gaussian){1, 1});
	src->learned = src->kept;
	src->old_slot = -1;
	src->best_distance_ns = 50000;
	r.steering->replay_due = true;
	replay(&r);
	assert_int_equal(src->carried_ns, 50000);
	assert_true(fabs(src->carried_sd - 5e-5) < 1e-12);
	rig_close(&r);
}

/* That of a longer route may be larger by half of what it is longer, and when
 * the route comes back it is known at once. */
static void a_longer_route_may_have_a_larger_bias(void **state)
{
	const struct steering_source *src;
	struct gaussian bias;
	struct rig r;

	(void)state;
	open_quiet(&r, 1);
	src = &r.steering->sources[0];
	r.up_ns = 20 * LONGER_NS;
	rig_poll(&r, 1, 40, 16, NULL);
	r.up_ns = 0;
	rig_poll(&r, 1, 40, 16, NULL);
	assert_int_equal(src->delay.route, 0);
	assert_true(src->best_distance_ns < 5 * LONGER_NS);
	r.up_ns = 20 * LONGER_NS;
	rig_poll(&r, 1, 10, 16, NULL);
	assert_int_equal(src->delay.route, 1);
	bias = estimate_bias(&r.steering->estimate, 0);
	assert_true(fabs(bias.mean - 2e-3) < 1e-5);
	/* It is not a new route whose bias is to be judged. */
	assert_true(src->bias_change_sd == 0);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 9000);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(outliers_in_a_row_must_agree),
	    cmocka_unit_test(a_frequency_jump_is_believed_after_two_answers),
	    cmocka_unit_test(an_answer_that_has_queued_does_not_refute),
	    cmocka_unit_test(a_silent_source_does_not_hide_a_jump),
	    cmocka_unit_test(a_silent_source_is_not_right),
	    cmocka_unit_test(a_jump_in_noise_is_learned_honestly),
	    cmocka_unit_test(one_runaway_of_three_moves_nothing),
	    cmocka_unit_test(the_bound_holds_an_outlier),
	    cmocka_unit_test(the_bound_holds_an_outlier_of_another_source),
	    cmocka_unit_test(half_of_the_combined_others_refute_an_outlier),
	    cmocka_unit_test(the_bound_forgets_a_source_that_stays_wrong),
	    cmocka_unit_test(a_bias_that_is_not_possible_stays_uncertain),
	    cmocka_unit_test(a_replay_tells_no_jump),
	    cmocka_unit_test(a_replay_doubts_no_frequency),
	    cmocka_unit_test(a_second_change_keeps_the_frequency_of_before),
	    cmocka_unit_test(a_frequency_that_becomes_certain_shows_a_jump),
	    cmocka_unit_test(a_liar_does_not_make_the_bound_useless),
	    cmocka_unit_test(the_bound_holds_until_the_next_answer),
	    cmocka_unit_test(the_second_that_is_certain_moves_the_clock),
	    cmocka_unit_test(outliers_that_are_not_certain_need_a_third),
	    cmocka_unit_test(the_frequency_is_doubted_with_the_offset),
	    cmocka_unit_test(the_majority_decides_what_is_doubted),
	    cmocka_unit_test(a_liar_does_not_use_an_honest_outlier),
	    cmocka_unit_test(a_tie_moves_no_bias),
	    cmocka_unit_test(a_bias_is_doubted_by_a_second_at_most),
	    cmocka_unit_test(nothing_explains_a_server_that_was_set),
	    cmocka_unit_test(biases_of_all_sources_are_an_error_of_the_clock),
	    cmocka_unit_test(a_bias_is_a_share_of_the_delays),
	    cmocka_unit_test(a_replay_finds_what_the_samples_have_shown),
	    cmocka_unit_test(a_replay_has_turns),
	    cmocka_unit_test(a_replay_shows_the_outliers_before_it),
	    cmocka_unit_test(a_turn_takes_in_fewer_records_of_many_routes),
	    cmocka_unit_test(a_sample_waits_for_the_end_of_a_replay),
	    cmocka_unit_test(a_replay_can_start_again),
	    cmocka_unit_test(a_replay_starts_with_the_better_frequency),
	    cmocka_unit_test(the_frequency_survives_a_jump),
	    cmocka_unit_test(
		the_frequency_of_samples_that_are_gone_is_less_certain),
	    cmocka_unit_test(after_a_sleep_the_frequency_is_less_certain),
	    cmocka_unit_test(a_route_that_is_longer_both_ways_keeps_its_bias),
	    cmocka_unit_test(a_route_brings_its_bias_along),
	    cmocka_unit_test(a_queue_before_a_known_route_decides_nothing),
	    cmocka_unit_test(a_queue_before_a_new_route_says_nothing_of_it),
	    cmocka_unit_test(a_bias_stays_when_both_ways_get_longer),
	    cmocka_unit_test(the_bias_of_the_oldest_record_is_carried),
	    cmocka_unit_test(a_carried_bias_is_limited),
	    cmocka_unit_test(a_longer_route_may_have_a_larger_bias),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
