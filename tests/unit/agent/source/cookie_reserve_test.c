/* Which cookies go to the disk, and when. */
#include "tests/unit/agent/source/rig.h"

/* Keys that have brought an answer, and a full jar. */
static void be_well(struct rig *r)
{
	rig_init(r);
	rig_start(r);
	rig_send(r);
	rig_answer(r);
	assert_int_equal(r->source.assoc.jar.count, NTS_COOKIES);
}

static bool due(const struct rig *r)
{
	return cookie_reserve_due(&r->source, r->now.mono);
}

static struct saved_keys *make(struct rig *r)
{
	struct saved_keys *k = calloc(1, sizeof(*k));

	assert_non_null(k);
	cookie_reserve_make(&r->source, &r->now, k);
	return k;
}

static uint32_t number(const uint8_t *cookie)
{
	struct reader body = reader_of(cookie, PEER_COOKIE_LEN);

	return peer_cookie_number(body);
}

static void keys_are_saved_after_their_first_answer(void **state)
{
	struct rig *r = *state;

	assert_false(due(r));
	rig_start(r);
	assert_false(due(r));
	rig_send(r);
	assert_false(due(r));
	rig_answer(r);
	assert_true(due(r));
	rig_pass_until_due(r);
	rig_send(r);
	assert_false(due(r));
}

static void the_newest_cookies_move_to_the_disk_in_their_order(void **state)
{
	struct rig *r = *state;
	struct saved_keys *k;

	be_well(r);
	k = make(r);
	assert_int_equal(k->answer.cookie_count, COOKIE_RESERVE_COOKIES);
	assert_int_equal(
	    r->source.assoc.jar.count, NTS_COOKIES - COOKIE_RESERVE_COOKIES);
	/* The first of eight was used and brought the ninth. */
	for (unsigned i = 0; i < COOKIE_RESERVE_COOKIES; i++)
		assert_int_equal(number(k->answer.cookies[i].bytes), 6 + i);
	assert_memory_equal(
	    &k->answer.facts, &r->source.facts, sizeof(k->answer.facts));
	assert_int_equal(k->answer.stage, KE_STAGE_DONE);
	assert_int_equal(k->answer.address_count, 1);
	assert_memory_equal(k->answer.addresses, r->source.addresses,
	    sizeof(k->answer.addresses));
	assert_memory_equal(
	    &k->answer.keys, &r->peer.keys, sizeof(k->answer.keys));
	assert_int_equal(k->answer.aead, AEAD_AES_SIV_CMAC_256);
	free(k);
}

static void other_keys_and_the_address_in_use_are_saved(void **state)
{
	struct rig *r = *state;
	struct saved_keys *k;

	be_well(r);
	memset(&r->source.assoc.other_keys, 5, sizeof(struct nts_keys));
	r->source.assoc.have_other_keys = true;
	r->source.address_count = 3;
	r->source.address = 2;
	k = make(r);
	assert_int_equal(k->address, 2);
	assert_int_equal(k->answer.address_count, 3);
	assert_int_equal(k->answer.have_other_keys, 1);
	assert_int_equal(k->answer.other_keys.c2s[0], 5);
	free(k);
}

static void the_file_knows_the_age_of_the_keys(void **state)
{
	struct rig *r = *state;
	struct saved_keys *k;

	be_well(r);
	rig_pass(r, 1000 * NS_PER_S);
	k = make(r);
	assert_int_equal(k->saved_s, r->now.wall.ns / NS_PER_S);
	assert_int_equal(k->saved_s - k->keyed_s, 1000);
	free(k);
}

static void the_next_write_is_due_after_an_hour_or_with_new_keys(void **state)
{
	struct rig *r = *state;

	be_well(r);
	free(make(r));
	rig_pass_until_due(r);
	rig_send(r);
	rig_answer(r);
	assert_int_equal(r->source.assoc.jar.count, NTS_COOKIES);
	assert_false(due(r));
	rig_pass(r, COOKIE_RESERVE_RENEW_NS - 2 * NS_PER_S);
	assert_false(due(r));
	rig_pass(r, 2 * NS_PER_S);
	assert_true(due(r));
	free(make(r));
	assert_false(due(r));
	r->source.renew_at = r->now.mono;
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_give_keys(r);
	rig_pass(r, 60 * NS_PER_S);
	rig_send(r);
	assert_false(due(r));
	rig_answer(r);
	assert_true(due(r));
}

/* Four stay in the jar. Later writes wait until it is full. */
static void a_jar_that_fills_slowly_keeps_its_cookies(void **state)
{
	struct rig *r = *state;
	struct saved_keys *k;
	struct cookie gone;

	be_well(r);
	for (int i = 0; i < 3; i++)
		assert_true(cookie_jar_take(&r->source.assoc.jar, &gone));
	k = make(r);
	assert_int_equal(k->answer.cookie_count, 1);
	assert_int_equal(r->source.assoc.jar.count, COOKIE_RESERVE_COOKIES);
	free(k);
	/* One is too few, but there are none to spare. */
	assert_false(due(r));
	for (unsigned i = r->source.assoc.jar.count; i < NTS_COOKIES; i++) {
		assert_false(due(r));
		assert_true(
		    cookie_jar_put(&r->source.assoc.jar, gone.bytes, gone.len));
	}
	assert_true(due(r));
}

