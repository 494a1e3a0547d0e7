/*
 * Text on a terminal: measured in columns, padded, wrapped. The text is clean
 * (agent/ctl/snapshot/clean.h) unless it is our own.
 */
#ifndef AGENT_CTL_PRINT_TEXT_H
#define AGENT_CTL_PRINT_TEXT_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* In columns of a terminal, by the locale's LC_CTYPE. */
unsigned text_width(const char *text);

/* Pads to `width` columns; a longer text is printed whole. */
enum text_side { TEXT_LEFT, TEXT_RIGHT };
void text_put_padded(
    FILE *out, const char *text, unsigned width, enum text_side side);

/*
 * Prints `text` as lines of at most `width` columns, broken at spaces. `first`
 * stands in front of the first line, and as many spaces in front of the
 * others. A word that is longer than a line stays whole.
 */
void text_put_wrapped(
    FILE *out, const char *first, const char *text, unsigned width);

/* Appends to `out`, a text in `size` bytes, and cuts what does not fit. */
void text_append(char *out, size_t size, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif
