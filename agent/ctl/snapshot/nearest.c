#include "agent/ctl/snapshot/nearest.h"

#include <stdio.h>
#include <string.h>

/* Words that differ by more letters are not similar. */
#define SIMILAR_MOST 2

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The letters that both begin with need no change. Then one of four changes
 * comes first, and each is tried: a letter of `a` less, one of `b` more, both
 * (another letter), and two that are swapped. */
unsigned nearest_distance(const char *a, const char *b, unsigned most)
{
	unsigned rest = most;

	for (; *a && *a == *b; a++)
		b++;
	if (*a == *b)
		return 0;
	if (most == 0)
		return 1;
	if (*a)
		rest = least(rest, nearest_distance(a + 1, b, most - 1));
	if (*b)
		rest = least(rest, nearest_distance(a, b + 1, most - 1));
	if (*a && *b) {
		rest = least(rest, nearest_distance(a + 1, b + 1, most - 1));
		if (a[1] == b[0] && b[1] == a[0])
			rest = least(
			    rest, nearest_distance(a + 2, b + 2, most - 1));
	}
	return 1 + rest;
}

/* Half of a short word may not be wrong. */
const char *nearest_in(
    const char *word, const char *const *first, size_t count, size_t size)
{
	unsigned most = SIMILAR_MOST + 1, now;
	const char *best = NULL, *row = (const char *)first;

	for (; count > 0; count--, row += size) {
		const char *candidate = *(const char *const *)(const void *)row;

		now = nearest_distance(word, candidate, SIMILAR_MOST);
		if (now >= most || 2 * now >= strlen(candidate))
			continue;
		best = candidate;
		most = now;
	}
	return best;
}

const char *nearest_text(
    const char *best, const char *prefix, char out[static NEAREST_TEXT_MAX])
{
	out[0] = '\0';
	if (best)
		snprintf(out, NEAREST_TEXT_MAX, ": did you mean '%s%.50s'",
		    prefix, best);
	return out;
}
