/*
 * Hands a register state of some length to a stopped child with ptrace, as
 * User-Mode Linux does, and prints what becomes of it.
 *
 * xstate_probe header|half|avx|whole|longer
 *	how much of the state is handed over: all up to the end of the header,
 *	half of the AVX component too, all of it too, the whole state, or the
 *	whole state and more bytes than the host has
 *
 * Before the call, the child's registers hold the byte 11 (the low half of
 *YMM0, an SSE register) and 22 (its high half, in the AVX component). The state
 * that is handed over says 33 and 44. Prints "taken" or "refused ERRNO", and
 * the two bytes after it. Exits with 77 if the processor has no AVX.
 */
#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CPUID_XSAVE = 0xd,
	AVX = 2,
	XMM0_AT = 160,
	XSTATE_BV_AT = 512,
	HEADER_END = 576,
	NO_AVX = 77,
};

struct xstate {
	unsigned char bytes[1 << 16];
	size_t len;
	unsigned avx_at, avx_len;
};

static pid_t stopped_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return pid;
}

static bool get(pid_t pid, struct xstate *x)
{
	struct iovec v = {.iov_base = x->bytes, .iov_len = sizeof(x->bytes)};

	if (ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &v) != 0)
		return false;
	x->len = v.iov_len;
	return true;
}

static bool set(pid_t pid, struct xstate *x, size_t len)
{
	struct iovec v = {.iov_base = x->bytes, .iov_len = len};

	return ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &v) == 0;
}

static void fill(struct xstate *x, unsigned char low, unsigned char high)
{
	x->bytes[XSTATE_BV_AT] |= 7;
	memset(x->bytes + XMM0_AT, low, 16);
	memset(x->bytes + x->avx_at, high, 16);
}

/* The length that the word stands for; 0 if there is no such word. */
static size_t length_of(const struct xstate *x, const char *word)
{
	const struct {
		const char *word;
		size_t len;
	} lengths[] = {
	    {"header", HEADER_END},
	    {"half", x->avx_at + x->avx_len / 2},
	    {"avx", x->avx_at + x->avx_len},
	    {"whole", x->len},
	    {"longer", x->len + 256},
	};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		if (strcmp(word, lengths[i].word) == 0)
			return lengths[i].len;
	}
	return 0;
}

static int probe(pid_t pid, struct xstate *x, const char *word)
{
	size_t len;

	if (!get(pid, x))
		return NO_AVX;
	len = length_of(x, word);
	fill(x, 0x11, 0x22);
	if (len == 0 || !set(pid, x, x->len)) {
		fprintf(stderr, "xstate_probe: cannot prepare the child\n");
		return 1;
	}
	fill(x, 0x33, 0x44);
	if (set(pid, x, len))
		printf("taken");
	else
		printf("refused %s", strerrorname_np(errno));
	if (!get(pid, x))
		return 1;
	printf(" %02x %02x\n", x->bytes[XMM0_AT], x->bytes[x->avx_at]);
	return 0;
}

int main(int argc, char **argv)
{
	static struct xstate x;
	unsigned ecx, edx;
	pid_t pid;
	int status;

	if (argc != 2) {
		fprintf(stderr, "usage: xstate_probe "
				"header|half|avx|whole|longer\n");
		return 2;
	}
	__cpuid_count(CPUID_XSAVE, AVX, x.avx_len, x.avx_at, ecx, edx);
	if (x.avx_len == 0)
		return NO_AVX;
	pid = stopped_child();
	status = probe(pid, &x, argv[1]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return status;
}
