/*
 * Unknown is never shown as zero. An engine in each stage of its life writes
 * its status; every number in it that is 0 must be in the list below, with the
 * reason why 0 is true. The same holds for the CSV of all reports and for the
 * metrics.
 */
#include "agent/query/status.h"

#include "tests/unit/agent/engine/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "agent/ctl/metrics/metrics.h"
#include "tests/unit/agent/query/shown.h"

#include <errno.h>

#define OFFSET_NS (3 * NS_PER_MS)
#define DAY_S 86400
#define PATH_TEXT_MAX 160

/* Members that are 0 because that is their value, not because it is unknown. */
/* clang-format off */
static const struct {
	const char *path, *stage; /* only there; NULL: in any */
	const char *why;
} zeros[] = {
	{"uptime_s", NULL, "the agent has just started"},
	{"unused_file_count", NULL, "counts"},
	{"unsaved_count", NULL, "counts"},
	{"clock.combined", NULL, "so many sources are combined"},
	{"clock.offset_ns", NULL, "the last correction is complete"},
	{"clock.steps", NULL, "counts"},
	{"clock.refusals", NULL, "counts"},
	{"clock.keeper_steps", NULL, "counts; null with --no-clock"},
	{"clock.keeper_refusals", NULL, "counts; null with --no-clock"},
	{"clock.drift_watched_s", NULL, "the agent has watched the clock for so long"},
	{"clock.drift_awake_s", NULL, "the agent has watched the clock for so long"},
	{"sources.reach", NULL, "no request was answered"},
	{"sources.samples", NULL, "counts"},
	{"sources.runs", NULL, "counts"},
	{"sources.span_s", NULL, "from the only sample to itself"},
	{"sources.asymmetry_ns", NULL, "configured"},
	{"sources.packets.sent", NULL, "counts"},
	{"sources.packets.received", NULL, "counts"},
	{"sources.packets.valid", NULL, "counts"},
	{"sources.packets.good", NULL, "counts"},
	{"sources.packets.lost", NULL, "counts"},
	{"sources.packets.rejected", NULL, "counts"},
	{"sources.packets.kernel_sent", NULL, "counts"},
	{"sources.packets.kernel_received", NULL, "counts"},
	{"sources.packets.hardware_sent", NULL, "counts"},
	{"sources.packets.hardware_received", NULL, "counts"},
	{"sources.answer.root_delay_ns", NULL, "a server of stratum 1 said so"},
	{"sources.answer.root_dispersion_ns", NULL, "the server said so"},
	{"sources.answer.response_ns", NULL, "the server of this test takes no time"},
	{"sources.nts.exchanges", NULL, "counts"},
	{"sources.nts.attempts", NULL, "counts"},
	{"sources.nts.begun", NULL, "counts"},
	{"sources.nts.crashes", NULL, "counts"},
	{"sources.nts.naks", NULL, "counts"},
	{"sources.nts.cookies", NULL, "counts"},
	{"activity.online", NULL, "counts"},
	{"activity.offline", NULL, "counts"},
	{"activity.burst_online", NULL, "counts"},
	{"activity.burst_offline", NULL, "counts"},
	{"activity.unknown_address", NULL, "counts"},
};
/* clang-format on */

#define ZERO_COUNT ARRAY_LEN(zeros)

/* The stages. Each begins with a world that has not started. */

static void not_yet(struct world *w)
{
	world_start(w);
}

static void a_clock_without_orders(struct world *w)
{
	w->options.no_clock = true;
	w->options.no_clock_reason = "--no-clock";
	world_start(w);
}

static void no_clock_for_a_minute(struct world *w)
{
	a_clock_without_orders(w);
	world_run(w, 60 * NS_PER_S);
}

static void without_keys(struct world *w)
{
	w->keys_fail[0] = true;
	w->fail_stage = KE_STAGE_CONNECT;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
}

static void without_an_answer(struct world *w)
{
	w->silent[0] = true;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
}

