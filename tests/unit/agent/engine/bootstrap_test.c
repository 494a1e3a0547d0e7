#include "agent/engine/bootstrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S INT64_C(86400)
/* The clock shows 1996, the truth is 2027. */
#define LOCAL_S INT64_C(820454400)
#define TRUE_S INT64_C(1800000000)
#define EARLIEST_S (TRUE_S - 30 * DAY_S)

struct election {
	struct config config;
	struct bootstrap b;
	struct timescale t;
	struct wall now;
};

static struct election *election_new(
    unsigned sources, enum bootstrap_policy policy)
{
	struct election *w = calloc(1, sizeof(*w));
	struct clock_change start = {.at = {LOCAL_S * NS_PER_S}};

	assert_non_null(w);
	w->config.bootstrap = policy;
	w->config.source_count = sources;
	w->config.steering.max_distance_ns = 3 * NS_PER_S;
	w->now = start.at;
	timescale_init(&w->t, &start);
	bootstrap_init(&w->b, &w->config, EARLIEST_S * NS_PER_S);
	return w;
}

/* An honest server whose clock is `error_ns` ahead, with a certificate of 90
 * days around the truth. */
static struct bootstrap_offer offer_of(
    const struct election *w, unsigned i, int64_t error_ns)
{
	struct bootstrap_offer o = {
	    .there = true,
	    .undated = true,
	    .at = timescale_osc(&w->t, w->now),
	    .bound_ns = 20 * NS_PER_MS,
	    .not_before_s = TRUE_S - 45 * DAY_S,
	    .not_after_s = TRUE_S + 45 * DAY_S,
	    .address = {.family = 4, .address = {192, 0, 2, (uint8_t)i}},
	    .key = {(uint8_t)(i + 1)},
	};

	o.offset_ns = TRUE_S * NS_PER_S + error_ns - o.at.ns;
	snprintf(o.host, sizeof(o.host), "ntp%u.example.net", i);
	return o;
}

static void take(
    struct election *w, unsigned i, const struct bootstrap_offer *o)
{
	bootstrap_take(&w->b, i, o, (struct mono){0});
}

static void offers(struct election *w, unsigned i, int64_t error_ns)
{
	struct bootstrap_offer o = offer_of(w, i, error_ns);

	take(w, i, &o);
}

static void assert_outcome(struct election *w, enum bootstrap_outcome want)
{
	assert_int_equal(bootstrap_decide(&w->b, &w->t, w->now)->outcome, want);
}

static void assert_agreed(
    struct election *w, int64_t error_ns, int64_t within_ns)
{
	int64_t miss_ns;

	assert_outcome(w, BOOTSTRAP_AGREED);
	miss_ns =
	    w->now.ns + w->b.result.step_ns - (TRUE_S * NS_PER_S + error_ns);
	assert_true(llabs(miss_ns) <= within_ns);
}

static void three_servers_that_agree_set_the_clock(void **state)
{
	struct election *w = election_new(3, BOOTSTRAP_QUORUM);

	(void)state;
	offers(w, 0, 0);
	offers(w, 1, NS_PER_MS);
	assert_outcome(w, BOOTSTRAP_FEW);
	offers(w, 2, -NS_PER_MS);
	assert_agreed(w, 0, NS_PER_MS);
	assert_int_equal(w->b.result.agreeing, 3);
	free(w);
}

static void two_servers_outvote_one_that_lies(void **state)
{
	const int64_t lies_ns[] = {
	    NS_PER_S, -NS_PER_S, -20 * DAY_S * NS_PER_S, 20 * DAY_S * NS_PER_S};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lies_ns); i++) {
		for (unsigned wrong = 0; wrong < 3; wrong++) {
			struct election *w = election_new(3, BOOTSTRAP_QUORUM);

			for (unsigned j = 0; j < 3; j++)
				offers(w, j, j == wrong ? lies_ns[i] : 0);
			assert_agreed(w, 0, 20 * NS_PER_MS);
			free(w);
		}
	}
}

static void two_of_two_servers_are_enough_and_two_of_three_are_not(void **state)
{
	struct election *two = election_new(2, BOOTSTRAP_QUORUM);
	struct election *three = election_new(3, BOOTSTRAP_QUORUM);

	(void)state;
	offers(two, 0, 0);
	assert_outcome(two, BOOTSTRAP_FEW);
	offers(two, 1, 0);
	assert_agreed(two, 0, 20 * NS_PER_MS);
	offers(two, 1, NS_PER_S);
	assert_outcome(two, BOOTSTRAP_DISAGREE);
	offers(three, 0, 0);
	offers(three, 1, 0);
	assert_outcome(three, BOOTSTRAP_FEW);
	free(two);
	free(three);
}

