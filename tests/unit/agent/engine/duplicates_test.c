/* One server behind several names or addresses, and servers that look alike. */
#include "agent/engine/duplicates.h"
#include "agent/engine/sources.h"
#include "tests/unit/agent/engine/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

static void two_names_of_one_address_have_one_vote(void **state)
{
	struct world *w = world_new(3, 0, 0);

	(void)state;
	/* b and c are one server, and it lies; a is honest. */
	memcpy(w->address[2], w->address[1], sizeof(w->address[1]));
	w->peer_error_ns[1] = w->peer_error_ns[2] = 700 * NS_PER_MS;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_true(world_within(w, NS_PER_MS));
	world_end(w);
}

/* The key servers of a and b lie, name the addresses of c and d as those of
 * their own time servers, and somebody on the path answers there. */
static void an_address_that_is_copied_takes_no_vote(void **state)
{
	struct world *w = world_new(5, 0, 0);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		memcpy(w->address[i], w->address[i + 2], sizeof(w->address[i]));
		w->peer_error_ns[i] = 700 * NS_PER_MS;
	}
	world_start(w);
	world_run(w, 300 * NS_PER_S);
	assert_true(world_within(w, NS_PER_MS));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(world_view(w, i).state, SELECT_FALSETICKER);
	for (unsigned i = 2; i < 5; i++)
		assert_true(world_view(w, i).state >= SELECT_COMBINED);
	world_end(w);
}

/* What is not known of both is not the same. */
static void without_addresses_all_are_different(void **state)
{
	struct world *w = world_new(3, 0, 0);
	unsigned server[SOURCES_MAX];

	(void)state;
	world_start(w);
	engine_servers(&w->engine, server);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(server[i], i);
	world_end(w);
}

/* One server in two families: two addresses, one key, one clock. */
static void two_addresses_of_one_server_have_one_vote(void **state)
{
	struct world *w = world_new(3, 0, 0);

	(void)state;
	w->one_key = true;
	w->peers[0].reference = 0xE7000000ABCD0001;
	w->peers[1].reference = w->peers[2].reference = 0xE7000000ABCD0002;
	w->peer_error_ns[1] = w->peer_error_ns[2] = 700 * NS_PER_MS;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_true(world_within(w, NS_PER_MS));
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(
		    engine_first_name(&w->engine, i), i == 2 ? 1 : i);
	/* The server has set its clock between the two requests: it is still
	 * one. */
	w->peers[2].reference++;
	world_run(w, 300 * NS_PER_S);
	assert_true(world_within(w, NS_PER_MS));
	world_end(w);
}

/* One of the two names falls silent: the other one has the vote. */
static void the_name_that_answers_has_the_vote(void **state)
{
	struct world *w = world_new(3, 0, 0);

	(void)state;
	w->one_key = true;
	w->peers[0].reference = w->peers[1].reference = 0xE7000000ABCD0001;
	w->peers[2].reference = 0xE7000000ABCD0002;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	w->silent[0] = true;
	world_run(w, 900 * NS_PER_S);
	w->peer_error_ns[2] = 70 * NS_PER_MS;
	world_run(w, 900 * NS_PER_S);
	assert_true(world_within(w, NS_PER_MS));
	world_end(w);
}

/* Three servers with one key, as an administrator may have given them; and one
 * that copies the reference time of another. */
static void servers_that_only_look_alike_have_a_vote_each(void **state)
{
	for (int copies = 0; copies < 2; copies++) {
		struct world *w = world_new(3, 0, 0);

		(void)state;
		w->one_key = copies == 0;
		for (unsigned i = 0; i < 3; i++)
			w->peers[i].reference =
			    0xE7000000ABCD0001 + (copies == 0 ? i : 0);
		w->peer_error_ns[0] = 700 * NS_PER_MS;
		world_start(w);
		world_run(w, 60 * NS_PER_S);
		assert_int_equal(world_view(w, 0).state, SELECT_FALSETICKER);
		assert_true(world_within(w, NS_PER_MS));
		world_end(w);
	}
}

/* b and c are wrong, and outvote a. Then c falls silent and moves to its second
 * address, which is that of b. */
