/*
 * A source over hours and days, on paths with one fault or another: how many
 * requests, exchanges and log lines it costs, and how soon samples come again.
 */
#include "tests/unit/agent/source/rig.h"

#include <math.h>

#define HOUR_NS (3600 * NS_PER_S)
#define DAY_NS (24 * HOUR_NS)
#define WAY_NS (10 * NS_PER_MS)
#define EXCHANGE_NS (80 * NS_PER_MS)

struct tally {
	unsigned requests, samples, exchanges, lines;
};

struct life {
	struct source_config config;
	struct source source;
	struct peer peer;
	struct clock_reading now;
	uint64_t chance;
	/* What the path and the server do. */
	unsigned lost_percent;
	size_t lost_above; /* bytes; 0: no limit */
	bool keys_fail;
	bool no_cookies;
	unsigned few_cookies; /* of an exchange; 0: NTS_COOKIES */
	/* Servers of one name that do not know each other's cookies; only the
	 * last one speaks NTP. 0: one server. */
	unsigned pool;
	enum ke_stage fails_at;
	/* What is under way. */
	struct mono keys_at, answer_at;
	uint8_t answer[NTS_PACKET_MAX];
	size_t answer_len;
	struct tally tally;
	struct mono last_sample;
	int64_t longest_gap_ns;
	char last_line[SOURCE_LINE_MAX];
};

static uint32_t draw(struct life *l)
{
	l->chance =
	    l->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695041);
	return (uint32_t)(l->chance >> 32);
}

static struct life *begin(uint64_t seed)
{
	struct life *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->config = rig_config();
	l->config.maxpoll = l->config.minpoll;
	l->peer = peer_make(7);
	l->chance = seed;
	l->now = (struct clock_reading){
	    {100 * NS_PER_S}, {INT64_C(1800000000) * NS_PER_S}, 0};
	l->keys_at = l->answer_at = MONO_NEVER;
	source_init(&l->source, &l->config, l->now.mono);
	return l;
}

static void end(struct life *l)
{
	source_end(&l->source);
	free(l);
}

static void note_line(struct life *l)
{
	enum log_level level;

	while (source_log_line(
	    &l->source, &level, l->last_line, sizeof(l->last_line)))
		l->tally.lines += level != LOG_LEVEL_DEBUG;
}

static void send_request(struct life *l)
{
	uint8_t bytes[NTS_PACKET_MAX];
	struct writer w = writer_of(bytes, sizeof(bytes));
	struct wall at = {l->now.wall.ns + WAY_NS};
	struct nts_random fresh;

	memset(&fresh, (int)draw(l), sizeof(fresh));
	if (!source_request(&l->source, &fresh, l->now.mono, draw(l), &w))
		return;
	l->tally.requests++;
	l->answer_at = MONO_NEVER;
	if (l->pool > 0 && source_address(&l->source)->address[3] != l->pool)
		return;
	if (l->pool > 0 && l->source.facts.peer.address[3] != l->pool)
		return;
	if (draw(l) % 100 < l->lost_percent ||
	    (l->lost_above && w.len > l->lost_above))
		return;
	l->peer.no_cookies = l->no_cookies;
	l->answer_len = peer_answer(
	    &l->peer, bytes, w.len, at, at, l->answer, sizeof(l->answer));
	l->answer_at = mono_after(l->now.mono, 2 * WAY_NS);
}

static void serve(struct life *l, enum source_action action)
{
	if (action == ACTION_KEYS)
		l->keys_at = mono_after(l->now.mono, EXCHANGE_NS);
	if (action == ACTION_SEND)
		send_request(l);
	note_line(l);
}

/* The key server is the first address, as in the answer of the resolver. */
static void give_pool(
    const struct life *l, const struct ke_request *q, struct ke_answer *a)
{
	unsigned first =
	    q->try_after.family ? q->try_after.address[3] % l->pool : 0;

	a->address_count = l->pool;
	for (unsigned i = 0; i < l->pool; i++) {
		a->addresses[i] = a->addresses[0];
		a->addresses[i].address[3] =
		    (uint8_t)((first + i) % l->pool + 1);
	}
	a->facts.peer = a->addresses[0];
}

static void bring_keys(struct life *l)
{
	struct ke_request q;
	struct ke_answer a;

	l->keys_at = MONO_NEVER;
	l->tally.exchanges++;
	source_ke_request(&l->source, 0, 5000, l->now.mono, &q);
	a = peer_keys(&l->peer, &q, "192.0.2.1");
	if (l->pool > 0)
		give_pool(l, &q, &a);
	if (l->few_cookies > 0)
		a.cookie_count = l->few_cookies;
	if (l->keys_fail) {
		a = (struct ke_answer){
		    .serial = q.serial, .stage = (uint8_t)l->fails_at};
		snprintf(a.text, sizeof(a.text), "it fails");
	}
	serve(l, source_keys(&l->source, &a, l->now, draw(l)));
}

static void note_sample(struct life *l)
{
	int64_t gap_ns = l->now.mono.ns - l->last_sample.ns;

	if (l->tally.samples > 0 && gap_ns > l->longest_gap_ns)
		l->longest_gap_ns = gap_ns;
	l->last_sample = l->now.mono;
	l->tally.samples++;
	source_sampled(&l->source, 2 * WAY_NS, 0, l->now.mono, draw(l));
}

static void bring_answer(struct life *l)
{
	struct ntp_answer answer;
	enum source_action action;
	bool ok;

	l->answer_at = MONO_NEVER;
	action = source_datagram(&l->source, l->answer, l->answer_len,
	    l->now.mono, draw(l), &answer, &ok);
	if (ok)
		note_sample(l);
	serve(l, action);
}

static void pass_to(struct life *l, struct mono t)
{
	int64_t ns = t.ns - l->now.mono.ns;

	if (ns <= 0)
		return;
	l->now.mono.ns += ns;
	l->now.wall.ns += ns;
}

static void live(struct life *l, int64_t ns)
{
	struct mono until = mono_after(l->now.mono, ns);

	for (;;) {
		struct mono next =
		    mono_earlier(mono_earlier(l->keys_at, l->answer_at),
			source_deadline(&l->source));
		enum source_action action;

		if (next.ns > until.ns)
			break;
		pass_to(l, next);
		if (mono_due(l->keys_at, l->now.mono))
			bring_keys(l);
		if (mono_due(l->answer_at, l->now.mono))
			bring_answer(l);
		while ((action = source_timer(&l->source, l->now.mono,
			    draw(l))) != ACTION_NOTHING)
			serve(l, action);
		note_line(l);
	}
	pass_to(l, until);
}

/* A healthy hour, whose counts are then forgotten. */
static struct life *settled(uint64_t seed)
{
	struct life *l = begin(seed);

	live(l, HOUR_NS);
	assert_true(l->tally.samples > 50);
	assert_int_equal(l->tally.exchanges, 1);
	assert_int_equal(l->tally.lines, 2);
	l->tally = (struct tally){.samples = 1};
	l->longest_gap_ns = 0;
	return l;
}

static void until_sample(struct life *l, int64_t at_most_ns)
{
	unsigned samples = l->tally.samples;
	struct mono began = l->now.mono;

	while (l->tally.samples == samples &&
	       l->now.mono.ns - began.ns <= at_most_ns)
		live(l, 10 * NS_PER_MS);
	assert_true(l->tally.samples > samples);
}

static void a_day_without_network_is_two_lines_and_few_packets(void **state)
{
	struct life *l = settled(1);

	(void)state;
	l->lost_percent = 100;
	l->keys_fail = true;
	l->fails_at = KE_STAGE_DNS;
	live(l, DAY_NS);
	/* One about the silence, one about DNS. */
	assert_in_range(l->tally.lines, 1, 2);
	assert_true(l->tally.requests < 1500);
	assert_true(l->tally.exchanges < 1500);
	l->keys_fail = false;
	l->lost_percent = 0;
	until_sample(l, 150 * NS_PER_S);
	assert_in_range(l->tally.lines, 2, 3);
	end(l);
}

