/* One source and its server: keys, requests, refusals, silence. */
#include "tests/unit/agent/source/rig.h"

#include <errno.h>

/* Lines for the log since the last call. */
static unsigned lines(struct rig *r)
{
	unsigned n = 0;

	while (rig_line(r)[0])
		n++;
	return n;
}

/* Does the next thing: keys come at once, a request is sealed. */
static enum source_action next_step(struct rig *r)
{
	enum source_action action;

	rig_pass_until_due(r);
	action = rig_timer(r);
	if (action == ACTION_KEYS)
		rig_give_keys(r);
	if (action == ACTION_SEND)
		rig_seal(r);
	return action;
}

static void the_first_request_follows_the_keys_at_once(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	assert_int_equal(r->source.stage, STAGE_KEYING);
	assert_int_equal(rig_timer(r), ACTION_NOTHING);
	rig_pass(r, 30 * NS_PER_MS);
	rig_give_keys(r);
	assert_int_equal(source_deadline(&r->source).ns, r->now.mono.ns);
	rig_send(r);
	rig_answer(r);
	assert_int_equal(r->source.reach, 1);
	assert_int_equal(r->source.assoc.jar.count, NTS_COOKIES);
	assert_string_equal(r->source.reason, "");
}

static void a_burst_brings_four_samples_in_half_a_second(void **state)
{
	struct rig *r = *state;
	struct mono began;

	rig_start(r);
	began = r->now.mono;
	rig_answer_burst(r);
	assert_true(r->now.mono.ns - began.ns <= NS_PER_S / 2);
	assert_int_equal(r->source.count.good, PACE_BURST_GOOD);
	/* After that the intervals double up to the configured one. */
	assert_true(rig_wait_ns(r) >= NS_PER_S / 2);
	assert_true(rig_wait_ns(r) < NS_PER_S);
}

static void a_failure_keeps_its_words_and_waits(void **state)
{
	struct rig *r = *state;

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_fail_keys(
	    r, KE_STAGE_DNS, "the name ntp.example.net does not exist");
	assert_int_equal(r->source.stage, STAGE_RESTING);
	assert_string_equal(r->source.failure, "dns");
	assert_string_equal(
	    r->source.reason, "the name ntp.example.net does not exist");
	assert_string_equal(
	    rig_line(r), "office: the name ntp.example.net does not exist");
	assert_int_equal(r->level, LOG_LEVEL_WARNING);
	assert_true(rig_wait_ns(r) <= 2 * NS_PER_S);
}

static void the_same_failure_is_logged_once(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < 50; i++) {
		rig_pass_until_due(r);
		assert_int_equal(rig_timer(r), ACTION_KEYS);
		rig_fail_keys(r, KE_STAGE_CONNECT, "nobody listens");
		assert_int_equal(lines(r), i == 0);
	}
}

static void a_sentence_with_another_number_is_logged_once(void **state)
{
	struct rig *r = *state;
	char text[80];

	for (int i = 0; i < 20; i++) {
		rig_pass_until_due(r);
		rig_timer(r);
		snprintf(
		    text, sizeof(text), "expired, the clock says 01:%02d", i);
		rig_fail_keys(r, KE_STAGE_CERTIFICATE, text);
		assert_int_equal(lines(r), i == 0);
	}
	assert_string_equal(r->source.reason, "expired, the clock says 01:19");
}

static void two_troubles_that_take_turns_are_logged_once_each(void **state)
{
	struct rig *r = *state;

	for (int i = 0; i < 40; i++) {
		rig_pass_until_due(r);
		rig_timer(r);
		rig_fail_keys(r, i % 2 ? KE_STAGE_CONNECT : KE_STAGE_DNS,
		    i % 2 ? "nobody listens" : "no such name");
		assert_int_equal(lines(r), i < 2);
	}
	/* After a good sample each of them is a line again. */
	rig_pass_until_due(r);
	rig_timer(r);
	rig_give_keys(r);
	rig_send(r);
	rig_answer(r);
	assert_int_equal(lines(r), 1);
	rig_pass_until_due(r);
	rig_send(r);
	source_unsent(&r->source, ENETUNREACH, r->now.mono);
	assert_int_equal(lines(r), 1);
}

static void waiting_for_dns_counts_as_waiting(void **state)
{
	struct rig *r = *state;
	struct ke_answer a = {.stage = KE_STAGE_DNS, .text = "no answer"};

	assert_int_equal(rig_timer(r), ACTION_KEYS);
	a.serial = r->source.serial;
	a.duration_ms = 400;
	rig_take_keys(r, &a);
	assert_int_equal((rig_wait_ns(r) + NS_PER_MS) / (100 * NS_PER_MS), 6);
	rig_pass_until_due(r);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	a.serial = r->source.serial;
	a.duration_ms = 4000;
	rig_take_keys(r, &a);
	assert_int_equal(rig_wait_ns(r), 100 * NS_PER_MS);
}

