/*
 * The whole start, with real processes: this program takes the place of
 * ntsagentd, and executes itself for each child. Nothing touches the clock.
 */
#include "agent/launch/launch.h"

#include "agent/host/sandbox/sandbox.h"
#include "agent/host/child.h"
#include "agent/launch/entry.h"
#include "agent/launch/processes.h"
#include "tests/unit/agent/launch/heard.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define WAIT_MS 10000

/* Which call of a function fails in the process that runs launch(), from 1 on;
 * 0: none. The linker prefers these functions to those of the C library. */
static struct failing {
	int forks, socketpairs, signalfds, memory_files;
} failing, in_launch;

static bool fails(int *countdown, int error)
{
	if (*countdown == 0 || --*countdown > 0)
		return false;
	errno = error;
	return true;
}

/* The function of the C library. */
static void *original(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		abort();
	return function;
}

pid_t fork(void)
{
	pid_t (*real)(void);

	if (fails(&in_launch.forks, EAGAIN))
		return -1;
	*(void **)&real = original("fork");
	return real();
}

int socketpair(int domain, int type, int protocol, int fds[2])
{
	int (*real)(int, int, int, int[2]);

	if (fails(&in_launch.socketpairs, EMFILE))
		return -1;
	*(void **)&real = original("socketpair");
	return real(domain, type, protocol, fds);
}

int signalfd(int fd, const sigset_t *mask, int flags)
{
	int (*real)(int, const sigset_t *, int);

	if (fails(&in_launch.signalfds, ENFILE))
		return -1;
	*(void **)&real = original("signalfd");
	return real(fd, mask, flags);
}

int memfd_create(const char *name, unsigned flags)
{
	int (*real)(const char *, unsigned);

	if (fails(&in_launch.memory_files, ENFILE))
		return -1;
	*(void **)&real = original("memfd_create");
	return real(name, flags);
}

/* A file that gets what goes to the system log; "": nothing gets it. */
static char in_place_of_syslog[128];

static void note_line(const char *format, va_list args)
{
	FILE *f = *in_place_of_syslog ? fopen(in_place_of_syslog, "ae") : NULL;

	if (!f)
		return;
	vfprintf(f, format, args);
	fputc('\n', f);
	fclose(f);
}

/* In the place of the C library's. Which of them the agent calls depends on the
 * options of the compiler. */
void syslog(int level, const char *format, ...) PRINTF_LIKE(2, 3);
void syslog(int level, const char *format, ...)
{
	va_list args;

	(void)level;
	va_start(args, format);
	note_line(format, args);
	va_end(args);
}

void __syslog_chk(int level, int flag, const char *format, ...)
    PRINTF_LIKE(3, 4);
void __syslog_chk(int level, int flag, const char *format, ...)
{
	va_list args;

	(void)level;
	(void)flag;
	va_start(args, format);
	note_line(format, args);
	va_end(args);
}

static void nap(void)
{
	usleep(5000);
}

/* The status of launch() in a process of its own. */
static int end_of(pid_t pid)
{
	int status = 0;

	for (int ms = 0; ms < WAIT_MS; ms += 5) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			assert_true(WIFEXITED(status));
			return WEXITSTATUS(status);
		}
		nap();
	}
	kill(pid, SIGKILL);
	fail_msg("the agent does not end");
	return -1;
}

static pid_t start(struct config_room *r, struct run_options run)
{
	struct options options = {
	    .task = TASK_RUN, .config_path = r->path, .run = run};
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		in_launch = failing;
		_exit(launch(&options));
	}
	assert_true(pid > 0);
	return pid;
}

/* A source that refuses connections, and all files in the test's folder. */
static void put_config(struct heard *h, const char *more)
{
	char text[2048];
	const char *dir = h->room->dir;

	assert_int_equal(chmod(dir, 0777), 0);
	snprintf(text, sizeof(text),
	    "[agent]\nuser = nobody\nuser-resolver = nobody\nstatus-socket = "
	    "%s/status\n"
	    "pidfile = %s/pid\n[nts]\nsaved-keys = none\n[clock]\n"
	    "driftfile = none\nlast-good-time = none\n[source a]\n"
	    "host = 127.0.0.1\nntsport = 1\n%s",
	    dir, dir, more);
	room_put(h->room, "main.conf", text);
}

