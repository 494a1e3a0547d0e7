/*
 * Starting, naming and collecting children. This program executes itself: what
 * a child finds, it writes to its descriptor 3, or to its standard output when
 * it has none.
 */
#include "agent/host/child.h"

#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/descriptors.h"
#include "tests/unit/lingering.h"

#define TEXT_MAX 4096

/* If a test sets it, there is no /proc. */
static bool no_proc;

int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (no_proc && strncmp(path, "/proc/", strlen("/proc/")) == 0) {
		errno = ENOENT;
		return -1;
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

/* If a test sets them, these calls fail with EBUSY. */
static bool no_dup2, no_close_range;

static int busy(void)
{
	errno = EBUSY;
	return -1;
}

int dup2(int from, int to)
{
	if (no_dup2 && to != STDERR_FILENO)
		return busy();
	return from == to ? to : (int)syscall(SYS_dup3, from, to, 0);
}

int close_range(unsigned first, unsigned last, int flags)
{
	if (no_close_range)
		return busy();
	return (int)syscall(SYS_close_range, first, last, flags);
}

/* In the child. */

static bool is_blocked(int number)
{
	sigset_t set;

	sigprocmask(SIG_BLOCK, NULL, &set);
	return sigismember(&set, number) == 1;
}

static bool is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 &&
	       action.sa_handler == SIG_IGN;
}

static void show_signals(int out, const char *when)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};

	dprintf(out, "%s", when);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		dprintf(out, " %d%d", is_blocked(numbers[i]),
		    is_ignored(numbers[i]));
	dprintf(out, "\n");
}

static void show_self(int out, int argc, char *argv[])
{
	char name[17] = "";
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	dprintf(out, "arguments %d %s %s\n", argc, argv[0], argv[1]);
	prctl(PR_GET_NAME, name);
	dprintf(out, "name %s\n", name);
	dprintf(out, "fds");
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    atoi(entry->d_name) != dirfd(dir))
			dprintf(out, " %s", entry->d_name);
	dprintf(out, "\nenvironment");
	for (char **e = environ; *e; e++)
		dprintf(out, " %s", *e);
	dprintf(out, "\n");
	if (dir)
		closedir(dir);
}

static int child(int argc, char *argv[])
{
	const char *name = argv[1] + strlen(CHILD_OPTION);
	struct stat st;
	int out = fstat(3, &st) == 0 && S_ISFIFO(st.st_mode) ? 3 : 1;

	show_signals(out, "before");
	child_begin(name);
	show_self(out, argc, argv);
	child_take_signals(strcmp(name, "deaf") == 0);
	show_signals(out, "after");
	log_open(LOG_TO_STDERR, LOG_LEVEL_DEBUG);
	dup2(out, STDERR_FILENO);
	log_debug("a line");
	return 5;
}

/* In the parent. */

struct scene {
	int program, out[2];
	struct child child;
	char text[TEXT_MAX];
};

static int make(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->program = child_open_program();
	assert_true(s->program >= 0);
	assert_int_equal(pipe2(s->out, O_CLOEXEC), 0);
	*state = s;
	return 0;
}

static int drop(void **state)
{
	struct scene *s = *state;

	close(s->program);
	close(s->out[0]);
	free(s);
	return 0;
}

/* What the child wrote, and its status. */
static int collect(struct scene *s)
{
	size_t len = 0;
	ssize_t n;

	close(s->out[1]);
	while ((n = read(s->out[0], s->text + len, TEXT_MAX - 1 - len)) > 0)
		len += (size_t)n;
	s->text[len] = '\0';
	for (int i = 0; i < 10000 && !s->child.ended; i++) {
		if (!children_reap(&s->child, 1))
			usleep(2000);
	}
	assert_true(s->child.ended && WIFEXITED(s->child.status));
	return WEXITSTATUS(s->child.status);
}

static void runs(
    struct scene *s, const char *name, const int fds[], unsigned count)
{
	assert_int_equal(
	    child_exec(&s->child, name, s->program, fds, count), 0);
	assert_true(s->child.pid > 0 && !s->child.ended);
	assert_string_equal(s->child.name, name);
	assert_int_equal(collect(s), 5);
}

static void says(const struct scene *s, const char *line)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "%s\n", line);
	if (!strstr(s->text, whole))
		fail_msg("no line \"%s\" in: %s", line, s->text);
}

