#include "tests/unit/agent/ctl/captured.h"
#include "tests/unit/agent/ctl/fake_agent.h"

#include "agent/ctl/waitsync.h"
#include "base/time.h"

static const struct waitsync fast = {.interval_s = 0.01};

/* The example with these values; the caller frees it. */
static char *answer(bool synchronised, int64_t offset_ns, double skew_ppm)
{
	json_t *tree = example(), *c = json_object_get(tree, "clock");
	char *json;

	set(c, "synchronised", json_boolean(synchronised));
	set_int(c, "offset_ns", offset_ns);
	set(c, "skew_ppm", json_real(skew_ppm));
	json = json_dumps(tree, 0);
	json_decref(tree);
	return json;
}

static struct captured wait_for(
    const struct waitsync *w, const char *path, enum output output)
{
	struct captured r;
	struct view v = {.output = output};

	captured_begin(&r);
	v.out = r.to_out;
	r.status = (int)waitsync_run(w, path, &v, r.to_errors);
	captured_end(&r);
	return r;
}

/* An agent that does not know yet: no zero, and no limit is kept. */
static void what_is_not_known_is_no_zero(void **state)
{
	static const struct {
		enum output output;
		const char *line;
	} rows[] = {
	    {OUTPUT_TEXT, "try: 1, refid: 00000000, correction: -, skew: -\n"},
	    {OUTPUT_CSV, "1,00000000,,,true\n"},
	    {OUTPUT_JSON, "{\"try\": 1, \"reference_id\": \"00000000\", "
			  "\"correction_ns\": null, \"skew_ppm\": null, "
			  "\"synchronised\": true}\n"},
	};
	static const struct waitsync limits[] = {
	    {.tries = 1, .max_correction_s = 1},
	    {.tries = 1, .max_skew_ppm = 100},
	};
	json_t *tree = example(), *c = json_object_get(tree, "clock");
	char *unknown;

	(void)state;
	set(c, "reference_id", json_null());
	set(c, "offset_ns", json_null());
	set(c, "skew_ppm", json_null());
	unknown = json_dumps(tree, 0);
	json_decref(tree);
	for (size_t i = 0; i < ARRAY_LEN(rows) * ARRAY_LEN(limits); i++) {
		const size_t row = i / ARRAY_LEN(limits);
		struct fake_agent a;
		struct captured r;

		agent_start(&a, (const char *const[]){unknown}, 1);
		r = wait_for(
		    &limits[i % ARRAY_LEN(limits)], a.path, rows[row].output);
		agent_end(&a);
		assert_int_equal(r.status, EXIT_NOT_SYNCHRONISED);
		assert_non_null(strstr(r.out, rows[row].line));
		captured_free(&r);
	}
	free(unknown);
}

static void it_waits_until_synchronised(void **state)
{
	char *not_yet = answer(false, 0, 0), *yes = answer(true, -1500, 0.5);
	const char *const answers[] = {not_yet, not_yet, yes};
	struct fake_agent a;
	struct captured r;

	(void)state;
	agent_start(&a, answers, ARRAY_LEN(answers));
	r = wait_for(&fast, a.path, OUTPUT_TEXT);
	agent_end(&a);
	assert_int_equal(r.status, EXIT_OK);
	assert_string_equal(r.out,
	    "try: 1, refid: 0A4D0301, correction: 0.000000000, skew: 0.000\n"
	    "try: 2, refid: 0A4D0301, correction: 0.000000000, skew: 0.000\n"
	    "try: 3, refid: 0A4D0301, correction: 0.000001500, skew: 0.500\n");
	assert_string_equal(r.errors, "");
	captured_free(&r);
	free(not_yet);
	free(yes);
}

static void assert_one_try(struct waitsync w, int64_t offset_ns,
    double skew_ppm, enum exit_status expected)
{
	char *json = answer(true, offset_ns, skew_ppm);
	const char *const answers[] = {json};
	struct fake_agent a;
	struct captured r;

	w.tries = 1;
	agent_start(&a, answers, 1);
	r = wait_for(&w, a.path, OUTPUT_TEXT);
	agent_end(&a);
	assert_int_equal(r.status, expected);
	captured_free(&r);
	free(json);
}

