#include "agent/observer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_NS (5 * NS_PER_S)

void observer_init(struct observer *o, int listen_fd)
{
	*o = (struct observer){.listen_fd = listen_fd};
	for (size_t i = 0; i < OBSERVERS_MAX; i++)
		o->clients[i].fd = -1;
}

static void drop(struct observer_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->text);
	*c = (struct observer_client){.fd = -1};
}

void observer_end(struct observer *o)
{
	for (size_t i = 0; i < OBSERVERS_MAX; i++)
		drop(&o->clients[i]);
	if (o->listen_fd >= 0)
		close(o->listen_fd);
	o->listen_fd = -1;
}

static bool room(const struct observer *o, size_t *free_slot)
{
	for (size_t i = 0; i < OBSERVERS_MAX; i++) {
		if (o->clients[i].fd >= 0)
			continue;
		*free_slot = i;
		return true;
	}
	return false;
}

nfds_t observer_pollfds(const struct observer *o, struct pollfd fds[])
{
	nfds_t n = 0;
	size_t free_slot;

	/* Without room new clients wait in the kernel's backlog. */
	if (o->listen_fd >= 0 && room(o, &free_slot))
		fds[n++] = (struct pollfd){o->listen_fd, POLLIN, 0};
	for (size_t i = 0; i < OBSERVERS_MAX; i++)
		if (o->clients[i].fd >= 0)
			fds[n++] =
			    (struct pollfd){o->clients[i].fd, POLLOUT, 0};
	return n;
}

bool observer_accept(struct observer *o, struct mono now, size_t *client)
{
	int fd;

	if (!room(o, client))
		return false;
	fd = accept4(o->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return false;
	o->clients[*client] = (struct observer_client){
	    .fd = fd,
	    .give_up = mono_after(now, PATIENCE_NS),
	};
	return true;
}

static void push(struct observer_client *c)
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

void observer_answer(struct observer *o, size_t client, char *text)
{
	struct observer_client *c = &o->clients[client];

	c->text = text;
	c->len = text ? strlen(text) : 0;
	if (c->len == 0)
		drop(c);
	else
		push(c);
}

void observer_writable(struct observer *o, int fd)
{
	for (size_t i = 0; i < OBSERVERS_MAX; i++)
		if (o->clients[i].fd == fd)
			push(&o->clients[i]);
}

void observer_expire(struct observer *o, struct mono now)
{
	for (size_t i = 0; i < OBSERVERS_MAX; i++)
		if (o->clients[i].fd >= 0 &&
		    mono_due(o->clients[i].give_up, now))
			drop(&o->clients[i]);
}

struct mono observer_deadline(const struct observer *o)
{
	struct mono next = MONO_NEVER;

	for (size_t i = 0; i < OBSERVERS_MAX; i++)
		if (o->clients[i].fd >= 0)
			next = mono_earlier(next, o->clients[i].give_up);
	return next;
}