static void a_child_knows_its_name(void **state)
{
	struct scene *s = *state;

	runs(s, "engine", &s->out[1], 1);
	says(s, "arguments 2 ntsagentd --child=engine");
	says(s, "name nts-engine");
	if (!strstr(s->text, "]: engine: a line"))
		fail_msg("%s", s->text);
}

/* Each at its number, those without one closed, no other open. */
static void descriptors_are_placed(void **state)
{
	struct scene *s = *state;
	int fds[CHILD_FDS_MAX];

	/* The program has a number in the way. Libraries have left two open,
	 * one of them at a number that stays closed. */
	assert_int_equal(dup2(STDIN_FILENO, 61), 61);
	assert_int_equal(dup2(STDIN_FILENO, 10), 10);
	for (int i = 0; i < CHILD_FDS_MAX; i++)
		fds[i] = i % 2 ? -1 : s->program;
	fds[0] = s->out[1];
	runs(s, "engine", fds, CHILD_FDS_MAX);
	says(s, "fds 0 1 2 3 5 7 9");
	close(61);
	close(10);
}

/* The number that the copy of the program takes first may be in use. */
static void high_numbers_may_be_in_use(void **state)
{
	const int high = CHILD_FIRST_FD + CHILD_FDS_MAX;
	struct scene *s = *state;

	assert_int_equal(dup2(STDIN_FILENO, high), high);
	assert_int_equal(dup2(STDIN_FILENO, high + 1), high + 1);
	/* And one that is open for another reason. */
	assert_int_equal(dup2(STDIN_FILENO, 61), 61);
	runs(s, "engine", &s->out[1], 1);
	says(s, "fds 0 1 2 3");
	close(high);
	close(high + 1);
	close(61);
}

/* Two that change places. */
static void descriptors_may_change_places(void **state)
{
	struct scene *s = *state;
	int four = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	int fds[] = {s->out[1], four, s->program};

	runs(s, "engine", fds, 3);
	says(s, "fds 0 1 2 3 4 5");
	close(four);
}

static void the_environment_is_small(void **state)
{
	static char kept[] = "RES_OPTIONS=x", like[] = "RES_OPTIONSX=x";
	static char also[] = "LD_PRELOAD=", other[] = "HOME=/", path[] = "PATH";
	static char aliases[] = "HOSTALIASES=a", multi[] = "RESOLV_MULTI=on";
	static char cpu[] = "OPENSSL_ia32cap=0", libc[] = "GLIBC_TUNABLES=";
	static char dnssec[] = "SYSTEMD_NSS_RESOLVE_VALIDATE=1";
	char *few[] = {other, kept, like, path, also, aliases, multi, cpu, libc,
	    dnssec, NULL};
	struct scene *s = *state;
	char **all = environ;

	environ = few;
	runs(s, "engine", &s->out[1], 1);
	environ = all;
	says(s, "environment RES_OPTIONS=x LD_PRELOAD= HOSTALIASES=a "
		"RESOLV_MULTI=on OPENSSL_ia32cap=0 GLIBC_TUNABLES= "
		"SYSTEMD_NSS_RESOLVE_VALIDATE=1");
}

/* No signal is lost between the start and the moment when it can be taken. */
static void signals_wait_for_the_child(void **state)
{
	struct scene *s = *state;
	int fd = child_catch_signals();

	assert_true(fd >= 0);
	runs(s, "engine", &s->out[1], 1);
	says(s, "before 10 10 10 10");
	says(s, "after 00 00 00 00");
	close(fd);
}

static void a_child_may_ignore_the_end(void **state)
{
	struct scene *s = *state;
	int fd = child_catch_signals();

	runs(s, "deaf", &s->out[1], 1);
	says(s, "after 01 01 01 00");
	close(fd);
}

static void signals_are_caught(void **state)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
	struct signalfd_siginfo info;
	int fd = child_catch_signals();

	(void)state;
	/* Those of the children of other tests. */
	while (read(fd, &info, sizeof(info)) > 0)
		assert_int_equal(info.ssi_signo, SIGCHLD);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		raise(numbers[i]);
		assert_int_equal(read(fd, &info, sizeof(info)), sizeof(info));
		assert_int_equal(info.ssi_signo, numbers[i]);
	}
	assert_int_equal(read(fd, &info, sizeof(info)), -1);
	assert_int_equal(errno, EAGAIN);
	raise(SIGPIPE);
	close(fd);
}

/* Starts a child whose lines for the log come to the pipe. Returns its status.
 */
