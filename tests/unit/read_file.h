/* A file as a text. Include after cmocka.h; tests run from the top of the tree.
 */
#ifndef TESTS_UNIT_READ_FILE_H
#define TESTS_UNIT_READ_FILE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

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

#endif
