/*
 * The engine on a machine whose clock is too wrong to check certificates by:
 * thirty years behind, or ten or seventy ahead.
 */
#include "agent/engine/wrong_clock.h"
#include "agent/saved/last_good_time.h"
#include "tests/unit/agent/engine/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define DAY_S INT64_C(86400)
#define YEAR_NS (INT64_C(31556952) * NS_PER_S)
/* The virtual machine stands still for this long, which is more than
 * refuse-threshold. */
#define NIGHT_S INT64_C(36000)

static const int64_t errors_ns[] = {-30 * YEAR_NS, 10 * YEAR_NS, 70 * YEAR_NS};

/* Servers whose certificates last from 45 days ago for 90 days, and a clock
 * that is wrong by `error_ns`. */
static struct world *wrong_world(unsigned sources, int64_t error_ns)
{
	struct world *w = world_new(sources, error_ns, 20);
	int64_t true_s = w->now / NS_PER_S;

	w->config.bootstrap = BOOTSTRAP_QUORUM;
	w->start.earliest_ns = (true_s - 10 * DAY_S) * NS_PER_S;
	for (unsigned i = 0; i < sources; i++) {
		w->cert_from_s[i] = true_s - 45 * DAY_S;
		w->cert_to_s[i] = true_s + 45 * DAY_S;
	}
	return w;
}

static bool synchronised(struct world *w)
{
	struct tracking t;

	t = world_tracking(w);
	assert_int_equal(t.synchronised, w->status.synchronised);
	return t.synchronised;
}

static void assert_right(struct world *w)
{
	if (llabs(world_error(w)) > NS_PER_MS)
		fail_msg("off by %.3f s", s_of_ns(world_error(w)));
}

static enum source_stage stage(struct world *w, unsigned i)
{
	return w->engine.sources[i].stage;
}

/* Every source in use has a certificate whose dates were checked. */
static void assert_all_checked(struct world *w)
{
	for (unsigned i = 0; i < w->config.source_count; i++)
		assert_true(stage(w, i) != STAGE_UNDATED_POLLING &&
			    stage(w, i) != STAGE_UNDATED_KEYING);
	assert_false(bootstrap_open(&w->engine.bootstrap));
}

static void three_servers_set_any_clock_within_seconds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(errors_ns); i++) {
		struct world *w = wrong_world(3, errors_ns[i]);
		unsigned exchanges = 0;

		world_start(w);
		while (!synchronised(w) &&
		       w->engine.now.mono.ns - w->engine.started.mono.ns <
			   15 * NS_PER_S)
			world_run(w, NS_PER_S / 10);
		assert_true(synchronised(w));
		assert_right(w);
		assert_all_checked(w);
		assert_int_equal(w->undated_asks, 3);
		for (unsigned j = 0; j < 3; j++)
			exchanges +=
			    (unsigned)w->engine.sources[j].count.exchanges;
		/* Each source exchanges keys once without dates and once with
		 * them. */
		assert_int_equal(exchanges, 6);
		assert_true(w->engine.now.mono.ns - w->engine.started.mono.ns <
			    5 * NS_PER_S);
		world_end(w);
	}
}

static void a_falseticker_among_three_is_outvoted(void **state)
{
	(void)state;
	for (unsigned wrong = 0; wrong < 3; wrong++) {
		struct world *w = wrong_world(3, errors_ns[0]);

		w->peer_error_ns[wrong] = 20 * DAY_S * NS_PER_S;
		world_start(w);
		world_run(w, 15 * NS_PER_S);
		assert_true(synchronised(w));
		assert_right(w);
		world_end(w);
	}
}

static void two_that_agree_are_enough_for_two(void **state)
{
	struct world *w = wrong_world(2, errors_ns[1]);

	(void)state;
	world_start(w);
	world_run(w, 15 * NS_PER_S);
	assert_true(synchronised(w));
	assert_right(w);
	world_end(w);
}

static void two_that_disagree_set_nothing(void **state)
{
	struct world *w = wrong_world(2, errors_ns[0]);

	(void)state;
	w->peer_error_ns[1] = 10 * NS_PER_S;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_true(world_logged(w, "of 2 servers no two agree on a time"));
	world_forget_log(w);
	world_run(w, 540 * NS_PER_S);
	assert_false(world_logged(w, "agree on a time"));
	assert_int_equal(w->steps, 0);
	assert_false(synchronised(w));
	world_end(w);
}

