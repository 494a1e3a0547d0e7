#include "agent/ctl/history/glyphs.h"

#include <stdlib.h>
#include <strings.h>

/* Not by setlocale(): the C library need not know the locale for the terminal
 * to print it. */
bool glyphs_unicode(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	const char *value = NULL;
	size_t len = 0;

	for (int i = 0; i < 3 && (!value || *value == '\0'); i++)
		value = getenv(names[i]);
	if (!value)
		return false;
	while (value[len] != '\0' && value[len] != '.')
		len++;
	return strncasecmp(value + len, ".utf-8", 6) == 0 ||
	       strncasecmp(value + len, ".utf8", 5) == 0;
}

unsigned braille_bit(unsigned x, unsigned y)
{
	static const unsigned char bits[4][2] = {
	    {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};

	return bits[y & 3][x & 1];
}

/* U+2800 + bits. */
void put_braille(FILE *out, unsigned bits)
{
	fputc(0xe2, out);
	fputc((int)(0xa0 | (bits >> 6 & 3)), out);
	fputc((int)(0x80 | (bits & 0x3f)), out);
}

void put_bar(FILE *out, unsigned eighths, bool unicode)
{
	static const char ascii[] = "_.-=+*#@";
	unsigned i = eighths < 1 ? 0 : eighths > 8 ? 7 : eighths - 1;

	if (!unicode) {
		fputc(ascii[i], out);
		return;
	}
	/* U+2581 + i. */
	fputc(0xe2, out);
	fputc(0x96, out);
	fputc((int)(0x81 + i), out);
}
