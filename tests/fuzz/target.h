/* What every fuzz target needs. */
#ifndef TESTS_FUZZ_TARGET_H
#define TESTS_FUZZ_TARGET_H

#include "nts/bytes.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Checks in every build, with NDEBUG, too. */
#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "failed: %s\n", #condition);           \
			abort();                                               \
		}                                                              \
	} while (0)

/* Does the text end within its field? */
static inline bool ends_within(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* Has the text neither line feeds nor other bytes that control a terminal? */
static inline bool is_one_line(const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return true;
}

#endif
