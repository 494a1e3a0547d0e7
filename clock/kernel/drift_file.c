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

/* One line; a longer one is no drift. */
#define TEXT_MAX 128
/* The line, and the line of a seal. */
#define CONTENT_MAX (TEXT_MAX + FILE_SEAL_MAX + 8)
#define SEAL_WORD "seal "
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

/* Cuts the line of the seal off the text. NULL: there is none. */
static char *cut_seal(char *text)
{
	char *newline = strchr(text, '\n');
	char *seal = newline ? newline + 1 : text;

	if (strncmp(seal, SEAL_WORD, strlen(SEAL_WORD)) != 0)
		return NULL;
	*seal = '\0';
	seal += strlen(SEAL_WORD);
	seal[strcspn(seal, "\n")] = '\0';
	return seal;
}

/* Splits `content` into the text and its seal, and judges both. */
static int take_text(char *content, const struct file_seal *seal, uid_t owner,
    char text[TEXT_MAX])
{
	const char *line = cut_seal(content);
	size_t len = strlen(content);

	if (len >= TEXT_MAX)
		return -EINVAL;
	memcpy(text, content, len + 1);
	return seal ? seal->check(seal->self, text, line, owner) : 0;
}

static int read_text(
    const char *path, const struct file_seal *seal, char text[TEXT_MAX])
{
	char content[CONTENT_MAX];
	int fd = open_plain(path);
	struct stat st;
	ssize_t n;
	int err;

	if (fd < 0)
		return fd;
	n = fstat(fd, &st) == 0 ? read(fd, content, sizeof(content)) : -1;
	err = n < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	if (n == CONTENT_MAX || memchr(content, '\0', (size_t)n))
		return -EINVAL;
	content[n] = '\0';
	return take_text(content, seal, st.st_uid, text);
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

static void add_seal(
    const struct file_seal *seal, const char *text, char content[CONTENT_MAX])
{
	char line[FILE_SEAL_MAX];
	bool sealed = seal && seal->make(seal->self, text, line);

	snprintf(content, CONTENT_MAX, "%s%s%s%s", text,
	    sealed ? SEAL_WORD : "", sealed ? line : "", sealed ? "\n" : "");
}

static int replace_text(
    const char *path, const struct file_seal *seal, const char *text)
{
	char fresh[PATH_MAX], content[CONTENT_MAX];
	int n = snprintf(fresh, sizeof(fresh), "%s.new", path);
	int fd, err;

	if (n < 0 || (size_t)n >= sizeof(fresh))
		return -ENAMETOOLONG;
	add_seal(seal, text, content);
	unlink(fresh); /* a crash may have left it */
	fd = open(
	    fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	err = write_all(fd, content);
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

int drift_file_load(const char *path, const struct file_seal *seal,
    double *freq_ppm, double *sd_ppm)
{
	char text[TEXT_MAX], *next, *end;
	double drift, sd;
	int err = read_text(path, seal, text);

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

int drift_file_save(const char *path, const struct file_seal *seal,
    double freq_ppm, double sd_ppm)
{
	char text[TEXT_MAX];

	if (!drift_sane(freq_ppm, sd_ppm))
		return -EINVAL;
	/* 0 - x instead of -x: never "-0.000000". */
	snprintf(text, sizeof(text), "%20.6f %20.6f\n", 0.0 - freq_ppm, sd_ppm);
	return replace_text(path, seal, text);
}

int last_good_time_load(
    const char *path, const struct file_seal *seal, int64_t *seconds)
{
	char text[TEXT_MAX], *end;
	long long got;
	int err = read_text(path, seal, text);

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

int last_good_time_save(
    const char *path, const struct file_seal *seal, int64_t seconds)
{
	char text[TEXT_MAX];

	if (seconds <= 0 || seconds > SECONDS_MAX)
		return -EINVAL;
	snprintf(text, sizeof(text), "%lld\n", (long long)seconds);
	return replace_text(path, seal, text);
}
