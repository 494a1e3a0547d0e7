#include "agent/host/runtime_files.h"

#include "agent/host/rivals.h"
#include "agent/host/wait_limit.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG 16
/* An agent that is ending gets a second. */
#define LOCK_TRIES 20
#define LOCK_NAP_US 50000
#define ENDING_TRIES 10
#define ENDING_WAIT_NS 100000000
#define WORD_MAX_BYTES 32

static const struct cure {
	int error;
	bool shortage;
	const char *words;
} cures[] = {
    {ENOSPC, true, "; free some space and inodes there"},
    {EDQUOT, true, "; free some space there"},
    {EMFILE, true, "; allow more open files (ulimit -n, LimitNOFILE)"},
    {ENFILE, true, "; allow more open files (sysctl fs.file-max)"},
    {ENOMEM, true, "; free some memory"},
    {ENOBUFS, true, "; free some memory"},
    {EROFS, false,
	"; mount it writable, set ReadWritePaths= in the unit, or configure "
	"another path"},
    {ENOTDIR, false, "; a part of this path is a file: move it away"},
    {EACCES, false,
	"; let the agent's user write there, or configure another path"},
};

/* NULL: the error says enough. */
static const struct cure *cure_of(int error)
{
	for (size_t i = 0; i < ARRAY_LEN(cures); i++)
		if (cures[i].error == error)
			return &cures[i];
	return NULL;
}

const char *runtime_cure(int error)
{
	const struct cure *cure = cure_of(error);

	return cure ? cure->words : "";
}

bool runtime_is_shortage(int error)
{
	const struct cure *cure = cure_of(error);

	return cure && cure->shortage;
}

static bool fail(
    char why[RUNTIME_TEXT_MAX], const char *what, const char *path, int error)
{
	snprintf(why, RUNTIME_TEXT_MAX, "cannot %s %.256s: %s%s", what, path,
	    strerror(error), runtime_cure(error));
	errno = error;
	return false;
}

/* Gives a directory that this process has just made its mode and owner. By its
 * descriptor: the owner of its parent may have put another one, or a link, into
 * its place. 0, or an errno. */
static int settle_directory(
    const char *path, mode_t mode, const struct identity *owner)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int error = fd < 0 ? errno : 0;
	struct stat st;

	if (fd < 0)
		return error;
	if (fstat(fd, &st) != 0 || st.st_uid != geteuid())
		error = EPERM;
	else if (fchmod(fd, mode) != 0 ||
		 (owner->change && fchown(fd, owner->uid, owner->gid) != 0))
		error = errno;
	close(fd);
	return error;
}

bool runtime_make_directory(
    const char *path, const struct identity *owner, char why[RUNTIME_TEXT_MAX])
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	int error;

	if (!slash || slash == path || slash - path >= PATH_MAX)
		return true;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	if (mkdir(dir, 0755) != 0)
		return errno == EEXIST ||
		       fail(why, "make the directory", dir, errno);
	error = settle_directory(dir, 0755, owner);
	return error == 0 || fail(why, "set owner and mode of", dir, error);
}

bool runtime_make_private(
    const char *path, const struct identity *owner, char why[RUNTIME_TEXT_MAX])
{
	int error;

	if (!path[0])
		return true;
	if (!runtime_make_directory(path, owner, why))
		return false;
	if (mkdir(path, 0700) != 0)
		return errno == EEXIST ||
		       fail(why, "make the directory", path, errno);
	error = settle_directory(path, 0700, owner);
	return error == 0 || fail(why, "set the owner of", path, error);
}

/* The process that listens there; 0: none. -errno: not known. */
static pid_t listener_of(const struct sockaddr_un *address)
{
	struct ucred who = {.pid = 0};
	socklen_t len = sizeof(who);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	pid_t pid = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) ==
	    0) {
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
			pid = who.pid;
		else
			pid = -errno;
	} else if (errno != ECONNREFUSED && errno != ENOENT) {
		/* EAGAIN: the backlog of a listening process is full. */
		pid = -errno;
	}
	close(fd);
	return pid;
}

/* The processes of an agent that was killed, or told to end, take a while. */
static pid_t lasting_listener_of(const struct sockaddr_un *address)
{
	const struct timespec wait = {.tv_nsec = ENDING_WAIT_NS};
	pid_t pid = listener_of(address);

	for (int i = 0; i < ENDING_TRIES && pid > 0; i++) {
		nanosleep(&wait, NULL);
		pid = listener_of(address);
	}
	return pid;
}

/* Removes a socket that bind(2) has found. */
static bool clear_stale(const struct sockaddr_un *address, bool *running,
    char why[RUNTIME_TEXT_MAX])
{
	const char *path = address->sun_path;
	struct stat st;
	pid_t pid;

	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
		snprintf(why, RUNTIME_TEXT_MAX,
		    "%s is in the way of the agent's socket and not a socket: "
		    "move it away",
		    path);
		errno = EEXIST;
		return false;
	}
	pid = lasting_listener_of(address);
	if (pid > 0) {
		*running = true;
		snprintf(why, RUNTIME_TEXT_MAX,
		    "another ntsagentd is running (pid %ld, %s)", (long)pid,
		    path);
		errno = EADDRINUSE;
		return false;
	}
	if (pid < 0)
		return fail(why, "ask who listens on", path, (int)-pid);
	if (unlink(path) != 0 && errno != ENOENT)
		return fail(why, "replace", path, errno);
	return true;
}

