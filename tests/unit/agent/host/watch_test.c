#include "agent/host/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/check.h"
#include "tests/unit/agent/engine/little_memory.h"
#include "tests/unit/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	char room[64];
	struct watch watch;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->room, "/tmp/watch_test.XXXXXX");
	assert_non_null(mkdtemp(f->room));
	watch_init(&f->watch);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[96];

	watch_close(&f->watch);
	snprintf(command, sizeof(command), "rm -rf %s", f->room);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

struct path {
	char text[160];
};

static struct path in(const struct fixture *f, const char *name)
{
	struct path p;

	snprintf(p.text, sizeof(p.text), "%s/%s", f->room, name);
	return p;
}

static void write_file(const struct fixture *f, const char *name)
{
	struct path p = in(f, name);
	int fd = open(p.text, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static void make_directory(const struct fixture *f, const char *name)
{
	assert_int_equal(mkdir(in(f, name).text, 0755), 0);
}

static void move(const struct fixture *f, const char *from, const char *to)
{
	assert_int_equal(rename(in(f, from).text, in(f, to).text), 0);
}

static void link_to(
    const struct fixture *f, const char *target, const char *name)
{
	assert_int_equal(symlink(target, in(f, name).text), 0);
}

static void begin(struct fixture *f, const char *path)
{
	assert_int_equal(watch_open(&f->watch, &path, 1), 0);
}

/* True: a watched file has changed since the last call. */
static bool noticed(struct fixture *f)
{
	const struct mono now = {1000 * NS_PER_S};

	watch_read(&f->watch, now);
	return watch_take(&f->watch, mono_after(now, WATCH_SETTLE_NS));
}

static void a_file_that_is_written_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct path p = in(f, "ca.pem");

	write_file(f, "ca.pem");
	begin(f, p.text);
	assert_false(noticed(f));
	write_file(f, "ca.pem");
	assert_true(noticed(f));
	assert_false(noticed(f));
	/* Written by one program, made readable by another. */
	assert_int_equal(chmod(p.text, 0600), 0);
	assert_true(noticed(f));
}

static void its_neighbours_are_not(void **state)
{
	struct fixture *f = *state;
	struct path p = in(f, "ca.pem");

	write_file(f, "ca.pem");
	begin(f, p.text);
	write_file(f, "other.pem");
	assert_false(noticed(f));
}

static void a_file_renamed_into_place_is_noticed_each_time(void **state)
{
	struct fixture *f = *state;
	struct path p = in(f, "ca.pem");

	begin(f, p.text);
	for (int i = 0; i < 3; i++) {
		write_file(f, "ca.new");
		assert_false(noticed(f));
		move(f, "ca.new", "ca.pem");
		assert_true(noticed(f));
	}
}

/* The links of certificate managers: live/ca.pem -> ../archive/ca2.pem */
static void links_are_followed_and_may_turn(void **state)
{
	struct fixture *f = *state;
	struct path p = in(f, "live/ca.pem");

	make_directory(f, "live");
	make_directory(f, "archive");
	make_directory(f, "elsewhere");
	write_file(f, "archive/ca1.pem");
	write_file(f, "elsewhere/ca1.pem");
	link_to(f, "../archive/ca1.pem", "live/ca.pem");
	begin(f, p.text);
	write_file(f, "archive/ca1.pem");
	assert_true(noticed(f));
	link_to(f, "../elsewhere/ca1.pem", "live/new");
	move(f, "live/new", "live/ca.pem");
	assert_true(noticed(f));
	write_file(f, "archive/ca1.pem");
	assert_false(noticed(f));
	write_file(f, "elsewhere/ca1.pem");
	assert_true(noticed(f));
}

static void what_is_not_there_yet_is_noticed_when_it_comes(void **state)
{
	struct fixture *f = *state;
	struct path p = in(f, "a/b/ca.pem");

	begin(f, p.text);
	make_directory(f, "a");
	assert_true(noticed(f));
	make_directory(f, "a/b");
	assert_true(noticed(f));
	write_file(f, "a/b/ca.pem");
	assert_true(noticed(f));
}

static void any_file_of_a_directory_counts(void **state)
{
	struct fixture *f = *state;
	struct path p = in(f, "certs/");

	make_directory(f, "certs");
	begin(f, p.text);
	write_file(f, "certs/one.pem");
	assert_true(noticed(f));
	assert_int_equal(unlink(in(f, "certs/one.pem").text), 0);
	assert_true(noticed(f));
}

static void it_closes_its_descriptor(void **state)
{
	struct fixture *f = *state;
	const char *const paths[] = {"/tmp"};
	int fd;

	assert_int_equal(watch_open(&f->watch, paths, 1), 0);
	fd = f->watch.fd;
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	watch_close(&f->watch);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(f->watch.fd, -1);
}

static void without_descriptors_nothing_is_watched(void **state)
{
	struct fixture *f = *state;
	const char *const paths[] = {"/tmp"};
	struct rlimit before;

	before = descriptors_forbid();
	assert_int_equal(watch_open(&f->watch, paths, 1), -EMFILE);
	descriptors_allow(before);
	assert_non_null(strstr(
	    watch_error(-EMFILE), "sysctl fs.inotify.max_user_instances"));
	assert_non_null(
	    strstr(watch_error(-ENOSPC), "sysctl fs.inotify.max_user_watches"));
	assert_string_equal(watch_error(-ENOMEM), strerror(ENOMEM));
	assert_int_equal(f->watch.fd, -1);
	assert_false(watch_listens(&f->watch));
}

#define NO_NAMESPACE 254

/* In a user namespace of its own, which has limits of its own. Exits with the
 * error of watch_open(), or 255. The kernel gives no such namespace to a
 * process below a chroot. */
static int opens_with_limit(const char *limit, struct fixture *f)
{
	static const char *const paths[] = {"/etc/passwd"};
	int status, err, fd;
	pid_t pid = fork();

	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) != 0)
			_exit(errno == EPERM ? NO_NAMESPACE : 255);
		fd = open(limit, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "0", 1) != 1)
			_exit(255);
		err = watch_open(&f->watch, paths, 1);
		_exit(err > 0 ? 255 : -err);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_limit_of_inotify_is_an_error(void **state)
{
	static const struct {
		const char *limit;
		int error;
	} rows[] = {
	    {"/proc/sys/user/max_inotify_instances", EMFILE},
	    {"/proc/sys/user/max_inotify_watches", ENOSPC},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int seen = opens_with_limit(rows[i].limit, *state);

		if (seen != NO_NAMESPACE)
			assert_int_equal(seen, rows[i].error);
	}
}

