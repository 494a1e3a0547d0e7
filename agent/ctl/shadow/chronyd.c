#include "agent/ctl/shadow/chronyd.h"

#include "base/time.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_WAIT_MS 1000
#define TRIES 3
/* All questions together: a program that is not chronyd may send without an
 * end.
 */
#define LIMIT_MS 10000

static bool fail(
    struct chronyd *c, char why[CHRONYD_TEXT_MAX], const char *what)
{
	snprintf(why, CHRONYD_TEXT_MAX, "%s %s", c->name, what);
	return false;
}

static bool fail_connect(struct chronyd *c, char why[CHRONYD_TEXT_MAX])
{
	int error = errno;

	snprintf(why, CHRONYD_TEXT_MAX, "cannot connect to chronyd at %s: %s%s",
	    c->name, strerror(error),
	    error == EACCES ? "; try sudo, or --chronyd 127.0.0.1" : "");
	chronyd_close(c);
	return false;
}

/* chronyd answers to a socket with a name; only its own folder is sure to be
 * one that it can reach. */
static bool bind_own(struct chronyd *c, const char *path)
{
	const char *slash = strrchr(path, '/');
	int n = snprintf(c->own.sun_path, sizeof(c->own.sun_path),
	    "%.*s/ntsctl.%ld.sock", (int)(slash - path), path, (long)getpid());
	mode_t before;
	bool bound;

	if (n < 0 || (size_t)n >= sizeof(c->own.sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	c->own.sun_family = AF_UNIX;
	unlink(c->own.sun_path);
	/* chronyd may write to it. The folder is chronyd's: chmod(2) would
	 * follow a link that its user has put in the place of the socket. */
	before = umask(0111);
	bound =
	    bind(c->fd, (const struct sockaddr *)&c->own, sizeof(c->own)) == 0;
	umask(before);
	c->has_own = bound;
	return bound;
}

static bool open_path(
    struct chronyd *c, const char *path, char why[CHRONYD_TEXT_MAX])
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(sa.sun_path))
		return fail(c, why, "is too long for a socket's path");
	memcpy(sa.sun_path, path, strlen(path) + 1);
	c->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || !bind_own(c, path) ||
	    connect(c->fd, (const struct sockaddr *)&sa, sizeof(sa)) != 0)
		return fail_connect(c, why);
	return true;
}

static bool take_port(const char *text, uint16_t *port)
{
	char *end;
	unsigned long n;

	if (*text == '\0')
		return true;
	if (*text++ != ':')
		return false;
	n = strtoul(text, &end, 10);
	*port = (uint16_t)n;
	return end != text && *end == '\0' && n >= 1 && n <= UINT16_MAX;
}

/* Splits "[::1]:323", "::1", "127.0.0.1:323". False: it is none of these. */
static bool split(const char *where, char host[64], uint16_t *port)
{
	bool bracket = where[0] == '[';
	const char *from = where + bracket;
	size_t len = strcspn(from, bracket ? "]" : ":");

	/* More than one colon: an IPv6 address without a port. */
	if (!bracket && from[len] == ':' && strchr(from + len + 1, ':'))
		len = strlen(from);
	if (len >= 64 || (bracket && from[len] != ']'))
		return false;
	memcpy(host, from, len);
	host[len] = '\0';
	return take_port(from + len + bracket, port);
}

static bool connect_udp(
    struct chronyd *c, const struct sockaddr *sa, socklen_t len)
{
	c->fd = socket(sa->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return c->fd >= 0 && connect(c->fd, sa, len) == 0;
}

static bool open_address(
    struct chronyd *c, const char *where, char why[CHRONYD_TEXT_MAX])
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	uint16_t port = CMDMON_PORT;
	char host[64];
	bool ok;

	if (!split(where, host, &port))
		return fail(c, why,
		    "is neither a path nor an address with or without a port");
	v4.sin_port = v6.sin6_port = htons(port);
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		ok = connect_udp(c, (const struct sockaddr *)&v4, sizeof(v4));
	else if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
		ok = connect_udp(c, (const struct sockaddr *)&v6, sizeof(v6));
	else
		return fail(c, why, "is not a numeric address");
	return ok || fail_connect(c, why);
}

static void init(struct chronyd *c, const char *where)
{
	*c = (struct chronyd){.fd = -1};
	snprintf(c->name, sizeof(c->name), "%s", where);
	if (getrandom(&c->sequence, sizeof(c->sequence), GRND_NONBLOCK) < 0)
		c->sequence = (uint32_t)getpid();
}

