/*
 * The file with the leap seconds: a table as tzdata installs it, or a time zone
 * that has them. What is found is a sentence for the log and --check-config.
 */
#ifndef CLOCK_KERNEL_LEAP_FILE_H
#define CLOCK_KERNEL_LEAP_FILE_H

#include "clock/leap_table.h"

/* Room for the sentence, which names the file. */
#define LEAP_FILE_TEXT_MAX 640

enum leap_file {
	LEAP_FILE_UNREADABLE,
	LEAP_FILE_OTHER, /* it is readable, but something else */
	LEAP_FILE_EXPIRED,
	LEAP_FILE_GOOD
};

/* Reads what is true at `now_s`, seconds since 1970. From LEAP_FILE_EXPIRED on
 * `out` is known. */
enum leap_file leap_file_read(const char *path, bool is_zone, int64_t now_s,
    struct leap_table *out, char text[LEAP_FILE_TEXT_MAX]) MUST_USE;

#endif