static void one_server_alone_needs_bootstrap_single(void **state)
{
	struct world *w = wrong_world(1, errors_ns[0]);

	(void)state;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_int_equal(w->undated_asks, 0);
	assert_string_equal(w->engine.sources[0].failure, "certificate");
	world_end(w);
	w = wrong_world(1, errors_ns[0]);
	w->config.bootstrap = BOOTSTRAP_SINGLE;
	world_start(w);
	world_run(w, 15 * NS_PER_S);
	assert_true(synchronised(w));
	assert_right(w);
	world_end(w);
}

static void with_bootstrap_off_dates_are_always_checked(void **state)
{
	struct world *w = wrong_world(3, errors_ns[0]);

	(void)state;
	w->config.bootstrap = BOOTSTRAP_OFF;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_int_equal(w->undated_asks, 0);
	world_end(w);
}

/* Servers that were compromised long ago, with their certificates of that time.
 */
static void no_agreement_leads_out_of_the_dates_of_certificates(void **state)
{
	struct world *w = wrong_world(3, errors_ns[0]);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		w->cert_to_s[i] -= 50 * DAY_S;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_false(synchronised(w));
	assert_string_equal(w->engine.sources[0].failure, "certificate");
	assert_non_null(strstr(w->engine.sources[0].reason, "has expired"));
	world_end(w);
}

static void no_agreement_leads_before_the_earliest_time(void **state)
{
	struct world *w = wrong_world(3, errors_ns[0]);
	char text[BOOTSTRAP_TEXT_MAX];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		w->peer_error_ns[i] = -11 * DAY_S * NS_PER_S;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_false(synchronised(w));
	assert_true(wrong_clock_active(&w->engine));
	bootstrap_text(&w->engine.bootstrap, text, sizeof(text));
	assert_non_null(strstr(text, "known to be past"));
	world_end(w);
}

/* They agree on a time; later, only one of them has a valid certificate. */
static void a_source_that_fails_the_recheck_rests(void **state)
{
	struct world *w = wrong_world(4, errors_ns[0]);

	(void)state;
	w->cert_to_s[3] = w->now / NS_PER_S - DAY_S;
	world_start(w);
	world_run(w, 15 * NS_PER_S);
	assert_true(synchronised(w));
	assert_right(w);
	assert_int_equal(stage(w, 3), STAGE_RESTING);
	assert_int_equal(w->engine.sources[3].count.good, 0);
	world_end(w);
}

static void nothing_is_synchronised_before_the_recheck(void **state)
{
	struct world *w = wrong_world(3, errors_ns[0]);

	(void)state;
	w->silent[2] = true;
	world_start(w);
	world_run(w, NS_PER_S / 2);
	/* No source passes the check: the clock never counts as synchronised.
	 */
	for (unsigned i = 0; i < 3; i++)
		w->keys_fail[i] = true;
	w->silent[2] = false;
	while (w->steps == 0)
		world_run(w, NS_PER_MS);
	assert_true(world_within(w, NS_PER_S));
	assert_false(w->status.synchronised);
	assert_false(synchronised(w));
	world_run(w, 120 * NS_PER_S);
	assert_int_equal(w->steps, 1);
	assert_false(synchronised(w));
	assert_all_checked(w);
	assert_string_equal(w->engine.sources[0].failure, "certificate");
	world_end(w);
}

/* In normal operation an expired certificate is refused. */
static void once_synchronised_dates_are_always_checked(void **state)
{
	struct world *w = world_new(3, 0, 10);

	(void)state;
	w->config.bootstrap = BOOTSTRAP_QUORUM;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_true(synchronised(w));
	for (unsigned i = 0; i < 3; i++) {
		w->cert_from_s[i] = 1;
		w->cert_to_s[i] = w->now / NS_PER_S - DAY_S;
		w->silent[i] = true;
	}
	world_run(w, 600 * NS_PER_S);
	for (unsigned i = 0; i < 3; i++)
		w->silent[i] = false;
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(w->undated_asks, 0);
	assert_int_equal(w->steps, 0);
	world_end(w);
}

/* A right clock, and one server that let its certificate expire. */
static void one_expired_certificate_does_not_delay_the_others(void **state)
{
	struct world *w = wrong_world(3, 50 * NS_PER_MS);

	(void)state;
	w->cert_to_s[1] = w->now / NS_PER_S - DAY_S;
	world_start(w);
	world_run(w, 5 * NS_PER_S);
	assert_true(synchronised(w));
	assert_int_equal(stage(w, 1), STAGE_RESTING);
	assert_string_equal(w->engine.sources[1].failure, "certificate");
	world_run(w, 3600 * NS_PER_S);
	assert_in_range(w->undated_asks, 1, 2);
	world_end(w);
}

