#include "tests/unit/agent/engine/world.h"

#include "agent/engine/sources.h"
#include "clock/steering/restore.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum select_state state_of(struct world *w, unsigned i)
{
	struct source_view v;

	steering_source_view(w->engine.steering, i, &w->engine.timescale,
	    (struct wall){w->wall}, &v);
	return v.state;
}

static struct tracking tracking_of(struct world *w)
{
	struct tracking t;

	steering_tracking(w->engine.steering, &w->engine.timescale,
	    (struct wall){w->wall}, &t);
	return t;
}

static void assert_within(int64_t value, int64_t limit)
{
	if (value > limit || value < -limit)
		fail_msg("%lld is not within +-%lld", (long long)value,
		    (long long)limit);
}

static void a_wrong_clock_is_stepped_within_seconds(void **state)
{
	struct world *w = world_new(1, 100 * NS_PER_S, 0);

	(void)state;
	world_start(w);
	world_run(w, NS_PER_S);
	assert_true(w->engine.sources[0].count.good >= 1);
	world_run(w, 3500 * NS_PER_MS);
	assert_int_equal(w->steps, 1);
	assert_within(world_error(w), NS_PER_MS);
	assert_true(tracking_of(w).synchronised);
	assert_true(w->status.synchronised);
	world_end(w);
}

static void a_small_error_is_slewed_not_stepped(void **state)
{
	struct world *w = world_new(1, -20 * NS_PER_MS, 0);

	(void)state;
	world_start(w);
	world_run(w, 30 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_within(world_error(w), 100 * NS_PER_US);
	world_end(w);
}

static void a_frequency_error_is_learnt(void **state)
{
	struct world *w = world_new(1, 50 * NS_PER_MS, 80);

	(void)state;
	world_start(w);
	world_run(w, 1200 * NS_PER_S);
	assert_within(world_error(w), 10 * NS_PER_US);
	assert_true(fabs(w->keeper.base_freq_ppm + 80) < 0.5);
	world_end(w);
}

static void a_liar_among_three_is_named(void **state)
{
	struct world *w = world_new(3, NS_PER_MS, 5);

	(void)state;
	w->peer_error_ns[1] = 500 * NS_PER_MS;
	world_start(w);
	world_run(w, 120 * NS_PER_S);
	assert_int_equal(state_of(w, 1), SELECT_FALSETICKER);
	assert_within(world_error(w), 100 * NS_PER_US);
	assert_true(tracking_of(w).selected != 1);
	world_end(w);
}

/* A laptop without a network for a day: requests that never left have spent
 * nothing, and the first one that leaves needs no new keys. */
static void what_never_left_spends_no_cookie(void **state)
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
	    &w->engine, RETRY_NETWORK, NULL, world_moment(w));
	world_run(w, 2 * NS_PER_S);
	assert_true(w->engine.sources[0].count.good > good);
	assert_int_equal(w->engine.sources[0].count.exchanges, exchanges);
	assert_int_equal(w->reused_cookies, 0);
	world_end(w);
}

/* A queue that overflows may have let a first fragment pass. */
static void what_may_have_left_is_spent(void **state)
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

static void two_that_disagree_move_nothing(void **state)
{
	struct world *w = world_new(2, 0, 0);

	(void)state;
	w->peer_error_ns[1] = 500 * NS_PER_MS;
	world_start(w);
	world_run(w, 120 * NS_PER_S);
	assert_false(tracking_of(w).synchronised);
	assert_true(tracking_of(w).reason[0] != '\0');
	assert_within(world_error(w), NS_PER_MS);
	world_end(w);
}

static void one_address_under_two_names_counts_once(void **state)
{
	struct world *w = world_new(3, 0, 0);

	(void)state;
	/* b and c are one server, and it lies; a is honest. */
	memcpy(w->address[2], w->address[1], sizeof(w->address[1]));
	w->peer_error_ns[1] = w->peer_error_ns[2] = 700 * NS_PER_MS;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_within(world_error(w), NS_PER_MS);
	world_end(w);
}

