#include "agent/link/resolver_link.h"

#include <assert.h>
#include <string.h>

void resolver_link_init(struct resolver_link *q, int fd)
{
	*q = (struct resolver_link){.fd = fd};
}

static void put(struct resolver_link *q, const struct ke_request *request)
{
	unsigned i = 0;

	while (i < q->count && q->waiting[i].source != request->source)
		i++;
	assert(i < SOURCES_MAX);
	q->waiting[i] = *request;
	q->count += i == q->count;
}

static void drop_first(struct resolver_link *q)
{
	q->count--;
	memmove(
	    &q->waiting[0], &q->waiting[1], q->count * sizeof(q->waiting[0]));
}

bool resolver_link_ask(
    struct resolver_link *q, const struct ke_request *request)
{
	int sent = 0;

	/* No request overtakes another one. */
	if (q->fd >= 0 && !q->trust_waits && q->count == 0)
		sent = frame_send(q->fd, request, sizeof(*request));
	if (sent == 0)
		put(q, request);
	return sent >= 0;
}

static bool send_trust(
    struct resolver_link *q, const struct trust_config *trust)
{
	int sent = frame_send(q->fd, trust, sizeof(*trust));

	q->trust_waits = sent == 0;
	return sent >= 0;
}

bool resolver_link_trust(
    struct resolver_link *q, const struct trust_config *trust)
{
	return q->fd < 0 || send_trust(q, trust);
}

bool resolver_link_send(
    struct resolver_link *q, const struct trust_config *trust)
{
	int sent = 1;

	if (q->trust_waits && !send_trust(q, trust))
		return false;
	while (q->fd >= 0 && !q->trust_waits && q->count > 0 && sent == 1) {
		sent = frame_send(q->fd, &q->waiting[0], sizeof(q->waiting[0]));
		if (sent == 1)
			drop_first(q);
	}
	return sent >= 0;
}

short resolver_link_events(const struct resolver_link *q)
{
	return q->trust_waits || q->count > 0 ? POLLIN | POLLOUT : POLLIN;
}