/* Such a source waits for the others, at most ten seconds. */
static void a_source_that_fits_the_wrong_clock_does_not_set_it_alone(
    void **state)
{
	struct world *w = wrong_world(3, -50 * DAY_S * NS_PER_S);

	(void)state;
	w->cert_from_s[0] = 1;
	w->peer_error_ns[0] = -25 * DAY_S * NS_PER_S;
	w->start.earliest_ns = 0;
	world_start(w);
	world_run(w, 15 * NS_PER_S);
	assert_int_equal(w->steps, 1);
	assert_true(synchronised(w));
	assert_right(w);
	world_end(w);
}

/* A certificate of thirty years ago on a clock that is thirty years behind: it
 * was accepted, and the server tells the right time, at which it has expired.
 */
static void a_certificate_that_fits_only_the_wrong_clock_is_refused(
    void **state)
{
	struct world *w = wrong_world(3, errors_ns[0]);
	struct source_view v;

	(void)state;
	w->keep_keys = true;
	w->cert_from_s[0] = w->wall / NS_PER_S - DAY_S;
	w->cert_to_s[0] = w->wall / NS_PER_S + DAY_S;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_true(synchronised(w));
	assert_right(w);
	assert_int_equal(stage(w, 0), STAGE_RESTING);
	assert_string_equal(w->engine.sources[0].failure, "certificate");
	assert_false(w->disk[0].there);
	v = world_view(w, 0);
	assert_int_equal(v.samples, 0);
	world_end(w);
}

/* An old key with an old certificate, on a clock of that time. */
/* RFC 8633 5.2/2 */
static void a_time_that_is_known_to_be_past_is_dropped(void **state)
{
	struct world *w = wrong_world(1, -2 * YEAR_NS);

	(void)state;
	w->cert_from_s[0] = 1;
	w->peer_error_ns[0] = -2 * YEAR_NS + 3600 * NS_PER_S;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_false(synchronised(w));
	assert_string_equal(w->engine.sources[0].failure, "time");
	world_end(w);
}

/* makestep = no. */
static void makestep_does_not_forbid_the_step(void **state)
{
	struct world *w = wrong_world(3, errors_ns[0]);

	(void)state;
	w->config.steering.makestep_updates = 0;
	world_start(w);
	world_run(w, 15 * NS_PER_S);
	assert_int_equal(w->steps, 1);
	assert_true(synchronised(w));
	assert_right(w);
	world_end(w);
}

static void option_q_waits_for_the_recheck(void **state)
{
	struct world *w = wrong_world(3, errors_ns[1]);

	(void)state;
	w->options.once = true;
	world_start(w);
	world_run(w, 30 * NS_PER_S);
	assert_int_equal(w->engine.end, ENGINE_DONE);
	assert_right(w);
	assert_all_checked(w);
	world_end(w);
}

static void with_no_clock_dates_are_always_checked(void **state)
{
	struct world *w = wrong_world(3, errors_ns[0]);

	(void)state;
	w->options.no_clock = true;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->undated_asks, 0);
	assert_int_equal(w->steps, 0);
	world_end(w);
}

/* The third source is late. The engine waits for it, until somebody sets the
 * clock. */
static void two_of_three_wait_for_the_third(void **state)
{
	struct world *w = wrong_world(3, errors_ns[0]);

	(void)state;
	w->silent[2] = true;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_int_equal(stage(w, 0), STAGE_UNDATED_POLLING);
	w->silent[2] = false;
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->steps, 1);
	assert_true(synchronised(w));
	world_end(w);
}

static void a_clock_that_is_set_by_hand_ends_the_wait(void **state)
{
	struct world *w = wrong_world(3, errors_ns[0]);

	(void)state;
	w->silent[2] = true;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	w->wall = w->now + 3 * NS_PER_S;
	world_run(w, 60 * NS_PER_S);
	assert_true(synchronised(w));
	assert_right(w);
	assert_all_checked(w);
	world_end(w);
}

/* After the first synchronisation, names are validated again. */
static void names_are_unsure_until_the_clock_is_right(void **state)
{
	struct world *w = wrong_world(3, errors_ns[0]);
	unsigned at_start;

	(void)state;
	world_start(w);
	world_run(w, NS_PER_S);
	/* Each with dates and without them; then all are checked again. */
	assert_int_equal(w->unsure_asks, 3 * 2);
	assert_int_equal(w->asks, 3 * 3);
	world_run(w, 60 * NS_PER_S);
	assert_true(synchronised(w));
	at_start = w->unsure_asks;
	world_run(w, 3 * 86400 * NS_PER_S);
	assert_int_equal(w->unsure_asks, at_start);
	assert_true(w->asks > at_start);
	world_end(w);
}