static void a_late_answer_to_an_old_question_is_ignored(void **state)
{
	struct rig *r = *state;
	struct ke_answer old;

	rig_timer(r);
	old = rig_keys(r);
	rig_fail_keys(r, KE_STAGE_DNS, "no");
	rig_pass_until_due(r);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	assert_int_equal(rig_take_keys(r, &old), ACTION_NOTHING);
	assert_int_equal(r->source.stage, STAGE_KEYING);
	rig_give_keys(r);
	assert_int_equal(r->source.stage, STAGE_POLLING);
	old.serial = r->source.serial; /* a second answer to one exchange */
	assert_int_equal(rig_take_keys(r, &old), ACTION_NOTHING);
}

static void two_silent_polls_fetch_keys_and_three_say_so(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_send(r);
	rig_answer(r);
	rig_pass(r, 60 * NS_PER_S); /* the last exchange is long ago */
	rig_lose(r);
	assert_int_equal(rig_timer(r), ACTION_CLOSE);
	assert_int_equal(r->source.stage, STAGE_POLLING);
	/* The second request goes out at once. */
	rig_lose(r);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	assert_int_equal(r->source.stage, STAGE_REKEYING);
	assert_string_equal(r->source.failure, "");
	rig_pass_until_due(r);
	rig_lose(r);
	rig_timer(r);
	assert_string_equal(r->source.failure, "silence");
	/* Meanwhile the old keys are used. */
	rig_pass_until_due(r);
	rig_send(r);
	rig_answer(r);
	assert_string_equal(r->source.reason, "");
}

/* A lost request. Keys that are fetched for it come at once. */
static void lose_for_good(struct rig *r, unsigned count)
{
	rig_lose(r);
	if (rig_timer(r) == ACTION_KEYS)
		rig_give_addresses(r, count);
}

static void a_black_hole_at_start_costs_a_second(void **state)
{
	struct rig *r = *state;
	struct mono began = r->now.mono;

	rig_timer(r);
	rig_give_addresses(r, 2);
	lose_for_good(r, 2);
	lose_for_good(r, 2);
	assert_int_equal(source_address(&r->source)->address[3], 2);
	rig_send(r);
	assert_true(r->now.mono.ns - began.ns <= NS_PER_S);
	rig_answer(r);
}

/* Keys are fetched while the second address is tried, and come after it has
 * answered. */
static void late_keys_do_not_lead_back_into_a_black_hole(void **state)
{
	struct rig *r = *state;

	rig_timer(r);
	rig_give_addresses(r, 2);
	rig_answer_start(r);
	rig_pass(r, 8 * NS_PER_S);
	rig_lose(r);
	rig_timer(r);
	rig_lose(r);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_send(r);
	assert_int_equal(source_address(&r->source)->address[3], 2);
	rig_answer(r);
	rig_give_addresses(r, 2);
	assert_int_equal(source_address(&r->source)->address[3], 2);
}

static void each_address_gets_its_turn_at_once(void **state)
{
	struct rig *r = *state;
	struct mono began;

	rig_timer(r);
	rig_give_addresses(r, 3);
	rig_answer_start(r);
	rig_pass_until_due(r);
	began = r->now.mono;
	for (int i = 0; i < 3; i++)
		lose_for_good(r, 3);
	assert_int_equal(source_address(&r->source)->address[3], 3);
	rig_send(r);
	assert_true(r->now.mono.ns - began.ns <= 7 * NS_PER_S);
}

static void keys_lost_without_a_nak_cost_five_seconds(void **state)
{
	struct rig *r = *state;
	struct mono began;

	rig_start(r);
	rig_answer_start(r);
	rig_pass(r, 8 * NS_PER_S);
	began = r->now.mono;
	rig_lose(r);
	assert_int_equal(rig_timer(r), ACTION_CLOSE);
	rig_lose(r);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_give_keys(r);
	rig_send(r);
	assert_true(r->now.mono.ns - began.ns < 5 * NS_PER_S);
	rig_answer(r);
}

static void a_short_silence_is_over_within_five_seconds(void **state)
{
	struct rig *r = *state;
	struct mono began, sent;

	rig_start(r);
	rig_answer_start(r);
	rig_pass_until_due(r);
	began = sent = r->now.mono;
	while (r->now.mono.ns - began.ns < 30 * NS_PER_S) {
		if (next_step(r) != ACTION_SEND)
			continue;
		assert_true(r->now.mono.ns - sent.ns < 5 * NS_PER_S);
		sent = r->now.mono;
	}
}

