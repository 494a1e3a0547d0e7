/* From samples to commands, with a clock that obeys at once. */
#include "clock/steering/state.h"

#include "tests/unit/clock/steering/rig.h"

static void test_nothing_before_the_first_sample(void **state)
{
	struct rig r;
	struct tracking t;

	(void)state;
	rig_open(&r, 2, NULL, NULL);
	assert_false(rig_update(&r));
	assert_int_equal(rig_mark(&r, 0), '?');
	t = rig_track(&r);
	assert_false(t.synchronised);
	assert_int_equal(t.selected, -1);
	assert_int_equal(t.stratum, 16);
	assert_string_equal(
	    t.reason, "no usable source (2 without a measurement)");
	assert_int_equal(steering_poll_vote(r.steering, 0, 64), POLL_SHORTEST);
	rig_close(&r);
}

/* One server alone: three answers, then the clock is set. */
static void test_one_server_sets_the_clock(void **state)
{
	static const double offsets_s[] = {0.3, -0.3, 7, -7, 3e8, -3e8};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(offsets_s); i++) {
		struct rig r;
		struct tracking t;

		rig_open(&r, 1, NULL, NULL);
		r.offset_s = offsets_s[i];
		for (int n = 0; n < 3; n++) {
			assert_false(rig_update(&r));
			rig_wait(&r, 1);
			rig_add(&r, 0, 0);
		}
		assert_true(rig_update(&r));
		assert_true(r.last.synchronised);
		assert_int_equal(r.last.step_ns != 0, fabs(offsets_s[i]) > 1);
		assert_in_range(llabs(rig_error_ns(&r)), 0, 50 * NS_PER_US);
		assert_true(llabs(rig_error_ns(&r)) <= r.last.max_error_ns);
		assert_int_equal(rig_mark(&r, 0), '*');
		t = rig_track(&r);
		assert_true(t.synchronised);
		assert_int_equal(t.stratum, 3);
		assert_int_equal(t.updates, 1);
		assert_string_equal(t.reason, "");
		rig_close(&r);
	}
}

static void test_start_waits_for_others_but_not_long(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 2, NULL, NULL);
	for (int n = 0; n < 3; n++) {
		rig_add(&r, 0, 0);
		rig_wait(&r, 0.5);
		assert_false(rig_update(&r));
	}
	rig_wait(&r, 2);
	assert_true(rig_update(&r));
	/* Without a new sample there is nothing to do. */
	rig_wait(&r, 1);
	assert_false(rig_update(&r));
	rig_close(&r);
}

static void test_converges_and_learns_the_frequency(void **state)
{
	struct rig r;
	struct tracking t;
	struct source_view v;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 4, 1, NULL);
	rig_poll(&r, 1, 300, 16, NULL);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 3000);
	t = rig_track(&r);
	assert_true(fabs(t.freq_ppm - 20) < 0.02);
	assert_true(t.skew_ppm < 0.1);
	/* Most of it is what no packet shows. */
	assert_in_range(t.est_error_ns, 3000, 17000);
	v = rig_view(&r, 0);
	assert_true(v.have_sample && v.samples > 64 && v.runs > 10);
	assert_true(fabs(v.freq_ppm) < 0.05);
	assert_true(v.min_delay_ns >= 200 * NS_PER_US);
	assert_true(v.min_delay_ns < 210 * NS_PER_US);
	assert_true(llabs(v.offset_ns) < 10 * NS_PER_US);
	assert_true(v.std_dev_ns > 500 && v.std_dev_ns < 20 * NS_PER_US);
	assert_int_equal(steering_poll_vote(r.steering, 0, 16), POLL_LONGER);
	assert_int_equal(steering_poll_vote(r.steering, 0, 1e5), POLL_SHORTEST);
	rig_close(&r);
}

/* IPv4 and IPv6 of one machine: both help, one votes. */
static void test_two_names_of_one_server(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 2, NULL, NULL);
	steering_set_server(r.steering, 1, 0);
	rig_poll(&r, 2, 20, 1, NULL);
	assert_true((rig_mark(&r, 0) == '*' && rig_mark(&r, 1) == '+') ||
		    (rig_mark(&r, 0) == '+' && rig_mark(&r, 1) == '*'));
	assert_int_equal(rig_track(&r).combined, 2);
	rig_close(&r);
}

static void test_falseticker_is_named_and_ignored(void **state)
{
	static const int64_t wrong_ns[3] = {0, 0, 50 * NS_PER_MS};
	struct rig r;

	(void)state;
	rig_open(&r, 3, NULL, NULL);
	rig_poll(&r, 3, 100, 16, wrong_ns);
	assert_int_equal(rig_mark(&r, 2), 'x');
	assert_in_range(llabs(rig_error_ns(&r)), 0, 5000);
	rig_close(&r);
}

/* A server that was right for long becomes wrong: its wrong answers leave the
 * estimate again. */
static void test_late_liar_is_removed(void **state)
{
	static const int64_t wrong_ns[3] = {0, 2 * NS_PER_MS, 0};
	struct rig r;

	(void)state;
	rig_open(&r, 3, NULL, NULL);
	rig_poll(&r, 3, 100, 16, NULL);
	assert_int_not_equal(rig_mark(&r, 1), 'x');
	rig_poll(&r, 3, 100, 16, wrong_ns);
	assert_int_equal(rig_mark(&r, 1), 'x');
	assert_in_range(llabs(rig_error_ns(&r)), 0, 5000);
	/* When it is right again, it may come back. */
	rig_poll(&r, 3, 200, 16, NULL);
	assert_int_not_equal(rig_mark(&r, 1), 'x');
	assert_in_range(llabs(rig_error_ns(&r)), 0, 5000);
	rig_close(&r);
}

