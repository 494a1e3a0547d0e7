/* Directories, sockets and pid file. */
#include "agent/host/runtime_files.h"

#include "base/log.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/descriptors.h"

/* In place of sleeping, once a test has set `counted`. */
static struct {
	bool counted;
	unsigned times;
	int64_t ns;
} naps;

int nanosleep(const struct timespec *wait, struct timespec *left)
{
	if (!naps.counted)
		return (int)syscall(SYS_nanosleep, wait, left);
	naps.times++;
	naps.ns += wait->tv_sec * NS_PER_S + wait->tv_nsec;
	return 0;
}

int usleep(useconds_t us)
{
	const struct timespec wait = {
	    us / 1000000, (long)(us % 1000000) * 1000};

	return nanosleep(&wait, NULL);
}

static void count_naps(void)
{
	naps.counted = true;
	naps.times = 0;
	naps.ns = 0;
}

/* Ends the counting. */
static void naps_took(unsigned times, int64_t ns)
{
	naps.counted = false;
	assert_int_equal(naps.times, times);
	assert_int_equal(naps.ns, ns);
}

/* Calls that fail with EIO, once a test names them here. */
enum broken {
	NOTHING,
	FCHOWN,
	FCHMOD,
	UNLINK,
	LISTEN,
	PEER,	   /* getsockopt(2) of the listening process */
	LOCK,	   /* fcntl(2) that sets a lock */
	ASK_LOCK,  /* fcntl(2) that names the holder */
	VANISHING, /* no failure: the socket is removed before connect(2) */
};

static enum broken broken;

static long call(enum broken self, long result)
{
	if (broken != self)
		return result;
	errno = EIO;
	return -1;
}

/* What the owner of the folder does at once after mkdir(2). */
static const char *swapped_for;

static int mkdir_error; /* 0: none */
int mkdir(const char *path, mode_t mode)
{
	int made;

	if (mkdir_error) {
		errno = mkdir_error;
		return -1;
	}
	made = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);

	if (made == 0 && swapped_for)
		(void)!(rmdir(path) == 0 && symlink(swapped_for, path) == 0);
	return made;
}

int fchown(int fd, uid_t uid, gid_t gid)
{
	return (int)call(FCHOWN, syscall(SYS_fchown, fd, uid, gid));
}

int fchmod(int fd, mode_t mode)
{
	return (int)call(FCHMOD, syscall(SYS_fchmod, fd, mode));
}