static void a_source_that_moves_to_a_known_address_loses_its_vote(void **state)
{
	struct world *w = world_new(3, 0, 0);
	struct source *c;

	(void)state;
	w->peer_error_ns[1] = w->peer_error_ns[2] = 70 * NS_PER_MS;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(world_view(w, 0).state, SELECT_FALSETICKER);
	c = &w->engine.sources[2];
	c->address_count = 2;
	c->addresses[1] = w->engine.sources[1].addresses[0];
	w->silent[2] = w->keys_fail[2] = true;
	while (c->address == 0)
		world_run(w, 100 * NS_PER_MS);
	assert_int_equal(world_view(w, 1).state, SELECT_NO_MAJORITY);
	world_end(w);
}

/* All names have one key. a, b and c are one server, and it is wrong. */
static void three_names_of_one_server_have_one_vote(void **state)
{
	struct world *w = world_new(5, 0, 0);

	(void)state;
	w->one_key = true;
	for (unsigned i = 0; i < 5; i++)
		w->peers[i].reference =
		    0xE7000000ABCD0001 + (i < 3 ? 0 : (uint64_t)i);
	for (unsigned i = 0; i < 3; i++)
		w->peer_error_ns[i] = 70 * NS_PER_MS;
	world_start(w);
	world_run(w, 300 * NS_PER_S);
	assert_true(world_within(w, NS_PER_MS));
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(world_view(w, i).state, SELECT_FALSETICKER);
	assert_true(world_logged(w, "a and b are one server: they have one"));
	world_forget_log(w);
	world_run(w, 600 * NS_PER_S);
	assert_false(world_logged(w, "one server"));
	world_end(w);
}

/* Pools. */

static void each_has_another_server(const struct world *w)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < w->engine.source_count; i++) {
		int server = world_server_of(w, i);

		assert_in_range(server, 0, WORLD_PEERS - 1);
		assert_int_equal(seen >> server & 1, 0);
		seen |= 1U << server;
	}
}

static bool asks_server(const struct world *w, int server)
{
	for (unsigned i = 0; i < w->engine.source_count; i++)
		if (world_server_of(w, i) == server)
			return true;
	return false;
}

static struct world *pool_of(unsigned servers, unsigned members)
{
	struct world *w = world_new(servers, 0, 0);

	world_make_pool(w, members);
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	return w;
}

/* Their key exchanges come one after the other. */
static void the_sources_of_a_pool_have_one_address_each(void **state)
{
	struct world *w = pool_of(5, 4);

	(void)state;
	each_has_another_server(w);
	assert_int_equal(w->asks, 4);
	assert_int_equal(w->most_open_asks, 1);
	for (unsigned i = 0; i < 4; i++)
		assert_true(w->engine.sources[i].count.good >= 4);
	world_end(w);
}

/* All begin at one moment. */
static void no_two_exchanges_of_a_pool_take_one_address(void **state)
{
	struct world *w = world_new(5, 0, 0);

	(void)state;
	world_make_pool(w, 4);
	for (unsigned i = 0; i < 5; i++)
		w->keys_fail[i] = true;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(world_server_of(w, 0), -1);
	for (unsigned i = 0; i < 5; i++)
		w->keys_fail[i] = false;
	engine_retry_early(&w->engine, RETRY_ORDER, NULL, world_reading(w));
	world_run(w, NS_PER_S);
	each_has_another_server(w);
	assert_int_equal(w->most_open_asks, 1);
	world_end(w);
}

static void a_silent_server_is_replaced(void **state)
{
	struct world *w = pool_of(5, 4);
	int dead = world_server_of(w, 1);

	(void)state;
	w->silent[dead] = true;
	world_run(w, 300 * NS_PER_S);
	each_has_another_server(w);
	assert_false(asks_server(w, dead));
	assert_true(world_logged_at(w, LOG_LEVEL_NOTICE,
	    "p#2: 192.0.2.5 takes the place of 192.0.2.2"));
	assert_int_equal(w->engine.sources[1].silent, 0);
	assert_true(world_view(w, 1).state != SELECT_NO_SAMPLES);
	/* It stays there with its next keys. */
	w->silent[dead] = false;
	world_run(w, 120 * INT64_C(1000) * NS_PER_S);
	assert_true(w->engine.sources[1].count.exchanges >= 3);
	assert_int_equal(world_server_of(w, 1), 4);
	world_end(w);
}