static void limits_have_to_be_met(void **state)
{
	struct waitsync offset = {.max_correction_s = 1e-6};
	struct waitsync skew = {.max_skew_ppm = 0.1};

	(void)state;
	assert_one_try(offset, 1000, 99, EXIT_OK);
	assert_one_try(offset, 1001, 0, EXIT_NOT_SYNCHRONISED);
	assert_one_try(offset, -1000, 0, EXIT_OK);
	assert_one_try(offset, -1001, 0, EXIT_NOT_SYNCHRONISED);
	assert_one_try(offset, INT64_MIN, 0, EXIT_NOT_SYNCHRONISED);
	assert_one_try(skew, INT64_MAX, 0.1, EXIT_OK);
	assert_one_try(skew, 0, 0.11, EXIT_NOT_SYNCHRONISED);
}

static void a_refused_correction_is_not_synchronised(void **state)
{
	json_t *tree = example();
	char *json;
	struct waitsync once = {.tries = 1};
	struct fake_agent a;
	struct captured r;

	(void)state;
	set(json_object_get(tree, "clock"), "refused", json_true());
	json = json_dumps(tree, 0);
	json_decref(tree);
	agent_start(&a, (const char *const[]){json}, 1);
	r = wait_for(&once, a.path, OUTPUT_TEXT);
	agent_end(&a);
	assert_int_equal(r.status, EXIT_NOT_SYNCHRONISED);
	captured_free(&r);
	free(json);
}

static void the_tries_run_out(void **state)
{
	char *not_yet = answer(false, 0, 0);
	struct waitsync twice = {.tries = 2, .interval_s = 0.01};
	struct fake_agent a;
	struct captured r;

	(void)state;
	agent_start(&a, (const char *const[]){not_yet}, 1);
	r = wait_for(&twice, a.path, OUTPUT_CSV);
	agent_end(&a);
	assert_int_equal(r.status, EXIT_NOT_SYNCHRONISED);
	assert_string_equal(r.out,
	    "try,reference_id,correction_ns,skew_ppm,synchronised\n"
	    "1,0A4D0301,0,0,false\n"
	    "2,0A4D0301,0,0,false\n");
	captured_free(&r);
	free(not_yet);
}

static void json_is_a_line_per_try(void **state)
{
	char *yes = answer(true, 1500, 0.5);
	struct fake_agent a;
	struct captured r;

	(void)state;
	agent_start(&a, (const char *const[]){yes}, 1);
	r = wait_for(&fast, a.path, OUTPUT_JSON);
	agent_end(&a);
	assert_string_equal(r.out,
	    "{\"try\": 1, \"reference_id\": \"0A4D0301\", \"correction_ns\": "
	    "1500, \"skew_ppm\": 0.5, \"synchronised\": true}\n");
	captured_free(&r);
	free(yes);
}

static void an_error_that_repeats_is_printed_once(void **state)
{
	char *yes = answer(true, 0, 0);
	const char *const answers[] = {"{", "{", "", yes};
	struct fake_agent a;
	struct captured r;

	(void)state;
	agent_start(&a, answers, ARRAY_LEN(answers));
	r = wait_for(&fast, a.path, OUTPUT_TEXT);
	agent_end(&a);
	assert_int_equal(r.status, EXIT_OK);
	assert_non_null(strstr(r.errors, "not JSON"));
	assert_null(strstr(strstr(r.errors, "not JSON") + 1, "not JSON"));
	assert_non_null(strstr(r.errors, "it is empty"));
	assert_contains(r.out, "try: 4, ");
	captured_free(&r);
	free(yes);
}

static void an_agent_that_never_starts_is_a_failure(void **state)
{
	struct waitsync twice = {.tries = 2, .interval_s = 0.01};
	struct captured r =
	    wait_for(&twice, "/nonexistent/status.sock", OUTPUT_TEXT);

	(void)state;
	assert_int_equal(r.status, EXIT_NOT_SYNCHRONISED);
	assert_string_equal(r.out, "");
	assert_contains(r.errors, "ntsagentd is not running");
	captured_free(&r);
}

