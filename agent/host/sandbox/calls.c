#include "agent/host/sandbox/calls.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

#define ALL UINT32_MAX
/* clang-format off */
#define IS(arg, v) {CHECK_IS, arg, (uint32_t)(v), 0}
#define IS_NOT(arg, v) {CHECK_IS_NOT, arg, (uint32_t)(v), 0}
#define AT_MOST(arg, v) {CHECK_AT_MOST, arg, (uint32_t)(v), 0}
#define LACKS(arg, bits) {CHECK_LACKS, arg, 0, (uint32_t)(bits)}
/* `v`, with or without the bits. */
#define IS_BUT_FOR(arg, v, bits) {CHECK_BUT_FOR, arg, (uint32_t)(v), (uint32_t)(bits)}
#define OWN_PID(arg) {CHECK_OWN_PID, arg, 0, 0}
/* clang-format on */

/* Kernels and C libraries that are older than a call do not name it. */
#ifndef SO_TIMESTAMPING_NEW
#define SO_TIMESTAMPING_NEW 65
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif
/* PROT_BTI of arm64. */
#define BTI_BIT 0x10
/* O_TMPFILE also has the bit of O_DIRECTORY, which reading needs. */
#define TMPFILE_BIT ((unsigned)O_TMPFILE & ~(unsigned)O_DIRECTORY)
#define OPENS_TO_WRITE                                                         \
	((unsigned)(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC) | TMPFILE_BIT)
/* Another user who executes such a file has our user, and no sandbox. */
#define LENDS_IDENTITY (S_ISUID | S_ISGID)
#define SOCKET_FLAGS (SOCK_CLOEXEC | SOCK_NONBLOCK)
/* What fork(3) asks for. */
#define FORK_FLAGS ((unsigned)(CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID))
/* No internet address has this length. bind(2) is for netlink, but an abstract
 * UNIX name of ten bytes passes, too. */
#define NETLINK_ADDRESS sizeof(struct sockaddr_nl)

/* An abstract UNIX name may have these lengths, too. */
#define IPV4_ADDRESS sizeof(struct sockaddr_in)
#define IPV6_ADDRESS sizeof(struct sockaddr_in6)

/* clang-format off */
#define FAILS(name, sets, error, ...) \
	{name, sets, error, ARRAY_LEN(((const struct call_check[]){__VA_ARGS__})), \
	 (const struct call_check[]){__VA_ARGS__}}
