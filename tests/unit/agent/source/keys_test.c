/* Key exchanges: when they begin, what they bring, when keys are dropped. */
#include "tests/unit/agent/source/rig.h"

#define HOUR_NS (3600 * NS_PER_S)
#define DAY_NS (24 * HOUR_NS)

/* Keys, a burst of answers, and the wait after it. */
static void be_well(struct rig *r)
{
	rig_init(r);
	rig_start(r);
	rig_answer_start(r);
}

static void begin_renewal(struct rig *r)
{
	r->source.renew_at = r->now.mono;
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	assert_int_equal(r->source.stage, STAGE_REKEYING);
}

static void the_request_says_what_is_configured(void **state)
{
	struct rig *r = *state;
	struct ke_request q;

	r->config.ntp_port = 1123;
	r->config.family = FAMILY_IPV6;
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	source_ke_request(&r->source, 5, 7000, r->now.mono, &q);
	assert_true(ke_request_valid(&q));
	assert_int_equal(q.source, 5);
	assert_int_equal(q.serial, 1);
	assert_int_equal(q.timeout_ms, 7000);
	assert_int_equal(q.ke_port, KE_PORT);
	assert_int_equal(q.ntp_port, 1123);
	assert_int_equal(q.family, FAMILY_IPV6);
	assert_string_equal(q.host, "ntp.example.net");
	assert_int_equal(q.try_after.family, 0);
	assert_int_equal(q.dates_unchecked, 0);
	assert_int_equal(r->source.asked_at.ns, r->now.mono.ns);
}

/* Another server of the name may know the cookies. */
static void keys_without_an_answer_lead_to_the_next_server(void **state)
{
	struct rig *r = *state;
	struct ke_request q;

	rig_start(r);
	begin_renewal(r);
	source_ke_request(&r->source, 0, 5000, r->now.mono, &q);
	assert_true(endpoint_same_host(&q.try_after, &r->source.facts.peer));
}

/* A name may have more addresses than there is time for in one exchange. */
static void the_next_request_goes_on_after_the_last_address(void **state)
{
	struct rig *r = *state;
	struct ke_answer a = {.stage = KE_STAGE_CONNECT};
	struct ke_request q;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	a.serial = r->source.serial;
	a.last_tried = (struct endpoint){
	    .family = 4, .address = {127, 0, 1, 16}, .port = KE_PORT};
	snprintf(a.text, sizeof(a.text), "no answer");
	(void)source_keys(&r->source, &a, r->now, RIG_MIDDLE);
	source_ke_request(&r->source, 0, 5000, r->now.mono, &q);
	assert_true(endpoint_same_host(&q.try_after, &a.last_tried));
	assert_true(ke_request_valid(&q));
}

static void a_success_counts_and_a_failure_does_not(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_fail_keys(r, KE_STAGE_TLS, "it fails");
	assert_int_equal(r->source.count.attempts, 1);
	assert_int_equal(r->source.count.exchanges, 0);
	rig_pass_until_due(r);
	rig_start(r);
	assert_int_equal(r->source.count.attempts, 2);
	assert_int_equal(r->source.count.exchanges, 1);
	rig_send(r);
	rig_answer(r);
	assert_int_equal(r->source.count.attempts, 0);
}

/* These are never reset: a monitoring system computes rates of them. */
static void failures_are_counted_by_cause(void **state)
{
	static const struct {
		enum ke_stage stage;
		enum failure cause;
	} cases[] = {
	    {KE_STAGE_DNS, FAILURE_DNS},
	    {KE_STAGE_TLS, FAILURE_TLS},
	    {KE_STAGE_TLS, FAILURE_TLS},
	    {KE_STAGE_EXCHANGE, FAILURE_NTS_KE},
	};
	struct rig *r = *state;
	const struct source_counters *c = &r->source.count;
	uint64_t sum = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t before = c->key_failures[cases[i].cause];

		assert_int_equal(rig_timer(r), ACTION_KEYS);
		rig_fail_keys(r, cases[i].stage, "it fails");
		assert_int_equal(c->key_failures[cases[i].cause], before + 1);
		rig_pass_until_due(r);
	}
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_crash(r);
	assert_int_equal(c->key_failures[FAILURE_CRASH], 1);
	rig_pass_until_due(r);
	rig_start(r);
	rig_send(r);
	rig_answer(r);
	for (int i = 0; i < FAILURE_COUNT; i++)
		sum += c->key_failures[i];
	assert_int_equal(sum, ARRAY_LEN(cases) + 1);
	assert_int_equal(c->begun, sum + c->exchanges);
}

