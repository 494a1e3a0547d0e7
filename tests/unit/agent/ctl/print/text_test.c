#include "tests/unit/agent/ctl/report/fixture.h"

#include "agent/ctl/print/text.h"

static void assert_clean(const char *in, size_t len, const char *expected)
{
	char out[256];

	assert_int_equal(text_clean(out, in, len), strlen(expected));
	assert_string_equal(out, expected);
}

static void plain_and_foreign_text_stays(void **state)
{
	static const char *const texts[] = {"", "ntpserver", "a b\\c\"",
	    "z\xc3\xbcrich", "\xe6\x97\xb6\xe9\x97\xb4", "\xf0\x9f\x95\x92",
	    "\xef\xbf\xbd\xf4\x8f\xbf\xbf"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_clean(texts[i], strlen(texts[i]), texts[i]);
}

static void what_steers_a_terminal_is_written_out(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"a\033[2Jb", "a\\x1b[2Jb"},
	    {"a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd"},
	    {"a\177b", "a\\x7fb"},
	    {"a\xc2\x9b"
	     "31mb",
		"a\\x9b31mb"},
	    {"a\xe2\x80\xae"
	     "b",
		"a\\u202eb"},
	    {"a\xe2\x80\x8b"
	     "b",
		"a\\u200bb"},
	    {"\xef\xbb\xbfx", "\\ufeffx"},
	    {"\xf3\xa0\x81\x81", "\\U000e0041"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_clean(cases[i].in, strlen(cases[i].in), cases[i].out);
	assert_clean("a\0b", 3, "a\\x00b");
}

static void broken_utf8_is_written_out(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"\xff", "\\xff"},
	    {"\x80z", "\\x80z"},
	    {"\xc0\xaf", "\\xc0\\xaf"},			  /* overlong */
	    {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},	  /* overlong */
	    {"\xed\xa0\x80", "\\xed\\xa0\\x80"},	  /* surrogate */
	    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* > U+10FFFF */
	    {"\xe2\x82", "\\xe2\\x82"},			  /* cut short */
	    {"\xe2(\xa1", "\\xe2(\\xa1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_clean(cases[i].in, strlen(cases[i].in), cases[i].out);
}

static void nothing_grows_more_than_promised(void **state)
{
	char in[2], out[2 * TEXT_CLEAN_GROWTH + 1];

	(void)state;
	for (unsigned n = 0; n <= UINT16_MAX; n++) {
		memcpy(in, (const uint8_t[]){n >> 8 & 0xff, n & 0xff}, 2);
		assert_in_range(
		    text_clean(out, in, 2), 2, 2 * TEXT_CLEAN_GROWTH);
	}
}

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
	    cmocka_unit_test(plain_and_foreign_text_stays),
	    cmocka_unit_test(what_steers_a_terminal_is_written_out),
	    cmocka_unit_test(broken_utf8_is_written_out),
	    cmocka_unit_test(nothing_grows_more_than_promised),
	    cmocka_unit_test(width_counts_columns),
	    cmocka_unit_test(padding_never_cuts),
	    cmocka_unit_test(lines_break_at_spaces),
	    cmocka_unit_test(appending_stops_at_the_end),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