static void a_day_without_udp_costs_few_exchanges(void **state)
{
	struct life *l = settled(2);

	(void)state;
	l->lost_percent = 100;
	live(l, DAY_NS);
	assert_in_range(l->tally.exchanges, 50, 200);
	assert_in_range(l->tally.lines, 1, 2);
	assert_string_equal(l->source.failure, "silence");
	assert_non_null(strstr(l->source.reason, "gives keys on TCP port"));
	end(l);
}

static void a_short_outage_is_over_within_seconds(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct life *l = settled(seed);

		/* Until the silence is noticed, and a little longer. */
		l->lost_percent = 100;
		while (l->source.silent < 2)
			live(l, NS_PER_S);
		live(l, 3 * NS_PER_S);
		l->lost_percent = 0;
		until_sample(l, 5 * NS_PER_S);
		end(l);
	}
}

static void fall_silent(struct life *l)
{
	l->lost_percent = 100;
	while (l->source.silent < 1 || l->source.pending.open)
		live(l, 10 * NS_PER_MS);
}

/* What a silence leaves of the allowance is there when the network is back, and
 * a change of the network uses it. */
static void a_network_that_comes_and_goes_spends_half(void **state)
{
	(void)state;
	for (int down_s = 15; down_s <= 60; down_s *= 2) {
		struct life *l = settled((uint64_t)down_s);
		double least = PACE_ALLOWANCE;

		for (int times = 0; times < 60; times++) {
			fall_silent(l);
			live(l, down_s * NS_PER_S);
			least = fmin(least, l->source.pace.allowance);
			l->lost_percent = 0;
			live(l, 60 * NS_PER_S);
		}
		/* New keys take a few more. */
		assert_true(least < PACE_RESERVE + 1);
		assert_true(least > PACE_RESERVE - 8);
		fall_silent(l);
		l->lost_percent = 0;
		source_hurry(&l->source, l->now.mono);
		until_sample(l, NS_PER_S);
		end(l);
	}
}

static void half_of_all_lost_is_a_few_lines_and_few_exchanges(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct life *l = settled(seed);

		l->lost_percent = 50;
		live(l, HOUR_NS);
		assert_true(l->tally.lines <= BUDGET_LINES_MAX);
		assert_true(l->tally.exchanges <= 25);
		assert_true(l->tally.samples > 20);
		end(l);
	}
}

/* The promise to the owner of the server, from the first hour on: losses, a
 * server that forgets its keys, outages and orders included. */
static void no_hour_has_more_requests_than_promised(void **state)
{
	const unsigned promised = 3600 / 64 + PACE_ALLOWANCE;
	static const unsigned lost[] = {0, 10, 50, 75, 90, 100};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lost); i++) {
		struct life *l = begin(i + 1);
		unsigned bursts = 0;

		l->lost_percent = lost[i];
		for (unsigned quarter = 0; quarter < 48 * 4; quarter++) {
			if (quarter % 4 == 0)
				l->tally.requests = 0;
			if (quarter % 40 == 30)
				l->peer = peer_make((uint8_t)quarter);
			bursts += quarter % 3 == 1 &&
				  source_burst(&l->source, l->now.mono);
			if (quarter % 12 == 5)
				source_jumped(&l->source, l->now.mono);
			live(l, HOUR_NS / 4);
			assert_true(l->tally.requests <= promised);
		}
		assert_true(bursts > 32);
		end(l);
	}
}

/* When half of the requests and half of the answers are lost for two days, the
 * server gets no more than one request per interval and the allowance. */
static void lasting_losses_cost_no_more_requests(void **state)
{
	struct life *l = settled(4);

	(void)state;
	l->lost_percent = 75;
	live(l, 2 * DAY_NS);
	assert_in_range(l->tally.requests, 1350, 2700 + PACE_ALLOWANCE);
	assert_true(l->tally.samples > 400);
	end(l);
}

static void one_in_ten_lost_is_few_lines(void **state)
{
	struct life *l = settled(3);

	(void)state;
	l->lost_percent = 10;
	live(l, DAY_NS);
	assert_true(l->tally.samples > 1150);
	assert_true(l->tally.exchanges <= 40);
	assert_true(l->tally.lines <= 30);
	end(l);
}

