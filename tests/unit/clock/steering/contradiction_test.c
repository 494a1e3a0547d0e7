/* Which sample began to lead the estimate away, and who has answered since. A
 * liar is source 0 and alone in the filter; sources 1 and 2 are honest. */
#include "clock/steering/contradiction.h"

#include "tests/unit/clock/steering/rig.h"

#define EDGE_NS 1000000
#define ESTIMATE_NS 5000000
#define LIE_NS 5100000
#define BEYOND_NS 9000000
/* When, in s. */
#define DECIDED 15
#define NOW 21

static void give(struct rig *r, unsigned source, int at_s, int64_t offset_ns)
{
	const struct sample m = {
	    .at = {RIG_START_NS + at_s * NS_PER_S},
	    .offset_ns = offset_ns,
	    .delay_ns = 1000,
	    .stratum = 2,
	};

	steering_add(r->steering, source, &m);
}

static bool starting; /* no command was carried out */

/* The state after a selection. True: the estimate stands in doubt. */
static bool look_at(struct rig *r, int64_t offset_ns, int at_s)
{
	struct steering *s = r->steering;

	s->selection.truth_low_ns = -EDGE_NS;
	s->selection.truth_high_ns = EDGE_NS;
	s->base_freq = 0;
	s->starting = starting;
	s->wants_witnesses = false;
	s->decided.ns = RIG_START_NS + DECIDED * NS_PER_S;
	s->members[0] = 0;
	s->member_count = 1;
	for (unsigned i = 0; i < s->source_count; i++)
		s->sources[i].state = SELECT_COMBINED;
	return contradiction_found(
	    s, (struct osc){RIG_START_NS + at_s * NS_PER_S}, offset_ns);
}

static bool look(struct rig *r, int64_t offset_ns)
{
	return look_at(r, offset_ns, NOW);
}

/* The honest sources answer at `heard_s`; the liar lies at the times of `lies`,
 * which ends with 0. */
static bool is_expelled(const int lies[], int heard_s)
{
	struct rig r;
	bool expelled;

	rig_open(&r, 3, NULL, NULL);
	for (unsigned i = 0; lies[i] != 0; i++)
		give(&r, 0, lies[i], LIE_NS);
	give(&r, 1, heard_s, 0);
	give(&r, 2, heard_s, 0);
	assert_true(look(&r, ESTIMATE_NS));
	expelled = r.steering->sources[0].expelled;
	assert_int_equal(r.steering->sources[0].outside, expelled);
	assert_false(r.steering->sources[1].expelled);
	rig_close(&r);
	return expelled;
}

static void a_lie_since_the_decision_counts_from_the_first_one_on(void **state)
{
	static const int lies[] = {17, 19, 0};

	(void)state;
	assert_true(is_expelled(lies, 20));
	assert_true(is_expelled(lies, 18));
	assert_true(is_expelled(lies, 17));
	assert_false(is_expelled(lies, 16));
}

/* The estimate follows it late. */
static void without_a_newer_one_the_latest_older_lie_counts(void **state)
{
	static const int lies[] = {5, 10, 0};

	(void)state;
	assert_true(is_expelled(lies, 12));
	assert_true(is_expelled(lies, 10));
	assert_false(is_expelled(lies, 9));
}

/* An old lie is no beginning of a new one. */
static void with_a_newer_one_an_older_lie_does_not_count(void **state)
{
	static const int lies[] = {10, DECIDED, 17, 0};

	(void)state;
	assert_true(is_expelled(lies, 17));
	assert_false(is_expelled(lies, 16));
	assert_false(is_expelled(lies, 12));
}

/* A member beyond the estimate leads there, too; one that is nearer to the
 * majority does not. */
static void only_what_is_nearer_to_the_estimate_leads_there(void **state)
{
	static const struct {
		int64_t says_ns;
		bool expelled;
	} rows[] = {
	    {BEYOND_NS, true},
	    {LIE_NS, true},
	    {(ESTIMATE_NS + EDGE_NS) / 2 + 1, true},
	    {(ESTIMATE_NS + EDGE_NS) / 2, false},
	    {0, false},
	};

	(void)state;
	for (int sign = -1; sign <= 1; sign += 2)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			struct rig r;

			rig_open(&r, 3, NULL, NULL);
			give(&r, 0, 17, sign * rows[i].says_ns);
			give(&r, 1, 18, 0);
			give(&r, 2, 18, 0);
			(void)look(&r, sign * ESTIMATE_NS);
			if (r.steering->sources[0].expelled != rows[i].expelled)
				fail_msg("row %zu, sign %d", i, sign);
			rig_close(&r);
		}
}

