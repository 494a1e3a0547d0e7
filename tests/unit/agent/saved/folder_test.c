/* Files of a private folder: each is whole, and other users have none of them.
 */
#include "agent/saved/folder.h"

#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/agent/saved/made_folder.h"
#include "tests/unit/descriptors.h"

static bool without_locks;

/* In the place of the C library's: a file system may have no locks. */
int flock(int fd, int operation)
{
	if (without_locks) {
		errno = ENOLCK;
		return -1;
	}
	return (int)syscall(SYS_flock, fd, operation);
}

struct private_folder {
	char dir[32];
	char why[SAVED_FOLDER_WHY_MAX];
	struct saved_folder folder;
	uint8_t bytes[64];
	size_t len;
};

static int make_folder(void **state)
{
	struct private_folder *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	snprintf(p->dir, sizeof(p->dir), "%s", "store-XXXXXX");
	made_folder_open(&p->folder, p->dir);
	*state = p;
	return 0;
}

static int drop_folder(void **state)
{
	struct private_folder *p = *state;

	made_folder_drop(&p->folder, p->dir);
	free(p);
	return 0;
}

static void a_removed_folder_is_reported(void **state)
{
	struct private_folder *p = *state;
	int err;

	assert_int_equal(rmdir(p->dir), 0);
	err = saved_folder_replace(&p->folder, "a", "x", 1);
	assert_string_equal(saved_folder_error(err),
	    "the folder was removed; restart the agent, which makes a new one");
	assert_int_equal(mkdir(p->dir, 0700), 0);
	assert_string_equal(saved_folder_error(-EIO), strerror(EIO));
	assert_string_equal(saved_folder_error(-EROFS),
	    "the file system is read-only; mount it writable, set "
	    "ReadWritePaths= in the unit, or configure another path");
	assert_non_null(strstr(saved_folder_error(-EACCES),
	    "Permission denied; see: sudo ntsagentd --check-config; "));
	assert_string_equal(saved_folder_error(-ENOSPC),
	    "there is no space left; free some on that disk");
	assert_string_equal(
	    saved_folder_error(-EDQUOT), saved_folder_error(-ENOSPC));
}

static const char *inside(const struct private_folder *p, const char *name)
{
	static char path[96];

	snprintf(path, sizeof(path), "%s/%s", p->dir, name);
	return path;
}

