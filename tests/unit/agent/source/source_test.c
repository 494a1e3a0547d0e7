#include "agent/source/source.h"

#include "tests/unit/agent/engine/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#define MIDDLE (UINT32_MAX / 2)

/* One source, one peer, and a clock that the test turns. */
struct world {
	struct source_config config;
	struct source source;
	struct peer peer;
	struct clock_reading now;
	uint8_t request[NTS_PACKET_MAX];
	size_t request_len;
	uint8_t random;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->config = (struct source_config){
	    .name = "office",
	    .host = "ntp.example.net",
	    .ke_port = KE_PORT,
	    .iburst = true,
	    .minpoll = 6,
	    .maxpoll = 10,
	    .max_delay_ns = NS_PER_S,
	};
	w->peer = peer_make(7);
	w->now = (struct clock_reading){
	    {100 * NS_PER_S}, {INT64_C(1800000000) * NS_PER_S}, 0};
	source_init(&w->source, &w->config, w->now.mono);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	source_end(&w->source);
	free(w);
	return 0;
}

static void pass(struct world *w, int64_t ns)
{
	w->now.mono.ns += ns;
	w->now.wall.ns += ns;
}

static void pass_until(struct world *w, struct mono t)
{
	assert_true(t.ns < MONO_NEVER.ns);
	if (t.ns > w->now.mono.ns)
		pass(w, t.ns - w->now.mono.ns);
}

static enum source_action timer(struct world *w)
{
	return source_timer(&w->source, w->now.mono, MIDDLE);
}

static enum source_action give_keys(struct world *w)
{
	struct ke_request q;
	struct ke_answer a;

	source_ke_request(&w->source, 0, 5000, w->now.mono, &q);
	a = peer_keys(&w->peer, &q, "192.0.2.1");
	return source_keys(&w->source, &a, w->now, MIDDLE);
}

static enum source_action fail_keys(
    struct world *w, enum ke_stage stage, const char *text)
{
	struct ke_answer a = {
	    .serial = w->source.serial,
	    .stage = (uint8_t)stage,
	};

	snprintf(a.text, sizeof(a.text), "%s", text);
	return source_keys(&w->source, &a, w->now, MIDDLE);
}

static void seal_one(struct world *w)
{
	struct writer out = writer_of(w->request, sizeof(w->request));
	struct nts_fresh fresh;

	memset(&fresh, ++w->random, sizeof(fresh));
	assert_true(
	    source_request(&w->source, &fresh, w->now.mono, MIDDLE, &out));
	w->request_len = out.len;
}

static void send_one(struct world *w)
{
	assert_int_equal(timer(w), ACTION_SEND);
	seal_one(w);
}

static enum source_action hear(
    struct world *w, const uint8_t *bytes, size_t len, bool *sample_ok)
{
	struct ntp_answer answer;

	return source_datagram(
	    &w->source, bytes, len, w->now.mono, MIDDLE, &answer, sample_ok);
}

/* A good answer, and the sample it makes. */
static void answer(struct world *w)
{
	uint8_t bytes[NTS_PACKET_MAX];
	size_t len = peer_answer(&w->peer, w->request, w->request_len,
	    w->now.wall, w->now.wall, bytes, sizeof(bytes));
	bool ok;

	assert_int_not_equal(len, 0);
	assert_int_equal(hear(w, bytes, len, &ok), ACTION_CLOSE);
	assert_true(ok);
	source_sampled(&w->source, NS_PER_MS, 0, w->now.mono, MIDDLE);
}

static void start(struct world *w)
{
	assert_int_equal(timer(w), ACTION_KEYS);
	assert_int_equal(give_keys(w), ACTION_NOTHING);
	assert_int_equal(w->source.stage, STAGE_POLLING);
}

static void answer_the_burst(struct world *w)
{
	for (int i = 0; i < PACE_BURST_GOOD; i++) {
		pass_until(w, source_deadline(&w->source));
		send_one(w);
		answer(w);
	}
}

static void lose(struct world *w)
{
	send_one(w);
	pass_until(w, source_deadline(&w->source));
}