static void without_a_network(struct world *w)
{
	w->send_error = ENETUNREACH;
	world_start(w);
	world_run(w, 60 * NS_PER_S);
}

static void run_until_good(struct world *w, uint64_t good)
{
	world_start(w);
	while (w->engine.sources[0].count.good < good)
		world_run(w, 10 * NS_PER_MS);
}

static void one_sample(struct world *w)
{
	run_until_good(w, 1);
}

static void two_samples(struct world *w)
{
	run_until_good(w, 2);
}

static void for_an_hour(struct world *w)
{
	world_start(w);
	/* In a world without any noise an offset would be 0 now and then. */
	for (int64_t minute = 0; minute < 62; minute++) {
		w->peer_error_ns[0] = minute * 37 % 50 * NS_PER_US;
		world_run(w, 60 * NS_PER_S);
	}
}

static void lost(struct world *w)
{
	for_an_hour(w);
	w->silent[0] = true;
	world_run(w, 4 * 3600 * NS_PER_S);
}

static const struct stage {
	const char *name;
	unsigned sources;
	void (*reach)(struct world *w);
} stages[] = {
    {"never synchronised", 1, not_yet},
    {"no sources", 0, not_yet},
    {"--no-clock, no answer yet", 1, a_clock_without_orders},
    {"--no-clock, for a minute", 1, no_clock_for_a_minute},
    {"no keys", 1, without_keys},
    {"no answer", 1, without_an_answer},
    {"no network", 1, without_a_network},
    {"one sample", 1, one_sample},
    {"two samples", 1, two_samples},
    {"an hour", 1, for_an_hour},
    {"lost", 1, lost},
};

/* A stage, as text and as ntsctl reads it. */
struct scene {
	const char *name;
	json_t *tree;
	struct snapshot s;
};

static struct scene scene_of(const struct stage *stage)
{
	struct world *w = world_new(stage->sources, OFFSET_NS, 4);
	struct scene scene = {.name = stage->name};
	char *json;

	w->cert_from_s[0] = w->now / NS_PER_S - DAY_S;
	w->cert_to_s[0] = w->now / NS_PER_S + 30 * DAY_S;
	stage->reach(w);
	json = status_json(&w->engine, world_reading(w));
	assert_non_null(json);
	scene.tree = json_loads(json, 0, NULL);
	assert_non_null(scene.tree);
	scene.s = snapshot_of_status(json);
	world_end(w);
	return scene;
}

static void scene_end(struct scene *scene)
{
	snapshot_free(&scene->s);
	json_decref(scene->tree);
}

static bool seen[ZERO_COUNT];

static void is_zero(const char *where, const char *path)
{
	for (size_t i = 0; i < ZERO_COUNT; i++)
		if (strcmp(zeros[i].path, path) == 0 &&
		    (!zeros[i].stage || strcmp(zeros[i].stage, where) == 0)) {
			seen[i] = true;
			return;
		}
	fail_msg("%s: %s is 0", where, path);
}

/* Walks over every number below `o`. Returns how many there are. */
static unsigned walk(const char *where, const char *above, json_t *o)
{
	unsigned numbers = 0;
	const char *key;
	json_t *value;

	json_object_foreach(o, key, value)
	{
		char path[PATH_TEXT_MAX];

		snprintf(path, sizeof(path), "%s%s%s", above, *above ? "." : "",
		    key);
		if (strcmp(path, "sources") == 0)
			value = json_array_get(value, 0);
		if (json_is_object(value))
			numbers += walk(where, path, value);
		if (!json_is_number(value))
			continue;
		numbers++;
		if (!(json_number_value(value) < 0) &&
		    !(json_number_value(value) > 0))
			is_zero(where, path);
	}
	return numbers;
}

static void a_zero_of_the_status_is_in_the_list(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
		struct scene scene = scene_of(&stages[i]);

		assert_true(walk(scene.name, "", scene.tree) > 10);
		scene_end(&scene);
	}
}

