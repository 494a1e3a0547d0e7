/* One server behind several names or addresses, and servers that look alike. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(two_names_of_one_address_have_one_vote),
	    cmocka_unit_test(two_addresses_of_one_server_have_one_vote),
	    cmocka_unit_test(the_name_that_answers_has_the_vote),
	    cmocka_unit_test(servers_that_only_look_alike_have_a_vote_each),
	    cmocka_unit_test(
		a_source_that_moves_to_a_known_address_loses_its_vote),
	    cmocka_unit_test(three_names_of_one_server_have_one_vote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