static bool there(const struct heard *h, const char *name)
{
	char path[128];

	return access(room_path(h->room, name, path), F_OK) == 0;
}

static void wait_until_says(struct heard *h, const char *words)
{
	for (int ms = 0; ms < WAIT_MS && !strstr(heard_text(h), words); ms += 5)
		nap();
	heard_says(h, words);
}

/* The child of `pid` with this name; 0: there is none. */
static pid_t child_named(pid_t pid, const char *name)
{
	char path[64], line[64];
	pid_t found = 0;
	long child;
	FILE *all, *comm;

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)pid,
	    (long)pid);
	all = fopen(path, "re");
	while (all && !found && fscanf(all, "%ld", &child) == 1) {
		snprintf(path, sizeof(path), "/proc/%ld/comm", child);
		comm = fopen(path, "re");
		if (comm && fgets(line, sizeof(line), comm) &&
		    strncmp(line, name, strlen(name)) == 0)
			found = (pid_t)child;
		if (comm)
			fclose(comm);
	}
	if (all)
		fclose(all);
	return found;
}

static const struct run_options measuring = {
    .foreground = true, .no_clock = true, .no_clock_reason = "a test"};

static void the_processes_run_and_end(void **state)
{
	struct heard *h = *state;
	pid_t pid;

	put_config(h, "");
	pid = start(h->room, measuring);
	/* The engine asks the resolver, whose job finds no server. */
	wait_until_says(h, "connection refused");
	assert_true(child_named(pid, "nts-engine") > 0);
	assert_true(child_named(pid, "nts-resolver") > 0);
	assert_true(child_named(pid, "nts-guard") > 0);
	assert_true(there(h, "status") && there(h, "pid"));
	heard_says(h, "the clock is left alone: a test");
	heard_says(h, "started with 1 source from ");
	kill(pid, SIGTERM);
	assert_int_equal(end_of(pid), 0);
	heard_says(h, "ended by SIGTERM; the clock was left alone");
	assert_false(there(h, "pid"));
}

static unsigned descriptors_of(pid_t pid)
{
	char path[64];
	unsigned count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
	dir = opendir(path);
	assert_non_null(dir);
	for (const struct dirent *e; (e = readdir(dir));)
		count += e->d_name[0] != '.';
	closedir(dir);
	return count;
}

/* Only root may look into a process that cannot be dumped. */
static void the_keeper_has_what_its_row_says(void **state)
{
	const struct process *row = process_at(PROCESS_KEEPER);
	struct heard *h = *state;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	put_config(h, "");
	pid = start(h->room, measuring);
	wait_until_says(h, "connection refused");
	/* Without the lock, since it does not steer the clock. */
	assert_string_equal(row->descriptors[5].name, "lock");
	assert_int_equal(descriptors_of(pid), 3 + process_descriptors(row) - 1);
	kill(pid, SIGTERM);
	assert_int_equal(end_of(pid), 0);
}

static void the_death_of_each_ends_the_agent(void **state)
{
	static const char *const names[] = {
	    "nts-engine", "nts-resolver", "nts-guard"};
	struct heard *h = *state;

	put_config(h, "");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char words[64];
		pid_t pid = start(h->room, measuring);

		wait_until_says(h, "connection refused");
		kill(child_named(pid, names[i]), SIGKILL);
		assert_int_equal(end_of(pid), 1);
		snprintf(words, sizeof(words), "the %s was killed by signal 9",
		    names[i] + strlen("nts-"));
		heard_says(h, words);
		assert_int_equal(truncate(h->log, 0), 0);
	}
}

/* The configuration that the loader reads reaches the engine. */
static void a_reload_goes_through_the_loader(void **state)
{
	struct heard *h = *state;
	pid_t pid;

	put_config(h, "");
	pid = start(h->room, measuring);
	wait_until_says(h, "connection refused");
	put_config(h, "[source b]\nhost = 127.0.0.1\nntsport = 2\n");
	kill(pid, SIGHUP);
	wait_until_says(h, "TCP port 2 of 127.0.0.1");
	put_config(h, "[source b]\nhost = \n");
	kill(pid, SIGHUP);
	wait_until_says(h, "the old one stays in force");
	kill(pid, SIGTERM);
	assert_int_equal(end_of(pid), 0);
}

