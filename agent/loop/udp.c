#include "agent/loop/udp.h"

#include "agent/host/clocks.h"
#include "resolver/icmp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

#define STAMP_FLAGS                                                            \
	(SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE |            \
	    SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_TSONLY |       \
	    SOF_TIMESTAMPING_OPT_CMSG)

#define CONTROL_LEN 512
/* Somebody on the path can send many forged answers for each request. They must
 * not fill the queue before the true one comes. The kernel gives at most twice
 * net.core.rmem_max. */
#define QUEUE_BYTES (1 << 20)
/* With more datagrams in its queue, a socket is closed. */
#define LEFT_OVER_MAX 8
/* After this number of stamps in a row that came late, poll(2) waits for it. */
#define LATE_STAMPS_MOST 8

static struct wall wall_now(void)
{
	return (struct wall){clocks_ns(CLOCK_REALTIME)};
}

/* False: the kernel gives no stamps. Then a reading in user space widens the
 * delay, and the delay bounds the error. */
static bool ask_for_stamps(int fd)
{
	int flags = STAMP_FLAGS;

	/* poll(2) reports a transmit stamp as POLLERR. */
	return setsockopt(
		   fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)) == 0;
}

static void make_room(int fd)
{
	const int bytes = QUEUE_BYTES;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

/* clknetsim knows no flags of socket(2). */
static int open_socket_by_parts(int family)
{
	int fd = socket(family, SOCK_DGRAM, 0);

	if (fd < 0)
		return -errno;
	(void)fcntl(fd, F_SETFL, O_NONBLOCK); /* a new socket has no other */
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

static int open_socket(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 && errno == EINVAL)
		return open_socket_by_parts(family);
	return fd < 0 ? -errno : fd;
}

void udp_init(struct udp *u)
{
	for (unsigned i = 0; i < SOURCES_MAX; i++)
		u->slots[i] = (struct udp_slot){.fd = -1, .spare = -1};
	u->keeps_sockets = false;
	u->woken = (struct wall){0};
	u->keep_stamps_fd = open_socket(AF_INET);
	if (u->keep_stamps_fd < 0)
		u->keep_stamps_fd = open_socket(AF_INET6);
	if (u->keep_stamps_fd >= 0)
		(void)ask_for_stamps(u->keep_stamps_fd);
}

void udp_keep_sockets(struct udp *u)
{
	u->keeps_sockets = true;
}

/* Reads away what came before the port was given back. */
static bool is_emptied(int fd)
{
	uint8_t byte;

	for (int i = 0; i <= LEFT_OVER_MAX; i++)
		if (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) < 0 &&
		    errno == EAGAIN)
			return true;
	return false;
}

static bool forget_peer(int fd)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};

	return connect(fd, &none, sizeof(none)) == 0 && is_emptied(fd);
}

/* May the transmit stamp of the request still come? A kernel that gives no
 * stamps may not know the error queue, either, and give the datagram that
 * waits for its reader. */
static bool awaits_stamp(const struct udp_slot *s)
{
	return s->stamped && s->tx_kind != STAMP_KERNEL;
}

/* A socket that waits for its transmit stamp is closed: the stamp could be
 * taken for that of the next request. */
static bool is_kept(const struct udp *u, const struct udp_slot *s)
{
	return u->keeps_sockets && s->plain && s->spare < 0 &&
	       !awaits_stamp(s) && forget_peer(s->fd);
}

void udp_close(struct udp *u, unsigned slot)
{
	struct udp_slot *s = &u->slots[slot];

	if (s->fd < 0)
		return;
	if (is_kept(u, s))
		s->spare = s->fd;
	else
		close(s->fd);
	s->fd = -1;
}

static void drop_spare(struct udp_slot *s)
{
	if (s->spare >= 0)
		close(s->spare);
	s->spare = -1;
}

void udp_end(struct udp *u)
{
	u->keeps_sockets = false;
	u->woken = (struct wall){0};
	for (unsigned i = 0; i < SOURCES_MAX; i++) {
		udp_close(u, i);
		drop_spare(&u->slots[i]);
	}
	if (u->keep_stamps_fd >= 0)
		close(u->keep_stamps_fd);
	u->keep_stamps_fd = -1;
}

void udp_bind(struct udp *u, unsigned slot, const struct binding *binding)
{
	struct udp_slot *s = &u->slots[slot];

	if (s->binding != binding)
		s->local.family = 0;
	s->binding = binding;
}