static void the_first_request_follows_the_keys_at_once(void **state)
{
	struct world *w = *state;

	assert_int_equal(timer(w), ACTION_KEYS);
	assert_int_equal(w->source.stage, STAGE_KEYING);
	assert_int_equal(timer(w), ACTION_NOTHING);
	pass(w, 30 * NS_PER_MS);
	give_keys(w);
	assert_int_equal(source_deadline(&w->source).ns, w->now.mono.ns);
	send_one(w);
	answer(w);
	assert_int_equal(w->source.reach, 1);
	assert_int_equal(w->source.assoc.jar.count, NTS_COOKIES);
	assert_string_equal(w->source.reason, "");
}

static void a_burst_brings_four_samples_in_three_seconds(void **state)
{
	struct world *w = *state;
	struct mono began;

	start(w);
	began = w->now.mono;
	answer_the_burst(w);
	assert_true(w->now.mono.ns - began.ns <= 3100 * NS_PER_MS);
	assert_int_equal(w->source.count.good, PACE_BURST_GOOD);
	/* and then the intervals double up to the configured one */
	assert_true(
	    source_deadline(&w->source).ns - w->now.mono.ns >= 2 * NS_PER_S);
	assert_true(
	    source_deadline(&w->source).ns - w->now.mono.ns < 3 * NS_PER_S);
}

static void a_failure_keeps_its_words_and_waits(void **state)
{
	struct world *w = *state;
	char line[SOURCE_LINE_MAX];
	enum log_level level;

	assert_int_equal(timer(w), ACTION_KEYS);
	fail_keys(w, KE_STAGE_DNS, "the name ntp.example.net does not exist");
	assert_int_equal(w->source.stage, STAGE_RESTING);
	assert_string_equal(w->source.failure, "dns");
	assert_string_equal(
	    w->source.reason, "the name ntp.example.net does not exist");
	assert_true(source_log_line(&w->source, &level, line, sizeof(line)));
	assert_string_equal(
	    line, "office: the name ntp.example.net does not exist");
	assert_int_equal(level, LOG_LEVEL_WARNING);
	assert_true(
	    source_deadline(&w->source).ns - w->now.mono.ns <= 2 * NS_PER_S);
}

static void the_same_failure_is_logged_once(void **state)
{
	struct world *w = *state;
	char line[SOURCE_LINE_MAX];
	enum log_level level;
	unsigned lines = 0;

	for (int i = 0; i < 50; i++) {
		pass_until(w, source_deadline(&w->source));
		assert_int_equal(timer(w), ACTION_KEYS);
		fail_keys(w, KE_STAGE_CONNECT, "nobody listens");
		lines +=
		    source_log_line(&w->source, &level, line, sizeof(line));
	}
	assert_int_equal(lines, 1);
}

static void a_sentence_with_a_new_date_is_no_news(void **state)
{
	struct world *w = *state;
	char line[SOURCE_LINE_MAX], text[80];
	enum log_level level;
	unsigned lines = 0;

	for (int i = 0; i < 20; i++) {
		pass_until(w, source_deadline(&w->source));
		timer(w);
		snprintf(
		    text, sizeof(text), "expired, the clock says 01:%02d", i);
		fail_keys(w, KE_STAGE_CERTIFICATE, text);
		lines +=
		    source_log_line(&w->source, &level, line, sizeof(line));
	}
	assert_int_equal(lines, 1);
	assert_string_equal(w->source.reason, "expired, the clock says 01:19");
}

static void two_troubles_that_take_turns_are_logged_once_each(void **state)
{
	struct world *w = *state;
	char line[SOURCE_LINE_MAX];
	enum log_level level;
	unsigned lines = 0;

	for (int i = 0; i < 40; i++) {
		pass_until(w, source_deadline(&w->source));
		timer(w);
		fail_keys(w, i % 2 ? KE_STAGE_CONNECT : KE_STAGE_DNS,
		    i % 2 ? "nobody listens" : "no such name");
		lines +=
		    source_log_line(&w->source, &level, line, sizeof(line));
	}
	assert_int_equal(lines, 2);
	/* After a good sample they are news again. */
	pass_until(w, source_deadline(&w->source));
	timer(w);
	give_keys(w);
	send_one(w);
	answer(w);
	while (source_log_line(&w->source, &level, line, sizeof(line)))
		continue;
	source_send_failed(&w->source, ENETUNREACH, w->now.mono);
	assert_true(source_log_line(&w->source, &level, line, sizeof(line)));
}