/* Polls until source 1 has this mark; 100: it takes longer. */
static unsigned polls_until(struct rig *r, char wanted, const int64_t *wrong_ns)
{
	unsigned polls = 0;

	while (polls < 100 && (rig_mark(r, 1) == 'x') != (wanted == 'x')) {
		rig_poll(r, 3, 1, 16, wrong_ns);
		polls++;
	}
	return polls;
}

/* Three answers decide, in both directions: neither old true answers nor old
 * lies count any longer. In between the mark does not change. */
static void test_liar_goes_and_comes_within_three_polls(void **state)
{
	static const int64_t lies_ns[] = {
	    15 * NS_PER_MS, -40 * NS_PER_MS, 5 * NS_PER_S};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lies_ns); i++) {
		const int64_t wrong_ns[3] = {0, lies_ns[i], 0};
		struct rig r;

		rig_open(&r, 3, NULL, NULL);
		r.queue_s = 1e-3;
		rig_poll(&r, 3, 100, 16, NULL);
		assert_in_range(polls_until(&r, 'x', wrong_ns), 1, 3);
		for (unsigned k = 0; k < 30; k++) {
			rig_poll(&r, 3, 1, 16, wrong_ns);
			assert_int_equal(rig_mark(&r, 1), 'x');
		}
		assert_in_range(polls_until(&r, '+', NULL), 1, 3);
		for (unsigned k = 0; k < 100; k++) {
			rig_poll(&r, 3, 1, 16, NULL);
			assert_int_not_equal(rig_mark(&r, 1), 'x');
			assert_in_range(llabs(rig_error_ns(&r)), 0, 100000);
		}
		rig_close(&r);
	}
}

/* Two sources overlap the interval of the trusted one, and are wrong by nearly
 * both root distances. */
static void test_untrusted_sources_cannot_move_the_clock(void **state)
{
	static const int64_t wrong_ns[3] = {
	    200 * NS_PER_US, 200 * NS_PER_US, 0};
	struct source_options options[3] = {{0}, {0}, {.trust = true}};
	struct rig r;

	(void)state;
	rig_open(&r, 3, options, NULL);
	rig_poll(&r, 3, 100, 16, wrong_ns);
	assert_true(rig_track(&r).synchronised);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 20 * NS_PER_US);
	assert_int_equal(rig_mark(&r, 0), '?');
	assert_int_equal(rig_mark(&r, 2), '*');
	rig_close(&r);
	/* prefer alone does it, too: the preferred one agrees. */
	options[2] = (struct source_options){.prefer = true};
	rig_open(&r, 3, options, NULL);
	rig_poll(&r, 3, 100, 16, wrong_ns);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 20 * NS_PER_US);
	assert_int_equal(rig_mark(&r, 2), '*');
	rig_close(&r);
}

/* When another source falls silent, no majority is left against the liar. */
static void test_liar_without_majority_counts_again(void **state)
{
	static const int64_t wrong_ns[3] = {0, NS_PER_S, 0};
	struct rig r;

	(void)state;
	rig_open(&r, 3, NULL, NULL);
	rig_poll(&r, 3, 10, 16, wrong_ns);
	assert_int_equal(rig_mark(&r, 1), 'x');
	steering_set_reach(r.steering, 2, 0);
	rig_poll(&r, 2, 10, 16, wrong_ns);
	assert_int_equal(rig_mark(&r, 1), '?');
	assert_false(rig_track(&r).synchronised);
	rig_close(&r);
}

/* Something moved the clock unnoticed: all servers show it at once, and none of
 * them is called a liar. */
static void test_a_move_that_all_servers_show_is_followed(void **state)
{
	static const int64_t moves_ns[] = {
	    3 * NS_PER_MS, -50 * NS_PER_MS, 500 * NS_PER_MS};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(moves_ns); i++) {
		int64_t move = moves_ns[i];
		const int64_t moved_ns[3] = {move, move, move};
		struct rig r;

		rig_open(&r, 3, NULL, NULL);
		r.queue_s = 1e-3;
		rig_poll(&r, 3, 100, 16, NULL);
		for (unsigned k = 0; k < 100; k++) {
			rig_poll(&r, 3, 1, 16, moved_ns);
			assert_true(rig_track(&r).synchronised);
			for (unsigned source = 0; source < 3; source++)
				assert_int_not_equal(rig_mark(&r, source), 'x');
			if (k >= 4)
				assert_in_range(llabs(rig_error_ns(&r) + move),
				    0, NS_PER_MS);
		}
		rig_close(&r);
	}
}

static void test_no_majority_is_reported_once(void **state)
{
	static const int64_t wrong_ns[2] = {0, NS_PER_S};
	struct rig r;
	unsigned before;
	int64_t error;
	struct tracking t;

	(void)state;
	rig_open(&r, 2, NULL, NULL);
	rig_poll(&r, 2, 50, 16, NULL);
	assert_true(rig_track(&r).synchronised);
	before = r.commands;
	error = rig_error_ns(&r);
	/* The old, right samples of the liar lose weight as they age. */
	for (int i = 0; i < 300 && r.last.synchronised; i++)
		rig_poll(&r, 2, 1, 1024, wrong_ns);
	before = r.commands;
	assert_false(r.last.synchronised);
	assert_int_equal(r.last.step_ns, 0);
	assert_int_equal(r.last.slew_ns, 0);
	rig_poll(&r, 2, 5, 16, wrong_ns);
	assert_int_equal(r.commands, before);
	t = rig_track(&r);
	assert_false(t.synchronised);
	assert_true(strstr(t.reason, "no majority") != NULL);
	assert_true(llabs(rig_error_ns(&r) - error) < 50 * NS_PER_MS);
	rig_close(&r);
}

