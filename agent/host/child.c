#include "agent/host/child.h"

#include "agent/host/wait_limit.h"
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME_MAX_BYTES 16 /* of a process name, prctl(2) */
/* The status that a shell gives to a command that it cannot run. */
#define CHILD_NOT_EXECUTED 127

static const int caught[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};

static sigset_t caught_set(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(caught); i++)
		sigaddset(&set, caught[i]);
	return set;
}

int child_catch_signals(void)
{
	sigset_t set = caught_set();
	int fd;

	/* The result of write(2) tells that the reader is gone. */
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int child_link(int link[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link) != 0)
		return -errno;
	wait_limit_no_descriptors(link[0]);
	wait_limit_no_descriptors(link[1]);
	return 0;
}

int child_open_program(void)
{
	int fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);

	/* Without /proc: the path that execve(2) was called with. */
	if (fd < 0)
		fd = open(
		    (const char *)getauxval(AT_EXECFN), O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* What a child gets of the environment: what sets how the C library, OpenSSL
 * and the dynamic linker work. It must be equal in all processes of the agent.
 * Even the process with CAP_SYS_TIME may get all of it: only the user who
 * starts the agent sets it, and the first process has obeyed it already. */
static const char *const passed_on[] = {
    "ASAN_OPTIONS",
    "GLIBC_TUNABLES",
    "HOSTALIASES",
    "JOURNAL_STREAM",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LOCALDOMAIN",
    "LSAN_OPTIONS",
    "OPENSSL_CONF",
    "OPENSSL_MODULES",
    "OPENSSL_ia32cap",
    "RESOLV_MULTI",
    "RES_OPTIONS",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "SYSTEMD_NSS_RESOLVE_VALIDATE",
    "TZ",
    "UBSAN_OPTIONS",
};

static bool is_passed_on(const char *variable)
{
	for (size_t i = 0; i < ARRAY_LEN(passed_on); i++) {
		size_t len = strlen(passed_on[i]);

		if (strncmp(variable, passed_on[i], len) == 0 &&
		    variable[len] == '=')
			return true;
	}
	return false;
}

static void choose_environment(char *chosen[ARRAY_LEN(passed_on) + 1])
{
	size_t count = 0;

	for (char **e = environ; *e && count < ARRAY_LEN(passed_on); e++)
		if (is_passed_on(*e))
			chosen[count++] = *e;
	chosen[count] = NULL;
}

/* Puts each descriptor where the child expects it. Copies first, to numbers
 * that no descriptor of the child has, so that none overwrites another. */
static bool place(const int fds[], unsigned count, int *program)
{
	const int first_free = CHILD_FIRST_FD + CHILD_FDS_MAX;
	int copies[CHILD_FDS_MAX];

	*program = fcntl(*program, F_DUPFD_CLOEXEC, first_free);
	for (unsigned i = 0; i < count; i++) {
		copies[i] = fds[i] < 0
				? -1
				: fcntl(fds[i], F_DUPFD_CLOEXEC, first_free);
		if (fds[i] >= 0 && copies[i] < 0)
			return false;
	}
	for (int fd = CHILD_FIRST_FD; fd < first_free; fd++)
		close(fd);
	for (unsigned i = 0; i < count; i++)
		if (copies[i] >= 0 &&
		    dup2(copies[i], CHILD_FIRST_FD + (int)i) < 0)
			return false;
	return *program >= 0;
}

/* A kernel before 5.9, or the filter of a container, knows no close_range(2).
 */
#define DESCRIPTORS_MAX 65536U

void child_close_all(unsigned first, unsigned last)
{
	struct rlimit limit;
	unsigned end = DESCRIPTORS_MAX;

	if (first > last || close_range(first, last, 0) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < end)
		end = (unsigned)limit.rlim_max;
	for (unsigned fd = first; fd < end && fd <= last; fd++)
		close((int)fd);
}

/* Libraries may have opened descriptors without O_CLOEXEC. */
static void close_others(int program)
{
	const unsigned first = CHILD_FIRST_FD + CHILD_FDS_MAX;
	const unsigned kept = (unsigned)program;

	child_close_all(first, kept - 1);
	child_close_all(kept + 1, ~0U);
}

_Noreturn static void become(
    const char *name, int program, const int fds[], unsigned count)
{
	char *environment[ARRAY_LEN(passed_on) + 1];
	char self[] = "ntsagentd", option[64];
	char *arguments[] = {self, option, NULL};

	snprintf(option, sizeof(option), CHILD_OPTION "%s", name);
	choose_environment(environment);
	if (place(fds, count, &program)) {
		close_others(program);
		fexecve(program, arguments, environment);
	}
	log_error("cannot start the %s: %s", name, strerror(errno));
	_exit(CHILD_NOT_EXECUTED);
}

int child_exec(struct child *child, const char *name, int program,
    const int fds[], unsigned count)
{
	pid_t pid;

	assert(count <= CHILD_FDS_MAX);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become(name, program, fds, count);
	*child = (struct child){.name = name, .pid = pid};
	return 0;
}

void child_begin(const char *name)
{
	char title[NAME_MAX_BYTES];

	snprintf(title, sizeof(title), "nts-%s", name);
	prctl(PR_SET_NAME, title);
	log_process(name);
}

void child_take_signals(bool ignore_ends)
{
	sigset_t set = caught_set();

	for (size_t i = 0; ignore_ends && i < ARRAY_LEN(caught); i++)
		if (caught[i] != SIGCHLD)
			signal(caught[i], SIG_IGN);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

bool child_follow(pid_t parent, int signal)
{
	return prctl(PR_SET_PDEATHSIG, signal) == 0 && getppid() == parent;
}

bool child_follow_pipe(int fd, int signal)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETOWN, getpid()) == 0 &&
	       fcntl(fd, F_SETSIG, signal) == 0 &&
	       fcntl(fd, F_SETFL, flags | O_ASYNC) == 0 && poll(&p, 1, 0) == 0;
}

static bool reap(struct child *c)
{
	pid_t got;

	if (c->pid == 0 || c->ended)
		return false;
	got = waitpid(c->pid, &c->status, WNOHANG);
	/* ECHILD: the process is gone, and its status is lost. */
	c->ended = got == c->pid || (got < 0 && errno == ECHILD);
	return c->ended;
}

bool children_reap(struct child *children, unsigned count)
{
	bool any = false;

	for (unsigned i = 0; i < count; i++)
		any |= reap(&children[i]);
	return any;
}

const struct child *children_to_blame(
    const struct child *children, unsigned count)
{
	const struct child *blamed = NULL;

	for (unsigned i = 0; i < count; i++) {
		const struct child *c = &children[i];

		if (c->ended && (!blamed || (WIFSIGNALED(c->status) &&
						!WIFSIGNALED(blamed->status))))
			blamed = c;
	}
	return blamed;
}

void child_end_text(const struct child *child, char text[CHILD_TEXT_MAX])
{
	int status = child->status;

	if (WIFSIGNALED(status))
		snprintf(text, CHILD_TEXT_MAX,
		    "the %s was killed by signal %d (%s)", child->name,
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(text, CHILD_TEXT_MAX,
		    "the %s ended with exit status %d", child->name,
		    WEXITSTATUS(status));
}

void children_signal(const struct child *children, unsigned count, int signal)
{
	for (unsigned i = 0; i < count; i++)
		if (children[i].pid > 0 && !children[i].ended)
			kill(children[i].pid, signal);
}

bool children_all_ended(const struct child *children, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (children[i].pid > 0 && !children[i].ended)
			return false;
	return true;
}