static bool bind_with(
    int fd, const struct sockaddr_un *address, mode_t forbidden)
{
	/* With the umask, the socket never has another mode. */
	mode_t before = umask(forbidden);
	int result =
	    bind(fd, (const struct sockaddr *)address, sizeof(*address));

	umask(before); /* it leaves errno alone */
	return result == 0;
}

static bool bind_and_listen(int fd, const struct sockaddr_un *address,
    mode_t forbidden, bool *running, char why[RUNTIME_TEXT_MAX])
{
	const char *path = address->sun_path;
	bool bound = bind_with(fd, address, forbidden);

	if (!bound && errno == EADDRINUSE) {
		if (!clear_stale(address, running, why))
			return false;
		bound = bind_with(fd, address, forbidden);
	}
	if (!bound)
		return fail(why, "make the socket", path, errno);
	if (listen(fd, BACKLOG) != 0)
		return fail(why, "listen on", path, errno);
	return true;
}

static int listen_with(const char *path, mode_t forbidden, bool *running,
    char why[RUNTIME_TEXT_MAX])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	*running = false;
	if (strlen(path) >= sizeof(address.sun_path)) {
		fail(why, "make the socket", path, ENAMETOOLONG);
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		fail(why, "make the socket", path, errno);
		return -1;
	}
	wait_limit_no_descriptors(fd);
	if (bind_and_listen(fd, &address, forbidden, running, why))
		return fd;
	close(fd);
	return -1;
}

int runtime_listen(const char *path, bool *running, char why[RUNTIME_TEXT_MAX])
{
	return listen_with(path, 0111, running, why);
}

int runtime_listen_private(
    const char *path, bool *running, char why[RUNTIME_TEXT_MAX])
{
	return listen_with(path, 0177, running, why);
}

int runtime_make_shared(
    const char *path, size_t size, char why[RUNTIME_TEXT_MAX])
{
	int fd, err;

	if (unlink(path) != 0 && errno != ENOENT) {
		fail(why, "replace", path, errno);
		return -1;
	}
	fd = open(
	    path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0) {
		fail(why, "make the file", path, errno);
		return -1;
	}
	err =
	    fchmod(fd, 0644) != 0 ? errno : posix_fallocate(fd, 0, (off_t)size);
	if (err == 0)
		return fd;
	fail(why, "make the file", path, err);
	close(fd);
	unlink(path);
	return -1;
}

/* The first word of a small file; "" when it cannot be read. */
static void read_word(const char *path, char word[WORD_MAX_BYTES])
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, word, WORD_MAX_BYTES - 1);

	if (fd >= 0)
		close(fd);
	word[n > 0 ? n : 0] = '\0';
	word[strcspn(word, " \t\n")] = '\0';
}

static bool is_agent(long pid)
{
	char comm[RIVALS_COMM_MAX];

	if (pid == (long)getpid())
		return false;
	rivals_comm("/proc", pid, comm);
	return strcmp(comm, "ntsagentd") == 0 && rivals_runs("/proc", pid);
}

static int write_new(const char *path, const char *text)
{
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	size_t len = strlen(text);
	int err = 0;

	if (fd < 0)
		return errno;
	if (fchmod(fd, 0644) != 0 || write(fd, text, len) != (ssize_t)len)
		err = errno;
	close(fd);
	return err;
}

bool runtime_write_pid(
    const char *path, bool *running, char why[RUNTIME_TEXT_MAX])
{
	char word[WORD_MAX_BYTES], text[WORD_MAX_BYTES];
	long pid;
	int err;

	read_word(path, word);
	pid = strtol(word, NULL, 10);
	*running = is_agent(pid);
	if (*running) {
		snprintf(why, RUNTIME_TEXT_MAX,
		    "another ntsagentd is running (pid %ld, %.256s)", pid,
		    path);
		return false;
	}
	if (unlink(path) != 0 && errno != ENOENT)
		return fail(why, "replace the pid file", path, errno);
	snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	err = write_new(path, text);
	return err == 0 || fail(why, "write the pid file", path, err);
}

/* fcntl(2) tells the holder, and children do not inherit the lock; flock(2) has
 * neither property. */
static bool lock_file(
    int fd, const char *path, bool *running, char why[RUNTIME_TEXT_MAX])
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct flock holder = lock;

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (fcntl(fd, F_SETLK, &lock) == 0)
			return true;
		if (errno != EAGAIN && errno != EACCES)
			return fail(why, "lock", path, errno);
		usleep(LOCK_NAP_US);
	}
	*running = true;
	/* Without an answer, or if it is free by now, the pid stays 0. */
	(void)fcntl(fd, F_GETLK, &holder);
	snprintf(why, RUNTIME_TEXT_MAX,
	    "another ntsagentd steers this clock (pid %ld, %.256s)",
	    (long)holder.l_pid, path);
	return false;
}

/* The folder belongs to the agent's user, and we may be root: that user must
 * not become the owner of a file of root's by a hard link to it. */
static bool is_lock_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

bool runtime_lock(const char *path, const struct identity *owner, bool *running,
    char why[RUNTIME_TEXT_MAX])
{
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	*running = false;
	if (fd < 0)
		return fail(why, "open", path, errno);
	if (!is_lock_file(fd)) {
		close(fd);
		return fail(why, "use as a lock", path, EINVAL);
	}
	if (owner->change && fchown(fd, owner->uid, owner->gid) != 0) {
		close(fd);
		return fail(why, "set the owner of", path, errno);
	}
	/* The descriptor stays open: to close it would end the lock. */
	if (lock_file(fd, path, running, why))
		return true;
	close(fd);
	return false;
}
