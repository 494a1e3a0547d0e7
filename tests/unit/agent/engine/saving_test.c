/* A restart or a crash in the small world: no key exchange, and no cookie is
 * spent twice. */
#include "agent/engine/saving.h"
#include "agent/saved/trouble.h"
#include "tests/unit/agent/engine/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_NS (3600 * NS_PER_S)

static struct world *world_that_keeps(unsigned sources)
{
	struct world *w = world_new(sources, 0, 10);

	w->keep_keys = true;
	world_start(w);
	return w;
}

static const struct source *only(const struct world *w)
{
	return &w->engine.sources[0];
}

static void keys_are_saved_with_the_first_answer(void **state)
{
	struct world *w = world_that_keeps(1);

	(void)state;
	while (only(w)->count.good == 0)
		world_run(w, NS_PER_S / 20);
	assert_int_equal(only(w)->count.good, 1);
	assert_true(w->disk[0].there);
	assert_int_equal(w->writes, 1);
	assert_int_equal(
	    w->disk[0].keys.answer.cookie_count, COOKIE_RESERVE_COOKIES);
	/* The jar is full again with the next answer. */
	world_run(w, PACE_QUICK_NS + NS_PER_S / 20);
	assert_int_equal(only(w)->assoc.jar.count, NTS_COOKIES);
	world_end(w);
}

static void keys_that_no_server_has_answered_are_not_saved(void **state)
{
	struct world *w = world_that_keeps(1);

	(void)state;
	w->silent[0] = true;
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->writes, 0);
	world_end(w);
}

static void a_crash_costs_no_key_exchange(void **state)
{
	struct world *w = world_that_keeps(3);
	struct tracking t;

	(void)state;
	world_run(w, 100 * NS_PER_S);
	assert_int_equal(w->asks, 3);
	world_restart(w, false);
	assert_int_equal(only(w)->stage, STAGE_POLLING);
	world_run(w, 50 * NS_PER_MS);
	assert_int_equal(only(w)->count.good, 1);
	world_run(w, 2950 * NS_PER_MS);
	t = world_tracking(w);
	assert_true(t.synchronised);
	assert_int_equal(w->asks, 3);
	assert_int_equal(w->reused_cookies, 0);
	assert_string_equal(only(w)->facts.subject, "CN=peer");
	world_end(w);
}

/* Nothing is known of the server but that its name has no address. */
static void a_renewal_that_fails_leaves_the_saved_keys(void **state)
{
	struct world *w = world_that_keeps(1);

	(void)state;
	world_run(w, 100 * NS_PER_S);
	w->keys_fail[0] = true;
	w->fail_stage = KE_STAGE_DNS;
	world_run(w, 36 * HOUR_NS);
	assert_string_equal(only(w)->failure, "dns");
	assert_true(ke_answer_valid(&w->disk[0].keys.answer));
	assert_string_equal(only(w)->facts.subject, "CN=peer");
	world_restart(w, true);
	assert_int_equal(only(w)->stage, STAGE_POLLING);
	assert_true(ke_answer_valid(&w->disk[0].keys.answer));
	world_end(w);
}

/* Crashes come in the burst, before and after a write, and with a request under
 * way. */
static void no_crash_spends_a_cookie_twice(void **state)
{
	struct world *w = world_that_keeps(2);
	uint32_t random = 12345;

	(void)state;
	world_run(w, NS_PER_S);
	for (unsigned i = 0; i < 400; i++) {
		random = random * 1664525 + 1013904223;
		world_restart(w, i % 5 == 0);
		world_run(w, (int64_t)(random >> 16) % 8000 * NS_PER_MS);
	}
	assert_int_equal(w->reused_cookies, 0);
	assert_int_equal(w->asks, 2);
	world_end(w);
}

/* Each crash before a write leaves half of the cookies; after the last one keys
 * are exchanged. */
