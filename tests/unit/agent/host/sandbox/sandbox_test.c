/*
 * Each profile, on the kernel that runs the test: which calls it allows, which
 * files and ports it reaches, and what a denied call leaves in the log. Each
 * trial is a process of its own, because a sandbox is never left.
 */
#include "agent/host/sandbox/sandbox.h"

#include "agent/host/sandbox/filter.h"
#include "agent/host/sandbox/landlock.h"
#include "agent/host/sandbox/profiles.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* An architecture and a libseccomp of the test: the linker prefers these. */
static struct {
	uint32_t architecture; /* 0: that of the build */
	const char *unknown;   /* a call that libseccomp does not know */
} library;

uint32_t seccomp_arch_native(void)
{
	void *found = dlsym(RTLD_NEXT, "seccomp_arch_native");
	uint32_t (*native)(void);

	memcpy(&native, &found, sizeof(native));
	return library.architecture ? library.architecture : native();
}

int seccomp_syscall_resolve_name(const char *name)
{
	return library.unknown && strcmp(name, library.unknown) == 0
		   ? __NR_SCMP_ERROR
		   : seccomp_syscall_resolve_name_arch(SCMP_ARCH_NATIVE, name);
}

#define NO_PROCESS 0x7ffffff0L
#define SANDBOX_FAILED 99 /* an exit status */

/* A build with sanitizers has no sandbox. */
static bool none_here(void)
{
	char why[SANDBOX_TEXT_MAX];

	return sandbox_possible(why) != SANDBOX_ON;
}

static struct sandbox_request request_for(enum sandbox_profile profile)
{
	return (struct sandbox_request){
	    .profile = profile, .level = SANDBOX_ON, .program = -1};
}

/* Runs `act` in the sandbox; its result is the exit status. Standard error goes
 * to `log`; -1: away. Returns the status of waitpid(2). */
static int try_as(const struct sandbox_request *r, int log,
    int (*act)(const void *), const void *argument)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		char why[SANDBOX_TEXT_MAX];

		if (log < 0)
			log = open("/dev/null", O_WRONLY);
		dup2(log, STDERR_FILENO);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (!sandbox_enter(r, why))
			_exit(SANDBOX_FAILED);
		_exit(act(argument));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool was_denied(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

/* System calls. */

/* Older headers do not have it. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

#define BIT(profile) (1U << SANDBOX_##profile)
#define NOBODY 0U
#define EVERYBODY ((1U << SANDBOX_PROFILES) - 1)
#define STARTERS (BIT(KEEPER) | BIT(RESOLVER))
#define LOOKERS (BIT(RESOLVER) | BIT(JOB))
#define NETWORKERS (LOOKERS | BIT(ENGINE))
#define READERS (EVERYBODY & ~BIT(GUARD) & ~BIT(EXPORTER) & ~BIT(CMDMON))
#define WRITERS (BIT(KEEPER) | BIT(ENGINE) | BIT(SAVER) | BIT(LOGGER))
#define LOADERS (STARTERS | BIT(ENGINE) | BIT(JOB))

struct call {
	const char *what;
	long number;
	long arguments[5];
	unsigned allowed; /* profiles */
};

