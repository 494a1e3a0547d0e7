/*
 * The drift file, in chrony's format, so that an administrator can keep the
 * file of a chrony that ran before: one line with the frequency and the skew,
 * both in ppm. And the last-good-time file: one line, seconds since 1970. A
 * second line may hold a seal; chronyd does not read that far. Both
 * are replaced as a whole and have mode 0644. The functions never follow a
 * symbolic link and never open anything but a plain file.
 */
#ifndef CLOCK_KERNEL_DRIFT_FILE_H
#define CLOCK_KERNEL_DRIFT_FILE_H

#include "base/check.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Proves who wrote a file: a last line, after the text, that `make` makes of
 * the text, and `check` compares with it. */
#define FILE_SEAL_MAX 64
struct file_seal {
	const void *self;
	/* False: there is no seal; the file is written without. */
	bool (*make)(
	    const void *self, const char *text, char out[FILE_SEAL_MAX]);
	/* `seal`: NULL for a file without one. 0: the text may be used;
	 * otherwise the -errno that the load returns. */
	int (*check)(
	    const void *self, const char *text, const char *seal, uid_t owner);
};
#define SEAL_LINE_BROKEN (-EBADMSG)
#define SEAL_LINE_MISSING (-ENOMSG)

/*
 * Sign: the file says, as chrony's does, how fast the clock runs when nobody
 * corrects it. `freq_ppm` here is the correction of clock/command.h, so its
 * sign is the opposite; the functions convert. `sd_ppm`: standard deviation.
 * `seal` may be NULL: then a seal is neither written nor looked at.
 * All functions return 0 or -errno; -EINVAL for a file with other contents, and
 * for a value out of range. They leave the outputs alone on an error.
 */
int drift_file_load(const char *path, const struct file_seal *seal,
    double *freq_ppm, double *sd_ppm) MUST_USE;
int drift_file_save(const char *path, const struct file_seal *seal,
    double freq_ppm, double sd_ppm) MUST_USE;

int last_good_time_load(
    const char *path, const struct file_seal *seal, int64_t *seconds) MUST_USE;
int last_good_time_save(
    const char *path, const struct file_seal *seal, int64_t seconds) MUST_USE;

#endif
