/* Requests, answers, silence, and what the engine makes of a sample. */
#include "tests/unit/agent/source/rig.h"

#include <errno.h>

/* Lost requests in a row; no keys come meanwhile. */
static void lose(struct rig *r, unsigned requests)
{
	while (requests > 0) {
		rig_pass_until_due(r);
		if (rig_timer(r) != ACTION_SEND)
			continue;
		rig_seal(r);
		rig_pass_until_due(r);
		assert_int_not_equal(rig_timer(r), ACTION_NOTHING);
		requests--;
	}
}

static void be_well(struct rig *r)
{
	rig_init(r);
	rig_start(r);
	rig_answer_start(r);
}

static void the_reach_register_has_a_bit_for_each_request(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_send(r);
	assert_int_equal(r->source.reach, 0);
	rig_answer(r);
	assert_int_equal(r->source.reach, 1);
	lose(r, 1);
	assert_int_equal(r->source.reach, 2);
	rig_send(r);
	assert_int_equal(r->source.reach, 4);
	rig_answer(r);
	assert_int_equal(r->source.reach, 5);
	assert_int_equal(r->source.count.sent, 3);
	assert_int_equal(r->source.count.lost, 1);
	assert_int_equal(r->source.count.valid, 2);
}

/* Time until a request counts as lost. */
static int64_t answer_wait_ms(struct rig *r)
{
	rig_pass_until_due(r);
	rig_send(r);
	return rig_wait_ns(r) / NS_PER_MS;
}

static void a_quick_path_gets_less_time_to_answer(void **state)
{
	static const struct {
		int64_t delay_ms, wait_ms;
	} cases[] = {{1, 1500}, {249, 1500}, {250, 4000}, {700, 4000},
	    {3000, 6000}, {9000, 18000}, {15000, 20000}};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		be_well(r);
		while (r->source.pace.ramp_log2_s < 4) {
			rig_pass_until_due(r);
			rig_send(r);
			rig_answer(r);
		}
		r->source.delay_ns = cases[i].delay_ms * NS_PER_MS;
		assert_int_equal(answer_wait_ms(r), cases[i].wait_ms);
	}
}

/* The path may have become quick again, or another one. */
static void seven_lost_requests_forget_that_a_path_is_slow(void **state)
{
	struct rig *r = *state;

	for (uint8_t lost = 6; lost <= 7; lost++) {
		be_well(r);
		while (r->source.pace.ramp_log2_s < 4) {
			rig_pass_until_due(r);
			rig_send(r);
			rig_answer(r);
		}
		r->source.delay_ns = 3000 * NS_PER_MS;
		r->source.silent = lost;
		r->source.silent_since = r->now.mono;
		assert_int_equal(answer_wait_ms(r), lost < 7 ? 6000 : 4000);
	}
}

/* The path may have become slow: after a silence of 52 s, one request in three
 * may take twelve seconds. */
static void a_long_silence_waits_for_a_slow_path(void **state)
{
	struct rig *r = *state;
	unsigned slow = 0;

	be_well(r);
	for (int n = 0; n < 60;) {
		const struct source *s = &r->source;
		enum source_action action;
		bool slowly;

		rig_pass_until_due(r);
		action = rig_timer(r);
		if (action == ACTION_KEYS)
			rig_give_keys(r);
		if (action != ACTION_SEND)
			continue;
		slowly = s->silent > 0 && s->silent % 3 == 2 &&
			 r->now.mono.ns - s->silent_since.ns >= 52 * NS_PER_S;
		rig_seal(r);
		assert_int_equal(rig_wait_ns(r) == 12 * NS_PER_S, slowly);
		assert_true(slowly || rig_wait_ns(r) <= 4 * NS_PER_S);
		slow += slowly;
		n++;
	}
	assert_in_range(slow, 10, 20);
}

/* Before the first request, and a copy of an answer: no proof of anything. */
static void without_a_request_nothing_is_an_answer(void **state)
{
	struct rig *r = *state;
	bool ok = true;

	rig_start(r);
	assert_int_equal(
	    rig_hear(r, r->request, sizeof(r->request), &ok), ACTION_NOTHING);
	assert_false(ok);
	assert_int_equal(r->source.count.received, 0);
	assert_int_equal(r->source.count.valid, 0);
	rig_send(r);
	rig_answer(r);
	assert_int_equal(rig_hear_peer(r, &r->peer, &ok), ACTION_NOTHING);
	assert_false(ok);
	assert_int_equal(r->source.count.received, 1);
	assert_int_equal(r->source.count.valid, 1);
	assert_int_equal(r->source.reach, 1);
}

