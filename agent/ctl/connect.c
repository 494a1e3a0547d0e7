#include "agent/ctl/connect.h"

#include "base/time.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define CHUNK 65536

struct reading {
	const char *path;
	const char *line; /* an order, or NULL: the status is read */
	const struct connect_limits *limits;
	struct mono deadline;
	char *why;
	char *bytes;
	size_t len, room;
};

static struct mono now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){ns_of_timespec(&ts)};
}

static bool fail(struct reading *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool fail(struct reading *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(r->why, CONNECT_ERROR_MAX, fmt, args);
	va_end(args);
	return false;
}

/* The control socket is in the same folder. */
static bool is_usual(const char *path)
{
	static const char folder[] = "/run/ntsagent/";

	return strncmp(path, folder, sizeof(folder) - 1) == 0;
}

static bool fail_connect(struct reading *r, int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ECONNREFUSED:
		/* "restart" helps, too, if somebody removed the socket. */
		return fail(r,
		    "ntsagentd is not running: nothing listens on %s%s; start "
		    "it as root: systemctl restart ntsagent; if that fails: "
		    "ntsagentd --check-config, journalctl -u ntsagent",
		    r->path,
		    is_usual(r->path)
			? ""
			: " (an option or NTSAGENT_STATUS says so; the usual "
			  "socket is " STATUS_SOCKET_PATH ")");
	case EACCES:
	case EPERM:
		if (r->line)
			return fail(r,
			    "only root may give orders (%s): try sudo",
			    r->path);
		return fail(r,
		    "no permission to connect to %s: every user may read the "
		    "status, so see who may enter its folder: namei -l %s",
		    r->path, r->path);
	case EAGAIN:
		return fail(r,
		    "ntsagentd does not answer on %s: see: "
		    "systemctl status ntsagent",
		    r->path);
	default:
		return fail(
		    r, "cannot connect to %s: %s", r->path, strerror(error));
	}
}

/* connect(2) waits while the queue of the listener is full; not longer than
 * this. */
static void limit_connect(int fd, int timeout_ms)
{
	struct timeval limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000};

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

/* Returns the descriptor, or -1 with a sentence in `why`. */
static int open_socket(struct reading *r)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd, error;

	if (strlen(r->path) >= sizeof(sa.sun_path)) {
		fail(r, "the socket's path is too long, %zu bytes at most: %s",
		    sizeof(sa.sun_path) - 1, r->path);
		return -1;
	}
	memcpy(sa.sun_path, r->path, strlen(r->path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		limit_connect(fd, r->limits->timeout_ms);
		if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0)
			return fd;
	}
	error = errno;
	if (fd >= 0)
		close(fd);
	fail_connect(r, error);
	return -1;
}

static bool fail_slow(struct reading *r)
{
	return fail(r,
	    "ntsagentd on %s did not finish its answer within %g s: see: "
	    "systemctl status ntsagent",
	    r->path, r->limits->timeout_ms / 1000.0);
}

/* The deadline is for the whole answer: a slow peer gets no more time than a
 * silent one. */
static bool wait_readable(struct reading *r, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t left_ns;
	int n;

	do {
		left_ns = r->deadline.ns - now().ns;
		if (left_ns <= 0)
			return fail_slow(r);
		n = poll(&p, 1, (int)(left_ns / NS_PER_MS) + 1);
	} while (n == 0 || (n < 0 && errno == EINTR));
	return n > 0 ||
	       fail(r, "cannot wait for ntsagentd: %s", strerror(errno));
}

static bool make_room(struct reading *r)
{
	char *bigger;

	if (r->room - r->len >= CHUNK)
		return true;
	bigger = realloc(r->bytes, 2 * r->room + CHUNK);
	if (!bigger)
		return fail(r, "no memory is left for the answer of ntsagentd");
	r->bytes = bigger;
	r->room = 2 * r->room + CHUNK;
	return true;
}

/* Reads a part of the answer. False: an error or, with `*end`, the end. */
static bool read_piece(struct reading *r, int fd, bool *end)
{
	ssize_t n;

	if (!wait_readable(r, fd) || !make_room(r))
		return false;
	n = recv(fd, r->bytes + r->len, CHUNK, MSG_DONTWAIT);
	/* The agent closed with a part of the order unread: its answer is
	 * complete. Or it ended with this connection in its queue. */
	if (n < 0 && errno == ECONNRESET)
		n = 0;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ||
		       fail(r, "cannot read from %s: %s", r->path,
			   strerror(errno));
	*end = n == 0;
	r->len += (size_t)n;
	if (r->len > r->limits->bytes)
		return fail(r,
		    "the answer on %s is longer than %zu bytes: it is not a "
		    "status of ntsagentd",
		    r->path, r->limits->bytes);
	return !*end;
}

/* A short line always fits into the buffer of the socket. */
static bool send_line(struct reading *r, int fd)
{
	size_t len = r->line ? strlen(r->line) : 0;

	if (len == 0 || send(fd, r->line, len, MSG_NOSIGNAL) == (ssize_t)len)
		return true;
	/* The agent closed before it read the order; its answer says why. */
	return errno == EPIPE ||
	       fail(r, "cannot write to %s: %s", r->path, strerror(errno));
}

/* False: an error; `bytes` is not a whole answer. */
static bool read_all(struct reading *r)
{
	bool end = false;
	int fd;

	r->deadline = mono_after(now(), r->limits->timeout_ms * NS_PER_MS);
	fd = open_socket(r);
	if (fd < 0)
		return false;
	if (send_line(r, fd))
		while (read_piece(r, fd, &end))
			;
	close(fd);
	return end;
}

char *status_read(const char *path, const struct connect_limits *limits,
    size_t *len, char why[static CONNECT_ERROR_MAX])
{
	struct reading r = {.path = path, .limits = limits, .why = why};

	if (!read_all(&r)) {
		free(r.bytes);
		return NULL;
	}
	*len = r.len;
	return r.bytes;
}

char *control_ask(const char *path, const char *line,
    const struct connect_limits *limits, char why[static CONNECT_ERROR_MAX])
{
	struct reading r = {
	    .path = path, .line = line, .limits = limits, .why = why};

	if (!read_all(&r)) {
		free(r.bytes);
		return NULL;
	}
	/* make_room leaves at least a CHUNK after the last byte. */
	r.bytes[r.len] = '\0';
	return r.bytes;
}
