/* What `ntsctl offline` means: nothing is asked, and nothing is forgotten. */
#include "tests/unit/agent/source/rig.h"

#include <errno.h>

/* Nothing is due, and nothing comes of waiting. */
static void assert_quiet(struct rig *r)
{
	assert_int_equal(source_deadline(&r->source).ns, MONO_NEVER.ns);
	rig_pass(r, 3 * 86400 * NS_PER_S);
	assert_int_equal(rig_timer(r), ACTION_NOTHING);
	assert_string_equal(r->source.failure, "offline");
}

static void nothing_is_due_whatever_it_was_doing(void **state)
{
	struct rig *r = *state;

	source_go_offline(&r->source);
	assert_quiet(r);
	rig_init(r);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	source_go_offline(&r->source);
	assert_quiet(r);
	rig_init(r);
	rig_start(r);
	source_go_offline(&r->source);
	assert_quiet(r);
	rig_init(r);
	rig_start(r);
	rig_send(r);
	source_go_offline(&r->source);
	assert_quiet(r);
}

static void a_check_of_dates_begins_no_exchange(void **state)
{
	struct rig *r = *state;
	struct wall late = {INT64_C(4200000000) * NS_PER_S};

	rig_start(r);
	source_go_offline(&r->source);
	assert_int_not_equal(
	    source_recheck_dates(&r->source, late), ACTION_KEYS);
	assert_int_equal(r->source.assoc.aead, AEAD_NONE);
	assert_quiet(r);
	source_go_online(&r->source, r->now.mono);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_init(r);
	rig_start_undated(r);
	source_go_offline(&r->source);
	assert_int_not_equal(source_recheck(&r->source), ACTION_KEYS);
	assert_quiet(r);
}

static void what_is_still_wrong_is_shown_again_when_it_is_online(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_fail_keys(r, KE_STAGE_CONNECT, "nobody listens");
	source_go_offline(&r->source);
	assert_string_equal(r->source.failure, "offline");
	assert_string_equal(
	    r->source.reason, "switched off by order until `ntsctl online`");
	source_go_online(&r->source, r->now.mono);
	assert_string_equal(r->source.failure, "connect");
	assert_string_equal(r->source.reason, "nobody listens");
	rig_start(r);
	assert_string_equal(r->source.failure, "");
}

static void a_late_error_does_not_hide_that_it_is_offline(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_send(r);
	source_go_offline(&r->source);
	source_refused(&r->source, ECONNREFUSED, r->now.mono);
	assert_string_equal(r->source.failure, "offline");
	source_go_online(&r->source, r->now.mono);
	assert_string_equal(r->source.failure, "");
}

static void keys_that_come_late_are_not_taken(void **state)
{
	struct rig *r = *state;
	struct ke_answer late;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	late = rig_keys(r);
	source_go_offline(&r->source);
	assert_int_equal(rig_take_keys(r, &late), ACTION_NOTHING);
	assert_int_equal(r->source.assoc.aead, AEAD_NONE);
	source_go_online(&r->source, r->now.mono);
	assert_int_equal(rig_take_keys(r, &late), ACTION_NOTHING);
	rig_start(r);
}

static void an_answer_that_comes_late_is_not_taken(void **state)
{
	struct rig *r = *state;
	bool ok;

	rig_start(r);
	rig_send(r);
	source_go_offline(&r->source);
	assert_int_equal(rig_hear_peer(r, &r->peer, &ok), ACTION_NOTHING);
	assert_false(ok);
	assert_int_equal(r->source.count.received, 0);
}

static void with_keys_it_asks_at_once_when_it_is_online(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_answer_burst(r);
	source_go_offline(&r->source);
	assert_int_equal(r->source.reach, 0);
	assert_quiet(r);
	r->source.renew_at = MONO_NEVER;
	source_go_online(&r->source, r->now.mono);
	rig_send(r);
	rig_answer(r);
	assert_int_equal(r->source.count.exchanges, 1);
	assert_true(r->source.heard);
}

