#include "agent/query/status_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_NS (5 * NS_PER_S)

void status_socket_init(struct status_socket *s, int listen_fd)
{
	*s = (struct status_socket){.listen_fd = listen_fd};
	for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++)
		s->clients[i].fd = -1;
}

static void drop(struct status_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->text);
	*c = (struct status_client){.fd = -1};
}

void status_socket_end(struct status_socket *s)
{
	for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++)
		drop(&s->clients[i]);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	s->listen_fd = -1;
}

static bool room(const struct status_socket *s, size_t *free_slot)
{
	for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++) {
		if (s->clients[i].fd >= 0)
			continue;
		*free_slot = i;
		return true;
	}
	return false;
}

nfds_t status_socket_pollfds(const struct status_socket *s, struct pollfd fds[])
{
	nfds_t n = 0;
	size_t free_slot;

	/* Without room, new clients wait in the queue of the kernel. */
	if (s->listen_fd >= 0 && room(s, &free_slot))
		fds[n++] = (struct pollfd){s->listen_fd, POLLIN, 0};
	for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++)
		if (s->clients[i].fd >= 0)
			fds[n++] =
			    (struct pollfd){s->clients[i].fd, POLLOUT, 0};
	return n;
}

bool status_socket_accept(
    struct status_socket *s, struct mono now, size_t *client)
{
	int fd;

	if (!room(s, client))
		return false;
	fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return false;
	s->clients[*client] = (struct status_client){
	    .fd = fd,
	    .give_up = mono_after(now, TIMEOUT_NS),
	};
	return true;
}

static void push(struct status_client *c)
{
	ssize_t n =
	    send(c->fd, c->text + c->sent, c->len - c->sent, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		c->sent += (size_t)n;
	if (n <= 0 || c->sent == c->len)
		drop(c);
}

void status_socket_answer(struct status_socket *s, size_t client, char *text)
{
	struct status_client *c = &s->clients[client];

	c->text = text;
	c->len = text ? strlen(text) : 0;
	if (c->len == 0)
		drop(c);
	else
		push(c);
}

void status_socket_writable(struct status_socket *s, int fd)
{
	for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++)
		if (s->clients[i].fd == fd)
			push(&s->clients[i]);
}

void status_socket_expire(struct status_socket *s, struct mono now)
{
	for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++)
		if (s->clients[i].fd >= 0 &&
		    mono_due(s->clients[i].give_up, now))
			drop(&s->clients[i]);
}

struct mono status_socket_deadline(const struct status_socket *s)
{
	struct mono next = MONO_NEVER;

	for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++)
		if (s->clients[i].fd >= 0)
			next = mono_earlier(next, s->clients[i].give_up);
	return next;
}
