/*
 * Which known word was perhaps meant by one that is not known.
 */
#ifndef AGENT_CTL_SNAPSHOT_NEAREST_H
#define AGENT_CTL_SNAPSHOT_NEAREST_H

#include "base/check.h"

#include <stddef.h>

/* How many letters have to be changed, added, left out or swapped with their
 * neighbour to make `b` of `a`; one more than `most` if it is above that. The
 * time grows with 4 to the `most`. */
unsigned nearest_distance(const char *a, const char *b, unsigned most);

/* The nearest word of a table; NULL: none is near enough. `first` is that of
 * the first of `count` rows, which have `size` bytes. */
const char *nearest_in(
    const char *word, const char *const *first, size_t count, size_t size);

/* ": did you mean 'PREFIXbest'" behind a sentence; nothing if `best` is NULL.
 */
#define NEAREST_TEXT_MAX 80
const char *nearest_text(
    const char *best, const char *prefix, char out[static NEAREST_TEXT_MAX]);

#endif