static void test_silence_widens_the_bound_and_ends(void **state)
{
	struct rig r;
	int64_t last = 0;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 100, 16, NULL);
	for (int day = 0; day < 60 && r.last.synchronised; day++) {
		struct tracking t = rig_track(&r);
		int64_t bound = t.root_delay_ns / 2 + t.root_dispersion_ns;

		assert_true(bound > last);
		assert_true(
		    llabs(rig_error_ns(&r)) <= bound + llabs(t.offset_ns));
		last = bound;
		rig_wait(&r, 86400);
		(void)rig_update(&r);
	}
	assert_false(r.last.synchronised);
	assert_false(rig_track(&r).synchronised);
	/* The next answers end it. */
	rig_poll(&r, 1, 4, 1, NULL);
	assert_true(r.last.synchronised);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 100 * NS_PER_US);
	rig_close(&r);
}

static void test_unusable_sources(void **state)
{
	static const struct source_options options[RIG_SOURCES] = {
	    {0}, {.noselect = true}, {0}, {0}};
	struct rig r;
	struct source_view v;

	(void)state;
	rig_open(&r, 4, options, NULL);
	steering_set_unsynced(r.steering, 2, true);
	rig_poll(&r, 4, 10, 4, NULL);
	assert_int_equal(rig_mark(&r, 1), '?');
	assert_int_equal(rig_mark(&r, 2), '?');
	assert_int_equal(rig_track(&r).combined, 2);
	/* The fourth falls silent while the others answer. */
	for (int i = 0; i < 10; i++) {
		steering_set_reach(r.steering, 3, 0);
		rig_poll(&r, 1, 1, 16, NULL);
	}
	v = rig_view(&r, 3);
	assert_int_equal(v.state, SELECT_STALE);
	assert_int_equal(rig_mark(&r, 0), '*');
	rig_close(&r);
}

/* With a source, in a silence, and without one. */
static void the_error_is_that_of_the_tracking(void **state)
{
	struct steering_error e;
	struct tracking t;
	struct rig r;

	(void)state;
	rig_open(&r, 3, NULL, NULL);
	for (int i = 0; i < 40; i++) {
		if (i < 20)
			rig_poll(&r, 3, 1, 16, NULL);
		else
			rig_wait(&r, 1000);
		if (i == 30)
			for (unsigned k = 0; k < 3; k++)
				steering_forget(r.steering, k);
		steering_tracking(r.steering, &r.ledger, r.wall, &t);
		e = steering_error(r.steering, &r.ledger, r.wall);
		assert_int_equal(e.offset_ns, t.offset_ns);
		assert_int_equal(
		    steering_offset_ns(r.steering, &r.ledger, r.wall),
		    t.offset_ns);
		assert_int_equal(
		    e.bound_ns, t.root_delay_ns / 2 + t.root_dispersion_ns);
		assert_int_equal(e.updated.ns, t.updated.ns);
		assert_int_equal(e.bound_ns > 0, i < 30);
	}
	rig_close(&r);
}

/* After a jump nothing is known until servers answer: no source is selected,
 * and the kernel is told once. */
static void nothing_is_selected_after_a_jump(void **state)
{
	struct tracking t;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 50, 16, NULL);
	steering_forget(r.steering, 0);
	steering_tracking(r.steering, &r.ledger, r.wall, &t);
	assert_int_equal(t.selected, -1);
	assert_false(t.synchronised);
	assert_int_equal(t.stratum, 16);
	assert_int_equal(t.root_dispersion_ns, 0);
	steering_allow_step(r.steering);
	assert_true(rig_update(&r));
	assert_false(r.last.synchronised);
	assert_int_equal(r.last.step_ns, 0);
	assert_int_equal(r.last.slew_ns, 0);
	assert_in_range(r.last.max_error_ns, 3 * NS_PER_S, 4 * NS_PER_S);
	assert_false(rig_update(&r));
	rig_close(&r);
}

/* Giving up is no start: the clock waits for three answers, also if it is only
 * measured. */
static void giving_up_after_a_jump_ends_no_start(void **state)
{
	static const enum keeper_verdict verdicts[] = {
	    KEEPER_OK, KEEPER_NO_CLOCK};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		struct clock_command c;
		struct rig r;

		rig_open(&r, 1, NULL, NULL);
		rig_poll(&r, 1, 50, 16, NULL);
		steering_forget(r.steering, 0);
		steering_allow_step(r.steering);
		assert_true(steering_update(r.steering, &r.ledger, r.wall, &c));
		steering_applied(r.steering, verdicts[i]);
		for (unsigned k = 1; k <= 3; k++) {
			rig_wait(&r, 0.5);
			rig_add(&r, 0, 0);
			assert_int_equal(
			    steering_update(r.steering, &r.ledger, r.wall, &c),
			    k == 3);
		}
		rig_close(&r);
	}
}

/* The samples that stay do not select a source after a jump. */
static void a_jump_alone_deselects(void **state)
{
	struct tracking t;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 50, 16, NULL);
	steering_allow_step(r.steering);
	steering_tracking(r.steering, &r.ledger, r.wall, &t);
	assert_int_equal(t.selected, -1);
	assert_false(t.synchronised);
	rig_close(&r);
}

