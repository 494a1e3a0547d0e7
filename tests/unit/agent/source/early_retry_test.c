/* What ends a wait early, and what does not. */
#include "agent/source/messages.h"
#include "tests/unit/agent/source/rig.h"

static enum source_action retry(struct rig *r, enum early_retry why)
{
	return source_retry_early(&r->source, why, r->now.mono);
}

/* A source that waits after so many failures in a row. */
static void rest_after(struct rig *r, enum ke_stage stage, unsigned failures)
{
	rig_init(r);
	for (unsigned i = 0; i < failures; i++) {
		rig_pass_until_due(r);
		assert_int_equal(rig_timer(r), ACTION_KEYS);
		rig_fail_keys(r, stage, "it fails");
	}
	assert_int_equal(r->source.stage, STAGE_RESTING);
	assert_true(rig_wait_ns(r) > 0);
}

static void a_wait_ends_for_what_the_change_may_have_fixed(void **state)
{
	static const struct {
		enum ke_stage stage;
		bool ends[RETRY_ORDER + 1]; /* network, trust, order */
	} cases[] = {
	    {KE_STAGE_START, {true, false, true}},
	    {KE_STAGE_DNS, {true, false, true}},
	    {KE_STAGE_BIND, {true, false, true}},
	    {KE_STAGE_CONNECT, {true, false, true}},
	    {KE_STAGE_TLS, {true, false, true}},
	    {KE_STAGE_CERTIFICATE, {true, true, true}},
	    {KE_STAGE_EXCHANGE, {false, false, true}},
	    {KE_STAGE_NTP_NAME, {true, false, true}},
	};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int why = RETRY_NETWORK; why <= RETRY_ORDER; why++) {
			rest_after(r, cases[i].stage, 1);
			assert_int_equal(
			    retry(r, (enum early_retry)why), ACTION_NOTHING);
			assert_int_equal(
			    rig_wait_ns(r) == 0, cases[i].ends[why]);
		}
	}
}

static void only_an_order_ends_the_wait_after_a_refusal(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_kissed(r, KISS('D', 'E', 'N', 'Y'));
	retry(r, RETRY_NETWORK);
	retry(r, RETRY_TRUST);
	assert_true(rig_wait_ns(r) > 3600 * NS_PER_S);
	retry(r, RETRY_ORDER);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
}

static void the_next_waits_are_short_again(void **state)
{
	struct rig *r = *state;

	rest_after(r, KE_STAGE_TLS, 20);
	assert_true(rig_wait_ns(r) > 300 * NS_PER_S);
	retry(r, RETRY_NETWORK);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_fail_keys(r, KE_STAGE_TLS, "it fails");
	assert_true(rig_wait_ns(r) <= 4 * NS_PER_S);
}

/* It never makes a wait longer. */
static void the_next_try_is_due_at_the_given_time(void **state)
{
	struct rig *r = *state;

	rest_after(r, KE_STAGE_CONNECT, 20);
	source_retry_early(&r->source, RETRY_NETWORK,
	    mono_after(r->now.mono, 700 * NS_PER_MS));
	assert_int_equal(rig_wait_ns(r), 700 * NS_PER_MS);
	source_retry_early(&r->source, RETRY_NETWORK,
	    mono_after(r->now.mono, 900 * NS_PER_MS));
	assert_int_equal(rig_wait_ns(r), 700 * NS_PER_MS);
}

static void a_source_that_has_not_started_starts_as_planned(void **state)
{
	struct rig *r = *state;

	source_spread_start(&r->source, UINT32_MAX);
	retry(r, RETRY_ORDER);
	assert_int_equal(rig_wait_ns(r), SOURCE_SPREAD_NS);
}

/* The next exchange does not look for another server of the name. */
static void the_search_for_a_server_begins_again(void **state)
{
	struct rig *r = *state;
	struct ke_request q;

	rig_start(r);
	r->source.keys_wanted = true;
	retry(r, RETRY_ORDER);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	source_ke_request(&r->source, 0, 5000, r->now.mono, &q);
	assert_int_equal(q.try_after.family, 0);
}

