#include "agent/cmdmon/sockets.h"

#include "agent/host/passed_sockets.h"
#include "agent/host/wait_limit.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PATH_MODE 0666

static bool fail(char why[SOCKETS_TEXT_MAX], const char *what, int error)
{
	snprintf(why, SOCKETS_TEXT_MAX, "cannot listen on %s: %s", what,
	    strerror(error));
	return false;
}

static bool add(struct sockets *s, int fd, char why[SOCKETS_TEXT_MAX])
{
	if (s->count == SOCKETS_MAX) {
		snprintf(why, SOCKETS_TEXT_MAX,
		    "there are more than %d sockets to listen on", SOCKETS_MAX);
		return false;
	}
	wait_limit_no_descriptors(fd);
	s->fd[s->count++] = fd;
	return true;
}

static int option_of(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

static bool is_ours(int fd)
{
	int domain = option_of(fd, SO_DOMAIN);

	return option_of(fd, SO_TYPE) == SOCK_DGRAM &&
	       (domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX);
}

bool sockets_take(struct sockets *s, char why[SOCKETS_TEXT_MAX])
{
	long count = passed_sockets();

	s->activated = count > 0;
	for (int i = 0; i < count; i++) {
		int fd = PASSED_SOCKETS_FIRST + i;

		if (!is_ours(fd)) {
			snprintf(why, SOCKETS_TEXT_MAX,
			    "descriptor %d from systemd is not a datagram "
			    "socket: the socket unit needs ListenDatagram=",
			    fd);
			return false;
		}
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || !add(s, fd, why))
			return false;
	}
	return true;
}

static int bound(const struct sockaddr *address, socklen_t len)
{
	const int on = 1;
	int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -1;
	/* The IPv4 addresses have a socket of their own. */
	if ((address->sa_family != AF_INET6 ||
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) ==
		    0) &&
	    bind(fd, address, len) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

bool sockets_bind_port(
    struct sockets *s, uint16_t port, char why[SOCKETS_TEXT_MAX])
{
	const struct sockaddr_in v4 = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
	    .sin6_port = htons(port),
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	char name[40];
	int fd = bound((const struct sockaddr *)&v4, sizeof(v4));

	snprintf(name, sizeof(name), "127.0.0.1:%u", port);
	if (fd < 0)
		return fail(why, name, errno);
	if (!add(s, fd, why))
		return false;
	fd = bound((const struct sockaddr *)&v6, sizeof(v6));
	/* A machine without IPv6 has no such address. */
	if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		return true;
	snprintf(name, sizeof(name), "[::1]:%u", port);
	return fd < 0 ? fail(why, name, errno) : add(s, fd, why);
}

/* Splits `path` into its folder and the name in it. */
static void split(const char *path, char *folder, char *name)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	strcpy(name, slash ? slash + 1 : path);
	memcpy(folder, path, len);
	folder[len] = '\0';
	if (len == 0)
		strcpy(folder, slash ? "/" : ".");
}

/* bind(2) makes the socket with its mode. chmod(2) of the path could reach
 * another file if the folder belongs to another user. */
static int bound_here(const struct sockaddr_un *sa)
{
	const mode_t mask = umask(0777 & ~PATH_MODE);
	struct stat st;
	int fd, error;

	if (lstat(sa->sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(sa->sun_path);
	fd = bound((const struct sockaddr *)sa, sizeof(*sa));
	error = errno;
	umask(mask);
	errno = error;
	return fd;
}

bool sockets_bind_path(
    struct sockets *s, const char *path, char why[SOCKETS_TEXT_MAX])
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char folder[sizeof(sa.sun_path)];
	int here, fd = -1;

	if (strlen(path) >= sizeof(sa.sun_path))
		return fail(why, path, ENAMETOOLONG);
	split(path, folder, sa.sun_path);
	/* Everything in one folder: its user may put a link to another one in
	 * its place at any time. bind(2) knows no other way. */
	here = open(".", O_PATH | O_CLOEXEC);
	if (here >= 0 && chdir(folder) == 0) {
		fd = bound_here(&sa);
		if (fchdir(here) != 0)
			log_debug("the working directory has changed");
	}
	if (here >= 0)
		close(here);
	return fd < 0 ? fail(why, path, errno) : add(s, fd, why);
}

static bool is_loopback6(const struct in6_addr *a)
{
	return IN6_IS_ADDR_LOOPBACK(a) ||
	       (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == IN_LOOPBACKNET);
}

bool sockets_is_local(const struct sockaddr_storage *peer, socklen_t len)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	switch (peer->ss_family) {
	case AF_INET:
		memcpy(&v4, peer, sizeof(v4));
		return ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	case AF_INET6:
		memcpy(&v6, peer, sizeof(v6));
		return is_loopback6(&v6.sin6_addr);
	case AF_UNIX:
		return len > offsetof(struct sockaddr_un, sun_path);
	default:
		return false;
	}
}