/* Keys come late and answers never come. Requests go on all the same, whether
 * cookies run out or keys are under way. */
static void requests_go_on_while_nobody_answers(void **state)
{
	struct rig *r = *state;
	struct mono began, sent, keys_at = MONO_NEVER;

	rig_start(r);
	began = sent = r->now.mono;
	while (r->now.mono.ns - began.ns < 600 * NS_PER_S) {
		int64_t silence_ns = r->now.mono.ns - began.ns;
		int64_t gap_ns = r->now.mono.ns - sent.ns;

		if (mono_due(keys_at, r->now.mono)) {
			keys_at = MONO_NEVER;
			rig_give_keys(r);
		}
		switch (rig_timer(r)) {
		case ACTION_KEYS:
			keys_at = mono_after(r->now.mono, 80 * NS_PER_MS);
			break;
		case ACTION_SEND:
			rig_seal(r);
			assert_true(
			    gap_ns < 5 * NS_PER_S || gap_ns < silence_ns / 4);
			sent = r->now.mono;
			break;
		case ACTION_NOTHING:
			rig_pass_until(r,
			    mono_earlier(keys_at, source_deadline(&r->source)));
			break;
		case ACTION_CLOSE:
			break;
		}
	}
}

static void keys_that_failed_are_tried_again_without_a_poll(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_answer_start(r);
	rig_pass(r, 100 * NS_PER_S);
	rig_send(r);
	rig_nak(r);
	rig_pass_until_due(r);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_fail_keys(r, KE_STAGE_CERTIFICATE, "it has expired");
	assert_int_equal(r->source.stage, STAGE_POLLING);
	assert_true(rig_wait_ns(r) <= 4 * NS_PER_S);
	rig_pass_until_due(r);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_give_keys(r);
	rig_send(r);
	rig_answer(r);
}

static void new_keys_do_not_undo_the_search_for_an_address(void **state)
{
	struct rig *r = *state;
	bool second = false;

	rig_timer(r);
	rig_give_addresses(r, 2);
	for (int i = 0; i < 40; i++) {
		enum source_action action;

		rig_pass_until_due(r);
		action = rig_timer(r);
		if (action == ACTION_KEYS)
			rig_give_addresses(r, 2);
		if (action != ACTION_SEND)
			continue;
		rig_seal(r);
		second |= source_address(&r->source)->address[3] == 2;
	}
	assert_true(second);
}

/* RFC 8915 5.7/15 */
static void a_true_answer_beats_a_forged_nak(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_send(r);
	assert_int_equal(rig_nak(r), ACTION_NOTHING);
	rig_answer(r);
	rig_pass(r, 2 * NS_PER_S);
	assert_int_equal(r->source.stage, STAGE_POLLING);
	assert_int_equal(r->source.count.exchanges, 1);
	assert_int_equal(r->source.count.naks, 1);
}

static void a_nak_fetches_keys_within_a_second(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_send(r);
	rig_answer(r);
	rig_pass(r, 100 * NS_PER_S);
	rig_send(r);
	rig_nak(r);
	assert_true(rig_wait_ns(r) <= NS_PER_S);
	rig_pass_until_due(r);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	assert_int_equal(r->source.stage, STAGE_REKEYING);
	rig_give_keys(r);
	assert_int_equal(source_deadline(&r->source).ns, r->now.mono.ns);
}

/* RFC 8915 5.7/14 */
static void forged_naks_cost_few_exchanges(void **state)
{
	struct rig *r = *state;
	unsigned exchanges = 0;
	struct mono began;

	r->config.minpoll = r->config.maxpoll = 0;
	source_init(&r->source, &r->config, r->now.mono);
	rig_start(r);
	began = r->now.mono;
	while (r->now.mono.ns - began.ns < 3600 * NS_PER_S) {
		enum source_action action = next_step(r);

		exchanges += action == ACTION_KEYS;
		if (action == ACTION_SEND)
			rig_nak(r);
	}
	/* The waits grow to two minutes: some forty in an hour, not 3600. */
	assert_in_range(exchanges, 10, 500);
}