static void half_of_the_servers_are_not_a_majority(void **state)
{
	struct election *w = election_new(4, BOOTSTRAP_QUORUM);

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		offers(w, i, i < 2 ? 0 : NS_PER_S);
	assert_outcome(w, BOOTSTRAP_DISAGREE);
	free(w);
}

static void one_server_alone_needs_bootstrap_single(void **state)
{
	struct election *no = election_new(1, BOOTSTRAP_QUORUM);
	struct election *yes = election_new(1, BOOTSTRAP_SINGLE);
	struct election *off = election_new(3, BOOTSTRAP_OFF);

	(void)state;
	assert_false(bootstrap_open(&no->b));
	assert_false(bootstrap_open(&off->b));
	assert_true(bootstrap_open(&yes->b));
	offers(yes, 0, 0);
	assert_agreed(yes, 0, 20 * NS_PER_MS);
	free(no);
	free(yes);
	free(off);
}

/* With `single`, two servers that contradict each other set nothing either. */
static void with_bootstrap_single_a_contradiction_sets_nothing(void **state)
{
	struct election *w = election_new(2, BOOTSTRAP_SINGLE);

	(void)state;
	offers(w, 0, 0);
	offers(w, 1, 5 * NS_PER_S);
	assert_outcome(w, BOOTSTRAP_DISAGREE);
	free(w);
}

static void three_names_of_one_server_are_one_voter(void **state)
{
	char text[BOOTSTRAP_TEXT_MAX];

	(void)state;
	for (unsigned what = 0; what < 3; what++) {
		struct election *w = election_new(3, BOOTSTRAP_QUORUM);
		struct bootstrap_offer first = offer_of(w, 0, 0);

		take(w, 0, &first);
		for (unsigned i = 1; i < 3; i++) {
			struct bootstrap_offer o = offer_of(w, i, 0);

			if (what == 0)
				o.address = first.address;
			else if (what == 1)
				memcpy(o.key, first.key, sizeof(o.key));
			else
				strcpy(o.host, "NTP0.example.net");
			take(w, i, &o);
		}
		assert_outcome(w, BOOTSTRAP_FEW);
		assert_int_equal(w->b.result.voters, 1);
		bootstrap_text(&w->b, text, sizeof(text));
		assert_non_null(strstr(text,
		    "2 independent servers must agree to set it, and 1 "
		    "answered (with bootstrap = single"));
		free(w);
	}
}

/* Two servers, one of which has two names: both must agree. */
static void a_second_name_of_a_server_is_not_waited_for(void **state)
{
	struct election *w = election_new(3, BOOTSTRAP_QUORUM);
	struct bootstrap_offer o = offer_of(w, 2, 0);

	(void)state;
	memcpy(o.key, offer_of(w, 1, 0).key, sizeof(o.key));
	offers(w, 0, 0);
	offers(w, 1, 0);
	take(w, 2, &o);
	assert_agreed(w, 0, 20 * NS_PER_MS);
	/* Under two names the lying server still has one vote. */
	offers(w, 1, NS_PER_S);
	o.offset_ns += NS_PER_S;
	take(w, 2, &o);
	assert_outcome(w, BOOTSTRAP_DISAGREE);
	free(w);
}

/* Two of five servers lie, and answer from the addresses of two honest ones.
 * They are first in the configuration. */
static void an_address_that_is_copied_takes_no_vote(void **state)
{
	struct election *w = election_new(5, BOOTSTRAP_QUORUM);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct bootstrap_offer o = offer_of(w, i, 9 * DAY_S * NS_PER_S);

		o.address = offer_of(w, i + 2, 0).address;
		take(w, i, &o);
		offers(w, i + 2, 0);
	}
	offers(w, 4, 0);
	assert_agreed(w, 0, 20 * NS_PER_MS);
	assert_int_equal(w->b.result.voters, 3);
	assert_int_equal(w->b.result.agreeing, 3);
	free(w);
}