bool chronyd_open(
    struct chronyd *c, const char *where, char why[CHRONYD_TEXT_MAX])
{
	if (where) {
		init(c, where);
		return where[0] == '/' ? open_path(c, where, why)
				       : open_address(c, where, why);
	}
	init(c, CHRONYD_SOCKET_PATH);
	if (open_path(c, CHRONYD_SOCKET_PATH, why))
		return true;
	init(c, CHRONYD_ADDRESS);
	return open_address(c, CHRONYD_ADDRESS, why);
}

void chronyd_close(struct chronyd *c)
{
	if (c->fd >= 0)
		close(c->fd);
	if (c->has_own)
		unlink(c->own.sun_path);
	c->fd = -1;
	c->has_own = false;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ns_of_timespec(&ts) / NS_PER_MS;
}

/* An answer to another request is from an earlier try. False: none came, or
 * time is up. */
static bool await(struct chronyd *c, const struct cmdmon_request *r,
    struct cmdmon_answer *out)
{
	uint8_t bytes[CMDMON_MESSAGE_MAX];
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	int64_t until = now_ms() + ANSWER_WAIT_MS, left;
	ssize_t n;

	if (until > c->give_up_ms)
		until = c->give_up_ms;
	errno = 0;
	while ((left = until - now_ms()) > 0) {
		if (poll(&p, 1, (int)left) <= 0)
			return false;
		n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n >= 0 && cmdmon_answer_parse(bytes, (size_t)n, out) &&
		    out->sequence == r->sequence && out->command == r->command)
			return true;
	}
	return false;
}

static bool ask(struct chronyd *c, uint16_t command, unsigned index,
    struct cmdmon_answer *out, char why[CHRONYD_TEXT_MAX])
{
	uint8_t bytes[CMDMON_MESSAGE_MAX];

	for (unsigned i = 0; i < TRIES && now_ms() < c->give_up_ms; i++) {
		struct cmdmon_request r = {.command = command,
		    .sequence = ++c->sequence,
		    .index = index};
		size_t len = cmdmon_request_write(&r, bytes);

		if (send(c->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len ||
		    !await(c, &r, out)) {
			if (errno == ECONNREFUSED)
				break;
			continue;
		}
		if (out->status == CMDMON_SUCCESS)
			return true;
		return fail(c, why, "refuses to say how its clock is");
	}
	return fail(c, why,
	    "does not answer as chronyd does: is it running, and is its "
	    "cmdport not 0?");
}

static bool read_sources(
    struct chronyd *c, struct chronyd_state *out, char why[CHRONYD_TEXT_MAX])
{
	struct cmdmon_answer a;
	unsigned count;

	if (!ask(c, CMDMON_N_SOURCES, 0, &a, why))
		return false;
	if (a.reply != CMDMON_REPLY_N_SOURCES)
		return fail(c, why, "answers something else");
	count = a.source_count < SOURCES_MAX ? a.source_count : SOURCES_MAX;
	for (out->count = 0; out->count < count; out->count++) {
		if (!ask(c, CMDMON_SOURCE_DATA, out->count, &a, why))
			return false;
		if (a.reply != CMDMON_REPLY_SOURCE_DATA)
			return fail(c, why, "answers something else");
		out->source[out->count] = a.source;
	}
	return true;
}

static bool read_tracking(
    struct chronyd *c, struct cmdmon_tracking *out, char why[CHRONYD_TEXT_MAX])
{
	struct cmdmon_answer a;

	if (!ask(c, CMDMON_TRACKING, 0, &a, why))
		return false;
	if (a.reply != CMDMON_REPLY_TRACKING)
		return fail(c, why, "answers something else");
	*out = a.tracking;
	return true;
}

bool chronyd_read(
    struct chronyd *c, struct chronyd_state *out, char why[CHRONYD_TEXT_MAX])
{
	struct cmdmon_tracking before;

	c->give_up_ms = now_ms() + LIMIT_MS;
	/* An update between the questions would mix two states. */
	for (unsigned i = 0; i < TRIES; i++) {
		if (!read_tracking(c, &before, why) ||
		    !read_sources(c, out, why) ||
		    !read_tracking(c, &out->tracking, why))
			return false;
		if (before.reference_time_ns == out->tracking.reference_time_ns)
			return true;
	}
	return fail(c, why, "changes its state while it is asked");
}
