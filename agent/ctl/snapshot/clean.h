/*
 * Makes text from elsewhere harmless. A host name or a certificate's subject
 * can hold any bytes, and none of them may control a terminal.
 */
#ifndef AGENT_CTL_SNAPSHOT_CLEAN_H
#define AGENT_CTL_SNAPSHOT_CLEAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* text_clean writes at most this many bytes for each byte read, plus a NUL. */
#define TEXT_CLEAN_GROWTH 4

/*
 * Copies `len` bytes of UTF-8 to `out` and ends them with a NUL. Control
 * characters, invisible characters, characters that change the direction of
 * writing, and broken UTF-8 are written as \x1b or \u202e. Returns the length
 * without the NUL.
 */
size_t text_clean(char *out, const char *in, size_t len);

/* Does text_clean() leave the text as it is? */
bool text_is_clean(const char *text);

/* Prints the text as text_clean() writes it. */
void text_put_clean(FILE *out, const char *text);

/* Not a character: the byte belongs to no valid sequence. */
#define TEXT_BROKEN UINT32_MAX

/* Decodes the first character of `left` bytes, left > 0 (RFC 3629 4). Returns
 * it or TEXT_BROKEN; `*used` is the number of its bytes, at least 1. */
uint32_t text_decode(const char *in, size_t left, size_t *used);

#endif