static void waiting_for_dns_counts_as_waiting(void **state)
{
	struct world *w = *state;
	struct ke_answer a = {.stage = KE_STAGE_DNS, .text = "no answer"};

	assert_int_equal(timer(w), ACTION_KEYS);
	a.serial = w->source.serial;
	a.duration_ms = 400;
	source_keys(&w->source, &a, w->now, MIDDLE);
	assert_int_equal(
	    (source_deadline(&w->source).ns - w->now.mono.ns + NS_PER_MS) /
		(100 * NS_PER_MS),
	    6);
	pass_until(w, source_deadline(&w->source));
	assert_int_equal(timer(w), ACTION_KEYS);
	a.serial = w->source.serial;
	a.duration_ms = 4000;
	source_keys(&w->source, &a, w->now, MIDDLE);
	assert_int_equal(
	    source_deadline(&w->source).ns - w->now.mono.ns, 100 * NS_PER_MS);
}

static void a_late_answer_to_an_old_question_is_ignored(void **state)
{
	struct world *w = *state;
	struct ke_request q;
	struct ke_answer old;

	timer(w);
	source_ke_request(&w->source, 0, 5000, w->now.mono, &q);
	old = peer_keys(&w->peer, &q, "192.0.2.1");
	fail_keys(w, KE_STAGE_DNS, "no");
	pass_until(w, source_deadline(&w->source));
	assert_int_equal(timer(w), ACTION_KEYS);
	assert_int_equal(
	    source_keys(&w->source, &old, w->now, MIDDLE), ACTION_NOTHING);
	assert_int_equal(w->source.stage, STAGE_KEYING);
	give_keys(w);
	assert_int_equal(w->source.stage, STAGE_POLLING);
	old.serial = w->source.serial; /* a second answer to the same one */
	assert_int_equal(
	    source_keys(&w->source, &old, w->now, MIDDLE), ACTION_NOTHING);
}

static void two_silent_polls_fetch_keys_and_three_say_so(void **state)
{
	struct world *w = *state;

	start(w);
	send_one(w);
	answer(w);
	pass(w, 60 * NS_PER_S); /* the exchange before is long ago */
	lose(w);
	assert_int_equal(timer(w), ACTION_CLOSE);
	assert_int_equal(w->source.stage, STAGE_POLLING);
	/* asked for again at once */
	lose(w);
	assert_int_equal(timer(w), ACTION_KEYS);
	assert_int_equal(w->source.stage, STAGE_REKEYING);
	assert_string_equal(w->source.failure, "");
	pass_until(w, source_deadline(&w->source));
	lose(w);
	timer(w);
	assert_string_equal(w->source.failure, "silence");
	/* the old keys go on being used meanwhile */
	pass_until(w, source_deadline(&w->source));
	send_one(w);
	answer(w);
	assert_string_equal(w->source.reason, "");
}

static enum source_action give_addresses(struct world *w, unsigned count)
{
	struct ke_request q;
	struct ke_answer a;

	source_ke_request(&w->source, 0, 5000, w->now.mono, &q);
	a = peer_keys(&w->peer, &q, "192.0.2.1");
	for (unsigned i = 1; i < count; i++) {
		a.addresses[i] = a.addresses[0];
		a.addresses[i].address[3] = (uint8_t)(i + 1);
	}
	a.address_count = count;
	return source_keys(&w->source, &a, w->now, MIDDLE);
}

/* Keys fetched meanwhile come at once. */
static void lose_for_good(struct world *w, unsigned count)
{
	lose(w);
	if (timer(w) == ACTION_KEYS)
		give_addresses(w, count);
}

static void a_black_hole_at_start_costs_a_second(void **state)
{
	struct world *w = *state;
	struct mono began = w->now.mono;

	timer(w);
	give_addresses(w, 2);
	lose_for_good(w, 2);
	lose_for_good(w, 2);
	assert_int_equal(source_address(&w->source)->address[3], 2);
	send_one(w);
	assert_true(w->now.mono.ns - began.ns <= NS_PER_S);
	answer(w);
}

