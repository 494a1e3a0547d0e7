/* Sparklines: a gap stays a gap. */
#include "agent/ctl/history/plot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "agent/ctl/history/glyphs.h"

#define UP HISTORY_PRESENT

static void assert_spark(
    const struct series_column *columns, unsigned count, const char *expected)
{
	struct series *s = calloc(1, sizeof(*s));
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_true(s && out);
	s->count = count;
	s->any = true;
	s->max = 7;
	memcpy(s->columns, columns, count * sizeof(*columns));
	plot_spark(s, SERIES_OFFSET, false, out);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
	free(s);
}

static void values_are_bars(void **state)
{
	const struct series_column c[] = {
	    {.known = true, .mean = 0, .mark = UP},
	    {.known = true, .mean = 3, .mark = UP},
	    {.known = true, .mean = 7, .mark = UP},
	};

	(void)state;
	assert_spark(c, 3, "_=@");
}

static void a_line_goes_on_between_samples_that_are_joined(void **state)
{
	const struct series_column c[] = {
	    {.mark = UP},
	    {.known = true, .mean = 7, .mark = UP},
	    {.mark = UP},
	    {.known = true, .joined = true, .mean = 0, .mark = UP},
	    {.mark = UP},
	    {.known = true, .mean = 7, .mark = UP},
	    {.mark = UP | HISTORY_GOOD},
	    {.mark = UP},
	    {.mark = UP | HISTORY_GOOD},
	};

	(void)state;
	assert_spark(c, 9, " @@_ @@  ");
}

static void the_locale_says_whether_there_are_braille_characters(void **state)
{
	static const struct {
		const char *all, *ctype, *lang;
		bool unicode;
	} rows[] = {
	    {"", "", "", false},
	    {"C", "C.UTF-8", "C.UTF-8", false},
	    {"", "de_DE.utf8", "C", true},
	    {"", "", "en_GB.UTF-8", true},
	    {"", "", "en_GB.ISO-8859-15", false},
	    {"en_GB.UTF-8@x", "C", "C", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		setenv("LC_ALL", rows[i].all, 1);
		setenv("LC_CTYPE", rows[i].ctype, 1);
		setenv("LANG", rows[i].lang, 1);
		assert_int_equal(glyphs_unicode(), rows[i].unicode);
	}
	unsetenv("LC_ALL");
	unsetenv("LC_CTYPE");
	unsetenv("LANG");
	assert_false(glyphs_unicode());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_are_bars),
	    cmocka_unit_test(a_line_goes_on_between_samples_that_are_joined),
	    cmocka_unit_test(
		the_locale_says_whether_there_are_braille_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
