/*
 * One value of the configuration from its text. Pure. Each returns false for
 * anything that is not wholly a value of its kind: trailing text, overflow, a
 * unit that does not fit.
 */
#ifndef AGENT_CONFIG_VALUES_H
#define AGENT_CONFIG_VALUES_H

#include "base/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* yes no, true false, on off, 1 0 */
bool value_bool(const char *text, bool *out) MUST_USE;

/* Decimal, with a sign. */
bool value_integer(
    const char *text, int64_t min, int64_t max, int64_t *out) MUST_USE;

/* A number with a unit: ns us ms s m h d; none: seconds. */
bool value_duration(
    const char *text, int64_t min_ns, int64_t max_ns, int64_t *out) MUST_USE;

/* A number with a unit: ppm or ppb; none: ppm. */
bool value_ppm(const char *text, double min, double max, double *out) MUST_USE;

/* log2 seconds, or a duration that is a power of two (16s), or auto. */
bool value_poll(const char *text, int *out) MUST_USE;

/* Fits, is not empty, and has no control character. */
bool value_text(const char *text, char *out, size_t size) MUST_USE;

/* A host name or an IP address, by its letters: none that a shell, a log line
 * or a URL would take for something else. */
bool value_host(const char *text, char *out, size_t size) MUST_USE;

/* The next word of a list separated by blanks or commas: its length, and where
 * the rest begins. 0: no more. */
size_t value_word(const char **rest, char *out, size_t size);

#endif
