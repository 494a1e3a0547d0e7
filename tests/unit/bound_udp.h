/* A UDP socket on the loopback. Include after cmocka.h. */
#ifndef TESTS_UNIT_BOUND_UDP_H
#define TESTS_UNIT_BOUND_UDP_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* The kernel chooses the port. The caller closes the socket. */
static inline int bound_udp(uint16_t *port)
{
	struct sockaddr_in sa = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	*port = ntohs(sa.sin_port);
	return fd;
}

#endif
