/*
 * A job that a server has taken over: this program drops its rights and enters
 * the job's sandbox as a job does, and then tries what an attacker would. Each
 * attempt is a process of its own, and is made twice: without the sandbox,
 * where it must succeed if the table says so, because an attempt that cannot
 * succeed shows nothing; and with it, where it must fail.
 *
 * usage: job
 * As root it becomes the user nobody; otherwise it keeps its user. Root then
 * makes each attempt again, as a job with a user of its own and without
 * Landlock, which a filter makes fail: the job must not even read. At the end,
 * it tries without any sandbox what that user alone prevents.
 */
#include "agent/host/privileges.h"
#include "agent/host/runtime_files.h"
#include "agent/host/sandbox/landlock.h"
#include "agent/host/sandbox/sandbox.h"
#include "agent/launch/confine.h"
#include "agent/launch/processes.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define SECOND 65533 /* of the jobs */
#define PATH_BYTES 128
/* Numbers that old headers lack; equal on all architectures. */
#define NR_PIDFD_SEND_SIGNAL 424
#define NR_IO_URING_SETUP 425
#define NR_PIDFD_OPEN 434
#define NR_CLONE3 435
#define NR_PIDFD_GETFD 438

/* What the agent has, and what the attacker is after. */
static struct {
	struct identity identity;
	struct identity second;	  /* of the jobs, in the rounds with it */
	char folder[PATH_BYTES];  /* of the keys; the agent's user owns it */
	char key[PATH_BYTES];	  /* a saved key in it */
	char runtime[PATH_BYTES]; /* a folder that others may enter */
	char status[PATH_BYTES];  /* the status socket in it */
	char drift[PATH_BYTES];	  /* a file of the state in it */
	char control[PATH_BYTES]; /* a socket of root */
	char open[PATH_BYTES];	  /* a socket of all, as the status has */
	char trust[PATH_BYTES];	  /* a trusted certificate */
	pid_t victim;		  /* another process of the agent's user */
	uint16_t ke_port, other_port; /* of this machine; both are open */
	int control_fd, open_fd, victim_pipe;
} scene;

/* Each attempt returns 0 when it succeeds, or an errno. */
static int result_of(long result)
{
	return result < 0 ? errno : 0;
}

/* Saved keys. */