/* During the start. */

/* The process with this name stops itself before it is ready. The variable is
 * one of those that reach a child. */
static void stop_at_start(const char *name)
{
	setenv("RES_OPTIONS", name, 1);
}

static void stop_if_asked(const char *name)
{
	const char *stops = getenv("RES_OPTIONS");

	if (stops && strcmp(stops, name) == 0)
		raise(SIGSTOP);
}

static bool has_stopped(pid_t pid)
{
	char path[64], line[256] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	f = fopen(path, "re");
	if (f && !fgets(line, sizeof(line), f))
		line[0] = '\0';
	if (f)
		fclose(f);
	return strstr(line, ") T ") != NULL;
}

static pid_t child_that_stopped(pid_t pid)
{
	char path[64];
	long child;
	pid_t found = 0;
	FILE *all;

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)pid,
	    (long)pid);
	for (int ms = 0; ms < WAIT_MS && !found; ms += 5) {
		nap();
		all = fopen(path, "re");
		while (all && !found && fscanf(all, "%ld", &child) == 1)
			if (has_stopped((pid_t)child))
				found = (pid_t)child;
		if (all)
			fclose(all);
	}
	unsetenv("RES_OPTIONS");
	assert_true(found > 0);
	return found;
}

static pid_t wait_for_child(pid_t pid, const char *name)
{
	pid_t child = 0;

	for (int ms = 0; ms < WAIT_MS && !child; ms += 5) {
		nap();
		child = child_named(pid, name);
	}
	assert_true(child > 0);
	return child;
}

static void a_signal_ends_the_start_in_order(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT};
	struct heard *h = *state;

	put_config(h, "");
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		pid_t pid, stopped;

		stop_at_start("resolver");
		pid = start(h->room, measuring);
		stopped = child_that_stopped(pid);
		assert_true(there(h, "status"));
		kill(pid, signals[i]);
		assert_int_equal(end_of(pid), 0);
		kill(stopped, SIGKILL);
		heard_says(h, "ended by a signal during the start");
		assert_false(there(h, "status") || there(h, "pid"));
		assert_int_equal(truncate(h->log, 0), 0);
	}
}

/* With -q and -Q the work is not done then. */
static void a_signal_during_the_start_fails_a_single_run(void **state)
{
	struct run_options run = measuring;
	struct heard *h = *state;
	pid_t pid, stopped;

	put_config(h, "");
	run.print_only = true;
	stop_at_start("resolver");
	pid = start(h->room, run);
	stopped = child_that_stopped(pid);
	kill(pid, SIGTERM);
	assert_int_equal(end_of(pid), EXIT_FAILED);
	kill(stopped, SIGKILL);
}

static void a_reload_during_the_start_comes_after_it(void **state)
{
	struct heard *h = *state;
	pid_t pid, stopped;

	put_config(h, "");
	stop_at_start("resolver");
	pid = start(h->room, measuring);
	stopped = child_that_stopped(pid);
	put_config(h, "[source b]\nhost = 127.0.0.1\nntsport = 2\n");
	kill(pid, SIGHUP);
	kill(stopped, SIGCONT);
	wait_until_says(h, "TCP port 2 of 127.0.0.1");
	kill(pid, SIGTERM);
	assert_int_equal(end_of(pid), 0);
}

static void a_death_during_the_start_ends_it(void **state)
{
	struct heard *h = *state;
	pid_t pid, stopped;

	put_config(h, "");
	stop_at_start("engine");
	pid = start(h->room, measuring);
	stopped = child_that_stopped(pid);
	kill(wait_for_child(pid, "nts-guard"), SIGKILL);
	assert_int_equal(end_of(pid), 1);
	/* The keeper may not: this child still has root's rights. */
	kill(stopped, SIGKILL);
	heard_says(h, "the start failed: the guard was killed by signal 9");
	assert_false(there(h, "status") || there(h, "pid"));
}