/* The same by two families: other addresses, one key, one clock. */
static void one_server_by_two_addresses_counts_once(void **state)
{
	struct world *w = world_new(3, 0, 0);

	(void)state;
	w->one_key = true;
	w->peers[0].reference = 0xE7000000ABCD0001;
	w->peers[1].reference = w->peers[2].reference = 0xE7000000ABCD0002;
	w->peer_error_ns[1] = w->peer_error_ns[2] = 700 * NS_PER_MS;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_within(world_error(w), NS_PER_MS);
	/* It has set its clock between the two requests: they are still one. */
	w->peers[2].reference++;
	world_run(w, 300 * NS_PER_S);
	assert_within(world_error(w), NS_PER_MS);
	world_end(w);
}

/* One family of it falls silent: the other one speaks for it. */
static void the_name_that_is_heard_has_the_vote(void **state)
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
	assert_within(world_error(w), NS_PER_MS);
	world_end(w);
}

/* Three servers with one key, as an administrator may have given them; and one
 * that copies the moment of another. */
static void servers_that_only_look_alike_have_their_votes(void **state)
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
		assert_int_equal(state_of(w, 0), SELECT_FALSETICKER);
		assert_within(world_error(w), NS_PER_MS);
		world_end(w);
	}
}

/* b and c lie, and outvote a. Then c falls silent, and its second address is
 * that of b. */
static void an_address_that_is_moved_to_counts_once(void **state)
{
	struct world *w = world_new(3, 0, 0);
	struct source *c;

	(void)state;
	w->peer_error_ns[1] = w->peer_error_ns[2] = 70 * NS_PER_MS;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(state_of(w, 0), SELECT_FALSETICKER);
	c = &w->engine.sources[2];
	c->address_count = 2;
	c->addresses[1] = w->engine.sources[1].addresses[0];
	w->silent[2] = w->keys_fail[2] = true;
	while (c->address == 0)
		world_run(w, 100 * NS_PER_MS);
	assert_int_equal(state_of(w, 1), SELECT_NO_MAJORITY);
	world_end(w);
}

static void times_that_contradict_each_other_are_told(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	w->thought_ns[0] = NS_PER_S;
	world_start(w);
	world_run(w, 10 * NS_PER_S);
	assert_string_equal(w->engine.sources[0].failure, "times");
	assert_int_equal(w->engine.sources[0].count.good, 0);
	world_end(w);
}

/* A server that predicts when its answer leaves may be early: what it is wrong
 * by then is known. */
static void a_delay_below_nothing_is_doubt(void **state)
{
	struct world *w = world_new(1, 0, 0);
	struct sample m[STEERING_MEMORY];

	(void)state;
	w->thought_ns[0] = 2 * w->way_ns[0] + 30 * NS_PER_US;
	world_start(w);
	world_run(w, 10 * NS_PER_S);
	assert_true(steering_copy_samples(w->engine.steering, 0, m) > 0);
	assert_int_equal(m[0].delay_ns, 1);
	assert_in_range(m[0].dispersion_ns, 30 * NS_PER_US, 31 * NS_PER_US);
	world_end(w);
}

static void a_source_without_keys_delays_nobody(void **state)
{
	struct world *w = world_new(2, 3 * NS_PER_S, 0);

	(void)state;
	w->keys_fail[0] = true;
	world_start(w);
	world_run(w, 5 * NS_PER_S);
	assert_int_equal(w->steps, 1);
	assert_within(world_error(w), NS_PER_MS);
	assert_string_equal(w->engine.sources[0].failure, "certificate");
	world_end(w);
}

static void no_clock_measures_and_touches_nothing(void **state)
{
	struct world *w = world_new(1, 2 * NS_PER_S, 0);

	(void)state;
	w->options.no_clock = true;
	w->options.no_clock_reason = "--no-clock";
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_true(w->freq_ppm == 0);
	assert_int_equal(world_error(w), 2 * NS_PER_S);
	assert_int_equal(state_of(w, 0), SELECT_SELECTED);
	assert_within(tracking_of(w).offset_ns + 2 * NS_PER_S, NS_PER_MS);
	assert_int_equal(w->saves, 0);
	world_end(w);
}

