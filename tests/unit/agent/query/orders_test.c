#include "agent/query/orders.h"

#include "agent/engine/saving.h"

#include "agent/query/status.h"
#include "tests/unit/agent/engine/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static char text[ORDER_TEXT_MAX];

static enum order_outcome order(struct world *w, const char *line)
{
	enum order_outcome outcome =
	    order_run(&w->engine, line, world_reading(w), text);

	engine_on_timer(&w->engine, world_reading(w));
	return outcome;
}

static void assert_text(const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

static void what_is_not_an_order_is_refused(void **state)
{
	static const char *const lines[] = {"", "dance", "retr", "retryx",
	    "step now", "retry nobody", "retry ", " retry"};
	struct world *w = world_new(2, 0, 0);

	(void)state;
	world_start(w);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		assert_int_equal(order(w, lines[i]), ORDER_FAILED);
		assert_true(text[0] != '\0');
	}
	world_end(w);
}

static void retry_asks_at_once(void **state)
{
	struct world *w = world_new(2, 0, 0);

	(void)state;
	w->keys_fail[0] = w->keys_fail[1] = true;
	world_start(w);
	world_run(w, 7200 * NS_PER_S);
	w->keys_fail[0] = w->keys_fail[1] = false;
	assert_int_equal(order(w, "retry b"), ORDER_DONE);
	assert_text("1 source asked again");
	world_run(w, 100 * NS_PER_MS);
	assert_int_equal(w->engine.sources[0].count.good, 0);
	assert_true(w->engine.sources[1].count.good > 0);
	assert_int_equal(order(w, "retry"), ORDER_DONE);
	assert_text("2 sources asked again");
	world_run(w, 100 * NS_PER_MS);
	assert_true(w->engine.sources[0].count.good > 0);
	world_end(w);
}

static void a_burst_measures_often(void **state)
{
	struct world *w = world_new(1, 0, 0);
	uint64_t good;

	(void)state;
	world_start(w);
	assert_int_equal(order(w, "burst"), ORDER_FAILED);
	assert_text("no online source has keys");
	world_run(w, 1000 * NS_PER_S);
	good = w->engine.sources[0].count.good;
	assert_int_equal(order(w, "burst a"), ORDER_DONE);
	world_run(w, 5 * NS_PER_S);
	assert_in_range(w->engine.sources[0].count.good - good, PACE_BURST_GOOD,
	    PACE_BURST_GOOD + 1);
	world_end(w);
}

static void a_burst_has_the_length_that_is_ordered(void **state)
{
	static const char *const bad[] = {"burst-of", "burst-of a",
	    "burst-of 4", "burst-of 4/", "burst-of /4", "burst-of 0/4",
	    "burst-of 4/3", "burst-of 4/65", "burst-of 65/65", "burst-of 4/4a",
	    "burst-of 4/4/4", "burst-of -1/4",
	    "burst-of 4294967297/4294967297"};
	struct world *w = world_new(1, 0, 0);
	uint64_t sent;

	(void)state;
	world_start(w);
	world_run(w, 1000 * NS_PER_S);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(order(w, bad[i]), ORDER_FAILED);
		assert_text("a burst is GOOD/MAX");
	}
	sent = w->engine.sources[0].count.sent;
	assert_int_equal(order(w, "burst-of 8/20 a"), ORDER_DONE);
	world_run(w, 7900 * NS_PER_MS);
	assert_in_range(w->engine.sources[0].count.sent - sent, 7, 9);
	world_end(w);
}

/* The name is looked up again, and new keys replace those in use. */
static void a_refresh_brings_new_keys(void **state)
{
	struct world *w = world_new(2, 0, 0);
	uint64_t had;

	(void)state;
	world_start(w);
	world_run(w, 1000 * NS_PER_S);
	had = w->engine.sources[1].count.exchanges;
	assert_int_equal(order(w, "refresh b"), ORDER_DONE);
	world_run(w, 5 * NS_PER_S);
	assert_int_equal(w->engine.sources[1].count.exchanges, had + 1);
	assert_int_equal(w->engine.sources[0].count.exchanges, had);
	assert_int_equal(order(w, "offline"), ORDER_DONE);
	assert_int_equal(order(w, "refresh"), ORDER_FAILED);
	assert_text("ntsctl online");
	world_end(w);
}

