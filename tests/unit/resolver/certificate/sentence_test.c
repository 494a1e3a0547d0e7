#include "resolver/certificate/sentence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void pieces_are_joined(void **state)
{
	char text[20];
	struct sentence w = sentence_to(text, sizeof(text));

	(void)state;
	assert_string_equal(text, "");
	sentence_add(&w, "%d", 12);
	sentence_add(&w, "%s", " and more");
	assert_string_equal(text, "12 and more");
}

static void what_does_not_fit_ends_in_dots(void **state)
{
	char text[8];
	struct sentence w = sentence_to(text, sizeof(text));

	(void)state;
	sentence_add(&w, "1234567");
	assert_string_equal(text, "1234567");
	sentence_add(&w, "8");
	assert_string_equal(text, "1234...");
	sentence_add(&w, "9");
	assert_string_equal(text, "1234...");
}

static void only_printable_ascii_passes(void **state)
{
	char text[20];
	struct sentence w = sentence_to(text, sizeof(text));

	(void)state;
	sentence_add(&w, "%s", "a\n\x1b\x7f\xc3\xa9~");
	assert_string_equal(text, "a?????~");
}

static void a_piece_of_any_length_is_safe(void **state)
{
	char text[1200], piece[3000];
	struct sentence w = sentence_to(text, sizeof(text));

	(void)state;
	memset(piece, 'x', sizeof(piece) - 1);
	piece[sizeof(piece) - 1] = '\0';
	sentence_add(&w, "%s", piece);
	/* One call adds 1000 characters. */
	assert_int_equal(strlen(text), 1000);
	sentence_add(&w, "%s", piece);
	assert_int_equal(strlen(text), sizeof(text) - 1);
	assert_string_equal(text + sizeof(text) - 4, "...");
}

static void foreign_words_are_quoted(void **state)
{
	char text[400], many[300];
	struct sentence w = sentence_to(text, sizeof(text));

	(void)state;
	sentence_quote(&w, "a \"b\"\n\0c", 8);
	assert_string_equal(text, "\"a 'b'??c\"");
	w = sentence_to(text, sizeof(text));
	memset(many, 'x', sizeof(many));
	sentence_quote(&w, many, sizeof(many));
	assert_int_equal(w.len, QUOTED_MAX + 5);
	assert_string_equal(text + QUOTED_MAX + 1, "\"...");
	w = sentence_to(text, sizeof(text));
	sentence_quote(&w, many, QUOTED_MAX);
	assert_string_equal(text + QUOTED_MAX + 1, "\"");
	w = sentence_to(text, sizeof(text));
	sentence_quote(&w, "", 0);
	assert_string_equal(text, "\"\"");
}

/* In every size the quotation ends, and nothing follows it but dots. */
static void a_full_sentence_ends_its_quotation(void **state)
{
	char text[50];

	(void)state;
	for (size_t size = 4; size <= sizeof(text); size++) {
		struct sentence w = sentence_to(text, size);
		unsigned quotes = 0;

		sentence_add(&w, "it says \"%s\" and ", "one two");
		sentence_quote(&w, "three \"four\"", 12);
		sentence_add(&w, " to me, which is long");
		for (const char *c = text; *c; c++)
			quotes += *c == '"';
		assert_int_equal(quotes % 2, 0);
		assert_string_equal(text + strlen(text) - 3, "...");
		assert_true(strlen(text) < size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pieces_are_joined),
	    cmocka_unit_test(what_does_not_fit_ends_in_dots),
	    cmocka_unit_test(only_printable_ascii_passes),
	    cmocka_unit_test(a_piece_of_any_length_is_safe),
	    cmocka_unit_test(foreign_words_are_quoted),
	    cmocka_unit_test(a_full_sentence_ends_its_quotation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