static void each_stage_has_its_wait(void **state)
{
	static const struct {
		enum ke_stage stage;
		int64_t wait_s;
	} cases[] = {
	    {KE_STAGE_START, 1},
	    {KE_STAGE_DNS, 1},
	    {KE_STAGE_BIND, 2},
	    {KE_STAGE_CONNECT, 2},
	    {KE_STAGE_TLS, 3},
	    {KE_STAGE_CERTIFICATE, 3},
	    {KE_STAGE_EXCHANGE, 3},
	    {KE_STAGE_NTP_NAME, 1},
	};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		rig_init(r);
		assert_int_equal(rig_timer(r), ACTION_KEYS);
		rig_fail_keys(r, cases[i].stage, "it fails");
		assert_string_equal(
		    r->source.failure, ke_stage_word(cases[i].stage));
		assert_int_equal(
		    (rig_wait_ns(r) + NS_PER_MS) / NS_PER_S, cases[i].wait_s);
	}
}

static void crash_in_seconds(struct rig *r)
{
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_crash(r);
	assert_in_range(rig_wait_ns(r), NS_PER_S, 10 * NS_PER_S);
	rig_pass_until_due(r);
}

/* The budget, which mutes what repeats, does not hide an alarm. */
static void each_crash_is_a_line(void **state)
{
	struct rig *r = *state;

	for (int i = 1; i <= 2; i++) {
		char expected[200];

		assert_int_equal(rig_timer(r), ACTION_KEYS);
		rig_crash(r);
		snprintf(expected, sizeof(expected),
		    "office: the job was ended by signal 11 (crash %d since "
		    "the start)",
		    i);
		assert_string_equal(rig_line(r), expected);
		assert_int_equal(r->level, LOG_LEVEL_ERROR);
		assert_string_equal(r->source.failure, "crash");
		assert_int_equal(r->source.count.crashes, i);
		rig_pass_until_due(r);
	}
}

static void the_third_crash_within_an_hour_rests_for_hours(void **state)
{
	struct rig *r = *state;

	/* The machine has been up for a while. */
	rig_pass(r, 5 * HOUR_NS);
	crash_in_seconds(r);
	crash_in_seconds(r);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_crash(r);
	assert_int_equal(r->source.stage, STAGE_RESTING);
	assert_in_range(rig_wait_ns(r), 4 * HOUR_NS, 8 * HOUR_NS);
	assert_string_equal(rig_line(r),
	    "office: the job was ended by signal 11 (crash 3 since the start); "
	    "it crashes often: no key exchange for some hours, or until "
	    "`ntsctl retry`");
	/* The first crash after the rest is not forgiven. */
	rig_pass_until_due(r);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_crash(r);
	assert_in_range(rig_wait_ns(r), 8 * HOUR_NS, 16 * HOUR_NS);
	/* Only an order ends the rest. */
	(void)source_retry_early(&r->source, RETRY_NETWORK, r->now.mono);
	(void)source_retry_early(&r->source, RETRY_TRUST, r->now.mono);
	assert_true(rig_wait_ns(r) > HOUR_NS);
	(void)source_retry_early(&r->source, RETRY_ORDER, r->now.mono);
	crash_in_seconds(r);
}

/* Each of the three may be the oldest one. */
static void three_crashes_within_an_hour_after_a_rare_one_rest(void **state)
{
	struct rig *r = *state;

	for (int rare = 1; rare <= 3; rare++) {
		rig_init(r);
		for (int i = 0; i < rare; i++) {
			crash_in_seconds(r);
			rig_pass(r, HOUR_NS);
		}
		crash_in_seconds(r);
		crash_in_seconds(r);
		assert_int_equal(rig_timer(r), ACTION_KEYS);
		rig_crash(r);
		assert_in_range(rig_wait_ns(r), 4 * HOUR_NS, 8 * HOUR_NS);
	}
}

static void rare_crashes_do_not_rest(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < 6; i++) {
		crash_in_seconds(r);
		rig_pass(r, HOUR_NS / 2);
	}
}

/* The engine has given up on the exchange; the alarm counts all the same. */
static void a_late_crash_counts(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_init(r);
	assert_int_equal(rig_crash(r), ACTION_NOTHING);
	assert_int_equal(r->source.count.crashes, 1);
	assert_int_equal(r->source.stage, STAGE_START);
}

static void a_crash_in_a_renewal_leaves_the_old_keys(void **state)
{
	struct rig *r = *state;

	be_well(r);
	for (int i = 0; i < SOURCE_CRASHES; i++) {
		begin_renewal(r);
		rig_crash(r);
		assert_int_equal(r->source.stage, STAGE_POLLING);
	}
	assert_in_range(
	    r->source.renew_at.ns - r->now.mono.ns, 4 * HOUR_NS, 8 * HOUR_NS);
}

