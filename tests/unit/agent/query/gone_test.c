/*
 * A network that is gone for a day, in the small world: what the log, the
 * reports, the history and the metrics say of it, and when it is back.
 */
#include "agent/query/observer.h"
#include "agent/query/status.h"

#include "agent/history/rings.h"
#include "tests/unit/agent/engine/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "agent/ctl/metrics/metrics.h"
#include "tests/unit/agent/query/shown.h"

#include <errno.h>
#include <stdlib.h>

#define SOURCES 3
#define HOUR_S 3600
#define CELL_NS (HISTORY_FINE_S * NS_PER_S)
/* Of one source, for a day: what fails first, and what fails next. */
#define LINES_MOST 3
#define EVENTS_MOST 3

struct outage {
	struct world *world;
	struct history_file *file;
	struct observer observer;
	int64_t began;
	int64_t bound_ns, error_ns; /* as they were shown last */
};

static void run(struct outage *o, int64_t seconds)
{
	for (; seconds > 0; seconds -= HISTORY_FINE_S) {
		world_run(o->world, CELL_NS);
		observer_look(&o->observer, &o->world->engine,
		    1 + (uint64_t)((o->world->now - o->began) / CELL_NS),
		    world_reading(o->world));
	}
}

static int setup(void **state)
{
	struct outage *o = calloc(1, sizeof(*o));

	assert_non_null(o);
	o->world = world_new(SOURCES, 2 * NS_PER_MS, 12);
	o->file = malloc(history_size(SOURCES));
	assert_non_null(o->file);
	history_init(o->file, SOURCES);
	world_start(o->world);
	o->began = o->world->now;
	observer_start(&o->observer, o->file, &o->world->engine);
	run(o, 2 * HOUR_S);
	world_forget_log(o->world);
	*state = o;
	return 0;
}

static int teardown(void **state)
{
	struct outage *o = *state;

	world_end(o->world);
	free(o->file);
	free(o);
	return 0;
}

static void cut(struct outage *o, int error, enum ke_stage stage)
{
	o->world->send_error = error;
	o->world->fail_stage = stage;
	for (unsigned i = 0; i < SOURCES; i++)
		o->world->keys_fail[i] = o->world->silent[i] = true;
}

static void repair(struct outage *o)
{
	o->world->send_error = 0;
	for (unsigned i = 0; i < SOURCES; i++)
		o->world->keys_fail[i] = o->world->silent[i] = false;
}

static struct snapshot taken(const struct outage *o)
{
	return snapshot_of_status(
	    status_json(&o->world->engine, world_reading(o->world)));
}

static char *text_of(const struct snapshot *s)
{
	struct view v = {.width = 1000};
	char *text = NULL;
	size_t size;

	v.out = open_memstream(&text, &size);
	assert_non_null(v.out);
	(void)report_status(s, &v);
	fclose(v.out);
	return text;
}

static void assert_says(const struct snapshot *s, const char *part, bool does)
{
	char *text = text_of(s);

	if ((strstr(text, part) != NULL) != does)
		fail_msg("'%s' is %sin: %s", part, does ? "not " : "", text);
	free(text);
}

static void assert_metric(const struct snapshot *s, const char *line)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	metrics_put(out, EXPOSITION_PROMETHEUS, s);
	fclose(out);
	if (!strstr(text, line))
		fail_msg("'%s' is not in: %s", line, text);
	free(text);
}

/* After `seconds` more of it: the bound holds and grows, as does the estimated
 * error, and the age of the last answer is said. */
static void goes_on(struct outage *o, int64_t seconds, const char *since)
{
	char text[128];
	struct snapshot s;
	int64_t bound_ns;

	run(o, seconds);
	s = taken(o);
	bound_ns = s.clock.bound_ns.n;
	assert_true(bound_ns > o->bound_ns);
	assert_true(s.clock.est_error_ns.n > o->error_ns);
	assert_true(world_within(o->world, bound_ns));
	o->bound_ns = bound_ns;
	o->error_ns = s.clock.est_error_ns.n;
	snprintf(text, sizeof(text), "No server has answered for %s, ", since);
	assert_says(&s, text, true);
	assert_metric(
	    &s, "ntsagent_source_reachability_ratio{source=\"a\"} 0\n");
	snapshot_free(&s);
}

static unsigned events_since(const struct outage *o, uint64_t first)
{
	return (unsigned)(o->file->head.events - first);
}

/* A day of it, and then an hour with all servers. */
static void a_day(struct outage *o)
{
	uint64_t before = o->file->head.events;
	struct snapshot s;

	goes_on(o, 300, "5 min");
	goes_on(o, HOUR_S - 300, "60 min");
	goes_on(o, 5 * HOUR_S, "6 h");
	goes_on(o, 18 * HOUR_S, "24 h");
	/* The limit of the alert NtsagentBoundTooLarge. */
	assert_true(o->bound_ns > 100 * NS_PER_MS);
	assert_true(o->world->line_count <= LINES_MOST * SOURCES);
	assert_true(events_since(o, before) <= EVENTS_MOST * SOURCES);
	world_forget_log(o->world);
	before = o->file->head.events;
	repair(o);
	run(o, HOUR_S);
	s = taken(o);
	assert_says(&s, "No server has answered", false);
	assert_says(&s, "Trouble", false);
	assert_true(s.clock.bound_ns.n < NS_PER_MS);
	snapshot_free(&s);
	for (unsigned i = 0; i < SOURCES; i++)
		assert_int_equal(o->world->engine.sources[i].reach, 0xff);
	assert_true(o->world->line_count <= LINES_MOST * SOURCES);
	assert_true(events_since(o, before) <= (EVENTS_MOST + 1) * SOURCES);
}

static void a_cable_is_out_for_a_day(void **state)
{
	struct outage *o = *state;

	cut(o, ENETUNREACH, KE_STAGE_DNS);
	a_day(o);
	assert_true(world_logged(o->world, "gives time again"));
}

static void a_firewall_drops_all_for_a_day(void **state)
{
	struct outage *o = *state;

	cut(o, 0, KE_STAGE_CONNECT);
	a_day(o);
}

/* A cookie is used once, and no key server gives others. */
static void no_cookie_is_used_twice_in_a_silence(void **state)
{
	struct outage *o = *state;
	unsigned before = o->world->requests;

	cut(o, 0, KE_STAGE_CONNECT);
	run(o, 6 * HOUR_S);
	assert_true(o->world->requests - before <= NTS_COOKIES * SOURCES);
	assert_int_equal(o->world->reused_cookies, 0);
}

#define OUTAGE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    OUTAGE(a_cable_is_out_for_a_day),
	    OUTAGE(a_firewall_drops_all_for_a_day),
	    OUTAGE(no_cookie_is_used_twice_in_a_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