/* Of three addresses that never answered, each gets its turn soon. */
static void the_first_try_of_each_address_is_short(void **state)
{
	static const int64_t wait_ms[] = {500, 500, 500, 500, 875};
	struct rig *r = *state;

	rig_timer(r);
	rig_give_addresses(r, 3);
	r->source.search_not_before = MONO_NEVER;
	for (size_t i = 0; i < ARRAY_LEN(wait_ms); i++) {
		assert_int_equal(answer_wait_ms(r), wait_ms[i]);
		rig_pass_until_due(r);
		rig_timer(r);
	}
	/* A single address gets the usual time. */
	rig_init(r);
	rig_start(r);
	assert_int_equal(answer_wait_ms(r), 875);
}

static void a_long_silence_ends_with_a_burst(void **state)
{
	static const struct {
		unsigned lost;
		bool burst;
	} cases[] = {{7, false}, {8, true}};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		be_well(r);
		r->source.silent = cases[i].lost;
		rig_pass_until_due(r);
		rig_send(r);
		rig_answer(r);
		assert_int_equal(
		    r->source.pace.burst_tries > 0, cases[i].burst);
	}
}

static void eight_answers_make_a_server_steady(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	for (int i = 1; i <= 8; i++) {
		r->source.search.failures = 5;
		rig_pass_until_due(r);
		rig_send(r);
		rig_answer(r);
		assert_int_equal(r->source.search.failures, i < 8 ? 5 : 0);
	}
}

static void an_answer_ends_the_wait_for_keys(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_send(r);
	r->source.keys_not_before = mono_after(r->now.mono, 100 * NS_PER_S);
	r->source.keys_wanted = true;
	r->source.backoff.failures = 6;
	rig_answer(r);
	assert_int_equal(
	    r->source.keys_not_before.ns - r->now.mono.ns, 8 * NS_PER_S);
	assert_false(r->source.keys_wanted);
	assert_int_equal(r->source.backoff.failures, 0);
	assert_int_equal(r->source.unanswered_keys, 0);
}

/* Two lost requests may bring new keys, when it is time for a search. */
static void silence_brings_keys_when_a_search_is_due(void **state)
{
	struct rig *r = *state;

	for (int due = 0; due <= 1; due++) {
		be_well(r);
		rig_pass(r, 100 * NS_PER_S);
		r->source.search_not_before = due ? r->now.mono : MONO_NEVER;
		lose(r, 1);
		assert_int_equal(r->source.stage, STAGE_POLLING);
		lose(r, 1);
		assert_int_equal(
		    r->source.stage, due ? STAGE_REKEYING : STAGE_POLLING);
	}
}

static void another_address_forgets_the_path_of_the_last_one(void **state)
{
	struct rig *r = *state;

	for (unsigned addresses = 1; addresses <= 2; addresses++) {
		rig_init(r);
		rig_timer(r);
		rig_give_addresses(r, addresses);
		rig_answer_burst(r);
		r->source.search_not_before = MONO_NEVER;
		r->source.size.blamed = r->source.size.small = true;
		lose(r, 2);
		assert_int_equal(r->source.address, addresses - 1);
		assert_int_equal(r->source.size.blamed, addresses == 1);
	}
}

/* Only what nobody answered at all says something about the size. */
static void a_refused_request_is_not_lost_for_its_size(void **state)
{
	struct rig *r = *state;

	be_well(r);
	lose(r, 1);
	assert_true(r->source.size.small);
	be_well(r);
	rig_pass_until_due(r);
	rig_send(r);
	rig_nak(r);
	rig_pass_until_due(r);
	rig_timer(r);
	assert_false(r->source.size.small);
	be_well(r);
	rig_pass_until_due(r);
	rig_send(r);
	rig_forge(r, KISS('D', 'E', 'N', 'Y'));
	rig_pass_until_due(r);
	rig_timer(r);
	assert_false(r->source.size.small);
	be_well(r);
	rig_pass_until_due(r);
	rig_send(r);
	source_refused(&r->source, ECONNREFUSED, r->now.mono);
	rig_pass_until_due(r);
	rig_timer(r);
	assert_false(r->source.size.small);
}