/* Another program set the clock by ten minutes: one step back follows. */
static void test_foreign_jump_is_undone(void **state)
{
	const int64_t jump_ns = 600 * NS_PER_S;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 50, 16, NULL);
	rig_jump(&r, jump_ns);
	steering_forget(r.steering, 0);
	steering_allow_step(r.steering);
	/* Nothing is done before servers have answered. */
	(void)rig_update(&r);
	assert_int_equal(r.last.step_ns, 0);
	for (int i = 0; i < 2; i++) {
		rig_wait(&r, 1);
		rig_add(&r, 0, 0);
		assert_false(rig_update(&r));
	}
	rig_wait(&r, 1);
	rig_add(&r, 0, 0);
	assert_true(rig_update(&r));
	assert_true(llabs(r.last.step_ns + jump_ns) < NS_PER_MS);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 50 * NS_PER_US);
	rig_close(&r);
}

static void test_beyond_refuse_threshold_nothing_is_done(void **state)
{
	struct rig r;
	unsigned before;
	struct tracking t;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 10, 1, NULL);
	rig_jump(&r, 2000 * NS_PER_S);
	before = r.commands;
	rig_poll(&r, 1, 10, 16, NULL);
	/* One command, which only says that the clock is not synchronised. */
	assert_int_equal(r.commands, before + 1);
	assert_false(r.last.synchronised);
	assert_int_equal(r.last.slew_ns, 0);
	assert_int_equal(r.last.step_ns, 0);
	t = rig_track(&r);
	assert_true(t.refused);
	assert_false(t.synchronised);
	assert_true(llabs(t.refused_ns + 2000 * NS_PER_S) < NS_PER_S);
	rig_close(&r);
}

/* A route gets longer on one way: the clock stays with its oscillator, and the
 * bound covers the truth. */
static void test_route_change_moves_nothing(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 400, 16, NULL);
	r.up_ns = 200 * NS_PER_US;
	rig_poll(&r, 1, 1000, 16, NULL);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 25 * NS_PER_US);
	assert_true(llabs(rig_error_ns(&r)) < r.last.max_error_ns);
	rig_close(&r);
}

/* The clock jumps unnoticed, by a tenth of a millisecond up to minutes, with
 * one server or three: after eight samples of each it is right again. */
static void test_unnoticed_jump_is_followed(void **state)
{
	(void)state;
	for (unsigned sources = 1; sources <= 3; sources += 2)
		for (double jump_s = 1e-4; jump_s < 500; jump_s *= 3) {
			struct rig r;

			rig_open(&r, sources, NULL, NULL);
			rig_poll(&r, sources, 100, 16, NULL);
			r.offset_s += jump_s;
			rig_poll(&r, sources, 8, 16, NULL);
			assert_in_range(
			    llabs(rig_error_ns(&r)), 0, 50 * NS_PER_US);
			rig_poll(&r, sources, 100, 16, NULL);
			assert_in_range(llabs(rig_error_ns(&r)), 0, 8000);
			rig_close(&r);
		}
}

/* One of three servers corrects itself by 150 us, well within its bound: the
 * clock stays. */
static void test_one_servers_jump_moves_nothing(void **state)
{
	static const int64_t wrong_ns[3] = {0, 150 * NS_PER_US, 0};
	struct rig r;

	(void)state;
	rig_open(&r, 3, NULL, NULL);
	rig_poll(&r, 3, 100, 16, NULL);
	rig_poll(&r, 3, 50, 16, wrong_ns);
	assert_in_range(llabs(rig_error_ns(&r)), 0, 20 * NS_PER_US);
	rig_close(&r);
}

/* One answer in eight is wrong, each time by another value. */
static void test_spikes_are_ignored(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 100, 16, NULL);
	for (int i = 0; i < 50; i++) {
		int64_t spike_ns = (int64_t)(chance_normal(&r.chance) * 3e6);

		rig_poll(&r, 1, 1, 16, &spike_ns);
		assert_in_range(llabs(rig_error_ns(&r)), 0, 15 * NS_PER_US);
		rig_poll(&r, 1, 7, 16, NULL);
		assert_in_range(llabs(rig_error_ns(&r)), 0, 15 * NS_PER_US);
	}
	rig_close(&r);
}

/* The leap status after `announcing` of three servers have announced a leap
 * second on 1 January 2025, or half a day before. */
static enum leap announced_leap(unsigned announcing, bool day_before)
{
	const int64_t ago_ns = day_before ? 43200 * NS_PER_S : 0;
	const struct clock_change start = {.at = {RIG_START_NS - ago_ns}};
	enum leap leap;
	struct rig r;

	rig_open(&r, 3, NULL, NULL);
	timescale_init(&r.ledger, &start);
	r.now.ns = r.wall.ns = start.at.ns;
	for (unsigned i = 0; i < 12; i++) {
		struct sample m = rig_sample(&r, 0);

		m.leap = i % 3 < announcing ? LEAP_INSERT : LEAP_NONE;
		steering_add(r.steering, i % 3, &m);
		rig_wait(&r, 1);
		(void)rig_update(&r);
	}
	leap = rig_track(&r).leap;
	rig_close(&r);
	return leap;
}

static void test_leap_needs_a_majority(void **state)
{
	(void)state;
	for (unsigned announcing = 0; announcing <= 3; announcing++)
		assert_int_equal(announced_leap(announcing, true),
		    announcing >= 2 ? LEAP_INSERT : LEAP_NONE);
}

/* Some servers announce it for a month, and some forget to end it. */
static void test_leap_is_shown_on_its_day_only(void **state)
{
	(void)state;
	assert_int_equal(announced_leap(3, false), LEAP_NONE);
}

/* Servers send anything that the fields of a packet can hold, in any order:
 * nothing overflows, all results are finite, all commands are valid. */
