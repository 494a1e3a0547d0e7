#include "resolver/certificate/sentence.h"

#include <assert.h>
#include <stdarg.h>
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

void sentence_add(struct sentence *w, const char *fmt, ...)
{
	char piece[PIECE_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(piece, sizeof(piece), fmt, args);
	va_end(args);
	for (const char *c = piece; *c; c++) {
		if (w->len + 1 == w->size) {
			memcpy(w->out + w->size - 4, "...", 4);
			return;
		}
		w->out[w->len++] = printable(*c);
		w->out[w->len] = '\0';
	}
}