static void a_nak_never_extends_the_wait(void **state)
{
	struct rig *r = *state;

	be_well(r);
	rig_pass_until_due(r);
	rig_send(r);
	rig_pass(r, rig_wait_ns(r) - 200 * NS_PER_MS);
	rig_nak(r);
	assert_int_equal(rig_wait_ns(r), 200 * NS_PER_MS);
}

/* Otherwise one forged packet for each request would cost a distant server its
 * keys and its vote. */
static void a_true_answer_from_afar_may_follow_a_nak(void **state)
{
	static const struct {
		int64_t delay_ms, wait_ms;
	} cases[] = {{1, 1000}, {400, 1000}, {500, 1100}, {3000, 6000}};
	struct rig *r = *state;
	uint64_t good;

	be_well(r);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		r->source.delay_ns = cases[i].delay_ms * NS_PER_MS;
		good = r->source.count.good;
		rig_pass_until_due(r);
		rig_send(r);
		rig_nak(r);
		assert_int_equal(rig_wait_ns(r), cases[i].wait_ms * NS_PER_MS);
		rig_pass(r, rig_wait_ns(r) - NS_PER_MS);
		assert_int_equal(rig_timer(r), ACTION_NOTHING);
		rig_answer(r);
		assert_int_equal(r->source.count.good, good + 1);
	}
}

static void the_cookie_of_an_unsent_request_is_used_again(void **state)
{
	static const struct {
		int error;
		bool again;
		int costs;
	} cases[] = {
	    {ENETUNREACH, true, 0}, {EPERM, true, 0}, {ENOBUFS, false, 1}};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct peer_request first, second;
		double allowance;

		rig_init(r);
		rig_start(r);
		allowance = r->source.pace.allowance;
		rig_send(r);
		assert_true(peer_read(r->request, r->request_len, &first));
		source_unsent(&r->source, cases[i].error, r->now.mono);
		assert_true(
		    r->source.pace.allowance == allowance - cases[i].costs);
		assert_int_equal(rig_wait_ns(r), 0);
		assert_int_equal(rig_timer(r), ACTION_CLOSE);
		rig_pass_until_due(r);
		rig_send(r);
		assert_true(peer_read(r->request, r->request_len, &second));
		assert_int_equal(first.cookie == second.cookie, cases[i].again);
	}
}

/* An attacker who guesses the port can forge an ICMP error. */
static void a_true_answer_may_follow_an_error_of_the_network(void **state)
{
	struct rig *r = *state;
	uint64_t good;

	be_well(r);
	for (int heard = 0; heard < 2; heard++) {
		r->source.heard = heard;
		good = r->source.count.good;
		rig_pass_until_due(r);
		rig_send(r);
		source_refused(&r->source, ECONNREFUSED, r->now.mono);
		/* A second one changes nothing. */
		rig_pass(r, NS_PER_MS);
		source_refused(&r->source, ECONNREFUSED, r->now.mono);
		assert_int_equal(rig_timer(r), ACTION_NOTHING);
		/* be_well() has a delay of 1 ms. */
		assert_int_equal(
		    rig_wait_ns(r), (heard ? 101 : 249) * NS_PER_MS);
		rig_answer(r);
		assert_int_equal(r->source.count.good, good + 1);
		assert_string_equal(r->source.failure, "");
	}
}

static void an_error_of_the_network_never_extends_the_wait(void **state)
{
	struct rig *r = *state;

	be_well(r);
	rig_pass_until_due(r);
	rig_send(r);
	rig_pass(r, rig_wait_ns(r) - 50 * NS_PER_MS);
	source_refused(&r->source, ECONNREFUSED, r->now.mono);
	assert_int_equal(rig_wait_ns(r), 50 * NS_PER_MS);
}

static void an_error_without_a_request_changes_no_time(void **state)
{
	struct rig *r = *state;

	be_well(r);
	r->source.answer_by = MONO_NEVER;
	source_refused(&r->source, ECONNREFUSED, r->now.mono);
	assert_int_equal(r->source.answer_by.ns, MONO_NEVER.ns);
	assert_int_equal(r->source.send_error, 0);
	rig_pass_until_due(r);
	rig_send(r);
	source_refused(&r->source, ECONNREFUSED, r->now.mono);
	assert_int_equal(r->source.send_error, ECONNREFUSED);
	rig_pass_until_due(r);
	rig_timer(r);
	rig_pass_until_due(r);
	rig_send(r);
	assert_int_equal(r->source.send_error, 0);
}