static void test_nonsense_is_survived(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct rig r;
		int64_t lie_ns;

		rig_open(&r, RIG_SOURCES, NULL, NULL);
		r.chance.state = seed;
		lie_ns = 0;
		for (int i = 0; i < 300; i++) {
			unsigned source =
			    (unsigned)chance_between(&r.chance, 0, RIG_SOURCES);
			struct sample m = rig_sample(&r, 0);
			double wild = chance_uniform(&r.chance);
			struct tracking t;

			/* All servers tell one lie for a while. */
			if (i % 30 == 0)
				lie_ns =
				    (int64_t)(chance_between(&r.chance, -4, 4) *
					      exp(chance_between(
						  &r.chance, 0, 41)));
			if (wild < 0.3)
				m.offset_ns = (int64_t)chance_between(
				    &r.chance, -4e18, 4e18);
			else if (seed % 2)
				m.offset_ns = lie_ns;
			if (wild > 0.2 && wild < 0.4)
				m.delay_ns = (int64_t)exp(
				    chance_between(&r.chance, 0, 24));
			if (wild > 0.6)
				m.root_delay_ns =
				    (int64_t)chance_between(&r.chance, 0, 6e13);
			if (wild > 0.9)
				m.at.ns -=
				    (int64_t)chance_between(&r.chance, 0, 1e11);
			m.leap = (enum leap)chance_between(&r.chance, 0, 4);
			steering_add(r.steering, source, &m);
			if (wild > 0.97)
				steering_forget(r.steering, source);
			rig_wait(&r, exp(chance_between(&r.chance, -3, 12)));
			(void)rig_update(&r);
			t = rig_track(&r);
			assert_true(isfinite(t.freq_ppm));
			assert_true(fabs(t.freq_ppm) <= 100000);
			assert_true(isfinite(t.skew_ppm));
			assert_true(t.est_error_ns >= 0);
			assert_true(r.last.max_error_ns >= 0);
			(void)rig_mark(&r, source);
		}
		rig_close(&r);
	}
}

static void adopt(struct rig *r, const int *from, unsigned count)
{
	static const struct source_options none[RIG_SOURCES];
	struct steering *old = r->steering;

	r->steering = steering_adopt(old, &rig_usual, none, from, count);
	assert_non_null(r->steering);
	steering_free(old);
}

/* The list changes: sources that stay keep all, and so does the clock. */
static void test_another_list_of_sources(void **state)
{
	static const int from[4] = {2, -1, 0, -1};
	struct rig r;
	struct source_view v;
	struct tracking before, after;

	(void)state;
	rig_open(&r, 3, NULL, NULL);
	rig_poll(&r, 3, 60, 64, NULL);
	before = rig_track(&r);
	adopt(&r, from, 4);
	(void)rig_update(&r);
	after = rig_track(&r);
	assert_true(after.synchronised);
	assert_true(fabs(after.freq_ppm - before.freq_ppm) < 0.5);
	assert_int_equal(after.steps, before.steps);
	assert_true(llabs(rig_error_ns(&r)) < 20 * NS_PER_US);
	v = rig_view(&r, 0);
	assert_true(v.samples > 1);
	v = rig_view(&r, 1);
	assert_int_equal(v.state, SELECT_NO_SAMPLES);
	assert_int_equal(rig_mark(&r, 3), '?');
	rig_poll(&r, 4, 20, 64, NULL);
	for (unsigned i = 0; i < 4; i++)
		assert_true(rig_mark(&r, i) == '+' || rig_mark(&r, i) == '*');
	assert_true(llabs(rig_error_ns(&r)) < 20 * NS_PER_US);
	rig_close(&r);
}

/* All sources are new: the clock keeps its frequency, unsynchronised. */
static void test_another_list_without_the_old_ones(void **state)
{
	static const int from[1] = {-1};
	struct tracking before, after;
	struct rig r;

	(void)state;
	rig_open(&r, 2, NULL, NULL);
	rig_poll(&r, 2, 60, 64, NULL);
	before = rig_track(&r);
	adopt(&r, from, 1);
	assert_int_equal(rig_track(&r).selected, -1);
	assert_true(rig_update(&r));
	assert_false(r.last.synchronised);
	assert_true(r.last.freq_ppm == before.freq_ppm);
	rig_wait(&r, 600);
	assert_true(llabs(rig_error_ns(&r)) < 600 * NS_PER_US);
	rig_poll(&r, 1, 10, 64, NULL);
	after = rig_track(&r);
	assert_true(after.synchronised);
	assert_int_equal(after.steps, before.steps);
	assert_true(llabs(rig_error_ns(&r)) < 20 * NS_PER_US);
	rig_close(&r);
}

/* The drift file's frequency is in force until the first update. */
static void test_starts_with_the_known_frequency(void **state)
{
	static const struct source_options none[1];
	struct steering *s = steering_new(&rig_usual, none, 1, -12.5, 0.25);

	(void)state;
	assert_non_null(s);
	assert_true(fabs(s->first_freq + 12.5e-6) < 1e-15);
	assert_true(fabs(s->first_freq_sd - 0.25e-6) < 1e-15);
	assert_true(s->base_freq == s->first_freq);
	steering_free(s);
}

