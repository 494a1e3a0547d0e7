/* Which sources may vote, with which interval, and what their latest answers
 * change. */
#include "clock/steering/candidates.h"
#include "clock/steering/remaining.h"

#include "tests/unit/clock/steering/rig.h"

/* A rig whose oscillator has a known frequency: intervals are carried exactly.
 */
static void open_exact(struct rig *r, unsigned sources,
    const struct source_options *options, const struct steering_config *config)
{
	rig_open(r, sources, options, config);
	r->steering->first_freq = 0;
	r->steering->first_freq_sd = 0;
}

/* Half the delay, the dispersion, half the root delay, the root dispersion. */
static struct sample sample(int64_t at_ns, int64_t offset_ns)
{
	return (struct sample){
	    .at = {RIG_START_NS + at_ns},
	    .offset_ns = offset_ns,
	    .delay_ns = 2000,
	    .dispersion_ns = 300,
	    .root_delay_ns = 400,
	    .root_dispersion_ns = 500,
	    .stratum = 2,
	};
}

#define DISTANCE_NS 2000
/* In effect none: 0 would mean that the bound is learned. */
#define NO_ERROR_PPM 1e-12

static void give(struct rig *r, unsigned source, struct sample m)
{
	steering_add(r->steering, source, &m);
	steering_set_reach(r->steering, source, 1);
}

static void select_at(struct rig *r, int64_t at_ns)
{
	candidates_select(r->steering, (struct osc){RIG_START_NS + at_ns});
}

static enum select_state state_of(const struct rig *r, unsigned source)
{
	return r->steering->sources[source].state;
}

/* ---- is it usable? ---- */