/* Only one stage exchanges keys without dates, and only another exchange leads
 * from there to the stages whose samples are used. */
static void the_stage_is_the_flag(void **state)
{
	struct world *w = wrong_world(1, 0);
	struct ke_request q;

	(void)state;
	world_start(w);
	for (int i = 0; i < SOURCE_STAGE_COUNT; i++) {
		w->engine.sources[0].stage = (enum source_stage)i;
		source_ke_request(
		    &w->engine.sources[0], 0, 1000, world_reading(w).mono, &q);
		assert_int_equal(q.dates_unchecked, i == STAGE_UNDATED_KEYING);
	}
	for (int i = 0; i < SOURCE_EVENT_COUNT; i++) {
		struct source_rule keying =
		    source_rule(STAGE_UNDATED_KEYING, (enum source_event)i);
		struct source_rule polling =
		    source_rule(STAGE_UNDATED_POLLING, (enum source_event)i);

		assert_false(
		    keying.defined && (keying.next == STAGE_POLLING ||
					  keying.next == STAGE_REKEYING));
		assert_false(
		    polling.defined && (polling.next == STAGE_POLLING ||
					   polling.next == STAGE_REKEYING));
	}
	world_end(w);
}

/* Keys that were exchanged without dates are not saved. */
static void keys_without_dates_are_never_saved(void **state)
{
	struct world *w = wrong_world(3, errors_ns[0]);

	(void)state;
	w->keep_keys = true;
	w->silent[2] = true;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(stage(w, 0), STAGE_UNDATED_POLLING);
	engine_free(&w->engine, world_reading(w));
	assert_int_equal(w->writes, 0);
	for (unsigned i = 0; i < 3; i++)
		assert_false(w->disk[i].there);
	free(w);
}

/* Saved keys were exchanged with a check of dates, so they can set a wrong
 * clock after a restart. */
static void saved_keys_set_a_wrong_clock(void **state)
{
	struct world *w = wrong_world(3, 0);

	(void)state;
	w->keep_keys = true;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	w->wall = 1000 * NS_PER_S;
	world_restart(w, false);
	world_run(w, 10 * NS_PER_S);
	assert_true(synchronised(w));
	assert_right(w);
	assert_int_equal(w->undated_asks, 0);
	world_end(w);
}

static struct world *paused_world(
    unsigned sources, enum bootstrap_policy policy, int64_t pause_s)
{
	struct world *w = wrong_world(sources, NS_PER_MS);

	w->config.bootstrap = policy;
	world_start(w);
	world_run(w, DAY_S * NS_PER_S);
	assert_true(synchronised(w));
	assert_int_equal(w->steps, 0);
	world_pause(w, pause_s * NS_PER_S);
	return w;
}

/* The sources use the keys that they have: all machines of a host wake up at
 * once, and the key server gets no storm. */
static void a_night_that_was_lost_is_corrected(void **state)
{
	(void)state;
	for (unsigned n = 2; n <= 3; n++) {
		struct world *w = paused_world(n, BOOTSTRAP_QUORUM, NIGHT_S);
		unsigned asks = w->asks;

		world_run(w, 300 * NS_PER_S);
		assert_int_equal(w->steps, 1);
		assert_true(synchronised(w));
		assert_right(w);
		assert_all_checked(w);
		assert_int_equal(w->asks, asks);
		world_run(w, DAY_S / 2 * NS_PER_S);
		assert_int_equal(w->steps, 1);
		assert_right(w);
		world_end(w);
	}
}

/* It is as likely that the server is ahead. */
static void one_server_cannot_prove_a_pause(void **state)
{
	struct world *w = paused_world(1, BOOTSTRAP_QUORUM, NIGHT_S);
	struct tracking t;

	(void)state;
	world_run(w, 600 * NS_PER_S);
	t = world_tracking(w);
	assert_true(t.refused);
	assert_false(w->status.synchronised);
	assert_int_equal(w->steps, 0);
	world_end(w);
	w = paused_world(1, BOOTSTRAP_SINGLE, NIGHT_S);
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(w->steps, 1);
	assert_true(synchronised(w));
	assert_right(w);
	assert_all_checked(w);
	world_end(w);
}