static void a_server_without_keys_is_replaced(void **state)
{
	struct world *w = pool_of(5, 4);
	int dead = world_server_of(w, 2);

	(void)state;
	w->keys_fail[dead] = true;
	world_run(w, 100 * INT64_C(1000) * NS_PER_S);
	each_has_another_server(w);
	assert_false(asks_server(w, dead));
	world_end(w);
}

/* A renewal of the keys stays at the address. */
static void a_good_server_stays(void **state)
{
	struct world *w = pool_of(5, 4);
	int before[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		before[i] = world_server_of(w, i);
	world_run(w, 100 * INT64_C(1000) * NS_PER_S);
	assert_true(w->asks >= 8);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(world_server_of(w, i), before[i]);
	assert_false(world_logged(w, "takes the place"));
	world_end(w);
}

static void a_falseticker_is_replaced(void **state)
{
	struct world *w = pool_of(5, 4);
	int liar = world_server_of(w, 3);

	(void)state;
	w->peer_error_ns[liar] = 700 * NS_PER_MS;
	world_run(w, 1800 * NS_PER_S);
	each_has_another_server(w);
	assert_false(asks_server(w, liar));
	assert_true(world_logged(w, "p#4: "));
	assert_true(world_view(w, 3).state != SELECT_FALSETICKER);
	assert_true(world_within(w, NS_PER_MS));
	world_end(w);
}

/* No pool, but the name of the last source has another address. */
static void an_outvoted_source_tries_its_next_address(void **state)
{
	for (unsigned addresses = 1; addresses <= 2; addresses++) {
		struct world *w = pool_of(4, 3);
		int liar = world_server_of(w, 2);
		struct source *s = &w->engine.sources[2];
		unsigned asks = w->asks;

		(void)state;
		w->config.sources[2].member = 0;
		s->address_count = addresses;
		s->addresses[1] = s->addresses[0];
		s->addresses[1].address[3] = 4;
		w->peer_error_ns[liar] = 700 * NS_PER_MS;
		world_run(w, 1800 * NS_PER_S);
		assert_int_equal(asks_server(w, liar), addresses == 1);
		assert_int_equal(w->asks - asks, addresses - 1);
		assert_int_equal(
		    world_logged(w, "192.0.2.4 takes the place of 192.0.2.3"),
		    addresses == 2);
		assert_int_equal(
		    world_view(w, 2).state >= SELECT_COMBINED, addresses == 2);
		world_end(w);
	}
}

static void a_server_without_the_time_is_replaced(void **state)
{
	struct world *w = pool_of(5, 4);
	int lost = world_server_of(w, 3);

	(void)state;
	w->peers[lost].leap = LEAP_UNKNOWN;
	world_run(w, 1800 * NS_PER_S);
	each_has_another_server(w);
	assert_false(asks_server(w, lost));
	assert_true(world_view(w, 3).state >= SELECT_COMBINED);
	world_end(w);
}

/* Without another address it stays, and is not asked for keys all the time. */
static void a_falseticker_stays_if_there_is_no_other_address(void **state)
{
	struct world *w = pool_of(4, 4);
	int liar = world_server_of(w, 3);
	unsigned asks = w->asks;

	(void)state;
	w->peer_error_ns[liar] = 700 * NS_PER_MS;
	world_run(w, 3 * INT64_C(3600) * NS_PER_S);
	assert_true(asks_server(w, liar));
	assert_in_range(w->asks - asks, 1, 4);
	assert_int_equal(world_view(w, 3).state, SELECT_FALSETICKER);
	world_end(w);
}

static void a_duplicate_in_a_pool_is_replaced(void **state)
{
	struct world *w = world_new(5, 0, 0);

	(void)state;
	world_make_pool(w, 4);
	w->one_key = true;
	for (unsigned i = 0; i < 5; i++)
		w->peers[i].reference = 0xE7000000ABCD0001 + i;
	w->peers[1].reference = w->peers[0].reference;
	world_start(w);
	world_run(w, 2 * NS_PER_S);
	assert_int_equal(world_server_of(w, 1), 1);
	assert_true(world_logged(w, "p#1 and p#2 are one server"));
	world_run(w, 1800 * NS_PER_S);
	each_has_another_server(w);
	assert_false(asks_server(w, 1));
	assert_int_equal(w->engine.sources[1].server_id, 0);
	world_end(w);
}

/* Fewer addresses than sources: the last one waits, and says why. */
static void a_small_pool_has_sources_without_an_address(void **state)
{
	struct world *w = pool_of(2, 2);

	(void)state;
	world_end(w);
	w = world_new(3, 0, 0);
	world_make_pool(w, 3);
	w->pool = 2;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(world_server_of(w, 2), -1);
	assert_string_equal(w->engine.sources[2].failure, "dns");
	assert_string_equal(w->engine.sources[2].reason, "no address is left");
	w->pool = 3;
	world_run(w, 200 * NS_PER_S);
	each_has_another_server(w);
	world_end(w);
}

static void a_pool_is_the_same_after_a_restart(void **state)
{
	struct world *w = world_new(5, 0, 0);
	int before[4];
	unsigned asks;

	(void)state;
	w->keep_keys = true;
	world_make_pool(w, 4);
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	for (unsigned i = 0; i < 4; i++)
		before[i] = world_server_of(w, i);
	asks = w->asks;
	world_restart(w, true);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->asks, asks);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(world_server_of(w, i), before[i]);
	world_end(w);
}