static const struct call calls[] = {
    {"clock_adjtime", SYS_clock_adjtime, {CLOCK_REALTIME},
	BIT(KEEPER) | BIT(GUARD)},
    {"clock_adjtime of another clock", SYS_clock_adjtime, {CLOCK_TAI}, NOBODY},
    {"clock_settime", SYS_clock_settime, {CLOCK_REALTIME}, NOBODY},
    {"adjtimex", SYS_adjtimex, {0}, NOBODY},
    {"clock_gettime", SYS_clock_gettime, {CLOCK_BOOTTIME}, EVERYBODY},
    {"the clock of another process", SYS_clock_gettime, {-6}, NOBODY},
    {"fork", SYS_clone, {SIGCHLD}, STARTERS},
    {"a thread", SYS_clone, {CLONE_VM | CLONE_THREAD | CLONE_SIGHAND}, NOBODY},
    {"a user namespace", SYS_clone, {CLONE_NEWUSER | SIGCHLD}, NOBODY},
    {"unshare", SYS_unshare, {CLONE_NEWUSER}, NOBODY},
    {"setns", SYS_setns, {-1}, NOBODY},
    {"execve", SYS_execve, {0}, NOBODY},
    {"execveat of a descriptor", SYS_execveat,
	{-1, (long)"", 0, 0, AT_EMPTY_PATH}, STARTERS},
    {"execveat of a path", SYS_execveat, {-1, (long)"", 0, 0, 0}, NOBODY},
    {"ptrace", SYS_ptrace, {-1}, NOBODY},
    {"process_vm_readv", SYS_process_vm_readv, {NO_PROCESS}, NOBODY},
    {"process_vm_writev", SYS_process_vm_writev, {NO_PROCESS}, NOBODY},
    {"SIGTERM", SYS_kill, {NO_PROCESS, SIGTERM}, BIT(KEEPER)},
    {"SIGKILL", SYS_kill, {NO_PROCESS, SIGKILL}, STARTERS},
    {"SIGSTOP", SYS_kill, {NO_PROCESS, SIGSTOP}, NOBODY},
    {"SIGABRT to another one", SYS_tgkill, {NO_PROCESS, NO_PROCESS, SIGABRT},
	STARTERS},
    {"tgkill SIGSTOP", SYS_tgkill, {NO_PROCESS, NO_PROCESS, SIGSTOP}, NOBODY},
    {"rt_sigqueueinfo", SYS_rt_sigqueueinfo, {NO_PROCESS}, NOBODY},
    {"a signal by SIGIO", SYS_fcntl, {0, F_SETOWN, NO_PROCESS}, NOBODY},
    {"pidfd_open", 434, {NO_PROCESS}, NOBODY},
    {"io_uring_setup", 425, {-1}, NOBODY},
    {"bpf", SYS_bpf, {-1}, NOBODY},
    {"perf_event_open", SYS_perf_event_open, {0, -1}, NOBODY},
    {"memfd_create", SYS_memfd_create, {0}, NOBODY},
    {"keyctl", SYS_keyctl, {-1}, NOBODY},
    {"mount", SYS_mount, {0}, NOBODY},
    {"chroot", SYS_chroot, {0}, NOBODY},
    {"setuid", SYS_setuid, {0}, NOBODY},
    {"capset", SYS_capset, {0}, STARTERS},
    {"reads a limit", SYS_prlimit64, {0, RLIMIT_NOFILE}, EVERYBODY},
    {"sets a limit", SYS_prlimit64, {0, RLIMIT_NOFILE, 1}, STARTERS},
    {"sets a limit of another one", SYS_prlimit64,
	{NO_PROCESS, RLIMIT_NOFILE, 1}, NOBODY},
    {"becomes dumpable", SYS_prctl, {PR_SET_DUMPABLE, 1}, NOBODY},
    {"reads dumpable", SYS_prctl, {PR_GET_DUMPABLE}, EVERYBODY},
    {"SIGSYS", SYS_rt_sigaction, {SIGSYS, 0, 0, 8}, STARTERS},
    {"SIGTERM's handler", SYS_rt_sigaction, {SIGTERM, 0, 0, 8}, EVERYBODY},
    {"opens to read", SYS_openat, {-1, (long)"x", O_RDONLY | O_DIRECTORY},
	READERS},
    {"opens to write", SYS_openat, {-1, (long)"x", O_WRONLY}, WRITERS},
    {"opens to read and write", SYS_openat, {-1, (long)"x", O_RDWR}, WRITERS},
    {"makes a file", SYS_openat, {-1, (long)"x", O_CREAT}, WRITERS},
    {"truncates a file", SYS_openat, {-1, (long)"x", O_TRUNC}, WRITERS},
    {"makes a file without a name", SYS_openat, {-1, (long)"x", O_TMPFILE},
	WRITERS},
    {"makes a file for others to execute as this user", SYS_openat,
	{-1, (long)"x", O_WRONLY | O_CREAT, 0755 | S_ISUID}, NOBODY},
    {"changes a mode", SYS_fchmod, {-1, 0644}, WRITERS},
    {"lends its user to others", SYS_fchmod, {-1, 0755 | S_ISUID}, NOBODY},
    {"lends its group to others", SYS_fchmod, {-1, 0755 | S_ISGID}, NOBODY},
    {"removes a file", SYS_unlinkat, {-1, (long)"x"}, WRITERS},
    {"renames a file", SYS_renameat, {-1, (long)"x", -1, (long)"y"}, WRITERS},
    {"makes a folder", SYS_mkdirat, {-1, (long)"x"}, NOBODY},
    {"makes a link", SYS_symlinkat, {(long)"x", -1, (long)"y"}, NOBODY},
    {"memory to execute", SYS_mmap,
	{0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1},
	NOBODY},
    {"a file to execute", SYS_mmap,
	{0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, -1}, LOADERS},
    {"a file to write and execute", SYS_mmap,
	{0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, -1}, NOBODY},
    {"memory", SYS_mmap,
	{0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1},
	EVERYBODY},
    {"makes memory executable", SYS_mprotect, {0, 4096, PROT_EXEC}, NOBODY},
    {"TCP", SYS_socket, {AF_INET, SOCK_STREAM}, LOOKERS},
    {"TCP over IPv6", SYS_socket, {AF_INET6, SOCK_STREAM | SOCK_CLOEXEC},
	LOOKERS},
    {"MPTCP", SYS_socket, {AF_INET, SOCK_STREAM, 262}, NOBODY},
    {"UDP", SYS_socket, {AF_INET, SOCK_DGRAM}, NETWORKERS},
    {"UDP over IPv6", SYS_socket, {AF_INET6, SOCK_DGRAM}, NETWORKERS},
    {"ICMP", SYS_socket, {AF_INET, SOCK_DGRAM, IPPROTO_ICMP}, NOBODY},
    {"a raw socket", SYS_socket, {AF_INET, SOCK_RAW, IPPROTO_UDP}, NOBODY},
    {"a packet socket", SYS_socket, {AF_PACKET, SOCK_RAW}, NOBODY},
    {"routes and addresses", SYS_socket, {AF_NETLINK, SOCK_RAW}, NETWORKERS},
    {"another netlink", SYS_socket, {AF_NETLINK, SOCK_RAW, NETLINK_GENERIC},
	NOBODY},
    {"the log", SYS_socket, {AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC}, EVERYBODY},
    {"a UNIX stream", SYS_socket, {AF_UNIX, SOCK_STREAM},
	LOOKERS | BIT(EXPORTER) | BIT(CMDMON)},
    {"a limit of the time to connect", SYS_setsockopt,
	{-1, SOL_SOCKET, SO_SNDTIMEO}, LOOKERS | BIT(EXPORTER) | BIT(CMDMON)},
    {"room for more datagrams", SYS_setsockopt, {-1, SOL_SOCKET, SO_RCVBUF},
	NETWORKERS},
    {"AF_ALG", SYS_socket, {AF_ALG, SOCK_SEQPACKET}, NOBODY},
    {"binds netlink", SYS_bind, {-1, 0, sizeof(struct sockaddr_nl)},
	BIT(ENGINE)},
    {"binds IPv4", SYS_bind, {-1, 0, sizeof(struct sockaddr_in)}, NOBODY},
    {"binds IPv6", SYS_bind, {-1, 0, sizeof(struct sockaddr_in6)}, NOBODY},
    {"listens", SYS_listen, {-1, 1}, NOBODY},
    {"accepts", SYS_accept4, {-1, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK},
	BIT(ENGINE) | BIT(EXPORTER)},
    {"connects while it sends", SYS_sendto, {-1, 0, 0, MSG_FASTOPEN}, NOBODY},
    {"a socket option", SYS_setsockopt, {-1, SOL_SOCKET, SO_ATTACH_FILTER},
	NOBODY},
    {"refuses descriptors", SYS_setsockopt, {-1, SOL_SOCKET, SO_PASSRIGHTS},
	STARTERS},
    {"makes close(2) wait", SYS_setsockopt, {-1, SOL_SOCKET, SO_LINGER},
	NOBODY},
    {"limits a wait", SYS_setitimer, {ITIMER_REAL},
	BIT(RESOLVER) | BIT(ENGINE) | BIT(CMDMON)},
    {"measures its work", SYS_setitimer, {ITIMER_PROF}, NOBODY},
    {"types into a terminal", SYS_ioctl, {-1, TIOCSTI}, NOBODY},
    /* The logger has no secret. */
    {"locks memory", SYS_mlock, {0, 0}, NETWORKERS | (WRITERS & ~BIT(LOGGER))},
    {"asks for SIGCONT", SYS_fcntl, {0, F_SETSIG, SIGCONT},
	BIT(KEEPER) | BIT(GUARD)},
    {"asks for SIGKILL", SYS_fcntl, {0, F_SETSIG, SIGKILL}, NOBODY},
    {"has another process signalled", SYS_fcntl, {0, F_SETOWN, NO_PROCESS},
	NOBODY},
    {"inotify", SYS_inotify_init1, {0}, BIT(ENGINE)},
};

