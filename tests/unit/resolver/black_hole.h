/* Addresses on the loopback that do not answer. Include after cmocka.h. */
#ifndef TESTS_UNIT_RESOLVER_BLACK_HOLE_H
#define TESTS_UNIT_RESOLVER_BLACK_HOLE_H

#include "base/check.h"
#include "resolver/endpoint.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* An address of the loopback with this port. */
static struct endpoint at(const char *address, uint16_t port)
{
	struct endpoint e = {
	    .family = strchr(address, ':') ? 6 : 4, .port = port};

	assert_int_equal(inet_pton(endpoint_af(&e), address, e.address), 1);
	return e;
}

/* A bound socket. If `e` has no port, it gets a free one. */
static int bound(struct endpoint *e)
{
	struct sockaddr_storage sa;
	socklen_t len = endpoint_to_sockaddr(e, &sa);
	int fd = socket(endpoint_af(e), SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	len = sizeof(sa);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_true(endpoint_from_sockaddr(e, (struct sockaddr *)&sa));
	return fd;
}

/* A listener whose queue is full does not answer a SYN. */
struct black_hole {
	int fd, filler[4];
};

static struct black_hole black_hole(struct endpoint *e)
{
	struct black_hole h = {.fd = bound(e)};
	struct sockaddr_storage sa;
	socklen_t len = endpoint_to_sockaddr(e, &sa);

	assert_int_equal(listen(h.fd, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(h.filler); i++) {
		h.filler[i] = socket(endpoint_af(e), SOCK_STREAM, 0);
		fcntl(h.filler[i], F_SETFL, O_NONBLOCK);
		(void)connect(h.filler[i], (struct sockaddr *)&sa, len);
	}
	return h;
}

static void black_hole_end(struct black_hole *h)
{
	for (size_t i = 0; i < ARRAY_LEN(h->filler); i++)
		close(h->filler[i]);
	close(h->fd);
}

#endif
