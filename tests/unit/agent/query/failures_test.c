/*
 * The words of base/failures.h are those of the key exchange and of the manual,
 * and the source text of the agent uses each of them. The manual also has the
 * words and sentences of the selection, of the stages and of the events.
 */
#include "base/failures.h"

#include "agent/history/format.h"
#include "agent/source/messages.h"
#include "agent/source/stages.h"
#include "base/check.h"
#include "clock/steering/select.h"
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

static void assert_in(const char *manual, const char *part)
{
	if (!strstr(manual, part))
		fail_msg("'%s' is not in man/ntsctl.8", part);
}

static void every_state_of_the_selection_is_documented(void **state)
{
	char *manual = read_manual("man/ntsctl.8"), entry[256];

	(void)state;
	for (int i = 0; i < SELECT_STATE_COUNT; i++) {
		snprintf(entry, sizeof(entry), " .It Cm %s %s .",
		    select_state_name((enum select_state)i),
		    select_state_text((enum select_state)i));
		assert_in(manual, entry);
	}
	free(manual);
}

/* Literals that follow each other are one. */
static void join_literals(char *text)
{
	char *to = text;

	while (*text) {
		size_t gap = *text == '"' ? 1 + strspn(text + 1, " \t\n") : 0;

		if (gap > 1 && text[gap] == '"')
			text += gap + 1;
		else
			*to++ = *text++;
	}
	*to = '\0';
}

static unsigned count_of(const char *text, const char *part)
{
	unsigned count = 0;

	for (; (text = strstr(text, part)); text++)
		count++;
	return count;
}

/* How many reasons the functions explain...() of the view write: a sentence for
 * each snprintf(), and a word for each row of the table. */
static unsigned reasons_of_the_view(void)
{
	char *view = read_file("clock/steering/view.c");
	char *at = strstr(view, "static void explain_none(");
	unsigned count;

	assert_non_null(at);
	*strstr(at, "latest_of_selected(") = '\0';
	count = count_of(at, "snprintf(out, size,") + count_of(at, "{SELECT_");
	free(view);
	return count;
}

/* Why the clock is not right: what the agent says, the manual explains. */
static void every_reason_of_the_clock_is_explained(void **state)
{
	static const struct {
		const char *file, *words;
	} reasons[] = {
	    {"clock/steering/view.c", "no usable source"},
	    {"clock/steering/view.c", "without a measurement"},
	    {"clock/steering/view.c", "unsynchronised"},
	    {"clock/steering/view.c", "of a forbidden stratum"},
	    {"clock/steering/view.c", "beyond maxdistance"},
	    {"clock/steering/view.c", "silent now"},
	    {"clock/steering/view.c", "too variable"},
	    {"clock/steering/view.c", "measured only by noselect"},
	    {"clock/steering/view.c", "no majority: of "},
	    {"clock/steering/view.c", "no source marked require is among the "},
	    {"clock/steering/view.c", "minsources asks for "},
	    {"clock/steering/view.c",
		", more than refuse-threshold allows to correct"},
	    {"clock/steering/view.c", "the clock needs a correction of more "
				      "than "},
	    {"agent/engine/bootstrap.c",
		"the clock is too wrong to check certificates"},
	    {"agent/engine/bootstrap.c", "the clock has lost "},
	    {"agent/launch/rights.c",
		"not started as root and without CAP_SYS_TIME"},
	};
	char *manual = read_manual("man/ntsctl.8"), *section;
	unsigned of_view = 0;

	(void)state;
	section = strstr(manual, " .Sh TROUBLESHOOTING ");
	assert_non_null(section);
	*strstr(section, " .Sh ENVIRONMENT ") = '\0';
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		char *source = read_file(reasons[i].file);

		join_literals(source);
		if (!strstr(source, reasons[i].words))
			fail_msg("%s does not say '%s'", reasons[i].file,
			    reasons[i].words);
		assert_in(section, reasons[i].words);
		of_view += strcmp(reasons[i].file, reasons[0].file) == 0;
		free(source);
	}
	assert_int_equal(of_view, reasons_of_the_view());
	free(manual);
}

static void every_stage_is_documented(void **state)
{
	char *manual = read_manual("man/ntsctl.8"), *entry;

	(void)state;
	entry = strstr(manual, ".It Va stage text: ");
	assert_non_null(entry);
	*strstr(entry, ".It Va failure ") = '\0';
	for (int i = 0; i < SOURCE_STAGE_COUNT; i++)
		assert_in(entry, source_stage_name((enum source_stage)i));
	free(manual);
}

static void every_event_is_documented(void **state)
{
	char *manual = read_manual("man/ntsctl.8"), *section, word[40];

	(void)state;
	section = strstr(manual, " .Ss Events ");
	assert_non_null(section);
	*strstr(section, " .Ss The columns of sources ") = '\0';
	for (unsigned i = 0; i < HISTORY_EVENT_KIND_COUNT; i++) {
		const char *name = history_event_name(i);

		/* Alone, or the second of two. */
		snprintf(word, sizeof(word), " .It %s ", name);
		if (strstr(section, word))
			continue;
		snprintf(word, sizeof(word), " , %s ", name);
		assert_in(section, word);
	}
	free(manual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_step_of_a_key_exchange_is_on_the_list),
	    cmocka_unit_test(every_word_on_the_list_is_used_and_documented),
	    cmocka_unit_test(every_state_of_the_selection_is_documented),
	    cmocka_unit_test(every_reason_of_the_clock_is_explained),
	    cmocka_unit_test(every_stage_is_documented),
	    cmocka_unit_test(every_event_is_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
