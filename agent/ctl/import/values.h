/* Words and numbers of other programs, their form in our file, and the keys
 * that several parsers set by them. No I/O. */
#ifndef AGENT_CTL_IMPORT_VALUES_H
#define AGENT_CTL_IMPORT_VALUES_H

#include "agent/ctl/import/parsers.h"

#define NUMBER_TEXT_MAX 48

/* The whole text is a finite number; "inf" is none. */
bool number_read(const char *text, double *out) MUST_USE;
/* A whole number within the limits. */
bool number_whole(const char *text, long min, long max, long *out) MUST_USE;

/* As a decimal fraction with at most nine places, "0.0001": no exponent. */
const char *number_text(double value, char out[NUMBER_TEXT_MAX]);

/* The value, or the nearer limit. */
double number_within(double value, double min, double max);

/* Splits a line at blanks, in place. Returns the number of words; more than
 * IMPORT_WORDS_MAX are not returned. */
unsigned import_words(char *line, char *words[IMPORT_WORDS_MAX]);

/* Is the word among the names, which end with NULL? Without regard to case. */
bool import_is_one_of(const char *word, const char *const *names) MUST_USE;

/* Is the option among the words of a server? `valued` are the options that a
 * value follows; they end with NULL. A value is no option, whatever it says. */
bool import_has_option(char **words, unsigned count, const char *name,
    const char *const *valued) MUST_USE;

/* Values that several programs have; each checks, limits and sets one key.
 * False: the text is no number. `text` is the line for the report. */
bool import_number(struct import *i, const char *text, const char *name,
    const char *value, double min, double max, const char *unit) MUST_USE;
bool import_count(struct import *i, const char *text, const char *name,
    const char *value, long min, long max) MUST_USE;
bool import_poll(struct import *i, const char *text, struct draft_source *s,
    const char *name, const char *value) MUST_USE;

#endif