static int status_of(
    struct scene *s, int program, const int fds[], unsigned count)
{
	int err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 64);

	log_open(LOG_TO_STDERR, LOG_LEVEL_DEBUG);
	dup2(s->out[1], STDERR_FILENO);
	assert_int_equal(
	    child_exec(&s->child, "engine", program, fds, count), 0);
	dup2(err, STDERR_FILENO);
	close(err);
	return collect(s);
}

static void what_cannot_be_executed_is_told(void **state)
{
	struct scene *s = *state;

	/* A pipe is no program. */
	assert_int_equal(status_of(s, s->out[0], &s->out[1], 1), 127);
	if (!strstr(s->text, "cannot start the engine: Permission denied"))
		fail_msg("%s", s->text);
}

static void a_descriptor_that_is_closed_is_told(void **state)
{
	struct scene *s = *state;

	assert_int_equal(
	    status_of(s, s->program, (int[]){s->out[1], 99}, 2), 127);
	if (!strstr(s->text, "cannot start the engine: Bad file descriptor"))
		fail_msg("%s", s->text);
}

static void standard_input_that_is_closed_is_told(void **state)
{
	struct scene *s = *state;
	int saved = input_free(), status;

	status = status_of(s, s->program, (int[]){STDIN_FILENO}, 1);
	input_back(saved);
	assert_int_equal(status, 127);
	if (!strstr(s->text, "cannot start the engine: Bad file descriptor"))
		fail_msg("%s", s->text);
}

static void a_program_that_is_closed_is_told(void **state)
{
	struct scene *s = *state;

	assert_int_equal(status_of(s, 99, &s->out[1], 1), 127);
	if (!strstr(s->text, "cannot start the engine: Bad file descriptor"))
		fail_msg("%s", s->text);
}

static void a_descriptor_that_cannot_be_placed_is_told(void **state)
{
	struct scene *s = *state;
	int status;

	no_dup2 = true;
	status = status_of(s, s->program, &s->out[1], 1);
	no_dup2 = false;
	assert_int_equal(status, 127);
	if (!strstr(s->text, "cannot start the engine: Device or resource"))
		fail_msg("%s", s->text);
}

/* The call may be missing; closing one by one does the same. */
static void without_close_range_all_others_are_closed(void **state)
{
	struct scene *s = *state;

	assert_int_equal(dup2(STDIN_FILENO, CHILD_FIRST_FD + CHILD_FDS_MAX),
	    CHILD_FIRST_FD + CHILD_FDS_MAX);
	assert_int_equal(dup2(STDIN_FILENO, 61), 61);
	no_close_range = true;
	runs(s, "engine", &s->out[1], 1);
	no_close_range = false;
	says(s, "fds 0 1 2 3");
	close(CHILD_FIRST_FD + CHILD_FDS_MAX);
	close(61);
}

static void only_those_of_the_range_are_closed(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		no_close_range = i == 1;
		for (int fd = 60; fd <= 63; fd++)
			assert_int_equal(dup2(STDIN_FILENO, fd), fd);
		child_close_all(61, 62);
		child_close_all(61, 60);
		assert_true(fcntl(60, F_GETFD) >= 0);
		assert_int_equal(fcntl(61, F_GETFD), -1);
		assert_int_equal(fcntl(62, F_GETFD), -1);
		assert_true(fcntl(63, F_GETFD) >= 0);
		close(60);
		close(63);
	}
	no_close_range = false;
}

/* A kernel before Linux 6.16 sends it. */
static bool refuses_descriptors(int to, int from)
{
	const int so_passrights = 83;
	struct lingering l = lingering_open();
	int value = -1;
	socklen_t len = sizeof(value);
	bool can = getsockopt(to, SOL_SOCKET, so_passrights, &value, &len) == 0;
	bool sent = lingering_send(&l, from);

	lingering_close(&l);
	return can ? !sent && value == 0 : sent;
}

static void links_refuse_descriptors(void **state)
{
	int link[2], type = -1;
	socklen_t len = sizeof(type);

	(void)state;
	assert_int_equal(child_link(link), 0);
	assert_int_equal(
	    getsockopt(link[0], SOL_SOCKET, SO_TYPE, &type, &len), 0);
	assert_int_equal(type, SOCK_SEQPACKET);
	assert_true(refuses_descriptors(link[0], link[1]));
	assert_true(refuses_descriptors(link[1], link[0]));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fcntl(link[i], F_GETFD), FD_CLOEXEC);
		close(link[i]);
	}
}