static void an_exchange_under_way_gets_a_second(void **state)
{
	struct rig *r = *state;
	struct ke_answer late;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	late = rig_keys(r);
	assert_int_equal(source_deadline(&r->source).ns, MONO_NEVER.ns);
	rig_pass(r, 200 * NS_PER_MS);
	retry(r, RETRY_NETWORK);
	assert_int_equal(rig_wait_ns(r), 800 * NS_PER_MS);
	rig_pass_until_due(r);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	assert_int_equal(rig_take_keys(r, &late), ACTION_NOTHING);
	assert_int_equal(r->source.stage, STAGE_KEYING);
	(void)rig_keys(r);
	rig_pass(r, 5 * NS_PER_S);
	retry(r, RETRY_TRUST);
	assert_int_equal(rig_wait_ns(r), 0);
}

static void a_failure_before_the_exchange_under_way_is_forgotten(void **state)
{
	static const struct {
		enum early_retry why;
		bool forgotten;
	} cases[] = {
	    {RETRY_NETWORK, true}, {RETRY_TRUST, false}, {RETRY_ORDER, true}};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		rest_after(r, KE_STAGE_TLS, 20);
		rig_pass_until_due(r);
		assert_int_equal(rig_timer(r), ACTION_KEYS);
		retry(r, cases[i].why);
		rig_fail_keys(r, KE_STAGE_TLS, "it fails");
		assert_int_equal(
		    rig_wait_ns(r) <= 4 * NS_PER_S, cases[i].forgotten);
	}
}

static void a_source_that_is_well_asks_for_an_order_alone(void **state)
{
	struct rig *r = *state;
	int64_t wait_ns;

	rig_start(r);
	rig_answer_burst(r);
	wait_ns = rig_wait_ns(r);
	assert_true(wait_ns > 0);
	assert_int_equal(retry(r, RETRY_NETWORK), ACTION_NOTHING);
	assert_int_equal(retry(r, RETRY_TRUST), ACTION_NOTHING);
	assert_int_equal(rig_wait_ns(r), wait_ns);
	r->source.pace.poll_log2_s = 8;
	assert_int_equal(retry(r, RETRY_ORDER), ACTION_NOTHING);
	assert_int_equal(rig_wait_ns(r), 0);
	assert_int_equal(r->source.pace.poll_log2_s, 6);
	/* What is due already stays due. */
	source_retry_early(
	    &r->source, RETRY_ORDER, mono_after(r->now.mono, NS_PER_S));
	assert_int_equal(rig_wait_ns(r), 0);
}

static void a_request_without_an_answer_is_sent_again(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_answer_burst(r);
	rig_pass_until_due(r);
	rig_send(r);
	assert_int_equal(retry(r, RETRY_TRUST), ACTION_NOTHING);
	assert_true(r->source.pending.open);
	assert_int_equal(source_retry_early(&r->source, RETRY_NETWORK,
			     mono_after(r->now.mono, 300 * NS_PER_MS)),
	    ACTION_CLOSE);
	assert_false(r->source.pending.open);
	assert_int_equal(rig_wait_ns(r), 300 * NS_PER_MS);
}

/* Long silent, with few requests and fewer exchanges. */
static void be_silent(struct rig *r)
{
	rig_start(r);
	rig_answer_burst(r);
	while (r->now.mono.ns < 7200 * NS_PER_S) {
		rig_pass_until_due(r);
		switch (rig_timer(r)) {
		case ACTION_KEYS:
			rig_fail_keys(r, KE_STAGE_CONNECT, "no way");
			break;
		case ACTION_SEND:
			rig_seal(r);
			break;
		case ACTION_CLOSE:
		case ACTION_NOTHING:
			break;
		}
	}
	while (r->source.pending.open) {
		rig_pass_until_due(r);
		rig_timer(r);
	}
}