static void a_dump_saves_the_samples(void **state)
{
	struct world *w = world_new(1, 0, 0);
	unsigned saves;

	(void)state;
	world_start(w);
	world_run(w, 100 * NS_PER_S);
	assert_int_equal(order(w, "dump"), ORDER_FAILED);
	world_end(w);
	w = world_new(1, 0, 0);
	w->keep_keys = true;
	world_start(w);
	world_run(w, 100 * NS_PER_S);
	saves = w->sample_writes;
	assert_int_equal(order(w, "dump"), ORDER_DONE);
	world_run(w, 2 * NS_PER_S);
	assert_int_equal(w->sample_writes, saves + 1);
	assert_text("samples are being saved; keys");
	world_end(w);
}

/* Samples of so short a time cannot be saved. */
static void an_early_dump_saves_the_samples_later(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	w->keep_keys = true;
	world_start(w);
	world_run(w, 2 * NS_PER_S);
	assert_int_equal(order(w, "dump"), ORDER_DONE);
	assert_text("samples will be saved when the agent has run for 6 s");
	world_run(w, 3 * NS_PER_S);
	assert_int_equal(w->sample_writes, 0);
	world_run(w, 30 * NS_PER_S);
	assert_int_equal(w->sample_writes, 1);
	world_end(w);
}

static void offline_asks_nothing_until_online(void **state)
{
	struct world *w = world_new(1, 0, 0);
	unsigned requests;
	char *json;

	(void)state;
	world_start(w);
	world_run(w, 1000 * NS_PER_S);
	assert_int_equal(order(w, "offline"), ORDER_DONE);
	assert_string_equal(w->engine.sources[0].failure, "offline");
	requests = w->requests;
	world_run(w, 1000 * NS_PER_S);
	assert_int_equal(w->requests, requests);
	json = status_json(&w->engine, world_reading(w));
	assert_non_null(json);
	assert_non_null(strstr(json, "\"next_try_s\":null"));
	assert_non_null(strstr(json, "\"failure\":\"offline\""));
	free(json);
	assert_int_equal(order(w, "retry a"), ORDER_FAILED);
	assert_text("ntsctl online");
	assert_int_equal(order(w, "online a"), ORDER_DONE);
	world_run(w, 100 * NS_PER_MS);
	assert_true(w->requests > requests);
	assert_string_equal(w->engine.sources[0].failure, "");
	assert_true(w->engine.sources[0].reach & 1);
	world_end(w);
}

/* Keys that arrive after the order are ignored. */
static void offline_ends_a_key_exchange(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	world_start(w);
	world_advance(w, SOURCE_SPREAD_NS);
	engine_on_timer(&w->engine, world_reading(w));
	assert_int_equal(w->engine.sources[0].stage, STAGE_KEYING);
	assert_int_equal(order(w, "offline a"), ORDER_DONE);
	world_run(w, 100 * NS_PER_S);
	assert_int_equal(w->requests, 0);
	assert_int_equal(order(w, "online"), ORDER_DONE);
	world_run(w, 100 * NS_PER_MS);
	assert_true(w->engine.sources[0].count.good > 0);
	world_end(w);
}

/* A slew of 80 ms with 100 ppm would take a quarter of an hour. */
static struct world *slewing_world(void)
{
	struct world *w = world_new(1, 80 * NS_PER_MS, 0);

	w->config.steering.max_slew_ppm = 100;
	w->config.steering.makestep_updates = 0;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	assert_true(world_error(w) > 60 * NS_PER_MS);
	return w;
}

