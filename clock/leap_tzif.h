/*
 * The leap seconds of a time zone file (TZif, RFC 9636 section 3), such as
 * right/UTC of tzdata. Only the leap second records are read. Pure.
 */
#ifndef CLOCK_LEAP_TZIF_H
#define CLOCK_LEAP_TZIF_H

#include "clock/leap_table.h"

#include <stddef.h>

/* A larger file is no time zone. */
#define LEAP_TZIF_MAX 65536

/* Learns from a whole file what is true at `now_s`. False: it is no TZif file,
 * or has no leap seconds; `t` is not written. */
bool leap_tzif_read(struct leap_table *t, const unsigned char *bytes,
    size_t len, int64_t now_s) MUST_USE;

#endif