static void a_request_that_cannot_be_sealed_waits(void **state)
{
	struct writer out = writer_of(NULL, 0);
	struct nts_random fresh = {.transmit = 1};
	struct rig *r = *state;
	uint64_t sent;

	be_well(r);
	sent = r->source.count.sent;
	rig_pass_until_due(r);
	assert_int_equal(rig_timer(r), ACTION_SEND);
	assert_false(
	    source_request(&r->source, &fresh, r->now.mono, RIG_MIDDLE, &out));
	assert_string_equal(r->source.failure, "request");
	assert_int_equal(r->source.line_level, LOG_LEVEL_ERROR);
	assert_false(r->source.pending.open);
	assert_true(rig_wait_ns(r) >= NS_PER_S);
	assert_int_equal(r->source.count.sent, sent);
}

static void the_last_answer_is_remembered(void **state)
{
	struct rig *r = *state;
	struct peer p;
	bool ok;

	rig_start(r);
	p = r->peer;
	p.leap = LEAP_UNKNOWN;
	rig_send(r);
	rig_hear_peer(r, &p, &ok);
	assert_true(r->source.unsynchronised);
	assert_int_equal(r->source.last_failed, CHECK_SYNC + 1);
	assert_int_equal(r->source.header.version, 0);
	p.leap = LEAP_NONE;
	p.stratum = 3;
	p.reference = 777;
	rig_pass_until_due(r);
	rig_send(r);
	rig_hear_peer(r, &p, &ok);
	assert_true(ok);
	assert_false(r->source.unsynchronised);
	assert_int_equal(r->source.stratum, 3);
	assert_int_equal(r->source.reference, 777);
	assert_int_equal(r->source.last_failed, 0);
	assert_int_equal(r->source.header.version, 4);
	assert_int_equal(r->source.header.reference, 777);
	source_stamped(&r->source, STAMP_HARDWARE, STAMP_KERNEL);
	assert_int_equal(r->source.tx_stamp, STAMP_HARDWARE);
	assert_int_equal(r->source.rx_stamp, STAMP_KERNEL);
	source_stamped(&r->source, STAMP_DAEMON, STAMP_HARDWARE);
	source_stamped(&r->source, STAMP_KERNEL, STAMP_KERNEL);
	assert_int_equal(r->source.count.kernel_sent, 1);
	assert_int_equal(r->source.count.kernel_received, 2);
	assert_int_equal(r->source.count.hardware_sent, 1);
	assert_int_equal(r->source.count.hardware_received, 1);
	source_check_failed(&r->source, CHECK_MAXDELAY);
	assert_int_equal(r->source.last_failed, CHECK_MAXDELAY + 1);
}

static void a_kiss_moves_the_next_request(void **state)
{
	struct rig *r = *state;
	int64_t sent_ns;

	be_well(r);
	rig_pass_until_due(r);
	sent_ns = r->now.mono.ns;
	rig_kissed(r, KISS('R', 'A', 'T', 'E'));
	assert_true(r->source.poll_at.ns - sent_ns >= 128 * NS_PER_S);
	assert_true(r->source.pace.rate_limited);
}

static void a_refusal_clears_the_reach(void **state)
{
	struct rig *r = *state;

	be_well(r);
	rig_pass_until_due(r);
	rig_kissed(r, KISS('R', 'S', 'T', 'R'));
	assert_int_equal(r->source.reach, 0);
	assert_int_equal(r->source.backoff.cause, CAUSE_DENIED);
}

static void a_sample_is_remembered(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_send(r);
	rig_answer(r);
	assert_true(r->source.heard);
	assert_int_equal(r->source.heard_at.ns, r->now.mono.ns);
	assert_int_equal(r->source.delay_ns, NS_PER_MS);
	assert_int_equal(r->source.count.good, 1);
}

/* Counted from when the last one was sent, and never in the past. */
static void the_next_request_is_an_interval_after_the_last(void **state)
{
	struct rig *r = *state;
	int64_t sent_ns;
	bool ok;

	be_well(r);
	rig_pass_until_due(r);
	rig_send(r);
	sent_ns = r->now.mono.ns;
	rig_pass(r, NS_PER_S);
	rig_answer(r);
	assert_in_range(
	    r->source.poll_at.ns - sent_ns, 4 * NS_PER_S, 5 * NS_PER_S);
	rig_pass_until_due(r);
	rig_send(r);
	rig_pass(r, 3 * NS_PER_S);
	rig_hear_peer(r, &r->peer, &ok);
	rig_pass(r, 500 * NS_PER_S);
	source_sampled(
	    &r->source, NS_PER_MS, POLL_KEEP, r->now.mono, RIG_MIDDLE);
	assert_int_equal(rig_wait_ns(r), 0);
}