static void a_full_disk_ends_the_wait(void **state)
{
	char *not_yet = answer(false, 0, 0);
	struct view v = {.out = fopen("/dev/full", "w")};
	struct fake_agent a;

	(void)state;
	assert_non_null(v.out);
	agent_start(&a, (const char *const[]){not_yet}, 1);
	assert_int_equal(
	    waitsync_run(&fast, a.path, &v, stderr), EXIT_NO_STATUS);
	agent_end(&a);
	fclose(v.out);
	free(not_yet);
}

static bool arguments(struct waitsync *w, char *why, char *line)
{
	char *words[4];
	int count = 0;

	for (char *p = strtok(line, " "); p != NULL; p = strtok(NULL, " "))
		words[count++] = p;
	return waitsync_arguments(w, count, words, why);
}

static void arguments_mean_what_chronyc_means(void **state)
{
	char none[] = "", all[] = "6 0.1 0.5 1", short_one[] = "1 0 0 0";
	char why[WAITSYNC_ERROR_MAX];
	struct waitsync w;

	(void)state;
	assert_true(arguments(&w, why, none));
	assert_int_equal(w.tries, 0);
	assert_true(w.max_correction_s == 0 && w.max_skew_ppm == 0);
	assert_true(w.interval_s == 10);
	assert_true(arguments(&w, why, all));
	assert_int_equal(w.tries, 6);
	assert_true(w.max_correction_s == 0.1 && w.max_skew_ppm == 0.5);
	assert_true(w.interval_s == 1);
	assert_true(arguments(&w, why, short_one));
	assert_true(w.interval_s == 0.1);
}

static void bad_arguments_are_named(void **state)
{
	static const struct {
		const char *line, *part;
	} cases[] = {
	    {"x", "tries has to be a number"},
	    {"1.5", "tries has to be a whole number"},
	    {"99999999999", "tries has to be a number"},
	    {"1 -2", "maxcorrection has to be a number"},
	    {"1 0 nan", "maxskew has to be a number"},
	    {"1 0 0 1s", "interval has to be a number"},
	    {"1 0 0 inf", "interval has to be a number"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *line = strdup(cases[i].line), why[WAITSYNC_ERROR_MAX];
		struct waitsync w;

		assert_false(arguments(&w, why, line));
		assert_contains(why, cases[i].part);
		free(line);
	}
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ns_of_timespec(&ts);
}

static void a_pause_lies_between_two_tries(void **state)
{
	struct waitsync twice = {.tries = 2, .interval_s = 0.05};
	int64_t begin_ns = now_ns();
	struct captured r =
	    wait_for(&twice, "/nonexistent/status.sock", OUTPUT_TEXT);

	(void)state;
	assert_true(now_ns() - begin_ns >= 50 * NS_PER_MS);
	captured_free(&r);
}

static void without_a_reference_its_id_is_zero(void **state)
{
	json_t *const ids[] = {json_null(), json_string("")};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct waitsync once = {.tries = 1};
		json_t *tree = example();
		struct fake_agent a;
		struct captured r;
		char *json;

		set(json_object_get(tree, "clock"), "reference_id", ids[i]);
		json = json_dumps(tree, 0);
		json_decref(tree);
		agent_start(&a, (const char *const[]){json}, 1);
		r = wait_for(&once, a.path, OUTPUT_TEXT);
		agent_end(&a);
		assert_contains(r.out, "try: 1, refid: 00000000, ");
		captured_free(&r);
		free(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_not_known_is_no_zero),
	    cmocka_unit_test(it_waits_until_synchronised),
	    cmocka_unit_test(limits_have_to_be_met),
	    cmocka_unit_test(a_refused_correction_is_not_synchronised),
	    cmocka_unit_test(the_tries_run_out),
	    cmocka_unit_test(json_is_a_line_per_try),
	    cmocka_unit_test(an_error_that_repeats_is_printed_once),
	    cmocka_unit_test(an_agent_that_never_starts_is_a_failure),
	    cmocka_unit_test(a_full_disk_ends_the_wait),
	    cmocka_unit_test(arguments_mean_what_chronyc_means),
	    cmocka_unit_test(bad_arguments_are_named),
	    cmocka_unit_test(a_pause_lies_between_two_tries),
	    cmocka_unit_test(without_a_reference_its_id_is_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