/* Such a server is a voter, but agrees with none. */
static void a_time_outside_the_certificate_is_a_vote_against(void **state)
{
	struct election *w = election_new(3, BOOTSTRAP_QUORUM);
	struct bootstrap_offer o = offer_of(w, 2, 0);

	(void)state;
	o.not_after_s = TRUE_S - DAY_S;
	assert_false(bootstrap_offer_dated(&o, &w->t, w->now));
	offers(w, 0, 0);
	offers(w, 1, 0);
	take(w, 2, &o);
	assert_agreed(w, 0, 20 * NS_PER_MS);
	assert_int_equal(w->b.result.agreeing, 2);
	o = offer_of(w, 1, 0);
	o.not_before_s = TRUE_S + DAY_S;
	take(w, 1, &o);
	assert_outcome(w, BOOTSTRAP_DISAGREE);
	free(w);
}

static void a_certificate_without_dates_agrees_with_none(void **state)
{
	struct election *w = election_new(1, BOOTSTRAP_SINGLE);
	struct bootstrap_offer o = offer_of(w, 0, 0);

	(void)state;
	o.not_before_s = o.not_after_s = 0;
	take(w, 0, &o);
	assert_outcome(w, BOOTSTRAP_DISAGREE);
	free(w);
}

/* One moment is enough for an agreement. */
static void a_certificate_may_be_valid_for_a_moment(void **state)
{
	struct election *w = election_new(1, BOOTSTRAP_SINGLE);
	struct bootstrap_offer o = offer_of(w, 0, 0);

	(void)state;
	o.not_before_s = o.not_after_s = TRUE_S;
	take(w, 0, &o);
	assert_agreed(w, 0, 0);
	free(w);
}

static void the_agreed_time_lies_within_each_certificate(void **state)
{
	struct election *w = election_new(2, BOOTSTRAP_QUORUM);
	struct bootstrap_offer a = offer_of(w, 0, 0), b = offer_of(w, 1, 0);
	int64_t time_ns;

	(void)state;
	a.bound_ns = b.bound_ns = 2 * NS_PER_S;
	a.not_after_s = TRUE_S - 1;
	take(w, 0, &a);
	take(w, 1, &b);
	assert_outcome(w, BOOTSTRAP_AGREED);
	time_ns = w->now.ns + w->b.result.step_ns;
	assert_true(time_ns <= a.not_after_s * NS_PER_S);
	b.not_before_s = TRUE_S;
	take(w, 1, &b);
	assert_outcome(w, BOOTSTRAP_DISAGREE);
	free(w);
}

/* Old certificates with the old time that they were valid at. */
static void no_agreement_leads_before_the_earliest_time(void **state)
{
	struct election *w = election_new(3, BOOTSTRAP_QUORUM);
	char text[400];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		offers(w, i, -31 * DAY_S * NS_PER_S);
	assert_outcome(w, BOOTSTRAP_EARLY);
	bootstrap_text(&w->b, text, sizeof(text));
	assert_non_null(
	    strstr(text, "before 2026-12-16 08:00:00 UTC, which is known"));
	assert_non_null(strstr(text, "last-good-time"));
	for (unsigned i = 0; i < 3; i++)
		offers(w, i, -29 * DAY_S * NS_PER_S);
	assert_agreed(w, -29 * DAY_S * NS_PER_S, 20 * NS_PER_MS);
	/* The earliest time itself can be true. */
	for (unsigned i = 0; i < 3; i++)
		offers(w, i, (EARLIEST_S - TRUE_S) * NS_PER_S);
	assert_agreed(w, (EARLIEST_S - TRUE_S) * NS_PER_S, 0);
	for (unsigned i = 0; i < 3; i++)
		offers(w, i, (EARLIEST_S - TRUE_S) * NS_PER_S - 1);
	assert_outcome(w, BOOTSTRAP_EARLY);
	free(w);
}

/* A server with a bound that covers everything has no say. */
static void an_offer_with_a_wide_bound_is_no_vote(void **state)
{
	struct election *w = election_new(2, BOOTSTRAP_QUORUM);
	struct bootstrap_offer o = offer_of(w, 1, 0);

	(void)state;
	o.bound_ns = 3 * NS_PER_S + 1;
	offers(w, 0, 0);
	take(w, 1, &o);
	assert_outcome(w, BOOTSTRAP_DISAGREE);
	o.bound_ns = 3 * NS_PER_S;
	take(w, 1, &o);
	assert_outcome(w, BOOTSTRAP_AGREED);
	free(w);
}