static void the_other_export_context_is_tried_after_a_nak(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	r->source.assoc.other_keys = r->peer.keys;
	r->source.assoc.have_other_keys = true;
	memset(&r->source.assoc.keys, 1, sizeof(r->source.assoc.keys));
	rig_pass(r, 100 * NS_PER_S);
	rig_send(r);
	rig_nak(r);
	rig_pass_until_due(r);
	assert_int_equal(rig_timer(r), ACTION_CLOSE);
	rig_send(r);
	rig_answer(r);
	assert_int_equal(r->source.count.exchanges, 1);
}

static void a_forged_kiss_changes_nothing(void **state)
{
	static const uint32_t kisses[] = {
	    KISS('D', 'E', 'N', 'Y'),
	    KISS('R', 'S', 'T', 'R'),
	    KISS('R', 'A', 'T', 'E'),
	};
	struct rig *r = *state;

	rig_start(r);
	for (size_t i = 0; i < ARRAY_LEN(kisses); i++) {
		int poll = r->source.pace.poll_log2_s;

		rig_pass_until_due(r);
		rig_send(r);
		assert_int_equal(rig_forge(r, kisses[i]), ACTION_NOTHING);
		assert_int_equal(r->source.pace.poll_log2_s, poll);
		rig_answer(r);
		assert_int_equal(r->source.stage, STAGE_POLLING);
	}
}

/* RFC 8915 5.7/13, RFC 8633 5.4/1 */
static void an_authentic_deny_rests_for_a_day(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	assert_int_equal(rig_kissed(r, KISS('D', 'E', 'N', 'Y')), ACTION_CLOSE);
	assert_int_equal(r->source.stage, STAGE_RESTING);
	assert_string_equal(r->source.failure, "denied");
	assert_true(rig_wait_ns(r) > 12 * 3600 * NS_PER_S);
}

/* RFC 8915 5.7/13, RFC 8633 5.4/1 */
static void an_authentic_rate_slows_down(void **state)
{
	struct rig *r = *state;
	int before = r->source.pace.poll_log2_s;

	rig_start(r);
	rig_kissed(r, KISS('R', 'A', 'T', 'E'));
	assert_int_equal(r->source.pace.poll_log2_s, before + 1);
	assert_true(rig_wait_ns(r) > 100 * NS_PER_S);
}

static void an_unsynchronised_server_is_no_source(void **state)
{
	struct rig *r = *state;
	struct peer p = r->peer;
	bool ok;

	rig_start(r);
	p.leap = LEAP_UNKNOWN;
	rig_send(r);
	rig_hear_peer(r, &p, &ok);
	assert_false(ok);
	assert_true(r->source.unsynchronised);
	assert_int_equal(r->source.reach, 1);
	assert_string_equal(r->source.failure, "unsynchronised");
}

/* What it costs the servers when no answer comes for `ns`. */
static void stay_silent(
    struct rig *r, int64_t ns, unsigned *requests, unsigned *exchanges)
{
	struct mono until = mono_after(r->now.mono, ns);

	*requests = *exchanges = 0;
	while (r->now.mono.ns < until.ns) {
		enum source_action action = next_step(r);

		*exchanges += action == ACTION_KEYS;
		*requests += action == ACTION_SEND;
	}
}

/* The first answer after a silence. */
static void end_silence(struct rig *r)
{
	while (next_step(r) != ACTION_SEND)
		continue;
	rig_answer(r);
}

static void a_path_that_loses_all_udp_costs_little(void **state)
{
	struct rig *r = *state;
	unsigned requests, exchanges;

	rig_start(r);
	stay_silent(r, 86400 * NS_PER_S, &requests, &exchanges);
	/* Every two minutes for a quarter of an hour, then less and less often
	 * down to the longest interval, which allows 84 a day. New keys every
	 * quarter of an hour at most. */
	assert_in_range(requests, 84, 84 + 44);
	assert_in_range(exchanges, 10, 130);
	/* The return is worth a burst. */
	end_silence(r);
	assert_true(rig_wait_ns(r) < 2 * NS_PER_S);
}

/* The server may be ignoring us on purpose. */
static void silence_after_a_rate_brings_no_more_requests(void **state)
{
	struct rig *r = *state;
	unsigned requests, exchanges;

	rig_start(r);
	rig_kissed(r, KISS('R', 'A', 'T', 'E'));
	source_hurry(&r->source, r->now.mono);
	assert_true(rig_wait_ns(r) > 100 * NS_PER_S);
	stay_silent(r, 3600 * NS_PER_S, &requests, &exchanges);
	assert_in_range(requests, 20, (3600 >> r->source.pace.poll_log2_s) + 2);
	/* Nor is the return worth a burst. */
	end_silence(r);
	assert_true(rig_wait_ns(r) > 100 * NS_PER_S);
}