static const struct shown {
	report_fn *report;
	const char *above; /* of the names of its columns */
} reports[] = {
    {report_status, ""},
    {report_tracking, "clock."},
    {report_activity, "activity."},
    {report_sources, "sources."},
    {report_sourcestats, "sources."},
    {report_authdata, "sources."},
    {report_selectdata, "sources."},
    {report_ntpdata, "sources."},
};

/* A number that is 0, however it is written: "0", "-0.000". */
static bool says_zero(const char *cell)
{
	char *end;
	double value = strtod(cell, &end);

	return end != cell && *end == '\0' && !(value < 0) && !(value > 0);
}

/* The cells hold no comma and no quotation mark in these worlds but in a
 * sentence, which is skipped. */
static char *next_cell(char **line)
{
	char *cell = *line, *end;

	if (!cell)
		return NULL;
	end = *cell == '"' ? strchr(cell + 1, '"') + 1 : cell;
	end += strcspn(end, ",");
	*line = *end ? end + 1 : NULL;
	*end = '\0';
	return cell;
}

static unsigned judge_csv(
    const char *where, const char *above, char *heading, char *row)
{
	char path[PATH_TEXT_MAX], *name, *cell;
	unsigned cells = 0;

	while ((name = next_cell(&heading)) != NULL) {
		cell = next_cell(&row);
		assert_non_null(cell);
		snprintf(path, sizeof(path), "%s%s", above, name);
		/* Eight hexadecimal digits, and true or false. */
		if (says_zero(cell) && !strstr(name, "reference_id"))
			is_zero(where, path);
		cells++;
	}
	assert_null(row);
	return cells;
}

static unsigned judge_report(const struct scene *scene, const struct shown *r)
{
	struct view v = {.output = OUTPUT_CSV, .width = 80};
	char *text = NULL, *rest, *heading, *row;
	unsigned cells = 0;
	size_t size;

	v.out = open_memstream(&text, &size);
	assert_non_null(v.out);
	(void)r->report(&scene->s, &v);
	fclose(v.out);
	rest = text;
	heading = strsep(&rest, "\n");
	row = strsep(&rest, "\n");
	if (row && *row)
		cells = judge_csv(scene->name, r->above, heading, row);
	free(text);
	return cells;
}

static void a_zero_of_a_csv_is_in_the_list(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
		struct scene scene = scene_of(&stages[i]);
		unsigned cells = 0;

		for (size_t r = 0; r < ARRAY_LEN(reports); r++)
			cells += judge_report(&scene, &reports[r]);
		assert_true(cells > 20);
		scene_end(&scene);
	}
}

/* The gauges that may be 0; a counter may be. */
/* clang-format off */
static const struct {
	const char *name, *stage; /* only there; NULL: in any */
} zero_gauges[] = {
	{"ntsagent_combined_sources", NULL},
	{"ntsagent_controlled", NULL},
	{"ntsagent_drift_watched_seconds", NULL},
	{"ntsagent_refused", NULL},
	{"ntsagent_source_cookies", NULL},
	{"ntsagent_source_reachability_ratio", NULL},
	{"ntsagent_source_reachable", NULL},
	{"ntsagent_source_samples", NULL},
	{"ntsagent_source_selected", NULL},
	{"ntsagent_source_unanswered_key_exchanges", NULL},
	{"ntsagent_source_usable", NULL},
	{"ntsagent_sources", NULL},
	{"ntsagent_synchronised", NULL},
	{"ntsagent_unused_source_files", NULL},
	{"ntsagent_unsaved", NULL},
	{"ntsagent_usable_sources", NULL},
	{"ntsagent_voting_sources", NULL},
	{"ntsagent_offset_seconds", NULL},
};
/* clang-format on */

#define GAUGE_COUNT ARRAY_LEN(zero_gauges)

static bool seen_gauge[GAUGE_COUNT];