/* Sources whose dates fit the clock outvote the others. */
static void a_right_clock_is_left_alone(void **state)
{
	struct election *w = election_new(3, BOOTSTRAP_QUORUM);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct bootstrap_offer o = offer_of(w, i, 0);

		o.undated = false;
		o.offset_ns = NS_PER_MS;
		o.not_before_s = LOCAL_S - DAY_S;
		o.not_after_s = LOCAL_S + DAY_S;
		take(w, i, &o);
	}
	offers(w, 2, 0);
	assert_outcome(w, BOOTSTRAP_RIGHT);
	free(w);
}

static void a_noselect_source_is_not_waited_for(void **state)
{
	struct election *w = election_new(3, BOOTSTRAP_QUORUM);

	(void)state;
	w->config.sources[2].options.noselect = true;
	bootstrap_init(&w->b, &w->config, EARLIEST_S * NS_PER_S);
	offers(w, 0, 0);
	offers(w, 1, 0);
	assert_agreed(w, 0, 20 * NS_PER_MS);
	free(w);
}

/* A clock without any correction drifts by a thousandth at most. */
static void the_bound_of_an_offer_grows_with_its_age(void **state)
{
	/* Each bound is 20 ms at first. */
	static const struct {
		int64_t age_s, apart_ms;
		bool agree;
	} table[] = {
	    {0, 39, true},
	    {0, 40, true},
	    {0, 41, false},
	    {100, 139, true},
	    {100, 141, false},
	    {1000, 1039, true},
	    {1000, 1041, false},
	    /* An offer cannot come from the future. */
	    {-100, 39, true},
	    {-100, 41, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct election *w = election_new(2, BOOTSTRAP_QUORUM);
		int64_t age_ns = table[i].age_s * NS_PER_S;

		offers(w, 0, 0);
		w->now.ns += age_ns;
		offers(w, 1, age_ns + table[i].apart_ms * NS_PER_MS);
		assert_outcome(
		    w, table[i].agree ? BOOTSTRAP_AGREED : BOOTSTRAP_DISAGREE);
		free(w);
	}
}

/* Its offset is what counts, and there are no dates to cut it. */
static void an_offer_without_dates_counts_whole_if_they_were_checked(
    void **state)
{
	static const int64_t dates[][2] = {
	    {0, 0}, {1, TRUE_S + DAY_S}, {0, TRUE_S + DAY_S}, {1, INT64_MAX}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
		struct election *w = election_new(1, BOOTSTRAP_SINGLE);
		struct bootstrap_offer o = offer_of(w, 0, 0);

		o.undated = false;
		o.not_before_s = dates[i][0];
		o.not_after_s = dates[i][1];
		take(w, 0, &o);
		assert_outcome(w, BOOTSTRAP_RIGHT);
		assert_int_equal(w->b.result.agreeing, 1);
		free(w);
	}
}

static void one_end_of_the_dates_is_enough_to_refute_an_offer(void **state)
{
	static const struct {
		int64_t before_s, after_s;
		bool undated, dated;
	} table[] = {
	    {TRUE_S + 1, 0, false, false},
	    {0, TRUE_S - 1, false, false},
	    {0, 1, false, false},
	    {INT64_MIN, TRUE_S + 1, true, true},
	    {TRUE_S - 1, INT64_MAX, true, true},
	    {0, 0, true, false},
	    /* The bounds themselves are within. */
	    {TRUE_S, TRUE_S, true, true},
	};
	struct election *w = election_new(1, BOOTSTRAP_SINGLE);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct bootstrap_offer o = offer_of(w, 0, 0);

		o.undated = table[i].undated;
		o.not_before_s = table[i].before_s;
		o.not_after_s = table[i].after_s;
		assert_int_equal(
		    bootstrap_offer_dated(&o, &w->t, w->now), table[i].dated);
	}
	free(w);
}

/* One of the sources that agree had no check of dates: the clock is wrong.
 * Which one it is does not matter. */
static void one_undated_source_of_a_majority_is_enough_to_step(void **state)
{
	(void)state;
	for (unsigned undated = 0; undated < 3; undated++) {
		struct election *w = election_new(3, BOOTSTRAP_QUORUM);

		for (unsigned i = 0; i < 3; i++) {
			struct bootstrap_offer o = offer_of(w, i, 0);

			o.undated = i == undated;
			take(w, i, &o);
		}
		assert_agreed(w, 0, NS_PER_MS);
		assert_int_equal(w->b.result.agreeing, 3);
		free(w);
	}
}