/* Keys are fetched while the second address is tried, and come after it has
 * answered. */
static void late_keys_do_not_lead_back_into_a_black_hole(void **state)
{
	struct world *w = *state;

	timer(w);
	give_addresses(w, 2);
	answer_the_burst(w);
	pass_until(w, source_deadline(&w->source));
	lose(w);
	timer(w);
	lose(w);
	assert_int_equal(timer(w), ACTION_KEYS);
	send_one(w);
	assert_int_equal(source_address(&w->source)->address[3], 2);
	answer(w);
	give_addresses(w, 2);
	assert_int_equal(source_address(&w->source)->address[3], 2);
}

static void each_address_gets_its_turn_at_once(void **state)
{
	struct world *w = *state;
	struct mono began;

	timer(w);
	give_addresses(w, 3);
	answer_the_burst(w);
	pass_until(w, source_deadline(&w->source));
	began = w->now.mono;
	for (int i = 0; i < 3; i++)
		lose_for_good(w, 3);
	assert_int_equal(source_address(&w->source)->address[3], 3);
	send_one(w);
	assert_true(w->now.mono.ns - began.ns <= 7 * NS_PER_S);
}

static void keys_lost_without_a_nak_cost_five_seconds(void **state)
{
	struct world *w = *state;
	struct mono began;

	start(w);
	answer_the_burst(w);
	pass_until(w, source_deadline(&w->source));
	began = w->now.mono;
	lose(w);
	assert_int_equal(timer(w), ACTION_CLOSE);
	lose(w);
	assert_int_equal(timer(w), ACTION_KEYS);
	give_keys(w);
	send_one(w);
	assert_true(w->now.mono.ns - began.ns < 5 * NS_PER_S);
	answer(w);
}

/* Keys when they are wished for, a request when one is due. */
static bool request_sent(struct world *w)
{
	enum source_action action;

	pass_until(w, source_deadline(&w->source));
	action = timer(w);
	if (action == ACTION_KEYS)
		give_keys(w);
	if (action != ACTION_SEND)
		return false;
	seal_one(w);
	return true;
}

static void a_short_silence_is_over_within_five_seconds(void **state)
{
	struct world *w = *state;
	struct mono began, sent;

	start(w);
	answer_the_burst(w);
	pass_until(w, source_deadline(&w->source));
	began = sent = w->now.mono;
	while (w->now.mono.ns - began.ns < 30 * NS_PER_S) {
		if (!request_sent(w))
			continue;
		assert_true(w->now.mono.ns - sent.ns < 5 * NS_PER_S);
		sent = w->now.mono;
	}
}

/* Keys take their time to come, answers never do: neither cookies nor keys that
 * are on their way may hold up the requests. */
static void silence_is_asked_into_all_the_time(void **state)
{
	struct world *w = *state;
	struct mono began, sent, keys_at = MONO_NEVER;

	start(w);
	began = sent = w->now.mono;
	while (w->now.mono.ns - began.ns < 600 * NS_PER_S) {
		int64_t silence_ns = w->now.mono.ns - began.ns;
		int64_t gap_ns = w->now.mono.ns - sent.ns;

		if (mono_due(keys_at, w->now.mono)) {
			keys_at = MONO_NEVER;
			give_keys(w);
		}
		switch (timer(w)) {
		case ACTION_KEYS:
			keys_at = mono_after(w->now.mono, 80 * NS_PER_MS);
			break;
		case ACTION_SEND:
			seal_one(w);
			assert_true(
			    gap_ns < 5 * NS_PER_S || gap_ns < silence_ns / 4);
			sent = w->now.mono;
			break;
		case ACTION_NOTHING:
			pass_until(w,
			    mono_earlier(keys_at, source_deadline(&w->source)));
			break;
		case ACTION_CLOSE:
			break;
		}
	}
}

