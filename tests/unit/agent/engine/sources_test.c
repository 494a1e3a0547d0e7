#include "agent/engine/sources.h"

#include "tests/unit/agent/engine/world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* A world in which key exchanges have failed for an hour: each back-off is at
 * its cap. */
static struct world *world_in_trouble(enum ke_stage stage)
{
	struct world *w = world_new(1, 0, 0);

	w->keys_fail[0] = true;
	w->fail_stage = stage;
	world_start(w);
	world_run(w, 3600 * NS_PER_S);
	assert_int_equal(w->engine.sources[0].count.good, 0);
	return w;
}

/* Ends the trouble, and retries. Returns the milliseconds until a sample comes,
 * at most `limit_s`. */
static int64_t recovery_ms(
    struct world *w, enum early_retry retry, int64_t limit_s)
{
	int64_t start = w->now;
	uint64_t good = w->engine.sources[0].count.good;

	w->keys_fail[0] = w->silent[0] = false;
	engine_retry_early(&w->engine, retry, NULL, world_reading(w));
	while (w->engine.sources[0].count.good == good &&
	       w->now - start < limit_s * NS_PER_S)
		world_run(w, 10 * NS_PER_MS);
	return (w->now - start) / NS_PER_MS;
}

static void a_change_of_the_network_ends_all_waits_for_keys(void **state)
{
	static const enum ke_stage stages[] = {
	    KE_STAGE_DNS, KE_STAGE_CONNECT, KE_STAGE_TLS, KE_STAGE_CERTIFICATE};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
		struct world *w = world_in_trouble(stages[i]);

		assert_in_range(recovery_ms(w, RETRY_NETWORK, 20), 0, 1200);
		world_end(w);
	}
}

static void a_changed_certificate_file_ends_only_waits_for_certificates(
    void **state)
{
	struct world *w = world_in_trouble(KE_STAGE_CERTIFICATE);
	struct mono retry_at;

	(void)state;
	assert_in_range(recovery_ms(w, RETRY_TRUST, 20), 0, 1200);
	world_end(w);
	w = world_in_trouble(KE_STAGE_DNS);
	retry_at = w->engine.sources[0].retry_at;
	engine_retry_early(&w->engine, RETRY_TRUST, NULL, world_reading(w));
	assert_int_equal(w->engine.sources[0].retry_at.ns, retry_at.ns);
	world_end(w);
}

/* The server refuses the cookies, and the key exchange fails. */
static void a_source_that_wants_keys_asks_for_them_at_once(void **state)
{
	struct world *w = world_new(1, 0, 0);
	struct source *s;

	(void)state;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	s = &w->engine.sources[0];
	s->keys_wanted = true;
	s->backoff = (struct backoff){CAUSE_CERTIFICATE, 20};
	s->keys_not_before = mono_after((struct mono){w->mono}, 900 * NS_PER_S);
	engine_retry_early(&w->engine, RETRY_TRUST, NULL, world_reading(w));
	world_run(w, 1200 * NS_PER_MS);
	assert_int_equal(s->count.exchanges, 2);
	world_end(w);
}

static void an_order_ends_every_wait_at_once(void **state)
{
	struct world *w = world_in_trouble(KE_STAGE_EXCHANGE);

	(void)state;
	assert_in_range(recovery_ms(w, RETRY_ORDER, 20), 0, 100);
	world_end(w);
}

static void a_silent_source_asks_when_the_network_is_back(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	world_start(w);
	world_run(w, 3600 * NS_PER_S);
	w->silent[0] = w->keys_fail[0] = true;
	w->fail_stage = KE_STAGE_CONNECT;
	world_run(w, 1800 * NS_PER_S);
	assert_in_range(recovery_ms(w, RETRY_NETWORK, 60), 0, 1200);
	world_end(w);
}