/* Every event of the other rooms, and none asks for anything. */
static void no_event_asks_for_anything(void **state)
{
	struct rig *r = *state;
	struct mono later;

	rig_start(r);
	rig_answer_burst(r);
	source_go_offline(&r->source);
	later = mono_after(r->now.mono, NS_PER_S);
	source_hurry(&r->source, r->now.mono);
	source_repeat(&r->source, r->now.mono);
	source_jumped(&r->source, r->now.mono);
	assert_false(source_burst(&r->source, r->now.mono));
	for (int i = RETRY_NETWORK; i <= RETRY_ORDER; i++)
		assert_int_equal(
		    source_retry_early(&r->source, (enum early_retry)i, later),
		    ACTION_NOTHING);
	source_distrust(&r->source, r->now.mono, r->now.mono);
	source_reconfigure(&r->source, &r->config);
	source_begin_again(&r->source, 77, r->now.mono);
	assert_int_equal(r->source.serial, 77);
	assert_int_equal(source_go_offline(&r->source), ACTION_NOTHING);
	assert_int_equal(source_recheck(&r->source), ACTION_NOTHING);
	assert_int_equal(
	    source_recheck_dates(&r->source, r->now.wall), ACTION_NOTHING);
	assert_quiet(r);
}

/* Certificates that were distrusted meanwhile count from the order on. */
static void keys_of_an_old_trust_do_not_outlive_their_hour(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	source_go_offline(&r->source);
	source_distrust(&r->source, r->now.mono, r->now.mono);
	rig_pass(r, SOURCE_DISTRUST_NS);
	source_go_online(&r->source, r->now.mono);
	assert_int_equal(rig_timer(r), ACTION_CLOSE);
	assert_int_equal(r->source.assoc.aead, AEAD_NONE);
	assert_int_equal(r->source.stage, STAGE_RESTING);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
}

/* The samples of before a jump are useless: that makes a burst necessary. */
static void a_jump_is_made_up_for_when_it_is_online(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_answer_burst(r);
	source_go_offline(&r->source);
	source_jumped(&r->source, r->now.mono);
	source_go_online(&r->source, r->now.mono);
	for (int i = 0; i < PACE_BURST_GOOD; i++) {
		assert_true(rig_wait_ns(r) < 1100 * NS_PER_MS);
		rig_pass_until_due(r);
		rig_send(r);
		rig_answer(r);
	}
}

static void online_ends_the_wait_after_a_refusal(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_kissed(r, KISS('D', 'E', 'N', 'Y'));
	source_go_offline(&r->source);
	source_go_online(&r->source, r->now.mono);
	assert_string_equal(r->source.failure, "denied");
	assert_int_equal(rig_timer(r), ACTION_KEYS);
}

static void online_changes_nothing_for_one_that_is_not_offline(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_answer_start(r);
	source_go_online(&r->source, r->now.mono);
	assert_true(rig_wait_ns(r) > NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(nothing_is_due_whatever_it_was_doing),
	    RIG_TEST(a_check_of_dates_begins_no_exchange),
	    RIG_TEST(what_is_still_wrong_is_shown_again_when_it_is_online),
	    RIG_TEST(a_late_error_does_not_hide_that_it_is_offline),
	    RIG_TEST(keys_that_come_late_are_not_taken),
	    RIG_TEST(an_answer_that_comes_late_is_not_taken),
	    RIG_TEST(with_keys_it_asks_at_once_when_it_is_online),
	    RIG_TEST(no_event_asks_for_anything),
	    RIG_TEST(keys_of_an_old_trust_do_not_outlive_their_hour),
	    RIG_TEST(a_jump_is_made_up_for_when_it_is_online),
	    RIG_TEST(online_ends_the_wait_after_a_refusal),
	    RIG_TEST(online_changes_nothing_for_one_that_is_not_offline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
