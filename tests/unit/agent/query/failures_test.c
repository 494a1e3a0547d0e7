/*
 * The words of base/failures.h are those of the key exchange and of the manual,
 * and the source text of the agent uses each of them.
 */
#include "base/failures.h"

#include "agent/source/messages.h"
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

static void every_step_of_a_key_exchange_is_on_the_list(void **state)
{
	(void)state;
	for (int i = 0; i < KE_STAGE_DONE; i++)
		assert_string_equal(ke_stage_word((enum ke_stage)i),
		    failure_word(failure_of_stage((enum ke_stage)i)));
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
	    cmocka_unit_test(every_step_of_a_key_exchange_is_on_the_list),
	    cmocka_unit_test(every_word_on_the_list_is_used_and_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