static void good_samples_forgive_a_rate(void **state)
{
	struct rig *r = *state;

	be_well(r);
	rig_pass_until_due(r);
	rig_kissed(r, KISS('R', 'A', 'T', 'E'));
	for (int i = 0; i < PACE_RATE_POLLS; i++) {
		assert_true(r->source.pace.rate_limited);
		rig_pass_until_due(r);
		rig_send(r);
		rig_answer(r);
	}
	assert_false(r->source.pace.rate_limited);
}

static void being_outvoted_has_its_own_lines(void **state)
{
	struct rig *r = *state;

	be_well(r);
	assert_int_equal(source_outvoted(&r->source, r->now.mono), BUDGET_LINE);
	assert_int_equal(source_outvoted(&r->source, r->now.mono), BUDGET_NONE);
	assert_int_equal(source_agrees(&r->source, r->now.mono), BUDGET_LINE);
	assert_int_equal(source_agrees(&r->source, r->now.mono), BUDGET_NONE);
	assert_int_equal(r->source.budget.said_count, 0);
}

static void two_names_of_one_server_get_one_id(void **state)
{
	struct source a = {.reference = 5}, b = {.reference = 5}, c = a;

	(void)state;
	source_same_server(&a, &b);
	assert_int_equal(a.server_id, 5);
	assert_int_equal(b.server_id, 5);
	c.reference = 6;
	source_same_server(&c, &b);
	assert_int_equal(c.server_id, 5);
	assert_int_equal(b.server_id, 5);
}

static void a_hurry_is_for_those_that_may_ask(void **state)
{
	struct rig *r = *state;

	be_well(r);
	source_hurry(&r->source, r->now.mono);
	assert_int_equal(rig_wait_ns(r), 0);
	/* Not while an answer is expected, and not against a RATE. */
	rig_send(r);
	source_hurry(&r->source, r->now.mono);
	assert_true(r->source.poll_at.ns > r->now.mono.ns);
	be_well(r);
	r->source.pace.rate_limited = true;
	source_hurry(&r->source, r->now.mono);
	assert_true(rig_wait_ns(r) > 0);
	rig_init(r);
	source_hurry(&r->source, r->now.mono);
	assert_int_equal(r->source.poll_at.ns, MONO_NEVER.ns);
}

static void a_request_before_a_step_is_repeated(void **state)
{
	struct rig *r = *state;

	be_well(r);
	source_repeat(&r->source, r->now.mono);
	assert_true(rig_wait_ns(r) > 0);
	rig_pass_until_due(r);
	rig_send(r);
	rig_pass(r, NS_PER_MS);
	source_repeat(&r->source, r->now.mono);
	assert_false(r->source.pending.open);
	assert_int_equal(rig_wait_ns(r), 0);
}

static void a_jump_of_the_clock_begins_a_burst(void **state)
{
	struct rig *r = *state;

	be_well(r);
	rig_pass_until_due(r);
	rig_send(r);
	r->source.pace.debt_ns = NS_PER_S;
	source_jumped(&r->source, r->now.mono);
	assert_false(r->source.pending.open);
	assert_int_equal(rig_wait_ns(r), 0);
	assert_int_equal(r->source.pace.burst_tries, PACE_BURST_TRIES);
	assert_int_equal(r->source.pace.debt_ns, 0);
	rig_init(r);
	source_jumped(&r->source, r->now.mono);
	assert_int_equal(r->source.poll_at.ns, MONO_NEVER.ns);
	/* A source that sets a wrong clock asks again, too. */
	rig_start_undated(r);
	r->source.poll_at = MONO_NEVER;
	source_jumped(&r->source, r->now.mono);
	assert_int_equal(rig_wait_ns(r), 0);
}

static void a_burst_by_order_needs_keys(void **state)
{
	struct rig *r = *state;

	assert_false(source_burst(&r->source, r->now.mono));
	be_well(r);
	r->source.pace.rate_limited = true;
	assert_true(source_burst(&r->source, r->now.mono));
	assert_int_equal(rig_wait_ns(r), 0);
	assert_int_equal(r->source.pace.burst_tries, PACE_BURST_TRIES);
	rig_init(r);
	rig_start_undated(r);
	assert_false(source_burst(&r->source, r->now.mono));
}