/* With -Q the engine may give up before the guard has started. */
static void the_engine_may_be_done_before_the_start_is(void **state)
{
	struct run_options run = measuring;
	struct heard *h = *state;
	pid_t pid, stopped;

	put_config(h, "");
	run.print_only = true;
	run.timeout_s = 1;
	stop_at_start("guard");
	pid = start(h->room, run);
	stopped = child_that_stopped(pid);
	wait_until_says(h, "not done; the clock was left alone");
	kill(stopped, SIGKILL);
	assert_int_equal(end_of(pid), 1);
}

/* The processes that a failed start leaves behind are ours: all must end. */
static void none_is_left(void)
{
	for (int ms = 0; ms < WAIT_MS; ms += 5) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
		if (waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD)
			return;
		nap();
	}
	fail_msg("a process is left");
}

static void each_step_that_fails_is_told(void **state)
{
	static const struct {
		struct failing failing;
		const char *says;
	} rows[] = {
	    {{.socketpairs = 1}, "cannot link the processes: Too many open"},
	    {{.socketpairs = 2}, "cannot link the processes: Too many open"},
	    {{.socketpairs = 3}, "cannot link the processes: Too many open"},
	    {{.socketpairs = 4}, "cannot link the engine: Too many open files"},
	    {{.socketpairs = 5}, "cannot link the resolver: Too many open"},
	    {{.socketpairs = 6}, "cannot link the guard: Too many open files"},
	    {{.forks = 1}, "cannot start the engine: Resource temporarily"},
	    {{.forks = 2}, "cannot start the resolver: Resource temporarily"},
	    {{.forks = 3}, "cannot start the guard: Resource temporarily"},
	    {{.signalfds = 1}, "cannot link the processes: signals cannot be "
			       "taken (signalfd): Too many open files in "
			       "system"},
	    {{.signalfds = 2}, "signals cannot be taken: Too many open files "
			       "in system"},
	    {{.memory_files = 1}, "cannot prepare the guard: Too many open"},
	};
	struct heard *h = *state;

	put_config(h, "");
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		failing = rows[i].failing;
		assert_int_equal(end_of(start(h->room, measuring)), 1);
		none_is_left();
		heard_says(h, rows[i].says);
		/* Without links no process starts. */
		assert_int_equal(!strstr(h->text, "started with 1 source"),
		    !!strstr(h->text, "cannot link the processes"));
		assert_false(there(h, "status") || there(h, "pid"));
		assert_null(strstr(h->text, "ended by a signal"));
		assert_int_equal(truncate(h->log, 0), 0);
	}
	failing = (struct failing){0};
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

static void without_a_launcher_nothing_starts(void **state)
{
	struct run_options run = measuring;
	struct heard *h = *state;

	put_config(h, "");
	run.foreground = false;
	failing.forks = 1;
	assert_int_equal(end_of(start(h->room, run)), 1);
	failing.forks = 0;
	heard_says(h, "cannot start in the background: Resource temporarily");
	assert_false(there(h, "status") || there(h, "pid"));
}

static pid_t start_in(const char *folder, const char *path)
{
	struct options options = {
	    .task = TASK_RUN, .config_path = path, .run = measuring};
	pid_t pid = fork();

	if (pid == 0)
		_exit(chdir(folder) != 0 ? 99 : launch(&options));
	assert_true(pid > 0);
	return pid;
}

/* A reload finds the file of a relative path. */
static void a_relative_path_is_read_again(void **state)
{
	struct heard *h = *state;
	pid_t pid;

	put_config(h, "");
	pid = start_in(h->room->dir, "main.conf");
	wait_until_says(h, "connection refused");
	put_config(h, "[source b]\nhost = 127.0.0.1\nntsport = 2\n");
	kill(pid, SIGHUP);
	wait_until_says(h, "TCP port 2 of 127.0.0.1");
	kill(pid, SIGTERM);
	assert_int_equal(end_of(pid), 0);
}

static void debug_lines_name_their_process(void **state)
{
	struct heard *h = *state;
	struct options options = {.debug = true, .run = measuring};
	char why[SANDBOX_TEXT_MAX];
	pid_t pid;

	put_config(h, "");
	options.config_path = h->room->path;
	pid = fork();
	if (pid == 0)
		_exit(launch(&options));
	wait_until_says(h, "resolver: job for 127.0.0.1: connect");
	if (sandbox_possible(why) == SANDBOX_ON) {
		heard_says(h, "guard: sandbox: ");
		heard_says(h, "job: sandbox: ");
	}
	kill(pid, SIGTERM);
	assert_int_equal(end_of(pid), 0);
	assert_null(strstr(heard_text(h), "cannot report to the keeper"));
}

