/*
 * A preload library for the kernel of a guest. It lets User-Mode Linux 6.1 run
 * on a processor that has more register state than UML knows.
 *
 * UML hands 2696 bytes of extended register state (XSAVE format) to
 * ptrace(PTRACE_SETREGSET, NT_X86_XSTATE). The host takes only a buffer of its
 * own full size. A processor with AMX needs 11008 bytes: the call fails with
 * EFAULT, and UML panics with "ptrace set fp regs failed, errno = 14" when it
 * starts its first process.
 *
 * The ptrace() below completes a buffer that is too short: it reads the full
 * state, copies UML's bytes over its start, and marks each component that does
 * not lie within UML's bytes as unused. All other calls go on unchanged, and so
 * do all calls on a host whose state is not larger than UML's buffer.
 */
#include <cpuid.h>
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* Intel SDM, volume 1, chapter 13. Components 0 and 1 (x87 and SSE) lie before
 * the header, and bit 63 of XSTATE_BV is not a component. */
enum {
	CPUID_XSAVE = 0xd,
	XSTATE_BV_AT = 512,
	HEADER_END = 576,
	FIRST_AFTER_HEADER = 2,
	COMPONENTS = 63,
};

static long (*next_ptrace)(enum __ptrace_request, ...);

__attribute__((constructor)) static void begin(void)
{
	*(void **)&next_ptrace = dlsym(RTLD_NEXT, "ptrace");
	if (!next_ptrace) {
		fprintf(stderr, "full_xstate: the C library has no ptrace\n");
		_exit(1);
	}
}

static bool lies_within(unsigned component, size_t len)
{
	unsigned size, offset, ecx, edx;

	__cpuid_count(CPUID_XSAVE, component, size, offset, ecx, edx);
	return (size_t)offset + size <= len;
}

/* Clears the XSTATE_BV bits of the components that end beyond the first len
 * bytes: the processor then gives them their initial values. */
static void mark_unused(unsigned char *state, size_t len)
{
	uint64_t in_use;

	memcpy(&in_use, state + XSTATE_BV_AT, sizeof(in_use));
	for (unsigned i = FIRST_AFTER_HEADER; i < COMPONENTS; i++) {
		if (!lies_within(i, len))
			in_use &= ~(UINT64_C(1) << i);
	}
	memcpy(state + XSTATE_BV_AT, &in_use, sizeof(in_use));
}

/* The buffers are static because the stacks of UML are small. UML calls this
 * from one thread. */
static long set_xstate(pid_t pid, void *type, struct iovec *given)
{
	static unsigned char state[1 << 16];
	static size_t full_len;
	struct iovec full = {.iov_base = state, .iov_len = sizeof(state)};

	if (given->iov_len < HEADER_END ||
	    (full_len != 0 && full_len <= given->iov_len) ||
	    next_ptrace(PTRACE_GETREGSET, pid, type, &full) != 0)
		return next_ptrace(PTRACE_SETREGSET, pid, type, given);
	full_len = full.iov_len;
	if (full_len <= given->iov_len)
		return next_ptrace(PTRACE_SETREGSET, pid, type, given);
	memcpy(state, given->iov_base, given->iov_len);
	mark_unused(state, given->iov_len);
	return next_ptrace(PTRACE_SETREGSET, pid, type, &full);
}

long ptrace(enum __ptrace_request request, ...)
{
	va_list args;
	pid_t pid;
	void *address, *data;

	va_start(args, request);
	pid = va_arg(args, pid_t);
	address = va_arg(args, void *);
	data = va_arg(args, void *);
	va_end(args);
	if (request == PTRACE_SETREGSET && address == (void *)NT_X86_XSTATE)
		return set_xstate(pid, address, data);
	return next_ptrace(request, pid, address, data);
}