static void a_silent_source_asks_and_wants_keys_at_once(void **state)
{
	struct rig *r = *state;

	be_silent(r);
	assert_true(rig_wait_ns(r) > 10 * NS_PER_S);
	retry(r, RETRY_NETWORK);
	assert_int_equal(rig_wait_ns(r), 0);
	while (rig_timer(r) != ACTION_KEYS) {
		rig_pass_until_due(r);
		if (r->source.pending.open || rig_timer(r) != ACTION_SEND)
			continue;
		rig_seal(r);
	}
	assert_int_equal(r->source.backoff.failures, 0);
	assert_int_equal(r->source.search.failures, 0);
}

/* One lost request is enough, although no keys are wanted for it yet. */
static void a_lost_request_makes_a_search_possible(void **state)
{
	static const struct {
		unsigned lost;
		enum early_retry why;
		bool possible;
	} cases[] = {
	    {0, RETRY_NETWORK, false},
	    {1, RETRY_NETWORK, true},
	    {1, RETRY_TRUST, false},
	};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		rig_init(r);
		rig_start(r);
		rig_answer_burst(r);
		for (unsigned n = 0; n < cases[i].lost; n++) {
			rig_pass_until_due(r);
			rig_lose(r);
			assert_int_equal(rig_timer(r), ACTION_CLOSE);
		}
		r->source.search_not_before = MONO_NEVER;
		assert_false(r->source.keys_wanted);
		retry(r, cases[i].why);
		assert_int_equal(
		    mono_due(r->source.search_not_before, r->now.mono),
		    cases[i].possible);
	}
}

static void a_failed_renewal_is_tried_again_for_its_cause(void **state)
{
	static const struct {
		enum ke_stage stage;
		enum early_retry why;
		bool again;
	} cases[] = {
	    {KE_STAGE_CERTIFICATE, RETRY_TRUST, true},
	    {KE_STAGE_CONNECT, RETRY_TRUST, false},
	    {KE_STAGE_CONNECT, RETRY_NETWORK, true},
	    {KE_STAGE_EXCHANGE, RETRY_NETWORK, false},
	    {KE_STAGE_EXCHANGE, RETRY_ORDER, true},
	};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		rig_init(r);
		rig_start(r);
		rig_answer_burst(r);
		r->source.renew_at = r->now.mono;
		assert_int_equal(rig_timer(r), ACTION_KEYS);
		rig_fail_keys(r, cases[i].stage, "it fails");
		assert_true(r->source.renewal_failed);
		retry(r, cases[i].why);
		assert_int_equal(
		    mono_due(r->source.renew_at, r->now.mono), cases[i].again);
	}
}

/* The keys are good, and no renewal has failed. */
static void an_order_fetches_keys_that_may_be_refused(void **state)
{
	struct rig *r = *state;

	for (int revoked = 0; revoked < 2; revoked++) {
		rig_init(r);
		rig_start(r);
		rig_answer_burst(r);
		if (revoked)
			source_trouble(&r->source, r->now.mono,
			    FAILURE_CERTIFICATE, "it was revoked");
		else
			source_distrust(&r->source, r->now.mono,
			    mono_after(r->now.mono, 200 * NS_PER_S));
		retry(r, RETRY_NETWORK);
		assert_false(mono_due(r->source.renew_at, r->now.mono));
		retry(r, RETRY_ORDER);
		assert_int_equal(rig_timer(r), ACTION_KEYS);
		assert_int_equal(r->source.stage, STAGE_REKEYING);
	}
	/* Without any doubt, an order fetches no keys. */
	rig_init(r);
	rig_start(r);
	rig_answer_burst(r);
	retry(r, RETRY_ORDER);
	assert_int_not_equal(rig_timer(r), ACTION_KEYS);
}

/* After a NAK, whose exchange has failed. */
static void keys_that_are_wanted_are_fetched_for_the_cause(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_answer_burst(r);
	rig_pass(r, 100 * NS_PER_S);
	rig_send(r);
	rig_nak(r);
	rig_pass_until_due(r);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_fail_keys(r, KE_STAGE_CERTIFICATE, "it has expired");
	r->source.poll_at = mono_after(r->now.mono, 60 * NS_PER_S);
	assert_true(rig_wait_ns(r) > NS_PER_S);
	retry(r, RETRY_TRUST);
	assert_int_equal(rig_wait_ns(r), 0);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
}

