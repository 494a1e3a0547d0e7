#include "resolver/race.h"
#include "resolver/icmp.h"
#include "resolver/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

/* So many addresses are named in a sentence. */
#define EXPLAINED_MAX 8

/* Of both sides. IPv6 passes packets of 1280 bytes on every path (RFC 8200
 * section 5). So a tunnel that loses larger ones without a word does not
 * stop a key exchange. */
#define SEGMENT_MAX (1280 - 40 - 20)

struct race {
	const struct names *to;
	const struct binding *binding;
	unsigned started; /* addresses 0 to started - 1 have been tried */
	unsigned open;	  /* of those, still connecting */
	struct pollfd fds[KE_ADDRESSES_MAX]; /* fd -1: failed */
	struct mono next_start;
	struct race_outcome *out;
};

/* Sets the flags by fcntl(), which may fail: clknetsim does not know
 * SOCK_NONBLOCK, and in some versions not F_SETFL, but it never blocks. */
static int open_socket(int af)
{
	const int segment = SEGMENT_MAX;
	int fd = socket(af, SOCK_STREAM, 0);

	if (fd < 0) {
		if (errno == EINVAL)
			errno = EAFNOSUPPORT;
		return -1;
	}
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	/* Without it, what the path says of its MTU has to be true. */
	(void)setsockopt(
	    fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
	return fd;
}

/* TCP has no route to a broadcast address; UDP says that it is one. */
static int name_broadcast(
    int error, const struct sockaddr_storage *address, socklen_t len)
{
	int fd;

	if (error != ENETUNREACH || address->ss_family != AF_INET)
		return error;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error;
	if (connect(fd, (const struct sockaddr *)address, len) != 0 &&
	    errno == EACCES)
		error = RACE_BROADCAST;
	close(fd);
	return error;
}

/* Returns a descriptor that becomes writable when it has connected or failed.
 * -1: see errno. */
static int begin_connect(const struct endpoint *e, const struct binding *b)
{
	struct sockaddr_storage address;
	socklen_t len = endpoint_to_sockaddr(e, &address);
	int fd, error;

	/* The kernel takes some of them, as 0.0.0.0 for this machine. */
	errno = EADDRNOTAVAIL;
	if (endpoint_no_host(e))
		return -1;
	fd = open_socket(endpoint_af(e));
	if (fd < 0)
		return -1;
	error = -binding_apply(b, fd, endpoint_af(e), true);
	if (error != 0) {
		close(fd);
		errno = error;
		return -1;
	}
	icmp_watch(fd, endpoint_af(e), true);
	if (connect(fd, (const struct sockaddr *)&address, len) == 0 ||
	    errno == EINPROGRESS || errno == EINTR)
		return fd;
	error = errno;
	close(fd);
	errno = name_broadcast(error, &address, len);
	return -1;
}

/* Starts the next address. False: none is left. */
static bool start_next(struct race *r)
{
	unsigned i = r->started;

	if (i == r->to->count)
		return false;
	r->started++;
	r->fds[i] = (struct pollfd){
	    .fd = begin_connect(&r->to->at[i], r->binding), .events = POLLOUT};
	r->next_start = mono_now();
	if (r->fds[i].fd < 0) {
		r->out->error[i] = errno;
	} else {
		r->open++;
		r->next_start = mono_after(r->next_start, RACE_STAGGER_NS);
	}
	return true;
}

static int socket_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return errno;
	/* It has accepted the connection and reset it: the exchange says so. */
	if (error == ECONNRESET || error == EPIPE)
		return 0;
	return error != 0 ? icmp_error_of_tcp(fd, error) : 0;
}

/* Handles the sockets with events. Returns the index of the winner, or -1.
 * After a failure the next address starts at once. */
static int harvest(struct race *r)
{
	for (unsigned i = 0; i < r->started; i++) {
		if (r->fds[i].fd < 0 || r->fds[i].revents == 0)
			continue;
		r->out->error[i] = socket_error(r->fds[i].fd);
		if (r->out->error[i] == 0)
			return (int)i;
		close(r->fds[i].fd);
		r->fds[i].fd = -1;
		r->open--;
		r->next_start = mono_now();
	}
	return -1;
}

static int take_winner(struct race *r, unsigned winner)
{
	int fd = -1;

	for (unsigned i = 0; i < r->started; i++) {
		if (r->fds[i].fd < 0)
			continue;
		if (i == winner)
			fd = r->fds[i].fd;
		else
			close(r->fds[i].fd);
	}
	r->out->winner = winner;
	icmp_watch(fd, endpoint_af(&r->to->at[winner]), false);
	return fd;
}

static void give_up(struct race *r)
{
	for (unsigned i = 0; i < r->started; i++) {
		if (r->fds[i].fd < 0)
			continue;
		close(r->fds[i].fd);
		r->out->error[i] = ETIMEDOUT;
	}
}

int race_connect(const struct names *to, const struct binding *binding,
    struct mono deadline, struct race_outcome *out)
{
	struct race r = {.to = to, .binding = binding, .out = out};
	struct mono wake;
	int winner;