static void each_crash_halves_the_saved_cookies(void **state)
{
	static const unsigned left[] = {2, 1, 0};
	struct world *w = world_that_keeps(1);

	(void)state;
	world_run(w, 10 * NS_PER_S);
	for (size_t i = 0; i < ARRAY_LEN(left); i++) {
		world_restart(w, false);
		assert_int_equal(w->disk[0].keys.answer.cookie_count, left[i]);
		assert_int_equal(only(w)->stage, STAGE_POLLING);
		engine_on_timer(&w->engine, world_reading(w));
	}
	world_restart(w, false);
	assert_int_equal(only(w)->stage, STAGE_START);
	world_run(w, 10 * NS_PER_S);
	assert_int_equal(w->asks, 2);
	assert_int_equal(w->reused_cookies, 0);
	assert_true(w->disk[0].there);
	world_end(w);
}

static void an_orderly_end_saves_the_whole_jar(void **state)
{
	struct world *w = world_that_keeps(1);

	(void)state;
	world_run(w, 100 * NS_PER_S);
	world_restart(w, true);
	assert_int_equal(only(w)->assoc.jar.count, NTS_COOKIES / 2);
	assert_int_equal(w->disk[0].keys.answer.cookie_count, NTS_COOKIES / 2);
	world_run(w, 100 * NS_PER_S);
	assert_int_equal(w->asks, 1);
	assert_int_equal(w->reused_cookies, 0);
	world_end(w);
}

static void keys_are_written_once_an_hour(void **state)
{
	struct world *w = world_that_keeps(1);

	(void)state;
	w->config.sources[0].minpoll = w->config.sources[0].maxpoll = 4;
	world_run(w, 24 * HOUR_NS);
	assert_in_range(w->writes, 23, 26);
	assert_true(w->now / NS_PER_S - w->disk[0].keys.saved_s <= 3700);
	world_end(w);
}

static void samples_are_saved_every_ten_minutes_and_at_the_end(void **state)
{
	struct world *w = world_that_keeps(1);

	(void)state;
	world_run(w, 30 * NS_PER_S);
	assert_int_equal(w->sample_writes, 0);
	world_run(w, HOUR_NS);
	assert_in_range(w->sample_writes, 6, 7);
	w->sample_writes = 0;
	world_restart(w, true);
	assert_int_equal(w->sample_writes, 1);
	world_end(w);
}

/* Meanwhile the ledger does not know what the clock does. */
static void samples_wait_for_the_answer_to_a_command(void **state)
{
	struct world *w = world_that_keeps(1);

	(void)state;
	world_run(w, 30 * NS_PER_S);
	w->engine.order.pending = true;
	w->engine.order.answer_by = MONO_NEVER;
	w->engine.order.serial = UINT32_MAX;
	world_run(w, 100 * NS_PER_S);
	assert_int_equal(w->sample_writes, 0);
	world_restart(w, true);
	assert_int_equal(w->sample_writes, 0);
	world_end(w);
}

static void a_restart_keeps_the_age_of_the_keys(void **state)
{
	struct world *w = world_that_keeps(1);
	int64_t age_ns;

	(void)state;
	world_run(w, 5 * HOUR_NS);
	world_restart(w, false);
	age_ns = w->mono - only(w)->keys_at.ns;
	assert_true(llabs(age_ns - 5 * HOUR_NS) < 2 * NS_PER_S);
	world_end(w);
}

/* After three days, the agent first measures, and exchanges keys within two
 * hours. */
static void old_keys_are_renewed_after_the_first_samples(void **state)
{
	struct world *w = world_that_keeps(1);

	(void)state;
	world_run(w, HOUR_NS);
	world_restart(w, false);
	world_run(w, HOUR_NS);
	assert_int_equal(w->asks, 1);
	w->disk[0].keys.keyed_s -= 3 * 86400;
	world_restart(w, false);
	world_run(w, 300 * NS_PER_S);
	assert_int_equal(w->asks, 1);
	world_run(w, 2 * HOUR_NS);
	assert_int_equal(w->asks, 2);
	world_end(w);
}

/* After a change of trust the keys stay in use, but are not saved. */
static void keys_of_another_trust_are_not_saved(void **state)
{
	struct world *w = world_that_keeps(1);

	(void)state;
	world_run(w, 100 * NS_PER_S);
	w->disk[0].there = false;
	cookie_reserve_bar(&w->engine.sources[0]);
	world_run(w, 2 * HOUR_NS);
	assert_false(w->disk[0].there);
	/* New keys are saved. */
	world_run(w, 24 * HOUR_NS);
	assert_int_equal(w->asks, 2);
	assert_true(w->disk[0].there);
	cookie_reserve_bar(&w->engine.sources[0]);
	w->disk[0].there = false;
	world_restart(w, true);
	assert_int_equal(only(w)->stage, STAGE_START);
	world_end(w);
}

