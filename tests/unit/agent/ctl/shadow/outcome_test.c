#include "agent/ctl/shadow/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* 2026-11-28 12:00:00 UTC */
#define NOON 1795867200.0

/* A judge of 640 measurements that all say the same. */
static struct judge *judge_of(double agent_s, double chronyd_s)
{
	struct judge *j = calloc(1, sizeof(*j));

	assert_non_null(j);
	judge_init(j);
	j->readings = 3600;
	j->first_wall_s = NOON;
	j->last_wall_s = NOON + 3600;
	j->judged = 640;
	j->most_servers = 4;
	j->leader = agent_s < chronyd_s ? JUDGED_AGENT : JUDGED_CHRONYD;
	j->leader_wall_s = NOON + 60;
	j->bound_sum_s[JUDGED_AGENT] = 3600 * 1.2e-3;
	j->bound_sum_s[JUDGED_CHRONYD] = 3600 * 2.3e-3;
	j->batches = JUDGE_BATCHES;
	j->per_batch = 10;
	for (unsigned i = 0; i < JUDGE_BATCHES; i++)
		j->batch[i] = (struct batch){
		    1, {agent_s * agent_s, chronyd_s * chronyd_s}};
	return j;
}

/* The caller frees the text and the judge is released. */
static char *shown(struct judge *j, enum output output)
{
	struct outcome o = outcome_of(j);
	struct view v = {.output = output, .width = 300};
	size_t size = 0;
	char *text = NULL;

	v.out = open_memstream(&text, &size);
	assert_non_null(v.out);
	assert_true(outcome_put(&o, &v));
	assert_int_equal(fclose(v.out), 0);
	free(j);
	return text;
}

static void five_lines_say_it(void **state)
{
	struct judge *j = judge_of(10.3e-6, 12.4e-6);
	char *text;

	(void)state;
	j->left_out = 2;
	j->no_agreement = 1;
	j->broken[JUDGED_CHRONYD] = 3;
	j->broken_wall_s[JUDGED_CHRONYD] = NOON + 600;
	text = shown(j, OUTPUT_TEXT);
	assert_string_equal(text,
	    "Compared     : 60 min since 2026-11-28 12:00:00 UTC; 640 new "
	    "measurements of 4 servers; 3 more, outside an agreement, are left "
	    "out\n"
	    "Nearer       : ntsagentd, by 2.1 us, since 2026-11-28 12:01:00 "
	    "UTC; ntsagentd missed the next measurements by 10.3 us (RMS), "
	    "chronyd by 12.4 us\n"
	    "Claimed error: ntsagentd at most 1.2 ms, chronyd at most 2.3 ms "
	    "(means)\n"
	    "Bound broken : ntsagentd 0, chronyd 3 (last at 2026-11-28 "
	    "12:10:00 UTC) of 640 times\n"
	    "Not known    : errors that all servers or all paths share, such "
	    "as two ways of different length; a broken bound that is still "
	    "within the agreement. The path noise is a part of both RMS "
	    "values. The program that does not steer the clock sees the "
	    "other's corrections as drift.\n");
	free(text);
}

static void what_may_be_chance_names_nobody(void **state)
{
	struct judge *j = judge_of(10e-6, 11e-6);
	char *text;

	(void)state;
	/* Half of the batches say the opposite. */
	for (unsigned i = 0; i < JUDGE_BATCHES / 2; i++)
		j->batch[i].squares[JUDGED_AGENT] *= 1.4;
	text = shown(j, OUTPUT_TEXT);
	assert_non_null(strstr(text,
	    "Nearer       : cannot be told: the difference of 46 ns may be "
	    "chance; ntsagentd missed"));
	free(text);
}

static void without_measurements_nothing_can_be_told(void **state)
{
	struct judge *j = judge_of(1e-6, 1e-6);
	char *text;

	(void)state;
	j->batches = 0;
	j->judged = 0;
	text = shown(j, OUTPUT_TEXT);
	assert_non_null(strstr(text,
	    "Nearer       : cannot be told: no new measurement of a server "
	    "came\n"));
	free(text);
}

static void json_and_csv_have_null_for_nobody(void **state)
{
	char *text;

	(void)state;
	text = shown(judge_of(1e-6, 1e-6), OUTPUT_JSON);
	assert_non_null(strstr(text, "\"nearer\": null"));
	assert_non_null(strstr(text, "\"nearer_since_ns\": null"));
	assert_non_null(strstr(text, "\"agent_miss_ns\": 1000"));
	assert_non_null(strstr(text, "\"chronyd_broken_at_ns\": null"));
	free(text);
	text = shown(judge_of(1e-6, 2e-6), OUTPUT_CSV);
	assert_non_null(strstr(text, ",nearer,nearer_since_ns,"));
	assert_non_null(strstr(text, ",ntsagentd,"));
	free(text);
}

/* Whatever chronyd claims, no number is made of it that it is not. */
static void claims_that_are_no_time_are_unknown(void **state)
{
	struct judge *j = judge_of(1e-6, 2e-6);
	char *text;

	(void)state;
	j->bound_sum_s[JUDGED_CHRONYD] = 1e30;
	text = shown(j, OUTPUT_TEXT);
	assert_non_null(strstr(text, "chronyd at most an unknown time"));
	free(text);
}

static void the_manual_knows_every_member(void **state)
{
	char *csv = shown(judge_of(1e-6, 2e-6), OUTPUT_CSV);
	char manual[1 << 17], entry[64];
	FILE *file = fopen("man/ntsagent-migrate.7", "r");
	size_t n;

	(void)state;
	assert_non_null(file);
	n = fread(manual, 1, sizeof(manual) - 1, file);
	manual[n] = '\0';
	fclose(file);
	*strchr(csv, '\n') = '\0';
	for (char *key = strtok(csv, ","); key; key = strtok(NULL, ",")) {
		snprintf(entry, sizeof(entry), ".It Va %s\n", key);
		if (!strstr(manual, entry))
			fail_msg("%s is not in the manual", key);
	}
	free(csv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(five_lines_say_it),
	    cmocka_unit_test(what_may_be_chance_names_nobody),
	    cmocka_unit_test(without_measurements_nothing_can_be_told),
	    cmocka_unit_test(json_and_csv_have_null_for_nobody),
	    cmocka_unit_test(claims_that_are_no_time_are_unknown),
	    cmocka_unit_test(the_manual_knows_every_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