/* The largest and the smallest time that saved_keys_read() takes. */
static void any_age_of_saved_keys_is_bounded(void **state)
{
	static const struct {
		int64_t keyed_s, age_s;
	} rows[] = {
	    {INT64_MAX / NS_PER_S, 0},
	    {-INT64_MAX / NS_PER_S, INT64_C(366) * 86400},
	    {INT64_C(1800000000) - 3600, 3600},
	};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct saved_keys k;

		rig_init(r);
		k = (struct saved_keys){.saved_s = INT64_C(1800000000),
		    .keyed_s = rows[i].keyed_s,
		    .answer = rig_keys(r)};
		source_saved(&r->source, &k, 0, r->now, RIG_MIDDLE);
		assert_int_equal(r->now.mono.ns - r->source.keys_at.ns,
		    rows[i].age_s * NS_PER_S);
		assert_in_range(
		    r->source.renew_at.ns - r->now.mono.ns, 0, 2 * DAY_NS);
	}
}

/* Waits for a certificate that is valid in `valid_s` after so many failures. */
static int64_t wait_for_validity_s(
    struct rig *r, int64_t valid_s, unsigned failures)
{
	struct ke_answer a = {
	    .stage = KE_STAGE_CERTIFICATE, .dates = KE_DATES_REFUSED};

	rig_init(r);
	for (unsigned i = 0; i < failures; i++) {
		assert_int_equal(rig_timer(r), ACTION_KEYS);
		a.serial = r->source.serial;
		a.valid_from =
		    valid_s == 0 ? 0 : r->now.wall.ns / NS_PER_S + valid_s;
		snprintf(a.text, sizeof(a.text), "not yet valid");
		rig_take_keys(r, &a);
		if (i + 1 < failures)
			rig_pass_until_due(r);
	}
	return rig_wait_ns(r) / NS_PER_S;
}

static void a_certificate_is_tried_when_it_becomes_valid(void **state)
{
	struct rig *r = *state;

	/* After 17 failures the wait would be minutes. */
	assert_true(wait_for_validity_s(r, 0, 17) > 200);
	assert_in_range(wait_for_validity_s(r, 100, 17), 101, 103);
	assert_in_range(wait_for_validity_s(r, 0, 1), 2, 4);
	/* Not later than otherwise, and not for what is past or far away. */
	assert_in_range(wait_for_validity_s(r, 100, 1), 2, 4);
	assert_true(wait_for_validity_s(r, -10, 17) > 200);
	assert_true(wait_for_validity_s(r, INT64_C(400000000), 17) > 200);
	/* Until the year 9999, which has too many nanoseconds. */
	assert_true(wait_for_validity_s(r, INT64_C(251602300799), 17) > 200);
}

static void keys_are_renewed_after_a_day(void **state)
{
	struct rig *r = *state;

	be_well(r);
	assert_in_range(r->source.renew_at.ns - r->source.keys_at.ns,
	    DAY_NS - NS_PER_S, DAY_NS + NS_PER_S);
}

static void a_renewal_does_not_disturb_the_requests(void **state)
{
	struct rig *r = *state;
	struct mono poll_at;

	be_well(r);
	poll_at = r->source.poll_at;
	begin_renewal(r);
	rig_give_keys(r);
	assert_int_equal(r->source.stage, STAGE_POLLING);
	assert_int_equal(r->source.poll_at.ns, poll_at.ns);
	assert_int_equal(r->source.pace.burst_tries, 0);
}

/* Its answer is sealed with the old keys. */
static void a_request_under_way_is_sent_again_with_new_keys(void **state)
{
	struct rig *r = *state;

	be_well(r);
	begin_renewal(r);
	rig_pass_until_due(r);
	rig_send(r);
	assert_int_equal(rig_give_keys(r), ACTION_CLOSE);
	assert_false(r->source.pending.open);
	assert_int_equal(rig_wait_ns(r), 0);
	rig_send(r);
	rig_answer(r);
}

/* RFC 8915 5.7/17 */
static void a_renewal_that_fails_leaves_the_old_keys(void **state)
{
	struct rig *r = *state;
	struct ke_facts facts;

	be_well(r);
	facts = r->source.facts;
	begin_renewal(r);
	rig_fail_keys(r, KE_STAGE_CONNECT, "nobody listens");
	assert_int_equal(r->source.stage, STAGE_POLLING);
	assert_true(r->source.renewal_failed);
	assert_memory_equal(&r->source.facts, &facts, sizeof(facts));
	assert_int_equal(
	    (r->source.renew_at.ns - r->now.mono.ns + NS_PER_MS) / NS_PER_S, 2);
	/* It stays visible while samples come. */
	rig_pass_until_due(r);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_fail_keys(r, KE_STAGE_CONNECT, "nobody listens");
	r->source.renew_at = MONO_NEVER;
	rig_pass_until_due(r);
	rig_send(r);
	rig_answer(r);
	assert_string_equal(r->source.failure, "connect");
	begin_renewal(r);
	rig_give_keys(r);
	assert_string_equal(r->source.failure, "");
	assert_false(r->source.renewal_failed);
	assert_int_equal(r->source.renewal.failures, 0);
}