static void keys_that_the_server_forgot_are_replaced(void **state)
{
	struct world *w = world_that_keeps(1);

	(void)state;
	world_run(w, 100 * NS_PER_S);
	memset(&w->peers[0].keys, 99, sizeof(w->peers[0].keys));
	world_restart(w, false);
	world_run(w, 10 * NS_PER_S);
	assert_int_equal(w->asks, 2);
	assert_true(only(w)->heard);
	assert_int_equal(w->disk[0].keys.answer.keys.c2s[0], 99);
	world_end(w);
}

static void new_keys_are_saved_with_their_first_answer(void **state)
{
	struct world *w = world_that_keeps(1);
	unsigned writes;

	(void)state;
	world_run(w, 100 * NS_PER_S);
	writes = w->writes;
	memset(&w->peers[0].keys, 99, sizeof(w->peers[0].keys));
	world_run(w, 2000 * NS_PER_S);
	assert_int_equal(w->writes, writes + 1);
	assert_int_equal(w->disk[0].keys.answer.keys.c2s[0], 99);
	world_end(w);
}

static void keys_of_a_server_that_denies_service_are_removed(void **state)
{
	struct world *w = world_that_keeps(1);

	(void)state;
	world_run(w, 100 * NS_PER_S);
	assert_true(w->disk[0].there);
	w->peers[0].stratum = 0;
	w->peers[0].kiss = 0x44454e59; /* DENY */
	world_run(w, 100 * NS_PER_S);
	assert_int_equal(only(w)->stage, STAGE_RESTING);
	assert_false(w->disk[0].there);
	world_restart(w, true);
	assert_int_equal(only(w)->stage, STAGE_START);
	world_end(w);
}

static void a_server_that_gives_no_cookies_keeps_enough_in_the_jar(void **state)
{
	struct world *w = world_that_keeps(1);

	(void)state;
	w->peers[0].no_cookies = true;
	w->config.sources[0].minpoll = w->config.sources[0].maxpoll = 12;
	while (only(w)->count.good == 0)
		world_run(w, NS_PER_S / 20);
	world_run(w, NS_PER_S / 2);
	assert_int_equal(only(w)->count.good, PACE_BURST_GOOD);
	assert_true(w->writes <= 1);
	assert_true(only(w)->assoc.jar.count > 0);
	world_end(w);
}

static void without_a_folder_nothing_is_saved(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	world_start(w);
	world_run(w, HOUR_NS);
	assert_int_equal(w->writes, 0);
	assert_int_equal(only(w)->assoc.jar.count, NTS_COOKIES);
	world_end(w);
}

/* A disk may be slow: no file is written while any answer is waited for. */
static void nothing_is_written_while_an_answer_is_waited_for(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct world *w = world_that_keeps(2);

		world_run(w, 20 * NS_PER_S);
		w->writes = w->sample_writes = 0;
		w->silent[i] = true;
		w->engine.save_samples_at = (struct mono){0};
		while (!w->engine.sources[i].pending.open)
			world_run(w, NS_PER_MS);
		w->engine.save_samples_at = (struct mono){0};
		w->sample_writes = 0;
		world_run(w, 10 * NS_PER_MS);
		assert_true(w->engine.sources[i].pending.open);
		assert_int_equal(w->sample_writes, 0);
		world_end(w);
	}
}

/* All keys renew within a day; then none is from before the crash. */
static void a_crash_is_marked_until_new_keys_have_replaced_the_old(void **state)
{
	struct world *w = world_that_keeps(2);

	(void)state;
	world_run(w, 100 * NS_PER_S);
	assert_false(w->crash_marked);
	w->jobs_crash[0] = true;
	world_run(w, 25 * HOUR_NS);
	assert_true(w->engine.sources[0].count.crashes > 0);
	assert_true(world_logged_at(w, LOG_LEVEL_ERROR, "crash 1"));
	assert_true(w->crash_marked);
	assert_int_equal(w->engine.sources[1].count.exchanges, 2);
	w->jobs_crash[0] = false;
	world_run(w, 26 * HOUR_NS);
	assert_false(w->crash_marked);
	assert_true(world_logged(w, "saved keys are used again"));
	world_end(w);
}