/* Names and paths of any length, and signs that are no name. */
static void odd_paths_are_harmless(void **state)
{
	struct fixture *f = *state;
	static char long_name[600], long_path[8000];
	struct path dotted = in(f, "./x/../a");
	const char *const paths[] = {
	    "", "/", long_name, long_path, dotted.text};

	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[0] = '/';
	memset(long_path, '/', sizeof(long_path) - 1);
	assert_int_equal(mkdir(in(f, "x").text, 0755), 0);
	assert_int_equal(
	    watch_open(&f->watch, paths, sizeof(paths) / sizeof(*paths)), 0);
	assert_false(noticed(f));
	write_file(f, "a");
	assert_true(noticed(f));
}

static void a_loop_of_links_ends(void **state)
{
	struct fixture *f = *state;
	struct path p = in(f, "one/x");

	link_to(f, "two", "one");
	link_to(f, "one", "two");
	begin(f, p.text);
	write_file(f, "x");
	assert_false(noticed(f));
}

static void a_link_may_lead_to_the_root(void **state)
{
	struct fixture *f = *state;
	struct path p = in(f, "here"), there = in(f, "there");

	link_to(f, there.text, "here");
	begin(f, p.text);
	write_file(f, "there");
	assert_true(noticed(f));
}

/* What it leads to is too long together with the rest of the path. */
static void a_link_may_be_too_long(void **state)
{
	struct fixture *f = *state;
	struct path p = in(f, "long/neighbour");
	char target[PATH_MAX - 4];

	memset(target, '/', sizeof(target) - 1);
	target[sizeof(target) - 1] = '\0';
	link_to(f, target, "long");
	begin(f, p.text);
	write_file(f, "neighbour");
	assert_false(noticed(f));
}

