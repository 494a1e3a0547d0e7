#include "agent/saved/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TRIES 20
#define LOCK_WAIT_NS 100000000

static bool fail(struct saved_folder *f, const char *what, int error,
    char why[SAVED_FOLDER_WHY_MAX])
{
	snprintf(why, SAVED_FOLDER_WHY_MAX, "cannot %s %.256s: %s", what,
	    f->path, strerror(error));
	saved_folder_close(f);
	return false;
}

static void say_owner(const struct saved_folder *f, const struct stat *st,
    char why[SAVED_FOLDER_WHY_MAX])
{
	const long me = (long)geteuid();

	snprintf(why, SAVED_FOLDER_WHY_MAX,
	    "%.160s belongs to uid %ld and not to the agent's user, uid %ld; "
	    "fix it with: chown -R %ld %.160s",
	    f->path, (long)st->st_uid, me, me, f->path);
}

/* Refuses a folder of another user, and one that others may read. Does not
 * change its owner or mode: the path may be the wrong one. */
static bool check_private(
    struct saved_folder *f, char why[SAVED_FOLDER_WHY_MAX])
{
	struct stat st;

	if (fstat(f->fd, &st) != 0)
		return fail(f, "inspect", errno, why);
	if (st.st_uid == geteuid() && (st.st_mode & 077) == 0)
		return true;
	if (st.st_uid != geteuid())
		say_owner(f, &st, why);
	else
		snprintf(why, SAVED_FOLDER_WHY_MAX,
		    "%.160s has the mode %04o, which lets other users in; fix "
		    "it with: chmod 0700 %.160s",
		    f->path, (unsigned)st.st_mode & 07777, f->path);
	saved_folder_close(f);
	return false;
}

/* A private folder of another user cannot even be opened. */
static bool fail_to_open(struct saved_folder *f, char why[SAVED_FOLDER_WHY_MAX])
{
	int error = errno;
	struct stat st;

	if (error == EACCES && lstat(f->path, &st) == 0 &&
	    st.st_uid != geteuid())
		say_owner(f, &st, why);
	else
		fail(f, "open", error, why);
	/* A folder above it may be closed: that check has the command. */
	if (error == EACCES && !strstr(why, "fix it with"))
		strncat(why, "; see: sudo ntsagentd --check-config",
		    SAVED_FOLDER_WHY_MAX - 1 - strlen(why));
	return false;
}

/* Two agents with the same folder would use its cookies twice. */
static bool lock(struct saved_folder *f, char why[SAVED_FOLDER_WHY_MAX])
{
	const struct timespec wait = {.tv_nsec = LOCK_WAIT_NS};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(f->fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fail(f, "lock", errno, why);
		nanosleep(&wait, NULL);
	}
	snprintf(why, SAVED_FOLDER_WHY_MAX,
	    "%.256s is in use by another ntsagentd", f->path);
	saved_folder_close(f);
	return false;
}

bool saved_folder_open(
    struct saved_folder *f, const char *path, char why[SAVED_FOLDER_WHY_MAX])
{
	f->path = path;
	f->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (f->fd < 0)
		return fail_to_open(f, why);
	return check_private(f, why) && lock(f, why);
}

