#include "agent/host/passed_sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* The number in this variable; -1: there is none. */
static long number_in(const char *variable)
{
	const char *text = getenv(variable);
	char *end;
	long n;

	if (!text || *text == '\0')
		return -1;
	errno = 0;
	n = strtol(text, &end, 10);
	return errno == 0 && *end == '\0' ? n : -1;
}

long passed_sockets(void)
{
	long pid = number_in("LISTEN_PID"), count = number_in("LISTEN_FDS");

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return pid == (long)getpid() && count > 0 ? count : 0;
}