/* Not by the age of the keys, but after a NAK. */
static void keys_after_a_nak_are_no_renewal(void **state)
{
	struct rig *r = *state;

	be_well(r);
	rig_pass(r, 100 * NS_PER_S);
	rig_send(r);
	rig_nak(r);
	rig_pass_until_due(r);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_fail_keys(r, KE_STAGE_CONNECT, "nobody listens");
	assert_false(r->source.renewal_failed);
	assert_int_equal(r->source.renewal.failures, 0);
	assert_int_equal(r->source.backoff.failures, 1);
	assert_true(r->source.renew_at.ns - r->now.mono.ns > HOUR_NS);
}

/* A server of a pool is replaced when it is useless so often in a row. */
static void one_good_vote_keeps_a_server_of_a_pool(void **state)
{
	struct rig *r = *state;

	be_well(r);
	r->config.member = 1;
	rig_pass(r, 100 * NS_PER_S);
	for (int round = 0; round < 3; round++) {
		for (int i = 1; i < POOL_USELESS; i++)
			assert_int_equal(
			    source_vote(&r->source, true, r->now.mono),
			    ACTION_NOTHING);
		if (round < 2)
			assert_int_equal(
			    source_vote(&r->source, false, r->now.mono),
			    ACTION_NOTHING);
	}
	assert_int_equal(
	    source_vote(&r->source, true, r->now.mono), ACTION_KEYS);
}

/* The pool has no other server, and this one does not know our cookies any
 * more.
 */
static void a_nak_during_a_replacement_still_needs_keys(void **state)
{
	struct rig *r = *state;
	enum source_action action = ACTION_NOTHING;

	be_well(r);
	r->config.member = 1;
	rig_pass(r, 100 * NS_PER_S);
	for (int i = 0; i < POOL_USELESS; i++)
		action = source_vote(&r->source, true, r->now.mono);
	assert_int_equal(action, ACTION_KEYS);
	assert_true(r->source.replacing);
	rig_pass_until_due(r);
	rig_send(r);
	rig_nak(r);
	rig_pass_until(r, r->source.answer_by);
	assert_int_equal(rig_timer(r), ACTION_CLOSE);
	rig_fail_keys(r, KE_STAGE_DNS, "no address is left");
	assert_true(r->source.keys_wanted);
	assert_int_equal(keys_due(&r->source).ns, r->source.keys_not_before.ns);
	/* Without the NAK, nothing is wrong with the keys. */
	be_well(r);
	r->config.member = 1;
	rig_pass(r, 100 * NS_PER_S);
	for (int i = 0; i < POOL_USELESS; i++)
		action = source_vote(&r->source, true, r->now.mono);
	assert_int_equal(action, ACTION_KEYS);
	rig_fail_keys(r, KE_STAGE_DNS, "no address is left");
	assert_false(r->source.keys_wanted);
}

/* RFC 8915 4.2/3 */
static void keys_that_bring_no_answer_are_fetched_less_often(void **state)
{
	struct rig *r = *state;
	int64_t last_ns = 0;

	rig_start(r);
	for (int i = 0; i < 4; i++) {
		int64_t wait_ns = r->source.keys_not_before.ns - r->now.mono.ns;

		assert_in_range(wait_ns, 7 * NS_PER_S, 130 * NS_PER_S);
		assert_true(wait_ns >= last_ns);
		last_ns = wait_ns;
		begin_renewal(r);
		rig_give_keys(r);
	}
	assert_int_equal(r->source.unanswered_keys, 5);
	/* Only the first ones are worth a burst. */
	assert_int_equal(r->source.pace.burst_tries, PACE_BURST_TRIES);
	r->source.pace.burst_tries = r->source.pace.burst_good = 0;
	begin_renewal(r);
	rig_give_keys(r);
	assert_int_equal(r->source.pace.burst_tries, 0);
	rig_send(r);
	rig_answer(r);
	assert_true(
	    r->source.keys_not_before.ns - r->now.mono.ns <= 8 * NS_PER_S);
}

static void without_iburst_there_is_no_burst(void **state)
{
	struct rig *r = *state;

	r->config.iburst = false;
	rig_start(r);
	assert_int_equal(rig_wait_ns(r), 0);
	assert_int_equal(r->source.pace.burst_tries, 0);
}

static void silence_before_new_keys_stays_a_trouble(void **state)
{
	struct rig *r = *state;

	be_well(r);
	r->source.silent = 3;
	r->source.reach = 0;
	source_too_slow(&r->source, 2 * NS_PER_S, r->now.mono);
	begin_renewal(r);
	rig_give_keys(r);
	assert_string_equal(r->source.failure, "delay");
	r->source.silent = 0;
	r->source.unanswered_keys = 0;
	begin_renewal(r);
	rig_give_keys(r);
	assert_string_equal(r->source.failure, "");
}