/* Gives the kernel's reading of CLOCK_REALTIME for this message. False: there
 * is none. */
static bool stamp_of(struct msghdr *msg, struct wall *out)
{
	struct scm_timestamping stamps;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SCM_TIMESTAMPING ||
		    c->cmsg_len < CMSG_LEN(sizeof(stamps)))
			continue;
		memcpy(&stamps, CMSG_DATA(c), sizeof(stamps));
		if (stamps.ts[0].tv_sec == 0 && stamps.ts[0].tv_nsec == 0)
			continue;
		out->ns = ns_of_timespec(&stamps.ts[0]);
		return true;
	}
	return false;
}

static ssize_t receive(
    int fd, int flags, struct iovec *bytes, struct msghdr *msg, void *control)
{
	*msg = (struct msghdr){
	    .msg_iov = bytes,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = CONTROL_LEN,
	};
	return recvmsg(fd, msg, flags | MSG_DONTWAIT);
}

/* False: the error queue is empty. */
static bool read_tx_stamp(struct udp_slot *s)
{
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_LEN];
	/* SOF_TIMESTAMPING_OPT_TSONLY: the stamp comes without the packet. */
	uint8_t byte;
	struct iovec bytes = {&byte, sizeof(byte)};
	struct msghdr msg;
	struct wall tx;

	if (receive(s->fd, MSG_ERRQUEUE, &bytes, &msg, control) < 0)
		return false;
	/* A device may stamp a packet twice. The second stamp can come when the
	 * next request is under way. */
	if (stamp_of(&msg, &tx) && tx.ns >= s->sent.ns) {
		s->tx = tx;
		s->tx_kind = STAMP_KERNEL;
	}
	return true;
}

static int connect_to(const struct udp_slot *s, const struct endpoint *to)
{
	struct sockaddr_storage sa;
	socklen_t len = endpoint_to_sockaddr(to, &sa);

	return connect(s->fd, (const struct sockaddr *)&sa, len) < 0 ? -errno
								     : 0;
}

static int send_on(struct udp_slot *s, const void *bytes, size_t len)
{
	s->tx = s->sent = wall_now();
	s->tx_kind = STAMP_DAEMON;
	if (send(s->fd, bytes, len, 0) < 0)
		return -errno;
	return 0;
}

/* Most devices stamp a packet before send(2) returns: a wake-up less. Sources
 * may be behind different devices, so each slot has a count of its own. */
static void read_stamp_at_once(struct udp_slot *s)
{
	if (!s->stamped || s->late_stamps >= LATE_STAMPS_MOST)
		return;
	s->late_stamps = read_tx_stamp(s) ? 0 : s->late_stamps + 1;
}

static bool local_of(int fd, struct endpoint *from)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	return getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
	       endpoint_from_sockaddr(from, (const struct sockaddr *)&sa);
}

/* Has `a` the addresses and ports of `b`? Then answers to one reach the other.
 */
static bool is_one_connection(int a, int b)
{
	struct sockaddr_storage sa;
	struct endpoint local[2], peer[2];
	const int fds[2] = {a, b};

	for (int i = 0; i < 2; i++) {
		socklen_t len = sizeof(sa);

		if (!local_of(fds[i], &local[i]) ||
		    getpeername(fds[i], (struct sockaddr *)&sa, &len) != 0 ||
		    !endpoint_from_sockaddr(
			&peer[i], (const struct sockaddr *)&sa))
			return false;
	}
	return endpoint_same_host(&local[0], &local[1]) &&
	       local[0].port == local[1].port &&
	       endpoint_same_host(&peer[0], &peer[1]) &&
	       peer[0].port == peer[1].port;
}

/* Only a configured port can be that of two sources. */
static bool is_taken(const struct udp *u, unsigned slot)
{
	const struct udp_slot *s = &u->slots[slot];

	if (!s->binding || s->binding->port == 0)
		return false;
	for (unsigned i = 0; i < SOURCES_MAX; i++)
		if (i != slot && u->slots[i].fd >= 0 &&
		    is_one_connection(s->fd, u->slots[i].fd))
			return true;
	return false;
}

/* 0 or -errno */
static int open_slot(struct udp_slot *s, int family)
{
	int fd = s->spare;

	s->plain = !s->binding || binding_needs(s->binding) == 0;
	if (fd >= 0 && s->plain && s->family == family) {
		s->fd = fd;
		s->spare = -1;
		return 0;
	}
	drop_spare(s);
	fd = open_socket(family);
	if (fd < 0)
		return fd;
	s->fd = fd;
	s->family = family;
	s->stamped = ask_for_stamps(fd);
	make_room(fd);
	return 0;
}