static void lost_keys_cost_one_sample_and_two_seconds(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct life *l = settled(seed);
		unsigned lost;

		memset(&l->peer.keys, 9, sizeof(l->peer.keys));
		l->source.count.lost = 0;
		/* Until the next request, which a NAK answers. */
		while (l->source.count.lost == 0) {
			live(l, 10 * NS_PER_MS);
			if (l->answer_at.ns != MONO_NEVER.ns) {
				l->source.nak_seen = true;
				l->source.answer_by = l->now.mono;
				l->answer_at = MONO_NEVER;
			}
		}
		until_sample(l, 2 * NS_PER_S);
		lost = (unsigned)l->source.count.lost;
		assert_int_equal(lost, 1);
		assert_true(l->tally.lines <= 2);
		end(l);
	}
}

static void a_server_that_brings_no_cookies_costs_no_sample(void **state)
{
	struct life *l = settled(4);

	(void)state;
	l->no_cookies = true;
	live(l, 6 * HOUR_NS);
	assert_true(l->longest_gap_ns < 70 * NS_PER_S);
	assert_int_equal(l->source.count.lost, 0);
	assert_int_equal(l->tally.lines, 0);
	end(l);
}

/* Such a server costs at most one exchange for each request. */
static void a_server_that_is_short_of_cookies_costs_few_exchanges(void **state)
{
	(void)state;
	for (unsigned few = 1; few <= 2; few++) {
		struct life *l = begin(few);

		l->no_cookies = true;
		l->few_cookies = few;
		live(l, 6 * HOUR_NS);
		assert_true(l->tally.samples > 300);
		assert_true(l->tally.exchanges <= l->tally.requests + 1);
		assert_true(l->longest_gap_ns < 70 * NS_PER_S);
		end(l);
	}
}

static void keys_are_renewed_daily_and_no_sample_is_lost(void **state)
{
	struct life *l = settled(5);

	(void)state;
	live(l, 20 * DAY_NS);
	assert_in_range(l->tally.exchanges, 15, 27);
	assert_true(l->longest_gap_ns < 70 * NS_PER_S);
	assert_int_equal(l->source.count.lost, 0);
	assert_in_range(l->tally.requests, 20 * 86400 / 70, 20 * 86400 / 62);
	assert_int_equal(l->tally.lines, 0);
	end(l);
}

static void a_renewal_that_fails_is_shown_while_samples_come(void **state)
{
	struct life *l = settled(6);

	(void)state;
	l->keys_fail = true;
	l->fails_at = KE_STAGE_CERTIFICATE;
	live(l, 3 * DAY_NS);
	assert_int_equal(l->tally.lines, 1);
	assert_string_equal(l->source.failure, "certificate");
	assert_true(l->longest_gap_ns < 70 * NS_PER_S);
	assert_in_range(l->tally.exchanges, 50, 400);
	l->keys_fail = false;
	live(l, HOUR_NS);
	assert_string_equal(l->source.failure, "");
	assert_int_equal(l->tally.lines, 2);
	assert_non_null(strstr(l->last_line, "keys from"));
	end(l);
}

static void every_server_of_a_name_is_tried(void **state)
{
	(void)state;
	for (unsigned pool = 2; pool <= 4; pool++) {
		struct life *l = begin(pool);

		l->pool = pool;
		until_sample(l, 400 * NS_PER_S);
		assert_int_equal(l->source.facts.peer.address[3], pool);
		assert_in_range(l->tally.exchanges, pool, pool + 1);
		end(l);
	}
}

/* The jar is full, and requests are small, unless some are lost anyway. */
static void a_path_that_loses_large_packets_is_named(void **state)
{
	struct life *l = settled(7);

	(void)state;
	l->lost_above = 300;
	l->lost_percent = 10;
	live(l, 4 * HOUR_NS);
	l->lost_percent = 0;
	live(l, HOUR_NS);
	assert_string_equal(l->source.failure, "large-packets");
	assert_true(l->source.pending.placeholders == 0);
	/* 281 requests at most; seeds bring 238 to 251 samples. */
	assert_true(l->tally.samples > 235);
	l->lost_above = 0;
	live(l, DAY_NS);
	assert_string_equal(l->source.failure, "");
	assert_int_equal(l->source.assoc.jar.count, NTS_COOKIES);
	end(l);
}