static void a_step_takes_what_the_slew_has_left(void **state)
{
	struct world *w = slewing_world();
	enum order_outcome outcome;
	struct tracking t;

	(void)state;
	assert_int_equal(order(w, "step"), ORDER_STEPS);
	assert_false(order_step_outcome(&w->engine, &outcome, text));
	world_deliver_reports(w);
	assert_true(order_step_outcome(&w->engine, &outcome, text));
	assert_int_equal(outcome, ORDER_DONE);
	assert_text("stepped by -0.07");
	assert_false(order_step_outcome(&w->engine, &outcome, text));
	assert_int_equal(w->steps, 1);
	assert_in_range(world_error(w) + NS_PER_MS, 0, 2 * NS_PER_MS);
	assert_false(w->keeper.slewing);
	steering_tracking(w->engine.steering, &w->engine.timescale,
	    (struct wall){w->wall}, &t);
	assert_int_equal(t.steps, 1);
	assert_true(t.synchronised);
	world_run(w, 600 * NS_PER_S);
	assert_in_range(world_error(w) + NS_PER_MS / 10, 0, NS_PER_MS / 5);
	assert_int_equal(w->steps, 1);
	world_end(w);
}

/* The keeper allows one step a minute. A refusal changes nothing else: the slew
 * goes on, and the kernel still says that the clock is right. */
static void a_second_step_at_once_is_refused(void **state)
{
	struct world *w = slewing_world();
	enum order_outcome outcome;

	(void)state;
	w->keeper.next_step = mono_after((struct mono){w->mono}, NS_PER_S);
	assert_int_equal(order(w, "step"), ORDER_STEPS);
	world_deliver_reports(w);
	assert_true(order_step_outcome(&w->engine, &outcome, text));
	assert_int_equal(outcome, ORDER_FAILED);
	assert_text("less than a minute ago");
	assert_int_equal(w->steps, 0);
	assert_true(w->keeper.slewing);
	assert_true(w->engine.order.slewing);
	assert_true(w->status.synchronised);
	assert_false(w->engine.order.disclaimed);
	world_end(w);
}

static void a_step_needs_an_offset_and_a_controlled_clock(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	world_start(w);
	assert_int_equal(order(w, "step"), ORDER_FAILED);
	assert_text("not synchronised");
	world_run(w, 1000 * NS_PER_S);
	assert_int_equal(order(w, "step"), ORDER_DONE);
	assert_text("no step is needed");
	w->options.no_clock = true;
	assert_int_equal(order(w, "step"), ORDER_FAILED);
	assert_text("only measures");
	assert_int_equal(w->steps, 0);
	world_end(w);
}

/* A step would make the kernel forget the second that it is armed with. */
static void no_step_comes_between_the_kernel_and_its_leap_second(void **state)
{
	static const struct {
		int64_t left_ms;
		enum order_outcome outcome;
	} rows[] = {
	    {2999, ORDER_FAILED}, {-499, ORDER_FAILED}, {-500, ORDER_STEPS}};
	struct world *w = slewing_world();

	(void)state;
	w->engine.leap.armed = LEAP_INSERT;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		w->engine.leap.at.ns = w->wall + rows[i].left_ms * NS_PER_MS;
		assert_int_equal(order(w, "step"), rows[i].outcome);
		if (rows[i].outcome == ORDER_FAILED)
			assert_text("a leap second is due; try again");
	}
	world_end(w);
}

static void a_step_beyond_the_threshold_is_refused(void **state)
{
	struct world *w = world_new(1, 80 * NS_PER_MS, 0);

	(void)state;
	w->config.steering.max_slew_ppm = 100;
	w->config.steering.makestep_updates = 0;
	w->config.steering.refuse_threshold_ns = 50 * NS_PER_MS;
	world_start(w);
	world_run(w, 10 * NS_PER_S);
	assert_int_equal(order(w, "step"), ORDER_FAILED);
	assert_text("refuse-threshold");
	assert_int_equal(w->steps, 0);
	world_end(w);
}

static void a_reload_is_left_to_the_caller(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	world_start(w);
	snprintf(text, sizeof(text), "of the order before");
	assert_int_equal(order(w, "reload"), ORDER_RELOADS);
	assert_string_equal(text, "");
	assert_int_equal(order(w, "reload a"), ORDER_FAILED);
	assert_int_equal(order(w, "reload-sources"), ORDER_RELOADS_SOURCES);
	world_end(w);
}