static void the_longest_name_is_watched(void **state)
{
	struct fixture *f = *state;
	char name[NAME_MAX + 1], path[sizeof(f->room) + sizeof(name)];
	const char *const paths[] = {path};
	int fd;

	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	snprintf(path, sizeof(path), "%s/%s", f->room, name);
	begin(f, paths[0]);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	close(fd);
	assert_true(noticed(f));
}

/* After a change, too, when it takes a new descriptor. */
static void it_may_have_any_descriptor(void **state)
{
	struct fixture *f = *state;
	struct path p = in(f, "ca.pem");
	int saved = input_free(), fds[2];
	bool changed, open[3];

	begin(f, p.text);
	fds[0] = f->watch.fd;
	open[0] = watch_listens(&f->watch);
	write_file(f, "ca.pem");
	changed = noticed(f);
	fds[1] = f->watch.fd;
	open[1] = input_is_open();
	watch_close(&f->watch);
	begin(f, p.text);
	watch_close(&f->watch);
	open[2] = input_is_open();
	input_back(saved);
	assert_int_equal(fds[0], STDIN_FILENO);
	assert_true(open[0] && changed);
	assert_true(fds[1] > STDERR_FILENO);
	assert_false(open[1] || open[2]);
}

/* A descriptor for a new list cannot be had: the old one goes on. */
static void without_a_new_descriptor_the_old_one_goes_on(void **state)
{
	struct fixture *f = *state;
	struct path p = in(f, "ca.pem");
	struct rlimit before;
	bool changed;
	int fd;

	begin(f, p.text);
	fd = f->watch.fd;
	write_file(f, "ca.pem");
	before = descriptors_forbid();
	changed = noticed(f);
	descriptors_allow(before);
	assert_true(changed);
	assert_int_equal(f->watch.fd, fd);
	write_file(f, "ca.pem");
	assert_true(noticed(f));
}

static void *taken;

/* What earlier tests have freed may be enough: it is taken, too. */
static void take_the_rest(void)
{
	void **next;

	while ((next = malloc(4096)) != NULL) {
		*next = taken;
		taken = next;
	}
}

static bool fails_without_memory(void *self)
{
	struct fixture *f = self;
	const char *path = f->room;

	little_memory_begin(0);
	take_the_rest();
	return watch_open(&f->watch, &path, 1) == -ENOMEM && f->watch.fd < 0;
}

static void without_memory_nothing_is_watched(void **state)
{
	if (LITTLE_MEMORY_WORKS)
		assert_true(little_memory_holds(fails_without_memory, *state));
}

/* Each change makes the list again; it does not grow by that. */
static void the_list_is_made_again(void **state)
{
	struct fixture *f = *state;
	struct path p = in(f, "ca.pem");
	unsigned names;

	begin(f, p.text);
	names = f->watch.name_count;
	for (int i = 0; i < 3; i++) {
		write_file(f, "ca.pem");
		assert_true(noticed(f));
		assert_int_equal(f->watch.name_count, names);
	}
	begin(f, p.text);
	assert_int_equal(f->watch.name_count, names);
}

/* More paths than it can watch: the first ones count. */
static void too_many_paths_are_left_out(void **state)
{
	struct fixture *f = *state;
	struct path first = in(f, "first"), last = in(f, "last");
	const char *paths[WATCH_PATHS_MAX + 1];

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		paths[i] = first.text;
	paths[WATCH_PATHS_MAX] = last.text;
	assert_int_equal(watch_open(&f->watch, paths, ARRAY_LEN(paths)), 0);
	assert_int_equal(f->watch.path_count, WATCH_PATHS_MAX);
	write_file(f, "last");
	assert_false(noticed(f));
	write_file(f, "first");
	assert_true(noticed(f));
	paths[WATCH_PATHS_MAX - 1] = last.text;
	assert_int_equal(watch_open(&f->watch, paths, WATCH_PATHS_MAX), 0);
	write_file(f, "last");
	assert_true(noticed(f));
}

/* More names than it can remember: the first ones count. */
static void too_many_names_are_left_out(void **state)
{
	struct fixture *f = *state;
	struct path deep = in(f, "."), first = in(f, "first");
	const char *paths[WATCH_PATHS_MAX] = {first.text};

	for (int i = 0; i < 16; i++) {
		strcat(deep.text, "/d");
		assert_int_equal(mkdir(deep.text, 0755), 0);
	}
	for (size_t i = 1; i < ARRAY_LEN(paths); i++)
		paths[i] = deep.text;
	assert_int_equal(watch_open(&f->watch, paths, ARRAY_LEN(paths)), 0);
	assert_int_equal(f->watch.name_count, WATCH_NAMES_MAX);
	write_file(f, "first");
	assert_true(noticed(f));
}

