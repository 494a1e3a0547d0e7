/*
 * What a command of ntsctl returns and prints, as texts, and its words.
 * Includes cmocka.h.
 */
#ifndef TESTS_UNIT_AGENT_CTL_CAPTURED_H
#define TESTS_UNIT_AGENT_CTL_CAPTURED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 12

struct captured {
	int status;
	char *out, *errors;	  /* after captured_end() */
	FILE *to_out, *to_errors; /* until then */
	size_t out_size, errors_size;
};

/* The struct must stay where it is until captured_end(). */
static inline void captured_begin(struct captured *c)
{
	*c = (struct captured){.status = 0};
	c->to_out = open_memstream(&c->out, &c->out_size);
	c->to_errors = open_memstream(&c->errors, &c->errors_size);
	assert_true(c->to_out && c->to_errors);
}

static inline void captured_end(struct captured *c)
{
	fclose(c->to_out);
	fclose(c->to_errors);
}

static inline void captured_free(struct captured *c)
{
	free(c->out);
	free(c->errors);
}

/* Splits `line` at the separators, in place; returns the number of words. */
static inline int split_words(
    char *line, const char *separators, char *words[WORDS_MAX + 1])
{
	int count = 0;

	for (char *w = strtok(line, separators); w;
	     w = strtok(NULL, separators)) {
		assert_in_range(count, 0, WORDS_MAX - 1);
		words[count++] = w;
	}
	words[count] = NULL;
	return count;
}

/* Runs the command with the words of `line`, which spaces separate. */
static inline struct captured captured_run(
    int (*command)(int, char **, FILE *, FILE *), const char *line)
{
	struct captured c;
	char *copy = strdup(line), *words[WORDS_MAX + 1];
	int count = split_words(copy, " ", words);

	captured_begin(&c);
	c.status = command(count, words, c.to_out, c.to_errors);
	captured_end(&c);
	free(copy);
	return c;
}

#endif