static int make_call(const void *argument)
{
	const struct call *c = argument;
	long result = syscall(c->number, c->arguments[0], c->arguments[1],
	    c->arguments[2], c->arguments[3], c->arguments[4], 0);

	(void)result; /* of fork: 0 in the child, which ends, too */
	return 0;
}

static void each_profile_allows_its_calls_and_no_other(void **state)
{
	unsigned wrong = 0;

	(void)state;
	if (none_here())
		return;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		for (int p = 0; p < SANDBOX_PROFILES; p++) {
			const struct sandbox_request r =
			    request_for((enum sandbox_profile)p);
			int status = try_as(&r, -1, make_call, &calls[i]);
			bool allowed = calls[i].allowed & (1U << p);

			if (was_denied(status) == !allowed &&
			    (was_denied(status) || status == 0))
				continue;
			print_error("%s, %s: status 0x%x\n",
			    profile_of(r.profile)->name, calls[i].what,
			    (unsigned)status);
			wrong++;
		}
	assert_int_equal(wrong, 0);
}

static int status_of(int error)
{
	return W_EXITCODE(error, 0);
}

static int opens_netlink(const void *unused)
{
	(void)unused;
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE) < 0
		   ? errno
		   : 0;
}

/* The C library asks it, and does not need it. */
static void a_lookup_goes_on_without_netlink(void **state)
{
	static const struct {
		enum sandbox_profile profile;
		int error;
	} rows[] = {{SANDBOX_ENGINE, 0}, {SANDBOX_RESOLVER, EAFNOSUPPORT},
	    {SANDBOX_JOB, EAFNOSUPPORT}};

	(void)state;
	if (none_here())
		return;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct sandbox_request r = request_for(rows[i].profile);

		assert_int_equal(try_as(&r, -1, opens_netlink, NULL),
		    status_of(rows[i].error));
	}
}