static void an_exchange_is_a_line_when_it_ends_a_trouble(void **state)
{
	struct rig *r = *state;

	be_well(r);
	rig_line(r);
	begin_renewal(r);
	rig_give_keys(r);
	assert_string_equal(rig_line(r), "");
	begin_renewal(r);
	rig_fail_keys(r, KE_STAGE_CONNECT, "nobody listens");
	assert_string_not_equal(rig_line(r), "");
	begin_renewal(r);
	rig_give_keys(r);
	assert_string_not_equal(rig_line(r), "");
	/* A source that was down logs its first sample instead. */
	begin_renewal(r);
	rig_fail_keys(r, KE_STAGE_CONNECT, "nobody listens");
	rig_line(r);
	r->source.down = true;
	begin_renewal(r);
	rig_give_keys(r);
	assert_string_equal(rig_line(r), "");
}

static void the_first_exchange_is_a_line(void **state)
{
	struct rig *r = *state;

	rig_pass_until_due(r);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_give_keys(r);
	assert_non_null(strstr(rig_line(r), "keys from"));
}

/* A wrong clock, and a certificate that is outdated by its server's own time:
 * that is the better message. */
static void an_outdated_certificate_keeps_its_message(void **state)
{
	struct wall late = {INT64_C(4200000000) * NS_PER_S};
	struct rig *r = *state;
	struct ke_answer a;

	for (unsigned i = 1; i <= 2; i++) {
		rig_pass_until_due(r);
		rig_start_undated(r);
		source_outdated(&r->source, late, r->now.mono, RIG_MIDDLE);
		assert_int_equal(r->source.outdated, i);
		assert_int_equal(r->source.stage, STAGE_RESTING);
		assert_string_equal(r->source.failure, "certificate");
		assert_in_range(rig_wait_ns(r), 2 * NS_PER_S, 4 * NS_PER_S);
		r->source.line[0] = '\0';
	}
	rig_pass_until_due(r);
	rig_start_undated(r);
	assert_string_equal(r->source.failure, "certificate");
	assert_string_equal(r->source.line, "");
	/* Keys with checked dates prove that the certificate was renewed. */
	assert_int_equal(source_recheck(&r->source), ACTION_KEYS);
	a = rig_keys(r);
	rig_take_keys(r, &a);
	assert_int_equal(r->source.outdated, 0);
	assert_string_equal(r->source.failure, "");
}

static void another_exchange_without_dates_is_a_line(void **state)
{
	struct rig *r = *state;

	rig_start_undated(r);
	rig_line(r);
	source_go_offline(&r->source);
	source_go_online(&r->source, r->now.mono);
	rig_start_undated(r);
	assert_non_null(strstr(rig_line(r), "keys from"));
}

static void an_outdated_certificate_is_tried_less_and_less_often(void **state)
{
	struct wall late = {INT64_C(4200000000) * NS_PER_S};
	struct rig *r = *state;

	for (int i = 0; i < 20; i++) {
		rig_pass_until_due(r);
		rig_start_undated(r);
		source_outdated(&r->source, late, r->now.mono, RIG_MIDDLE);
	}
	assert_in_range(rig_wait_ns(r), 700 * NS_PER_S, 900 * NS_PER_S);
}

static void dates_that_may_not_wait_are_a_failure(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	source_dates_may_wait(&r->source, false);
	rig_fail_keys_with(
	    r, KE_STAGE_CERTIFICATE, KE_DATES_REFUSED, "expired");
	assert_int_equal(r->source.stage, STAGE_RESTING);
	/* Nor does a renewal leave them out. */
	be_well(r);
	begin_renewal(r);
	source_dates_may_wait(&r->source, true);
	rig_fail_keys_with(
	    r, KE_STAGE_CERTIFICATE, KE_DATES_REFUSED, "expired");
	assert_int_equal(r->source.stage, STAGE_POLLING);
}

/* It is repeated without the dates, but it has failed. */
static void dates_that_may_wait_are_counted(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	source_dates_may_wait(&r->source, true);
	rig_fail_keys_with(
	    r, KE_STAGE_CERTIFICATE, KE_DATES_REFUSED, "expired");
	assert_int_equal(r->source.stage, STAGE_UNDATED_KEYING);
	assert_int_equal(r->source.count.key_failures[FAILURE_CLOCK], 1);
	assert_int_equal(r->source.count.key_failures[FAILURE_CERTIFICATE], 0);
	assert_int_equal(r->source.count.begun, 2);
}

/* If DNS fails, the next exchange goes where the last one was. */
static void the_request_has_the_address_of_the_last_keys(void **state)
{
	const struct endpoint old = {
	    .family = 4, .port = 4460, .address = {192, 0, 2, 77}};
	struct ke_answer failure = {.stage = KE_STAGE_DNS};
	struct rig *r = *state;
	struct ke_request q;

	source_known_address(&r->source, &old);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	source_ke_request(&r->source, 0, 5000, r->now.mono, &q);
	assert_true(endpoint_same_host(&q.known, &old));
	rig_init(r);
	rig_start(r);
	begin_renewal(r);
	failure.serial = r->source.serial;
	source_keys(&r->source, &failure, r->now, RIG_MIDDLE);
	source_ke_request(&r->source, 0, 5000, r->now.mono, &q);
	assert_int_not_equal(q.known.family, 0);
	assert_true(endpoint_same_host(&q.known, &r->source.facts.peer));
}

