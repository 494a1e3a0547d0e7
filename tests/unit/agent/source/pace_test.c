#include "agent/source/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#define MIDDLE (UINT32_MAX / 2)
#define INTERVAL(p) pace_interval_ns((p), 0)
#define NEAR_NS (200 * NS_PER_US)
#define SAME_NETWORK_NS (9 * NS_PER_MS)
#define FAR_NS (20 * NS_PER_MS)

static struct pace paced(int minpoll, int maxpoll)
{
	struct source_config config = {.minpoll = minpoll, .maxpoll = maxpoll};
	struct pace p;

	pace_init(&p, &config);
	return p;
}

static void samples(
    struct pace *p, unsigned n, int64_t delay_ns, enum poll_vote vote)
{
	while (n-- > 0)
		pace_sample(p, delay_ns, vote);
}

static void a_near_server_is_asked_more_often(void **state)
{
	struct pace near = paced(POLL_AUTO, POLL_AUTO);
	struct pace far = near;

	(void)state;
	samples(&near, 100, NEAR_NS, POLL_LONGER);
	samples(&far, 100, FAR_NS, POLL_LONGER);
	assert_int_equal(near.poll_log2_s, PACE_NEAR_MAX);
	assert_int_equal(far.poll_log2_s, PACE_FAR_MAX);
	samples(&near, 100, NEAR_NS, POLL_SHORTER);
	samples(&far, 100, FAR_NS, POLL_SHORTER);
	assert_int_equal(near.poll_log2_s, PACE_NEAR_MIN);
	assert_int_equal(far.poll_log2_s, PACE_FAR_MIN);
}

/* A few slow answers do not make a server distant. */
static void a_distant_server_gets_no_subsecond_polls(void **state)
{
	struct pace p = paced(-4, -3);

	(void)state;
	assert_int_equal(p.poll_log2_s, 0);
	samples(&p, 1, SAME_NETWORK_NS, POLL_SHORTER);
	assert_int_equal(p.poll_log2_s, -4);
	samples(&p, PACE_SUBSECOND_SAMPLES - 1, FAR_NS, POLL_KEEP);
	assert_int_equal(p.poll_log2_s, -4);
	samples(&p, 1, FAR_NS, POLL_KEEP);
	assert_int_equal(p.poll_log2_s, 0);
	pace_restart(&p);
	assert_int_equal(p.poll_log2_s, 0);
	samples(&p, 1, SAME_NETWORK_NS, POLL_SHORTER);
	assert_int_equal(p.poll_log2_s, -4);
}

static void configured_limits_hold(void **state)
{
	for (int lower = POLL_LOG2_MIN; lower <= POLL_LOG2_MAX; lower++) {
		for (int upper = lower; upper <= POLL_LOG2_MAX; upper++) {
			struct pace p = paced(lower, upper);

			samples(&p, 200, NEAR_NS, POLL_LONGER);
			assert_int_equal(p.poll_log2_s, upper);
			samples(&p, 200, SAME_NETWORK_NS, POLL_SHORTER);
			assert_int_equal(p.poll_log2_s, lower);
			pace_restart(&p);
			assert_int_equal(p.poll_log2_s, lower);
		}
	}
	(void)state;
}

static void one_configured_limit_bends_the_other(void **state)
{
	struct pace p = paced(POLL_AUTO, 2);

	(void)state;
	samples(&p, 100, NEAR_NS, POLL_LONGER);
	assert_int_equal(p.poll_log2_s, 2);
	p = paced(12, POLL_AUTO);
	samples(&p, 100, NEAR_NS, POLL_LONGER);
	assert_int_equal(p.poll_log2_s, 12);
}

