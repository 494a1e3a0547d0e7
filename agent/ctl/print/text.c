#include "agent/ctl/print/text.h"

#include "agent/ctl/snapshot/clean.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

static unsigned columns_of(const char *text, size_t len)
{
	unsigned width = 0;
	size_t used;

	for (size_t i = 0; i < len; i += used) {
		uint32_t c = text_decode(text + i, len - i, &used);
		int w = c == TEXT_BROKEN ? 1 : wcwidth((wchar_t)c);

		/* -1: the locale does not know it; most characters have one
		 * column. */
		width += w < 0 ? 1 : (unsigned)w;
	}
	return width;
}

unsigned text_width(const char *text)
{
	return columns_of(text, strlen(text));
}

static void put_spaces(FILE *out, unsigned count)
{
	fprintf(out, "%*s", (int)count, "");
}

void text_put_padded(
    FILE *out, const char *text, unsigned width, enum text_side side)
{
	unsigned wide = text_width(text);
	unsigned pad = width > wide ? width - wide : 0;

	if (side == TEXT_RIGHT)
		put_spaces(out, pad);
	fputs(text, out);
	if (side == TEXT_LEFT)
		put_spaces(out, pad);
}

/* "7 s", "1.25 us;": a number and the unit behind it. */
static bool is_unit(const char *word, size_t len)
{
	size_t letters = 0;

	while (letters < len && isalpha((unsigned char)word[letters]))
		letters++;
	return letters > 0 && letters <= 3 &&
	       (letters == len || (letters + 1 == len &&
				      ispunct((unsigned char)word[letters])));
}

/* The bytes of the next word; a unit stays with its number. */
static size_t word_length(const char *text)
{
	size_t len = strcspn(text, " "), unit;

	if (len == 0 || text[len] == '\0' || !isdigit((unsigned char)text[0]) ||
	    !isdigit((unsigned char)text[len - 1]))
		return len;
	unit = strcspn(text + len + 1, " ");
	return is_unit(text + len + 1, unit) ? len + 1 + unit : len;
}

void text_put_wrapped(
    FILE *out, const char *first, const char *text, unsigned width)
{
	unsigned indent = text_width(first), column = indent;
	bool fresh = true;

	fputs(first, out);
	for (text += strspn(text, " "); *text != '\0';
	     text += strspn(text, " ")) {
		size_t len = word_length(text);
		unsigned wide = columns_of(text, len);

		if (!fresh && column + 1 + wide > width) {
			fputc('\n', out);
			put_spaces(out, indent);
			column = indent;
			fresh = true;
		}
		fprintf(out, "%s%.*s", fresh ? "" : " ", (int)len, text);
		column += wide + !fresh;
		fresh = false;
		text += len;
	}
	fputc('\n', out);
}

void text_append(char *out, size_t size, const char *fmt, ...)
{
	size_t used = strlen(out);
	va_list args;

	va_start(args, fmt);
	vsnprintf(out + used, size - used, fmt, args);
	va_end(args);
}
