#include "agent/query/status_socket.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_NS (5 * NS_PER_S)
/* The most connections that are refused in a row; more wait for the next turn.
 */
#define REFUSALS_MAX 24

/* A client waits for a second at most, even after one answer that took long. */
#define WORK_DEBT_S (-STATUS_WORK_PER_S)

static const struct allowance_limit work = {
    STATUS_WORK_BURST_S, STATUS_WORK_PER_S};

void status_socket_init(struct status_socket *s, int listen_fd, struct mono now)
{
	*s = (struct status_socket){.listen_fd = listen_fd,
	    .work = allowance_full(&work, now),
	    .rest_until = MONO_NEVER};
	user_limit_init(&s->limit, now);
	for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++)
		s->clients[i].fd = -1;
}

static void release(struct status_text *t)
{
	if (!t || --t->readers > 0)
		return;
	free(t->bytes);
	free(t);
}

static void drop(struct status_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	release(c->text);
	*c = (struct status_client){.fd = -1};
}

void status_socket_forget(struct status_socket *s)
{
	release(s->last);
	s->last = NULL;
}

void status_socket_change(struct status_socket *s)
{
	s->changed = true;
}

void status_socket_end(struct status_socket *s)
{
	for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++)
		drop(&s->clients[i]);
	status_socket_forget(s);
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
	if (s->listen_fd >= 0 && s->rest_until.ns == MONO_NEVER.ns &&
	    room(s, &free_slot))
		fds[n++] = (struct pollfd){s->listen_fd, POLLIN, 0};
	for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++)
		if (s->clients[i].fd >= 0)
			fds[n++] =
			    (struct pollfd){s->clients[i].fd, POLLOUT, 0};
	return n;
}

static void rest(struct status_socket *s, struct mono until)
{
	if (s->rest_until.ns == MONO_NEVER.ns || s->rest_until.ns < until.ns)
		s->rest_until = until;
}

/* Half of the work that users may cost is spent. */
static bool is_tired(const struct status_socket *s, struct mono now)
{
	return allowance_left(&s->work, &work, now) < work.burst / 2;
}

/* A user that is not known is the one with the largest number. One who asks
 * very often is refused first when work is short, so that others need not wait:
 * a refusal is cheap. */
static bool may_ask(
    struct status_socket *s, int fd, struct mono now, struct status_client *c)
{
	struct ucred who = {.uid = (uid_t)-1};
	socklen_t len = sizeof(who);
	bool allowed;

	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len);
	c->is_root = who.uid == 0;
	c->asks_often = user_limit_is_low(&s->limit, who.uid, now);
	s->for_user |= !c->is_root;
	allowed = user_limit_allows(&s->limit, who.uid, now);
	return allowed && !(c->asks_often && is_tired(s, now));
}

/* A descriptor, or -1. */
static int accept_allowed(
    struct status_socket *s, struct mono now, struct status_client *c)
{
	for (int i = 0; i < REFUSALS_MAX; i++) {
		int fd = accept4(
		    s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 || may_ask(s, fd, now, c))
			return fd;
		close(fd);
		rest(s, mono_after(now, STATUS_REST_NS));
	}
	return -1;
}

bool status_socket_accept(
    struct status_socket *s, struct mono now, size_t *client)
{
	struct status_client c = {.give_up = mono_after(now, TIMEOUT_NS)};

	c.fd = room(s, client) ? accept_allowed(s, now, &c) : -1;
	if (c.fd < 0)
		return false;
	s->clients[*client] = c;
	return true;
}

static void push(struct status_client *c)
{
	const struct status_text *t = c->text;
	ssize_t n =
	    send(c->fd, t->bytes + c->sent, t->len - c->sent, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		c->sent += (size_t)n;
	if (n <= 0 || c->sent == t->len)
		drop(c);
}

static void give(struct status_client *c, struct status_text *t)
{
	t->readers++;
	c->text = t;
	push(c);
}

bool status_socket_answer_again(
    struct status_socket *s, size_t client, struct mono now)
{
	if (!s->last || mono_due(s->fresh_until, now) ||
	    (s->changed && !s->clients[client].asks_often))
		return false;
	give(&s->clients[client], s->last);
	return true;
}

void status_socket_answer(
    struct status_socket *s, size_t client, char *text, struct mono now)
{
	struct status_text *t = text ? malloc(sizeof(*t)) : NULL;

	status_socket_forget(s);
	if (!t) {
		free(text);
		drop(&s->clients[client]);
		return;
	}
	*t = (struct status_text){text, strlen(text), 1};
	s->last = t;
	s->changed = false;
	s->fresh_until = mono_after(now, STATUS_FRESH_NS);
	give(&s->clients[client], t);
}

void status_socket_writable(struct status_socket *s, int fd)
{
	for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++) {
		struct status_client *c = &s->clients[i];

		if (c->fd != fd || !c->text)
			continue;
		s->for_user |= !c->is_root;
		push(c);
	}
}

void status_socket_worked(struct status_socket *s, int64_t ns, struct mono now)
{
	double left;
	int64_t rest_ns;

	if (!s->for_user)
		return;
	s->for_user = false;
	left = allowance_left(&s->work, &work, now) - s_of_ns(ns);
	s->work = (struct allowance){fmax(left, WORK_DEBT_S), now};
	if (left >= 0)
		return;
	/* A turn of the loop for each small debt would be dear, too. */
	rest_ns = ns_of_s(-s->work.left / work.per_s);
	rest(s, mono_after(
		    now, rest_ns > STATUS_REST_NS ? rest_ns : STATUS_REST_NS));
}

void status_socket_expire(struct status_socket *s, struct mono now)
{
	if (mono_due(s->rest_until, now))
		s->rest_until = MONO_NEVER;
	if (s->last && mono_due(s->fresh_until, now))
		status_socket_forget(s);
	for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++)
		if (s->clients[i].fd >= 0 &&
		    mono_due(s->clients[i].give_up, now))
			drop(&s->clients[i]);
}

struct mono status_socket_deadline(const struct status_socket *s)
{
	struct mono next = s->rest_until;

	for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++)
		if (s->clients[i].fd >= 0)
			next = mono_earlier(next, s->clients[i].give_up);
	return next;
}