/* What the configuration adds, for the processes that use it. */
static const struct added {
	struct call call; /* `allowed` is not used */
	unsigned own_end;
} added[] = {
    {{"binds IPv4", SYS_bind, {-1, 0, sizeof(struct sockaddr_in)}, 0},
	SANDBOX_BINDS},
    {{"binds IPv6", SYS_bind, {-1, 0, sizeof(struct sockaddr_in6)}, 0},
	SANDBOX_BINDS},
    {{"binds a UNIX name", SYS_bind, {-1, 0, sizeof(struct sockaddr_un)}, 0},
	0},
    {{"shares a port", SYS_setsockopt, {-1, SOL_SOCKET, SO_REUSEPORT}, 0},
	SANDBOX_BINDS},
    {{"chooses a device", SYS_setsockopt, {-1, SOL_SOCKET, SO_BINDTODEVICE}, 0},
	SANDBOX_DEVICES},
    {{"marks IPv4", SYS_setsockopt, {-1, IPPROTO_IP, IP_TOS}, 0},
	SANDBOX_MARKS},
    {{"marks IPv6", SYS_setsockopt, {-1, IPPROTO_IPV6, IPV6_TCLASS}, 0},
	SANDBOX_MARKS},
    {{"listens", SYS_listen, {-1, 1}, 0}, 0},
};

static void a_process_may_bind_only_what_is_configured(void **state)
{
	static const enum sandbox_profile users[] = {
	    SANDBOX_ENGINE, SANDBOX_RESOLVER, SANDBOX_JOB};

	(void)state;
	if (none_here())
		return;
	for (size_t u = 0; u < ARRAY_LEN(users); u++)
		for (unsigned own = 0; own <= 4; own = own ? own * 2 : 1) {
			struct sandbox_request r = request_for(users[u]);

			r.own_end = own;
			for (size_t i = 0; i < ARRAY_LEN(added); i++) {
				int status =
				    try_as(&r, -1, make_call, &added[i].call);

				assert_int_equal(was_denied(status),
				    (added[i].own_end & own) == 0);
			}
		}
}

/* Landlock does not know UDP; a job may choose the address of a connection, but
 * not its port. */