static void without_descriptors_there_is_no_link(void **state)
{
	struct rlimit before = descriptors_forbid();
	int link[2], err = child_link(link);

	(void)state;
	descriptors_allow(before);
	assert_int_equal(err, -EMFILE);
}

static void without_descriptors_there_is_no_program(void **state)
{
	struct rlimit before = descriptors_forbid();
	int program = child_open_program(), signals = child_catch_signals();

	(void)state;
	descriptors_allow(before);
	assert_int_equal(program, -EMFILE);
	assert_int_equal(signals, -EMFILE);
}

/* The user may have no more processes. Root may. */
static bool no_process_can_start(void)
{
	struct child c = {.name = "none"};

	if (geteuid() == 0 && setuid(65534) != 0)
		return false;
	setrlimit(RLIMIT_NPROC, &(struct rlimit){0, 0});
	return child_exec(&c, "engine", STDIN_FILENO, NULL, 0) == -EAGAIN &&
	       c.pid == 0 && strcmp(c.name, "none") == 0;
}

static void without_processes_there_is_no_child(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(no_process_can_start() ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* The agent then takes the path that execve(2) was called with. */
static void the_program_is_found_without_proc(void **state)
{
	struct scene *s = *state;

	close(s->program);
	no_proc = true;
	s->program = child_open_program();
	no_proc = false;
	assert_true(s->program >= 0);
	assert_int_equal(fcntl(s->program, F_GETFD), FD_CLOEXEC);
	runs(s, "engine", &s->out[1], 1);
	says(s, "name nts-engine");
}

/* A parent may have closed standard input. */
static void descriptors_may_have_any_number(void **state)
{
	int saved = input_free(), signals, program, fallback;
	struct scene *s = *state;

	errno = EIO;
	program = child_open_program();
	close(program);
	no_proc = true;
	fallback = child_open_program();
	close(fallback);
	no_proc = false;
	errno = EIO;
	signals = child_catch_signals();
	dup2(s->out[1], STDIN_FILENO);
	close(s->out[1]);
	s->out[1] = -1;
	assert_int_equal(program, STDIN_FILENO);
	assert_int_equal(fallback, STDIN_FILENO);
	assert_int_equal(signals, STDIN_FILENO);
	assert_int_equal(child_exec(&s->child, "engine", s->program,
			     &(int){STDIN_FILENO}, 1),
	    0);
	input_back(saved);
	assert_int_equal(collect(s), 5);
	/* The child wrote to the pipe. */
	says(s, "arguments 2 ntsagentd --child=engine");
}

/* Following. */

static void a_child_follows_its_parent(void **state)
{
	int go[2];
	pid_t middle, last = 0;
	char byte;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	assert_int_equal(pipe(go), 0);
	middle = fork();
	if (middle == 0) {
		pid_t parent = getpid();

		last = fork();
		if (last == 0) {
			if (!child_follow(parent, SIGKILL) ||
			    write(go[1], "", 1) != 1)
				_exit(1);
			pause();
		}
		close(go[1]);
		(void)!read(go[0], &byte, 1);
		_exit(0);
	}
	close(go[1]);
	assert_int_equal(waitpid(middle, NULL, 0), middle);
	/* Its end of the pipe closes with it. */
	while (read(go[0], &byte, 1) > 0)
		;
	close(go[0]);
	while (waitpid(-1, NULL, 0) > 0)
		;
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

/* Its own signal does not depend on who closes the pipe. */
static void a_child_follows_a_pipe(void **state)
{
	int fds[2], ready[2], status;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[1]);
		if (!child_follow_pipe(fds[0], SIGKILL) ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* It is closed already, and no signal would come. */
	assert_false(child_follow_pipe(fds[0], SIGCONT));
	assert_false(child_follow_pipe(-1, SIGCONT));
	close(fds[0]);
	close(ready[0]);
	close(ready[1]);
}

static void an_orphan_does_not_follow(void **state)
{
	(void)state;
	assert_false(child_follow(getpid(), SIGTERM));
	assert_true(child_follow(getppid(), 0));
	/* No such signal. */
	assert_false(child_follow(getppid(), 12345));
}

/* The ends of children. */

static int exited(int status)
{
	return status << 8;
}

static void the_cause_is_found(void **state)
{
	struct child c[] = {
	    {.name = "a", .pid = 1},
	    {.name = "b", .pid = 2, .ended = true, .status = exited(1)},
	    {.name = "c", .pid = 3, .ended = true, .status = SIGSEGV},
	    {.name = "d", .pid = 4, .ended = true, .status = SIGKILL},
	};

	(void)state;
	assert_ptr_equal(children_to_blame(c, 4), &c[2]);
	assert_ptr_equal(children_to_blame(c, 2), &c[1]);
	assert_null(children_to_blame(c, 1));
	/* The first that ended, if a signal killed none. */
	c[2].status = c[3].status = exited(2);
	assert_ptr_equal(children_to_blame(c, 4), &c[1]);
	c[2].ended = c[3].ended = false;
	assert_ptr_equal(children_to_blame(c, 4), &c[1]);
}

static void ends_are_told(void **state)
{
	struct child c = {.name = "engine", .ended = true, .status = SIGKILL};
	char text[CHILD_TEXT_MAX];

	(void)state;
	child_end_text(&c, text);
	assert_string_equal(text, "the engine was killed by signal 9 (Killed)");
	c.status = exited(3);
	child_end_text(&c, text);
	assert_string_equal(text, "the engine ended with exit status 3");
}

/* Signals go to those that run, and only they are waited for. */
static void signals_reach_those_that_run(void **state)
{
	struct child c[3] = {{.name = "never"}, {.name = "runs"},
	    {.name = "ended", .ended = true}};

	(void)state;
	c[1].pid = fork();
	if (c[1].pid == 0) {
		pause();
		_exit(0);
	}
	/* It must not get the signal: it is this process. */
	c[2].pid = getpid();
	assert_false(children_all_ended(c, 3));
	assert_true(children_all_ended(c, 1));
	/* Of an earlier call. */
	errno = ECHILD;
	assert_false(children_reap(c, 3));
	children_signal(c, 3, SIGKILL);
	for (int i = 0; i < 10000 && !children_reap(c, 3); i++)
		usleep(2000);
	assert_true(children_all_ended(c, 3));
	assert_true(WIFSIGNALED(c[1].status));
	assert_false(children_reap(c, 3));
}

/* Collected by somebody else, it has ended all the same. */
static void a_lost_child_has_ended(void **state)
{
	struct child c = {.name = "lost", .pid = fork()};

	(void)state;
	if (c.pid == 0)
		_exit(0);
	assert_int_equal(waitpid(c.pid, NULL, 0), c.pid);
	assert_true(children_reap(&c, 1));
	assert_true(c.ended);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(int argc, char *argv[])
{
	static const int often_ignored[] = {SIGHUP, SIGINT, SIGQUIT};
	const struct CMUnitTest tests[] = {
	    TEST(a_child_knows_its_name),
	    TEST(descriptors_are_placed),
	    TEST(high_numbers_may_be_in_use),
	    TEST(descriptors_may_change_places),
	    TEST(the_environment_is_small),
	    TEST(signals_wait_for_the_child),
	    TEST(a_child_may_ignore_the_end),
	    cmocka_unit_test(signals_are_caught),
	    cmocka_unit_test(links_refuse_descriptors),
	    cmocka_unit_test(without_descriptors_there_is_no_link),
	    TEST(what_cannot_be_executed_is_told),
	    TEST(a_descriptor_that_is_closed_is_told),
	    TEST(standard_input_that_is_closed_is_told),
	    TEST(a_program_that_is_closed_is_told),
	    TEST(a_descriptor_that_cannot_be_placed_is_told),
	    TEST(without_close_range_all_others_are_closed),
	    TEST(only_those_of_the_range_are_closed),
	    cmocka_unit_test(without_descriptors_there_is_no_program),
	    cmocka_unit_test(without_processes_there_is_no_child),
	    TEST(the_program_is_found_without_proc),
	    TEST(descriptors_may_have_any_number),
	    cmocka_unit_test(a_child_follows_its_parent),
	    cmocka_unit_test(a_child_follows_a_pipe),
	    cmocka_unit_test(an_orphan_does_not_follow),
	    cmocka_unit_test(the_cause_is_found),
	    cmocka_unit_test(ends_are_told),
	    cmocka_unit_test(signals_reach_those_that_run),
	    cmocka_unit_test(a_lost_child_has_ended),
	};

	/* Under nohup(1), SIGHUP would be ignored from the start, and so would
	 * SIGINT and SIGQUIT in a command that a shell starts with "&". */
	if (argc == 1)
		for (size_t i = 0; i < ARRAY_LEN(often_ignored); i++)
			signal(often_ignored[i], SIG_DFL);
	if (argc == 2 &&
	    strncmp(argv[1], CHILD_OPTION, strlen(CHILD_OPTION)) == 0)
		return child(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
