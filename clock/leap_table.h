/*
 * The table of leap seconds in the format of NIST and IERS, as tzdata installs
 * it (leap-seconds.list): lines with the seconds since 1900 and TAI - UTC from
 * then on, and a line "#@" with the time at which the table expires. Pure.
 */
#ifndef CLOCK_LEAP_TABLE_H
#define CLOCK_LEAP_TABLE_H

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>

/* Zeroed before the first line. Times are seconds since 1970. */
struct leap_table {
	bool known;	   /* the table says what TAI - UTC was at the time */
	int tai_s;	   /* TAI - UTC, s */
	int64_t since_s;   /* from then on */
	int64_t expires_s; /* 0: the table does not say */
};

/* Takes one line of the table, in any order, to learn what is true at `now_s`.
 * False: the line is neither an entry nor a comment. */
bool leap_table_line(
    struct leap_table *t, const char *line, int64_t now_s) MUST_USE;

#endif