static void a_source_without_trouble_is_left_alone(void **state)
{
	struct world *w = world_new(1, 0, 0);
	struct source before;
	unsigned requests;

	(void)state;
	world_start(w);
	world_run(w, 1000 * NS_PER_S);
	requests = w->requests;
	before = w->engine.sources[0];
	assert_false(before.pending.open);
	engine_retry_early(&w->engine, RETRY_NETWORK, NULL, world_reading(w));
	engine_retry_early(&w->engine, RETRY_TRUST, NULL, world_reading(w));
	world_run(w, NS_PER_S);
	assert_int_equal(w->requests, requests);
	assert_int_equal(w->engine.sources[0].poll_at.ns, before.poll_at.ns);
	world_end(w);
}

/* Only once: however often routes change, no server gets more requests. */
static void a_new_path_is_tried_once(void **state)
{
	struct world *w = world_new(2, 0, 0);
	unsigned requests, each_hour;

	(void)state;
	world_start(w);
	world_run(w, 3600 * NS_PER_S);
	requests = w->requests;
	world_run(w, 3600 * NS_PER_S);
	each_hour = w->requests - requests;
	requests = w->requests;
	w->rerouted = true;
	engine_retry_early(&w->engine, RETRY_NETWORK, NULL, world_reading(w));
	world_run(w, 1200 * NS_PER_MS);
	assert_int_equal(w->requests, requests + 2);
	engine_retry_early(&w->engine, RETRY_NETWORK, NULL, world_reading(w));
	world_run(w, 1200 * NS_PER_MS);
	assert_int_equal(w->requests, requests + 2);
	requests = w->requests;
	for (int i = 0; i < 450; i++) {
		engine_retry_early(
		    &w->engine, RETRY_NETWORK, NULL, world_reading(w));
		world_run(w, 8 * NS_PER_S);
	}
	assert_true(w->requests - requests <= each_hour + each_hour / 10);
	world_end(w);
}

static void a_rate_limited_server_is_not_tried_by_a_new_path(void **state)
{
	struct world *w = world_new(1, 0, 0);
	unsigned requests;

	(void)state;
	world_start(w);
	world_run(w, 3500 * NS_PER_S);
	pace_slow_down(&w->engine.sources[0].pace);
	requests = w->requests;
	w->rerouted = true;
	engine_retry_early(&w->engine, RETRY_NETWORK, NULL, world_reading(w));
	world_run(w, NS_PER_S);
	assert_int_equal(w->requests, requests);
	world_end(w);
}

static void a_changed_certificate_file_ends_the_wait_of_a_renewal(void **state)
{
	struct world *w = world_new(1, 0, 0);
	struct source *s;

	(void)state;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	s = &w->engine.sources[0];
	w->keys_fail[0] = true;
	s->renew_at = (struct mono){w->mono};
	world_run(w, 600 * NS_PER_S);
	assert_true(s->renewal_failed);
	assert_string_equal(s->failure, "certificate");
	w->keys_fail[0] = false;
	engine_retry_early(&w->engine, RETRY_TRUST, NULL, world_reading(w));
	world_run(w, 2 * NS_PER_S);
	assert_string_equal(s->failure, "");
	assert_false(s->renewal_failed);
	world_end(w);
}

/* A request from before the change may be lost. One that was just sent is kept,
 * because a start of the network brings many changes. */
static void a_key_exchange_under_way_is_repeated_after_a_second(void **state)
{
	struct world *w = world_new(1, 0, 0);
	struct source *s;

	(void)state;
	world_start(w);
	s = &w->engine.sources[0];
	world_advance(w, SOURCE_SPREAD_NS);
	engine_on_timer(&w->engine, world_reading(w));
	assert_int_equal(s->stage, STAGE_KEYING);
	assert_int_equal(
	    engine_deadline(&w->engine).ns > w->mono + NS_PER_S, 1);
	engine_retry_early(&w->engine, RETRY_NETWORK, NULL, world_reading(w));
	assert_true(s->retry_at.ns >= w->mono + RETRY_KEYING_NS);
	w->keys[0].there = false; /* lost */
	world_run(w, 2500 * NS_PER_MS);
	assert_int_equal(s->stage, STAGE_POLLING);
	assert_int_equal(s->serial, 2);
	world_end(w);
}