static void keys_that_failed_are_tried_again_without_a_poll(void **state)
{
	struct world *w = *state;
	uint8_t bytes[NTS_PACKET_MAX];
	bool ok;

	start(w);
	answer_the_burst(w);
	pass(w, 100 * NS_PER_S);
	send_one(w);
	hear(w, bytes,
	    peer_forge(w->request, w->request_len,
		NTP_REFID('N', 'T', 'S', 'N'), bytes, sizeof(bytes)),
	    &ok);
	pass_until(w, source_deadline(&w->source));
	assert_int_equal(timer(w), ACTION_KEYS);
	fail_keys(w, KE_STAGE_CERTIFICATE, "it has expired");
	assert_int_equal(w->source.stage, STAGE_POLLING);
	assert_true(
	    source_deadline(&w->source).ns - w->now.mono.ns <= 4 * NS_PER_S);
	pass_until(w, source_deadline(&w->source));
	assert_int_equal(timer(w), ACTION_KEYS);
	give_keys(w);
	send_one(w);
	answer(w);
}

static void new_keys_do_not_undo_the_search_for_an_address(void **state)
{
	struct world *w = *state;
	bool second = false;

	timer(w);
	give_addresses(w, 2);
	for (int i = 0; i < 40; i++) {
		struct writer out = writer_of(w->request, sizeof(w->request));
		struct nts_fresh fresh;
		enum source_action action;

		pass_until(w, source_deadline(&w->source));
		action = timer(w);
		if (action == ACTION_KEYS)
			give_addresses(w, 2);
		if (action != ACTION_SEND)
			continue;
		memset(&fresh, ++w->random, sizeof(fresh));
		second |= source_address(&w->source)->address[3] == 2 &&
			  source_request(
			      &w->source, &fresh, w->now.mono, MIDDLE, &out);
		if (!w->source.pending.open)
			assert_true(source_request(
			    &w->source, &fresh, w->now.mono, MIDDLE, &out));
	}
	assert_true(second);
}

static size_t forge(struct world *w, uint32_t kiss, uint8_t *out, size_t size)
{
	return peer_forge(w->request, w->request_len, kiss, out, size);
}

static void a_true_answer_beats_a_forged_nak(void **state)
{
	struct world *w = *state;
	uint8_t bytes[NTS_PACKET_MAX];
	bool ok;

	start(w);
	send_one(w);
	assert_int_equal(
	    hear(w, bytes,
		forge(w, NTP_REFID('N', 'T', 'S', 'N'), bytes, sizeof(bytes)),
		&ok),
	    ACTION_NOTHING);
	assert_false(ok);
	answer(w);
	pass(w, 2 * NS_PER_S);
	assert_int_equal(w->source.stage, STAGE_POLLING);
	assert_int_equal(w->source.count.exchanges, 1);
	assert_int_equal(w->source.count.naks, 1);
}

static void a_nak_fetches_keys_within_a_second(void **state)
{
	struct world *w = *state;
	uint8_t bytes[NTS_PACKET_MAX];
	bool ok;

	start(w);
	send_one(w);
	answer(w);
	pass(w, 100 * NS_PER_S);
	send_one(w);
	hear(w, bytes,
	    forge(w, NTP_REFID('N', 'T', 'S', 'N'), bytes, sizeof(bytes)), &ok);
	assert_true(
	    source_deadline(&w->source).ns - w->now.mono.ns <= NS_PER_S);
	pass_until(w, source_deadline(&w->source));
	assert_int_equal(timer(w), ACTION_KEYS);
	assert_int_equal(w->source.stage, STAGE_REKEYING);
	give_keys(w);
	assert_int_equal(source_deadline(&w->source).ns, w->now.mono.ns);
}

static void forged_naks_cost_few_exchanges(void **state)
{
	struct world *w = *state;
	uint8_t bytes[NTS_PACKET_MAX];
	unsigned exchanges = 0;
	struct mono began;
	bool ok;

	w->config.minpoll = w->config.maxpoll = 0;
	source_init(&w->source, &w->config, w->now.mono);
	start(w);
	began = w->now.mono;
	while (w->now.mono.ns - began.ns < 3600 * NS_PER_S) {
		enum source_action action;

		pass_until(w, source_deadline(&w->source));
		action = timer(w);
		if (action == ACTION_KEYS) {
			exchanges++;
			give_keys(w);
		}
		if (action != ACTION_SEND)
			continue;
		struct writer out = writer_of(w->request, sizeof(w->request));
		struct nts_fresh fresh;

		memset(&fresh, ++w->random, sizeof(fresh));
		if (!source_request(
			&w->source, &fresh, w->now.mono, MIDDLE, &out))
			continue;
		w->request_len = out.len;
		hear(w, bytes,
		    forge(
			w, NTP_REFID('N', 'T', 'S', 'N'), bytes, sizeof(bytes)),
		    &ok);
	}
	/* Backed off to two minutes: some forty in an hour, not 3600. */
	assert_in_range(exchanges, 10, 500);
}

