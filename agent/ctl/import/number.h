/* Numbers of other programs, and their form in our file. Pure. */
#ifndef AGENT_CTL_IMPORT_NUMBER_H
#define AGENT_CTL_IMPORT_NUMBER_H

#include "base/check.h"

#include <stdbool.h>

#define NUMBER_TEXT_MAX 48

/* The whole text is a finite number; "inf" is none. */
bool number_read(const char *text, double *out) MUST_USE;
/* A whole number within the limits. */
bool number_whole(const char *text, long min, long max, long *out) MUST_USE;

/* As a decimal fraction with at most nine places, "0.0001": no exponent. */
const char *number_text(double value, char out[NUMBER_TEXT_MAX]);

/* The value, or the nearer limit. */
double number_within(double value, double min, double max);

#endif