int unlink(const char *path)
{
	if (broken == UNLINK)
		return (int)call(UNLINK, 0);
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int listen(int fd, int backlog)
{
	return (int)call(LISTEN, syscall(SYS_listen, fd, backlog));
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	return (int)call(
	    PEER, syscall(SYS_getsockopt, fd, level, name, value, len));
}

int connect(int fd, const struct sockaddr *to, socklen_t len)
{
	if (broken == VANISHING)
		unlink(((const struct sockaddr_un *)to)->sun_path);
	return (int)syscall(SYS_connect, fd, to, len);
}

int fcntl(int fd, int command, ...)
{
	va_list args;
	long value;

	va_start(args, command);
	value = va_arg(args, long);
	va_end(args);
	if ((broken == LOCK && command == F_SETLK) ||
	    (broken == ASK_LOCK && command == F_GETLK))
		return (int)call(broken, 0);
	return (int)syscall(SYS_fcntl, fd, command, value);
}

struct place {
	char dir[32], path[64];
	char why[RUNTIME_TEXT_MAX];
	bool running;
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	snprintf(p->dir, sizeof(p->dir), "%s", "places-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/it", p->dir);
	*state = p;
	return 0;
}

static int drop_place(void **state)
{
	struct place *p = *state;

	naps.counted = false;
	broken = NOTHING;
	unlink(p->path);
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void test_directory(void **state)
{
	struct identity me = {.uid = getuid(), .gid = getgid()};
	struct identity other = {.change = true, .uid = 65534, .gid = 65534};
	struct place *p = *state;
	mode_t old = umask(077);
	struct stat st;
	char file[96];

	snprintf(file, sizeof(file), "%s/file", p->path);
	assert_true(runtime_make_directory("", &me, p->why));
	assert_true(runtime_make_directory("file", &me, p->why));
	assert_true(runtime_make_directory("/file", &me, p->why));
	assert_true(runtime_make_directory(file, &me, p->why));
	assert_int_equal(mode_of(p->path), 0755);
	/* One that is there is not touched. */
	assert_int_equal(chmod(p->path, 0700), 0);
	assert_true(runtime_make_directory(file, &me, p->why));
	assert_int_equal(mode_of(p->path), 0700);
	assert_int_equal(rmdir(p->path), 0);
	if (getuid() == 0) {
		assert_true(runtime_make_directory(file, &other, p->why));
		assert_int_equal(stat(p->path, &st), 0);
		assert_int_equal(st.st_uid, 65534);
		assert_int_equal(st.st_gid, 65534);
		assert_int_equal(rmdir(p->path), 0);
	}
	umask(old);
	snprintf(file, sizeof(file), "%s/no/such/file", p->path);
	assert_false(runtime_make_directory(file, &me, p->why));
	assert_non_null(strstr(p->why, "no/such: No such file"));
}

/* Made for the owner alone, together with what it lies in. */
static void test_private_directory(void **state)
{
	struct identity me = {.uid = getuid(), .gid = getgid()};
	struct place *p = *state;
	mode_t old = umask(0);
	char inner[96];

	snprintf(inner, sizeof(inner), "%s/keys", p->path);
	assert_true(runtime_make_private("", &me, p->why));
	assert_true(runtime_make_private(inner, &me, p->why));
	umask(old);
	assert_int_equal(mode_of(p->path), 0755);
	assert_int_equal(mode_of(inner), 0700);
	/* One that is there is not touched. */
	assert_int_equal(chmod(inner, 0500), 0);
	assert_true(runtime_make_private(inner, &me, p->why));
	assert_int_equal(mode_of(inner), 0500);
	assert_false(runtime_make_private("no/such/place", &me, p->why));
	assert_non_null(strstr(p->why, "cannot make the directory no/such: "));
	mkdir_error = EROFS;
	assert_false(runtime_make_private("d/new", &me, p->why));
	assert_non_null(strstr(p->why,
	    "Read-only file system; mount it writable, set ReadWritePaths= in "
	    "the unit, or configure another path"));
	mkdir_error = EACCES;
	assert_false(runtime_make_private("d/new", &me, p->why));
	assert_non_null(strstr(p->why,
	    "Permission denied; let the agent's user write there, or configure "
	    "another path"));
	mkdir_error = ENOTDIR;
	assert_false(runtime_make_private("d/new", &me, p->why));
	assert_non_null(
	    strstr(p->why, "Not a directory; a part of this path is a file"));
	mkdir_error = ENOSPC;
	assert_false(runtime_make_private("d/new", &me, p->why));
	assert_non_null(strstr(p->why,
	    "No space left on device; free some space and inodes there"));
	assert_int_equal(errno, ENOSPC);
	assert_true(runtime_is_shortage(errno));
	assert_false(runtime_is_shortage(EROFS));
	assert_false(runtime_is_shortage(ENOTDIR));
	mkdir_error = 0;
	assert_int_equal(rmdir(inner), 0);
	assert_int_equal(rmdir(p->path), 0);
	put(p->path, "in the way");
	assert_false(runtime_make_private(inner, &me, p->why));
	assert_non_null(strstr(p->why, "keys: Not a directory"));
}

#define NOBODY 65534

static void belongs_to(const char *path, uid_t user)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_uid, user);
	assert_int_equal(st.st_gid, user);
}

/* Root gives what it makes to the agent's user, and what was there before stays
 * as it is: a folder of root's must not come to belong to that user. */
static void test_owners(void **state)
{
	struct identity other = {.change = true, .uid = NOBODY, .gid = NOBODY};
	struct identity keeps = {.change = false, .uid = NOBODY, .gid = NOBODY};
	struct place *p = *state;
	char inner[96];

	if (getuid() != 0)
		skip();
	snprintf(inner, sizeof(inner), "%s/keys", p->path);
	assert_true(runtime_make_private(inner, &other, p->why));
	belongs_to(p->path, NOBODY);
	belongs_to(inner, NOBODY);
	assert_int_equal(chown(p->path, 0, 0), 0);
	assert_int_equal(chown(inner, 0, 0), 0);
	assert_true(runtime_make_private(inner, &other, p->why));
	assert_true(runtime_make_directory(inner, &other, p->why));
	belongs_to(p->path, 0);
	belongs_to(inner, 0);
	assert_int_equal(rmdir(inner), 0);
	assert_int_equal(rmdir(p->path), 0);
	/* Without a change of user nothing is given away. */
	assert_true(runtime_make_private(inner, &keeps, p->why));
	belongs_to(p->path, 0);
	belongs_to(inner, 0);
	assert_int_equal(rmdir(inner), 0);
	assert_int_equal(rmdir(p->path), 0);
}

