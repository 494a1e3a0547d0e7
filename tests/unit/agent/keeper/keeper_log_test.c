/* What the keeper logs of commands, and how often. */
#include "agent/keeper/keeper_log.h"

#include "base/log.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/log_text.h"

/* Behind the name of the program. */
static const char *words_of(const char *text)
{
	const char *name = strstr(text, "]: ");

	return name ? name + 3 : text;
}

static void a_step_is_logged_with_both_times(void **state)
{
	static const struct {
		int64_t at_ns, step_ns;
		const char *line;
	} rows[] = {
	    {1800000000123456789, -1500000000,
		"step 7 since the start: from 2027-01-15T08:00:00.123456Z to "
		"2027-01-15T07:59:58.623456Z (-1.500000000 s)\n"},
	    {1, INT64_MAX,
		"step 7 since the start: from 1970-01-01T00:00:00.000000Z to "
		"2262-04-11T23:47:16.854775Z (+9223372036.854776382 s)\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct keeper_report r = {
		    .change_count = 2,
		    .steps = 7,
		    .changes = {{.at = {rows[i].at_ns},
				    .step_ns = rows[i].step_ns},
			{.freq_ppm = 1}},
		};
		const struct clock_command c = {.freq_ppm = 1};
		struct keeper_log l = {.silent = 0};
		struct log_text t;

		log_text_begin(&t);
		keeper_log_answer(&l, &c, &r, (struct mono){0});
		assert_string_equal(words_of(log_text_end(&t)), rows[i].line);
	}
}

/* A program that does it again and again gets no line for each. */
static void a_leap_second_of_another_program_is_logged(void **state)
{
	struct keeper k = {.disarmed = 0};
	struct keeper_log l = {.silent = 0};
	struct log_text t;
	unsigned lines = 0;

	(void)state;
	log_text_begin(&t);
	keeper_log_look(&l, &k, (struct mono){0});
	assert_string_equal(log_text_end(&t), "");
	k.disarmed = 2;
	for (unsigned i = 0; i < 2; i++) {
		log_text_begin(&t);
		keeper_log_look(&l, &k, (struct mono){0});
		assert_string_equal(words_of(log_text_end(&t)),
		    i > 0 ? ""
			  : "another program had armed a leap second in the "
			    "kernel, and today (UTC) is not a day for one: it "
			    "is disarmed (2 since the start)\n");
	}
	for (unsigned i = 0; i < 100; i++) {
		k.disarmed++;
		log_text_begin(&t);
		keeper_log_look(&l, &k, (struct mono){0});
		lines += log_text_end(&t)[0] != '\0';
	}
	assert_int_equal(lines, KEEPER_LOG_LINES - 1);
}

/* Without a step there is no line. */
static void what_is_done_every_minute_is_not_logged(void **state)
{
	const struct keeper_report r = {
	    .change_count = 1, .changes = {{.freq_ppm = 1}}};
	const struct clock_command c = {.slew_ns = 5, .slew_duration_ns = 5};
	struct keeper_log l = {.silent = 0};
	struct log_text t;

	(void)state;
	log_text_begin(&t);
	keeper_log_answer(&l, &c, &r, (struct mono){0});
	assert_string_equal(log_text_end(&t), "");
}

static unsigned lines_of(struct keeper_log *l, struct mono at, unsigned count)
{
	const struct keeper_report r = {
	    .verdict = KEEPER_STEP_LIMIT, .refused = 12};
	const struct clock_command c = {.freq_ppm = NAN,
	    .slew_ns = NS_PER_S,
	    .slew_duration_ns = 2 * NS_PER_S,
	    .step_ns = -3 * NS_PER_S};
	unsigned lines = 0;

	for (unsigned i = 0; i < count; i++) {
		struct log_text t;
		const char *text;

		log_text_begin(&t);
		keeper_log_answer(l, &c, &r, at);
		text = words_of(log_text_end(&t));
		lines += text[0] != '\0';
		if (text[0] && l->silent == 0)
			assert_string_equal(text,
			    "command refused: the step is larger than "
			    "refuse-threshold (frequency +nan ppm, slew "
			    "+1.000000 s in 2.000 s, step -3.000000 s); 12 "
			    "refused since the start, 0 of them without a "
			    "line\n");
	}
	return lines;
}

static void refusals_have_few_lines(void **state)
{
	struct keeper_log l = {.silent = 0};
	struct mono now = {1000 * NS_PER_S};

	(void)state;
	assert_int_equal(lines_of(&l, now, 20), KEEPER_LOG_LINES);
	assert_int_equal(l.silent, 12);
	now = mono_after(now, KEEPER_LOG_APART_NS - 1);
	assert_int_equal(lines_of(&l, now, 1), 0);
	now = mono_after(now, 1);
	assert_int_equal(lines_of(&l, now, 20), 1);
	assert_int_equal(l.silent, 32);
	now = mono_after(now, 100 * KEEPER_LOG_APART_NS);
	assert_int_equal(lines_of(&l, now, 20), KEEPER_LOG_LINES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_step_is_logged_with_both_times),
	    cmocka_unit_test(a_leap_second_of_another_program_is_logged),
	    cmocka_unit_test(what_is_done_every_minute_is_not_logged),
	    cmocka_unit_test(refusals_have_few_lines),
	};

	log_open(LOG_TO_STDERR, LOG_LEVEL_INFO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
