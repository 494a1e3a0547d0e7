/*
 * Sentences in a buffer of fixed size. What does not fit ends in "..."; what is
 * not printable ASCII becomes "?", so that text out of a certificate or from a
 * server can forge neither a line nor a terminal sequence.
 */
#ifndef RESOLVER_CERTIFICATE_WORDS_H
#define RESOLVER_CERTIFICATE_WORDS_H

#include "base/check.h"

#include <stddef.h>

struct words {
	char *out; /* borrowed, always NUL-terminated */
	size_t size, len;
};

/* `size` must be 4 or more. */
struct words words_to(char *out, size_t size);

/* One call adds at most 1000 characters. */
void words_add(struct words *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