static void put(
    const struct private_folder *p, const char *name, const char *text)
{
	FILE *f = fopen(inside(p, name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int read_it(struct private_folder *p, const char *name)
{
	p->len = 1;
	return saved_folder_read(
	    &p->folder, name, p->bytes, sizeof(p->bytes), &p->len);
}

static void assert_holds(
    struct private_folder *p, const char *name, const char *text)
{
	assert_int_equal(read_it(p, name), 0);
	assert_int_equal(p->len, strlen(text));
	assert_memory_equal(p->bytes, text, p->len);
}

static void a_written_file_is_private(void **state)
{
	struct private_folder *p = *state;
	mode_t old = umask(0);
	struct stat st;

	assert_int_equal(read_it(p, "a"), -ENOENT);
	assert_int_equal(saved_folder_replace(&p->folder, "a", "one", 3), 0);
	umask(old);
	assert_holds(p, "a", "one");
	assert_int_equal(lstat(inside(p, "a"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

/* A reader that has opened the old file still reads its contents. */
static void a_file_is_replaced_as_a_whole(void **state)
{
	struct private_folder *p = *state;
	char old[8] = "";
	int fd;

	assert_int_equal(saved_folder_replace(&p->folder, "a", "one", 3), 0);
	fd = open(inside(p, "a"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	/* A file that a crash left does not disturb. */
	put(p, "a.new", "half");
	assert_int_equal(saved_folder_replace(&p->folder, "a", "two", 3), 0);
	assert_holds(p, "a", "two");
	assert_int_equal(read(fd, old, sizeof(old)), 3);
	assert_string_equal(old, "one");
	close(fd);
	assert_int_equal(access(inside(p, "a.new"), F_OK), -1);
}

/* The old file stays, and no other file is left. */
static void a_failed_write_leaves_the_old_file(void **state)
{
	struct private_folder *p = *state;

	assert_int_equal(saved_folder_replace(&p->folder, "a", "one", 3), 0);
	assert_int_equal(mkdir(inside(p, "a.new"), 0700), 0);
	assert_true(saved_folder_replace(&p->folder, "a", "two", 3) < 0);
	assert_int_equal(rmdir(inside(p, "a.new")), 0);
	assert_holds(p, "a", "one");
	assert_int_equal(mkdir(inside(p, "d"), 0700), 0);
	assert_true(saved_folder_replace(&p->folder, "d", "x", 1) < 0);
	assert_int_equal(access(inside(p, "d.new"), F_OK), -1);
	assert_int_equal(rmdir(inside(p, "d")), 0);
}

static void only_private_plain_files_are_read(void **state)
{
	struct private_folder *p = *state;

	put(p, "target", "secret");
	assert_int_equal(chmod(inside(p, "target"), 0600), 0);
	assert_int_equal(symlink("target", inside(p, "link")), 0);
	assert_int_equal(read_it(p, "link"), -EINVAL);
	/* A hard link: another user may have the other one. */
	assert_int_equal(
	    linkat(p->folder.fd, "target", p->folder.fd, "second", 0), 0);
	assert_int_equal(read_it(p, "second"), -EINVAL);
	assert_int_equal(mkfifo(inside(p, "pipe"), 0600), 0);
	assert_int_equal(read_it(p, "pipe"), -EINVAL);
	put(p, "open", "x");
	assert_int_equal(chmod(inside(p, "open"), 0640), 0);
	assert_int_equal(read_it(p, "open"), -EINVAL);
}

/* A symbolic link is replaced, and the file that it names stays. */
static void a_link_is_never_written_through(void **state)
{
	struct private_folder *p = *state;

	put(p, "victim", "mine");
	assert_int_equal(chmod(inside(p, "victim"), 0600), 0);
	assert_int_equal(symlink("victim", inside(p, "a.new")), 0);
	assert_int_equal(symlink("victim", inside(p, "a")), 0);
	assert_int_equal(saved_folder_replace(&p->folder, "a", "new", 3), 0);
	assert_holds(p, "a", "new");
	assert_holds(p, "victim", "mine");
}

static void a_file_that_is_too_long_is_refused(void **state)
{
	struct private_folder *p = *state;
	uint8_t much[sizeof(p->bytes) + 1] = {0};

	assert_int_equal(
	    saved_folder_replace(&p->folder, "a", much, sizeof(much) - 1), 0);
	assert_int_equal(read_it(p, "a"), 0);
	assert_int_equal(p->len, sizeof(p->bytes));
	assert_int_equal(
	    saved_folder_replace(&p->folder, "a", much, sizeof(much)), 0);
	assert_int_equal(read_it(p, "a"), -EINVAL);
}

static void files_are_removed_and_set_aside(void **state)
{
	struct private_folder *p = *state;

	assert_int_equal(saved_folder_remove(&p->folder, "a"), 0);
	assert_int_equal(mkdir(inside(p, "d"), 0700), 0);
	assert_int_equal(saved_folder_remove(&p->folder, "d"), -EISDIR);
	assert_int_equal(rmdir(inside(p, "d")), 0);
	assert_int_equal(saved_folder_replace(&p->folder, "a", "one", 3), 0);
	assert_int_equal(saved_folder_remove(&p->folder, "a"), 0);
	assert_int_equal(read_it(p, "a"), -ENOENT);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    saved_folder_replace(&p->folder, "a", "bad", 3), 0);
		assert_int_equal(saved_folder_set_aside(&p->folder, "a"), 0);
		assert_int_equal(read_it(p, "a"), -ENOENT);
		assert_holds(p, "a.bad", "bad");
	}
	assert_int_equal(
	    saved_folder_set_aside(&p->folder, "missing"), -ENOENT);
}

/* Names that are too long with their suffix. */
static void a_long_name_is_refused(void **state)
{
	struct private_folder *p = *state;
	char name[NAME_MAX + 1] = "", aside[NAME_MAX + 5];

	memset(name, 'n', NAME_MAX - 4);
	assert_int_equal(saved_folder_replace(&p->folder, name, "x", 1), 0);
	assert_int_equal(saved_folder_set_aside(&p->folder, name), 0);
	snprintf(aside, sizeof(aside), "%s.bad", name);
	assert_holds(p, aside, "x");
	name[NAME_MAX - 4] = 'n';
	assert_int_equal(
	    saved_folder_replace(&p->folder, name, "x", 1), -ENAMETOOLONG);
	put(p, name, "x");
	assert_int_equal(
	    saved_folder_set_aside(&p->folder, name), -ENAMETOOLONG);
}

static bool begins_with_x(const void *self, const char *name)
{
	return name[0] == *(const char *)self;
}

static void a_sweep_removes_unwanted_files(void **state)
{
	struct private_folder *p = *state;

	put(p, "x1", "");
	put(p, "x2", "");
	assert_int_equal(saved_folder_replace(&p->folder, "a", "one", 3), 0);
	saved_folder_sweep(&p->folder, begins_with_x, "x");
	assert_int_equal(read_it(p, "x1"), -ENOENT);
	assert_int_equal(read_it(p, "x2"), -ENOENT);
	assert_holds(p, "a", "one");
}

static void a_folder_that_others_may_enter_is_refused(void **state)
{
	struct private_folder *p = *state;
	struct saved_folder again;

	assert_int_equal(chmod(p->dir, 0750), 0);
	assert_false(saved_folder_open(&again, p->dir, p->why));
	assert_non_null(strstr(p->why, " has the mode 0750, which lets other "
				       "users in; fix it with: chmod 0700 "));
	assert_int_equal(chmod(p->dir, 0700), 0);
	assert_int_equal(again.fd, -1);
	assert_false(saved_folder_open(&again, "store-missing", p->why));
	assert_string_equal(
	    p->why, "cannot open store-missing: No such file or directory");
}

static void a_link_to_a_folder_is_refused(void **state)
{
	struct private_folder *p = *state;
	struct saved_folder again;

	assert_int_equal(symlink(".", inside(p, "self")), 0);
	assert_false(saved_folder_open(&again, inside(p, "self"), p->why));
}

static void somebody_elses_folder_is_refused(void **state)
{
	struct private_folder *p = *state;
	struct saved_folder again;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(p->dir, 65534, 65534), 0);
	assert_false(saved_folder_open(&again, p->dir, p->why));
	assert_non_null(strstr(p->why,
	    " belongs to uid 65534 and not to the agent's user, uid 0; fix it "
	    "with: chown -R 0 "));
	assert_int_equal(chown(p->dir, 0, 0), 0);
}

static void a_closed_folder_above_it_has_its_advice(void **state)
{
	struct private_folder *p = *state;
	struct saved_folder again;
	bool opened;

	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(inside(p, "keys"), 0700), 0);
	assert_int_equal(seteuid(65534), 0);
	opened = saved_folder_open(&again, inside(p, "keys"), p->why);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(rmdir(inside(p, "keys")), 0);
	assert_false(opened);
	assert_non_null(strstr(
	    p->why, ": Permission denied; see: sudo ntsagentd --check-config"));
}

static int64_t monotonic_ns(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	return ns_of_timespec(&ts);
}

static void no_descriptor_is_left_open(void **state)
{
	struct private_folder *p = *state;
	int before = descriptors_open();

	assert_int_equal(saved_folder_replace(&p->folder, "a", "one", 3), 0);
	assert_holds(p, "a", "one");
	assert_int_equal(read_it(p, "b"), -ENOENT);
	assert_int_equal(p->len, 0);
	assert_int_equal(chmod(inside(p, "a"), 0644), 0);
	assert_int_equal(read_it(p, "a"), -EINVAL);
	sweep_all(&p->folder);
	assert_int_equal(descriptors_open(), before);
	saved_folder_close(&p->folder);
	assert_int_equal(p->folder.fd, -1);
	assert_int_equal(descriptors_open(), before - 1);
	assert_true(saved_folder_open(&p->folder, p->dir, p->why));
}

/* At once, and not as if another agent had it. */
static void a_folder_that_cannot_be_locked_is_refused(void **state)
{
	struct private_folder *p = *state;
	struct saved_folder again;
	char expected[128];
	int before = descriptors_open();

	without_locks = true;
	assert_false(saved_folder_open(&again, p->dir, p->why));
	without_locks = false;
	assert_int_equal(again.fd, -1);
	assert_int_equal(descriptors_open(), before);
	snprintf(expected, sizeof(expected), "cannot lock %s: %s", p->dir,
	    strerror(ENOLCK));
	assert_string_equal(p->why, expected);
}

static void two_processes_never_share_a_folder(void **state)
{
	struct private_folder *p = *state;
	struct saved_folder again;
	int64_t before_ns = monotonic_ns();

	assert_false(saved_folder_open(&again, p->dir, p->why));
	/* It waits for two seconds. */
	assert_in_range(
	    monotonic_ns() - before_ns, 19 * (NS_PER_S / 10), 10 * NS_PER_S);
	assert_int_equal(again.fd, -1);
	assert_non_null(strstr(p->why, "is in use by another ntsagentd"));
	saved_folder_close(&p->folder);
	assert_true(saved_folder_open(&again, p->dir, p->why));
	p->folder = again;
}

/* 'S' while a process sleeps. */
static char state_of(pid_t pid)
{
	char path[64], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	if (f)
		fclose(f);
	return state;
}

/* Holds the lock, which it shares with its parent, until the parent waits for
 * it. Returns an exit status. */
static int hold_until_awaited(pid_t parent)
{
	for (int i = 0; i < 1500; i++) {
		if (state_of(parent) == 'S')
			return 0;
		usleep(1000);
	}
	return 1;
}

static void the_exit_of_another_process_is_waited_for(void **state)
{
	struct private_folder *p = *state;
	int status;
	pid_t parent = getpid(), pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(hold_until_awaited(parent));
	saved_folder_close(&p->folder);
	assert_true(saved_folder_open(&p->folder, p->dir, p->why));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_folder, drop_folder)
	const struct CMUnitTest tests[] = {
	    TEST(a_written_file_is_private),
	    TEST(a_file_is_replaced_as_a_whole),
	    TEST(a_failed_write_leaves_the_old_file),
	    TEST(only_private_plain_files_are_read),
	    TEST(a_link_is_never_written_through),
	    TEST(a_file_that_is_too_long_is_refused),
	    TEST(a_removed_folder_is_reported),
	    TEST(files_are_removed_and_set_aside),
	    TEST(a_long_name_is_refused),
	    TEST(no_descriptor_is_left_open),
	    TEST(a_sweep_removes_unwanted_files),
	    TEST(a_folder_that_others_may_enter_is_refused),
	    TEST(a_link_to_a_folder_is_refused),
	    TEST(somebody_elses_folder_is_refused),
	    TEST(a_folder_that_cannot_be_locked_is_refused),
	    TEST(a_closed_folder_above_it_has_its_advice),
	    TEST(two_processes_never_share_a_folder),
	    TEST(the_exit_of_another_process_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
