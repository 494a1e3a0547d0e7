#include "agent/host/notify.h"

#include "agent/host/clocks.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_manager(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(to.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0'; /* the abstract namespace, unix(7) */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (const struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

/* A number from 1 on that is the whole variable; 0. */
static int64_t number_of(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long long number;

	if (!text || *text < '1' || *text > '9')
		return 0;
	number = strtoll(text, &end, 10);
	return *end == '\0' ? number : 0;
}

/* A shell between the manager and the agent inherits the variables, too, which
 * are for one process only. */
int64_t notify_watchdog_ns(void)
{
	int64_t usec = number_of("WATCHDOG_USEC"), ns;

	if (getenv("WATCHDOG_PID") && number_of("WATCHDOG_PID") != getpid())
		return 0;
	return __builtin_mul_overflow(usec, NS_PER_US, &ns) ? 0 : ns;
}

/* With Type=notify-reload, the manager matches the reload by the time. */
void notify_reloading(void)
{
	char state[64];

	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)(clocks_mono().ns / NS_PER_US));
	notify_manager(state);
}