static void after_a_crash_saved_keys_are_not_used(void **state)
{
	struct world *w = world_that_keeps(2);
	unsigned asks;

	(void)state;
	world_run(w, 100 * NS_PER_S);
	w->jobs_crash[0] = true;
	w->engine.sources[0].renew_at.ns = w->mono;
	world_run(w, NS_PER_S / 10);
	assert_true(w->crash_marked);
	w->jobs_crash[0] = false;
	asks = w->asks;
	world_restart(w, true);
	assert_int_equal(w->engine.sources[0].stage, STAGE_START);
	assert_int_equal(w->engine.sources[1].stage, STAGE_START);
	world_run(w, 10 * NS_PER_S);
	assert_int_equal(w->asks, asks + 2);
	assert_false(w->crash_marked);
	world_restart(w, true);
	assert_int_equal(w->engine.sources[0].stage, STAGE_POLLING);
	world_end(w);
}

/* The mark of the run before waits for the first exchange. */
static void a_mark_outlives_a_start_without_keys(void **state)
{
	struct world *w = world_that_keeps(1);

	(void)state;
	world_run(w, 100 * NS_PER_S);
	w->crash_marked = true;
	w->no_resolver = true;
	world_restart(w, true);
	world_run(w, 3 * NS_PER_S);
	assert_true(w->crash_marked);
	world_end(w);
}

/* There is nothing to remove. */
static void without_a_folder_nothing_is_removed(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	world_start(w);
	world_run(w, 100 * NS_PER_S);
	engine_saving_drop(&w->engine, 0);
	assert_int_equal(w->writes, 0);
	world_end(w);
}

static void keys_are_removed_once(void **state)
{
	struct world *w = world_that_keeps(1);
	unsigned writes;

	(void)state;
	world_run(w, 100 * NS_PER_S);
	writes = w->writes;
	assert_true(w->disk[0].there);
	engine_saving_drop(&w->engine, 0);
	assert_false(w->disk[0].there);
	engine_saving_drop(&w->engine, 0);
	assert_int_equal(w->writes, writes + 1);
	world_end(w);
}

/* Counts a text in the log of the world. */
static unsigned lines_with(const struct world *w, const char *part)
{
	unsigned count = 0;

	for (const char *at = w->log; (at = strstr(at, part)); at++)
		count++;
	return count;
}

static void what_is_not_saved_is_told_until_it_is(void **state)
{
	struct world *w = world_that_keeps(1);
	struct engine *e = &w->engine;
	const char *text = e->unsaved[UNSAVED_KEYS].text;

	(void)state;
	world_run(w, 100 * NS_PER_S);
	while (engine_take_noticed(e))
		continue;
	engine_saving_result(e, UNSAVED_KEYS, "");
	assert_false(engine_take_noticed(e));
	engine_saving_result(e, UNSAVED_KEYS, "cannot write x: no space");
	assert_string_equal(text,
	    "keys do not survive a restart: cannot write x: no space; the next "
	    "try is within an hour, or now: sudo ntsctl dump");
	assert_true(engine_take_noticed(e));
	engine_saving_result(e, UNSAVED_KEYS, "cannot write x: no space");
	assert_int_equal(lines_with(w, "do not survive"), 1);
	assert_false(engine_take_noticed(e));
	engine_saving_result(e, UNSAVED_KEYS, "");
	assert_string_equal(text, "");
	assert_true(engine_take_noticed(e));
	assert_int_equal(lines_with(w, "the keys can be saved again\n"), 1);
	world_end(w);
}

/* Whether the trouble names a cure or not. */
static void a_closed_folder_needs_a_restart(void **state)
{
	static const char *const troubles[] = {
	    "cannot make the key x: Permission denied",
	    "cannot open x: there is no space left; free some on that disk",
	};
	struct world *w = world_that_keeps(1);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(troubles); i++) {
		char expected[512];

		engine_saving_result(&w->engine, UNSAVED_FOLDER, troubles[i]);
		snprintf(expected, sizeof(expected),
		    "keys and samples do not survive a restart: %s; when this "
		    "is corrected, restart the agent",
		    troubles[i]);
		assert_string_equal(
		    w->engine.unsaved[UNSAVED_FOLDER].text, expected);
	}
	world_end(w);
}