/* Until the next sample the last interval tells how far the server is. */
static void a_restart_keeps_a_server_near_or_far(void **state)
{
	static const struct {
		int before, after;
	} cases[] = {
	    {PACE_NEAR_MIN, PACE_NEAR_MIN},
	    {PACE_FAR_MIN - 1, PACE_NEAR_MIN},
	    {PACE_FAR_MIN, PACE_FAR_MIN},
	    {PACE_FAR_MAX, PACE_FAR_MIN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pace p = paced(POLL_AUTO, POLL_AUTO);

		p.poll_log2_s = cases[i].before;
		pace_restart(&p);
		assert_int_equal(p.poll_log2_s, cases[i].after);
	}
}

/* The burst of a start: each answer brings the next request soon. */
static void a_burst_ends_with_enough_answers(void **state)
{
	struct pace p = paced(6, 10);

	(void)state;
	pace_burst(&p);
	for (int i = 0; i < PACE_BURST_GOOD; i++) {
		pace_sent(&p, NS_PER_S);
		assert_int_equal(INTERVAL(&p), NS_PER_S);
		pace_sample(&p, FAR_NS, POLL_LONGER);
		assert_in_range(INTERVAL(&p), PACE_QUICK_NS, NS_PER_S / 2);
	}
	assert_int_equal(INTERVAL(&p), NS_PER_S / 2);
	assert_int_equal(p.poll_log2_s, 6);
}

static void after_a_burst_the_intervals_ramp_up(void **state)
{
	static const int64_t want_ms[] = {
	    500, 1000, 2000, 4000, 8000, 16000, 32000, 32000, 64000, 64000};
	struct pace p = paced(6, 10);

	(void)state;
	pace_burst(&p);
	for (int i = 0; i < PACE_BURST_GOOD; i++) {
		pace_sent(&p, NS_PER_S);
		pace_sample(&p, FAR_NS, POLL_LONGER);
	}
	for (size_t i = 0; i < ARRAY_LEN(want_ms); i++) {
		assert_int_equal(INTERVAL(&p), want_ms[i] * NS_PER_MS);
		pace_sent(&p, want_ms[i] * NS_PER_MS);
		/* A far server has a second for its answer. */
		assert_true(INTERVAL(&p) >= NS_PER_S);
		pace_sample(&p, FAR_NS, POLL_KEEP);
	}
	assert_int_equal(p.debt_ns, 0);
	/* Longer intervals later on are no reason for another ramp. */
	while (p.poll_log2_s == 6)
		pace_sample(&p, FAR_NS, POLL_LONGER);
	assert_int_equal(INTERVAL(&p), 128 * NS_PER_S);
}

static unsigned samples_to_the_longest(struct pace *p)
{
	unsigned n = 0;

	for (; p->poll_log2_s < 10; n++)
		pace_sample(p, FAR_NS, POLL_LONGER);
	return n;
}

static void the_first_climb_is_the_slowest(void **state)
{
	struct pace p = paced(6, 10);

	(void)state;
	assert_int_equal(samples_to_the_longest(&p), 8 + 6 + 5 + 5);
	pace_sample(&p, FAR_NS, POLL_SHORTEST);
	assert_int_equal(samples_to_the_longest(&p), 4 * 4);
	pace_restart(&p);
	assert_int_equal(samples_to_the_longest(&p), 8 + 6 + 5 + 5);
}

/* After a request out of turn the next ones come a little later, until the
 * server has got no more requests than the interval allows. */
static void requests_out_of_turn_are_paid_back(void **state)
{
	struct pace p = paced(6, 6);
	int64_t total = 4 * NS_PER_S;
	int sent = 1;

	(void)state;
	pace_sent(&p, 64 * NS_PER_S);
	pace_sent(&p, 4 * NS_PER_S);
	while (p.debt_ns > 0) {
		int64_t interval = INTERVAL(&p);

		assert_in_range(interval, 64 * NS_PER_S, 80 * NS_PER_S);
		pace_sent(&p, interval);
		total += interval;
		sent++;
	}
	assert_int_equal(total, sent * 64 * NS_PER_S);
	for (int i = 0; i < 100; i++)
		pace_sent(&p, 0);
	assert_int_equal(p.debt_ns, 32 * 64 * NS_PER_S);
	pace_sample(&p, FAR_NS, POLL_KEEP);
	assert_int_equal(p.debt_ns, 8 * 64 * NS_PER_S);
}

/* ---- the promise to the owner of a server ---- */

#define HOUR_NS (3600 * NS_PER_S)
#define LOG_MAX 65536

static void a_burst_uses_the_allowance(void **state)
{
	struct pace p = paced(6, 6);

	(void)state;
	pace_sent(&p, HOUR_NS);
	for (int i = 1; i < PACE_ALLOWANCE; i++) {
		assert_int_equal(pace_least_ns(&p), 0);
		pace_sent(&p, 0);
	}
	assert_int_equal(pace_least_ns(&p), 64 * NS_PER_S);
	pace_sent(&p, 64 * NS_PER_S);
	assert_int_equal(pace_least_ns(&p), 64 * NS_PER_S);
	pace_sent(&p, 96 * NS_PER_S);
	assert_int_equal(pace_least_ns(&p), 32 * NS_PER_S);
	pace_sent(&p, HOUR_NS);
	assert_int_equal(pace_least_ns(&p), 0);
}

/* Where no minimum is configured, the one of the server's distance counts. */
static void the_allowance_grows_with_the_shortest_interval(void **state)
{
	static const struct {
		int minpoll;
		int64_t delay_ns;
		int64_t least_s;
		int at_once;
	} cases[] = {{POLL_AUTO, NEAR_NS, 16, 64}, {POLL_AUTO, FAR_NS, 64, 64},
	    {2, FAR_NS, 4, 225}, {10, NEAR_NS, 1024, 64}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pace p = paced(cases[i].minpoll, POLL_AUTO);

		pace_sample(&p, cases[i].delay_ns, POLL_KEEP);
		for (int n = 0; n < cases[i].at_once; n++) {
			assert_int_equal(pace_least_ns(&p), 0);
			pace_sent(&p, 0);
		}
		assert_int_equal(
		    pace_least_ns(&p), cases[i].least_s * NS_PER_S);
	}
}

/* What a start takes is not paid back, but what many changes take is. */
static void the_allowance_comes_back(void **state)
{
	struct pace p = paced(6, 6);

	(void)state;
	p.starting = false;
	p.allowance = PACE_ALLOWANCE - 16;
	assert_int_equal(INTERVAL(&p), 64 * NS_PER_S);
	p.allowance = PACE_ALLOWANCE / 2;
	assert_int_equal(INTERVAL(&p), 80 * NS_PER_S);
	p.urgent = true;
	assert_int_equal(INTERVAL(&p), 64 * NS_PER_S);
	p.urgent = false;
	for (int i = 0; i < 100; i++)
		pace_sent(&p, INTERVAL(&p));
	assert_int_equal(INTERVAL(&p), 64 * NS_PER_S);
	assert_true(p.allowance >= 0.7 * PACE_ALLOWANCE);
}

static void other_limits_bring_no_new_allowance(void **state)
{
	static const struct source_config other = {.minpoll = 4, .maxpoll = 6};
	struct pace p = paced(6, 6);

	(void)state;
	for (int n = 0; n < PACE_ALLOWANCE; n++)
		pace_sent(&p, 0);
	pace_configure(&p, &other);
	assert_int_equal(pace_least_ns(&p), 16 * NS_PER_S);
}

static void a_request_that_stays_here_is_not_counted(void **state)
{
	struct pace p = paced(6, 6), before;

	(void)state;
	p.starting = false;
	for (int n = 0; n < 3; n++)
		pace_sent(&p, 0);
	before = p;
	for (int n = 0; n < 1000; n++) {
		pace_sent(&p, 0);
		pace_unsent(&p);
	}
	assert_true(p.allowance == before.allowance);
	assert_int_equal(before.debt_ns, 3 * 64 * NS_PER_S);
	assert_int_equal(p.debt_ns, before.debt_ns);
	/* The time that passes counts. */
	pace_sent(&p, 64 * NS_PER_S);
	pace_unsent(&p);
	assert_true(p.allowance == before.allowance + 1);
	assert_int_equal(p.debt_ns, 2 * 64 * NS_PER_S);
	pace_sent(&p, HOUR_NS);
	assert_int_equal(p.debt_ns, 0);
	pace_unsent(&p);
	assert_int_equal(p.debt_ns, 0);
	assert_true(p.allowance == PACE_ALLOWANCE);
}

static void a_silence_leaves_half_of_the_allowance(void **state)
{
	struct pace p = paced(6, 6);

	(void)state;
	for (int n = 0; n < PACE_ALLOWANCE / 2; n++) {
		assert_int_equal(pace_least_silent_ns(&p), 0);
		pace_sent(&p, 0);
	}
	assert_int_equal(pace_least_silent_ns(&p), 64 * NS_PER_S);
	assert_int_equal(pace_least_ns(&p), 0);
	pace_sent(&p, 64 * NS_PER_S);
	assert_int_equal(pace_least_silent_ns(&p), 64 * NS_PER_S);
}

/* One event at random: what a network, a server and an administrator can do. */
static void happen(struct pace *p, uint64_t n, bool rates)
{
	static const enum poll_vote votes[] = {POLL_LONGER, POLL_KEEP,
	    POLL_SHORTER, POLL_SHORTEST, POLL_DOUBTED, POLL_CONTRADICTED,
	    POLL_CHANGED};

	if (n % 100 < 50) /* lost */
		return;
	pace_sample(p, FAR_NS, votes[n / 100 % ARRAY_LEN(votes)]);
	if (n / 1000 % 50 == 0)
		pace_restart(p);
	if (n / 1000 % 20 == 0)
		pace_burst(p);
	if (rates && n / 1000 % 500 == 1)
		pace_slow_down(p);
	if (n / 1000 % 10 == 0)
		pace_forgive(p);
}

/* The wait until the next request, at the soonest that a source asks: a lost
 * one, a NAK or a new path are asked again at once. */
static int64_t next_ns(const struct pace *p, uint64_t n)
{
	int64_t wait = n % 8 == 0   ? INTERVAL(p)
		       : n % 8 == 1 ? pace_silence_ns(p, NS_PER_S, MIDDLE)
				    : 0;
	int64_t least = pace_least_ns(p);

	return wait > least ? wait : least;
}

/* A quarter of an hour's requests, if that is more. */
static int promised_in_an_hour(int poll_log2_s)
{
	int at_once = 900 >> poll_log2_s;

	return (3600 >> poll_log2_s) +
	       (at_once > PACE_ALLOWANCE ? at_once : PACE_ALLOWANCE);
}

static int in_the_hour_before(const int64_t at[], int count)
{
	int n = 0;

	for (int i = count; i > 0 && at[count - 1] - at[i - 1] < HOUR_NS; i--)
		n++;
	return n;
}

/* Two days of random events: how many requests there are in any hour. */
static int busiest_hour(int poll_log2_s, uint64_t seed, bool rates)
{
	struct pace p = paced(poll_log2_s, poll_log2_s + 1);
	int64_t *at = calloc(LOG_MAX, sizeof(*at)), now = 0;
	int count = 0, most = 0;

	assert_non_null(at);
	while (now < 48 * HOUR_NS) {
		seed =
		    seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		assert_true(count < LOG_MAX);
		pace_sent(&p, count > 0 ? now - at[count - 1] : HOUR_NS);
		at[count++] = now;
		if (in_the_hour_before(at, count) > most)
			most = in_the_hour_before(at, count);
		happen(&p, seed >> 20, rates);
		now += next_ns(&p, seed >> 40);
	}
	free(at);
	return most;
}

static void no_hour_breaks_the_promise(void **state)
{
	(void)state;
	for (int poll = 2; poll <= 10; poll++)
		for (uint64_t seed = 1; seed <= 4; seed++) {
			int promised = promised_in_an_hour(poll);

			assert_in_range(busiest_hour(poll, seed, false),
			    promised / 2, promised);
			assert_in_range(busiest_hour(poll, seed, true),
			    PACE_ALLOWANCE / 2, promised);
		}
}

static int requests_of_a_day(enum poll_vote vote)
{
	struct pace p = paced(6, 6);
	int64_t total = 0;
	int sent = 0;

	for (; total < 86400 * NS_PER_S; sent++) {
		int64_t interval = INTERVAL(&p);

		total += interval;
		pace_sent(&p, interval);
		pace_sample(&p, FAR_NS, vote);
	}
	return sent;
}

/* A server whose samples are never explained gets no more requests. */
static void doubts_do_not_last(void **state)
{
	const int usual = 86400 / 64;

	(void)state;
	assert_in_range(
	    requests_of_a_day(POLL_DOUBTED), usual - 50, usual + 20);
	assert_in_range(requests_of_a_day(POLL_CONTRADICTED), usual - 50,
	    usual + PACE_ALLOWANCE);
	assert_in_range(requests_of_a_day(POLL_CHANGED), usual - 50,
	    usual + PACE_ALLOWANCE);
}

/* A doubted sample brings no request out of turn there. */
static void a_rate_limited_server_is_not_doubted(void **state)
{
	struct pace p = paced(6, 6);

	(void)state;
	pace_slow_down(&p);
	pace_sent(&p, INTERVAL(&p));
	pace_sample(&p, FAR_NS, POLL_DOUBTED);
	assert_in_range(INTERVAL(&p), 128 * NS_PER_S, 136 * NS_PER_S);
}

static void a_doubted_answer_is_asked_for_again(void **state)
{
	struct pace p = paced(6, 10);

	(void)state;
	samples(&p, 100, FAR_NS, POLL_LONGER);
	assert_int_equal(INTERVAL(&p), 1024 * NS_PER_S);
	pace_sample(&p, FAR_NS, POLL_DOUBTED);
	assert_int_equal(INTERVAL(&p), 2 * NS_PER_S);
	pace_sample(&p, FAR_NS, POLL_KEEP);
	assert_int_equal(INTERVAL(&p), 1024 * NS_PER_S);
	/* The doubt ends after some requests. */
	pace_sample(&p, FAR_NS, POLL_DOUBTED);
	for (int i = 0; i < PACE_DOUBT_TRIES; i++)
		pace_sent(&p, 1024 * NS_PER_S);
	assert_int_equal(INTERVAL(&p), 1024 * NS_PER_S);
	pace_sample(&p, FAR_NS, POLL_SHORTEST);
	assert_int_equal(INTERVAL(&p), 64 * NS_PER_S);
}

/* The clock may have changed: the first request comes soon, and a debt does not
 * count. */
static void a_contradiction_is_asked_for_at_once(void **state)
{
	struct pace p = paced(6, 6);

	(void)state;
	p.starting = false;
	p.debt_ns = 8 * 64 * NS_PER_S;
	pace_sample(&p, FAR_NS, POLL_CONTRADICTED);
	for (int64_t wait = NS_PER_S / 2; wait <= 2 * NS_PER_S; wait *= 2) {
		assert_int_equal(INTERVAL(&p), wait);
		pace_sent(&p, wait);
		pace_sample(&p, FAR_NS, POLL_CONTRADICTED);
	}
	/* It becomes a doubt, and then nothing. */
	pace_sample(&p, FAR_NS, POLL_DOUBTED);
	assert_int_equal(INTERVAL(&p), PACE_DOUBT_NS);
	pace_sample(&p, FAR_NS, POLL_KEEP);
	assert_int_equal(INTERVAL(&p), 80 * NS_PER_S);
	/* What is left of the allowance is for other reasons. */
	p.allowance = 7.5;
	pace_sample(&p, FAR_NS, POLL_CONTRADICTED);
	assert_int_equal(p.doubted, 0);
	p.allowance = 8;
	pace_sample(&p, FAR_NS, POLL_CONTRADICTED);
	assert_int_equal(p.doubted, PACE_DOUBT_TRIES);
	p.doubted = 0;
	p.rate_limited = true;
	pace_sample(&p, FAR_NS, POLL_CONTRADICTED);
	assert_int_equal(p.doubted, 0);
}

/* A ramp goes on where it was. */
static void a_contradiction_interrupts_a_ramp(void **state)
{
	struct pace p = paced(6, 6);

	(void)state;
	p.starting = false;
	p.ramp_log2_s = 4;
	pace_sample(&p, FAR_NS, POLL_CONTRADICTED);
	assert_int_equal(INTERVAL(&p), NS_PER_S / 2);
	pace_sent(&p, NS_PER_S / 2);
	pace_sample(&p, FAR_NS, POLL_KEEP);
	assert_int_equal(INTERVAL(&p), 16 * NS_PER_S);
}

/* A burst at once, and then the shortest interval, without paying back. */
static void a_changed_clock_is_measured_again(void **state)
{
	struct pace p = paced(6, 10);

	(void)state;
	samples(&p, 100, FAR_NS, POLL_LONGER);
	p.starting = false;
	pace_sample(&p, FAR_NS, POLL_CHANGED);
	assert_int_equal(p.burst_good, PACE_BURST_GOOD);
	assert_int_equal(INTERVAL(&p), NS_PER_S);
	assert_int_equal(p.poll_log2_s, 6);
	assert_true(p.urgent);
	/* The clock may change again at once, but not for ever. */
	p.burst_good = p.burst_tries = 0;
	p.debt_ns = 8 * 64 * NS_PER_S;
	pace_sample(&p, FAR_NS, POLL_CHANGED);
	assert_int_equal(p.burst_good, PACE_BURST_GOOD);
	p.burst_good = p.burst_tries = 0;
	p.allowance = 7.5;
	pace_sample(&p, FAR_NS, POLL_CHANGED);
	assert_int_equal(p.burst_good, 0);
	assert_int_equal(p.poll_log2_s, 6);
	p.allowance = PACE_ALLOWANCE;
	pace_slow_down(&p);
	pace_sample(&p, FAR_NS, POLL_CHANGED);
	assert_int_equal(p.burst_good, 0);
}

static void a_burst_without_answers_ends(void **state)
{
	struct pace p = paced(6, 10);

	(void)state;
	pace_burst(&p);
	for (int i = 0; i < PACE_BURST_TRIES; i++) {
		assert_true(INTERVAL(&p) < 2 * NS_PER_S);
		pace_sent(&p, NS_PER_S);
		assert_int_equal(INTERVAL(&p), NS_PER_S);
	}
	pace_sent(&p, NS_PER_S);
	pace_sent(&p, NS_PER_S);
	assert_int_equal(INTERVAL(&p), 2 * NS_PER_S);
	assert_int_equal(p.burst_good, 0);
}

static void a_burst_never_slows_a_faster_poll(void **state)
{
	struct pace p = paced(-4, -4);

	(void)state;
	samples(&p, 1, NEAR_NS, POLL_KEEP);
	pace_burst(&p);
	assert_true(pace_interval_ns(&p, UINT32_MAX) < NS_PER_S / 15);
}

/* The burst has asked already. */
static void a_burst_ends_a_doubt(void **state)
{
	struct pace p = paced(6, 6);

	(void)state;
	samples(&p, 1, FAR_NS, POLL_CONTRADICTED);
	assert_int_equal(p.doubted, PACE_DOUBT_TRIES);
	pace_burst_of(&p, 1, 1);
	pace_sent(&p, 64 * NS_PER_S);
	samples(&p, 1, FAR_NS, POLL_KEEP);
	assert_int_equal(p.doubted, 0);
}

static void intervals_are_spread_but_little(void **state)
{
	struct pace p = paced(6, 6);
	int64_t least = pace_interval_ns(&p, 0);
	int64_t most = pace_interval_ns(&p, UINT32_MAX);

	(void)state;
	assert_int_equal(least / NS_PER_MS, 64000);
	assert_int_equal(most / NS_PER_MS, 67840);
}

/* At a server that turns out to be near, more requests are due in the same
 * time, and none is late because of that. */
static void the_allowance_follows_the_shortest_interval(void **state)
{
	struct pace p = paced(-3, -3);

	(void)state;
	pace_sent(&p, NS_PER_S);
	samples(&p, 1, SAME_NETWORK_NS, POLL_KEEP);
	assert_int_equal(INTERVAL(&p), NS_PER_S / 8);
	assert_true(p.allowance > 7000);
	samples(&p, PACE_SUBSECOND_SAMPLES, FAR_NS, POLL_KEEP);
	assert_true(p.allowance < 901);
}

/* An unknown clock needs its samples now: the debt waits. */
static void an_urgent_request_is_not_delayed_by_a_debt(void **state)
{
	struct pace p = paced(6, 10);

	(void)state;
	p.starting = false;
	p.poll_log2_s = 8;
	pace_sent(&p, 200 * NS_PER_S);
	assert_int_equal(p.debt_ns, 56 * NS_PER_S);
	pace_sample(&p, FAR_NS, POLL_KEEP);
	assert_int_equal(INTERVAL(&p), (256 + 56) * NS_PER_S);
	pace_sample(&p, FAR_NS, POLL_SHORTER);
	assert_int_equal(INTERVAL(&p), 128 * NS_PER_S);
	pace_sample(&p, FAR_NS, POLL_KEEP);
	assert_int_equal(INTERVAL(&p), (128 + 32) * NS_PER_S);
	pace_sample(&p, FAR_NS, POLL_SHORTEST);
	assert_int_equal(INTERVAL(&p), 64 * NS_PER_S);
	p.doubted = 0;
	p.debt_ns = 4 * 64 * NS_PER_S;
	pace_sample(&p, FAR_NS, POLL_DOUBTED);
	assert_int_equal(INTERVAL(&p), 64 * NS_PER_S);
	pace_sample(&p, FAR_NS, POLL_KEEP);
	assert_int_equal(INTERVAL(&p), 80 * NS_PER_S);
}

/* While a source has a debt, a doubt brings no more requests out of turn. */
static void a_debt_forbids_doubts(void **state)
{
	struct pace p = paced(6, 6);

	(void)state;
	p.starting = false;
	p.debt_ns = 4 * 64 * NS_PER_S - 1;
	pace_sample(&p, FAR_NS, POLL_DOUBTED);
	assert_int_equal(p.doubted, PACE_DOUBT_TRIES);
	p.doubted = 0;
	p.debt_ns = 4 * 64 * NS_PER_S;
	pace_sample(&p, FAR_NS, POLL_DOUBTED);
	assert_int_equal(p.doubted, 0);
}

static void an_answer_is_given_up_before_the_next_request(void **state)
{
	for (int poll = POLL_LOG2_MIN; poll <= POLL_LOG2_MAX; poll++) {
		struct pace p = paced(poll, poll);

		assert_true(pace_answer_wait_ns(&p) < pace_interval_ns(&p, 0));
		assert_true(
		    pace_answer_wait_ns(&p) >= pace_interval_ns(&p, 0) / 2 ||
		    pace_answer_wait_ns(&p) == 4 * NS_PER_S);
		assert_true(pace_answer_wait_ns(&p) <= 4 * NS_PER_S);
	}
	(void)state;
}

static void a_rate_kiss_beats_the_configuration(void **state)
{
	struct pace p = paced(4, 4);

	(void)state;
	pace_burst(&p);
	pace_slow_down(&p);
	assert_int_equal(p.poll_log2_s, 5);
	samples(&p, 50, NEAR_NS, POLL_SHORTER);
	assert_int_equal(p.poll_log2_s, 5);
	for (int i = 0; i < 100; i++)
		pace_slow_down(&p);
	assert_int_equal(p.poll_log2_s, PACE_FAR_MAX);
}

/* RFC 8633 5.4/3 */
static void a_rate_kiss_has_its_longest_interval(void **state)
{
	static const struct {
		int maxpoll, longest;
	} cases[] = {{POLL_AUTO, PACE_FAR_MAX}, {8, PACE_FAR_MAX}, {12, 12}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pace p = paced(POLL_AUTO, cases[i].maxpoll);

		for (int n = 0; n < 100; n++)
			pace_slow_down(&p);
		assert_int_equal(p.poll_log2_s, cases[i].longest);
	}
}

/* Each RATE doubles the number of good samples, up to a limit. */
static void a_rate_kiss_is_forgiven_in_the_end(void **state)
{
	struct pace p = paced(6, 6);

	(void)state;
	for (int n = 0; n < 100; n++)
		pace_slow_down(&p);
	assert_int_equal(p.patience, PACE_RATE_POLLS_MAX);
	for (int n = 1; n < PACE_RATE_POLLS_MAX; n++)
		pace_forgive(&p);
	assert_int_equal(p.min_configured, PACE_FAR_MAX);
	pace_forgive(&p);
	assert_int_equal(p.min_configured, PACE_FAR_MAX - 1);
}

static void a_rate_kiss_ends_every_request_out_of_turn(void **state)
{
	struct pace p = paced(6, 6);

	(void)state;
	pace_burst(&p);
	p.votes = 3;
	p.doubted = 2;
	pace_slow_down(&p);
	assert_int_equal(p.votes, 0);
	assert_int_equal(INTERVAL(&p), 128 * NS_PER_S);
	pace_burst_unless_limited(&p);
	assert_int_equal(INTERVAL(&p), 128 * NS_PER_S);
	pace_burst(&p);
	assert_int_equal(INTERVAL(&p), PACE_QUICK_NS);
}

static void a_rate_kiss_is_forgiven_step_by_step(void **state)
{
	struct source_config config = {.minpoll = 4, .maxpoll = 4};
	struct pace p;
	unsigned polls = 0;

	(void)state;
	pace_init(&p, &config);
	pace_slow_down(&p);
	pace_slow_down(&p);
	assert_int_equal(p.poll_log2_s, 6);
	/* The second kiss doubled the number of samples. */
	for (; p.poll_log2_s == 6; polls++) {
		pace_forgive(&p);
		pace_sample(&p, 10 * NS_PER_MS, POLL_SHORTER);
	}
	assert_int_equal(polls, 2 * PACE_RATE_POLLS);
	for (; p.poll_log2_s == 5; polls++) {
		pace_forgive(&p);
		pace_sample(&p, 10 * NS_PER_MS, POLL_SHORTER);
	}
	assert_int_equal(polls, 4 * PACE_RATE_POLLS);
	/* It stays there. */
	samples(&p, 1000, 10 * NS_PER_MS, POLL_SHORTER);
	assert_int_equal(p.poll_log2_s, 4);
	assert_int_equal(p.max_configured, 4);
}

/* A reload does not end it, however often it comes. */
static void a_rate_kiss_outlives_other_limits(void **state)
{
	static const int limits[][2] = {
	    {POLL_AUTO, POLL_AUTO}, {4, 4}, {4, 10}, {POLL_AUTO, 5}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct source_config fresh = {
		    .minpoll = limits[i][0], .maxpoll = limits[i][1]};
		struct pace p = paced(6, 6);

		pace_slow_down(&p);
		pace_slow_down(&p);
		pace_configure(&p, &fresh);
		pace_configure(&p, &fresh);
		assert_true(p.rate_limited);
		samples(&p, 50, NEAR_NS, POLL_SHORTEST);
		assert_int_equal(p.poll_log2_s, 8);
		for (unsigned n = 0; n < 8 * PACE_RATE_POLLS; n++)
			pace_forgive(&p);
		assert_false(p.rate_limited);
		assert_int_equal(p.min_configured, fresh.minpoll);
		assert_int_equal(p.max_configured, fresh.maxpoll);
		/* The next one is still the third. */
		pace_slow_down(&p);
		assert_int_equal(p.patience, 4 * PACE_RATE_POLLS);
	}
}

/* What the clock and the path had earned is kept, too. */
static void a_reload_after_rate_does_not_shorten_the_interval(void **state)
{
	static const struct source_config fresh = {.minpoll = 4, .maxpoll = 10};
	struct pace p = paced(6, 10);

	(void)state;
	pace_slow_down(&p);
	p.poll_log2_s = 9;
	pace_configure(&p, &fresh);
	assert_int_equal(p.min_configured, 7);
	assert_int_equal(p.poll_log2_s, 9);
}

static void each_cause_has_its_own_waits(void **state)
{
	struct backoff b = {0};

	(void)state;
	for (int i = 0; i < 90; i++)
		backoff_next_ns(&b, CAUSE_DNS, MIDDLE);
	assert_true(backoff_next_ns(&b, CAUSE_TLS, MIDDLE) < 4 * NS_PER_S);
	assert_true(backoff_next_ns(&b, CAUSE_TLS, MIDDLE) < 4 * NS_PER_S);
}

static void a_low_maximum_is_obeyed_on_any_path(void **state)
{
	struct pace p = paced(POLL_AUTO, 4);

	(void)state;
	samples(&p, 50, FAR_NS, POLL_LONGER);
	assert_int_equal(p.poll_log2_s, 4);
}

static int64_t next_s(struct backoff *b, enum pace_cause cause)
{
	return (backoff_next_ns(b, cause, MIDDLE) + NS_PER_MS) / NS_PER_S;
}

/* RFC 8915 4.1.3/3, RFC 8915 4.2/1, RFC 8915 4.2/2 */
static void backoff_is_steady_then_doubles_to_its_cap(void **state)
{
	struct backoff b = {0}, dns = {0};
	int64_t want_s[] = {4, 8, 16, 32, 64, 120, 120, 120};

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(next_s(&b, CAUSE_CONNECT), 2);
	for (size_t i = 0; i < ARRAY_LEN(want_s); i++)
		assert_int_equal(next_s(&b, CAUSE_CONNECT), want_s[i]);
	for (int i = 0; i < 60; i++)
		assert_int_equal(next_s(&dns, CAUSE_DNS), 1);
	assert_int_equal(next_s(&dns, CAUSE_DNS), 2);
}

static int64_t silence_s(const struct pace *p, int64_t after_s)
{
	return (pace_silence_ns(p, after_s * NS_PER_S, MIDDLE) + NS_PER_MS) /
	       NS_PER_S;
}

/* The return of a network is found within an eighth of the silence and within
 * maxpoll. So a day without answers costs a fixed number of requests more than
 * maxpoll allows, whatever the interval was. */
static void a_silent_day(int poll_log2_s)
{
	struct pace p = paced(6, 10);
	int64_t day = 86400 * NS_PER_S, at = 0;
	int sent = 0;

	p.poll_log2_s = poll_log2_s;
	p.starting = false;
	while (at < day) {
		int64_t wait = pace_silence_ns(&p, at, MIDDLE);

		if (at >= 900 * NS_PER_S)
			assert_true(wait <= at / 8 + 8 * NS_PER_S);
		assert_true(wait <= 1024 * NS_PER_S);
		pace_sent(&p, wait);
		at += wait;
		sent++;
	}
	assert_in_range(sent, 84, 84 + 40);
}

static void the_return_after_a_long_silence_is_found_soon(void **state)
{
	(void)state;
	for (int poll = 6; poll <= 10; poll++)
		a_silent_day(poll);
}

/* A maxpoll below the waits of a short silence counts. */
static void a_long_silence_is_asked_at_a_short_maxpoll(void **state)
{
	struct pace p = paced(4, 6);

	(void)state;
	assert_int_equal(silence_s(&p, 899), 64);
	assert_int_equal(silence_s(&p, 100000), 64);
}

/* A burst after a silence keeps the interval that was reached, and is a debt.
 */
static void a_burst_later_on_keeps_the_interval(void **state)
{
	struct pace p = paced(6, 10);

	(void)state;
	p.poll_log2_s = 9;
	p.starting = false;
	pace_burst(&p);
	for (int i = 0; i < PACE_BURST_GOOD; i++) {
		pace_sent(&p, NS_PER_S);
		pace_sample(&p, FAR_NS, POLL_KEEP);
	}
	assert_int_equal(INTERVAL(&p), 2 * NS_PER_S);
	for (int i = 1; i < 9; i++)
		pace_sent(&p, INTERVAL(&p));
	assert_int_equal(p.poll_log2_s, 9);
	assert_in_range(p.debt_ns, 8 * 512 * NS_PER_S, 12 * 512 * NS_PER_S);
	pace_sample(&p, FAR_NS, POLL_KEEP);
	assert_int_equal(INTERVAL(&p), (512 + 128) * NS_PER_S);
}

static void requests_become_rarer_with_the_silence(void **state)
{
	struct pace p = paced(6, 10);

	(void)state;
	assert_int_equal(silence_s(&p, 0), 4);
	assert_int_equal(silence_s(&p, 32), 4);
	assert_int_equal(silence_s(&p, 56), 7);
	assert_int_equal(silence_s(&p, 80), 20);
	assert_int_equal(silence_s(&p, 800), 120);
	assert_int_equal(silence_s(&p, 86400), 1024);
	p = paced(0, 0);
	assert_int_equal(silence_s(&p, 10), 1);
	p = paced(6, 10);
	pace_burst(&p);
	assert_int_equal(silence_s(&p, 0), 1);
}

static void a_fleet_does_not_ask_at_one_moment(void **state)
{
	struct backoff first = {0}, last = {0};

	(void)state;
	assert_int_equal(
	    backoff_next_ns(&first, CAUSE_SILENCE, 0), 6 * NS_PER_S);
	assert_int_equal(
	    backoff_next_ns(&last, CAUSE_SILENCE, UINT32_MAX), 10 * NS_PER_S);
}

/* A full server turns away hundreds of agents in one moment. */
static void agents_that_are_turned_away_do_not_march_in_step(void **state)
{
	enum pace_cause causes[] = {
	    CAUSE_CONNECT, CAUSE_TLS, CAUSE_CERTIFICATE, CAUSE_EXCHANGE};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
		struct backoff first = {0}, last = {0};
		int64_t least_ns = backoff_next_ns(&first, causes[i], 0);
		int64_t most_ns = backoff_next_ns(&last, causes[i], UINT32_MAX);

		assert_true(least_ns >= NS_PER_S / 2);
		assert_true(most_ns >= 6 * least_ns);
		for (int n = 0; n < 100; n++)
			most_ns = backoff_next_ns(&last, causes[i], UINT32_MAX);
		assert_true(
		    most_ns <=
		    (causes[i] == CAUSE_CONNECT ? 151 : 1126) * NS_PER_S);
	}
}

