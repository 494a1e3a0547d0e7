/*
 * The example status of the tests of ntsctl, as JSON and parsed. The tests run
 * from the top of the tree. Includes cmocka.h.
 */
#ifndef TESTS_UNIT_AGENT_CTL_EXAMPLE_H
#define TESTS_UNIT_AGENT_CTL_EXAMPLE_H

#include "agent/ctl/snapshot/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/read_file.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HERE "tests/unit/agent/ctl/"

/* The example status as a tree that a test may change. */
static inline json_t *example(void)
{
	json_t *tree = json_load_file(HERE "snapshot.json", 0, NULL);

	assert_non_null(tree);
	return tree;
}

static inline json_t *example_source(json_t *tree, size_t i)
{
	json_t *source = json_array_get(json_object_get(tree, "sources"), i);

	assert_non_null(source);
	return source;
}

/* Replaces a member that exists; takes over `value`. */
static inline void set(json_t *object, const char *key, json_t *value)
{
	assert_non_null(value);
	assert_non_null(json_object_get(object, key));
	assert_int_equal(json_object_set_new(object, key, value), 0);
}

static inline void set_text(json_t *object, const char *key, const char *text)
{
	set(object, key, json_string(text));
}

static inline void set_int(json_t *object, const char *key, int64_t n)
{
	set(object, key, json_integer(n));
}

/* Parses and releases the tree. */
static inline struct snapshot snapshot_of(json_t *tree)
{
	char *json = json_dumps(tree, 0), why[SNAPSHOT_ERROR_MAX] = "";
	struct snapshot s;

	assert_non_null(json);
	if (!snapshot_parse(&s, json, strlen(json), why))
		fail_msg("not parsed: %s", why);
	free(json);
	json_decref(tree);
	return s;
}

static inline void assert_contains(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("'%s' is not in:\n%s", part, text);
}

/* Line `n` (from 0) of `text`; the caller frees it. */
static inline char *line_of(const char *text, unsigned n)
{
	while (n-- > 0) {
		text = strchr(text, '\n');
		assert_non_null(text);
		text++;
	}
	return strndup(text, strcspn(text, "\n"));
}

#endif
