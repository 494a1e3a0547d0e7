/*
 * A preload library for the kernel of a guest. It makes any host with AVX
 * behave as a host with AMX does: the guest's kernel knows only a part of the
 * register state. All that follows the header is cut off from what it hands to
 * ptrace(PTRACE_SETREGSET, NT_X86_XSTATE).
 */
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { HEADER_END = 576 };

static long (*next_ptrace)(enum __ptrace_request, ...);

__attribute__((constructor)) static void begin(void)
{
	*(void **)&next_ptrace = dlsym(RTLD_NEXT, "ptrace");
	if (!next_ptrace) {
		fprintf(stderr, "short_xstate: the C library has no ptrace\n");
		_exit(1);
	}
}

long ptrace(enum __ptrace_request request, ...)
{
	struct iovec part = {.iov_len = HEADER_END};
	va_list args;
	pid_t pid;
	void *address, *data;

	va_start(args, request);
	pid = va_arg(args, pid_t);
	address = va_arg(args, void *);
	data = va_arg(args, void *);
	va_end(args);
	if (request == PTRACE_SETREGSET && address == (void *)NT_X86_XSTATE) {
		part.iov_base = ((struct iovec *)data)->iov_base;
		data = &part;
	}
	return next_ptrace(request, pid, address, data);
}
