/* The earliest time that it can be, and the warning about a clock before it. */
#include "agent/saved/last_good_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/log_text.h"
#include "tests/unit/agent/saved/test_key.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct good_time {
	struct config config;
	struct log_text log;
	int64_t earliest_s;
};

/* Finds the earliest time with this file; NULL: without one. */
static const char *find(struct good_time *g, const char *content)
{
	FILE *f = content ? fopen(g->config.goodtime_file, "w") : NULL;

	if (content) {
		assert_non_null(f);
		assert_true(fputs(content, f) >= 0);
		assert_int_equal(fclose(f), 0);
	}
	log_text_begin(&g->log);
	g->earliest_s = earliest_time_find(&g->config, &test_key) / NS_PER_S;
	if (content)
		unlink(g->config.goodtime_file);
	return log_text_end(&g->log);
}

static void the_later_of_file_and_program_counts(void **state)
{
	/* clang-format off */
	static const struct {
		const char *content; /* of the file; NULL: there is none */
		int64_t earliest_s;
		const char *logged;
	} rows[] = {
		{"2000000000\n", 2000000000, NULL},
		{"1735689601\n", TIME_WRITTEN_S + 1, NULL},
		{"1735689600\n", TIME_WRITTEN_S, NULL},
		{"1735689599\n", TIME_WRITTEN_S, NULL},
		{"1000\n", TIME_WRITTEN_S, NULL},
		{"rubbish", TIME_WRITTEN_S, " does not hold a time: not used\n"},
		{"2000000000\nseal 00\n", TIME_WRITTEN_S, " has a broken seal: it was changed or copied, or seal.key is another one: not used\n"},
		{"", TIME_WRITTEN_S, " does not hold a time: not used\n"},
		{NULL, TIME_WRITTEN_S, NULL},
	};
	/* clang-format on */
	struct good_time g;

	(void)state;
	config_defaults(&g.config);
	snprintf(g.config.goodtime_file, sizeof(g.config.goodtime_file),
	    P_tmpdir "/ntsagent-good-time-%d", getpid());
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *text = find(&g, rows[i].content);

		assert_int_equal(g.earliest_s, rows[i].earliest_s);
		if (rows[i].logged)
			assert_non_null(strstr(text, rows[i].logged));
		else
			assert_string_equal(text, "");
	}
}

static void without_a_usable_file_the_program_counts(void **state)
{
	struct good_time g;

	(void)state;
	config_defaults(&g.config);
	g.config.goodtime_file[0] = '\0';
	assert_string_equal(find(&g, NULL), "");
	assert_int_equal(g.earliest_s, TIME_WRITTEN_S);
	strcpy(g.config.goodtime_file, "/dev/null/x");
	assert_non_null(strstr(
	    find(&g, NULL), "cannot read /dev/null/x: Not a directory\n"));
	assert_int_equal(g.earliest_s, TIME_WRITTEN_S);
}

/* What is logged for a clock that is `lag_ns` before the earliest time. */
static const char *logged(
    struct log_text *t, int64_t earliest_ns, int64_t lag_ns)
{
	static struct config config;

	config_defaults(&config);
	strcpy(config.goodtime_file, "/lib/good");
	log_text_begin(t);
	earliest_time_check(
	    &config, earliest_ns, (struct wall){earliest_ns - lag_ns});
	return log_text_end(t);
}

static void a_clock_before_the_earliest_time_is_reported(void **state)
{
	const int64_t earliest_ns = INT64_C(1800000000) * NS_PER_S;
	struct log_text t;

	(void)state;
	assert_string_equal(logged(&t, earliest_ns, EARLIEST_SLACK_NS), "");
	assert_non_null(strstr(logged(&t, earliest_ns, EARLIEST_SLACK_NS + 1),
	    "the clock is wrong: it says 2027-01-15 07:58:59 UTC, but "
	    "/lib/good "
	    "says that 2027-01-15 08:00:00 UTC has passed (if that is wrong, "
	    "remove the file and restart the agent)\n"));
	/* One second after the program was written: the file decides. */
	assert_non_null(strstr(
	    logged(&t, (TIME_WRITTEN_S + 1) * NS_PER_S, 86400 * NS_PER_S),
	    "/lib/good says that 2025-01-01 00:00:01 UTC has passed"));
	assert_non_null(
	    strstr(logged(&t, TIME_WRITTEN_S * NS_PER_S, 86400 * NS_PER_S),
		"it says 2024-12-31 00:00:00 UTC, but 2025-01-01 00:00:00 UTC "
		"has passed\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_later_of_file_and_program_counts),
	    cmocka_unit_test(without_a_usable_file_the_program_counts),
	    cmocka_unit_test(a_clock_before_the_earliest_time_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
