#include "agent/cmdmon/loop.h"

#include "agent/cmdmon/cache.h"
#include "agent/cmdmon/respond.h"
#include "agent/cmdmon/turns.h"
#include "agent/host/wait_limit.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

/* One socket must not keep the others waiting. */
#define REQUESTS_A_TURN 16

struct loop {
	const struct sockets *sockets;
	struct cache cache;
	struct turns turns;
};

static struct mono now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){ns_of_timespec(&ts)};
}

static void answer(struct loop *l, int fd, const uint8_t *datagram, size_t len,
    const struct sockaddr_storage *peer, socklen_t peer_len)
{
	uint8_t out[CMDMON_MESSAGE_MAX];
	const struct snapshot *s = NULL;

	if (respond_needs_status(datagram, len))
		s = cache_get(&l->cache);
	len = respond(datagram, len, s, out);
	/* A client that is gone gets no answer. */
	if (len > 0)
		(void)sendto(fd, out, len, MSG_DONTWAIT | MSG_NOSIGNAL,
		    (const struct sockaddr *)peer, peer_len);
}

/* recvfrom(2), with a limit to the wait for descriptors of the sender. */
static ssize_t receive(int fd, uint8_t *out, size_t size,
    struct sockaddr_storage *peer, socklen_t *peer_len)
{
	ssize_t n;

	wait_limit_begin();
	n = recvfrom(
	    fd, out, size, MSG_DONTWAIT, (struct sockaddr *)peer, peer_len);
	wait_limit_end();
	return n;
}

/* False: nothing is left to read, or nothing may be answered now. */
static bool serve(struct loop *l, unsigned i)
{
	const int fd = l->sockets->fd[i];
	/* Room for a byte too many, so that what is too long is seen. */
	uint8_t datagram[CMDMON_MESSAGE_MAX + 1];
	struct sockaddr_storage peer = {0};
	socklen_t peer_len = sizeof(peer);
	ssize_t n = receive(fd, datagram, sizeof(datagram), &peer, &peer_len);

	/* ECONNREFUSED and others are about an earlier answer. */
	if (n < 0)
		return errno != EAGAIN;
	if (!turns_allow(&l->turns, i, now()))
		return false;
	if (sockets_is_local(&peer, peer_len))
		answer(l, fd, datagram, (size_t)n, &peer, peer_len);
	return true;
}

static void serve_turn(struct loop *l, unsigned i)
{
	for (unsigned n = 0; n < REQUESTS_A_TURN && serve(l, i); n++)
		;
}

/* Returns what poll(2) returns. */
static int wait_for_requests(
    const struct loop *l, struct pollfd *fds, int timeout_ms)
{
	const struct mono at = now();

	/* poll(2) ignores a descriptor below 0. */
	for (unsigned i = 0; i < l->sockets->count; i++)
		fds[i] = (struct pollfd){.fd = turns_pauses(&l->turns, i, at)
						   ? -1
						   : l->sockets->fd[i],
		    .events = POLLIN};
	return poll(fds, l->sockets->count, timeout_ms);
}

bool loop_run(const struct sockets *s, const char *status_path)
{
	const int idle_ms = s->activated ? LOOP_IDLE_MS : -1;
	struct loop l = {.sockets = s};
	struct pollfd fds[SOCKETS_MAX];

	cache_init(&l.cache, status_path);
	turns_init(&l.turns, s->count, now());
	for (;;) {
		const int pause_ms = turns_wait_ms(&l.turns, now());
		int n =
		    wait_for_requests(&l, fds, pause_ms ? pause_ms : idle_ms);

		if (n == 0 && pause_ms == 0)
			return true;
		if (n < 0 && errno != EINTR) {
			log_error("cannot wait: %s", strerror(errno));
			return false;
		}
		for (unsigned i = 0; n > 0 && i < s->count; i++)
			if (fds[i].revents != 0)
				serve_turn(&l, i);
	}
}
