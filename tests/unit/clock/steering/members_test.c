/* Which sources are in the filter, and which first answers contradict what was
 * restored. */
#include "clock/steering/members.h"
#include "clock/steering/restore.h"

#include "tests/unit/clock/steering/rig.h"

/* ---- membership ---- */

/* Two members; source 1 gets each state. */
static void a_source_leaves_when_its_samples_are_not_wanted(void **state)
{
	static const bool leaves[SELECT_STATE_COUNT] = {
	    [SELECT_NO_SAMPLES] = true,
	    [SELECT_NOSELECT] = true,
	    [SELECT_STRATUM] = true,
	    [SELECT_UNTRUSTED] = true,
	    [SELECT_NO_MAJORITY] = true,
	    [SELECT_WAITS] = true,
	    [SELECT_DUPLICATE] = true,
	    [SELECT_FALSETICKER] = true,
	    [SELECT_TOO_VARIABLE] = true,
	    [SELECT_OUTLIER] = true,
	    [SELECT_SURPLUS] = true,
	    [SELECT_NOT_PREFERRED] = true,
	};

	(void)state;
	for (unsigned i = 0; i < SELECT_STATE_COUNT; i++) {
		struct rig r;
		struct steering *s;

		rig_open(&r, 2, NULL, NULL);
		rig_poll(&r, 2, 8, 1, NULL);
		s = r.steering;
		assert_int_equal(s->member_count, 2);
		s->selection.selected = 0;
		s->sources[0].state = SELECT_SELECTED;
		s->sources[1].state = (enum select_state)i;
		s->replay_due = false;
		members_renew(s);
		if (s->replay_due != leaves[i] ||
		    (s->sources[1].slot < 0) != leaves[i])
			fail_msg("%s", select_state_name((enum select_state)i));
		/* Without samples no source stays. */
		s->sources[1].count = 0;
		members_renew(s);
		assert_int_equal(s->sources[1].slot,
		    (enum select_state)i == SELECT_COMBINED ? 1 : -1);
		assert_true(s->replay_due);
		rig_close(&r);
	}
}

static void a_combined_source_joins(void **state)
{
	struct rig r;
	struct steering *s;

	(void)state;
	rig_open(&r, 3, NULL, NULL);
	rig_poll(&r, 2, 8, 1, NULL);
	s = r.steering;
	s->replay_due = false;
	members_renew(s);
	assert_false(s->replay_due);
	rig_add(&r, 2, 0);
	s->sources[2].state = SELECT_COMBINED;
	members_renew(s);
	assert_true(s->replay_due);
	assert_int_equal(s->member_count, 3);
	/* The selected one is the first. */
	s->replay_due = false;
	s->sources[s->selection.selected].state = SELECT_COMBINED;
	s->selection.selected = 2;
	s->sources[2].state = SELECT_SELECTED;
	members_renew(s);
	assert_false(s->replay_due);
	s->sources[0].state = SELECT_FALSETICKER;
	members_renew(s);
	assert_true(s->replay_due);
	assert_int_equal(s->member_count, 2);
	assert_int_equal(s->members[0], 2);
	assert_int_equal(s->members[1], 1);
	assert_int_equal(s->sources[0].slot, -1);
	assert_int_equal(s->sources[1].slot, 1);
	assert_int_equal(s->sources[2].slot, 0);
	rig_close(&r);
}

/* As many sources are combined as the filter holds. Another one replaces a
 * member that has fallen silent, and there is no replay at each update. */
static void every_combined_source_is_in_the_filter(void **state)
{
	enum { MANY = SELECT_COMBINED_MAX + 1 };
	struct rig r;
	struct steering *s;

	(void)state;
	rig_open(&r, MANY, NULL, NULL);
	s = r.steering;
	s->selection.selected = MANY - 2;
	for (unsigned i = 0; i < MANY; i++) {
		rig_add(&r, i, 0);
		s->sources[i].state = SELECT_COMBINED;
	}
	s->sources[MANY - 2].state = SELECT_SELECTED;
	s->sources[MANY - 1].state = SELECT_SURPLUS;
	members_renew(s);
	assert_int_equal(s->member_count, SELECT_COMBINED_MAX);
	assert_int_equal(s->members[0], MANY - 2);
	assert_int_equal(s->members[1], 0);
	assert_int_equal(s->sources[MANY - 1].slot, -1);
	s->replay_due = false;
	members_renew(s);
	assert_false(s->replay_due);
	s->sources[3].state = SELECT_STALE;
	members_renew(s);
	assert_false(s->replay_due);
	s->sources[MANY - 1].state = SELECT_COMBINED;
	members_renew(s);
	assert_true(s->replay_due);
	assert_int_equal(s->member_count, SELECT_COMBINED_MAX);
	assert_int_equal(s->sources[3].slot, -1);
	assert_true(s->sources[MANY - 1].slot >= 0);
	rig_close(&r);
}