/* The name need not be looked up twice. */
static void an_exchange_without_dates_goes_to_the_same_address(void **state)
{
	struct ke_answer refused = {.stage = KE_STAGE_CERTIFICATE,
	    .dates = KE_DATES_REFUSED,
	    .text = "expired"};
	struct rig *r = *state;
	struct ke_request q;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	source_dates_may_wait(&r->source, true);
	refused.serial = r->source.serial;
	refused.facts.peer = (struct endpoint){
	    .family = 4, .port = 4460, .address = {192, 0, 2, 78}};
	source_keys(&r->source, &refused, r->now, RIG_MIDDLE);
	assert_int_equal(r->source.stage, STAGE_UNDATED_KEYING);
	source_ke_request(&r->source, 0, 5000, r->now.mono, &q);
	assert_true(q.dates_unchecked && q.at_known);
	assert_true(endpoint_same_host(&q.known, &refused.facts.peer));
}

/* No server was asked: the name may still have another address. */
static void an_outdated_root_leads_to_a_lookup_with_the_known_address(
    void **state)
{
	const struct endpoint old = {
	    .family = 4, .port = 4460, .address = {192, 0, 2, 79}};
	struct ke_answer refused = {.stage = KE_STAGE_CERTIFICATE,
	    .dates = KE_DATES_REFUSED,
	    .text = "a root has expired"};
	struct rig *r = *state;
	struct ke_request q;

	source_known_address(&r->source, &old);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	source_dates_may_wait(&r->source, true);
	refused.serial = r->source.serial;
	source_keys(&r->source, &refused, r->now, RIG_MIDDLE);
	source_ke_request(&r->source, 0, 5000, r->now.mono, &q);
	assert_true(q.dates_unchecked && !q.at_known);
	assert_true(endpoint_same_host(&q.known, &old));
}

static void saved_keys_are_used_at_once(void **state)
{
	static const struct {
		int64_t age_s, renewal_s;
	} cases[] = {
	    /* Fresh, old, nearly old, and from a clock that was wrong. */
	    {3600, 86400 - 3600},
	    {86400 * 3, 2160},
	    {86400 - 60, 2160},
	    {-3600, 86400},
	};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct saved_keys *k = calloc(1, sizeof(*k));

		assert_non_null(k);
		rig_init(r);
		k->answer = rig_keys(r);
		k->answer.address_count = 2;
		k->answer.addresses[1] = k->answer.addresses[0];
		k->answer.addresses[1].address[3] = 2;
		k->address = 1;
		k->saved_s = k->keyed_s =
		    r->now.wall.ns / NS_PER_S - cases[i].age_s;
		source_saved(&r->source, k, 0, r->now, RIG_MIDDLE);
		free(k);
		assert_int_equal(r->source.stage, STAGE_POLLING);
		assert_int_equal(source_address(&r->source)->address[3], 2);
		assert_int_equal(r->source.pace.burst_tries, PACE_BURST_TRIES);
		assert_int_equal(
		    (r->source.renew_at.ns - r->now.mono.ns + NS_PER_S / 2) /
			NS_PER_S,
		    cases[i].renewal_s);
		assert_int_equal(r->now.mono.ns - r->source.keys_at.ns,
		    cases[i].age_s > 0 ? cases[i].age_s * NS_PER_S : 0);
		rig_send(r);
		rig_answer(r);
	}
}

static void other_keys_come_with_an_exchange(void **state)
{
	struct rig *r = *state;
	struct ke_answer a;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	a = rig_keys(r);
	memset(&a.other_keys, 5, sizeof(a.other_keys));
	a.have_other_keys = 1;
	rig_take_keys(r, &a);
	assert_true(r->source.assoc.have_other_keys);
	assert_int_equal(r->source.assoc.other_keys.s2c[0], 5);
	assert_int_equal(r->source.assoc.aead, AEAD_AES_SIV_CMAC_256);
}

/* Another key server has other NTP servers: its first address is the best. */
static void another_key_server_begins_at_its_first_address(void **state)
{
	struct rig *r = *state;
	struct ke_answer a;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_give_addresses(r, 3);
	r->source.address = 1;
	begin_renewal(r);
	rig_give_addresses(r, 3);
	assert_int_equal(source_address(&r->source)->address[3], 2);
	begin_renewal(r);
	a = rig_keys(r);
	a.addresses[1] = r->source.addresses[1];
	a.address_count = 2;
	a.facts.peer.address[3] = 77;
	rig_take_keys(r, &a);
	assert_int_equal(r->source.address, 0);
}