/* A lock file that an earlier start as root made has to be the agent's. */
static void test_owner_of_the_lock(void **state)
{
	struct identity other = {.change = true, .uid = NOBODY, .gid = NOBODY};
	struct identity keeps = {.change = false, .uid = NOBODY, .gid = NOBODY};
	struct place *p = *state;

	if (getuid() != 0)
		skip();
	put(p->path, "");
	assert_true(runtime_lock(p->path, &keeps, &p->running, p->why));
	belongs_to(p->path, 0);
	assert_true(runtime_lock(p->path, &other, &p->running, p->why));
	belongs_to(p->path, NOBODY);
}

/* Only Linux 6.16 and later can refuse them. */
static bool takes_descriptors(int fd)
{
	const int so_passrights = 83;
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, so_passrights, &value, &len) == 0 &&
	       value != 0;
}

static void test_listen(void **state)
{
	struct place *p = *state;
	char expected[64];
	int fd = runtime_listen(p->path, &p->running, p->why);

	assert_true(fd >= 0);
	assert_int_equal(mode_of(p->path), 0666);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_false(takes_descriptors(fd));
	/* A second agent learns of the first one, which gets a second to end.
	 */
	count_naps();
	assert_int_equal(runtime_listen(p->path, &p->running, p->why), -1);
	naps_took(10, NS_PER_S);
	assert_true(p->running);
	snprintf(
	    expected, sizeof(expected), "is running (pid %ld", (long)getpid());
	assert_non_null(strstr(p->why, expected));
	close(fd);
	/* The first has crashed and left its socket, which is no reason to
	 * wait. */
	count_naps();
	fd = runtime_listen(p->path, &p->running, p->why);
	naps_took(0, 0);
	assert_true(fd >= 0);
	assert_false(p->running);
	close(fd);
}

static void test_listen_private(void **state)
{
	struct place *p = *state;
	mode_t before = umask(027);
	int fd = runtime_listen_private(p->path, &p->running, p->why);

	/* The process has its umask again. */
	assert_int_equal(umask(before), 027);
	assert_true(fd >= 0);
	assert_int_equal(mode_of(p->path), 0600);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

/* A parent may have closed standard input. */
static void test_any_descriptor(void **state)
{
	const struct identity self = {false, geteuid(), getegid()};
	struct place *p = *state;
	int saved = input_free(), first, stale, refused;
	bool open[3], written, locked;

	first = runtime_listen(p->path, &p->running, p->why);
	close(first);
	stale = runtime_listen(p->path, &p->running, p->why);
	close(stale);
	unlink(p->path);
	refused = runtime_listen("no/such/place", &p->running, p->why);
	open[0] = input_is_open();
	put(p->path, "1\n");
	written = runtime_write_pid(p->path, &p->running, p->why);
	open[1] = input_is_open();
	unlink(p->path);
	locked = runtime_lock(p->path, &self, &p->running, p->why);
	open[2] = input_is_open();
	input_back(saved);
	assert_int_equal(first, STDIN_FILENO);
	assert_int_equal(stale, STDIN_FILENO);
	assert_int_equal(refused, -1);
	assert_true(written && locked);
	/* Only the lock stays open. */
	assert_false(open[0] || open[1]);
	assert_true(open[2]);
}

/* The longest name of a socket, and a folder that cannot be made because its
 * name is too long for the kernel. */
static void test_lengths(void **state)
{
	enum { MOST = sizeof(((struct sockaddr_un *)0)->sun_path) };
	struct identity me = {.uid = getuid(), .gid = getgid()};
	static char path[PATH_MAX + 8];
	struct place *p = *state;
	int fd;

	memset(path, '/', MOST);
	memcpy(path, p->dir, strlen(p->dir));
	path[MOST - 2] = 'x';
	path[MOST - 1] = '\0';
	fd = runtime_listen(path, &p->running, p->why);
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	path[MOST - 1] = 'x';
	path[MOST] = '\0';
	assert_int_equal(runtime_listen(path, &p->running, p->why), -1);
	assert_non_null(strstr(p->why, "too long"));
	memset(path, 'd', sizeof(path) - 1);
	path[PATH_MAX - 1] = '/';
	assert_false(runtime_make_directory(path, &me, p->why));
	assert_non_null(strstr(p->why, "cannot make the directory d"));
	path[PATH_MAX - 1] = 'd';
	path[PATH_MAX] = '/';
	assert_true(runtime_make_directory(path, &me, p->why));
}

/* Ends as soon as somebody has tried to connect. */
_Noreturn static void end_when_asked_for(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	_exit(poll(&p, 1, 10000) == 1 ? 0 : 1);
}

/* A process that was told to end still listens for a moment. */
static void test_listen_after_another(void **state)
{
	struct place *p = *state;
	int status, fd = runtime_listen(p->path, &p->running, p->why);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		end_when_asked_for(fd);
	close(fd);
	fd = runtime_listen(p->path, &p->running, p->why);
	assert_true(fd >= 0);
	assert_false(p->running);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(fd);
}

static void test_full_backlog(void **state)
{
	struct place *p = *state;
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = runtime_listen(p->path, &p->running, p->why);
	int clients[64];

	assert_true(fd >= 0);
	strcpy(to.sun_path, p->path);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(
		    clients[i], (const struct sockaddr *)&to, sizeof(to));
	}
	/* Nobody may answer soon, but somebody is there. */
	assert_int_equal(runtime_listen(p->path, &p->running, p->why), -1);
	assert_non_null(strstr(p->why, "cannot ask who listens on "));
	assert_false(p->running);
	assert_int_equal(access(p->path, F_OK), 0);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		close(clients[i]);
	close(fd);
}