static int read_key(void)
{
	char byte;
	int fd = open(scene.key, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? errno : result_of(read(fd, &byte, 1));
}

static int list_keys(void)
{
	return opendir(scene.folder) ? 0 : errno;
}

static int write_key(void)
{
	return result_of(open(scene.key, O_WRONLY | O_CLOEXEC));
}

static int cut_key(void)
{
	return result_of(truncate(scene.key, 0));
}

static int forge_key(void)
{
	char path[PATH_BYTES + 8];

	snprintf(path, sizeof(path), "%.100s/forged", scene.folder);
	return result_of(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int remove_key(void)
{
	return result_of(unlink(scene.key));
}

static int rename_key(void)
{
	char path[PATH_BYTES + 8];

	snprintf(path, sizeof(path), "%.100s/renamed", scene.folder);
	return result_of(rename(scene.key, path));
}

static int link_key(void)
{
	char path[PATH_BYTES + 8];

	snprintf(path, sizeof(path), "%.100s/linked", scene.folder);
	return result_of(link(scene.key, path));
}

static int unprotect_key(void)
{
	return result_of(chmod(scene.key, 0644));
}

/* The state and runtime folders. */

static int read_drift(void)
{
	char byte;
	int fd = open(scene.drift, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? errno : result_of(read(fd, &byte, 1));
}

static int replace_drift(void)
{
	return result_of(unlink(scene.drift));
}

static int make_in_runtime(void)
{
	char path[PATH_BYTES + 8];

	snprintf(path, sizeof(path), "%.100s/forged", scene.runtime);
	return result_of(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int remove_status_socket(void)
{
	return result_of(unlink(scene.status));
}

static int write_anywhere(void)
{
	char path[] = "/tmp/attack.XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		return errno;
	unlink(path);
	return result_of(write(fd, "x", 1));
}

/* The other processes. */

static int stop_victim(void)
{
	return result_of(kill(scene.victim, SIGSTOP));
}

static int kill_victim(void)
{
	return result_of(kill(scene.victim, SIGKILL));
}

static int kill_victims_thread(void)
{
	return result_of(
	    syscall(SYS_tgkill, scene.victim, scene.victim, SIGABRT));
}

static int queue_signal(void)
{
	return result_of(
	    sigqueue(scene.victim, SIGTERM, (union sigval){.sival_int = 0}));
}

static int signal_by_pidfd(void)
{
	int fd = (int)syscall(NR_PIDFD_OPEN, scene.victim, 0);

	return fd < 0 ? errno
		      : result_of(syscall(
			    NR_PIDFD_SEND_SIGNAL, fd, SIGTERM, NULL, 0));
}

static int signal_by_descriptor(void)
{
	return result_of(fcntl(STDIN_FILENO, F_SETOWN, scene.victim));
}

static int trace_victim(void)
{
	return result_of(ptrace(PTRACE_SEIZE, scene.victim, NULL, NULL));
}

static int read_victims_memory(void)
{
	char byte;
	struct iovec here = {&byte, 1}, there = {scene.folder, 1};

	return result_of(
	    process_vm_readv(scene.victim, &here, 1, &there, 1, 0));
}

static int open_victims_memory(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)scene.victim);
	return result_of(open(path, O_RDONLY | O_CLOEXEC));
}

static int take_victims_descriptor(void)
{
	int fd = (int)syscall(NR_PIDFD_OPEN, scene.victim, 0);

	return fd < 0 ? errno
		      : result_of(
			    syscall(NR_PIDFD_GETFD, fd, scene.victim_pipe, 0));
}

static int limit_victim(void)
{
	const struct rlimit none = {0, 0};

	return result_of(prlimit(scene.victim, RLIMIT_NOFILE, &none, NULL));
}

/* Programs and processes. */

static int execute(void)
{
	char name[] = "true";
	char *const arguments[] = {name, NULL};

	execv("/bin/true", arguments);
	return errno;
}

static int execute_descriptor(void)
{
	char name[] = "true";
	char *const arguments[] = {name, NULL};
	int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);

	fexecve(fd, arguments, environ);
	return errno;
}

static int fork_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return result_of(pid);
}

static int clone_process(void)
{
	uint64_t arguments[11] = {[4] = SIGCHLD};
	long pid = syscall(NR_CLONE3, arguments, sizeof(arguments));

	if (pid == 0)
		_exit(0);
	return result_of(pid);
}

static void *do_nothing(void *argument)
{
	return argument;
}

static int start_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, do_nothing, NULL);
}

static int map_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? errno : 0;
}