static void clearing_forgets_everything_measured(void **state)
{
	struct rig r;
	struct steering_source *src;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 20, 16, NULL);
	src = &r.steering->sources[0];
	src->was_falseticker = src->outside = true;
	src->outliers.alike = 2;
	src->carried_ns = 77;
	src->carried_sd = 1e-6;
	src->carried_route = 3;
	src->restored_delay = 1;
	route_learn(&src->kept, &src->delay, 5, (struct gaussian){1e-6, 1e-12});
	src->learned = src->kept;
	members_clear(src);
	assert_int_equal(src->count, 0);
	assert_int_equal(src->next, 0);
	assert_int_equal(src->run_samples, 0);
	assert_int_equal(src->state, SELECT_NO_SAMPLES);
	assert_false(src->was_falseticker || src->outside || src->was_combined);
	assert_int_equal(src->outliers.alike, 0);
	assert_int_equal(src->carried_ns, 0);
	assert_int_equal(src->carried_route, 0);
	assert_true(src->carried_sd == 0 && src->restored_delay == 0);
	assert_null(route_recall(&src->kept, 5));
	assert_null(route_recall(&src->learned, 5));
	assert_int_equal(src->delay.seen, 0);
	assert_true(src->error_model.now.samples == 0);
	/* The server and its options stay. */
	assert_int_equal(src->slot, 0);
	rig_close(&r);
}

/* ---- restored samples ---- */

/* The last restored sample has a distance of 2 us, as has the first answer, ten
 * seconds later. The clock loses 20 ppm, known to 5 ppm, and 1 ppm more may be
 * unknown: 110 us in ten seconds, 114 us in all. */
static void an_answer_contradicts_beyond_the_bounds(void **state)
{
	static const struct {
		int64_t age_s, apart_ns;
		bool contradicts;
	} rows[] = {
	    {10, 200000, false},
	    {10, 200000 + 113999, false},
	    {10, 200000 + 114002, true},
	    {10, 200000 - 113999, false},
	    {10, 200000 - 114002, true},
	    /* A clock that went back. */
	    {-10, -200000 + 113999, false},
	    {-10, -200000 + 114002, true},
	};
	const struct sample before = {
	    .at = {RIG_START_NS}, .delay_ns = 2000, .root_delay_ns = 2000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sample m = before;
		struct rig r;

		rig_open(&r, 1, NULL, NULL);
		steering_restore(r.steering, 0, &before, 1);
		r.steering->first_freq = 20e-6;
		r.steering->first_freq_sd = 5e-6;
		m.at.ns += rows[i].age_s * NS_PER_S;
		m.offset_ns = rows[i].apart_ns;
		if (members_contradict(r.steering, &r.steering->sources[0],
			&m) != rows[i].contradicts)
			fail_msg("row %zu", i);
		steering_add(r.steering, 0, &m);
		assert_int_equal(
		    r.steering->sources[0].count, rows[i].contradicts ? 1 : 2);
		/* Only the first answer of a run does. */
		m.offset_ns += NS_PER_S;
		steering_add(r.steering, 0, &m);
		assert_int_equal(
		    r.steering->sources[0].count, rows[i].contradicts ? 2 : 3);
		rig_close(&r);
	}
}

static void a_path_that_is_twice_as_long_is_another_one(void **state)
{
	static const struct sample restored[] = {
	    {.delay_ns = 1000}, {.delay_ns = 30000}, {.delay_ns = 2000}};

	(void)state;
	for (int64_t more = 0; more <= 1; more++) {
		const struct sample m = {.delay_ns = 60000 + more};
		struct rig r;

		rig_open(&r, 1, NULL, NULL);
		assert_false(members_contradict(
		    r.steering, &r.steering->sources[0], &m));
		steering_restore_path(
		    r.steering, 0, restored, ARRAY_LEN(restored));
		assert_int_equal(r.steering->sources[0].count, 0);
		assert_int_equal(
		    members_contradict(r.steering, &r.steering->sources[0], &m),
		    more > 0);
		rig_close(&r);
	}
}

/* At their beginning the frequency was another one: by 1e-8 per root of a
 * second, 1e-5 in a million seconds. */
static void old_samples_make_the_frequency_less_certain(void **state)
{
	static const struct {
		int64_t span_s;
		double known_sd, sd;
	} rows[] = {
	    {1000000, 1e-6, 1e-5},
	    {1000000, 2e-5, 2e-5},
	    {10000, 0, 1e-6},
	    {0, 1e-9, 1e-9},
	    {-5, 1e-9, 1e-9},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct sample samples[] = {
		    {.at = {RIG_START_NS}, .delay_ns = 1000},
		    {.at = {RIG_START_NS + rows[i].span_s * NS_PER_S},
			.delay_ns = 1000},
		};
		struct rig r;

		rig_open(&r, 1, NULL, NULL);
		r.steering->first_freq_sd = rows[i].known_sd;
		steering_restore(r.steering, 0, samples, 2);
		assert_true(fabs(r.steering->first_freq_sd - rows[i].sd) <
			    1e-6 * rows[i].sd);
		assert_false(r.steering->has_first);
		assert_int_equal(r.steering->sources[0].reach, 0);
		assert_int_equal(r.steering->sources[0].run_samples, 0);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_source_leaves_when_its_samples_are_not_wanted),
	    cmocka_unit_test(a_combined_source_joins),
	    cmocka_unit_test(every_combined_source_is_in_the_filter),
	    cmocka_unit_test(clearing_forgets_everything_measured),
	    cmocka_unit_test(an_answer_contradicts_beyond_the_bounds),
	    cmocka_unit_test(a_path_that_is_twice_as_long_is_another_one),
	    cmocka_unit_test(old_samples_make_the_frequency_less_certain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
