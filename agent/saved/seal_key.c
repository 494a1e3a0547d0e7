#include "agent/saved/seal_key.h"

#include "agent/saved/folder.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "NTSASKEY"
#define MAGIC_LEN 8
#define FILE_LEN (MAGIC_LEN + SEAL_KEY_LEN)

void seal_key_path(const struct config *config, char out[FILE_PATH_MAX])
{
	const char *const paths[] = {
	    config->saved_keys, config->driftfile, config->goodtime_file};
	const char *slash;
	int folder, n;
	size_t i = 0;

	while (i < ARRAY_LEN(paths) && !paths[i][0])
		i++;
	out[0] = '\0';
	if (i == ARRAY_LEN(paths))
		return;
	slash = strrchr(paths[i], '/');
	folder = slash ? (int)(slash - paths[i]) + 1 : 0;
	n = snprintf(
	    out, FILE_PATH_MAX, "%.*s%s", folder, paths[i], SEAL_KEY_FILE);
	if (n >= FILE_PATH_MAX)
		out[0] = '\0';
}

/* 0, or -errno; -EINVAL: it is not a key that only this user knows. */
static int load(const char *path, struct seal_key *out)
{
	uint8_t bytes[FILE_LEN];
	size_t len;
	int err = saved_file_read(path, bytes, sizeof(bytes), &len);

	if (!err &&
	    (len != sizeof(bytes) || memcmp(bytes, MAGIC, MAGIC_LEN) != 0))
		err = -EINVAL;
	if (!err) {
		memcpy(out->bytes, bytes + MAGIC_LEN, SEAL_KEY_LEN);
		out->there = 1;
	}
	explicit_bzero(bytes, sizeof(bytes));
	return err;
}

static int write_key(int fd, const struct seal_key *key)
{
	uint8_t bytes[FILE_LEN] = MAGIC;
	ssize_t n;

	memcpy(bytes + MAGIC_LEN, key->bytes, SEAL_KEY_LEN);
	n = write(fd, bytes, sizeof(bytes));
	explicit_bzero(bytes, sizeof(bytes));
	if (n != FILE_LEN)
		return n < 0 ? -errno : -ENOSPC;
	return fchmod(fd, 0600) == 0 && fsync(fd) == 0 ? 0 : -errno;
}

/* A crash leaves the whole file, or one that load() refuses. The folder may
 * belong to the agent's user: nothing that stands there is written to. */
static int make_new(const char *path, struct seal_key *out)
{
	int fd, err;

	if (getrandom(out->bytes, SEAL_KEY_LEN, 0) != SEAL_KEY_LEN)
		return -errno;
	if (unlink(path) != 0 && errno != ENOENT)
		return -errno;
	fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = write_key(fd, out);
	if (close(fd) != 0 && !err)
		err = -errno;
	if (err)
		unlink(path);
	out->there = err == 0;
	return err;
}

/* `unfit`: something else stands there. */
static void renew(const char *path, bool unfit, struct seal_key *out,
    char why[SAVED_FOLDER_WHY_MAX])
{
	int err = make_new(path, out);

	if (!err && unfit)
		log_warning("%s is not a key that only this user may read: a "
			    "new one takes its place, and what was saved is "
			    "not used",
		    path);
	if (!err)
		return;
	if (unfit)
		snprintf(why, SAVED_FOLDER_WHY_MAX,
		    "%.256s is not a key that only this user may read, and no "
		    "new one can take its place (%s); remove it",
		    path, saved_error(err));
	else
		snprintf(why, SAVED_FOLDER_WHY_MAX,
		    "cannot make the key %.256s: %s", path, saved_error(err));
	explicit_bzero(out, sizeof(*out));
}

void seal_key_take(const char *path, bool make, struct seal_key *out,
    char why[SAVED_FOLDER_WHY_MAX])
{
	int err;

	*out = (struct seal_key){.there = 0};
	if (!path[0])
		return;
	err = load(path, out);
	if (make && (err == -EINVAL || err == -ENOENT))
		renew(path, err == -EINVAL, out, why);
	else if (make && err)
		snprintf(why, SAVED_FOLDER_WHY_MAX,
		    "cannot read the key %.256s: %s", path, saved_error(err));
}