static void an_order_may_name_its_source(void **state)
{
	struct world *w = world_new(2, 0, 0);

	(void)state;
	w->keys_fail[0] = w->keys_fail[1] = true;
	world_start(w);
	world_run(w, 3600 * NS_PER_S);
	assert_int_equal(
	    engine_retry_early(&w->engine, RETRY_ORDER, "b", world_reading(w)),
	    1);
	assert_true(w->engine.sources[0].retry_at.ns > w->mono);
	assert_int_equal(w->engine.sources[1].retry_at.ns, w->mono);
	assert_int_equal(
	    engine_retry_early(&w->engine, RETRY_ORDER, "z", world_reading(w)),
	    0);
	world_end(w);
}

/* A machine without a network for a day: requests that never left spend no
 * cookie, and the first one that leaves needs no new keys. */
static void a_request_that_never_left_spends_no_cookie(void **state)
{
	struct world *w = world_new(1, 0, 0);
	uint64_t exchanges, good;

	(void)state;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	exchanges = w->engine.sources[0].count.exchanges;
	good = w->engine.sources[0].count.good;
	w->send_error = ENETUNREACH;
	w->keys_fail[0] = true;
	w->fail_stage = KE_STAGE_CONNECT;
	world_run(w, 12 * 3600 * NS_PER_S);
	assert_int_equal(w->engine.sources[0].assoc.jar.count, NTS_COOKIES);
	assert_int_equal(w->engine.sources[0].stage, STAGE_POLLING);
	w->send_error = 0;
	(void)engine_retry_early(
	    &w->engine, RETRY_NETWORK, NULL, world_reading(w));
	world_run(w, 2 * NS_PER_S);
	assert_true(w->engine.sources[0].count.good > good);
	assert_int_equal(w->engine.sources[0].count.exchanges, exchanges);
	assert_int_equal(w->reused_cookies, 0);
	world_end(w);
}

/* A queue that overflows may have sent a first fragment. */
static void a_request_that_may_have_left_spends_its_cookie(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	w->send_error = ENOBUFS;
	w->keys_fail[0] = true;
	world_run(w, 600 * NS_PER_S);
	assert_true(w->engine.sources[0].assoc.jar.count < NTS_COOKIES - 1);
	world_end(w);
}

