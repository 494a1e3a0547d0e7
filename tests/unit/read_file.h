/* A file as a text. Include after cmocka.h; tests run from the top of the tree.
 */
#ifndef TESTS_UNIT_READ_FILE_H
#define TESTS_UNIT_READ_FILE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The caller frees the text. */
static inline char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	struct stat about;
	char *text;
	size_t size;

	if (!file || fstat(fileno(file), &about) != 0)
		fail_msg("cannot open %s: run from the top of the tree", path);
	size = (size_t)about.st_size;
	text = malloc(size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, size, file), size);
	text[size] = '\0';
	fclose(file);
	return text;
}

/* A manual with one space between two words, also where a line ends. The caller
 * frees the text. */
static inline char *read_manual(const char *path)
{
	char *text = read_file(path), *to = text;

	for (const char *from = text; *from; from++)
		*to++ = *from == '\n' ? ' ' : *from;
	*to = '\0';
	return text;
}

/* The text is that of the file. A file that is missing can be made of what the
 * failure shows. */
static inline void assert_is_file(const char *text, const char *path)
{
	char *expected;

	if (access(path, F_OK) != 0)
		fail_msg("%s is missing; it would be:\n%s", path, text);
	expected = read_file(path);
	assert_string_equal(text, expected);
	free(expected);
}

#endif