static void a_change_of_trust_renews_the_keys(void **state)
{
	struct rig *r = *state;
	struct mono at;

	be_well(r);
	at = mono_after(r->now.mono, NS_PER_S);
	r->source.renewal.failures = 9;
	source_distrust(&r->source, r->now.mono, at);
	assert_int_equal(r->source.renew_at.ns, at.ns);
	assert_int_equal(r->source.renewal.failures, 0);
	assert_int_equal(r->source.trusted_until.ns - r->now.mono.ns, HOUR_NS);
	/* A second change does not extend the time, nor delay the renewal. */
	rig_pass(r, NS_PER_S / 2);
	source_distrust(
	    &r->source, r->now.mono, mono_after(r->now.mono, HOUR_NS));
	assert_int_equal(r->source.renew_at.ns, at.ns);
	assert_int_equal(r->source.trusted_until.ns - r->now.mono.ns,
	    HOUR_NS - NS_PER_S / 2);
	rig_pass_until_due(r);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_give_keys(r);
	assert_int_equal(r->source.trusted_until.ns, MONO_NEVER.ns);
}

static void an_exchange_of_the_old_trust_does_not_count(void **state)
{
	struct rig *r = *state;
	struct ke_answer late;

	be_well(r);
	begin_renewal(r);
	late = rig_keys(r);
	source_distrust(&r->source, r->now.mono, r->now.mono);
	assert_int_equal(r->source.stage, STAGE_POLLING);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	assert_int_equal(rig_take_keys(r, &late), ACTION_NOTHING);
	assert_int_equal(r->source.stage, STAGE_REKEYING);
}

static void keys_of_the_old_trust_are_dropped_after_an_hour(void **state)
{
	struct rig *r = *state;

	be_well(r);
	source_distrust(&r->source, r->now.mono, r->now.mono);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_fail_keys(r, KE_STAGE_CERTIFICATE, "it is not trusted");
	r->source.renew_at = mono_after(r->now.mono, 2 * HOUR_NS);
	r->source.poll_at = r->source.renew_at;
	rig_pass_until_due(r);
	assert_int_equal(rig_timer(r), ACTION_CLOSE);
	assert_int_equal(r->source.stage, STAGE_RESTING);
	assert_int_equal(r->source.assoc.aead, AEAD_NONE);
	assert_int_equal(r->source.reach, 0);
	assert_false(r->source.renewal_failed);
	assert_false(r->source.keys_wanted);
	/* The back-off of the renewal goes on. */
	assert_int_equal(r->source.backoff.cause, CAUSE_CERTIFICATE);
	assert_int_equal(r->source.backoff.failures, 1);
	assert_int_equal(rig_wait_ns(r), HOUR_NS);
}

static void checked_dates_drop_keys_that_are_not_valid(void **state)
{
	static const struct {
		int64_t from_s, to_s; /* around the present; 0, 0: not known */
		bool known, dropped;
	} cases[] = {
	    {-10, 10, true, false},
	    {0, 10, true, false},
	    {-10, 0, true, false},
	    {1, 10, true, true},
	    {-10, -1, true, true},
	    {0, 0, false, false},
	};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t now_s, known = cases[i].known;

		be_well(r);
		now_s = r->now.wall.ns / NS_PER_S;
		r->source.facts.not_before = known * (now_s + cases[i].from_s);
		r->source.facts.not_after = known * (now_s + cases[i].to_s);
		assert_int_equal(source_recheck(&r->source), ACTION_NOTHING);
		assert_int_equal(source_recheck_dates(&r->source, r->now.wall),
		    cases[i].dropped ? ACTION_KEYS : ACTION_NOTHING);
		assert_int_equal(
		    r->source.assoc.aead == AEAD_NONE, cases[i].dropped);
		assert_int_equal(r->source.reach == 0, cases[i].dropped);
	}
}

static void dropped_keys_leave_a_fresh_start(void **state)
{
	struct rig *r = *state;

	rig_start_undated(r);
	rig_send(r);
	r->source.keys_wanted = true;
	r->source.silent = 4;
	r->source.backoff.failures = 7;
	r->source.trusted_until = r->now.mono;
	assert_int_equal(source_recheck(&r->source), ACTION_KEYS);
	assert_int_equal(r->source.stage, STAGE_KEYING);
	assert_false(r->source.pending.open);
	assert_false(r->source.keys_wanted);
	assert_int_equal(r->source.silent, 0);
	assert_int_equal(r->source.unanswered_keys, 0);
	assert_int_equal(r->source.reach, 0);
	assert_int_equal(r->source.backoff.failures, 0);
	assert_int_equal(r->source.trusted_until.ns, MONO_NEVER.ns);
}

