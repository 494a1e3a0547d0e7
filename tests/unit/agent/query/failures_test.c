/*
 * The words of base/failures.h are those of the agent, of its key exchange and
 * of the manual. The agent's are read from its source text.
 */
#include "base/failures.h"

#include "base/check.h"
#include "resolver/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/read_file.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All files that match, one after the other. The caller frees the text. */
static char *read_files(const char *pattern)
{
	glob_t found;
	char *all = NULL;
	size_t size;
	FILE *out = open_memstream(&all, &size);

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *text = read_file(found.gl_pathv[i]);

		fputs(text, out);
		free(text);
	}
	globfree(&found);
	fclose(out);
	return all;
}

/* The end of a string literal that starts at `text`. */
static const char *after_literal(const char *text)
{
	for (text++; *text != '"'; text++)
		text += *text == '\\';
	return text + 1;
}

/* Every literal in the argument is a failure. Returns the next argument. */
static const char *check_argument(const char *text, bool is_failure)
{
	int depth = 0;

	while (depth > 0 || (*text != ',' && *text != ')')) {
		const char *end = text + 1;
		char word[32] = "";

		depth += (*text == '(') - (*text == ')');
		if (*text == '"') {
			end = after_literal(text);
			snprintf(word, sizeof(word), "%.*s",
			    (int)(end - text - 2), text + 1);
			if (is_failure &&
			    failure_of_word(word) == FAILURE_COUNT)
				fail_msg(
				    "'%s' is not in base/failures.h", word);
		}
		text = end;
	}
	return text + 1;
}

/* In each call of `function`, argument `index` (from 0) names a failure.
 * Returns the number of calls. */
static unsigned check_calls(
    const char *text, const char *function, unsigned index)
{
	unsigned calls = 0;

	while ((text = strstr(text, function))) {
		text += strlen(function);
		if (strncmp(text, "struct ", 7) == 0)
			continue; /* a declaration */
		calls++;
		for (unsigned i = 0; i <= index; i++)
			text = check_argument(text, i == index);
	}
	return calls;
}

static void every_failure_of_the_agent_is_on_the_list(void **state)
{
	char *text = read_files("agent/source/*.c");

	(void)state;
	assert_true(check_calls(text, "source_trouble(", 4) > 10);
	(void)check_calls(text, "no_sample(", 2);
	(void)check_calls(text, "snprintf(s->failure, ", 1);
	free(text);
}

static void every_step_of_a_key_exchange_is_on_the_list(void **state)
{
	(void)state;
	for (int i = 0; i < KE_STAGE_DONE; i++)
		assert_int_not_equal(
		    failure_of_word(ke_stage_word((enum ke_stage)i)),
		    FAILURE_COUNT);
}

static void every_word_on_the_list_is_used_and_documented(void **state)
{
	static const char *const names[] = {
#define X(id, word) #id,
	    FAILURES(X)
#undef X
	};
	char *agent = read_files("agent/source/*.c");
	char *frames = read_file("resolver/frame.h");
	char *manual = read_file("man/ntsctl.8"), *entry, quoted[40];

	(void)state;
	entry = strstr(manual, ".It Va failure\n");
	assert_non_null(entry);
	*strstr(entry, ".It Va next_try_s\n") = '\0';
	for (int i = 0; i < FAILURE_COUNT; i++) {
		const char *word = failure_word((enum failure)i);

		snprintf(quoted, sizeof(quoted), "\"%s\"", word);
		if (!strstr(agent, quoted) && !strstr(frames, quoted) &&
		    !strstr(agent, names[i]) && !strstr(frames, names[i]))
			fail_msg("nobody uses %s", quoted);
		if (!strstr(entry, word))
			fail_msg("'%s' is not in man/ntsctl.8", word);
	}
	free(manual);
	free(frames);
	free(agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_failure_of_the_agent_is_on_the_list),
	    cmocka_unit_test(every_step_of_a_key_exchange_is_on_the_list),
	    cmocka_unit_test(every_word_on_the_list_is_used_and_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
