/* Words that are not known. */
#include "agent/ctl/snapshot/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void letters_are_counted(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned distance;
	} rows[] = {
	    {"", "", 0},
	    {"sources", "sources", 0},
	    {"source", "sources", 1},
	    {"sorces", "sources", 1},
	    {"soucres", "sources", 1},
	    {"trakcing", "tracking", 1},
	    {"xtracking", "tracking", 1},
	    {"ab", "ba", 1},
	    {"ab", "", 2},
	    {"aXcY", "abcd", 2},
	    {"abc", "", 3},
	    {"a-word-that-is-much-longer", "b", 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(nearest_distance(rows[i].a, rows[i].b, 2),
		    rows[i].distance);
		assert_int_equal(nearest_distance(rows[i].b, rows[i].a, 2),
		    rows[i].distance);
	}
}

static void only_a_near_word_is_offered(void **state)
{
	static const struct {
		const char *word, *candidate;
		bool near;
	} rows[] = {
	    {"stat", "status", true},
	    {"brust", "burst", true},
	    {"dumb", "dump", true},
	    {"dupm", "dump", true},
	    {"abcd", "dump", false},
	    {"trackers", "tracking", false},
	    {"", "ab", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *best = nearest_in(rows[i].word, &rows[i].candidate,
		    1, sizeof(rows[i].candidate));

		assert_int_equal(best != NULL, rows[i].near);
	}
}

static void the_nearest_row_of_a_table_is_found(void **state)
{
	static const struct {
		int other;
		const char *name;
	} table[] = {{1, "since"}, {2, "socket"}, {3, "source"}};
	char text[NEAREST_TEXT_MAX];
	const char *best =
	    nearest_in("sorce", &table[0].name, 3, sizeof(table[0]));

	(void)state;
	assert_ptr_equal(best, table[2].name);
	assert_string_equal(
	    nearest_text(best, "--", text), ": did you mean '--source'");
	assert_string_equal(nearest_text(NULL, "--", text), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(letters_are_counted),
	    cmocka_unit_test(only_a_near_word_is_offered),
	    cmocka_unit_test(the_nearest_row_of_a_table_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
