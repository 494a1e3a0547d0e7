/* The characters of a picture on a terminal. */
#ifndef AGENT_CTL_HISTORY_GLYPHS_H
#define AGENT_CTL_HISTORY_GLYPHS_H

#include <stdbool.h>
#include <stdio.h>

/* Does the locale of the user (LC_ALL, LC_CTYPE, LANG) print UTF-8? */
bool glyphs_unicode(void);

/* A character of up to 2 x 4 dots; `bits` as in braille_bit. */
unsigned braille_bit(unsigned x, unsigned y); /* x 0..1, y 0..3 from above */
void put_braille(FILE *out, unsigned bits);

/* A bar of 1 to 8 eighths; in ASCII one of "_.-=+*#@". */
void put_bar(FILE *out, unsigned eighths, bool unicode);

#endif