static int make_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return result_of(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int make_memory_file(void)
{
	return result_of(memfd_create("x", 0));
}

static int become_dumpable(void)
{
	return result_of(prctl(PR_SET_DUMPABLE, 1));
}

static int raise_limit(void)
{
	const struct rlimit one = {1, 1};

	return result_of(setrlimit(RLIMIT_STACK, &one));
}

static int use_io_uring(void)
{
	char parameters[120] = {0};

	return result_of(syscall(NR_IO_URING_SETUP, 4, parameters));
}

static int make_user_namespace(void)
{
	return result_of(unshare(CLONE_NEWUSER));
}

static int handle_sigsys(void)
{
	return signal(SIGSYS, SIG_IGN) == SIG_ERR ? errno : 0;
}

static int load_program_into_kernel(void)
{
	return result_of(syscall(SYS_bpf, 0, NULL, 0));
}

static int add_to_keyring(void)
{
	return result_of(syscall(SYS_add_key, "user", "x", "y", 1L, -3L));
}

/* The network. */

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static int connect_to(uint16_t port)
{
	const struct sockaddr_in to = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return errno;
	return result_of(connect(fd, (const struct sockaddr *)&to, sizeof(to)));
}

static int connect_to_ke_port(void)
{
	return connect_to(scene.ke_port);
}

static int connect_to_other_port(void)
{
	return connect_to(scene.other_port);
}

static int connect_while_sending(void)
{
	const struct sockaddr_in to = loopback(scene.other_port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return result_of(sendto(fd, "x", 1, MSG_FASTOPEN,
	    (const struct sockaddr *)&to, sizeof(to)));
}

static int connect_by_mptcp(void)
{
	const struct sockaddr_in to = loopback(scene.other_port);
	int fd = socket(AF_INET, SOCK_STREAM, 262);

	if (fd < 0)
		return errno;
	return result_of(connect(fd, (const struct sockaddr *)&to, sizeof(to)));
}

static int bind_tcp(void)
{
	const struct sockaddr_in at = loopback(0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return result_of(bind(fd, (const struct sockaddr *)&at, sizeof(at)));
}

static int bind_udp(void)
{
	const struct sockaddr_in at = loopback(0);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return result_of(bind(fd, (const struct sockaddr *)&at, sizeof(at)));
}

static int bind_unix(void)
{
	const struct sockaddr_un at = {
	    .sun_family = AF_UNIX, .sun_path = "\0attack"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return result_of(bind(fd, (const struct sockaddr *)&at, sizeof(at)));
}

/* It is as long as an address of netlink, which the engine may bind. */
static int bind_short_unix(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	/* A byte 0 and nine digits, which no other process has. */
	snprintf(at.sun_path + 1, sizeof(at.sun_path) - 1, "%09u",
	    (unsigned)getpid() % 1000000000U);
	return result_of(
	    bind(fd, (const struct sockaddr *)&at, sizeof(struct sockaddr_nl)));
}

static int listen_tcp(void)
{
	return result_of(listen(socket(AF_INET, SOCK_STREAM, 0), 1));
}

/* A descriptor that is sent to the parent is closed there. */
static int make_close_wait(void)
{
	const struct linger an_hour = {1, 3600};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return result_of(
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &an_hour, sizeof(an_hour)));
}

static int open_netlink(void)
{
	return result_of(socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC));
}

static int open_routing_netlink(void)
{
	return result_of(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
}

static int open_raw(void)
{
	return result_of(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int open_packets(void)
{
	return result_of(socket(AF_PACKET, SOCK_RAW, 0));
}

static int open_crypto(void)
{
	return result_of(socket(AF_ALG, SOCK_SEQPACKET, 0));
}

static int connect_to_path(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%.100s", path);
	return result_of(connect(fd, (const struct sockaddr *)&to, sizeof(to)));
}

static int give_order(void)
{
	return connect_to_path(scene.control);
}

static int connect_to_open_socket(void)
{
	return connect_to_path(scene.open);
}

static int send_datagram(void)
{
	const struct sockaddr_in to = loopback(9);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return result_of(
	    sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)));
}

static int read_certificate(void)
{
	return result_of(open(scene.trust, O_RDONLY | O_CLOEXEC));
}

/* The table. */

enum outcome {
	MUST_FAIL,
	/* Without the sandbox, too: the user has no right to it. */
	ALWAYS_FAILS,
	/* Landlock of this version is needed. */
	MUST_FAIL_IF_FILES,
	MUST_FAIL_IF_PORTS,
	/* The job's work: it must succeed, or the attempts show nothing. */
	MUST_SUCCEED,
	/* It succeeds, as the documents say. */
	MAY_SUCCEED,
};

static const struct attempt {
	const char *what;
	int (*act)(void);
	enum outcome outcome;
	bool of_user; /* a user of its own suffices to prevent it */
} attempts[] = {
    {"read a saved key", read_key, MUST_FAIL_IF_FILES, true},
    {"list the saved keys", list_keys, MUST_FAIL_IF_FILES, true},
    {"write a saved key", write_key, MUST_FAIL, true},
    {"cut a saved key", cut_key, MUST_FAIL, true},
    {"forge a saved key", forge_key, MUST_FAIL, true},
    {"remove a saved key", remove_key, MUST_FAIL, true},
    {"rename a saved key", rename_key, MUST_FAIL, true},
    {"link a saved key", link_key, MUST_FAIL, true},
    {"make a saved key readable", unprotect_key, MUST_FAIL, true},
    {"read the drift", read_drift, MUST_FAIL_IF_FILES, true},
    {"replace the drift", replace_drift, MUST_FAIL, true},
    {"make a file in the runtime folder", make_in_runtime, MUST_FAIL, true},
    {"remove the status socket", remove_status_socket, MUST_FAIL, true},
    {"write a file in /tmp", write_anywhere, MUST_FAIL, false},
    {"stop another process", stop_victim, MUST_FAIL, true},
    {"kill another process", kill_victim, MUST_FAIL, true},
    {"kill a thread of another process", kill_victims_thread, MUST_FAIL, true},
    {"queue a signal", queue_signal, MUST_FAIL, true},
    {"signal by pidfd", signal_by_pidfd, MUST_FAIL, true},
    {"signal by a descriptor's owner", signal_by_descriptor, MUST_FAIL, false},
    {"ptrace another process", trace_victim, MUST_FAIL, true},
    {"read another process's memory", read_victims_memory, MUST_FAIL, true},
    {"open another process's memory", open_victims_memory, MUST_FAIL_IF_FILES,
	true},
    {"take another process's descriptor", take_victims_descriptor, MUST_FAIL,
	true},
    {"limit another process", limit_victim, MUST_FAIL, true},
    {"execute a program", execute, MUST_FAIL, false},
    {"execute a descriptor", execute_descriptor, MUST_FAIL, false},
    {"fork", fork_process, MUST_FAIL, false},
    {"clone3", clone_process, MUST_FAIL, false},
    {"start a thread", start_thread, MUST_FAIL, false},
    {"map code", map_code, MUST_FAIL, false},
    {"turn data into code", make_code, MUST_FAIL, false},
    {"make a file in memory", make_memory_file, MUST_FAIL, false},
    {"become dumpable", become_dumpable, MUST_FAIL, false},
    {"change a limit", raise_limit, MUST_FAIL, false},
    {"use io_uring", use_io_uring, MUST_FAIL, false},
    {"make a user namespace", make_user_namespace, MUST_FAIL, false},
    {"handle SIGSYS", handle_sigsys, MUST_FAIL, false},
    {"load a BPF map", load_program_into_kernel, ALWAYS_FAILS, false},
    {"add a key to a keyring", add_to_keyring, MUST_FAIL, false},
    {"connect to another TCP port", connect_to_other_port, MUST_FAIL_IF_PORTS,
	false},
    {"connect while sending", connect_while_sending, MUST_FAIL, false},
    {"connect by MPTCP", connect_by_mptcp, MUST_FAIL, false},
    {"bind TCP", bind_tcp, MUST_FAIL, false},
    {"bind UDP", bind_udp, MUST_FAIL, false},
    {"bind a UNIX name", bind_unix, MUST_FAIL, false},
    {"bind a UNIX name of ten bytes", bind_short_unix, MUST_FAIL, false},
    {"listen", listen_tcp, MUST_FAIL, false},
    {"make the close of a socket wait", make_close_wait, MUST_FAIL, false},
    {"open generic netlink", open_netlink, MUST_FAIL, false},
    {"open routing netlink", open_routing_netlink, MUST_FAIL, false},
    {"open a raw socket", open_raw, ALWAYS_FAILS, false},
    {"open a packet socket", open_packets, ALWAYS_FAILS, false},
    {"open the kernel's cryptography", open_crypto, ALWAYS_FAILS, false},
    {"give an order on a socket of root", give_order, ALWAYS_FAILS, false},
    {"work: connect to the KE port", connect_to_ke_port, MUST_SUCCEED, false},
    {"work: read a trusted certificate", read_certificate, MUST_SUCCEED, false},
    {"limit: send UDP to any address", send_datagram, MAY_SUCCEED, false},
    {"limit: connect to the status socket, or another one of all users",
	connect_to_open_socket, MAY_SUCCEED, false},
};

/* Running them. */

/* What an attempt is made with. */
enum box {
	BOX_NONE,	 /* the agent's user, no sandbox */
	BOX_SANDBOX,	 /* the agent's user */
	BOX_USER,	 /* the user of the jobs, no sandbox */
	BOX_USER_FILTER, /* the user of the jobs, a sandbox without Landlock */
};

/* The kernel of a machine without Landlock. */
static void feign_no_landlock(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (!filter ||
	    seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
		SCMP_SYS(landlock_create_ruleset), 0) != 0 ||
	    seccomp_load(filter) != 0 || landlock_version() != 0)
		_exit(253);
	seccomp_release(filter);
}

static void become_job(enum box box)
{
	const bool confined = box == BOX_SANDBOX || box == BOX_USER_FILTER;
	const bool apart = box == BOX_USER || box == BOX_USER_FILTER;
	const struct ke_request request = {.ke_port = scene.ke_port};
	struct process_context context = {
	    .profile = process_at(PROCESS_JOB)->sandbox,
	    .sandbox = confined ? SANDBOX_ON : SANDBOX_OFF,
	};
	struct trust_config trust = {.path_count = 1};
	char why[PRIVILEGES_TEXT_MAX];

	snprintf(trust.paths[0], sizeof(trust.paths[0]), "%s", scene.trust);
	if (box == BOX_USER_FILTER)
		feign_no_landlock();
	if (privileges_drop(
		apart ? &scene.second : &scene.identity, false, why) &&
	    confine_job(&context, &request, &trust))
		return;
	fprintf(stderr, "attack: %s\n", why);
	_exit(254);
}

/* What the last job wrote to standard error. */
static char logged[600];

/* The status of waitpid(2). */
static int run(const struct attempt *a, enum box box)
{
	int log[2], status;
	ssize_t len;
	pid_t pid;

	if (pipe2(log, O_CLOEXEC) != 0)
		exit(2);
	pid = fork();
	if (pid == 0) {
		dup2(log[1], STDERR_FILENO);
		become_job(box);
		_exit(a->act());
	}
	close(log[1]);
	len = read(log[0], logged, sizeof(logged) - 1);
	logged[len > 0 ? len : 0] = '\0';
	close(log[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		exit(2);
	return status;
}

static bool fails(int status)
{
	return WIFSIGNALED(status)
		   ? WTERMSIG(status) == SIGSYS
		   : WEXITSTATUS(status) != 0 && WEXITSTATUS(status) < 200;
}

static const char *words_of(int status)
{
	static const char before[] = "the system call ";
	const char *call = strstr(logged, before);
	static char text[80];

	call = call ? call + strlen(before) : "a call while it blocks SIGSYS";
	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "the job is ended at %.*s",
		    (int)strcspn(call, "("), call);
	else if (WEXITSTATUS(status) == 0)
		snprintf(text, sizeof(text), "it succeeds");
	else
		snprintf(
		    text, sizeof(text), "%s", strerror(WEXITSTATUS(status)));
	return text;
}

/* A process that an attempt without a sandbox may kill. */
static void make_victim(void)
{
	int fds[2];
	char why[PRIVILEGES_TEXT_MAX], byte;

	if (pipe(fds) != 0)
		exit(2);
	scene.victim = fork();
	if (scene.victim == 0) {
		if (!privileges_drop(&scene.identity, false, why))
			_exit(1);
		prctl(PR_SET_DUMPABLE, 1);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(fds[1], "", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	if (read(fds[0], &byte, 1) != 1)
		exit(2);
	scene.victim_pipe = fds[1];
	close(fds[0]);
	close(fds[1]);
}

static void end_victim(void)
{
	kill(scene.victim, SIGKILL);
	waitpid(scene.victim, NULL, 0);
}

/* Is it alive and not stopped? */
static bool victim_runs(void)
{
	int status;

	usleep(1000);
	return waitpid(scene.victim, &status, WNOHANG | WUNTRACED) == 0;
}

/* A file of the agent's user, that only this user may read. */
static void make_file(const char *path)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "secret", 6) != 6 ||
	    (scene.identity.change &&
		fchown(fd, scene.identity.uid, scene.identity.gid) != 0))
		exit(2);
	close(fd);
}

static void make_key(void)
{
	char command[3 * PATH_BYTES];

	snprintf(command, sizeof(command), "%.100s/forged", scene.folder);
	unlink(command);
	snprintf(command, sizeof(command), "%.100s/linked", scene.folder);
	unlink(command);
	snprintf(command, sizeof(command), "%.100s/renamed", scene.folder);
	unlink(command);
	snprintf(command, sizeof(command), "%.100s/forged", scene.runtime);
	unlink(command);
	make_file(scene.key);
	make_file(scene.drift);
	make_file(scene.status);
}

static int listen_on(uint16_t *port)
{
	struct sockaddr_in at = loopback(0);
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(fd, 64) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) != 0)
		exit(2);
	*port = ntohs(at.sin_port);
	return fd;
}