/* The table of agent/query/README.md: | `VERB` | or | `VERB [NAME]` |. */
static void the_orders_are_those_of_the_readme(void **state)
{
	FILE *readme = fopen("agent/query/README.md", "r");
	struct world *w = world_new(1, 0, 0);
	char row[200], verb[20], line[40];
	bool in_table = false;
	unsigned orders = 0;

	(void)state;
	if (!readme)
		fail_msg("run from the top of the tree");
	world_start(w);
	while (fgets(row, sizeof(row), readme)) {
		bool takes_name = strstr(row, " [NAME]` |") != NULL;

		in_table = in_table || strcmp(row, "| order | does |\n") == 0;
		if (!in_table || sscanf(row, "| `%19[a-z-]", verb) != 1)
			continue;
		snprintf(line, sizeof(line), "%s %snobody", verb,
		    strcmp(verb, "burst-of") == 0 ? "4/8 " : "");
		assert_int_equal(order(w, line), ORDER_FAILED);
		assert_text(takes_name ? "no source is called nobody"
				       : "this order takes no name");
		orders++;
	}
	assert_int_equal(orders, 14);
	fclose(readme);
	world_end(w);
}

static void an_order_counts_its_sources(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
	    {"offline b", "1 source offline"},
	    {"offline", "3 sources offline"},
	    {"online", "3 sources online"},
	    {"online b", "1 source online"},
	    {"burst", "3 sources asked in a burst"},
	    {"burst c", "1 source asked in a burst"},
	    {"burst-of 2/3", "3 sources asked in a burst"},
	    {"burst-of 64/64 a", "1 source asked in a burst"},
	    {"network", "3 sources asked again if the network was their "
			"trouble"},
	    {"refresh b", "1 source looked up again, with new keys"},
	    {"reselect", "the next answer selects the best source again"},
	};
	struct world *w = world_new(3, 0, 0);

	(void)state;
	world_start(w);
	world_run(w, 1000 * NS_PER_S);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(order(w, cases[i].line), ORDER_DONE);
		assert_string_equal(text, cases[i].text);
	}
	world_end(w);
}

static void a_reset_drops_all_samples_and_measures_again(void **state)
{
	struct world *w = world_new(2, 0, 0);
	struct engine *e = &w->engine;
	uint64_t sent, exchanges;

	(void)state;
	world_start(w);
	world_run(w, 1000 * NS_PER_S);
	assert_true(
	    world_view(w, 0).samples > 4 && world_view(w, 1).samples > 4);
	assert_int_equal(order(w, "offline b"), ORDER_DONE);
	sent = e->sources[1].count.sent;
	exchanges = e->sources[0].count.exchanges;
	e->order.pending = true;
	assert_int_equal(order(w, "reset"), ORDER_FAILED);
	assert_text("the clock is being adjusted; try again");
	e->order.pending = false;
	assert_true(world_view(w, 0).samples > 4);
	e->save_samples_at = MONO_NEVER;
	assert_int_equal(order(w, "reset"), ORDER_DONE);
	assert_text(
	    "all samples are dropped, and 1 source is measured again: see "
	    "`ntsctl waitsync`");
	assert_int_equal(world_view(w, 0).samples, 0);
	assert_int_equal(world_view(w, 1).samples, 0);
	assert_int_equal(e->save_samples_at.ns,
	    world_reading(w).mono.ns + SAMPLES_SOONEST_NS);
	world_run(w, 10 * NS_PER_S);
	assert_true(world_view(w, 0).samples > 2);
	assert_true(w->status.synchronised);
	/* One that is offline stays that, and the keys are good. */
	assert_int_equal(e->sources[1].count.sent, sent);
	assert_int_equal(e->sources[0].count.exchanges, exchanges);
	world_end(w);
}