static void the_other_export_context_is_tried_after_a_nak(void **state)
{
	struct world *w = *state;
	uint8_t bytes[NTS_PACKET_MAX];
	bool ok;

	start(w);
	w->source.assoc.other_keys = w->peer.keys;
	w->source.assoc.have_other_keys = true;
	memset(&w->source.assoc.keys, 1, sizeof(w->source.assoc.keys));
	send_one(w);
	hear(w, bytes,
	    forge(w, NTP_REFID('N', 'T', 'S', 'N'), bytes, sizeof(bytes)), &ok);
	pass_until(w, source_deadline(&w->source));
	assert_int_equal(timer(w), ACTION_CLOSE);
	send_one(w);
	answer(w);
	assert_int_equal(w->source.count.exchanges, 1);
}

static void a_forged_kiss_changes_nothing(void **state)
{
	static const uint32_t kisses[] = {
	    NTP_REFID('D', 'E', 'N', 'Y'),
	    NTP_REFID('R', 'S', 'T', 'R'),
	    NTP_REFID('R', 'A', 'T', 'E'),
	};
	struct world *w = *state;
	uint8_t bytes[NTS_PACKET_MAX];
	bool ok;

	start(w);
	for (size_t i = 0; i < ARRAY_LEN(kisses); i++) {
		int poll = w->source.pace.poll_log2_s;

		pass_until(w, source_deadline(&w->source));
		send_one(w);
		assert_int_equal(
		    hear(w, bytes, forge(w, kisses[i], bytes, sizeof(bytes)),
			&ok),
		    ACTION_NOTHING);
		assert_int_equal(w->source.pace.poll_log2_s, poll);
		answer(w);
		assert_int_equal(w->source.stage, STAGE_POLLING);
	}
}

static enum source_action kissed(struct world *w, uint32_t kiss)
{
	struct peer p = w->peer;
	uint8_t bytes[NTS_PACKET_MAX];
	size_t len;
	bool ok;

	p.stratum = 0;
	p.leap = LEAP_UNKNOWN;
	p.kiss = kiss;
	send_one(w);
	len = peer_answer(&p, w->request, w->request_len, w->now.wall,
	    w->now.wall, bytes, sizeof(bytes));
	return hear(w, bytes, len, &ok);
}

static void an_authentic_deny_rests_for_a_day(void **state)
{
	struct world *w = *state;

	start(w);
	assert_int_equal(
	    kissed(w, NTP_REFID('D', 'E', 'N', 'Y')), ACTION_CLOSE);
	assert_int_equal(w->source.stage, STAGE_RESTING);
	assert_string_equal(w->source.failure, "denied");
	assert_true(source_deadline(&w->source).ns - w->now.mono.ns >
		    12 * 3600 * NS_PER_S);
}

static void an_authentic_rate_slows_down(void **state)
{
	struct world *w = *state;
	int before = w->source.pace.poll_log2_s;

	start(w);
	kissed(w, NTP_REFID('R', 'A', 'T', 'E'));
	assert_int_equal(w->source.pace.poll_log2_s, before + 1);
	assert_true(
	    source_deadline(&w->source).ns - w->now.mono.ns > 100 * NS_PER_S);
}

static void an_unsynchronised_server_is_no_source(void **state)
{
	struct world *w = *state;
	uint8_t bytes[NTS_PACKET_MAX];
	struct peer p = w->peer;
	bool ok;

	start(w);
	p.leap = LEAP_UNKNOWN;
	send_one(w);
	hear(w, bytes,
	    peer_answer(&p, w->request, w->request_len, w->now.wall,
		w->now.wall, bytes, sizeof(bytes)),
	    &ok);
	assert_false(ok);
	assert_true(w->source.unsynchronised);
	assert_int_equal(w->source.reach, 1);
	assert_string_equal(w->source.failure, "unsynchronised");
}

