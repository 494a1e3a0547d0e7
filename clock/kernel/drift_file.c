#include "clock/kernel/drift_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX 128 /* one line; a longer file is no drift file */
#define FREQ_MAX_PPM 100000.0
/* The last digit in the file: a smaller deviation would read as 0. */
#define SD_MIN_PPM 1e-6
#define SD_MAX_PPM 100000.0
/* In 2262: int64 nanoseconds reach no further. */
#define SECONDS_MAX INT64_C(9223372036)

/* Refuses links and pipes: the folder belongs to the agent's user, and the
 * reader may be root. */
static int open_plain(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ELOOP ? -EINVAL : -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EINVAL;
}

static int read_text(const char *path, char text[TEXT_MAX])
{
	int fd = open_plain(path);
	ssize_t n;
	int err;

	if (fd < 0)
		return fd;
	n = read(fd, text, TEXT_MAX);
	err = n < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	if (n == TEXT_MAX || memchr(text, '\0', (size_t)n))
		return -EINVAL;
	text[n] = '\0';
	return 0;
}

static bool ends_here(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);
	ssize_t n = write(fd, text, len);

	if (n < 0)
		return -errno;
	if ((size_t)n != len)
		return -ENOSPC;
	/* The data must be on disk before the name points to it: otherwise a
	 * power cut could leave an empty file under the name. */
	if (fchmod(fd, 0644) != 0 || fsync(fd) != 0)
		return -errno;
	return 0;
}

static int replace_text(const char *path, const char *text)
{
	char fresh[PATH_MAX];
	int n = snprintf(fresh, sizeof(fresh), "%s.new", path);
	int fd, err;

	if (n < 0 || (size_t)n >= sizeof(fresh))
		return -ENAMETOOLONG;
	unlink(fresh); /* a crash may have left it */
	fd = open(
	    fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	err = write_all(fd, text);
	if (close(fd) != 0 && !err)
		err = -errno;
	if (!err && rename(fresh, path) != 0)
		err = -errno;
	if (err)
		unlink(fresh);
	return err;
}

static bool drift_sane(double freq_ppm, double sd_ppm)
{
	return isfinite(freq_ppm) && isfinite(sd_ppm) &&
	       fabs(freq_ppm) <= FREQ_MAX_PPM && sd_ppm >= 0 &&
	       sd_ppm <= SD_MAX_PPM;
}

int drift_file_load(const char *path, double *freq_ppm, double *sd_ppm)
{
	char text[TEXT_MAX], *next, *end;
	double drift, sd;
	int err = read_text(path, text);

	if (err)
		return err;
	/* strtod() also takes "nan", "inf" and hexadecimal numbers. */
	if (text[strspn(text, "0123456789.+-eE \t\r\n")] != '\0')
		return -EINVAL;
	drift = strtod(text, &next);
	sd = strtod(next, &end);
	if (next == text || end == next || !ends_here(end) ||
	    !drift_sane(drift, sd))
		return -EINVAL;
	*freq_ppm = -drift;
	*sd_ppm = fmax(sd, SD_MIN_PPM);
	return 0;
}

int drift_file_save(const char *path, double freq_ppm, double sd_ppm)
{
	char text[TEXT_MAX];

	if (!drift_sane(freq_ppm, sd_ppm))
		return -EINVAL;
	/* 0 - x instead of -x: never "-0.000000". */
	snprintf(text, sizeof(text), "%20.6f %20.6f\n", 0.0 - freq_ppm, sd_ppm);
	return replace_text(path, text);
}

int last_good_time_load(const char *path, int64_t *seconds)
{
	char text[TEXT_MAX], *end;
	long long got;
	int err = read_text(path, text);

	if (err)
		return err;
	errno = 0;
	got = strtoll(text, &end, 10);
	if (end == text || errno || !ends_here(end) || got <= 0 ||
	    got > SECONDS_MAX)
		return -EINVAL;
	*seconds = got;
	return 0;
}

int last_good_time_save(const char *path, int64_t seconds)
{
	char text[TEXT_MAX];

	if (seconds <= 0 || seconds > SECONDS_MAX)
		return -EINVAL;
	snprintf(text, sizeof(text), "%lld\n", (long long)seconds);
	return replace_text(path, text);
}