/* A thousand agents that start at one moment, and a key server that cannot
 * serve them: tries in each second. */
#define FLEET 1000
#define SECONDS 7200

static void fleet(enum ke_stage fails_at, unsigned per_second[SECONDS])
{
	for (unsigned i = 0; i < FLEET; i++) {
		struct life *l = begin(i + 1);
		unsigned tries = 0;

		l->keys_fail = true;
		l->fails_at = fails_at;
		source_spread_start(&l->source, draw(l));
		for (unsigned s = 0; s < SECONDS; s++) {
			live(l, NS_PER_S);
			per_second[s] += l->tally.exchanges - tries;
			tries = l->tally.exchanges;
		}
		end(l);
	}
}

static unsigned peak(const unsigned per_second[], unsigned from, unsigned to)
{
	unsigned most = 0;

	for (unsigned s = from; s < to; s++)
		if (per_second[s] > most)
			most = per_second[s];
	return most;
}

/* With a key server that is well, the first try is the only one. */
static void a_fleet_does_not_start_in_one_moment(void **state)
{
	unsigned per_tenth[10] = {0};

	(void)state;
	for (unsigned i = 0; i < FLEET; i++) {
		struct life *l = begin(i + 1);
		int64_t began_ns = l->now.mono.ns, waits_ns;

		source_spread_start(&l->source, draw(l));
		waits_ns = source_deadline(&l->source).ns - began_ns;
		assert_in_range(waits_ns, 0, SOURCE_SPREAD_NS);
		per_tenth[waits_ns * 10 / (SOURCE_SPREAD_NS + 1)]++;
		end(l);
	}
	for (size_t i = 0; i < ARRAY_LEN(per_tenth); i++)
		assert_in_range(per_tenth[i], FLEET / 20, FLEET * 3 / 20);
}

static void a_fleet_does_not_overload_its_key_server(void **state)
{
	static const enum ke_stage stages[] = {
	    KE_STAGE_CONNECT, KE_STAGE_TLS, KE_STAGE_EXCHANGE};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
		unsigned *per_second = calloc(SECONDS, sizeof(*per_second));

		assert_non_null(per_second);
		fleet(stages[i], per_second);
		print_message("%s: %u in the first seconds, %u after a minute, "
			      "%u after an hour\n",
		    ke_stage_word(stages[i]), peak(per_second, 1, 60),
		    peak(per_second, 60, 3600),
		    peak(per_second, 3600, SECONDS));
		assert_true(peak(per_second, 1, 60) <= FLEET * 8 / 10);
		assert_true(peak(per_second, 60, 3600) <= FLEET / 5);
		assert_true(peak(per_second, 3600, SECONDS) <= FLEET / 25);
		free(per_second);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_day_without_network_is_two_lines_and_few_packets),
	    cmocka_unit_test(a_day_without_udp_costs_few_exchanges),
	    cmocka_unit_test(a_short_outage_is_over_within_seconds),
	    cmocka_unit_test(a_network_that_comes_and_goes_spends_half),
	    cmocka_unit_test(half_of_all_lost_is_a_few_lines_and_few_exchanges),
	    cmocka_unit_test(no_hour_has_more_requests_than_promised),
	    cmocka_unit_test(lasting_losses_cost_no_more_requests),
	    cmocka_unit_test(one_in_ten_lost_is_few_lines),
	    cmocka_unit_test(lost_keys_cost_one_sample_and_two_seconds),
	    cmocka_unit_test(a_server_that_brings_no_cookies_costs_no_sample),
	    cmocka_unit_test(
		a_server_that_is_short_of_cookies_costs_few_exchanges),
	    cmocka_unit_test(keys_are_renewed_daily_and_no_sample_is_lost),
	    cmocka_unit_test(a_renewal_that_fails_is_shown_while_samples_come),
	    cmocka_unit_test(every_server_of_a_name_is_tried),
	    cmocka_unit_test(a_path_that_loses_large_packets_is_named),
	    cmocka_unit_test(a_fleet_does_not_start_in_one_moment),
	    cmocka_unit_test(a_fleet_does_not_overload_its_key_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
