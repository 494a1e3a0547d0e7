#include "agent/ctl/snapshot/clean.h"

#include "base/check.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Printed as they are, these move the cursor, are invisible, or reorder text.
 */
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

/* The length of a sequence that starts with this byte; 0: none does. */
static size_t sequence_len(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* RFC 3629 3 forbids overlong forms, surrogates and values above U+10FFFF. */
static bool is_well_formed(uint32_t c, size_t len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

	return c >= least[len] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

uint32_t text_decode(const char *in, size_t left, size_t *used)
{
	const unsigned char *byte = (const unsigned char *)in;
	size_t len = sequence_len(byte[0]);
	uint32_t c;

	*used = 1;
	if (len == 0 || len > left)
		return TEXT_BROKEN;
	c = len == 1 ? byte[0] : byte[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return TEXT_BROKEN;
		c = c << 6 | (byte[i] & 0x3f);
	}
	if (!is_well_formed(c, len))
		return TEXT_BROKEN;
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
		uint32_t c = text_decode(in + i, len - i, &used);

		if (c == TEXT_BROKEN || is_harmful(c)) {
			uint32_t shown =
			    c == TEXT_BROKEN ? (unsigned char)in[i] : c;

			at += put_escape(out + at, shown);
		} else {
			memcpy(out + at, in + i, used);
			at += used;
		}
	}
	out[at] = '\0';
	return at;
}

bool text_is_clean(const char *text)
{
	size_t len = strlen(text), used;

	for (size_t i = 0; i < len; i += used) {
		uint32_t c = text_decode(text + i, len - i, &used);

		if (c == TEXT_BROKEN || is_harmful(c))
			return false;
	}
	return true;
}

void text_put_clean(FILE *out, const char *text)
{
	size_t len = strlen(text);
	char *clean = malloc(len * TEXT_CLEAN_GROWTH + 1);

	if (!clean)
		return;
	text_clean(clean, text, len);
	fputs(clean, out);
	free(clean);
}