/* The clock would be left alone. */
static void a_reset_without_a_source_to_ask_drops_nothing(void **state)
{
	struct world *w = world_new(1, 0, 0);
	unsigned samples;

	(void)state;
	world_start(w);
	world_run(w, 1000 * NS_PER_S);
	assert_int_equal(order(w, "offline"), ORDER_DONE);
	samples = world_view(w, 0).samples;
	assert_int_equal(order(w, "reset"), ORDER_FAILED);
	assert_text(
	    "no online source has keys: all samples are kept; see `ntsctl "
	    "sources -v`");
	assert_int_equal(world_view(w, 0).samples, samples);
	world_end(w);
}

/* Nothing has moved the clock. */
static void a_reset_allows_no_step(void **state)
{
	struct world *w = world_new(1, 0, 0);

	(void)state;
	world_start(w);
	world_run(w, 1000 * NS_PER_S);
	w->peer_error_ns[0] += 3 * NS_PER_S;
	assert_int_equal(order(w, "reset"), ORDER_DONE);
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->steps, 0);
	world_end(w);
}

static void an_order_is_logged_with_its_failure(void **state)
{
	static const struct {
		const char *line, *logged;
	} cases[] = {
	    {"reload", "order \"reload\"\n"},
	    {"step", "order \"step\": the clock is not synchronised"},
	};
	struct world *w = world_new(1, 0, 0);

	(void)state;
	world_start(w);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		world_forget_log(w);
		(void)order(w, cases[i].line);
		assert_true(world_logged(w, cases[i].logged));
	}
	world_end(w);
}

static unsigned cycles;
static bool logger_takes;

static bool take_record(void *self, const struct log_record *r)
{
	(void)self;
	cycles += r->kind == LOG_CYCLE;
	return logger_takes;
}

static void cyclelogs_reaches_the_logger(void **state)
{
	struct world *w = world_new(2, 0, 0);

	(void)state;
	world_start(w);
	assert_int_equal(order(w, "cyclelogs"), ORDER_FAILED);
	assert_text("no file of measurements is written");
	engine_set_log(&w->engine, take_record);
	logger_takes = true;
	assert_int_equal(order(w, "cyclelogs"), ORDER_DONE);
	assert_int_equal(cycles, 1);
	logger_takes = false;
	assert_int_equal(order(w, "cyclelogs"), ORDER_FAILED);
	assert_text("does not take this order now");
	assert_int_equal(order(w, "cyclelogs a"), ORDER_FAILED);
	assert_int_equal(cycles, 2);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cyclelogs_reaches_the_logger),
	    cmocka_unit_test(what_is_not_an_order_is_refused),
	    cmocka_unit_test(retry_asks_at_once),
	    cmocka_unit_test(a_burst_measures_often),
	    cmocka_unit_test(a_burst_has_the_length_that_is_ordered),
	    cmocka_unit_test(a_refresh_brings_new_keys),
	    cmocka_unit_test(a_dump_saves_the_samples),
	    cmocka_unit_test(an_early_dump_saves_the_samples_later),
	    cmocka_unit_test(offline_asks_nothing_until_online),
	    cmocka_unit_test(offline_ends_a_key_exchange),
	    cmocka_unit_test(a_step_takes_what_the_slew_has_left),
	    cmocka_unit_test(a_second_step_at_once_is_refused),
	    cmocka_unit_test(a_step_needs_an_offset_and_a_controlled_clock),
	    cmocka_unit_test(
		no_step_comes_between_the_kernel_and_its_leap_second),
	    cmocka_unit_test(a_step_beyond_the_threshold_is_refused),
	    cmocka_unit_test(a_reload_is_left_to_the_caller),
	    cmocka_unit_test(the_orders_are_those_of_the_readme),
	    cmocka_unit_test(an_order_counts_its_sources),
	    cmocka_unit_test(a_reset_drops_all_samples_and_measures_again),
	    cmocka_unit_test(a_reset_without_a_source_to_ask_drops_nothing),
	    cmocka_unit_test(a_reset_allows_no_step),
	    cmocka_unit_test(an_order_is_logged_with_its_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