/* The step leads to the middle of what all of them permit. */
static void the_step_is_the_middle_of_what_is_shared(void **state)
{
	struct election *w = election_new(3, BOOTSTRAP_QUORUM);

	(void)state;
	offers(w, 0, 0);
	offers(w, 1, 10 * NS_PER_MS);
	offers(w, 2, 20 * NS_PER_MS);
	assert_agreed(w, 10 * NS_PER_MS, 0);
	free(w);
}

static void slow_servers_are_waited_for_with_a_limit(void **state)
{
	const struct mono early = {3 * NS_PER_S - 1}, late = {3 * NS_PER_S};
	struct election *w = election_new(3, BOOTSTRAP_QUORUM);

	(void)state;
	assert_false(bootstrap_due(&w->b, false, late));
	assert_true(bootstrap_due(&w->b, true, early));
	offers(w, 0, 0);
	assert_false(bootstrap_due(&w->b, false, early));
	assert_true(bootstrap_due(&w->b, false, late));
	/* The limit counts from the first offer. */
	bootstrap_take(&w->b, 1, &w->b.offers[0], early);
	assert_true(bootstrap_due(&w->b, false, late));
	bootstrap_forget(&w->b);
	assert_false(bootstrap_due(&w->b, false, late));
	bootstrap_end(&w->b);
	assert_false(bootstrap_open(&w->b));
	assert_false(bootstrap_due(&w->b, true, late));
	free(w);
}

static void the_steering_waits_with_a_limit(void **state)
{
	const struct mono early = {10 * NS_PER_S - 1}, late = {10 * NS_PER_S};
	struct election *w = election_new(3, BOOTSTRAP_QUORUM);

	(void)state;
	assert_true(bootstrap_begin(&w->b, (struct mono){0}));
	assert_false(bootstrap_begin(&w->b, (struct mono){NS_PER_S}));
	assert_true(bootstrap_holds(&w->b, true, early));
	assert_false(bootstrap_holds(&w->b, false, early));
	assert_false(bootstrap_holds(&w->b, true, late));
	bootstrap_end(&w->b);
	assert_false(bootstrap_holds(&w->b, true, early));
	free(w);
}

/* The agreement must be about the error of the pause, within a second. */
static void after_a_pause_only_its_error_is_corrected(void **state)
{
	static const struct {
		int64_t differs_ms;
		enum bootstrap_outcome outcome;
	} table[] = {
	    {0, BOOTSTRAP_AGREED},
	    {999, BOOTSTRAP_AGREED},
	    {1000, BOOTSTRAP_AGREED},
	    {1001, BOOTSTRAP_RIGHT},
	    {-999, BOOTSTRAP_AGREED},
	    {-1000, BOOTSTRAP_AGREED},
	    {-1001, BOOTSTRAP_RIGHT},
	};
	const int64_t pause_ns = (TRUE_S - LOCAL_S) * NS_PER_S;
	const struct mono then = {7 * NS_PER_S};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct election *w = election_new(2, BOOTSTRAP_QUORUM);

		offers(w, 0, 0);
		bootstrap_end(&w->b);
		assert_true(bootstrap_reopen(
		    &w->b, pause_ns - table[i].differs_ms * NS_PER_MS, then));
		assert_true(bootstrap_open(&w->b));
		assert_int_equal(w->b.pause_at.ns, then.ns);
		assert_true(bootstrap_holds(
		    &w->b, true, mono_after(then, 10 * NS_PER_S - 1)));
		assert_false(bootstrap_holds(
		    &w->b, true, mono_after(then, 10 * NS_PER_S)));
		/* The offer from before is gone. */
		assert_false(w->b.offers[0].there);
		assert_int_equal(w->b.decide_at.ns, MONO_NEVER.ns);
		assert_outcome(w, BOOTSTRAP_FEW);
		offers(w, 0, 0);
		offers(w, 1, 0);
		assert_outcome(w, table[i].outcome);
		bootstrap_end(&w->b);
		assert_int_equal(w->b.pause_ns, 0);
		free(w);
	}
}