/* RFC 8915 5.7/5 */
static void spent_cookies_wait_for_their_time(void **state)
{
	struct rig *r = *state;
	struct mono began;

	rig_start(r);
	r->source.assoc.jar = (struct cookie_jar){0};
	began = r->now.mono;
	r->source.keys_not_before = mono_after(began, 100 * NS_PER_S);
	assert_int_equal(rig_timer(r), ACTION_NOTHING);
	assert_int_equal(r->source.stage, STAGE_RESTING);
	rig_pass_until_due(r);
	assert_int_equal(r->now.mono.ns - began.ns, 100 * NS_PER_S);
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	assert_int_equal(r->source.stage, STAGE_KEYING);
}

static void no_route_is_said_in_words(void **state)
{
	struct rig *r = *state;

	rig_start(r);
	rig_send(r);
	source_unsent(&r->source, ENETUNREACH, r->now.mono);
	assert_string_equal(r->source.reason,
	    "cannot send to 192.0.2.1:123: Network is unreachable");
	assert_int_equal(rig_timer(r), ACTION_CLOSE);
}

static void noise_does_not_end_an_exchange(void **state)
{
	struct rig *r = *state;
	uint8_t bytes[NTS_PACKET_MAX];
	bool ok;

	rig_start(r);
	rig_send(r);
	for (size_t len = 0; len < 600; len++) {
		memset(bytes, (int)len, sizeof(bytes));
		assert_int_equal(rig_hear(r, bytes, len, &ok), ACTION_NOTHING);
		assert_false(ok);
	}
	assert_int_equal(r->source.count.rejected, 600);
	rig_answer(r);
}

static void the_reason_for_silence_is_what_came_instead(void **state)
{
	struct rig *r = *state;
	uint8_t bytes[NTS_PACKET_MAX];
	struct peer_request q;
	struct writer out = writer_of(bytes, sizeof(bytes));
	bool ok;

	rig_start(r);
	rig_send(r);
	/* A box on the path sends a plain NTP answer. */
	assert_true(peer_read(r->request, r->request_len, &q));
	peer_put_head(&r->peer, &q, r->now.wall, r->now.wall, &out);
	rig_hear(r, bytes, NTP_HEADER_LEN, &ok);
	rig_pass_until_due(r);
	rig_timer(r);
	assert_string_equal(r->source.failure, "rejected");
	assert_non_null(strstr(r->source.reason, "NTS"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(the_first_request_follows_the_keys_at_once),
	    RIG_TEST(a_burst_brings_four_samples_in_half_a_second),
	    RIG_TEST(a_failure_keeps_its_words_and_waits),
	    RIG_TEST(the_same_failure_is_logged_once),
	    RIG_TEST(a_sentence_with_another_number_is_logged_once),
	    RIG_TEST(two_troubles_that_take_turns_are_logged_once_each),
	    RIG_TEST(waiting_for_dns_counts_as_waiting),
	    RIG_TEST(a_late_answer_to_an_old_question_is_ignored),
	    RIG_TEST(two_silent_polls_fetch_keys_and_three_say_so),
	    RIG_TEST(a_black_hole_at_start_costs_a_second),
	    RIG_TEST(late_keys_do_not_lead_back_into_a_black_hole),
	    RIG_TEST(each_address_gets_its_turn_at_once),
	    RIG_TEST(keys_lost_without_a_nak_cost_five_seconds),
	    RIG_TEST(a_short_silence_is_over_within_five_seconds),
	    RIG_TEST(requests_go_on_while_nobody_answers),
	    RIG_TEST(keys_that_failed_are_tried_again_without_a_poll),
	    RIG_TEST(new_keys_do_not_undo_the_search_for_an_address),
	    RIG_TEST(a_true_answer_beats_a_forged_nak),
	    RIG_TEST(a_nak_fetches_keys_within_a_second),
	    RIG_TEST(forged_naks_cost_few_exchanges),
	    RIG_TEST(the_other_export_context_is_tried_after_a_nak),
	    RIG_TEST(a_forged_kiss_changes_nothing),
	    RIG_TEST(an_authentic_deny_rests_for_a_day),
	    RIG_TEST(an_authentic_rate_slows_down),
	    RIG_TEST(silence_after_a_rate_brings_no_more_requests),
	    RIG_TEST(an_unsynchronised_server_is_no_source),
	    RIG_TEST(a_path_that_loses_all_udp_costs_little),
	    RIG_TEST(spent_cookies_wait_for_their_time),
	    RIG_TEST(no_route_is_said_in_words),
	    RIG_TEST(noise_does_not_end_an_exchange),
	    RIG_TEST(the_reason_for_silence_is_what_came_instead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
