#include "agent/ctl/snapshot/clean.h"

#include "tests/unit/agent/ctl/example.h"

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
	    "\xef\xbf\xbd\xf4\x8f\xbf\xbf",
	    /* the ends of the ranges: U+0800, U+D7FF, U+E000, U+10000 */
	    "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_clean(texts[i], strlen(texts[i]), texts[i]);
}

static void what_controls_a_terminal_is_escaped(void **state)
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

static void broken_utf8_is_escaped(void **state)
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
	/* What follows the text is not a part of it. */
	assert_clean("a\xe2\x82\xac", 3, "a\\xe2\\x82");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain_and_foreign_text_stays),
	    cmocka_unit_test(what_controls_a_terminal_is_escaped),
	    cmocka_unit_test(broken_utf8_is_escaped),
	    cmocka_unit_test(nothing_grows_more_than_promised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
