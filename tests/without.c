/*
 * Executes a command on a kernel without some system calls: they fail with
 * ENOSYS.
 * usage: without CALL... -- COMMAND [ARGUMENT...]
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void give_up(const char *what)
{
	fprintf(stderr, "without: %s: %s\n", what, strerror(errno));
	exit(125);
}

int main(int argc, char *argv[])
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int i;

	if (!filter)
		give_up("seccomp");
	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
			seccomp_syscall_resolve_name(argv[i]), 0) != 0)
			give_up(argv[i]);
	if (i + 1 >= argc)
		give_up("no command");
	errno = -seccomp_load(filter);
	if (errno != 0)
		give_up("seccomp");
	seccomp_release(filter);
	execvp(argv[i + 1], argv + i + 1);
	give_up(argv[i + 1]);
	return 0;
}
