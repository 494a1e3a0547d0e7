/* The table of a source, and the document that prints it. */
#include "agent/source/stages.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const events[] = {
#define X(id, name) [id] = name,
    SOURCE_EVENTS(X)
#undef X
};

#define PAGE_PATH "agent/source/README.md"

#define PAGE_MAX 65536

static int read_page(void **state)
{
	FILE *f = fopen(PAGE_PATH, "r");
	char *page = calloc(1, PAGE_MAX);

	assert_non_null(f);
	assert_non_null(page);
	assert_true(fread(page, 1, PAGE_MAX - 1, f) < PAGE_MAX - 1);
	fclose(f);
	*state = page;
	return 0;
}

static int forget_page(void **state)
{
	free(*state);
	return 0;
}

/* How many lines of the page begin so and have so many columns. */
static unsigned rows_of(const char *page, const char *stage, unsigned columns)
{
	char start[64];
	unsigned n = 0;

	snprintf(start, sizeof(start), "\n| %s |", stage);
	for (const char *p = page; (p = strstr(p, start)); p++) {
		unsigned bars = 0;

		for (const char *c = p + 1; *c && *c != '\n'; c++)
			bars += *c == '|';
		n += bars == columns + 1;
	}
	return n;
}

static void assert_on_page(const char *page, const char *row)
{
	char line[1024];

	snprintf(line, sizeof(line), "\n%s\n", row);
	if (!strstr(page, line))
		fail_msg(PAGE_PATH " lacks: %s", row);
}

static void the_page_has_every_rule_and_no_other(void **state)
{
	static const char *const actions[] = {
	    [ACTION_NOTHING] = "",
	    [ACTION_KEYS] = "exchange keys",
	    [ACTION_SEND] = "send a request",
	    [ACTION_CLOSE] = "close the socket",
	};
	char row[512];

	for (int s = 0; s < SOURCE_STAGE_COUNT; s++) {
		enum source_stage stage = (enum source_stage)s;
		unsigned defined = 0;

		for (int e = 0; e < SOURCE_EVENT_COUNT; e++) {
			enum source_event event = (enum source_event)e;
			struct source_rule r = source_rule(stage, event);

			if (!r.defined)
				continue;
			defined++;
			snprintf(row, sizeof(row), "| %s | %s | %s | %s |",
			    source_stage_name(stage), events[event],
			    source_stage_name(r.next), actions[r.action]);
			assert_on_page(*state, row);
		}
		assert_int_equal(
		    rows_of(*state, source_stage_name(stage), 4), defined);
	}
}

static void the_page_has_the_traits_of_every_stage(void **state)
{
	char row[512];

	for (int s = 0; s < SOURCE_STAGE_COUNT; s++) {
		enum source_stage stage = (enum source_stage)s;

		snprintf(row, sizeof(row), "| %s |", source_stage_name(stage));
		for (unsigned t = TRAIT_ASKS; t <= TRAIT_OFFLINE; t *= 2)
			strcat(row, stage_has(stage, (enum stage_trait)t)
					? " x |"
					: "  |");
		assert_on_page(*state, row);
		assert_true(source_stage_text(stage)[0] != '\0');
	}
}

/* What the rules may not do, whatever they are. */
static void the_rules_keep_the_traits_apart(void **state)
{
	(void)state;
	for (int s = 0; s < SOURCE_STAGE_COUNT; s++) {
		enum source_stage stage = (enum source_stage)s;

		for (int e = 0; e < SOURCE_EVENT_COUNT; e++) {
			struct source_rule r =
			    source_rule(stage, (enum source_event)e);

			if (!r.defined)
				continue;
			/* Nothing is asked at or on the way to offline. */
			if (stage_has(stage, TRAIT_OFFLINE) ||
			    stage_has(r.next, TRAIT_OFFLINE))
				assert_true(r.action == ACTION_NOTHING ||
					    r.action == ACTION_CLOSE);
			/* A request needs keys, an exchange a stage for it. */
			if (r.action == ACTION_SEND)
				assert_int_equal(r.next, stage);
			if (r.action == ACTION_KEYS)
				assert_true(stage_has(r.next, TRAIT_EXCHANGES));
			/* Unchecked keys never become checked ones. */
			if (stage_has(stage, TRAIT_UNDATED))
				assert_false(stage_has(r.next, TRAIT_KEYED));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_page_has_every_rule_and_no_other),
	    cmocka_unit_test(the_page_has_the_traits_of_every_stage),
	    cmocka_unit_test(the_rules_keep_the_traits_apart),
	};

	return cmocka_run_group_tests(tests, read_page, forget_page);
}
