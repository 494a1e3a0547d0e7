/* The tables, and ntsagent-migrate(7), which has them as text. */
#include "agent/foreign/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/read_file.h"

#define PAGE "man/ntsagent-migrate.7"

static const char *fate(const struct foreign_word *word)
{
	switch (word->fate) {
	case FATE_TAKEN:
		return "taken";
	case FATE_NEEDLESS:
		return "not needed";
	case FATE_LOST:
	default:
		return "none";
	}
}

/* Text as mdoc(7) wants it: a minus, and no macro at the beginning. */
static void put_text(FILE *out, const char *text)
{
	for (const char *c = text; *c; c++) {
		if (*c == '-' && c[1] >= '0' && c[1] <= '9')
			fputc('\\', out);
		fputc(*c, out);
	}
}

/* The rows of one program, as the page has them. */
static char *table_of(enum foreign_program program)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < foreign_word_count(program); i++) {
		const struct foreign_word *word = foreign_word_at(program, i);

		fprintf(out, ".It %s%s Ta %s Ta ", word->name,
		    word->place == PLACE_OPTION ? " (server)" : "", fate(word));
		put_text(out, foreign_word_reason(program, word));
		fputc('\n', out);
	}
	fclose(out);
	return text;
}

static void the_manual_has_the_table_of(enum foreign_program program)
{
	char *page = read_file(PAGE), *table = table_of(program);
	char mark[64];
	const char *begin;
	char *rows, *end;

	snprintf(mark, sizeof(mark), ".\\\" table %s\n",
	    foreign_program_name(program));
	begin = strstr(page, mark);
	if (!begin)
		fail_msg(
		    PAGE " has no table of %s", foreign_program_name(program));
	begin += strlen(mark);
	rows = strdup(begin);
	assert_non_null(rows);
	end = strstr(rows, ".El\n");
	assert_non_null(end);
	*end = '\0';
	if (strcmp(rows, table) != 0) {
		/* Too long for fail_msg(). */
		printf("%s%s.El\n", mark, table);
		fail_msg("the table of %s in " PAGE " has to be as above",
		    foreign_program_name(program));
	}
	free(rows);
	free(page);
	free(table);
}

static void the_manual_has_every_word(void **state)
{
	(void)state;
	for (int p = 0; p < FOREIGN_PROGRAMS; p++)
		the_manual_has_the_table_of((enum foreign_program)p);
}

/* The same word in the same place would have two answers. */
static void a_word_has_one_answer(void **state)
{
	(void)state;
	for (int p = 0; p < FOREIGN_PROGRAMS; p++) {
		enum foreign_program program = (enum foreign_program)p;

		for (size_t i = 0; i < foreign_word_count(program); i++) {
			const struct foreign_word *w =
			    foreign_word_at(program, i);
			enum foreign_place place = w->place == PLACE_OPTION
						       ? PLACE_OPTION
						       : PLACE_DIRECTIVE;

			assert_ptr_equal(
			    foreign_word_find(program, place, w->name), w);
			if (w->place == PLACE_BOTH)
				assert_ptr_equal(foreign_word_find(program,
						     PLACE_OPTION, w->name),
				    w);
		}
	}
}

/* A phrase that follows the word and a colon. */
static void every_word_has_a_reason(void **state)
{
	(void)state;
	for (int p = 0; p < FOREIGN_PROGRAMS; p++)
		for (size_t i = 0;
		     i < foreign_word_count((enum foreign_program)p); i++) {
			const struct foreign_word *w =
			    foreign_word_at((enum foreign_program)p, i);
			const char *why =
			    foreign_word_reason((enum foreign_program)p, w);

			assert_in_range(strlen(why), 5, 120);
			assert_int_not_equal(why[strlen(why) - 1], '.');
			if (strstr(why, "leave it out"))
				fail_msg("%s: %s", w->name, why);
		}
}

static void words_are_found_without_regard_to_case(void **state)
{
	(void)state;
	assert_non_null(
	    foreign_word_find(FOREIGN_CHRONY, PLACE_DIRECTIVE, "MakeStep"));
	assert_non_null(foreign_word_find(FOREIGN_CHRONY, PLACE_OPTION, "NTS"));
	assert_null(foreign_word_find(FOREIGN_CHRONY, PLACE_DIRECTIVE, "nts"));
	assert_null(
	    foreign_word_find(FOREIGN_CHRONY, PLACE_OPTION, "makestep"));
	assert_null(foreign_word_find(FOREIGN_CHRONY, PLACE_DIRECTIVE, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_manual_has_every_word),
	    cmocka_unit_test(a_word_has_one_answer),
	    cmocka_unit_test(every_word_has_a_reason),
	    cmocka_unit_test(words_are_found_without_regard_to_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
