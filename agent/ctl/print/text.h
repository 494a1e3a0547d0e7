/*
 * Text that came from elsewhere: made harmless, measured, padded, wrapped.
 * A host name or a certificate's subject may hold anything; a terminal must
 * not be steered by it.
 */
#ifndef AGENT_CTL_PRINT_TEXT_H
#define AGENT_CTL_PRINT_TEXT_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* text_clean writes at most so many bytes per byte read, plus a NUL. */
#define TEXT_CLEAN_GROWTH 4

/*
 * Copies `len` bytes of UTF-8 to `out`, with control characters, invisible
 * characters, those that reverse the direction of writing, and broken UTF-8
 * written out as \x1b or \u202e. Returns the length without the NUL.
 */
size_t text_clean(char *out, const char *in, size_t len);

/* In columns of a terminal. */
unsigned text_width(const char *text);

/* Pads to `width` columns; what is longer is never cut. */
enum text_side { TEXT_LEFT, TEXT_RIGHT };
void text_put_padded(
    FILE *out, const char *text, unsigned width, enum text_side side);

/*
 * Prints `text` as lines of at most `width` columns, broken at spaces, the
 * first one behind `first`, the others behind as many spaces. A word longer
 * than a line stays whole.
 */
void text_put_wrapped(
    FILE *out, const char *first, const char *text, unsigned width);

/* Appends to `out`, which stays NUL-terminated; what has no room is cut. */
void text_append(char *out, size_t size, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif
