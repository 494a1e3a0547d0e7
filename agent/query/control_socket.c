#include "agent/query/control_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void control_socket_path(const char *status_path, char out[CONTROL_PATH_MAX])
{
	static const char usual[] = "status.sock";
	size_t len = strlen(status_path);
	size_t tail = sizeof(usual) - 1;

	if (len > tail && status_path[len - tail - 1] == '/' &&
	    strcmp(status_path + len - tail, usual) == 0)
		snprintf(out, CONTROL_PATH_MAX, "%.*scontrol.sock",
		    (int)(len - tail), status_path);
	else
		snprintf(out, CONTROL_PATH_MAX, "%s.control", status_path);
}

void control_socket_init(struct control_socket *c, int listen_fd, bool own_user)
{
	*c = (struct control_socket){
	    .listen_fd = listen_fd, .own_user = own_user};
}

static void drop(struct control_client *k)
{
	if (k->state != CONTROL_FREE)
		close(k->fd);
	*k = (struct control_client){.state = CONTROL_FREE};
}

void control_socket_end(struct control_socket *c)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		drop(&c->clients[i]);
	if (c->listen_fd >= 0)
		close(c->listen_fd);
	c->listen_fd = -1;
}

/* A place for a new client: a free one, or that of the oldest client that has
 * not sent its order, or does not read its answer. NULL: all wait for us. */
static struct control_client *place_for_client(struct control_socket *c)
{
	struct control_client *oldest = NULL;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *k = &c->clients[i];

		if (k->state == CONTROL_FREE)
			return k;
		if (k->state != CONTROL_WAITS &&
		    (!oldest || k->number < oldest->number))
			oldest = k;
	}
	if (oldest)
		drop(oldest);
	return oldest;
}

static struct control_client *client_of(struct control_socket *c, int fd)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (c->clients[i].state != CONTROL_FREE &&
		    c->clients[i].fd == fd)
			return &c->clients[i];
	return NULL;
}

nfds_t control_socket_pollfds(
    const struct control_socket *c, struct pollfd fds[])
{
	nfds_t n = 0;
	bool room = false;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		const struct control_client *k = &c->clients[i];

		/* An idle client makes room for another one. */
		room |= k->state != CONTROL_WAITS;
		if (k->state == CONTROL_READS || k->state == CONTROL_WRITES)
			fds[n++] = (struct pollfd){k->fd,
			    k->state == CONTROL_READS ? POLLIN : POLLOUT, 0};
	}
	/* Without room, new clients wait in the queue of the kernel. */
	if (c->listen_fd >= 0 && room)
		fds[n++] = (struct pollfd){c->listen_fd, POLLIN, 0};
	return n;
}

/* RFC 8633 3.4/1. The mode of the socket allows no one else either, unless it
 * was changed. */
static bool may_give_orders(const struct control_socket *c, int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
	       (who.uid == 0 || (c->own_user && who.uid == geteuid()));
}

static void push(struct control_client *k)
{
	ssize_t n =
	    send(k->fd, k->text + k->sent, k->len - k->sent, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		k->sent += (size_t)n;
	if (n <= 0 || k->sent == k->len)
		drop(k);
}

static void answer(
    struct control_client *k, bool ok, const char *text, struct mono now)
{
	snprintf(k->text, sizeof(k->text), "%s: %.*s\n", ok ? "ok" : "error",
	    CONTROL_TEXT_MAX - 16, text);
	k->len = strlen(k->text);
	k->sent = 0;
	k->state = CONTROL_WRITES;
	k->give_up = mono_after(now, CONTROL_TIMEOUT_NS);
	push(k);
}

static void take_client(struct control_socket *c, struct mono now)
{
	int fd =
	    accept4(c->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct control_client *k = fd < 0 ? NULL : place_for_client(c);

	if (!k) {
		if (fd >= 0)
			close(fd);
		return;
	}
	*k = (struct control_client){
	    .state = CONTROL_READS,
	    .fd = fd,
	    .number = ++c->accepted,
	    .give_up = mono_after(now, CONTROL_TIMEOUT_NS),
	};
	if (!may_give_orders(c, fd))
		answer(k, false, "only root may give orders", now);
}

/* Reads what there is of the line. True: it is complete. */
static bool read_line(struct control_client *k, struct mono now)
{
	ssize_t n =
	    recv(k->fd, k->text + k->len, CONTROL_LINE_MAX - 1 - k->len, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		drop(k);
		return false;
	}
	k->len += (size_t)n;
	if (memchr(k->text, '\n', k->len))
		return true;
	if (k->len == CONTROL_LINE_MAX - 1)
		answer(k, false, "the order is too long", now);
	return false;
}

/* Takes the first line and ignores what follows. No name of a source has other
 * bytes than printable ASCII. */
static bool take_line(
    struct control_client *k, char line[CONTROL_LINE_MAX], struct mono now)
{
	size_t len = 0;

	while (k->text[len] != '\n') {
		if (k->text[len] < 0x20 || k->text[len] > 0x7e) {
			answer(k, false, "the order is not plain text", now);
			return false;
		}
		line[len] = k->text[len];
		len++;
	}
	line[len] = '\0';
	k->state = CONTROL_WAITS;
	k->give_up = mono_after(now, CONTROL_WORK_NS);
	return true;
}

unsigned long control_socket_ready(struct control_socket *c, int fd,
    struct mono now, char line[CONTROL_LINE_MAX])
{
	struct control_client *k;

	if (fd == c->listen_fd) {
		take_client(c, now);
		return 0;
	}
	k = client_of(c, fd);
	if (k && k->state == CONTROL_WRITES)
		push(k);
	else if (k && k->state == CONTROL_READS && read_line(k, now) &&
		 take_line(k, line, now))
		return k->number;
	return 0;
}

void control_socket_answer(struct control_socket *c, unsigned long client,
    bool ok, const char *text, struct mono now)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *k = &c->clients[i];

		if (k->state == CONTROL_WAITS && k->number == client)
			answer(k, ok, text, now);
	}
}

void control_socket_expire(struct control_socket *c, struct mono now)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (c->clients[i].state != CONTROL_FREE &&
		    mono_due(c->clients[i].give_up, now))
			drop(&c->clients[i]);
}

struct mono control_socket_deadline(const struct control_socket *c)
{
	struct mono next = MONO_NEVER;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (c->clients[i].state != CONTROL_FREE)
			next = mono_earlier(next, c->clients[i].give_up);
	return next;
}
