#include "tests/server/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Attempts to find two ports that are free on all addresses. */
#define PORT_ATTEMPTS 20
#define BACKLOG 64

struct mono mono_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){ns_of_timespec(&ts)};
}

struct wall wall_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct wall){ns_of_timespec(&ts)};
}

static bool parse_address(
    const char *text, struct sockaddr_storage *address, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		*len = sizeof(*v4);
	} else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		*len = sizeof(*v6);
	} else {
		return false;
	}
	return true;
}

/* The port has the same offset in both families. */
static uint16_t *port_of(struct sockaddr_storage *address)
{
	return &((struct sockaddr_in *)address)->sin_port;
}

static bool set_up(int fd, int type, int family)
{
	const int on = 1;

	if (family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return false;
	if (type == SOCK_STREAM)
		return setsockopt(
			   fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0;
	return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) == 0;
}

/* Opens one socket. If `*port` is 0, it becomes the port that the kernel chose.
 * Returns -1 on failure; errno says why. */
static int open_one(const char *text, int type, uint16_t *port)
{
	struct sockaddr_storage address;
	socklen_t len = 0;
	int fd, saved;

	errno = EINVAL;
	if (!parse_address(text, &address, &len))
		return -1;
	*port_of(&address) = htons(*port);
	fd = socket(address.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (set_up(fd, type, address.ss_family) &&
	    bind(fd, (struct sockaddr *)&address, len) == 0 &&
	    (type != SOCK_STREAM || listen(fd, BACKLOG) == 0) &&
	    getsockname(fd, (struct sockaddr *)&address, &len) == 0) {
		*port = ntohs(*port_of(&address));
		return fd;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static bool open_pair(struct sockets *s, const char *address)
{
	int ke = open_one(address, SOCK_STREAM, &s->ke_port);
	int ntp, saved;

	if (ke < 0)
		return false;
	ntp = open_one(address, SOCK_DGRAM, &s->ntp_port);
	if (ntp < 0) {
		saved = errno;
		close(ke);
		errno = saved;
		return false;
	}
	s->ke[s->count] = ke;
	s->ntp[s->count] = ntp;
	s->count++;
	return true;
}

static bool missing(int error)
{
	return error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

/* Returns the address that failed, or NULL. */
static const char *open_all(struct sockets *s, const char *const *addresses,
    unsigned count, bool skip_missing)
{
	for (unsigned i = 0; i < count; i++) {
		if (!open_pair(s, addresses[i]) &&
		    !(skip_missing && missing(errno)))
			return addresses[i];
	}
	return NULL;
}

bool sockets_open(struct sockets *s, const char *const *addresses,
    unsigned count, uint16_t ke_port, uint16_t ntp_port, bool skip_missing)
{
	bool chosen = ke_port == 0 || ntp_port == 0;
	const char *failed = NULL;

	for (int left = chosen ? PORT_ATTEMPTS : 1; left > 0; left--) {
		*s = (struct sockets){.ke_port = ke_port, .ntp_port = ntp_port};
		failed = open_all(s, addresses, count, skip_missing);
		if (!failed && s->count > 0)
			return true;
		if (!failed || errno != EADDRINUSE)
			break;
		sockets_close(s);
	}
	fprintf(stderr, "cannot listen on %s: %s\n",
	    failed ? failed : "any address", strerror(errno));
	sockets_close(s);
	return false;
}

void sockets_close(struct sockets *s)
{
	for (unsigned i = 0; i < s->count; i++) {
		close(s->ke[i]);
		close(s->ntp[i]);
	}
	s->count = 0;
}

static struct wall stamp_of(struct msghdr *message)
{
	struct timespec ts;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c;
	     c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
			return (struct wall){ns_of_timespec(&ts)};
		}
	}
	return wall_now();
}

ssize_t sockets_receive(int fd, void *bytes, size_t size, struct client *from,
    struct wall *received)
{
	struct iovec iov = {bytes, size};
	char control[256];
	struct msghdr message = {
	    .msg_name = &from->address,
	    .msg_namelen = sizeof(from->address),
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control),
	};
	ssize_t got = recvmsg(fd, &message, 0);

	if (got < 0)
		return got;
	from->fd = fd;
	from->address_len = message.msg_namelen;
	*received = stamp_of(&message);
	return got;
}

void sockets_send(const struct client *to, const void *bytes, size_t len)
{
	/* Ignore a failure: the client may be gone. */
	(void)!sendto(to->fd, bytes, len, 0,
	    (const struct sockaddr *)&to->address, to->address_len);
}