static bool may_be_zero(const char *where, const char *line, size_t len)
{
	for (size_t i = 0; i < GAUGE_COUNT; i++) {
		const char *stage = zero_gauges[i].stage;

		if (strlen(zero_gauges[i].name) != len ||
		    strncmp(zero_gauges[i].name, line, len) != 0 ||
		    (stage && strcmp(stage, where) != 0))
			continue;
		seen_gauge[i] = true;
		return true;
	}
	return len > 6 && strncmp(line + len - 6, "_total", 6) == 0;
}

static void judge_line(const char *where, const char *line)
{
	const char *value = strrchr(line, ' ');

	if (line[0] != '#' && value && says_zero(value + 1) &&
	    !may_be_zero(where, line, strcspn(line, "{ ")))
		fail_msg("%s: %s", where, line);
}

static void a_metric_that_is_not_known_has_no_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
		struct scene scene = scene_of(&stages[i]);
		char *text = NULL, *rest, *line;
		unsigned lines = 0;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		metrics_put(out, EXPOSITION_PROMETHEUS, &scene.s);
		fclose(out);
		rest = text;
		while ((line = strsep(&rest, "\n")) != NULL) {
			judge_line(scene.name, line);
			lines++;
		}
		assert_true(lines > 100);
		free(text);
		scene_end(&scene);
	}
}

static char *texts_of(const struct snapshot *s)
{
	struct view v = {.width = 80};
	char *text = NULL;
	size_t size;

	v.out = open_memstream(&text, &size);
	assert_non_null(v.out);
	for (size_t i = 0; i < ARRAY_LEN(reports); i++)
		(void)reports[i].report(s, &v);
	fclose(v.out);
	return text;
}

/* An offset, a delay, a deviation or a leap status of a perfect clock. */
static void no_table_shows_a_perfect_clock(void **state)
{
	static const char *const perfect[] = {"+0ns", " 0ns", "0.000000",
	    " 0.000 ", "+0.000", "-0.000", ": Normal", " 1970"};
	unsigned judged = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
		struct scene scene = scene_of(&stages[i]);
		char *text = texts_of(&scene.s);

		/* Samples have true values. */
		const bool measured = scene.s.source_count > 0 &&
				      scene.s.sources[0].samples.n > 0;

		judged += !measured;
		for (size_t k = 0; k < ARRAY_LEN(perfect); k++)
			if (!measured && strstr(text, perfect[k]))
				fail_msg("%s: '%s' is in: %s", scene.name,
				    perfect[k], text);
		free(text);
		scene_end(&scene);
	}
	assert_int_equal(judged, 6);
}

static void ntpdata_of_a_mute_server_says_that_nothing_came(void **state)
{
	static const struct stage mute = {"mute", 1, without_an_answer};
	struct view v = {.width = 80};
	struct scene scene = scene_of(&mute);
	char *text = NULL;
	size_t size;

	(void)state;
	v.out = open_memstream(&text, &size);
	assert_non_null(v.out);
	(void)report_ntpdata(&scene.s, &v);
	fclose(v.out);
	assert_non_null(strstr(text,
	    "Leap status     : -\nVersion         : -\nMode            : -\n"));
	assert_non_null(
	    strstr(text, "Reference time  : -\nOffset          : -"));
	assert_non_null(
	    strstr(text, "RX timestamping : -\nTotal TX        : "));
	assert_non_null(strstr(text, "Last answer     : none yet\n"));
	free(text);
	scene_end(&scene);
}

/* What never is 0 needs no reason. */
static void every_reason_is_needed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ZERO_COUNT; i++)
		if (!seen[i])
			fail_msg("%s was never 0", zeros[i].path);
	for (size_t i = 0; i < GAUGE_COUNT; i++)
		if (!seen_gauge[i])
			fail_msg("%s was never 0", zero_gauges[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_zero_of_the_status_is_in_the_list),
	    cmocka_unit_test(a_zero_of_a_csv_is_in_the_list),
	    cmocka_unit_test(a_metric_that_is_not_known_has_no_line),
	    cmocka_unit_test(no_table_shows_a_perfect_clock),
	    cmocka_unit_test(ntpdata_of_a_mute_server_says_that_nothing_came),
	    cmocka_unit_test(every_reason_is_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