/* What each verdict of the keeper means for the state. */
static void test_verdicts_of_the_keeper(void **state)
{
	static const struct {
		enum keeper_verdict verdict;
		bool in_force, synchronised, starting;
	} rows[] = {
	    {KEEPER_OK, true, true, false},
	    {KEEPER_NO_CLOCK, false, true, false},
	    {KEEPER_STEP_LIMIT, false, false, true},
	    {KEEPER_KERNEL, false, false, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct clock_command c;
		struct rig r;

		rig_open(&r, 1, NULL, NULL);
		rig_poll(&r, 1, 10, 16, NULL);
		rig_wait(&r, 16);
		rig_add(&r, 0, 0);
		r.steering->starting = true;
		assert_true(steering_update(r.steering, &r.ledger, r.wall, &c));
		assert_true(fabs(c.freq_ppm - r.last.freq_ppm) > 1e-6);
		steering_applied(r.steering, rows[i].verdict);
		assert_int_equal(
		    fabs(rig_track(&r).freq_ppm - c.freq_ppm) < 1e-9,
		    rows[i].in_force);
		assert_int_equal(
		    r.steering->reported_synchronised, rows[i].synchronised);
		assert_int_equal(r.steering->starting, rows[i].starting);
		rig_close(&r);
	}
}

/* The interval to the next update is guessed as a second at first, then it is
 * the last one. */
static void test_the_interval_is_that_of_the_last_two_updates(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 2, 7, NULL);
	assert_int_equal(rig_track(&r).updates, 1);
	assert_true(rig_track(&r).update_interval_s == 1);
	rig_poll(&r, 1, 1, 7, NULL);
	assert_int_equal(rig_track(&r).updates, 2);
	assert_true(fabs(rig_track(&r).update_interval_s - 7) < 1e-6);
	rig_close(&r);
}

/* One frequency serves until the next update: that of the interval's middle, up
 * to 600 s ahead. */
static void test_a_drift_is_met_in_the_middle(void **state)
{
	static const struct {
		double interval_s, ahead_s;
	} rows[] = {{16, 8}, {1000, 500}, {1200, 600}, {2000, 600}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct estimate_value v;
		struct estimate *e;
		struct rig r;

		rig_open(&r, 1, NULL, NULL);
		rig_poll(&r, 1, 20, 16, NULL);
		e = &r.steering->estimate;
		/* A drift of 1e-9 in all that have one. */
		for (unsigned k = 10; k < e->model_count; k++)
			e->models[k].state.mean[STATE_DRIFT] = 1e-9;
		rig_wait(&r, rows[i].interval_s);
		r.steering->sample_is_new = true;
		v = estimate_at(e, timescale_osc(&r.ledger, r.wall));
		assert_true(rig_update(&r));
		assert_true(fabs(r.last.freq_ppm - v.freq * 1e6 -
				 rows[i].ahead_s * v.drift * 1e6) < 1e-8);
		assert_true(v.drift > 1e-12);
		rig_close(&r);
	}
}

/* The filter takes all samples in again at the third of a path and as they
 * double, up to 32. */
static void test_hindsight_ends_with_32_samples(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	r.queue_s = 1e-9;
	for (unsigned n = 1; n <= 70; n++) {
		rig_wait(&r, 16);
		rig_add(&r, 0, 0);
		/* It joins with the second. */
		assert_int_equal(r.steering->replay_due,
		    n == 3 || n == 4 || n == 8 || n == 16 || n == 32);
		(void)rig_update(&r);
		assert_false(r.steering->replay_due);
	}
	rig_close(&r);
}

/* All paths become better known at about the same time: one replay serves them
 * all. */
static void test_one_hindsight_serves_all_sources(void **state)
{
	unsigned replays = 0;
	struct rig r;

	(void)state;
	rig_open(&r, 4, NULL, NULL);
	r.queue_s = 1e-9;
	rig_poll(&r, 4, 3, 16, NULL);
	for (unsigned n = 4; n <= 70; n++)
		for (unsigned i = 0; i < 4; i++) {
			rig_wait(&r, 4);
			rig_add(&r, i, 0);
			replays += r.steering->replay_due;
			if (n == 4 || n == 8 || n == 16 || n == 32)
				assert_int_equal(
				    r.steering->replay_due, i == 3);
			(void)rig_update(&r);
		}
	assert_int_equal(replays, 4);
	rig_close(&r);
}

/* What delay_add() gets as a path's asymmetry: half of what the way there took
 * longer, by what the filter predicted; nothing before there is a prediction.
 */
static void test_the_asymmetry_of_a_sample_is_predicted(void **state)
{
	const struct delay_track *t;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	t = &r.steering->sources[0].delay;
	for (unsigned n = 0; n < 9; n++) {
		bool known = n >= 2 && n != 4;

		r.up_ns = n == 8 ? 300 * NS_PER_US : 0;
		rig_wait(&r, 16);
		if (n == 4)
			r.steering->replay_due = true;
		rig_add(&r, 0, 0);
		assert_int_equal(isnan(t->recent[n].asymmetry), !known);
		(void)rig_update(&r);
	}
	assert_true(fabs(t->recent[8].asymmetry - 150e-6) < 50e-6);
	rig_close(&r);
}

/* A sample is an answer: its source is not silent, whatever the engine said. */
static void test_a_sample_shows_that_a_source_is_reachable(void **state)
{
	struct rig r;
	struct sample m;

	(void)state;
	rig_open(&r, 2, NULL, NULL);
	rig_poll(&r, 2, 4, 1, NULL);
	steering_set_reach(r.steering, 0, 0);
	m = rig_sample(&r, 0);
	steering_add(r.steering, 0, &m);
	assert_int_equal(r.steering->sources[0].reach, 1);
	rig_close(&r);
}

/* In microseconds: the offsets at the updates, and their mean square, of which
 * each later update is a tenth; a step begins it again. */
