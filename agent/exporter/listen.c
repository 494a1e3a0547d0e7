#include "agent/exporter/listen.h"

#include "agent/host/passed_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 32
#define ADDRESS_MAX 64

static bool is_listener(int fd)
{
	int value = 0, type = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 &&
	       value && (len = sizeof(type)) &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	       type == SOCK_STREAM;
}

static bool prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
	       fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

int listen_inherited(int *fds, unsigned max, char why[static LISTEN_TEXT_MAX])
{
	long count = passed_sockets();

	if (count > (long)max) {
		snprintf(why, LISTEN_TEXT_MAX,
		    "the service manager passes %ld sockets, more than %u",
		    count, max);
		return -1;
	}
	for (int i = 0; i < (int)count; i++) {
		fds[i] = PASSED_SOCKETS_FIRST + i;
		if (is_listener(fds[i]) && prepare(fds[i]))
			continue;
		snprintf(why, LISTEN_TEXT_MAX,
		    "descriptor %d from the service manager is no stream "
		    "socket that listens: see Accept= of the socket unit",
		    fds[i]);
		return -1;
	}
	return (int)count;
}

static int fail(
    char why[static LISTEN_TEXT_MAX], const char *address, const char *problem)
{
	snprintf(why, LISTEN_TEXT_MAX, "cannot listen on %.80s: %s", address,
	    problem);
	return -1;
}

/* getaddrinfo(3) takes a larger number and cuts it. */
static bool is_port(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && strspn(text, "0123456789") == len &&
	       strtoul(text, NULL, 10) <= 65535;
}

/* Splits a copy at the last colon, and removes the brackets. */
static bool split(char copy[ADDRESS_MAX], const char **host, const char **port)
{
	char *colon = strrchr(copy, ':');
	size_t len;

	if (!colon || colon == copy || colon[1] == '\0')
		return false;
	*colon = '\0';
	*port = colon + 1;
	len = strlen(copy);
	if (copy[0] != '[') {
		*host = copy;
		return strchr(copy, ':') == NULL;
	}
	if (len < 3 || copy[len - 1] != ']')
		return false;
	copy[len - 1] = '\0';
	*host = copy + 1;
	return true;
}

static int open_listener(const struct addrinfo *a)
{
	const int on = 1;
	int fd =
	    socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, a->ai_addr, a->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

int listen_on(const char *address, char why[static LISTEN_TEXT_MAX])
{
	const struct addrinfo hints = {
	    .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	    .ai_socktype = SOCK_STREAM,
	};
	const char *host, *port;
	char copy[ADDRESS_MAX];
	struct addrinfo *found;
	int fd;

	if (strlen(address) >= sizeof(copy))
		return fail(why, address, "it is too long");
	strcpy(copy, address);
	if (!split(copy, &host, &port) || !is_port(port) ||
	    getaddrinfo(host, port, &hints, &found) != 0)
		return fail(why, address,
		    "it has to be ADDRESS:PORT, or [ADDRESS]:PORT for IPv6, "
		    "in digits");
	fd = open_listener(found);
	freeaddrinfo(found);
	return fd >= 0 ? fd : fail(why, address, strerror(errno));
}
