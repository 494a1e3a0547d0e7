/* Lengths of time and points in time on the command line. Pure. */
#ifndef AGENT_CTL_HISTORY_WHEN_H
#define AGENT_CTL_HISTORY_WHEN_H

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>

#define WHEN_TEXT_MAX 32

/* 90s, 10m, 6h, 30d, 2w; a number alone is seconds. Whole numbers, at most ten
 * years. */
bool when_parse_length(const char *text, int64_t *seconds) MUST_USE;

/*
 * Seconds since 1970: a length before `now_s`, or a time of UTC as 2026-11-28,
 * 2026-11-28 17:30 or 2026-11-28 17:30:05; "T" may stand for the space, and a
 * "Z" or "UTC" may follow.
 */
bool when_parse(const char *text, int64_t now_s, int64_t *seconds) MUST_USE;

/* 2026-11-28 17:30:05 */
void when_text(int64_t seconds, char out[static WHEN_TEXT_MAX]);

#endif