/* As SSL_CERT_FILE may be. It begins where the program was started; when that
 * folder is gone, there is nothing to watch. */
static void a_path_may_begin_where_the_program_was_started(void **state)
{
	struct fixture *f = *state;
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	unsigned names;

	make_directory(f, "x");
	assert_int_equal(chdir(in(f, "x").text), 0);
	begin(f, "../ca.pem");
	assert_int_equal(rmdir(in(f, "x").text), 0);
	write_file(f, "ca.pem");
	/* Makes the list again, now from nowhere. */
	assert_true(noticed(f));
	names = f->watch.name_count;
	assert_int_equal(fchdir(here), 0);
	close(here);
	assert_int_equal(names, 0);
}

/* The other descriptors get their turn. */
static void a_flood_is_read_in_parts(void **state)
{
	static const struct inotify_event e = {.mask = IN_Q_OVERFLOW};
	const unsigned at_once = 16;
	struct fixture *f = *state;
	int ends[2];
	char left;

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	f->watch.fd = ends[0];
	for (unsigned i = 0; i < at_once + 1; i++)
		assert_int_equal(send(ends[1], &e, sizeof(e), 0), sizeof(e));
	watch_read(&f->watch, (struct mono){0});
	assert_int_equal(recv(ends[0], &left, 1, MSG_PEEK), 1);
	watch_read(&f->watch, (struct mono){0});
	assert_int_equal(recv(ends[0], &left, 1, MSG_PEEK), -1);
	close(ends[1]);
}

/* The second of two events in one reading, behind a name. */
static void each_event_of_a_reading_counts(void **state)
{
	struct fixture *f = *state;
	struct path p = in(f, "ca.pem");

	write_file(f, "other");
	begin(f, p.text);
	write_file(f, "other");
	write_file(f, "ca.pem");
	assert_true(noticed(f));
}

static void forty_links_are_followed(void **state)
{
	struct fixture *f = *state;
	const int most = 40;
	struct path fortieth = in(f, "l40"), next = in(f, "l41");
	char name[16], target[16];

	for (int i = 1; i <= most + 1; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		snprintf(target, sizeof(target), "l%d", i - 1);
		link_to(f, i == 1 ? "end" : target, name);
	}
	begin(f, fortieth.text);
	write_file(f, "end");
	assert_true(noticed(f));
	begin(f, next.text);
	write_file(f, "end");
	assert_false(noticed(f));
}

