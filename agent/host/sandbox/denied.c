/*
 * A handler of SIGSYS. It runs in a process that an attacker may have taken
 * over, or in the middle of malloc(3): it calls nothing but system calls, and
 * all that it prints is made before.
 */
#include "agent/host/sandbox/denied.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <ucontext.h>
#include <unistd.h>

#define CALLS_MAX 512
#define LINE_MAX_BYTES 400
#define ARGUMENTS 3

/* A handler has no argument for what belongs to it. */
static struct {
	const char *process;
	bool syslog;
	char *names[CALLS_MAX]; /* of libseccomp, never freed */
} state;

struct line {
	char text[LINE_MAX_BYTES];
	size_t len;
};

static void add(struct line *l, const char *words)
{
	while (*words && l->len < sizeof(l->text))
		l->text[l->len++] = *words++;
}

static void add_number(struct line *l, uint64_t n, unsigned base)
{
	char digits[24];
	size_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do {
		digits[--at] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n > 0);
	add(l, &digits[at]);
}

/* The first arguments of the call. False: not known on this machine. */
static bool arguments_of(const ucontext_t *u, uint64_t out[ARGUMENTS])
{
#if defined(__x86_64__)
	out[0] = (uint64_t)u->uc_mcontext.gregs[REG_RDI];
	out[1] = (uint64_t)u->uc_mcontext.gregs[REG_RSI];
	out[2] = (uint64_t)u->uc_mcontext.gregs[REG_RDX];
	return true;
#elif defined(__aarch64__)
	for (unsigned i = 0; i < ARGUMENTS; i++)
		out[i] = u->uc_mcontext.regs[i];
	return true;
#else
	(void)u;
	(void)out;
	return false;
#endif
}

static void add_call(struct line *l, int call, const ucontext_t *u)
{
	uint64_t arguments[ARGUMENTS];

	if (call >= 0 && call < CALLS_MAX && state.names[call]) {
		add(l, state.names[call]);
	} else {
		add(l, "number ");
		add_number(l, (uint64_t)(unsigned)call, 10);
	}
	if (!arguments_of(u, arguments))
		return;
	for (unsigned i = 0; i < ARGUMENTS; i++) {
		add(l, i == 0 ? "(0x" : ", 0x");
		add_number(l, arguments[i], 16);
	}
	add(l, ", ...)");
}

/* The priority of an error in the facility daemon, as syslog(3) sends it. */
static void send_to_syslog(const struct line *l)
{
	const struct sockaddr_un log = {
	    .sun_family = AF_UNIX, .sun_path = "/dev/log"};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)&log, sizeof(log)) != 0 ||
	    send(fd, l->text, l->len, MSG_NOSIGNAL) < 0)
		(void)!write(STDERR_FILENO, l->text, l->len);
}

static void write_line(struct line *l)
{
	if (state.syslog) {
		send_to_syslog(l);
		return;
	}
	add(l, "\n");
	(void)!write(STDERR_FILENO, l->text, l->len);
}

static void on_denied(int number, siginfo_t *info, void *context)
{
	struct line l = {.len = 0};

	(void)number;
	add(&l, state.syslog ? "<27>" : "");
	add(&l, "ntsagentd[");
	add_number(&l, (uint64_t)getpid(), 10);
	add(&l, "]: the sandbox ends the ");
	add(&l, state.process);
	add(&l, ": it may not make the system call ");
	add_call(&l, info->si_syscall, context);
	add(&l, "; this is an attack or a fault of ntsagent: see sandbox in "
		"ntsagent.conf(5)");
	write_line(&l);
	/* A denied call in the handler of SIGSYS, where the signal is blocked,
	 * ends the process by that signal. */
	syscall(SYS_ptrace, -1, 0, 0, 0);
	_exit(128 + SIGSYS);
}

int denied_prepare(const char *process, enum log_target target)
{
	struct sigaction action = {
	    .sa_sigaction = on_denied,
	    .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND),
	};

	state.process = process;
	state.syslog = target == LOG_TO_SYSLOG;
	for (int i = 0; i < CALLS_MAX; i++)
		state.names[i] =
		    seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
	sigfillset(&action.sa_mask);
	return sigaction(SIGSYS, &action, NULL) == 0 ? 0 : -errno;
}