	memset(out, 0, sizeof(*out));
	r.next_start = mono_now();
	while (!mono_due(deadline, mono_now())) {
		if (r.open == 0 || mono_due(r.next_start, mono_now())) {
			if (!start_next(&r) && r.open == 0)
				return -1;
			if (r.open == 0)
				continue;
		}
		wake = r.started < to->count
			   ? mono_earlier(r.next_start, deadline)
			   : deadline;
		if (poll_until(r.fds, r.started, wake) <= 0)
			continue;
		winner = harvest(&r);
		if (winner >= 0)
			return take_winner(&r, (unsigned)winner);
	}
	give_up(&r);
	return -1;
}

/* `from`: where the attempt came from, as the binding says, or "". */
static void explain_errno(
    const struct endpoint *e, const char *from, int error, struct sentence *why)
{
	char host[ENDPOINT_TEXT_MAX];

	endpoint_text(e, false, host);
	switch (error) {
	case 0:
		sentence_add(why, "%s was not tried before the timeout", host);
		break;
	case ECONNREFUSED:
		sentence_add(why,
		    "connection refused: nothing listens on TCP port %u of "
		    "%s%s (is NTS enabled there? does a firewall reject it?)",
		    e->port, host,
		    endpoint_is_loopback(e) ? ", which is this machine" : "");
		break;
	case ICMP_PROHIBITED:
		sentence_add(why,
		    "a firewall rejects connections to %s TCP port %u: on that "
		    "server, on the way, or on this machine",
		    host, e->port);
		break;
	case ETIMEDOUT:
		sentence_add(why,
		    "no answer from %s TCP port %u (blocked by a firewall?)",
		    host, e->port);
		break;
	case EHOSTUNREACH:
		sentence_add(why,
		    "%s cannot be reached: it or the network on the way to it "
		    "is down",
		    host);
		break;
	case ENETUNREACH:
		sentence_add(why, "no route to %s%s", host, from);
		break;
	case RACE_BROADCAST:
		sentence_add(why,
		    "%s is the broadcast address of a network of this machine, "
		    "so no server has it (check /etc/hosts or DNS)",
		    host);
		break;
	case EACCES:
	case EPERM:
		sentence_add(why,
		    "the firewall or sandbox of this machine does not allow "
		    "connections to %s TCP port %u",
		    host, e->port);
		break;
	default:
		sentence_add(why, "cannot connect to %s TCP port %u%s: %s",
		    host, e->port, from, strerror(error));
	}
}

static void explain_one(const struct endpoint *e, const struct binding *b,
    int error, struct sentence *why)
{
	const char *unfit = endpoint_no_host(e) ? endpoint_unfit(e, e) : NULL;
	char host[ENDPOINT_TEXT_MAX], from[BINDING_TEXT_MAX];

	endpoint_text(e, false, host);
	if (unfit) {
		sentence_add(why,
		    "%s %s, so no server has it (check /etc/hosts or DNS)",
		    host, unfit);
		return;
	}
	binding_text(b, endpoint_af(e), from);
	if (error > BINDING_FAILED) {
		binding_explain(b, endpoint_af(e), error, why);
		return;
	}
	/* IPv6 may be switched off for all devices: then no own address is
	 * there. */
	if (error == EAFNOSUPPORT ||
	    (error == EADDRNOTAVAIL && e->family == 6)) {
		sentence_add(why,
		    "this machine has no IPv%u, so it cannot reach %s",
		    e->family, host);
		return;
	}
	explain_errno(e, from, error, why);
}

bool race_unbound(const struct names *to, const struct race_outcome *outcome)
{
	unsigned tried = 0;

	while (tried < to->count && outcome->error[tried] != 0)
		if (outcome->error[tried++] < BINDING_FAILED)
			return false;
	return tried > 0;
}

/* The binding fails in the same way for all addresses of a family, and a device
 * for all. */
static bool is_repeated(
    const struct names *to, const struct race_outcome *outcome, unsigned i)
{
	if (outcome->error[i] < BINDING_FAILED)
		return false;
	for (unsigned j = 0; j < i; j++)
		if (outcome->error[j] == outcome->error[i] &&
		    (to->at[j].family == to->at[i].family ||
			outcome->error[i] != BINDING_FAILED + EADDRNOTAVAIL))
			return true;
	return false;
}

void race_explain(const struct names *to, const struct binding *binding,
    const struct race_outcome *outcome, struct sentence *why)
{
	unsigned untried = 0;

	for (unsigned i = 0; i < to->count; i++)
		untried += outcome->error[i] == 0;
	for (unsigned i = 0; i < to->count && i < EXPLAINED_MAX; i++) {
		if (i > 0 && outcome->error[i] == 0)
			break;
		if (is_repeated(to, outcome, i))
			continue;
		sentence_add(why, "%s", i > 0 ? "; " : "");
		explain_one(&to->at[i], binding, outcome->error[i], why);
	}
	if (to->count > EXPLAINED_MAX)
		sentence_add(why, "; none of the %u addresses connected",
		    to->count - untried);
	if (untried > 0 && outcome->error[0] != 0)
		sentence_add(why,
		    "; there was no time for %u of the %u addresses, which "
		    "come next",
		    untried, to->count);
}