/* What the kernel may say, through a pipe. */
static void the_event_decides(void **state)
{
	enum { OURS = 5, OTHER = 6, NAME_LEN = 16 };
	static const struct {
		const char *name; /* what is watched; "": a folder */
		int wd;
		uint32_t mask;
		const char *of; /* what the event is about; "": no name */
		bool counts;
	} rows[] = {
	    {"ca", OURS, IN_CREATE, "ca", true},
	    {"ca", OURS, IN_CREATE, "cb", false},
	    {"ca", OTHER, IN_CREATE, "ca", false},
	    {"ca", OURS, IN_DELETE_SELF, "", true},
	    {"ca", OTHER, IN_DELETE_SELF, "", false},
	    {"", OURS, IN_CREATE, "cb", true},
	    {"", OTHER, IN_CREATE, "cb", false},
	    {"ca", -1, IN_Q_OVERFLOW, "", true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture *f = *state;
		struct inotify_event e = {.wd = rows[i].wd,
		    .mask = rows[i].mask,
		    .len = rows[i].of[0] ? NAME_LEN : 0};
		uint8_t told[sizeof(e) + NAME_LEN] = {0};
		int ends[2];

		begin(f, f->room);
		close(f->watch.fd);
		assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
		f->watch.fd = ends[0];
		f->watch.name_count = 1;
		f->watch.names[0].wd = OURS;
		strcpy(f->watch.names[0].name, rows[i].name);
		memcpy(told, &e, sizeof(e));
		memcpy(told + sizeof(e), rows[i].of, strlen(rows[i].of));
		assert_true(write(ends[1], told, sizeof(e) + e.len) > 0);
		close(ends[1]);
		if (noticed(f) != rows[i].counts)
			fail_msg("row %zu", i);
	}
}

/* The first of two changes sets the time, and the second does not delay it. */
static void a_second_change_delays_nothing(void **state)
{
	struct fixture *f = *state;
	struct path p = in(f, "ca.pem");
	struct mono now = {1000 * NS_PER_S};

	begin(f, p.text);
	write_file(f, "ca.pem");
	watch_read(&f->watch, now);
	write_file(f, "ca.pem");
	watch_read(&f->watch, mono_after(now, WATCH_SETTLE_NS / 2));
	assert_int_equal(
	    watch_deadline(&f->watch).ns, now.ns + WATCH_SETTLE_NS);
}

static void an_event_waits_for_the_rest_of_the_writing(void **state)
{
	struct fixture *f = *state;
	struct path p = in(f, "ca.pem");
	struct mono now = {1000 * NS_PER_S};

	begin(f, p.text);
	assert_int_equal(watch_deadline(&f->watch).ns, MONO_NEVER.ns);
	write_file(f, "ca.pem");
	watch_read(&f->watch, now);
	assert_false(watch_take(&f->watch, now));
	assert_int_equal(
	    watch_deadline(&f->watch).ns, now.ns + WATCH_SETTLE_NS);
	assert_true(watch_take(&f->watch, watch_deadline(&f->watch)));
}

/* A busy folder such as /tmp: a change of a watched file is noticed a second
 * later. */
static void a_busy_folder_wakes_nobody_all_the_time(void **state)
{
	struct fixture *f = *state;
	struct path p = in(f, "ca.pem");
	struct mono now = {1000 * NS_PER_S};

	write_file(f, "ca.pem");
	begin(f, p.text);
	assert_true(watch_listens(&f->watch));
	write_file(f, "other");
	watch_read(&f->watch, now);
	assert_false(watch_listens(&f->watch));
	assert_int_equal(watch_deadline(&f->watch).ns, now.ns + WATCH_DEAF_NS);
	write_file(f, "ca.pem");
	now = watch_deadline(&f->watch);
	assert_false(watch_take(&f->watch, now));
	assert_true(watch_listens(&f->watch));
	assert_int_equal(watch_deadline(&f->watch).ns, MONO_NEVER.ns);
	watch_read(&f->watch, now);
	assert_true(watch_listens(&f->watch));
	assert_true(watch_take(&f->watch, watch_deadline(&f->watch)));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_file_that_is_written_is_noticed),
	    TEST(its_neighbours_are_not),
	    TEST(a_file_renamed_into_place_is_noticed_each_time),
	    TEST(links_are_followed_and_may_turn),
	    TEST(what_is_not_there_yet_is_noticed_when_it_comes),
	    TEST(any_file_of_a_directory_counts),
	    TEST(a_loop_of_links_ends),
	    TEST(a_link_may_lead_to_the_root),
	    TEST(a_link_may_be_too_long),
	    TEST(the_longest_name_is_watched),
	    TEST(it_may_have_any_descriptor),
	    TEST(a_flood_is_read_in_parts),
	    TEST(each_event_of_a_reading_counts),
	    TEST(odd_paths_are_harmless),
	    TEST(it_closes_its_descriptor),
	    TEST(without_descriptors_nothing_is_watched),
	    TEST(a_limit_of_inotify_is_an_error),
	    TEST(without_a_new_descriptor_the_old_one_goes_on),
	    TEST(without_memory_nothing_is_watched),
	    TEST(the_list_is_made_again),
	    TEST(too_many_paths_are_left_out),
	    TEST(too_many_names_are_left_out),
	    TEST(a_path_may_begin_where_the_program_was_started),
	    TEST(forty_links_are_followed),
	    TEST(the_event_decides),
	    TEST(a_second_change_delays_nothing),
	    TEST(an_event_waits_for_the_rest_of_the_writing),
	    TEST(a_busy_folder_wakes_nobody_all_the_time),
	};

	/* So that no list stays in the heap, where the next one finds room. */
	mallopt(M_MMAP_THRESHOLD, 4096);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
