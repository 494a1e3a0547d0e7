#include "tests/unit/agent/ctl/example.h"

#include "agent/ctl/print/text.h"

static void width_counts_columns(void **state)
{
	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("ntpserver"), 9);
	assert_int_equal(text_width("z\xc3\xbcrich"), 6);
	assert_int_equal(text_width("\xe6\x97\xb6\xe9\x97\xb4"), 4);
	assert_int_equal(text_width("e\xcc\x81"), 1);
	assert_int_equal(text_width("\xff"), 1);
}

static void assert_padded(
    const char *text, unsigned width, enum text_side side, const char *expected)
{
	char *out = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&out, &size);

	text_put_padded(file, text, width, side);
	fclose(file);
	assert_string_equal(out, expected);
	free(out);
}

static void padding_never_cuts(void **state)
{
	(void)state;
	assert_padded("ab", 4, TEXT_LEFT, "ab  ");
	assert_padded("ab", 4, TEXT_RIGHT, "  ab");
	assert_padded("abcde", 4, TEXT_LEFT, "abcde");
	assert_padded("\xe6\x97\xb6", 4, TEXT_RIGHT, "  \xe6\x97\xb6");
	assert_padded("", 0, TEXT_LEFT, "");
}

static void assert_wrapped(
    const char *first, const char *text, unsigned width, const char *expected)
{
	char *out = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&out, &size);

	text_put_wrapped(file, first, text, width);
	fclose(file);
	assert_string_equal(out, expected);
	free(out);
}

static void lines_break_at_spaces(void **state)
{
	(void)state;
	assert_wrapped("", "", 10, "\n");
	assert_wrapped("To: ", "abc def", 11, "To: abc def\n");
	assert_wrapped("To: ", "abc def", 10, "To: abc\n    def\n");
	assert_wrapped("", "a  b   c ", 80, "a b c\n");
	assert_wrapped("- ", "  a b", 80, "- a b\n");
	/* A unit stays with its number. */
	assert_wrapped("", "try in 7 s", 8, "try in\n7 s\n");
	assert_wrapped("", "by 1.25 us; at", 9, "by\n1.25 us;\nat\n");
	assert_wrapped("", "of 3 sources", 6, "of 3\nsources\n");
	assert_wrapped("", "a2 s b", 4, "a2 s\nb\n");
	assert_wrapped("", "a 2", 1, "a\n2\n");
	assert_wrapped("- ", "a word-that-is-too-long z", 10,
	    "- a\n  word-that-is-too-long\n  z\n");
	assert_wrapped("", "\xe6\x97\xb6\xe9\x97\xb4 x", 6,
	    "\xe6\x97\xb6\xe9\x97\xb4 x\n");
	assert_wrapped("", "\xe6\x97\xb6\xe9\x97\xb4 x", 5,
	    "\xe6\x97\xb6\xe9\x97\xb4\nx\n");
}

static void appending_stops_at_the_end(void **state)
{
	char text[8] = "ab";

	(void)state;
	text_append(text, sizeof(text), "%d-", 1);
	assert_string_equal(text, "ab1-");
	text_append(text, sizeof(text), "%s", "long enough");
	assert_string_equal(text, "ab1-lon");
	text_append(text, sizeof(text), "more");
	assert_string_equal(text, "ab1-lon");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(width_counts_columns),
	    cmocka_unit_test(padding_never_cuts),
	    cmocka_unit_test(lines_break_at_spaces),
	    cmocka_unit_test(appending_stops_at_the_end),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
