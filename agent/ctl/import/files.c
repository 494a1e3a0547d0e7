#include "agent/ctl/import/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reading. */

static char *read_all(FILE *f, size_t *len)
{
	char *text = malloc(FILES_SIZE_MAX + 1);

	if (!text)
		return NULL;
	errno = 0;
	*len = fread(text, 1, FILES_SIZE_MAX + 1, f);
	if (!ferror(f) && *len <= FILES_SIZE_MAX) {
		text[*len] = '\0';
		return text;
	}
	free(text);
	if (!ferror(f))
		errno = EFBIG;
	return NULL;
}

static char *read_and_close(FILE *f, size_t *len)
{
	char *text = read_all(f, len);
	int err = errno;

	fclose(f);
	errno = err;
	return text;
}

char *files_read(const char *path, size_t *len)
{
	FILE *f;

	if (strcmp(path, "-") == 0)
		return read_all(stdin, len);
	f = fopen(path, "re");
	return f ? read_and_close(f, len) : NULL;
}

/* A file of another program names this one. To open a FIFO may wait, and to
 * open a device may do things, such as to arm a watchdog: look at what it is
 * first. /proc opens what was looked at, even if the name leads elsewhere by
 * now. */
char *files_read_named(const char *path, size_t *len)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	char same[32];
	struct stat st;
	FILE *f = NULL;

	if (fd < 0)
		return NULL;
	snprintf(same, sizeof(same), "/proc/self/fd/%d", fd);
	errno = ENOTSUP;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		f = fopen(same, "re");
	close(fd);
	return f ? read_and_close(f, len) : NULL;
}

/* Reads one of several files; one that cannot be read is reported. */
static bool read_one(struct import *i, const char *path)
{
	size_t len;
	char *text;

	if (i->files_read == IMPORT_FILES_MAX)
		draft_unread(i->draft,
		    "more than %d files: do they include "
		    "each other?",
		    IMPORT_FILES_MAX);
	/* Each of them may name all of them again. */
	if (i->files_read++ >= IMPORT_FILES_MAX)
		return false;
	text = files_read_named(path, &len);
	if (!text) {
		draft_unread(
		    i->draft, "cannot read %s: %s", path, strerror(errno));
		return false;
	}
	import_text(i, path, text, len);
	free(text);
	return true;
}

static int read_pattern(void *self, struct import *i, const char *pattern)
{
	int count = 0;
	glob_t found;

	(void)self;
	if (glob(pattern, 0, NULL, &found) != 0)
		return -1;
	for (size_t k = 0; k < found.gl_pathc; k++)
		count += read_one(i, found.gl_pathv[k]);
	globfree(&found);
	return count;
}

static int read_folder(
    void *self, struct import *i, const char *folder, const char *suffix)
{
	struct dirent **entries;
	int count = 0, n = scandir(folder, &entries, NULL, alphasort);

	(void)self;
	for (int k = 0; k < n; k++) {
		const char *name = entries[k]->d_name;
		size_t len = strlen(name), tail = strlen(suffix);
		char path[PATH_MAX];

		if (name[0] != '.' && len > tail &&
		    strcmp(name + len - tail, suffix) == 0 &&
		    snprintf(path, sizeof(path), "%s/%s", folder, name) <
			(int)sizeof(path))
			count += read_one(i, path);
		free(entries[k]);
	}
	if (n >= 0)
		free(entries);
	return n < 0 ? -1 : count;
}

const struct import_files files_of_disk = {
    .pattern = read_pattern,
    .folder = read_folder,
};

/* Writing. */

static bool write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	/* The data must be on disk before the name leads to it. */
	return fchmod(fd, 0644) == 0 && fsync(fd) == 0;
}

/* rename(2) would put the file in the place of /dev/null. */
static bool replace(const char *fresh, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : ENOTSUP;
		return false;
	}
	return rename(fresh, path) == 0;
}

/* link(2) never replaces a file, not even one that appears at this moment. */
static bool give_name(const char *fresh, const char *path, bool force)
{
	if (force)
		return replace(fresh, path);
	if (link(fresh, path) != 0)
		return false;
	unlink(fresh);
	return true;
}

bool files_write(const char *path, const char *text, size_t len, bool force,
    char why[static FILES_ERROR_MAX])
{
	char fresh[PATH_MAX];
	bool good;
	int fd;

	if (snprintf(fresh, sizeof(fresh), "%s.XXXXXX", path) >=
	    (int)sizeof(fresh)) {
		snprintf(why, FILES_ERROR_MAX, "the path is too long");
		return false;
	}
	fd = mkostemp(fresh, O_CLOEXEC);
	if (fd < 0) {
		snprintf(why, FILES_ERROR_MAX,
		    "cannot create a file next to "
		    "%.200s: %s",
		    path, strerror(errno));
		return false;
	}
	good = write_all(fd, text, len);
	if (close(fd) != 0)
		good = false;
	good = good && give_name(fresh, path, force);
	if (good)
		return true;
	if (errno == EEXIST)
		snprintf(why, FILES_ERROR_MAX,
		    "%.200s exists; --force replaces it", path);
	else
		snprintf(why, FILES_ERROR_MAX, "cannot write %.200s: %s", path,
		    strerror(errno));
	unlink(fresh);
	return false;
}
