/* What the code under test logs, as text. Include after cmocka.h. */
#ifndef TESTS_UNIT_LOG_TEXT_H
#define TESTS_UNIT_LOG_TEXT_H

#include <stdio.h>
#include <unistd.h>

struct log_text {
	FILE *file;
	int saved_fd; /* standard error before */
	char text[1024];
};

static inline void log_text_begin(struct log_text *t)
{
	t->file = tmpfile();
	assert_non_null(t->file);
	fflush(stderr);
	t->saved_fd = dup(STDERR_FILENO);
	assert_true(t->saved_fd >= 0);
	assert_true(dup2(fileno(t->file), STDERR_FILENO) >= 0);
}

/* Everything since log_text_begin. */
static inline const char *log_text_end(struct log_text *t)
{
	fflush(stderr);
	dup2(t->saved_fd, STDERR_FILENO);
	close(t->saved_fd);
	rewind(t->file);
	t->text[fread(t->text, 1, sizeof(t->text) - 1, t->file)] = '\0';
	fclose(t->file);
	return t->text;
}

#endif