static void half_of_the_sources_expel_no_other_one(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 4, NULL, NULL);
	give(&r, 0, 17, LIE_NS);
	give(&r, 1, 18, 0);
	give(&r, 2, 18, 0);
	give(&r, 3, 16, 0);
	assert_true(look(&r, ESTIMATE_NS));
	assert_false(r.steering->sources[0].expelled);
	give(&r, 3, 18, 0);
	assert_true(look(&r, ESTIMATE_NS));
	assert_true(r.steering->sources[0].expelled);
	rig_close(&r);
}

static void what_the_majority_allows_is_no_contradiction(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 3, NULL, NULL);
	give(&r, 0, 17, LIE_NS);
	give(&r, 1, 18, 0);
	give(&r, 2, 18, 0);
	assert_false(look(&r, EDGE_NS));
	assert_true(look(&r, EDGE_NS + 1));
	assert_int_equal(contradiction_witnesses(r.steering), 7);
	rig_close(&r);
}

static void two_sources_contradict_nothing(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 2, NULL, NULL);
	give(&r, 0, 17, LIE_NS);
	give(&r, 1, 18, 0);
	assert_false(look(&r, 2 * ESTIMATE_NS));
	rig_close(&r);
}

static void before_the_first_command_nothing_is_contradicted(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 3, NULL, NULL);
	starting = true;
	give(&r, 0, 17, LIE_NS);
	give(&r, 1, 18, 0);
	give(&r, 2, 18, 0);
	assert_false(look(&r, ESTIMATE_NS));
	starting = false;
	assert_true(look(&r, ESTIMATE_NS));
	rig_close(&r);
}

/* One source is against the estimate, and the other one has not answered since
 * the lie: it has five seconds. */
static void who_does_not_answer_is_waited_for_and_not_longer(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 3, NULL, NULL);
	give(&r, 0, 17, LIE_NS);
	give(&r, 1, 16, 0);
	give(&r, 2, 16, LIE_NS);
	assert_true(look_at(&r, ESTIMATE_NS, NOW));
	assert_int_equal(contradiction_witnesses(r.steering), 7);
	assert_true(look_at(&r, ESTIMATE_NS, NOW + 4));
	assert_int_equal(contradiction_witnesses(r.steering), 0);
	assert_false(look_at(&r, ESTIMATE_NS, NOW + 5));
	rig_close(&r);
}

/* Most are against the estimate. Then it does not matter how long they are
 * silent. */
static void a_majority_against_it_is_waited_for_in_any_case(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 3, NULL, NULL);
	give(&r, 0, 17, LIE_NS);
	give(&r, 1, 16, 0);
	give(&r, 2, 16, 0);
	assert_true(look_at(&r, ESTIMATE_NS, NOW));
	assert_true(look_at(&r, ESTIMATE_NS, NOW + 10));
	assert_false(r.steering->sources[0].expelled);
	rig_close(&r);
}

/* Is source 1, of two, asked? It is in the filter if it has a slot. */
static bool is_asked(
    enum select_state is, bool answered, int slot, bool limited)
{
	struct steering_source *src;
	uint64_t asked;
	struct rig r;

	rig_open(&r, 2, NULL, NULL);
	if (answered)
		give(&r, 1, 17, 0);
	src = &r.steering->sources[1];
	src->state = is;
	src->slot = slot;
	r.steering->wants_witnesses = true;
	r.steering->freq_limited = limited;
	asked = contradiction_witnesses(r.steering);
	rig_close(&r);
	assert_int_equal(asked & ~UINT64_C(2), 0);
	return asked != 0;
}

static void who_may_be_in_the_majority_is_asked(void **state)
{
	(void)state;
	for (int i = 0; i < SELECT_STATE_COUNT; i++) {
		const enum select_state is = (enum select_state)i;
		bool may =
		    is >= SELECT_NO_MAJORITY && is != SELECT_NOT_PREFERRED;

		assert_int_equal(is_asked(is, true, -1, false), may);
		assert_int_equal(is_asked(is, true, 0, false), may);
		assert_int_equal(is_asked(is, true, -1, true), may);
		assert_false(is_asked(is, true, 0, true));
		assert_false(is_asked(is, false, -1, false));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_lie_since_the_decision_counts_from_the_first_one_on),
	    cmocka_unit_test(without_a_newer_one_the_latest_older_lie_counts),
	    cmocka_unit_test(with_a_newer_one_an_older_lie_does_not_count),
	    cmocka_unit_test(only_what_is_nearer_to_the_estimate_leads_there),
	    cmocka_unit_test(half_of_the_sources_expel_no_other_one),
	    cmocka_unit_test(what_the_majority_allows_is_no_contradiction),
	    cmocka_unit_test(two_sources_contradict_nothing),
	    cmocka_unit_test(before_the_first_command_nothing_is_contradicted),
	    cmocka_unit_test(who_does_not_answer_is_waited_for_and_not_longer),
	    cmocka_unit_test(a_majority_against_it_is_waited_for_in_any_case),
	    cmocka_unit_test(who_may_be_in_the_majority_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