/* Another source's server was full. */
static void put_off(struct rig *r)
{
	source_put_off(&r->source, r->now.mono, RIG_MIDDLE);
}

static void a_start_waits_once_while_servers_are_full(void **state)
{
	struct rig *r = *state;
	int64_t wait_ns;

	source_spread_start(&r->source, RIG_MIDDLE);
	put_off(r);
	wait_ns = rig_wait_ns(r);
	assert_in_range(wait_ns, 2 * NS_PER_S, 4 * NS_PER_S);
	rig_pass(r, NS_PER_S);
	put_off(r);
	assert_int_equal(rig_wait_ns(r), wait_ns - NS_PER_S);
	/* Its keys end it: a later start of the network is another case. */
	rig_pass_until_due(r);
	rig_start(r);
	assert_int_equal(r->source.backoff.cause, CAUSE_SILENCE);
}

static void only_an_order_ends_the_wait_of_a_start(void **state)
{
	struct rig *r = *state;
	int64_t wait_ns;

	put_off(r);
	wait_ns = rig_wait_ns(r);
	assert_true(wait_ns > 0);
	retry(r, RETRY_NETWORK);
	assert_int_equal(rig_wait_ns(r), wait_ns);
	retry(r, RETRY_ORDER);
	assert_int_equal(rig_wait_ns(r), 0);
}

static void an_early_retry_waits_once_while_servers_are_full(void **state)
{
	struct rig *r = *state;
	int64_t wait_ns;

	rest_after(r, KE_STAGE_CONNECT, 3);
	wait_ns = rig_wait_ns(r);
	put_off(r);
	assert_int_equal(rig_wait_ns(r), wait_ns);
	retry(r, RETRY_NETWORK);
	assert_int_equal(rig_wait_ns(r), 0);
	put_off(r);
	assert_in_range(rig_wait_ns(r), 2 * NS_PER_S, 4 * NS_PER_S);
}

/* A source that exchanges keys, has them, or rests for longer. */
static void a_full_server_delays_no_other_source(void **state)
{
	struct rig *r = *state;
	struct mono then;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	put_off(r);
	assert_int_equal(source_deadline(&r->source).ns, MONO_NEVER.ns);
	rig_give_keys(r);
	put_off(r);
	assert_int_equal(rig_wait_ns(r), 0);
	rig_kissed(r, NTP_REFID('D', 'E', 'N', 'Y'));
	assert_int_equal(r->source.stage, STAGE_RESTING);
	r->source.backoff.failures = 0;
	then = source_deadline(&r->source);
	put_off(r);
	assert_int_equal(source_deadline(&r->source).ns, then.ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(a_start_waits_once_while_servers_are_full),
	    RIG_TEST(only_an_order_ends_the_wait_of_a_start),
	    RIG_TEST(an_early_retry_waits_once_while_servers_are_full),
	    RIG_TEST(a_full_server_delays_no_other_source),
	    RIG_TEST(a_wait_ends_for_what_the_change_may_have_fixed),
	    RIG_TEST(only_an_order_ends_the_wait_after_a_refusal),
	    RIG_TEST(the_next_waits_are_short_again),
	    RIG_TEST(the_next_try_is_due_at_the_given_time),
	    RIG_TEST(a_source_that_has_not_started_starts_as_planned),
	    RIG_TEST(the_search_for_a_server_begins_again),
	    RIG_TEST(an_exchange_under_way_gets_a_second),
	    RIG_TEST(a_failure_before_the_exchange_under_way_is_forgotten),
	    RIG_TEST(a_source_that_is_well_asks_for_an_order_alone),
	    RIG_TEST(an_order_fetches_keys_that_may_be_refused),
	    RIG_TEST(a_request_without_an_answer_is_sent_again),
	    RIG_TEST(a_silent_source_asks_and_wants_keys_at_once),
	    RIG_TEST(a_lost_request_makes_a_search_possible),
	    RIG_TEST(a_failed_renewal_is_tried_again_for_its_cause),
	    RIG_TEST(keys_that_are_wanted_are_fetched_for_the_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