/* A fleet behind one switch must not ask at once. An order is for one host. */
static void early_retries_are_spread_over_a_second(void **state)
{
	static const struct {
		enum early_retry retry;
		bool spread;
	} rows[] = {
	    {RETRY_NETWORK, true},
	    {RETRY_TRUST, true},
	    {RETRY_ORDER, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = world_new(2, 0, 0);
		int64_t wait_ns[2];

		w->keys_fail[0] = w->keys_fail[1] = true;
		world_start(w);
		world_run(w, 3600 * NS_PER_S);
		engine_retry_early(
		    &w->engine, rows[i].retry, NULL, world_reading(w));
		for (unsigned j = 0; j < 2; j++)
			wait_ns[j] = w->engine.sources[j].retry_at.ns - w->mono;
		assert_in_range(wait_ns[0], 0, NS_PER_S - 1);
		assert_in_range(wait_ns[1], 0, NS_PER_S - 1);
		assert_int_equal(wait_ns[0] != wait_ns[1], rows[i].spread);
		assert_int_equal(wait_ns[0] == 0, !rows[i].spread);
		world_end(w);
	}
}

/* The first source fails at once, the second one has not begun. Only a server
 * that ends a handshake may be full. */
static void a_server_that_is_full_delays_the_sources_that_start(void **state)
{
	static const struct {
		enum ke_stage stage;
		bool waits;
	} rows[] = {
	    {KE_STAGE_TLS, true},
	    {KE_STAGE_CONNECT, false},
	    {KE_STAGE_CERTIFICATE, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = world_new(2, 0, 0);
		const struct source *second;

		w->keys_fail[0] = true;
		w->fail_stage = rows[i].stage;
		world_start(w);
		second = &w->engine.sources[1];
		w->engine.sources[0].retry_at.ns = w->mono;
		w->engine.sources[1].retry_at.ns = w->mono + 100 * NS_PER_MS;
		world_run(w, 90 * NS_PER_MS);
		assert_int_equal(w->engine.sources[0].stage, STAGE_RESTING);
		assert_int_equal(second->stage, STAGE_START);
		world_run(w, 510 * NS_PER_MS);
		assert_int_equal(second->stage == STAGE_START, rows[i].waits);
		world_run(w, 6 * NS_PER_S);
		assert_int_equal(second->stage, STAGE_POLLING);
		world_end(w);
	}
}

/* The random number decides: here the middle of the five minutes, about. */
static void new_keys_after_a_change_of_files_are_spread_over_five_minutes(
    void **state)
{
	struct world *w = world_running(2, 1500 * NS_PER_S);

	(void)state;
	w->random = 127;
	engine_distrust(&w->engine, world_reading(w));
	assert_in_range(w->engine.sources[0].renew_at.ns - w->mono,
	    149 * NS_PER_S, 152 * NS_PER_S);
	assert_int_not_equal(
	    w->engine.sources[0].renew_at.ns, w->engine.sources[1].renew_at.ns);
	world_end(w);
}

static void a_second_order_to_go_offline_does_nothing(void **state)
{
	struct world *w = world_running(1, 600 * NS_PER_S);
	unsigned closes;

	(void)state;
	engine_take_offline(&w->engine, 0);
	closes = w->closes;
	assert_true(closes > 0);
	engine_take_offline(&w->engine, 0);
	assert_int_equal(w->closes, closes);
	world_end(w);
}

static void without_a_known_route_no_new_path_is_tried(void **state)
{
	struct world *w = world_running(1, 3600 * NS_PER_S);
	unsigned requests = w->requests;

	(void)state;
	/* The next request is far away when one has just left. */
	while (w->requests == requests)
		world_run(w, NS_PER_S);
	requests = w->requests;
	w->rerouted = true;
	w->engine.ports.rerouted = NULL;
	engine_retry_early(&w->engine, RETRY_NETWORK, NULL, world_reading(w));
	world_run(w, 1200 * NS_PER_MS);
	assert_int_equal(w->requests, requests);
	world_end(w);
}

static void a_source_that_is_offline_has_no_vote(void **state)
{
	struct world *w = world_running(2, 3600 * NS_PER_S);

	(void)state;
	engine_take_offline(&w->engine, 0);
	world_run(w, 600 * NS_PER_S);
	assert_true(world_view(w, 0).state != SELECT_SELECTED &&
		    world_view(w, 0).state != SELECT_COMBINED);
	assert_int_equal(world_view(w, 1).state, SELECT_SELECTED);
	world_end(w);
}

/* RFC 9109 4/3 */
static void each_action_has_its_effect(void **state)
{
	static const struct {
		enum source_action action;
		unsigned closes, asks, requests;
	} table[] = {
	    {ACTION_NOTHING, 0, 0, 0},
	    {ACTION_KEYS, 1, 1, 0},
	    {ACTION_SEND, 0, 0, 1},
	    {ACTION_CLOSE, 1, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct world *w = world_running(1, 600 * NS_PER_S);
		unsigned closes = w->closes, asks = w->asks;
		unsigned requests = w->requests;

		engine_carry_out(&w->engine, 0, table[i].action);
		assert_int_equal(w->closes - closes, table[i].closes);
		assert_int_equal(w->asks - asks, table[i].asks);
		assert_int_equal(w->requests - requests, table[i].requests);
		/* Closed sockets alone cost no samples. */
		assert_true(world_view(w, 0).samples > 0);
		world_end(w);
	}
}

/* Which sources are asked at once is one bit each. */
static void only_the_named_sources_hurry(void **state)
{
	struct world *w = world_running(3, 3600 * NS_PER_S);
	int64_t before_ns[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		before_ns[i] = w->engine.sources[i].poll_at.ns;
	engine_hurry(&w->engine, 1 << 0 | 1 << 2);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(
		    w->engine.sources[i].poll_at.ns < before_ns[i], i != 1);
	world_end(w);
}

/* ke-timeout and five seconds after the request for keys. */
static void overdue_answers_of_the_resolver_are_found(void **state)
{
	struct world *w = world_new(3, 0, 0);
	const int64_t wait_ns =
	    w->config.ke_timeout_ms * NS_PER_MS + RESOLVER_MARGIN_NS;
	struct source *s;
	struct mono at;

	(void)state;
	w->no_resolver = true;
	world_start(w);
	s = w->engine.sources;
	assert_int_equal(engine_overdue_at(&w->engine).ns, MONO_NEVER.ns);
	world_run(w, 2 * NS_PER_S);
	for (unsigned i = 0; i < 3; i++)
		s[i].asked_at.ns = (int64_t)(3 - i) * NS_PER_S;
	at = (struct mono){NS_PER_S + wait_ns};
	assert_int_equal(engine_overdue_at(&w->engine).ns, at.ns);
	at.ns--;
	assert_int_equal(engine_overdue(&w->engine, at), 0);
	at.ns++;
	assert_int_equal(engine_overdue(&w->engine, at), 1 << 2);
	at.ns += NS_PER_S;
	assert_int_equal(engine_overdue(&w->engine, at), 1 << 1 | 1 << 2);
	at.ns += NS_PER_S;
	assert_int_equal(engine_overdue(&w->engine, at), 7);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_change_of_the_network_ends_all_waits_for_keys),
	    cmocka_unit_test(
		a_changed_certificate_file_ends_only_waits_for_certificates),
	    cmocka_unit_test(a_source_that_wants_keys_asks_for_them_at_once),
	    cmocka_unit_test(an_order_ends_every_wait_at_once),
	    cmocka_unit_test(a_silent_source_asks_when_the_network_is_back),
	    cmocka_unit_test(a_source_without_trouble_is_left_alone),
	    cmocka_unit_test(a_new_path_is_tried_once),
	    cmocka_unit_test(a_rate_limited_server_is_not_tried_by_a_new_path),
	    cmocka_unit_test(
		a_changed_certificate_file_ends_the_wait_of_a_renewal),
	    cmocka_unit_test(
		a_key_exchange_under_way_is_repeated_after_a_second),
	    cmocka_unit_test(an_order_may_name_its_source),
	    cmocka_unit_test(a_request_that_never_left_spends_no_cookie),
	    cmocka_unit_test(a_request_that_may_have_left_spends_its_cookie),
	    cmocka_unit_test(early_retries_are_spread_over_a_second),
	    cmocka_unit_test(
		a_server_that_is_full_delays_the_sources_that_start),
	    cmocka_unit_test(
		new_keys_after_a_change_of_files_are_spread_over_five_minutes),
	    cmocka_unit_test(a_second_order_to_go_offline_does_nothing),
	    cmocka_unit_test(without_a_known_route_no_new_path_is_tried),
	    cmocka_unit_test(a_source_that_is_offline_has_no_vote),
	    cmocka_unit_test(each_action_has_its_effect),
	    cmocka_unit_test(only_the_named_sources_hurry),
	    cmocka_unit_test(overdue_answers_of_the_resolver_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
