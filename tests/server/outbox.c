#include "tests/server/outbox.h"

static void send_now(const struct client *to, const struct datagram *datagram)
{
	for (unsigned i = 0; i < datagram->copies; i++)
		sockets_send(to, datagram->bytes, datagram->len);
}

void outbox_post(struct outbox *box, const struct client *to,
    const struct datagram *datagram, struct mono now)
{
	if (datagram->len == 0)
		return;
	if (datagram->hold_ns == 0) {
		send_now(to, datagram);
		return;
	}
	for (unsigned i = 0; i < OUTBOX_MAX; i++) {
		if (!box->held[i].used) {
			box->held[i] = (struct held){true,
			    mono_after(now, datagram->hold_ns), *to, *datagram};
			return;
		}
	}
}

struct mono outbox_work(struct outbox *box, struct mono now)
{
	struct mono next = MONO_NEVER;

	for (unsigned i = 0; i < OUTBOX_MAX; i++) {
		struct held *h = &box->held[i];

		if (h->used && mono_due(h->due, now)) {
			send_now(&h->to, &h->datagram);
			h->used = false;
		}
		if (h->used)
			next = mono_earlier(next, h->due);
	}
	return next;
}