static void with_four_in_the_jar_none_is_spared(void **state)
{
	struct rig *r = *state;
	struct cookie gone;

	be_well(r);
	for (int i = 0; i < 3; i++)
		assert_true(cookie_jar_take(&r->source.assoc.jar, &gone));
	assert_true(due(r));
	assert_true(cookie_jar_take(&r->source.assoc.jar, &gone));
	assert_false(due(r));
}

static void a_path_that_loses_large_packets_spares_two(void **state)
{
	struct rig *r = *state;
	struct saved_keys *k;

	be_well(r);
	r->source.size.blamed = true;
	k = make(r);
	assert_int_equal(k->answer.cookie_count, COOKIE_RESERVE_COOKIES / 2);
	free(k);
	assert_false(due(r));
}

static void keys_that_may_not_be_written_are_not(void **state)
{
	struct rig *r = *state;
	struct saved_keys k;

	be_well(r);
	cookie_reserve_bar(&r->source);
	assert_false(due(r));
	assert_false(cookie_reserve_all(&r->source, &r->now, &k));
	/* The next keys may. */
	r->source.renew_at = r->now.mono;
	assert_int_equal(rig_timer(r), ACTION_KEYS);
	rig_give_keys(r);
	rig_pass(r, 60 * NS_PER_S);
	rig_send(r);
	rig_answer(r);
	assert_true(due(r));
}

static void keys_without_checked_dates_are_not_written(void **state)
{
	struct rig *r = *state;
	struct saved_keys k;
	bool ok;

	rig_start_undated(r);
	rig_send(r);
	rig_hear_peer(r, &r->peer, &ok);
	assert_true(ok);
	source_undated_sample(&r->source, NS_PER_MS, r->now.mono, RIG_MIDDLE);
	assert_int_equal(r->source.unanswered_keys, 0);
	assert_false(due(r));
	assert_false(cookie_reserve_all(&r->source, &r->now, &k));
}

static void an_orderly_end_saves_the_whole_jar(void **state)
{
	struct rig *r = *state;
	struct saved_keys k;

	assert_false(cookie_reserve_all(&r->source, &r->now, &k));
	be_well(r);
	assert_true(cookie_reserve_all(&r->source, &r->now, &k));
	assert_int_equal(k.answer.cookie_count, NTS_COOKIES);
	assert_int_equal(r->source.assoc.jar.count, 0);
	assert_false(cookie_reserve_all(&r->source, &r->now, &k));
	be_well(r);
	source_go_offline(&r->source);
	assert_true(cookie_reserve_all(&r->source, &r->now, &k));
}

static void a_file_is_removed_once(void **state)
{
	struct rig *r = *state;

	be_well(r);
	assert_false(cookie_reserve_drop(&r->source));
	free(make(r));
	assert_true(cookie_reserve_drop(&r->source));
	assert_false(cookie_reserve_drop(&r->source));
	assert_true(r->source.assoc.jar.count > 0);
}

/* A restart: what is left on disk counts, and is filled up later. */
static void cookies_that_are_left_on_disk_count(void **state)
{
	static const struct {
		unsigned left;
		bool due;
	} cases[] = {{0, true}, {1, true}, {4, false}};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct saved_keys *k;

		be_well(r);
		k = make(r);
		source_init(&r->source, &r->config, r->now.mono);
		source_saved(&r->source, k, cases[i].left, r->now, RIG_MIDDLE);
		free(k);
		rig_send(r);
		rig_answer(r);
		assert_int_equal(r->source.assoc.jar.count, NTS_COOKIES);
		assert_int_equal(due(r), cases[i].due);
		rig_pass(r, COOKIE_RESERVE_RENEW_NS);
		assert_true(due(r));
		assert_int_equal(
		    cookie_reserve_drop(&r->source), cases[i].left > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(keys_are_saved_after_their_first_answer),
	    RIG_TEST(the_newest_cookies_move_to_the_disk_in_their_order),
	    RIG_TEST(other_keys_and_the_address_in_use_are_saved),
	    RIG_TEST(the_file_knows_the_age_of_the_keys),
	    RIG_TEST(the_next_write_is_due_after_an_hour_or_with_new_keys),
	    RIG_TEST(a_jar_that_fills_slowly_keeps_its_cookies),
	    RIG_TEST(with_four_in_the_jar_none_is_spared),
	    RIG_TEST(a_path_that_loses_large_packets_spares_two),
	    RIG_TEST(keys_that_may_not_be_written_are_not),
	    RIG_TEST(keys_without_checked_dates_are_not_written),
	    RIG_TEST(an_orderly_end_saves_the_whole_jar),
	    RIG_TEST(a_file_is_removed_once),
	    RIG_TEST(cookies_that_are_left_on_disk_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
