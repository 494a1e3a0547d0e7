#include "agent/exporter/clients.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void clients_init(struct clients *c, const int *listeners, unsigned count,
    answer_fn *answer, void *self)
{
	*c = (struct clients){.answer = answer, .self = self};
	for (unsigned i = 0; i < count && i < LISTENERS_MAX; i++)
		c->listeners[c->listener_count++] = listeners[i];
}

static void drop(struct client *k)
{
	if (k->state == CLIENT_FREE)
		return;
	close(k->fd);
	free(k->answer);
	k->answer = NULL;
	k->state = CLIENT_FREE;
}

void clients_end(struct clients *c)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		drop(&c->all[i]);
	for (unsigned i = 0; i < c->listener_count; i++)
		close(c->listeners[i]);
	c->listener_count = 0;
}

/* Who has not sent its request gives way first, then the oldest one: a client
 * that sends its request at once is not kept out by those that do not. */
static bool gives_way(const struct client *a, const struct client *b)
{
	bool reads_a = a->state == CLIENT_READS,
	     reads_b = b->state == CLIENT_READS;

	return reads_a != reads_b ? reads_a : a->number < b->number;
}

static struct client *place_for_client(struct clients *c)
{
	struct client *place = &c->all[0];

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *k = &c->all[i];

		if (k->state == CLIENT_FREE)
			return k;
		if (gives_way(k, place))
			place = k;
	}
	drop(place);
	return place;
}

static bool is_for_later(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static void linger(struct client *k, struct mono now)
{
	free(k->answer);
	k->answer = NULL;
	k->used = 0;
	(void)shutdown(k->fd, SHUT_WR);
	k->state = CLIENT_LINGERS;
	k->give_up = mono_after(now, CLIENT_LINGER_NS);
}

static void write_answer(struct client *k, struct mono now)
{
	while (k->sent < k->len) {
		ssize_t n = send(k->fd, k->answer + k->sent, k->len - k->sent,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && is_for_later())
			return;
		if (n <= 0) {
			drop(k);
			return;
		}
		k->sent += (size_t)n;
	}
	linger(k, now);
}

static void answer(struct clients *c, struct client *k, const struct request *r,
    struct mono now)
{
	k->answer = c->answer(c->self, r, &k->len);
	if (!k->answer) {
		drop(k);
		return;
	}
	k->sent = 0;
	k->state = CLIENT_WRITES;
	k->give_up = mono_after(now, CLIENT_ANSWER_NS);
	write_answer(k, now);
}

static void read_request(struct clients *c, struct client *k, struct mono now)
{
	ssize_t n = recv(
	    k->fd, k->request + k->used, REQUEST_MAX - k->used, MSG_DONTWAIT);
	struct request r;

	if (n < 0 && is_for_later())
		return;
	if (n <= 0) {
		drop(k);
		return;
	}
	k->used += (size_t)n;
	r = request_parse(k->request, k->used);
	if (r.kind != REQUEST_MORE)
		answer(c, k, &r, now);
}

/* What comes is of no use. */
static void read_rest(struct client *k)
{
	ssize_t n = recv(k->fd, k->request, REQUEST_MAX, MSG_DONTWAIT);

	if (n < 0 && is_for_later())
		return;
	k->used += n > 0 ? (size_t)n : 0;
	if (n <= 0 || k->used >= CLIENT_LINGER_BYTES)
		drop(k);
}

static void serve(struct clients *c, struct client *k, struct mono now)
{
	switch (k->state) {
	case CLIENT_READS:
		read_request(c, k, now);
		break;
	case CLIENT_WRITES:
		write_answer(k, now);
		break;
	case CLIENT_LINGERS:
		read_rest(k);
		break;
	case CLIENT_FREE:
		break;
	}
}

void clients_add(struct clients *c, int fd, struct mono now)
{
	struct client *k = place_for_client(c);

	k->state = CLIENT_READS;
	k->fd = fd;
	k->number = ++c->last_number;
	k->used = 0;
	k->give_up = mono_after(now, CLIENT_REQUEST_NS);
	/* Its request is probably there. */
	read_request(c, k, now);
}

/* As many as there is room for: the others wait in the queue of the kernel. */
static void accept_clients(struct clients *c, int listener, struct mono now)
{
	for (int i = 0; i < CLIENTS_MAX; i++) {
		int fd =
		    accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		clients_add(c, fd, now);
	}
}

static short events_of(const struct client *k)
{
	return k->state == CLIENT_WRITES ? POLLOUT : POLLIN;
}

unsigned clients_polls(const struct clients *c, struct mono now,
    struct pollfd polls[CLIENTS_POLLS_MAX], int *timeout_ms)
{
	struct mono next = MONO_NEVER;
	unsigned count = 0;

	for (unsigned i = 0; i < c->listener_count; i++)
		polls[count++] =
		    (struct pollfd){.fd = c->listeners[i], .events = POLLIN};
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *k = &c->all[i];

		if (k->state == CLIENT_FREE)
			continue;
		next = mono_earlier(next, k->give_up);
		polls[count++] =
		    (struct pollfd){.fd = k->fd, .events = events_of(k)};
	}
	*timeout_ms = -1;
	if (next.ns != MONO_NEVER.ns)
		*timeout_ms = mono_due(next, now)
				  ? 0
				  : (int)((next.ns - now.ns) / NS_PER_MS) + 1;
	return count;
}

static struct client *client_of(struct clients *c, int fd)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (c->all[i].state != CLIENT_FREE && c->all[i].fd == fd)
			return &c->all[i];
	return NULL;
}

/* The clients come before the listeners: a new connection may get the number of
 * one that has just been closed. */
void clients_ready(struct clients *c, const struct pollfd *polls,
    unsigned count, struct mono now)
{
	for (unsigned i = c->listener_count; i < count; i++) {
		struct client *k = client_of(c, polls[i].fd);

		if (k && polls[i].revents)
			serve(c, k, now);
	}
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (c->all[i].state != CLIENT_FREE &&
		    mono_due(c->all[i].give_up, now))
			drop(&c->all[i]);
	for (unsigned i = 0; i < c->listener_count && i < count; i++)
		if (polls[i].revents)
			accept_clients(c, polls[i].fd, now);
}
