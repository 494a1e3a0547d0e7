/*
 * The drift file, in chrony's format (one line: frequency ppm, skew ppm), so
 * that an administrator can keep the one he has. And the last-good-time file:
 * one line, seconds since 1970. Both are written atomically (0644), and a
 * symbolic link or anything else that is not a plain file is never followed.
 */
#ifndef CLOCK_KERNEL_DRIFT_FILE_H
#define CLOCK_KERNEL_DRIFT_FILE_H

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>

/* The sign is chrony's: the value is how fast the clock runs when left alone,
 * in ppm: the opposite of the correction in clock/command.h. The functions
 * convert: freq_ppm here is the correction. Returns 0, -errno, or -EINVAL for
 * a file that holds something else. */
int drift_file_load(
    const char *path, double *freq_ppm, double *sd_ppm) MUST_USE;
int drift_file_save(const char *path, double freq_ppm, double sd_ppm) MUST_USE;

int goodtime_load(const char *path, int64_t *seconds) MUST_USE;
int goodtime_save(const char *path, int64_t seconds) MUST_USE;

#endif