static void set_once_ends_when_the_clock_is_right(void **state)
{
	int64_t offsets[] = {20 * NS_PER_MS, 30 * NS_PER_S};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
		struct world *w = world_new(1, offsets[i], 0);

		w->options.once = true;
		world_start(w);
		world_run(w, 60 * NS_PER_S);
		assert_int_equal(w->engine.end, ENGINE_DONE);
		assert_within(world_error(w), NS_PER_MS);
		assert_true(w->engine.now.mono.ns - w->engine.started.mono.ns <
			    20 * NS_PER_S);
		world_end(w);
	}
}

static void a_timeout_ends_what_cannot_be_done(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	w->options.once = true;
	w->options.timeout_s = 10;
	w->keys_fail[0] = true;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->engine.end, ENGINE_TIMEOUT);
	assert_within(
	    w->engine.now.mono.ns - w->engine.started.mono.ns - 10 * NS_PER_S,
	    NS_PER_S);
	world_end(w);
}

static void a_foreign_step_is_undone_once(void **state)
{
	struct world *w = world_new(1, 0, 10);

	(void)state;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	w->wall += 7 * NS_PER_S;
	world_run(w, 400 * NS_PER_S);
	assert_within(world_error(w), 100 * NS_PER_US);
	assert_int_equal(w->steps, 1);
	world_end(w);
}

static void silence_grows_the_bound_and_keeps_the_frequency(void **state)
{
	struct world *w = world_new(1, 0, 25);
	struct tracking before, after;
	double freq_ppm;

	(void)state;
	world_start(w);
	world_run(w, 3600 * NS_PER_S);
	before = tracking_of(w);
	freq_ppm = w->keeper.base_freq_ppm;
	w->silent[0] = true;
	world_run(w, 3600 * NS_PER_S);
	after = tracking_of(w);
	assert_true(after.root_dispersion_ns > before.root_dispersion_ns);
	assert_true(fabs(w->keeper.base_freq_ppm - freq_ppm) < 0.01);
	assert_true(llabs(world_error(w)) <= after.root_delay_ns / 2 +
						 after.root_dispersion_ns +
						 llabs(after.offset_ns));
	w->silent[0] = false;
	world_run(w, 600 * NS_PER_S);
	assert_within(world_error(w), 100 * NS_PER_US);
	assert_int_equal(w->steps, 0);
	world_end(w);
}

static void what_was_learnt_is_saved_at_the_end(void **state)
{
	struct world *w = world_new(1, 0, -33);

	(void)state;
	world_start(w);
	world_run(w, 2000 * NS_PER_S);
	assert_true(w->saves >= 1);
	assert_true(fabs(w->saved.freq_ppm - 33) < 0.5);
	assert_within(w->saved.good_time_s - w->now / NS_PER_S, 3600);
	world_end(w);
}

/* A request that was under way when the clock was stepped back has a stamp from
 * before the step and an answer from after it. */
static void a_step_back_spoils_no_exchange_under_way(void **state)
{
	(void)state;
	for (int64_t way_ms = 20; way_ms <= 440; way_ms += 20) {
		struct world *w = world_new(3, 100 * NS_PER_S, 10);

		w->way_ns[1] = way_ms * NS_PER_MS;
		w->keys_fail[2] = true;
		world_start(w);
		world_run(w, 120 * NS_PER_S);
		assert_int_equal(w->steps, 1);
		assert_within(world_error(w), NS_PER_MS);
		assert_true(state_of(w, 1) != SELECT_FALSETICKER);
		assert_true(tracking_of(w).synchronised);
		world_end(w);
	}
}

static void a_clock_at_1970_follows_a_server_in_2040(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	w->now = INT64_C(2208988800) * NS_PER_S; /* 2040-01-01 */
	w->wall = 1000 * NS_PER_S;
	world_start(w);
	world_run(w, 30 * NS_PER_S);
	assert_within(world_error(w), NS_PER_MS);
	world_end(w);
}