/* Both addresses of a name may lead to the same wrong server. */
static void useless_moves_become_rare(void **state)
{
	for (unsigned member = 0; member <= 1; member++) {
		struct world *w = pool_of(4, 3);
		struct source *s = &w->engine.sources[2];
		struct mono now = w->engine.now.mono;
		unsigned moves = 0, hour = 0;

		(void)state;
		w->config.sources[2].member = member;
		for (; hour < 96; hour++) {
			now = mono_after(now, 3600 * NS_PER_S);
			for (unsigned i = 0; i < 2 * POOL_USELESS; i++)
				moves +=
				    source_vote(s, true, now) != ACTION_NOTHING;
			s->stage = STAGE_POLLING;
		}
		/* After 1, 2, 4, 8, 16, 32 and 64 hours, and 32 more; a pool
		 * has other servers. */
		assert_int_equal(moves, member > 0 ? 96 : 8);
		for (unsigned i = 1; i < POOL_USELESS; i++)
			(void)source_vote(s, false, now);
		(void)source_vote(s, true, now);
		(void)source_vote(s, false, now);
		assert_int_not_equal(s->replaced, 0);
		for (unsigned i = 0; i < POOL_USELESS; i++)
			(void)source_vote(s, false, now);
		assert_int_equal(s->replaced, 0);
		world_end(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(two_names_of_one_address_have_one_vote),
	    cmocka_unit_test(an_address_that_is_copied_takes_no_vote),
	    cmocka_unit_test(without_addresses_all_are_different),
	    cmocka_unit_test(two_addresses_of_one_server_have_one_vote),
	    cmocka_unit_test(the_name_that_answers_has_the_vote),
	    cmocka_unit_test(servers_that_only_look_alike_have_a_vote_each),
	    cmocka_unit_test(
		a_source_that_moves_to_a_known_address_loses_its_vote),
	    cmocka_unit_test(three_names_of_one_server_have_one_vote),
	    cmocka_unit_test(the_sources_of_a_pool_have_one_address_each),
	    cmocka_unit_test(no_two_exchanges_of_a_pool_take_one_address),
	    cmocka_unit_test(a_silent_server_is_replaced),
	    cmocka_unit_test(a_server_without_keys_is_replaced),
	    cmocka_unit_test(a_good_server_stays),
	    cmocka_unit_test(a_falseticker_is_replaced),
	    cmocka_unit_test(an_outvoted_source_tries_its_next_address),
	    cmocka_unit_test(useless_moves_become_rare),
	    cmocka_unit_test(a_server_without_the_time_is_replaced),
	    cmocka_unit_test(a_falseticker_stays_if_there_is_no_other_address),
	    cmocka_unit_test(a_duplicate_in_a_pool_is_replaced),
	    cmocka_unit_test(a_small_pool_has_sources_without_an_address),
	    cmocka_unit_test(a_pool_is_the_same_after_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