static void test_listen_refuses(void **state)
{
	struct place *p = *state;
	char long_path[300];

	put(p->path, "precious");
	assert_int_equal(runtime_listen(p->path, &p->running, p->why), -1);
	assert_false(p->running);
	assert_non_null(strstr(p->why, "not a socket: move it away"));
	assert_int_equal(access(p->path, F_OK), 0);
	unlink(p->path);
	assert_int_equal(symlink("/dev/null", p->path), 0);
	assert_int_equal(runtime_listen(p->path, &p->running, p->why), -1);
	assert_non_null(strstr(p->why, "not a socket: move it away"));
	memset(long_path, 'a', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(runtime_listen(long_path, &p->running, p->why), -1);
	assert_non_null(strstr(p->why, "too long"));
	assert_int_equal(
	    runtime_listen("no/such/place", &p->running, p->why), -1);
	assert_non_null(strstr(p->why, "No such file"));
}

static void test_no_descriptors(void **state)
{
	const struct identity self = {false, geteuid(), getegid()};
	struct rlimit before;
	struct place *p = *state;
	char why[3][RUNTIME_TEXT_MAX];

	before = descriptors_forbid();
	assert_int_equal(runtime_listen(p->path, &p->running, why[0]), -1);
	assert_false(runtime_write_pid(p->path, &p->running, why[1]));
	assert_false(runtime_lock(p->path, &self, &p->running, why[2]));
	descriptors_allow(before);
	for (size_t i = 0; i < ARRAY_LEN(why); i++) {
		assert_non_null(strstr(why[i], p->path));
		assert_non_null(strstr(why[i], "Too many open files"));
	}
}

static void test_pid_file(void **state)
{
	struct place *p = *state;
	int before, after;
	char text[32];
	FILE *f;

	/* A stale one, of a process that is no agent. */
	put(p->path, "1\n");
	assert_true(runtime_write_pid(p->path, &p->running, p->why));
	assert_false(p->running);
	assert_int_equal(mode_of(p->path), 0644);
	f = fopen(p->path, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	assert_int_equal(atol(text), getpid());
	/* Neither the old nor the new file stays open. */
	before = dup(STDIN_FILENO);
	close(before);
	assert_true(runtime_write_pid(p->path, &p->running, p->why));
	after = dup(STDIN_FILENO);
	close(after);
	assert_int_equal(after, before);
	/* A link is replaced, what it points to stays. */
	unlink(p->path);
	assert_int_equal(symlink("/dev/null", p->path), 0);
	assert_true(runtime_write_pid(p->path, &p->running, p->why));
	assert_int_equal(mode_of(p->path), 0644);
	assert_false(runtime_write_pid("no/such/place", &p->running, p->why));
	assert_non_null(strstr(p->why, "No such file"));
}

static void test_pid_of_nobody(void **state)
{
	static const char *const words[] = {"", "0\n", "-1\n", "x\n", "\n7"};
	struct place *p = *state;
	char own[32], name[16];

	assert_int_equal(prctl(PR_GET_NAME, name), 0);
	prctl(PR_SET_NAME, "ntsagentd");
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		put(p->path, words[i]);
		assert_true(runtime_write_pid(p->path, &p->running, p->why));
		assert_false(p->running);
	}
	/* This process: an earlier one in a container had its number. */
	snprintf(own, sizeof(own), "%ld\n", (long)getpid());
	put(p->path, own);
	assert_true(runtime_write_pid(p->path, &p->running, p->why));
	assert_false(p->running);
	prctl(PR_SET_NAME, name);
}

/* The file names an agent that runs; it stays as it is. */
static void test_pid_of_another(void **state)
{
	struct place *p = *state;
	char text[32];
	int ready[2];
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, "ntsagentd");
		(void)!write(ready[1], "", 1);
		pause();
	}
	assert_int_equal(read(ready[0], text, 1), 1);
	snprintf(text, sizeof(text), "%ld\n", (long)pid);
	put(p->path, text);
	assert_false(runtime_write_pid(p->path, &p->running, p->why));
	assert_true(p->running);
	assert_non_null(strstr(p->why, "another ntsagentd is running (pid "));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(runtime_write_pid(p->path, &p->running, p->why));
	assert_false(p->running);
	close(ready[0]);
	close(ready[1]);
}

