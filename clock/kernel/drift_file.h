/*
 * The drift file, in chrony's format, so that an administrator can keep the
 * file of a chrony that ran before: one line with the frequency and the skew,
 * both in ppm. And the last-good-time file: one line, seconds since 1970. Both
 * are replaced as a whole and have mode 0644. The functions never follow a
 * symbolic link and never open anything but a plain file.
 */
#ifndef CLOCK_KERNEL_DRIFT_FILE_H
#define CLOCK_KERNEL_DRIFT_FILE_H

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Sign: the file says, as chrony's does, how fast the clock runs when nobody
 * corrects it. `freq_ppm` here is the correction of clock/command.h, so its
 * sign is the opposite; the functions convert. `sd_ppm`: standard deviation.
 * All functions return 0 or -errno; -EINVAL for a file with other contents, and
 * for a value out of range. They leave the outputs alone on an error.
 */
int drift_file_load(
    const char *path, double *freq_ppm, double *sd_ppm) MUST_USE;
int drift_file_save(const char *path, double freq_ppm, double sd_ppm) MUST_USE;

int last_good_time_load(const char *path, int64_t *seconds) MUST_USE;
int last_good_time_save(const char *path, int64_t seconds) MUST_USE;

#endif