static void a_source_beyond_maxdistance_is_unusable(void **state)
{
	static const struct {
		int64_t max_ns, age_ns;
		double error_ppm;
		enum select_state state;
	} rows[] = {
	    {DISTANCE_NS, 0, NO_ERROR_PPM, SELECT_SELECTED},
	    {DISTANCE_NS - 1, 0, NO_ERROR_PPM, SELECT_DISTANCE},
	    {DISTANCE_NS, 1000000 * NS_PER_S, NO_ERROR_PPM, SELECT_SELECTED},
	    /* It grows by 1 ns in each ms. */
	    {DISTANCE_NS + 1000, NS_PER_S, 1, SELECT_SELECTED},
	    {DISTANCE_NS + 999, NS_PER_S, 1, SELECT_DISTANCE},
	    {DISTANCE_NS + 2000, NS_PER_S, 2, SELECT_SELECTED},
	    {DISTANCE_NS + 1999, NS_PER_S, 2, SELECT_DISTANCE},
	    /* While the bound is learned, the vote takes 1 ppm. */
	    {DISTANCE_NS + 1000, NS_PER_S, 0, SELECT_SELECTED},
	    {DISTANCE_NS + 999, NS_PER_S, 0, SELECT_DISTANCE},
	    /* A sample from the future does not shrink. */
	    {DISTANCE_NS - 1, -NS_PER_S, 1, SELECT_DISTANCE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct steering_config config = rig_usual;
		struct rig r;

		config.max_distance_ns = rows[i].max_ns;
		config.max_clock_error_ppm = rows[i].error_ppm;
		open_exact(&r, 1, NULL, &config);
		give(&r, 0, sample(0, 0));
		select_at(&r, rows[i].age_ns);
		if (state_of(&r, 0) != rows[i].state)
			fail_msg("row %zu: %s", i,
			    select_state_name(state_of(&r, 0)));
		rig_close(&r);
	}
}

/* Two standard deviations of the frequency count as growth, too. */
static void an_unknown_frequency_makes_the_distance_grow(void **state)
{
	struct steering_config config = rig_usual;
	struct rig r;

	(void)state;
	config.max_distance_ns = DISTANCE_NS + 21000;
	open_exact(&r, 1, NULL, &config);
	r.steering->first_freq_sd = 10e-6;
	give(&r, 0, sample(0, 0));
	select_at(&r, NS_PER_S);
	assert_int_equal(state_of(&r, 0), SELECT_SELECTED);
	select_at(&r, NS_PER_S + NS_PER_MS);
	assert_int_equal(state_of(&r, 0), SELECT_DISTANCE);
	rig_close(&r);
}

/* Where several reasons hold, the first of this table is shown. */
static void an_unusable_source_names_its_first_reason(void **state)
{
	static const struct source_options noselect = {.noselect = true};
	struct steering_config config = rig_usual;
	struct sample m = sample(0, 0);
	struct rig r;

	(void)state;
	config.max_distance_ns = DISTANCE_NS - 1;
	open_exact(&r, 2, NULL, &config);
	r.steering->sources[0].options = noselect;
	r.steering->sources[0].unsynced = true;
	select_at(&r, 0);
	assert_int_equal(state_of(&r, 0), SELECT_NO_SAMPLES);
	give(&r, 0, m);
	r.steering->sources[0].delay.queue = 1.001;
	r.steering->sources[0].scatter_s = 1.001;
	r.steering->config.min_stratum = 3;
	give(&r, 1, sample(1, 0));
	steering_set_reach(r.steering, 0, 0);
	select_at(&r, 0);
	assert_int_equal(state_of(&r, 0), SELECT_NOSELECT);
	r.steering->sources[0].options.noselect = false;
	select_at(&r, 0);
	assert_int_equal(state_of(&r, 0), SELECT_UNSYNCED);
	r.steering->sources[0].unsynced = false;
	select_at(&r, 0);
	assert_int_equal(state_of(&r, 0), SELECT_STRATUM);
	r.steering->config.min_stratum = 2;
	select_at(&r, 0);
	assert_int_equal(state_of(&r, 0), SELECT_DISTANCE);
	r.steering->config.max_distance_ns++;
	select_at(&r, 0);
	assert_int_equal(state_of(&r, 0), SELECT_TOO_VARIABLE);
	r.steering->sources[0].delay.queue = 1;
	select_at(&r, 0);
	assert_int_equal(state_of(&r, 0), SELECT_TOO_VARIABLE);
	r.steering->sources[0].scatter_s = 1;
	select_at(&r, 0);
	assert_int_equal(state_of(&r, 0), SELECT_STALE);
	steering_set_reach(r.steering, 0, 1);
	select_at(&r, 0);
	assert_true(is_combined(&r.steering->sources[0]));
	/* The server says so in its answer. */
	m.at.ns += 2;
	m.leap = LEAP_UNKNOWN;
	give(&r, 0, m);
	select_at(&r, 0);
	assert_int_equal(state_of(&r, 0), SELECT_UNSYNCED);
	rig_close(&r);
}

static void the_stratum_must_be_within_its_limits(void **state)
{
	static const struct {
		unsigned min, max;
		bool used;
	} rows[] = {{0, 15, true}, {2, 2, true}, {3, 15, false}, {0, 1, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct steering_config config = rig_usual;
		struct rig r;

		config.min_stratum = rows[i].min;
		config.max_stratum = rows[i].max;
		open_exact(&r, 1, NULL, &config);
		give(&r, 0, sample(0, 0));
		select_at(&r, 0);
		assert_int_equal(state_of(&r, 0),
		    rows[i].used ? SELECT_SELECTED : SELECT_STRATUM);
		rig_close(&r);
	}
}

/* A lone server that is set by ten seconds at each answer. */
static void a_source_that_scatters_is_not_used(void **state)
{
	static const struct {
		int64_t most_ns;
		enum select_state state;
	} rows[] = {{NS_PER_S, SELECT_TOO_VARIABLE},
	    {20 * NS_PER_S, SELECT_SELECTED}, {0, SELECT_SELECTED}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct steering_config config = rig_usual;
		struct rig r;

		config.max_jitter_ns = rows[i].most_ns;
		open_exact(&r, 1, NULL, &config);
		for (int64_t s = 0; s < 8; s++)
			give(&r, 0,
			    sample(64 * s * NS_PER_S, s % 2 * 10 * NS_PER_S));
		select_at(&r, 7 * 64 * NS_PER_S);
		assert_int_equal(state_of(&r, 0), rows[i].state);
		rig_close(&r);
	}
}

/* Source 0 answered at 5 s, source 1 at `other_s`. */
static void a_silent_source_is_stale_if_another_one_answers(void **state)
{
	static const struct {
		uint8_t reach, other_reach;
		int64_t other_s;
		bool other_noselect, stale;
	} rows[] = {
	    {0, 1, 6, false, true},
	    {0, 0x80, 6, false, true},
	    {0x80, 1, 6, false, false},
	    {0, 0, 6, false, false},
	    {0, 1, 5, false, false},
	    {0, 1, 4, false, false},
	    {0, 1, 6, true, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct source_options options[2] = {
		    {0}, {.noselect = rows[i].other_noselect}};
		struct rig r;

		open_exact(&r, 2, options, NULL);
		give(&r, 0, sample(5 * NS_PER_S, 0));
		give(&r, 1, sample(rows[i].other_s * NS_PER_S, 0));
		steering_set_reach(r.steering, 0, rows[i].reach);
		steering_set_reach(r.steering, 1, rows[i].other_reach);
		select_at(&r, 7 * NS_PER_S);
		assert_int_equal(
		    state_of(&r, 0) == SELECT_STALE, rows[i].stale);
		rig_close(&r);
	}
}

/* ---- the interval ---- */

/* 20 ppm slow: an offset of a second ago has grown by 20 us. The sample with
 * the least distance of now counts, not the latest. */
static void the_best_sample_is_carried_to_now(void **state)
{
	const struct steering_source *s;
	struct sample m = sample(0, 5000);
	struct estimate_value v = {.offset_ns = 45000};
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	r.steering->first_freq = 20e-6;
	r.steering->first_freq_sd = 5e-6;
	assert_int_equal(remaining_bound_ns(r.steering, &v, r.now), INT64_MAX);
	give(&r, 0, m);
	m.at.ns += NS_PER_S;
	m.delay_ns += 30000;
	give(&r, 0, m);
	select_at(&r, NS_PER_S);
	s = &r.steering->sources[0];
	/* 10 us in a second for twice the deviation, 1 us for its wander. */
	assert_int_equal(s->best_offset_ns, 25000);
	assert_int_equal(s->best_distance_ns, DISTANCE_NS + 11000);
	assert_int_equal(s->best_own_ns, DISTANCE_NS);
	assert_int_equal(s->best_at.ns, RIG_START_NS + NS_PER_S);
	/* A second later: carried on, and 5 us to the estimate. */
	assert_in_range(remaining_bound_ns(r.steering, &v,
			    (struct osc){RIG_START_NS + 2 * NS_PER_S}),
	    DISTANCE_NS + 22000 - 1, DISTANCE_NS + 22000 + 1);
	v.offset_ns = 40000;
	assert_in_range(remaining_bound_ns(r.steering, &v,
			    (struct osc){RIG_START_NS + 2 * NS_PER_S}),
	    DISTANCE_NS + 27000 - 1, DISTANCE_NS + 27000 + 1);
	/* Then the newer one is better. */
	select_at(&r, 4 * NS_PER_S);
	assert_int_equal(s->best_own_ns, DISTANCE_NS);
	m.at.ns += 3 * NS_PER_S;
	give(&r, 0, m);
	select_at(&r, 4 * NS_PER_S);
	assert_int_equal(s->best_own_ns, DISTANCE_NS + 15000);
	rig_close(&r);
}

/* ---- names of one server ---- */

static void the_first_usable_name_of_a_server_votes(void **state)
{
	struct rig r;

	(void)state;
	open_exact(&r, 3, NULL, NULL);
	steering_set_server(r.steering, 2, 0);
	for (unsigned i = 0; i < 3; i++)
		give(&r, i, sample(0, 0));
	select_at(&r, 0);
	assert_int_equal(r.steering->selection.voters, 2);
	assert_int_equal(r.steering->selection.independent, 2);
	steering_set_unsynced(r.steering, 0, true);
	select_at(&r, 0);
	assert_int_equal(r.steering->selection.voters, 2);
	steering_set_unsynced(r.steering, 2, true);
	select_at(&r, 0);
	assert_int_equal(r.steering->selection.voters, 1);
	rig_close(&r);
}

/* ---- rules of the administrator ---- */

static void minsources_and_require_make_the_steering_wait(void **state)
{
	struct steering_config config = rig_usual;
	struct source_options options[3] = {{0}, {0}, {.require = true}};
	struct rig r;

	(void)state;
	config.min_sources = 3;
	open_exact(&r, 3, options, &config);
	give(&r, 0, sample(0, 0));
	give(&r, 1, sample(0, 0));
	select_at(&r, 0);
	assert_int_equal(r.steering->selection.outcome, SELECT_WAITS);
	assert_true(r.steering->selection.required_missing);
	give(&r, 2, sample(0, 0));
	select_at(&r, 0);
	assert_int_equal(r.steering->selection.outcome, SELECT_SELECTED);
	r.steering->config.min_sources = 4;
	select_at(&r, 0);
	assert_int_equal(r.steering->selection.outcome, SELECT_WAITS);
	assert_false(r.steering->selection.required_missing);
	rig_close(&r);
}

/* ---- falsetickers ---- */

#define LIE_NS (10 * DISTANCE_NS)

/* One round of three sources; source 0 says `wrong_ns`, and its lies are less
 * precise. */
static enum select_state round_at(struct rig *r, int64_t s, int64_t wrong_ns)
{
	for (unsigned i = 0; i < 3; i++) {
		struct sample m = sample(s * NS_PER_S, i == 0 ? wrong_ns : 0);

		if (m.offset_ns != 0)
			m.delay_ns += 1000;
		give(r, i, m);
	}
	select_at(r, s * NS_PER_S);
	return state_of(r, 0);
}

/* A new answer that contradicts the older ones, from the first `moved` of three
 * sources, although the older ones are sharper. */
static void move_at(struct rig *r, int64_t s, unsigned moved)
{
	for (unsigned i = 0; i < moved; i++) {
		struct sample m = sample(s * NS_PER_S, LIE_NS);

		m.delay_ns += 1000;
		give(r, i, m);
	}
	select_at(r, s * NS_PER_S);
}

/* Once all sources contradict what they said before, the clock has jumped. One
 * that does not answer, one that was a falseticker and one that is not used do
 * not count. */
static void a_jump_that_all_sources_show_counts_at_once(void **state)
{
	static const struct {
		unsigned moved;
		bool silent, lies, unused; /* the third source */
		bool jumped;
	} rows[] = {
	    {3, false, false, false, true},
	    {2, false, false, false, false},
	    {2, true, false, false, true},
	    {2, false, true, false, true},
	    {2, false, false, true, true},
	};
	struct steering_config config = rig_usual;

	(void)state;
	config.max_clock_error_ppm = NO_ERROR_PPM;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct source_options options[3] = {
		    [2] = {.noselect = rows[i].unused}};
		struct rig r;
		int64_t says_ns;

		open_exact(&r, 3, options, &config);
		for (int s = 0; s < 5; s++)
			(void)round_at(&r, s, 0);
		if (rows[i].silent)
			steering_set_reach(r.steering, 2, 0xfc);
		r.steering->sources[2].was_falseticker = rows[i].lies;
		move_at(&r, 5, rows[i].moved);
		says_ns = r.steering->sources[0].best_offset_ns;
		assert_int_equal(says_ns == LIE_NS, rows[i].jumped);
		rig_close(&r);
	}
}

/* Its older answers still speak for a liar, and the lies against it, until
 * three answers in a row say otherwise. */
static void three_answers_turn_a_server(void **state)
{
	struct steering_config config = rig_usual;
	struct rig r;

	(void)state;
	config.max_clock_error_ppm = NO_ERROR_PPM;
	open_exact(&r, 3, NULL, &config);
	for (int s = 0; s < 5; s++)
		assert_int_not_equal(round_at(&r, s, 0), SELECT_FALSETICKER);
	assert_int_not_equal(round_at(&r, 5, LIE_NS), SELECT_FALSETICKER);
	assert_int_not_equal(round_at(&r, 6, LIE_NS), SELECT_FALSETICKER);
	assert_false(r.steering->sources[0].outside);
	assert_int_equal(round_at(&r, 7, LIE_NS), SELECT_FALSETICKER);
	assert_true(r.steering->sources[0].outside);
	assert_int_equal(r.steering->selection.agreeing, 2);
	assert_int_equal(r.steering->selection.voters, 3);
	/* One or two true answers are not enough. */
	assert_int_equal(round_at(&r, 8, 0), SELECT_FALSETICKER);
	assert_int_equal(round_at(&r, 9, 0), SELECT_FALSETICKER);
	assert_true(r.steering->sources[0].outside);
	assert_int_equal(r.steering->sources[0].count, 10);
	/* The third forgets the three lies. */
	assert_int_not_equal(round_at(&r, 10, 0), SELECT_FALSETICKER);
	assert_false(r.steering->sources[0].outside);
	assert_int_equal(r.steering->sources[0].count, 8);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(
		    const_record(&r.steering->sources[0], i)->sample.offset_ns,
		    0);
	assert_int_equal(const_record(&r.steering->sources[0], 3)->sample.at.ns,
	    RIG_START_NS + 4 * NS_PER_S);
	rig_close(&r);
}

/* Nor do its lies stay because one other source contradicts itself. Half of the
 * other servers may show a jump, if they are used and answer. */
static void who_speaks_may_excuse_a_lie(void **state)
{
	static const struct {
		unsigned honest; /* of the four others */
		bool noselect, silent;
		bool named;    /* source 3 is another name of the liar */
		unsigned left; /* answers of the liar */
	} rows[] = {{3, false, false, false, 8}, {2, false, false, false, 11},
	    {2, true, false, false, 8}, {2, false, true, false, 8},
	    {2, false, false, true, 8}};
	struct steering_config config = rig_usual;

	(void)state;
	config.max_clock_error_ppm = NO_ERROR_PPM;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct source_options options[5] = {
		    [4] = {.noselect = rows[i].noselect}};
		struct rig r;

		open_exact(&r, 5, options, &config);
		if (rows[i].named)
			steering_set_server(r.steering, 3, 0);
		for (int s = 0; s < 11; s++) {
			struct sample odd =
			    sample(s * NS_PER_S, s % 2 ? LIE_NS * (s + 1) : 0);

			odd.delay_ns += 1000 + 100 * s;
			give(&r, 3,
			    rows[i].honest > 2 ? sample(s * NS_PER_S, 0) : odd);
			give(&r, 4, odd);
			if (rows[i].silent)
				steering_set_reach(r.steering, 4, 0xfc);
			(void)round_at(&r, s, s >= 5 && s < 8 ? LIE_NS : 0);
		}
		assert_int_equal(r.steering->sources[0].count, rows[i].left);
		rig_close(&r);
	}
}

/* Two of three say nothing against each other without a majority. */
static void without_a_majority_nobody_is_outside(void **state)
{
	struct rig r;

	(void)state;
	open_exact(&r, 3, NULL, NULL);
	for (int s = 0; s < 4; s++)
		(void)round_at(&r, s, LIE_NS);
	assert_int_equal(state_of(&r, 0), SELECT_FALSETICKER);
	assert_true(r.steering->sources[0].outside);
	assert_true(r.steering->sources[0].was_falseticker);
	/* Another one falls silent: one against one. */
	steering_set_reach(r.steering, 2, 0);
	give(&r, 1, sample(4 * NS_PER_S, 0));
	give(&r, 0, sample(4 * NS_PER_S, LIE_NS));
	select_at(&r, 4 * NS_PER_S);
	assert_false(r.steering->sources[0].outside);
	assert_int_equal(state_of(&r, 0), SELECT_NO_MAJORITY);
	assert_false(r.steering->sources[0].was_falseticker);
	rig_close(&r);
}

/* The only server was set: it proves nothing against itself. */
static void a_lone_server_is_never_outside(void **state)
{
	struct steering_config config = rig_usual;
	struct rig r;

	(void)state;
	config.max_clock_error_ppm = NO_ERROR_PPM;
	open_exact(&r, 1, NULL, &config);
	for (int64_t s = 0; s < 10; s++) {
		struct sample m = sample(s * NS_PER_S, s < 5 ? 0 : LIE_NS);

		m.delay_ns += s < 5 ? 0 : 1000;
		give(&r, 0, m);
		select_at(&r, s * NS_PER_S);
		assert_int_equal(state_of(&r, 0), SELECT_SELECTED);
		assert_false(r.steering->sources[0].outside);
	}
	rig_close(&r);
}

/* Two of four agree, the others nowhere: that is no majority. */
static void half_of_the_sources_judge_nobody(void **state)
{
	static const int64_t wrong_ns[4] = {0, 0, LIE_NS, -LIE_NS};
	struct rig r;

	(void)state;
	open_exact(&r, 4, NULL, NULL);
	for (int64_t s = 0; s < 4; s++) {
		for (unsigned i = 0; i < 4; i++)
			give(&r, i, sample(s * NS_PER_S, wrong_ns[i]));
		select_at(&r, s * NS_PER_S);
	}
	assert_int_equal(r.steering->selection.agreeing, 2);
	assert_int_equal(r.steering->selection.outcome, SELECT_NO_MAJORITY);
	for (unsigned i = 0; i < 4; i++)
		assert_false(r.steering->sources[i].outside);
	rig_close(&r);
}

static void a_falseticker_that_was_unusable_is_still_one(void **state)
{
	struct rig r;

	(void)state;
	open_exact(&r, 3, NULL, NULL);
	(void)round_at(&r, 0, LIE_NS);
	assert_true(r.steering->sources[0].was_falseticker);
	assert_false(r.steering->sources[0].was_combined);
	assert_true(r.steering->sources[1].was_combined);
	steering_set_unsynced(r.steering, 0, true);
	select_at(&r, 0);
	assert_true(r.steering->sources[0].was_falseticker);
	steering_set_unsynced(r.steering, 0, false);
	r.steering->sources[0].delay.queue = 1.001;
	select_at(&r, 0);
	assert_int_equal(state_of(&r, 0), SELECT_TOO_VARIABLE);
	assert_true(r.steering->sources[0].was_falseticker);
	/* It agrees with its whole interval, but not with half of it. */
	steering_forget(r.steering, 0);
	r.steering->sources[0].was_falseticker = true;
	give(&r, 0, sample(0, 3 * DISTANCE_NS / 2 + 1 + DISTANCE_NS));
	select_at(&r, 0);
	assert_int_equal(state_of(&r, 0), SELECT_FALSETICKER);
	steering_forget(r.steering, 0);
	give(&r, 0, sample(0, DISTANCE_NS + DISTANCE_NS / 2 + 1));
	select_at(&r, 0);
	assert_int_not_equal(state_of(&r, 0), SELECT_FALSETICKER);
	rig_close(&r);
}

/* ---- leap seconds ---- */

static void more_than_half_of_the_combined_decide_on_a_leap_second(void **state)
{
	static const struct {
		enum leap says[4];
		unsigned unsynced; /* one bit for each */
		enum leap leap;
	} rows[] = {
	    {{LEAP_NONE, LEAP_NONE, LEAP_NONE, LEAP_NONE}, 0, LEAP_NONE},
	    {{LEAP_INSERT, LEAP_INSERT, LEAP_NONE, LEAP_NONE}, 0, LEAP_NONE},
	    {{LEAP_INSERT, LEAP_INSERT, LEAP_INSERT, LEAP_NONE}, 0,
		LEAP_INSERT},
	    {{LEAP_DELETE, LEAP_DELETE, LEAP_DELETE, LEAP_NONE}, 0,
		LEAP_DELETE},
	    {{LEAP_INSERT, LEAP_INSERT, LEAP_DELETE, LEAP_DELETE}, 0,
		LEAP_NONE},
	    {{LEAP_INSERT, LEAP_INSERT, LEAP_NONE, LEAP_NONE}, 8, LEAP_INSERT},
	    {{LEAP_INSERT, LEAP_INSERT, LEAP_NONE, LEAP_NONE}, 1, LEAP_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig r;

		open_exact(&r, 4, NULL, NULL);
		for (unsigned k = 0; k < 4; k++) {
			struct sample m = sample(0, 0);

			m.leap = rows[i].says[k];
			give(&r, k, m);
			steering_set_unsynced(
			    r.steering, k, rows[i].unsynced >> k & 1);
		}
		select_at(&r, 0);
		if (candidates_leap(r.steering) != rows[i].leap)
			fail_msg("row %zu", i);
		rig_close(&r);
	}
}

/* Two of five sources announce one, and are names of servers that others, which
 * do not, are names of, too. */
static void a_server_announces_a_leap_second_by_all_its_names(void **state)
{
	struct rig r;

	(void)state;
	for (unsigned agree = 0; agree < 2; agree++) {
		open_exact(&r, 5, NULL, NULL);
		for (unsigned i = 0; i < 5; i++) {
			struct sample m = sample(0, 0);

			m.leap =
			    i < 2 || (i < 4 && agree) ? LEAP_INSERT : LEAP_NONE;
			give(&r, i, m);
			steering_set_server(r.steering, i, i < 4 ? i % 2 : i);
		}
		select_at(&r, 0);
		assert_int_equal(candidates_leap(r.steering),
		    agree ? LEAP_INSERT : LEAP_NONE);
		rig_close(&r);
	}
	/* Three of four sources are names of one server. */
	open_exact(&r, 4, NULL, NULL);
	for (unsigned i = 0; i < 4; i++) {
		struct sample m = sample(0, 0);

		m.leap = i < 3 ? LEAP_INSERT : LEAP_NONE;
		give(&r, i, m);
		steering_set_server(r.steering, i, i < 3 ? 0 : i);
	}
	select_at(&r, 0);
	assert_int_equal(candidates_leap(r.steering), LEAP_NONE);
	rig_close(&r);
}

/* Sources 0 and 1 are names of one server. Whose vote it is decides whether the
 * sources far away are a majority. */
static void the_name_that_most_servers_agree_with_votes(void **state)
{
	enum { NEAR, FAR, ELSEWHERE };
	static const struct {
		unsigned place[6], server[6];
		bool unsynced[6], far_decide;
	} rows[] = {
	    {{NEAR, FAR, FAR, FAR, NEAR, NEAR}, {0, 0, 2, 3, 4, 5}, {0}, false},
	    {{NEAR, FAR, FAR, FAR, FAR, NEAR}, {0, 0, 2, 3, 4, 5}, {0}, true},
	    /* Two names of one other server count once. */
	    {{NEAR, FAR, NEAR, NEAR, FAR, FAR}, {0, 0, 2, 2, 4, 5}, {0}, true},
	    /* What has no vote does not support a name. */
	    {{NEAR, FAR, FAR, NEAR, NEAR, NEAR}, {0, 0, 2, 3, 4, 5},
		{0, 0, 0, 1, 1, 1}, true},
	    /* A name that is not usable takes no vote. */
	    {{NEAR, FAR, ELSEWHERE, FAR, FAR, NEAR}, {0, 0, 2, 3, 4, 5},
		{0, 1, 0, 0, 0, 1}, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig r;
		bool decide = false;

		open_exact(&r, 6, NULL, NULL);
		for (unsigned k = 0; k < 6; k++) {
			give(&r, k,
			    sample(0, rows[i].place[k] * 10 * DISTANCE_NS));
			steering_set_server(r.steering, k, rows[i].server[k]);
			steering_set_unsynced(
			    r.steering, k, rows[i].unsynced[k]);
		}
		select_at(&r, 0);
		for (unsigned k = 0; k < 6; k++)
			decide =
			    decide || (rows[i].place[k] == FAR &&
					  state_of(&r, k) == SELECT_SELECTED);
		if (decide != rows[i].far_decide)
			fail_msg("row %zu", i);
		rig_close(&r);
	}
}

/* A name whose latest answers left the truth of the others takes no vote: all
 * three servers agree. */
static void a_name_outside_of_the_truth_goes_last(void **state)
{
	struct steering_config config = rig_usual;
	struct rig r;

	(void)state;
	config.min_sources = 3;
	for (unsigned outside = 0; outside < 2; outside++) {
		open_exact(&r, 4, NULL, &config);
		for (unsigned i = 0; i < 4; i++)
			give(&r, i, sample(0, 0));
		steering_set_server(r.steering, 1, 0);
		r.steering->sources[outside].outside = true;
		select_at(&r, 0);
		assert_int_equal(state_of(&r, outside), SELECT_FALSETICKER);
		assert_true(r.steering->selection.selected >= 0);
		rig_close(&r);
	}
}

/* The second one of three names replaces the first, and the third one is no
 * better: the first and the third have no vote. */
static void of_three_names_of_a_server_one_votes(void **state)
{
	struct rig r;

	(void)state;
	open_exact(&r, 5, NULL, NULL);
	for (unsigned i = 0; i < 5; i++) {
		give(&r, i, sample(0, i == 0 ? 5 * DISTANCE_NS : 0));
		steering_set_server(r.steering, i, i < 3 ? 0 : i);
	}
	select_at(&r, 0);
	assert_int_equal(r.steering->selection.voters, 3);
	assert_int_equal(r.steering->selection.agreeing, 3);
	rig_close(&r);
}

/* Its key server says that a is at the address of b, which is trusted. */
static void a_name_of_a_trusted_server_takes_no_trust_from_it(void **state)
{
	const struct source_options options[3] = {
	    {.trust = false}, {.trust = true}, {.trust = false}};
	struct rig r;

	(void)state;
	open_exact(&r, 3, options, NULL);
	give(&r, 0, sample(0, 5 * DISTANCE_NS));
	give(&r, 1, sample(0, 0));
	give(&r, 2, sample(0, 5 * DISTANCE_NS));
	steering_set_server(r.steering, 1, 0);
	select_at(&r, 0);
	assert_int_equal(state_of(&r, 0), SELECT_UNTRUSTED);
	assert_int_equal(state_of(&r, 1), SELECT_SELECTED);
	assert_int_equal(state_of(&r, 2), SELECT_UNTRUSTED);
	rig_close(&r);
}

/* The others may be many: the trusted ones announce the leap second. */
static void trusted_sources_decide_on_a_leap_second(void **state)
{
	const struct source_options options[3] = {{.trust = true}};
	struct rig r;

	(void)state;
	for (unsigned announced = 0; announced < 2; announced++) {
		open_exact(&r, 3, options, NULL);
		for (unsigned i = 0; i < 3; i++) {
			struct sample m = sample(0, 0);

			m.delay_ns -= i > 0 ? 1000 : 0;
			m.leap = (i == 0) == (announced == 1) ? LEAP_INSERT
							      : LEAP_NONE;
			give(&r, i, m);
		}
		select_at(&r, 0);
		assert_true(is_combined(&r.steering->sources[0]));
		assert_true(is_combined(&r.steering->sources[2]));
		assert_int_equal(candidates_leap(r.steering),
		    announced ? LEAP_INSERT : LEAP_NONE);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_source_beyond_maxdistance_is_unusable),
	    cmocka_unit_test(an_unknown_frequency_makes_the_distance_grow),
	    cmocka_unit_test(an_unusable_source_names_its_first_reason),
	    cmocka_unit_test(the_stratum_must_be_within_its_limits),
	    cmocka_unit_test(a_source_that_scatters_is_not_used),
	    cmocka_unit_test(a_silent_source_is_stale_if_another_one_answers),
	    cmocka_unit_test(the_best_sample_is_carried_to_now),
	    cmocka_unit_test(the_first_usable_name_of_a_server_votes),
	    cmocka_unit_test(minsources_and_require_make_the_steering_wait),
	    cmocka_unit_test(a_jump_that_all_sources_show_counts_at_once),
	    cmocka_unit_test(three_answers_turn_a_server),
	    cmocka_unit_test(who_speaks_may_excuse_a_lie),
	    cmocka_unit_test(without_a_majority_nobody_is_outside),
	    cmocka_unit_test(a_lone_server_is_never_outside),
	    cmocka_unit_test(half_of_the_sources_judge_nobody),
	    cmocka_unit_test(a_falseticker_that_was_unusable_is_still_one),
	    cmocka_unit_test(
		more_than_half_of_the_combined_decide_on_a_leap_second),
	    cmocka_unit_test(a_server_announces_a_leap_second_by_all_its_names),
	    cmocka_unit_test(the_name_that_most_servers_agree_with_votes),
	    cmocka_unit_test(a_name_outside_of_the_truth_goes_last),
	    cmocka_unit_test(of_three_names_of_a_server_one_votes),
	    cmocka_unit_test(a_name_of_a_trusted_server_takes_no_trust_from_it),
	    cmocka_unit_test(trusted_sources_decide_on_a_leap_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