/* Two names of one server prove no pause. Somebody sets the clock. */
static void two_names_of_one_server_cannot_prove_a_pause(void **state)
{
	struct world *w = wrong_world(2, NS_PER_MS);
	char text[BOOTSTRAP_TEXT_MAX];

	(void)state;
	w->one_key = true;
	world_start(w);
	world_run(w, DAY_S * NS_PER_S);
	world_pause(w, NIGHT_S * NS_PER_S);
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	bootstrap_text(&w->engine.bootstrap, text, sizeof(text));
	assert_non_null(strstr(text, "lost 36000.000 s, more than refuse"));
	w->wall = w->now + NS_PER_S / 2;
	world_run(w, 600 * NS_PER_S);
	assert_true(synchronised(w));
	assert_right(w);
	assert_all_checked(w);
	world_end(w);
}

static void with_bootstrap_off_a_lost_night_stays(void **state)
{
	struct world *w = paused_world(3, BOOTSTRAP_OFF, NIGHT_S);

	(void)state;
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_false(w->status.synchronised);
	world_end(w);
}

/* Two servers that agree decide, and the third one stays a falseticker. */
static void a_falseticker_has_no_vote_about_a_pause(void **state)
{
	for (int64_t sign = -1; sign <= 1; sign += 2) {
		struct world *w = wrong_world(3, NS_PER_MS);

		(void)state;
		world_start(w);
		world_run(w, DAY_S * NS_PER_S);
		w->peer_error_ns[1] = sign * 5 * DAY_S * NS_PER_S;
		world_pause(w, NIGHT_S * NS_PER_S);
		world_run(w, 300 * NS_PER_S);
		assert_int_equal(w->steps, 1);
		assert_true(synchronised(w));
		assert_right(w);
		world_end(w);
	}
}

/* The keeper permits a step over sixty days after nine hours then, and not
 * after four days. */
static void long_steps(struct world *w)
{
	w->config.steering.refuse_threshold_ns = 10000 * NS_PER_S;
}

/* The old certificates have expired, and the new ones are not valid yet by the
 * clock. */
static void an_old_snapshot_is_checked_like_a_start(void **state)
{
	const int64_t pause_s = 60 * DAY_S;
	struct world *w = wrong_world(4, NS_PER_MS);

	(void)state;
	w->keep_keys = true;
	long_steps(w);
	world_start(w);
	world_run(w, DAY_S / 2 * NS_PER_S);
	for (unsigned i = 0; i < 3; i++) {
		w->cert_from_s[i] += 55 * DAY_S;
		w->cert_to_s[i] += 55 * DAY_S;
	}
	world_pause(w, pause_s * NS_PER_S);
	world_run(w, 300 * NS_PER_S);
	assert_int_equal(w->steps, 1);
	assert_int_equal(w->undated_asks, 3);
	assert_true(synchronised(w));
	assert_right(w);
	assert_all_checked(w);
	/* The server that has not renewed its certificate is not used. */
	assert_int_equal(stage(w, 3), STAGE_RESTING);
	assert_string_equal(w->engine.sources[3].failure, "certificate");
	assert_false(w->disk[3].there);
	world_end(w);
}

/* An attacker on the path has the keys of expired certificates: these servers
 * agree on another time than the servers that were known. */
static void a_thief_of_old_keys_gains_nothing_by_a_pause(void **state)
{
	struct world *w = wrong_world(3, NS_PER_MS);

	(void)state;
	long_steps(w);
	world_start(w);
	world_run(w, DAY_S / 2 * NS_PER_S);
	world_pause(w, 60 * DAY_S * NS_PER_S);
	while (w->engine.bootstrap.pause_ns == 0)
		world_run(w, NS_PER_MS);
	for (unsigned i = 0; i < 3; i++)
		w->peer_error_ns[i] = -30 * DAY_S * NS_PER_S;
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_false(w->status.synchronised);
	world_end(w);
}

/* The dates of the certificates are not checked yet. */
static void the_step_of_an_agreement_says_not_synchronised(void **state)
{
	struct world *w = wrong_world(3, errors_ns[0]);

	(void)state;
	w->start.freq_ppm = 7;
	w->freq_ppm = 7;
	world_start(w);
	while (w->steps == 0)
		world_run(w, NS_PER_MS);
	assert_true(w->command.bootstrap);
	assert_false(w->command.pause);
	assert_false(w->command.synchronised);
	assert_true(w->command.freq_ppm == 7);
	assert_int_equal(w->command.max_error_ns, 16 * NS_PER_S);
	assert_int_equal(w->command.est_error_ns, 16 * NS_PER_S);
	assert_int_equal(w->status.max_error_ns, 16 * NS_PER_S);
	world_end(w);
}

