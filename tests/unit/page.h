/* Compares a part of a page with what the code says. Include after cmocka.h. */
#ifndef TESTS_UNIT_PAGE_H
#define TESTS_UNIT_PAGE_H

#include <stdio.h>
#include <string.h>

/* `expected` is what must stand between the lines <!-- MARK --> and
 * <!-- /MARK --> of the page, which is named from the root of the tree. */
static inline void assert_page_has(
    const char *path, const char *mark, const char *expected)
{
	static char page[131072];
	char begin[80], end[80];
	FILE *f = fopen(path, "r");
	char *from, *to;

	assert_non_null(f);
	page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
	fclose(f);
	snprintf(begin, sizeof(begin), "<!-- %s -->\n", mark);
	snprintf(end, sizeof(end), "<!-- /%s -->", mark);
	from = strstr(page, begin);
	if (!from)
		fail_msg("%s has no line %s", path, begin);
	from += strlen(begin);
	to = strstr(from, end);
	if (!to)
		fail_msg("%s has no line %s", path, end);
	*to = '\0';
	if (strcmp(from, expected) == 0)
		return;
	/* A failure's message of cmocka is cut after a thousand bytes. */
	fprintf(stderr, "%s", expected);
	fail_msg(
	    "%s must have the lines above between %s and %s", path, begin, end);
}

#endif