static void a_source_that_rests_has_no_keys_to_check(void **state)
{
	struct wall late = {INT64_C(4200000000) * NS_PER_S};
	struct rig *r = *state;

	rig_start(r);
	rig_kissed(r, KISS('D', 'E', 'N', 'Y'));
	r->source.silent = 5;
	assert_int_equal(source_recheck(&r->source), ACTION_NOTHING);
	assert_int_equal(
	    source_recheck_dates(&r->source, late), ACTION_NOTHING);
	assert_int_equal(r->source.stage, STAGE_RESTING);
	assert_int_equal(r->source.silent, 5);
	assert_int_equal(r->source.backoff.failures, 1);
}

static void a_reload_begins_again_what_is_under_way(void **state)
{
	struct rig *r = *state;
	struct ke_answer late;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	late = rig_keys(r);
	source_begin_again(&r->source, 40, r->now.mono);
	assert_int_equal(r->source.stage, STAGE_RESTING);
	assert_int_equal(rig_wait_ns(r), 0);
	assert_false(r->source.keys_wanted);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	assert_int_equal(r->source.serial, 41);
	assert_int_equal(rig_take_keys(r, &late), ACTION_NOTHING);
	be_well(r);
	begin_renewal(r);
	rig_pass_until_due(r);
	rig_send(r);
	source_begin_again(&r->source, 40, r->now.mono);
	assert_false(r->source.pending.open);
	assert_int_equal(r->source.stage, STAGE_POLLING);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	/* Without anything under way only the serial changes. */
	be_well(r);
	source_renumber(&r->source, 50);
	assert_int_equal(r->source.serial, 50);
	source_begin_again(&r->source, 60, r->now.mono);
	assert_int_equal(r->source.stage, STAGE_POLLING);
	assert_true(rig_wait_ns(r) > NS_PER_S);
	begin_renewal(r);
	assert_int_equal(r->source.serial, 61);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(the_request_says_what_is_configured),
	    RIG_TEST(keys_without_an_answer_lead_to_the_next_server),
	    RIG_TEST(the_next_request_goes_on_after_the_last_address),
	    RIG_TEST(a_success_counts_and_a_failure_does_not),
	    RIG_TEST(failures_are_counted_by_cause),
	    RIG_TEST(each_stage_has_its_wait),
	    RIG_TEST(a_certificate_is_tried_when_it_becomes_valid),
	    RIG_TEST(keys_are_renewed_after_a_day),
	    RIG_TEST(a_renewal_does_not_disturb_the_requests),
	    RIG_TEST(a_request_under_way_is_sent_again_with_new_keys),
	    RIG_TEST(a_renewal_that_fails_leaves_the_old_keys),
	    RIG_TEST(keys_after_a_nak_are_no_renewal),
	    RIG_TEST(one_good_vote_keeps_a_server_of_a_pool),
	    RIG_TEST(a_nak_during_a_replacement_still_needs_keys),
	    RIG_TEST(keys_that_bring_no_answer_are_fetched_less_often),
	    RIG_TEST(without_iburst_there_is_no_burst),
	    RIG_TEST(silence_before_new_keys_stays_a_trouble),
	    RIG_TEST(an_exchange_is_a_line_when_it_ends_a_trouble),
	    RIG_TEST(an_outdated_certificate_keeps_its_message),
	    RIG_TEST(the_first_exchange_is_a_line),
	    RIG_TEST(another_exchange_without_dates_is_a_line),
	    RIG_TEST(an_outdated_certificate_is_tried_less_and_less_often),
	    RIG_TEST(dates_that_may_not_wait_are_a_failure),
	    RIG_TEST(dates_that_may_wait_are_counted),
	    RIG_TEST(the_request_has_the_address_of_the_last_keys),
	    RIG_TEST(an_exchange_without_dates_goes_to_the_same_address),
	    RIG_TEST(an_outdated_root_leads_to_a_lookup_with_the_known_address),
	    RIG_TEST(saved_keys_are_used_at_once),
	    RIG_TEST(other_keys_come_with_an_exchange),
	    RIG_TEST(another_key_server_begins_at_its_first_address),
	    RIG_TEST(a_change_of_trust_renews_the_keys),
	    RIG_TEST(an_exchange_of_the_old_trust_does_not_count),
	    RIG_TEST(keys_of_the_old_trust_are_dropped_after_an_hour),
	    RIG_TEST(checked_dates_drop_keys_that_are_not_valid),
	    RIG_TEST(dropped_keys_leave_a_fresh_start),
	    RIG_TEST(a_source_that_rests_has_no_keys_to_check),
	    RIG_TEST(any_age_of_saved_keys_is_bounded),
	    RIG_TEST(each_crash_is_a_line),
	    RIG_TEST(the_third_crash_within_an_hour_rests_for_hours),
	    RIG_TEST(three_crashes_within_an_hour_after_a_rare_one_rest),
	    RIG_TEST(rare_crashes_do_not_rest),
	    RIG_TEST(a_late_crash_counts),
	    RIG_TEST(a_crash_in_a_renewal_leaves_the_old_keys),
	    RIG_TEST(a_reload_begins_again_what_is_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