/* Nobody answers, for as long as `ns`: what that costs the others. */
static void swallow(
    struct world *w, int64_t ns, unsigned *requests, unsigned *exchanges)
{
	struct mono end = mono_after(w->now.mono, ns);
	struct nts_fresh fresh;

	*requests = *exchanges = 0;
	while (w->now.mono.ns < end.ns) {
		struct writer out = writer_of(w->request, sizeof(w->request));
		enum source_action action;

		pass_until(w, source_deadline(&w->source));
		action = timer(w);
		if (action == ACTION_KEYS) {
			++*exchanges;
			give_keys(w);
		}
		memset(&fresh, ++w->random, sizeof(fresh));
		if (action == ACTION_SEND)
			*requests += source_request(
			    &w->source, &fresh, w->now.mono, MIDDLE, &out);
	}
}

static void a_path_that_swallows_udp_hammers_nobody(void **state)
{
	struct world *w = *state;
	unsigned requests, exchanges;

	start(w);
	swallow(w, 86400 * NS_PER_S, &requests, &exchanges);
	/* every two minutes for a quarter of an hour, then so seldom that the
	 * whole day has no more than the longest interval says; new keys every
	 * quarter of an hour at most */
	assert_in_range(requests, 80, 90);
	assert_in_range(exchanges, 10, 130);
	/* and back it comes with a burst */
	pass_until(w, source_deadline(&w->source));
	if (timer(w) == ACTION_KEYS)
		give_keys(w);
	while (timer(w) != ACTION_NOTHING)
		continue;
	pass_until(w, source_deadline(&w->source));
	send_one(w);
	answer(w);
	assert_true(
	    source_deadline(&w->source).ns - w->now.mono.ns < 2 * NS_PER_S);
}

/* It has said why it may be silent. */
static void silence_after_a_rate_is_not_asked_into(void **state)
{
	struct world *w = *state;
	unsigned requests, exchanges;

	start(w);
	kissed(w, NTP_REFID('R', 'A', 'T', 'E'));
	source_hurry(&w->source, w->now.mono);
	assert_true(
	    source_deadline(&w->source).ns - w->now.mono.ns > 100 * NS_PER_S);
	swallow(w, 3600 * NS_PER_S, &requests, &exchanges);
	assert_in_range(requests, 20, (3600 >> w->source.pace.poll_log2_s) + 2);
	/* nor is its end */
	pass_until(w, source_deadline(&w->source));
	if (timer(w) == ACTION_KEYS)
		give_keys(w);
	while (timer(w) != ACTION_NOTHING)
		continue;
	pass_until(w, source_deadline(&w->source));
	send_one(w);
	answer(w);
	assert_true(
	    source_deadline(&w->source).ns - w->now.mono.ns > 100 * NS_PER_S);
}

static void spent_cookies_wait_for_their_time(void **state)
{
	struct world *w = *state;
	struct mono began;

	start(w);
	cookie_jar_wipe(&w->source.assoc.jar);
	began = w->now.mono;
	w->source.keys_not_before = mono_after(began, 100 * NS_PER_S);
	assert_int_equal(timer(w), ACTION_NOTHING);
	assert_int_equal(w->source.stage, STAGE_RESTING);
	pass_until(w, source_deadline(&w->source));
	assert_int_equal(w->now.mono.ns - began.ns, 100 * NS_PER_S);
	assert_int_equal(timer(w), ACTION_KEYS);
	assert_int_equal(w->source.stage, STAGE_KEYING);
}

static void no_route_is_said_in_words(void **state)
{
	struct world *w = *state;

	start(w);
	send_one(w);
	source_send_failed(&w->source, ENETUNREACH, w->now.mono);
	assert_string_equal(w->source.reason,
	    "cannot send to 192.0.2.1:123: Network is unreachable");
	assert_int_equal(timer(w), ACTION_CLOSE);
}

static void noise_does_not_end_an_exchange(void **state)
{
	struct world *w = *state;
	uint8_t bytes[NTS_PACKET_MAX];
	bool ok;

	start(w);
	send_one(w);
	for (size_t len = 0; len < 600; len++) {
		memset(bytes, (int)len, sizeof(bytes));
		assert_int_equal(hear(w, bytes, len, &ok), ACTION_NOTHING);
		assert_false(ok);
	}
	assert_int_equal(w->source.count.rejected, 600);
	answer(w);
}