static void max_drift_below_the_need_does_what_it_can(void **state)
{
	struct world *w = world_new(1, 0, 80);

	(void)state;
	w->config.max_freq_ppm = 50;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(w->engine.order.last_verdict, KEEPER_OK);
	assert_true(fabs(w->keeper.base_freq_ppm + 50) < 0.1);
	world_end(w);
}

static void a_keeper_that_hangs_ends_the_run(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	w->engine.order.pending = true;
	w->engine.order.answer_by = (struct mono){w->mono + 5 * NS_PER_S};
	w->engine.order.serial = UINT32_MAX;
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->engine.end, ENGINE_STUCK);
	world_end(w);
}

static void beyond_refusal_the_reason_is_told(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	w->wall += 5000 * NS_PER_S;
	world_run(w, 60 * NS_PER_S);
	assert_true(tracking_of(w).refused);
	assert_non_null(strstr(tracking_of(w).reason, "refuse-threshold"));
	assert_false(w->status.synchronised);
	assert_int_equal(w->steps, 0);
	world_end(w);
}

/* The answer to a command must be known as such although a save came between.
 */
static void a_save_between_does_not_stop_the_steering(void **state)
{
	struct world *w = world_new(1, 0, 0);
	struct keeper_report late = {.verdict = KEEPER_OK};

	(void)state;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	w->engine.order.serial = ++w->engine.serial;
	w->engine.order.pending = true;
	late.serial = w->engine.order.serial;
	w->engine.save_at = (struct mono){w->mono};
	engine_on_timer(&w->engine, world_moment(w));
	assert_int_equal(w->saves, 1);
	engine_on_report(&w->engine, &late, world_moment(w));
	assert_false(w->engine.order.pending);
	world_end(w);
}

static void steady_state_sends_what_the_pace_says(void **state)
{
	struct world *w = world_new(1, 0, 3);
	unsigned before;

	(void)state;
	w->config.sources[0].minpoll = w->config.sources[0].maxpoll = 6;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	before = w->requests;
	world_run(w, 6400 * NS_PER_S);
	assert_in_range(w->requests - before, 97, 103);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_wrong_clock_is_stepped_within_seconds),
	    cmocka_unit_test(a_small_error_is_slewed_not_stepped),
	    cmocka_unit_test(a_frequency_error_is_learnt),
	    cmocka_unit_test(a_liar_among_three_is_named),
	    cmocka_unit_test(what_never_left_spends_no_cookie),
	    cmocka_unit_test(what_may_have_left_is_spent),
	    cmocka_unit_test(two_that_disagree_move_nothing),
	    cmocka_unit_test(one_address_under_two_names_counts_once),
	    cmocka_unit_test(one_server_by_two_addresses_counts_once),
	    cmocka_unit_test(the_name_that_is_heard_has_the_vote),
	    cmocka_unit_test(servers_that_only_look_alike_have_their_votes),
	    cmocka_unit_test(an_address_that_is_moved_to_counts_once),
	    cmocka_unit_test(times_that_contradict_each_other_are_told),
	    cmocka_unit_test(a_delay_below_nothing_is_doubt),
	    cmocka_unit_test(a_source_without_keys_delays_nobody),
	    cmocka_unit_test(no_clock_measures_and_touches_nothing),
	    cmocka_unit_test(set_once_ends_when_the_clock_is_right),
	    cmocka_unit_test(a_timeout_ends_what_cannot_be_done),
	    cmocka_unit_test(a_foreign_step_is_undone_once),
	    cmocka_unit_test(silence_grows_the_bound_and_keeps_the_frequency),
	    cmocka_unit_test(what_was_learnt_is_saved_at_the_end),
	    cmocka_unit_test(a_step_back_spoils_no_exchange_under_way),
	    cmocka_unit_test(a_clock_at_1970_follows_a_server_in_2040),
	    cmocka_unit_test(max_drift_below_the_need_does_what_it_can),
	    cmocka_unit_test(a_keeper_that_hangs_ends_the_run),
	    cmocka_unit_test(beyond_refusal_the_reason_is_told),
	    cmocka_unit_test(a_save_between_does_not_stop_the_steering),
	    cmocka_unit_test(steady_state_sends_what_the_pace_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