static void test_the_mean_offset_is_of_updates_without_steps(void **state)
{
	struct rig r;
	double square;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	r.offset_s = 5;
	rig_poll(&r, 1, 3, 1, NULL);
	assert_true(r.last.step_ns != 0);
	assert_int_equal(rig_track(&r).rms_offset_ns, 0);
	rig_poll(&r, 1, 1, 1, NULL);
	assert_int_equal(
	    rig_track(&r).rms_offset_ns, llabs(rig_track(&r).last_offset_ns));
	square = r.steering->mean_square;
	rig_poll(&r, 1, 1, 1, NULL);
	square +=
	    0.1 * (pow(s_of_ns(rig_track(&r).last_offset_ns), 2) - square);
	assert_true(fabs(r.steering->mean_square / square - 1) < 1e-9);
	assert_int_equal(rig_track(&r).rms_offset_ns, ns_of_s(sqrt(square)));
	rig_close(&r);
}

/* The command that says that the clock is left alone. */
static void test_giving_up_keeps_the_frequency(void **state)
{
	struct clock_command c;
	struct tracking t;
	struct rig r;

	(void)state;
	rig_open(&r, 1, NULL, NULL);
	rig_poll(&r, 1, 40, 16, NULL);
	t = rig_track(&r);
	rig_jump(&r, 7 * NS_PER_MS);
	steering_set_unsynced(r.steering, 0, true);
	assert_true(steering_update(r.steering, &r.ledger, r.wall, &c));
	assert_false(c.synchronised);
	assert_true(c.freq_ppm == t.freq_ppm);
	assert_int_equal(c.step_ns, 0);
	assert_int_equal(c.slew_ns, 0);
	assert_int_equal(c.leap, LEAP_NONE);
	assert_int_equal(c.max_error_ns,
	    rig_usual.max_distance_ns + llabs(rig_track(&r).offset_ns));
	assert_true(c.max_error_ns > rig_usual.max_distance_ns + 6 * NS_PER_MS);
	assert_int_equal(c.est_error_ns, t.est_error_ns);
	steering_applied(r.steering, KEEPER_OK);
	assert_true(rig_track(&r).freq_ppm == t.freq_ppm);
	/* It is said once. */
	assert_false(steering_update(r.steering, &r.ledger, r.wall, &c));
	rig_close(&r);
}

/* New limits and options hold at once, for all that is kept. */
static void test_a_reload_brings_its_own_rules(void **state)
{
	static const int from[2] = {1, 0};
	const struct source_options options[2] = {{0}, {.noselect = true}};
	struct steering_config config = rig_usual;
	struct steering *old;
	struct rig r;
	int selected;

	(void)state;
	rig_open(&r, 2, NULL, NULL);
	rig_poll(&r, 2, 20, 16, NULL);
	selected = rig_track(&r).selected;
	old = r.steering;
	config.min_sources = 2;
	config.max_slew_ppm = 7;
	r.steering = steering_adopt(old, &config, options, from, 2);
	/* Both stay, so that the filter goes on. */
	assert_memory_equal(
	    &r.steering->estimate, &old->estimate, sizeof(old->estimate));
	steering_free(old);
	assert_int_equal(rig_track(&r).selected, 1 - selected);
	assert_true(r.steering->discipline.config.max_slew_ppm == 7);
	assert_int_equal(r.steering->config.min_sources, 2);
	(void)rig_update(&r);
	assert_int_equal(rig_view(&r, 1).state, SELECT_NOSELECT);
	assert_int_equal(rig_view(&r, 0).state, SELECT_WAITS);
	rig_close(&r);
}

/* Until the next decision no source is selected, and the status says so. */
static void test_a_reload_without_the_selected_source_selects_none(void **state)
{
	int from[2];
	struct rig r;

	(void)state;
	rig_open(&r, 3, NULL, NULL);
	rig_poll(&r, 3, 20, 16, NULL);
	from[0] = (rig_track(&r).selected + 1) % 3;
	from[1] = (rig_track(&r).selected + 2) % 3;
	adopt(&r, from, 2);
	assert_int_equal(rig_track(&r).selected, -1);
	assert_int_equal(r.steering->selection.outcome, SELECT_NO_SAMPLES);
	assert_string_not_equal(rig_track(&r).reason, "");
	(void)rig_update(&r);
	assert_true(rig_track(&r).selected >= 0);
	assert_string_equal(rig_track(&r).reason, "");
	rig_close(&r);
}

/* One of three is gone: the filter starts again with the two that stay. */
static void test_a_reload_drops_what_is_gone(void **state)
{
	static const int from[2] = {2, 1};
	struct rig r;

	(void)state;
	rig_open(&r, 3, NULL, NULL);
	rig_poll(&r, 3, 20, 16, NULL);
	adopt(&r, from, 2);
	assert_int_equal(r.steering->member_count, 2);
	assert_true(r.steering->replay_due);
	assert_true(llabs(rig_track(&r).offset_ns) < 20 * NS_PER_US);
	(void)rig_update(&r);
	assert_int_equal(r.steering->estimate.sources, 2);
	assert_true(r.steering->estimate.started);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
		    r.steering->members[r.steering->sources[i].slot], i);
	assert_true(llabs(rig_error_ns(&r)) < 20 * NS_PER_US);
	rig_close(&r);
}

/* The samples of a member leave the filter with it; others were not in it. */
static void test_forgetting_a_member_replays_the_rest(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, 2, NULL, NULL);
	rig_poll(&r, 1, 10, 16, NULL);
	steering_forget(r.steering, 1);
	assert_false(r.steering->replay_due);
	steering_forget(r.steering, 0);
	assert_true(r.steering->replay_due);
	assert_int_equal(rig_view(&r, 0).state, SELECT_NO_SAMPLES);
	assert_false(rig_view(&r, 0).have_sample);
	rig_close(&r);
}

/* The nearest of three servers is alone in the filter, and its estimate says
 * that the frequency has jumped. The command follows a little, up and down; in
 * the first 16 updates, and without a third server, it follows at once. */
