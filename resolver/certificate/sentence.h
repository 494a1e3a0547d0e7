/*
 * Builds a sentence for the user in a buffer of a fixed size. A sentence that
 * does not fit ends in "...". Any byte that is not printable ASCII becomes "?":
 * text from a server or a certificate must not forge a log line or control a
 * terminal. Such text goes in by sentence_quote(), so that nobody takes it for
 * our own words.
 */
#ifndef RESOLVER_CERTIFICATE_SENTENCE_H
#define RESOLVER_CERTIFICATE_SENTENCE_H

#include "base/check.h"

#include <stddef.h>

struct sentence {
	char *out; /* borrowed; always ends with a NUL */
	size_t size, len;
};

/* An empty sentence. `size` must be at least 4. */
struct sentence sentence_to(char *out, size_t size);

/* Adds to the sentence, at most 1000 characters in one call. */
void sentence_add(struct sentence *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Adds foreign words in double quotes, at most QUOTED_MAX bytes of them. A
 * double quote in them becomes a single one, so they cannot end the quotation;
 * a sentence that is full ends the quotation, too. */
#define QUOTED_MAX 160
void sentence_quote(struct sentence *w, const char *words, size_t len);

#endif