/* With a minute of slack, and only while the clock itself is in the past. */
static void a_source_with_dates_must_not_tell_a_time_that_is_past(void **state)
{
	static const struct {
		int64_t clock_s, told_s; /* from the earliest time */
		bool undated, plausible;
	} rows[] = {
	    {-3600, -61, false, false},
	    {-3600, -59, false, true},
	    {-3600, -3600, false, false},
	    {-3600, -3600, true, true},
	    {-3600, 3600, false, true},
	    {-59, -3600, false, true},
	    {-61, -3600, false, false},
	    {3600, -3600, false, true},
	};
	struct world *w = wrong_world(1, 0);
	struct bootstrap_offer o = {.there = true};

	(void)state;
	world_start(w);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t earliest_ns = w->engine.bootstrap.earliest_ns;
		struct wall told = {earliest_ns + rows[i].told_s * NS_PER_S};

		w->engine.now.wall.ns =
		    earliest_ns + rows[i].clock_s * NS_PER_S;
		o.undated = rows[i].undated;
		/* Its certificate is valid at any time. */
		o.not_before_s = 1;
		o.not_after_s = INT64_MAX;
		assert_int_equal(wrong_clock_plausible(&w->engine, &o, told),
		    rows[i].plausible);
	}
	world_end(w);
}

/* Any three of four servers have offered the time at once. */
static void the_fourth_server_is_waited_for_with_a_limit(void **state)
{
	(void)state;
	for (unsigned silent = 0; silent < 4; silent++) {
		struct world *w = wrong_world(4, errors_ns[0]);
		int64_t first_ns;

		w->silent[silent] = true;
		world_start(w);
		while (w->engine.bootstrap.decide_at.ns == MONO_NEVER.ns)
			world_run(w, NS_PER_MS);
		first_ns = w->mono;
		while (w->steps == 0 && w->mono - first_ns < 10 * NS_PER_S)
			world_run(w, NS_PER_MS);
		assert_in_range(
		    w->mono - first_ns, 2900 * NS_PER_MS, 5 * NS_PER_S);
		world_end(w);
	}
}

static void the_log_says_how_the_clock_was_set(void **state)
{
	struct world *w = wrong_world(3, errors_ns[0]);
	const char *first;

	(void)state;
	world_start(w);
	/* The first source that asks without dates says why. */
	while (w->undated_asks == 0)
		world_run(w, NS_PER_MS);
	assert_true(world_logged(w, "the clock says"));
	world_run(w, 15 * NS_PER_S);
	first = strstr(w->log, "the clock says 1997-01-1");
	assert_non_null(first);
	assert_null(strstr(first + 1, "the clock says"));
	assert_true(world_logged(w, "the clock was stepped by +9467085"));
	assert_true(world_logged(w, " s to 2027-01-15 08:00:0"));
	assert_true(world_logged(w,
	    "on which 3 of 3 servers agree: now every certificate is checked"));
	world_end(w);
}