static void no_scene(void)
{
	perror("attack: cannot make files in /var/tmp");
	exit(2);
}

static void make_scene(void)
{
	char why[RUNTIME_TEXT_MAX];
	bool running;
	int fd;

	scene.identity = (struct identity){.uid = getuid(), .gid = getgid()};
	if (getuid() == 0)
		scene.identity = (struct identity){
		    .change = true, .uid = NOBODY, .gid = NOBODY};
	scene.second = scene.identity;
	scene.second.uid = SECOND;
	strcpy(scene.folder, "/var/tmp/attack.XXXXXX");
	strcpy(scene.runtime, "/var/tmp/runtime.XXXXXX");
	if (!mkdtemp(scene.folder) || !mkdtemp(scene.runtime) ||
	    chmod(scene.runtime, 0755) != 0)
		no_scene();
	snprintf(scene.status, PATH_BYTES, "%.64s/status", scene.runtime);
	snprintf(scene.drift, PATH_BYTES, "%.64s/drift", scene.runtime);
	snprintf(scene.key, PATH_BYTES, "%.64s/key", scene.folder);
	snprintf(scene.control, PATH_BYTES, "%.64s.sock", scene.folder);
	snprintf(scene.open, PATH_BYTES, "%.64s.open", scene.folder);
	snprintf(scene.trust, PATH_BYTES, "%.64s.crt", scene.folder);
	if (scene.identity.change &&
	    (chown(scene.folder, NOBODY, NOBODY) != 0 ||
		chown(scene.runtime, NOBODY, NOBODY) != 0))
		no_scene();
	fd = open(scene.trust, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		no_scene();
	close(fd);
	scene.control_fd = runtime_listen_private(scene.control, &running, why);
	scene.open_fd = runtime_listen(scene.open, &running, why);
	if (scene.control_fd < 0 || scene.open_fd < 0)
		no_scene();
	(void)listen_on(&scene.ke_port);
	(void)listen_on(&scene.other_port);
}

static void remove_scene(void)
{
	make_key();
	unlink(scene.key);
	unlink(scene.drift);
	unlink(scene.status);
	rmdir(scene.folder);
	rmdir(scene.runtime);
	unlink(scene.control);
	unlink(scene.open);
	unlink(scene.trust);
}

/* The kernel may lack what an attempt needs to fail. */
static enum outcome expected(const struct attempt *a, enum box box)
{
	const int version = box == BOX_SANDBOX ? landlock_version() : 0;

	if (a->outcome == MUST_FAIL_IF_FILES)
		return version > 0 || box != BOX_SANDBOX ? MUST_FAIL
							 : MAY_SUCCEED;
	if (a->outcome == MUST_FAIL_IF_PORTS)
		return version >= LANDLOCK_ABI_TCP ? MUST_FAIL : MAY_SUCCEED;
	return a->outcome;
}

/* Some kernels and containers forbid it to everybody. */
static const char *const may_be_off[] = {
    "use io_uring",
    "make a user namespace",
    "connect by MPTCP",
    "connect while sending",
    "add a key to a keyring",
};

static bool may_fail_alone(const struct attempt *a)
{
	for (size_t i = 0; i < ARRAY_LEN(may_be_off); i++)
		if (strcmp(a->what, may_be_off[i]) == 0)
			return true;
	return a->outcome == ALWAYS_FAILS;
}

static bool alone_succeeds(const struct attempt *a)
{
	bool succeeds;

	make_key();
	make_victim();
	succeeds = !fails(run(a, BOX_NONE));
	end_victim();
	return succeeds;
}

static bool try(const struct attempt *a, enum box box)
{
	const enum outcome outcome = expected(a, box);
	bool alone = alone_succeeds(a), good = true;
	int status;

	make_key();
	make_victim();
	status = run(a, box);
	if (outcome == MUST_FAIL || outcome == ALWAYS_FAILS)
		good = fails(status) && victim_runs() &&
		       (alone || may_fail_alone(a));
	/* A limit of the sandbox that is none any more must leave the table. */
	if (outcome == MUST_SUCCEED || a->outcome == MAY_SUCCEED)
		good = !fails(status);
	end_victim();
	printf("  %s  %s: %s%s\n", good ? "ok  " : "FAIL", a->what,
	    words_of(status),
	    alone || outcome == MUST_SUCCEED || may_fail_alone(a)
		? ""
		: "; it fails without the sandbox, too");
	return good;
}

/* Only root can make a socket of root. */
static bool needs_root(const struct attempt *a)
{
	return a->act == give_order && !scene.identity.change;
}

struct count {
	unsigned passed, failed, skipped;
};

static void skip(const char *what, struct count *c)
{
	printf("  skip  %s: not started as root\n", what);
	c->skipped++;
}

static void round_of(enum box box, const char *title, struct count *c)
{
	printf("%s:\n", title);
	if (box != BOX_SANDBOX && !scene.identity.change) {
		skip("all", c);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
		const struct attempt *a = &attempts[i];

		if (box == BOX_USER && !a->of_user)
			continue;
		if (needs_root(a))
			skip(a->what, c);
		else if (try(a, box))
			c->passed++;
		else
			c->failed++;
	}
}

int main(void)
{
	char why[SANDBOX_TEXT_MAX];
	struct count c = {0};

	if (sandbox_possible(why) != SANDBOX_ON) {
		fprintf(stderr, "attack: %s\n", why);
		return 2;
	}
	if (sandbox_missing(why) > 0)
		printf("this kernel has no %s\n", why);
	make_scene();
	round_of(BOX_SANDBOX, "a job with the agent's user", &c);
	round_of(
	    BOX_USER_FILTER, "a job with its own user, without Landlock", &c);
	round_of(BOX_USER, "a job with its own user, without a sandbox", &c);
	remove_scene();
	printf("attack: %u passed, %u failed", c.passed, c.failed);
	if (c.skipped > 0)
		printf(", %u skipped", c.skipped);
	printf("\n");
	return c.failed == 0 ? 0 : 1;
}