static void few_cookies_bring_new_keys_after_an_answer(void **state)
{
	static const struct {
		unsigned cookies;
		bool keys;
	} cases[] = {{2, true}, {3, false}};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cookie c;

		be_well(r);
		r->source.keys_not_before = r->now.mono;
		while (r->source.assoc.jar.count > cases[i].cookies)
			assert_true(cookie_jar_take(&r->source.assoc.jar, &c));
		assert_int_equal(
		    rig_timer(r), cases[i].keys ? ACTION_KEYS : ACTION_NOTHING);
		/* New keys with few cookies are used first. */
		rig_init(r);
		rig_start(r);
		while (r->source.assoc.jar.count > cases[i].cookies)
			assert_true(cookie_jar_take(&r->source.assoc.jar, &c));
		r->source.reach = 1;
		r->source.keys_not_before = r->now.mono;
		assert_int_equal(rig_timer(r), ACTION_SEND);
	}
}

/* A change of the limits takes effect, and none keeps the interval. */
static void a_reload_changes_the_poll_limits(void **state)
{
	struct source_config other;
	struct rig *r = *state;

	be_well(r);
	other = r->config;
	r->source.pace.poll_log2_s = 8;
	source_reconfigure(&r->source, &other);
	assert_ptr_equal(r->source.config, &other);
	assert_int_equal(r->source.pace.poll_log2_s, 8);
	other.minpoll = 7;
	source_reconfigure(&r->source, &r->config);
	source_reconfigure(&r->source, &other);
	assert_int_equal(r->source.pace.poll_log2_s, 7);
	other = r->config;
	other.maxpoll = 9;
	r->source.config = &r->config;
	r->source.pace.poll_log2_s = 8;
	source_reconfigure(&r->source, &other);
	assert_int_equal(r->source.pace.poll_log2_s, 6);
	source_reconfigure(&r->source, &r->config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(the_reach_register_has_a_bit_for_each_request),
	    RIG_TEST(a_quick_path_gets_less_time_to_answer),
	    RIG_TEST(seven_lost_requests_forget_that_a_path_is_slow),
	    RIG_TEST(a_long_silence_waits_for_a_slow_path),
	    RIG_TEST(without_a_request_nothing_is_an_answer),
	    RIG_TEST(the_first_try_of_each_address_is_short),
	    RIG_TEST(a_long_silence_ends_with_a_burst),
	    RIG_TEST(eight_answers_make_a_server_steady),
	    RIG_TEST(an_answer_ends_the_wait_for_keys),
	    RIG_TEST(silence_brings_keys_when_a_search_is_due),
	    RIG_TEST(another_address_forgets_the_path_of_the_last_one),
	    RIG_TEST(a_refused_request_is_not_lost_for_its_size),
	    RIG_TEST(a_nak_never_extends_the_wait),
	    RIG_TEST(a_true_answer_from_afar_may_follow_a_nak),
	    RIG_TEST(the_cookie_of_an_unsent_request_is_used_again),
	    RIG_TEST(a_true_answer_may_follow_an_error_of_the_network),
	    RIG_TEST(an_error_of_the_network_never_extends_the_wait),
	    RIG_TEST(an_error_without_a_request_changes_no_time),
	    RIG_TEST(a_request_that_cannot_be_sealed_waits),
	    RIG_TEST(the_last_answer_is_remembered),
	    RIG_TEST(a_kiss_moves_the_next_request),
	    RIG_TEST(a_refusal_clears_the_reach),
	    RIG_TEST(a_sample_is_remembered),
	    RIG_TEST(the_next_request_is_an_interval_after_the_last),
	    RIG_TEST(good_samples_forgive_a_rate),
	    RIG_TEST(being_outvoted_has_its_own_lines),
	    RIG_TEST(two_names_of_one_server_get_one_id),
	    RIG_TEST(a_hurry_is_for_those_that_may_ask),
	    RIG_TEST(a_request_before_a_step_is_repeated),
	    RIG_TEST(a_jump_of_the_clock_begins_a_burst),
	    RIG_TEST(a_burst_by_order_needs_keys),
	    RIG_TEST(few_cookies_bring_new_keys_after_an_answer),
	    RIG_TEST(a_reload_changes_the_poll_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