void saved_folder_close(struct saved_folder *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

const char *saved_error(int err)
{
	switch (err) {
	case -ENOSPC:
	case -EDQUOT:
		return "there is no space left; free some on that disk";
	case -EROFS:
		return "the file system is read-only; mount it writable, set "
		       "ReadWritePaths= in the unit, or configure another path";
	case -EACCES: /* Landlock knows the folder by its inode. */
		return "Permission denied; see: sudo ntsagentd --check-config; "
		       "if that finds no error, the folder was made again: "
		       "restart the agent; or AppArmor or SELinux forbids it: "
		       "sudo journalctl -g denied";
	default:
		return strerror(-err);
	}
}

const char *saved_folder_error(int err)
{
	if (err == -ENOENT)
		return "the folder was removed; restart the agent, which makes "
		       "a new one";
	return saved_error(err);
}

/* `name` with `suffix`. False: too long. */
static bool variant(
    const char *name, const char *suffix, char out[NAME_MAX + 1])
{
	int n = snprintf(out, NAME_MAX + 1, "%s%s", name, suffix);

	return n > 0 && n <= NAME_MAX;
}

/* One name: a hard link could be to a file whose contents somebody knows. */
static bool is_private(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_uid == geteuid() && (st.st_mode & 077) == 0 &&
	       st.st_nlink == 1;
}

/* Reads a file of at most `size` bytes. */
static int read_whole(int fd, uint8_t *bytes, size_t size, size_t *len)
{
	ssize_t n = 1;
	uint8_t more;

	for (*len = 0; *len < size && n > 0; *len += (size_t)(n > 0 ? n : 0)) {
		n = read(fd, bytes + *len, size - *len);
		if (n < 0)
			return -errno;
	}
	if (n == 0)
		return 0;
	n = read(fd, &more, 1);
	return n < 0 ? -errno : n > 0 ? -EINVAL : 0;
}

/* ELOOP: a link. ENXIO: a socket. */
static int read_private(
    int folder, const char *name, void *bytes, size_t size, size_t *len)
{
	int fd = openat(folder, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int err;

	*len = 0;
	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? -EINVAL : -errno;
	err = is_private(fd) ? read_whole(fd, bytes, size, len) : -EINVAL;
	close(fd);
	return err;
}

int saved_folder_read(const struct saved_folder *f, const char *name,
    void *bytes, size_t size, size_t *len)
{
	return read_private(f->fd, name, bytes, size, len);
}

int saved_file_read(const char *path, void *bytes, size_t size, size_t *len)
{
	return read_private(AT_FDCWD, path, bytes, size, len);
}

static int write_whole(int fd, const uint8_t *bytes, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, bytes + done, len - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += (size_t)(n > 0 ? n : 0);
	}
	/* Before the rename: a power cut could else leave an empty file under
	 * the good name. */
	return fsync(fd) == 0 ? 0 : -errno;
}

static int write_fresh(const struct saved_folder *f, const char *fresh,
    const uint8_t *bytes, size_t len)
{
	int fd, err;

	/* A crash may have left one. */
	if (unlinkat(f->fd, fresh, 0) != 0 && errno != ENOENT)
		return -errno;
	fd = openat(f->fd, fresh,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = write_whole(fd, bytes, len);
	if (close(fd) != 0 && !err)
		err = -errno;
	return err;
}

/* A new name survives a power cut only after fsync of the folder. */
static int sync_names(const struct saved_folder *f)
{
	return fsync(f->fd) == 0 ? 0 : -errno;
}

int saved_folder_replace(const struct saved_folder *f, const char *name,
    const void *bytes, size_t len)
{
	char fresh[NAME_MAX + 1];
	int err;

	if (!variant(name, ".new", fresh))
		return -ENAMETOOLONG;
	err = write_fresh(f, fresh, bytes, len);
	if (!err && renameat(f->fd, fresh, f->fd, name) != 0)
		err = -errno;
	if (err) {
		unlinkat(f->fd, fresh, 0);
		return err;
	}
	return sync_names(f);
}

int saved_folder_remove(const struct saved_folder *f, const char *name)
{
	if (unlinkat(f->fd, name, 0) != 0)
		return errno == ENOENT ? 0 : -errno;
	return sync_names(f);
}

int saved_folder_set_aside(const struct saved_folder *f, const char *name)
{
	char aside[NAME_MAX + 1];

	if (!variant(name, ".bad", aside))
		return -ENAMETOOLONG;
	if (renameat(f->fd, name, f->fd, aside) != 0)
		return -errno;
	return sync_names(f);
}

void saved_folder_sweep(const struct saved_folder *f,
    bool (*unwanted)(const void *self, const char *name), const void *self)
{
	int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && unwanted(self, entry->d_name))
			unlinkat(f->fd, entry->d_name, 0);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}