static void the_reason_for_silence_is_what_came_instead(void **state)
{
	struct world *w = *state;
	uint8_t bytes[NTS_PACKET_MAX];
	struct peer_request q;
	struct writer out = writer_of(bytes, sizeof(bytes));
	bool ok;

	start(w);
	send_one(w);
	/* an interception box: a plain NTP answer */
	assert_true(peer_read(w->request, w->request_len, &q));
	peer_put_head(&w->peer, &q, w->now.wall, w->now.wall, &out);
	hear(w, bytes, NTP_HEADER_LEN, &ok);
	pass_until(w, source_deadline(&w->source));
	timer(w);
	assert_string_equal(w->source.failure, "rejected");
	assert_non_null(strstr(w->source.reason, "NTS"));
}

/* Prints the table as DESIGN.md has it; the page must agree. */
static void the_table_in_the_design_is_the_table(void **state)
{
	char page[65536], row[512];
	FILE *f = fopen("DESIGN.md", "r");
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(page, 1, sizeof(page) - 1, f);
	page[n] = '\0';
	fclose(f);
	for (int stage = 0; stage < SOURCE_STAGE_COUNT; stage++) {
		for (int event = 0; event < SOURCE_EVENT_COUNT; event++) {
			struct source_rule r = source_rule(
			    (enum source_stage)stage, (enum source_event)event);
			static const char *const actions[] = {
			    [ACTION_NOTHING] = "",
			    [ACTION_KEYS] = "exchange keys",
			    [ACTION_SEND] = "send a request",
			    [ACTION_CLOSE] = "close the socket",
			};

			if (!r.defined)
				continue;
			snprintf(row, sizeof(row), "| %s | %s | %s | %s |",
			    source_stage_name((enum source_stage)stage),
			    source_event_name((enum source_event)event),
			    source_stage_name(r.next), actions[r.action]);
			if (!strstr(page, row))
				fail_msg("DESIGN.md lacks: %s", row);
		}
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(the_first_request_follows_the_keys_at_once),
	    CASE(a_burst_brings_four_samples_in_three_seconds),
	    CASE(a_failure_keeps_its_words_and_waits),
	    CASE(the_same_failure_is_logged_once),
	    CASE(a_sentence_with_a_new_date_is_no_news),
	    CASE(two_troubles_that_take_turns_are_logged_once_each),
	    CASE(waiting_for_dns_counts_as_waiting),
	    CASE(a_late_answer_to_an_old_question_is_ignored),
	    CASE(two_silent_polls_fetch_keys_and_three_say_so),
	    CASE(a_black_hole_at_start_costs_a_second),
	    CASE(late_keys_do_not_lead_back_into_a_black_hole),
	    CASE(each_address_gets_its_turn_at_once),
	    CASE(keys_lost_without_a_nak_cost_five_seconds),
	    CASE(a_short_silence_is_over_within_five_seconds),
	    CASE(silence_is_asked_into_all_the_time),
	    CASE(keys_that_failed_are_tried_again_without_a_poll),
	    CASE(new_keys_do_not_undo_the_search_for_an_address),
	    CASE(a_true_answer_beats_a_forged_nak),
	    CASE(a_nak_fetches_keys_within_a_second),
	    CASE(forged_naks_cost_few_exchanges),
	    CASE(the_other_export_context_is_tried_after_a_nak),
	    CASE(a_forged_kiss_changes_nothing),
	    CASE(an_authentic_deny_rests_for_a_day),
	    CASE(an_authentic_rate_slows_down),
	    CASE(silence_after_a_rate_is_not_asked_into),
	    CASE(an_unsynchronised_server_is_no_source),
	    CASE(a_path_that_swallows_udp_hammers_nobody),
	    CASE(spent_cookies_wait_for_their_time),
	    CASE(no_route_is_said_in_words),
	    CASE(noise_does_not_end_an_exchange),
	    CASE(the_reason_for_silence_is_what_came_instead),
	    cmocka_unit_test(the_table_in_the_design_is_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