int udp_send(struct udp *u, unsigned slot, const struct endpoint *to,
    const uint8_t *bytes, size_t len)
{
	struct udp_slot *s = &u->slots[slot];
	int err;

	udp_close(u, slot);
	if (!endpoint_same_host(&s->to, to))
		s->local.family = 0;
	s->to = *to;
	err = open_slot(s, endpoint_af(to));
	if (err)
		return err;
	err = binding_apply(s->binding, s->fd, endpoint_af(to), false);
	if (!err)
		err = connect_to(s, to);
	if (!err && is_taken(u, slot))
		err = -(BINDING_FAILED + EALREADY);
	if (!err)
		err = send_on(s, bytes, len);
	if (err < 0)
		udp_close(u, slot);
	else
		read_stamp_at_once(s);
	return err;
}

bool udp_local(const struct udp *u, unsigned slot, struct endpoint *from)
{
	return u->slots[slot].fd >= 0 && local_of(u->slots[slot].fd, from);
}

bool udp_route(struct udp *u, unsigned slot, const struct endpoint *to,
    struct endpoint *from)
{
	const struct binding *binding = u->slots[slot].binding;
	struct sockaddr_storage sa;
	socklen_t len = endpoint_to_sockaddr(to, &sa);
	int fd = open_socket(endpoint_af(to));
	bool there;

	u->slots[slot].local.family = 0;
	if (fd < 0)
		return false;
	there = binding_apply(binding, fd, endpoint_af(to), false) == 0 &&
		connect(fd, (const struct sockaddr *)&sa, len) == 0 &&
		local_of(fd, from);
	close(fd);
	return there;
}

nfds_t udp_pollfds(const struct udp *u, struct pollfd fds[], unsigned slots[])
{
	nfds_t n = 0;

	for (unsigned i = 0; i < SOURCES_MAX; i++) {
		if (u->slots[i].fd < 0)
			continue;
		fds[n] = (struct pollfd){
		    .fd = u->slots[i].fd,
		    .events = POLLIN | POLLPRI,
		};
		slots[n++] = i;
	}
	return n;
}

/* `came`: the datagram had come by then; 0: unknown. */
static bool read_datagram(
    struct udp_slot *s, struct wall came, struct datagram *out)
{
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_LEN];
	struct iovec bytes = {out->bytes, sizeof(out->bytes)};
	struct msghdr msg;
	ssize_t n;

	n = receive(s->fd, 0, &bytes, &msg, control);
	out->rx = came.ns ? came : wall_now();
	out->rx_kind = STAMP_DAEMON;
	out->tx = s->tx;
	out->tx_kind = s->tx_kind;
	out->error = n < 0 ? icmp_error_of_udp(errno) : 0;
	if (n < 0)
		return errno != EAGAIN;
	/* Until routes change, all requests to an address leave from the same
	 * one. */
	if (s->local.family == 0)
		(void)local_of(s->fd, &s->local);
	out->local = s->local;
	/* A truncated datagram keeps this length, and fails authentication. */
	out->len = (size_t)n;
	if (stamp_of(&msg, &out->rx))
		out->rx_kind = STAMP_KERNEL;
	return true;
}

void udp_note_wake(struct udp *u)
{
	u->woken = wall_now();
}

bool udp_ready(
    struct udp *u, unsigned slot, short revents, struct datagram *out)
{
	struct udp_slot *s = &u->slots[slot];

	out->slot = slot;
	if (s->fd < 0)
		return false;
	/* The transmit stamp first: on a short path, the answer may be here
	 * already. POLLERR without a stamp is an ICMP error, which a plain
	 * receive fetches. */
	if (s->stamped && (revents & (POLLPRI | POLLERR)) && read_tx_stamp(s) &&
	    !(revents & POLLIN))
		return false;
	return read_datagram(
	    s, revents & POLLIN ? u->woken : (struct wall){0}, out);
}

bool udp_next(struct udp *u, unsigned slot, struct datagram *out)
{
	struct udp_slot *s = &u->slots[slot];

	out->slot = slot;
	if (s->fd < 0)
		return false;
	/* The stamp may have come after what was read before. */
	if (awaits_stamp(s))
		(void)read_tx_stamp(s);
	return read_datagram(s, (struct wall){0}, out);
}
