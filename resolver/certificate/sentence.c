#include "resolver/certificate/sentence.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PIECE_SIZE 1001

struct sentence sentence_to(char *out, size_t size)
{
	assert(size >= 4);
	out[0] = '\0';
	return (struct sentence){.out = out, .size = size};
}

static char printable(char c)
{
	return c >= 0x20 && c < 0x7f ? c : '?';
}

/* Ends a sentence that does not fit, and a quotation in it. */
static void cut(struct sentence *w)
{
	size_t end = w->size - 4;
	bool quoting = false;

	for (size_t i = 0; i < end; i++)
		quoting ^= w->out[i] == '"';
	if (quoting)
		w->out[end - 1] = w->out[end - 1] == '"' ? '.' : '"';
	memcpy(w->out + end, "...", 4);
}

void sentence_add(struct sentence *w, const char *fmt, ...)
{
	char piece[PIECE_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(piece, sizeof(piece), fmt, args);
	va_end(args);
	for (const char *c = piece; *c; c++) {
		if (w->len + 1 == w->size) {
			cut(w);
			return;
		}
		w->out[w->len++] = printable(*c);
		w->out[w->len] = '\0';
	}
}

void sentence_quote(struct sentence *w, const char *words, size_t len)
{
	sentence_add(w, "\"");
	for (size_t i = 0; i < len && i < QUOTED_MAX; i++)
		sentence_add(
		    w, "%c", words[i] == '"' ? '\'' : printable(words[i]));
	sentence_add(w, len > QUOTED_MAX ? "\"..." : "\"");
}