/* Held by another process, and free again after its end. */
static void test_lock(void **state)
{
	struct place *p = *state;
	const struct identity self = {false, geteuid(), getegid()};
	char expected[32];
	int go[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		if (!runtime_lock(p->path, &self, &p->running, p->why) ||
		    write(go[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	assert_int_equal(read(go[0], &byte, 1), 1);
	count_naps();
	broken = ASK_LOCK;
	assert_false(runtime_lock(p->path, &self, &p->running, p->why));
	broken = NOTHING;
	assert_true(p->running);
	assert_non_null(strstr(p->why, "(pid 0,"));
	count_naps();
	assert_false(runtime_lock(p->path, &self, &p->running, p->why));
	naps_took(20, NS_PER_S);
	assert_true(p->running);
	snprintf(expected, sizeof(expected), "(pid %ld,", (long)pid);
	assert_non_null(strstr(p->why, expected));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(runtime_lock(p->path, &self, &p->running, p->why));
	assert_int_equal(mode_of(p->path), 0600);
	unlink(p->path);
	assert_false(runtime_lock("no/such/place", &self, &p->running, p->why));
	assert_false(p->running);
	close(go[0]);
	close(go[1]);
}

/* The owner of the folder may have put the file there. */
static void test_lock_is_no_other_file(void **state)
{
	const struct identity self = {false, geteuid(), getegid()};
	struct place *p = *state;
	char other[sizeof(p->path) + 8];
	int fd;

	snprintf(other, sizeof(other), "%s.other", p->path);
	fd = open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(link(other, p->path), 0);
	assert_false(runtime_lock(p->path, &self, &p->running, p->why));
	assert_false(p->running);
	/* No descriptor is left. */
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(unlink(p->path), 0);
	assert_int_equal(symlink(other, p->path), 0);
	assert_false(runtime_lock(p->path, &self, &p->running, p->why));
	unlink(p->path);
	unlink(other);
}

/* What a row of the table below tries. */

static bool try_directory(struct place *p, const struct identity *owner)
{
	char file[96];
	bool done;

	snprintf(file, sizeof(file), "%s/file", p->path);
	done = runtime_make_directory(file, owner, p->why);
	rmdir(p->path);
	return done;
}

static bool try_private(struct place *p, const struct identity *owner)
{
	bool done = runtime_make_private(p->path, owner, p->why);

	rmdir(p->path);
	return done;
}

static bool try_listen(struct place *p, const struct identity *owner)
{
	(void)owner;
	return runtime_listen(p->path, &p->running, p->why) >= 0;
}

/* Another process listens, or did. */
static bool try_listen_again(struct place *p, const struct identity *owner)
{
	enum broken later = broken;
	int fd;
	bool done;

	broken = NOTHING;
	fd = runtime_listen(p->path, &p->running, p->why);
	if (later != PEER)
		close(fd);
	broken = later;
	done = try_listen(p, owner);
	if (later == PEER)
		close(fd);
	return done;
}

static bool try_pid(struct place *p, const struct identity *owner)
{
	(void)owner;
	return runtime_write_pid(p->path, &p->running, p->why);
}

static bool try_lock(struct place *p, const struct identity *owner)
{
	return runtime_lock(p->path, owner, &p->running, p->why);
}

/* Root must not give away, or open, what somebody puts into the place of a new
 * directory. */
static void test_a_swapped_directory_is_left_alone(void **state)
{
	const struct identity owner = {.change = geteuid() == 0,
	    .uid = geteuid() == 0 ? 65534 : geteuid(),
	    .gid = getegid()};
	struct place *p = *state;
	char victim[sizeof(p->path) + 8], file[96];
	struct stat st;

	snprintf(victim, sizeof(victim), "%s.victim", p->path);
	snprintf(file, sizeof(file), "%s/file", p->path);
	assert_int_equal(mkdir(victim, 0700), 0);
	for (int i = 0; i < 2; i++) {
		swapped_for = strrchr(victim, '/') + 1;
		assert_false(
		    i == 0 ? runtime_make_directory(file, &owner, p->why)
			   : runtime_make_private(p->path, &owner, p->why));
		swapped_for = NULL;
		assert_non_null(strstr(p->why, "cannot set "));
		assert_int_equal(stat(victim, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
		assert_int_equal(st.st_uid, geteuid());
		assert_int_equal(unlink(p->path), 0);
	}
	assert_int_equal(rmdir(victim), 0);
}

/* The process that wrote the file has ended, and nobody has collected it. */
static void test_a_zombie_holds_no_pid_file(void **state)
{
	struct place *p = *state;
	char text[32];
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_NAME, "ntsagentd");
		_exit(0);
	}
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	snprintf(text, sizeof(text), "%ld\n", (long)pid);
	put(p->path, text);
	assert_true(runtime_write_pid(p->path, &p->running, p->why));
	assert_false(p->running);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* A failure has a sentence, and leaves no descriptor open. */
static void test_failures(void **state)
{
	static const struct {
		enum broken call;
		bool (*attempt)(struct place *, const struct identity *);
		const char *words;
	} rows[] = {
	    {FCHMOD, try_directory, "cannot set owner and mode of"},
	    {FCHOWN, try_directory, "cannot set owner and mode of"},
	    {FCHOWN, try_private, "cannot set the owner of"},
	    {LISTEN, try_listen, "cannot listen on"},
	    {PEER, try_listen_again, "cannot ask who listens on"},
	    {UNLINK, try_listen_again, "cannot replace"},
	    {UNLINK, try_pid, "cannot replace the pid file"},
	    {FCHMOD, try_pid, "cannot write the pid file"},
	    {FCHOWN, try_lock, "cannot set the owner of"},
	    {LOCK, try_lock, "cannot lock"},
	};
	const struct identity owner = {
	    .change = true, .uid = geteuid(), .gid = getegid()};
	struct place *p = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char whole[128];
		int open = descriptors_open();
		bool done;

		p->running = false;
		broken = rows[i].call;
		done = rows[i].attempt(p, &owner);
		broken = NOTHING;
		unlink(p->path);
		snprintf(whole, sizeof(whole), "%s %s", rows[i].words, p->path);
		if (done || p->running || !strstr(p->why, whole) ||
		    !strstr(p->why, ": Input/output error"))
			fail_msg("row %zu: %s", i, p->why);
		assert_int_equal(descriptors_open(), open);
	}
}

/* The process that made it removes it just now. */
static void test_listen_on_what_vanishes(void **state)
{
	struct place *p = *state;
	int fd = runtime_listen(p->path, &p->running, p->why);

	close(fd);
	broken = VANISHING;
	fd = runtime_listen(p->path, &p->running, p->why);
	broken = NOTHING;
	assert_true(fd >= 0);
	assert_int_equal(access(p->path, F_OK), 0);
	close(fd);
}

/* There is a descriptor for the socket, and none to ask who listens. */
static void test_one_descriptor(void **state)
{
	struct place *p = *state;
	int fd = runtime_listen(p->path, &p->running, p->why), next;
	struct rlimit before, one;

	close(fd);
	next = dup(STDIN_FILENO);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	one = (struct rlimit){(rlim_t)next + 1, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &one), 0);
	fd = runtime_listen(p->path, &p->running, p->why);
	descriptors_allow(before);
	assert_int_equal(fd, -1);
	assert_non_null(strstr(p->why, "cannot ask who listens on"));
	assert_non_null(strstr(p->why, "Too many open files"));
	assert_int_equal(access(p->path, F_OK), 0);
}

/* A file of no bytes at most: the pid file is not written. */
static void test_pid_on_a_full_disk(void **state)
{
	struct place *p = *state;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	struct rlimit before, none;
	bool done;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = (struct rlimit){0, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	done = runtime_write_pid(p->path, &p->running, p->why);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, handler);
	assert_false(done);
	assert_non_null(strstr(p->why, "cannot write the pid file"));
	assert_non_null(strstr(p->why, "File too large"));
}

/* A named pipe can be opened, but is no file. */
static void test_lock_is_a_file(void **state)
{
	const struct identity self = {false, geteuid(), getegid()};
	struct place *p = *state;

	assert_int_equal(mkfifo(p->path, 0600), 0);
	assert_false(runtime_lock(p->path, &self, &p->running, p->why));
	assert_false(p->running);
	assert_non_null(strstr(p->why, "cannot use as a lock"));
}

/* An older file is replaced, whatever its mode, and a reader keeps it. */
static void test_shared_is_new_and_readable(void **state)
{
	struct place *p = *state;
	mode_t before = umask(077);
	struct stat first, second;
	int old, fd;

	old = runtime_make_shared(p->path, 100, p->why);
	assert_true(old >= 0);
	fd = runtime_make_shared(p->path, 10000, p->why);
	umask(before);
	assert_true(fd >= 0);
	assert_int_equal(fstat(old, &first), 0);
	assert_int_equal(fstat(fd, &second), 0);
	assert_int_not_equal(first.st_ino, second.st_ino);
	assert_int_equal(second.st_size, 10000);
	assert_int_equal(second.st_mode & 07777, 0644);
	/* All blocks are there. */
	assert_true(second.st_blocks * 512 >= 10000);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	close(old);
	close(fd);
}

/* A link is removed, and nothing is written where it leads. */
static void test_shared_follows_no_link(void **state)
{
	struct place *p = *state;
	struct stat st;
	int fd;

	assert_int_equal(symlink("elsewhere", p->path), 0);
	fd = runtime_make_shared(p->path, 100, p->why);
	assert_true(fd >= 0);
	assert_int_equal(lstat(p->path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(access("elsewhere", F_OK), -1);
	close(fd);
}

static void test_shared_on_a_full_disk(void **state)
{
	struct place *p = *state;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	struct rlimit before, few;
	int fd;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	few = (struct rlimit){50, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &few), 0);
	fd = runtime_make_shared(p->path, 100, p->why);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, handler);
	assert_int_equal(fd, -1);
	assert_non_null(strstr(p->why, "cannot make the file"));
	assert_int_equal(access(p->path, F_OK), -1);
}

#define PLACED(test)                                                           \
	cmocka_unit_test_setup_teardown(test, make_place, drop_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    PLACED(test_shared_is_new_and_readable),
	    PLACED(test_shared_follows_no_link),
	    PLACED(test_shared_on_a_full_disk),
	    PLACED(test_directory),
	    PLACED(test_private_directory),
	    PLACED(test_owners),
	    PLACED(test_owner_of_the_lock),
	    PLACED(test_listen),
	    PLACED(test_listen_private),
	    PLACED(test_any_descriptor),
	    PLACED(test_lengths),
	    PLACED(test_lock),
	    PLACED(test_lock_is_no_other_file),
	    PLACED(test_listen_after_another),
	    PLACED(test_full_backlog),
	    PLACED(test_listen_refuses),
	    PLACED(test_no_descriptors),
	    PLACED(test_a_swapped_directory_is_left_alone),
	    PLACED(test_a_zombie_holds_no_pid_file),
	    PLACED(test_failures),
	    PLACED(test_listen_on_what_vanishes),
	    PLACED(test_one_descriptor),
	    PLACED(test_lock_is_a_file),
	    PLACED(test_pid_on_a_full_disk),
	    PLACED(test_pid_file),
	    PLACED(test_pid_of_nobody),
	    PLACED(test_pid_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
