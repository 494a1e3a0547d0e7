#include "agent/ctl/print/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

/* Not a character: the byte belongs to no valid sequence. */
#define BROKEN UINT32_MAX

/* Shown as themselves they would move the cursor, hide, or reorder text. */
static const struct {
	uint32_t first, last;
} harmful[] = {
    {0x00, 0x1f},
    {0x7f, 0x9f},
    {0xad, 0xad},
    {0x061c, 0x061c},
    {0x200b, 0x200f},
    {0x2028, 0x202e},
    {0x2060, 0x206f},
    {0xfeff, 0xfeff},
    {0xfff9, 0xfffb},
    {0xe0000, 0xe007f},
};

static bool is_harmful(uint32_t c)
{
	for (size_t i = 0; i < ARRAY_LEN(harmful); i++)
		if (c >= harmful[i].first && c <= harmful[i].last)
			return true;
	return false;
}

/* How many bytes a sequence with this first byte has; 0: none starts so. */
static size_t sequence_len(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* RFC 3629 3: neither overlong, nor a surrogate, nor beyond U+10FFFF. */
static bool is_well_formed(uint32_t c, size_t len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

	return c >= least[len] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

/* One character; *used is at least 1. */
static uint32_t decode(const char *in, size_t left, size_t *used)
{
	const unsigned char *byte = (const unsigned char *)in;
	size_t len = sequence_len(byte[0]);
	uint32_t c;

	*used = 1;
	if (len == 0 || len > left)
		return BROKEN;
	c = len == 1 ? byte[0] : byte[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return BROKEN;
		c = c << 6 | (byte[i] & 0x3f);
	}
	if (!is_well_formed(c, len))
		return BROKEN;
	*used = len;
	return c;
}

static size_t put_escape(char *out, uint32_t c)
{
	char escape[16];
	int n = c < 0x100     ? snprintf(escape, sizeof(escape), "\\x%02x", c)
		: c < 0x10000 ? snprintf(escape, sizeof(escape), "\\u%04x", c)
			      : snprintf(escape, sizeof(escape), "\\U%08x", c);

	memcpy(out, escape, (size_t)n);
	return (size_t)n;
}

size_t text_clean(char *out, const char *in, size_t len)
{
	size_t at = 0, used;

	for (size_t i = 0; i < len; i += used) {
		uint32_t c = decode(in + i, len - i, &used);

		if (c == BROKEN || is_harmful(c)) {
			uint32_t shown = c == BROKEN ? (unsigned char)in[i] : c;

			at += put_escape(out + at, shown);
		} else {
			memcpy(out + at, in + i, used);
			at += used;
		}
	}
	out[at] = '\0';
	return at;
}

static unsigned columns_of(const char *text, size_t len)
{
	unsigned width = 0;
	size_t used;

	for (size_t i = 0; i < len; i += used) {
		uint32_t c = decode(text + i, len - i, &used);
		int w = c == BROKEN ? 1 : wcwidth((wchar_t)c);

		/* -1: the locale does not know it; most are one wide. */
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

void text_put_wrapped(
    FILE *out, const char *first, const char *text, unsigned width)
{
	unsigned indent = text_width(first), column = indent;
	bool fresh = true;

	fputs(first, out);
	for (text += strspn(text, " "); *text != '\0';
	     text += strspn(text, " ")) {
		size_t len = strcspn(text, " ");
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