static void once_it_ends_by_itself(void **state)
{
	struct heard *h = *state;
	struct run_options run = measuring;
	pid_t pid;

	put_config(h, "");
	run.print_only = true;
	run.timeout_s = 1;
	pid = start(h->room, run);
	assert_int_equal(end_of(pid), 1);
	heard_says(h, "not done; the clock was left alone");
	/* Only what is wrong is printed next to the offset. */
	assert_null(strstr(heard_text(h), "started with 1 source"));
	assert_null(strstr(heard_text(h), "measuring only"));
	assert_false(there(h, "status") || there(h, "pid"));
}

/* With -q and -Q the log is for the terminal. */
static void the_log_goes_where_it_should(void **state)
{
	struct heard *h = *state;
	struct run_options run = measuring;
	pid_t pid;

	put_config(h, "[log]\ntarget = syslog\n");
	pid = start(h->room, run);
	for (int ms = 0; ms < WAIT_MS && !child_named(pid, "nts-guard");
	     ms += 5)
		nap();
	kill(pid, SIGTERM);
	(void)end_of(pid);
	heard_nothing(h);
	run.print_only = true;
	run.timeout_s = 1;
	assert_int_equal(end_of(start(h->room, run)), 1);
	heard_says(h, "not done; the clock was left alone");
}

static pid_t pid_in_file(const struct heard *h)
{
	char path[128];
	FILE *f = fopen(room_path(h->room, "pid", path), "re");
	long pid = 0;

	if (f && fscanf(f, "%ld", &pid) != 1)
		pid = 0;
	if (f)
		fclose(f);
	return (pid_t)pid;
}

/* A terminal or a service manager may keep standard error to itself. */
static void a_file_that_is_left_out_is_in_the_system_log(void **state)
{
	struct heard *h = *state;
	struct run_options run = measuring;
	char text[8192] = "", *line;
	FILE *f;

	room_folder(h->room, "sources.d");
	room_put(h->room, "sources.d/x.conf", "[source x]\nfoo = 1\n");
	room_put(h->room, "sources.d/y.conf", "[source y]\nbar = 1\n");
	put_config(h, "");
	room_path(h->room, "syslog", in_place_of_syslog);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	run.foreground = false;
	assert_int_equal(end_of(start(h->room, run)), 0);
	kill(pid_in_file(h), SIGTERM);
	assert_int_equal(end_of(pid_in_file(h)), 0);
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	f = fopen(in_place_of_syslog, "re");
	in_place_of_syslog[0] = '\0';
	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	fclose(f);
	line = strstr(text, "sources.d/x.conf:2: unknown key");
	assert_non_null(line);
	assert_non_null(
	    strstr(line, "; the sources of this file are not used\n"));
	assert_non_null(strstr(line, "sources.d/y.conf:2: unknown key"));
	assert_null(strstr(text, "warning: "));
	heard_says(h, "warning: ");
}

static void an_error_in_the_configuration_is_final(void **state)
{
	struct heard *h = *state;

	put_config(h, "prefer = maybe\n");
	assert_int_equal(end_of(start(h->room, measuring)), EXIT_UNUSABLE);
	heard_says(h, "1 error in the configuration: not started");
	put_config(h, "prefer = maybe\ntrust = maybe\n");
	assert_int_equal(end_of(start(h->room, measuring)), EXIT_UNUSABLE);
	heard_says(h, "2 errors in the configuration: not started");
}