/* No threshold, a pause that is shorter, or steps at any time. */
static void a_pause_within_the_threshold_needs_no_agreement(void **state)
{
	static const struct {
		int64_t threshold_s;
		int updates;
	} rows[] = {{0, 3}, {NIGHT_S + 100, 3}, {1000, -1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *w = wrong_world(3, NS_PER_MS);

		w->config.steering.refuse_threshold_ns =
		    rows[i].threshold_s * NS_PER_S;
		w->config.steering.makestep_updates = rows[i].updates;
		world_start(w);
		world_run(w, 3600 * NS_PER_S);
		world_pause(w, NIGHT_S * NS_PER_S);
		world_run(w, 300 * NS_PER_S);
		assert_true(world_logged(w, "the clock has lost 36000"));
		assert_false(world_logged(w, "more than refuse-threshold"));
		assert_int_equal(w->engine.bootstrap.pause_ns, 0);
		assert_int_equal(w->steps, 1);
		assert_right(w);
		world_end(w);
	}
}

static void the_agreement_sends_one_command(void **state)
{
	struct world *w = wrong_world(3, errors_ns[0]);

	(void)state;
	w->keeper_hangs = true;
	world_start(w);
	while (w->commands == 0)
		world_run(w, NS_PER_MS);
	world_run(w, 4 * NS_PER_S);
	assert_int_equal(w->commands, 1);
	world_end(w);
}

/* A pause of more than refuse-threshold that no agreement may correct. */
static void the_log_says_why_a_pause_is_not_corrected(void **state)
{
	static const struct {
		unsigned sources;
		enum bootstrap_policy policy;
		bool no_clock;
		const char *line;
	} table[] = {
	    {3, BOOTSTRAP_QUORUM, true,
		"refuse-threshold, and the clock is not controlled "
		"(--no-clock): the clock is not set"},
	    {3, BOOTSTRAP_OFF, false,
		"refuse-threshold, and bootstrap = off: the clock is not set"},
	    {1, BOOTSTRAP_QUORUM, false,
		"refuse-threshold, and one server alone cannot prove it"},
	    {3, BOOTSTRAP_QUORUM, false, "the clock is set as at a start"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct world *w = wrong_world(table[i].sources, 0);
		int64_t most_ns;

		w->config.bootstrap = table[i].policy;
		w->options.no_clock = table[i].no_clock;
		world_start(w);
		most_ns = w->config.steering.refuse_threshold_ns;
		wrong_clock_paused(&w->engine, most_ns);
		assert_string_equal(w->log, "");
		wrong_clock_paused(&w->engine, most_ns + 1);
		assert_true(world_logged(w, table[i].line));
		assert_int_equal(w->engine.bootstrap.pause_ns > 0, i == 3);
		world_end(w);
	}
}

/* A pause is corrected by the agreement, or by the steering after ten seconds.
 */
static void the_steering_waits_for_the_agreement_about_a_pause(void **state)
{
	struct world *w = wrong_world(3, 0);

	(void)state;
	world_start(w);
	assert_false(wrong_clock_active(&w->engine));
	assert_false(wrong_clock_holds(&w->engine));
	assert_false(wrong_clock_pause_over(&w->engine));
	assert_true(bootstrap_reopen(
	    &w->engine.bootstrap, NS_PER_S, w->engine.now.mono));
	assert_true(wrong_clock_active(&w->engine));
	assert_true(wrong_clock_holds(&w->engine));
	assert_false(wrong_clock_pause_over(&w->engine));
	w->engine.now.mono.ns += 10 * NS_PER_S;
	assert_false(wrong_clock_holds(&w->engine));
	assert_true(wrong_clock_pause_over(&w->engine));
	world_end(w);
}

/* A certificate has expired in the pause if its keys are older. */
static void only_keys_from_before_a_pause_expire_in_it(void **state)
{
	static const struct {
		bool paused, undated, older, expired;
	} table[] = {
	    {true, false, true, true},
	    {false, false, true, false},
	    {true, true, true, false},
	    {true, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct world *w = wrong_world(2, 0);
		struct bootstrap_offer o = {
		    .undated = table[i].undated,
		    .not_before_s = 1,
		    .not_after_s = 2,
		};

		world_start(w);
		if (table[i].paused)
			assert_true(bootstrap_reopen(&w->engine.bootstrap,
			    NS_PER_S, w->engine.now.mono));
		w->engine.sources[1].keys_at = w->engine.now.mono;
		w->engine.sources[1].keys_at.ns -= table[i].older;
		assert_int_equal(
		    wrong_clock_expired(&w->engine, 1, &o), table[i].expired);
		world_end(w);
	}
}

/* A clock that shows a time before this program was written is wrong. */
static void the_era_is_chosen_by_the_latest_time_that_is_known(void **state)
{
	const int64_t written_ns = TIME_WRITTEN_S * NS_PER_S;
	static const int64_t earliest_ns[] = {-NS_PER_S, NS_PER_S};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(earliest_ns); i++) {
		struct world *w = wrong_world(1, 0);
		struct engine *e = &w->engine;
		int64_t least_ns;

		w->start.earliest_ns = written_ns + earliest_ns[i];
		world_start(w);
		least_ns = i == 0 ? written_ns : w->start.earliest_ns;
		assert_int_equal(e->bootstrap.earliest_ns, least_ns);
		e->now.wall.ns = written_ns + 1;
		assert_int_equal(wrong_clock_pivot(e, 0).ns, written_ns + 1);
		e->now.wall.ns = written_ns - 1;
		assert_int_equal(wrong_clock_pivot(e, 0).ns, written_ns);
		e->sources[0].stage = STAGE_UNDATED_POLLING;
		assert_int_equal(wrong_clock_pivot(e, 0).ns, least_ns);
		world_end(w);
	}
}

static void a_certificate_that_fits_the_clock_raises_no_doubt(void **state)
{
	struct world *w = wrong_world(3, 0);

	(void)state;
	world_start(w);
	world_run(w, 2 * NS_PER_S);
	assert_int_equal(w->asks, 3);
	assert_int_equal(w->engine.bootstrap.hold_until.ns, MONO_NEVER.ns);
	assert_false(world_logged(w, "does not fit"));
	world_end(w);
}

/* Nobody is left to wait for. */
static void the_last_answer_ends_the_wait(void **state)
{
	struct world *w = wrong_world(3, errors_ns[0]);
	int64_t first_ns;

	(void)state;
	world_start(w);
	while (w->engine.bootstrap.decide_at.ns == MONO_NEVER.ns)
		world_run(w, NS_PER_MS);
	first_ns = w->mono;
	while (w->steps == 0 && w->mono - first_ns < 10 * NS_PER_S)
		world_run(w, NS_PER_MS);
	assert_in_range(w->mono - first_ns, 0, 2 * NS_PER_S);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(three_servers_set_any_clock_within_seconds),
	    cmocka_unit_test(a_falseticker_among_three_is_outvoted),
	    cmocka_unit_test(two_that_agree_are_enough_for_two),
	    cmocka_unit_test(two_that_disagree_set_nothing),
	    cmocka_unit_test(one_server_alone_needs_bootstrap_single),
	    cmocka_unit_test(with_bootstrap_off_dates_are_always_checked),
	    cmocka_unit_test(
		no_agreement_leads_out_of_the_dates_of_certificates),
	    cmocka_unit_test(no_agreement_leads_before_the_earliest_time),
	    cmocka_unit_test(a_source_that_fails_the_recheck_rests),
	    cmocka_unit_test(nothing_is_synchronised_before_the_recheck),
	    cmocka_unit_test(once_synchronised_dates_are_always_checked),
	    cmocka_unit_test(one_expired_certificate_does_not_delay_the_others),
	    cmocka_unit_test(
		a_source_that_fits_the_wrong_clock_does_not_set_it_alone),
	    cmocka_unit_test(
		a_certificate_that_fits_only_the_wrong_clock_is_refused),
	    cmocka_unit_test(a_time_that_is_known_to_be_past_is_dropped),
	    cmocka_unit_test(makestep_does_not_forbid_the_step),
	    cmocka_unit_test(option_q_waits_for_the_recheck),
	    cmocka_unit_test(with_no_clock_dates_are_always_checked),
	    cmocka_unit_test(two_of_three_wait_for_the_third),
	    cmocka_unit_test(a_clock_that_is_set_by_hand_ends_the_wait),
	    cmocka_unit_test(names_are_unsure_until_the_clock_is_right),
	    cmocka_unit_test(the_stage_is_the_flag),
	    cmocka_unit_test(keys_without_dates_are_never_saved),
	    cmocka_unit_test(saved_keys_set_a_wrong_clock),
	    cmocka_unit_test(a_night_that_was_lost_is_corrected),
	    cmocka_unit_test(one_server_cannot_prove_a_pause),
	    cmocka_unit_test(two_names_of_one_server_cannot_prove_a_pause),
	    cmocka_unit_test(with_bootstrap_off_a_lost_night_stays),
	    cmocka_unit_test(a_falseticker_has_no_vote_about_a_pause),
	    cmocka_unit_test(an_old_snapshot_is_checked_like_a_start),
	    cmocka_unit_test(a_thief_of_old_keys_gains_nothing_by_a_pause),
	    cmocka_unit_test(the_step_of_an_agreement_says_not_synchronised),
	    cmocka_unit_test(
		a_source_with_dates_must_not_tell_a_time_that_is_past),
	    cmocka_unit_test(the_fourth_server_is_waited_for_with_a_limit),
	    cmocka_unit_test(the_log_says_how_the_clock_was_set),
	    cmocka_unit_test(a_pause_within_the_threshold_needs_no_agreement),
	    cmocka_unit_test(the_agreement_sends_one_command),
	    cmocka_unit_test(the_log_says_why_a_pause_is_not_corrected),
	    cmocka_unit_test(
		the_steering_waits_for_the_agreement_about_a_pause),
	    cmocka_unit_test(only_keys_from_before_a_pause_expire_in_it),
	    cmocka_unit_test(
		the_era_is_chosen_by_the_latest_time_that_is_known),
	    cmocka_unit_test(a_certificate_that_fits_the_clock_raises_no_doubt),
	    cmocka_unit_test(the_last_answer_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