static void every_cause_starts_in_seconds_and_stays_within_minutes(void **state)
{
	(void)state;
	for (int cause = 0; cause < CAUSE_RENEWAL; cause++) {
		struct backoff b = {0};

		assert_true(backoff_next_ns(&b, (enum pace_cause)cause,
				UINT32_MAX) <= 10 * NS_PER_S);
		b.failures = 1000000;
		assert_true(backoff_next_ns(&b, (enum pace_cause)cause,
				MIDDLE) <= 900 * NS_PER_S);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_near_server_is_asked_more_often),
	    cmocka_unit_test(a_distant_server_gets_no_subsecond_polls),
	    cmocka_unit_test(configured_limits_hold),
	    cmocka_unit_test(one_configured_limit_bends_the_other),
	    cmocka_unit_test(a_restart_keeps_a_server_near_or_far),
	    cmocka_unit_test(a_burst_ends_with_enough_answers),
	    cmocka_unit_test(a_changed_clock_is_measured_again),
	    cmocka_unit_test(a_burst_without_answers_ends),
	    cmocka_unit_test(after_a_burst_the_intervals_ramp_up),
	    cmocka_unit_test(the_first_climb_is_the_slowest),
	    cmocka_unit_test(requests_out_of_turn_are_paid_back),
	    cmocka_unit_test(a_burst_uses_the_allowance),
	    cmocka_unit_test(the_allowance_grows_with_the_shortest_interval),
	    cmocka_unit_test(other_limits_bring_no_new_allowance),
	    cmocka_unit_test(a_request_that_stays_here_is_not_counted),
	    cmocka_unit_test(a_silence_leaves_half_of_the_allowance),
	    cmocka_unit_test(no_hour_breaks_the_promise),
	    cmocka_unit_test(a_doubted_answer_is_asked_for_again),
	    cmocka_unit_test(the_allowance_comes_back),
	    cmocka_unit_test(a_contradiction_is_asked_for_at_once),
	    cmocka_unit_test(a_contradiction_interrupts_a_ramp),
	    cmocka_unit_test(doubts_do_not_last),
	    cmocka_unit_test(a_rate_limited_server_is_not_doubted),
	    cmocka_unit_test(a_burst_never_slows_a_faster_poll),
	    cmocka_unit_test(intervals_are_spread_but_little),
	    cmocka_unit_test(a_burst_ends_a_doubt),
	    cmocka_unit_test(the_allowance_follows_the_shortest_interval),
	    cmocka_unit_test(an_urgent_request_is_not_delayed_by_a_debt),
	    cmocka_unit_test(a_debt_forbids_doubts),
	    cmocka_unit_test(an_answer_is_given_up_before_the_next_request),
	    cmocka_unit_test(a_rate_kiss_beats_the_configuration),
	    cmocka_unit_test(a_rate_kiss_has_its_longest_interval),
	    cmocka_unit_test(a_rate_kiss_is_forgiven_in_the_end),
	    cmocka_unit_test(a_rate_kiss_ends_every_request_out_of_turn),
	    cmocka_unit_test(a_rate_kiss_is_forgiven_step_by_step),
	    cmocka_unit_test(a_rate_kiss_outlives_other_limits),
	    cmocka_unit_test(a_reload_after_rate_does_not_shorten_the_interval),
	    cmocka_unit_test(each_cause_has_its_own_waits),
	    cmocka_unit_test(a_low_maximum_is_obeyed_on_any_path),
	    cmocka_unit_test(backoff_is_steady_then_doubles_to_its_cap),
	    cmocka_unit_test(the_return_after_a_long_silence_is_found_soon),
	    cmocka_unit_test(a_long_silence_is_asked_at_a_short_maxpoll),
	    cmocka_unit_test(a_burst_later_on_keeps_the_interval),
	    cmocka_unit_test(requests_become_rarer_with_the_silence),
	    cmocka_unit_test(a_fleet_does_not_ask_at_one_moment),
	    cmocka_unit_test(agents_that_are_turned_away_do_not_march_in_step),
	    cmocka_unit_test(
		every_cause_starts_in_seconds_and_stays_within_minutes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
