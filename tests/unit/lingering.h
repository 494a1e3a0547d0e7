/* A message with a descriptor whose last close(2) waits for an hour: the rest
 * of what was written to a TCP connection has no room at a peer that never
 * reads. Include after cmocka.h. */
#ifndef TESTS_UNIT_LINGERING_H
#define TESTS_UNIT_LINGERING_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct lingering {
	int listener, peer, fd;
};

static inline void lingering_fill(int fd)
{
	static const char bytes[65536];

	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
		continue;
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
}

static inline struct lingering lingering_open(void)
{
	const struct linger an_hour = {1, 3600};
	const int small = 4096;
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	struct lingering l = {
	    .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
	    .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
	};

	assert_true(l.listener >= 0 && l.fd >= 0);
	assert_int_equal(setsockopt(l.listener, SOL_SOCKET, SO_RCVBUF, &small,
			     sizeof(small)),
	    0);
	assert_int_equal(bind(l.listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(l.listener, 1), 0);
	assert_int_equal(
	    getsockname(l.listener, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(connect(l.fd, (struct sockaddr *)&at, len), 0);
	l.peer = accept(l.listener, NULL, NULL);
	assert_true(l.peer >= 0);
	lingering_fill(l.fd);
	assert_int_equal(
	    setsockopt(l.fd, SOL_SOCKET, SO_LINGER, &an_hour, sizeof(an_hour)),
	    0);
	return l;
}

/* Takes the descriptor of such a message. */
static inline int lingering_take(int from)
{
	char byte;
	struct iovec part = {&byte, 1};
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control;
	struct msghdr m = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes)};
	int fd = -1;

	if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

/* Sends a byte with the descriptor, and closes our own. The receiver must not
 * take it before: then the last close(2) would be ours. The kernel may refuse
 * it: false. */
static inline bool lingering_send(struct lingering *l, int to)
{
	char byte = 'x';
	struct iovec part = {&byte, 1};
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = {.head = {.cmsg_level = SOL_SOCKET,
			 .cmsg_type = SCM_RIGHTS,
			 .cmsg_len = CMSG_LEN(sizeof(int))}};
	const struct msghdr m = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes)};
	const struct linger none = {1, 0};
	bool sent;

	memcpy(CMSG_DATA(&control.head), &l->fd, sizeof(int));
	sent = sendmsg(to, &m, MSG_NOSIGNAL) == 1;
	if (!sent)
		(void)setsockopt(
		    l->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(l->fd);
	return sent;
}

/* Ends the waits, too. */
static inline void lingering_close(struct lingering *l)
{
	close(l->peer);
	close(l->listener);
}

#endif