static void what_was_not_wanted_at_the_start_is_not_opened_again(void **state)
{
	static const struct {
		unsigned sources;
		enum bootstrap_policy policy;
		bool wanted;
	} table[] = {
	    {1, BOOTSTRAP_QUORUM, false},
	    {2, BOOTSTRAP_QUORUM, true},
	    {1, BOOTSTRAP_SINGLE, true},
	    {3, BOOTSTRAP_OFF, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct election *w =
		    election_new(table[i].sources, table[i].policy);

		assert_int_equal(bootstrap_open(&w->b), table[i].wanted);
		assert_int_equal(
		    bootstrap_reopen(&w->b, NS_PER_S, (struct mono){0}),
		    table[i].wanted);
		assert_int_equal(bootstrap_open(&w->b), table[i].wanted);
		free(w);
	}
}

static void assert_text(const struct election *w, const char *text)
{
	char found[BOOTSTRAP_TEXT_MAX];

	bootstrap_text(&w->b, found, sizeof(found));
	assert_string_equal(found, text);
}

static void the_text_counts_the_servers(void **state)
{
	struct election *w = election_new(3, BOOTSTRAP_QUORUM);
	struct election *one = election_new(1, BOOTSTRAP_SINGLE);

	(void)state;
	offers(w, 0, 0);
	offers(w, 1, 0);
	assert_outcome(w, BOOTSTRAP_FEW);
	assert_text(w,
	    "the clock is too wrong to check certificates: 3 independent "
	    "servers must agree to set it, and 2 answered");
	assert_outcome(one, BOOTSTRAP_FEW);
	assert_text(one,
	    "the clock is too wrong to check certificates: 1 independent "
	    "server must agree to set it, and 0 answered");
	offers(w, 1, NS_PER_S);
	offers(w, 2, 2 * NS_PER_S);
	assert_outcome(w, BOOTSTRAP_DISAGREE);
	assert_text(w,
	    "the clock is too wrong to check certificates, and of 3 servers "
	    "no two agree on a time within the dates of their certificates");
	assert_true(
	    bootstrap_reopen(&w->b, 1500 * NS_PER_MS, (struct mono){0}));
	assert_text(w,
	    "the clock has lost 1.500 s, more than refuse-threshold: 3 "
	    "independent servers must agree to set it, and 0 answered");
	free(w);
	free(one);
}

static void offers_that_are_dropped_do_not_count(void **state)
{
	struct election *w = election_new(3, BOOTSTRAP_QUORUM);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		offers(w, i, 0);
	bootstrap_forget(&w->b);
	assert_outcome(w, BOOTSTRAP_FEW);
	assert_int_equal(w->b.result.voters, 0);
	assert_int_equal(w->b.result.needed, 3);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(three_servers_that_agree_set_the_clock),
	    cmocka_unit_test(two_servers_outvote_one_that_lies),
	    cmocka_unit_test(
		two_of_two_servers_are_enough_and_two_of_three_are_not),
	    cmocka_unit_test(half_of_the_servers_are_not_a_majority),
	    cmocka_unit_test(one_server_alone_needs_bootstrap_single),
	    cmocka_unit_test(
		with_bootstrap_single_a_contradiction_sets_nothing),
	    cmocka_unit_test(three_names_of_one_server_are_one_voter),
	    cmocka_unit_test(a_second_name_of_a_server_is_not_waited_for),
	    cmocka_unit_test(an_address_that_is_copied_takes_no_vote),
	    cmocka_unit_test(a_time_outside_the_certificate_is_a_vote_against),
	    cmocka_unit_test(a_certificate_without_dates_agrees_with_none),
	    cmocka_unit_test(a_certificate_may_be_valid_for_a_moment),
	    cmocka_unit_test(the_agreed_time_lies_within_each_certificate),
	    cmocka_unit_test(no_agreement_leads_before_the_earliest_time),
	    cmocka_unit_test(an_offer_with_a_wide_bound_is_no_vote),
	    cmocka_unit_test(a_right_clock_is_left_alone),
	    cmocka_unit_test(a_noselect_source_is_not_waited_for),
	    cmocka_unit_test(the_bound_of_an_offer_grows_with_its_age),
	    cmocka_unit_test(slow_servers_are_waited_for_with_a_limit),
	    cmocka_unit_test(the_steering_waits_with_a_limit),
	    cmocka_unit_test(offers_that_are_dropped_do_not_count),
	    cmocka_unit_test(
		an_offer_without_dates_counts_whole_if_they_were_checked),
	    cmocka_unit_test(one_end_of_the_dates_is_enough_to_refute_an_offer),
	    cmocka_unit_test(
		one_undated_source_of_a_majority_is_enough_to_step),
	    cmocka_unit_test(the_step_is_the_middle_of_what_is_shared),
	    cmocka_unit_test(after_a_pause_only_its_error_is_corrected),
	    cmocka_unit_test(
		what_was_not_wanted_at_the_start_is_not_opened_again),
	    cmocka_unit_test(the_text_counts_the_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