static int bind_tcp(const void *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_port = htons(*(const uint16_t *)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0
		   ? 0
		   : errno;
}

static void a_connection_may_have_an_own_address_but_no_own_port(void **state)
{
	static const uint16_t ports[] = {0, 61234};
	struct sandbox_request r = request_for(SANDBOX_JOB);

	(void)state;
	if (none_here())
		return;
	r.own_end = SANDBOX_BINDS;
	assert_int_equal(try_as(&r, -1, bind_tcp, &ports[0]), 0);
	if (landlock_version() >= LANDLOCK_ABI_TCP)
		assert_int_equal(
		    WEXITSTATUS(try_as(&r, -1, bind_tcp, &ports[1])), EACCES);
}

/* Resource limits. */

static int show_limits(const void *argument)
{
	const struct profile *p = argument;

	for (unsigned i = 0; i < PROFILE_LIMITS_MAX && p->limits[i].what; i++) {
		struct rlimit l;

		if (getrlimit((__rlimit_resource_t)p->limits[i].resource, &l) !=
			0 ||
		    l.rlim_cur != p->limits[i].value ||
		    l.rlim_max != p->limits[i].value)
			return 1;
	}
	return 0;
}

static void the_limits_are_set(void **state)
{
	(void)state;
	if (none_here())
		return;
	for (int i = 0; i < SANDBOX_PROFILES; i++) {
		const struct sandbox_request r =
		    request_for((enum sandbox_profile)i);

		assert_int_equal(
		    try_as(&r, -1, show_limits, profile_of(r.profile)), 0);
	}
}

/* Files. */

struct folder {
	char path[64], file[96], link[96], elsewhere[96];
};

static void make_folder(struct folder *f)
{
	int fd;

	strcpy(f->path, "/var/tmp/sandbox.XXXXXX");
	assert_non_null(mkdtemp(f->path));
	snprintf(f->file, sizeof(f->file), "%s/file", f->path);
	snprintf(f->link, sizeof(f->link), "%s/trust", f->path);
	snprintf(f->elsewhere, sizeof(f->elsewhere), "%s/trust/root", f->path);
	fd = open(f->file, O_WRONLY | O_CREAT, 0644);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(mkdir(f->link, 0755), 0);
	assert_int_equal(symlink(f->file, f->elsewhere), 0);
}

static void remove_folder(const struct folder *f)
{
	unlink(f->elsewhere);
	rmdir(f->link);
	unlink(f->file);
	assert_int_equal(rmdir(f->path), 0);
}

/* Each returns 0 or an errno. */
static int reads(const void *path)
{
	return open(path, O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

static int writes(const void *path)
{
	return open(path, O_WRONLY | O_CLOEXEC) < 0 ? errno : 0;
}

static int replaces(const void *path)
{
	char fresh[128];
	int fd;

	snprintf(fresh, sizeof(fresh), "%s.new", (const char *)path);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_TRUNC, 0600);
	if (fd < 0)
		return errno;
	if (write(fd, "x", 1) != 1 || fsync(fd) != 0 ||
	    rename(fresh, path) != 0)
		return errno;
	return 0;
}

static int removes(const void *path)
{
	return unlink(path) == 0 ? 0 : errno;
}

static void files_are_confined(void **state)
{
	struct folder f;
	struct sandbox_request r;
	const char *trust[1];
	char list[128];

	(void)state;
	if (none_here() || landlock_version() == 0)
		return;
	make_folder(&f);
	trust[0] = f.link;
	r = request_for(SANDBOX_JOB);
	assert_int_equal(try_as(&r, -1, reads, "/etc/passwd"), 0);
	assert_int_equal(try_as(&r, -1, reads, f.file), status_of(EACCES));
	assert_int_equal(try_as(&r, -1, reads, f.path), status_of(EACCES));
	/* A trusted folder, and what its links lead to. */
	r.reads = trust;
	r.read_count = 1;
	assert_int_equal(try_as(&r, -1, reads, f.link), 0);
	assert_int_equal(try_as(&r, -1, reads, f.elsewhere), 0);
	assert_int_equal(try_as(&r, -1, reads, f.path), status_of(EACCES));
	/* The environment names folders, too. */
	r.read_count = 0;
	setenv("SSL_CERT_DIR", "/nowhere:", 1);
	assert_int_equal(try_as(&r, -1, reads, f.elsewhere), status_of(EACCES));
	snprintf(list, sizeof(list), "/nowhere:%s", f.link);
	setenv("SSL_CERT_DIR", list, 1);
	assert_int_equal(try_as(&r, -1, reads, f.elsewhere), 0);
	unsetenv("SSL_CERT_DIR");

	r = request_for(SANDBOX_ENGINE);
	assert_int_equal(try_as(&r, -1, reads, f.file), 0);
	assert_int_equal(try_as(&r, -1, writes, f.file), status_of(EACCES));
	assert_int_equal(try_as(&r, -1, removes, f.file), status_of(EACCES));
	assert_int_equal(try_as(&r, -1, replaces, f.file), status_of(EACCES));
	r.writes[1] = f.path;
	assert_int_equal(try_as(&r, -1, replaces, f.file), 0);

	r = request_for(SANDBOX_SAVER);
	r.writes[0] = f.path;
	assert_int_equal(try_as(&r, -1, replaces, f.file), 0);
	assert_int_equal(
	    try_as(&r, -1, reads, "/etc/passwd"), status_of(EACCES));

	r = request_for(SANDBOX_LOGGER);
	assert_int_equal(try_as(&r, -1, writes, f.file), status_of(EACCES));
	r.writes[0] = f.path;
	assert_int_equal(try_as(&r, -1, replaces, f.file), 0);
	assert_int_equal(
	    try_as(&r, -1, reads, "/etc/passwd"), status_of(EACCES));

	r = request_for(SANDBOX_KEEPER);
	r.removes[0] = f.path;
	assert_int_equal(try_as(&r, -1, writes, f.file), status_of(EACCES));
	assert_int_equal(try_as(&r, -1, removes, f.file), 0);
	remove_folder(&f);
}

static int does_nothing(const void *argument)
{
	(void)argument;
	return 0;
}

/* A folder without its rule would be noticed only when a file is saved. */
static void a_folder_that_cannot_be_opened_is_an_error(void **state)
{
	struct sandbox_request r = request_for(SANDBOX_SAVER);
	struct rlimit before, few;
	int next = dup(STDERR_FILENO);

	(void)state;
	close(next);
	if (none_here() || landlock_version() == 0)
		return;
	r.writes[0] = "/nowhere";
	r.writes[1] = "/dev/null/x";
	assert_int_equal(try_as(&r, STDERR_FILENO, does_nothing, NULL), 0);
	/* The only free descriptor is for the set of rules. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = (struct rlimit){(rlim_t)next + 1, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(try_as(&r, STDERR_FILENO, does_nothing, NULL),
	    status_of(SANDBOX_FAILED));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* A job asks for 32 descriptors. */
static void a_narrower_limit_of_the_parent_stays(void **state)
{
	const struct rlimit few = {24, 24};
	const struct sandbox_request r = request_for(SANDBOX_JOB);
	int status = -1;
	pid_t pid;

	(void)state;
	if (none_here())
		return;
	pid = fork();
	if (pid == 0)
		_exit(setrlimit(RLIMIT_NOFILE, &few) == 0 &&
			      try_as(&r, -1, does_nothing, NULL) == 0
			  ? 0
			  : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* What a process that starts others may execute. */

static int executes(const void *argument)
{
	char name[] = "x";
	char *arguments[] = {name, NULL};

	syscall(SYS_execveat, *(const int *)argument, "", arguments, NULL,
	    AT_EMPTY_PATH);
	return errno;
}

static void only_the_program_is_executed(void **state)
{
	struct sandbox_request r = request_for(SANDBOX_RESOLVER);
	int program = open("/bin/true", O_PATH | O_CLOEXEC);
	int other = open("/bin/cat", O_PATH | O_CLOEXEC);

	(void)state;
	if (none_here() || landlock_version() == 0)
		return;
	assert_int_equal(try_as(&r, -1, executes, &program), status_of(EACCES));
	r.program = program;
	assert_int_equal(try_as(&r, -1, executes, &program), 0);
	assert_int_equal(try_as(&r, -1, executes, &other), status_of(EACCES));
	close(program);
	close(other);
}

/* TCP ports. */

static int listens(uint16_t *port)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static int connects(const void *port)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(*(const uint16_t *)port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0
		   ? 0
		   : errno;
}

static void a_job_connects_to_its_port_alone(void **state)
{
	struct sandbox_request r = request_for(SANDBOX_JOB);
	uint16_t port, other, dns = 53;
	int fds[2] = {listens(&port), listens(&other)};
	int status;

	(void)state;
	if (none_here() || landlock_version() < LANDLOCK_ABI_TCP) {
		close(fds[0]);
		close(fds[1]);
		return;
	}
	r.ke_port = port;
	assert_int_equal(try_as(&r, -1, connects, &port), 0);
	assert_int_equal(try_as(&r, -1, connects, &other), status_of(EACCES));
	/* Perhaps nothing listens there. */
	status = try_as(&r, -1, connects, &dns);
	assert_true(status == 0 || status == status_of(ECONNREFUSED));
	/* SRV records name the port. */
	r.any_tcp_port = true;
	assert_int_equal(try_as(&r, -1, connects, &other), 0);
	r.any_tcp_port = false;
	/* The resolver does not know all ports that its jobs will need. */
	r.profile = SANDBOX_RESOLVER;
	assert_int_equal(try_as(&r, -1, connects, &other), 0);
	close(fds[0]);
	close(fds[1]);
}

/* Scopes. */

static int kills(const void *pid)
{
	return kill(*(const pid_t *)pid, SIGKILL) == 0 ? 0 : errno;
}

static int kills_its_child(const void *argument)
{
	pid_t pid = fork();

	(void)argument;
	if (pid == 0)
		for (;;)
			poll(NULL, 0, -1);
	return kill(pid, SIGKILL) == 0 ? 0 : errno;
}

static void signals_reach_only_children(void **state)
{
	struct sandbox_request r = request_for(SANDBOX_RESOLVER);
	pid_t other;

	(void)state;
	if (none_here() || landlock_version() < LANDLOCK_ABI_SCOPES)
		return;
	other = fork();
	if (other == 0)
		for (;;)
			pause();
	assert_int_equal(try_as(&r, -1, kills, &other), status_of(EPERM));
	assert_int_equal(try_as(&r, -1, kills_its_child, NULL), 0);
	/* The keeper has started the others before it is confined. */
	r.profile = SANDBOX_KEEPER;
	assert_int_equal(try_as(&r, -1, kills, &other), 0);
	assert_int_equal(waitpid(other, NULL, 0), other);
}

static struct sockaddr_un abstract_name(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "sandbox-test-%d",
	    (int)getppid());
	return at;
}

static int connects_to_abstract(const void *argument)
{
	const struct sockaddr_un *to = argument;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0
		   ? 0
		   : errno;
}

static void abstract_sockets_are_out_of_reach(void **state)
{
	const struct sockaddr_un at = abstract_name();
	struct sandbox_request r = request_for(SANDBOX_JOB);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	if (!none_here() && landlock_version() >= LANDLOCK_ABI_SCOPES) {
		assert_int_equal(try_as(&r, -1, connects_to_abstract, &at),
		    status_of(EPERM));
		/* NOTIFY_SOCKET of the keeper may be one. */
		r.profile = SANDBOX_KEEPER;
		assert_int_equal(try_as(&r, -1, connects_to_abstract, &at), 0);
	}
	close(fd);
}

/* The log. */

static void a_denied_call_is_one_line(void **state)
{
	const struct call socket = {
	    "", SYS_socket, {AF_ALG, SOCK_SEQPACKET, 7}, 0};
	const struct call unknown = {"", 1000, {0}, 0};
	struct sandbox_request r = request_for(SANDBOX_JOB);
	char text[600];
	int log[2];
	ssize_t len;

	(void)state;
	if (none_here())
		return;
	assert_int_equal(pipe(log), 0);
	assert_true(was_denied(try_as(&r, log[1], make_call, &socket)));
	len = read(log[0], text, sizeof(text) - 1);
	assert_true(len > 0);
	text[len] = '\0';
	assert_non_null(strstr(text,
	    "]: the sandbox ends the job: it may not make the system call "
	    "socket(0x26, 0x5, 0x7, ...); this is an attack or a fault of "
	    "ntsagent: see sandbox in ntsagent.conf(5)\n"));
	assert_ptr_equal(strchr(text, '\n'), text + len - 1);
	r.profile = SANDBOX_GUARD;
	assert_true(was_denied(try_as(&r, log[1], make_call, &unknown)));
	len = read(log[0], text, sizeof(text) - 1);
	text[len > 0 ? len : 0] = '\0';
	assert_non_null(strstr(text, "the sandbox ends the guard: "));
	assert_non_null(strstr(text, "system call number 1000(0x0"));
	close(log[0]);
	close(log[1]);
}

/* A handler of its own does not save the process. */
static void ignore(int number)
{
	(void)number;
}

static int handles_sigsys(const void *argument)
{
	(void)argument;
	signal(SIGSYS, ignore);
	return 0;
}

static int blocks_sigsys(const void *argument)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return make_call(argument);
}

static void sigsys_cannot_be_handled_or_blocked(void **state)
{
	const struct sandbox_request r = request_for(SANDBOX_JOB);
	const struct call c = {"", SYS_execve, {0}, 0};

	(void)state;
	if (none_here())
		return;
	assert_true(was_denied(try_as(&r, -1, handles_sigsys, NULL)));
	assert_true(was_denied(try_as(&r, -1, blocks_sigsys, &c)));
}

/* The levels. */

static void log_and_off_deny_nothing(void **state)
{
	const struct call c = {"", SYS_unshare, {0}, 0};
	struct sandbox_request r = request_for(SANDBOX_JOB);

	(void)state;
	r.level = SANDBOX_LOG;
	assert_int_equal(try_as(&r, -1, make_call, &c), 0);
	assert_int_equal(try_as(&r, -1, reads, "/"), 0);
	r.level = SANDBOX_OFF;
	assert_int_equal(try_as(&r, -1, make_call, &c), 0);
}

static int filters(const void *argument)
{
	(void)argument;
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
}

static void log_has_a_filter_and_off_has_none(void **state)
{
	struct sandbox_request r = request_for(SANDBOX_ENGINE);

	(void)state;
	if (none_here())
		return;
	r.level = SANDBOX_LOG;
	assert_int_equal(try_as(&r, -1, filters, NULL), status_of(2));
	r.level = SANDBOX_OFF;
	assert_int_equal(try_as(&r, -1, filters, NULL), 0);
}

static void a_simulator_has_no_sandbox(void **state)
{
	const char *const names[] = {
	    "/usr/libexec/valgrind/vgpreload_core-amd64-linux.so",
	    "/usr/lib/faketime/libfaketime.so.1", "/x/clknetsim.so"};
	char why[SANDBOX_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		setenv("LD_PRELOAD", names[i], 1);
		assert_int_equal(sandbox_possible(why), SANDBOX_OFF);
		assert_non_null(strstr(why, "other system calls"));
	}
	setenv("LD_PRELOAD", "libjemalloc.so.2", 1);
	assert_int_equal(sandbox_possible(why) == SANDBOX_ON, !none_here());
	unsetenv("LD_PRELOAD");
	assert_int_equal(sandbox_possible(why) == SANDBOX_ON, why[0] == '\0');
}

/* The first call would end the process. */
static void another_table_of_calls_is_no_sandbox(void **state)
{
	static const uint32_t others[] = {SCMP_ARCH_X86, SCMP_ARCH_X32,
	    SCMP_ARCH_ARM, SCMP_ARCH_S390X, SCMP_ARCH_PPC64LE,
	    SCMP_ARCH_RISCV64};
	char why[SANDBOX_TEXT_MAX];

	(void)state;
	if (none_here())
		return;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		library.architecture = others[i];
		assert_int_equal(sandbox_possible(why), SANDBOX_OFF);
		assert_string_equal(why,
		    "its table of system calls is for x86-64 and arm64 alone");
	}
	library.architecture = SCMP_ARCH_AARCH64;
	assert_int_equal(sandbox_possible(why), SANDBOX_ON);
	library.architecture = SCMP_ARCH_X86_64;
	assert_int_equal(sandbox_possible(why), SANDBOX_ON);
	library.architecture = 0;
}

static void an_old_libseccomp_is_no_sandbox(void **state)
{
	char why[SANDBOX_TEXT_MAX];

	(void)state;
	if (none_here())
		return;
	library.unknown = "landlock_add_rule";
	assert_int_equal(sandbox_possible(why), SANDBOX_OFF);
	assert_string_equal(
	    why, "libseccomp is too old for the system call landlock_add_rule");
	/* No process needs this one to start. */
	library.unknown = "inotify_init1";
	assert_int_equal(sandbox_possible(why), SANDBOX_ON);
	library.unknown = NULL;
}

static void what_is_missing_is_counted(void **state)
{
	char text[SANDBOX_TEXT_MAX];
	unsigned count = sandbox_missing(text);

	(void)state;
	assert_int_equal(count == 0, text[0] == '\0');
	assert_int_equal(strstr(text, "Landlock") != NULL,
	    landlock_version() < LANDLOCK_ABI_SCOPES);
	assert_int_equal(strstr(text, "seccomp") != NULL, !filter_available());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_profile_allows_its_calls_and_no_other),
	    cmocka_unit_test(a_lookup_goes_on_without_netlink),
	    cmocka_unit_test(a_process_may_bind_only_what_is_configured),
	    cmocka_unit_test(
		a_connection_may_have_an_own_address_but_no_own_port),
	    cmocka_unit_test(the_limits_are_set),
	    cmocka_unit_test(files_are_confined),
	    cmocka_unit_test(a_folder_that_cannot_be_opened_is_an_error),
	    cmocka_unit_test(a_narrower_limit_of_the_parent_stays),
	    cmocka_unit_test(only_the_program_is_executed),
	    cmocka_unit_test(a_job_connects_to_its_port_alone),
	    cmocka_unit_test(signals_reach_only_children),
	    cmocka_unit_test(abstract_sockets_are_out_of_reach),
	    cmocka_unit_test(a_denied_call_is_one_line),
	    cmocka_unit_test(sigsys_cannot_be_handled_or_blocked),
	    cmocka_unit_test(log_and_off_deny_nothing),
	    cmocka_unit_test(log_has_a_filter_and_off_has_none),
	    cmocka_unit_test(a_simulator_has_no_sandbox),
	    cmocka_unit_test(another_table_of_calls_is_no_sandbox),
	    cmocka_unit_test(an_old_libseccomp_is_no_sandbox),
	    cmocka_unit_test(what_is_missing_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