static void test_few_sources_change_the_frequency_little(void **state)
{
	static const struct {
		unsigned servers;
		unsigned updates;
		double ppm;
	} rows[] = {
	    {3, 16, 100},
	    {3, 16, -100},
	    {3, 15, 1000},
	    {2, 16, -1000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig r;
		double base, change;

		rig_open(&r, rows[i].servers, NULL, NULL);
		for (unsigned k = 0; k < 300; k++) {
			unsigned source = k % rows[i].servers;

			r.up_ns = r.down_ns = source ? 15 * NS_PER_MS : 0;
			rig_wait(&r, 5);
			rig_add(&r, source, 0);
			(void)rig_update(&r);
		}
		r.up_ns = r.down_ns = 0;
		rig_add(&r, 0, 0);
		(void)rig_update(&r);
		assert_int_equal(r.steering->member_count, 1);
		assert_int_equal(r.steering->selection.voters, rows[i].servers);
		estimate_shift_freq(
		    &r.steering->estimate, copysign(1e-3, rows[i].ppm));
		base = r.steering->base_freq;
		rig_wait(&r, 0.01);
		r.steering->discipline.updates = rows[i].updates;
		r.steering->sample_is_new = true;
		assert_true(rig_update(&r));
		change = r.last.freq_ppm - base * 1e6;
		if (fabs(change - rows[i].ppm) > 1)
			fail_msg("row %zu: %+g ppm", i, change);
		rig_close(&r);
	}
}

static void test_two_voters_prove_nothing_against_each_other(void **state)
{
	static const struct {
		unsigned voters, members;
		bool most;
	} rows[] = {
	    {1, 1, true},
	    {2, 1, true},
	    {3, 1, false},
	    {3, 2, true},
	    {4, 2, false},
	    {4, 3, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct steering s = {.member_count = rows[i].members,
		    .selection.voters = rows[i].voters};

		assert_int_equal(members_are_most(&s), rows[i].most);
	}
}

static void test_names_are_complete(void **state)
{
	(void)state;
	for (int s = 0; s < SELECT_STATE_COUNT; s++) {
		enum select_state st = (enum select_state)s;

		assert_true(strchr("?-x~+*", select_state_mark(st)) != NULL);
		assert_true(strlen(select_state_name(st)) > 3);
		assert_true(strlen(select_state_text(st)) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_before_the_first_sample),
	    cmocka_unit_test(test_one_server_sets_the_clock),
	    cmocka_unit_test(test_start_waits_for_others_but_not_long),
	    cmocka_unit_test(test_converges_and_learns_the_frequency),
	    cmocka_unit_test(test_two_names_of_one_server),
	    cmocka_unit_test(test_falseticker_is_named_and_ignored),
	    cmocka_unit_test(test_late_liar_is_removed),
	    cmocka_unit_test(test_a_move_that_all_servers_show_is_followed),
	    cmocka_unit_test(test_liar_goes_and_comes_within_three_polls),
	    cmocka_unit_test(test_untrusted_sources_cannot_move_the_clock),
	    cmocka_unit_test(test_liar_without_majority_counts_again),
	    cmocka_unit_test(test_no_majority_is_reported_once),
	    cmocka_unit_test(test_silence_widens_the_bound_and_ends),
	    cmocka_unit_test(test_unusable_sources),
	    cmocka_unit_test(the_error_is_that_of_the_tracking),
	    cmocka_unit_test(nothing_is_selected_after_a_jump),
	    cmocka_unit_test(giving_up_after_a_jump_ends_no_start),
	    cmocka_unit_test(a_jump_alone_deselects),
	    cmocka_unit_test(test_foreign_jump_is_undone),
	    cmocka_unit_test(test_beyond_refuse_threshold_nothing_is_done),
	    cmocka_unit_test(test_route_change_moves_nothing),
	    cmocka_unit_test(test_unnoticed_jump_is_followed),
	    cmocka_unit_test(test_one_servers_jump_moves_nothing),
	    cmocka_unit_test(test_spikes_are_ignored),
	    cmocka_unit_test(test_leap_needs_a_majority),
	    cmocka_unit_test(test_leap_is_shown_on_its_day_only),
	    cmocka_unit_test(test_nonsense_is_survived),
	    cmocka_unit_test(test_another_list_of_sources),
	    cmocka_unit_test(test_another_list_without_the_old_ones),
	    cmocka_unit_test(test_starts_with_the_known_frequency),
	    cmocka_unit_test(test_verdicts_of_the_keeper),
	    cmocka_unit_test(test_the_interval_is_that_of_the_last_two_updates),
	    cmocka_unit_test(test_a_drift_is_met_in_the_middle),
	    cmocka_unit_test(test_hindsight_ends_with_32_samples),
	    cmocka_unit_test(test_one_hindsight_serves_all_sources),
	    cmocka_unit_test(test_the_asymmetry_of_a_sample_is_predicted),
	    cmocka_unit_test(test_a_sample_shows_that_a_source_is_reachable),
	    cmocka_unit_test(test_the_mean_offset_is_of_updates_without_steps),
	    cmocka_unit_test(test_giving_up_keeps_the_frequency),
	    cmocka_unit_test(test_a_reload_brings_its_own_rules),
	    cmocka_unit_test(
		test_a_reload_without_the_selected_source_selects_none),
	    cmocka_unit_test(test_a_reload_drops_what_is_gone),
	    cmocka_unit_test(test_forgetting_a_member_replays_the_rest),
	    cmocka_unit_test(test_few_sources_change_the_frequency_little),
	    cmocka_unit_test(test_two_voters_prove_nothing_against_each_other),
	    cmocka_unit_test(test_names_are_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