/* `ntsctl dump`: after the disk has room again. */
static void an_order_tries_again_what_was_not_saved(void **state)
{
	struct world *w = world_that_keeps(1);
	unsigned writes, saves;

	(void)state;
	world_run(w, 700 * NS_PER_S);
	writes = w->writes;
	saves = w->saves;
	assert_true(engine_saving_soon(&w->engine));
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->writes, writes);
	assert_int_equal(w->saves, saves);
	engine_saving_result(&w->engine, UNSAVED_KEYS, "x");
	engine_saving_result(&w->engine, UNSAVED_CLOCK, "x");
	assert_true(engine_saving_soon(&w->engine));
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->writes, writes + 1);
	assert_int_equal(w->saves, saves + 1);
	world_end(w);
}

/* The keeper passes it on, and it says nothing of the clock. */
static void the_answer_of_the_saver_is_in_the_status(void **state)
{
	struct world *w = world_that_keeps(1);
	struct engine *e = &w->engine;
	struct keeper_report r = {.verdict = KEEPER_SAVED};
	const char *text = e->unsaved[UNSAVED_CLOCK].text;

	(void)state;
	world_run(w, 100 * NS_PER_S);
	e->order.slewing = true;
	r.sys_errno = saver_answer_of(-ENOSPC, false);
	strcpy(w->config.driftfile, "/x/drift");
	engine_on_report(e, &r, world_reading(w));
	assert_string_equal(text,
	    "the next start has an older drift: cannot write /x/drift: there "
	    "is no space left; free some on that disk; the next try is within "
	    "an hour, or now: sudo ntsctl dump");
	r.sys_errno = SAVER_DONE;
	engine_on_report(e, &r, world_reading(w));
	assert_string_equal(text, "");
	assert_int_equal(lines_with(w, "the drift can be saved again\n"), 1);
	assert_true(e->order.slewing);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys_are_saved_with_the_first_answer),
	    cmocka_unit_test(nothing_is_written_while_an_answer_is_waited_for),
	    cmocka_unit_test(keys_that_no_server_has_answered_are_not_saved),
	    cmocka_unit_test(a_crash_costs_no_key_exchange),
	    cmocka_unit_test(a_renewal_that_fails_leaves_the_saved_keys),
	    cmocka_unit_test(no_crash_spends_a_cookie_twice),
	    cmocka_unit_test(each_crash_halves_the_saved_cookies),
	    cmocka_unit_test(an_orderly_end_saves_the_whole_jar),
	    cmocka_unit_test(keys_are_written_once_an_hour),
	    cmocka_unit_test(
		samples_are_saved_every_ten_minutes_and_at_the_end),
	    cmocka_unit_test(samples_wait_for_the_answer_to_a_command),
	    cmocka_unit_test(a_restart_keeps_the_age_of_the_keys),
	    cmocka_unit_test(old_keys_are_renewed_after_the_first_samples),
	    cmocka_unit_test(keys_of_another_trust_are_not_saved),
	    cmocka_unit_test(keys_that_the_server_forgot_are_replaced),
	    cmocka_unit_test(new_keys_are_saved_with_their_first_answer),
	    cmocka_unit_test(keys_of_a_server_that_denies_service_are_removed),
	    cmocka_unit_test(
		a_server_that_gives_no_cookies_keeps_enough_in_the_jar),
	    cmocka_unit_test(without_a_folder_nothing_is_saved),
	    cmocka_unit_test(without_a_folder_nothing_is_removed),
	    cmocka_unit_test(keys_are_removed_once),
	    cmocka_unit_test(
		a_crash_is_marked_until_new_keys_have_replaced_the_old),
	    cmocka_unit_test(after_a_crash_saved_keys_are_not_used),
	    cmocka_unit_test(a_mark_outlives_a_start_without_keys),
	    cmocka_unit_test(what_is_not_saved_is_told_until_it_is),
	    cmocka_unit_test(a_closed_folder_needs_a_restart),
	    cmocka_unit_test(an_order_tries_again_what_was_not_saved),
	    cmocka_unit_test(the_answer_of_the_saver_is_in_the_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