/* Runs the check as a user who is not that of the agent. */
static int check_as(uid_t uid, const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		if (setresuid(uid, uid, uid) != 0)
			_exit(99);
		status = launch_check_config(path);
		fflush(stdout);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* It would be told to take the agent's folders over. */
static void another_user_does_not_judge_the_folders(void **state)
{
	struct heard *h = *state;
	char path[128];

	if (geteuid() != 0)
		skip();
	put_config(h, "");
	room_folder(h->room, "conf.d");
	room_put(h->room, "conf.d/a.conf", "[clock]\ndriftfile = /etc/drift\n");
	assert_int_equal(
	    chmod(room_path(h->room, "conf.d/a.conf", path), 0644), 0);
	assert_int_equal(chmod(room_path(h->room, "main.conf", path), 0644), 0);
	fflush(stdout);
	assert_int_equal(check_as(1, path), 0);
	heard_says(h, "note: the folders of user nobody are not judged");
	heard_says(h, "main.conf: no errors");
}

static void the_check_prints_and_starts_nothing(void **state)
{
	struct heard *h = *state;
	int out = dup(STDOUT_FILENO);

	fflush(stdout);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	put_config(h, "");
	assert_int_equal(launch_check_config(h->room->path), 0);
	fflush(stdout);
	heard_says(h, "main.conf: no errors");
	put_config(h, "prefer = maybe\n");
	assert_int_equal(launch_check_config(h->room->path), 1);
	fflush(stdout);
	heard_says(h, "expected yes or no");
	dup2(out, STDOUT_FILENO);
	close(out);
	assert_false(there(h, "status"));
}

/* Root: a user that cannot be. */
static void a_missing_user_stops_the_start(void **state)
{
	struct heard *h = *state;

	if (geteuid() != 0)
		skip();
	put_config(h, "[agent]\n");
	room_put(
	    h->room, "main.conf", "[agent]\nuser = no-such-user\n[source a]\n");
	assert_int_equal(end_of(start(h->room, measuring)), 1);
	heard_says(h, "the user \"no-such-user\" does not exist");
}

/* As put_config(), with another user for the key exchanges. */
static void put_second_user(struct heard *h, const char *name, const char *more)
{
	char text[2048];
	const char *dir = h->room->dir;

	put_config(h, "");
	snprintf(text, sizeof(text),
	    "[agent]\nuser = nobody\n%s%s\nstatus-socket = %s/status\n%s"
	    "[nts]\nsaved-keys = none\n[clock]\ndriftfile = none\n"
	    "last-good-time = none\n[source a]\nhost = 127.0.0.1\n"
	    "ntsport = 1\n",
	    name[0] ? "user-resolver = " : "", name, dir, more);
	room_put(h->room, "main.conf", text);
}

static uid_t user_of(pid_t pid)
{
	char path[64], line[128];
	unsigned uid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Uid: %u", &uid) == 1)
			break;
	fclose(f);
	return uid;
}

/* Root: only the resolver and its jobs have the other user, and the keeper can
 * end a resolver that does not do so itself. */
static void a_resolver_of_another_user_ends_with_the_agent(void **state)
{
	static const int ends[] = {SIGTERM, SIGKILL};
	const struct passwd *second = getpwnam("daemon");
	struct heard *h = *state;

	if (geteuid() != 0)
		skip();
	assert_non_null(second);
	put_second_user(h, "daemon", "");
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		pid_t pid = start(h->room, measuring), resolver, engine;

		wait_until_says(h, "connection refused");
		resolver = child_named(pid, "nts-resolver");
		engine = child_named(pid, "nts-engine");
		assert_int_equal(user_of(resolver), second->pw_uid);
		assert_int_not_equal(user_of(engine), second->pw_uid);
		kill(resolver, SIGSTOP);
		kill(pid, ends[i]);
		/* Those that outlive the keeper are ours. */
		none_is_left();
		assert_int_equal(truncate(h->log, 0), 0);
	}
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

static void a_missing_second_user_is_told(void **state)
{
	struct heard *h = *state;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	put_second_user(h, "no-such-user", "");
	assert_int_equal(end_of(start(h->room, measuring)), 1);
	heard_says(h, "the user \"no-such-user\" does not exist");
	heard_says(h, "(user-resolver = in [agent])");
	assert_int_equal(truncate(h->log, 0), 0);
	put_second_user(h, "root", "");
	assert_int_equal(end_of(start(h->room, measuring)), 1);
	heard_says(h, "the user \"root\" is root or in its group");
	/* The default may be missing. */
	if (getpwnam(CONFIG_USER_RESOLVER))
		return;
	assert_int_equal(truncate(h->log, 0), 0);
	put_second_user(h, "", "sandbox = no\n");
	pid = start(h->room, measuring);
	wait_until_says(h, "connection refused");
	kill(pid, SIGTERM);
	assert_int_equal(end_of(pid), 0);
	heard_says(h, "key exchanges run as user nobody, and no Landlock keeps "
		      "them from the saved files: the user "
		      "\"ntsagent-resolver\" does not exist");
}

/* The launcher's status tells that the agent runs. The agent, an orphan, is
 * ours to collect. */
static void in_the_background_the_launcher_ends_first(void **state)
{
	struct run_options run = measuring;
	struct heard *h = *state;
	pid_t agent;

	put_config(h, "");
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	run.foreground = false;
	assert_int_equal(end_of(start(h->room, run)), 0);
	agent = pid_in_file(h);
	assert_true(agent > 0);
	assert_true(child_named(agent, "nts-guard") > 0);
	kill(agent, SIGTERM);
	assert_int_equal(end_of(agent), 0);
	assert_false(there(h, "pid"));
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

static bool stands_at_null(pid_t pid, int fd)
{
	char path[64];
	struct stat null, st;

	snprintf(path, sizeof(path), "/proc/%ld/fd/%d", (long)pid, fd);
	return stat("/dev/null", &null) == 0 && stat(path, &st) == 0 &&
	       S_ISCHR(st.st_mode) && st.st_rdev == null.st_rdev;
}

/* Descriptors that a careless parent leaves open reach no process, and missing
 * standard ones are replaced, in the children as well. */
static void careless_parents_do_no_harm(void **state)
{
	static const char *const names[] = {
	    "nts-engine", "nts-resolver", "nts-guard"};
	struct heard *h = *state;
	struct options options = {.run = measuring};
	char path[64];
	pid_t pid;

	put_config(h, "");
	options.config_path = h->room->path;
	pid = fork();
	if (pid == 0) {
		dup2(STDERR_FILENO, 60);
		close(STDIN_FILENO);
		close(STDOUT_FILENO);
		_exit(launch(&options));
	}
	wait_until_says(h, "connection refused");
	if (geteuid() == 0) {
		snprintf(path, sizeof(path), "/proc/%ld/fd/60", (long)pid);
		assert_int_equal(access(path, F_OK), -1);
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			pid_t child = child_named(pid, names[i]);

			assert_true(stands_at_null(child, STDIN_FILENO));
			assert_true(stands_at_null(child, STDOUT_FILENO));
		}
		assert_true(stands_at_null(pid, STDIN_FILENO));
		assert_true(stands_at_null(pid, STDOUT_FILENO));
	}
	kill(pid, SIGTERM);
	assert_int_equal(end_of(pid), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, heard_make, heard_drop)

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
	    TEST(the_processes_run_and_end),
	    TEST(the_keeper_has_what_its_row_says),
	    TEST(the_death_of_each_ends_the_agent),
	    TEST(a_reload_goes_through_the_loader),
	    TEST(a_signal_ends_the_start_in_order),
	    TEST(a_signal_during_the_start_fails_a_single_run),
	    TEST(a_reload_during_the_start_comes_after_it),
	    TEST(a_death_during_the_start_ends_it),
	    TEST(the_engine_may_be_done_before_the_start_is),
	    TEST(each_step_that_fails_is_told),
	    TEST(without_a_launcher_nothing_starts),
	    TEST(a_relative_path_is_read_again),
	    TEST(debug_lines_name_their_process),
	    TEST(once_it_ends_by_itself),
	    TEST(the_log_goes_where_it_should),
	    TEST(a_file_that_is_left_out_is_in_the_system_log),
	    TEST(an_error_in_the_configuration_is_final),
	    TEST(the_check_prints_and_starts_nothing),
	    TEST(another_user_does_not_judge_the_folders),
	    TEST(a_missing_user_stops_the_start),
	    TEST(a_missing_second_user_is_told),
	    TEST(a_resolver_of_another_user_ends_with_the_agent),
	    TEST(in_the_background_the_launcher_ends_first),
	    TEST(careless_parents_do_no_harm),
	};

	if (argc == 2 &&
	    strncmp(argv[1], CHILD_OPTION, strlen(CHILD_OPTION)) == 0) {
		stop_if_asked(argv[1] + strlen(CHILD_OPTION));
		return entry_run(argv[1] + strlen(CHILD_OPTION));
	}
	unsetenv("NOTIFY_SOCKET");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