#define CALL(name, sets, ...) FAILS(name, sets, 0, __VA_ARGS__)
#define PLAIN(name, sets) {name, sets, 0, 0, NULL}
#define MISSING(name, sets) {name, sets, ENOSYS, 0, NULL}
static const struct call_rule rules[] = {
	/* Memory. No page is both written and executed, or becomes code. */
	PLAIN("brk", ALL),
	CALL("mmap", ALL, LACKS(2, PROT_EXEC)),
	CALL("mmap", CALLS_CODE, IS_BUT_FOR(2, PROT_READ | PROT_EXEC, BTI_BIT), LACKS(3, MAP_ANONYMOUS)),
	CALL("mprotect", ALL, LACKS(2, PROT_EXEC)),
	/* The dynamic linker of arm64 tries it on a program whose pages the
	 * kernel has already made so. */
	FAILS("mprotect", CALLS_START, EACCES, IS(2, PROT_READ | PROT_EXEC | BTI_BIT)),
	PLAIN("munmap", ALL), PLAIN("mremap", ALL), PLAIN("madvise", ALL),
	PLAIN("mlock", CALLS_SECRETS), PLAIN("mlock2", CALLS_SECRETS),
	PLAIN("munlock", CALLS_SECRETS), PLAIN("futex", ALL),
	MISSING("membarrier", ALL),

	/* Open descriptors. */
	PLAIN("read", ALL), PLAIN("readv", ALL), PLAIN("pread64", ALL),
	PLAIN("write", ALL), PLAIN("writev", ALL), PLAIN("close", ALL),
	PLAIN("lseek", ALL), PLAIN("fstat", ALL), PLAIN("newfstatat", ALL),
	PLAIN("poll", ALL), PLAIN("ppoll", ALL),
	CALL("fcntl", ALL, IS(1, F_GETFL)), CALL("fcntl", ALL, IS(1, F_SETFL)),
	CALL("fcntl", ALL, IS(1, F_GETFD)), CALL("fcntl", ALL, IS(1, F_SETFD)),
	CALL("fcntl", ALL, IS(1, F_DUPFD_CLOEXEC)),
	/* Keeper and guard ask for a signal that lets them go on. */
	CALL("fcntl", CALLS_CLOCK, IS(1, F_SETOWN), OWN_PID(2)),
	CALL("fcntl", CALLS_CLOCK, IS(1, F_SETSIG), IS(2, SIGCONT)),
	/* libcap does it as soon as it is loaded: NSS modules of systemd. */
	CALL("prctl", CALLS_CODE, IS(0, PR_CAPBSET_READ)),
	/* isatty(3) */
	CALL("ioctl", ALL, IS(1, TCGETS)),

	/* Time and chance. A negative clock is that of another process or
	 * device. */
	CALL("clock_gettime", ALL, AT_MOST(0, CLOCK_TAI)),
	CALL("clock_getres", ALL, AT_MOST(0, CLOCK_TAI)),
	CALL("clock_nanosleep", ALL, AT_MOST(0, CLOCK_MONOTONIC)),
	PLAIN("nanosleep", ALL), PLAIN("gettimeofday", ALL), PLAIN("time", ALL),
	PLAIN("getrandom", ALL),
	CALL("clock_adjtime", CALLS_CLOCK, IS(0, CLOCK_REALTIME)),

	/* Itself. */
	PLAIN("exit", ALL), PLAIN("exit_group", ALL),
	PLAIN("restart_syscall", ALL), PLAIN("getpid", ALL),
	PLAIN("getppid", ALL), PLAIN("gettid", ALL), PLAIN("getuid", ALL),
	PLAIN("geteuid", ALL), PLAIN("getgid", ALL), PLAIN("getegid", ALL),
	PLAIN("uname", ALL), PLAIN("sysinfo", ALL), PLAIN("getcpu", ALL),
	PLAIN("sched_getaffinity", ALL), PLAIN("sched_yield", ALL),
	PLAIN("rt_sigprocmask", ALL), PLAIN("rt_sigreturn", ALL),
	PLAIN("sigaltstack", ALL), PLAIN("rseq", ALL),
	PLAIN("set_robust_list", ALL),
	/* SIGSYS stays with the sandbox. */
	CALL("rt_sigaction", ALL, IS_NOT(0, SIGSYS)),
	/* abort(3) */
	CALL("tgkill", ALL, OWN_PID(0), IS(2, SIGABRT)),
	CALL("prctl", ALL, IS(0, PR_SET_NAME)),
	CALL("prctl", ALL, IS(0, PR_GET_NO_NEW_PRIVS)),
	CALL("prctl", ALL, IS(0, PR_GET_DUMPABLE)),
	/* Reads a limit. */
	CALL("prlimit64", ALL, IS(0, 0), IS(2, 0)),
	PLAIN("getrlimit", ALL),

	/* Sockets that are there, and the log. */
	PLAIN("recvfrom", ALL), PLAIN("recvmsg", ALL),
	PLAIN("getsockopt", ALL), PLAIN("shutdown", ALL),
	/* MSG_FASTOPEN connects, and Landlock does not see it. */
	CALL("sendto", ALL, LACKS(3, MSG_FASTOPEN)),
	CALL("sendmsg", ALL, LACKS(2, MSG_FASTOPEN)),
	CALL("socket", ALL, IS(0, AF_UNIX), IS_BUT_FOR(1, SOCK_DGRAM, SOCKET_FLAGS), IS(2, 0)),
	PLAIN("connect", ALL),

	/* Files. */
	CALL("openat", CALLS_READ, LACKS(2, OPENS_TO_WRITE)),
	/* A preloaded malloc makes old calls by itself. */
	CALL("open", CALLS_READ, LACKS(1, OPENS_TO_WRITE)),
	PLAIN("stat", CALLS_READ), PLAIN("lstat", CALLS_READ),
	PLAIN("statx", CALLS_READ), PLAIN("statfs", CALLS_READ),
	PLAIN("fstatfs", CALLS_READ), PLAIN("getdents64", CALLS_READ),
	PLAIN("readlink", CALLS_READ), PLAIN("readlinkat", CALLS_READ),
	PLAIN("access", CALLS_READ), PLAIN("faccessat", CALLS_READ),
	PLAIN("faccessat2", CALLS_READ), PLAIN("getcwd", CALLS_READ),
	PLAIN("fadvise64", CALLS_READ),
	CALL("openat", CALLS_WRITE, LACKS(3, LENDS_IDENTITY)), PLAIN("unlink", CALLS_WRITE),
	PLAIN("unlinkat", CALLS_WRITE), PLAIN("rename", CALLS_WRITE),
	PLAIN("renameat", CALLS_WRITE), PLAIN("renameat2", CALLS_WRITE),
	PLAIN("fsync", CALLS_WRITE), PLAIN("fdatasync", CALLS_WRITE),
	CALL("fchmod", CALLS_WRITE, LACKS(1, LENDS_IDENTITY)), PLAIN("ftruncate", CALLS_WRITE),
	PLAIN("flock", CALLS_WRITE),

	/* UDP. */
	CALL("socket", CALLS_NETWORK, IS(0, AF_INET), IS_BUT_FOR(1, SOCK_DGRAM, SOCKET_FLAGS), IS(2, 0)),
	CALL("socket", CALLS_NETWORK, IS(0, AF_INET6), IS_BUT_FOR(1, SOCK_DGRAM, SOCKET_FLAGS), IS(2, 0)),
	CALL("bind", CALLS_BIND, IS(2, IPV4_ADDRESS)),
	CALL("bind", CALLS_BIND, IS(2, IPV6_ADDRESS)),
	CALL("setsockopt", CALLS_BIND, IS(1, SOL_SOCKET), IS(2, SO_REUSEPORT)),
	CALL("setsockopt", CALLS_DEVICE, IS(1, SOL_SOCKET), IS(2, SO_BINDTODEVICE)),
	CALL("setsockopt", CALLS_DSCP, IS(1, IPPROTO_IP), IS(2, IP_TOS)),
	CALL("setsockopt", CALLS_DSCP, IS(1, IPPROTO_IPV6), IS(2, IPV6_TCLASS)),
	PLAIN("getsockname", CALLS_NETWORK), PLAIN("getpeername", CALLS_NETWORK),

	/* Name lookup and TCP. getaddrinfo(3) asks netlink for the addresses of
	 * the machine to sort what it finds, and goes on without. */
	FAILS("socket", CALLS_LOOKUP, EAFNOSUPPORT, IS(0, AF_NETLINK), IS(2, NETLINK_ROUTE)),
	CALL("socket", CALLS_LOOKUP, IS(0, AF_INET), IS_BUT_FOR(1, SOCK_DGRAM, SOCKET_FLAGS), IS(2, IPPROTO_UDP)),
	CALL("socket", CALLS_LOOKUP, IS(0, AF_INET6), IS_BUT_FOR(1, SOCK_DGRAM, SOCKET_FLAGS), IS(2, IPPROTO_UDP)),
	CALL("socket", CALLS_LOOKUP, IS(0, AF_INET), IS_BUT_FOR(1, SOCK_STREAM, SOCKET_FLAGS), IS(2, 0)),
	CALL("socket", CALLS_LOOKUP, IS(0, AF_INET6), IS_BUT_FOR(1, SOCK_STREAM, SOCKET_FLAGS), IS(2, 0)),
	CALL("socket", CALLS_LOOKUP, IS(0, AF_INET), IS_BUT_FOR(1, SOCK_STREAM, SOCKET_FLAGS), IS(2, IPPROTO_TCP)),
	CALL("socket", CALLS_LOOKUP, IS(0, AF_INET6), IS_BUT_FOR(1, SOCK_STREAM, SOCKET_FLAGS), IS(2, IPPROTO_TCP)),
	CALL("socket", CALLS_LOOKUP, IS(0, AF_UNIX), IS_BUT_FOR(1, SOCK_STREAM, SOCKET_FLAGS), IS(2, 0)),
	CALL("sendmmsg", CALLS_LOOKUP, LACKS(3, MSG_FASTOPEN)),
	CALL("ioctl", CALLS_LOOKUP, IS(1, FIONREAD)),
	CALL("setsockopt", CALLS_LOOKUP, IS(1, IPPROTO_IP), IS(2, IP_RECVERR)),
	CALL("setsockopt", CALLS_LOOKUP, IS(1, IPPROTO_IPV6), IS(2, IPV6_RECVERR)),
	CALL("setsockopt", CALLS_LOOKUP, IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY)),
	CALL("setsockopt", CALLS_LOOKUP, IS(1, IPPROTO_TCP), IS(2, TCP_MAXSEG)),
	CALL("setsockopt", CALLS_LOOKUP, IS(1, SOL_SOCKET), IS(2, SO_RCVTIMEO)),
	CALL("setsockopt", CALLS_LOOKUP, IS(1, SOL_SOCKET), IS(2, SO_SNDTIMEO)),
	CALL("setsockopt", CALLS_LOOKUP, IS(1, SOL_SOCKET), IS(2, SO_RCVBUF)),
	CALL("setsockopt", CALLS_LOOKUP, IS(1, SOL_SOCKET), IS(2, SO_SNDBUF)),
	CALL("setsockopt", CALLS_LOOKUP, IS(1, SOL_SOCKET), IS(2, SO_PASSCRED)),

	/* Limits what a client of a UNIX socket, or a job, makes the process
	 * wait for. */
	CALL("setitimer", CALLS_LIMIT, IS(0, ITIMER_REAL)),

	/* A client of the status socket. */
	CALL("socket", CALLS_STATUS, IS(0, AF_UNIX), IS_BUT_FOR(1, SOCK_STREAM, SOCKET_FLAGS), IS(2, 0)),
	CALL("setsockopt", CALLS_STATUS, IS(1, SOL_SOCKET), IS(2, SO_SNDTIMEO)),

	/* The engine's loop. */
	CALL("socket", CALLS_ENGINE | CALLS_UNLOGGED, IS(0, AF_NETLINK), IS_BUT_FOR(1, SOCK_RAW, SOCKET_FLAGS), IS(2, NETLINK_ROUTE)),
	CALL("bind", CALLS_ENGINE | CALLS_UNLOGGED, IS(2, NETLINK_ADDRESS)),
	CALL("setsockopt", CALLS_ENGINE, IS(1, SOL_SOCKET), IS(2, SO_TIMESTAMPING)),
	CALL("setsockopt", CALLS_ENGINE, IS(1, SOL_SOCKET), IS(2, SO_RCVBUF)),
	CALL("setsockopt", CALLS_ENGINE, IS(1, SOL_SOCKET), IS(2, SO_TIMESTAMPING_NEW)),
	CALL("setsockopt", CALLS_ENGINE, IS(1, SOL_SOCKET), IS(2, SO_SELECT_ERR_QUEUE)),
	CALL("accept4", CALLS_ENGINE, IS(3, SOCKET_FLAGS)),
	PLAIN("signalfd4", CALLS_ENGINE),
	CALL("timerfd_create", CALLS_ENGINE, IS(0, CLOCK_REALTIME)),
	PLAIN("timerfd_settime", CALLS_ENGINE),
	PLAIN("inotify_init1", CALLS_ENGINE),
	PLAIN("inotify_add_watch", CALLS_ENGINE),
	PLAIN("inotify_rm_watch", CALLS_ENGINE),

	/* The exporter: takes clients, and connects to the status socket. */
	CALL("accept4", CALLS_SERVE, IS(3, SOCKET_FLAGS)),

	/* The start of a process: fork(3), execute the open program, link it,
	 * drop the rights, enter the sandbox. */
	CALL("clone", CALLS_START, IS_BUT_FOR(0, SIGCHLD, FORK_FLAGS)),
	MISSING("clone3", CALLS_START),
	CALL("execveat", CALLS_START, IS(4, AT_EMPTY_PATH)),
	PLAIN("wait4", CALLS_START),
	CALL("socketpair", CALLS_START, IS(0, AF_UNIX), IS(1, SOCK_SEQPACKET | SOCK_CLOEXEC), IS(2, 0)),
	CALL("setsockopt", CALLS_START, IS(1, SOL_SOCKET), IS(2, SO_PASSRIGHTS)),
	PLAIN("set_tid_address", CALLS_START), PLAIN("arch_prctl", CALLS_START),
	PLAIN("dup2", CALLS_START), PLAIN("dup3", CALLS_START),
	PLAIN("close_range", CALLS_START), PLAIN("umask", CALLS_START),
	PLAIN("capget", CALLS_START), PLAIN("capset", CALLS_START),
	PLAIN("getresuid", CALLS_START), PLAIN("getresgid", CALLS_START),
	CALL("prlimit64", CALLS_START, IS(0, 0)), PLAIN("setrlimit", CALLS_START),
	CALL("rt_sigaction", CALLS_START, IS(0, SIGSYS)),
	CALL("tgkill", CALLS_START, IS(2, SIGABRT)),
	CALL("prctl", CALLS_START, IS(0, PR_SET_PDEATHSIG)),
	CALL("prctl", CALLS_START, IS(0, PR_CAP_AMBIENT)),
	CALL("prctl", CALLS_START, IS(0, PR_GET_SECUREBITS)),
	CALL("prctl", CALLS_START, IS(0, PR_SET_NO_NEW_PRIVS)),
	CALL("prctl", CALLS_START, IS(0, PR_SET_DUMPABLE), IS(1, 0)),
	CALL("prctl", CALLS_START, IS(0, PR_SET_SECCOMP)),
	CALL("prctl", CALLS_START, IS(0, PR_GET_SECCOMP)),
	PLAIN("seccomp", CALLS_START),
	PLAIN("landlock_create_ruleset", CALLS_START),
	PLAIN("landlock_add_rule", CALLS_START),
	PLAIN("landlock_restrict_self", CALLS_START),
	CALL("kill", CALLS_TERM, IS(1, SIGTERM)),
	CALL("kill", CALLS_KILL, IS(1, SIGKILL)),
};
/* clang-format on */

const struct call_rule *calls_rules(size_t *count)
{
	*count = ARRAY_LEN(rules);
	return rules;
}

/* Is an earlier rule of the same call in the sets, too? */
static bool counted(uint32_t sets, size_t before)
{
	for (size_t i = 0; i < before; i++)
		if ((rules[i].sets & sets) != 0 && rules[i].refused_with == 0 &&
		    strcmp(rules[i].name, rules[before].name) == 0)
			return true;
	return false;
}

unsigned calls_count(uint32_t sets)
{
	unsigned count = 0;

	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		count += (rules[i].sets & sets) != 0 &&
			 rules[i].refused_with == 0 && !counted(sets, i);
	return count;
}
